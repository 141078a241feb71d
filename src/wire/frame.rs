//! The frames themselves.

use super::parts::PartOf;
use super::presence::{Here, Look, Point, Presence, SeatId};
use crate::{
    domain::{
        Command, CommandId, Event, Refusal, Seq, State,
        actor::Actor,
        gate,
        id::{Digest, IncidentId, WalkId},
        newer::Newer,
        plan::Slug,
        power::Groups,
        time::{Span, Wall},
    },
    signal::{Answer, Delta, Live, Shows},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_none(seat: &SeatId) -> bool {
    *seat == 0
}

/// What a client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum As {
    /// A person's terminal.
    Seat,
    /// One command and gone.
    Script,
    /// Runs a step.
    Hand,
}

/// A step of a walk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepRef {
    /// Walk.
    pub walk: WalkId,
    /// Step.
    pub step: Slug,
}

/// From a client to the room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToRoom {
    /// First of all.
    Hello {
        /// [`super::WIRE`].
        wire: u32,
        /// The client's fold, [`crate::domain::state::FOLD`]; 0 for none.
        #[serde(default)]
        fold: u32,
        /// What it is.
        #[serde(rename = "as")]
        role: As,
        /// Whether it wants state, events and signals as they come.
        #[serde(default)]
        live: bool,
        /// What it says of itself, unproved: an SSH origin, a shared terminal.
        #[serde(default)]
        claimed: Option<String>,
        /// Whether it only looks: whatever it asks that changes anything is refused.
        #[serde(default, skip_serializing_if = "is_false")]
        read_only: bool,
        /// What of the signals it shows, where it is live.
        #[serde(default, skip_serializing_if = "Shows::is_all")]
        shows: Shows,
        /// Whether it takes long frames in parts. One that does not is told goodbye where there is no other way.
        #[serde(default, skip_serializing_if = "is_false")]
        parts: bool,
    },
    /// What of the signals is shown from now on. Answered by [`FromRoom::Live`] where that is more than before.
    Show(Shows),
    /// Where a seat looks and since when it is idle, whenever that changes. Shown, never kept; not answered.
    Here(Here),
    /// A command. Answered by [`FromRoom::Done`] when it is durable or refused.
    Do {
        /// Its name; sent again, it is the same command.
        id: CommandId,
        /// The command.
        command: Command,
        /// Why it is done although the journal is out of reach and it would need that: provisional, at this room alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        glass: Option<String>,
    },
    /// A question. Answered by [`FromRoom::Told`] with the same number.
    Ask {
        /// The client's own number.
        n: u64,
        /// The question.
        ask: Ask,
    },
    /// The answer to this question is not wanted any more: what is left of it is not sent.
    Cancel {
        /// The question's number.
        n: u64,
    },
    /// A hand about its step, to be shown and not kept.
    Hand {
        /// Which step.
        at: StepRef,
        /// Which hand.
        hand: Uuid,
        /// What it says.
        says: HandSays,
    },
    /// A person steers a hand.
    Steer {
        /// Which step.
        at: StepRef,
        /// How.
        steer: Steer,
    },
}

/// Questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// May this change go?
    Gate(gate::Request),
    /// What is the case, all of it.
    State,
    /// Events from one on, of one incident or of all.
    Events {
        /// The first wanted.
        from: Seq,
        /// How many at most; the room has a bound of its own.
        limit: usize,
        /// Only of this incident.
        #[serde(default)]
        incident: Option<IncidentId>,
    },
    /// Events as they are stored, from one on: what it takes to check the chain without the room.
    Records {
        /// The first wanted.
        from: Seq,
        /// How many at most; the room has a bound of its own.
        limit: usize,
    },
    /// A check that the room answers from its sources.
    Check {
        /// `promql`, `http`, `sql`, `junit`.
        lang: String,
        /// The block's code.
        code: String,
        /// Which source is asked; none: the one that can, and several SQL sources are never tried in turn.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<String>,
    },
    /// Keep this text as evidence; told its digest.
    Keep {
        /// The text, already redacted by the sender; redacted again by the room.
        text: String,
    },
    /// Evidence by its digest.
    Evidence(Digest),
    /// How the room is.
    Status,
    /// Watch these too, until the room ends. Only its owner may.
    Watch(Wanted),
    /// Ask all to look at this, or no longer. Only who commands may.
    Point(Option<Look>),
    /// Stop the room in good order. Only its owner may.
    Stop,
}

