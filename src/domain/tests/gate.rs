//! Freezes and what the gate says under them.

use crate::domain::{
    Command, Fact,
    actor::Actor,
    freeze::{AllServices, FreezeCommand, FreezeFact, LEASE_MAX, Scope},
    gate::{Action, Answer, Because, GateCommand, Request, answer},
    id::{FreezeId, IncidentId},
    incident::IncidentCommand,
    refusal::Code,
    release::{Judgement, ReleaseCommand},
    severity::Severity,
    testing::{Ledger, ana, bo},
    time::Span,
};

fn request(action: Action) -> Request {
    Request {
        service: "checkout".into(),
        env: "prod".into(),
        artifact: "checkout@2.4.2".into(),
        action,
        dry_run: false,
        alias: None,
    }
}

fn freeze(services: &[&str], envs: &[&str], lease: Option<Span>) -> Command {
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Command::Freeze(FreezeCommand::Begin {
        all: services.is_empty().then_some(AllServices::Confirmed),
        incident: Some(IncidentId(1)),
        scope: Scope::deploys(list(services), list(envs)),
        reason: "errors".into(),
        lease,
    })
}

fn exempt(freeze: u32, artifact: &str) -> Command {
    Command::Freeze(FreezeCommand::Exempt {
        freeze: FreezeId(freeze),
        artifact: artifact.into(),
        reason: "the fix".into(),
        glass: false,
    })
}

fn bad() -> Command {
    Command::Release(ReleaseCommand::Judge {
        service: "checkout".into(),
        artifact: "checkout@2.4.2".into(),
        judgement: Judgement::Bad,
        why: "it fails".into(),
    })
}

fn says(ledger: &Ledger, request: &Request) -> Answer {
    answer(&ledger.state, request, &ledger.now)
}

#[test]
fn what_passes_and_what_does_not() {
    let f = || freeze(&["checkout"], &["prod"], None);
    let ask = request;
    let other = |service: &str, env: &str| Request {
        service: service.into(),
        env: env.into(),
        ..request(Action::Deploy)
    };
    let named = |artifact: &str| Request { artifact: artifact.into(), ..request(Action::Deploy) };
    let table: Vec<(&str, Vec<Command>, Request, Because)> = vec![
        ("nothing stands", vec![], ask(Action::Deploy), Because::Open),
        ("a freeze", vec![f()], ask(Action::Deploy), Because::Frozen),
        ("a promotion too", vec![f()], ask(Action::Promote), Because::Frozen),
        ("a rollback passes", vec![f()], ask(Action::Rollback), Because::Open),
        ("another service", vec![f()], other("payments", "prod"), Because::Open),
        ("another environment", vec![f()], other("checkout", "test"), Because::Open),
        ("the name must be whole", vec![f()], other("checkout-v2", "prod"), Because::Open),
        ("all services", vec![freeze(&[], &["prod"], None)], other("payments", "prod"), Because::Frozen),
        (
            "spaces do not thaw",
            vec![freeze(&[" checkout "], &[], None)],
            ask(Action::Deploy),
            Because::Frozen,
        ),
        (
            "the exempted artifact",
            vec![f(), exempt(1, "checkout@2.4.2")],
            ask(Action::Deploy),
            Because::Exempted,
        ),
        ("only that one", vec![f(), exempt(1, "checkout@2.4.2")], named("checkout@2.4.20"), Because::Frozen),
        ("exactly as named", vec![f(), exempt(1, "checkout@2.4.2")], named("2.4.2"), Because::Frozen),
        (
            "one of two exempts",
            vec![f(), f(), exempt(1, "checkout@2.4.2")],
            ask(Action::Deploy),
            Because::Frozen,
        ),
        ("a bad artifact", vec![bad()], ask(Action::Deploy), Because::NotReady),
        ("a bad artifact, by version", vec![bad()], named("2.4.2"), Because::NotReady),
        (
            "a bad artifact is not exempted",
            vec![bad(), f(), exempt(1, "checkout@2.4.2")],
            ask(Action::Deploy),
            Because::NotReady,
        ),
        ("back to it is a person's matter", vec![bad()], ask(Action::Rollback), Because::Open),
    ];
    for (what, commands, request, because) in table {
        let mut ledger = Ledger::with_incident();
        for command in commands {
            ledger.ok(&ana(), command);
        }
        let answer = says(&ledger, &request);
        assert_eq!(answer.because, because, "{what}: {}", answer.reason);
        assert_eq!(answer.allowed, because.exit() == 0, "{what}");
        assert_eq!(answer.hold, because == Because::Frozen, "{what}");
        assert!(!answer.abort, "{what}");
        assert_eq!(answer.valid_until.is_some(), because == Because::Frozen, "{what}");
    }
}

