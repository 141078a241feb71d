//! When what was published goes out: at once in a quiet room; in a busy one it is gathered, for a while that grows with
//! the number of seats, so that sending costs a bounded part of a processor however many events there are.

use std::time::Duration;
use tokio::time::Instant;

/// The least time between two sends for each seat: waking its task, writing, and waking its reader cost about a fifth
/// of this.
const A_SEAT: Duration = Duration::from_micros(50);
/// Half of what a seat takes between two frames on its screen, so that nobody sees the wait.
const MOST: Duration = Duration::from_millis(15);

/// The pace of one room.
#[derive(Debug)]
pub struct Pace {
    next: Instant,
}

impl Pace {
    /// Nothing was sent yet.
    pub fn new(now: Instant) -> Self {
        Self { next: now }
    }

    /// When what is published next may go out.
    pub fn due(&self) -> Instant {
        self.next
    }

    /// It went out to so many.
    pub fn sent(&mut self, now: Instant, seats: usize) {
        let seats = u32::try_from(seats).unwrap_or(u32::MAX);
        self.next = now + A_SEAT.saturating_mul(seats).min(MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_seats_are_hardly_waited_for_and_many_no_longer_than_nobody_sees() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert_eq!(pace.due(), now);
        for (seats, wait) in [(0, 0), (1, 50), (20, 1_000), (200, 10_000), (100_000, 15_000)] {
            pace.sent(now, seats);
            assert_eq!(pace.due() - now, Duration::from_micros(wait), "{seats}");
        }
    }
}