/// Sources by where they are, as they stand on a command line; paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// Prometheus HTTP APIs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prom: Vec<String>,
    /// Exposition endpoints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scrape: Vec<String>,
    /// Log files and patterns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
    /// Addresses to probe.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub probe: Vec<String>,
    /// Release directories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub release: Vec<String>,
}

/// Answers to questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The gate's answer.
    Gate(gate::Answer),
    /// The state.
    State(Box<State>),
    /// Events, and whether there are more.
    Events {
        /// In order.
        events: Vec<Event>,
        /// Where to go on, where there are more.
        next: Option<Seq>,
    },
    /// Events as they are stored, and whether there are more.
    Records {
        /// In order.
        records: Vec<Sealed>,
        /// Where to go on, where there are more.
        next: Option<Seq>,
    },
    /// A check's answer.
    Check(Answer),
    /// Evidence was kept under this digest.
    Kept(Digest),
    /// Evidence, as text.
    Evidence(String),
    /// How the room is.
    Status(Box<RoomStatus>),
    /// It cannot be answered.
    No(Refusal),
    /// It will be done.
    Yes,
}

/// An event as it is stored, with its place in the chain.
///
/// `hash = SHA-256("warroom chain 1\n" ‖ len(header) as u64 big endian ‖ header ‖ prev ‖ body)`, with
/// `body = SHA-256(salt ‖ payload)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Position.
    pub seq: Seq,
    /// The command it came of.
    pub command: CommandId,
    /// Its incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<IncidentId>,
    /// Header, JSON, as it was hashed.
    pub header: String,
    /// Hash of the event before.
    pub prev: Digest,
    /// Digest of the salted payload.
    pub body: Digest,
    /// Hash of this.
    pub hash: Digest,
    /// Salt, hexadecimal; none where the payload was erased or is held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub salt: Option<String>,
    /// Payload, JSON, as it was hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// In an export: the payload is not erased, it names a secret and was held back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub withheld: bool,
}

/// What a hand shows of its step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandSays {
    /// A block began.
    Began {
        /// Block.
        block: Slug,
        /// When its time is over.
        until: Option<Wall>,
    },
    /// It printed this: redacted, control characters visible.
    Printed {
        /// Text, lines ended by `\n`.
        text: String,
    },
    /// The screen of its terminal, whole.
    Screen {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: Vec<String>,
        /// Cursor, row and column.
        cursor: (u16, u16),
    },
    /// A check holds, so far for this long of that.
    Holding {
        /// The value seen.
        seen: String,
        /// For how long it has held.
        held: Span,
        /// For how long it must.
        wanted: Span,
    },
    /// Its time is nearly over and it asks: wait, kill, carry on. Without an answer it is killed at its limit.
    OverTime,
    /// It has nothing more to do.
    Over,
}

/// How a hand is steered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Steer {
    /// End the block: TERM, then KILL, of its whole process group.
    Cancel,
    /// Give it more time.
    Extend(Span),
    /// Keys for its terminal.
    Keys(Vec<u8>),
    /// Size of its terminal.
    Resize {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
    },
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Durable. The events that came of it; none where it changed nothing or was known already.
    Ok {
        /// Their positions.
        seqs: Vec<Seq>,
        /// Names that came into being: an incident, a freeze, a walk.
        #[serde(default)]
        made: Vec<String>,
        /// It is on the room's own disk alone, and its numbers may become others: the journal is out of reach. It is
        /// appended when that is back.
        #[serde(default, skip_serializing_if = "is_false")]
        offline: bool,
    },
    /// The rules do not allow it.
    Refused(Refusal),
    /// The journal could not take it. Nothing happened.
    Failed {
        /// Why, and what to do.
        why: String,
    },
}

