//! Facts of a newer room: what they mean is not known, so nothing is decided until an upgrade.

use crate::domain::{
    Command, Fact, State,
    freeze::{FreezeCommand, Scope},
    gate::{self, Action, Answer, Because, Request},
    incident::IncidentCommand,
    next_deadline,
    note::NoteCommand,
    refusal::Code,
    room::RoomFact,
    severity::Severity,
    testing::{Ledger, ana},
    time::Span,
};

fn foreign() -> Fact {
    Fact::Foreign(serde_json::json!({ "freeze": { "widened\u{1b}": { "freeze": "FRZ-1" } } }))
}

fn says(ledger: &Ledger, service: &str, action: Action) -> Answer {
    let request = Request {
        service: service.into(),
        env: "prod".into(),
        artifact: format!("{service}@2"),
        action,
        dry_run: false,
        alias: None,
    };
    gate::answer(&ledger.state, &request, &ledger.now)
}

fn learns(ledger: &mut Ledger, fact: Fact) {
    let ctx = ledger.ctx(&ana());
    let event = ledger.stamp(fact, &ctx, 0);
    ledger.state.apply(&event);
}

fn note() -> Command {
    Command::Note(NoteCommand::Say { incident: None, text: "we upgrade".into() })
}

#[test]
fn holds_the_gate_and_refuses_what_rules_bind_once_a_newer_kind_is_in_the_journal() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(
        &ana(),
        Command::Freeze(FreezeCommand::Begin {
            incident: None,
            scope: Scope::deploys(vec!["checkout".into()], vec!["prod".into()]),
            reason: "errors".into(),
            lease: None,
            all: None,
        }),
    );
    assert_eq!(says(&ledger, "search", Action::Deploy).because, Because::Open);
    assert!(next_deadline(&ledger.state, &ledger.now).is_some());
    let since = ledger.state.head + 1;
    learns(&mut ledger, foreign());
    learns(&mut ledger, Fact::Foreign(serde_json::json!({ "gadget": "made" })));
    let newer = ledger.state.newer.clone().unwrap();
    assert_eq!(
        (newer.since, newer.kind.as_str()),
        (since, r"freeze.widened\u001b"),
        "the first, safe to show"
    );

    for action in [Action::Deploy, Action::Promote] {
        let answer = says(&ledger, "search", action);
        assert_eq!((answer.allowed, answer.because, answer.hold), (false, Because::Undecided, true));
        assert!(answer.reason.contains("upgrade this room"), "{}", answer.reason);
    }
    assert_eq!(
        says(&ledger, "checkout", Action::Deploy).because,
        Because::Frozen,
        "what is known still holds"
    );
    let rollback = says(&ledger, "search", Action::Rollback);
    assert!(rollback.allowed && rollback.warned && rollback.is_kept(), "{rollback:?}");
    assert!(rollback.reason.contains("with a warning"), "{}", rollback.reason);

    let bound = [
        Command::Incident(IncidentCommand::Declare {
            title: "again".into(),
            severity: Severity::ALL[0],
            services: Vec::new(),
            env: None,
            freeze: false,
            all: None,
        }),
        Command::Freeze(FreezeCommand::Lift {
            freeze: ledger.state.freezes.keys().copied().next().unwrap(),
            reason: "over".into(),
        }),
    ];
    for command in bound {
        let refusal = ledger.no(&ana(), command);
        assert_eq!(refusal.code, Code::Conflict);
        assert!(refusal.to_string().contains("newer warroom"), "{refusal}");
    }
    ledger.ok(&ana(), note());
    // A lease that may have been moved does not end here, and the duty is for a room that knows.
    ledger.now = ledger.now.plus(Span::hours(48));
    assert_eq!(next_deadline(&ledger.state, &ledger.now), None);
    let room = crate::domain::actor::Actor::room();
    assert!(ledger.ask(&room, Command::Tick).unwrap().is_empty());
    ledger.state.room.duty = None;
    let taken = Command::Room(RoomFact::DutyTaken { epoch: 0, after: None });
    assert!(ledger.ask(&room, taken).unwrap().is_empty());
}

#[test]
fn is_undecided_in_the_same_way_while_the_journal_is_slow() {
    let ledger = Ledger::with_incident();
    let told = |action| {
        gate::when_writable(says(&ledger, "search", action), action, Some("it is slow"), &ledger.now)
    };
    assert_eq!(told(Action::Deploy).because, Because::Undecided);
    let rollback = told(Action::Rollback);
    assert!(rollback.allowed && rollback.warned, "{rollback:?}");
    assert!(rollback.reason.contains("it is slow"));
}

#[test]
fn an_old_state_without_it_is_read() {
    let state: State = serde_json::from_str("{}").unwrap();
    assert_eq!(state.newer, None);
    assert!(!serde_json::to_string(&state).unwrap().contains("newer"));
}
