//! What has become of a walk.

use super::{
    Approved, Asked, BlockDone, BlockResult, Ended, Intent, Lease, StepEnd, StepState, StepStatus, Walk,
    WalkFact, sequence, sequence::Next,
};
use std::collections::BTreeMap;

use crate::domain::{
    actor::Actor,
    command::Ctx,
    event::{Event, Seq},
    fact::Fact,
    plan::{BlockKind, OnFail},
    state::State,
    time::Stamp,
};

/// A walk as it begins.
pub(super) fn begin(fact: &WalkFact, by: &Actor, at: &Stamp, seq: Seq) -> Option<Walk> {
    let WalkFact::Started { walk, incident, runbook, inputs } = fact else { return None };
    Some(Walk {
        id: *walk,
        incident: *incident,
        runbook: runbook.clone(),
        by: by.name.clone(),
        started: at.clone(),
        inputs: inputs.clone(),
        at: None,
        at_since: at.clone(),
        steps: BTreeMap::new(),
        edits: BTreeMap::new(),
        editors: BTreeMap::new(),
        givers: inputs.keys().map(|name| (name.clone(), by.clone())).collect(),
        ended: None,
        seq,
        host: String::new(),
    })
}

pub(in crate::domain) fn apply(state: &mut State, fact: &WalkFact, event: &Event) {
    if let Some(mut walk) = begin(fact, &event.actor, &event.occurred, event.seq) {
        // A runbook that was walked before is kept once, however often it is read back from the journal.
        let known = state.walks.values().rev().find(|one| one.runbook.hash == walk.runbook.hash);
        if let Some(known) = known.filter(|one| one.runbook == walk.runbook) {
            walk.runbook = known.runbook.clone();
        }
        state.room.host_of(&event.room).clone_into(&mut walk.host);
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
                self.give(name, value, actor);
                for state in self.steps.values_mut().filter(|state| state.intent.is_none()) {
                    if let Some(lease) = state.lease.as_mut().filter(|lease| lease.owner.same(actor)) {
                        lease.inputs.insert(name.clone(), value.clone());
                    }
                }
            }
            WalkFact::Edited { block, code, .. } => {
                self.edits.insert(block.clone(), code.clone());
                let editors = self.editors.entry(block.clone()).or_default();
                if !editors.iter().any(|known| known.same(actor)) {
                    editors.push(actor.clone());
                }
            }
            WalkFact::Moved { .. } if self.ended.is_some() => {}
            WalkFact::Moved { to, .. } => {
                self.reopen(to);
                self.at = Some(to.clone());
                self.at_since = at.clone();
            }
            WalkFact::Finished { complete, .. } => {
                self.ended = Some(Ended { complete: *complete, at: at.clone() });
                self.at = None;
            }
            WalkFact::Lent { step, hand, host, undo, again, .. } => {
                self.set_out(step, *undo, *again);
                let inputs = self.inputs.clone();
                let state = self.steps.entry(step.clone()).or_default();
                state.status = StepStatus::Lent;
                if !*undo {
                    state.attempt = state.attempt.saturating_add(1);
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
                    inputs,
                });
            }
            WalkFact::Attached { step, process, carry, .. } => {
                if let Some(state) = self.steps.get_mut(step)
                    && let Some(lease) = state.lease.as_mut()
                {
                    lease.process = Some(process.clone());
                    lease.carry = *carry;
                    state.heard();
                }
            }
            WalkFact::Intended { step, block, .. } => {
                let runbook = self.runbook.clone();
                let kind = runbook.step(step).and_then(|plan| plan.kind_of(block));
                let state = self.steps.entry(step.clone()).or_default();
                if kind == Some(BlockKind::Run) {
                    state.ran = true;
                    let times = state.begun.entry(block.clone()).or_default();
                    *times = times.saturating_add(1);
                }
                if kind == Some(BlockKind::Undo)
                    && state.lease.as_ref().is_some_and(|lease| lease.undo)
                    && let Some(plan) = runbook.step(step)
                {
                    // From here on the step's own results say nothing about the world any more.
                    state.results.retain(|done| plan.kind_of(&done.block) == Some(BlockKind::Undo));
                    state.overridden.clear();
                }
                state.intent = Some(Intent { block: block.clone(), at: at.clone() });
            }
            WalkFact::BlockEnded { step, done, carry, .. } => {
                if let (Some((name, value)), BlockResult::Passed) = (&done.captured, done.result) {
                    self.give(name, value, actor);
                    if let Some(lease) = self.steps.get_mut(step).and_then(|state| state.lease.as_mut()) {
                        lease.inputs.insert(name.clone(), value.clone());
                    }
                }
                let state = self.steps.entry(step.clone()).or_default();
                state.intent = None;
                state.results.retain(|old| old.block != done.block);
                state.results.push(done.clone());
                if let Some(lease) = &mut state.lease {
                    lease.carry = *carry;
                }
                state.heard();
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
                self.look_anew(step);
                let state = self.steps.entry(step.clone()).or_default();
                state.status = StepStatus::Todo;
                state.lease = None;
                state.asked = None;
                state.approvals.clear();
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
                state.intent = None;
                state.results.clear();
                state.overridden.clear();
            }
            WalkFact::Overridden { step, block, .. } => {
                let state = self.steps.entry(step.clone()).or_default();
                state.overridden.insert(block.clone());
                state.status = StepStatus::Failed;
            }
            WalkFact::Lost { step, .. } => {
                let runbook = self.runbook.clone();
                let state = self.steps.entry(step.clone()).or_default();
                // A hand that was not acting leaves nothing in doubt, and what it reported stays: a look is asked
                // again, a finished block is not run again.
                let acting = state.intent.as_ref().is_some_and(|intent| {
                    let kind = runbook.step(step).and_then(|plan| plan.kind_of(&intent.block));
                    matches!(kind, Some(BlockKind::Run | BlockKind::Undo))
                });
                state.asked = None;
                if acting {
                    state.status = StepStatus::Unknown;
                } else {
                    state.status = StepStatus::Todo;
                    state.intent = None;
                    state.lease = None;
                }
            }
        }
    }

    fn give(&mut self, name: &str, value: &str, by: &Actor) {
        self.inputs.insert(name.to_owned(), value.to_owned());
        self.givers.insert(name.to_owned(), by.clone());
    }

    /// What of the attempt before still counts when a step is taken. What was interrupted or passed over goes on
    /// where it stood; what had failed or was finished begins anew, but a block that runs `once` and has passed is
    /// run again only where that is asked for.
    fn set_out(&mut self, slug: &str, undo: bool, again: bool) {
        let runbook = self.runbook.clone();
        let Some(plan) = runbook.step(slug) else { return };
        let state = self.steps.entry(slug.to_owned()).or_default();
        let was = state.status;
        state.lease = None;
        let kind = |done: &BlockDone| plan.kind_of(&done.block);
        if undo {
            if was != StepStatus::Todo || again {
                state.results.retain(|done| kind(done) != Some(BlockKind::Undo));
            }
            return;
        }
        if again || was == StepStatus::Done {
            state.results.clear();
            state.overridden.clear();
            return;
        }
        let undoing = state.results.iter().any(|done| {
            done.result != BlockResult::Passed
                && plan.blocks.iter().any(|block| block.id == done.block && block.onfail == OnFail::Undo)
        });
        if !undoing {
            state.results.retain(|done| kind(done) != Some(BlockKind::Undo));
        }
        if matches!(sequence::next(self, plan), Next::Failed(_)) {
            let state = self.steps.entry(slug.to_owned()).or_default();
            let undone = state.results.iter().any(|done| kind(done) == Some(BlockKind::Undo));
            state.results.retain(|done| {
                !undone
                    && done.result == BlockResult::Passed
                    && plan.blocks.iter().any(|block| block.id == done.block && block.ran_once())
            });
        }
    }

    /// Guards and checks are asked again before anything runs; what has run stays as reported.
    fn look_anew(&mut self, slug: &str) {
        let runbook = self.runbook.clone();
        let Some(plan) = runbook.step(slug) else { return };
        if let Some(state) = self.steps.get_mut(slug) {
            state
                .results
                .retain(|done| matches!(plan.kind_of(&done.block), Some(BlockKind::Run | BlockKind::Undo)));
        }
    }

    /// Going back to a finished step opens it again, and all between it and where one was.
    fn reopen(&mut self, to: &str) {
        if self.status(to) != StepStatus::Done {
            return;
        }
        let runbook = self.runbook.clone();
        let place = |slug: &str| runbook.steps().position(|step| step.id == slug);
        let (Some(first), Some(last)) = (place(to), self.at.as_deref().and_then(place)) else { return };
        for step in runbook.steps().skip(first).take((last + 1).saturating_sub(first)) {
            if let Some(state) = self.steps.get_mut(&step.id)
                && state.status == StepStatus::Done
            {
                state.status = StepStatus::Todo;
                state.results.clear();
                state.overridden.clear();
                state.approvals.clear();
                state.done = None;
                state.begun.retain(|slug, _| step.blocks.iter().any(|block| block.id == *slug && block.once));
            }
        }
    }
}

impl StepState {
    /// Its hand has been heard of: whoever held it dead was wrong.
    fn heard(&mut self) {
        if self.status == StepStatus::Unknown && self.lease.is_some() {
            self.status = StepStatus::Lent;
        }
    }
}
