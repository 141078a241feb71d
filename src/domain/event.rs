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
    /// What happened.
    pub fact: Fact,
    /// Hash of the chain up to and with this event.
    pub hash: Digest,
}
