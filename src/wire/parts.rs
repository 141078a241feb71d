//! Long frames in parts, so that none of any length holds up what comes beside it, and a client can give one up.
//!
//! The texts of all parts of one frame, put together, are that frame. Any split gives the same frame.

use super::FromRoom;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A frame that is longer is sent in parts to a client that takes them, in bytes.
pub const ONE_FRAME_MAX: usize = 256 * 1024;
/// Text of one part at most, in bytes.
pub const PART_MAX: usize = 64 * 1024;
/// What a client puts together at most, in bytes, all frames that are on their way counted.
pub const WHOLE_MAX: usize = 256 * 1024 * 1024;
/// Frames that a client puts together at once at most.
const AT_ONCE_MAX: usize = 64;

/// What a part is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartOf {
    /// A `snapshot`, or a `live` in its place. One that begins anew voids what came of the one before.
    Snapshot,
    /// The `told` of the question with this number.
    Answer(u64),
}

/// A frame that is sent in parts. Its bytes are shared by all clients that are sent the same.
#[derive(Debug)]
pub struct Parts {
    of: PartOf,
    whole: Arc<[u8]>,
    at: usize,
    n: u32,
}

impl Parts {
    /// All of a frame, given as [`super::encode`] gives it.
    pub fn new(of: PartOf, whole: Arc<[u8]>) -> Self {
        Self { of, whole, at: 0, n: 0 }
    }

    /// What it is of.
    pub fn of(&self) -> PartOf {
        self.of
    }

    /// The bytes of the frame, shared.
    pub fn whole(&self) -> &Arc<[u8]> {
        &self.whole
    }

    /// Bytes of the frame that were not given yet.
    pub fn left(&self) -> usize {
        self.end().saturating_sub(self.at)
    }

    fn end(&self) -> usize {
        self.whole.strip_suffix(b"\n").unwrap_or(&self.whole).len()
    }

    /// The next part, encoded, and how many bytes of the frame are in it; `None` after the last.
    pub fn next_part(&mut self) -> Option<(Vec<u8>, usize)> {
        let end = self.end();
        if self.at >= end {
            return None;
        }
        let mut to = self.at.saturating_add(PART_MAX).min(end);
        // Within no character.
        while to < end && self.whole.get(to).is_some_and(|byte| byte & 0xc0 == 0x80) {
            to = to.saturating_sub(1);
        }
        let text = String::from_utf8_lossy(self.whole.get(self.at..to)?).into_owned();
        let (of, n, last, bytes) = (self.of, self.n, to >= end, to.saturating_sub(self.at));
        self.n = self.n.saturating_add(1);
        self.at = to;
        Some((super::encode(&FromRoom::Part { of, n, last, text }), bytes))
    }
}

/// Parts that cannot be put together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// One is missing, or came twice.
    #[error("part {came} of a frame came in place of part {wanted}")]
    Order {
        /// The part that came.
        came: u32,
        /// The part that was to come.
        wanted: u32,
    },
    /// More than a client holds.
    #[error("frames of more than {} MiB, or more than {AT_ONCE_MAX} at once, are on their way", WHOLE_MAX / 1024 / 1024)]
    TooLong,
}

/// Puts frames together from their parts, bounded.
#[derive(Debug, Default)]
pub struct Assembly {
    open: BTreeMap<PartOf, (u32, String)>,
    held: usize,
    /// Answers that nobody wants any more; parts of them may be on their way.
    given_up: BTreeSet<u64>,
}

impl Assembly {
    /// One more part. Gives the frame where it is whole now.
    ///
    /// # Errors
    /// [`Misfit`]; the connection is of no use any more.
    pub fn take(&mut self, of: PartOf, n: u32, last: bool, text: &str) -> Result<Option<String>, Misfit> {
        if let PartOf::Answer(n) = of
            && self.given_up.contains(&n)
        {
            return Ok(None);
        }
        let (wanted, mut held) = match self.open.remove(&of) {
            Some((_, old)) if n == 0 => {
                self.held = self.held.saturating_sub(old.len());
                (0, String::new())
            }
            Some(open) => open,
            None => (0, String::new()),
        };
        if n != wanted {
            return Err(Misfit::Order { came: n, wanted });
        }
        self.held = self.held.saturating_add(text.len());
        if self.held > WHOLE_MAX || self.open.len() >= AT_ONCE_MAX {
            return Err(Misfit::TooLong);
        }
        held.push_str(text);
        if last {
            self.held = self.held.saturating_sub(held.len());
            return Ok(Some(held));
        }
        self.open.insert(of, (n.saturating_add(1), held));
        Ok(None)
    }

