//! What the room makes of readings: the live picture for seats, and verdicts for the journal.

use crate::{
    domain::{
        Command, State,
        release::ReleaseCommand,
        time::{Stamp, Wall},
        watch::WatchCommand,
    },
    signal::{
        Body, Delta, Live, Panel, PanelView, Point, ProbeView, Reading, SourceView, Verdict,
        analysis::{baseline::baseline, threshold},
    },
};
use std::collections::BTreeMap;

/// A baseline is made of points older than this, so that a failure's own beginning is not taken for normal.
const QUIET_AGE_MS: i64 = 15_000;
/// Points that a baseline needs at least.
const BASELINE_POINTS: usize = 10;

/// The live picture and the rules' memory.
#[derive(Default)]
pub struct Watch {
    live: Live,
    pending: Delta,
    states: BTreeMap<String, threshold::State>,
    failing: BTreeMap<String, u32>,
}

impl Watch {
    /// What is live, whole.
    pub fn live(&self) -> &Live {
        &self.live
    }

    /// What has changed since this was asked last.
    pub fn take_delta(&mut self) -> Option<Delta> {
        (!self.pending.is_empty()).then(|| std::mem::take(&mut self.pending))
    }

    fn change(&mut self, delta: Delta) {
        self.live.apply(&delta);
        self.pending.merge(delta);
    }

    /// A source was started.
    pub fn source(&mut self, view: SourceView) {
        self.change(Delta { sources: vec![view], ..Delta::default() });
    }

    /// Panels that are configured or found.
    pub fn panels(&mut self, source: &str, panels: Vec<Panel>) {
        let views = panels
            .into_iter()
            .map(|panel| {
                let known = self.live.panel(&panel.name);
                PanelView {
                    source: source.to_owned(),
                    points: Vec::new(),
                    baseline: known.and_then(|view| view.baseline),
                    bad_since: known.and_then(|view| view.bad_since),
                    panel,
                }
            })
            .collect();
        self.change(Delta { panels: views, ..Delta::default() });
    }

    /// A reading: gives what follows for the journal.
    pub fn reading(&mut self, reading: Reading, state: &State) -> Vec<Command> {
        let Reading { source, at, body } = reading;
        self.heard(&source, at, &body);
        match body {
            Body::Series(series) => {
                series.into_iter().filter_map(|one| self.points(&one.panel, &one.points, at, state)).collect()
            }
            Body::Lines(batch) => {
                self.change(Delta { lines: batch.lines, lines_dropped: batch.dropped, ..Delta::default() });
                Vec::new()
            }
            Body::Probe(probe) => self.probe(probe).into_iter().collect(),
            Body::Release(release) => {
                let saw = release.current.as_ref().map(|current| {
                    Command::Release(ReleaseCommand::Saw {
                        service: release.service.clone(),
                        env: release.env.clone(),
                        current: current.version.clone(),
                        previous: release.previous.as_ref().map(|artifact| artifact.version.clone()),
                        since: Stamp::wall_only(release.since.unwrap_or(at)),
                        by: release.by.clone(),
                    })
                });
                if self.live.releases.get(&format!("{}/{}", release.service, release.env)) != Some(&release) {
                    self.change(Delta { releases: vec![release], ..Delta::default() });
                }
                saw.into_iter().collect()
            }
            Body::Panels(panels) => {
                self.panels(&source, panels);
                Vec::new()
            }
            Body::Trouble(_) | Body::Alive => Vec::new(),
        }
    }

    fn heard(&mut self, source: &str, at: Wall, body: &Body) {
        let Some(mut view) = self.live.sources.get(source).cloned() else { return };
        if let Body::Trouble(trouble) = body {
            view.trouble = Some(trouble.clone());
        } else {
            view.last_seen = Some(at);
            view.trouble = None;
            view.polls = view.polls.saturating_add(1);
        }
        self.change(Delta { sources: vec![view], ..Delta::default() });
    }

