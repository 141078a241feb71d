//! Tasks and reports: who has what, what happens when a box ends, what becomes of a need.

use crate::domain::{
    Command, Fact,
    event::Event,
    id::{IncidentId, TaskId},
    refusal::Code,
    report::{ReportCommand, ReportFact},
    task::{Task, TaskCommand, TaskFact},
    testing::{Ledger, ana, bo, cy},
    time::Span,
};

const INC: IncidentId = IncidentId(1);
const TSK: TaskId = TaskId(1);

fn give(owner: &str, within: Option<Span>) -> Command {
    let (text, owner) = ("look at the queue".into(), owner.into());
    Command::Task(TaskCommand::Give { incident: INC, text, owner, within })
}

fn acknowledge() -> Command {
    Command::Task(TaskCommand::Acknowledge { incident: INC, task: TSK })
}

fn extend(more: Span) -> Command {
    Command::Task(TaskCommand::Extend { incident: INC, task: TSK, more })
}

fn assign(owner: &str, within: Option<Span>) -> Command {
    Command::Task(TaskCommand::Assign { incident: INC, task: TSK, owner: owner.into(), within })
}

fn report(text: &str) -> Command {
    Command::Task(TaskCommand::Report { incident: INC, task: TSK, text: text.into() })
}

fn can(needs: &[&str]) -> Command {
    Command::Report(ReportCommand::Give {
        incident: INC,
        conditions: "queue at 9 k".into(),
        actions: "draining it".into(),
        needs: needs.iter().map(|need| (*need).to_owned()).collect(),
    })
}

fn task(ledger: &Ledger) -> &Task {
    &ledger.state.incidents[&INC].tasks[&TSK]
}

fn overs(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event.fact, Fact::Task(TaskFact::Over { .. }))).count()
}

#[test]
fn a_task_is_acknowledged_by_its_owner_alone() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&ana(), give("bo", None));
    assert!(task(&ledger).waits_for_acknowledgement());
    assert_eq!(ledger.no(&ana(), acknowledge()).code, Code::Forbidden);
    ledger.ok(&bo(), acknowledge());
    assert!(!task(&ledger).waits_for_acknowledgement());
    assert!(ledger.ok(&bo(), acknowledge()).is_empty(), "once is enough");
    // Another owner has not said so yet; who takes it themselves has.
    ledger.ok(&ana(), assign("cy", None));
    assert!(task(&ledger).waits_for_acknowledgement());
    ledger.ok(&bo(), assign("bo", None));
    assert!(!task(&ledger).waits_for_acknowledgement());
    ledger.ok(&ana(), assign("cy", None));
    ledger.ok(&cy(), report("half of it"));
    assert!(!task(&ledger).waits_for_acknowledgement(), "who works on it has it");
    assert_eq!(ledger.replay(), ledger.state);
}

#[test]
fn a_box_that_ends_is_written_down_once_and_begins_anew_with_more_time_or_another_owner() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&ana(), give("bo", Some(Span::mins(10))));
    ledger.pass(Span::mins(9));
    assert!(task(&ledger).over.is_none() && !task(&ledger).is_over(&ledger.now));
    ledger.pass(Span::mins(30));
    assert_eq!(overs(&ledger.events), 1);
    assert!(task(&ledger).is_over(&ledger.now) && task(&ledger).over.is_some());
    // Past its end, more time is from now.
    ledger.ok(&ana(), extend(Span::mins(5)));
    assert_eq!(task(&ledger).due(), Some(ledger.now.plus(Span::mins(5))));
    assert_eq!((task(&ledger).extended, task(&ledger).over.is_some()), (1, false));
    // Before it, more time is from its end.
    ledger.pass(Span::mins(2));
    ledger.ok(&ana(), extend(Span::mins(5)));
    assert_eq!(task(&ledger).due(), Some(ledger.now.plus(Span::mins(8))));
    ledger.pass(Span::mins(8));
    assert_eq!(overs(&ledger.events), 2);
    ledger.ok(&ana(), assign("cy", Some(Span::mins(3))));
    assert_eq!((task(&ledger).extended, task(&ledger).over.is_some()), (0, false));
    assert_eq!(task(&ledger).due(), Some(ledger.now.plus(Span::mins(3))));
    // A report keeps the box; what is done has none.
    ledger.ok(&cy(), report("nearly"));
    let done = TaskCommand::Done { incident: INC, task: TSK, result: "drained".into() };
    ledger.ok(&cy(), Command::Task(done));
    ledger.pass(Span::hours(1));
    assert_eq!(overs(&ledger.events), 2);
    assert_eq!(ledger.no(&ana(), extend(Span::mins(1))).code, Code::Conflict);
    assert_eq!(ledger.no(&ana(), assign("bo", None)).code, Code::Conflict);
    assert_eq!(ledger.replay(), ledger.state);
}

