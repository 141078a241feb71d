//! How much anybody may make the room keep, in one place: the table in docs/operations.md shows these numbers.
//!
//! What a single text may have stands with its rule; a command as a whole, and how many of a thing there may be, stands
//! here. The room itself is not bound by it: what it says is made by it. A journal that has more is read all the same.

use super::{
    command::{Command, Ctx},
    incident::{IncidentCommand, Status},
    plan::Runbook,
    refusal::{Code, Refusal},
    report::ReportCommand,
    state::State,
    task::TaskCommand,
    walk::WalkCommand,
};
use std::io;

/// A command as a whole, in bytes of its JSON.
pub const COMMAND_MAX: usize = 64 * 1024;
/// A command that brings a runbook.
pub const RUNBOOK_MAX: usize = 1024 * 1024;
/// The title of a runbook or of a step, in bytes.
pub const TITLE_MAX: usize = 400;
/// The name of a step or a block, in bytes.
pub const STEP_NAME_MAX: usize = 200;
/// Steps of a runbook.
pub const STEPS_MAX: usize = 1_000;
/// Values of inputs and placeholders of one walk.
pub const INPUTS_MAX: usize = 200;
/// One of them, in bytes.
pub const INPUT_MAX: usize = 16 * 1024;
/// Edited blocks of one walk.
pub const EDITS_MAX: usize = 200;
/// Walks that have not ended, in all and of one user.
pub const WALKS_MAX: (usize, usize) = (100, 20);
/// Incidents that are not closed, in all and declared by one user.
pub const INCIDENTS_MAX: (usize, usize) = (200, 100);
/// Services of one incident.
pub const SERVICES_MAX: usize = 50;
/// Tasks of one incident, in all and given by one user.
pub const TASKS_MAX: (usize, usize) = (500, 200);
/// What is kept as evidence within an hour, of one user and in all, in bytes.
pub const KEPT_PER_HOUR_MAX: (u64, u64) = (256 * 1024 * 1024, 1024 * 1024 * 1024);
/// Rows and columns of a hand's terminal that are shown.
pub const SCREEN_MAX: (usize, usize) = (200, 500);
/// Text that a hand shows in one frame, in bytes; of more the end is shown.
pub const PRINTED_MAX: usize = 64 * 1024;
/// The state as it is sent, in bytes: what is larger is told in the status.
pub const STATE_LARGE: usize = 8 * 1024 * 1024;

fn too_long(what: &str, has: usize, max: usize) -> Refusal {
    Refusal::new(Code::Invalid, format!("{what} has {has} bytes, and may have {max}"))
        .hint("shorten it, or keep the long text elsewhere and name it")
}

fn too_many(what: &str, max: usize) -> Refusal {
    Refusal::new(Code::Conflict, format!("there are {max} {what} already, and there may be no more"))
}

fn within(what: &str, text: &str, max: usize) -> Result<(), Refusal> {
    if text.len() > max { Err(too_long(what, text.len(), max)) } else { Ok(()) }
}

fn fewer(what: &str, count: usize, max: usize, hint: &str) -> Result<(), Refusal> {
    if count >= max { Err(too_many(what, max).hint(hint)) } else { Ok(()) }
}

/// Bytes of a command as JSON.
fn size(command: &Command) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.0 = self.0.saturating_add(piece.len());
            Ok(piece.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // It counts: nothing in it can fail.
    let _ = serde_json::to_writer(&mut count, command);
    count.0
}

/// Whether a command is within its bounds.
///
/// # Errors
/// `Invalid` where something is too long, `Conflict` where there are too many of something; each with how much there is
/// and may be.
pub fn check(state: &State, command: &Command, ctx: &Ctx) -> Result<(), Refusal> {
    if ctx.actor.is_room() {
        return Ok(());
    }
    let (what, most) = match command {
        Command::Walk(WalkCommand::Start { .. }) => ("the runbook", RUNBOOK_MAX),
        _ => ("the command", COMMAND_MAX),
    };
    let size = size(command);
    if size > most {
        return Err(too_long(what, size, most));
    }
    let own = &ctx.actor.name;
    match command {
        Command::Walk(command) => walk(state, command, own),
        Command::Incident(IncidentCommand::Declare { services, .. }) => {
            if services.len() > SERVICES_MAX {
                return Err(
                    too_many("services in one incident", SERVICES_MAX).hint("name those that matter most")
                );
            }
            let open = || state.incidents.values().filter(|one| one.status != Status::Closed);
            let hint = "close those that are over";
            fewer("incidents that are not closed", open().count(), INCIDENTS_MAX.0, hint)?;
            let by = open().filter(|one| one.declared_by == *own).count();
            fewer("incidents declared by you that are not closed", by, INCIDENTS_MAX.1, hint)
        }
        Command::Task(TaskCommand::Give { incident, .. }) => tasks(state, *incident, own, 1),
        Command::Report(ReportCommand::Give { incident, needs, .. }) => {
            tasks(state, *incident, own, needs.len())
        }
        _ => Ok(()),
    }
}

