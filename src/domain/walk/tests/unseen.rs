//! Nobody's uid runs what that person did not see: what is taken is what was shown, and nobody else changes it.

use super::*;
use crate::domain::{
    Command, State, decide,
    id::{Digest, IncidentId},
    incident::{COMMANDER, IncidentCommand},
    plan::{Approval, Block, BlockKind, By, Input, Lead},
    refusal::Code,
    testing::{block, bo, cy, hand_over, lost, runbook, section, step},
    walk::{StepStatus, shown},
};
use proptest::{prelude::*, sample::select};

fn book() -> Runbook {
    let mut act = block("act", BlockKind::Run);
    act.code = "deploy <version> $WHERE".into();
    act.placeholders = vec!["version".into()];
    act.capture = Some("OUT".into());
    let mut first = step("s", vec![block("look", BlockKind::Check), act, block("back", BlockKind::Undo)]);
    first.approval = Some(Approval { text: "put it back".into(), by: By::default() });
    let mut book = runbook(vec![section("a", vec![first, step("t", vec![block("then", BlockKind::Run)])])]);
    let input = |name: &str| Input { name: name.into(), default: Some("here".into()), ..Input::default() };
    book.front.inputs = vec![input("WHERE"), input("OUT")];
    book
}

fn set(name: &str, value: &str) -> WalkCommand {
    WalkCommand::SetInput { walk: WalkId(1), name: name.into(), value: value.into() }
}

fn edit(block: &str, code: &str) -> WalkCommand {
    WalkCommand::Edit { walk: WalkId(1), step: "s".into(), block: block.into(), code: code.into() }
}

fn begun() -> Ledger {
    let mut ledger = walking(book());
    ledger.ok(&ana(), set("version", "1"));
    ledger
}

fn seen(ledger: &Ledger, slug: &str, undo: bool, again: bool) -> Digest {
    let walk = &ledger.state.walks[&WalkId(1)];
    shown(walk, walk.runbook.step(slug).unwrap(), undo, again)
}

fn takes(hand: u128, seen: Option<Digest>) -> WalkCommand {
    match take("s", hand) {
        WalkCommand::Take { walk, step, hand, host, confirm, undo, again, .. } => {
            WalkCommand::Take { walk, step, hand, host, confirm, undo, again, shown: seen }
        }
        other => other,
    }
}

/// What the hand of the first step would run, and with what.
fn runs(state: &State) -> Vec<String> {
    let walk = &state.walks[&WalkId(1)];
    let step = walk.runbook.step("s").unwrap();
    let code = |block: &Block| walk.will_run(step, block).unwrap_or_default();
    let values = walk.values("s").into_iter().map(|(name, value)| format!("{name}={value}"));
    step.blocks.iter().map(code).chain(values).collect()
}

#[test]
fn a_step_is_taken_as_it_was_shown_or_not_at_all() {
    let changes: [(&str, WalkCommand); 4] = [
        ("code", edit("act", "cat /home/ana/secret")),
        ("code of what takes it back", edit("back", "cat /home/ana/secret")),
        ("a value", set("WHERE", "elsewhere")),
        ("a placeholder", set("version", "2")),
    ];
    for (what, change) in changes {
        let mut ledger = begun();
        let saw = seen(&ledger, "s", false, false);
        ledger.ok(&bo(), change);
        let why = ledger.no(&ana(), takes(1, Some(saw)));
        assert!(why.code == Code::Conflict && why.to_string().contains("has changed"), "{what}: {why}");
        let now = seen(&ledger, "s", false, false);
        ledger.ok(&ana(), takes(1, Some(now)));
    }
    let mut ledger = begun();
    for wrong in
        [seen(&ledger, "s", true, false), seen(&ledger, "s", false, true), seen(&ledger, "t", false, false)]
    {
        assert_eq!(ledger.no(&ana(), takes(1, Some(wrong))).code, Code::Conflict);
    }
    // A client that does not say what it showed has shown nothing.
    let ctx = ledger.ctx(&ana());
    let why = decide(&ledger.state, &Command::Walk(takes(1, None)), &ctx).unwrap_err();
    assert!(why.code == Code::Conflict && why.to_string().contains("step show"), "{why}");
}