#[test]
fn exit_codes() {
    let all = [Because::Open, Because::Exempted, Because::Frozen, Because::NotReady, Because::Undecided];
    assert_eq!(all.map(Because::exit), [0, 0, 10, 11, 12]);
    assert_eq!(Because::Unreachable.exit(), 20);
}

#[test]
fn a_freeze_holds_until_the_event_of_its_end() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&ana(), freeze(&[], &[], Some(Span::mins(5))));
    ledger.now = ledger.now.plus(Span::hours(1));
    let answer = says(&ledger, &request(Action::Deploy));
    assert_eq!(answer.because, Because::Frozen);
    assert!(answer.reason.contains("its lease is ending"), "{}", answer.reason);
    ledger.ok(&Actor::room(), Command::Tick);
    assert_eq!(says(&ledger, &request(Action::Deploy)).because, Because::Open);
    let lift = Command::Freeze(FreezeCommand::Lift { freeze: FreezeId(1), reason: "over".into() });
    assert_eq!(ledger.no(&ana(), lift).code, Code::Conflict);
}

#[test]
fn a_lease_ends_by_the_boot_clock_and_not_before() {
    for step in [-3_600_000, 3_600_000] {
        let mut ledger = Ledger::with_incident();
        ledger.ok(&ana(), freeze(&[], &[], Some(Span::mins(5))));
        ledger.step_wall(step);
        ledger.pass(Span::millis(299_999));
        assert_eq!(says(&ledger, &request(Action::Deploy)).because, Because::Frozen);
        ledger.pass(Span::millis(1));
        assert_eq!(says(&ledger, &request(Action::Deploy)).because, Because::Open);
    }
}

#[test]
fn a_cached_deny_lives_as_long_as_the_longest_freeze() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&ana(), freeze(&[], &[], Some(Span::mins(5))));
    ledger.ok(&ana(), freeze(&["checkout"], &[], Some(Span::hours(2))));
    let answer = says(&ledger, &request(Action::Deploy));
    assert_eq!(answer.freeze, Some(FreezeId(2)));
    assert_eq!(answer.valid_until, Some(ledger.now.plus(Span::hours(2)).wall));
}

#[test]
fn limits_of_a_lease() {
    let mut ledger = Ledger::with_incident();
    for (lease, accepted) in [
        (Span::ZERO, false),
        (Span::secs(59), false),
        (Span::mins(1), true),
        (LEASE_MAX, true),
        (LEASE_MAX.plus(Span::millis(1)), false),
    ] {
        assert_eq!(ledger.ask(&ana(), freeze(&[], &[], Some(lease))).is_ok(), accepted, "{lease}");
        let renew = FreezeCommand::Renew { freeze: FreezeId(1), lease, reason: "more".into() };
        let known = ledger.state.freezes.contains_key(&FreezeId(1));
        assert_eq!(ledger.ask(&ana(), Command::Freeze(renew)).is_ok(), accepted && known, "{lease}");
    }
    let nothing = FreezeCommand::Begin {
        all: None,
        incident: None,
        scope: Scope::default(),
        reason: "x".into(),
        lease: None,
    };
    assert_eq!(ledger.no(&ana(), Command::Freeze(nothing)).code, Code::Invalid);
    assert_eq!(ledger.no(&Actor::token("ci"), freeze(&[], &[], None)).code, Code::Forbidden);
}

