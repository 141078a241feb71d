//! Points in time, kept in a ring.

use crate::domain::time::Wall;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// One value at one moment. A gap is a NaN value, which is drawn as a gap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Milliseconds since 1970, UTC.
    pub t: i64,
    /// The value, in the panel's unit; `null` on the wire where there was none.
    #[serde(with = "nan_as_null")]
    pub v: f64,
}

impl Point {
    /// A value at a wall time.
    pub fn new(at: Wall, v: f64) -> Self {
        Self { t: at.timestamp_millis(), v }
    }
}

mod nan_as_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub fn serialize<S: Serializer>(v: &f64, s: S) -> Result<S::Ok, S::Error> {
        v.is_finite().then_some(*v).serialize(s)
    }
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
        Ok(Option::<f64>::deserialize(d)?.unwrap_or(f64::NAN))
    }
}

/// The newest points, oldest first, bounded. Points that are not newer than the last are dropped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ring {
    cap: usize,
    points: VecDeque<Point>,
}

impl Ring {
    /// An empty ring of at most `cap` points.
    pub fn new(cap: usize) -> Self {
        Self { cap: cap.max(1), points: VecDeque::new() }
    }

    /// Adds a point; says whether it was newer than all before.
    pub fn push(&mut self, point: Point) -> bool {
        if self.points.back().is_some_and(|last| point.t <= last.t) {
            return false;
        }
        if self.points.len() >= self.cap {
            self.points.pop_front();
        }
        self.points.push_back(point);
        true
    }

    /// The newest point.
    pub fn last(&self) -> Option<Point> {
        self.points.back().copied()
    }

    /// Oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Point> + '_ {
        self.points.iter().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }
}
