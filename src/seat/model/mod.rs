//! What a seat knows: the projection that views draw. No I/O, no clock.

pub mod conn;
pub mod draft;
pub mod entry;
pub mod find;
pub mod hands;
pub mod health;
pub mod layer;
pub mod lines;
pub mod look;
pub mod pending;
pub mod then;
pub mod timeline;
pub mod ui;
pub mod unsent;
pub mod waits;
pub mod when;

pub use crate::wire::{JournalState, Presence, RoomStatus, StepRef};
pub use conn::Conn;
pub use draft::{Draft, Todo};
pub use hands::HandShow;
pub use layer::Layer;
pub use look::Leader;
pub use timeline::Timeline;
pub use ui::{Pane, Ui, View};
pub use when::Zone;

use crate::{
    domain::{
        Command, CommandId, Ctx, State,
        actor::Actor,
        id::{Digest, IncidentId},
        newer::Newer,
        plan::Runbook,
        policy::Power,
        power::{self, Groups},
        time::{Stamp, Wall},
    },
    seat::command::keymap::Keymap,
    signal::{Live, Shows},
    wire::{Away, Here, Look, SeatId},
};
use pending::Pendings;
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// Something said to the person at this seat alone, shown above the footer until a key is pressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The words.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
    /// When it was said; it goes by itself after a while.
    pub at: Stamp,
}

/// How something is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It was done.
    Done,
    /// To know.
    Info,
    /// It was not done, and why.
    Wrong,
}

/// What the drill's coach says, and whether the person wants to hear it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coach {
    /// The line.
    pub text: Option<String>,
    /// Switched off.
    pub off: bool,
}

/// What a seat is made with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// This machine's name, where hands will run.
    pub host: String,
    /// The local time zone.
    pub zone: Zone,
    /// Runbooks that can be started.
    pub runbooks: Vec<Arc<Runbook>>,
    /// Their texts, by hash, as the room wants them.
    pub texts: BTreeMap<Digest, String>,
    /// Keys.
    pub keymap: Keymap,
    /// Random; names of commands and hands are counted on from it.
    pub seed: Uuid,
    /// How one comes back to this room after leaving the seat.
    pub come_back: String,
    /// Why this is not the machine's room, where the machine is meant to have one.
    pub passed_over: Option<String>,
    /// What stands on the line to join beside the room's host and the incident, such as its socket.
    pub join: String,
    /// The incident to look at first.
    pub incident: Option<IncidentId>,
    /// This seat only looks.
    pub read_only: bool,
    /// What could be watched here, found without being asked to, each with the flag that watches it.
    pub could_watch: Vec<String>,
    /// What is wrong with the person's own keys or theme, which are left aside until it is put right.
    pub mistakes: Option<String>,
    /// This moment.
    pub now: Stamp,
}

/// Everything a seat knows.
#[derive(Debug, Clone)]
pub struct Model {
    /// Who one is, as the room's kernel says.
    pub me: Option<Actor>,
    /// Those of one's groups that give anybody a power.
    pub groups: Groups,
    /// This seat's connection among those that are here; 0 before the room said it.
    pub seat: SeatId,
    /// This seat only looks.
    pub read_only: bool,
    /// When the last key was pressed here.
    pub active: Stamp,
    /// What this seat has told of itself last, and when.
    pub told: Option<(Here, Stamp)>,
    /// The seat that this one follows.
    pub leader: Option<Leader>,
    /// The last request to look somewhere that was answered or put aside, by its end.
    pub looked: Option<Wall>,
    /// Where one looked before one was asked to look elsewhere.
    pub before: Option<Look>,
    /// How many clients are attached to the terminal that this seat runs in, where a multiplexer says so.
    pub attached: Option<usize>,
    /// This machine.
    pub host: String,
    /// How the connection is.
    pub conn: Conn,
    /// How the room is.
    pub room: Option<RoomStatus>,
    /// Why the journal is not to be believed, as this seat saw it, and since when. It stays until the seat is left.
    pub doubt: Option<(String, Wall)>,
    /// What is the case.
    pub state: State,
    /// Whether a state has come at all.
    pub loaded: bool,
    /// What is live.
    pub live: Live,
    /// What has happened.
    pub timeline: Timeline,
    /// What hands show.
    pub hands: BTreeMap<StepRef, HandShow>,
    /// This moment.
    pub now: Stamp,
    /// The local time zone.
    pub zone: Zone,
    /// What one looks at.
    pub ui: Ui,
    /// What lies over the views, the topmost last.
    pub layers: Vec<Layer>,
    /// Runbooks that can be started.
    pub runbooks: Vec<Arc<Runbook>>,
    /// Their texts, by hash, as the room wants them.
    pub texts: BTreeMap<Digest, String>,
    /// The coach.
    pub coach: Coach,
    /// The post-mortem draft.
    pub draft: Draft,
    /// Keys.
    pub keymap: Keymap,
    /// The newest thing said to this person.
    pub notice: Option<Notice>,
    /// How one comes back.
    pub come_back: String,
    /// Why this is not the machine's room, where the machine is meant to have one.
    pub passed_over: Option<String>,
    /// What stands on the line to join beside host and incident.
    pub join: String,
    /// What could be watched here.
    pub could_watch: Vec<String>,
    /// What was asked while the journal is out of reach, and waits for the reason for which the glass is broken.
    pub held: Option<Box<(Command, pending::Then)>>,
    /// Commands and questions without an answer yet.
    pub pending: Pendings,
    /// What of the signals the room was told is shown here.
    pub showing: Shows,
    /// What was typed into layers that were closed while nothing could be sent.
    pub aside: Vec<String>,
    /// Whether the newest command could not be sent, so that what was typed for it is kept.
    pub unsent: bool,
}

