//! Directories that are this user's alone.

use super::durable::FileError;
use std::{
    fs::{DirBuilder, Metadata, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// No private directory can be had.
#[derive(Debug, thiserror::Error)]
pub enum NoDirectory {
    /// Neither variable says where.
    #[error("neither XDG_STATE_HOME nor HOME is an absolute path: set one of them")]
    Nowhere,
    /// Somebody else's.
    #[error("{} belongs to uid {owner}, not to you (uid {me}): move it away or choose another place", path.display())]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// This user.
        me: u32,
    },
    /// A link, a file, a device.
    #[error("{} is not a directory of its own (a link or a file): move it away", path.display())]
    NotADirectory {
        /// What is there.
        path: PathBuf,
    },
    /// More than one group gets into it.
    #[error(
        "{} has mode {mode:03o}: a room's socket must lie where its group alone may enter and nobody but its owner may \
         write; chmod 750 it, or choose another place", path.display()
    )]
    Open {
        /// The directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Where this user's state lives, `$XDG_STATE_HOME/warroom` or `~/.local/state/warroom`; made, mode 0700, where it is
/// not there. (`XDG_RUNTIME_DIR` goes away at the last logout.)
pub fn state() -> Result<PathBuf, NoDirectory> {
    let var = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    state_in(var("XDG_STATE_HOME"), var("HOME"))
}

fn state_in(xdg: Option<PathBuf>, home: Option<PathBuf>) -> Result<PathBuf, NoDirectory> {
    let base = xdg.or_else(|| home.map(|home| home.join(".local/state"))).ok_or(NoDirectory::Nowhere)?;
    let path = base.join("warroom");
    private(&path)?;
    Ok(path)
}

/// Makes `path` and its missing parents, mode 0700, or checks that it is a directory of this user's; one that others
/// may enter is closed to them.
pub fn private(path: &Path) -> Result<(), NoDirectory> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).or_else(|error| {
        // Something that is no directory is there: the check below says what.
        if error.kind() == io::ErrorKind::AlreadyExists {
            Ok(())
        } else {
            Err(FileError::at("create", path)(error))
        }
    })?;
    let meta = std::fs::symlink_metadata(path).map_err(FileError::at("look at", path))?;
    checked(path, &meta)?;
    if meta.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(path, Permissions::from_mode(0o700))
            .map_err(FileError::at("close to others", path))?;
    }
    Ok(())
}

/// Makes `path` for a group to enter, mode 0750, or checks that a directory that is there lets in nobody else and is
/// this user's or root's. `group` is given to one of this user's.
///
/// # Errors
/// [`NoDirectory`].
pub fn shared(path: &Path, group: Option<u32>) -> Result<(), NoDirectory> {
    let mut made = false;
    if let Some(parent) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o755)
            .create(parent)
            .map_err(FileError::at("create", parent))?;
    }
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => made = true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(FileError::at("create", path)(error).into()),
    }
    let meta = std::fs::symlink_metadata(path).map_err(FileError::at("look at", path))?;
    match checked(path, &meta) {
        Err(NoDirectory::Foreign { owner: 0, .. }) => {}
        other => {
            other?;
            if group.is_some_and(|group| group != meta.gid()) {
                std::os::unix::fs::chown(path, None, group)
                    .map_err(FileError::at("set the group of", path))?;
            }
        }
    }
    if made {
        let mode = Permissions::from_mode(0o750);
        return Ok(std::fs::set_permissions(path, mode).map_err(FileError::at("set the mode of", path))?);
    }
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o027 == 0 { Ok(()) } else { Err(NoDirectory::Open { path: path.to_owned(), mode }) }
}

/// Where what belongs to a room's steps is kept: in the room's own directory where that is this user's alone, else where
/// this user's state lives.
///
/// # Errors
/// [`NoDirectory`] where there is neither.
pub fn beside(socket: &Path) -> Result<PathBuf, NoDirectory> {
    let private = |dir: &Path| {
        std::fs::symlink_metadata(dir).is_ok_and(|meta| {
            let others = meta.permissions().mode() & 0o077;
            others == 0 && checked(dir, &meta).is_ok()
        })
    };
    match socket.parent().filter(|dir| dir.is_absolute() && private(dir)) {
        Some(dir) => Ok(dir.to_owned()),
        None => state(),
    }
}

