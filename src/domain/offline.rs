//! What may be done while the room cannot reach the journal that it shares: what is true wherever it is written down is
//! recorded and appended later; what needs that all rooms agree takes broken glass; the rest waits.

use super::{
    board::BoardCommand,
    command::{Command, Ctx},
    deviation::{self, DeviationFact, DeviationKind, Difference, ReasonCode},
    fact::Fact,
    freeze::FreezeCommand,
    glass::GlassCommand,
    handover::{HandoverCommand, HandoverFact},
    incident::{COMMANDER, IncidentCommand, Status},
    note::NoteCommand,
    page::PageCommand,
    refusal::Refusal,
    state::{State, decide},
    tell,
    walk::{WalkCommand, approval},
};

/// What becomes of a command meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Kept on the room's own disk, and appended when the journal is back.
    Recorded,
    /// The same, provisional and for this room alone: the glass is broken for it, with a reason.
    Glass,
    /// Not before the journal is back; why, and what to do.
    Waits(&'static str),
}

const DUTY: &str = "it is the duty of a room that reaches the journal";

/// What becomes of a command.
pub fn way(command: &Command) -> Way {
    use Way::{Glass, Recorded, Waits};
    match command {
        Command::Room(_) | Command::Policy(_) | Command::Readiness(_) | Command::Tick => Waits(DUTY),
        Command::Conflict(_) => Waits("conflicts are decided when the journal is back"),
        Command::Incident(command) => match command {
            IncidentCommand::Declare { freeze: true, .. } => Glass,
            IncidentCommand::Declare { freeze: false, .. }
            | IncidentCommand::Retitle { .. }
            | IncidentCommand::Severity { .. }
            | IncidentCommand::Correct { .. }
            | IncidentCommand::Answer { .. }
            | IncidentCommand::Exported { .. } => Recorded,
            IncidentCommand::Status { to, .. } => match to {
                Status::Resolved | Status::Closed => Waits(
                    "an incident ends when all that happened in it is in the journal: note how it stands",
                ),
                Status::Investigating | Status::Identified | Status::Mitigating | Status::Monitoring => {
                    Recorded
                }
            },
            IncidentCommand::Role { role, .. } | IncidentCommand::Unrole { role, .. } => {
                if approval::role(&role.to_lowercase()) == COMMANDER { Glass } else { Recorded }
            }
        },
        Command::Board(command) => match command {
            BoardCommand::Updated { .. } => {
                Waits("it would go out late: tell people yourself, and note what you said")
            }
            BoardCommand::Set { .. }
            | BoardCommand::Cadence { .. }
            | BoardCommand::Poll { .. }
            | BoardCommand::Snooze { .. } => Recorded,
        },
        Command::Note(command) => match command {
            NoteCommand::Say { .. } | NoteCommand::Pin { .. } => Recorded,
            NoteCommand::Star { .. } | NoteCommand::Erase { .. } => {
                Waits("it names an event by its number, and numbers are not final before the journal is back")
            }
        },
        Command::Freeze(command) => match command {
            FreezeCommand::Begin { .. }
            | FreezeCommand::Renew { .. }
            | FreezeCommand::Exempt { .. }
            | FreezeCommand::Lift { .. } => Glass,
        },
        Command::Glass(command) => match command {
            GlassCommand::Break { .. } => Glass,
            GlassCommand::Return { .. } => Recorded,
        },
        Command::Handover(command) => match command {
            HandoverCommand::Propose { .. }
            | HandoverCommand::Accept { .. }
            | HandoverCommand::Decline { .. }
            | HandoverCommand::Withdraw { .. }
            | HandoverCommand::Take { .. } => Glass,
        },
        Command::Page(command) => match command {
            PageCommand::Ask { .. } => {
                Waits("no page goes out from here: call them by phone, and note that you did")
            }
            PageCommand::Acknowledge { .. } | PageCommand::Answered { .. } | PageCommand::Withdraw { .. } => {
                Recorded
            }
        },
        Command::Walk(command) => match command {
            WalkCommand::Take { .. }
            | WalkCommand::Approve { .. }
            | WalkCommand::TakeOver { .. }
            | WalkCommand::Abandon { .. } => Glass,
            WalkCommand::Start { .. }
            | WalkCommand::Load { .. }
            | WalkCommand::SetInput { .. }
            | WalkCommand::Attach { .. }
            | WalkCommand::Intend { .. }
            | WalkCommand::Report { .. }
            | WalkCommand::Reject { .. }
            | WalkCommand::Confirm { .. }
            | WalkCommand::Choose { .. }
            | WalkCommand::Deviate { .. }
            | WalkCommand::Edit { .. }
            | WalkCommand::Lost { .. } => Recorded,
        },
        Command::Task(_)
        | Command::Report(_)
        | Command::Decision(_)
        | Command::Deviation(_)
        | Command::Gate(_)
        | Command::Release(_)
        | Command::Watch(_)
        | Command::Drill(_)
        | Command::Dispatch(_) => Recorded,
    }
}

/// Why the glass is broken, where the command says so itself.
pub fn own_reason(command: &Command) -> Option<&str> {
    let reason = match command {
        Command::Glass(GlassCommand::Break { reason, .. }) => reason,
        Command::Walk(WalkCommand::Approve { glass: Some(glass), .. }) => &glass.reason,
        _ => return None,
    };
    Some(reason.as_str()).filter(|reason| !reason.trim().is_empty())
}

/// The command as it was meant where it was decided: command is taken from the one who had it there, and from no other.
pub fn meant<'f>(mut command: Command, facts: impl Iterator<Item = &'f Fact>) -> Command {
    if let Command::Handover(HandoverCommand::Take { from, .. }) = &mut command {
        let taken = facts.filter_map(|fact| match fact {
            Fact::Handover(HandoverFact::Taken { from, .. }) => Some(from.clone()),
            _ => None,
        });
        *from = Some(taken.last().unwrap_or_default());
    }
    command
}

/// Decides what the glass was broken for: the same as ever, and a deviation of it.
///
/// # Errors
/// A [`Refusal`], as ever.
pub fn decide_under_glass(
    state: &State,
    command: &Command,
    ctx: &Ctx,
    reason: &str,
) -> Result<Vec<Fact>, Refusal> {
    let mut facts = decide(state, command, ctx)?;
    let is_one = |fact: &Fact| {
        matches!(fact, Fact::Deviation(DeviationFact::Recorded { what, .. })
            if what.kind == DeviationKind::BrokenGlass)
    };
    let deviates = |fact: &&Fact| matches!(fact, Fact::Deviation(DeviationFact::Recorded { .. }));
    // What was done, before what was unusual about it.
    let done = facts.iter().find(|fact| !deviates(fact)).or(facts.first());
    let Some(first) = done.filter(|_| !facts.iter().any(is_one)) else { return Ok(facts) };
    let more = facts.iter().filter(deviates);
    let recorded = DeviationFact::Recorded {
        deviation: deviation::next_id(state, more.count()),
        incident: first.stream(state),
        what: Difference {
            walk: None,
            step: None,
            runbook: None,
            kind: DeviationKind::BrokenGlass,
            planned: false,
            expected: "the journal is reached, so that all rooms agree".into(),
            actual: format!("offline, at one room alone: {}", tell::fact(first)),
            host: state.room.host_of(&ctx.room).to_owned(),
            authorised_by: "self, emergency".into(),
        },
        code: Some(ReasonCode::Other),
        text: reason.to_owned(),
    };
    facts.push(Fact::Deviation(recorded));
    Ok(facts)
}