/// Nobody is locked out of a war room by a typing error in a file: it is shown, and one goes on.
fn mistaken(text: String) -> Layer {
    Layer::Message { title: "Your own files have mistakes".into(), text, top: 0 }
}

impl Model {
    /// A seat that has heard nothing yet.
    pub fn new(setup: Setup) -> Self {
        Self {
            me: None,
            groups: Groups::default(),
            seat: 0,
            read_only: setup.read_only,
            active: setup.now.clone(),
            told: None,
            leader: None,
            looked: None,
            before: None,
            attached: None,
            host: setup.host,
            conn: Conn::Connecting { since: setup.now.clone() },
            room: None,
            doubt: None,
            state: State::default(),
            loaded: false,
            live: Live::default(),
            timeline: Timeline::default(),
            hands: BTreeMap::new(),
            now: setup.now,
            zone: setup.zone,
            ui: Ui { incident: setup.incident, ..Ui::default() },
            layers: setup.mistakes.map(mistaken).into_iter().collect(),
            runbooks: setup.runbooks,
            texts: setup.texts,
            coach: Coach::default(),
            draft: Draft::default(),
            keymap: setup.keymap,
            notice: None,
            come_back: setup.come_back,
            passed_over: setup.passed_over,
            join: setup.join,
            could_watch: setup.could_watch,
            held: None,
            pending: Pendings::new(setup.seed),
            showing: Shows::default(),
            aside: Vec::new(),
            unsent: false,
        }
    }

    /// Says something to the person.
    pub fn say(&mut self, tone: Tone, text: impl Into<String>) {
        let text = crate::domain::text::line(&text.into()).into_owned();
        self.notice = Some(Notice { text, tone, at: self.now.clone() });
    }

    /// Whether what one does is recorded, as far as is known: in the journal, or at the room alone.
    pub fn writable(&self) -> bool {
        self.room.as_ref().is_none_or(|room| room.journal == JournalState::Writable || room.away.is_some())
    }

    /// The first event that the room, or this seat, does not understand.
    pub fn newer(&self) -> Option<&Newer> {
        self.room.as_ref().and_then(|room| room.newer.as_ref()).or(self.state.newer.as_ref())
    }

    /// Whether the gate says of no deploy that it may go.
    pub fn gate_is_undecided(&self) -> bool {
        let doubtful = |room: &RoomStatus| room.slow.is_some() || room.journal != JournalState::Writable;
        self.newer().is_some() || self.room.as_ref().is_some_and(doubtful)
    }

    /// What the room keeps while the journal that it shares is out of reach.
    pub fn away(&self) -> Option<&Away> {
        self.room.as_ref()?.away.as_deref()
    }

    /// Whether what one does now is this room's alone.
    pub fn is_offline(&self) -> bool {
        self.away().is_some() && self.room.as_ref().is_some_and(|room| room.journal != JournalState::Writable)
    }

    /// Whether one has a power for the shown incident. Before the room said who one is, nobody has.
    pub fn may(&self, power: Power) -> bool {
        let about = self.open_incident().map(|incident| incident.id);
        self.me
            .as_ref()
            .is_some_and(|me| power::may(&self.state, (me, &self.groups), power, about, &self.now))
    }

    /// Machine of the room whose sources are seen, where other rooms see with other sources.
    pub fn seen_from(&self) -> Option<&str> {
        self.room.as_ref().filter(|room| room.rooms.len() > 1).map(|room| room.host.as_str())
    }

    /// Whether one may look and nothing else, as the room's policy has it.
    pub fn is_observer(&self) -> bool {
        self.loaded && self.me.is_some() && !self.may(Power::Respond) && !self.may(Power::Approve)
    }

    /// As the room would ask the rules for this person now.
    pub fn ctx(&self) -> Option<Ctx> {
        Some(Ctx {
            actor: self.me.clone()?,
            groups: self.groups.clone(),
            now: self.now.clone(),
            id: CommandId(Uuid::nil()),
            room: String::new(),
        })
    }

    /// Whether others sit at the same terminal: everybody there is one and the same to the room.
    pub fn is_shared(&self) -> bool {
        self.attached.map_or_else(
            || {
                self.me
                    .as_ref()
                    .and_then(|me| me.claimed.as_ref())
                    .is_some_and(|claim| claim.contains("shared"))
            },
            |clients| clients > 1,
        )
    }

    /// One's login name; empty before the room said it.
    pub fn my_name(&self) -> &str {
        self.me.as_ref().map_or("", |me| me.name.as_str())
    }
}
