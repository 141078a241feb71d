//! Who may what, who commands, and what is taken in an emergency.

use crate::domain::{
    Command, Fact,
    actor::Actor,
    deviation::DeviationKind,
    glass::{GlassCommand, GlassFact},
    handover::{ANSWER_WITHIN, HandoverCommand, HandoverFact, SAY},
    id::{GlassId, IncidentId},
    incident::{IncidentCommand, Status},
    note::NoteCommand,
    plan::{Approval, BlockKind, By},
    policy::{Members, Policy, Power},
    power::{self, Groups},
    refusal::Code,
    testing::{Ledger, ana, block, bo, cy, declare, runbook, section, start, step, take},
    time::Span,
    walk::{Confirmation, WalkCommand},
};

const INC: IncidentId = IncidentId(1);

/// ana commands by her name, on-call responds by its group, bo approves.
fn policy() -> Policy {
    let members = |users: &[&str], groups: &[&str]| Members {
        users: users.iter().map(|&name| name.to_owned()).collect(),
        groups: groups.iter().map(|&name| name.to_owned()).collect(),
    };
    let powers = [
        (Power::Respond, members(&[], &["oncall"])),
        (Power::Command, members(&["ana"], &["leads"])),
        (Power::Approve, members(&["bo"], &[])),
    ];
    Policy { powers: powers.into(), ..Policy::default() }
}

fn with_policy() -> Ledger {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&Actor::room(), Command::Policy(Box::new(policy())));
    ledger
}

fn group(ledger: &mut Ledger, who: &str, group: &str) {
    ledger.groups.insert(who.into(), Groups::new([group.to_owned()].into()));
}

fn note() -> Command {
    Command::Note(NoteCommand::Say { incident: Some(INC), text: "seen".into() })
}

fn role(who: &str) -> IncidentCommand {
    IncidentCommand::Role { incident: INC, role: "Commander".into(), who: who.into() }
}

fn propose(to: &str) -> Command {
    Command::Handover(HandoverCommand::Propose { incident: INC, to: to.into(), words: "watch p99".into() })
}

fn accept(said: &str) -> Command {
    Command::Handover(HandoverCommand::Accept { incident: INC, said: said.into() })
}

fn take_command(reason: &str) -> Command {
    Command::Handover(HandoverCommand::Take { incident: INC, reason: reason.into(), from: None })
}

fn break_glass(power: Power, lease: Option<Span>) -> Command {
    let reason = "nobody else answers".into();
    Command::Glass(GlassCommand::Break { incident: Some(INC), power, reason, lease })
}

fn commander(ledger: &Ledger) -> Option<&str> {
    ledger.state.incidents[&INC].commander()
}

#[test]
fn a_power_comes_by_name_or_by_group_and_brings_the_lesser_ones() {
    let mut ledger = with_policy();
    ledger.ok(&ana(), note());
    let refusal = ledger.no(&cy(), note());
    assert_eq!(refusal.code, Code::Forbidden);
    assert!(refusal.to_string().contains("power to respond"), "{refusal}");
    group(&mut ledger, "cy", "oncall");
    ledger.ok(&cy(), note());
    group(&mut ledger, "cy", "painters");
    assert_eq!(ledger.no(&cy(), note()).code, Code::Forbidden);
    assert_eq!(ledger.no(&bo(), note()).code, Code::Forbidden, "who approves need not be able to act");
    assert_eq!(ledger.no(&Actor::token("ana"), note()).code, Code::Forbidden, "a token is nobody");
    for command in [Command::Tick, Command::Policy(Box::default())] {
        assert_eq!(ledger.no(&ana(), command).code, Code::Forbidden, "only the room");
    }
    let all = |who: &Actor, groups: &Groups| power::all(&ledger.state, (who, groups), Some(INC), &ledger.now);
    assert_eq!(all(&cy(), &Groups::default()), [Power::Observe]);
    assert_eq!(all(&bo(), &Groups::default()), [Power::Observe, Power::Approve]);
    assert_eq!(
        all(&cy(), &Groups::new(["leads".to_owned()].into())),
        [Power::Observe, Power::Respond, Power::Command]
    );
    assert_eq!(ledger.replay(), ledger.state, "a replay needs no groups");
}

