//! Where a mirror lies, and what becomes of one that does not fit.

use crate::{
    domain::{Seq, id::Digest},
    journal::{Head, Journal as _, Trouble},
    store::{Mode, sqlite::Sqlite},
};
use sha2::{Digest as _, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

/// How often, and how far apart, it is looked whether a reader is done.
const CLOSING_TRIES: u32 = 200;
const CLOSING_APART: Duration = Duration::from_millis(25);

/// The mirror of the journal at a place.
pub(super) fn path(dir: &Path, place: &str) -> PathBuf {
    let name: String = Digest(Sha256::digest(place).into()).to_string().chars().take(16).collect();
    dir.join(format!("mirror-{name}.db"))
}

/// A mirror.
pub(super) struct File {
    path: PathBuf,
    pub(super) journal: Arc<Sqlite>,
    /// Where it ends.
    pub(super) head: Head,
}

impl File {
    /// Opens it. One that is damaged is put aside, for all of it is in the journal.
    pub(super) async fn open(path: &Path) -> Result<Self, Trouble> {
        match Self::try_open(path).await {
            Ok(file) => Ok(file),
            Err(trouble) if path.exists() => {
                let aside = put_aside(path, "damaged").map_err(|error| wrong(path, &error))?;
                tracing::error!(%trouble, "the mirror of the journal begins anew; the old one is {}", aside.display());
                Self::try_open(path).await
            }
            Err(trouble) => Err(trouble),
        }
    }

    async fn try_open(path: &Path) -> Result<Self, Trouble> {
        let journal = Sqlite::open(path, Mode::Write)?;
        let head = journal.head().await?;
        Ok(Self { path: path.to_owned(), journal: Arc::new(journal), head })
    }

    /// Where the journal has lost what is in it: it is kept for a person to look at, and an empty one takes its place.
    pub(super) async fn anew(self) -> Result<Self, Trouble> {
        let Self { path, journal, head } = self;
        close(journal).await.map_err(|error| wrong(&path, &error))?;
        let aside = put_aside(&path, &lost(head.seq)).map_err(|error| wrong(&path, &error))?;
        tracing::error!("what the journal has lost is in {}", aside.display());
        Self::try_open(&path).await
    }
}

/// Closes it once nobody reads it any more: SQLite knows what lies beside a file by its name.
async fn close(mut journal: Arc<Sqlite>) -> io::Result<()> {
    for _ in 0..CLOSING_TRIES {
        match Arc::try_unwrap(journal) {
            Ok(own) => return tokio::task::spawn_blocking(move || drop(own)).await.map_err(io::Error::other),
            Err(shared) => journal = shared,
        }
        tokio::time::sleep(CLOSING_APART).await;
    }
    Err(io::Error::other("somebody still reads it"))
}

fn lost(seq: Seq) -> String {
    format!("lost-{seq}")
}

fn wrong(path: &Path, error: &io::Error) -> Trouble {
    Trouble::Unreadable {
        what: path.display().to_string(),
        why: error.to_string(),
        hint: "see its owner, its mode and the disk".into(),
    }
}

/// Gives a file, and what SQLite keeps beside it, another name that nothing has yet.
fn put_aside(path: &Path, why: &str) -> io::Result<PathBuf> {
    let named =
        |n: u32| path.with_extension(if n == 0 { format!("{why}.db") } else { format!("{why}-{n}.db") });
    let aside = (0..u32::MAX).map(named).find(|name| !name.exists()).unwrap_or_else(|| named(u32::MAX));
    let beside = |path: &Path, what: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(what);
        PathBuf::from(name)
    };
    for what in ["-wal", "-shm"] {
        match fs::rename(beside(path, what), beside(&aside, what)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, &aside)?;
    Ok(aside)
}
