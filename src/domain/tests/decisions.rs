//! Decisions: proposed, objected to, made, looked at again.

use crate::domain::{
    Command, Fact,
    decision::{DecisionCommand, DecisionFact},
    event::Event,
    id::{DecisionId, IncidentId},
    incident::{Incident, IncidentCommand, Status},
    refusal::Code,
    testing::{Ledger, ana, bo, cy},
    time::Span,
};

const INC: IncidentId = IncidentId(1);
const DEC: DecisionId = DecisionId(1);

fn propose(text: &str) -> Command {
    Command::Decision(DecisionCommand::Propose {
        incident: INC,
        text: text.into(),
        options: vec!["wait for the fix".into()],
        risks: Some("a cold cache".into()),
    })
}

fn object(why: &str) -> Command {
    Command::Decision(DecisionCommand::Object { incident: INC, decision: DEC, why: why.into() })
}

fn settle(text: Option<&str>, review_in: Option<Span>) -> Command {
    let text = text.map(str::to_owned);
    Command::Decision(DecisionCommand::Settle { incident: INC, decision: DEC, text, review_in })
}

fn withdraw() -> Command {
    Command::Decision(DecisionCommand::Withdraw { incident: INC, decision: DEC, reason: "moot".into() })
}

fn review(again: Option<Span>) -> Command {
    Command::Decision(DecisionCommand::Review {
        incident: INC,
        decision: DEC,
        text: "it stands".into(),
        again,
    })
}

fn incident(ledger: &Ledger) -> &Incident {
    &ledger.state.incidents[&INC]
}

fn reviews(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event.fact, Fact::Decision(DecisionFact::ReviewDue { .. }))).count()
}

#[test]
fn a_proposal_takes_objections_and_the_commander_decides() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&bo(), propose("roll back"));
    assert!(incident(&ledger).decided.is_empty() && incident(&ledger).clocks.marks.len() == 2);
    ledger.ok(&cy(), object("the schema has moved on"));
    assert!(ledger.ok(&cy(), object("the schema has moved on")).is_empty(), "said once is said");
    ledger.ok(&cy(), object("and the cache is cold"));
    let open = &incident(&ledger).proposals[&DEC];
    let said: Vec<_> = open.objections.iter().map(|one| (one.by.as_str(), one.why.as_str())).collect();
    assert_eq!(said, [("cy", "the schema has moved on"), ("cy", "and the cache is cold")]);
    assert_eq!(ledger.no(&bo(), settle(None, None)).code, Code::Forbidden, "ana commands");
    let events = ledger.ok(&ana(), settle(None, None));
    let Fact::Decision(DecisionFact::Made { decision, text, options, risks, over, .. }) = &events[0].fact
    else {
        panic!("{events:?}")
    };
    assert_eq!((*decision, text.as_str(), over.as_slice()), (DEC, "roll back", ["cy".to_owned()].as_slice()));
    assert_eq!((options.len(), risks.as_deref()), (1, Some("a cold cache")));
    assert_eq!(events.len(), 2, "the first decision marks its moment");
    assert!(incident(&ledger).proposals.is_empty());
    assert_eq!(incident(&ledger).decided[0].by, "ana");
    for late in [settle(None, None), object("too late"), withdraw()] {
        assert_eq!(ledger.no(&ana(), late).code, Code::Conflict);
    }
    assert_eq!(ledger.replay(), ledger.state);
}

#[test]
fn who_proposed_withdraws_and_nothing_is_decided() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&bo(), propose("roll back"));
    assert_eq!(ledger.no(&cy(), withdraw()).code, Code::Forbidden);
    ledger.ok(&bo(), withdraw());
    assert!(incident(&ledger).proposals.is_empty() && incident(&ledger).decided.is_empty());
    assert_eq!(ledger.no(&ana(), settle(None, None)).code, Code::Unknown);
    // Its name is not given again.
    ledger.ok(&bo(), propose("wait"));
    assert!(incident(&ledger).proposals.contains_key(&DecisionId(2)));
    // Where nobody commands, anybody decides.
    ledger.ok(&ana(), IncidentCommand::Unrole { incident: INC, role: "commander".into() });
    let decision = DecisionId(2);
    let settle =
        DecisionCommand::Settle { incident: INC, decision, text: Some("wait 5m".into()), review_in: None };
    ledger.ok(&cy(), Command::Decision(settle));
    assert_eq!(incident(&ledger).decided[0].text, "wait 5m");
}

#[test]
fn a_review_comes_due_once_and_again_when_it_is_asked_for() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&ana(), propose("roll back"));
    assert_eq!(ledger.no(&ana(), settle(None, Some(Span::secs(5)))).code, Code::Invalid);
    ledger.ok(&ana(), settle(None, Some(Span::mins(20))));
    ledger.pass(Span::mins(19));
    assert_eq!(reviews(&ledger.events), 0);
    ledger.pass(Span::hours(2));
    assert_eq!(reviews(&ledger.events), 1);
    assert!(incident(&ledger).decided[0].review.as_ref().unwrap().due);
    // It stays in the state until it was looked at, however much is decided meanwhile.
    for n in 0..9 {
        let text = format!("decision {n}");
        let (options, risks, review_in) = (Vec::new(), None, None);
        let make = DecisionCommand::Make { incident: INC, text, options, risks, review_in };
        ledger.ok(&ana(), Command::Decision(make));
    }
    assert_eq!(incident(&ledger).decided.len(), 5);
    ledger.ok(&bo(), review(Some(Span::mins(10))));
    ledger.pass(Span::mins(10));
    assert_eq!(reviews(&ledger.events), 2);
    ledger.ok(&bo(), review(None));
    assert_eq!(ledger.no(&bo(), review(None)).code, Code::Conflict);
    ledger.pass(Span::hours(2));
    assert_eq!(reviews(&ledger.events), 2);
    assert_eq!(ledger.replay(), ledger.state);
}

#[test]
fn what_is_over_wakes_nobody() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&ana(), propose("roll back"));
    ledger.ok(&ana(), settle(None, Some(Span::mins(20))));
    ledger.ok(&ana(), IncidentCommand::Status { incident: INC, to: Status::Resolved });
    ledger.pass(Span::hours(2));
    assert_eq!(reviews(&ledger.events), 0);
}

#[test]
fn a_decision_of_an_older_journal_is_read_as_it_was() {
    let stored = r#"{"decision":{"made":{"incident":"INC-1","decision":"DEC-1","text":"roll back","options":[],"risks":null}}}"#;
    let Fact::Decision(DecisionFact::Made { review_in, over, .. }) = serde_json::from_str(stored).unwrap()
    else {
        panic!()
    };
    assert!(review_in.is_none() && over.is_empty());
}
