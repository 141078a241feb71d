//! A room with what leaves it, in this process, as `warroom serve` puts it together.

use crate::listener::until;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;
use warroom::{
    audit::{self, Pump, Sink, cursor::Cursor, pump::Pumps},
    domain::{
        Command, State,
        incident::IncidentCommand,
        page::{Outward, PageCommand, Rung, TargetKind},
        policy::Policy,
        severity::Severity,
        time::Span,
    },
    evidence::blob::{Blobs, Bounds},
    journal::Journal,
    push::{
        self, Oncall,
        carrier::{Target, carrier},
    },
    room::{Found, Options, Room, Shared},
    store::sqlite::{Mode, Sqlite},
    transport::{client::Client, listen::listen},
    wire::Outcome,
};

pub struct House {
    pub dir: TempDir,
    pub socket: PathBuf,
    pub shared: Shared,
    pub pumps: Pumps,
    room: tokio::task::JoinHandle<String>,
}

/// A ladder of targets, each a minute after the one before.
pub fn ladder(rungs: &[&[&str]]) -> Vec<Rung> {
    rungs
        .iter()
        .zip(0..)
        .map(|(to, n)| Rung {
            after: Span::mins(n),
            to: to.iter().map(|name| (*name).to_owned()).collect(),
            oncall: Vec::new(),
        })
        .collect()
}

/// Targets that updates go to, and one ladder of `oncall`.
pub fn outward(targets: &[(&str, TargetKind)], rungs: &[&[&str]], updates: &[&str]) -> Outward {
    Outward {
        targets: targets.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect(),
        pages: [("oncall".to_owned(), ladder(rungs))].into(),
        updates: updates.iter().map(|name| (*name).to_owned()).collect(),
        external: Vec::new(),
    }
}

impl House {
    pub async fn open(dir: TempDir, outward: Outward, targets: Vec<(&str, Target)>, oncall: Oncall) -> Self {
        Self::with(dir, outward, targets, oncall, Vec::new()).await
    }

    pub async fn with(
        dir: TempDir,
        outward: Outward,
        targets: Vec<(&str, Target)>,
        oncall: Oncall,
        sinks: Vec<(&str, Box<dyn Sink>)>,
    ) -> Self {
        // The room before, where there was one, lets go of the file when its thread has ended.
        let journal: Arc<dyn Journal> = loop {
            match Sqlite::open(&dir.path().join("journal.db"), Mode::Write) {
                Ok(journal) => break Arc::new(journal),
                Err(trouble) if trouble.to_string().contains("another process has this file") => {
                    tokio::task::yield_now().await;
                }
                Err(trouble) => panic!("{trouble}"),
            }
        };
        let options = Options {
            journal: journal.clone(),
            spool: None,
            found: Found::Sound,
            blobs: Arc::new(Blobs::open(&dir.path().join("blobs"), Bounds::default()).unwrap()),
            redactor: warroom::evidence::redact::Redactor::default(),
            policy: Policy { outward, ..Policy::default() },
            owner: None,
            gate: None,
            drill: None,
        };
        let (mut room, shared, inbox) = Room::open(options).await.unwrap();
        let pumps = audit::start(
            sinks.into_iter().map(|(name, sink)| pump(dir.path(), &journal, name, sink)).collect(),
        );
        room.watch_audit(pumps.views());
        push::start(push::Sender {
            carriers: targets
                .iter()
                .map(|(name, target)| ((*name).to_owned(), carrier(name, target).unwrap()))
                .collect(),
            oncall,
            state: shared.state.clone(),
            durable: shared.durable.clone(),
            says: shared.own.clone(),
            room: shared.name.clone(),
        });
        let socket = dir.path().join("room.sock");
        let room = tokio::spawn(room.serve(listen(&socket, 0o600, None).unwrap(), inbox));
        Self { dir, socket, shared, pumps, room }
    }

    pub async fn act(&self, command: Command) -> Outcome {
        Client::script(&self.socket).await.unwrap().act(command).await.unwrap()
    }

    pub async fn ok(&self, command: Command) {
        let outcome = self.act(command).await;
        assert!(matches!(outcome, Outcome::Ok { .. }), "{outcome:?}");
    }

    /// INC-1, SEV1.
    pub async fn declare(&self) {
        self.ok(Command::Incident(IncidentCommand::Declare {
            all: None,
            title: "checkout <fails>".into(),
            severity: Severity::WORST,
            services: vec!["checkout".into()],
            env: None,
            freeze: false,
        }))
        .await;
    }

    /// Pages the one group.
    pub async fn page(&self) {
        let incident = self.state().open_incident().map(|one| one.id);
        self.ok(Command::Page(PageCommand::Ask { incident, who: "oncall".into(), why: "come".into() })).await;
    }

    pub fn state(&self) -> State {
        self.shared.state.read().unwrap().clone()
    }

    pub async fn until(&self, what: &str, so: impl Fn(&State) -> bool) {
        until(what, || so(&self.state())).await;
    }

    /// Ends the room in good order; gives the directory, to open another in.
    pub async fn end(self) -> TempDir {
        self.shared.stop.send("the test is over".into()).await.unwrap();
        self.room.await.unwrap();
        self.pumps.close().await;
        self.dir
    }

    /// Ends it as a crash does: nothing is said any more.
    pub async fn kill(self) -> TempDir {
        self.room.abort();
        let _ = self.room.await;
        drop(self.pumps);
        self.dir
    }
}

pub fn pump(dir: &Path, journal: &Arc<dyn Journal>, name: &str, sink: Box<dyn Sink>) -> Pump {
    let cursor = Cursor::below(dir, name).unwrap();
    Pump { name: name.into(), sink, cursor, journal: journal.clone(), first: Span::millis(20) }
}

/// A room that only streams.
pub async fn streaming(dir: TempDir, sinks: Vec<(&str, Box<dyn Sink>)>) -> House {
    House::with(dir, Outward::default(), Vec::new(), Oncall::new(), sinks).await
}
