//! The file itself is held, by `flock(2)`, whatever name it is opened by: a hard link, a bind mount, a new name.
//!
//! SQLite's own locks are POSIX ones, independent of this, and all of a process's go when it closes *any* descriptor of the
//! file. So this one is opened before SQLite and closed after it, and where this process has the file already it is not
//! opened at all.

use super::file::unreadable;
use crate::journal::Trouble;
use rustix::fs::{FlockOperation, flock};
use std::{
    collections::BTreeSet,
    fs::{File, Metadata},
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Device and number of a file.
type Inode = (u64, u64);

/// Files that this process holds.
static HELD: Mutex<BTreeSet<Inode>> = Mutex::new(BTreeSet::new());

fn held() -> MutexGuard<'static, BTreeSet<Inode>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

fn inode(meta: &Metadata) -> Inode {
    (meta.dev(), meta.ino())
}

/// A file that no other process opens to append as long as this lives.
#[derive(Debug)]
pub struct Hold {
    inode: Inode,
    file: File,
}

impl Hold {
    /// Takes it, or says who has it; never waits.
    ///
    /// # Errors
    /// Where another has it, or it cannot be opened.
    pub fn take(path: &Path) -> Result<Self, Trouble> {
        let fail = |error: &dyn std::fmt::Display| {
            unreadable(path, error, "see that its directory exists and that you may read and write there")
        };
        let mut all = held();
        let taken = |who: &str| {
            let why = format!("{who} has this file as its journal, under this name or another one");
            unreadable(path, &why, "stop that room first, or connect to it")
        };
        let meta = std::fs::metadata(path).map_err(|error| fail(&error))?;
        if !meta.is_file() {
            return Err(fail(&"it is no regular file"));
        }
        if all.contains(&inode(&meta)) {
            return Err(taken("this process"));
        }
        let file = File::open(path).map_err(|error| fail(&error))?;
        let inode = inode(&file.metadata().map_err(|error| fail(&error))?);
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(taken(&holder(inode))),
            Err(error) => return Err(fail(&error)),
        }
        all.insert(inode);
        Ok(Self { inode, file })
    }

    /// Refuses a file that has other names: a room that opens it by another one keeps a log of its own beside it, which
    /// this one would never see.
    pub(super) fn only_name(&self, path: &Path) -> Result<(), Trouble> {
        let names = self.file.metadata().map_or(1, |meta| meta.nlink());
        if names <= 1 {
            return Ok(());
        }
        let why = format!("this file has {names} names (hard links), and may have one");
        let hint = format!(
            "find the others with find DIR -xdev -samefile {}, and remove them or make them copies",
            path.display()
        );
        Err(unreadable(path, &why, &hint))
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        held().remove(&self.inode);
    }
}

/// Which process has it, where the system says so.
fn holder((dev, ino): Inode) -> String {
    let (major, minor) = (rustix::fs::major(dev), rustix::fs::minor(dev));
    let file = format!("{major:02x}:{minor:02x}:{ino}");
    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    let pid = locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let at = words.iter().position(|word| *word == file)?;
        words.contains(&"FLOCK").then(|| words.get(at.checked_sub(1)?).copied()).flatten()
    });
    pid.map_or_else(|| "another process".into(), |pid| format!("another process (pid {pid})"))
}
