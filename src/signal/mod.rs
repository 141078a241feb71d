//! Signals: what is live. A series, lines, a status, spans. Pure types; `source` makes them, the room keeps them.
//!
//! Samples and lines are never journaled. What a rule says about them (a [`Verdict`]) is.

pub mod analysis;
pub mod line;
pub mod live;
pub mod panel;
pub mod recording;
pub mod release;
pub mod series;
mod shows;

pub use line::{Level, Line};
pub use live::{Delta, Live};
pub use panel::{Direction, Panel, PanelView, Unit};
pub use recording::Recording;
pub use release::ReleaseView;
pub use series::{Point, Ring};
pub use shows::Shows;

use crate::domain::time::{Span, Stamp, Wall};
pub use crate::domain::verdict::Verdict;
use serde::{Deserialize, Serialize};

/// A source's name, unique in a room: `prom`, `scrape:checkout`, `log:app-1.log`.
pub type SourceId = String;

/// What a source says, at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// Who says it.
    pub source: SourceId,
    /// When it was read.
    pub at: Wall,
    /// What was read.
    pub body: Body,
}

/// The four kinds of signal, and the source's own troubles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// New points for panels. A panel with no data in this poll is listed with an empty `points`.
    Series(Vec<SeriesPoints>),
    /// New lines, oldest first.
    Lines(LinesBatch),
    /// A probe's answer.
    Probe(ProbeView),
    /// Release state, whole.
    Release(ReleaseView),
    /// A readiness check's answer.
    Check(CheckView),
    /// The source did not answer, or not with sense. What is shown stays, marked stale.
    Trouble(Trouble),
    /// Panels that the source found by itself, whole; they replace those it found before.
    Panels(Vec<Panel>),
    /// The source answered and there was nothing new.
    Alive,
}

/// New points of one panel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeriesPoints {
    /// Panel they belong to.
    pub panel: String,
    /// Oldest first. More than one where a range was read.
    pub points: Vec<Point>,
}

/// Lines since the last batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinesBatch {
    /// Oldest first, at most what the source's bound allows.
    pub lines: Vec<Line>,
    /// Lines that were read and not kept, because more came than are shown.
    pub dropped: u64,
    /// What happened to the file, where something did: rotated, truncated, replaced.
    pub turned: Option<String>,
}

/// A health probe's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeView {
    /// What is probed, `checkout-1 http://127.0.0.1:8080/healthz`.
    pub name: String,
    /// Yes, no or unknown.
    pub verdict: Verdict,
    /// Status line, or what went wrong, in few words.
    pub detail: String,
    /// How long the answer took.
    pub took: Span,
    /// Since when the verdict has been what it is.
    pub since: Wall,
}

/// Trouble with a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What, where and what to do, one line.
    pub message: String,
    /// When it is tried again.
    pub retry_in: Span,
}

/// A readiness check as it was answered last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckView {
    /// Service it is of.
    pub service: String,
    /// Its name.
    pub check: String,
    /// Yes, no or unknown.
    pub verdict: Verdict,
    /// The value seen, or why there is none.
    pub seen: String,
    /// When it was answered.
    pub at: Stamp,
}

impl CheckView {
    /// The name under which it is kept, unique in a room.
    pub fn key(&self) -> String {
        format!("{}/{}", self.service, self.check)
    }
}

/// Freshness of a source, drawn wherever its data is drawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceView {
    /// Name.
    pub id: SourceId,
    /// Address as a person knows it.
    pub address: String,
    /// Last time it answered with sense.
    pub last_seen: Option<Wall>,
    /// How often it is asked.
    pub every: Span,
    /// What is wrong now.
    pub trouble: Option<Trouble>,
    /// Polls that succeeded.
    pub polls: u64,
}

impl SourceView {
    /// Whether what it gave is too old to be called live: three polls missed and at least five seconds.
    pub fn stale(&self, now: Wall) -> bool {
        let limit = Span::millis(self.every.as_millis().saturating_mul(3)).max(Span::secs(5));
        self.last_seen.is_none_or(|seen| Span::between(seen, now) > limit)
    }
}

/// An answer to a check that the room evaluates from its sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Yes, no or unknown.
    pub verdict: Verdict,
    /// The value seen, as it is shown: `7.2 %`, `HTTP 503`, `no data`.
    pub seen: String,
    /// When.
    pub at: Wall,
    /// Which source said so.
    pub source: SourceId,
}
