//! What a change of severity brings with it.

use super::Incident;
use crate::domain::{
    cadence::Beat,
    freeze::Freeze,
    id::FreezeId,
    page::{self, PageWhen},
    severity::Severity,
    state::State,
    time::Span,
    walk,
};
use serde::{Deserialize, Serialize};

/// What a change of severity brings with it, shown before it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SeverityDifference {
    /// What the new severity means.
    pub meaning: Option<String>,
    /// Runbook of the new row, where it is another.
    pub runbook: Option<String>,
    /// Roles that are wanted now and have no holder.
    pub roles_missing: Vec<String>,
    /// Periods that differ.
    pub cadence: Vec<CadenceDifference>,
    /// A freeze is proposed that does not stand yet, for this long.
    pub freeze: Option<Span>,
    /// A freeze stands and stays: severity never lifts one.
    pub freeze_stays: Vec<FreezeId>,
    /// Who is paged with it, unasked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pages: Vec<String>,
    /// Whom it proposes to page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub page_proposed: Vec<String>,
}

/// A period that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CadenceDifference {
    /// Of what.
    pub beat: Beat,
    /// As it is.
    pub from: Option<Span>,
    /// As it will be.
    pub to: Option<Span>,
}

/// Periods that a row of the matrix names and that differ from the incident's. What a row does not name stays.
pub(super) fn cadences(state: &State, incident: &Incident, to: Severity) -> Vec<CadenceDifference> {
    let Some(row) = state.policy.severities.get(&to) else { return Vec::new() };
    let changed = Beat::ALL.into_iter().map(|beat| CadenceDifference {
        beat,
        from: incident.board.every(beat),
        to: beat.every(row),
    });
    changed.filter(|one| one.to.is_some() && one.from != one.to).collect()
}

/// The difference between an incident as it is and the same at another severity.
pub fn difference(state: &State, incident: &Incident, to: Severity) -> SeverityDifference {
    let row = state.policy.severities.get(&to);
    let old = state.policy.severities.get(&incident.severity);
    let held = walk::approval::role;
    let standing: Vec<&Freeze> = state
        .freezes
        .values()
        .filter(|freeze| freeze.holds() && freeze.incident == Some(incident.id))
        .collect();
    SeverityDifference {
        meaning: row.map(|row| row.meaning.clone()),
        runbook: row
            .and_then(|row| row.runbook.clone())
            .filter(|name| old.and_then(|row| row.runbook.as_ref()) != Some(name)),
        roles_missing: row
            .map(|row| {
                row.roles.iter().filter(|role| !incident.roles.contains_key(held(role))).cloned().collect()
            })
            .unwrap_or_default(),
        cadence: cadences(state, incident, to),
        freeze: row.and_then(|row| row.freeze).filter(|_| standing.is_empty()),
        freeze_stays: standing.iter().map(|freeze| freeze.id).collect(),
        pages: page::proposed(state, incident.id, to, &incident.services, PageWhen::Always),
        page_proposed: page::proposed(state, incident.id, to, &incident.services, PageWhen::Propose),
    }
}