    /// The answer to this question is not wanted any more.
    pub fn give_up(&mut self, n: u64) {
        if let Some((_, held)) = self.open.remove(&PartOf::Answer(n)) {
            self.held = self.held.saturating_sub(held.len());
        }
        self.given_up.insert(n);
        if self.given_up.len() > AT_ONCE_MAX {
            self.given_up.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::decode;
    use proptest::prelude::*;

    fn cut(of: PartOf, text: &str) -> Vec<(PartOf, u32, bool, String)> {
        let mut parts = Parts::new(of, [text.as_bytes(), b"\n"].concat().into());
        std::iter::from_fn(|| parts.next_part())
            .map(|(bytes, _)| match decode(bytes.strip_suffix(b"\n").unwrap()).unwrap() {
                FromRoom::Part { of, n, last, text } => (of, n, last, text),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    proptest! {
        /// However the parts of several frames come between each other, each frame is what it was.
        #[test]
        fn frames_come_out_as_they_went_in(
            texts in prop::collection::vec((0..4_usize, "[a-zäé語\"\\\\]{1,40}"), 1..5),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let texts: Vec<String> = texts.iter().map(|(times, text)| text.repeat(times * 900 + 1)).collect();
            let mut queues: Vec<_> = texts.iter().enumerate().map(|(n, text)| {
                cut(PartOf::Answer(n as u64), text).into_iter().collect::<std::collections::VecDeque<_>>()
            }).collect();
            let (mut assembly, mut whole) = (Assembly::default(), BTreeMap::new());
            let mut order = order.iter().cycle();
            while queues.iter().any(|queue| !queue.is_empty()) {
                let from = order.next().map_or(0, |index| index.index(queues.len()));
                let from = (0..queues.len()).map(|n| (n + from) % queues.len()).find(|n| !queues[*n].is_empty()).unwrap();
                let (of, n, last, text) = queues[from].pop_front().unwrap();
                prop_assert!(text.len() <= PART_MAX);
                if let Some(text) = assembly.take(of, n, last, &text).unwrap() {
                    whole.insert(of, text);
                }
            }
            prop_assert_eq!(assembly.held, 0);
            let came: Vec<String> = whole.into_values().collect();
            prop_assert_eq!(came, texts);
        }

        /// Whatever comes, no more is held than may be.
        #[test]
        fn what_does_not_fit_is_an_error(parts in prop::collection::vec((0..3_u64, 0..4_u32, any::<bool>()), 0..50)) {
            let mut assembly = Assembly::default();
            for (of, n, last) in parts {
                let held: usize = assembly.open.values().map(|(_, text)| text.len()).sum();
                prop_assert_eq!(held, assembly.held);
                if assembly.take(PartOf::Answer(of), n, last, "text").is_err() {
                    return Ok(());
                }
            }
        }
    }

    #[test]
    fn a_snapshot_that_begins_anew_voids_the_one_before() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.take(PartOf::Snapshot, 0, false, "old"), Ok(None));
        assert_eq!(assembly.take(PartOf::Snapshot, 0, false, "ne"), Ok(None));
        assert_eq!(assembly.take(PartOf::Snapshot, 1, true, "w"), Ok(Some("new".into())));
        let out = Misfit::Order { came: 2, wanted: 0 };
        assert_eq!(assembly.take(PartOf::Snapshot, 2, true, "w"), Err(out));
    }

    #[test]
    fn parts_of_what_was_given_up_are_passed_over() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.take(PartOf::Answer(1), 0, false, "no"), Ok(None));
        assembly.give_up(1);
        assert_eq!(assembly.take(PartOf::Answer(1), 1, true, "more"), Ok(None));
        assert_eq!((assembly.held, assembly.open.len()), (0, 0));
    }

    #[test]
    fn more_than_a_client_holds_is_refused() {
        let mut assembly = Assembly { held: WHOLE_MAX - 3, ..Assembly::default() };
        assert_eq!(assembly.take(PartOf::Snapshot, 0, false, "abc"), Ok(None));
        assert_eq!(assembly.take(PartOf::Answer(1), 0, false, "d"), Err(Misfit::TooLong));
    }
}
