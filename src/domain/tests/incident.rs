//! An incident's life: status, roles, severity and its clocks.

use crate::domain::{
    Command, CommandId,
    actor::Actor,
    cadence::Beat,
    clock::{Clocks, Impact, ImpactState, Moment},
    decision::DecisionCommand,
    deviation::{DeviationCommand, ReasonCode},
    id::{DecisionId, DeviationId, FreezeId, IncidentId, TaskId},
    incident::{CadenceDifference, IncidentCommand, Status, difference, steps},
    plan::BlockKind,
    policy::{Policy, Service, SeverityRow},
    refusal::Code,
    release::ReleaseCommand,
    severity::Severity,
    task::TaskCommand,
    testing::{Ledger, ana, block, declare, runbook, section, start, step, take},
    time::{Span, Stamp},
    watch::WatchCommand,
};

const INC: IncidentId = IncidentId(1);

fn clocks(ledger: &Ledger) -> Clocks {
    ledger.state.incidents[&INC].clocks.clone()
}

fn impact(ledger: &Ledger) -> Impact {
    let incident = &ledger.state.incidents[&INC];
    incident.clocks.impact(&incident.declared, &ledger.now)
}

fn is(ledger: &Ledger, time: Span, state: ImpactState) {
    assert_eq!(impact(ledger), Impact { time, state });
}

fn breach(ledger: &mut Ledger, panel: &str, since: Stamp) {
    let (seen, threshold) = ("9 %".into(), "1 %".into());
    let command = WatchCommand::Breached { panel: panel.into(), seen, threshold, since };
    ledger.ok(&Actor::room(), Command::Watch(command));
}

fn clear(ledger: &mut Ledger, panel: &str) {
    let command = WatchCommand::Cleared { panel: panel.into(), seen: "0 %".into() };
    ledger.ok(&Actor::room(), Command::Watch(command));
}

/// Errors began ten minutes ago, were noticed now, and ana declares two minutes later.
fn hurt() -> Ledger {
    let mut ledger = Ledger::new();
    let onset = ledger.now.clone();
    ledger.pass(Span::mins(10));
    breach(&mut ledger, "errors", onset);
    ledger.pass(Span::mins(2));
    ledger.ok(&ana(), declare());
    ledger
}

fn status(to: Status) -> IncidentCommand {
    IncidentCommand::Status { incident: INC, to }
}

fn correct(moment: Moment, at: crate::domain::time::Wall) -> IncidentCommand {
    IncidentCommand::Correct { incident: INC, moment, at, reason: "seen in the logs".into() }
}

#[test]
fn impact_counts_from_onset_and_stops_provisionally_then_for_good() {
    let mut ledger = hurt();
    is(&ledger, Span::mins(12), ImpactState::Running);
    ledger.pass(Span::mins(5));
    clear(&mut ledger, "errors");
    is(&ledger, Span::mins(17), ImpactState::Provisional);
    ledger.pass(Span::millis(119_999));
    is(&ledger, Span::mins(17), ImpactState::Provisional);
    ledger.pass(Span::millis(1));
    is(&ledger, Span::mins(17), ImpactState::Final);
    assert!(clocks(&ledger).marks.contains_key(&Moment::Verified));
    ledger.pass(Span::hours(3));
    is(&ledger, Span::mins(17), ImpactState::Final);
}

#[test]
fn a_recovery_that_does_not_hold_is_none() {
    let mut ledger = hurt();
    clear(&mut ledger, "errors");
    ledger.pass(Span::mins(1));
    let now = ledger.now.clone();
    breach(&mut ledger, "latency", now);
    is(&ledger, Span::mins(13), ImpactState::Running);
    clear(&mut ledger, "latency");
    let blind = WatchCommand::Blind { panel: "errors".into(), why: "source is down".into() };
    ledger.ok(&Actor::room(), Command::Watch(blind));
    ledger.pass(Span::mins(30));
    is(&ledger, Span::mins(43), ImpactState::Running);
}

#[test]
fn all_panels_must_be_good() {
    let mut ledger = hurt();
    let now = ledger.now.clone();
    breach(&mut ledger, "latency", now);
    clear(&mut ledger, "errors");
    assert_eq!(impact(&ledger).state, ImpactState::Running);
    clear(&mut ledger, "latency");
    assert_eq!(impact(&ledger).state, ImpactState::Provisional);
}

