//! The spool of a room: a file on its own disk, one line an entry, each with a hash over it and the line before. The first
//! follows the journal's first event, so that no other journal takes it. One thread owns the file; entries that wait
//! together share a sync.

mod file;
mod ring;
#[cfg(test)]
mod tests;

use crate::{
    domain::id::Digest,
    journal::{
        Trouble,
        spool::{Entry, Opened, Spool, Unkept},
    },
};
use file::File;
use futures::{FutureExt as _, future::BoxFuture};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
};
use tokio::sync::oneshot;

/// Entries that share a sync at most.
const TOGETHER: usize = 256;

enum Ask {
    Append { n: u64, line: Result<String, String>, answer: oneshot::Sender<Result<(), Unkept>> },
    Clear,
}

struct Owned {
    path: PathBuf,
    asks: Sender<Ask>,
}

/// Opens the spool in `dir` for the journal whose first event has this hash; no other process can meanwhile. What was
/// being written when its room ended, and was never acknowledged, is cut off.
///
/// # Errors
/// [`Trouble::Unreadable`] where the file cannot be used.
pub fn open(dir: &Path, journal: Digest) -> Result<Opened, Trouble> {
    let name: String = journal.to_string().chars().take(16).collect();
    let path = dir.join(format!("offline-{name}.spool"));
    let file::Read { file, entries, damage } = File::open(&path, journal)?;
    // The spool is worth having without.
    let (ring, acknowledged) = ring::open(dir, &name, journal).unwrap_or_else(|trouble| {
        tracing::error!(%trouble, "what the journal acknowledges is not kept beside it");
        (Box::new(ring::Nowhere), Vec::new())
    });
    let (asks, inbox) = channel();
    let wrong = |error: std::io::Error| file::trouble(&path, "it has no thread", &error);
    std::thread::Builder::new().name("spool".into()).spawn(move || run(file, &inbox)).map_err(wrong)?;
    let spool = Arc::new(Owned { path, asks });
    Ok(Opened { spool, entries, damage, ring: ring.into(), acknowledged })
}

impl Spool for Owned {
    fn append(&self, n: u64, entry: &Entry) -> BoxFuture<'static, Result<(), Unkept>> {
        let (answer, wait) = oneshot::channel();
        let line = serde_json::to_string(entry).map_err(|error| error.to_string());
        // Sent here and not when it is waited for: entries lie in the order in which they were decided.
        let sent = self.asks.send(Ask::Append { n, line, answer }).is_ok();
        let gone = file::trouble(&self.path, "its thread has ended", &"restart the room");
        async move {
            if !sent {
                return Err(Unkept { trouble: gone, doubt: false });
            }
            wait.await.unwrap_or(Err(Unkept { trouble: gone, doubt: true }))
        }
        .boxed()
    }

    fn clear(&self) {
        drop(self.asks.send(Ask::Clear));
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }
}

fn run(mut file: File, inbox: &Receiver<Ask>) {
    let mut held = None;
    while let Some(ask) = held.take().or_else(|| inbox.recv().ok()) {
        let mut batch = Vec::new();
        let mut next = Some(ask);
        while let Some(ask) = next.take() {
            match ask {
                Ask::Append { n, line, answer } => batch.push((n, line, answer)),
                Ask::Clear if batch.is_empty() => {
                    if let Err(trouble) = file.clear() {
                        tracing::error!(%trouble, "what stands in the journal is still in the spool");
                    }
                    break;
                }
                Ask::Clear => {
                    held = Some(Ask::Clear);
                    break;
                }
            }
            if batch.len() < TOGETHER {
                next = inbox.try_recv().ok();
            }
        }
        append(&mut file, batch);
    }
}

/// An entry's number, itself or why it is none, and who waits for it.
type Asked = (u64, Result<String, String>, oneshot::Sender<Result<(), Unkept>>);

fn append(file: &mut File, batch: Vec<Asked>) {
    let (mut lines, mut waiting) = (Vec::new(), Vec::new());
    for (n, line, answer) in batch {
        // One that was not emptied when it should have been is emptied now.
        if n == 0
            && waiting.is_empty()
            && file.count() > 0
            && let Err(trouble) = file.clear()
        {
            drop(answer.send(Err(Unkept { trouble, doubt: false })));
            continue;
        }
        let next = file.count().saturating_add(lines.len() as u64);
        match line {
            Ok(line) if n == next => {
                lines.push(line);
                waiting.push(answer);
            }
            Ok(_) => drop(answer.send(Err(file.refuses(&"one before it was not written")))),
            Err(why) => drop(answer.send(Err(file.refuses(&why)))),
        }
    }
    if lines.is_empty() {
        return;
    }
    let said = file.append(&lines);
    for answer in waiting {
        drop(answer.send(said.clone()));
    }
}