#[test]
fn the_digest_speaks_of_everything_that_decides_what_runs() {
    type Change = fn(&mut Block);
    let changes: [Change; 14] = [
        |b| b.code.push('x'),
        |b| b.kind = BlockKind::Verify,
        |b| b.lang = "bash".into(),
        |b| b.host = Some("db".into()),
        |b| b.interpreter = Some("python3".into()),
        |b| b.cwd = Some("/".into()),
        |b| b.timeout = Some(crate::domain::time::Span::secs(1)),
        |b| {
            b.retry =
                Some(crate::domain::plan::Retry { attempts: 9, every: crate::domain::time::Span::ZERO });
        },
        |b| b.interactive = true,
        |b| b.accept = vec![1],
        |b| b.once = true,
        |b| b.onfail = crate::domain::plan::OnFail::Undo,
        |b| b.source = Some("other".into()),
        |b| b.capture = None,
    ];
    let of = |book: Runbook| {
        let mut ledger = walking(book);
        ledger.ok(&ana(), set("version", "1"));
        seen(&ledger, "s", false, false)
    };
    let was = of(book());
    for (n, change) in changes.into_iter().enumerate() {
        let mut other = book();
        change(&mut other.sections[0].steps[0].blocks[1]);
        assert_ne!(of(other), was, "change {n}");
    }
    let mut order = book();
    order.sections[0].steps[0].blocks.swap(0, 1);
    assert_ne!(of(order), was);
    let mut default = book();
    default.front.inputs[0].default = Some("there".into());
    assert_ne!(of(default), was);
    let mut command = book();
    command.front.inputs[0].from = Some("cat secret".into());
    assert_ne!(of(command), was);
    let mut target = book();
    target.front.targets.insert("db".into(), "ssh://elsewhere".into());
    assert_ne!(of(target), was);
    assert_eq!(of(book()), was);
}

#[test]
fn what_was_passed_over_by_another_is_seen_before_it_is_taken() {
    let mut ledger = walking(runbook(vec![section(
        "a",
        vec![step("s", vec![block("look", BlockKind::Check), block("act", BlockKind::Run)])],
    )]));
    run(&mut ledger, &ana(), "s", 1, &[("look", FAILED)]);
    let saw = seen(&ledger, "s", false, false);
    ledger.ok(&bo(), deviate("s", crate::domain::walk::Deviate::Override));
    assert_eq!(ledger.no(&ana(), takes(2, Some(saw))).code, Code::Conflict);
}

#[test]
fn only_its_owner_edits_a_lent_step_and_only_before_a_block_of_it_began() {
    let mut ledger = begun();
    ledger.ok(&ana(), take("s", 1));
    let why = ledger.no(&bo(), edit("act", "cat /home/ana/secret"));
    assert!(why.code == Code::Conflict && why.to_string().contains("ana has"), "{why}");
    ledger.ok(&ana(), attach("s", 1, None));
    assert_eq!(ledger.no(&bo(), edit("act", "id")).code, Code::Conflict);
    ledger.ok(&ana(), edit("act", "deploy <version> slowly"));
    ledger.ok(&ana(), intend("s", 1, "look"));
    assert_eq!(ledger.no(&ana(), edit("act", "id")).code, Code::Conflict);
    ledger.ok(&ana(), report("s", 1, "look", PASSED));
    assert_eq!(ledger.no(&bo(), edit("act", "id")).code, Code::Conflict, "it waits for approval");
    // Nobody knows how far it came: it may come back, and goes on with what its owner saw.
    ledger.ok(
        &bo(),
        WalkCommand::Approve { walk: WalkId(1), step: "s".into(), digest: asked(&ledger), glass: None },
    );
    ledger.ok(&ana(), intend("s", 1, "act"));
    ledger.ok(&Actor::room(), lost("s", 1));
    assert_eq!(ledger.step("s").status, StepStatus::Unknown);
    assert_eq!(ledger.no(&bo(), edit("back", "id")).code, Code::Conflict);
}

