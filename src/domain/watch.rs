//! Verdicts on signals: what went beyond its threshold, and what came back.
//!
//! Recovery counts only when it held: the first moment at which every watched panel is good stops the clock
//! provisionally; when all stayed good for the policy's time, it is final and dated back.

use super::{
    command::Ctx,
    event::{Event, Seq},
    fact::Fact,
    incident::{Incident, IncidentFact},
    state::State,
    time::{Span, Stamp},
};
use serde::{Deserialize, Serialize};

/// A panel beyond its threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breach {
    /// Panel.
    pub panel: String,
    /// The value seen when it was noticed, with its unit.
    pub seen: String,
    /// The threshold, with its unit.
    pub threshold: String,
    /// First reading beyond it.
    pub since: Stamp,
    /// When the rule said so.
    pub noticed: Stamp,
    /// The event.
    pub seq: Seq,
    /// The room whose sources showed it.
    #[serde(default)]
    pub room: String,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchFact {
    /// A panel went beyond its threshold and stayed there for its time.
    Breached {
        /// Which panel.
        panel: String,
        /// The value seen.
        seen: String,
        /// The threshold, with its unit.
        threshold: String,
        /// Since when.
        since: Stamp,
    },
    /// It came back.
    Cleared {
        /// Which panel.
        panel: String,
        /// The value seen.
        seen: String,
    },
    /// Nothing is known of it while an incident waits for recovery: no data is never good.
    Blind {
        /// Which panel.
        panel: String,
        /// Why.
        why: String,
    },
}

/// What the room's watch reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WatchCommand {
    /// A panel went beyond its threshold.
    Breached {
        /// Which panel.
        panel: String,
        /// The value seen.
        seen: String,
        /// The threshold, with its unit.
        threshold: String,
        /// Since when.
        since: Stamp,
    },
    /// It came back, first seen good at this moment.
    Cleared {
        /// Which panel.
        panel: String,
        /// The value seen.
        seen: String,
    },
    /// There is no data on it.
    Blind {
        /// Which panel.
        panel: String,
        /// Why.
        why: String,
    },
}

/// What a room says of a panel counts until it takes it back itself, or is gone: rooms see with their own sources, and
/// one that does not see a failure says nothing against one that does.
pub(super) fn decide(state: &State, command: &WatchCommand, ctx: &Ctx) -> Vec<Fact> {
    let mut facts = Vec::new();
    match command {
        WatchCommand::Breached { panel, seen, threshold, since } => {
            if state.breaches.contains_key(panel) {
                return facts;
            }
            facts.push(Fact::Watch(WatchFact::Breached {
                panel: panel.clone(),
                seen: seen.clone(),
                threshold: threshold.clone(),
                since: since.clone(),
            }));
            for incident in state.incidents.values().filter(|incident| incident.is_open()) {
                if incident.clocks.first_good.is_some() {
                    facts.push(Fact::Incident(IncidentFact::RecoveryLost {
                        incident: incident.id,
                        seen: format!("{panel} {seen}"),
                    }));
                } else if incident.clocks.began().is_none() {
                    facts.push(Fact::Incident(IncidentFact::Marked {
                        incident: incident.id,
                        moment: super::clock::Moment::Onset,
                        at: since.clone(),
                        why: format!("{panel} beyond its threshold"),
                    }));
                }
            }
        }
        WatchCommand::Cleared { panel, seen } => {
            let anothers =
                state.breaches.get(panel).is_some_and(|breach| state.room.stands(&breach.room, &ctx.room));
            let known = state.breaches.contains_key(panel) || state.blind.contains(panel);
            if anothers || !known {
                return facts;
            }
            facts.push(Fact::Watch(WatchFact::Cleared { panel: panel.clone(), seen: seen.clone() }));
            let last = state.breaches.keys().chain(&state.blind).all(|other| other == panel);
            for incident in state.incidents.values().filter(|incident| incident.is_open()) {
                if last && incident.clocks.began().is_some() && incident.clocks.first_good.is_none() {
                    facts.push(Fact::Incident(IncidentFact::RecoveryBegan {
                        incident: incident.id,
                        seen: format!("{panel} {seen}"),
                    }));
                }
            }
        }
        WatchCommand::Blind { panel, why } => {
            let waiting = state
                .incidents
                .values()
                .any(|one| one.is_open() && one.clocks.began().is_some() && one.clocks.recovered.is_none());
            if !waiting || state.blind.contains(panel) {
                return facts;
            }
            facts.push(Fact::Watch(WatchFact::Blind { panel: panel.clone(), why: why.clone() }));
            for incident in state.incidents.values().filter(|incident| incident.is_open()) {
                if incident.clocks.first_good.is_some() && incident.clocks.recovered.is_none() {
                    facts.push(Fact::Incident(IncidentFact::RecoveryLost {
                        incident: incident.id,
                        seen: format!("{panel} no data: {why}"),
                    }));
                }
            }
        }
    }
    facts
}

/// When an incident's recovery will have held, where nothing goes bad before.
pub(super) fn recovers_at(incident: &Incident, hold: Span) -> Option<Stamp> {
    let clocks = &incident.clocks;
    match (&clocks.first_good, &clocks.recovered) {
        (Some(mark), None) if incident.is_open() => Some(mark.at.plus(hold)),
        _ => None,
    }
}

pub(super) fn apply(state: &mut State, fact: &WatchFact, event: &Event) {
    match fact {
        WatchFact::Breached { panel, seen, threshold, since } => {
            state.breaches.insert(
                panel.clone(),
                Breach {
                    panel: panel.clone(),
                    seen: seen.clone(),
                    threshold: threshold.clone(),
                    since: since.clone(),
                    noticed: event.occurred.clone(),
                    seq: event.seq,
                    room: event.room.clone(),
                },
            );
        }
        WatchFact::Cleared { panel, .. } => {
            state.breaches.remove(panel);
            state.blind.remove(panel);
        }
        WatchFact::Blind { panel, .. } => {
            state.blind.insert(panel.clone());
        }
    }
}
