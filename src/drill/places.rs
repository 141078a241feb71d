//! Where drills lie: several may be played at the same time, each in a directory of its own, and one that a crash left
//! behind is found again.

use super::world::{Facts, Layout, World};
use crate::domain::time::{Span, Wall};
use std::path::{Path, PathBuf};

/// Most drills of one person at the same time, those left behind counted.
const MOST: usize = 9;
/// A directory without a player is one that is just being made, for this long.
const MAKING: Span = Span::secs(60);

/// A drill whose player is gone.
#[derive(Debug, Clone, PartialEq)]
pub struct Left {
    /// Its directory.
    pub dir: PathBuf,
    /// Its scenario and when it began, where that can still be read.
    pub began: Option<(String, Wall)>,
    /// Whether its world still runs.
    pub runs: bool,
}

impl Left {
    /// In a few words.
    pub fn words(&self) -> String {
        let what = match &self.began {
            Some((scenario, at)) => format!("{scenario}, begun {}", at.format("%Y-%m-%d %H:%MZ")),
            None => "it never came up".into(),
        };
        let runs = if self.runs { "its world still runs" } else { "its world has ended" };
        format!("{what}; {runs}; in {}", crate::domain::text::line(&self.dir.to_string_lossy()))
    }

    /// Whether there is anything to take up.
    pub fn sound(&self) -> bool {
        self.began.is_some()
    }
}

fn all(state: &Path) -> impl Iterator<Item = PathBuf> {
    (1..=MOST)
        .map(|n| if n == 1 { "drill".to_owned() } else { format!("drill-{n}") })
        .map(|name| state.join(name))
}

/// The drills under a state directory whose players are gone, the newest first. `now` is the time.
pub fn left(state: &Path, now: Wall) -> Vec<Left> {
    let mut found: Vec<Left> = all(state)
        .filter(|dir| dir.is_dir() && World::player(&dir.join("world")).is_none())
        .filter_map(|dir| {
            let world = dir.join("world");
            let facts = Facts::read(&Layout::new(&world)).ok();
            if facts.is_none() && young(&dir, now) {
                return None;
            }
            let began = facts.map(|facts| (facts.scenario.word().to_owned(), facts.started));
            Some(Left { runs: World::runs(&world), dir, began })
        })
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.began.as_ref().map(|(_, at)| *at)));
    found
}

fn young(dir: &Path, now: Wall) -> bool {
    let made = std::fs::metadata(dir).and_then(|meta| meta.modified()).ok();
    made.is_some_and(|made| Span::between(made.into(), now) < MAKING)
}

/// A new directory for a drill, this process's alone.
///
/// # Errors
/// Where there are too many, or it cannot be made.
pub fn claim(state: &Path) -> Result<PathBuf, String> {
    for dir in all(state) {
        match std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700).create(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{} cannot be made: {error}", dir.display())),
        }
    }
    Err(format!(
        "{MOST} drills are there already in {}: end one, or throw those left behind away with --discard",
        state.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_drill_has_a_place_of_its_own_until_there_are_too_many() {
        let state = tempfile::tempdir().unwrap();
        let places: Vec<_> = (0..MOST).map(|_| claim(state.path()).unwrap()).collect();
        assert_eq!(places.iter().collect::<std::collections::BTreeSet<_>>().len(), MOST);
        assert!(claim(state.path()).unwrap_err().contains("--discard"));
        std::fs::remove_dir(&places[3]).unwrap();
        assert_eq!(claim(state.path()).unwrap(), places[3]);
    }

    #[test]
    fn one_that_is_being_made_is_not_one_left_behind() {
        let state = tempfile::tempdir().unwrap();
        let dir = claim(state.path()).unwrap();
        let made: Wall = std::fs::metadata(&dir).unwrap().modified().unwrap().into();
        assert_eq!(left(state.path(), made), []);
        let old = left(state.path(), made + chrono::TimeDelta::seconds(61));
        assert_eq!(old.len(), 1);
        assert!(!old[0].sound() && old[0].words().contains("never came up"));
    }
}