fn asked(ledger: &Ledger) -> Digest {
    ledger.step("s").asked.unwrap().digest
}

#[test]
fn values_of_a_lent_step_are_those_it_was_lent_with_and_its_owners() {
    let mut ledger = begun();
    ledger.ok(&ana(), take("s", 1));
    ledger.ok(&ana(), attach("s", 1, None));
    let before = runs(&ledger.state);
    ledger.ok(&bo(), set("WHERE", "$(cat /home/ana/secret)"));
    ledger.ok(&bo(), set("version", "evil"));
    assert_eq!(runs(&ledger.state), before);
    // A step of another's that captures gives nothing to it either.
    ledger.ok(&ana(), set("WHERE", "there"));
    assert!(runs(&ledger.state).contains(&"WHERE=there".into()));
    // The same value as somebody else entered is the owner's own all the same.
    ledger.ok(&ana(), set("version", "evil"));
    assert!(runs(&ledger.state)[1].starts_with("deploy evil"));
    assert_eq!(ledger.replay(), ledger.state);
    // While a block runs, and after it, nothing enters.
    ledger.ok(&ana(), intend("s", 1, "look"));
    let running = runs(&ledger.state);
    ledger.ok(&ana(), set("WHERE", "late"));
    assert_eq!(runs(&ledger.state), running);
}

#[test]
fn who_changed_what_runs_asks_for_it_and_does_not_approve_it() {
    let approve = |ledger: &Ledger| WalkCommand::Approve {
        walk: WalkId(1),
        step: "s".into(),
        digest: asked(ledger),
        glass: None,
    };
    for change in [edit("act", "id"), edit("back", "id"), set("WHERE", "elsewhere"), set("version", "9")] {
        let mut ledger = begun();
        ledger.ok(&bo(), change.clone());
        ledger.ok(&cy(), take("s", 1));
        ledger.ok(&cy(), attach("s", 1, None));
        blocks(&mut ledger, &cy(), "s", 1, &[("look", PASSED)]);
        let yes = approve(&ledger);
        let why = ledger.no(&bo(), yes.clone());
        assert!(
            why.code == Code::Forbidden && why.to_string().contains("break the glass"),
            "{change:?}: {why}"
        );
        assert_eq!(ledger.no(&cy(), yes.clone()).code, Code::Forbidden, "who took it");
        // Nor after somebody took it over from the one who took it.
        let over = WalkCommand::TakeOver { walk: WalkId(1), step: "s".into(), reason: "gone".into() };
        ledger.ok(&cy(), over);
        ledger.ok(&ana(), take("s", 2));
        ledger.ok(&ana(), attach("s", 2, None));
        blocks(&mut ledger, &ana(), "s", 2, &[("look", PASSED)]);
        let yes = approve(&ledger);
        assert_eq!(ledger.no(&bo(), yes.clone()).code, Code::Forbidden, "{change:?}");
        ledger.ok(&cy(), yes);
        assert_eq!(ledger.replay(), ledger.state);
    }
}

fn role(role: &str, who: &str) -> IncidentCommand {
    IncidentCommand::Role { incident: IncidentId(1), role: role.into(), who: who.into() }
}

/// Ana has taken a step that wants the word of one with this role.
fn wants(short: &str) -> Ledger {
    let mut book = book();
    let by = By { roles: vec![short.into()], n: 1, within: None };
    book.sections[0].steps[0].approval = Some(Approval { text: "go".into(), by });
    let mut ledger = walking(book);
    ledger.ok(&ana(), set("version", "1"));
    ledger.ok(&ana(), take("s", 1));
    ledger.ok(&ana(), attach("s", 1, None));
    blocks(&mut ledger, &ana(), "s", 1, &[("look", PASSED)]);
    ledger
}

fn yes(ledger: &Ledger) -> WalkCommand {
    WalkCommand::Approve { walk: WalkId(1), step: "s".into(), digest: asked(ledger), glass: None }
}

