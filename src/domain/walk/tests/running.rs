//! Order of the blocks, failures and what follows from them.

use super::*;
use crate::domain::{
    plan::{BlockKind, OnFail, Retry, Risk},
    refusal::Code,
    testing::{block, bo, ended, runbook, section, step},
    time::Span,
    walk::{Deviate, How, StepStatus},
};
use BlockKind::{Check, Expect, Guard, Run, Undo, Verify};

fn whole() -> Runbook {
    let blocks = vec![
        block("done-already", Guard),
        block("healthy", Check),
        block("switch", Run),
        block("back", Undo),
        block("good", Verify),
        block("text", Expect),
    ];
    runbook(vec![section("fix", vec![step("fix-1", blocks), step("fix-2", vec![block("next", Run)])])])
}

#[test]
fn blocks_run_in_their_order() {
    let mut ledger = walking(whole());
    ledger.ok(&ana(), take("fix-1", 1));
    ledger.ok(&ana(), attach("fix-1", 1, None));
    for wrong in ["healthy", "switch", "back", "good", "text", "nothing"] {
        assert_eq!(ledger.no(&ana(), intend("fix-1", 1, wrong)).code, Code::Conflict, "{wrong}");
    }
    let order = [
        ("done-already", FAILED),
        ("healthy", PASSED),
        ("switch", PASSED),
        ("good", PASSED),
        ("text", PASSED),
    ];
    blocks(&mut ledger, &ana(), "fix-1", 1, &order);
    assert_eq!(ledger.step("fix-1").done.unwrap().how, How::Done);
    assert_eq!(ledger.at(), Some("fix-2"));
}

#[test]
fn a_guard_that_passes_skips_the_run() {
    let mut ledger = walking(whole());
    run(&mut ledger, &ana(), "fix-1", 1, &[("done-already", PASSED), ("good", PASSED), ("text", PASSED)]);
    let state = ledger.step("fix-1");
    assert_eq!(state.done.unwrap().how, How::Satisfied);
    assert!(!state.ran);
}

#[test]
fn a_hand_reports_what_it_announced_and_nothing_else() {
    let mut ledger = walking(whole());
    ledger.ok(&ana(), take("fix-1", 1));
    ledger.ok(&ana(), attach("fix-1", 1, None));
    assert_eq!(ledger.no(&ana(), report("fix-1", 1, "done-already", PASSED)).code, Code::Conflict);
    ledger.ok(&ana(), intend("fix-1", 1, "done-already"));
    assert_eq!(ledger.no(&ana(), report("fix-1", 1, "switch", PASSED)).code, Code::Conflict);
    assert_eq!(ledger.no(&ana(), report("fix-1", 1, "nothing", PASSED)).code, Code::Unknown);
    assert_eq!(ledger.no(&ana(), report("fix-1", 2, "done-already", PASSED)).code, Code::Conflict);
    assert_eq!(ledger.no(&bo(), report("fix-1", 1, "done-already", PASSED)).code, Code::Conflict);
    ledger.ok(&ana(), report("fix-1", 1, "done-already", FAILED));
    assert!(ledger.ok(&ana(), report("fix-1", 1, "done-already", FAILED)).is_empty(), "said again");
}

#[test]
fn a_second_hand_gets_no_lent_step() {
    let mut ledger = walking(whole());
    ledger.ok(&ana(), take("fix-1", 1));
    assert_eq!(ledger.no(&bo(), take("fix-1", 2)).code, Code::Conflict);
    assert_eq!(ledger.no(&bo(), attach("fix-1", 1, None)).code, Code::Conflict);
}

#[test]
fn an_override_goes_on_behind_the_check_and_a_later_failure_can_be_retried() {
    let mut ledger = walking(whole());
    run(&mut ledger, &ana(), "fix-1", 1, &[("done-already", FAILED), ("healthy", FAILED)]);
    assert_eq!(ledger.step("fix-1").status, StepStatus::Failed);
    let events = ledger.ok(&ana(), deviate("fix-1", Deviate::Override));
    assert_eq!(deviations(&events), [DeviationKind::Override]);
    run(&mut ledger, &ana(), "fix-1", 2, &[("switch", FAILED)]);
    assert_eq!(ledger.step("fix-1").status, StepStatus::Failed);
    let events = run(&mut ledger, &ana(), "fix-1", 3, &[("done-already", FAILED), ("switch", PASSED)]);
    assert_eq!(deviations(&events), [DeviationKind::RetryBeyondLimit]);
    blocks(&mut ledger, &ana(), "fix-1", 3, &[("good", PASSED), ("text", PASSED)]);
    assert_eq!(ledger.step("fix-1").status, StepStatus::Done);
}

