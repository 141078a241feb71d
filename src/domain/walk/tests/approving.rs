//! Whose approval counts, for what, and for how long.

use super::*;
use crate::domain::{
    Command,
    id::Digest,
    plan::{Approval, BlockKind, By, Lead},
    refusal::Code,
    testing::{block, bo, cy, runbook, section, step},
    time::Span,
    walk::{Glass, StepStatus},
};
use BlockKind::{Check, Run};

fn gated(roles: &[&str], n: u8) -> Runbook {
    let mut act = step("s", vec![block("look", Check), block("act", Run)]);
    let roles = roles.iter().map(|&role| role.to_owned()).collect();
    act.approval = Some(Approval { text: "put it back".into(), by: By { roles, n, within: None } });
    let mut book = runbook(vec![section("a", vec![act, step("t", vec![])])]);
    let input = |name: &str| crate::domain::plan::Input {
        name: name.into(),
        default: Some("x".into()),
        ..crate::domain::plan::Input::default()
    };
    book.front.inputs = vec![input("GOOD")];
    book
}

/// Ana has taken the step and its check has passed: an approval is asked for.
fn asked(roles: &[&str], n: u8) -> Ledger {
    asked_by(gated(roles, n))
}

fn asked_by(book: Runbook) -> Ledger {
    let mut ledger = walking(book);
    ledger.ok(&ana(), take("s", 1));
    ledger.ok(&ana(), attach("s", 1, Some(1)));
    ledger.ok(&ana(), intend("s", 1, "look"));
    let WalkCommand::Report { walk, step, hand, done, .. } = report("s", 1, "look", PASSED) else {
        return ledger;
    };
    ledger.ok(&ana(), WalkCommand::Report { walk, step, hand, done, carry: Some(Digest([1; 32])) });
    assert_eq!(ledger.no(&ana(), intend("s", 1, "act")).code, Code::Conflict);
    ledger
}

fn digest(ledger: &Ledger) -> Digest {
    ledger.step("s").asked.map(|asked| asked.digest).unwrap()
}

fn approve(ledger: &Ledger) -> WalkCommand {
    WalkCommand::Approve { walk: WalkId(1), step: "s".into(), digest: digest(ledger), glass: None }
}

fn glass(ledger: &Ledger, typed: &str, reason: &str) -> WalkCommand {
    let glass = Some(Glass { typed: typed.into(), reason: reason.into() });
    WalkCommand::Approve { walk: WalkId(1), step: "s".into(), digest: digest(ledger), glass }
}

fn runs(ledger: &mut Ledger) -> bool {
    ledger.ask(&ana(), intend("s", 1, "act")).is_ok()
}

#[test]
fn another_person_approves() {
    let mut ledger = asked(&[], 1);
    let yes = approve(&ledger);
    assert_eq!(ledger.no(&ana(), yes.clone()).code, Code::Forbidden, "the requester");
    assert_eq!(ledger.no(&Actor::user("ana2", 1001), yes.clone()).code, Code::Forbidden, "the same uid");
    assert_eq!(ledger.no(&Actor::token("bo"), yes.clone()).code, Code::Forbidden, "a token");
    assert_eq!(ledger.no(&Actor::room(), yes.clone()).code, Code::Forbidden, "the room");
    assert!(!runs(&mut ledger));
    ledger.ok(&bo(), yes);
    assert!(runs(&mut ledger));
}

#[test]
fn two_approvals_are_of_two_people() {
    let mut ledger = asked(&[], 2);
    let yes = approve(&ledger);
    ledger.ok(&bo(), yes.clone());
    assert!(ledger.ok(&bo(), yes.clone()).is_empty(), "twice the same person");
    assert!(!runs(&mut ledger));
    ledger.ok(&cy(), yes);
    assert!(runs(&mut ledger));
}

#[test]
fn a_role_approves() {
    let mut ledger = asked(&["ic"], 1);
    let yes = approve(&ledger);
    assert_eq!(ledger.no(&bo(), yes.clone()).code, Code::Forbidden);
    crate::domain::testing::hand_over(&mut ledger, &bo());
    ledger.ok(&bo(), yes);
    assert!(runs(&mut ledger));
}

#[test]
fn any_change_voids_it_and_asks_anew() {
    let input = WalkCommand::SetInput { walk: WalkId(1), name: "GOOD".into(), value: "2.4.0".into() };
    let edit = WalkCommand::Edit {
        walk: WalkId(1),
        step: "s".into(),
        block: "act".into(),
        code: "do something else".into(),
    };
    for (what, change) in [("input", input), ("edit", edit), ("carry", attach("s", 1, Some(2)))] {
        for given in [false, true] {
            let mut ledger = asked(&[], 1);
            let old = approve(&ledger);
            if given {
                ledger.ok(&bo(), old.clone());
            }
            ledger.ok(&ana(), change.clone());
            assert!(!runs(&mut ledger), "{what} {given}");
            assert_eq!(ledger.no(&bo(), old).code, Code::Conflict, "{what} {given}");
            let new = approve(&ledger);
            ledger.ok(&bo(), new);
            assert!(runs(&mut ledger), "{what} {given}");
        }
    }
}

#[test]
fn a_rejection_gives_the_step_back() {
    let mut ledger = asked(&[], 1);
    let no = |reason: &str| WalkCommand::Reject { walk: WalkId(1), step: "s".into(), reason: reason.into() };
    assert_eq!(ledger.no(&bo(), no(" ")).code, Code::Invalid);
    ledger.ok(&bo(), no("not now"));
    assert_eq!(ledger.step("s").status, StepStatus::Todo);
    assert!(!runs(&mut ledger));
    assert_eq!(ledger.no(&bo(), no("again")).code, Code::Conflict);
    run(&mut ledger, &ana(), "s", 2, &[("look", PASSED)]);
    assert!(ledger.step("s").asked.is_some(), "looked anew, asked anew");
}