#[test]
fn a_role_that_one_gave_oneself_entitles_to_nothing_until_another_confirms_it() {
    let mut ledger = wants("dba");
    ledger.ok(&bo(), role("dba", "bo"));
    let why = ledger.no(&bo(), yes(&ledger));
    assert!(
        why.code == Code::Forbidden
            && why.to_string().contains("warroom role dba bo")
            && why.to_string().contains("break the glass"),
        "{why}"
    );
    assert!(ledger.ok(&bo(), role("dba", "bo")).is_empty(), "nobody confirms their own");
    // Another uid of the same name is not the one who holds it by another's word; a second person is.
    assert_eq!(ledger.no(&Actor::user("bo", 4002), yes(&ledger)).code, Code::Forbidden);
    assert_eq!(ledger.ok(&cy(), role("dba", "bo")).len(), 1);
    assert!(ledger.ok(&cy(), role("dba", "bo")).is_empty(), "once is enough");
    ledger.ok(&bo(), yes(&ledger));
    assert_eq!(ledger.replay(), ledger.state);
}

#[test]
fn a_role_that_comes_back_to_oneself_entitles_to_nothing() {
    // Given by one to whom one gave a role, and by one to whom that one gave one.
    for through in [vec![cy()], vec![cy(), Actor::user("di", 1004)]] {
        let mut ledger = wants("dba");
        let mut giver = bo();
        for (n, next) in through.iter().enumerate() {
            ledger.ok(&giver, role(&format!("r{n}"), &next.name));
            giver = next.clone();
        }
        ledger.ok(&giver, role("dba", "bo"));
        assert_eq!(ledger.no(&bo(), yes(&ledger)).code, Code::Forbidden, "{through:?}");
        // The role through which it came is laid down: what was given by it does not change by that.
        let gone = IncidentCommand::Unrole { incident: IncidentId(1), role: "r0".into() };
        ledger.ok(&bo(), gone);
        assert_eq!(ledger.no(&bo(), yes(&ledger)).code, Code::Forbidden, "{through:?}");
        ledger.ok(&Actor::user("eve", 1005), role("dba", "bo"));
        ledger.ok(&bo(), yes(&ledger));
    }
}

#[test]
fn command_that_was_declared_approves_others_steps_and_that_was_taken_none() {
    // Handed over by the one who took the step: another person's word.
    let mut ledger = wants("ic");
    hand_over(&mut ledger, &bo());
    ledger.ok(&bo(), yes(&ledger));
    // Taken by oneself.
    let mut ledger = wants("ic");
    let take = crate::domain::handover::HandoverCommand::Take {
        incident: IncidentId(1),
        reason: "gone".into(),
        from: None,
    };
    ledger.ok(&bo(), Command::Handover(take));
    assert_eq!(ledger.state.incidents[&IncidentId(1)].roles[COMMANDER].who, "bo");
    assert_eq!(ledger.no(&bo(), yes(&ledger)).code, Code::Forbidden);
    assert_eq!(ledger.ok(&cy(), role("ic", "bo")).len(), 1, "confirmed, and not proposed");
    ledger.ok(&bo(), yes(&ledger));
    // Who declared commands, and approves nothing of their own.
    let mut ledger = wants("ic");
    assert_eq!(ledger.no(&ana(), yes(&ledger)).code, Code::Forbidden);
}

#[test]
fn a_self_given_role_confirms_nothing() {
    let mut look = step("s", vec![]);
    look.lead = Some(Lead::Confirm(By { roles: vec!["dba".into()], n: 1, within: None }));
    let mut ledger = walking(runbook(vec![section("a", vec![look, step("t", vec![])])]));
    ledger.ok(&bo(), role("dba", "bo"));
    let why = ledger.no(&bo(), confirm("s"));
    assert!(why.code == Code::Forbidden && why.to_string().contains("role dba bo"), "{why}");
    ledger.ok(&cy(), role("dba", "bo"));
    ledger.ok(&bo(), confirm("s"));
}

