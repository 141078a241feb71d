//! The highest numbers that were given out, so that no name comes twice, whatever has left the fold since.

use super::{
    conflict::ConflictFact,
    decision::DecisionFact,
    deviation::DeviationFact,
    fact::Fact,
    freeze::FreezeFact,
    id::{ConflictId, DecisionId, DeviationId, FreezeId, IncidentId, TaskId, WalkId},
    incident::IncidentFact,
    task::TaskFact,
    walk::WalkFact,
};
use serde::{Deserialize, Serialize};

/// The highest number of each noun.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Issued {
    /// Of incidents.
    pub incident: Option<IncidentId>,
    /// Of freezes.
    pub freeze: Option<FreezeId>,
    /// Of walks.
    pub walk: Option<WalkId>,
    /// Of deviations.
    pub deviation: Option<DeviationId>,
    /// Of tasks.
    pub task: Option<TaskId>,
    /// Of decisions.
    pub decision: Option<DecisionId>,
    /// Of conflicts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<ConflictId>,
}

impl Issued {
    /// The name that the next incident gets.
    pub fn next_incident(&self) -> IncidentId {
        self.incident.map_or(IncidentId(1), IncidentId::next)
    }

    /// The name that the next freeze gets.
    pub fn next_freeze(&self) -> FreezeId {
        self.freeze.map_or(FreezeId(1), FreezeId::next)
    }

    /// The name that the next walk gets.
    pub fn next_walk(&self) -> WalkId {
        self.walk.map_or(WalkId(1), WalkId::next)
    }

    /// The name that the next task gets.
    pub fn next_task(&self) -> TaskId {
        self.task.map_or(TaskId(1), TaskId::next)
    }

    /// The name that the next decision gets.
    pub fn next_decision(&self) -> DecisionId {
        self.decision.map_or(DecisionId(1), DecisionId::next)
    }

    /// The name that the next conflict gets.
    pub fn next_conflict(&self) -> ConflictId {
        self.conflict.map_or(ConflictId(1), ConflictId::next)
    }

    /// Takes in the names that a fact gives out.
    pub(super) fn note(&mut self, fact: &Fact) {
        match fact {
            Fact::Incident(IncidentFact::Declared { incident, .. }) => {
                self.incident = self.incident.max(Some(*incident));
            }
            Fact::Freeze(FreezeFact::Began { freeze, .. }) => self.freeze = self.freeze.max(Some(*freeze)),
            Fact::Walk(WalkFact::Started { walk, .. }) => self.walk = self.walk.max(Some(*walk)),
            Fact::Deviation(DeviationFact::Recorded { deviation, .. }) => {
                self.deviation = self.deviation.max(Some(*deviation));
            }
            Fact::Task(TaskFact::Given { task, .. }) => self.task = self.task.max(Some(*task)),
            Fact::Decision(DecisionFact::Made { decision, .. } | DecisionFact::Proposed { decision, .. }) => {
                self.decision = self.decision.max(Some(*decision));
            }
            Fact::Conflict(ConflictFact::Found { conflict, .. }) => {
                self.conflict = self.conflict.max(Some(*conflict));
            }
            _ => {}
        }
    }
}
