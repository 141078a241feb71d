//! The file: lines, hashes, syncs.

use crate::{
    domain::id::Digest,
    journal::{
        Trouble,
        spool::{Entry, Unkept},
    },
};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest as _, Sha256};
use std::{
    fmt::Display,
    fs::{self, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

const DOMAIN: &[u8] = b"warroom spool 1\n";
/// A digest in hexadecimal, and the space after it.
const LEAD: usize = 65;

/// What a line is hashed with: the hash of the line before, or of the journal's first event.
fn hash(before: &Digest, entry: &[u8]) -> Digest {
    let mut sha = Sha256::new();
    sha.update(DOMAIN);
    sha.update(before.0);
    sha.update(entry);
    Digest(sha.finalize().into())
}

pub(super) fn trouble(path: &Path, why: &str, hint: &dyn Display) -> Trouble {
    Trouble::Unreadable {
        what: format!("the spool {}", path.display()),
        why: why.to_owned(),
        hint: hint.to_string(),
    }
}

pub(super) struct File {
    path: PathBuf,
    on: fs::File,
    journal: Digest,
    last: Digest,
    count: u64,
    /// Bytes of what is whole.
    end: u64,
    /// What was written after that could not be taken back.
    dirty: bool,
}

/// What was there.
pub(super) struct Read {
    pub(super) file: File,
    pub(super) entries: Vec<Entry>,
    pub(super) damage: Option<String>,
}

/// Whole lines from the beginning on, where they end, and the hash of the last.
fn whole(bytes: &[u8], journal: Digest) -> (Vec<Entry>, usize, Digest) {
    let (mut entries, mut end, mut last) = (Vec::new(), 0, journal);
    while let Some(rest) = bytes.get(end..)
        && let Some(long) = rest.iter().position(|byte| *byte == b'\n')
        && let Some(line) = rest.get(..long)
        && let Some((lead, entry)) = line.split_at_checked(LEAD)
        && let said = hash(&last, entry)
        && format!("{said} ").as_bytes() == lead
        && let Ok(entry) = serde_json::from_slice(entry)
    {
        entries.push(entry);
        last = said;
        end = end.saturating_add(long).saturating_add(1);
    }
    (entries, end, last)
}

impl File {
    pub(super) fn open(path: &Path, journal: Digest) -> Result<Read, Trouble> {
        let fail = |error: std::io::Error| {
            trouble(path, &error.to_string(), &"see its owner, its mode and the disk")
        };
        let mut options = OpenOptions::new();
        let mut file = options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(fail)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(trouble(path, "another room has it", &"stop that one first"));
            }
            Err(error) => return Err(fail(error.into())),
        }
        if file.metadata().is_ok_and(|meta| meta.nlink() > 1) {
            let hint =
                "remove its other names, or make them copies: find DIR -xdev -samefile FILE tells them";
            return Err(trouble(path, "it has several names (hard links), and may have one", &hint));
        }
        if let Some(dir) = path.parent() {
            fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(fail)?;
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(fail)?;
        let (entries, end, last) = whole(&bytes, journal);
        let rest = bytes.get(end..).unwrap_or_default();
        // A line without its end was never acknowledged. One with it may have been: it is kept for a person to look at.
        let damage = if rest.contains(&b'\n') {
            let aside = path.with_extension(format!("damaged-{}", bytes.len()));
            fs::write(&aside, &bytes).and_then(|()| fs::File::open(&aside)?.sync_all()).map_err(fail)?;
            let lost = rest.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count();
            Some(format!(
                "{lost} of what was recorded offline cannot be read: {} holds all of it; {} before it are sent",
                aside.display(),
                entries.len()
            ))
        } else {
            None
        };
        let count = entries.len() as u64;
        let mut file = Self {
            path: path.to_owned(),
            on: file,
            journal,
            last,
            count,
            end: end as u64,
            dirty: !rest.is_empty(),
        };
        file.settle()?;
        Ok(Read { file, entries, damage })
    }

    /// How many entries are in it.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn refuses(&self, why: &dyn Display) -> Unkept {
        Unkept { trouble: trouble(&self.path, &why.to_string(), &"see the room's log"), doubt: false }
    }

    fn failed(&self, error: &std::io::Error) -> Trouble {
        let hint = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => "free some space there",
            _ => "see the disk",
        };
        trouble(&self.path, &error.to_string(), &hint)
    }

    /// Takes back what is not whole.
    fn settle(&mut self) -> Result<(), Trouble> {
        if self.dirty {
            let cut = self.on.set_len(self.end).and_then(|()| self.on.sync_all());
            cut.map_err(|error| self.failed(&error))?;
            self.dirty = false;
        }
        Ok(())
    }

    /// Adds lines. Either all of them are on the disk, or none counts.
    pub(super) fn append(&mut self, entries: &[String]) -> Result<(), Unkept> {
        self.add(entries, true)
    }

    /// Adds lines, which the system keeps and the disk maybe not yet.
    pub(super) fn write(&mut self, entries: &[String]) -> Result<(), Unkept> {
        self.add(entries, false)
    }

    /// What was written is on the disk after it.
    pub(super) fn sync(&self) -> Result<(), Trouble> {
        self.on.sync_data().map_err(|error| self.failed(&error))
    }

    fn add(&mut self, entries: &[String], synced: bool) -> Result<(), Unkept> {
        self.settle().map_err(|trouble| Unkept { trouble, doubt: false })?;
        let (mut bytes, mut last) = (Vec::new(), self.last);
        for entry in entries {
            last = hash(&last, entry.as_bytes());
            bytes.extend_from_slice(format!("{last} {entry}\n").as_bytes());
        }
        self.dirty = true;
        let written = self
            .on
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.on.write_all(&bytes))
            .and_then(|()| if synced { self.on.sync_data() } else { Ok(()) });
        if let Err(error) = written {
            let trouble = self.failed(&error);
            return Err(Unkept { trouble, doubt: self.settle().is_err() });
        }
        self.dirty = false;
        self.last = last;
        self.end = self.end.saturating_add(bytes.len() as u64);
        self.count = self.count.saturating_add(entries.len() as u64);
        Ok(())
    }

    /// Empties it.
    pub(super) fn clear(&mut self) -> Result<(), Trouble> {
        (self.end, self.dirty) = (0, true);
        self.settle()?;
        (self.last, self.count) = (self.journal, 0);
        Ok(())
    }
}
