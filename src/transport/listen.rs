//! Binds a room's socket without a moment in which others could enter.

use crate::os::durable::FileError;
use std::{
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};
use tokio::net::UnixListener;

/// A bound socket that goes away with it.
#[derive(Debug)]
pub struct Listening {
    /// Accepts.
    pub listener: UnixListener,
    path: PathBuf,
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

/// Listens at `path` with this mode. Bound in a directory that nobody else can enter, then moved into place, so that
/// no umask matters. What lies at `path` is replaced: the caller holds the room's lock, so that it is a dead one.
///
/// # Errors
/// Which step the system refused, and where.
pub fn listen(path: &Path, mode: u32) -> Result<Listening, FileError> {
    let dir = path.parent().unwrap_or_else(|| Path::new("/"));
    let hidden = dir.join(format!(".binding-{}", std::process::id()));
    drop(std::fs::remove_dir_all(&hidden));
    std::fs::DirBuilder::new().mode(0o700).create(&hidden).map_err(FileError::at("create", &hidden))?;
    let bound = bind(&hidden.join("s"), path, mode);
    drop(std::fs::remove_dir_all(&hidden));
    bound
}

fn bind(hidden: &Path, path: &Path, mode: u32) -> Result<Listening, FileError> {
    let listener = UnixListener::bind(hidden).map_err(FileError::at("listen at", path))?;
    std::fs::set_permissions(hidden, std::fs::Permissions::from_mode(mode))
        .map_err(FileError::at("set the mode of", path))?;
    std::fs::rename(hidden, path).map_err(FileError::at("put in place", path))?;
    Ok(Listening { listener, path: path.to_owned() })
}
