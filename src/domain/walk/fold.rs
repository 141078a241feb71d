//! What has become of a walk.

use super::{Approved, Asked, BlockResult, Ended, Intent, Lease, StepEnd, StepStatus, Walk, WalkFact};
use std::collections::BTreeMap;

use crate::domain::{
    actor::Actor,
    command::Ctx,
    event::{Event, Seq},
    fact::Fact,
    plan::BlockKind,
    state::State,
    time::Stamp,
};

/// A walk as it begins.
pub(super) fn begin(fact: &WalkFact, by: &str, at: &Stamp, seq: Seq) -> Option<Walk> {
    let WalkFact::Started { walk, incident, runbook, inputs } = fact else { return None };
    Some(Walk {
        id: *walk,
        incident: *incident,
        runbook: runbook.clone(),
        by: by.to_owned(),
        started: at.clone(),
        inputs: inputs.clone(),
        at: None,
        at_since: at.clone(),
        steps: BTreeMap::new(),
        edits: BTreeMap::new(),
        ended: None,
        seq,
    })
}

pub(in crate::domain) fn apply(state: &mut State, fact: &WalkFact, event: &Event) {
    if let Some(walk) = begin(fact, &event.actor.name, &event.occurred, event.seq) {
        state.walks.insert(walk.id, walk);
    } else if let Some(walk) = state.walks.get_mut(&fact.walk()) {
        walk.add(fact, &event.actor, &event.occurred, event.seq);
    }
}

impl Walk {
    /// The walk as it will be when these facts have been journaled.
    pub(super) fn take(&mut self, facts: &[Fact], ctx: &Ctx) {
        for fact in facts {
            if let Fact::Walk(fact) = fact {
                self.add(fact, &ctx.actor, &ctx.now, 0);
            }
        }
    }

    fn add(&mut self, fact: &WalkFact, actor: &Actor, at: &Stamp, seq: Seq) {
        match fact {
            WalkFact::Started { .. } => {}
            WalkFact::InputSet { name, value, .. } => {
                self.inputs.insert(name.clone(), value.clone());
            }
            WalkFact::Edited { block, code, .. } => {
                self.edits.insert(block.clone(), code.clone());
            }
            WalkFact::Moved { to, .. } => {
                self.at = Some(to.clone());
                self.at_since = at.clone();
            }
            WalkFact::Finished { complete, .. } => {
                self.ended = Some(Ended { complete: *complete, at: at.clone() });
                self.at = None;
            }
            WalkFact::Lent { step, hand, host, undo, .. } => {
                let state = self.steps.entry(step.clone()).or_default();
                state.status = StepStatus::Lent;
                if !*undo {
                    state.attempt = state.attempt.saturating_add(1);
                    // What was passed over stays so, and the step goes on behind it.
                    if state.overridden.is_empty() {
                        state.results.clear();
                    }
                    state.approvals.clear();
                }
                state.asked = None;
                state.intent = None;
                state.done = None;
                state.lease = Some(Lease {
                    hand: *hand,
                    owner: actor.clone(),
                    host: host.clone(),
                    process: None,
                    carry: None,
                    undo: *undo,
                    at: at.clone(),
                });
            }
            WalkFact::Attached { step, process, carry, .. } => {
                if let Some(lease) = self.steps.get_mut(step).and_then(|state| state.lease.as_mut()) {
                    lease.process = Some(process.clone());
                    lease.carry = *carry;
                }
            }
            WalkFact::Intended { step, block, .. } => {
                let run = self.runbook.step(step).is_some_and(|plan| {
                    plan.blocks.iter().any(|own| own.id == *block && own.kind == BlockKind::Run)
                });
                let state = self.steps.entry(step.clone()).or_default();
                state.ran |= run;
                state.intent = Some(Intent { block: block.clone(), at: at.clone() });
            }
            WalkFact::BlockEnded { step, done, carry, .. } => {
                if let (Some((name, value)), BlockResult::Passed) = (&done.captured, done.result) {
                    self.inputs.insert(name.clone(), value.clone());
                }
                let state = self.steps.entry(step.clone()).or_default();
                state.intent = None;
                state.results.retain(|old| old.block != done.block);
                state.results.push(done.clone());
                if let Some(lease) = &mut state.lease {
                    lease.carry = *carry;
                }
            }
            WalkFact::ApprovalAsked { step, text, digest, by, .. } => {
                let state = self.steps.entry(step.clone()).or_default();
                let requester =
                    state.lease.as_ref().map_or_else(|| actor.clone(), |lease| lease.owner.clone());
                state.asked = Some(Asked {
                    text: text.clone(),
                    digest: *digest,
                    by: by.clone(),
                    requester,
                    at: at.clone(),
                    seq,
                });
            }
            WalkFact::Approved { step, digest, glass, .. } => {
                let given = Approved { by: actor.clone(), digest: *digest, at: at.clone(), glass: *glass };
                self.steps.entry(step.clone()).or_default().approvals.push(given);
                let enough =
                    self.runbook.step(step).is_some_and(|plan| super::approval::is_given(self, plan));
                if enough && let Some(state) = self.steps.get_mut(step) {
                    state.asked = None;
                }
            }
            WalkFact::Rejected { step, .. } | WalkFact::TakenOver { step, .. } => {
                let state = self.steps.entry(step.clone()).or_default();
                state.status = StepStatus::Todo;
                state.lease = None;
                state.asked = None;
                state.intent = None;
            }
            WalkFact::StepDone { step, how, seen, .. } => {
                let state = self.steps.entry(step.clone()).or_default();
                state.status = StepStatus::Done;
                state.lease = None;
                state.asked = None;
                state.intent = None;
                state.done = Some(StepEnd {
                    how: how.clone(),
                    by: actor.name.clone(),
                    at: at.clone(),
                    seen: seen.clone(),
                    seq,
                });
            }
            WalkFact::StepFailed { step, .. } => {
                let state = self.steps.entry(step.clone()).or_default();
                state.status = StepStatus::Failed;
                state.lease = None;
                state.asked = None;
                state.intent = None;
            }
            WalkFact::Undone { step, .. } => {
                let state = self.steps.entry(step.clone()).or_default();
                state.status = StepStatus::Todo;
                state.lease = None;
                state.results.clear();
            }
            WalkFact::Overridden { step, block, .. } => {
                let state = self.steps.entry(step.clone()).or_default();
                state.overridden.insert(block.clone());
                state.status = StepStatus::Failed;
            }
            WalkFact::Lost { step, .. } => {
                let state = self.steps.entry(step.clone()).or_default();
                // A hand that had not begun to act leaves nothing in doubt.
                state.status = if state.intent.is_some() { StepStatus::Unknown } else { StepStatus::Todo };
                state.asked = None;
                if state.status == StepStatus::Todo {
                    state.lease = None;
                }
            }
        }
    }
}