#[test]
fn who_may_approve_approves_without_being_able_to_act() {
    let mut ledger = with_policy();
    let mut act = step("s", vec![block("act", BlockKind::Run)]);
    act.approval = Some(Approval { text: "go".into(), by: By::default() });
    ledger.ok(&ana(), start(runbook(vec![section("a", vec![act])])));
    ledger.ok(&ana(), take("s", 1));
    ledger.ok(&ana(), crate::domain::testing::attach("s", 1, None));
    let digest = ledger.step("s").asked.unwrap().digest;
    let approve =
        || WalkCommand::Approve { walk: crate::domain::id::WalkId(1), step: "s".into(), digest, glass: None };
    let alone = ledger.no(&ana(), approve());
    assert!(alone.to_string().contains("shares your terminal"), "{alone}");
    assert_eq!(ledger.no(&cy(), approve()).code, Code::Forbidden);
    assert_eq!(ledger.no(&bo(), take("s", 2)).code, Code::Forbidden);
    ledger.ok(&bo(), approve());
    assert_eq!(ledger.step("s").approvals.len(), 1);
}

#[test]
fn command_passes_by_a_positive_exchange_alone() {
    let mut ledger = with_policy();
    group(&mut ledger, "cy", "leads");
    // Given by its role it is an offer, and command stays where it is.
    ledger.ok(&ana(), role("cy"));
    assert_eq!(commander(&ledger), Some("ana"));
    assert_eq!(ledger.state.incidents[&INC].handover.as_ref().unwrap().to, "cy");
    assert_eq!(ledger.no(&ana(), propose("bo")).code, Code::Conflict, "one offer at a time");
    let not_mine = ledger.no(&bo(), accept(SAY));
    assert_eq!(not_mine.code, Code::Forbidden);
    assert_eq!(ledger.no(&cy(), accept("ok")).code, Code::NeedsMore);
    ledger.ok(&cy(), accept(" i have command. "));
    assert_eq!(commander(&ledger), Some("cy"));
    assert_eq!(ledger.state.incidents[&INC].handover, None);
    assert_eq!(ledger.no(&ana(), accept(SAY)).code, Code::Conflict);
    // The one who had it has it no more.
    assert_eq!(ledger.no(&ana(), propose("bo")).code, Code::Forbidden);
}

#[test]
fn an_offer_is_declined_withdrawn_or_lapses() {
    let mut ledger = with_policy();
    ledger.ok(&ana(), propose("bo"));
    let declined = Command::Handover(HandoverCommand::Decline { incident: INC, reason: "asleep".into() });
    assert_eq!(ledger.no(&cy(), declined.clone()).code, Code::Forbidden);
    ledger.ok(&bo(), declined.clone());
    assert_eq!(ledger.no(&bo(), declined).code, Code::Conflict);
    ledger.ok(&ana(), propose("bo"));
    assert!(ledger.ok(&ana(), propose("bo")).is_empty(), "the same offer again");
    let refusal = ledger.no(&bo(), accept(SAY));
    assert_eq!(refusal.code, Code::Forbidden, "bo has not the power to command");
    let withdraw = Command::Handover(HandoverCommand::Withdraw { incident: INC });
    assert_eq!(ledger.no(&cy(), withdraw.clone()).code, Code::Forbidden);
    ledger.ok(&ana(), withdraw);
    ledger.ok(&ana(), propose("cy"));
    ledger.pass(ANSWER_WITHIN);
    assert!(matches!(
        ledger.events.last().map(|event| &event.fact),
        Some(Fact::Handover(HandoverFact::Lapsed { .. }))
    ));
    assert_eq!((commander(&ledger), &ledger.state.incidents[&INC].handover), (Some("ana"), &None));
}

