//! What leaves the fold when it is over, and what does not.

use crate::domain::{
    Command, Fact, State,
    deviation::{DeviationCommand, DeviationFact, ReasonCode},
    freeze::{FreezeCommand, FreezeFact, Scope},
    id::{FreezeId, IncidentId, TaskId, WalkId},
    incident::{IncidentCommand, Status},
    note::NoteCommand,
    plan::BlockKind,
    refusal::Code,
    release::{Judgement, ReleaseCommand},
    severity::Severity,
    shed,
    task::{TaskCommand, TaskFact},
    testing::{Ledger, ana, block, runbook, section, step},
    walk::{WalkCommand, WalkFact},
};
use std::{collections::BTreeSet, sync::Arc};

const INC: IncidentId = IncidentId(1);

fn status(to: Status) -> IncidentCommand {
    IncidentCommand::Status { incident: INC, to }
}

fn begin(incident: Option<IncidentId>) -> WalkCommand {
    let sections = vec![section("a", vec![step("s", vec![block("act", BlockKind::Run)])])];
    WalkCommand::Start { incident, runbook: Arc::new(runbook(sections)), inputs: <_>::default() }
}

/// An evening of an incident, from the declaration to the close.
fn lived(ledger: &mut Ledger, titles: &str) -> IncidentId {
    let events = ledger.ok(
        &ana(),
        IncidentCommand::Declare {
            all: None,
            title: titles.into(),
            severity: Severity::new(2).unwrap(),
            services: vec!["checkout".into()],
            env: None,
            freeze: true,
        },
    );
    let id = events[0].stream.unwrap();
    ledger.ok(&ana(), begin(Some(id)));
    let text = || "x".repeat(900);
    for _ in 0..3 {
        let give = TaskCommand::Give { incident: id, text: text(), owner: "bo".into(), within: None };
        ledger.ok(&ana(), Command::Task(give));
        let unlisted = DeviationCommand::Unlisted {
            incident: id,
            actual: text(),
            host: "h".into(),
            code: Some(ReasonCode::FasterFix),
        };
        ledger.ok(&ana(), Command::Deviation(unlisted));
    }
    let answer = IncidentCommand::Answer { incident: id, prompt: "lucky".into(), text: text() };
    ledger.ok(&ana(), answer);
    let freeze = ledger.state.issued.freeze.unwrap();
    ledger.ok(&ana(), Command::Freeze(FreezeCommand::Lift { freeze, reason: "it holds".into() }));
    let judge = ReleaseCommand::Judge {
        service: "checkout".into(),
        artifact: format!("2.{}", id.0),
        judgement: Judgement::Good,
        why: "it holds".into(),
    };
    ledger.ok(&ana(), Command::Release(judge));
    for to in [Status::Resolved, Status::Closed] {
        ledger.ok(&ana(), IncidentCommand::Status { incident: id, to });
    }
    id
}

#[test]
fn closed_incidents_leave_the_fold_and_no_name_comes_twice() {
    let mut ledger = Ledger::new();
    let size = |ledger: &Ledger| serde_json::to_vec(&ledger.state).unwrap().len();
    let (mut ids, mut early) = (BTreeSet::new(), 0);
    for n in 1..=700 {
        let id = lived(&mut ledger, &format!("evening {n}"));
        assert!(ids.insert(id), "{id} came twice");
        if n == 600 {
            early = size(&ledger);
        }
    }
    let grown = size(&ledger).saturating_sub(early);
    assert!(grown < 1_000, "100 incidents more take {grown} bytes");
    assert!(early < 512 * 1_024, "{early} bytes of what is over");
    assert_eq!(ledger.state.incidents.len(), shed::CLOSED);
    assert!(ledger.state.walks.is_empty() && ledger.state.deviations.is_empty());
    assert_eq!(ledger.state.issued.task, Some(TaskId(2_100)));
    let mut made = BTreeSet::new();
    for event in &ledger.events {
        let name = match &event.fact {
            Fact::Freeze(FreezeFact::Began { freeze, .. }) => freeze.to_string(),
            Fact::Walk(WalkFact::Started { walk, .. }) => walk.to_string(),
            Fact::Task(TaskFact::Given { task, .. }) => task.to_string(),
            Fact::Deviation(DeviationFact::Recorded { deviation, .. }) => deviation.to_string(),
            _ => continue,
        };
        assert!(made.insert(name.clone()), "{name} came twice");
    }
    assert_eq!(ledger.replay(), ledger.state);
}