fn tasks(state: &State, incident: super::id::IncidentId, own: &str, more: usize) -> Result<(), Refusal> {
    let Some(incident) = state.incidents.get(&incident) else { return Ok(()) };
    if more == 0 {
        return Ok(());
    }
    let hint = "write further ones as notes, or declare another incident";
    let more = more.saturating_sub(1);
    fewer("tasks in this incident", incident.tasks.len().saturating_add(more), TASKS_MAX.0, hint)?;
    let by = incident.tasks.values().filter(|task| task.by == own).count();
    fewer("tasks of yours in this incident", by.saturating_add(more), TASKS_MAX.1, hint)
}

fn walk(state: &State, command: &WalkCommand, own: &str) -> Result<(), Refusal> {
    match command {
        WalkCommand::Start { runbook, inputs, .. } => {
            let open = || state.walks.values().filter(|walk| walk.ended.is_none());
            let hint = "finish or abandon one first";
            fewer("walks that have not ended", open().count(), WALKS_MAX.0, hint)?;
            let by = open().filter(|walk| walk.by == own).count();
            fewer("walks of yours that have not ended", by, WALKS_MAX.1, hint)?;
            plan(runbook)?;
            if inputs.len() > INPUTS_MAX {
                return Err(too_many("values in one walk", INPUTS_MAX).hint("give fewer"));
            }
            inputs.iter().try_for_each(|(name, value)| {
                within("the name of a value", name, STEP_NAME_MAX)?;
                within(&format!("the value of {name}"), value, INPUT_MAX)
            })
        }
        WalkCommand::SetInput { walk, name, value } => {
            within("the name of a value", name, STEP_NAME_MAX)?;
            within(&format!("the value of {name}"), value, INPUT_MAX)?;
            let known = state.walks.get(walk).filter(|walk| !walk.inputs.contains_key(name));
            let count = known.map_or(0, |walk| walk.inputs.len());
            fewer("values in this walk", count, INPUTS_MAX, "use those that are there")
        }
        WalkCommand::Edit { walk, block, .. } => {
            within("the name of a block", block, STEP_NAME_MAX)?;
            let known = state.walks.get(walk).filter(|walk| !walk.edits.contains_key(block));
            let count = known.map_or(0, |walk| walk.edits.len());
            fewer("edited blocks in this walk", count, EDITS_MAX, "edit the runbook, and walk that")
        }
        _ => Ok(()),
    }
}

fn plan(runbook: &Runbook) -> Result<(), Refusal> {
    within("the title of the runbook", &runbook.title, TITLE_MAX)?;
    within("the name of the runbook's file", &runbook.source, TITLE_MAX)?;
    if runbook.steps().count() > STEPS_MAX {
        return Err(too_many("steps in one runbook", STEPS_MAX).hint("cut it into several"));
    }
    runbook.steps().try_for_each(|step| {
        within("the name of a step", &step.id, STEP_NAME_MAX)?;
        within(&format!("the title of step {}", step.id), &step.title, TITLE_MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        actor::Actor, id::IncidentId, note::NoteCommand, severity::Severity, testing::Ledger,
    };

    fn ana() -> Actor {
        Actor::user("ana", 1_000)
    }

    fn declare(title: String, services: usize) -> Command {
        Command::Incident(IncidentCommand::Declare {
            title,
            severity: Severity::WORST,
            services: (0..services).map(|n| format!("s{n}")).collect(),
            env: None,
            freeze: false,
            all: None,
        })
    }

    #[test]
    fn what_is_too_long_is_refused_with_how_long_it_is_and_may_be() {
        let mut ledger = Ledger::new();
        let text = "x".repeat(4 * 1024 * 1024);
        for command in [
            declare(text.clone(), 1),
            Command::Note(NoteCommand::Say { incident: None, text: text.clone() }),
            Command::Task(TaskCommand::Give {
                incident: IncidentId(1),
                text: text.clone(),
                owner: "bo".into(),
                within: None,
            }),
        ] {
            let said = ledger.no(&ana(), command).to_string();
            assert!(said.contains("the command has 41") && said.contains("may have 65536"), "{said}");
        }
        let said = ledger.no(&ana(), declare("checkout".into(), SERVICES_MAX + 1)).to_string();
        assert!(said.contains("services"), "{said}");
    }

    #[test]
    fn incidents_are_bounded_for_one_user_and_others_go_on() {
        let mut ledger = Ledger::new();
        for n in 0..INCIDENTS_MAX.1 {
            ledger.ok(&ana(), declare(format!("number {n}"), 1));
        }
        let said = ledger.no(&ana(), declare("one more".into(), 1)).to_string();
        assert!(said.contains("declared by you") && said.contains("close"), "{said}");
        ledger.ok(&Actor::user("bo", 1_001), declare("another's".into(), 1));
    }

    #[test]
    fn tasks_of_one_incident_are_bounded() {
        let mut ledger = Ledger::with_incident();
        let give = || {
            Command::Task(TaskCommand::Give {
                incident: IncidentId(1),
                text: "look".into(),
                owner: "bo".into(),
                within: None,
            })
        };
        for _ in 0..TASKS_MAX.1 {
            ledger.ok(&ana(), give());
        }
        let said = ledger.no(&ana(), give()).to_string();
        assert!(said.contains("200 tasks of yours"), "{said}");
    }
}
