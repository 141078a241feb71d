//! The embedded default: one file, one owner thread, one connection that writes.
//!
//! WAL with `synchronous=FULL`: an append is answered after its transaction has been synced. Appends that wait
//! together become one transaction, so that a burst costs one sync.

mod file;
mod hold;
mod log;
#[cfg(test)]
pub(in crate::store) mod tests;
mod thread;

pub use super::Mode;
use crate::{
    domain::{CommandId, Seq, id::IncidentId},
    journal::{Appended, Head, Journal, Trouble, chain::Record},
};
use futures::{FutureExt, future::BoxFuture};
pub use hold::Hold;
use std::path::{Path, PathBuf};
use thread::Ask;
use tokio::sync::{oneshot, watch};

/// A journal in a SQLite file.
pub struct Sqlite {
    place: PathBuf,
    asks: std::sync::mpsc::Sender<Ask>,
    watch: watch::Receiver<Seq>,
}

impl Sqlite {
    /// Opens the journal and starts its owner thread.
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] where the file is none of ours, damaged, or out of reach; [`Trouble::Broken`] where its
    /// last event does not fit.
    pub fn open(path: &Path, mode: Mode) -> Result<Self, Trouble> {
        let hold = if mode == Mode::Write {
            file::create_private(path);
            let hold = Hold::take(path)?;
            hold.only_name(path)?;
            Some(hold)
        } else {
            None
        };
        let file = file::File::open(path, mode)?;
        let (asks, inbox) = std::sync::mpsc::channel();
        let (tell, watch) = watch::channel(file.head.seq);
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || thread::run(hold, file, &inbox, &tell))
            .map_err(|error| {
                file::unreadable(path, &error, "free some memory or processes and start again")
            })?;
        Ok(Self { place: path.to_owned(), asks, watch })
    }

    fn ask<T: Send + 'static>(
        &self,
        make: impl FnOnce(oneshot::Sender<T>) -> Ask,
        gone: impl FnOnce() -> T + Send + 'static,
    ) -> BoxFuture<'static, T> {
        let (answer, wait) = oneshot::channel();
        // Sent here and not when it is waited for: appends reach the file in the order in which they were decided. How
        // many wait is bounded by those who ask.
        let sent = self.asks.send(make(answer)).is_ok();
        async move {
            if !sent {
                return gone();
            }
            wait.await.unwrap_or_else(|_| gone())
        }
        .boxed()
    }

    fn trouble(&self) -> Trouble {
        Trouble::Unreadable {
            what: self.place.display().to_string(),
            why: "the journal's thread has ended".into(),
            hint: "restart the room; what was acknowledged is safe".into(),
        }
    }
}

/// How long closing may take before the process goes on without it; nothing acknowledged depends on it.
const CLOSE_WITHIN: std::time::Duration = std::time::Duration::from_secs(5);

impl Drop for Sqlite {
    fn drop(&mut self) {
        let (closed, wait) = std::sync::mpsc::sync_channel(1);
        if self.asks.send(Ask::Close { closed }).is_ok() {
            let _ = wait.recv_timeout(CLOSE_WITHIN);
        }
    }
}

impl Journal for Sqlite {
    fn append(&self, expected: Head, records: Vec<Record>) -> BoxFuture<'static, Appended> {
        self.ask(
            |answer| Ask::Append { expected, records, answer },
            || Appended::Unknown("the journal's thread has ended".into()),
        )
    }

    fn read(&self, from: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        let trouble = self.trouble();
        self.ask(|answer| Ask::Read { from, limit, answer }, || Err(trouble))
    }

    fn read_stream(
        &self,
        stream: IncidentId,
        from: Seq,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        let trouble = self.trouble();
        self.ask(|answer| Ask::ReadStream { stream, from, limit, answer }, || Err(trouble))
    }

    fn find(&self, command: CommandId) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        let trouble = self.trouble();
        self.ask(|answer| Ask::Find { command, answer }, || Err(trouble))
    }

    fn head(&self) -> BoxFuture<'static, Result<Head, Trouble>> {
        let trouble = self.trouble();
        self.ask(|answer| Ask::Head { answer }, || Err(trouble))
    }

    fn watch(&self) -> watch::Receiver<Seq> {
        self.watch.clone()
    }

    fn erase(&self, seq: Seq) -> BoxFuture<'static, Result<(), Trouble>> {
        let trouble = self.trouble();
        self.ask(|answer| Ask::Erase { seq, answer }, || Err(trouble))
    }

    fn place(&self) -> String {
        self.place.display().to_string()
    }
}
