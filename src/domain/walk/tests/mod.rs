//! The walk by tables: each test tells one story of a step.

mod approving;
mod beside;
mod deviating;
mod example;
mod interrupted;
mod person;
mod running;
mod unseen;
mod value;

use crate::domain::{
    Event, Fact,
    actor::Actor,
    deviation::{DeviationFact, DeviationKind},
    id::WalkId,
    plan::Runbook,
    testing::{Ledger, ana, attach, intend, report, start, take},
    walk::{BlockResult, Confirmation, WalkCommand},
};

const PASSED: BlockResult = BlockResult::Passed;
const FAILED: BlockResult = BlockResult::Failed;

/// INC-1 with RUN-1 of this runbook, begun by ana.
fn walking(runbook: Runbook) -> Ledger {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&ana(), start(runbook));
    ledger
}

/// A hand runs these blocks in turn, each with this result.
#[track_caller]
fn blocks(ledger: &mut Ledger, who: &Actor, step: &str, hand: u128, results: &[(&str, BlockResult)]) {
    for (block, result) in results {
        ledger.ok(who, intend(step, hand, block));
        ledger.ok(who, report(step, hand, block, *result));
    }
}

/// A step is taken and its blocks are run.
#[track_caller]
fn run(
    ledger: &mut Ledger,
    who: &Actor,
    step: &str,
    hand: u128,
    results: &[(&str, BlockResult)],
) -> Vec<Event> {
    let events = ledger.ok(who, take(step, hand));
    ledger.ok(who, attach(step, hand, None));
    blocks(ledger, who, step, hand, results);
    events
}

/// Take, with everything said that can be said.
fn take_as(step: &str, hand: u128, confirm: Confirmation, undo: bool, again: bool) -> WalkCommand {
    match take(step, hand) {
        WalkCommand::Take { walk, step, hand, host, shown, .. } => {
            WalkCommand::Take { walk, step, hand, host, confirm, undo, again, shown }
        }
        other => other,
    }
}

fn again(step: &str, hand: u128) -> WalkCommand {
    take_as(step, hand, Confirmation::Enter, false, true)
}

fn undo(step: &str, hand: u128) -> WalkCommand {
    take_as(step, hand, Confirmation::Enter, true, false)
}

/// Kinds of the deviations among these events.
fn deviations(events: &[Event]) -> Vec<DeviationKind> {
    events
        .iter()
        .filter_map(|event| match &event.fact {
            Fact::Deviation(DeviationFact::Recorded { what, .. }) => Some(what.kind),
            _ => None,
        })
        .collect()
}

fn deviate(step: &str, what: super::Deviate) -> WalkCommand {
    WalkCommand::Deviate {
        walk: WalkId(1),
        step: step.into(),
        what,
        code: None,
        confirm: Confirmation::Enter,
        host: String::new(),
    }
}

fn confirm(step: &str) -> WalkCommand {
    WalkCommand::Confirm { walk: WalkId(1), step: step.into(), seen: String::new() }
}
