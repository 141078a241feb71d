//! The gate's last word for a target, for when the room is out of reach. Only a freeze is remembered, and only as long
//! as its lease; nothing in here ever lets a change through.

use crate::{
    domain::{
        gate::{Answer, Because, Request},
        time::{Span, Wall},
    },
    evidence::blob::digest_of,
    os::{dirs, durable},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Artifacts remembered as exempt at most.
const EXEMPT_MAX: usize = 64;
/// By how much a clock may have been set back before what it wrote is not believed.
const CLOCK_SLACK: Span = Span::mins(5);
/// A file larger than this is none of ours.
const FILE_MAX: u64 = 64 * 1024;

/// Where answers are kept: the user's cache, else beside the state.
pub fn place(state: &Path) -> PathBuf {
    std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .map_or_else(|| state.to_owned(), |cache| cache.join("warroom").join("gate"))
}

/// What is remembered for one service, environment and action, as one room said it.
#[derive(Debug)]
pub struct Cache {
    dir: PathBuf,
    path: PathBuf,
    of: [String; 4],
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered {
    of: [String; 4],
    denied: Option<Denied>,
    exempt: BTreeSet<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Denied {
    at: Wall,
    answer: Answer,
}

impl Cache {
    /// The memory of `room` for what `request` would change. Artifacts share it: a freeze covers them all.
    pub fn new(dir: &Path, room: &str, request: &Request) -> Self {
        let of =
            [room.to_owned(), request.service.clone(), request.env.clone(), request.action.word().to_owned()];
        let name = digest_of(serde_json::json!(of).to_string().as_bytes());
        Self { dir: dir.to_owned(), path: dir.join(format!("{name}.json")), of }
    }

    fn read(&self) -> Option<Remembered> {
        // Not private any more, or damaged: as if nothing were remembered.
        let meta = std::fs::symlink_metadata(&self.path).ok()?;
        dirs::private(&self.dir).ok()?;
        if !meta.is_file() || meta.len() > FILE_MAX {
            return None;
        }
        let known: Remembered = serde_json::from_slice(&std::fs::read(&self.path).ok()?).ok()?;
        (known.of == self.of).then_some(known)
    }

    /// Remembers what the room said about an artifact.
    ///
    /// # Errors
    /// That it could not be written, which changes no answer.
    pub fn remember(&self, artifact: &str, answer: &Answer, now: Wall) -> Result<(), String> {
        let before = self.read();
        let nothing = before.is_none();
        let mut known = before.unwrap_or_default();
        known.of.clone_from(&self.of);
        match answer.because {
            Because::Frozen => {
                let last = known.denied.as_ref().and_then(|denied| denied.answer.freeze);
                if last != answer.freeze {
                    known.exempt.clear();
                }
                known.exempt.remove(artifact);
                known.denied = Some(Denied { at: now, answer: answer.clone() });
            }
            // No freeze stands in this one's way; whether one stands in others' is not said.
            Because::Exempted | Because::NotReady => {
                if known.exempt.len() < EXEMPT_MAX {
                    known.exempt.insert(artifact.to_owned());
                }
            }
            Because::Open if nothing => return Ok(()),
            Because::Open => known = Remembered { of: known.of, ..Remembered::default() },
            Because::Undecided | Because::Unreachable => return Ok(()),
        }
        dirs::private(&self.dir).map_err(|error| error.to_string())?;
        let bytes = serde_json::to_vec(&known).map_err(|error| error.to_string())?;
        durable::write_whole(&self.path, &bytes).map_err(|error| error.to_string())
    }

    /// The freeze that holds still, as far as was known, and how long ago that was.
    pub fn frozen(&self, artifact: &str, now: Wall) -> Option<(Answer, Span)> {
        let known = self.read()?;
        let denied = known.denied.filter(|_| !known.exempt.contains(artifact))?;
        let lasts = denied.answer.valid_until.is_some_and(|until| until > now);
        let believed = denied.at <= now || Span::between(now, denied.at) <= CLOCK_SLACK;
        let says_so = denied.answer.because == Because::Frozen && !denied.answer.allowed;
        (lasts && believed && says_so).then(|| (denied.answer, Span::between(denied.at, now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{gate::Action, id::FreezeId};
    use chrono::{DateTime, TimeDelta};
    use proptest::prelude::*;

    fn at(s: i64) -> Wall {
        DateTime::from_timestamp(1_700_000_000 + s, 0).unwrap()
    }

    fn request(action: Action) -> Request {
        Request {
            service: "s".into(),
            env: "e".into(),
            artifact: "a".into(),
            action,
            dry_run: false,
            alias: None,
        }
    }

    fn answer(because: Because, freeze: Option<u32>) -> Answer {
        Answer {
            allowed: matches!(because, Because::Open | Because::Exempted),
            hold: false,
            abort: false,
            because,
            reason: "r".into(),
            freeze: freeze.map(FreezeId),
            incident: None,
            valid_until: freeze.map(|_| at(600)),
            seq: 1,
            checks: Vec::new(),
            warned: false,
        }
    }

    #[test]
    fn a_deny_lives_as_long_as_its_lease_and_no_longer() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::new(dir.path(), "room", &request(Action::Deploy));
        assert!(cache.frozen("a", at(0)).is_none());
        cache.remember("a", &answer(Because::Frozen, Some(1)), at(0)).unwrap();
        let ages: Vec<_> =
            [0, 240, 599, 600, 9_999].map(|s| cache.frozen("b", at(s)).map(|(_, age)| age.as_secs())).into();
        assert_eq!(ages, [Some(0), Some(240), Some(599), None, None]);
        // A clock that was set back does not make it live longer.
        assert!(cache.frozen("a", at(-299)).is_some());
        assert!(cache.frozen("a", at(-301)).is_none());
        for other in [
            Cache::new(dir.path(), "other room", &request(Action::Deploy)),
            Cache::new(dir.path(), "room", &request(Action::Rollback)),
        ] {
            assert!(other.frozen("a", at(1)).is_none());
        }
    }

    #[test]
    fn what_the_room_said_since_counts() {
        use Because::{Exempted, Frozen, NotReady, Open, Undecided};
        type Said = (&'static str, Because, Option<u32>);
        let table: [(&[Said], bool, bool); 7] = [
            (&[("a", Frozen, Some(1))], true, true),
            (&[("a", Frozen, Some(1)), ("b", Open, None)], false, false),
            (&[("a", Frozen, Some(1)), ("b", Exempted, Some(1))], true, false),
            (&[("a", Frozen, Some(1)), ("b", NotReady, None)], true, false),
            (&[("b", Exempted, Some(1)), ("a", Frozen, Some(1))], true, true),
            (&[("a", Frozen, Some(1)), ("b", Exempted, Some(1)), ("a", Frozen, Some(1))], true, false),
            (&[("a", Frozen, Some(1)), ("b", Exempted, Some(1)), ("a", Undecided, None)], true, false),
        ];
        for (said, a, b) in table {
            let dir = tempfile::tempdir().unwrap();
            let cache = Cache::new(dir.path(), "room", &request(Action::Deploy));
            for (artifact, because, freeze) in said {
                cache.remember(artifact, &answer(*because, *freeze), at(0)).unwrap();
            }
            let frozen = |artifact| cache.frozen(artifact, at(1)).is_some();
            assert_eq!((frozen("a"), frozen("b")), (a, b), "{said:?}");
        }
    }

    proptest! {
        #[test]
        fn a_damaged_file_is_as_none_and_never_a_panic(bytes in any::<Vec<u8>>(), cut in 0_usize..200, s in -10_000_i64..10_000) {
            let dir = tempfile::tempdir().unwrap();
            let cache = Cache::new(dir.path(), "room", &request(Action::Deploy));
            std::fs::write(&cache.path, &bytes).unwrap();
            prop_assert!(cache.frozen("a", at(s)).is_none());
            cache.remember("a", &answer(Because::Frozen, Some(1)), at(0)).unwrap();
            let whole = std::fs::read(&cache.path).unwrap();
            std::fs::write(&cache.path, &whole[..whole.len().min(cut)]).unwrap();
            prop_assert!(cache.frozen("a", at(0) + TimeDelta::seconds(1)).is_none());
        }
    }
}
