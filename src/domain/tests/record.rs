//! A service's record: what it takes in, what it is asked, what the gate makes of it.

use crate::domain::{
    Command, Fact,
    actor::Actor,
    drill::DrillCommand,
    gate::{Action, Because, Request, answer},
    id::{Digest, IncidentId, WalkId},
    plan::BlockKind,
    policy::{Policy, RecordRules, Service},
    refusal::Code,
    room::RoomFact,
    scorecard::{self, scorecard},
    task::TaskCommand,
    testing::{Ledger, ana, block, declare, runbook, section, start, step},
    time::Span,
    verdict::Verdict::{self, No, Unknown, Yes},
    walk::WalkCommand,
    watch::WatchCommand,
};

fn asked(rules: RecordRules) -> Ledger {
    let mut ledger = Ledger::new();
    let service = Service { record: rules, ..Service::default() };
    let policy = Policy { services: [("checkout".into(), service)].into(), ..Policy::default() };
    ledger.ok(&Actor::room(), Command::Policy(Box::new(policy)));
    ledger
}

fn line(ledger: &Ledger) -> (Verdict, String) {
    let card = scorecard(&ledger.state, "checkout", &ledger.now);
    assert_eq!(card.lines.len(), 1);
    assert_eq!(card.ready, card.lines[0].verdict);
    (card.lines[0].verdict, card.lines[0].seen.clone())
}

fn gate(ledger: &Ledger, action: Action) -> Because {
    let request = Request {
        service: "checkout".into(),
        env: "prod".into(),
        artifact: "checkout@3".into(),
        action,
        dry_run: false,
        alias: None,
    };
    answer(&ledger.state, &request, &ledger.now).because
}

fn record(ledger: &Ledger, ago: Span, took: Option<Span>, head: u8) -> Command {
    Command::Drill(DrillCommand::Record {
        service: "checkout".into(),
        scenario: "bad-release".into(),
        at: ledger.now.wall - ago.signed(),
        took,
        pace: 10.0,
        head: Digest([head; 32]),
    })
}

/// checkout breaks and comes back for good.
fn recover(ledger: &mut Ledger, after: Span) {
    let since = ledger.now.clone();
    let (panel, seen) = ("errors".to_owned(), "7 %".to_owned());
    let breach =
        WatchCommand::Breached { panel: panel.clone(), seen: seen.clone(), threshold: "1 %".into(), since };
    ledger.ok(&Actor::room(), Command::Watch(breach));
    ledger.pass(after);
    ledger.ok(&Actor::room(), Command::Watch(WatchCommand::Cleared { panel, seen }));
    ledger.pass(Span::mins(5));
}

#[test]
fn a_drill_counts_while_it_is_young_and_was_recovered_from() {
    let within = Span::hours(24 * 90);
    let mut ledger = asked(RecordRules { drill_within: Some(within), ..RecordRules::default() });
    assert_eq!(line(&ledger), (Unknown, "none is recorded".into()));
    assert_eq!(gate(&ledger, Action::Deploy), Because::Undecided);
    assert_eq!(gate(&ledger, Action::Rollback), Because::Open);
    ledger.ok(&ana(), record(&ledger, Span::hours(48), Some(Span::secs(252)), 1));
    assert_eq!(line(&ledger), (Yes, "bad-release recovered from in 4m12s at pace 10, 2d00h ago".into()));
    assert_eq!(gate(&ledger, Action::Promote), Because::Open);
    assert!(
        ledger.ok(&ana(), record(&ledger, Span::hours(1), None, 1)).is_empty(),
        "the same drill counts once"
    );
    ledger.ok(&ana(), record(&ledger, Span::hours(72), None, 2));
    assert_eq!(line(&ledger).0, Yes, "one that is told late does not stand for a newer one");
    ledger.ok(&ana(), record(&ledger, Span::hours(1), None, 3));
    assert_eq!((line(&ledger).0, gate(&ledger, Action::Deploy)), (No, Because::NotReady));
    ledger.ok(&ana(), record(&ledger, Span::ZERO, Some(Span::secs(100)), 4));
    ledger.pass(within);
    assert_eq!(line(&ledger).0, Yes);
    ledger.pass(Span::millis(1));
    assert_eq!(line(&ledger).0, Unknown, "a stale drill is unknown");
    assert_eq!(gate(&ledger, Action::Deploy), Because::Undecided);
    assert_eq!(ledger.replay(), ledger.state);
}