#[test]
fn command_is_taken_with_a_reason_and_never_by_rank_alone() {
    let mut ledger = with_policy();
    group(&mut ledger, "cy", "leads");
    assert_eq!(ledger.no(&cy(), role("cy")).code, Code::NeedsMore, "the chair is not empty");
    assert_eq!(ledger.no(&cy(), role("bo")).code, Code::Forbidden, "it is not cy's to give");
    let unrole = || IncidentCommand::Unrole { incident: INC, role: "ic".into() };
    assert_eq!(ledger.no(&cy(), unrole()).code, Code::Forbidden, "nor to lay down");
    assert_eq!(ledger.no(&bo(), take_command("gone")).code, Code::Forbidden);
    assert_eq!(ledger.no(&cy(), take_command("  ")).code, Code::NeedsMore);
    let events = ledger.ok(&cy(), take_command("ana's connection is lost"));
    assert!(matches!(&events[0].fact, Fact::Handover(HandoverFact::Taken { from, .. }) if from == "ana"));
    assert_eq!(commander(&ledger), Some("cy"));
    // Who may respond empties no chair of somebody else's, and stands in for nobody by it.
    let scribe = IncidentCommand::Role { incident: INC, role: "scribe".into(), who: "cy".into() };
    ledger.ok(&cy(), scribe);
    let empty = || IncidentCommand::Unrole { incident: INC, role: "scribe".into() };
    assert_eq!(ledger.no(&bo(), empty()).code, Code::Forbidden);
    ledger.ok(&cy(), empty());
    ledger.ok(&cy(), unrole());
    assert_eq!(commander(&ledger), None);
    assert_eq!(ledger.no(&bo(), role("bo")).code, Code::Forbidden, "an empty chair still wants the power");
    ledger.ok(&ana(), role("ana"));
    assert_eq!(commander(&ledger), Some("ana"), "who may, sits down in an empty one");
}

#[test]
fn one_person_has_several_roles_and_their_short_names_are_the_same() {
    let mut ledger = Ledger::with_incident();
    for role in ["scribe", "comms", "ops", "deputy", "customer liaison"] {
        ledger.ok(&ana(), IncidentCommand::Role { incident: INC, role: role.into(), who: "bo".into() });
    }
    let roles: Vec<_> = ledger.state.incidents[&INC].roles.keys().map(String::as_str).collect();
    assert_eq!(roles, ["commander", "communications", "customer liaison", "deputy", "operations", "scribe"]);
}

