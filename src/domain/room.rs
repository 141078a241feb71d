//! Facts about the room itself.

use super::{event::Event, state::State, time::Stamp};
use serde::{Deserialize, Serialize};

/// What happened to the room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomFact {
    /// A room took this journal.
    Opened {
        /// Version of the program.
        version: String,
        /// Machine it runs on.
        host: String,
        /// Whether it serves its owner alone.
        private: bool,
    },
    /// All that follows is practice, kept out of real figures.
    DrillBegan {
        /// Scenario by name.
        scenario: String,
        /// How many times faster than life the story runs.
        pace: f64,
    },
    /// The practice is over.
    DrillEnded,
    /// The journal takes events again.
    Resumed {
        /// Why it did not.
        why: String,
        /// For how long.
        lasted: super::time::Span,
    },
    /// The room stopped in good order.
    Closed {
        /// Why: a signal and its sender, a command.
        why: String,
    },
}

/// What the state keeps of the room.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomState {
    /// Machine of the room that writes now.
    pub host: String,
    /// Whether it serves its owner alone.
    pub private: bool,
    /// When it opened.
    pub opened: Option<Stamp>,
    /// A drill's scenario while one runs.
    pub drill: Option<String>,
}

pub(super) fn apply(state: &mut State, fact: &RoomFact, event: &Event) {
    match fact {
        RoomFact::Opened { host, private, .. } => {
            state.room.host.clone_from(host);
            state.room.private = *private;
            state.room.opened = Some(event.occurred.clone());
            // What another room was answered is old: this one asks itself.
            state.readiness.clear();
        }
        RoomFact::DrillBegan { scenario, .. } => state.room.drill = Some(scenario.clone()),
        RoomFact::DrillEnded => state.room.drill = None,
        RoomFact::Resumed { .. } => {}
        RoomFact::Closed { .. } => state.room.opened = None,
    }
}
