//! What was recorded while the journal was out of reach, and the rules did not accept when it was back, because
//! something else had happened meanwhile. It is never lost: a person decides what becomes of it.

use super::{
    actor::Actor,
    command::Ctx,
    event::{Event, Seq},
    fact::Fact,
    id::{ConflictId, IncidentId},
    note::NoteFact,
    refusal::{Refusal, text},
    state::State,
    time::{Stamp, clock_utc},
};
use serde::{Deserialize, Serialize};

/// A conflict that nobody has decided yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// Name.
    pub id: ConflictId,
    /// What was recorded.
    pub what: Box<Unaccepted>,
    /// Since when it is known.
    pub since: Stamp,
    /// The event.
    pub seq: Seq,
}

/// What was recorded and not accepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Unaccepted {
    /// The incident that it belonged to, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// Who did it.
    pub by: Actor,
    /// When.
    pub at: Stamp,
    /// On which machine's room.
    pub host: String,
    /// What, as it stood in the timeline there.
    pub said: String,
    /// Why the glass was broken for it, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glass: Option<String>,
    /// Why the rules do not accept it now.
    pub why: String,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictFact {
    /// It was recorded, and is not accepted.
    Found {
        /// Its name.
        conflict: ConflictId,
        /// What.
        what: Box<Unaccepted>,
    },
    /// It stands as a note: it happened, whatever the rules say of it.
    Kept {
        /// Which.
        conflict: ConflictId,
        /// Why.
        reason: String,
    },
    /// It does not count.
    SetAside {
        /// Which.
        conflict: ConflictId,
        /// Why.
        reason: String,
    },
}

impl ConflictFact {
    /// Whose incident.
    pub fn incident(&self, state: &State) -> Option<IncidentId> {
        match self {
            Self::Found { what, .. } => what.incident,
            Self::Kept { conflict, .. } | Self::SetAside { conflict, .. } => {
                state.conflicts.get(conflict).and_then(|known| known.what.incident)
            }
        }
    }
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictCommand {
    /// The room found one.
    Raise {
        /// What.
        what: Box<Unaccepted>,
    },
    /// Keep it as a note.
    Keep {
        /// Which.
        conflict: ConflictId,
        /// Why.
        reason: String,
    },
    /// Set it aside.
    SetAside {
        /// Which.
        conflict: ConflictId,
        /// Why.
        reason: String,
    },
}

/// Longest text of what was recorded, in bytes.
const SAID_MAX: usize = 2_000;

fn cut(said: &str) -> &str {
    let mut end = said.len().min(SAID_MAX);
    while !said.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    said.get(..end).unwrap_or_default()
}

pub(super) fn decide(state: &State, command: &ConflictCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let known =
        |id: &ConflictId| state.conflicts.get(id).ok_or_else(|| Refusal::unknown("open conflict", id));
    match command {
        ConflictCommand::Raise { what } => {
            ctx.room_only()?;
            let what = Box::new(Unaccepted {
                incident: what.incident.filter(|id| state.declared(*id).is_ok()),
                said: cut(&what.said).to_owned(),
                ..(**what).clone()
            });
            let conflict = state.issued.next_conflict();
            Ok(vec![Fact::Conflict(ConflictFact::Found { conflict, what })])
        }
        ConflictCommand::Keep { conflict, reason } => {
            let what = &known(conflict)?.what;
            let reason = text("the reason", reason, 400)?;
            let glass = what.glass.as_ref().map(|why| format!(", glass broken: {why}")).unwrap_or_default();
            let text = format!(
                "[offline at {} on {}, by {}{glass}; not accepted: {}] {}",
                clock_utc(what.at.wall),
                what.host,
                what.by,
                what.why,
                what.said
            );
            Ok(vec![
                Fact::Note(NoteFact::Said { incident: what.incident, text }),
                Fact::Conflict(ConflictFact::Kept { conflict: *conflict, reason }),
            ])
        }
        ConflictCommand::SetAside { conflict, reason } => {
            known(conflict)?;
            let reason = text("the reason", reason, 400)?;
            Ok(vec![Fact::Conflict(ConflictFact::SetAside { conflict: *conflict, reason })])
        }
    }
}

pub(super) fn apply(state: &mut State, fact: &ConflictFact, event: &Event) {
    match fact {
        ConflictFact::Found { conflict, what } => {
            let new =
                Conflict { id: *conflict, what: what.clone(), since: event.occurred.clone(), seq: event.seq };
            state.conflicts.insert(*conflict, new);
        }
        ConflictFact::Kept { conflict, .. } | ConflictFact::SetAside { conflict, .. } => {
            state.conflicts.remove(conflict);
        }
    }
}
