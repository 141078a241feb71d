//! Rooms on one database, as tests open, ask and end them.

pub use crate::door::until as until_async;
use crate::{
    conformance::{Ground, spec},
    door::{self, Door},
    proxy::Proxy,
};
use std::{ops::Deref, path::PathBuf};
use warroom::{
    domain::{
        Command, Event, Fact, gate,
        incident::IncidentCommand,
        note::{NoteCommand, NoteFact},
        severity::Severity,
    },
    journal::{Head, Journal, read_all},
    room::Options,
    store::{self, postgres::Spec},
    wire::{Ask, Told},
};

/// A room of its own process, as far as the journal can tell.
pub struct One {
    pub dir: tempfile::TempDir,
    pub spec: Spec,
    door: Door,
}

impl Deref for One {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

/// What a machine that fell has on its disk. Tasks of the room that fell may go on in this process and hold its files; those
/// of a process that is gone hold none.
pub fn left(dir: &tempfile::TempDir) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap().map(Result::unwrap) {
        if file.file_type().unwrap().is_file() {
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
    }
    copy
}

impl One {
    pub async fn open(spec: Spec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let door = Self::run(&dir, &spec).await;
        Self { dir, spec, door }
    }

    async fn run(dir: &tempfile::TempDir, spec: &Spec) -> Door {
        let at = dir.path().to_owned();
        let (journal, found) = store::mirror::open(spec, dir.path()).await.unwrap();
        let options = Options {
            found,
            spool: Some(Box::new(move |journal| store::spool::open(&at, journal))),
            ..door::plain(journal, dir.path())
        };
        Door::open(options, dir.path()).await.unwrap()
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
        until_async("its spool and its ring are let go", async || {
            let files = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
            let is_locked =
                |path: &PathBuf| path.extension().is_some_and(|ending| ending == "spool" || ending == "ring");
            files.filter(is_locked).all(|path| {
                let file = std::fs::File::open(path).unwrap();
                rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok()
            })
        })
        .await;
        self.door = Self::run(&self.dir, &self.spec).await;
    }

    /// A new one in its place, where nothing is written any more by the tasks of the one that fell.
    pub async fn rise_again(&mut self) {
        self.dir = left(&self.dir);
        self.rise().await;
    }

    pub async fn asks(&self) -> gate::Answer {
        self.may("shop", "prod").await
    }
}

pub fn note(text: &str) -> Command {
    Command::Note(NoteCommand::Say { incident: None, text: text.into() })
}

pub fn declare() -> Command {
    Command::Incident(IncidentCommand::Declare {
        all: None,
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

/// All come to see the same, which may go on meanwhile.
pub async fn same(rooms: &[One]) {
    until_async("all see the same", async || {
        let first = serde_json::to_value(rooms[0].state().await).unwrap();
        for room in &rooms[1..] {
            if serde_json::to_value(room.state().await).unwrap() != first {
                return false;
            }
        }
        true
    })
    .await;
}
