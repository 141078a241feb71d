//! What people do by key: tick, choose, skip, wait.

use super::*;
use crate::domain::{
    deviation::ReasonCode,
    id::IncidentId,
    plan::{BlockKind, By, Choice, Ending, Lead, SectionRole},
    refusal::Code,
    testing::{block, bo, runbook, section, step},
    time::Span,
    walk::{Deviate, How, StepStatus},
};

fn decide(choices: &[(&str, &str)]) -> crate::domain::plan::Step {
    let mut one = step("which", vec![]);
    let choices = choices.iter().map(|(label, to)| Choice { label: (*label).into(), to: (*to).into() });
    one.lead = Some(Lead::Decide(choices.collect()));
    one
}

fn choose(label: &str) -> WalkCommand {
    WalkCommand::Choose { walk: WalkId(1), step: "which".into(), label: label.into() }
}

fn steps(names: &[&str]) -> Vec<crate::domain::plan::Step> {
    names.iter().map(|name| step(name, vec![])).collect()
}

#[test]
fn deviations_by_key() {
    let table = [
        (false, Deviate::Skip, vec![DeviationKind::Skip], How::Skipped),
        (true, Deviate::Skip, vec![DeviationKind::Skip], How::Skipped),
        (false, Deviate::NotApplicable, vec![DeviationKind::Skip], How::Skipped),
        (true, Deviate::NotApplicable, vec![], How::NotApplicable),
        (false, Deviate::Manual, vec![DeviationKind::Manual], How::Manual),
    ];
    for (conditional, what, kinds, how) in table {
        let mut first = step("s", vec![block("act", BlockKind::Run)]);
        first.conditional = conditional;
        let mut ledger = walking(runbook(vec![section("a", vec![first, step("t", vec![])])]));
        let events = ledger.ok(&ana(), deviate("s", what));
        assert_eq!(deviations(&events), kinds, "{conditional} {what:?}");
        assert_eq!(ledger.step("s").done.unwrap().how, how);
        assert_eq!(ledger.at(), Some("t"));
        assert_eq!(ledger.no(&ana(), deviate("s", what)).code, Code::Conflict);
    }
}

#[test]
fn acting_out_of_turn_is_marked_and_not_prevented() {
    let mut ledger = walking(runbook(vec![section("a", steps(&["s", "t", "u"]))]));
    assert_eq!(deviations(&ledger.ok(&ana(), confirm("t"))), [DeviationKind::Reorder]);
    assert_eq!(ledger.at(), Some("s"));
    assert_eq!(deviations(&ledger.ok(&ana(), confirm("s"))), []);
    assert_eq!(ledger.at(), Some("u"), "t is done already");
    assert!(ledger.ok(&ana(), confirm("s")).is_empty(), "ticked twice");
}

#[test]
fn a_reason_may_be_owed_and_other_needs_words() {
    let mut ledger = walking(runbook(vec![section("a", steps(&["s", "t"]))]));
    let coded = |step: &str, code: ReasonCode| match deviate(step, Deviate::Skip) {
        WalkCommand::Deviate { walk, step, what, confirm, host, .. } => {
            WalkCommand::Deviate { walk, step, what, code: Some(code), confirm, host }
        }
        other => other,
    };
    ledger.ok(&ana(), coded("s", ReasonCode::FasterFix));
    assert_eq!(ledger.state.owed(IncidentId(1)), 0);
    ledger.ok(&ana(), coded("t", ReasonCode::Other));
    assert_eq!(ledger.state.owed(IncidentId(1)), 1);
}

#[test]
fn a_block_that_runs_by_itself_is_not_ticked_and_a_derived_one_is() {
    for (annotated, accepted) in [(true, false), (false, true)] {
        let mut act = block("act", BlockKind::Run);
        act.annotated = annotated;
        let mut ledger = walking(runbook(vec![section("a", vec![step("s", vec![act])])]));
        assert_eq!(ledger.ask(&ana(), confirm("s")).is_ok(), accepted);
    }
    let mut act = block("act", BlockKind::Run);
    act.annotated = false;
    let mut ledger = walking(runbook(vec![section("a", vec![step("s", vec![act])])]));
    ledger.ok(&ana(), take("s", 1));
    ledger.ok(&ana(), intend("s", 1, "act"));
    assert_eq!(ledger.no(&ana(), confirm("s")).code, Code::Conflict, "it is running");
}