/// How the journal is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JournalState {
    /// It takes events.
    Writable,
    /// It does not. Nothing runs; everything can still be read and copied.
    ReadOnly {
        /// Why.
        why: String,
        /// Since when.
        since: Wall,
    },
}

/// A configured address that the gate cannot have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateTrouble {
    /// The address, as configured.
    pub at: String,
    /// Why not.
    pub why: String,
    /// Since when.
    pub since: Wall,
}

/// Where the gate listens, or why it does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GateDoor {
    /// Where it listens.
    pub at: Option<String>,
    /// Where it should and does not.
    pub trouble: Option<GateTrouble>,
}

/// How the room is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomStatus {
    /// Version of the program.
    pub version: String,
    /// Machine.
    pub host: String,
    /// The name by which people reach it with ssh, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssh: Option<String>,
    /// Whether it serves its owner alone.
    pub private: bool,
    /// A drill's scenario while one runs.
    pub drill: Option<String>,
    /// Where the journal lies.
    pub place: String,
    /// How it is.
    pub journal: JournalState,
    /// Newest durable event.
    pub head: Seq,
    /// Its hash.
    pub hash: Option<Digest>,
    /// Who is here.
    pub here: Vec<Presence>,
    /// Where the gate listens, `127.0.0.1:7311`.
    pub gate: Option<String>,
    /// Where the gate should listen and does not, why, and since when; it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate_trouble: Option<GateTrouble>,
    /// Since when an append has been in flight, where that is more than a second: the gate is undecided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<Wall>,
    /// The first event that this version of the room does not understand: the gate is undecided until an upgrade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer: Option<Newer>,
    /// Since when the room runs.
    pub since: Wall,
    /// How the audit stream is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audit: Vec<SinkView>,
    /// Targets that cannot be asked who acknowledged a page there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<Silent>,
    /// Where all are asked to look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<Box<Point>>,
    /// The newest signed checkpoint of the journal. None: the room signs nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Box<Anchored>>,
    /// The rooms that share the journal, this one among them; none where it is embedded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<RoomView>,
    /// Whether what the journal takes survives the loss of its server; none where it lies in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicated: Option<bool>,
    /// What the room keeps while the journal is out of reach, or has not appended yet. None otherwise, and where it
    /// keeps nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub away: Option<Box<Away>>,
    /// Why it will keep nothing while the journal is out of reach, where it shares one and its spool cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_spool: Option<String>,
    /// Events whose payload was deleted from the journal, at most 1,000 of them: no event says who erased it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Seq>,
    /// Bytes of the state as it is sent to clients, where that is more than it should be: an earlier version took longer
    /// titles and texts than may be now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub large: Option<u64>,
}

/// What a room keeps on its own disk, as the journal that it shares is or was out of reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Away {
    /// Since when.
    pub since: Wall,
    /// From this number on all is provisional: known at this room alone.
    pub from: Seq,
    /// Commands that are kept and not in the journal yet.
    pub waiting: u64,
    /// Those of them for which the glass was broken.
    #[serde(default)]
    pub glass: u64,
    /// The journal is back, and they are being appended.
    #[serde(default, skip_serializing_if = "is_false")]
    pub back: bool,
    /// The journal has lost what it had acknowledged: the first and the last of it. It is being written back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<(Seq, Seq)>,
    /// Why the disk took nothing last: what is done is refused until it takes something again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Where they are kept.
    pub place: String,
}

