//! Verdicts that the journal does not have: it took nothing when they came, or another room that had said the same has
//! taken its word back. They are said again until they stand there.

use super::watch::{Watch, command};
use crate::{
    domain::{Command, State, time::Stamp, verdict::Verdict, watch::WatchCommand},
    signal::analysis::threshold,
};
use chrono::DateTime;

impl Watch {
    /// What this room sees otherwise than the journal has it, `room` being its name there.
    pub fn unsaid(&self, state: &State, room: &str) -> Vec<Command> {
        let panels = self.states.iter().filter_map(|(name, seen)| {
            let view = self.live.panel(name)?;
            let value = view.points.last().map(|point| point.v).filter(|value| value.is_finite())?;
            let change = match *seen {
                threshold::State::Bad { since } if !state.breaches.contains_key(name) => {
                    let since = DateTime::from_timestamp_millis(since)?;
                    threshold::Change::Breached { since, value }
                }
                threshold::State::Fine if is_free(state, name, room) => {
                    let at = DateTime::from_timestamp_millis(view.points.last()?.t)?;
                    threshold::Change::Returned { at, value }
                }
                _ => return None,
            };
            Some(command(&view.panel, change))
        });
        let probes = self.live.probes.values().filter_map(|probe| {
            let name = format!("probe {}", probe.name);
            let failures = self.failing.get(&name).copied().unwrap_or_default();
            let (panel, seen) = (name.clone(), probe.detail.clone());
            match probe.verdict {
                Verdict::No if failures >= 2 && !state.breaches.contains_key(&name) => {
                    let since = Stamp::wall_only(probe.since);
                    Some(WatchCommand::Breached { panel, seen, threshold: "healthy".into(), since })
                }
                Verdict::Yes if is_free(state, &name, room) => Some(WatchCommand::Cleared { panel, seen }),
                _ => None,
            }
        });
        panels.chain(probes.map(Command::Watch)).collect()
    }
}

/// Whether a panel is bad by this room's word, or by that of one that is gone.
fn is_free(state: &State, panel: &str, room: &str) -> bool {
    state.breaches.get(panel).is_some_and(|breach| !state.room.stands(&breach.room, room))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{time::Span, watch::Breach},
        signal::{Body, Direction, Panel, Point, ProbeView, Reading, SeriesPoints, SourceView, Unit},
    };

    fn watch(value: f64, verdict: Verdict) -> (Watch, Stamp) {
        let now = crate::os::clock::now();
        let mut watch = Watch::default();
        let every = Span::secs(1);
        let source = SourceView {
            id: "s".into(),
            address: "s".into(),
            last_seen: None,
            every,
            trouble: None,
            polls: 0,
        };
        watch.source(source);
        let panel = Panel {
            name: "errors".into(),
            source: "s".into(),
            query: "errors".into(),
            unit: Unit::Ratio,
            bad: Direction::Up,
            threshold: Some(0.01),
            hold: None,
            service: None,
        };
        watch.panels("s", vec![panel]);
        let probe = |at| ProbeView {
            name: "web".into(),
            verdict,
            detail: "HTTP 503".into(),
            took: Span::millis(3),
            since: at,
        };
        for n in 0..3 {
            let at = now.wall + chrono::TimeDelta::seconds(n);
            let points = vec![Point { t: at.timestamp_millis(), v: value }];
            for body in [
                Body::Series(vec![SeriesPoints { panel: "errors".into(), points }]),
                Body::Probe(probe(now.wall)),
            ] {
                drop(watch.reading(Reading { source: "s".into(), at, body }, &State::default()));
            }
        }
        (watch, now)
    }

    fn knows(now: &Stamp, room: &str) -> State {
        let mut state = State::default();
        for panel in ["errors", "probe web"] {
            let breach = Breach {
                panel: panel.into(),
                seen: "7 %".into(),
                threshold: "1 %".into(),
                since: now.clone(),
                noticed: now.clone(),
                seq: 1,
                room: room.into(),
            };
            state.breaches.insert(panel.into(), breach);
        }
        state
    }

    fn said(commands: &[Command]) -> Vec<(&str, bool)> {
        let one = |command: &'_ Command| match command {
            Command::Watch(WatchCommand::Breached { panel, .. }) => (panel.clone(), true),
            Command::Watch(WatchCommand::Cleared { panel, .. }) => (panel.clone(), false),
            other => panic!("{other:?}"),
        };
        let all: Vec<_> = commands.iter().map(one).collect();
        ["errors", "probe web"]
            .into_iter()
            .filter_map(|name| all.iter().find(|(panel, _)| panel == name).map(|(_, bad)| (name, *bad)))
            .collect()
    }

    #[test]
    fn what_is_bad_is_said_until_the_journal_has_it_whoever_said_it() {
        let (watch, now) = watch(0.07, Verdict::No);
        assert_eq!(said(&watch.unsaid(&State::default(), "a")), [("errors", true), ("probe web", true)]);
        for room in ["a", "b"] {
            assert_eq!(watch.unsaid(&knows(&now, room), "a"), []);
        }
    }

    #[test]
    fn what_is_good_again_is_said_by_the_room_that_said_it_was_bad_or_where_that_is_gone() {
        let (watch, now) = watch(0.001, Verdict::Yes);
        let good = [("errors", false), ("probe web", false)];
        assert_eq!(said(&watch.unsaid(&knows(&now, "a"), "a")), good);
        let mut state = knows(&now, "b");
        assert_eq!(said(&watch.unsaid(&state, "a")), good, "b is gone");
        let open = crate::domain::room::Open { host: "b".into(), since: now.clone() };
        state.room.open.insert("b".into(), open);
        assert_eq!(watch.unsaid(&state, "a"), []);
        assert_eq!(watch.unsaid(&State::default(), "a"), []);
    }
}
