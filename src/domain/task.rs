//! Something to be done by one named person within a time.

use super::{
    event::{Event, Seq},
    fact::Fact,
    id::{IncidentId, TaskId},
    refusal::{Code, Refusal, text},
    state::State,
    time::{Span, Stamp},
};
use serde::{Deserialize, Serialize};

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Name.
    pub id: TaskId,
    /// What is to be done.
    pub text: String,
    /// Who does it, by login name.
    pub owner: String,
    /// Who gave it.
    pub by: String,
    /// When.
    pub given: Stamp,
    /// Time box.
    pub within: Option<Span>,
    /// When it was done, and with what result.
    pub done: Option<(Stamp, String)>,
    /// The event that made it.
    pub seq: Seq,
}

impl Task {
    /// When its box ends.
    pub fn due(&self) -> Option<Stamp> {
        self.within.map(|within| self.given.plus(within))
    }
}

/// What can happen to a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskFact {
    /// Given to somebody.
    Given {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
        /// The words.
        text: String,
        /// Who does it, by login name.
        owner: String,
        /// Time box.
        within: Option<Span>,
    },
    /// Given to somebody else, or for longer.
    Changed {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
        /// Who does it, by login name.
        owner: String,
        /// Time box.
        within: Option<Span>,
    },
    /// Done.
    Done {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
        /// With what result.
        result: String,
    },
}

impl TaskFact {
    /// Whose task.
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Given { incident, .. } | Self::Changed { incident, .. } | Self::Done { incident, .. } => {
                *incident
            }
        }
    }
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskCommand {
    /// Give a task.
    Give {
        /// Which incident.
        incident: IncidentId,
        /// The words.
        text: String,
        /// Who does it, by login name.
        owner: String,
        /// Time box.
        within: Option<Span>,
    },
    /// Give it to another, or for another time from now.
    Change {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
        /// Who does it, by login name.
        owner: String,
        /// Time box.
        within: Option<Span>,
    },
    /// It is done.
    Done {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
        /// With what result.
        result: String,
    },
}

pub(super) fn decide(state: &State, command: &TaskCommand) -> Result<Vec<Fact>, Refusal> {
    let open = |incident: IncidentId, task: TaskId| -> Result<(), Refusal> {
        let task = state.open(incident)?.tasks.get(&task).ok_or_else(|| Refusal::unknown("task", task))?;
        if task.done.is_some() {
            return Err(Refusal::new(Code::Conflict, format!("{} is done already", task.id)));
        }
        Ok(())
    };
    let fact = match command {
        TaskCommand::Give { incident, text: words, owner, within } => {
            state.open(*incident)?;
            let id = state.issued.next_task();
            TaskFact::Given {
                incident: *incident,
                task: id,
                text: text("the task", words, 1_000)?,
                owner: text("the owner", owner, 64)?,
                within: *within,
            }
        }
        TaskCommand::Change { incident, task, owner, within } => {
            open(*incident, *task)?;
            let owner = text("the owner", owner, 64)?;
            TaskFact::Changed { incident: *incident, task: *task, owner, within: *within }
        }
        TaskCommand::Done { incident, task, result } => {
            open(*incident, *task)?;
            let result = text("the result", if result.trim().is_empty() { "done" } else { result }, 1_000)?;
            TaskFact::Done { incident: *incident, task: *task, result }
        }
    };
    Ok(vec![Fact::Task(fact)])
}

pub(super) fn apply(state: &mut State, fact: &TaskFact, event: &Event) {
    let Some(incident) = state.incidents.get_mut(&fact.incident()) else { return };
    match fact {
        TaskFact::Given { task, text, owner, within, .. } => {
            incident.tasks.insert(
                *task,
                Task {
                    id: *task,
                    text: text.clone(),
                    owner: owner.clone(),
                    by: event.actor.name.clone(),
                    given: event.occurred.clone(),
                    within: *within,
                    done: None,
                    seq: event.seq,
                },
            );
        }
        TaskFact::Changed { task, owner, within, .. } => {
            if let Some(task) = incident.tasks.get_mut(task) {
                task.owner.clone_from(owner);
                task.within = *within;
                task.given = event.occurred.clone();
            }
        }
        TaskFact::Done { task, result, .. } => {
            if let Some(task) = incident.tasks.get_mut(task) {
                task.done = Some((event.occurred.clone(), result.clone()));
            }
        }
    }
}
