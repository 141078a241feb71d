//! Events of a kind that this version does not know: a newer room wrote them, and what they mean for the rules cannot be
//! known here. A newer kind of freeze must not read as "open", so the rules hold until this room is upgraded.
//!
//! A *field* that this version does not know in a fact that it knows is passed over: who adds one that a rule reads adds a
//! verb for it, or raises the version of the payload ([`crate::journal::upcast::VERSION`]), and either is a kind that is not
//! known here.

use super::{
    board::BoardCommand,
    command::Command,
    conflict::ConflictCommand,
    deviation::DeviationCommand,
    event::{Event, Seq},
    fact::Fact,
    incident::IncidentCommand,
    note::NoteCommand,
    page::PageCommand,
    refusal::{Code, Refusal},
    release::ReleaseCommand,
    state::State,
    task::TaskCommand,
    walk::WalkCommand,
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most characters of a kind that are kept and shown.
const KIND_MAX: usize = 80;

/// The first event whose kind this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Newer {
    /// Its position.
    pub since: Seq,
    /// Its kind, `noun.verb`, safe to show.
    pub kind: String,
}

impl fmt::Display for Newer {
    /// What happened and what to do, without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "event {} ({}) was written by a newer warroom, and this version does not know what it means: upgrade this room",
            self.since, self.kind
        )
    }
}

/// Keeps the first event of an unknown kind.
pub(super) fn apply(state: &mut State, event: &Event) {
    if let (Fact::Foreign(stored), None) = (&event.fact, &state.newer) {
        let kind = serde_json::to_vec(stored).map_or_else(|_| "unknown".into(), |text| Fact::kind_of(&text));
        let kind = super::text::line(&kind).chars().take(KIND_MAX).collect();
        state.newer = Some(Newer { since: event.seq, kind });
    }
}

/// Whether the rules may decide this command.
///
/// # Errors
/// `Conflict` where a newer room wrote what this version does not know, and the command is bound by rules.
pub(super) fn check(state: &State, command: &Command) -> Result<(), Refusal> {
    match &state.newer {
        Some(newer) if is_bound(command) => Err(Refusal::new(Code::Conflict, newer.to_string()).hint(
            "nothing was recorded; notes and the results of what runs are still taken here, all else by an upgraded room",
        )),
        _ => Ok(()),
    }
}

/// Whether rules decide about it, or it gives out a number that a newer room may have given already. What only says what
/// was seen, said or done is not bound: it is as true for a newer room.
fn is_bound(command: &Command) -> bool {
    match command {
        // What the room itself saw and did. That nothing is due is decided where it would be.
        Command::Room(_)
        | Command::Policy(_)
        | Command::Watch(_)
        | Command::Readiness(_)
        | Command::Dispatch(_)
        | Command::Gate(_)
        | Command::Tick => false,
        Command::Note(command) => match command {
            NoteCommand::Say { .. } | NoteCommand::Pin { .. } | NoteCommand::Star { .. } => false,
            NoteCommand::Erase { .. } => true,
        },
        Command::Board(command) => match command {
            BoardCommand::Set { .. }
            | BoardCommand::Cadence { .. }
            | BoardCommand::Poll { .. }
            | BoardCommand::Snooze { .. } => false,
            BoardCommand::Updated { .. } => true,
        },
        Command::Task(command) => match command {
            TaskCommand::Acknowledge { .. } | TaskCommand::Report { .. } | TaskCommand::Done { .. } => false,
            TaskCommand::Give { .. } | TaskCommand::Extend { .. } | TaskCommand::Assign { .. } => true,
        },
        Command::Page(command) => match command {
            PageCommand::Acknowledge { .. } | PageCommand::Answered { .. } => false,
            PageCommand::Ask { .. } | PageCommand::Withdraw { .. } => true,
        },
        Command::Walk(command) => match command {
            // A block that runs is recorded to its end; the next one does not begin.
            WalkCommand::Attach { .. } | WalkCommand::Report { .. } | WalkCommand::Lost { .. } => false,
            WalkCommand::Start { .. }
            | WalkCommand::Load { .. }
            | WalkCommand::SetInput { .. }
            | WalkCommand::Take { .. }
            | WalkCommand::Intend { .. }
            | WalkCommand::Approve { .. }
            | WalkCommand::Reject { .. }
            | WalkCommand::Confirm { .. }
            | WalkCommand::Choose { .. }
            | WalkCommand::Deviate { .. }
            | WalkCommand::Edit { .. }
            | WalkCommand::TakeOver { .. }
            | WalkCommand::Abandon { .. } => true,
        },
        Command::Deviation(command) => match command {
            DeviationCommand::Reason { .. } => false,
            DeviationCommand::Unlisted { .. } => true,
        },
        Command::Release(command) => match command {
            ReleaseCommand::Saw { .. } => false,
            ReleaseCommand::Judge { .. } => true,
        },
        Command::Conflict(command) => match command {
            ConflictCommand::Raise { .. } => false,
            ConflictCommand::Keep { .. } | ConflictCommand::SetAside { .. } => true,
        },
        Command::Incident(command) => !matches!(command, IncidentCommand::Exported { .. }),
        Command::Report(_)
        | Command::Decision(_)
        | Command::Freeze(_)
        | Command::Glass(_)
        | Command::Handover(_)
        | Command::Drill(_) => true,
    }
}
