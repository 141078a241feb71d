//! What is done again and again while an incident is open, each in its own time: asking how it stands, updates for those
//! inside and for those outside.
//!
//! The severity matrix gives the periods. When a time has come nothing happens by itself: it is shown, and a person
//! sends. One time can be put off, with a reason.

use super::{
    incident::Incident,
    policy::SeverityRow,
    time::{Span, Stamp},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is done again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beat {
    /// Everybody is asked how it stands.
    Poll,
    /// An update for those inside.
    #[default]
    Internal,
    /// An update for those outside.
    External,
}

impl Beat {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 3] = [Self::Poll, Self::Internal, Self::External];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Internal => "update",
            Self::External => "external",
        }
    }

    /// What is owed, in words.
    pub fn owed(self) -> &'static str {
        match self {
            Self::Poll => "status polls",
            Self::Internal => "updates",
            Self::External => "external updates",
        }
    }

    /// Its period in a row of the severity matrix.
    pub fn every(self, row: &SeverityRow) -> Option<Span> {
        match self {
            Self::Poll => row.poll_every,
            Self::Internal => row.update_every,
            Self::External => row.external_every,
        }
    }
}

impl fmt::Display for Beat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl std::str::FromStr for Beat {
    type Err = super::refusal::Refusal;
    fn from_str(given: &str) -> Result<Self, Self::Err> {
        let word = given.trim().to_lowercase();
        let word = if word == "internal" { "update" } else { word.as_str() };
        Self::ALL.into_iter().find(|beat| beat.word() == word).ok_or_else(|| {
            super::refusal::Refusal::new(
                super::refusal::Code::Invalid,
                format!("{:?} is not done again and again", super::text::line(given)),
            )
            .hint("poll, update or external")
        })
    }
}

/// Who an update is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Those inside.
    #[default]
    Internal,
    /// Those outside.
    External,
}

impl Audience {
    /// The clock that such an update starts anew.
    pub fn beat(self) -> Beat {
        match self {
            Self::Internal => Beat::Internal,
            Self::External => Beat::External,
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(super) fn is_internal(&self) -> bool {
        *self == Self::Internal
    }
}

/// One clock of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// How often.
    pub every: Span,
    /// When it is due next.
    pub due: Stamp,
    /// Why that was put off, and by whom, until it was done.
    pub snoozed: Option<Snooze>,
}

/// A time that was put off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snooze {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Clock {
    pub(super) fn begin(every: Span, now: &Stamp) -> Self {
        Self { every, due: now.plus(every), snoozed: None }
    }

    /// It was done.
    pub(super) fn again(&mut self, now: &Stamp) {
        *self = Self::begin(self.every, now);
    }

    /// When it is due where it is put off now: that much after it was, or after now where that is past.
    pub(super) fn put_off(&mut self, by: Span, now: &Stamp, snooze: Snooze) {
        let left = self.due.until(now);
        self.due = now.plus(left.plus(by));
        self.snoozed = Some(snooze);
    }
}

/// Why an update now would be too frequent, where it would: the last one is younger than half its period. It is said and
/// refuses nothing.
pub fn too_soon(incident: &Incident, audience: Audience, now: &Stamp) -> Option<String> {
    let clock = incident.board.beats.get(&audience.beat())?;
    let last = incident.board.sent_to(audience)?;
    let ago = last.at.elapsed(now);
    (ago.plus(ago) < clock.every).then(|| {
        format!(
            "the last one went out {} ago and one is owed every {}: too many are not read",
            ago.brief(),
            clock.every
        )
    })
}

/// The clock that is due first.
pub fn next(incident: &Incident) -> Option<(Beat, &Clock)> {
    incident.board.beats.iter().map(|(beat, clock)| (*beat, clock)).min_by_key(|(_, clock)| clock.due.wall)
}
