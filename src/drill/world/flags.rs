//! `flags.json`: feature flags in stages, read again whenever the file changes.

use super::{WorldError, layout};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// The flag of this world.
pub const NEW_PRICING: &str = "new-pricing";

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// All flags.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Flags {
    /// By name.
    pub flags: BTreeMap<String, Flag>,
}

/// One flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// Share of requests it is on for.
    pub percent: u32,
    /// Stages it is meant to go through.
    #[serde(default)]
    pub stages: Vec<u32>,
    /// Who answers for it.
    #[serde(default)]
    pub owner: String,
    /// What it does.
    #[serde(default)]
    pub about: String,
}

impl Flags {
    /// As they stand when a drill begins.
    pub fn at_first() -> Self {
        let flag = Flag {
            percent: 100,
            stages: vec![0, 10, 50, 100],
            owner: "pricing-team".into(),
            about: "prices from the new engine".into(),
        };
        Self { flags: BTreeMap::from([(NEW_PRICING.to_owned(), flag)]) }
    }

    /// As they stand in a file.
    ///
    /// # Errors
    /// [`WorldError`] where it cannot be read.
    pub fn read(path: &Path) -> Result<Self, WorldError> {
        layout::read_json(path)
    }

    /// Share of requests a flag is on for, at most 100; nothing for a flag that is not there.
    pub fn percent(&self, name: &str) -> u32 {
        self.flags.get(name).map_or(0, |flag| flag.percent.min(100))
    }
}

/// Sets a flag's percentage as a person would by hand, and touches nothing else. One that is not there stays so.
///
/// # Errors
/// [`WorldError`] where the file cannot be read or written.
pub fn switch(path: &Path, name: &str, percent: u32) -> Result<(), WorldError> {
    let mut flags = Flags::read(path)?;
    if let Some(flag) = flags.flags.get_mut(name) {
        flag.percent = percent.min(100);
    }
    layout::write_json(path, &flags)
}

/// The file, and what it said when it was last in order.
pub struct Watched {
    path: PathBuf,
    now: Flags,
    changed: Option<SystemTime>,
    looked: Option<Instant>,
}

impl Watched {
    /// Nothing read yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), now: Flags::default(), changed: None, looked: None }
    }

    /// The flags now; an error where the file has just become unreadable, which leaves them as they were.
    pub fn look(&mut self, now: Instant) -> (&Flags, Option<WorldError>) {
        if self.looked.is_some_and(|then| now.saturating_duration_since(then) < LOOK_EVERY) {
            return (&self.now, None);
        }
        self.looked = Some(now);
        let changed = std::fs::metadata(&self.path).and_then(|meta| meta.modified()).ok();
        if changed == self.changed && changed.is_some() {
            return (&self.now, None);
        }
        let first = self.changed.is_none();
        self.changed = changed;
        match layout::read_json(&self.path) {
            Ok(read) => {
                self.now = read;
                (&self.now, None)
            }
            Err(_) if changed.is_none() && !first => (&self.now, None),
            Err(why) => (&self.now, Some(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_file_leaves_the_flags_as_they_were() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("flags.json");
        layout::write_json(&path, &Flags::at_first()).unwrap();
        let mut watched = Watched::new(&path);
        let t = Instant::now();
        assert_eq!(watched.look(t).0.percent(NEW_PRICING), 100);
        std::fs::write(&path, "{").unwrap();
        let later = std::fs::metadata(&path).unwrap().modified().unwrap() + Duration::from_secs(3);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
        let (flags, trouble) = watched.look(t + LOOK_EVERY);
        assert_eq!(flags.percent(NEW_PRICING), 100);
        assert!(trouble.unwrap().to_string().contains("flags.json"));
        assert!(watched.look(t + LOOK_EVERY * 2).1.is_none(), "said once");
    }
}
