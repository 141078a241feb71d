//! The record: an append-only chain of events with four answers to every append.
//!
//! What is not in it did not happen; what is in it is never changed. Payloads can be erased without breaking the
//! chain, because the chain hashes their digest.

pub mod chain;
pub mod checkpoint;
pub mod copy;
mod cores;
pub mod fingerprint;
pub mod meeting;
pub mod mirror;
pub mod missing;
pub mod spool;
pub mod upcast;
pub mod verify;
pub mod writable;

use crate::domain::{
    CommandId, Event, Seq,
    id::{Digest, IncidentId},
};
use chain::Record;
use futures::future::{BoxFuture, MaybeDone, maybe_done};
use meeting::Meeting;
use serde::{Deserialize, Serialize};
use std::{pin::Pin, sync::Arc};

/// Where the chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The newest event, 0 before the first.
    pub seq: Seq,
    /// Its hash.
    pub hash: Digest,
}

impl Head {
    /// An empty journal.
    pub const EMPTY: Self = Self { seq: 0, hash: Digest::ZERO };
}

impl std::str::FromStr for Head {
    type Err = String;
    /// `SEQ:HASH`, as `warroom verify` prints it.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not SEQ:HASH, as warroom verify prints it");
        let (seq, hash) = text.trim().split_once(':').ok_or_else(wrong)?;
        Ok(Self { seq: seq.parse().map_err(|_| wrong())?, hash: hash.parse().map_err(|_| wrong())? })
    }
}

/// What became of an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Appended {
    /// It is durable.
    Ok(Head),
    /// Somebody else appended before: fold what is new and decide again.
    Conflict(Head),
    /// Nobody knows whether it is durable: look the command up before anything else.
    Unknown(String),
    /// It is not durable and cannot be now.
    Unavailable(String),
}

/// The journal cannot be read, or what is read is not sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It cannot be opened or read.
    #[error("{what}: {why}: {hint}")]
    Unreadable {
        /// File or server.
        what: String,
        /// What the system says.
        why: String,
        /// What to do.
        hint: String,
    },
    /// An event does not fit the one before it.
    #[error(
        "event {seq} does not fit: {why}: the journal was changed or damaged; run warroom verify, and restore a copy"
    )]
    Broken {
        /// The first that does not.
        seq: Seq,
        /// In which way.
        why: String,
    },
}

/// Where a journal lies. Nothing outside knows which one it is.
pub trait Journal: Send + Sync {
    /// Appends records that follow `expected`. Durable when it says [`Appended::Ok`].
    fn append(&self, expected: Head, records: Vec<Record>) -> BoxFuture<'static, Appended>;

    /// Records from `from` on, at most `limit`.
    fn read(&self, from: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<Record>, Trouble>>;

    /// Records of one incident from `from` on, at most `limit`, by the store's index. A store that has none gives all
    /// records: who asks leaves out what is not the incident's.
    fn read_stream(
        &self,
        _stream: IncidentId,
        from: Seq,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        self.read(from, limit)
    }

    /// Records of one command.
    fn find(&self, command: CommandId) -> BoxFuture<'static, Result<Vec<Record>, Trouble>>;

    /// Where the chain ends, as stored.
    fn head(&self) -> BoxFuture<'static, Result<Head, Trouble>>;

    /// Changes whenever events have become durable.
    fn watch(&self) -> tokio::sync::watch::Receiver<Seq>;

    /// Erases an event's payload and salt; its place in the chain stays.
    fn erase(&self, seq: Seq) -> BoxFuture<'static, Result<(), Trouble>>;

    /// Where it lies, for people.
    fn place(&self) -> String;

    /// Whether what it takes survives the loss of the server that took it. `None` where there is no server.
    fn is_replicated(&self) -> Option<bool> {
        None
    }

    /// Whether the journal has lost what it had acknowledged, as after a failover to a server that was behind. Where it
    /// has, it is taken from now on as it stands: who calls this writes the gap back.
    fn regressed(&self) -> BoxFuture<'static, Result<bool, Trouble>> {
        Box::pin(std::future::ready(Ok(false)))
    }

    /// The room's own copy of it, where there is one: all of it up to some event, to be read only.
    fn mirror(&self) -> Option<Arc<dyn Journal>> {
        None
    }

    /// Meets the other rooms that append to it, under this name. `None` where there can be no other.
    fn meet(&self, _room: &str) -> Option<Meeting> {
        None
    }
}

/// Reads everything from `from` on, checking the chain as it goes.
///
/// # Errors
/// [`Trouble`] where it cannot be read or does not fit.
pub async fn read_all(
    journal: &dyn Journal,
    from: Head,
    mut each: impl FnMut(Event),
) -> Result<Head, Trouble> {
    let mut pages = Pages::after(journal, from.seq);
    let mut head = from;
    while let Some(page) = pages.next().await? {
        let events = cores::each(&page, |record| chain::whole(record).map(|whole| whole.event(record)));
        for (record, event) in page.iter().zip(events) {
            let event = chain::settled(chain::linked(head, record.seq, record.prev), event);
            each(event.map_err(|misfit| Trouble::Broken { seq: record.seq, why: misfit.why })?);
            head = Head { seq: record.seq, hash: record.hash };
        }
    }
    Ok(head)
}

/// Records that are read at once.
const PAGE: usize = 2_048;

/// A journal page by page. The next is read while one is worked on.
struct Pages<'j> {
    journal: &'j dyn Journal,
    next: Option<MaybeDone<Read>>,
}

type Read = BoxFuture<'static, Result<Vec<Record>, Trouble>>;

impl<'j> Pages<'j> {
    /// All that stands after an event.
    fn after(journal: &'j dyn Journal, seq: Seq) -> Self {
        Self { journal, next: Some(maybe_done(journal.read(seq.saturating_add(1), PAGE))) }
    }

    /// The next page; `None` after the last.
    async fn next(&mut self) -> Result<Option<Vec<Record>>, Trouble> {
        let Some(mut read) = self.next.take() else { return Ok(None) };
        (&mut read).await;
        let page = Pin::new(&mut read).take_output().unwrap_or_else(|| Ok(Vec::new()))?;
        if let Some(last) = page.last().filter(|_| page.len() >= PAGE) {
            let mut next = maybe_done(self.journal.read(last.seq.saturating_add(1), PAGE));
            // Asked now, so that the answer is there when this page is done with.
            let _asked = futures::poll!(&mut next);
            self.next = Some(next);
        }
        Ok(Some(page))
    }
}
