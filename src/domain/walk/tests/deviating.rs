//! All kinds of deviation, each computed from what was prescribed and what was done, its reason owed.

use super::*;
use crate::domain::{
    Command,
    deviation::DeviationCommand,
    id::IncidentId,
    plan::{Approval, BlockKind, By},
    room::RoomFact,
    testing::{block, runbook, section, step},
    walk::{Deviate, Glass},
};
use std::collections::BTreeSet;

fn opened() -> Ledger {
    let mut ledger = Ledger::with_incident();
    let opened =
        RoomFact::Opened { version: "0".into(), host: "bastion".into(), private: true, shares: false };
    ledger.ok(&Actor::room(), Command::Room(opened));
    ledger
}

fn book() -> Runbook {
    let mut gated = step("gated", vec![block("act", BlockKind::Run)]);
    gated.approval = Some(Approval { text: "do it".into(), by: By::default() });
    let one = |id: &str| step(id, vec![block(id, BlockKind::Run)]);
    let steps = vec![step("say", vec![]), one("a"), one("b"), one("c"), gated];
    runbook(vec![section("s", steps)])
}

fn take_on(step: &str, hand: u128, on: &str) -> WalkCommand {
    match take(step, hand) {
        WalkCommand::Take { walk, step, hand, confirm, undo, again, shown, .. } => {
            WalkCommand::Take { walk, step, hand, host: on.into(), confirm, undo, again, shown }
        }
        other => other,
    }
}

#[test]
fn every_kind_is_computed_and_its_reason_is_owed() {
    let mut ledger = opened();
    ledger.ok(&ana(), start(book()));
    ledger.ok(&ana(), deviate("b", Deviate::Manual));
    ledger.ok(&ana(), deviate("say", Deviate::Skip));
    let edit = |code: &str| WalkCommand::Edit {
        walk: WalkId(1),
        step: "a".into(),
        block: "a".into(),
        code: code.into(),
    };
    ledger.ok(&ana(), edit("do a otherwise"));
    ledger.ok(&ana(), take_on("a", 1, "laptop"));
    ledger.ok(&ana(), attach("a", 1, None));
    blocks(&mut ledger, &ana(), "a", 1, &[("a", BlockResult::TimedOut)]);
    ledger.ok(&ana(), deviate("a", Deviate::Override));
    ledger.ok(&ana(), again("a", 2));
    ledger.ok(&ana(), attach("a", 2, None));
    blocks(&mut ledger, &ana(), "a", 2, &[("a", PASSED)]);
    ledger.ok(&ana(), take("gated", 3));
    ledger.ok(&ana(), attach("gated", 3, None));
    let asked = ledger.step("gated").asked.unwrap();
    let glass = Some(Glass { typed: "gated".into(), reason: "alone".into() });
    let alone = WalkCommand::Approve { walk: WalkId(1), step: "gated".into(), digest: asked.digest, glass };
    ledger.ok(&ana(), alone);
    let unlisted = DeviationCommand::Unlisted {
        incident: IncidentId(1),
        actual: "restarted the cache".into(),
        host: "laptop".into(),
        code: None,
    };
    ledger.ok(&ana(), Command::Deviation(unlisted));
    let kinds: BTreeSet<_> = ledger.state.deviations.values().map(|one| one.what.kind).collect();
    let all = BTreeSet::from([
        DeviationKind::Skip,
        DeviationKind::Reorder,
        DeviationKind::Edit,
        DeviationKind::Manual,
        DeviationKind::Override,
        DeviationKind::Timeout,
        DeviationKind::RetryBeyondLimit,
        DeviationKind::UnlistedAction,
        DeviationKind::WrongHost,
        DeviationKind::BrokenGlass,
    ]);
    assert_eq!(kinds, all);
    for one in ledger.state.deviations.values() {
        let what = &one.what;
        assert!(!what.expected.is_empty() && !what.actual.is_empty() && !what.authorised_by.is_empty());
        assert!(one.author == "ana" && one.reason.is_none(), "{one:?}");
    }
    assert_eq!(ledger.state.owed(IncidentId(1)), ledger.state.deviations.len());
}

#[test]
fn only_what_runs_here_is_on_the_wrong_host() {
    let mut far = block("far", BlockKind::Run);
    far.host = Some("db".into());
    let mut near = block("near", BlockKind::Run);
    near.host = Some("here".into());
    let mut book = runbook(vec![section("s", vec![step("f", vec![far]), step("n", vec![near])])]);
    book.front.targets =
        [("db", "ssh://db1"), ("here", "local")].map(|(a, b)| (a.to_owned(), b.to_owned())).into();
    for (slug, on, kinds) in [
        ("f", "laptop", vec![]),
        ("f", "bastion", vec![]),
        ("f", "", vec![]),
        ("n", "bastion", vec![]),
        ("n", "laptop", vec![DeviationKind::WrongHost]),
    ] {
        let mut ledger = opened();
        ledger.ok(&ana(), start(book.clone()));
        if slug == "n" {
            run(&mut ledger, &ana(), "f", 9, &[("far", PASSED)]);
        }
        let events = ledger.ok(&ana(), take_on(slug, 1, on));
        assert_eq!(deviations(&events), kinds, "{slug} on {on}");
    }
}
