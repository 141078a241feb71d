//! Something said or seen, written down.

use super::{
    command::Ctx,
    erasure::{self, Erasure, Found},
    event::{Event, Seq},
    fact::Fact,
    id::{Digest, IncidentId},
    refusal::{Refusal, text},
    state::State,
    time::Wall,
};
use serde::{Deserialize, Serialize};

/// What can happen to notes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteFact {
    /// Words.
    Said {
        /// The incident it belongs to, where it does.
        incident: Option<IncidentId>,
        /// The words.
        text: String,
    },
    /// Something on screen was pinned: a line, a chart, a command's output.
    Pinned {
        /// The incident it belongs to, where it does.
        incident: Option<IncidentId>,
        /// What kind of thing, `line`, `chart`, `output`.
        what: String,
        /// What it shows, in words.
        text: String,
        /// Where it lies in the evidence, where it does.
        evidence: Option<Digest>,
        /// The time it is about, where that is not now.
        about: Option<Wall>,
    },
    /// What an event said, or showed, was taken out of the journal and the evidence.
    Erased {
        /// The incident it belonged to, where it did.
        incident: Option<IncidentId>,
        /// Which event.
        seq: Seq,
        /// What it was, `note.said`.
        kind: String,
        /// Whether its payload went; else only what lay in the evidence.
        payload: bool,
        /// What went out of the evidence.
        evidence: Option<Digest>,
        /// Why.
        reason: String,
    },
    /// An event was marked as important, or no longer.
    Starred {
        /// Which incident.
        incident: IncidentId,
        /// Which event.
        seq: Seq,
        /// Marked, or no longer.
        on: bool,
    },
}

impl NoteFact {
    /// Where it was said.
    pub fn incident(&self) -> Option<IncidentId> {
        match self {
            Self::Said { incident, .. } | Self::Pinned { incident, .. } | Self::Erased { incident, .. } => {
                *incident
            }
            Self::Starred { incident, .. } => Some(*incident),
        }
    }
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteCommand {
    /// Write words down.
    Say {
        /// The incident it belongs to, where it does.
        incident: Option<IncidentId>,
        /// The words.
        text: String,
    },
    /// Pin what was seen.
    Pin {
        /// The incident it belongs to, where it does.
        incident: Option<IncidentId>,

        /// What kind of thing, `line`, `chart`, `output`.
        what: String,

        /// The words.
        text: String,

        /// Where it lies in the evidence, where it does.
        evidence: Option<Digest>,

        /// The time it is about, where that is not now.
        about: Option<Wall>,
    },
    /// Take out of the journal what an event said.
    Erase {
        /// Which event.
        seq: Seq,
        /// Why.
        reason: String,
        /// What it is: looked up by the room, never taken from a client.
        #[serde(skip)]
        found: Option<Found>,
    },
    /// Mark an event.
    Star {
        /// Which incident.
        incident: IncidentId,
        /// Which event.
        seq: Seq,
        /// Marked, or no longer.
        on: bool,
    },
}

pub(super) fn decide(state: &State, command: &NoteCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let fact = match command {
        NoteCommand::Say { incident, text: words } => {
            if let Some(id) = incident {
                state.declared(*id)?;
            }
            NoteFact::Said { incident: *incident, text: text("the note", words, 16_000)? }
        }
        NoteCommand::Pin { incident, what, text: words, evidence, about } => {
            if let Some(id) = incident {
                state.declared(*id)?;
            }
            NoteFact::Pinned {
                incident: *incident,
                what: text("what is pinned", what, 40)?,
                text: text("the pinned text", words, 16_000)?,
                evidence: *evidence,
                about: *about,
            }
        }
        NoteCommand::Erase { seq, reason, found } => {
            return erasure::decide(state, (*seq, reason, found.as_ref()), ctx);
        }
        NoteCommand::Star { incident, seq, on } => {
            state.declared(*incident)?;
            // A closed incident's stars are in the journal alone.
            let known = state.incidents.get(incident).filter(|_| !state.is_closed(*incident));
            if known.is_some_and(|known| known.stars.contains(seq) == *on) {
                return Ok(Vec::new());
            }
            NoteFact::Starred { incident: *incident, seq: *seq, on: *on }
        }
    };
    Ok(vec![Fact::Note(fact)])
}

pub(super) fn apply(state: &mut State, fact: &NoteFact, event: &Event) {
    if let NoteFact::Erased { seq, reason, .. } = fact {
        let erasure = Erasure { by: event.actor.name.clone(), reason: reason.clone() };
        state.erased.insert(*seq, erasure);
    }
    if let NoteFact::Starred { incident, seq, on } = fact
        && let Some(incident) = state.incidents.get_mut(incident)
    {
        if *on {
            incident.stars.insert(*seq);
        } else {
            incident.stars.remove(seq);
        }
    }
}