#[test]
fn a_confirmation_asks_for_its_role() {
    let mut one = step("s", vec![]);
    one.lead = Some(Lead::Confirm(By { roles: vec!["ops".into()], ..By::default() }));
    let mut ledger = walking(runbook(vec![section("a", vec![one])]));
    let role = |who: &str| crate::domain::incident::IncidentCommand::Role {
        incident: IncidentId(1),
        role: "operations".into(),
        who: who.into(),
    };
    ledger.ok(&ana(), role("cy"));
    assert_eq!(ledger.no(&bo(), confirm("s")).code, Code::Forbidden);
    ledger.ok(&ana(), role("bo"));
    ledger.ok(&bo(), confirm("s"));
}

#[test]
fn branches_end_and_nothing_falls_from_one_into_another() {
    let book = |ending: Option<Ending>| {
        let mut back = section("back", steps(&["b"]));
        back.ending = ending;
        let mut deeper = section("deeper", steps(&["d"]));
        deeper.level = 3;
        let start = section("start", vec![decide(&[("yes", "back"), ("no", "down")])]);
        runbook(vec![start, back, section("down", steps(&["n"])), deeper, section("after", steps(&["z"]))])
    };
    for (ending, complete) in [(Ending::End, true), (Ending::Stop, false)] {
        let mut ledger = walking(book(Some(ending)));
        assert_eq!(ledger.no(&ana(), choose("maybe")).code, Code::Invalid);
        assert_eq!(ledger.no(&ana(), confirm("which")).code, Code::NeedsMore);
        ledger.ok(&ana(), choose("Yes"));
        assert_eq!(ledger.at(), Some("b"));
        ledger.ok(&ana(), confirm("b"));
        assert_eq!(ledger.state.walks[&WalkId(1)].ended.as_ref().map(|end| end.complete), Some(complete));
        assert_eq!(ledger.at(), None);
        assert_eq!(ledger.no(&ana(), confirm("n")).code, Code::Conflict);
    }
    let mut ledger = walking(book(None));
    ledger.ok(&ana(), choose("yes"));
    ledger.ok(&ana(), confirm("b"));
    assert_eq!(ledger.at(), Some("z"), "past the other branch and what is under it");
    let mut ledger = walking(book(None));
    ledger.ok(&ana(), choose("no"));
    ledger.ok(&ana(), confirm("n"));
    assert_eq!(ledger.at(), Some("d"));
}

#[test]
fn sections_follow_each_other_and_context_is_only_read() {
    let mut context = section("meaning", steps(&["c"]));
    context.role = SectionRole::Context;
    let mut references = section("references", steps(&["r"]));
    references.role = SectionRole::Context;
    let mut ledger =
        walking(runbook(vec![context, section("a", steps(&["s"])), references, section("b", steps(&["t"]))]));
    assert_eq!(ledger.at(), Some("s"));
    ledger.ok(&ana(), confirm("s"));
    assert_eq!(ledger.at(), Some("t"));
    ledger.ok(&ana(), confirm("t"));
    assert!(ledger.state.walks[&WalkId(1)].ended.as_ref().is_some_and(|end| end.complete));
}

#[test]
fn going_back_opens_again() {
    let fix = section("fix", vec![step("s", vec![block("act", BlockKind::Run)])]);
    let look = section("look", vec![decide(&[("not yet", "fix"), ("good", "end")])]);
    let mut ledger = walking(runbook(vec![fix, look, section("end", steps(&["e"]))]));
    for hand in 1..4 {
        assert_eq!(deviations(&run(&mut ledger, &ana(), "s", hand, &[("act", PASSED)])), []);
        assert_eq!(ledger.at(), Some("which"));
        ledger.ok(&ana(), choose("not yet"));
        assert_eq!((ledger.at(), ledger.step("s").status), (Some("s"), StepStatus::Todo));
    }
}

#[test]
fn a_wait_ends_by_itself_or_early_as_a_deviation() {
    let book = || {
        let mut wait = step("w", vec![]);
        wait.lead = Some(Lead::Wait(Some(Span::mins(2))));
        runbook(vec![section("a", vec![step("s", vec![]), wait, step("t", vec![])])])
    };
    let mut ledger = walking(book());
    ledger.pass(Span::mins(10));
    assert_eq!(ledger.at(), Some("s"));
    ledger.ok(&ana(), confirm("s"));
    ledger.pass(Span::millis(119_999));
    assert_eq!(ledger.at(), Some("w"));
    ledger.pass(Span::millis(1));
    assert_eq!((ledger.at(), ledger.step("w").done.unwrap().how), (Some("t"), How::Waited));

    let mut ledger = walking(book());
    ledger.ok(&ana(), confirm("s"));
    ledger.pass(Span::secs(30));
    assert_eq!(deviations(&ledger.ok(&ana(), confirm("w"))), [DeviationKind::Skip]);
}
