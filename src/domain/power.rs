//! Who may do what: one table over all commands, asked before any rule of a noun is.

use super::{
    actor::Actor,
    command::{Command, Ctx},
    conflict::ConflictCommand,
    freeze::FreezeCommand,
    handover::HandoverCommand,
    id::IncidentId,
    incident::IncidentCommand,
    note::NoteCommand,
    page::PageCommand,
    policy::Power,
    refusal::{Code, Refusal},
    release::ReleaseCommand,
    state::State,
    time::Stamp,
    walk::WalkCommand,
};
use std::{collections::BTreeSet, sync::Arc};

/// The groups of somebody who asks, as the kernel proved them beside the uid. They decide what may be done and are kept
/// in no event: what was accepted stands, whoever may what by now.
pub type Groups = Arc<BTreeSet<String>>;

/// What a command takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needed {
    /// Any one of these powers.
    pub any: &'static [Power],
    /// The incident it is about, where it is about one.
    pub incident: Option<IncidentId>,
}

/// The power that a command takes; `None` where its own rules say who may, or only the room does.
pub fn needed(state: &State, command: &Command) -> Option<Needed> {
    const RESPOND: &[Power] = &[Power::Respond];
    let respond = |incident| Some(Needed { any: RESPOND, incident });
    match command {
        Command::Room(_)
        | Command::Policy(_)
        | Command::Watch(_)
        | Command::Readiness(_)
        | Command::Gate(_)
        | Command::Glass(_)
        | Command::Dispatch(_)
        | Command::Tick
        | Command::Release(ReleaseCommand::Saw { .. }) => None,
        Command::Drill(_) | Command::Release(ReleaseCommand::Judge { .. }) => respond(None),
        Command::Incident(command) => respond(incident(command)),
        Command::Handover(command) => match command {
            HandoverCommand::Accept { incident, .. } | HandoverCommand::Take { incident, .. } => {
                Some(Needed { any: &[Power::Command], incident: Some(*incident) })
            }
            HandoverCommand::Propose { .. }
            | HandoverCommand::Decline { .. }
            | HandoverCommand::Withdraw { .. } => None,
        },
        Command::Board(command) => respond(Some(command.incident())),
        Command::Note(NoteCommand::Erase { found, .. }) => {
            Some(Needed { any: &[Power::Command], incident: found.as_ref().and_then(|found| found.incident) })
        }
        Command::Note(command) => respond(match command {
            NoteCommand::Say { incident, .. } | NoteCommand::Pin { incident, .. } => *incident,
            NoteCommand::Star { incident, .. } => Some(*incident),
            NoteCommand::Erase { .. } => None,
        }),
        Command::Task(command) => respond(Some(command.incident())),
        Command::Report(super::report::ReportCommand::Give { incident, .. }) => respond(Some(*incident)),
        Command::Decision(command) => respond(Some(command.incident())),
        Command::Deviation(command) => respond(match command {
            super::deviation::DeviationCommand::Reason { deviation, .. } => {
                state.deviations.get(deviation).and_then(|known| known.incident)
            }
            super::deviation::DeviationCommand::Unlisted { incident, .. } => Some(*incident),
        }),
        Command::Freeze(command) => respond(match command {
            FreezeCommand::Begin { incident, .. } => *incident,
            FreezeCommand::Renew { freeze, .. }
            | FreezeCommand::Exempt { freeze, .. }
            | FreezeCommand::Lift { freeze, .. } => {
                state.freezes.get(freeze).and_then(|known| known.incident)
            }
        }),
        Command::Conflict(command) => match command {
            ConflictCommand::Raise { .. } => None,
            ConflictCommand::Keep { conflict, .. } | ConflictCommand::SetAside { conflict, .. } => {
                respond(state.conflicts.get(conflict).and_then(|known| known.what.incident))
            }
        },
        Command::Page(command) => respond(match command {
            PageCommand::Ask { incident, .. } => *incident,
            PageCommand::Acknowledge { page, .. }
            | PageCommand::Answered { page, .. }
            | PageCommand::Withdraw { page, .. } => state.pages.get(page).and_then(|known| known.incident),
        }),
        Command::Walk(command) => match command {
            WalkCommand::Start { incident, .. } => respond(*incident),
            // A step that was lent goes on to its end: its hand is known by its owner, and says what happened.
            WalkCommand::Attach { .. }
            | WalkCommand::Intend { .. }
            | WalkCommand::Report { .. }
            | WalkCommand::Lost { .. } => None,
            WalkCommand::Approve { walk, .. } | WalkCommand::Reject { walk, .. } => {
                let incident = state.walks.get(walk).and_then(|known| known.incident);
                Some(Needed { any: &[Power::Respond, Power::Approve], incident })
            }
            WalkCommand::SetInput { walk, .. }
            | WalkCommand::Take { walk, .. }
            | WalkCommand::Confirm { walk, .. }
            | WalkCommand::Choose { walk, .. }
            | WalkCommand::Deviate { walk, .. }
            | WalkCommand::Edit { walk, .. }
            | WalkCommand::TakeOver { walk, .. }
            | WalkCommand::Abandon { walk, .. } => {
                respond(state.walks.get(walk).and_then(|known| known.incident))
            }
        },
    }
}