/// Who owns the directory that a path lies in: whoever that is decides what listens there.
pub fn owner_of(path: &Path) -> Option<u32> {
    path.parent().and_then(|dir| std::fs::metadata(dir).ok()).map(|meta| meta.uid())
}

fn checked(path: &Path, meta: &Metadata) -> Result<(), NoDirectory> {
    if !meta.is_dir() {
        return Err(NoDirectory::NotADirectory { path: path.to_owned() });
    }
    let me = super::peer::my_uid();
    if meta.uid() != me {
        return Err(NoDirectory::Foreign { path: path.to_owned(), owner: meta.uid(), me });
    }
    Ok(())
}

/// A new folder `name` under `base`, mode 0700; an error where it is there already, so that no run writes over
/// another's.
pub fn fresh(base: &Path, name: &str) -> Result<PathBuf, NoDirectory> {
    private(base)?;
    let path = base.join(name);
    DirBuilder::new().mode(0o700).create(&path).map_err(FileError::at("create", &path))?;
    std::fs::File::open(base).and_then(|dir| dir.sync_all()).map_err(FileError::at("sync", base))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_private_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = state_in(None, Some(dir.path().into())).unwrap();
        assert_eq!(path, dir.path().join(".local/state/warroom"));
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o700);
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        private(&path).unwrap();
        assert_eq!(mode(), 0o700);
        assert!(matches!(state_in(None, None), Err(NoDirectory::Nowhere)));
    }

    #[test]
    fn a_link_and_a_foreign_directory_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path(), &link).unwrap();
        assert!(matches!(private(&link), Err(NoDirectory::NotADirectory { .. })));
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(matches!(private(&dir.path().join("file")), Err(NoDirectory::NotADirectory { .. })));
        if super::super::peer::my_uid() == 0 {
            let other = dir.path().join("other");
            std::fs::create_dir(&other).unwrap();
            std::os::unix::fs::chown(&other, Some(1234), None).unwrap();
            assert!(matches!(private(&other), Err(NoDirectory::Foreign { owner: 1234, .. })));
        }
    }

    #[test]
    fn a_shared_directory_lets_in_its_group_and_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run/warroom");
        let me = super::super::peer::my_uid();
        let group = if me == 0 { 12_345 } else { std::fs::metadata(dir.path()).unwrap().gid() };
        shared(&path, Some(group)).unwrap();
        let meta = std::fs::metadata(&path).unwrap();
        assert_eq!((meta.permissions().mode() & 0o777, meta.gid()), (0o750, group));
        shared(&path, None).unwrap();
        for open in [0o755, 0o770, 0o777, 0o751] {
            std::fs::set_permissions(&path, Permissions::from_mode(open)).unwrap();
            assert!(matches!(shared(&path, None), Err(NoDirectory::Open { .. })), "{open:o}");
        }
        if me == 0 {
            std::fs::set_permissions(&path, Permissions::from_mode(0o750)).unwrap();
            std::os::unix::fs::chown(&path, Some(1234), None).unwrap();
            assert!(matches!(shared(&path, None), Err(NoDirectory::Foreign { owner: 1234, .. })));
        }
    }

    #[test]
    fn steps_are_kept_in_the_rooms_directory_only_where_it_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("room.sock");
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o700)).unwrap();
        assert_eq!(beside(&socket).unwrap(), dir.path());
        std::fs::set_permissions(dir.path(), Permissions::from_mode(0o750)).unwrap();
        assert_ne!(beside(&socket).ok(), Some(dir.path().to_owned()), "others may enter");
    }

    #[test]
    fn a_folder_is_fresh_once() {
        let dir = tempfile::tempdir().unwrap();
        fresh(dir.path(), "r1").unwrap();
        assert!(fresh(dir.path(), "r1").is_err());
    }
}
