//! Everything that can be asked of a room, nested by noun.

use super::{
    actor::Actor,
    board::BoardCommand,
    conflict::ConflictCommand,
    decision::DecisionCommand,
    deviation::DeviationCommand,
    dispatch::DispatchCommand,
    drill::DrillCommand,
    event::CommandId,
    freeze::FreezeCommand,
    gate::GateCommand,
    glass::GlassCommand,
    handover::HandoverCommand,
    id::IncidentId,
    incident::IncidentCommand,
    note::NoteCommand,
    page::PageCommand,
    policy::Policy,
    policy::Power,
    power::{self, Groups},
    readiness::ReadinessCommand,
    refusal::Code,
    refusal::Refusal,
    release::ReleaseCommand,
    report::ReportCommand,
    room::RoomFact,
    state::State,
    task::TaskCommand,
    time::Stamp,
    walk::WalkCommand,
    watch::WatchCommand,
};
use serde::{Deserialize, Serialize};

/// A command. On the wire `{"noun":{"verb":{…}}}`, as facts are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// The room about itself.
    Room(RoomFact),
    /// The room read its configuration.
    Policy(Box<Policy>),
    /// About an incident.
    Incident(IncidentCommand),
    /// About the console's lines.
    Board(BoardCommand),
    /// Write something down.
    Note(NoteCommand),
    /// About tasks.
    Task(TaskCommand),
    /// Conditions, actions, needs.
    Report(ReportCommand),
    /// Decide.
    Decision(DecisionCommand),
    /// About deviations.
    Deviation(DeviationCommand),
    /// About freezes.
    Freeze(FreezeCommand),
    /// About powers taken in an emergency.
    Glass(GlassCommand),
    /// About who commands.
    Handover(HandoverCommand),
    /// What the gate did.
    Gate(GateCommand),
    /// About releases.
    Release(ReleaseCommand),
    /// What the watch saw.
    Watch(WatchCommand),
    /// What the room's duty reports of readiness checks.
    Readiness(ReadinessCommand),
    /// About drills' results.
    Drill(DrillCommand),
    /// About a walk of a runbook.
    Walk(WalkCommand),
    /// About pages.
    Page(PageCommand),
    /// What the room's sender reports.
    Dispatch(DispatchCommand),
    /// About what was recorded offline and not accepted.
    Conflict(ConflictCommand),
    /// A deadline has come; whatever is due happens.
    Tick,
}

/// Who asks, when, under which name.
#[derive(Debug, Clone, PartialEq)]
pub struct Ctx {
    /// Who, as proved.
    pub actor: Actor,
    /// Groups that were proved beside it.
    pub groups: Groups,
    /// When it is decided.
    pub now: Stamp,
    /// The command's name.
    pub id: CommandId,
    /// The room that decides, by its name in the envelope.
    pub room: String,
}

impl Ctx {
    /// Whether the actor has a power now, about an incident or about none.
    pub fn may(&self, state: &State, power: Power, about: Option<IncidentId>) -> bool {
        power::may(state, (&self.actor, &self.groups), power, about, &self.now)
    }

    /// Only the room itself may say so.
    ///
    /// # Errors
    /// `Forbidden` for everybody else.
    pub fn room_only(&self) -> Result<(), Refusal> {
        if self.actor.is_room() {
            return Ok(());
        }
        Err(Refusal::new(Code::Forbidden, "only the room itself says that"))
    }
}
