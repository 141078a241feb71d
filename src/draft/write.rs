//! The export on disk: all of it under its final name, or nothing.

use super::{Draft, Proof, markdown};
use crate::domain::{Event, id::Digest, time::Wall};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

const MANIFEST: &str = "manifest.json";

/// What is in an export, so that somebody else can check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `warroom-export/1`.
    pub format: String,
    /// Which incident.
    pub incident: String,
    /// Version of the program that wrote it.
    pub warroom: String,
    /// When the draft was made.
    pub generated: Wall,
    /// The events it was made from.
    pub journal: JournalRange,
    /// The checkpoint of the journal that lies beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<ManifestCheckpoint>,
    /// Every file but this one.
    pub files: Vec<FileEntry>,
}

/// The part of the journal that lies in the export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalRange {
    /// First event.
    pub first: u64,
    /// Last event.
    pub last: u64,
    /// How many.
    pub events: usize,
    /// Hash of the chain up to and with the last.
    pub head: Digest,
}

/// What `checkpoint.txt` is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestCheckpoint {
    /// The event that it ends with.
    pub seq: u64,
    /// The key that signed it, as the room named it: compare it with one that was kept elsewhere.
    pub key: String,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path below the export.
    pub path: String,
    /// Length.
    pub bytes: u64,
    /// Of its bytes.
    pub sha256: Digest,
}

/// The manifest's format.
const FORMAT: &str = "warroom-export/1";

/// Gives text without secrets, where it had any.
pub type Redact<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How it is written.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Replace an export that lies there.
    pub force: bool,
    /// Takes secrets out of all that is written.
    pub redact: Option<Redact<'a>>,
    /// What it takes to check the journal that is written.
    pub proof: Option<&'a Proof>,
}

/// Why an export was not written. Nothing of it is there then.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// An export lies there.
    #[error("{0} exists already: say --force to replace that export, or --out DIR for another place")]
    Exists(PathBuf),
    /// Something else lies there, which is never replaced.
    #[error("{0} exists and is no export of warroom: choose another place with --out DIR")]
    Foreign(PathBuf),
    /// Draft and events are not of one journal.
    #[error("the draft was made from other events than these: make it again")]
    OtherEvents,
    /// The system refused.
    #[error("cannot write {path}: {source}{}", hint(.source))]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; nothing was left behind: make room, or choose another place with --out DIR"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "; choose a place you may write with --out DIR"
        }
        io::ErrorKind::NotFound => "; the folder it is to lie in does not exist",
        _ => "",
    }
}

/// Writes `postmortem.md`, `charts/*.svg`, `journal.jsonl` and `manifest.json` into `dir`, with `chain.jsonl` and
/// `checkpoint.txt` where the journal can be proved.
///
/// It is written beside `dir` and renamed when all of it is on the disk. `events` are those the draft was made from.
///
/// # Errors
/// See [`WriteError`].
pub fn write(
    dir: &Path,
    draft: &Draft,
    events: &[Event],
    options: Options<'_>,
) -> Result<Manifest, WriteError> {
    if events.len() != draft.range.count || events.last().is_none_or(|last| last.hash != draft.range.head) {
        return Err(WriteError::OtherEvents);
    }
    let fail = |path: &Path| {
        let path = path.to_path_buf();
        move |source| WriteError::Io { path, source }
    };
    let standing = standing(dir, options.force)?;
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    // For its owner alone, whatever the umask: what an incident held is in it. Who is to read it is given it.
    let beside = tempfile::Builder::new()
        .prefix(".warroom-export-")
        .permissions(fs::Permissions::from_mode(FOLDER_MODE))
        .tempdir_in(parent)
        .map_err(fail(parent))?;
    let place = beside.path().join("export");
    folder(&place).map_err(fail(&place))?;
    let mut out = Writer { place: &place, files: Vec::new(), options };
    out.text("postmortem.md", &markdown(draft))?;
    if !draft.charts.is_empty() {
        let charts = place.join("charts");
        folder(&charts).map_err(fail(&charts))?;
        for chart in &draft.charts {
            out.text(&chart.path, &chart.svg)?;
        }
        sync(&charts)?;
    }
    out.journal(events)?;
    if let Some(proof) = options.proof {
        out.file("chain.jsonl", |out| {
            proof
                .chain
                .iter()
                .try_for_each(|line| out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n")))
        })?;
        if let Some(signed) = &proof.checkpoint {
            out.file("checkpoint.txt", |out| out.write_all(signed.note.as_bytes()))?;
        }
    }
    let signed = options.proof.and_then(|proof| proof.checkpoint.as_ref());
    let manifest = Manifest {
        format: FORMAT.into(),
        incident: draft.incident.to_string(),
        warroom: env!("CARGO_PKG_VERSION").into(),
        generated: draft.generated,
        journal: JournalRange {
            first: draft.range.first,
            last: draft.range.last,
            events: draft.range.count,
            head: draft.range.head,
        },
        checkpoint: signed.map(|one| ManifestCheckpoint { seq: one.seq, key: one.key.clone() }),
        files: out.files,
    };
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| fail(&place)(error.into()))? + "\n";
    let text = crate::domain::text::json(&text);
    Writer { place: &place, files: Vec::new(), options: Options::default() }.text(MANIFEST, &text)?;
    sync(&place)?;
    if standing {
        // The old export goes with the temporary folder; at every moment one of both lies there.
        exchange(&place, dir).map_err(fail(dir))?;
    } else {
        fs::rename(&place, dir).map_err(|source| match source.kind() {
            io::ErrorKind::DirectoryNotEmpty
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::NotADirectory => WriteError::Exists(dir.to_path_buf()),
            _ => fail(dir)(source),
        })?;
    }
    sync(parent)?;
    Ok(manifest)
}

