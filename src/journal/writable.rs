//! Whether the journal takes events, as tasks beside the room's loop see it. The gate answers from there, so that a loop that
//! stands still, or a disk that hangs, does not leave it saying "open".

use std::time::Duration;
use tokio::{sync::watch, time::Instant};

/// An append that has been in flight for so long makes whatever it says unknown to the gate.
pub const SLOW_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    takes: bool,
    waits: Option<Instant>,
}

impl Standing {
    fn doubt(self, now: Instant) -> Option<&'static str> {
        if !self.takes {
            return Some("the room cannot write its journal");
        }
        let slow = self.waits.is_some_and(|since| now.saturating_duration_since(since) >= SLOW_AFTER);
        slow.then_some("the journal is slow: an event has waited for it for more than a second")
    }
}

/// What the room says of its journal.
#[derive(Debug)]
pub struct Writing(watch::Sender<Standing>);

impl Default for Writing {
    fn default() -> Self {
        Self(watch::Sender::new(Standing { takes: true, waits: None }))
    }
}

impl Writing {
    /// Whether it takes events.
    pub fn takes(&self, takes: bool) {
        self.0.send_if_modified(|known| std::mem::replace(&mut known.takes, takes) != takes);
    }

    /// Since when the oldest append has been in flight; `None` where there is none.
    pub fn waits(&self, since: Option<Instant>) {
        self.0.send_if_modified(|known| std::mem::replace(&mut known.waits, since) != since);
    }

    /// Why nobody can say what the journal holds by now; `None` where it takes events without delay.
    pub fn doubt(&self, now: Instant) -> Option<&'static str> {
        self.0.borrow().doubt(now)
    }

    /// For another task.
    pub fn seen(&self) -> Writable {
        Writable(self.0.subscribe())
    }
}

/// The same, to be read.
#[derive(Debug, Clone)]
pub struct Writable(watch::Receiver<Standing>);

impl Writable {
    /// As of [`Writing::doubt`].
    pub fn doubt(&self, now: Instant) -> Option<&'static str> {
        self.0.borrow().doubt(now)
    }

    /// Waits until the room says that the journal takes events, or that it does not; for tests.
    pub async fn until(&mut self, takes: bool) {
        drop(self.0.wait_for(|known| known.takes == takes).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_append_in_flight_is_doubted_after_a_second_and_no_longer_than_it_lasts() {
        let (writing, now) = (Writing::default(), Instant::now());
        let seen = writing.seen();
        assert_eq!(seen.doubt(now), None);
        writing.waits(Some(now));
        assert_eq!(seen.doubt(now + SLOW_AFTER / 2), None);
        assert!(seen.doubt(now + SLOW_AFTER).unwrap().contains("slow"));
        writing.waits(None);
        assert_eq!(seen.doubt(now + SLOW_AFTER * 9), None);
        writing.takes(false);
        assert!(seen.doubt(now).unwrap().contains("cannot write"));
    }
}
