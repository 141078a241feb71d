//! The newest acknowledged commands: two files in turn. When one is full the other, with the older half, begins anew.

use super::file::{self, File};
use crate::{
    domain::id::Digest,
    journal::{
        Trouble,
        spool::{ACKNOWLEDGED, Entry, Ring},
    },
};
use std::{
    path::Path,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    time::{Duration, Instant},
};

/// Entries that wait for the disk at most; one that comes then is not kept.
const INBOX: usize = 8_192;
/// What the system has is on the disk within this.
const SYNCED_WITHIN: Duration = Duration::from_secs(1);
/// How long it waits for the next where all is on the disk.
const QUIET: Duration = Duration::from_secs(3_600);

struct Owned {
    lines: SyncSender<String>,
}

/// Opens it, and gives what is in it, the newest last.
pub(super) fn open(dir: &Path, name: &str, journal: Digest) -> Result<(Box<dyn Ring>, Vec<Entry>), Trouble> {
    let path = |which: &str| dir.join(format!("acknowledged-{name}-{which}.ring"));
    let written = |which: &str| path(which).metadata().and_then(|about| about.modified()).ok();
    let in_order = written("a") <= written("b");
    let (a, b) = (File::open(&path("a"), journal)?, File::open(&path("b"), journal)?);
    for damage in [&a.damage, &b.damage].into_iter().flatten() {
        tracing::error!("{damage}");
    }
    let (old, new) = if in_order { (a, b) } else { (b, a) };
    let entries: Vec<Entry> = old.entries.into_iter().chain(new.entries).collect();
    let skip = entries.len().saturating_sub(ACKNOWLEDGED);
    let (lines, inbox) = sync_channel(INBOX);
    let (old, new) = (old.file, new.file);
    let wrong = |error: std::io::Error| file::trouble(&path("a"), "it has no thread", &error);
    std::thread::Builder::new().name("ring".into()).spawn(move || run(new, old, &inbox)).map_err(wrong)?;
    Ok((Box::new(Owned { lines }), entries.into_iter().skip(skip).collect()))
}

impl Ring for Owned {
    fn add(&self, entry: &Entry) {
        if let Ok(line) = serde_json::to_string(entry)
            && self.lines.try_send(line).is_err()
        {
            tracing::warn!("its disk is slow: an acknowledged command is not kept beside the journal");
        }
    }
}

/// Where there is none.
pub(super) struct Nowhere;

impl Ring for Nowhere {
    fn add(&self, _: &Entry) {}
}

fn run(to: File, other: File, inbox: &Receiver<String>) {
    let mut files = Files { to, other };
    let (mut ails, mut unsynced) = (false, None::<Instant>);
    loop {
        let wait = unsynced.map_or(QUIET, |since| SYNCED_WITHIN.saturating_sub(since.elapsed()));
        let said = match inbox.recv_timeout(wait) {
            Ok(line) => {
                let mut lines = vec![line];
                while lines.len() < ACKNOWLEDGED
                    && let Ok(line) = inbox.try_recv()
                {
                    lines.push(line);
                }
                unsynced.get_or_insert_with(Instant::now);
                files.add(&lines)
            }
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let synced = match unsynced {
            Some(since) if since.elapsed() >= SYNCED_WITHIN => {
                unsynced = None;
                files.to.sync()
            }
            _ => Ok(()),
        };
        match said.and(synced) {
            Ok(()) => ails = ails && unsynced.is_some(),
            Err(trouble) => {
                if !std::mem::replace(&mut ails, true) {
                    tracing::error!(%trouble, "what the journal acknowledges is not kept beside it");
                }
            }
        }
    }
}

/// The one that is written, and the one with the older half.
struct Files {
    to: File,
    other: File,
}

impl Files {
    fn add(&mut self, lines: &[String]) -> Result<(), Trouble> {
        if self.to.count().saturating_add(lines.len() as u64) > ACKNOWLEDGED as u64 {
            self.to.sync()?;
            self.other.clear()?;
            std::mem::swap(&mut self.to, &mut self.other);
        }
        self.to.write(lines).map_err(|unkept| unkept.trouble)
    }
}