#[test]
fn what_was_closed_long_ago_is_closed_and_not_unknown() {
    let mut ledger = Ledger::new();
    for n in 0..=shed::CLOSED {
        lived(&mut ledger, &format!("evening {n}"));
    }
    assert!(!ledger.state.incidents.contains_key(&INC));
    for to in [Status::Monitoring, Status::Closed] {
        let refused = ledger.no(&ana(), status(to));
        assert_eq!((refused.code, refused.message.as_str()), (Code::Conflict, "INC-1 is closed"));
    }
    let later = || WalkCommand::Abandon { walk: WalkId(1), reason: "x".into() };
    assert_eq!(ledger.no(&ana(), later()).code, Code::Conflict);
    let nobody = IncidentId(ledger.state.issued.incident.unwrap().0 + 1);
    let no = ledger.no(&ana(), IncidentCommand::Status { incident: nobody, to: Status::Closed });
    assert_eq!(no.code, Code::Unknown);
    // What is only added to the record is still taken, and still belongs to it.
    let said = NoteCommand::Say { incident: Some(INC), text: "seen again".into() };
    assert_eq!(ledger.ok(&ana(), Command::Note(said))[0].stream, Some(INC));
    for on in [true, false] {
        let star = NoteCommand::Star { incident: INC, seq: 1, on };
        assert_eq!(ledger.ok(&ana(), Command::Note(star)).len(), 1);
    }
    let exported =
        IncidentCommand::Exported { incident: INC, place: "/tmp/x".into(), manifest: "0".repeat(64) };
    ledger.ok(&ana(), exported);
    let answer = IncidentCommand::Answer { incident: INC, prompt: "lucky".into(), text: "much".into() };
    ledger.ok(&ana(), answer);
    let mut kept = State::default();
    ledger.events.iter().for_each(|event| kept.apply_keeping(event, Some(INC)));
    let incident = &kept.incidents[&INC];
    assert_eq!((incident.tasks.len(), incident.answers["lucky"].as_str()), (3, "much"));
    assert_eq!(kept.walks.len(), 1, "its own alone");
    assert_eq!(kept.deviations.len(), 3);
}

#[test]
fn ended_walks_and_lifted_freezes_are_bounded_without_an_incident() {
    let mut ledger = Ledger::with_incident();
    for n in 1..=40 {
        ledger.ok(&ana(), begin((n % 2 == 0).then_some(INC)));
        if n > 1 {
            let walk = WalkId(n);
            ledger.ok(&ana(), WalkCommand::Abandon { walk, reason: "x".into() });
        }
        let freeze = FreezeCommand::Begin {
            all: Some(crate::domain::freeze::AllServices::Confirmed),
            incident: None,
            scope: Scope::deploys(vec![], vec![]),
            reason: "x".into(),
            lease: None,
        };
        ledger.ok(&ana(), Command::Freeze(freeze));
        if n > 1 {
            let lift = FreezeCommand::Lift { freeze: FreezeId(n), reason: "x".into() };
            ledger.ok(&ana(), Command::Freeze(lift));
        }
    }
    assert_eq!(ledger.state.walks.len(), shed::ENDED + 1);
    assert_eq!(ledger.state.freezes.len(), shed::OVER + 1);
    assert!(ledger.state.walks[&WalkId(1)].ended.is_none() && ledger.state.freezes[&FreezeId(1)].holds());
}
