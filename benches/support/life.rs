//! A life to fill journals with: one incident after another, decided by the rules as a room decides, each with what an
//! evening of work leaves behind. The clock is made up, so that years fit into seconds.

use std::{path::Path, sync::Arc};
use uuid::Uuid;
use warroom::{
    domain::{
        Command, CommandId, Event, State,
        actor::Actor,
        board::{BoardCommand, BoardLine},
        decision::DecisionCommand,
        freeze::FreezeCommand,
        id::{FreezeId, IncidentId, TaskId, WalkId},
        incident::{IncidentCommand, Status},
        note::NoteCommand,
        power::Groups,
        severity::Severity,
        task::TaskCommand,
        time::{BootId, Span, Stamp},
        walk::WalkCommand,
        watch::WatchCommand,
    },
    evidence::redact::Redactor,
    journal::{Appended, Head, Journal as _, chain::Record},
    room::{Core, Seen, Submitted, When},
    runbook,
    store::sqlite::{Mode, Sqlite},
};

/// Notes of one incident: most of what is written down is said by people.
const NOTES: u32 = 160;
/// Tasks of one incident.
const TASKS: u32 = 12;
/// Records of one append.
const BATCH: usize = 1_024;

/// Somebody who lives it.
pub struct Life {
    core: Core,
    now: Stamp,
    records: Vec<Record>,
    events: Vec<Event>,
    keep_events: bool,
    runbook: Arc<warroom::domain::plan::Runbook>,
}

impl Life {
    pub fn new(keep_events: bool) -> Self {
        let wall = chrono::DateTime::from_timestamp(1_600_000_000, 0).unwrap();
        let (name, _) = runbook::BUILTIN[0];
        Self {
            core: Core::new(State::default(), Seen::default(), "bench-1".into(), Redactor::default()),
            now: Stamp { wall, boot: BootId("bench".into()), clock: 1_000_000 },
            records: Vec::new(),
            events: Vec::new(),
            keep_events,
            runbook: Arc::new(runbook::builtin(name).unwrap()),
        }
    }

    #[allow(clippy::needless_pass_by_value)] // They are made where they are said.
    fn act(&mut self, actor: &Actor, command: Command) {
        self.now = self.now.plus(Span::secs(7));
        match self.core.submit(
            (actor, &Groups::default()),
            CommandId(Uuid::now_v7()),
            (&command, None),
            &When::now(self.now.clone()),
        ) {
            Submitted::Append { records, events, .. } => {
                self.records.extend(records);
                if self.keep_events {
                    self.events.extend(events);
                }
            }
            Submitted::Nothing => {}
            Submitted::Refused(refusal) => panic!("{refusal}: {command:?}"),
        }
    }

    /// One incident from the first alarm to its close, `notes` notes long.
    fn incident(&mut self, n: u32, notes: u32, end: bool) {
        let (room, ana, bo) = (Actor::room(), Actor::user("ana", 1001), Actor::user("bo", 1002));
        let id = IncidentId(n);
        let service = format!("service-{}", n % 40);
        let since = self.now.clone();
        let panel = "errors".to_owned();
        self.act(
            &room,
            Command::Watch(WatchCommand::Breached {
                panel: panel.clone(),
                seen: "7.2 %".into(),
                threshold: "1 %".into(),
                since,
            }),
        );
        self.act(
            &ana,
            Command::Incident(IncidentCommand::Declare {
                all: None,
                title: format!("{service} answers 5xx after its release"),
                severity: Severity::new(2).unwrap(),
                services: vec![service],
                env: None,
                freeze: true,
            }),
        );
        for (line, text) in [
            (BoardLine::Now, "5xx 7 % in eu-west since 13:54Z, not improving; payments unaffected"),
            (BoardLine::Goal, "under 1 % by 14:09Z"),
        ] {
            self.act(&ana, Command::Board(BoardCommand::Set { incident: id, line, text: text.into() }));
        }
        let walk = WalkId(n);
        let (inputs, incident) = (<_>::default(), Some(id));
        self.act(&bo, Command::Walk(WalkCommand::Start { incident, runbook: self.runbook.clone(), inputs }));
        for task in 0..TASKS {
            let (owner, within) = ("bo".to_owned(), Some(Span::mins(10)));
            let text = "look whether the callers of the old price list are gone".to_owned();
            self.act(&ana, Command::Task(TaskCommand::Give { incident: id, text, owner, within }));
            let (task, result) = (TaskId((n - 1) * TASKS + task + 1), "none is left".to_owned());
            self.act(&bo, Command::Task(TaskCommand::Done { incident: id, task, result }));
        }
        for note in 0..notes {
            let who = if note.is_multiple_of(3) { &bo } else { &ana };
            let text =
                format!("{note}: a note of some length, as people write them while they look at a chart");
            self.act(who, Command::Note(NoteCommand::Say { incident, text }));
        }
        if !end {
            return;
        }
        let text = "roll back to the last good release".to_owned();
        self.act(
            &ana,
            Command::Decision(DecisionCommand::Make {
                incident: id,
                text,
                options: vec!["wait".into()],
                risks: None,
                review_in: None,
            }),
        );
        self.act(&bo, Command::Walk(WalkCommand::Abandon { walk, reason: "done by the pipeline".into() }));
        self.act(&room, Command::Watch(WatchCommand::Cleared { panel, seen: "0.3 %".into() }));
        self.act(
            &ana,
            Command::Freeze(FreezeCommand::Lift { freeze: FreezeId(n), reason: "it holds".into() }),
        );
        for to in [Status::Monitoring, Status::Resolved, Status::Closed] {
            self.act(&ana, Command::Incident(IncidentCommand::Status { incident: id, to }));
        }
    }

    /// Lives until there are `wanted` records, and gives them by batches.
    pub fn live(&mut self, wanted: u64, mut each: impl FnMut(Vec<Record>)) {
        let (mut n, mut left) = (0, usize::try_from(wanted).unwrap());
        while left > 0 {
            n += 1;
            self.incident(n, NOTES, left > NOTES as usize * 2);
            while left > 0 && self.records.len() >= BATCH.min(left) {
                let rest = self.records.split_off(BATCH.min(left));
                let batch = std::mem::replace(&mut self.records, rest);
                left -= batch.len();
                each(batch);
            }
        }
    }

    /// One incident that is not over, of so many events, and the events.
    pub fn one_long_incident(mut self, wanted: usize) -> (Vec<Record>, Vec<Event>) {
        self.incident(1, u32::try_from(wanted).unwrap(), false);
        self.records.truncate(wanted);
        self.events.truncate(wanted);
        (self.records, self.events)
    }
}

/// A journal that is filled from its beginning.
pub struct Filled {
    pub store: Sqlite,
    head: Head,
    runtime: tokio::runtime::Runtime,
}

impl Filled {
    pub fn new(path: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { store: Sqlite::open(path, Mode::Write).unwrap(), head: Head::EMPTY, runtime }
    }

    /// Appends records that follow, in one transaction.
    pub fn append(&mut self, records: Vec<Record>) {
        let Some(last) = records.last().map(|last| Head { seq: last.seq, hash: last.hash }) else { return };
        let appended = self.runtime.block_on(self.store.append(self.head, records));
        assert!(matches!(appended, Appended::Ok(_)), "{appended:?}");
        self.head = last;
    }
}
