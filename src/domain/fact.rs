//! Everything that can have happened, nested by noun.

use super::{
    board::BoardFact, conflict::ConflictFact, decision::DecisionFact, deviation::DeviationFact,
    dispatch::DispatchFact, drill::DrillFact, freeze::FreezeFact, gate::GateFact, glass::GlassFact,
    handover::HandoverFact, id::IncidentId, incident::IncidentFact, note::NoteFact, page::PageFact,
    policy::PolicyFact, readiness::ReadinessFact, release::ReleaseFact, report::ReportFact, room::RoomFact,
    state::State, task::TaskFact, walk::WalkFact, watch::WatchFact,
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
    /// Conditions, actions, needs.
    Report(ReportFact),
    /// Something decided.
    Decision(DecisionFact),
    /// A difference between prescribed and done.
    Deviation(DeviationFact),
    /// A freeze's life.
    Freeze(FreezeFact),
    /// A power taken in an emergency.
    Glass(GlassFact),
    /// Command on its way from one to another.
    Handover(HandoverFact),
    /// What the gate refused or let through.
    Gate(GateFact),
    /// A release switched or judged.
    Release(ReleaseFact),
    /// A verdict on a signal.
    Watch(WatchFact),
    /// A verdict on a readiness check.
    Readiness(ReadinessFact),
    /// A drill's result.
    Drill(DrillFact),
    /// A runbook walked.
    Walk(WalkFact),
    /// Somebody who is not here is called.
    Page(PageFact),
    /// Something goes out to a target.
    Dispatch(DispatchFact),
    /// What was recorded offline and not accepted.
    Conflict(ConflictFact),
    /// A payload that was erased; what it said is gone, that it was is not.
    Erased,
    /// A kind that this version does not know, kept as it is.
    Foreign(serde_json::Value),
}

impl Fact {
    /// `noun.verb` of a fact as it is stored, as it stands in the event's header. Read off its text: facts can be
    /// large, and their kind is the first two names in them.
    pub fn kind_of(stored: &[u8]) -> String {
        let mut names = stored.split(|byte| *byte == b'"').skip(1).step_by(2);
        let mut name = || names.next().map(|name| String::from_utf8_lossy(name).into_owned());
        match (name(), name()) {
            (Some(noun), Some(verb)) if noun != "foreign" => format!("{noun}.{verb}"),
            (Some(noun), _) => noun,
            (None, _) => "unknown".into(),
        }
    }

    /// `noun.verb`, as [`Self::kind_of`] reads it.
    pub fn kind(&self) -> String {
        serde_json::to_vec(self).map_or_else(|_| "unknown".into(), |stored| Self::kind_of(&stored))
    }

    /// The incident that it belongs to, as far as the state before it knows.
    pub fn stream(&self, state: &State) -> Option<IncidentId> {
        match self {
            Self::Incident(fact) => Some(fact.incident()),
            Self::Board(fact) => Some(fact.incident()),
            Self::Note(fact) => fact.incident(),
            Self::Task(fact) => Some(fact.incident()),
            Self::Report(fact) => Some(fact.incident()),
            Self::Decision(fact) => Some(fact.incident()),
            Self::Deviation(fact) => fact.incident(),
            Self::Freeze(fact) => fact.incident(state),
            Self::Glass(fact) => fact.incident(state),
            Self::Handover(fact) => Some(fact.incident()),
            Self::Gate(fact) => fact.incident(state),
            Self::Walk(fact) => fact.incident(state),
            Self::Page(fact) => fact.incident(state),
            Self::Dispatch(fact) => fact.incident(state),
            Self::Conflict(fact) => fact.incident(state),
            Self::Release(_) | Self::Watch(_) | Self::Readiness(_) => {
                state.open_incident().map(|incident| incident.id)
            }
            Self::Room(_) | Self::Policy(_) | Self::Drill(_) | Self::Erased | Self::Foreign(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_noun_and_verb() {
        let kind = |fact: &Fact| Fact::kind_of(&serde_json::to_vec(fact).unwrap());
        assert_eq!(kind(&Fact::Room(RoomFact::DrillEnded)), "room.drill_ended");
        let said = NoteFact::Said { incident: None, text: "with \"quotes\"".into() };
        assert_eq!(kind(&Fact::Note(said)), "note.said");
        assert_eq!(
            kind(&Fact::Policy(crate::domain::policy::PolicyFact::Loaded(<_>::default()))),
            "policy.loaded"
        );
        assert_eq!(kind(&Fact::Erased), "erased");
        assert_eq!(kind(&Fact::Foreign(serde_json::json!({ "gadget": { "invented": 1 } }))), "foreign");
        assert_eq!(Fact::kind_of(b"7"), "unknown");
    }
}