#[test]
fn boxes_are_lengths_of_time_that_make_sense() {
    let mut ledger = Ledger::with_incident();
    for within in [Span::ZERO, Span::hours(24 * 8)] {
        assert_eq!(ledger.no(&ana(), give("bo", Some(within))).code, Code::Invalid, "{within}");
    }
    ledger.ok(&ana(), give("bo", None));
    assert_eq!(ledger.no(&ana(), extend(Span::ZERO)).code, Code::Invalid);
    assert_eq!(ledger.no(&ana(), assign("bo", None)).code, Code::Conflict, "it is bo's already");
    // More time for one without a box gives it one.
    ledger.ok(&ana(), extend(Span::mins(5)));
    assert_eq!(task(&ledger).due(), Some(ledger.now.plus(Span::mins(5))));
}

#[test]
fn a_need_becomes_a_task_that_waits_for_an_owner() {
    let mut ledger = Ledger::with_incident();
    ledger.ok(&bo(), can(&[]));
    assert!(ledger.state.incidents[&INC].tasks.is_empty(), "no needs, nothing to assign");
    let events = ledger.ok(&bo(), can(&["somebody with the keys", "a second pair of eyes"]));
    assert_eq!(events.len(), 3);
    let Fact::Report(ReportFact::Given { needs, .. }) = &events[0].fact else { panic!("{events:?}") };
    assert_eq!(needs.iter().map(|need| need.task).collect::<Vec<_>>(), [TaskId(1), TaskId(2)]);
    let needed = task(&ledger);
    assert!(needed.waits_for_an_owner() && !needed.waits_for_acknowledgement());
    assert_eq!((needed.by.as_str(), needed.text.as_str()), ("bo", "somebody with the keys"));
    assert_eq!(ledger.no(&bo(), acknowledge()).code, Code::NeedsMore);
    assert_eq!(ledger.no(&bo(), extend(Span::mins(1))).code, Code::NeedsMore);
    ledger.ok(&ana(), assign("cy", Some(Span::mins(5))));
    assert!(!task(&ledger).waits_for_an_owner() && task(&ledger).waits_for_acknowledgement());
    let known = &ledger.state.incidents[&INC].reports["bo"];
    assert_eq!(
        known.line(),
        "queue at 9 k; draining it; needs TSK-1 somebody with the keys, TSK-2 a second pair of eyes"
    );
    ledger.ok(&bo(), can(&[]));
    assert_eq!(ledger.state.incidents[&INC].reports["bo"].line(), "queue at 9 k; draining it; no needs");
    let eleven = vec!["one more"; 11];
    assert_eq!(ledger.no(&bo(), can(&eleven)).code, Code::Invalid);
    assert_eq!(ledger.no(&bo(), can(&["fine", " "])).code, Code::Invalid, "all or nothing");
    ledger.ok(&bo(), give("bo", None));
    assert!(ledger.state.incidents[&INC].tasks.contains_key(&TaskId(3)), "no name comes twice");
    assert_eq!(ledger.replay(), ledger.state);
}

#[test]
fn a_task_of_an_older_journal_is_read_as_it_was() {
    let stored =
        r#"{"task":{"given":{"incident":"INC-1","task":"TSK-1","text":"look","owner":"bo","within":null}}}"#;
    let Fact::Task(TaskFact::Given { owner, .. }) = serde_json::from_str(stored).unwrap() else { panic!() };
    assert_eq!(owner.as_deref(), Some("bo"));
}
