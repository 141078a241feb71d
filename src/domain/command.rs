//! Everything that can be asked of a room, nested by noun.

use super::{
    actor::Actor, board::BoardCommand, decision::DecisionCommand, deviation::DeviationCommand,
    dispatch::DispatchCommand, event::CommandId, freeze::FreezeCommand, gate::GateCommand,
    incident::IncidentCommand, note::NoteCommand, page::PageCommand, policy::Policy, policy::Power,
    refusal::Code, refusal::Refusal, release::ReleaseCommand, room::RoomFact, state::State,
    task::TaskCommand, time::Stamp, walk::WalkCommand, watch::WatchCommand,
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
    /// Decide.
    Decision(DecisionCommand),
    /// About deviations.
    Deviation(DeviationCommand),
    /// About freezes.
    Freeze(FreezeCommand),
    /// What the gate did.
    Gate(GateCommand),
    /// About releases.
    Release(ReleaseCommand),
    /// What the watch saw.
    Watch(WatchCommand),
    /// About a walk of a runbook.
    Walk(WalkCommand),
    /// About pages.
    Page(PageCommand),
    /// What the room's sender reports.
    Dispatch(DispatchCommand),
    /// A deadline has come; whatever is due happens.
    Tick,
}

/// Who asks, when, under which name.
#[derive(Debug, Clone, PartialEq)]
pub struct Ctx {
    /// Who, as proved.
    pub actor: Actor,
    /// When it is decided.
    pub now: Stamp,
    /// The command's name.
    pub id: CommandId,
}

impl Ctx {
    /// The actor may do more than look.
    ///
    /// # Errors
    /// `Forbidden` where not.
    pub fn responder(&self, state: &State) -> Result<(), Refusal> {
        if state.policy.may(&self.actor, Power::Respond) {
            return Ok(());
        }
        Err(Refusal::new(Code::Forbidden, format!("{} may look, and nothing else", self.actor))
            .hint("somebody with the power `respond` must do it"))
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
