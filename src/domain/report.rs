//! A CAN report: conditions, actions, needs. Each need becomes a task that waits for an owner.

use super::{
    event::{Event, Seq},
    fact::Fact,
    id::{IncidentId, TaskId},
    refusal::{Code, Refusal, text},
    state::State,
    task,
    time::Stamp,
};
use serde::{Deserialize, Serialize};

/// Needs that one report may name.
const NEEDS_MAX: usize = 10;

/// What somebody reported last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What they see.
    pub conditions: String,
    /// What they do about it.
    pub actions: String,
    /// What they need.
    pub needs: Vec<Need>,
    /// When.
    pub at: Stamp,
    /// The event.
    pub seq: Seq,
}

/// Something that is needed, and the task that it became.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The task.
    pub task: TaskId,
    /// The words.
    pub text: String,
}

impl Report {
    /// The report in one line.
    pub fn line(&self) -> String {
        line(&self.conditions, &self.actions, &self.needs)
    }
}

/// `conditions; actions; needs TSK-4 somebody with the keys`.
pub(super) fn line(conditions: &str, actions: &str, needs: &[Need]) -> String {
    let all: Vec<String> = needs.iter().map(|need| format!("{} {}", need.task, need.text)).collect();
    let needs = if all.is_empty() { "no needs".into() } else { format!("needs {}", all.join(", ")) };
    format!("{conditions}; {actions}; {needs}")
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportFact {
    /// Somebody reported.
    Given {
        /// Which incident.
        incident: IncidentId,
        /// What they see.
        conditions: String,
        /// What they do about it.
        actions: String,
        /// What they need; none is an answer too.
        needs: Vec<Need>,
    },
}

impl ReportFact {
    /// Whose incident.
    pub fn incident(&self) -> IncidentId {
        let Self::Given { incident, .. } = self;
        *incident
    }
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportCommand {
    /// Report.
    Give {
        /// Which incident.
        incident: IncidentId,
        /// What is seen.
        conditions: String,
        /// What is done about it.
        actions: String,
        /// What is needed, each a task to assign; empty says that nothing is.
        #[serde(default)]
        needs: Vec<String>,
    },
}

pub(super) fn decide(state: &State, command: &ReportCommand) -> Result<Vec<Fact>, Refusal> {
    let ReportCommand::Give { incident, conditions, actions, needs: wanted } = command;
    state.open(*incident)?;
    if wanted.len() > NEEDS_MAX {
        let many = format!("{} needs are more than {NEEDS_MAX} in one report", wanted.len());
        return Err(Refusal::new(Code::Invalid, many).hint("report the most pressing ones"));
    }
    let (mut needs, mut tasks) = (Vec::new(), Vec::new());
    let mut id = state.issued.next_task();
    for words in wanted {
        tasks.push(task::needed(*incident, id, words)?);
        needs.push(Need { task: id, text: text("the need", words, 1_000)? });
        id = id.next();
    }
    let report = ReportFact::Given {
        incident: *incident,
        conditions: text("what is seen", conditions, 1_000)?,
        actions: text("what is done", actions, 1_000)?,
        needs,
    };
    Ok(std::iter::once(Fact::Report(report)).chain(tasks).collect())
}

pub(super) fn apply(state: &mut State, fact: &ReportFact, event: &Event) {
    let ReportFact::Given { incident, conditions, actions, needs } = fact;
    if let Some(incident) = state.incidents.get_mut(incident) {
        let report = Report {
            conditions: conditions.clone(),
            actions: actions.clone(),
            needs: needs.clone(),
            at: event.occurred.clone(),
            seq: event.seq,
        };
        incident.reports.insert(event.actor.name.clone(), report);
    }
}
