//! Steps of the background: others go on beside them, and a section waits for all of its steps.

use super::*;
use crate::domain::{
    plan::{Approval, BlockKind, By, Choice, Ending, Lead},
    refusal::Code,
    testing::{block, bo, cy, runbook, section, step},
    walk::StepStatus,
};

fn background(id: &str) -> crate::domain::plan::Block {
    let mut block = block(id, BlockKind::Run);
    block.background = true;
    block
}

/// Two restores, the first in the background, and a look at both in the next section.
fn book() -> Runbook {
    let back = section(
        "restore",
        vec![
            step("east", vec![background("east")]),
            step("west", vec![block("west", BlockKind::Run)]),
            step("north", vec![block("north", BlockKind::Run)]),
        ],
    );
    runbook(vec![back, section("look", vec![step("seen", vec![block("seen", BlockKind::Check)])])])
}

fn statuses(ledger: &Ledger) -> Vec<StepStatus> {
    ["east", "west", "north", "seen"].map(|slug| ledger.step(slug).status).to_vec()
}

#[test]
fn two_people_run_two_steps_at_once_and_the_section_waits_for_both() {
    use StepStatus::{Done, Lent, Todo};
    let mut ledger = walking(book());
    let events = ledger.ok(&ana(), take("east", 1));
    assert_eq!(deviations(&events), []);
    assert_eq!(ledger.at(), Some("west"), "the walk goes on beside it");
    ledger.ok(&ana(), attach("east", 1, None));
    ledger.ok(&ana(), intend("east", 1, "east"));
    // In order, so no deviation; and one owner each.
    assert_eq!(ledger.no(&bo(), take("east", 2)).code, Code::Conflict);
    let events = ledger.ok(&bo(), take("west", 2));
    assert_eq!(deviations(&events), []);
    ledger.ok(&bo(), attach("west", 2, None));
    ledger.ok(&bo(), intend("west", 2, "west"));
    assert_eq!(statuses(&ledger), [Lent, Lent, Todo, Todo]);
    assert_eq!(ledger.at(), Some("west"), "what is not of the background is waited for");
    assert_eq!(ledger.no(&ana(), report("west", 2, "west", PASSED)).code, Code::Conflict, "not hers");
    ledger.ok(&bo(), report("west", 2, "west", PASSED));
    run(&mut ledger, &bo(), "north", 3, &[("north", PASSED)]);
    assert_eq!(statuses(&ledger), [Lent, Done, Done, Todo]);
    let walk = &ledger.state.walks[&WalkId(1)];
    assert_eq!(walk.current().map(|step| step.id.as_str()), Some("east"), "the section waits for it");
    ledger.ok(&ana(), report("east", 1, "east", PASSED));
    assert_eq!(ledger.at(), Some("seen"));
    run(&mut ledger, &bo(), "seen", 4, &[("seen", PASSED)]);
    let walk = &ledger.state.walks[&WalkId(1)];
    assert_eq!(walk.ended.as_ref().map(|end| end.complete), Some(true));
    assert_eq!(ledger.state.deviations.len(), 0);
    assert_eq!(ledger.replay(), ledger.state);
}

#[test]
fn what_ends_early_is_not_waited_for() {
    let mut ledger = walking(book());
    run(&mut ledger, &ana(), "east", 1, &[("east", PASSED)]);
    assert_eq!(ledger.at(), Some("west"));
    run(&mut ledger, &ana(), "west", 2, &[("west", PASSED)]);
    run(&mut ledger, &ana(), "north", 3, &[("north", PASSED)]);
    assert_eq!(ledger.at(), Some("seen"));
}

#[test]
fn what_fails_beside_is_come_back_to_before_the_section_is_left() {
    let mut ledger = walking(book());
    run(&mut ledger, &ana(), "east", 1, &[("east", FAILED)]);
    assert_eq!((ledger.at(), ledger.step("east").status), (Some("west"), StepStatus::Failed));
    for (slug, hand) in [("west", 2), ("north", 3)] {
        run(&mut ledger, &bo(), slug, hand, &[(slug, PASSED)]);
    }
    let current = |ledger: &Ledger| ledger.state.walks[&WalkId(1)].current().map(|step| step.id.clone());
    assert_eq!(current(&ledger).as_deref(), Some("east"));
    // Whoever takes it now does nothing out of order; left out, it holds nobody up.
    let events = ledger.ok(&bo(), take("east", 4));
    assert!(!deviations(&events).contains(&DeviationKind::Reorder), "{events:?}");
    ledger.ok(&bo(), WalkCommand::TakeOver { walk: WalkId(1), step: "east".into(), reason: "stuck".into() });
    assert_eq!(current(&ledger).as_deref(), Some("east"));
    ledger.ok(&bo(), deviate("east", crate::domain::walk::Deviate::Skip));
    assert_eq!(ledger.at(), Some("seen"));
}

#[test]
fn an_approval_is_waited_for_before_one_goes_on() {
    let mut book = book();
    let by = By { roles: Vec::new(), n: 1, within: None };
    book.sections[0].steps[0].approval = Some(Approval { text: "restore the east".into(), by });
    let mut ledger = walking(book);
    ledger.ok(&ana(), take("east", 1));
    ledger.ok(&ana(), attach("east", 1, None));
    assert_eq!(ledger.at(), Some("east"));
    let digest = ledger.step("east").asked.unwrap().digest;
    ledger.ok(&bo(), WalkCommand::Approve { walk: WalkId(1), step: "east".into(), digest, glass: None });
    assert_eq!(ledger.at(), Some("west"));
}

#[test]
fn the_end_waits_for_what_was_left_running_behind_a_choice() {
    let mut which = step("which", vec![]);
    which.lead = Some(Lead::Decide(vec![
        Choice { label: "yes".into(), to: "back".into() },
        Choice { label: "no".into(), to: "down".into() },
    ]));
    let mut back = section("back", vec![step("put", vec![block("put", BlockKind::Run)])]);
    back.ending = Some(Ending::End);
    let mut down = section("down", vec![step("stood", vec![])]);
    down.ending = Some(Ending::Stop);
    let first = section("size", vec![step("copy", vec![background("copy")]), which]);
    let mut ledger = walking(runbook(vec![first, back, down]));
    ledger.ok(&ana(), take("copy", 1));
    ledger.ok(&ana(), attach("copy", 1, None));
    ledger.ok(&ana(), intend("copy", 1, "copy"));
    let no = WalkCommand::Choose { walk: WalkId(1), step: "which".into(), label: "no".into() };
    ledger.ok(&cy(), no);
    ledger.ok(&cy(), confirm("stood"));
    let walk = &ledger.state.walks[&WalkId(1)];
    assert!(walk.ended.is_none(), "something still runs");
    assert_eq!(walk.current().map(|step| step.id.as_str()), Some("copy"));
    ledger.ok(&ana(), report("copy", 1, "copy", PASSED));
    let walk = &ledger.state.walks[&WalkId(1)];
    assert_eq!(
        walk.ended.as_ref().map(|end| end.complete),
        Some(false),
        "nothing falls into the other branch"
    );
    assert_eq!(ledger.step("put").status, StepStatus::Todo);
}
