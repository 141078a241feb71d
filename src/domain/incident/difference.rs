//! What a change of severity brings with it.

use super::Incident;
use crate::domain::{
    cadence::Beat,
    freeze::Freeze,
    id::FreezeId,
    page::{self, PageWhen},
    plan::{Runbook, Step},
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
    /// People who hold a role that was wanted and is not any more: `scribe eve`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles_spare: Vec<String>,
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

/// How the steps of one runbook differ from those of another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StepsDifference {
    /// Titles of steps that come new.
    pub new: Vec<String>,
    /// Titles of steps that are there and run something else, or ask for another approval.
    pub changed: Vec<String>,
    /// Titles of steps that are not there any more.
    pub dropped: Vec<String>,
    /// Steps that stay as they are.
    pub same: usize,
}

/// What changes in what is to be done where another runbook is walked than `from`. Steps are the same by their title.
pub fn steps(from: Option<&Runbook>, to: &Runbook) -> StepsDifference {
    let name = |step: &Step| step.title.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let does = |step: &Step| {
        let blocks: Vec<_> =
            step.blocks.iter().map(|block| (block.kind, block.code.trim().to_owned())).collect();
        (blocks, step.approval.clone())
    };
    let old: Vec<&Step> = from.map(|book| book.steps().collect()).unwrap_or_default();
    let mut all = StepsDifference::default();
    for step in to.steps() {
        match old.iter().find(|known| name(known) == name(step)) {
            None => all.new.push(step.title.clone()),
            Some(known) if does(known) != does(step) => all.changed.push(step.title.clone()),
            Some(_) => all.same += 1,
        }
    }
    let stays = |known: &&&Step| to.steps().any(|step| name(step) == name(known));
    all.dropped = old.iter().filter(|known| !stays(known)).map(|step| step.title.clone()).collect();
    all
}

impl StepsDifference {
    /// The same in lines: `3 steps come new: look; decide; …`.
    pub fn lines(&self) -> Vec<String> {
        const MOST: usize = 4;
        let line = |titles: &[String], one: &str, many: &str| {
            let word = if titles.len() == 1 { one } else { many };
            let more = if titles.len() > MOST { "; …" } else { "" };
            let first = titles.get(..titles.len().min(MOST)).unwrap_or_default();
            format!("{} {word}: {}{more}", titles.len(), first.join("; "))
        };
        let mut lines = Vec::new();
        if !self.new.is_empty() {
            lines.push(line(&self.new, "step comes new", "steps come new"));
        }
        if !self.changed.is_empty() {
            lines.push(line(&self.changed, "step changes", "steps change"));
        }
        if !self.dropped.is_empty() {
            lines.push(line(&self.dropped, "step falls away", "steps fall away"));
        }
        if self.same > 0 {
            lines.push(format!("{} stay as they are", self.same));
        }
        lines
    }
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
        roles_spare: old
            .zip(row)
            .map(|(old, row)| {
                let spare = old.roles.iter().filter(|role| !row.roles.contains(*role));
                let spare = spare.filter(|role| held(role) != super::COMMANDER);
                spare
                    .filter_map(|role| Some(format!("{role} {}", incident.roles.get(held(role))?.who)))
                    .collect()
            })
            .unwrap_or_default(),
        cadence: cadences(state, incident, to),
        freeze: row.and_then(|row| row.freeze).filter(|_| standing.is_empty()),
        freeze_stays: standing.iter().map(|freeze| freeze.id).collect(),
        pages: page::proposed(state, incident.id, to, &incident.services, PageWhen::Always),
        page_proposed: page::proposed(state, incident.id, to, &incident.services, PageWhen::Propose),
    }
}
