//! Everything that is live, as room and seats keep it: one fold for both, fed by [`Delta`]s.

use super::{CheckView, Line, PanelView, Point, ProbeView, ReleaseView, SourceView, Verdict};
use crate::domain::time::Wall;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};

/// Points that are kept of a panel: 30 minutes at one a second.
pub const POINTS: usize = 1_800;
/// Lines that are kept of all logs together.
pub const LINES: usize = 5_000;

/// Bytes of lines that are kept, so that a log of huge lines fits into memory and into one frame.
pub const LINES_BYTES: usize = 2 * 1024 * 1024;

/// Turns of a probe that are kept: one that flaps all the time is remembered for less long.
pub const TURNS: usize = 200;

/// A probe's verdict, and since when it was that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Since when.
    pub since: Wall,
    /// What.
    pub verdict: Verdict,
}

/// How many of the oldest lines are beyond what is kept.
fn beyond<'a>(lines: impl DoubleEndedIterator<Item = &'a Line> + ExactSizeIterator) -> usize {
    let all = lines.len();
    let mut bytes = 0;
    let fit = lines.rev().take(LINES).take_while(|line| {
        bytes += line.size();
        bytes <= LINES_BYTES
    });
    all - fit.count()
}

/// What is live.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Live {
    /// Panels, in the order in which they were configured or found.
    pub panels: Vec<PanelView>,
    /// The newest lines, oldest first.
    pub lines: VecDeque<Line>,
    /// Lines that were read since the room began.
    pub lines_total: u64,
    /// Of these, lines that were not kept because more came than could be shown.
    pub lines_dropped: u64,
    /// Probes by name.
    pub probes: BTreeMap<String, ProbeView>,
    /// What each probe has said since the room watches it, the oldest first.
    pub turns: BTreeMap<String, VecDeque<Turn>>,
    /// Readiness checks by `service/check`.
    pub checks: BTreeMap<String, CheckView>,
    /// Release state by `service/env`.
    pub releases: BTreeMap<String, ReleaseView>,
    /// Sources by name.
    pub sources: BTreeMap<String, SourceView>,
}

/// What has changed since the last.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Delta {
    /// Panels that are new or whose description, baseline or state changed, whole but for their points.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub panels: Vec<PanelView>,
    /// New points by panel.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub points: BTreeMap<String, Vec<Point>>,
    /// New lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<Line>,
    /// Lines that were read and are not in `lines`.
    #[serde(skip_serializing_if = "is_zero")]
    pub lines_dropped: u64,
    /// Probes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<ProbeView>,
    /// Readiness checks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckView>,
    /// Release states.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<ReleaseView>,
    /// Sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceView>,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Delta {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what came later to this, so that several become one frame.
    pub fn merge(&mut self, later: Self) {
        for panel in later.panels {
            self.panels.retain(|own| own.panel.name != panel.panel.name);
            self.panels.push(panel);
        }
        for (name, points) in later.points {
            self.points.entry(name).or_default().extend(points);
        }
        self.lines.extend(later.lines);
        let over = beyond(self.lines.iter());
        self.lines.drain(..over);
        self.lines_dropped =
            self.lines_dropped.saturating_add(later.lines_dropped).saturating_add(over as u64);
        for probe in later.probes {
            // Each turn is kept; of one verdict only the newest answer.
            self.probes.retain(|own| own.name != probe.name || own.since != probe.since);
            self.probes.push(probe);
        }
        for check in later.checks {
            self.checks.retain(|own| (&own.service, &own.check) != (&check.service, &check.check));
            self.checks.push(check);
        }
        for release in later.releases {
            self.releases.retain(|own| (&own.service, &own.env) != (&release.service, &release.env));
            self.releases.push(release);
        }
        for source in later.sources {
            self.sources.retain(|own| own.id != source.id);
            self.sources.push(source);
        }
    }
}

impl Live {
    /// Adds what has changed.
    pub fn apply(&mut self, delta: &Delta) {
        for new in &delta.panels {
            match self.panels.iter_mut().find(|own| own.panel.name == new.panel.name) {
                Some(own) => {
                    let points = std::mem::take(&mut own.points);
                    *own = PanelView { points, ..new.clone() };
                }
                None => self.panels.push(new.clone()),
            }
        }
        for (name, points) in &delta.points {
            if let Some(own) = self.panels.iter_mut().find(|own| own.panel.name == *name) {
                let last = own.points.last().map_or(i64::MIN, |point| point.t);
                own.points.extend(points.iter().filter(|point| point.t > last));
                let over = own.points.len().saturating_sub(POINTS);
                own.points.drain(..over);
            }
        }
        let fresh = delta.lines.len() as u64;
        self.lines_total = self.lines_total.saturating_add(fresh).saturating_add(delta.lines_dropped);
        self.lines_dropped = self.lines_dropped.saturating_add(delta.lines_dropped);
        self.lines.extend(delta.lines.iter().cloned());
        if fresh > 0 {
            let over = beyond(self.lines.iter());
            self.lines.drain(..over);
        }
        for probe in &delta.probes {
            let turns = self.turns.entry(probe.name.clone()).or_default();
            if turns.back().is_none_or(|last| last.verdict != probe.verdict) {
                turns.push_back(Turn { since: probe.since, verdict: probe.verdict });
                let over = turns.len().saturating_sub(TURNS);
                turns.drain(..over);
            }
            self.probes.insert(probe.name.clone(), probe.clone());
        }
        for check in &delta.checks {
            self.checks.insert(check.key(), check.clone());
        }
        for release in &delta.releases {
            self.releases.insert(format!("{}/{}", release.service, release.env), release.clone());
        }
        for source in &delta.sources {
            self.sources.insert(source.id.clone(), source.clone());
        }
    }

