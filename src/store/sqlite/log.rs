//! The write-ahead log beside the file, where it may not be on the disk.
//!
//! When a sync fails the system may hold for written what never reached the disk: it is read back as if it were there, and
//! the next sync, which finds nothing to do, succeeds. So what is found in a log is written once more before anything is
//! built on it, and a commit whose sync failed is taken out of the log before it is said not to have happened.

use super::file::{trouble, unreadable};
use crate::journal::Trouble;
use rusqlite::Connection;
use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

const LOG: &str = "its write-ahead log";
/// Bytes that are written again at once.
const PART: usize = 256 * 1024;

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Bytes in the write-ahead log beside a file.
pub(super) fn bytes(path: &Path) -> u64 {
    std::fs::metadata(beside(path)).map_or(0, |meta| meta.len())
}

fn failed(path: &Path, which: &str, error: &io::Error) -> Trouble {
    let hint = if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        "the disk is full; free some space"
    } else {
        "see the system's log for the disk"
    };
    unreadable(path, &format!("{which}: disk I/O error: {error}"), hint)
}

/// Makes durable what lies in the log: every byte is written again where it lies, and synced.
pub(super) fn settle(db: &Connection, path: &Path) -> Result<(), Trouble> {
    if bytes(path) == 0 {
        return Ok(());
    }
    // The writer's lock: the log must not grow meanwhile.
    db.execute_batch("BEGIN IMMEDIATE").map_err(|error| trouble(path, &error))?;
    let written = again(&beside(path)).map_err(|error| failed(path, LOG, &error));
    db.execute_batch("ROLLBACK").map_err(|error| trouble(path, &error))?;
    written
}

fn again(log: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).open(log)?;
    let (mut part, mut at) = (vec![0; PART], 0);
    loop {
        let n = match file.read_at(&mut part, at) {
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let Some(bytes) = part.get(..n).filter(|bytes| !bytes.is_empty()) else { break };
        file.write_all_at(bytes, at)?;
        at = at.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
    }
    file.sync_all()
}

/// Moves what was committed into the file and cuts the log off, so that nothing else that lies in it can come back. Not
/// while somebody else reads from it: then it says so.
pub(super) fn empty(db: &Connection, path: &Path) -> Result<bool, Trouble> {
    let busy: bool = db
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .map_err(|error| trouble(path, &error))?;
    if busy {
        return Ok(false);
    }
    File::open(beside(path)).and_then(|log| log.sync_all()).map_err(|error| failed(path, LOG, &error))?;
    Ok(true)
}

/// Makes the names of file and log durable, and that those of finished transactions are gone. SQLite syncs the directory
/// too, and says nothing where that fails.
pub(super) fn named(path: &Path) -> Result<(), Trouble> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|error| failed(path, "its directory", &error))
}
