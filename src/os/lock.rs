//! One holder of a file at a time, and who that is.

use super::{durable::FileError, process::ProcessId};
use crate::domain::time::Span;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Most bytes of a lock file that are read.
const OWNER_MAX: u64 = 4096;

/// Who holds a lock, as written into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The process.
    pub process: ProcessId,
    /// Its user.
    pub uid: u32,
    /// What it is, `room of anna`.
    pub what: String,
}

/// The lock is not ours.
#[derive(Debug, thiserror::Error)]
pub enum NotLocked {
    /// Another process has it.
    #[error("{} is held by {}: stop that one first, or connect to it", path.display(), said(owner.as_ref()))]
    Held {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, where it says so.
        owner: Option<Owner>,
    },
    /// The lock file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
}

fn said(owner: Option<&Owner>) -> String {
    owner.map_or_else(
        || "another process".into(),
        |owner| {
            format!(
                "{} (pid {}, uid {})",
                crate::domain::text::line(&owner.what),
                owner.process.pid,
                owner.uid
            )
        },
    )
}

/// An exclusive `flock(2)`, released when dropped or when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it or says who has it; never waits. The file stays when the lock is released.
    pub fn take(path: &Path, what: &str) -> Result<Self, NotLocked> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(FileError::at("open", path))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(NotLocked::Held { path: path.to_owned(), owner: owner_in(&mut file) });
            }
            Err(error) => return Err(FileError::at("lock", path)(error.into()).into()),
        }
        let owner = Owner { process: ProcessId::me(), uid: super::peer::my_uid(), what: what.to_owned() };
        let text = serde_json::to_vec(&owner).unwrap_or_default();
        // The name is a courtesy: a disk too full for it does not undo the lock.
        let _ =
            file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).and_then(|_| file.write_all(&text));
        Ok(Self { _file: file })
    }
}

/// How often it is tried again.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(5);

impl Lock {
    /// The same, for what is held for a moment only: tries for so long. Blocks its thread.
    pub fn take_within(path: &Path, what: &str, within: Span) -> Result<Self, NotLocked> {
        let began = std::time::Instant::now();
        loop {
            match Self::take(path, what) {
                Err(NotLocked::Held { .. }) if began.elapsed() < within.std() => std::thread::sleep(AGAIN),
                taken => return taken,
            }
        }
    }
}

/// Who wrote the lock file last; whether that one lives is for [`super::process::alive`].
pub fn owner(path: &Path) -> Option<Owner> {
    owner_in(&mut File::open(path).ok()?)
}

fn owner_in(file: &mut File) -> Option<Owner> {
    let mut text = Vec::new();
    file.take(OWNER_MAX).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_learns_who_the_first_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let first = Lock::take(&path, "room of anna").unwrap();
        let error = Lock::take(&path, "room of bob").unwrap_err().to_string();
        assert!(error.contains("room of anna") && error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        Lock::take(&path, "room of bob").unwrap();
        assert_eq!(owner(&path).unwrap().what, "room of bob");
    }
}
