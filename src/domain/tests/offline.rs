//! What is recorded while the journal is out of reach, what takes broken glass, and what waits.

use crate::domain::{
    Command, Fact,
    board::{BoardCommand, BoardLine},
    deviation::{DeviationFact, DeviationKind},
    freeze::{FreezeCommand, Scope},
    gate::{self, Action},
    glass::GlassCommand,
    handover::HandoverCommand,
    id::{FreezeId, IncidentId, PageId, WalkId},
    incident::{IncidentCommand, Status},
    note::NoteCommand,
    offline::{Way, decide_under_glass, own_reason, way},
    page::PageCommand,
    policy::Power,
    release::{Judgement, ReleaseCommand},
    severity::Severity,
    testing::{Ledger, ana, declare},
    time::Span,
    walk::{Confirmation, WalkCommand},
    watch::WatchCommand,
};

fn freeze() -> Command {
    Command::Freeze(FreezeCommand::Begin {
        all: None,
        incident: Some(IncidentId(1)),
        scope: Scope::deploys(vec!["shop".into()], vec!["prod".into()]),
        reason: "it burns".into(),
        lease: None,
    })
}

fn role(role: &str) -> Command {
    Command::Incident(IncidentCommand::Role { incident: IncidentId(1), role: role.into(), who: "bo".into() })
}

fn status(to: Status) -> Command {
    Command::Incident(IncidentCommand::Status { incident: IncidentId(1), to })
}

fn declared(freeze: bool) -> Command {
    Command::Incident(IncidentCommand::Declare {
        all: None,
        title: "5xx".into(),
        severity: Severity::WORST,
        services: vec!["shop".into()],
        env: None,
        freeze,
    })
}

fn broken(reason: &str) -> Command {
    Command::Glass(GlassCommand::Break {
        incident: None,
        power: Power::Respond,
        reason: reason.into(),
        lease: None,
    })
}

#[test]
fn what_is_true_wherever_it_is_written_is_recorded_and_what_all_must_agree_on_takes_glass() {
    let (incident, walk, step) = (IncidentId(1), WalkId(1), String::from("one"));
    let take = WalkCommand::Take {
        walk,
        step: step.clone(),
        hand: uuid::Uuid::nil(),
        host: "h".into(),
        confirm: Confirmation::Enter,
        undo: false,
        again: false,
        shown: None,
    };
    let saw = WatchCommand::Breached {
        panel: "errors".into(),
        seen: "7 %".into(),
        threshold: "1 %".into(),
        since: Ledger::new().now,
    };
    let judged = ReleaseCommand::Judge {
        service: "shop".into(),
        artifact: "2".into(),
        judgement: Judgement::Bad,
        why: "5xx".into(),
    };
    let recorded = [
        Command::Note(NoteCommand::Say { incident: None, text: "it began".into() }),
        declared(false),
        role("scribe"),
        status(Status::Identified),
        Command::Board(BoardCommand::Set { incident, line: BoardLine::Now, text: "5xx".into() }),
        Command::Watch(saw),
        Command::Release(judged),
        Command::Page(PageCommand::Acknowledge { page: PageId(1), note: None }),
        Command::Walk(WalkCommand::Confirm { walk, step: step.clone(), seen: "ok".into() }),
        Command::Walk(WalkCommand::Reject { walk, step: step.clone(), reason: "no".into() }),
    ];
    let glass = [
        freeze(),
        Command::Freeze(FreezeCommand::Lift { freeze: FreezeId(1), reason: "over".into() }),
        declared(true),
        role("commander"),
        role("ic"),
        Command::Handover(HandoverCommand::Take { incident, reason: "gone".into(), from: None }),
        Command::Walk(take),
        Command::Walk(WalkCommand::TakeOver { walk, step, reason: "dead".into() }),
        broken("alone"),
    ];
    let waits = [
        status(Status::Resolved),
        status(Status::Closed),
        Command::Page(PageCommand::Ask { incident: None, who: "bo".into(), why: "help".into() }),
        Command::Note(NoteCommand::Star { incident, seq: 7, on: true }),
        Command::Tick,
    ];
    for command in &recorded {
        assert_eq!(way(command), Way::Recorded, "{command:?}");
    }
    for command in &glass {
        assert_eq!(way(command), Way::Glass, "{command:?}");
    }
    for command in &waits {
        assert!(matches!(way(command), Way::Waits(why) if !why.is_empty()), "{command:?}");
    }
    assert_eq!(own_reason(&broken("alone")), Some("alone"));
    assert_eq!(own_reason(&broken("  ")), None);
    assert_eq!(own_reason(&freeze()), None);
}

#[test]
fn what_the_glass_was_broken_for_is_decided_as_ever_and_is_a_deviation_once() {
    let mut ledger = Ledger::new();
    ledger.ok(&ana(), declare());
    let ctx = ledger.ctx(&ana());
    let plain = crate::domain::decide(&ledger.state, &freeze(), &ctx).unwrap();
    let facts = decide_under_glass(&ledger.state, &freeze(), &ctx, "nobody else is here").unwrap();
    assert_eq!(facts[..plain.len()], plain[..]);
    match &facts[plain.len()..] {
        [Fact::Deviation(DeviationFact::Recorded { incident, what, text, code, .. })] => {
            assert_eq!((*incident, what.kind), (Some(IncidentId(1)), DeviationKind::BrokenGlass));
            assert_eq!(text, "nobody else is here");
            assert!(code.is_some() && what.actual.contains("freezes"), "{what:?}");
        }
        other => panic!("{other:?}"),
    }
    let gone = Command::Freeze(FreezeCommand::Lift { freeze: FreezeId(9), reason: "over".into() });
    assert!(decide_under_glass(&ledger.state, &gone, &ctx, "why").is_err());
}

#[test]
fn a_lease_that_ended_while_nothing_could_be_written_holds_no_longer_and_opens_nothing() {
    let mut ledger = Ledger::new();
    ledger.ok(&ana(), declare());
    ledger.ok(&ana(), freeze());
    let request = gate::Request {
        service: "shop".into(),
        env: "prod".into(),
        artifact: "shop@2".into(),
        action: Action::Deploy,
        dry_run: false,
        alias: None,
    };
    let ends = ledger.state.freezes[&FreezeId(1)].ends.clone();
    for (now, exit) in
        [(ledger.now.clone(), 10), (ends.plus(Span::ZERO), 12), (ends.plus(Span::hours(1)), 12)]
    {
        let answer = gate::when_writable(
            gate::answer(&ledger.state, &request, &now),
            request.action,
            Some("the disk is full"),
            &now,
        );
        assert_eq!((answer.allowed, answer.because.exit()), (false, exit), "{answer:?}");
        assert_eq!(answer.freeze.is_some(), exit == 10);
    }
}
