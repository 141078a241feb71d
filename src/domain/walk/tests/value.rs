//! Inputs and placeholders: what may stand in a command.

use super::*;
use crate::domain::{
    plan::{BlockKind, Input},
    refusal::Code,
    testing::{block, runbook, section, step},
};

fn book() -> Runbook {
    let mut act = block("act", BlockKind::Run);
    act.code = "kubectl -n <namespace> get pods".into();
    act.placeholders = vec!["namespace".into()];
    let mut book = runbook(vec![section("a", vec![step("s", vec![act])])]);
    let input = |name: &str| Input { name: name.into(), ..Input::default() };
    book.front.inputs = vec![
        Input { choices: vec!["checkout".into(), "payments".into()], ..input("SERVICE") },
        Input { pattern: Some("[0-9a-z.-]+".into()), ..input("GOOD") },
        Input { secret: true, ..input("TOKEN") },
        Input { default: Some("5".into()), ..input("COUNT") },
        Input { pattern: Some("(".into()), default: Some("x".into()), ..input("BROKEN") },
        Input { from: Some("date".into()), ..input("WHEN") },
    ];
    book
}

fn set(name: &str, value: &str) -> WalkCommand {
    WalkCommand::SetInput { walk: WalkId(1), name: name.into(), value: value.into() }
}

#[test]
fn a_title_is_read_with_the_values_that_are_known() {
    let value = |name: &str| match name {
        "GOOD" => Some("2.4.0"),
        "ODD" => Some("`GOOD`"),
        "EMPTY" => Some(""),
        _ => None,
    };
    for (title, read) in [
        ("Put `GOOD` back", "Put 2.4.0 back"),
        ("Put `$GOOD` or `${GOOD}` or `<GOOD>` back", "Put 2.4.0 or 2.4.0 or 2.4.0 back"),
        ("Ask `curl` for `NEXT`, `EMPTY`", "Ask `curl` for `NEXT`, `EMPTY`"),
        ("`ODD` is not read twice", "`GOOD` is not read twice"),
        ("GOOD, and an `open end", "GOOD, and an `open end"),
        ("``", "``"),
    ] {
        assert_eq!(crate::domain::walk::filled(title, value), read);
    }
}

#[test]
fn values_are_held_against_what_the_runbook_says() {
    let mut ledger = walking(book());
    let table = [
        ("SERVICE", "checkout", true),
        ("SERVICE", "Checkout", false),
        ("SERVICE", "", false),
        ("GOOD", "2.4.1", true),
        ("GOOD", "2.4.1\nrm", false),
        ("GOOD", "2.4.1;", false),
        ("GOOD", "", false),
        ("BROKEN", "x", false),
        ("COUNT", "any thing; here $(it) is env", true),
        ("COUNT", "a\0b", false),
        ("NOTHING", "x", false),
        ("namespace", "prod-1/a.b:c@d%e+f=g,h", true),
        ("namespace", "", false),
        ("namespace", "a b", false),
        ("namespace", "$(reboot)", false),
        ("namespace", "a;b", false),
        ("namespace", "a\nb", false),
        ("namespace", "a'b", false),
        ("namespace", "<x>", false),
        ("namespace", "naïve", false),
    ];
    for (name, value, accepted) in table {
        assert_eq!(ledger.ask(&ana(), set(name, value)).is_ok(), accepted, "{name} {value:?}");
    }
    assert!(ledger.ok(&ana(), set("GOOD", "2.4.1")).is_empty(), "nothing changes");
}

#[test]
fn a_secret_is_never_kept() {
    let mut ledger = walking(book());
    assert!(ledger.ok(&ana(), set("TOKEN", "hunter2")).is_empty());
    assert!(!format!("{:?}", ledger.events).contains("hunter2"));
}

#[test]
fn a_step_waits_for_its_values() {
    let mut ledger = walking(book());
    let missing = |ledger: &Ledger| {
        let walk = &ledger.state.walks[&WalkId(1)];
        walk.missing(walk.runbook.step("s").unwrap())
    };
    assert_eq!(missing(&ledger), ["SERVICE", "GOOD", "namespace"]);
    assert_eq!(ledger.no(&ana(), take("s", 1)).code, Code::NeedsMore);
    ledger.ok(&ana(), set("SERVICE", "checkout"));
    ledger.ok(&ana(), set("GOOD", "2.4.1"));
    let edit = |code: &str| WalkCommand::Edit {
        walk: WalkId(1),
        step: "s".into(),
        block: "act".into(),
        code: code.into(),
    };
    ledger.ok(&ana(), edit("kubectl -n <namespace> get pods -o wide"));
    assert_eq!(missing(&ledger), ["namespace"], "an edit that leaves it open fills nothing");
    let events = ledger.ok(&ana(), edit("kubectl get pods"));
    assert_eq!(deviations(&events), [DeviationKind::Edit]);
    ledger.ok(&ana(), take("s", 1));
}

#[test]
fn an_edit_is_told_by_its_difference() {
    let mut ledger = walking(book());
    let edit = |block: &str, code: &str| WalkCommand::Edit {
        walk: WalkId(1),
        step: "s".into(),
        block: block.into(),
        code: code.into(),
    };
    assert_eq!(ledger.no(&ana(), edit("other", "x")).code, Code::Unknown);
    assert_eq!(ledger.no(&ana(), edit("act", "a\0b")).code, Code::Invalid);
    assert_eq!(ledger.no(&ana(), edit("act", &"x".repeat(70_000))).code, Code::Invalid);
    assert!(ledger.ok(&ana(), edit("act", "kubectl -n <namespace> get pods")).is_empty());
    let events = ledger.ok(&ana(), edit("act", "kubectl get pods"));
    let Fact::Walk(super::super::WalkFact::Edited { diff, .. }) = &events[0].fact else { panic!() };
    assert_eq!(diff, "-kubectl -n <namespace> get pods\n+kubectl get pods");
}

#[test]
fn names_are_unique_or_the_walk_does_not_begin() {
    let twice = [
        vec![step("s", vec![]), step("s", vec![])],
        vec![step("s", vec![block("act", BlockKind::Run)]), step("t", vec![block("act", BlockKind::Guard)])],
    ];
    for steps in twice {
        let mut ledger = Ledger::with_incident();
        assert_eq!(ledger.no(&ana(), start(runbook(vec![section("a", steps)]))).code, Code::Invalid);
    }
    let mut ledger = Ledger::with_incident();
    assert_eq!(ledger.no(&ana(), start(runbook(vec![]))).code, Code::Invalid);
}