/// Modes of what is written.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

fn folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(FOLDER_MODE).create(path)
}

/// Two folders change places at once, where the file system can; else one after the other.
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    if renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE).is_ok() {
        return Ok(());
    }
    let aside = new.with_file_name("replaced");
    fs::rename(old, &aside)?;
    fs::rename(new, old).inspect_err(|_| {
        let _back = fs::rename(&aside, old);
    })
}

/// Whether an export lies there that is to be replaced.
fn standing(dir: &Path, force: bool) -> Result<bool, WriteError> {
    let Ok(found) = fs::symlink_metadata(dir) else { return Ok(false) };
    let empty = found.is_dir() && fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none());
    if empty {
        return Ok(false);
    }
    let ours = found.is_dir()
        && fs::read(dir.join(MANIFEST))
            .ok()
            .and_then(|raw| serde_json::from_slice::<Manifest>(&raw).ok())
            .is_some_and(|manifest| manifest.format == FORMAT);
    match (ours, force) {
        (true, true) => Ok(true),
        (true, false) => Err(WriteError::Exists(dir.to_path_buf())),
        (false, _) => Err(WriteError::Foreign(dir.to_path_buf())),
    }
}

fn sync(place: &Path) -> Result<(), WriteError> {
    let done = File::open(place).and_then(|folder| folder.sync_all());
    done.map_err(|source| WriteError::Io { path: place.to_path_buf(), source })
}

struct Writer<'a> {
    place: &'a Path,
    files: Vec<FileEntry>,
    options: Options<'a>,
}

impl Writer<'_> {
    fn text(&mut self, path: &str, text: &str) -> Result<(), WriteError> {
        let clean = self.options.redact.and_then(|redact| redact(text));
        let text = clean.as_deref().unwrap_or(text);
        self.file(path, |out| out.write_all(text.as_bytes()))
    }

    /// One event a line, in their order, never all in memory.
    fn journal(&mut self, events: &[Event]) -> Result<(), WriteError> {
        let redact = self.options.redact;
        self.file("journal.jsonl", |out| {
            for event in events {
                match redact {
                    None => out.write_all(line(event)?.as_bytes())?,
                    Some(redact) => {
                        let mut value = serde_json::to_value(event)?;
                        strings(&mut value, redact);
                        out.write_all(line(&value)?.as_bytes())?;
                    }
                }
                out.write_all(b"\n")?;
            }
            Ok(())
        })
    }

    fn file(
        &mut self,
        path: &str,
        fill: impl FnOnce(&mut BufWriter<Hashing>) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        let full = self.place.join(path);
        let written = (|| {
            let file = fs::OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&full)?;
            let mut out = BufWriter::with_capacity(1 << 16, Hashing { file, hash: Sha256::new(), bytes: 0 });
            fill(&mut out)?;
            let out = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            out.file.sync_all()?;
            Ok((out.bytes, Digest(out.hash.finalize().into())))
        })();
        let (bytes, sha256) = written.map_err(|source| WriteError::Io { path: full, source })?;
        self.files.push(FileEntry { path: path.to_owned(), bytes, sha256 });
        Ok(())
    }
}

/// A value on one line, with nothing in it that acts on the terminal of who reads the file.
fn line(value: &impl serde::Serialize) -> io::Result<String> {
    Ok(crate::domain::text::json(&serde_json::to_string(value)?).into_owned())
}

/// Every string in a JSON value, keys aside.
fn strings(value: &mut serde_json::Value, redact: Redact<'_>) {
    match value {
        serde_json::Value::String(text) => {
            if let Some(clean) = redact(text) {
                *text = clean;
            }
        }
        serde_json::Value::Array(list) => list.iter_mut().for_each(|one| strings(one, redact)),
        serde_json::Value::Object(map) => map.values_mut().for_each(|one| strings(one, redact)),
        _ => {}
    }
}

/// A file that is hashed while it is written.
struct Hashing {
    file: File,
    hash: Sha256,
    bytes: u64,
}

impl Write for Hashing {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.file.write(buf)?;
        if let Some(done) = buf.get(..n) {
            self.hash.update(done);
        }
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
