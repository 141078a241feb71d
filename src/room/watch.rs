//! What the room makes of readings: the live picture for seats, and verdicts for the journal.

use crate::{
    domain::{
        Command, State,
        readiness::ReadinessCommand,
        release::ReleaseCommand,
        time::{Stamp, Wall},
        watch::WatchCommand,
    },
    signal::{
        Body, CheckView, Delta, Live, Panel, PanelView, Point, ProbeView, Reading, SeriesPoints, SourceView,
        Verdict,
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
    pub(super) live: Live,
    pending: Delta,
    pub(super) states: BTreeMap<String, threshold::State>,
    pub(super) failing: BTreeMap<String, u32>,
    /// Sources that find their panels by themselves, in the order in which they were started.
    finders: Vec<String>,
    /// A source's own name of a panel, and its name in the room.
    names: BTreeMap<(String, String), String>,
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

    /// A source finds its panels by itself.
    pub fn finds(&mut self, source: &str) {
        if !self.finders.iter().any(|own| own == source) {
            self.finders.push(source.to_owned());
        }
    }

    /// What a panel is called in the room. Two sources may both find `up`: those of the first keep their names, those
    /// of later ones say whose they are, so that neither the order of answers nor a restart changes a name.
    fn name(&self, source: &str, own: &str) -> String {
        let later = self.finders.iter().position(|one| one == source).is_some_and(|at| at > 0);
        let taken = self.live.panel(own).is_some_and(|view| view.source != source);
        if !later && !taken {
            return own.to_owned();
        }
        let kind = |id: &str| id.split(':').next().unwrap_or_default().to_owned();
        let alone = self.live.sources.keys().filter(|id| kind(id) == kind(source)).count() < 2;
        let whose = if alone { kind(source) } else { source.to_owned() };
        format!("{own} {whose}")
    }

    /// Panels that are configured or found.
    pub fn panels(&mut self, source: &str, panels: Vec<Panel>) {
        let mut named = Vec::with_capacity(panels.len());
        for mut panel in panels {
            let own = (source.to_owned(), panel.name.clone());
            let name = self.names.get(&own).cloned().unwrap_or_else(|| self.name(source, &panel.name));
            panel.name.clone_from(&name);
            self.names.insert(own, name);
            named.push(panel);
        }
        let views = named
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
                let named = |one: &SeriesPoints| {
                    let own = (source.clone(), one.panel.clone());
                    self.names.get(&own).unwrap_or(&one.panel).clone()
                };
                let series: Vec<_> = series.into_iter().map(|one| (named(&one), one.points)).collect();
                series
                    .into_iter()
                    .filter_map(|(name, points)| self.points(&name, &points, at, state))
                    .collect()
            }
            Body::Lines(batch) => {
                self.change(Delta { lines: batch.lines, lines_dropped: batch.dropped, ..Delta::default() });
                Vec::new()
            }
            Body::Probe(probe) => self.probe(probe, state).into_iter().collect(),
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
            Body::Check(view) => {
                let CheckView { service, check, verdict, seen, at } = view.clone();
                self.change(Delta { checks: vec![view], ..Delta::default() });
                let answered = ReadinessCommand::Answered { service, check, verdict, seen, at };
                vec![Command::Readiness(answered)]
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
        let mut now = self.states.get(name).copied().unwrap_or_else(|| remembered(name, state));
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

    fn probe(&mut self, probe: ProbeView, state: &State) -> Option<Command> {
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
                // A room that was started again finds in the journal what it has not seen itself.
                let failed = *count >= 2 || state.breaches.contains_key(&name);
                *count = 0;
                failed.then_some(Command::Watch(WatchCommand::Cleared { panel: name, seen }))
            }
            Verdict::Unknown => None,
        }
    }

    /// Readiness checks whose last answer is older than it may be: nobody knows any more.
    pub fn silent(&self, now: &Stamp, state: &State) -> Vec<Command> {
        let asked = state
            .policy
            .services
            .iter()
            .flat_map(|(service, known)| known.readiness.iter().map(move |check| (service, check)));
        asked
            .filter_map(|(service, check)| {
                let view = self.live.checks.get(&format!("{service}/{}", check.name))?;
                let known = state.readiness.get(service)?.get(&check.name)?;
                let old = known.verdict != Verdict::Unknown && view.at.elapsed(now) > check.fresh();
                old.then(|| {
                    Command::Readiness(ReadinessCommand::Silent {
                        service: service.clone(),
                        check: check.name.clone(),
                        last: view.at.clone(),
                        at: now.clone(),
                    })
                })
            })
            .collect()
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

/// What the journal knows of a panel that this room has not seen yet: what went bad before it was started again is bad
/// until a good value is seen.
fn remembered(name: &str, state: &State) -> threshold::State {
    match state.breaches.get(name) {
        Some(breach) if state.blind.contains(name) => {
            threshold::State::Lost { since: breach.since.wall.timestamp_millis() }
        }
        Some(breach) => threshold::State::Bad { since: breach.since.wall.timestamp_millis() },
        None => threshold::State::default(),
    }
}

pub(super) fn command(panel: &Panel, change: threshold::Change) -> Command {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{Unit, analysis::discover};

    fn source(id: &str) -> SourceView {
        let every = crate::domain::time::Span::secs(1);
        SourceView { id: id.into(), address: id.into(), last_seen: None, every, trouble: None, polls: 0 }
    }

    fn found(id: &str) -> Vec<Panel> {
        discover::discover(discover::Asked::Scrape { endpoints: 1 }, id, &discover::Metrics::new())
    }

    fn say(watch: &mut Watch, id: &str, body: Body) {
        let at = crate::os::clock::now().wall;
        drop(watch.reading(Reading { source: id.into(), at, body }, &State::default()));
    }

    fn up(v: f64) -> Body {
        let t = crate::os::clock::now().wall.timestamp_millis();
        Body::Series(vec![SeriesPoints { panel: "up".into(), points: vec![Point { t, v }] }])
    }

    #[test]
    fn panels_that_two_sources_find_are_told_apart_whoever_answers_first() {
        for order in [["prom", "scrape:a:1"], ["scrape:a:1", "prom"]] {
            let mut watch = Watch::default();
            for id in ["prom", "scrape:a:1"] {
                watch.source(source(id));
                watch.finds(id);
            }
            for id in order {
                say(&mut watch, id, Body::Panels(found(id)));
                say(&mut watch, id, up(if id == "prom" { 7.0 } else { 1.0 }));
            }
            let last = |name: &str| watch.live().panel(name).and_then(|view| view.points.last()).map(|p| p.v);
            assert_eq!((last("up"), last("up scrape")), (Some(7.0), Some(1.0)));
        }
    }

    /// What went bad before the room fell is told to be good again after it: else no recovery would ever begin.
    #[test]
    fn a_room_that_is_started_again_sees_what_came_back_meanwhile() {
        let now = crate::os::clock::now();
        let breach = |panel: &str| crate::domain::watch::Breach {
            room: String::new(),
            panel: panel.into(),
            seen: "7 %".into(),
            threshold: "1 %".into(),
            since: now.clone(),
            noticed: now.clone(),
            seq: 1,
        };
        let mut state = State::default();
        state.breaches.insert("errors".into(), breach("errors"));
        state.breaches.insert("probe web".into(), breach("probe web"));
        let mut watch = Watch::default();
        watch.source(source("main"));
        let panel = Panel {
            name: "errors".into(),
            threshold: Some(0.01),
            bad: crate::signal::Direction::Up,
            unit: Unit::Ratio,
            ..found("main").remove(0)
        };
        watch.panels("main", vec![panel]);
        let t = now.wall.timestamp_millis() + 1_000;
        let series = vec![SeriesPoints { panel: "errors".into(), points: vec![Point { t, v: 0.0 }] }];
        let probe = ProbeView {
            name: "web".into(),
            verdict: Verdict::Yes,
            detail: "HTTP 200".into(),
            took: crate::domain::time::Span::millis(3),
            since: now.wall,
        };
        for body in [Body::Series(series), Body::Probe(probe)] {
            let told = watch.reading(Reading { source: "main".into(), at: now.wall, body }, &state);
            assert!(matches!(told.as_slice(), [Command::Watch(WatchCommand::Cleared { .. })]), "{told:?}");
        }
    }

    #[test]
    fn a_check_that_is_not_answered_any_more_is_unknown_from_its_time_on() {
        use crate::domain::{
            policy::Service,
            readiness::{ReadinessCheck, Standing},
        };
        let now = crate::os::clock::now();
        let check = ReadinessCheck {
            name: "health".into(),
            lang: "http".into(),
            code: "http://x".into(),
            source: None,
            every: crate::domain::time::Span::secs(30),
            fresh: Some(crate::domain::time::Span::mins(2)),
            about: None,
            envs: [].into(),
        };
        let mut state = State::default();
        let service = Service { readiness: vec![check], ..Service::default() };
        state.policy.services.insert("shop".into(), service);
        let mut watch = Watch::default();
        let view = CheckView {
            service: "shop".into(),
            check: "health".into(),
            verdict: Verdict::Yes,
            seen: "HTTP 200".into(),
            at: now.clone(),
        };
        let body = Body::Check(view);
        let told =
            watch.reading(Reading { source: "readiness:shop/health".into(), at: now.wall, body }, &state);
        assert!(
            matches!(told.as_slice(), [Command::Readiness(ReadinessCommand::Answered { .. })]),
            "{told:?}"
        );
        let stands = |verdict| Standing { verdict, seen: "HTTP 200".into(), since: now.clone(), seq: 1 };
        let after = |secs| now.plus(crate::domain::time::Span::secs(secs));
        for (verdict, secs, silent) in [
            (Verdict::Yes, 120, false),
            (Verdict::Yes, 121, true),
            (Verdict::No, 121, true),
            (Verdict::Unknown, 121, false),
        ] {
            state.readiness.entry("shop".into()).or_default().insert("health".into(), stands(verdict));
            let told = watch.silent(&after(secs), &state);
            assert_eq!(told.len(), usize::from(silent), "{verdict} after {secs} s: {told:?}");
        }
    }

    #[test]
    fn a_configured_name_stays_and_the_found_one_gives_way() {
        let mut watch = Watch::default();
        watch.source(source("main"));
        let own = Panel { unit: Unit::Count, ..found("main").remove(0) };
        watch.panels("main", vec![own]);
        watch.source(source("scrape:a:1"));
        watch.finds("scrape:a:1");
        say(&mut watch, "scrape:a:1", Body::Panels(found("scrape:a:1")));
        assert_eq!(watch.live().panel("up").unwrap().source, "main");
        assert_eq!(watch.live().panel("up scrape").unwrap().source, "scrape:a:1");
    }
}
