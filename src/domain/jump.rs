//! Clock jumps: between two events of one boot the wall clock moved by another time than the boot clock, which never
//! jumps. Both clocks are in every envelope, so a replay sees them too.

use super::{
    event::Event,
    time::{BootId, Span, Stamp},
};
use std::{collections::BTreeMap, fmt};

/// A difference of the clocks that is less than this is none.
const JUMP_MIN_MS: u64 = 5_000;
/// A wall clock that is slowly set right drifts, and does not jump: by this part of the time that passed at most.
const DRIFT_PART: u64 = 1_000;
/// Boots whose newest event is remembered: a journal of many rooms has some.
const BOOTS_MAX: usize = 256;

/// The wall clock was set while the room ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jump {
    /// By how much.
    pub by: Span,
    /// Whether it was set forward.
    pub forward: bool,
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = if self.forward { "forward" } else { "back" };
        write!(f, "the clock jumped {} {way}: times before and after do not compare", self.by.brief())
    }
}

impl Jump {
    /// What the clocks of two moments say; none where they are of two boots, or agree.
    pub fn between(before: &Stamp, after: &Stamp) -> Option<Self> {
        if before.boot != after.boot || before.boot.0.is_empty() {
            return None;
        }
        let wall = (after.wall - before.wall).num_milliseconds();
        let clock = |stamp: &Stamp| i64::try_from(stamp.clock).unwrap_or(i64::MAX);
        let passed = clock(after).saturating_sub(clock(before));
        let off = wall.saturating_sub(passed);
        let least = JUMP_MIN_MS.max(passed.unsigned_abs() / DRIFT_PART);
        (off.unsigned_abs() >= least).then(|| Self { by: Span::millis(off.unsigned_abs()), forward: off > 0 })
    }
}

/// Finds jumps in events as they come, in the journal's order.
#[derive(Debug, Clone, Default)]
pub struct Jumps {
    last: BTreeMap<BootId, Stamp>,
}

impl Jumps {
    /// The next event; gives the jump that lies between it and the one before it of the same boot. What was recorded
    /// later than it happened says nothing.
    pub fn note(&mut self, event: &Event) -> Option<Jump> {
        let now = &event.occurred;
        if event.offline.is_some() || now.boot.0.is_empty() {
            return None;
        }
        let jump = self.last.get(&now.boot).and_then(|last| Jump::between(last, now));
        if self.last.len() >= BOOTS_MAX && !self.last.contains_key(&now.boot) {
            self.last.pop_first();
        }
        self.last.insert(now.boot.clone(), now.clone());
        jump
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stamp(boot: &str, wall_ms: i64, clock: u64) -> Stamp {
        let wall = chrono::DateTime::from_timestamp_millis(1_772_373_651_120 + wall_ms).unwrap();
        Stamp { wall, boot: BootId(boot.into()), clock }
    }

    #[test]
    fn a_set_clock_is_found_in_both_directions_and_a_drift_is_none() {
        let jump = |wall, clock| Jump::between(&stamp("b", 0, 1_000), &stamp("b", wall, clock));
        assert_eq!(jump(10_000, 11_000), None);
        assert_eq!(jump(14_900, 11_000), None, "less than counts");
        assert_eq!(jump(3_610_000, 11_000), Some(Jump { by: Span::hours(1), forward: true }));
        assert_eq!(jump(-3_590_000, 11_000), Some(Jump { by: Span::hours(1), forward: false }));
        assert_eq!(jump(86_420_000, 86_401_000), None, "twenty seconds in a day are a drift");
        assert_eq!(Jump::between(&stamp("b", 0, 1), &stamp("c", 3_600_000, 2)), None, "of two boots");
        assert_eq!(Jump::between(&stamp("", 0, 1), &stamp("", 3_600_000, 2)), None, "of no known boot");
        assert!(jump(3_610_000, 11_000).unwrap().to_string().contains("1h00m forward"));
    }

    proptest! {
        #[test]
        fn clocks_that_move_alike_never_jump(start in 0_u64..1 << 40, passed in 0_u32..) {
            let after = stamp("b", i64::from(passed), start + u64::from(passed));
            prop_assert_eq!(Jump::between(&stamp("b", 0, start), &after), None);
        }
    }
}