#[test]
fn an_override_of_the_last_block_finishes_the_step() {
    let mut ledger = walking(whole());
    run(&mut ledger, &ana(), "fix-1", 1, &[("done-already", PASSED), ("good", PASSED), ("text", FAILED)]);
    ledger.ok(&ana(), deviate("fix-1", Deviate::Override));
    assert_eq!(ledger.step("fix-1").status, StepStatus::Done);
    assert_eq!(ledger.no(&ana(), deviate("fix-1", Deviate::Override)).code, Code::Conflict);
}

#[test]
fn an_override_asks_as_much_as_the_risk() {
    let sure = |what: Confirmation| match deviate("s", Deviate::Override) {
        WalkCommand::Deviate { walk, step, what: by, code, host, .. } => {
            WalkCommand::Deviate { walk, step, what: by, code, confirm: what, host }
        }
        other => other,
    };
    let typed = |name: &str| Confirmation::Typed(name.into());
    let table = [
        (Risk::Low, Confirmation::Enter, true),
        (Risk::High, Confirmation::Enter, false),
        (Risk::High, Confirmation::Second, true),
        (Risk::Irreversible, Confirmation::Second, false),
        (Risk::Irreversible, typed("other"), false),
        (Risk::Irreversible, typed("s"), true),
    ];
    for (risk, said, accepted) in table {
        let mut act = block("act", Run);
        act.risk = risk;
        let mut ledger =
            walking(runbook(vec![section("a", vec![step("s", vec![block("look", Check), act])])]));
        let taken = ledger.ask(&ana(), take_as("s", 1, said.clone(), false, false));
        assert_eq!(taken.is_ok(), accepted, "take {risk:?} {said:?}");
        if taken.is_err() {
            ledger.ok(&ana(), take_as("s", 1, typed("s"), false, false));
        }
        blocks(&mut ledger, &ana(), "s", 1, &[("look", FAILED)]);
        let done = ledger.ask(&ana(), sure(said.clone()));
        assert_eq!(done.is_ok(), accepted, "override {risk:?} {said:?}");
    }
}

#[test]
fn what_a_failure_does() {
    let of = |onfail: OnFail| {
        let mut act = block("act", Run);
        act.onfail = onfail;
        let steps = vec![step("s", vec![act, block("look", Verify), block("back", Undo)])];
        let mut ledger =
            walking(runbook(vec![section("a", steps), section("b", vec![step("other", vec![])])]));
        run(&mut ledger, &ana(), "s", 1, &[("act", FAILED)]);
        ledger
    };
    let mut ledger = of(OnFail::Continue);
    blocks(&mut ledger, &ana(), "s", 1, &[("look", PASSED)]);
    assert_eq!(ledger.step("s").status, StepStatus::Done);

    let ledger = of(OnFail::Goto("b".into()));
    assert_eq!((ledger.step("s").status, ledger.at()), (StepStatus::Failed, Some("other")));

    let ledger = of(OnFail::Stop);
    assert_eq!((ledger.step("s").status, ledger.at()), (StepStatus::Failed, Some("s")));

    for undone in [PASSED, FAILED] {
        let mut ledger = of(OnFail::Undo);
        assert_eq!(ledger.step("s").status, StepStatus::Lent);
        blocks(&mut ledger, &ana(), "s", 1, &[("back", undone)]);
        assert_eq!(ledger.step("s").status, StepStatus::Failed);
        run(&mut ledger, &ana(), "s", 2, &[("act", PASSED), ("look", PASSED)]);
        assert_eq!(ledger.step("s").status, StepStatus::Done);
    }
}

#[test]
fn an_undo_that_failed_can_be_tried_again() {
    let mut ledger = walking(whole());
    run(
        &mut ledger,
        &ana(),
        "fix-1",
        1,
        &[("done-already", FAILED), ("healthy", PASSED), ("switch", PASSED)],
    );
    blocks(&mut ledger, &ana(), "fix-1", 1, &[("good", FAILED)]);
    ledger.ok(&ana(), undo("fix-1", 2));
    ledger.ok(&ana(), attach("fix-1", 2, None));
    blocks(&mut ledger, &ana(), "fix-1", 2, &[("back", FAILED)]);
    assert_eq!(ledger.step("fix-1").status, StepStatus::Failed);
    ledger.ok(&ana(), undo("fix-1", 3));
    ledger.ok(&ana(), attach("fix-1", 3, None));
    blocks(&mut ledger, &ana(), "fix-1", 3, &[("back", PASSED)]);
    let state = ledger.step("fix-1");
    assert_eq!((state.status, state.results.len(), state.lease), (StepStatus::Todo, 0, None));
}

