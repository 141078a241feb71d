//! Everything that can have happened, nested by noun.

use super::{
    board::BoardFact, decision::DecisionFact, deviation::DeviationFact, dispatch::DispatchFact,
    freeze::FreezeFact, gate::GateFact, id::IncidentId, incident::IncidentFact, note::NoteFact,
    page::PageFact, policy::PolicyFact, release::ReleaseFact, room::RoomFact, state::State, task::TaskFact,
    walk::WalkFact, watch::WatchFact,
};
use serde::{Deserialize, Serialize};

/// A fact. Stored as `{"noun":{"verb":{…}}}`; its kind is `noun.verb`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The room itself: opened, drill begun, spool appended.
    Room(RoomFact),
    /// Policy that the rules read.
    Policy(PolicyFact),
    /// An incident's life.
    Incident(IncidentFact),
    /// What the console says: now, goal, else, next update.
    Board(BoardFact),
    /// Something said.
    Note(NoteFact),
    /// Something to be done by one person.
    Task(TaskFact),
    /// Something decided.
    Decision(DecisionFact),
    /// A difference between prescribed and done.
    Deviation(DeviationFact),
    /// A freeze's life.
    Freeze(FreezeFact),
    /// What the gate refused or let through.
    Gate(GateFact),
    /// A release switched or judged.
    Release(ReleaseFact),
    /// A verdict on a signal.
    Watch(WatchFact),
    /// A runbook walked.
    Walk(WalkFact),
    /// Somebody who is not here is called.
    Page(PageFact),
    /// Something goes out to a target.
    Dispatch(DispatchFact),
    /// A payload that was erased; what it said is gone, that it was is not.
    Erased,
    /// A kind that this version does not know, kept as it is.
    Foreign(serde_json::Value),
}

impl Fact {
    /// `noun.verb`, as it stands in the event's header.
    pub fn kind(&self) -> String {
        match self {
            Self::Erased => return "erased".into(),
            Self::Foreign(_) => return "foreign".into(),
            _ => {}
        }
        let value = serde_json::to_value(self).unwrap_or_default();
        let Some((noun, inner)) = value.as_object().and_then(|map| map.iter().next()) else {
            return "unknown".into();
        };
        match inner {
            serde_json::Value::String(verb) => format!("{noun}.{verb}"),
            serde_json::Value::Object(map) => {
                format!("{noun}.{}", map.keys().next().map_or("unknown", String::as_str))
            }
            _ => noun.clone(),
        }
    }

    /// The incident that it belongs to, as far as the state before it knows.
    pub fn stream(&self, state: &State) -> Option<IncidentId> {
        match self {
            Self::Incident(fact) => Some(fact.incident()),
            Self::Board(fact) => Some(fact.incident()),
            Self::Note(fact) => fact.incident(),
            Self::Task(fact) => Some(fact.incident()),
            Self::Decision(fact) => Some(fact.incident()),
            Self::Deviation(fact) => fact.incident(),
            Self::Freeze(fact) => fact.incident(state),
            Self::Gate(fact) => fact.incident(state),
            Self::Walk(fact) => fact.incident(state),
            Self::Page(fact) => fact.incident(state),
            Self::Dispatch(fact) => fact.incident(state),
            Self::Release(_) | Self::Watch(_) => state.open_incident().map(|incident| incident.id),
            Self::Room(_) | Self::Policy(_) | Self::Erased | Self::Foreign(_) => None,
        }
    }
}
