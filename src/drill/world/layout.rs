//! Where everything lies in a drill's directory, and how files appear there whole or not at all.

use super::WorldError;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

/// The paths of one drill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The drill's directory, absolute.
    pub dir: PathBuf,
}

impl Layout {
    /// The layout of a directory; nothing is touched.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Makes the directories, the top one for its owner alone. A directory that holds anything is refused.
    pub fn create(dir: &Path) -> Result<Self, WorldError> {
        let dir = std::path::absolute(dir).map_err(WorldError::io("resolving", dir))?;
        let holds_something = std::fs::read_dir(&dir).is_ok_and(|mut entries| entries.next().is_some());
        if holds_something {
            return Err(WorldError::Taken(dir));
        }
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&dir).map_err(WorldError::io("creating", &dir))?;
        // An empty directory that was there before keeps its mode otherwise.
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&dir, owner_only).map_err(WorldError::io("closing to others", &dir))?;
        let layout = Self { dir };
        for made in [layout.run(), layout.logs()] {
            builder.create(&made).map_err(WorldError::io("creating", &made))?;
        }
        Ok(layout)
    }

    /// A service's own directory, with `releases`, `current` and `revisions.log`.
    pub fn service(&self, service: &str) -> PathBuf {
        self.dir.join("srv").join(service)
    }
    /// Where a service's releases lie.
    pub fn releases(&self, service: &str) -> PathBuf {
        self.service(service).join("releases")
    }
    /// The link to the release that is to run.
    pub fn current(&self, service: &str) -> PathBuf {
        self.service(service).join("current")
    }
    /// Who deployed and rolled back what, in Capistrano's words.
    pub fn revisions(&self, service: &str) -> PathBuf {
        self.service(service).join("revisions.log")
    }
    /// Feature flags, read again by the services when they change.
    pub fn flags(&self) -> PathBuf {
        self.dir.join("flags.json")
    }
    /// Where logs are written.
    pub fn logs(&self) -> PathBuf {
        self.dir.join("log")
    }
    /// One process's log.
    pub fn log(&self, name: &str) -> PathBuf {
        self.logs().join(format!("{name}.log"))
    }
    /// Process ids, ports and what was asked for.
    pub fn run(&self) -> PathBuf {
        self.dir.join("run")
    }
    /// A process's id.
    pub fn pid(&self, name: &str) -> PathBuf {
        self.run().join(format!("{name}.pid"))
    }
    /// The port a process found free.
    pub fn port(&self, name: &str) -> PathBuf {
        self.run().join(format!("{name}.port"))
    }
    /// What the player asked for.
    pub fn spec(&self) -> PathBuf {
        self.run().join("spec.json")
    }
    /// Who plays.
    pub fn owner(&self) -> PathBuf {
        self.run().join("owner.json")
    }
    /// What is running where.
    pub fn facts(&self) -> PathBuf {
        self.dir.join("world.json")
    }
}

/// Writes a file so that readers see the old text or the new, never half.
pub fn write_whole(path: &Path, text: &str) -> Result<(), WorldError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let fail = |source| WorldError::Io { doing: "writing", path: path.to_owned(), source };
    let mut file = tempfile::NamedTempFile::new_in(dir).map_err(fail)?;
    file.write_all(text.as_bytes()).map_err(fail)?;
    file.persist(path).map_err(|refused| fail(refused.error))?;
    Ok(())
}

/// Points a link elsewhere in one step, so that it is never missing.
pub fn switch_link(link: &Path, target: &Path) -> Result<(), WorldError> {
    let next = link.with_extension("next");
    let _ = std::fs::remove_file(&next);
    symlink(target, &next).map_err(WorldError::io("linking", &next))?;
    std::fs::rename(&next, link).map_err(WorldError::io("switching", link))
}

/// Reads a JSON file, saying where it does not fit.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, WorldError> {
    let text = std::fs::read_to_string(path).map_err(WorldError::io("reading", path))?;
    serde_json::from_str(&text)
        .map_err(|why| WorldError::Unreadable { path: path.to_owned(), why: why.to_string() })
}

/// Writes a value as JSON for people and programs.
pub fn write_json<T: serde::Serialize>(path: &Path, value: &T) -> Result<(), WorldError> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|why| WorldError::Unreadable { path: path.to_owned(), why: why.to_string() })?;
    text.push('\n');
    write_whole(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_something_in_it_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("thesis.txt"), "mine").unwrap();
        assert!(matches!(Layout::create(home.path()), Err(WorldError::Taken(_))));
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_directory_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        for dir in [home.path().join("new/drill"), home.path().join("empty")] {
            if dir.ends_with("empty") {
                std::fs::create_dir(&dir).unwrap();
            }
            Layout::create(&dir).unwrap();
            assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn a_link_is_switched_over_an_old_one() {
        let home = tempfile::tempdir().unwrap();
        let link = home.path().join("current");
        for target in ["releases/1", "releases/2"] {
            switch_link(&link, Path::new(target)).unwrap();
            assert_eq!(std::fs::read_link(&link).unwrap(), Path::new(target));
        }
    }
}
