//! A room of this process, as tests start it and ask it by its socket. Each test binary uses a part of it.
#![allow(dead_code, missing_docs, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinHandle;
use uuid::Uuid;
use warroom::{
    domain::{
        Command, State, gate,
        id::{Digest, WalkId},
        policy::Policy,
    },
    evidence::{
        blob::{Blobs, Bounds},
        redact::Redactor,
    },
    journal::Journal,
    room::{Found, Options, Room},
    transport::{client::Client, listen::listen},
    wire::{Ask, Outcome, RoomStatus, Told},
};

/// A room on this journal with nothing configured, its files in a directory.
pub fn plain(journal: Arc<dyn Journal>, dir: &Path) -> Options {
    Options {
        journal,
        spool: None,
        found: Found::Sound,
        blobs: Arc::new(Blobs::open(&dir.join("blobs"), Bounds::default()).unwrap()),
        redactor: Redactor::default(),
        policy: Policy::default(),
        owner: None,
        gate: None,
        drill: None,
    }
}

/// Where a room is asked.
pub struct Door {
    pub socket: PathBuf,
    /// The room; aborted, it falls as by kill -9.
    pub task: JoinHandle<String>,
}

impl Door {
    /// Starts a room with its socket in a directory.
    pub async fn open(options: Options, dir: &Path) -> Result<Self, String> {
        let (room, _, inbox) = Room::open(options).await.map_err(|error| error.to_string())?;
        let socket = dir.join(format!("{}.sock", Uuid::new_v4()));
        let task = tokio::spawn(room.serve(listen(&socket, 0o600, None).unwrap(), inbox));
        Ok(Self { socket, task })
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

    /// What is seen of a step that is taken.
    pub async fn shown(&self, walk: WalkId, step: &str) -> Option<Digest> {
        let state = self.state().await;
        let walk = state.walks.get(&walk)?;
        Some(warroom::domain::walk::shown(walk, walk.runbook.step(step)?, false, false))
    }

    /// What the gate says to a deploy.
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
pub async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !so().await {
        assert!(began.elapsed() < Duration::from_secs(45), "never came: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
