//! Hands that die, and what is known afterwards.

use super::*;
use crate::domain::{
    plan::BlockKind::{Check, Guard, Run, Verify},
    refusal::Code,
    testing::{block, bo, lost, runbook, section, step},
    walk::{Deviate, StepStatus},
};

fn book() -> Runbook {
    let blocks = vec![
        block("so-already", Guard),
        block("look", Check),
        block("one", Run),
        block("two", Run),
        block("good", Verify),
    ];
    runbook(vec![section("a", vec![step("s", blocks), step("t", vec![])])])
}

fn take_over(step: &str) -> WalkCommand {
    WalkCommand::TakeOver { walk: WalkId(1), step: step.into(), reason: "its host is gone".into() }
}

const LOOKED: [(&str, BlockResult); 2] = [("so-already", FAILED), ("look", PASSED)];

#[test]
fn lost_before_anything_began_is_simply_to_do() {
    let mut ledger = walking(book());
    ledger.ok(&ana(), take("s", 1));
    ledger.ok(&Actor::room(), lost("s", 1));
    assert_eq!((ledger.step("s").status, ledger.step("s").lease), (StepStatus::Todo, None));
    assert!(ledger.ok(&Actor::room(), lost("s", 1)).is_empty(), "said once");
    ledger.no(&ana(), lost("s", 1));
}

#[test]
fn lost_in_a_look_asks_the_look_again() {
    let mut ledger = walking(book());
    run(&mut ledger, &ana(), "s", 1, &LOOKED[..1]);
    ledger.ok(&ana(), intend("s", 1, "look"));
    ledger.ok(&Actor::room(), lost("s", 1));
    assert_eq!(ledger.step("s").status, StepStatus::Todo);
    run(&mut ledger, &bo(), "s", 2, &[("look", PASSED)]);
}

#[test]
fn lost_between_two_runs_goes_on_behind_the_first() {
    let mut ledger = walking(book());
    run(&mut ledger, &ana(), "s", 1, &LOOKED);
    blocks(&mut ledger, &ana(), "s", 1, &[("one", PASSED)]);
    ledger.ok(&Actor::room(), lost("s", 1));
    let state = ledger.step("s");
    assert_eq!((state.status, state.results.len()), (StepStatus::Todo, 3));
    let events = run(&mut ledger, &bo(), "s", 2, &[("two", PASSED), ("good", PASSED)]);
    assert_eq!(deviations(&events), []);
    assert_eq!(ledger.step("s").begun["one"], 1);
    assert_eq!(ledger.step("s").status, StepStatus::Done);
}

#[test]
fn asked_again_it_begins_anew() {
    let mut ledger = walking(book());
    run(&mut ledger, &ana(), "s", 1, &LOOKED);
    blocks(&mut ledger, &ana(), "s", 1, &[("one", PASSED)]);
    ledger.ok(&Actor::room(), lost("s", 1));
    assert_eq!(deviations(&ledger.ok(&ana(), again("s", 2))), [DeviationKind::RetryBeyondLimit]);
    ledger.ok(&ana(), intend("s", 2, "so-already"));
}

#[test]
fn lost_in_a_run_is_unknown_and_starts_only_after_a_named_person_took_it() {
    let mut ledger = walking(book());
    run(&mut ledger, &ana(), "s", 1, &LOOKED);
    blocks(&mut ledger, &ana(), "s", 1, &[("one", PASSED)]);
    ledger.ok(&ana(), intend("s", 1, "two"));
    ledger.ok(&Actor::room(), lost("s", 1));
    assert_eq!(ledger.step("s").status, StepStatus::Unknown);
    assert!(ledger.ok(&Actor::room(), lost("s", 1)).is_empty());
    for refused in [take("s", 2), again("s", 2), undo("s", 2), intend("s", 1, "two"), confirm("s")] {
        ledger.no(&ana(), refused);
    }
    ledger.ok(&bo(), take_over("s"));
    assert_eq!(ledger.no(&ana(), report("s", 1, "two", PASSED)).code, Code::Conflict);
    let events = run(&mut ledger, &bo(), "s", 2, &LOOKED);
    assert_eq!(deviations(&events), [DeviationKind::RetryBeyondLimit]);
    blocks(&mut ledger, &bo(), "s", 2, &[("two", PASSED), ("good", PASSED)]);
    assert_eq!(ledger.step("s").begun["one"], 1, "what was reported is not run again");
}

