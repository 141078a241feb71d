//! Who may ask what: one requirement for each command and each frame, over one principal. It is asked before any rule of
//! a noun is, by the room's door, by the rules, by the seat for its hints, and by the table in `docs/permissions.md`.

use super::{
    actor::{Actor, Proof},
    command::{Command, Ctx},
    conflict::ConflictCommand,
    deviation::DeviationCommand,
    freeze::FreezeCommand,
    gate::GateCommand,
    handover::HandoverCommand,
    id::{IncidentId, WalkId},
    incident::IncidentCommand,
    note::NoteCommand,
    page::PageCommand,
    plan::Slug,
    policy::Power,
    power::{self, Groups},
    refusal::{Code, Refusal},
    release::ReleaseCommand,
    report::ReportCommand,
    state::State,
    time::Stamp,
    walk::{Lease, WalkCommand},
};
use uuid::Uuid;

/// What kind of client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// The room itself: timers, watches, its own housekeeping.
    Room,
    /// A person's terminal.
    Seat,
    /// One command and gone.
    Script,
    /// A process that runs a step, or says so.
    Hand,
    /// A pipeline at the HTTP gate.
    Gate,
}

/// Who asks: the identity that the kernel proved, what kind of client it comes through, and which hand that connection
/// has proved to be.
#[derive(Debug, Clone, Copy)]
pub struct Principal<'a> {
    /// Who, as proved.
    pub actor: &'a Actor,
    /// Groups that were proved beside it.
    pub groups: &'a Groups,
    /// Through what.
    pub client: Client,
    /// It asked to look only.
    pub read_only: bool,
    /// The hand that this connection is, since the rules accepted its attach.
    pub hand: Option<Uuid>,
    /// Whether the actor is the user that the room runs as, or root: who could do all that the room does without it.
    pub is_owner: bool,
}

impl<'a> Principal<'a> {
    /// Who asks in a decision. What only a connection can prove was asked of it at the door.
    pub fn of(ctx: &'a Ctx) -> Self {
        let client = match ctx.actor.proof {
            Proof::Room => Client::Room,
            Proof::Kernel => Client::Script,
            Proof::Token(_) | Proof::Nobody => Client::Gate,
        };
        Self { actor: &ctx.actor, groups: &ctx.groups, client, read_only: false, hand: None, is_owner: false }
    }

    fn may(&self, state: &State, power: Power, about: Option<IncidentId>, now: &Stamp) -> bool {
        power::may(state, (self.actor, self.groups), power, about, now)
    }
}

/// What it takes to ask something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// To be let in. A client that only looks may ask it too.
    Entry,
    /// A login that the kernel proved; the rules of the noun say whose.
    Login,
    /// Any one of these powers, about the incident where there is one.
    Power {
        /// Each of them is enough.
        any: &'static [Power],
        /// What it is about.
        incident: Option<IncidentId>,
    },
    /// To command the incident, or to have the power to.
    Lead(Option<IncidentId>),
    /// To be the person to whom the step is lent.
    Holder {
        /// Walk.
        walk: WalkId,
        /// Step.
        step: Slug,
    },
    /// To name the hand to which the step is lent, as the user to whom it is lent.
    Lease {
        /// Walk.
        walk: WalkId,
        /// Step.
        step: Slug,
        /// Hand.
        hand: Uuid,
    },
    /// To be the connection whose attach as this hand the rules accepted.
    Hand(Uuid),
    /// To be a hand at work, or to have this power.
    HandOr(Power),
    /// To be the user that the room runs as, or root.
    Owner,
    /// To be the room.
    Room,
    /// To be the room's gate, which writes down what it answered in the name of the one who asked it.
    Gate,
}

impl Requirement {
    /// The power to respond.
    pub fn respond(incident: Option<IncidentId>) -> Self {
        Self::Power { any: &[Power::Respond], incident }
    }

    /// It in words, as documents say it.
    pub fn words(&self) -> String {
        match self {
            Self::Entry => "entry".into(),
            Self::Login => "a login; the rules say whose".into(),
            Self::Power { any, .. } => any.iter().map(|power| power.word()).collect::<Vec<_>>().join(" or "),
            Self::Lead(_) => "command of the incident, or the power to".into(),
            Self::Holder { .. } => "the step's holder".into(),
            Self::Lease { .. } => "the step's holder, naming its hand".into(),
            Self::Hand(_) => "the step's proven hand".into(),
            Self::HandOr(power) => format!("a proven hand, or {}", power.word()),
            Self::Owner => "the room's owner or root".into(),
            Self::Room => "the room itself".into(),
            Self::Gate => "the room's gate".into(),
        }
    }