#[test]
fn without_signals_it_counts_from_the_declaration() {
    let mut ledger = Ledger::with_incident();
    ledger.pass(Span::mins(4));
    is(&ledger, Span::mins(4), ImpactState::Running);
}

#[test]
fn a_stepped_wall_clock_changes_no_elapsed_time() {
    for step in [-3_600_000, 3_600_000] {
        let mut ledger = hurt();
        let onset = ledger.now.wall - chrono::TimeDelta::minutes(14);
        ledger.step_wall(step);
        ledger.pass(Span::mins(1));
        is(&ledger, Span::mins(13), ImpactState::Running);

        let mut ledger = hurt();
        ledger.ok(&ana(), correct(Moment::Onset, onset));
        ledger.step_wall(step);
        is(&ledger, Span::mins(14), ImpactState::Running);
    }
}

#[test]
fn onset_is_corrected_by_a_new_event() {
    let mut ledger = hurt();
    let later = ledger.now.wall - chrono::TimeDelta::minutes(3);
    assert_eq!(
        ledger.no(&ana(), correct(Moment::Onset, ledger.now.plus(Span::secs(1)).wall)).code,
        Code::Invalid
    );
    ledger.ok(&ana(), correct(Moment::Onset, later));
    is(&ledger, Span::mins(3), ImpactState::Running);
    let before_boot = ledger.now.wall - chrono::TimeDelta::days(30);
    ledger.ok(&ana(), correct(Moment::Onset, before_boot));
    is(&ledger, Span::hours(720), ImpactState::Running);
}

#[test]
fn the_breach_of_the_target_is_written_down_once_and_follows_corrections() {
    let mut ledger = hurt();
    ledger.pass(Span::millis(18 * 60_000 - 1));
    assert_eq!(clocks(&ledger).breached, None);
    ledger.pass(Span::millis(1));
    let first = clocks(&ledger).breached;
    assert!(first.is_some());
    ledger.pass(Span::hours(1));
    assert_eq!(clocks(&ledger).breached, first);
    let later = ledger.now.wall - chrono::TimeDelta::minutes(5);
    ledger.ok(&ana(), correct(Moment::Onset, later));
    assert_eq!(clocks(&ledger).breached, None, "it has not been exceeded after all");
    ledger.pass(Span::mins(25));
    assert!(clocks(&ledger).breached.is_some());

    let mut ledger = hurt();
    clear(&mut ledger, "errors");
    ledger.pass(Span::mins(10));
    let earlier = ledger.now.wall - chrono::TimeDelta::hours(2);
    ledger.ok(&ana(), correct(Moment::Onset, earlier));
    ledger.pass(Span::ZERO);
    assert!(clocks(&ledger).breached.is_some(), "it had been exceeded before recovery");
}

#[test]
fn the_target_is_the_tightest_of_its_services() {
    let mut ledger = Ledger::new();
    let mut policy = Policy::default();
    for (name, mins) in [("checkout", 20), ("payments", 10)] {
        let service = Service { mttr_target: Span::mins(mins), ..Service::default() };
        policy.services.insert(name.into(), service);
    }
    assert_eq!(policy.mttr_target(&["checkout".into(), "payments".into()]), Span::mins(10));
    assert_eq!(policy.mttr_target(&["unknown".into()]), Span::mins(30));
    ledger.ok(&Actor::room(), Command::Policy(Box::new(policy.clone())));
    assert!(ledger.ok(&Actor::room(), Command::Policy(Box::new(policy))).is_empty(), "nothing changed");
    ledger.ok(&ana(), declare());
    assert_eq!(clocks(&ledger).target, Span::mins(20));
}

#[test]
fn a_release_after_the_onset_is_not_its_trigger() {
    for (released, marked) in [(5, true), (11, false)] {
        let mut ledger = Ledger::new();
        let start = ledger.now.clone();
        let saw = |current: &str, since: Stamp| {
            Command::Release(ReleaseCommand::Saw {
                service: "checkout".into(),
                env: "prod".into(),
                current: current.into(),
                previous: None,
                since,
                by: None,
            })
        };
        ledger.ok(&Actor::room(), saw("1", start.clone()));
        ledger.pass(Span::mins(20));
        ledger.ok(&Actor::room(), saw("2", start.plus(Span::mins(released))));
        breach(&mut ledger, "errors", start.plus(Span::mins(10)));
        ledger.ok(&ana(), declare());
        assert_eq!(clocks(&ledger).marks.contains_key(&Moment::Change), marked);
    }
}

