//! What a client shows of what is live: it is sent that, and no more.

use super::{Delta, Live, PanelView};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    collections::{BTreeSet, VecDeque},
};

/// What is shown of the two that can be large. Everything else that is live is always sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shows {
    /// Panels whose points are shown; all where this is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panels: Option<BTreeSet<String>>,
    /// Whether log lines are.
    #[serde(default = "yes")]
    pub lines: bool,
}

/// Panels that one client names at most.
const PANELS_MAX: usize = 1_024;

fn yes() -> bool {
    true
}

impl Default for Shows {
    fn default() -> Self {
        Self { panels: None, lines: true }
    }
}

impl Shows {
    /// Neither points nor lines.
    pub fn little() -> Self {
        Self { panels: Some(BTreeSet::new()), lines: false }
    }

    /// The same, but everything where more panels are named than anybody could look at.
    #[must_use]
    pub fn bounded(self) -> Self {
        let panels = self.panels.filter(|panels| panels.len() <= PANELS_MAX);
        Self { panels, ..self }
    }

    /// Whether everything is shown.
    pub fn is_all(&self) -> bool {
        self.panels.is_none() && self.lines
    }

    /// Whether all of the other is shown here too.
    pub fn covers(&self, other: &Self) -> bool {
        let panels = match (&self.panels, &other.panels) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(own), Some(other)) => other.is_subset(own),
        };
        panels && (self.lines || !other.lines)
    }

    fn panel(&self, name: &str) -> bool {
        self.panels.as_ref().is_none_or(|panels| panels.contains(name))
    }

    /// Of what is live what is shown.
    pub fn live<'a>(&self, live: &'a Live) -> Cow<'a, Live> {
        if self.is_all() {
            return Cow::Borrowed(live);
        }
        let bare = |view: &PanelView| PanelView { points: Vec::new(), ..described(view) };
        let panels = live
            .panels
            .iter()
            .map(|view| if self.panel(&view.panel.name) { view.clone() } else { bare(view) })
            .collect();
        Cow::Owned(Live {
            panels,
            lines: if self.lines { live.lines.clone() } else { VecDeque::new() },
            lines_total: live.lines_total,
            lines_dropped: live.lines_dropped,
            probes: live.probes.clone(),
            turns: live.turns.clone(),
            checks: live.checks.clone(),
            releases: live.releases.clone(),
            sources: live.sources.clone(),
        })
    }

    /// Of what has changed what is shown; none where that is nothing.
    pub fn delta<'a>(&self, delta: &'a Delta) -> Option<Cow<'a, Delta>> {
        if self.is_all() {
            return Some(Cow::Borrowed(delta));
        }
        let points = delta.points.iter().filter(|(name, _)| self.panel(name));
        let shown = Delta {
            panels: delta.panels.clone(),
            points: points.map(|(name, points)| (name.clone(), points.clone())).collect(),
            lines: if self.lines { delta.lines.clone() } else { Vec::new() },
            lines_dropped: if self.lines { delta.lines_dropped } else { 0 },
            probes: delta.probes.clone(),
            checks: delta.checks.clone(),
            releases: delta.releases.clone(),
            sources: delta.sources.clone(),
        };
        (!shown.is_empty()).then_some(Cow::Owned(shown))
    }
}

/// A panel without its points, which are what is large.
fn described(view: &PanelView) -> PanelView {
    PanelView {
        panel: view.panel.clone(),
        source: view.source.clone(),
        points: Vec::new(),
        baseline: view.baseline,
        bad_since: view.bad_since,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{Direction, Level, Line, Panel, Point, Unit};
    use proptest::prelude::*;

    fn delta(t: i64, n: u64) -> Delta {
        let name = format!("p{}", n % 3);
        let panel = Panel {
            name: name.clone(),
            source: String::new(),
            query: "up".into(),
            unit: Unit::Count,
            bad: Direction::Up,
            threshold: None,
            hold: None,
            service: None,
        };
        let view =
            PanelView { panel, source: "s".into(), points: Vec::new(), baseline: None, bad_since: None };
        let line = Line {
            n,
            at: chrono::DateTime::from_timestamp(1_000 + t, 0).unwrap(),
            level: Level::Info,
            text: format!("line {n}"),
            fields: Vec::new(),
            source: "a".into(),
        };
        Delta {
            panels: vec![view],
            points: [(name, vec![Point { t, v: n as f64 }])].into(),
            lines: vec![line],
            lines_dropped: n % 2,
            ..Delta::default()
        }
    }

    fn shows() -> impl Strategy<Value = Shows> {
        let some = prop::collection::btree_set("p[0-2]", 0..3);
        (prop::option::of(some), any::<bool>()).prop_map(|(panels, lines)| Shows { panels, lines })
    }

    proptest! {
        /// A client that is sent what it shows, from the beginning or from a fresh start in the middle, has of that what
        /// the room has.
        #[test]
        fn what_is_shown_is_as_the_room_has_it(
            steps in prop::collection::vec((0_i64..50, 0_u64..9), 1..40),
            fresh in 0_usize..40,
            shows in shows(),
        ) {
            let (mut room, mut client) = (Live::default(), Live::default());
            for (at, (t, n)) in steps.into_iter().enumerate() {
                let delta = delta(t, n);
                room.apply(&delta);
                if at == fresh {
                    client = shows.live(&room).into_owned();
                } else if let Some(delta) = shows.delta(&delta) {
                    client.apply(&delta);
                }
            }
            let shown = shows.live(&room).into_owned();
            prop_assert_eq!(&client.panels, &shown.panels);
            prop_assert_eq!(&client.lines, &shown.lines);
            if shows.lines {
                prop_assert_eq!(client.lines_total, room.lines_total);
            }
        }
    }
}
