//! What a room writes down on its own disk while the journal that it shares is out of reach.

use super::{Head, Trouble, fingerprint::Fingerprint};
use crate::domain::{Command, CommandId, Seq, actor::Actor, time::Stamp};
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

/// A command that was decided offline, with all that it takes to decide it again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The command's name.
    pub id: CommandId,
    /// When it was decided.
    pub at: Stamp,
    /// Who.
    pub actor: Actor,
    /// The groups that were proved beside.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
    /// What.
    pub command: Command,
    /// Why the glass was broken for it, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub glass: Option<String>,
    /// Names that came into being with it, and are this room's alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<String>,
    /// What happened, in words.
    pub said: String,
    /// It was acknowledged by the journal, which has lost it since: it comes before what was decided offline.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gap: bool,
    /// Where the first of its events stood, where the journal had acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stood: Option<Seq>,
    /// Where the journal ended, as far as the room knew.
    pub after: Head,
    /// What the command said as it was sent: `command` may have been completed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// The id of the command that tells that it was not accepted: one for all attempts, and nobody can guess it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<CommandId>,
}

/// An entry was not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{trouble}: {}", if *.doubt { NOBODY_KNOWS } else { "nothing was recorded" })]
pub struct Unkept {
    /// Why.
    pub trouble: Trouble,
    /// What was written could not be taken back: it may be found there when the room is started again.
    pub doubt: bool,
}

/// What is said of a command whose outcome is not known.
pub const NOBODY_KNOWS: &str = "nobody knows whether it was recorded; the same command can be sent again";

/// A local file of entries, in order. What it took is on the disk.
pub trait Spool: Send + Sync {
    /// Adds entry `n`, counted from 0; refused where another is the next. Durable when it says so.
    fn append(&self, n: u64, entry: &Entry) -> BoxFuture<'static, Result<(), Unkept>>;

    /// All of it stands in the journal: empties it. What is appended next is entry 0.
    fn clear(&self);

    /// Where it lies, for people.
    fn place(&self) -> String;
}

/// Acknowledged commands that are kept, the newest.
pub const ACKNOWLEDGED: usize = 4_096;

/// The newest that a room appended and the journal acknowledged, on the room's own disk. Nobody waits for it: a room that is
/// killed keeps all of it, a machine that loses power maybe not the last moment.
pub trait Ring: Send + Sync {
    /// One more.
    fn add(&self, entry: &Entry);
}

/// A spool, and what was in it.
pub struct Opened {
    /// The spool.
    pub spool: Arc<dyn Spool>,
    /// What waits in it since before, in order.
    pub entries: Vec<Entry>,
    /// What of it could not be read, and where that was put.
    pub damage: Option<String>,
    /// What was acknowledged is kept here.
    pub ring: Arc<dyn Ring>,
    /// What was acknowledged before, the newest last.
    pub acknowledged: Vec<Entry>,
}