/// Whatever somebody who may respond can ask of a walk, of roles and of command.
fn anything() -> impl Strategy<Value = Command> {
    let walk = WalkId(1);
    let slug = || select(vec!["s", "t"]).prop_map(str::to_owned);
    let name = || select(vec!["look", "act", "back", "then"]).prop_map(str::to_owned);
    let hand = || (1_u128..4).prop_map(uuid::Uuid::from_u128);
    let who = || select(vec!["ana", "bo", "cy"]).prop_map(str::to_owned);
    prop_oneof![
        (name(), slug(), select(vec!["id", "do look"])).prop_map(move |(block, step, code)| {
            WalkCommand::Edit { walk, step, block, code: code.into() }.into()
        }),
        (select(vec!["version", "WHERE", "OUT"]), select(vec!["a", "b"]))
            .prop_map(|(name, value)| set(name, value).into()),
        (slug(), hand(), any::<bool>(), any::<bool>()).prop_map(move |(step, hand, undo, again)| {
            let (host, confirm) = (String::new(), Confirmation::Second);
            WalkCommand::Take { walk, step, hand, host, confirm, undo, again, shown: None }.into()
        }),
        (slug(), hand()).prop_map(|(step, hand)| attach(&step, hand.as_u128(), None).into()),
        (slug(), hand(), name()).prop_map(|(step, hand, block)| intend(&step, hand.as_u128(), &block).into()),
        (slug(), hand(), name()).prop_map(move |(step, hand, block)| {
            let mut done = crate::domain::testing::ended(&block, PASSED);
            done.captured = Some(("OUT".into(), "caught".into()));
            WalkCommand::Report { walk, step, hand, done, carry: None }.into()
        }),
        slug().prop_map(move |step| WalkCommand::Reject { walk, step, reason: "no".into() }.into()),
        slug().prop_map(move |step| confirm(&step).into()),
        slug().prop_map(|step| deviate(&step, crate::domain::walk::Deviate::Override).into()),
        slug().prop_map(move |step| WalkCommand::TakeOver { walk, step, reason: "mine".into() }.into()),
        (select(vec!["ic", "dba", "ops"]), who()).prop_map(|(name, who)| role(name, &who).into()),
        // The digest that is asked for now is put in where it is sent.
        slug().prop_map(move |step| {
            WalkCommand::Approve { walk, step, digest: Digest([0; 32]), glass: None }.into()
        }),
    ]
}

fn with_digest(state: &State, command: &mut Command) {
    if let Command::Walk(WalkCommand::Approve { step, digest, .. }) = command
        && let Some(asked) = state.walks[&WalkId(1)].state(step).asked
    {
        *digest = asked.digest;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn nothing_a_second_responder_asks_changes_what_the_first_ones_hand_runs(
        asked in prop::collection::vec(anything(), 1..24)
    ) {
        let mut ledger = begun();
        ledger.ok(&ana(), take("s", 1));
        ledger.ok(&ana(), attach("s", 1, None));
        let before = runs(&ledger.state);
        for mut command in asked {
            with_digest(&ledger.state, &mut command);
            let _ = ledger.ask(&bo(), command);
            let lease = ledger.step("s").lease;
            if lease.is_none_or(|lease| lease.hand != uuid::Uuid::from_u128(1)) {
                // Taken away from ana: her hand runs nothing any more.
                prop_assert!(ledger.ask(&ana(), intend("s", 1, "look")).is_err());
                break;
            }
            prop_assert_eq!(&runs(&ledger.state), &before);
        }
    }

    #[test]
    fn no_one_uid_ever_runs_what_wants_one_approval(
        roles in select(vec![vec![], vec!["ic"], vec!["dba"]]),
        asked in prop::collection::vec(anything(), 1..40)
    ) {
        let mut book = book();
        let roles = roles.into_iter().map(str::to_owned).collect();
        book.sections[0].steps[0].approval =
            Some(Approval { text: "go".into(), by: By { roles, n: 1, within: None } });
        // It declared the incident, began the walk, and does whatever it likes.
        let mut ledger = walking(book);
        ledger.ok(&ana(), set("version", "1"));
        for mut command in asked {
            with_digest(&ledger.state, &mut command);
            let _ = ledger.ask(&ana(), command);
            prop_assert!(ledger.step("s").approvals.is_empty());
            prop_assert!(!ledger.step("s").begun.contains_key("act"));
        }
        prop_assert_eq!(ledger.replay(), ledger.state);
    }
}
