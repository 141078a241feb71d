//! Impact time against its target: from onset, provisional at the first good reading, final when recovery held.

use super::{
    event::Seq,
    time::{Span, Stamp},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A moment of an incident, with the event that fixed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When.
    pub at: Stamp,
    /// The event that says so.
    pub seq: Seq,
}

/// The moments that latencies are measured between, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The change that is held to be the trigger.
    Change,
    /// Users began to be hurt.
    Onset,
    /// A signal or a person noticed.
    Detected,
    /// A person took it up.
    Acknowledged,
    /// It was decided what to do.
    Decided,
    /// The first mitigation began.
    Acted,
    /// Recovery had held for its time.
    Verified,
}

impl Moment {
    /// All, in their order.
    pub const ALL: [Self; 7] = [
        Self::Change,
        Self::Onset,
        Self::Detected,
        Self::Acknowledged,
        Self::Decided,
        Self::Acted,
        Self::Verified,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Onset => "onset",
            Self::Detected => "detected",
            Self::Acknowledged => "acknowledged",
            Self::Decided => "decided",
            Self::Acted => "acted",
            Self::Verified => "verified",
        }
    }
}

/// The clocks of one incident.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Clocks {
    /// Moments that are known. A correction replaces the one before; the journal keeps both.
    pub marks: BTreeMap<Moment, Mark>,
    /// Impact time that must not be exceeded.
    pub target: Span,
    /// First good reading after onset; gone again when a bad one follows.
    pub first_good: Option<Mark>,
    /// Recovery held; dated back to the first good reading.
    pub recovered: Option<Mark>,
    /// The target was exceeded.
    pub breached: Option<Mark>,
}

/// Impact time as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Impact {
    /// How long users have been or were hurt.
    pub time: Span,
    /// Whether it runs, stands provisionally, or is final.
    pub state: ImpactState,
}

/// Whether impact time still runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImpactState {
    /// It runs.
    Running,
    /// It stands since the first good reading, and may run on.
    Provisional,
    /// It stands for good.
    Final,
}

impl Clocks {
    /// When impact began: onset, else detection. `None` where neither is known.
    pub fn began(&self) -> Option<&Mark> {
        self.marks.get(&Moment::Onset).or_else(|| self.marks.get(&Moment::Detected))
    }

    /// Impact time at `now`; from `declared` where nothing earlier is known.
    pub fn impact(&self, declared: &Stamp, now: &Stamp) -> Impact {
        let from = self.began().map_or(declared, |mark| &mark.at);
        let (until, state) = match (&self.recovered, &self.first_good) {
            (Some(mark), _) => (&mark.at, ImpactState::Final),
            (None, Some(mark)) => (&mark.at, ImpactState::Provisional),
            (None, None) => (now, ImpactState::Running),
        };
        Impact { time: from.elapsed(until), state }
    }

    /// When the target will be exceeded, where nothing stops the clock before; or when it was, where that has not
    /// been said yet, as after a correction.
    pub fn breach_at(&self, declared: &Stamp) -> Option<Stamp> {
        if self.breached.is_some() || self.target == Span::ZERO {
            return None;
        }
        let from = self.began().map_or(declared, |mark| &mark.at);
        let stopped = self.recovered.as_ref().or(self.first_good.as_ref());
        stopped.is_none_or(|mark| from.elapsed(&mark.at) >= self.target).then(|| from.plus(self.target))
    }

    /// Takes back a breach that a correction has shown to be none. It is said again when it comes.
    pub(super) fn breach_again(&mut self, declared: &Stamp) {
        let from = self.began().map_or(declared, |mark| &mark.at);
        if self.breached.as_ref().is_some_and(|mark| from.elapsed(&mark.at) < self.target) {
            self.breached = None;
        }
    }
}