    /// What a command takes as far as only its connection can prove it. The rest is asked with the rules, behind the
    /// question whether it is a command that was done already: who sends it again may have less power by now.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn check_at_the_door(&self, state: &State, who: &Principal<'_>, now: &Stamp) -> Result<(), Refusal> {
        match self {
            Self::Room | Self::Gate => self.check(state, who, now),
            _ if who.read_only => self.check(state, who, now),
            _ => Ok(()),
        }
    }

    /// The principal may ask what takes this.
    ///
    /// # Errors
    /// `Forbidden` where not, with what it takes; `Conflict` where a step is not lent to them.
    pub fn check(&self, state: &State, who: &Principal<'_>, now: &Stamp) -> Result<(), Refusal> {
        if who.client == Client::Room {
            return Ok(());
        }
        if who.read_only && *self != Self::Entry {
            return Err(Refusal::new(
                Code::Forbidden,
                "this seat only looks: it was opened with --read-only",
            )
            .hint("open one without it to act"));
        }
        let forbidden = |why: String| Refusal::new(Code::Forbidden, why);
        match self {
            Self::Entry => Ok(()),
            Self::Login if who.actor.uid.is_some() => Ok(()),
            Self::Login => Err(forbidden(format!("{} is nobody's login", who.actor))
                .hint("a person does it, under their own login")),
            Self::Power { any, incident } => {
                if any.iter().any(|power| who.may(state, *power, *incident, now)) {
                    return Ok(());
                }
                Err(power::lacks(who.actor, any.first().copied().unwrap_or(Power::Respond)))
            }
            Self::Lead(incident) => {
                if power::leads(state, (who.actor, who.groups), *incident, now) {
                    return Ok(());
                }
                Err(forbidden(format!("{} does not command: only who does asks all to look", who.actor))
                    .hint("say it in a note, or take command"))
            }
            Self::Holder { walk, step } => lease(state, *walk, step)
                .filter(|lease| lease.owner.same(who.actor))
                .map(drop)
                .ok_or_else(|| {
                    Refusal::new(Code::Conflict, format!("{step:?} is not lent to {}", who.actor))
                        .hint("only the one who holds a step types into it")
                }),
            Self::Lease { walk, step, hand } => lease(state, *walk, step)
                .filter(|lease| lease.hand == *hand && lease.owner.same(who.actor))
                .map(drop)
                .ok_or_else(|| {
                    Refusal::new(Code::Conflict, format!("{step:?} is not lent to this hand"))
                        .hint("it was taken over, or it is finished")
                }),
            Self::Hand(hand) if who.client == Client::Hand && who.hand == Some(*hand) => Ok(()),
            Self::Hand(_) => Err(forbidden("this connection is not the hand that it names".into())
                .hint("a hand attaches first, and is heard once that is accepted")),
            Self::HandOr(_) if who.client == Client::Hand && who.hand.is_some() => Ok(()),
            Self::HandOr(power) if who.may(state, *power, None, now) => Ok(()),
            Self::HandOr(power) => Err(power::lacks(who.actor, *power)),
            Self::Owner if who.is_owner => Ok(()),
            Self::Owner => Err(forbidden(format!("{} does not own this room", who.actor))
                .hint("the user that it runs as does it, or root; for good, its warroom.toml says it")),
            Self::Room | Self::Gate => Err(forbidden("only the room itself says that".into())),
        }
    }
}

fn lease<'a>(state: &'a State, walk: WalkId, step: &str) -> Option<&'a Lease> {
    state.walks.get(&walk)?.steps.get(step)?.lease.as_ref()
}

/// The actor may ask this of the rules.
///
/// # Errors
/// As [`Requirement::check`].
pub fn check(state: &State, command: &Command, ctx: &Ctx) -> Result<(), Refusal> {
    match command.requires(state) {
        // The door lets nobody but the gate through, and here the one who asked it is the actor. What became of a hand that
        // lost its step is told by the rules of the walk, in their words.
        Requirement::Gate | Requirement::Lease { .. } => Ok(()),
        requirement => requirement.check(state, &Principal::of(ctx), &ctx.now),
    }
}