#[test]
fn an_approval_does_not_outlive_its_attempt() {
    let mut ledger = asked(&[], 1);
    let yes = approve(&ledger);
    ledger.ok(&bo(), yes);
    ledger.ok(&ana(), intend("s", 1, "act"));
    ledger.ok(&Actor::room(), crate::domain::testing::lost("s", 1));
    ledger.ok(&bo(), WalkCommand::TakeOver { walk: WalkId(1), step: "s".into(), reason: "gone".into() });
    run(&mut ledger, &ana(), "s", 1, &[("look", PASSED)]);
    assert!(!runs(&mut ledger));
    let new = approve(&ledger);
    ledger.ok(&bo(), new);
    assert!(runs(&mut ledger));
}

#[test]
fn alone_one_breaks_the_glass() {
    let mut ledger = asked(&["dba"], 2);
    for (typed, reason) in [("", "nobody answers"), ("S", "nobody answers"), ("s", " ")] {
        let wrong = glass(&ledger, typed, reason);
        ledger.no(&ana(), wrong);
    }
    assert!(!runs(&mut ledger));
    let right = glass(&ledger, "s", "nobody answers");
    let events = ledger.ok(&ana(), right);
    assert_eq!(deviations(&events), [DeviationKind::BrokenGlass]);
    assert_eq!(ledger.state.deviations.values().next().unwrap().what.authorised_by, "self, emergency");
    assert!(runs(&mut ledger));
}

fn plain() -> Ledger {
    let mut only = step("s", vec![]);
    only.lead = Some(Lead::Approve(By::default()));
    let mut ledger = walking(runbook(vec![section("a", vec![only, step("t", vec![])])]));
    assert_eq!(ledger.no(&ana(), confirm("s")).code, Code::NeedsMore);
    ledger.ok(&ana(), take("s", 1));
    ledger
}

#[test]
fn an_approval_of_the_way_on_finishes_its_step() {
    let mut ledger = plain();
    let yes = approve(&ledger);
    ledger.no(&ana(), yes.clone());
    ledger.ok(&bo(), yes);
    assert_eq!((ledger.step("s").status, ledger.at()), (StepStatus::Done, Some("t")));

    let mut ledger = plain();
    let broken = glass(&ledger, "s", "alone");
    ledger.ok(&ana(), broken);
    assert_eq!((ledger.step("s").status, ledger.at()), (StepStatus::Done, Some("t")));
}

#[test]
fn a_tick_does_not_pass_by_an_approval() {
    let mut by_hand = step("s", vec![]);
    by_hand.approval = Some(Approval { text: "pull the plug".into(), by: By::default() });
    let mut ledger = walking(runbook(vec![section("a", vec![by_hand])]));
    assert_eq!(ledger.no(&ana(), confirm("s")).code, Code::NeedsMore);
    ledger.ok(&ana(), take("s", 1));
    let yes = approve(&ledger);
    ledger.ok(&bo(), yes);
    assert_eq!(ledger.step("s").status, StepStatus::Lent, "approved is not done");
    ledger.ok(&ana(), confirm("s"));
    assert_eq!(ledger.step("s").status, StepStatus::Done);
}

#[test]
fn nothing_is_approved_that_was_not_asked() {
    let mut ledger = walking(gated(&[], 1));
    let command: Command =
        WalkCommand::Approve { walk: WalkId(1), step: "s".into(), digest: Digest::ZERO, glass: None }.into();
    assert_eq!(ledger.no(&bo(), command).code, Code::Conflict);
}

/// Deviations by kind, as they were recorded.
fn kinds(ledger: &Ledger) -> Vec<(crate::domain::deviation::DeviationKind, String)> {
    let all = ledger.state.deviations.values();
    all.map(|one| (one.what.kind, format!("{}, {}", one.what.expected, one.what.actual))).collect()
}

#[test]
fn an_approval_that_comes_late_counts_and_is_a_deviation() {
    for (waits, late) in [(299, false), (301, true)] {
        let mut book = gated(&[], 2);
        for step in book.sections.iter_mut().flat_map(|section| &mut section.steps) {
            if let Some(approval) = &mut step.approval {
                approval.by.within = Some(Span::mins(5));
            }
        }
        let mut ledger = asked_by(book);
        let yes = approve(&ledger);
        ledger.ok(&bo(), yes.clone());
        ledger.pass(Span::secs(waits));
        ledger.ok(&cy(), yes);
        assert!(runs(&mut ledger));
        let told = vec![(
            crate::domain::deviation::DeviationKind::Timeout,
            "approval within 5m, approved after 5m01s".to_owned(),
        )];
        assert_eq!(kinds(&ledger), if late { told } else { Vec::new() });
    }
}

#[test]
fn a_confirmation_that_comes_late_counts_and_is_a_deviation() {
    for (waits, late) in [(60, 0), (61, 1)] {
        let mut said = step("s", vec![]);
        said.lead = Some(Lead::Confirm(By { within: Some(Span::mins(1)), ..By::default() }));
        let mut ledger = walking(runbook(vec![section("a", vec![said, step("t", vec![])])]));
        ledger.pass(Span::secs(waits));
        ledger.ok(&ana(), WalkCommand::Confirm { walk: WalkId(1), step: "s".into(), seen: String::new() });
        assert_eq!(ledger.step("s").status, StepStatus::Done);
        assert_eq!(kinds(&ledger).len(), late, "{:?}", kinds(&ledger));
    }
}
