//! Something to be done by one named person within a time. What somebody needs is a task too, which waits for an owner.
//!
//! Its owner says that they have it. When its time box ends there are three ways on: they report, it gets more time, or
//! somebody else gets it.

use super::{
    command::Ctx,
    event::{Event, Seq},
    fact::Fact,
    id::{IncidentId, TaskId},
    incident::Incident,
    person,
    refusal::{Code, Refusal, text},
    state::State,
    time::{Span, Stamp},
};
use serde::{Deserialize, Serialize};

/// The longest time box, and the most that is added to one at once.
const BOX_MAX: Span = Span::hours(7 * 24);

/// A task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Name.
    pub id: TaskId,
    /// What is to be done.
    pub text: String,
    /// Who does it, by login name; nobody yet where it is a need.
    #[serde(default)]
    pub owner: Option<String>,
    /// Who gave it, or who needs it.
    pub by: String,
    /// When its owner got it, or more time for it.
    pub given: Stamp,
    /// Time box.
    pub within: Option<Span>,
    /// When its owner said that they have it.
    #[serde(default)]
    pub acknowledged: Option<Stamp>,
    /// How often its owner got more time.
    #[serde(default)]
    pub extended: u32,
    /// What was reported on it last.
    #[serde(default)]
    pub reported: Option<Word>,
    /// When its box ended, where nothing has come of that yet.
    #[serde(default)]
    pub over: Option<Stamp>,
    /// When it was done, and with what result.
    pub done: Option<(Stamp, String)>,
    /// The event that made it.
    pub seq: Seq,
}

/// What somebody said of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// Who.
    pub by: String,
    /// When.
    pub at: Stamp,
    /// The words.
    pub text: String,
}

impl Task {
    /// When its box ends.
    pub fn due(&self) -> Option<Stamp> {
        self.within.map(|within| self.given.plus(within))
    }

    /// Whether it is still to be done.
    pub fn is_open(&self) -> bool {
        self.done.is_none()
    }

    /// Whether it is still to be done and its box has ended.
    pub fn is_over(&self, now: &Stamp) -> bool {
        self.is_open() && self.due().is_some_and(|due| due.reached(now))
    }

    /// Whether nobody has it yet.
    pub fn waits_for_an_owner(&self) -> bool {
        self.is_open() && self.owner.is_none()
    }

    /// Whether its owner has not said yet that they have it.
    pub fn waits_for_acknowledgement(&self) -> bool {
        self.is_open() && self.owner.is_some() && self.acknowledged.is_none()
    }

    /// When the end of its box is written down.
    fn lapses(&self) -> Option<Stamp> {
        self.due().filter(|_| self.is_open() && self.over.is_none())
    }
}

