//! Facts about the rooms on this journal: which are open, and which one has the duties of all.
//!
//! An embedded journal has one room, and who opens it has everything. Where a journal is shared, several rooms are open
//! at once: each serves its people and sees with its own sources, and one has the duties that may be done once only
//! (what is due by time, pushes, readiness checks, recordings). Each change of it counts an epoch up. Because an append
//! is refused wherever the journal has gone on, what a room decides in an epoch that is over never becomes durable.

use super::{
    command::Ctx,
    event::Event,
    fact::Fact,
    state::State,
    time::{Span, Stamp},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happened to a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomFact {
    /// A room took this journal, or joined those that share it.
    Opened {
        /// Version of the program.
        version: String,
        /// Machine it runs on.
        host: String,
        /// Whether it serves its owner alone.
        private: bool,
        /// Whether others may be open beside it; else it is the only one from now on.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        shares: bool,
    },
    /// It has the duties of all rooms from now on.
    DutyTaken {
        /// How often they were taken before.
        epoch: u64,
        /// The room that had them and is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
    },
    /// A room that is open says nothing any more: it is taken for gone until it opens again.
    Lost {
        /// Which, by its name in the envelope.
        room: String,
        /// The machine it runs on.
        host: String,
        /// How long it had said nothing.
        silent: Span,
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
        lasted: Span,
    },
    /// The journal had lost events that it had acknowledged to this room, as after a failover to a server that was
    /// behind: what people had done in them is decided again from here on.
    GapWrittenBack {
        /// The first that was lost, of those that this room appended.
        from: u64,
        /// The last that this room knew.
        to: u64,
        /// Commands of this room that were lost with them.
        commands: u64,
    },
    /// The room stopped in good order.
    Closed {
        /// Why: a signal and its sender, a command.
        why: String,
    },
}

/// A room that is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Open {
    /// Machine it runs on.
    pub host: String,
    /// When it opened.
    pub since: Stamp,
}

/// Who has the duties of all rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// Which room, by its name in the envelope.
    pub room: String,
    /// How often they were taken, this time included.
    pub epoch: u64,
}

/// What the state keeps of the rooms.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RoomState {
    /// Machine of the room that opened last.
    pub host: String,
    /// Rooms that are open, by their names in the envelope.
    pub open: BTreeMap<String, Open>,
    /// Who has the duties of all; nobody before a room opens, and between two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duty: Option<Duty>,
    /// How often the duties were taken.
    pub epoch: u64,
    /// A drill's scenario while one runs.
    pub drill: Option<String>,
}

impl RoomState {
    /// Whether this room has the duties of all.
    pub fn has_duty(&self, room: &str) -> bool {
        self.duty.as_ref().is_some_and(|duty| duty.room == room)
    }

    /// Whether another room has them: what may be done once only is not this one's to do.
    pub fn is_anothers(&self, room: &str) -> bool {
        self.duty.as_ref().is_some_and(|duty| duty.room != room)
    }

    /// Whether what a room has said about the world is another's to take back: as long as the room that said it is
    /// open, nobody else contradicts it, for each sees with its own sources.
    pub fn stands(&self, said_by: &str, room: &str) -> bool {
        said_by != room && self.open.contains_key(said_by)
    }

    /// The machine of a room; of the newest where it is not open.
    pub fn host_of(&self, room: &str) -> &str {
        self.open.get(room).map_or(&self.host, |open| &open.host)
    }
}

pub(super) fn decide(state: &State, fact: &RoomFact, ctx: &Ctx) -> Vec<Fact> {
    let rooms = &state.room;
    let fact = match fact {
        // Who does not know what is due leaves the duties to a room that does.
        RoomFact::DutyTaken { .. } if rooms.duty.is_some() || state.newer.is_some() => return Vec::new(),
        RoomFact::DutyTaken { after, .. } => {
            RoomFact::DutyTaken { epoch: rooms.epoch.saturating_add(1), after: after.clone() }
        }
        RoomFact::Lost { room, .. } if *room == ctx.room || !rooms.open.contains_key(room) => {
            return Vec::new();
        }
        other => other.clone(),
    };
    vec![Fact::Room(fact)]
}

pub(super) fn apply(state: &mut State, fact: &RoomFact, event: &Event) {
    let rooms = &mut state.room;
    match fact {
        RoomFact::Opened { host, shares, .. } => {
            if !*shares {
                rooms.open.clear();
                rooms.epoch = rooms.epoch.saturating_add(1);
                rooms.duty = Some(Duty { room: event.room.clone(), epoch: rooms.epoch });
                // What another room was answered is old: this one asks itself.
                state.readiness.clear();
            }
            state.room.host.clone_from(host);
            let open = Open { host: host.clone(), since: event.occurred.clone() };
            state.room.open.insert(event.room.clone(), open);
        }
        RoomFact::DutyTaken { epoch, .. } => {
            rooms.epoch = *epoch;
            rooms.duty = Some(Duty { room: event.room.clone(), epoch: *epoch });
            state.readiness.clear();
        }
        RoomFact::Lost { room, .. } => gone(rooms, room),
        RoomFact::DrillBegan { scenario, .. } => rooms.drill = Some(scenario.clone()),
        RoomFact::DrillEnded => rooms.drill = None,
        RoomFact::Resumed { .. } | RoomFact::GapWrittenBack { .. } => {}
        RoomFact::Closed { .. } => gone(rooms, &event.room),
    }
}

fn gone(rooms: &mut RoomState, room: &str) {
    rooms.open.remove(room);
    rooms.duty = rooms.duty.take().filter(|duty| duty.room != room);
}
