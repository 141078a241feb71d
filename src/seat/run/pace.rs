//! When a change is drawn: a key at once, what happened soon, what was measured with the clock's next second; and all that
//! nobody pressed a key for within what a slow line bears.

use crate::seat::update::Haste;
use std::time::Duration;
use tokio::time::Instant;

/// Bytes a second that are written by themselves, on average. Ten times the clock of a quiet room; a line of 56 kbit/s
/// bears it.
const RATE: f64 = 5_000.0;
/// Bytes that may be written at once after some quiet: a whole frame.
const CREDIT: f64 = 12_000.0;
/// Nothing waits longer for its turn.
const LONGEST: Duration = Duration::from_secs(1);

/// When the next frame is due.
pub(super) struct Pace {
    drawn: Instant,
    due: Option<Instant>,
    /// Bytes that may be written, up to `CREDIT`; less than none after a key that changed much, or a flood.
    credit: f64,
}

impl Pace {
    /// At the first frame.
    pub fn new(now: Instant) -> Self {
        Self { drawn: now, due: Some(now), credit: CREDIT }
    }

    /// Something changed.
    pub fn want(&mut self, haste: Haste) {
        let gap = match haste {
            Haste::Key => Duration::from_millis(8),
            Haste::Soon => self.afford(Duration::from_millis(30)),
            Haste::Flow => self.afford(Duration::from_millis(100)),
            Haste::Second => LONGEST,
        };
        let at = self.drawn + gap;
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    fn afford(&self, gap: Duration) -> Duration {
        gap.max(Duration::from_secs_f64((-self.credit / RATE).max(0.0))).min(LONGEST)
    }

    /// When the next frame is to be drawn, where anything is to be shown.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// A frame of so many bytes was drawn.
    pub fn drew(&mut self, now: Instant, bytes: usize) {
        let earned = now.saturating_duration_since(self.drawn).as_secs_f64() * RATE;
        self.credit = ((self.credit + earned).min(CREDIT) - bytes as f64).max(-RATE);
        (self.drawn, self.due) = (now, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn haste() -> impl Strategy<Value = Haste> {
        prop_oneof![Just(Haste::Key), Just(Haste::Soon), Just(Haste::Flow), Just(Haste::Second)]
    }

    /// Frames that are drawn when a change of this haste comes every millisecond.
    fn flood(haste: Haste, bytes: usize, millis: u64) -> usize {
        let begin = Instant::now();
        let mut pace = Pace::new(begin);
        let mut frames = 0;
        for ms in 0..millis {
            let now = begin + Duration::from_millis(ms);
            pace.want(haste);
            if pace.due().is_some_and(|due| due <= now) {
                pace.drew(now, bytes);
                frames += 1;
            }
        }
        frames
    }

    #[test]
    fn a_flood_writes_no_more_than_a_slow_line_bears_and_still_shows_every_second() {
        let written = flood(Haste::Soon, 900, 20_000) * 900;
        assert!((80_000..=20 * 5_000 + 12_000 + 900).contains(&written), "{written}");
        assert_eq!(flood(Haste::Second, 900, 20_000), 20);
        assert!((20..=25).contains(&flood(Haste::Soon, 50_000, 20_000)));
        assert!(flood(Haste::Flow, 10, 20_000) >= 190);
    }

    proptest! {
        #[test]
        fn a_key_waits_for_nothing_that_came_before_and_nothing_waits_longer_than_a_second(
            before in prop::collection::vec((haste(), 0_usize..60_000, 0_u64..400), 0..30),
            last in haste(),
        ) {
            let mut now = Instant::now();
            let mut pace = Pace::new(now);
            for (haste, bytes, ms) in before {
                now += Duration::from_millis(ms);
                pace.want(haste);
                if pace.due().is_some_and(|due| due <= now) {
                    pace.drew(now, bytes);
                }
            }
            pace.drew(now, 0);
            prop_assert_eq!(pace.due(), None, "what did not change is not drawn");
            pace.want(last);
            prop_assert!(pace.due().is_some_and(|due| due <= now + LONGEST));
            pace.want(Haste::Key);
            prop_assert!(pace.due().is_some_and(|due| due <= now + Duration::from_millis(8)));
        }
    }
}
