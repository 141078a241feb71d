//! Rooms on one database, as tests open, ask and end them.

use crate::{
    conformance::{Ground, spec},
    proxy::Proxy,
};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use uuid::Uuid;
use warroom::{
    domain::{
        Command, Event, Fact, State, gate,
        incident::IncidentCommand,
        note::{NoteCommand, NoteFact},
        policy::Policy,
        severity::Severity,
    },
    evidence::{
        blob::{Blobs, Bounds},
        redact::Redactor,
    },
    journal::{Head, Journal, read_all},
    room::{Options, Room},
    store::{self, Mode, Place, postgres::Spec},
    transport::{client::Client, listen::listen},
    wire::{Ask, Outcome, RoomStatus, Told},
};

/// A room of its own process, as far as the journal can tell.
pub struct One {
    dir: tempfile::TempDir,
    spec: Spec,
    pub socket: PathBuf,
    task: JoinHandle<String>,
}

impl One {
    pub async fn open(spec: Spec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (socket, task) = Self::run(&dir, &spec).await;
        Self { dir, spec, socket, task }
    }

    async fn run(dir: &tempfile::TempDir, spec: &Spec) -> (PathBuf, JoinHandle<String>) {
        let at = dir.path().to_owned();
        let options = Options {
            journal: store::open(Place::Postgres(spec.clone()), Mode::Write).await.unwrap(),
            spool: Some(Box::new(move |journal| store::spool::open(&at, journal))),
            blobs: Arc::new(Blobs::open(&dir.path().join("blobs"), Bounds::default()).unwrap()),
            redactor: Redactor::default(),
            policy: Policy::default(),
            owner: None,
            gate: None,
            drill: None,
        };
        let (room, _, inbox) = Room::open(options).await.unwrap();
        let socket = dir.path().join(format!("{}.sock", Uuid::new_v4()));
        let task = tokio::spawn(room.serve(listen(&socket, 0o600, None).unwrap(), inbox));
        (socket, task)
    }

    /// As kill -9 does: nobody is told anything.
    pub fn fall(&self) {
        self.task.abort();
    }

    /// In good order.
    pub async fn stop(&self) {
        assert_eq!(self.client().await.ask(Ask::Stop).await.unwrap(), Told::Yes);
        until_async("it has ended", async || self.task.is_finished()).await;
    }

    /// A new one in its place.
    pub async fn rise(&mut self) {
        until_async("its spool is let go", async || {
            let mut files = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
            files.find(|path| path.extension().is_some_and(|ending| ending == "spool")).is_none_or(|path| {
                let file = std::fs::File::open(path).unwrap();
                rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok()
            })
        })
        .await;
        (self.socket, self.task) = Self::run(&self.dir, &self.spec).await;
    }

    pub async fn client(&self) -> Client {
        Client::script(&self.socket).await.unwrap()
    }

    pub async fn does(&self, command: Command) -> Outcome {
        self.client().await.act(command).await.unwrap()
    }

    pub async fn status(&self) -> RoomStatus {
        match self.client().await.ask(Ask::Status).await.unwrap() {
            Told::Status(room) => *room,
            other => panic!("{other:?}"),
        }
    }

    pub async fn state(&self) -> State {
        match self.client().await.ask(Ask::State).await.unwrap() {
            Told::State(state) => *state,
            other => panic!("{other:?}"),
        }
    }

    pub async fn asks(&self) -> gate::Answer {
        self.may("shop", "prod").await
    }

    pub async fn may(&self, service: &str, env: &str) -> gate::Answer {
        let request = gate::Request {
            service: service.into(),
            env: env.into(),
            artifact: format!("{service}@2"),
            action: gate::Action::Deploy,
            dry_run: false,
            alias: None,
        };
        match self.client().await.ask(Ask::Gate(request)).await.unwrap() {
            Told::Gate(answer) => answer,
            other => panic!("{other:?}"),
        }
    }
}

/// Waits for what must come, and asks again until it has.
pub async fn until_async(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !so().await {
        assert!(began.elapsed() < Duration::from_secs(45), "never came: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub fn note(text: &str) -> Command {
    Command::Note(NoteCommand::Say { incident: None, text: text.into() })
}

pub fn declare() -> Command {
    Command::Incident(IncidentCommand::Declare {
        title: "checkout 5xx".into(),
        severity: Severity::WORST,
        services: vec!["shop".into()],
        env: None,
        freeze: true,
    })
}

pub fn said(event: &Event) -> Option<&str> {
    match &event.fact {
        Fact::Note(NoteFact::Said { text, .. }) => Some(text),
        _ => None,
    }
}

/// All that stands in the journal, its chain checked.
pub async fn told(ground: &Ground) -> Vec<Event> {
    events(ground.open().await.as_ref()).await
}

pub async fn events(journal: &dyn Journal) -> Vec<Event> {
    let mut events = Vec::new();
    read_all(journal, Head::EMPTY, |event| events.push(event)).await.unwrap();
    events
}

/// A database with a journal, and rooms that reach it each by a line of its own.
pub async fn several(count: usize) -> (Ground, Vec<Proxy>, Vec<One>) {
    let ground = Ground::database(&["fsync=on"]).await;
    let (mut lines, mut rooms) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let server = ground.server.as_ref().unwrap();
        let line = Proxy::to(server.port).await;
        let url = format!("postgres://room@127.0.0.1:{}/warroom", line.port);
        rooms.push(One::open(Spec { url, ..spec(server, "room") }).await);
        lines.push(line);
    }
    (ground, lines, rooms)
}

pub async fn same(rooms: &[One]) {
    until_async("all see the same", async || {
        let first = rooms[0].status().await;
        for room in &rooms[1..] {
            let other = room.status().await;
            if (other.head, other.hash) != (first.head, first.hash) {
                return false;
            }
        }
        true
    })
    .await;
    let first = serde_json::to_value(rooms[0].state().await).unwrap();
    for room in &rooms[1..] {
        assert_eq!(serde_json::to_value(room.state().await).unwrap(), first);
    }
}