/// What can happen to a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskFact {
    /// Given to somebody; or wanted, where nobody has it yet.
    Given {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
        /// The words.
        text: String,
        /// Who does it, by login name.
        owner: Option<String>,
        /// Time box.
        within: Option<Span>,
    },
    /// Its owner has it.
    Acknowledged {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
    },
    /// How it stands.
    Reported {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
        /// The words.
        text: String,
    },
    /// Given to somebody else, or for longer.
    Changed {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
        /// Who does it, by login name.
        owner: String,
        /// Time box, from now.
        within: Option<Span>,
    },
    /// Its box has ended and it is not done.
    Over {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
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
            Self::Given { incident, .. }
            | Self::Acknowledged { incident, .. }
            | Self::Reported { incident, .. }
            | Self::Changed { incident, .. }
            | Self::Over { incident, .. }
            | Self::Done { incident, .. } => *incident,
        }
    }

    /// Which task.
    pub fn task(&self) -> TaskId {
        match self {
            Self::Given { task, .. }
            | Self::Acknowledged { task, .. }
            | Self::Reported { task, .. }
            | Self::Changed { task, .. }
            | Self::Over { task, .. }
            | Self::Done { task, .. } => *task,
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
    /// I have it.
    Acknowledge {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
    },
    /// Say how it stands.
    Report {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
        /// The words.
        text: String,
    },
    /// Give its owner more time: so much more, from the end of its box, or from now where that is past.
    Extend {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
        /// How much more.
        more: Span,
    },
    /// Give it to somebody else, whose box begins now.
    Assign {
        /// Which incident.
        incident: IncidentId,
        /// Which task.
        task: TaskId,
        /// Who does it, by login name.
        owner: String,
        /// Time box; as long as it was where none is given.
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

impl TaskCommand {
    /// Which incident it is about.
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Give { incident, .. }
            | Self::Acknowledge { incident, .. }
            | Self::Report { incident, .. }
            | Self::Extend { incident, .. }
            | Self::Assign { incident, .. }
            | Self::Done { incident, .. } => *incident,
        }
    }
}

fn open(state: &State, incident: IncidentId, id: TaskId) -> Result<&Task, Refusal> {
    let task = state.open(incident)?.tasks.get(&id).ok_or_else(|| Refusal::unknown("task", id))?;
    if task.is_open() {
        return Ok(task);
    }
    Err(Refusal::new(Code::Conflict, format!("{id} is done already")))
}

fn within(span: Span) -> Result<Span, Refusal> {
    if span > Span::ZERO && span <= BOX_MAX {
        return Ok(span);
    }
    Err(Refusal::new(Code::Invalid, format!("{span} is no time for a task"))
        .hint("from a second to a week, like 15m"))
}

/// What somebody needs, as a task that nobody has yet.
pub(super) fn needed(incident: IncidentId, task: TaskId, words: &str) -> Result<Fact, Refusal> {
    let text = text("the need", words, 1_000)?;
    Ok(Fact::Task(TaskFact::Given { incident, task, text, owner: None, within: None }))
}

pub(super) fn decide(state: &State, command: &TaskCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let fact = match command {
        TaskCommand::Give { incident, text: words, owner, within: time } => {
            state.open(*incident)?;
            let id = state.issued.next_task();
            TaskFact::Given {
                incident: *incident,
                task: id,
                text: text("the task", words, 1_000)?,
                owner: Some(person::person(state, "the owner", owner)?),
                within: time.map(within).transpose()?,
            }
        }
        TaskCommand::Acknowledge { incident, task } => {
            let known = open(state, *incident, *task)?;
            let Some(owner) = known.owner.as_deref() else {
                return Err(Refusal::new(Code::NeedsMore, format!("{task} has no owner"))
                    .hint(format!("take it: warroom task-assign {task} {}", ctx.actor.name)));
            };
            if owner != ctx.actor.name {
                return Err(Refusal::new(Code::Forbidden, format!("{task} is {owner}'s"))
                    .hint("its owner acknowledges it; task-assign gives it to somebody else"));
            }
            if known.acknowledged.is_some() {
                return Ok(Vec::new());
            }
            TaskFact::Acknowledged { incident: *incident, task: *task }
        }
        TaskCommand::Report { incident, task, text: words } => {
            open(state, *incident, *task)?;
            TaskFact::Reported { incident: *incident, task: *task, text: text("the report", words, 1_000)? }
        }
        TaskCommand::Extend { incident, task, more } => {
            let known = open(state, *incident, *task)?;
            let Some(owner) = known.owner.clone() else {
                return Err(Refusal::new(Code::NeedsMore, format!("{task} has no owner"))
                    .hint("give it to somebody first: task-assign"));
            };
            let left = known.due().map(|due| due.until(&ctx.now)).unwrap_or_default();
            let within = Some(left.plus(within(*more)?));
            TaskFact::Changed { incident: *incident, task: *task, owner, within }
        }
        TaskCommand::Assign { incident, task, owner, within: time } => {
            let known = open(state, *incident, *task)?;
            let owner = person::person(state, "the owner", owner)?;
            if known.owner.as_ref() == Some(&owner) {
                return Err(Refusal::new(Code::Conflict, format!("{task} is {owner}'s already"))
                    .hint("task-extend gives them more time"));
            }
            let within = time.map(within).transpose()?.or(known.within);
            TaskFact::Changed { incident: *incident, task: *task, owner, within }
        }
        TaskCommand::Done { incident, task, result } => {
            open(state, *incident, *task)?;
            let result = text("the result", if result.trim().is_empty() { "done" } else { result }, 1_000)?;
            TaskFact::Done { incident: *incident, task: *task, result }
        }
    };
    Ok(vec![Fact::Task(fact)])
}

fn lapsing(state: &State) -> impl Iterator<Item = (&Incident, &Task, Stamp)> {
    let open = state.incidents.values().filter(|incident| incident.is_open());
    open.flat_map(|one| one.tasks.values().filter_map(move |task| Some((one, task, task.lapses()?))))
}

/// When the next box ends.
pub(super) fn deadlines(state: &State) -> impl Iterator<Item = Stamp> {
    lapsing(state).map(|(_, _, at)| at)
}

/// Boxes that have ended by now.
pub(super) fn due(state: &State, now: &Stamp) -> Vec<Fact> {
    lapsing(state)
        .filter(|(_, _, at)| at.reached(now))
        .map(|(incident, task, _)| Fact::Task(TaskFact::Over { incident: incident.id, task: task.id }))
        .collect()
}

pub(super) fn apply(state: &mut State, fact: &TaskFact, event: &Event) {
    let Some(incident) = state.incidents.get_mut(&fact.incident()) else { return };
    let by = &event.actor.name;
    let now = || event.occurred.clone();
    if let TaskFact::Given { task, text, owner, within, .. } = fact {
        incident.tasks.insert(
            *task,
            Task {
                id: *task,
                text: text.clone(),
                owner: owner.clone(),
                by: by.clone(),
                given: now(),
                within: *within,
                // Who gives themselves something has it.
                acknowledged: (owner.as_ref() == Some(by)).then(now),
                extended: 0,
                reported: None,
                over: None,
                done: None,
                seq: event.seq,
            },
        );
        return;
    }
    let Some(task) = incident.tasks.get_mut(&fact.task()) else { return };
    match fact {
        TaskFact::Given { .. } => {}
        TaskFact::Acknowledged { .. } => task.acknowledged = Some(now()),
        TaskFact::Reported { text, .. } => {
            task.reported = Some(Word { by: by.clone(), at: now(), text: text.clone() });
            // Who works on it has it.
            if task.owner.as_ref() == Some(by) && task.acknowledged.is_none() {
                task.acknowledged = Some(now());
            }
        }
        TaskFact::Changed { owner, within, .. } => {
            if task.owner.as_ref() == Some(owner) {
                task.extended = task.extended.saturating_add(1);
            } else {
                task.extended = 0;
                task.acknowledged = (owner == by).then(now);
                task.owner = Some(owner.clone());
            }
            (task.within, task.given, task.over) = (*within, now(), None);
        }
        TaskFact::Over { .. } => task.over = Some(now()),
        TaskFact::Done { result, .. } => task.done = Some((now(), result.clone())),
    }
}
