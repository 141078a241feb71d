//! What the console says in people's words: now, goal, else, and when the next update is due.

use super::{
    event::{Event, Seq},
    fact::Fact,
    id::IncidentId,
    refusal::{Code, Refusal, text},
    state::State,
    time::{Span, Stamp},
};
use serde::{Deserialize, Serialize};

/// A line of the console that people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardLine {
    /// What is the case.
    Now,
    /// What we want, by when.
    Goal,
    /// What happens if not.
    Else,
}

impl BoardLine {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Goal => "goal",
            Self::Else => "else",
        }
    }
}

/// The written lines and the update clock.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Board {
    /// What is the case.
    pub now: Option<Said>,
    /// What we want.
    pub goal: Option<Said>,
    /// What happens if not.
    pub otherwise: Option<Said>,
    /// How often an update is owed.
    pub update_every: Option<Span>,
    /// When the next is due.
    pub update_due: Option<Stamp>,
}

/// A line, by whom, when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The words.
    pub text: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Stamp,
    /// The event.
    pub seq: Seq,
}

/// What can happen to the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardFact {
    /// A line was written.
    Set {
        /// Which incident.
        incident: IncidentId,
        /// Which line.
        line: BoardLine,
        /// The words.
        text: String,
    },
    /// The cadence of updates was set.
    Cadence {
        /// Which incident.
        incident: IncidentId,
        /// How often; `None` owes none.
        every: Option<Span>,
    },
    /// An update went out; the clock starts anew.
    Updated {
        /// Which incident.
        incident: IncidentId,
        /// The words.
        text: String,
    },
}

impl BoardFact {
    /// Whose board.
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Set { incident, .. } | Self::Cadence { incident, .. } | Self::Updated { incident, .. } => {
                *incident
            }
        }
    }
}

/// What can be asked of the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardCommand {
    /// Write a line.
    Set {
        /// Which incident.
        incident: IncidentId,
        /// Which line.
        line: BoardLine,
        /// The words.
        text: String,
    },
    /// Owe an update this often; `None` owes none.
    Cadence {
        /// Which incident.
        incident: IncidentId,
        /// How often; `None` owes none.
        every: Option<Span>,
    },
    /// An update was sent.
    Updated {
        /// Which incident.
        incident: IncidentId,
        /// The words.
        text: String,
    },
}

pub(super) fn decide(state: &State, command: &BoardCommand) -> Result<Vec<Fact>, Refusal> {
    let fact = match command {
        BoardCommand::Set { incident, line, text: words } => {
            state.open(*incident)?;
            BoardFact::Set { incident: *incident, line: *line, text: text("the line", words, 400)? }
        }
        BoardCommand::Cadence { incident, every } => {
            state.open(*incident)?;
            if every.is_some_and(|every| every < Span::mins(1)) {
                return Err(Refusal::new(Code::Invalid, "updates more often than every minute help nobody"));
            }
            BoardFact::Cadence { incident: *incident, every: *every }
        }
        BoardCommand::Updated { incident, text: words } => {
            state.open(*incident)?;
            BoardFact::Updated { incident: *incident, text: text("the update", words, 4_000)? }
        }
    };
    Ok(vec![Fact::Board(fact)])
}

pub(super) fn apply(state: &mut State, fact: &BoardFact, event: &Event) {
    let Some(incident) = state.incidents.get_mut(&fact.incident()) else { return };
    let board = &mut incident.board;
    match fact {
        BoardFact::Set { line, text, .. } => {
            let said = Some(Said {
                text: text.clone(),
                by: event.actor.name.clone(),
                at: event.occurred.clone(),
                seq: event.seq,
            });
            match line {
                BoardLine::Now => board.now = said,
                BoardLine::Goal => board.goal = said,
                BoardLine::Else => board.otherwise = said,
            }
        }
        BoardFact::Cadence { every, .. } => {
            board.update_every = *every;
            board.update_due = every.map(|every| event.occurred.plus(every));
        }
        BoardFact::Updated { .. } => {
            board.update_due = board.update_every.map(|every| event.occurred.plus(every));
        }
    }
}
