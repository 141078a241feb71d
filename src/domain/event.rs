//! One fact in its envelope.

use super::{
    actor::Actor,
    fact::Fact,
    id::{Digest, IncidentId},
    time::{Stamp, Wall},
};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Names a command; the same id sent twice is the same command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(pub Uuid);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Position in the journal, from 1. Zero is "before the first".
pub type Seq = u64;

/// How an event came into being while its room could not reach the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offline {
    /// When it was written down on the room's own disk.
    pub at: Wall,
    /// Why the glass was broken for it, where it would have needed the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glass: Option<String>,
    /// It is not in the journal yet: its number is that room's alone, and may become another's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub provisional: bool,
}

/// A fact as it stands in the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the one chain.
    pub seq: Seq,
    /// The command it came of.
    pub command: CommandId,
    /// Which of that command's facts it is, from 0.
    pub index: u16,
    /// The incident it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<IncidentId>,
    /// When it happened: wall, boot, boot clock.
    pub occurred: Stamp,
    /// When it was written down, wall clock.
    pub recorded: Wall,
    /// The room that wrote it.
    pub room: String,
    /// Who did it.
    pub actor: Actor,
    /// It was recorded while the journal was out of reach, and appended when it was back, at `recorded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<Offline>,
    /// What happened.
    pub fact: Fact,
    /// Hash of the chain up to and with this event.
    pub hash: Digest,
}

impl Event {
    /// Whether it stands in no journal yet.
    pub fn is_provisional(&self) -> bool {
        self.offline.as_ref().is_some_and(|offline| offline.provisional)
    }
}