#[test]
fn a_taken_over_step_that_is_so_already_runs_nothing() {
    let mut ledger = walking(book());
    run(&mut ledger, &ana(), "s", 1, &LOOKED);
    ledger.ok(&ana(), intend("s", 1, "one"));
    ledger.ok(&Actor::room(), lost("s", 1));
    ledger.ok(&bo(), take_over("s"));
    run(&mut ledger, &bo(), "s", 2, &[("so-already", PASSED), ("good", PASSED)]);
    assert_eq!(ledger.step("s").done.unwrap().how, super::super::How::Satisfied);
}

#[test]
fn a_hand_held_dead_that_speaks_is_alive() {
    let mut ledger = walking(book());
    run(&mut ledger, &ana(), "s", 1, &LOOKED);
    ledger.ok(&ana(), intend("s", 1, "one"));
    ledger.ok(&Actor::room(), lost("s", 1));
    ledger.ok(&ana(), report("s", 1, "one", PASSED));
    assert_eq!(ledger.step("s").status, StepStatus::Lent);
    blocks(&mut ledger, &ana(), "s", 1, &[("two", PASSED), ("good", PASSED)]);
}

#[test]
fn an_unknown_step_done_by_hand_is_a_deviation() {
    let mut ledger = walking(book());
    run(&mut ledger, &ana(), "s", 1, &LOOKED);
    ledger.ok(&ana(), intend("s", 1, "one"));
    assert_eq!(ledger.no(&ana(), deviate("s", Deviate::Manual)).code, Code::Conflict, "it runs");
    ledger.ok(&Actor::room(), lost("s", 1));
    assert_eq!(deviations(&ledger.ok(&ana(), deviate("s", Deviate::Manual))), [DeviationKind::Manual]);
    assert_eq!(ledger.step("s").lease, None);
}

#[test]
fn an_ended_walk_still_hears_what_runs() {
    use crate::domain::plan::{Choice, Ending, Lead, OnFail};
    let mut which = step("which", vec![]);
    which.lead = Some(Lead::Decide(vec![Choice { label: "off".into(), to: "off".into() }]));
    let mut act = block("one", Run);
    act.onfail = OnFail::Goto("a".into());
    let mut off = section("off", vec![]);
    off.ending = Some(Ending::Stop);
    let book = runbook(vec![section("a", vec![which]), section("b", vec![step("early", vec![act])]), off]);
    for result in [PASSED, FAILED] {
        let mut ledger = walking(book.clone());
        ledger.ok(&ana(), take("early", 1));
        ledger.ok(&ana(), intend("early", 1, "one"));
        let abandon = WalkCommand::Abandon { walk: WalkId(1), reason: "another way".into() };
        assert_eq!(ledger.no(&ana(), abandon).code, Code::Conflict);
        let off = WalkCommand::Choose { walk: WalkId(1), step: "which".into(), label: "off".into() };
        ledger.ok(&bo(), off);
        assert!(ledger.state.walks[&WalkId(1)].ended.is_some());
        let mut dead = Ledger::with_incident();
        (dead.state, dead.events) = (ledger.state.clone(), ledger.events.clone());
        ledger.ok(&ana(), report("early", 1, "one", result));
        assert_eq!(ledger.step("early").results.len(), 1);
        assert_eq!((ledger.step("early").lease, ledger.at()), (None, None));
        assert_eq!(ledger.no(&ana(), take("early", 2)).code, Code::Conflict);

        let lost_at = dead.now.clone();
        let ctx = crate::domain::Ctx {
            actor: Actor::room(),
            groups: crate::domain::power::Groups::default(),
            now: lost_at,
            id: crate::domain::CommandId(uuid::Uuid::from_u128(99)),
            room: "test".into(),
        };
        dead.ask_as(&ctx, &lost("early", 1).into()).unwrap();
        assert_eq!(dead.step("early").status, StepStatus::Unknown);
    }
}
