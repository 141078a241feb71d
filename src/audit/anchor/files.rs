//! The key that signs and the checkpoints that it signed, as files of their owner alone.
//!
//! They lie beside the journal's file. Where the journal is a database they lie in the state directory of the room's
//! machine, and not in a table: who owns the database could cut events and checkpoints back together, and does not own
//! these.

use crate::{
    journal::checkpoint::{Kept, Note, Signed, Signer, Verifier, kept},
    os::durable,
};
use std::{
    io::{Seek as _, SeekFrom, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// Where key and checkpoints of a journal lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// The key that signs.
    pub key: PathBuf,
    /// What it signed.
    pub kept: PathBuf,
}

impl Files {
    /// Beside a journal's file.
    pub fn beside(journal: &Path) -> Self {
        Self { key: journal.with_extension("key"), kept: journal.with_extension("checkpoints") }
    }

    /// In a state directory, for a journal that is no file.
    pub fn below(dir: &Path) -> Self {
        Self::beside(&dir.join("journal.db"))
    }
}

/// The key in a file; where there is none, one is made of this seed and kept.
///
/// # Errors
/// In words, where others may read it, where it is none, or where it cannot be kept.
pub fn signer(
    path: &Path,
    origin: &str,
    seed: impl FnOnce() -> Result<[u8; 32], String>,
) -> Result<Signer, String> {
    if let Some(signer) = read_key(path)? {
        return Ok(signer);
    }
    let signer = Signer::new(origin, seed()?).map_err(|error| error.to_string())?;
    let text = signer.secret() + "\n";
    durable::write_whole(path, text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(signer)
}

/// The key in a file, where there is one.
///
/// # Errors
/// In words, where others may read it or where it is none.
pub fn read_key(path: &Path) -> Result<Option<Signer>, String> {
    let shown = path.display();
    let fail = |error: std::io::Error| format!("the key {shown} cannot be read: {error}");
    let meta = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(fail)?,
    };
    let mode = meta.permissions().mode();
    if mode & 0o077 != 0 {
        let mode = mode & 0o777;
        return Err(format!(
            "others may read or change the key {shown} (mode {mode:03o}): chmod 600 it, or make another"
        ));
    }
    let text = std::fs::read_to_string(path).map_err(fail)?;
    text.parse().map(Some).map_err(|why| format!("{shown}: {why}"))
}

/// All checkpoints of a file; none where there is no file.
///
/// # Errors
/// In words, where it cannot be read.
pub fn read(path: &Path) -> Result<Kept, String> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(kept(&String::from_utf8_lossy(&bytes))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Kept::default()),
        Err(error) => Err(format!("the checkpoints {} cannot be read: {error}", path.display())),
    }
}

/// The newest that this key signed, by the number of events.
///
/// # Errors
/// In words, where the file cannot be read or has something else in it.
pub(super) fn newest(path: &Path, key: &Verifier) -> Result<Option<Note>, String> {
    let mut newest: Option<Note> = None;
    for note in read(path)?.notes {
        let shown = path.display();
        let note = note.map_err(|why| format!("{shown} has something that is no checkpoint: {why}"))?;
        match note.signed(std::slice::from_ref(key)) {
            Signed::By(_) => newest = newest.filter(|one| one.head.seq > note.head.seq).or(Some(note)),
            // Of a key that was changed since.
            Signed::Unknown => {}
            Signed::Forged(_) => {
                return Err(format!("a checkpoint of event {} in {shown} was forged", note.head.seq));
            }
        }
    }
    Ok(newest)
}

/// Writes one behind the others, durably. What was cut off by a crash is written over.
///
/// # Errors
/// In words.
pub(super) fn append(path: &Path, note: &str) -> Result<(), String> {
    let fail =
        |error: std::io::Error| format!("the checkpoint cannot be kept in {}: {error}", path.display());
    let made = !path.exists();
    let whole = read(path)?.whole;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(fail)?;
    let at = u64::try_from(whole).unwrap_or(u64::MAX);
    file.set_len(at).and_then(|()| file.seek(SeekFrom::Start(at)).map(drop)).map_err(fail)?;
    let gap = if whole == 0 { "" } else { "\n" };
    file.write_all(format!("{gap}{note}\n").as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
    if made && let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(fail)?;
    }
    Ok(())
}
