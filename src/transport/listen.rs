//! Binds a room's socket without a moment in which others could enter.

use crate::os::durable::FileError;
use std::{
    io,
    os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use tokio::net::UnixListener;

/// A bound socket. One that was bound here goes away with it.
#[derive(Debug)]
pub struct Listening {
    /// Accepts.
    pub listener: UnixListener,
    bound: Option<(PathBuf, u64)>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Only its own: by now another room may listen there.
        if let Some((path, inode)) = &self.bound
            && std::fs::symlink_metadata(path).is_ok_and(|meta| meta.ino() == *inode)
        {
            drop(std::fs::remove_file(path));
        }
    }
}

/// Listens at `path` with this mode and, where one is given, this group. Bound in a directory that nobody else can
/// enter, then moved into place, so that no umask matters. A socket of this user's that lies at `path` is replaced: the
/// caller holds the room's lock, so that it is a dead one. Anything else that lies there is left alone.
///
/// # Errors
/// Which step the system refused, and where.
pub fn listen(path: &Path, mode: u32, group: Option<u32>) -> Result<Listening, FileError> {
    check_place(path).map_err(FileError::at("listen at", path))?;
    let dir = path.parent().unwrap_or_else(|| Path::new("/"));
    let hidden = dir.join(format!(".binding-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&hidden));
    std::fs::DirBuilder::new().mode(0o700).create(&hidden).map_err(FileError::at("create", &hidden))?;
    let bound = bind(&hidden.join("s"), path, mode, group);
    drop(std::fs::remove_dir_all(&hidden));
    bound
}

/// Refuses a place where something lies that is no socket of this user's.
fn check_place(path: &Path) -> io::Result<()> {
    let found = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let kind = found.file_type();
    let what = match () {
        () if kind.is_socket() && found.uid() == crate::os::peer::my_uid() => return Ok(()),
        () if kind.is_socket() => "a socket of another user",
        () if kind.is_file() => "a file",
        () if kind.is_dir() => "a directory",
        () if kind.is_symlink() => "a symbolic link",
        () => "something that is no socket",
    };
    let why =
        format!("{what} is there, and it is left alone: move it away, or name another path with --socket");
    Err(io::Error::new(io::ErrorKind::AlreadyExists, why))
}

fn bind(hidden: &Path, path: &Path, mode: u32, group: Option<u32>) -> Result<Listening, FileError> {
    let listener = UnixListener::bind(hidden).map_err(FileError::at("listen at", path))?;
    if group.is_some() {
        std::os::unix::fs::chown(hidden, None, group).map_err(FileError::at("set the group of", path))?;
    }
    std::fs::set_permissions(hidden, std::fs::Permissions::from_mode(mode))
        .map_err(FileError::at("set the mode of", path))?;
    let inode = std::fs::symlink_metadata(hidden).map_err(FileError::at("look at", path))?.ino();
    std::fs::rename(hidden, path).map_err(FileError::at("put in place", path))?;
    Ok(Listening { listener, bound: Some((path.to_owned(), inode)) })
}

/// Listens on a socket that the service manager bound, and that stays when the room goes.
///
/// # Errors
/// Where it cannot be waited on.
pub fn given(listener: std::os::unix::net::UnixListener) -> io::Result<Listening> {
    listener.set_nonblocking(true)?;
    Ok(Listening { listener: UnixListener::from_std(listener)?, bound: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn mode_and_group_are_those_asked_for_whatever_the_umask_and_nothing_else_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("room.sock");
        let me = std::fs::metadata(dir.path()).unwrap();
        let group = if me.uid() == 0 { 12_345 } else { me.gid() };
        // Left by one that died.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let listening = listen(&path, 0o660, Some(group)).unwrap();
        let meta = std::fs::metadata(&path).unwrap();
        assert_eq!((meta.mode() & 0o777, meta.gid()), (0o660, group));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        drop(listening);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn what_is_no_socket_of_ones_own_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("room.sock");
        std::fs::write(&path, "notes").unwrap();
        let refused = listen(&path, 0o600, None).unwrap_err().to_string();
        assert!(refused.contains("a file is there") && refused.contains("--socket"), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "notes");
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &path).unwrap();
        assert!(listen(&path, 0o600, None).unwrap_err().to_string().contains("symbolic link"));
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(listen(&path, 0o600, None).unwrap_err().to_string().contains("a directory"));
    }

    #[tokio::test]
    async fn another_rooms_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("room.sock");
        let first = listen(&path, 0o600, None).unwrap();
        let second = listen(&path, 0o600, None).unwrap();
        drop(first);
        assert!(path.exists());
        drop(second);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_socket_that_was_given_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("room.sock");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(given(listener).unwrap());
        assert!(path.exists());
    }
}