#[test]
fn closing_waits_for_reasons_and_nothing_else_does() {
    let mut ledger = Ledger::with_incident();
    let unlisted = DeviationCommand::Unlisted {
        incident: INC,
        actual: "restarted the cache".into(),
        host: "cache-1".into(),
        code: None,
    };
    ledger.ok(&ana(), Command::Deviation(unlisted));
    assert_eq!(ledger.no(&ana(), status(Status::Closed)).code, Code::Conflict, "not resolved");
    ledger.ok(&ana(), status(Status::Resolved));
    assert_eq!(ledger.no(&ana(), status(Status::Closed)).code, Code::NeedsMore);
    let reason = |code, text: &str| {
        Command::Deviation(DeviationCommand::Reason { deviation: DeviationId(1), code, text: text.into() })
    };
    assert_eq!(ledger.no(&ana(), reason(ReasonCode::Other, " ")).code, Code::NeedsMore);
    ledger.ok(&ana(), reason(ReasonCode::FasterFix, ""));
    ledger.ok(&ana(), status(Status::Closed));
    assert_eq!(ledger.no(&ana(), status(Status::Monitoring)).code, Code::Conflict);
    assert!(ledger.ok(&ana(), status(Status::Closed)).is_empty());
}

#[test]
fn nothing_is_done_in_a_closed_incident() {
    let mut ledger = Ledger::with_incident();
    let act = || step("s", vec![block("act", BlockKind::Run)]);
    ledger.ok(&ana(), start(runbook(vec![section("a", vec![act()])])));
    ledger.ok(&ana(), take("s", 1));
    assert_eq!(ledger.no(&ana(), status(Status::Resolved)).code, Code::Conflict, "a step runs");
    ledger.ok(&Actor::room(), crate::domain::testing::lost("s", 1));
    ledger.ok(&ana(), status(Status::Resolved));
    ledger.ok(&ana(), take("s", 2));
    assert_eq!(ledger.no(&ana(), status(Status::Closed)).code, Code::Conflict, "a step runs");
    ledger.ok(&Actor::room(), crate::domain::testing::lost("s", 2));
    ledger.ok(&ana(), status(Status::Closed));
    assert_eq!(ledger.no(&ana(), take("s", 3)).code, Code::Conflict);
}

#[test]
fn resolving_sets_the_review_clock_and_going_back_stops_it() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&ana(), status(Status::Resolved));
    let due = ledger.now.plus(Span::hours(48));
    assert_eq!(ledger.state.incidents[&INC].review_due, Some(due));
    assert_eq!(
        ledger
            .no(&ana(), IncidentCommand::Retitle { incident: INC, title: "x".into(), services: vec![] })
            .code,
        Code::Conflict
    );
    ledger.ok(&ana(), status(Status::Monitoring));
    assert_eq!(ledger.state.incidents[&INC].review_due, None);
}

#[test]
fn the_difference_of_a_severity_is_shown_before() {
    let mut ledger = Ledger::new();
    let mut policy = Policy::default();
    let row = |meaning: &str, runbook: &str, every, freeze| SeverityRow {
        meaning: meaning.into(),
        runbook: Some(runbook.into()),
        roles: ["ic", "scribe"].map(String::from).into(),
        update_every: every,
        freeze,
        page: None,
        poll_every: None,
        external_every: None,
    };
    policy
        .severities
        .insert(Severity::WORST, row("all are hurt", "all", Some(Span::mins(15)), Some(Span::hours(1))));
    policy
        .severities
        .insert(Severity::new(2).unwrap(), row("some are hurt", "some", Some(Span::mins(30)), None));
    ledger.ok(&Actor::room(), Command::Policy(Box::new(policy)));
    ledger.ok(&ana(), declare());
    let shown = difference(&ledger.state, &ledger.state.incidents[&INC], Severity::WORST);
    assert_eq!(shown.meaning.as_deref(), Some("all are hurt"));
    assert_eq!(shown.runbook.as_deref(), Some("all"));
    assert_eq!(shown.roles_missing, ["scribe"], "ic is the commander, and there is one");
    let cadence =
        CadenceDifference { beat: Beat::Internal, from: Some(Span::mins(30)), to: Some(Span::mins(15)) };
    assert_eq!(shown.cadence, [cadence]);
    assert_eq!((shown.freeze, shown.freeze_stays), (Some(Span::hours(1)), vec![]));
    let worse = IncidentCommand::Severity { incident: INC, to: Severity::WORST, reason: "all".into() };
    ledger.ok(&ana(), worse.clone());
    assert_eq!(ledger.state.incidents[&INC].board.every(Beat::Internal), Some(Span::mins(15)));
    assert!(ledger.ok(&ana(), worse).is_empty());
    assert!(ledger.state.freezes.is_empty(), "proposed, not begun");
    let begin = crate::domain::freeze::FreezeCommand::Begin {
        all: Some(crate::domain::freeze::AllServices::Confirmed),
        incident: Some(INC),
        scope: crate::domain::freeze::Scope::deploys(vec![], vec![]),
        reason: "x".into(),
        lease: None,
    };
    ledger.ok(&ana(), Command::Freeze(begin));
    let shown = difference(&ledger.state, &ledger.state.incidents[&INC], Severity::new(5).unwrap());
    assert_eq!(shown.freeze_stays, [FreezeId(1)]);
}

