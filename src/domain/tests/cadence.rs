//! What is owed again and again: polls and updates, each in its own time.

use crate::domain::{
    Command, Fact,
    actor::Actor,
    board::{BoardCommand, BoardFact, draft},
    cadence::{Audience, Beat, next, too_soon},
    dispatch::{DispatchFact, Matter},
    id::IncidentId,
    incident::{CadenceDifference, Incident, IncidentCommand, Status, difference},
    page::TargetKind,
    policy::{Policy, SeverityRow},
    refusal::Code,
    severity::Severity,
    testing::{Ledger, ana, bo, declare},
    time::Span,
};

const INC: IncidentId = IncidentId(1);

fn row(poll: Option<u64>, update: u64, external: Option<u64>) -> SeverityRow {
    SeverityRow {
        meaning: "bad".into(),
        runbook: None,
        roles: <_>::default(),
        poll_every: poll.map(Span::mins),
        update_every: Some(Span::mins(update)),
        external_every: external.map(Span::mins),
        freeze: None,
        page: None,
    }
}

fn ledger() -> Ledger {
    let mut ledger = Ledger::new();
    let mut policy = Policy::default();
    policy.severities.insert(Severity::WORST, row(Some(5), 15, Some(30)));
    policy.severities.insert(Severity::new(2).unwrap(), row(Some(10), 30, None));
    policy.outward.targets =
        [("chat".to_owned(), TargetKind::Slack), ("page".to_owned(), TargetKind::Webhook)].into();
    (policy.outward.updates, policy.outward.external) = (vec!["chat".into()], vec!["page".into()]);
    ledger.ok(&Actor::room(), Command::Policy(Box::new(policy)));
    ledger.ok(&ana(), declare());
    ledger
}

fn incident(ledger: &Ledger) -> &Incident {
    &ledger.state.incidents[&INC]
}

fn send(audience: Audience) -> Command {
    Command::Board(BoardCommand::Updated { incident: INC, text: "we are on it".into(), to: None, audience })
}

fn snooze(beat: Beat, by: Span, reason: &str) -> Command {
    Command::Board(BoardCommand::Snooze { incident: INC, beat, by, reason: reason.into() })
}

#[test]
fn each_severity_gives_each_beat_its_own_period() {
    let mut ledger = ledger();
    let every = |ledger: &Ledger| Beat::ALL.map(|beat| incident(ledger).board.every(beat));
    let mins = |n| Some(Span::mins(n));
    assert_eq!(every(&ledger), [mins(10), mins(30), None]);
    let shown = difference(&ledger.state, incident(&ledger), Severity::WORST).cadence;
    let change = |beat, from, to| CadenceDifference { beat, from, to };
    let all = [
        change(Beat::Poll, mins(10), mins(5)),
        change(Beat::Internal, mins(30), mins(15)),
        change(Beat::External, None, mins(30)),
    ];
    assert_eq!(shown, all);
    let worse = IncidentCommand::Severity { incident: INC, to: Severity::WORST, reason: "all".into() };
    ledger.ok(&ana(), worse);
    assert_eq!(every(&ledger), [mins(5), mins(15), mins(30)]);
    assert_eq!(next(incident(&ledger)).map(|(beat, _)| beat), Some(Beat::Poll));
    // What the milder row does not name stays as it is.
    let milder =
        IncidentCommand::Severity { incident: INC, to: Severity::new(2).unwrap(), reason: "few".into() };
    ledger.ok(&ana(), milder);
    assert_eq!(every(&ledger), [mins(10), mins(30), mins(30)]);
    let (incident, every) = (INC, None);
    ledger.ok(&ana(), Command::Board(BoardCommand::Cadence { incident, beat: Beat::External, every }));
    assert_eq!(self::incident(&ledger).board.every(Beat::External), None);
    assert_eq!(ledger.replay(), ledger.state);
}

#[test]
fn what_is_done_starts_its_own_clock_and_no_other() {
    let mut ledger = ledger();
    let external = BoardCommand::Cadence { incident: INC, beat: Beat::External, every: Some(Span::hours(1)) };
    ledger.ok(&ana(), Command::Board(external));
    ledger.pass(Span::mins(7));
    let due =
        |ledger: &Ledger| Beat::ALL.map(|beat| incident(ledger).board.due(beat).unwrap().until(&ledger.now));
    ledger.ok(&bo(), Command::Board(BoardCommand::Poll { incident: INC }));
    assert_eq!(due(&ledger), [Span::mins(10), Span::mins(23), Span::mins(53)]);
    let events = ledger.ok(&bo(), send(Audience::Internal));
    let matter = |events: &[crate::domain::Event]| match &events[1].fact {
        Fact::Dispatch(DispatchFact::Owed { matter, target, .. }) => (matter.clone(), target.clone()),
        other => panic!("{other:?}"),
    };
    let update = |audience| Matter::Update { incident: INC, audience };
    assert_eq!(matter(&events), (update(Audience::Internal), "chat".to_owned()));
    let events = ledger.ok(&bo(), send(Audience::External));
    assert_eq!(matter(&events), (update(Audience::External), "page".to_owned()));
    assert_eq!(due(&ledger), [Span::mins(10), Span::mins(30), Span::hours(1)]);
    // An update for those outside replaces none for those inside.
    assert!(ledger.state.dispatches.values().all(|one| one.void.is_none()));
    ledger.ok(&bo(), send(Audience::External));
    assert_eq!(ledger.state.dispatches.values().filter(|one| one.void.is_some()).count(), 1);
    assert_eq!(ledger.replay(), ledger.state);
}