    fn points(&mut self, name: &str, points: &[Point], at: Wall, state: &State) -> Option<Command> {
        let panel = self.live.panel(name)?.panel.clone();
        let was_last = self.live.panel(name)?.points.last().map_or(i64::MIN, |point| point.t);
        let mut now = self.states.get(name).copied().unwrap_or_default();
        let mut change = None;
        let gap = [Point { t: at.timestamp_millis(), v: f64::NAN }];
        let fed = if points.is_empty() { gap.as_slice() } else { points };
        for point in fed.iter().filter(|point| point.t > was_last) {
            let (next, changed) = threshold::step(now, *point, &panel);
            now = next;
            change = changed.or(change);
        }
        self.states.insert(name.to_owned(), now);
        self.change(Delta { points: [(name.to_owned(), fed.to_vec())].into(), ..Delta::default() });
        self.refresh(name, now.bad_since(), at, state);
        change.map(|change| command(&panel, change))
    }

    /// Keeps what a seat draws beside the points: the baseline while it is quiet, and since when it is bad.
    fn refresh(&mut self, name: &str, bad_since: Option<Wall>, now: Wall, state: &State) {
        let Some(view) = self.live.panel(name) else { return };
        let quiet = bad_since.is_none() && state.open_incident().is_none();
        let fresh = view.baseline.is_some_and(|known| (now - known.until).num_seconds() < 30);
        let baseline = if quiet && !fresh {
            let until = now.timestamp_millis().saturating_sub(QUIET_AGE_MS);
            let points: Vec<_> = view.points.iter().copied().filter(|point| point.t <= until).collect();
            (points.len() >= BASELINE_POINTS).then(|| baseline(points, now)).flatten().or(view.baseline)
        } else {
            view.baseline
        };
        if baseline != view.baseline || bad_since != view.bad_since {
            let view = PanelView { baseline, bad_since, points: Vec::new(), ..view.clone() };
            self.change(Delta { panels: vec![view], ..Delta::default() });
        }
    }

    fn probe(&mut self, probe: ProbeView) -> Option<Command> {
        let name = format!("probe {}", probe.name);
        let seen = probe.detail.clone();
        let since = Stamp::wall_only(probe.since);
        let verdict = probe.verdict;
        self.change(Delta { probes: vec![probe], ..Delta::default() });
        let count = self.failing.entry(name.clone()).or_default();
        match verdict {
            Verdict::No => {
                *count = count.saturating_add(1);
                // One bad answer is not yet a failure.
                (*count == 2).then(|| {
                    Command::Watch(WatchCommand::Breached {
                        panel: name,
                        seen,
                        threshold: "healthy".into(),
                        since,
                    })
                })
            }
            Verdict::Yes => {
                let failed = *count >= 2;
                *count = 0;
                failed.then_some(Command::Watch(WatchCommand::Cleared { panel: name, seen }))
            }
            Verdict::Unknown => None,
        }
    }

    /// Panels whose source fell silent are gaps, and gaps are unknown.
    pub fn stale(&mut self, now: Wall, state: &State) -> Vec<Command> {
        let silent: Vec<_> = self
            .live
            .panels
            .iter()
            .filter(|view| {
                view.points.last().is_some_and(|point| point.v.is_finite()) && self.live.is_stale(view, now)
            })
            .map(|view| view.panel.name.clone())
            .collect();
        silent.iter().filter_map(|name| self.points(name, &[], now, state)).collect()
    }
}

fn command(panel: &Panel, change: threshold::Change) -> Command {
    let show = |value| panel.unit.show(value);
    Command::Watch(match change {
        threshold::Change::Breached { since, value } => WatchCommand::Breached {
            panel: panel.name.clone(),
            seen: show(value),
            threshold: panel.threshold.map_or_else(String::new, show),
            since: Stamp::wall_only(since),
        },
        threshold::Change::Returned { value, .. } => {
            WatchCommand::Cleared { panel: panel.name.clone(), seen: show(value) }
        }
        threshold::Change::Lost { .. } => {
            WatchCommand::Blind { panel: panel.name.clone(), why: "no data".into() }
        }
    })
}
