//! Whether a panel is beyond its threshold, and since when.

use crate::domain::time::Wall;
use crate::signal::{Direction, Panel, Point, Unit, Verdict};

/// Once bad, the value must come back this part of the threshold further than it went, so that a value which dances
/// on the line is one breach and not twenty.
const MARGIN: f64 = 0.1;

/// What is known of one panel.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum State {
    /// No data, or no threshold: nothing can be said.
    #[default]
    Blind,
    /// No data since it was bad; no good value was seen since.
    Lost {
        /// First point beyond, in ms since 1970.
        since: i64,
    },
    /// Within.
    Fine,
    /// Beyond, not yet for as long as the panel's `for`.
    Beyond {
        /// First point beyond, in ms since 1970.
        since: i64,
    },
    /// Beyond for as long as the panel's `for`.
    Bad {
        /// First point beyond, in ms since 1970.
        since: i64,
    },
}

/// What a point changed, worth telling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// It is bad, since the first point beyond.
    Breached {
        /// First point beyond.
        since: Wall,
        /// Value now, in the panel's unit.
        value: f64,
    },
    /// A value within was seen: recovery begins here, if it holds.
    Returned {
        /// When.
        at: Wall,
        /// Value now, in the panel's unit.
        value: f64,
    },
    /// It was bad and there is no data any more: nobody knows.
    Lost {
        /// When.
        at: Wall,
    },
}

impl State {
    /// "It is bad": yes, no or unknown. While it is beyond but not for long enough, the answer is still no.
    pub fn verdict(self) -> Verdict {
        match self {
            Self::Blind | Self::Lost { .. } => Verdict::Unknown,
            Self::Fine | Self::Beyond { .. } => Verdict::No,
            Self::Bad { .. } => Verdict::Yes,
        }
    }

    /// Since when it has been bad; kept while there is no data, for no good value was seen.
    pub fn bad_since(self) -> Option<Wall> {
        match self {
            Self::Bad { since } | Self::Lost { since } => Wall::from_timestamp_millis(since),
            Self::Blind | Self::Fine | Self::Beyond { .. } => None,
        }
    }
}

/// The next state. A point that is not a number is a gap: whoever feeds this feeds one NaN where a poll gave no data.
#[must_use]
pub fn step(state: State, point: Point, panel: &Panel) -> (State, Option<Change>) {
    let at = Wall::from_timestamp_millis(point.t).unwrap_or_default();
    let Some(threshold) = panel.threshold.filter(|_| panel.bad != Direction::None) else {
        return (State::Blind, None);
    };
    if point.v.is_nan() {
        return match state {
            State::Bad { since } => (State::Lost { since }, Some(Change::Lost { at })),
            State::Lost { since } => (State::Lost { since }, None),
            State::Blind | State::Fine | State::Beyond { .. } => (State::Blind, None),
        };
    }
    let bad_before = matches!(state, State::Bad { .. } | State::Lost { .. });
    let limit = if bad_before { inner(threshold, panel) } else { threshold };
    if !beyond(point.v, limit, panel.bad) {
        let change = bad_before.then_some(Change::Returned { at, value: point.v });
        return (State::Fine, change);
    }
    let since = match state {
        State::Beyond { since } | State::Bad { since } | State::Lost { since } => since.min(point.t),
        State::Blind | State::Fine => point.t,
    };
    let hold = panel.hold.map_or(0, |hold| i64::try_from(hold.as_millis()).unwrap_or(i64::MAX));
    if !bad_before && point.t.saturating_sub(since) < hold {
        return (State::Beyond { since }, None);
    }
    let told = matches!(state, State::Bad { .. });
    let change = Change::Breached { since: Wall::from_timestamp_millis(since).unwrap_or(at), value: point.v };
    (State::Bad { since }, (!told).then_some(change))
}

/// Whether a value lies on the bad side of a threshold.
pub fn beyond(value: f64, threshold: f64, bad: Direction) -> bool {
    match bad {
        Direction::Up => value > threshold,
        Direction::Down => value < threshold,
        Direction::None => false,
    }
}

fn inner(threshold: f64, panel: &Panel) -> f64 {
    let margin = threshold.abs() * MARGIN;
    match panel.bad {
        Direction::Up => threshold - margin,
        // Things that must all be there are well again when all are there, not when there are more.
        Direction::Down if panel.unit == Unit::Count => threshold,
        Direction::Down => threshold + margin,
        Direction::None => threshold,
    }
}

#[cfg(test)]
#[path = "threshold/tests.rs"]
mod tests;