#[test]
fn the_glass_gives_a_power_for_its_time_and_for_its_incident() {
    let mut ledger = with_policy();
    let refusal = ledger.no(&cy(), note());
    assert!(refusal.hint.unwrap().contains("break-glass respond"));
    assert_eq!(ledger.no(&Actor::token("ci"), break_glass(Power::Respond, None)).code, Code::Forbidden);
    assert_eq!(ledger.no(&ana(), break_glass(Power::Respond, None)).code, Code::Conflict, "nothing to break");
    assert_eq!(ledger.no(&cy(), break_glass(Power::Observe, None)).code, Code::Conflict);
    let long = break_glass(Power::Respond, Some(Span::hours(2)));
    assert_eq!(ledger.no(&cy(), long).code, Code::Invalid, "not longer than configured");

    let events = ledger.ok(&cy(), break_glass(Power::Command, None));
    assert!(matches!(&events[0].fact, Fact::Glass(GlassFact::Broken { power: Power::Command, .. })));
    let deviation = ledger.state.deviations.values().next_back().unwrap();
    assert_eq!(deviation.what.kind, DeviationKind::BrokenGlass);
    assert_eq!(deviation.what.authorised_by, "self, emergency");
    assert_eq!((deviation.incident, deviation.owed()), (Some(INC), false), "the reason was said");
    ledger.ok(&cy(), note());
    ledger.ok(&cy(), take_command("ana is gone"));

    // For another incident it gives nothing.
    ledger.ok(&ana(), declare());
    let other = Command::Note(NoteCommand::Say { incident: Some(IncidentId(2)), text: "x".into() });
    assert_eq!(ledger.no(&cy(), other).code, Code::Forbidden);

    ledger.pass(Span::mins(60));
    assert_eq!(ledger.no(&cy(), note()).code, Code::Forbidden);
    assert!(ledger.events.iter().any(|event| matches!(event.fact, Fact::Glass(GlassFact::Expired { .. }))));
    assert_eq!(commander(&ledger), Some("cy"), "what was done with it stands");
    assert_eq!(ledger.no(&cy(), break_glass(Power::Respond, Some(Span::ZERO))).code, Code::Invalid);
    ledger.ok(&cy(), break_glass(Power::Respond, Some(Span::mins(5))));
    let back = Command::Glass(GlassCommand::Return { glass: GlassId(2) });
    assert_eq!(ledger.no(&ana(), back.clone()).code, Code::Forbidden);
    ledger.ok(&cy(), back.clone());
    assert!(ledger.ok(&cy(), back).is_empty());
    assert_eq!(ledger.no(&cy(), note()).code, Code::Forbidden);
}

#[test]
fn a_lapsed_power_decides_nothing_even_before_its_end_is_written_down() {
    let mut ledger = with_policy();
    ledger.ok(&cy(), break_glass(Power::Respond, None));
    ledger.now = ledger.now.plus(Span::mins(60));
    assert!(ledger.state.glasses[&GlassId(1)].over.is_none());
    assert_eq!(ledger.no(&cy(), note()).code, Code::Forbidden);
}

#[test]
fn alone_at_night_an_observer_may_still_declare() {
    let mut ledger = Ledger::new();
    ledger.ok(&Actor::room(), Command::Policy(Box::new(policy())));
    assert_eq!(ledger.no(&cy(), declare()).code, Code::Forbidden);
    let glass = GlassCommand::Break {
        incident: None,
        power: Power::Respond,
        reason: "nobody answers the pager".into(),
        lease: None,
    };
    ledger.ok(&cy(), Command::Glass(glass.clone()));
    ledger.ok(&cy(), declare());
    assert_eq!(commander(&ledger), Some("cy"), "who declares commands");
    let own = ledger.state.deviations.values().filter(|one| one.incident == Some(INC)).count();
    assert_eq!(own, 1, "the deviation stands in the incident's draft");
    assert_eq!(ledger.no(&bo(), Command::Glass(glass)).code, Code::Invalid, "now there is one to name");
}

#[test]
fn a_step_that_was_lent_goes_on_when_the_power_has_lapsed() {
    let mut ledger = with_policy();
    ledger.ok(&cy(), break_glass(Power::Respond, None));
    let act = step("s", vec![block("one", BlockKind::Run), block("two", BlockKind::Run)]);
    ledger.ok(&cy(), start(runbook(vec![section("a", vec![act])])));
    ledger.ok(&cy(), take("s", 1));
    ledger.ok(&cy(), crate::domain::testing::intend("s", 1, "one"));
    ledger.pass(Span::hours(2));
    let done = crate::domain::walk::BlockResult::Passed;
    ledger.ok(&cy(), crate::domain::testing::report("s", 1, "one", done));
    ledger.ok(&cy(), crate::domain::testing::intend("s", 1, "two"));
    ledger.ok(&cy(), crate::domain::testing::report("s", 1, "two", done));
    assert_eq!(ledger.no(&cy(), take("s", 2)).code, Code::Forbidden);
}

