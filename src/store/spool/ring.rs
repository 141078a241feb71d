//! The newest acknowledged commands: two files, numbered. When the newer is full the next begins, and the older goes.

use super::file::{self, File};
use crate::{
    domain::id::Digest,
    journal::{
        Trouble,
        spool::{ACKNOWLEDGED, Entry, Ring},
    },
};
use std::{
    path::{Path, PathBuf},
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
    let mut files = Files { dir: dir.to_owned(), name: name.to_owned(), journal, to: None };
    let mut entries = Vec::new();
    let numbers = files.there();
    let (gone, kept) = numbers.split_at(numbers.len().saturating_sub(2));
    for n in gone {
        files.remove(*n);
    }
    for n in kept {
        let read = File::open(&files.path(*n), journal)?;
        if let Some(damage) = read.damage {
            tracing::error!("{damage}");
        }
        entries.extend(read.entries);
        files.to = Some((*n, read.file));
    }
    if files.to.is_none() {
        // At once, for it is locked as long as the room runs.
        files.to = Some((0, File::open(&files.path(0), journal)?.file));
    }
    let (lines, inbox) = sync_channel(INBOX);
    let wrong = |error: std::io::Error| file::trouble(dir, "the ring has no thread", &error);
    std::thread::Builder::new().name("ring".into()).spawn(move || run(files, &inbox)).map_err(wrong)?;
    let skip = entries.len().saturating_sub(ACKNOWLEDGED);
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

fn run(mut files: Files, inbox: &Receiver<String>) {
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
                files.sync()
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

/// The files; the newest, which is written, is held.
struct Files {
    dir: PathBuf,
    name: String,
    journal: Digest,
    to: Option<(u64, File)>,
}

impl Files {
    fn path(&self, n: u64) -> PathBuf {
        self.dir.join(format!("acknowledged-{}-{n}.ring", self.name))
    }

    /// The numbers of those that are there, in order.
    fn there(&self) -> Vec<u64> {
        let start = format!("acknowledged-{}-", self.name);
        let number = |name: &str| name.strip_prefix(&start)?.strip_suffix(".ring")?.parse().ok();
        let files = std::fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let mut all: Vec<u64> = files.filter_map(|file| number(file.file_name().to_str()?)).collect();
        all.sort_unstable();
        all
    }

    fn remove(&self, n: u64) {
        if let Err(error) = std::fs::remove_file(self.path(n)) {
            tracing::warn!(%error, "{} is not needed any more", self.path(n).display());
        }
    }

    fn sync(&self) -> Result<(), Trouble> {
        self.to.as_ref().map_or(Ok(()), |(_, file)| file.sync())
    }

    fn add(&mut self, lines: &[String]) -> Result<(), Trouble> {
        let fits = |file: &File| file.count().saturating_add(lines.len() as u64) <= ACKNOWLEDGED as u64;
        if !self.to.as_ref().is_some_and(|(_, file)| fits(file)) {
            self.sync()?;
            let n = self.to.as_ref().map_or(0, |(n, _)| n.saturating_add(1));
            self.to = Some((n, File::open(&self.path(n), self.journal)?.file));
            if let Some(old) = n.checked_sub(2) {
                self.remove(old);
            }
        }
        let Some((_, file)) = &mut self.to else { return Ok(()) };
        file.write(lines).map_err(|unkept| unkept.trouble)
    }
}