#[test]
fn the_steps_and_people_that_a_severity_brings_are_told_apart() {
    let mut same = block("same", BlockKind::Run);
    same.code = "do it".into();
    let mut other = same.clone();
    other.code = "do it harder".into();
    let book = |steps| runbook(vec![section("a", steps)]);
    let from = book(vec![step("look", vec![]), step("act", vec![same.clone()]), step("tell", vec![])]);
    let to = book(vec![step("Look", vec![]), step("act", vec![other]), step("call the bank", vec![])]);
    let found = steps(Some(&from), &to);
    assert_eq!(found.new, ["call the bank"]);
    assert_eq!((found.changed, found.dropped, found.same), (vec!["act".into()], vec!["tell".into()], 1));
    assert_eq!(steps(None, &to).new.len(), 3);
    assert_eq!(steps(Some(&to), &to).lines(), ["3 stay as they are"]);

    let mut ledger = Ledger::new();
    let mut policy = Policy::default();
    let row = |roles: &[&str]| SeverityRow {
        meaning: "bad".into(),
        runbook: None,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        poll_every: None,
        update_every: None,
        external_every: None,
        freeze: None,
        page: None,
    };
    policy.severities.insert(Severity::new(2).unwrap(), row(&["ic", "scribe", "ops"]));
    policy.severities.insert(Severity::new(3).unwrap(), row(&["comms"]));
    ledger.ok(&Actor::room(), Command::Policy(Box::new(policy)));
    ledger.ok(&ana(), declare());
    let role = IncidentCommand::Role { incident: INC, role: "scribe".into(), who: "eve".into() };
    ledger.ok(&ana(), role);
    let shown = difference(&ledger.state, &ledger.state.incidents[&INC], Severity::new(3).unwrap());
    assert_eq!(shown.roles_spare, ["scribe eve"], "command is never spare, and nobody is ops");
    assert_eq!(shown.roles_missing, ["comms"]);
}

#[test]
fn names_are_one_of_a_kind_in_the_journal() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&ana(), declare());
    for number in 1..=4 {
        let incident = IncidentId(number % 2 + 1);
        let give = TaskCommand::Give { incident, text: "look".into(), owner: "bo".into(), within: None };
        ledger.ok(&ana(), Command::Task(give));
        assert!(ledger.state.incidents[&incident].tasks.contains_key(&TaskId(number)));
        let text = "roll back".into();
        let make = DecisionCommand::Make { incident, text, options: vec![], risks: None, review_in: None };
        ledger.ok(&ana(), Command::Decision(make));
        assert_eq!(ledger.state.incidents[&incident].last_decision, Some(DecisionId(number)));
    }
}

#[test]
fn a_command_sent_twice_happens_once() {
    let mut ledger = Ledger::new();
    let ctx = ledger.ctx(&ana());
    let command = Command::from(declare());
    assert!(!ledger.ask_as(&ctx, &command).unwrap().is_empty());
    assert_eq!(ledger.ask_as(&ctx, &command), Ok(vec![]));
    assert_eq!(ledger.state.incidents.len(), 1);
    assert!(ledger.state.has_seen(ctx.id));
    assert!(!ledger.state.has_seen(CommandId(uuid::Uuid::from_u128(77))));
}
