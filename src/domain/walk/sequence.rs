//! What comes next in a step: guard, check, approve, run, verify, expect. Asked by the hand before each block and by
//! the rules after each.

use super::{BlockDone, BlockResult, How, StepState, Walk, approval};
use crate::domain::plan::{Block, BlockKind, OnFail, Step};

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next<'a> {
    /// This block.
    Block(&'a Block),
    /// An approval that is not there yet.
    Approval,
    /// The step is finished.
    Done(How),
    /// It cannot go on by itself.
    Failed(&'a Block),
    /// The undo blocks have run.
    Undone,
    /// There is nothing in it that runs: a person ticks it.
    Person,
}

fn passed(state: &StepState, block: &Block) -> Option<bool> {
    if state.overridden.contains(&block.id) {
        return Some(true);
    }
    result(state, block).map(|done| done.result == BlockResult::Passed)
}

/// The newest result of a block in this attempt.
pub fn result<'a>(state: &'a StepState, block: &Block) -> Option<&'a BlockDone> {
    state.results.iter().rev().find(|done| done.block == block.id)
}

/// What comes next in `step`.
pub fn next<'a>(walk: &Walk, step: &'a Step) -> Next<'a> {
    let state = walk.state(&step.id);
    if state.lease.as_ref().is_some_and(|lease| lease.undo) {
        return undo(&state, step);
    }
    if !step.runs() {
        return Next::Person;
    }
    let satisfied = match guards(&state, step) {
        Err(next) => return next,
        Ok(satisfied) => satisfied,
    };
    if !satisfied {
        if let Some(next) = all(&state, step, BlockKind::Check) {
            return next;
        }
        // Where everything has run that runs, nothing is left to approve.
        let run = all(&state, step, BlockKind::Run);
        let acts = match &run {
            Some(Next::Block(block)) => block.kind == BlockKind::Run,
            _ => step.of_kind(BlockKind::Run).next().is_none(),
        };
        if acts && !approval::is_given(walk, step) {
            return Next::Approval;
        }
        if let Some(next) = run {
            return next;
        }
    }
    if let Some(next) = all(&state, step, BlockKind::Verify) {
        return next;
    }
    let unmeant =
        |block: &Block| satisfied && expected_of(step, block).is_some_and(|of| of.kind == BlockKind::Run);
    let expects = step.of_kind(BlockKind::Expect).filter(|block| !unmeant(block));
    if let Some(next) = each(&state, step, expects) {
        return next;
    }
    Next::Done(if satisfied { How::Satisfied } else { How::Done })
}

/// The block whose output an `expect` block speaks of: the one before it in the file.
pub fn expected_of<'a>(step: &'a Step, expect: &Block) -> Option<&'a Block> {
    let at = step.blocks.iter().position(|block| block.id == expect.id)?;
    step.blocks
        .iter()
        .take(at)
        .rev()
        .find(|block| !matches!(block.kind, BlockKind::Expect | BlockKind::Sample | BlockKind::Undo))
}

fn guards<'a>(state: &StepState, step: &'a Step) -> Result<bool, Next<'a>> {
    let mut any = false;
    for guard in step.of_kind(BlockKind::Guard) {
        any = true;
        match passed(state, guard) {
            None => return Err(Next::Block(guard)),
            Some(true) => {}
            Some(false) => return Ok(false),
        }
    }
    Ok(any)
}

fn all<'a>(state: &StepState, step: &'a Step, kind: BlockKind) -> Option<Next<'a>> {
    each(state, step, step.of_kind(kind))
}

fn each<'a>(state: &StepState, step: &'a Step, blocks: impl Iterator<Item = &'a Block>) -> Option<Next<'a>> {
    for block in blocks {
        match passed(state, block) {
            None => return Some(Next::Block(block)),
            Some(true) => {}
            Some(false) => match block.onfail {
                OnFail::Continue => {}
                OnFail::Undo => {
                    return Some(match undo(state, step) {
                        Next::Undone => Next::Failed(block),
                        next => next,
                    });
                }
                OnFail::Stop | OnFail::Goto(_) => return Some(Next::Failed(block)),
            },
        }
    }
    None
}

fn undo<'a>(state: &StepState, step: &'a Step) -> Next<'a> {
    for block in step.of_kind(BlockKind::Undo) {
        match passed(state, block) {
            None => return Next::Block(block),
            Some(true) => {}
            Some(false) => return Next::Failed(block),
        }
    }
    Next::Undone
}
