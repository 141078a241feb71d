//! How long a check that a command answers has held.

use crate::domain::time::{Span, Stamp};

/// A check that must hold and names no limit ends after this.
pub(super) const LIMIT: Span = Span::mins(15);

/// Between two askings: a fifth of what must hold, from a tenth of a second to one.
pub(super) fn every(wanted: Span) -> Span {
    Span::millis((wanted.as_millis() / 5).clamp(100, 1_000))
}

/// Follows it from one asking to the next. A no ends the run, and so does a silence in which it could have failed
/// unseen; the time that the command itself takes is no silence.
pub(super) struct Held {
    gap: Span,
    since: Option<Stamp>,
    last: Option<Stamp>,
}

impl Held {
    /// Nothing has held yet; it is asked `every` so often.
    pub(super) fn new(every: Span) -> Self {
        let gap = Span::millis(every.as_millis().saturating_mul(5)).plus(Span::secs(2));
        Self { gap, since: None, last: None }
    }

    /// It was asked at `asked` and answered at `now`: gives how long it has held.
    pub(super) fn said(&mut self, yes: bool, asked: &Stamp, now: &Stamp) -> Span {
        let silent = self.last.as_ref().is_some_and(|last| last.elapsed(asked) > self.gap);
        if !yes || silent {
            self.since = None;
        }
        self.last = Some(now.clone());
        if yes { self.since.get_or_insert_with(|| now.clone()).elapsed(now) } else { Span::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_no_and_a_silence_begin_it_anew() {
        let zero = Stamp::wall_only(chrono::DateTime::UNIX_EPOCH);
        let at = |s| zero.plus(Span::secs(s));
        let mut held = Held::new(Span::secs(1));
        let mut said = |yes, asked, now| held.said(yes, &at(asked), &at(now)).as_secs();
        assert_eq!(said(true, 0, 1), 0);
        assert_eq!(said(true, 2, 30), 29, "a slow command is no silence");
        assert_eq!(said(false, 31, 32), 0);
        assert_eq!(said(true, 33, 34), 0);
        assert_eq!(said(true, 35, 36), 2);
        assert_eq!(said(true, 100, 101), 0, "nobody looked for a minute");
        assert_eq!(said(true, 102, 103), 2);
    }
}
