//! Files that are there whole or not at all, and stay there when the power goes.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Something with a file went wrong; says what was done, to which, and what helps.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {source}{}", path.display(), hint(source))]
pub struct FileError {
    /// `write`, `read`, `create` …
    pub doing: &'static str,
    /// Which file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl FileError {
    /// For use with `map_err`.
    pub fn at(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { doing, path, source }
    }

    /// Whether the disk (or the quota on it) is full.
    pub fn is_full(&self) -> bool {
        full(&self.source)
    }
}

fn full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        _ if full(error) => " (free some space there and try again)",
        io::ErrorKind::PermissionDenied => " (check its owner and mode)",
        io::ErrorKind::ReadOnlyFilesystem => " (the file system is mounted read-only)",
        _ => "",
    }
}

/// Puts `bytes` at `path`, replacing what was there: written beside it, synced, renamed, and the directory synced.
/// Mode 0600. On an error the old file is untouched.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(dir)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(FileError::at("write", path))
}

/// Opens a file to append to, mode 0600, made where there is none.
pub fn append_to(path: &Path) -> Result<File, FileError> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(FileError::at("open", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_whole_and_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        write_whole(&path, b"one").unwrap();
        write_whole(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn a_full_disk_is_named() {
        let error = FileError {
            doing: "write",
            path: "/x/y".into(),
            source: io::Error::from_raw_os_error(rustix::io::Errno::NOSPC.raw_os_error()),
        };
        assert!(error.is_full());
        assert!(error.to_string().contains("/x/y") && error.to_string().contains("free some space"));
    }
}
