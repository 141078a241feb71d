//! Panels against their baseline, probes and releases, each as one row.

use super::{Model, when};
use crate::{
    domain::{
        known,
        name::Noun,
        release::{self, Judgement},
        time::{Span, Wall},
    },
    signal::{Direction, PanelView, Verdict},
};

/// How a thing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As it should be.
    Calm,
    /// Off its baseline, not beyond its threshold.
    Off,
    /// Beyond its threshold.
    Bad,
    /// Nobody can say.
    NoData,
}

/// One panel.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// The panel.
    pub view: &'a PanelView,
    /// Its value with its unit.
    pub now: String,
    /// Its baseline's middle with its unit; empty where there is none.
    pub base: String,
    /// How it stands.
    pub standing: Standing,
    /// How far off: times the baseline, where that can be said.
    pub times: Option<f64>,
    /// Its data is so old.
    pub stale: Option<Span>,
}

/// How far back charts can look, milliseconds.
pub const SPANS: [i64; 7] =
    [2 * 60_000, 5 * 60_000, 10 * 60_000, 20 * 60_000, 30 * 60_000, 60 * 60_000, 3 * 3_600_000];
/// The furthest that charts look back by themselves, milliseconds.
const BY_ITSELF: i64 = 20 * 60_000;

impl Model {
    /// How far back charts look, milliseconds: what the person chose, else the least of [`SPANS`] that shows all there
    /// is, so that a room that began a minute ago is not an empty chart with a needle at its end.
    pub fn span(&self) -> i64 {
        if let Some(chosen) = self.ui.chart_span {
            return chosen;
        }
        let oldest =
            self.live.panels.iter().filter_map(|view| view.points.first()).map(|point| point.t).min();
        let age = oldest.map_or(BY_ITSELF, |t| self.now.wall.timestamp_millis().saturating_sub(t));
        SPANS.into_iter().find(|span| *span >= age).unwrap_or(BY_ITSELF).min(BY_ITSELF)
    }

    /// Every panel, in its order.
    pub fn panels(&self) -> Vec<Row<'_>> {
        self.live.panels.iter().map(|view| self.panel_row(view)).collect()
    }

    fn panel_row<'a>(&self, view: &'a PanelView) -> Row<'a> {
        let unit = view.panel.unit;
        let value = view.points.last().map_or(f64::NAN, |point| point.v);
        let median = view.baseline.map(|base| base.median);
        let beyond = view.panel.threshold.is_some_and(|limit| match view.panel.bad {
            Direction::Up => value > limit,
            Direction::Down => value < limit,
            Direction::None => false,
        });
        let off = view.baseline.is_some_and(|base| match view.panel.bad {
            Direction::Up => value > base.high,
            Direction::Down => value < base.low,
            Direction::None => false,
        });
        let standing = if !value.is_finite() {
            Standing::NoData
        } else if view.bad_since.is_some() || self.state.breaches.contains_key(&view.panel.name) || beyond {
            Standing::Bad
        } else if off {
            Standing::Off
        } else {
            Standing::Calm
        };
        Row {
            view,
            now: unit.show(value),
            base: median.map_or(String::new(), |median| unit.show(median)),
            standing,
            times: median.filter(|median| *median > 0.0 && value.is_finite()).map(|median| value / median),
            stale: self.stale(&view.source),
        }
    }

    /// How old a source's data is, where that is too old.
    pub fn stale(&self, source: &str) -> Option<Span> {
        let known = self.live.sources.get(source)?;
        known
            .stale(self.now.wall)
            .then(|| known.last_seen.map_or(Span::ZERO, |seen| Span::between(seen, self.now.wall)))
    }

    /// Probes in one: how many fail, of how many, and since when the first of them.
    pub fn probes(&self) -> Option<(usize, usize, Option<Wall>)> {
        let all = self.live.probes.len();
        let failing = || self.live.probes.values().filter(|probe| probe.verdict != Verdict::Yes);
        (all > 0).then(|| (failing().count(), all, failing().map(|probe| probe.since).min()))
    }

    /// The same at a moment, and how many are not known for then.
    pub fn probes_at(&self, then: Wall) -> (usize, usize, Option<Wall>, usize) {
        let turns: Vec<_> = self.live.probes.keys().map(|name| self.live.probe_at(name, then)).collect();
        let known = || turns.iter().flatten().filter(|turn| turn.verdict != Verdict::Unknown);
        let failing = || known().filter(|turn| turn.verdict == Verdict::No);
        let since = failing().map(|turn| turn.since).min();
        (failing().count(), turns.len(), since, turns.len() - known().count())
    }

    /// What runs: service, version, judgement, since when, what ran before.
    pub fn released(&self) -> Vec<Runs> {
        let now = self.now.wall;
        let mut all: Vec<Runs> = self
            .state
            .releases
            .values()
            .map(|one| Runs {
                service: one.service.clone(),
                env: one.env.clone(),
                version: one.current.clone(),
                judged: self.state.judged.get(&release::key(&one.service, &one.current)).map(|j| j.judgement),
                since: Some(when::brief(one.since.wall, now)),
                at: Some(one.since.wall),
                before: one.previous.clone(),
                unlisted: known::is_unlisted(&self.state, Noun::Service, &one.service),
            })
            .collect();
        for (key, view) in &self.live.releases {
            let Some(current) = view.current.as_ref().filter(|_| !self.state.releases.contains_key(key))
            else {
                continue;
            };
            all.push(Runs {
                service: view.service.clone(),
                env: view.env.clone(),
                version: current.version.clone(),
                judged: None,
                since: view.since.map(|since| when::brief(since, now)),
                at: view.since,
                before: view.previous.as_ref().map(|one| one.version.clone()),
                unlisted: known::is_unlisted(&self.state, Noun::Service, &view.service),
            });
        }
        all.sort_by_key(|one| std::cmp::Reverse(one.at));
        all
    }

    /// Sources in trouble that was not dismissed: name, message, age of the last answer.
    pub fn troubles(&self) -> Vec<(&str, &str, Option<Span>)> {
        self.live
            .sources
            .values()
            .filter_map(|source| {
                let trouble = source.trouble.as_ref()?;
                let hidden = self.ui.dismissed.get(&source.id) == Some(&trouble.message);
                let age = source.last_seen.map(|seen| Span::between(seen, self.now.wall));
                (!hidden).then_some((source.id.as_str(), trouble.message.as_str(), age))
            })
            .collect()
    }
}

/// A release that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runs {
    /// Service.
    pub service: String,
    /// Environment.
    pub env: String,
    /// What runs.
    pub version: String,
    /// What is held of it.
    pub judged: Option<Judgement>,
    /// Since when, brief.
    pub since: Option<String>,
    /// Since when.
    pub at: Option<Wall>,
    /// What ran before.
    pub before: Option<String>,
    /// Whether the catalogue does not know the service, so that the gate is undecided about it.
    pub unlisted: bool,
}