    /// A panel by name.
    pub fn panel(&self, name: &str) -> Option<&PanelView> {
        self.panels.iter().find(|view| view.panel.name == name)
    }

    /// What a probe said at a moment; none where nobody asked it then, or it is too long ago.
    pub fn probe_at(&self, name: &str, then: Wall) -> Option<Turn> {
        self.turns.get(name)?.iter().rev().find(|turn| turn.since <= then).copied()
    }

    /// Whether nothing is watched.
    pub fn is_blind(&self) -> bool {
        self.sources.is_empty()
    }

    /// Whether a panel's source is too old to be called live.
    pub fn is_stale(&self, panel: &PanelView, now: Wall) -> bool {
        self.sources.get(&panel.source).is_none_or(|source| source.stale(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_remembered_as_it_was() {
        let at = |s| chrono::DateTime::from_timestamp(s, 0).unwrap();
        let said = |since, verdict| Delta {
            probes: vec![ProbeView {
                name: "web".into(),
                verdict,
                detail: String::new(),
                took: crate::domain::time::Span::ZERO,
                since: at(since),
            }],
            ..Delta::default()
        };
        let deltas = [
            said(10, Verdict::Yes),
            said(10, Verdict::Yes),
            said(20, Verdict::No),
            said(30, Verdict::Unknown),
            said(40, Verdict::Yes),
        ];
        let (mut one, mut other) = (Live::default(), Live::default());
        let mut merged = Delta::default();
        for delta in deltas {
            one.apply(&delta);
            merged.merge(delta);
        }
        other.apply(&merged);
        assert_eq!(one, other, "as one frame it says the same");
        let then = |s| one.probe_at("web", at(s)).map(|turn| (turn.verdict, turn.since));
        assert_eq!(then(9), None);
        assert_eq!(then(19), Some((Verdict::Yes, at(10))));
        assert_eq!(then(29), Some((Verdict::No, at(20))));
        assert_eq!(then(35), Some((Verdict::Unknown, at(30))));
        assert_eq!(then(99), Some((Verdict::Yes, at(40))));
        assert_eq!(one.probe_at("db", at(99)), None);
        for n in 0..1_000 {
            one.apply(&said(100 + n, if n % 2 == 0 { Verdict::No } else { Verdict::Yes }));
        }
        assert_eq!(one.turns["web"].len(), TURNS);
    }
    use crate::signal::{Level, Panel};
    use proptest::prelude::*;

    fn delta(t: i64, n: u64) -> Delta {
        let at = chrono::DateTime::from_timestamp(1_000 + t, 0).unwrap();
        Delta {
            panels: vec![PanelView {
                panel: Panel {
                    name: format!("p{}", n % 2),
                    source: String::new(),
                    query: "up".into(),
                    unit: crate::signal::Unit::Count,
                    bad: crate::signal::Direction::Up,
                    threshold: None,
                    hold: None,
                    service: None,
                },
                source: "s".into(),
                points: Vec::new(),
                baseline: None,
                bad_since: None,
            }],
            points: [(format!("p{}", n % 2), vec![Point { t, v: n as f64 }])].into(),
            lines: vec![Line {
                n,
                at,
                level: Level::Info,
                text: format!("line {n}"),
                fields: Vec::new(),
                source: "a".into(),
            }],
            lines_dropped: n % 3,
            ..Delta::default()
        }
    }

    #[test]
    fn huge_lines_are_bounded_in_bytes() {
        let line = |n| Line { n, text: "x".repeat(60_000), ..delta(0, n).lines.remove(0) };
        let (mut single, mut merged, mut sum) = (Live::default(), Live::default(), Delta::default());
        for n in 0..100 {
            let one = Delta { lines: vec![line(n)], ..Delta::default() };
            single.apply(&one);
            sum.merge(one);
        }
        merged.apply(&sum);
        assert_eq!(single.lines, merged.lines);
        assert_eq!((single.lines_total, merged.lines_total), (100, 100));
        assert!(single.lines.iter().map(Line::size).sum::<usize>() <= LINES_BYTES);
        assert_eq!(single.lines.back().unwrap().n, 99);
    }

    proptest! {
        #[test]
        fn one_by_one_or_merged_is_the_same(steps in prop::collection::vec((0_i64..50, 0_u64..9), 1..40)) {
            let (mut single, mut merged, mut sum) = (Live::default(), Live::default(), Delta::default());
            for (t, n) in steps {
                single.apply(&delta(t, n));
                sum.merge(delta(t, n));
            }
            merged.apply(&sum);
            let sort = |mut live: Live| { live.panels.sort_by(|a, b| a.panel.name.cmp(&b.panel.name)); live };
            let (single, merged) = (sort(single), sort(merged));
            prop_assert_eq!(&single.lines, &merged.lines);
            prop_assert_eq!(single.lines_total, merged.lines_total);
            prop_assert_eq!(single.panels.len(), merged.panels.len());
        }
    }
}