#[test]
fn a_taken_power_to_approve_is_not_ones_own_approval() {
    let mut ledger = with_policy();
    let mut act = step("s", vec![block("act", BlockKind::Run)]);
    act.approval =
        Some(Approval { text: "go".into(), by: By { roles: vec!["scribe".into()], n: 1, within: None } });
    ledger.ok(&ana(), start(runbook(vec![section("a", vec![act])])));
    let taken = WalkCommand::Take {
        walk: crate::domain::id::WalkId(1),
        step: "s".into(),
        hand: uuid::Uuid::from_u128(1),
        host: "h".into(),
        confirm: Confirmation::Enter,
        undo: false,
        again: false,
        shown: None,
    };
    ledger.ok(&ana(), taken);
    ledger.ok(&ana(), crate::domain::testing::attach("s", 1, None));
    let digest = ledger.step("s").asked.unwrap().digest;
    let approve =
        || WalkCommand::Approve { walk: crate::domain::id::WalkId(1), step: "s".into(), digest, glass: None };
    ledger.ok(&ana(), break_glass(Power::Approve, None));
    assert_eq!(ledger.no(&ana(), approve()).code, Code::Forbidden, "still by another uid");
    assert_eq!(ledger.no(&cy(), approve()).code, Code::Forbidden);
    ledger.ok(&cy(), break_glass(Power::Approve, None));
    ledger.ok(&cy(), approve());
    ledger.ok(&ana(), IncidentCommand::Status { incident: INC, to: Status::Mitigating });
}

#[test]
fn a_briefing_says_on_one_screen_what_the_next_commander_must_know() {
    let mut ledger = with_policy();
    let words = |text: &str| {
        Command::Decision(crate::domain::decision::DecisionCommand::Make {
            incident: INC,
            text: text.into(),
            options: vec![],
            risks: None,
            review_in: None,
        })
    };
    for n in 1..=7 {
        ledger.ok(&ana(), words(&format!("decision {n}")));
    }
    let give = crate::domain::task::TaskCommand::Give {
        incident: INC,
        text: "call\nthe \u{1b}[2Jbank".into(),
        owner: "bo".into(),
        within: Some(Span::mins(5)),
    };
    ledger.ok(&ana(), Command::Task(give));
    let mut act = step("put it back", vec![block("act", BlockKind::Run)]);
    act.approval = Some(Approval { text: "go".into(), by: By::default() });
    ledger.ok(&ana(), start(runbook(vec![section("a", vec![step("look", vec![]), act])])));
    let tick =
        WalkCommand::Confirm { walk: crate::domain::id::WalkId(1), step: "look".into(), seen: "7 %".into() };
    ledger.ok(&ana(), tick);
    ledger.ok(&ana(), take("put it back", 1));
    ledger.ok(&ana(), crate::domain::testing::attach("put it back", 1, None));
    ledger.ok(&cy(), break_glass(Power::Respond, None));
    ledger.ok(&ana(), propose("cy"));
    ledger.pass(Span::mins(6));
    let shown = crate::domain::briefing::briefing(&ledger.state, INC, &ledger.now).unwrap();
    let lines = shown.lines();
    let all = lines.join("\n");
    for part in [
        "SEV2 INC-1 investigating in prod: checkout fails",
        "commander ana",
        "ana offers command to cy: watch p99",
        "GLASS BROKEN by cy",
        "decision 7 (ana)",
        "(and 2 more)",
        "look: 7 % (ana)",
        "\"put it back\": ana waits for approval",
        "TSK-1 bo: call the ␛[2Jbank, 1m00s OVER",
        "nothing is agreed for the case that it fails",
    ] {
        assert!(all.contains(part), "{part}\n{all}");
    }
    assert!(lines.len() <= 30, "one screen\n{all}");
    assert!(lines.iter().all(|line| !line.chars().any(char::is_control)));
    assert_eq!((shown.commander.as_deref(), shown.offered_to.as_deref()), (Some("ana"), Some("cy")));
    assert!(crate::domain::briefing::briefing(&ledger.state, IncidentId(9), &ledger.now).is_err());
}