#[test]
fn what_is_no_result_of_a_drill_is_refused() {
    let mut ledger = asked(RecordRules::default());
    let of = |service: &str, at, pace| {
        let (service, scenario) = (service.into(), "bad-release".into());
        Command::Drill(DrillCommand::Record {
            service,
            scenario,
            at,
            took: None,
            pace,
            head: Digest([1; 32]),
        })
    };
    let now = ledger.now.wall;
    let later = ledger.now.plus(Span::mins(6)).wall;
    for (command, code) in [
        (of("chekout", now, 1.0), Code::Unknown),
        (of("", now, 1.0), Code::Invalid),
        (of("checkout", later, 1.0), Code::Invalid),
        (of("checkout", now, f64::NAN), Code::Invalid),
    ] {
        assert_eq!(ledger.no(&ana(), command).code, code);
    }
    assert_eq!(ledger.no(&Actor::token("ci"), of("checkout", now, 1.0)).code, Code::Forbidden);
    let began = RoomFact::DrillBegan { scenario: "bad-release".into(), pace: 1.0 };
    ledger.ok(&Actor::room(), Command::Room(began));
    assert_eq!(ledger.no(&ana(), of("checkout", now, 1.0)).code, Code::Conflict);
}

#[test]
fn recoveries_are_kept_with_what_they_took_and_practice_is_not() {
    let mut ledger = asked(RecordRules::default());
    ledger.ok(&ana(), declare());
    recover(&mut ledger, Span::mins(12));
    let took = |ledger: &Ledger| {
        let record = ledger.state.records.get("checkout").cloned().unwrap_or_default();
        record.recoveries.iter().map(|one| one.took).collect::<Vec<_>>()
    };
    assert_eq!(took(&ledger), [Span::mins(12)]);
    let since = ledger.now.clone();
    let again = WatchCommand::Breached { panel: "x".into(), seen: "1".into(), threshold: "0".into(), since };
    ledger.ok(&Actor::room(), Command::Watch(again));
    assert_eq!(took(&ledger), [], "it did not hold after all");
    ledger.ok(&Actor::room(), Command::Watch(WatchCommand::Cleared { panel: "x".into(), seen: "0".into() }));
    ledger.pass(Span::mins(5));
    assert_eq!(took(&ledger), [Span::mins(17)]);
    let card = scorecard(&ledger.state, "checkout", &ledger.now);
    assert_eq!(card.record_words(&ledger.now).unwrap(), "recovered in 17m00s (INC-1)");
    assert_eq!((card.word(), scorecard::services(&ledger.state)), ("not asked", vec!["checkout".to_owned()]));
    assert_eq!(ledger.replay(), ledger.state);

    let mut practice = asked(RecordRules::default());
    let began = RoomFact::DrillBegan { scenario: "bad-release".into(), pace: 1.0 };
    practice.ok(&Actor::room(), Command::Room(began));
    practice.ok(&ana(), declare());
    recover(&mut practice, Span::mins(12));
    assert!(practice.state.records.is_empty());
}

#[test]
fn a_rollback_that_was_given_up_and_actions_that_are_open_hold_a_deploy() {
    let mut ledger = asked(RecordRules { last_rollback: true, ..RecordRules::default() });
    ledger.ok(&ana(), declare());
    assert_eq!(line(&ledger), (Yes, "none was walked".into()));
    let mut walked = |title: &str, n: u32| {
        let mut book = runbook(vec![section("do", vec![step("s", vec![block("b", BlockKind::Run)])])]);
        title.clone_into(&mut book.title);
        ledger.ok(&ana(), start(book));
        let abandon = WalkCommand::Abandon { walk: WalkId(n), reason: "it does not work".into() };
        ledger.ok(&ana(), abandon);
        line(&ledger)
    };
    assert_eq!(walked("Validate", 1).0, Yes, "another runbook is no rollback");
    assert_eq!(walked("Roll back a release", 2), (No, "RUN-2 was given up".into()));
    assert_eq!(ledger.state.records["checkout"].failed_rollbacks, 1);
    assert_eq!(
        (gate(&ledger, Action::Deploy), gate(&ledger, Action::Rollback)),
        (Because::NotReady, Because::Open)
    );
    assert_eq!(ledger.replay(), ledger.state);

    let mut ledger = asked(RecordRules { open_actions: Some(1), ..RecordRules::default() });
    ledger.ok(&ana(), declare());
    for (n, verdict) in [(1, Yes), (2, No)] {
        let give = TaskCommand::Give {
            incident: IncidentId(1),
            text: format!("look at {n}"),
            owner: "ana".into(),
            within: None,
        };
        let events = ledger.ok(&ana(), Command::Task(give));
        assert!(matches!(events[0].fact, Fact::Task(_)));
        assert_eq!(line(&ledger), (verdict, format!("{n}, at most 1 may be")));
    }
}
