//! The runbook format's own example, from its first key to its end.

use super::*;
use crate::domain::{
    Command,
    clock::Moment,
    id::IncidentId,
    plan::{Approval, BlockKind, By, Choice, Ending, Input, Lead, Risk},
    refusal::Code,
    testing::{block, bo, runbook, section, step},
    time::Span,
    walk::{How, StepStatus},
};

fn book() -> Runbook {
    let mut which = step("size-up-1", vec![]);
    which.lead = Some(Lead::Decide(vec![
        Choice { label: "yes".into(), to: "roll-back".into() },
        Choice { label: "no".into(), to: "stand-down".into() },
    ]));
    let ic = || By { roles: vec!["ic".into()], n: 1, within: Some(Span::mins(5)) };
    let mut switch = block("switch", BlockKind::Run);
    (switch.risk, switch.timeout, switch.interactive) = (Risk::High, Some(Span::secs(60)), true);
    let mut restore = step("already-good", vec![block("already-good", BlockKind::Guard), switch]);
    restore.approval = Some(Approval { text: "Put `GOOD` back into production".into(), by: ic() });
    let mut errors = block("errors", BlockKind::Verify);
    (errors.lang, errors.hold, errors.timeout) = ("promql".into(), Some(Span::mins(2)), Some(Span::mins(15)));
    let mut back = section("roll-back", vec![restore, step("errors", vec![errors])]);
    back.ending = Some(Ending::End);
    let mut lifted = step("stand-down-1", vec![]);
    lifted.lead = Some(Lead::Confirm(By { within: None, ..ic() }));
    let mut down = section("stand-down", vec![lifted]);
    down.ending = Some(Ending::Stop);
    let mut book = runbook(vec![section("size-up", vec![which]), back, down]);
    book.front.inputs = vec![
        Input {
            name: "SERVICE".into(),
            choices: vec!["checkout".into(), "payments".into()],
            ..Input::default()
        },
        Input { name: "GOOD".into(), pattern: Some("[0-9a-z.-]+".into()), ..Input::default() },
    ];
    book
}

fn choose(label: &str) -> WalkCommand {
    WalkCommand::Choose { walk: WalkId(1), step: "size-up-1".into(), label: label.into() }
}

#[test]
fn a_bad_release_is_rolled_back() {
    let mut ledger = walking(book());
    ledger.ok(&ana(), choose("yes"));
    assert_eq!(ledger.at(), Some("already-good"));
    let taken = |confirm| take_as("already-good", 1, confirm, false, false);
    assert_eq!(ledger.no(&ana(), taken(Confirmation::Second)).code, Code::NeedsMore, "inputs");
    for (name, value) in [("SERVICE", "checkout"), ("GOOD", "2.4.1")] {
        ledger.ok(&ana(), WalkCommand::SetInput { walk: WalkId(1), name: name.into(), value: value.into() });
    }
    assert_eq!(ledger.no(&ana(), taken(Confirmation::Enter)).code, Code::NeedsMore, "high risk");
    crate::domain::testing::hand_over(&mut ledger, &bo());
    ledger.ok(&ana(), taken(Confirmation::Second));
    ledger.ok(&ana(), attach("already-good", 1, None));
    blocks(&mut ledger, &ana(), "already-good", 1, &[("already-good", FAILED)]);
    let asked = ledger.step("already-good").asked.expect("asked with the guard's output on screen");
    assert_eq!(asked.text, "Put `GOOD` back into production");
    let yes = WalkCommand::Approve {
        walk: WalkId(1),
        step: "already-good".into(),
        digest: asked.digest,
        glass: None,
    };
    ledger.ok(&bo(), yes);
    let clocks = |ledger: &Ledger| ledger.state.incidents[&IncidentId(1)].clocks.clone();
    assert!(!clocks(&ledger).marks.contains_key(&Moment::Acted));
    ledger.ok(&ana(), intend("already-good", 1, "switch"));
    assert!(clocks(&ledger).marks.contains_key(&Moment::Acted));
    ledger.ok(&ana(), report("already-good", 1, "switch", PASSED));
    assert_eq!(ledger.step("already-good").done.unwrap().how, How::Done);
    assert_eq!(ledger.at(), Some("errors"));
    run(&mut ledger, &ana(), "errors", 2, &[("errors", PASSED)]);
    let walk = &ledger.state.walks[&WalkId(1)];
    assert_eq!((walk.ended.as_ref().map(|end| end.complete), walk.progress()), (Some(true), (3, 3)));
    assert_eq!(ledger.state.deviations.len(), 0);
    assert_eq!(ledger.replay(), ledger.state);
}

#[test]
fn what_was_good_already_runs_nothing_and_asks_nobody() {
    let mut ledger = walking(book());
    ledger.ok(&ana(), choose("yes"));
    for (name, value) in [("SERVICE", "checkout"), ("GOOD", "2.4.1")] {
        ledger.ok(&ana(), WalkCommand::SetInput { walk: WalkId(1), name: name.into(), value: value.into() });
    }
    ledger.ok(&ana(), take_as("already-good", 1, Confirmation::Second, false, false));
    blocks(&mut ledger, &ana(), "already-good", 1, &[("already-good", PASSED)]);
    assert_eq!(ledger.step("already-good").done.unwrap().how, How::Satisfied);
}

#[test]
fn it_was_not_the_release() {
    let mut ledger = walking(book());
    ledger.ok(&ana(), choose("no"));
    assert_eq!(ledger.no(&bo(), confirm("stand-down-1")).code, Code::Forbidden);
    ledger.ok(&ana(), confirm("stand-down-1"));
    assert_eq!(ledger.step("stand-down-1").status, StepStatus::Done);
    assert_eq!(ledger.state.walks[&WalkId(1)].ended.as_ref().map(|end| end.complete), Some(false));
}

#[test]
fn deviations_of_a_drill_are_deviations() {
    let mut ledger = Ledger::new();
    let began = crate::domain::room::RoomFact::DrillBegan { scenario: "bad-release".into(), pace: 1.0 };
    ledger.ok(&Actor::room(), Command::Room(began));
    ledger.ok(&ana(), crate::domain::testing::declare());
    assert!(ledger.state.incidents[&IncidentId(1)].drill);
    ledger.ok(&ana(), start(book()));
    ledger.ok(&ana(), deviate("errors", super::super::Deviate::Skip));
    assert_eq!(ledger.state.owed(IncidentId(1)), 1);
}