#[test]
fn a_wrong_lease_in_the_configuration_keeps_no_freeze_from_beginning() {
    let mut ledger = Ledger::new();
    let mut policy = crate::domain::policy::Policy { freeze_lease: Span::ZERO, ..Default::default() };
    let row = crate::domain::policy::SeverityRow {
        meaning: "bad".into(),
        runbook: None,
        roles: std::collections::BTreeSet::new(),
        update_every: None,
        freeze: Some(Span::hours(1_000)),
        page: None,
        poll_every: None,
        external_every: None,
    };
    policy.severities.insert(Severity::WORST, row);
    ledger.ok(&Actor::room(), Command::Policy(Box::new(policy)));
    for (severity, lease) in [(1, LEASE_MAX), (3, Span::mins(1))] {
        let events = ledger.ok(
            &ana(),
            IncidentCommand::Declare {
                all: None,
                title: "checkout fails".into(),
                severity: Severity::new(severity).unwrap(),
                services: vec!["checkout".into()],
                env: None,
                freeze: true,
            },
        );
        let began = events.iter().find_map(|event| match &event.fact {
            Fact::Freeze(FreezeFact::Began { lease, .. }) => Some(*lease),
            _ => None,
        });
        assert_eq!(began, Some(lease));
    }
}

#[test]
fn refusals_are_counted_and_a_dry_run_proves() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&ana(), freeze(&["checkout"], &[], None));
    let ci = Actor::token("ci");
    let refused = |ledger: &Ledger, dry_run, times| {
        let request = Request { dry_run, ..request(Action::Deploy) };
        Command::Gate(GateCommand::Refused { answer: says(ledger, &request), request, times })
    };
    for times in [1, 4] {
        let command = refused(&ledger, false, times);
        ledger.ok(&ci, command);
    }
    let state = |ledger: &Ledger| ledger.state.freezes[&FreezeId(1)].clone();
    assert_eq!((state(&ledger).refused, state(&ledger).proved), (5, None));
    let command = refused(&ledger, true, 1);
    ledger.ok(&ci, command);
    assert_eq!(state(&ledger).refused, 5);
    assert_eq!(state(&ledger).proved, Some(ledger.now.clone()));
    let command = refused(&ledger, false, 0);
    assert_eq!(ledger.no(&ci, command).code, Code::Invalid);
}

#[test]
fn what_did_not_refuse_is_not_written_down() {
    let mut ledger = Ledger::with_incident();
    let open = says(&ledger, &request(Action::Deploy));
    let invented = Answer { allowed: false, freeze: Some(FreezeId(9)), ..open.clone() };
    for (answer, code) in [(open, Code::Invalid), (invented, Code::Unknown)] {
        let command = GateCommand::Refused { request: request(Action::Deploy), answer, times: 1 };
        assert_eq!(ledger.no(&bo(), Command::Gate(command)).code, code);
    }
    let passed = GateCommand::Passed { request: request(Action::Deploy), freeze: FreezeId(9), times: 1 };
    assert_eq!(ledger.no(&bo(), Command::Gate(passed)).code, Code::Unknown);
}

