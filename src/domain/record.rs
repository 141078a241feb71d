//! What a service's recoveries have come to: times to recover, rollbacks, the newest drill. Numbers for its scorecard, kept
//! when the incidents that they come from have left the fold. Practice is kept out of them, but for the drill that
//! somebody vouched for.

use super::{
    clock::ImpactState,
    drill::Drilled,
    event::{Event, Seq},
    fact::Fact,
    id::{IncidentId, WalkId},
    incident::IncidentFact,
    state::State,
    time::{Span, Wall},
    walk::{Walk, WalkFact},
};
use serde::{Deserialize, Serialize};

/// Recoveries that are kept of a service, the newest.
pub const RECOVERIES: usize = 5;
/// Services that are kept at most.
pub const SERVICES: usize = 512;

/// What is kept of one service.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// The newest recoveries, the newest last.
    pub recoveries: Vec<Recovery>,
    /// Rollback runbooks that were walked to an end of some kind.
    pub rollbacks: u32,
    /// Those of them that were given up.
    pub failed_rollbacks: u32,
    /// The newest of them.
    pub rollback: Option<RolledBack>,
    /// The newest drill that somebody vouched for.
    pub drill: Option<Drilled>,
}

/// An incident's recovery that held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// Which incident.
    pub incident: IncidentId,
    /// From the beginning of impact to the first good reading of those that held.
    pub took: Span,
    /// What it should have taken at most.
    pub target: Span,
    /// The event.
    pub seq: Seq,
}

/// A rollback runbook that was walked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RolledBack {
    /// Which walk.
    pub walk: WalkId,
    /// Whether it came to its end; else it was given up.
    pub complete: bool,
    /// When.
    pub at: Wall,
    /// The event.
    pub seq: Seq,
}

/// Takes in what an event says, after the nouns themselves have.
pub(super) fn note(state: &mut State, event: &Event) {
    match &event.fact {
        Fact::Incident(
            IncidentFact::Recovered { incident, .. }
            | IncidentFact::RecoveryLost { incident, .. }
            | IncidentFact::Corrected { incident, .. },
        ) => recovered(state, *incident, event),
        Fact::Walk(WalkFact::Finished { walk, complete }) => {
            let Some(walk) = state.walks.get(walk).filter(|walk| is_rollback(walk)) else { return };
            let end =
                RolledBack { walk: walk.id, complete: *complete, at: event.occurred.wall, seq: event.seq };
            for service in services(state, walk) {
                let Some(record) = of(state, &service) else { continue };
                record.rollbacks = record.rollbacks.saturating_add(1);
                record.failed_rollbacks = record.failed_rollbacks.saturating_add(u32::from(!complete));
                record.rollback = Some(end.clone());
            }
        }
        _ => {}
    }
}

/// A service's record, to change it; none where there are too many.
pub(super) fn of<'a>(state: &'a mut State, service: &str) -> Option<&'a mut Record> {
    if state.records.len() >= SERVICES && !state.records.contains_key(service) {
        return None;
    }
    Some(state.records.entry(service.to_owned()).or_default())
}

fn recovered(state: &mut State, id: IncidentId, event: &Event) {
    let Some(incident) = state.incidents.get(&id).filter(|one| !one.drill) else { return };
    let impact = incident.clocks.impact(&incident.declared, &event.occurred);
    let services = incident.services.clone();
    let new = (impact.state == ImpactState::Final).then_some(Recovery {
        incident: id,
        took: impact.time,
        target: incident.clocks.target,
        seq: event.seq,
    });
    for record in state.records.values_mut() {
        record.recoveries.retain(|one| one.incident != id);
    }
    let Some(new) = new else { return };
    for service in services {
        let Some(record) = of(state, &service) else { continue };
        record.recoveries.push(new.clone());
        let over = record.recoveries.len().saturating_sub(RECOVERIES);
        record.recoveries.drain(..over);
    }
}

/// A runbook puts a release back where its title or its file says so: `Roll back a release`, `rollback-db.md`.
fn is_rollback(walk: &Walk) -> bool {
    let names = [&walk.runbook.title, &walk.runbook.source].map(|name| name.to_lowercase());
    names.iter().any(|name| ["rollback", "roll-back", "roll back"].iter().any(|word| name.contains(word)))
}

/// The services that a walk is for: its incident's, else its runbook's. None of practice.
fn services(state: &State, walk: &Walk) -> Vec<String> {
    match walk.incident.and_then(|id| state.incidents.get(&id)) {
        Some(incident) if incident.drill => Vec::new(),
        Some(incident) => incident.services.clone(),
        None if state.room.drill.is_some() => Vec::new(),
        None => walk.runbook.front.service.clone().into_iter().collect(),
    }
}