impl Command {
    /// What it takes to ask this.
    pub fn requires(&self, state: &State) -> Requirement {
        let respond = Requirement::respond;
        match self {
            Self::Room(_)
            | Self::Policy(_)
            | Self::Watch(_)
            | Self::Readiness(_)
            | Self::Dispatch(_)
            | Self::Tick
            | Self::Page(PageCommand::Answered { .. })
            | Self::Release(ReleaseCommand::Saw { .. })
            | Self::Conflict(ConflictCommand::Raise { .. })
            | Self::Walk(WalkCommand::Lost { .. }) => Requirement::Room,
            Self::Gate(
                GateCommand::Refused { .. } | GateCommand::Passed { .. } | GateCommand::Warned { .. },
            ) => Requirement::Gate,
            // To take a power that one was not given is open to every login: that is what it is for.
            Self::Glass(_) => Requirement::Login,
            Self::Gate(GateCommand::Override { .. })
            | Self::Drill(_)
            | Self::Release(ReleaseCommand::Judge { .. }) => respond(None),
            Self::Incident(command) => respond(incident(command)),
            Self::Handover(command) => match command {
                HandoverCommand::Accept { incident, .. } | HandoverCommand::Take { incident, .. } => {
                    Requirement::Power { any: &[Power::Command], incident: Some(*incident) }
                }
                HandoverCommand::Propose { .. }
                | HandoverCommand::Decline { .. }
                | HandoverCommand::Withdraw { .. } => Requirement::Login,
            },
            Self::Board(command) => respond(Some(command.incident())),
            Self::Note(command) => match command {
                NoteCommand::Erase { found, .. } => Requirement::Power {
                    any: &[Power::Command],
                    incident: found.as_ref().and_then(|found| found.incident),
                },
                NoteCommand::Say { incident, .. } | NoteCommand::Pin { incident, .. } => respond(*incident),
                NoteCommand::Star { incident, .. } => respond(Some(*incident)),
            },
            Self::Task(command) => respond(Some(command.incident())),
            Self::Report(ReportCommand::Give { incident, .. }) => respond(Some(*incident)),
            Self::Decision(command) => respond(Some(command.incident())),
            Self::Deviation(command) => respond(match command {
                DeviationCommand::Reason { deviation, .. } => {
                    state.deviations.get(deviation).and_then(|known| known.incident)
                }
                DeviationCommand::Unlisted { incident, .. } => Some(*incident),
            }),
            Self::Freeze(command) => respond(match command {
                FreezeCommand::Begin { incident, .. } => *incident,
                FreezeCommand::Renew { freeze, .. }
                | FreezeCommand::Exempt { freeze, .. }
                | FreezeCommand::Lift { freeze, .. } => {
                    state.freezes.get(freeze).and_then(|known| known.incident)
                }
            }),
            Self::Conflict(
                ConflictCommand::Keep { conflict, .. } | ConflictCommand::SetAside { conflict, .. },
            ) => respond(state.conflicts.get(conflict).and_then(|known| known.what.incident)),
            Self::Page(command) => respond(match command {
                PageCommand::Ask { incident, .. } => *incident,
                PageCommand::Acknowledge { page, .. } | PageCommand::Withdraw { page, .. } => {
                    state.pages.get(page).and_then(|known| known.incident)
                }
                PageCommand::Answered { .. } => None,
            }),
            Self::Walk(command) => walk(state, command),
        }
    }
}

fn walk(state: &State, command: &WalkCommand) -> Requirement {
    let about = |walk: &WalkId| state.walks.get(walk).and_then(|known| known.incident);
    match command {
        WalkCommand::Start { incident, .. } | WalkCommand::Load { incident, .. } => {
            Requirement::respond(*incident)
        }
        // A step that was lent goes on to its end, whoever may what by then: its hand says what happened.
        WalkCommand::Attach { walk, step, hand, .. }
        | WalkCommand::Intend { walk, step, hand, .. }
        | WalkCommand::Report { walk, step, hand, .. } => {
            Requirement::Lease { walk: *walk, step: step.clone(), hand: *hand }
        }
        WalkCommand::Lost { .. } => Requirement::Room,
        WalkCommand::Approve { walk, .. } | WalkCommand::Reject { walk, .. } => {
            Requirement::Power { any: &[Power::Respond, Power::Approve], incident: about(walk) }
        }
        WalkCommand::SetInput { walk, .. }
        | WalkCommand::Take { walk, .. }
        | WalkCommand::Confirm { walk, .. }
        | WalkCommand::Choose { walk, .. }
        | WalkCommand::Deviate { walk, .. }
        | WalkCommand::Edit { walk, .. }
        | WalkCommand::TakeOver { walk, .. }
        | WalkCommand::Abandon { walk, .. } => Requirement::respond(about(walk)),
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
