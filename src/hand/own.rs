//! Whether a hand has its step still, under whatever name its walk has now, and what it says of a block when it has not.

use super::attach::Hand;
use crate::domain::{
    Command, Fact, State,
    id::WalkId,
    note::NoteCommand,
    plan::Step,
    tell,
    walk::{BlockDone, StepStatus, Walk, WalkCommand, WalkFact},
};
use uuid::Uuid;

/// The walk in which a step is lent to this hand. It has another name than at first where it was begun while the journal was
/// out of reach, and another room gave the name too.
pub(super) fn lent<'s>(state: &'s State, walk: WalkId, step: &str, hand: Uuid) -> Option<&'s Walk> {
    let has = |walk: &&Walk| {
        let lease = walk.steps.get(step).and_then(|known| known.lease.as_ref());
        lease.is_some_and(|lease| lease.hand == hand)
    };
    state.walks.get(&walk).filter(has).or_else(|| state.walks.values().find(has))
}

impl Hand {
    /// The walk and the step, as long as it is lent to this hand.
    pub(super) async fn leased(&self) -> Option<(Walk, Step)> {
        let state = self.link.state().await?;
        let walk = lent(&state, self.at.walk, &self.at.step, self.id)?;
        let lent = walk.state(&self.at.step).status == StepStatus::Lent && walk.ended.is_none();
        lent.then(|| Some((walk.clone(), walk.runbook.step(&self.at.step)?.clone())))?
    }

    /// What the walk is called now.
    async fn named(&self) -> WalkId {
        let state = self.link.state().await;
        let own = state.as_deref().and_then(|state| lent(state, self.at.walk, &self.at.step, self.id));
        own.map_or(self.at.walk, |walk| walk.id)
    }

    /// Does a command of this step, under the name that the walk has.
    pub(super) async fn own(
        &self,
        what: &str,
        command: impl Fn(WalkId) -> WalkCommand,
    ) -> Result<(), String> {
        let mut walk = self.named().await;
        loop {
            let Err(why) = self.act(what, command(walk)).await else { return Ok(()) };
            let now = self.named().await;
            if std::mem::replace(&mut walk, now) == now {
                return Err(why);
            }
        }
    }

    /// Says how a block ended. Where the step is not this hand's any more, a note tells it: it ran all the same.
    pub(super) async fn report(&self, of: &Walk, done: BlockDone) -> Result<(), String> {
        let (step, hand, carry) = (self.at.step.clone(), self.id, Some(self.carry.digest()));
        let told = done.clone();
        let report = |walk| WalkCommand::Report { walk, step: step.clone(), hand, done: done.clone(), carry };
        let Err(why) = self.own(&format!("report {}", told.block), report).await else { return Ok(()) };
        let state = self.link.state().await;
        let same = state.as_deref().and_then(|state| state.walks.get(&of.id));
        let incident = same.filter(|walk| walk.started == of.started).and_then(|walk| walk.incident);
        let ended = WalkFact::BlockEnded { walk: of.id, step: step.clone(), done: told.clone(), carry: None };
        let text = format!("[not in {}: {why}] {}", of.id, tell::fact(&Fact::Walk(ended)));
        let note = Command::Note(NoteCommand::Say { incident, text });
        drop(self.send(&format!("note {}", told.block), note).await);
        Err(why)
    }
}