#[test]
fn a_time_is_put_off_with_a_reason_until_it_was_done() {
    let mut ledger = ledger();
    assert_eq!(
        ledger.no(&ana(), snooze(Beat::External, Span::mins(5), "x")).code,
        Code::Conflict,
        "none owed"
    );
    for by in [Span::ZERO, Span::hours(25)] {
        assert_eq!(ledger.no(&ana(), snooze(Beat::Internal, by, "x")).code, Code::Invalid);
    }
    assert_eq!(ledger.no(&ana(), snooze(Beat::Internal, Span::mins(5), " ")).code, Code::Invalid);
    // Before it is due it is put off from then, after that from now.
    ledger.ok(&ana(), snooze(Beat::Internal, Span::mins(5), "in the middle of it"));
    let left = |ledger: &Ledger| incident(ledger).board.due(Beat::Internal).unwrap().until(&ledger.now);
    assert_eq!(left(&ledger), Span::mins(35));
    ledger.now = ledger.now.plus(Span::hours(2));
    ledger.ok(&ana(), snooze(Beat::Internal, Span::mins(5), "still"));
    assert_eq!(left(&ledger), Span::mins(5));
    let clock = &incident(&ledger).board.beats[&Beat::Internal];
    assert_eq!(
        clock.snoozed.as_ref().map(|one| (one.by.as_str(), one.reason.as_str())),
        Some(("ana", "still"))
    );
    ledger.ok(&ana(), send(Audience::Internal));
    let clock = &incident(&ledger).board.beats[&Beat::Internal];
    assert!(clock.snoozed.is_none() && left(&ledger) == Span::mins(30));
}

#[test]
fn too_frequent_updates_are_warned_about_and_not_refused() {
    let mut ledger = ledger();
    assert_eq!(
        too_soon(incident(&ledger), Audience::Internal, &ledger.now),
        None,
        "the first is never too soon"
    );
    ledger.ok(&ana(), send(Audience::Internal));
    ledger.pass(Span::mins(14));
    let why = too_soon(incident(&ledger), Audience::Internal, &ledger.now).unwrap();
    assert!(why.contains("14m00s ago") && why.contains("every 30m"), "{why}");
    assert_eq!(too_soon(incident(&ledger), Audience::External, &ledger.now), None, "nobody owes those");
    ledger.ok(&ana(), send(Audience::Internal));
    ledger.pass(Span::mins(15));
    assert_eq!(too_soon(incident(&ledger), Audience::Internal, &ledger.now), None);
}

#[test]
fn drafts_are_filled_from_the_state_and_those_outside_read_nothing_of_the_work() {
    let mut ledger = ledger();
    let worse = IncidentCommand::Severity { incident: INC, to: Severity::WORST, reason: "all".into() };
    ledger.ok(&ana(), worse);
    ledger.ok(&ana(), IncidentCommand::Status { incident: INC, to: Status::Mitigating });
    let inside = draft(incident(&ledger), Audience::Internal, &ledger.now);
    assert!(inside.starts_with("SEV1 INC-1 mitigating: checkout fails."), "{inside}");
    let outside = draft(incident(&ledger), Audience::External, &ledger.now);
    assert_eq!(
        outside,
        "There is a problem with checkout: a remedy is being put in place.\nNext update by 22:43Z."
    );
}

#[test]
fn boards_of_an_older_journal_are_read_as_they_were() {
    let stored = r#"{"board":{"cadence":{"incident":"INC-1","every":"15m"}}}"#;
    let Fact::Board(BoardFact::Cadence { beat, .. }) = serde_json::from_str(stored).unwrap() else {
        panic!()
    };
    assert_eq!(beat, Beat::Internal);
    let stored = r#"{"board":{"updated":{"incident":"INC-1","text":"on it"}}}"#;
    let Fact::Board(BoardFact::Updated { audience, .. }) = serde_json::from_str(stored).unwrap() else {
        panic!()
    };
    assert_eq!(audience, Audience::Internal);
}