#[test]
fn the_answer_is_one_line_whatever_the_names_are() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(
        &ana(),
        Command::Freeze(FreezeCommand::Begin {
            all: Some(AllServices::Confirmed),
            incident: None,
            scope: Scope::deploys(vec![], vec![]),
            reason: "first\nsecond".into(),
            lease: None,
        }),
    );
    for (alias, good) in [
        ("pipeline", true),
        ("ci/build-77", true),
        ("", false),
        ("ana (root)", false),
        ("\u{1b}[2J", false),
        ("аna", false),
        (&"x".repeat(41), false),
    ] {
        let asked = Request { alias: Some(alias.into()), ..request(Action::Deploy) };
        assert_eq!(asked.checked(&ledger.state).is_ok(), good, "{alias:?}");
    }
    let hostile = Request { artifact: "a\u{1b}[2J\nb".into(), ..request(Action::Deploy) };
    let answer = says(&ledger, &hostile);
    assert!(!answer.reason.chars().any(char::is_control), "{}", answer.reason);
    let command = GateCommand::Refused { request: hostile, answer, times: 1 };
    let events = ledger.ok(&Actor::token("ci"), Command::Gate(command));
    assert!(!serde_json::to_string(&events).unwrap().contains("\\u001b"));
}

#[test]
fn severity_and_freeze_do_not_touch_each_other() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&ana(), freeze(&[], &[], None));
    ledger.ok(
        &ana(),
        IncidentCommand::Severity {
            incident: IncidentId(1),
            to: Severity::new(5).unwrap(),
            reason: "milder".into(),
        },
    );
    assert!(ledger.state.freezes[&FreezeId(1)].holds());
    let lift = Command::Freeze(FreezeCommand::Lift { freeze: FreezeId(1), reason: "over".into() });
    ledger.ok(&ana(), lift);
    assert_eq!(ledger.state.incidents[&IncidentId(1)].severity.number(), 5);
}

#[test]
fn a_refusal_of_ones_own_is_not_pushed_out_by_others_of_ones_own() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&ana(), freeze(&["checkout"], &["prod"], None));
    for n in 0..3_000 {
        let request = Request {
            alias: Some(format!("build-{n}")),
            artifact: format!("checkout@{n}"),
            ..request(Action::Deploy)
        };
        let answer = answer(&ledger.state, &request, &ledger.now);
        ledger.ok(&bo(), Command::Gate(GateCommand::Refused { request, answer, times: 1 }));
    }
    let known = &ledger.state.freezes[&FreezeId(1)];
    assert!(known.is_own("checkout@0", &bo()) && !known.is_own("checkout@0", &ana()));
    assert!(known.refused_to.len() < 64, "{}", known.refused_to.len());
}

#[test]
fn nobody_exempts_a_change_of_their_own_but_by_breaking_the_glass() {
    let own = |glass| {
        Command::Freeze(FreezeCommand::Exempt {
            freeze: FreezeId(1),
            artifact: "checkout@9".into(),
            reason: "the fix".into(),
            glass,
        })
    };
    let asks = |alias: Option<&str>| {
        let request = Request {
            alias: alias.map(str::to_owned),
            artifact: "checkout@9".into(),
            ..request(Action::Deploy)
        };
        move |ledger: &Ledger| {
            let answer = answer(&ledger.state, &request, &ledger.now);
            Command::Gate(GateCommand::Refused { request: request.clone(), answer, times: 1 })
        }
    };
    // By their own uid, and by a pipeline that says for whom it asks.
    for (asker, alias) in [(ana(), None), (Actor::token("ci"), Some("ana"))] {
        let mut ledger = Ledger::with_incident();
        ledger.ok(&ana(), freeze(&["checkout"], &["prod"], None));
        let refused = asks(alias)(&ledger);
        ledger.ok(&asker, refused);
        let why = ledger.no(&ana(), own(false));
        assert!(why.code == Code::Forbidden && why.to_string().contains("--break-glass"), "{why}");
        let events = ledger.ok(&ana(), own(true));
        assert!(events.iter().any(|event| matches!(&event.fact, Fact::Deviation(_))), "{events:?}");
        assert_eq!(ledger.replay(), ledger.state);
        let mut ledger = Ledger::with_incident();
        ledger.ok(&ana(), freeze(&["checkout"], &["prod"], None));
        let refused = asks(alias)(&ledger);
        ledger.ok(&asker, refused);
        assert_eq!(ledger.ok(&bo(), own(false)).len(), 1, "somebody else does");
    }
}