/// The newest signed checkpoint of a journal, which a seat keeps: a room that shows an older one later has lost events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchored {
    /// The event that it ends with; 0 before the first.
    pub seq: Seq,
    /// The checkpoint, a signed note; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The key that signed it, as `warroom journal key` prints it.
    pub key: String,
    /// What is wrong, since when: it is not signed, or does not get where it should.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<(String, Wall)>,
    /// Whether that is the worst: what was signed is not in the journal any more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lost: bool,
}

/// A room on the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomView {
    /// Machine.
    pub host: String,
    /// It is the one that tells.
    pub own: bool,
    /// It does what is done once for all: what is due by time, pushes, readiness checks.
    pub duty: bool,
    /// Since when it is open.
    pub since: Wall,
}

/// How far a central audit system is behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkView {
    /// Its name.
    pub name: String,
    /// Where it is, without anything secret.
    pub place: String,
    /// The newest event that it has.
    pub seq: Seq,
    /// Events that it does not have yet.
    pub behind: u64,
    /// When the oldest of them was recorded.
    pub oldest: Option<Wall>,
    /// What is wrong, since when.
    pub trouble: Option<(String, Wall)>,
    /// What it will never have since the room began: how many events, why the newest of them, since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<(u64, String, Wall)>,
}

/// A target of pages that cannot be asked who acknowledged them there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silent {
    /// Its name.
    pub target: String,
    /// Why.
    pub why: String,
    /// Since when.
    pub since: Wall,
}

/// Why the room ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finished {
    /// The room stops.
    Stopping,
    /// The client speaks another version: restart it.
    OtherWire,
    /// The client may not.
    Forbidden,
    /// A frame was not one, or too long.
    Nonsense,
    /// Too many connections of this user, or more at once than they may send or leave unread.
    TooMany,
}

/// From the room to a client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromRoom {
    /// Answers the hello.
    Hello {
        /// [`super::WIRE`].
        wire: u32,
        /// The room's fold.
        fold: u32,
        /// Who the client is, as the kernel says.
        you: Actor,
        /// Those of the client's groups that give anybody a power here.
        #[serde(default)]
        groups: Groups,
        /// How the room is.
        room: RoomStatus,
        /// The client's own connection among those that are here.
        #[serde(default, skip_serializing_if = "is_none")]
        seat: SeatId,
    },
    /// The whole state; what was there before is void.
    Snapshot {
        /// What is the case.
        state: Box<State>,
        /// What is live.
        live: Box<Live>,
    },
    /// What is live, whole: to a client of another fold at first and in place of frames that it missed, to any that shows
    /// more than before.
    Live(Box<Live>),
    /// Something happened.
    Event(Box<Event>),
    /// Something live changed.
    Delta(Box<Delta>),
    /// What became of a command.
    Done {
        /// The command.
        id: CommandId,
        /// What became of it.
        outcome: Outcome,
    },
    /// An answer.
    Told {
        /// The question's number.
        n: u64,
        /// The answer.
        told: Told,
    },
    /// A part of a long frame. The texts of all its parts, put together, are the frame.
    Part {
        /// What it is of.
        of: PartOf,
        /// Which part, from 0.
        n: u32,
        /// Whether it is the last.
        last: bool,
        /// Its text.
        text: String,
    },
    /// What a hand shows.
    Hand {
        /// Which step.
        at: StepRef,
        /// What it says.
        says: HandSays,
    },
    /// To a hand: how it is steered.
    Steer(Steer),
    /// A frame of this name is not known here; it was passed over.
    Ignored(String),
    /// A frame that has no answer of its own, a steer, was not done.
    Refused {
        /// The frame's name.
        frame: String,
        /// Why, and what to do.
        refusal: Refusal,
    },
    /// How the room is, when that changed.
    Room(RoomStatus),
    /// Seats that look elsewhere now or have become active again, each whole. Those not named are as they were.
    Here(Vec<Presence>),
    /// The connection ends.
    Bye {
        /// Why.
        why: Finished,
        /// The same for people, with what to do.
        say: String,
    },
}