#[test]
fn after_a_failed_undo_nothing_counts_as_done() {
    let mut ledger = walking(runbook(vec![section(
        "a",
        vec![step("s", vec![block("act", Run), block("back", Undo)]), step("t", vec![])],
    )]));
    run(&mut ledger, &ana(), "s", 1, &[("act", PASSED)]);
    ledger.ok(&ana(), undo("s", 2));
    ledger.ok(&ana(), attach("s", 2, None));
    blocks(&mut ledger, &ana(), "s", 2, &[("back", FAILED)]);
    ledger.ok(&ana(), take("s", 3));
    ledger.ok(&ana(), attach("s", 3, None));
    assert_eq!(ledger.step("s").status, StepStatus::Lent, "it must run again to be done");
}

#[test]
fn once_means_once_until_somebody_insists() {
    let mut act = block("act", Run);
    act.once = true;
    let book = || runbook(vec![section("a", vec![step("s", vec![act.clone(), block("look", Verify)])])]);
    let mut ledger = walking(book());
    run(&mut ledger, &ana(), "s", 1, &[("act", FAILED)]);
    assert_eq!(ledger.no(&ana(), take("s", 2)).code, Code::NeedsMore);
    assert_eq!(deviations(&ledger.ok(&ana(), again("s", 3))), [DeviationKind::RetryBeyondLimit]);

    let mut ledger = walking(book());
    run(&mut ledger, &ana(), "s", 1, &[("act", PASSED), ("look", FAILED)]);
    assert_eq!(deviations(&run(&mut ledger, &ana(), "s", 2, &[("look", PASSED)])), []);
    assert_eq!(ledger.step("s").begun["act"], 1);
}

#[test]
fn retries_within_the_limit_are_no_deviation() {
    let mut act = block("act", Run);
    act.retry = Some(Retry { attempts: 2, every: Span::secs(1) });
    let mut ledger = walking(runbook(vec![section("a", vec![step("s", vec![act])])]));
    assert_eq!(deviations(&run(&mut ledger, &ana(), "s", 1, &[("act", FAILED)])), []);
    assert_eq!(deviations(&run(&mut ledger, &ana(), "s", 2, &[("act", FAILED)])), []);
    let third = run(&mut ledger, &ana(), "s", 3, &[("act", PASSED)]);
    assert_eq!(deviations(&third), [DeviationKind::RetryBeyondLimit]);
}

#[test]
fn a_finished_step_runs_again_only_when_told() {
    let mut ledger = walking(whole());
    run(&mut ledger, &ana(), "fix-1", 1, &[("done-already", PASSED), ("good", PASSED), ("text", PASSED)]);
    assert_eq!(ledger.no(&ana(), take("fix-1", 2)).code, Code::Conflict);
    ledger.ok(&ana(), again("fix-1", 3));
    assert_eq!(ledger.step("fix-1").results, []);
}

#[test]
fn a_timeout_records_itself() {
    let mut act = block("act", Run);
    act.timeout = Some(Span::secs(60));
    let mut ledger = walking(runbook(vec![section("a", vec![step("s", vec![act])])]));
    ledger.ok(&ana(), take("s", 1));
    ledger.ok(&ana(), intend("s", 1, "act"));
    let events = ledger.ok(&ana(), report("s", 1, "act", BlockResult::TimedOut));
    assert_eq!(deviations(&events), [DeviationKind::Timeout]);
    assert_eq!(ledger.state.owed(crate::domain::id::IncidentId(1)), 1);
}

#[test]
fn only_what_a_block_captures_becomes_an_input() {
    let mut act = block("act", Run);
    act.capture = Some("GOOD".into());
    let mut ledger = walking(runbook(vec![section("a", vec![step("s", vec![act, block("more", Run)])])]));
    ledger.ok(&ana(), take("s", 1));
    for (name, kept) in [("PATH", None), ("GOOD", Some("2.4.1"))] {
        ledger.ok(&ana(), intend("s", 1, "act"));
        let mut done = ended("act", PASSED);
        done.captured = Some((name.into(), "2.4.1".into()));
        let WalkCommand::Report { walk, step, hand, carry, .. } = report("s", 1, "act", PASSED) else {
            return;
        };
        ledger.ok(&ana(), WalkCommand::Report { walk, step, hand, done, carry });
        assert_eq!(ledger.state.walks[&WalkId(1)].inputs.get(name).map(String::as_str), kept);
        ledger.ok(&Actor::room(), crate::domain::testing::lost("s", 1));
        ledger.ok(&ana(), again("s", 1));
    }
}
