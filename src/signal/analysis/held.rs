//! How long something has held without a gap.

use crate::domain::time::{Span, Wall};
use crate::signal::Verdict;

/// A run of yes answers. Fed with every answer; a no, an unknown, a silence longer than `gap` or a clock that steps
/// back ends the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    gap: Span,
    since: Option<Wall>,
    last: Option<Wall>,
}

impl Held {
    /// Nothing has held yet. Answers further apart than `gap` do not belong to one run: three polls are usual.
    pub fn new(gap: Span) -> Self {
        Self { gap, since: None, last: None }
    }

    /// One answer.
    pub fn feed(&mut self, at: Wall, verdict: Verdict) {
        let joined = self.last.is_some_and(|last| at >= last && Span::between(last, at) <= self.gap);
        if verdict != Verdict::Yes {
            self.since = None;
        } else if !joined || self.since.is_none() {
            self.since = Some(at);
        }
        self.last = Some(at);
    }

    /// The first yes of the run that stands now: where the impact clock stops, once it has held.
    pub fn since(&self, now: Wall) -> Option<Wall> {
        let last = self.last?;
        (now >= last && Span::between(last, now) <= self.gap).then_some(self.since).flatten()
    }

    /// How long it has held, from the first to the last answer: silence after the last does not count as holding.
    pub fn length(&self, now: Wall) -> Option<Span> {
        Some(Span::between(self.since(now)?, self.last?))
    }

    /// Whether it has held for `wanted`.
    pub fn for_at_least(&self, wanted: Span, now: Wall) -> bool {
        self.length(now).is_some_and(|length| length >= wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use proptest::prelude::*;

    fn at(s: i64) -> Wall {
        DateTime::from_timestamp(s, 0).unwrap()
    }

    proptest! {
        /// Against the plain reading of the rule: walk back from the end while answers are yes and close together.
        #[test]
        fn it_is_the_unbroken_run_of_yes(steps in proptest::collection::vec((0_i64..6, 0_u8..6), 1..60)) {
            let mut held = Held::new(Span::secs(3));
            let mut t = 1_000;
            let mut fed: Vec<(i64, Verdict)> = Vec::new();
            for (step, what) in steps {
                t += step;
                let verdict = match what { 0 => Verdict::No, 1 => Verdict::Unknown, _ => Verdict::Yes };
                held.feed(at(t), verdict);
                fed.push((t, verdict));
            }
            let mut first = None;
            let mut after = t;
            for (when, verdict) in fed.iter().rev() {
                if *verdict != Verdict::Yes || after - when > 3 { break; }
                first = Some(*when);
                after = *when;
            }
            prop_assert_eq!(held.since(at(t)), first.map(at));
            prop_assert_eq!(held.length(at(t)), first.map(|f| Span::secs((t - f) as u64)));
        }
    }

    #[test]
    fn silence_is_not_holding() {
        let mut held = Held::new(Span::secs(3));
        held.feed(at(0), Verdict::Yes);
        held.feed(at(2), Verdict::Yes);
        assert_eq!(held.length(at(5)), Some(Span::secs(2)));
        assert_eq!(held.length(at(6)), None);
        held.feed(at(100), Verdict::Yes);
        assert_eq!(held.length(at(100)), Some(Span::ZERO));
    }

    #[test]
    fn a_clock_that_steps_back_starts_anew() {
        let mut held = Held::new(Span::secs(3));
        held.feed(at(100), Verdict::Yes);
        held.feed(at(50), Verdict::Yes);
        assert_eq!(held.since(at(50)), Some(at(50)));
    }
}