fn incident(command: &IncidentCommand) -> Option<IncidentId> {
    match command {
        IncidentCommand::Declare { .. } => None,
        IncidentCommand::Retitle { incident, .. }
        | IncidentCommand::Severity { incident, .. }
        | IncidentCommand::Status { incident, .. }
        | IncidentCommand::Role { incident, .. }
        | IncidentCommand::Unrole { incident, .. }
        | IncidentCommand::Correct { incident, .. }
        | IncidentCommand::Answer { incident, .. }
        | IncidentCommand::Exported { incident, .. } => Some(*incident),
    }
}

/// The actor may ask this.
///
/// # Errors
/// `Forbidden` where not, with what it takes.
pub fn check(state: &State, command: &Command, ctx: &Ctx) -> Result<(), Refusal> {
    let Some(needed) = needed(state, command) else { return Ok(()) };
    if needed.any.iter().any(|power| ctx.may(state, *power, needed.incident)) {
        return Ok(());
    }
    Err(lacks(&ctx.actor, needed.any.first().copied().unwrap_or(Power::Respond)))
}

/// Somebody has not the power that it takes.
pub fn lacks(actor: &Actor, power: Power) -> Refusal {
    let word = power.word();
    if actor.uid.is_none() {
        return Refusal::new(
            Code::Forbidden,
            format!("{actor} is nobody's login and has no power to {word}"),
        )
        .hint("a person does it, under their own login");
    }
    Refusal::new(Code::Forbidden, format!("{actor} has not the power to {word}")).hint(format!(
        "somebody who has it does it; in an emergency: warroom break-glass {word} --reason \"…\""
    ))
}

/// Whether the actor has a power, about an incident or about none: by policy, or because the glass was broken for it
/// and its time is not over.
pub fn may(
    state: &State,
    (actor, groups): (&Actor, &Groups),
    power: Power,
    about: Option<IncidentId>,
    now: &Stamp,
) -> bool {
    state.policy.may(actor, groups, power) || by_glass(state, actor, power, about, now)
}

/// Whether the actor leads: commands the incident, or has the power to command.
pub fn leads(state: &State, who: (&Actor, &Groups), about: Option<IncidentId>, now: &Stamp) -> bool {
    let incident = about.and_then(|id| state.incidents.get(&id)).filter(|incident| incident.is_open());
    let commander = incident.and_then(|incident| incident.commander());
    commander == Some(who.0.name.as_str()) || may(state, who, Power::Command, about, now)
}

/// Whether it is by broken glass alone that the actor has a power.
pub fn by_glass(state: &State, actor: &Actor, power: Power, about: Option<IncidentId>, now: &Stamp) -> bool {
    actor.uid.is_some()
        && state.glasses.values().any(|glass| {
            glass.holds(now)
                && glass.by.same(actor)
                && glass.power.implies(power)
                && (glass.incident.is_none() || about.is_none() || glass.incident == about)
        })
}

/// All powers somebody has now, about an incident or about none, the least first.
pub fn all(state: &State, who: (&Actor, &Groups), about: Option<IncidentId>, now: &Stamp) -> Vec<Power> {
    Power::ALL.into_iter().filter(|power| may(state, who, *power, about, now)).collect()
}
