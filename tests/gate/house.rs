//! A room with its gate, in this process, on a journal whose disk can be made to fail.

use futures::{FutureExt as _, future::BoxFuture};
use serde_json::Value;
use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::sync::oneshot;
use warroom::{
    domain::{
        Command, CommandId, Seq, State,
        freeze::{FreezeCommand, Scope},
        gate::Action,
        id::FreezeId,
        policy::Policy,
        release::{Judgement, ReleaseCommand},
        time::Span,
    },
    evidence::blob::{Blobs, Bounds as BlobBounds},
    http::{self, Bounds, token::Token},
    journal::{Appended, Head, Journal, Trouble, chain::Record},
    room::{Found, Options, Room, Shared},
    store::sqlite::{Mode, Sqlite},
    transport::{client::Client, listen::listen},
    wire::{Ask, Outcome, Told},
};

/// A journal that takes nothing while its disk is broken.
struct Disk {
    file: Sqlite,
    broken: Arc<AtomicBool>,
}

impl Journal for Disk {
    fn append(&self, expected: Head, records: Vec<Record>) -> BoxFuture<'static, Appended> {
        if self.broken.load(Ordering::SeqCst) {
            return async { Appended::Unavailable("the disk is full".into()) }.boxed();
        }
        self.file.append(expected, records)
    }
    fn read(&self, from: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        self.file.read(from, limit)
    }
    fn find(&self, command: CommandId) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        self.file.find(command)
    }
    fn head(&self) -> BoxFuture<'static, Result<Head, Trouble>> {
        self.file.head()
    }
    fn watch(&self) -> tokio::sync::watch::Receiver<Seq> {
        self.file.watch()
    }
    fn erase(&self, seq: Seq) -> BoxFuture<'static, Result<(), Trouble>> {
        self.file.erase(seq)
    }
    fn place(&self) -> String {
        self.file.place()
    }
}

/// A room, its socket, its gate.
pub struct House {
    pub dir: tempfile::TempDir,
    pub socket: PathBuf,
    pub gate: SocketAddr,
    pub shared: Shared,
    broken: Arc<AtomicBool>,
    room: tokio::task::JoinHandle<String>,
    http: tokio::task::JoinHandle<()>,
    stop_http: oneshot::Sender<()>,
}

impl House {
    /// Without tokens, with the usual bounds.
    pub async fn open() -> Self {
        Self::with(Vec::new(), true, Bounds::default()).await
    }

    /// With these.
    pub async fn with(tokens: Vec<Token>, anonymous_read: bool, bounds: Bounds) -> Self {
        Self::at(tempfile::tempdir().unwrap(), tokens, anonymous_read, bounds).await
    }

    /// In this directory, whose journal may have a past.
    pub async fn at(
        dir: tempfile::TempDir,
        tokens: Vec<Token>,
        anonymous_read_on_loopback: bool,
        bounds: Bounds,
    ) -> Self {
        Self::under(dir, Policy::default(), (tokens, anonymous_read_on_loopback, bounds), None).await
    }

    /// Under this policy, with these tokens, whether anybody here may read, and these bounds; in a drill or not.
    pub async fn under(
        dir: tempfile::TempDir,
        policy: Policy,
        (tokens, anonymous_read_on_loopback, bounds): (Vec<Token>, bool, Bounds),
        drill: Option<(String, f64)>,
    ) -> Self {
        let broken = Arc::new(AtomicBool::new(false));
        let file = Sqlite::open(&dir.path().join("journal.db"), Mode::Write).unwrap();
        let options = Options {
            journal: Arc::new(Disk { file, broken: broken.clone() }),
            spool: None,
            found: Found::Sound,
            blobs: Arc::new(Blobs::open(&dir.path().join("blobs"), BlobBounds::default()).unwrap()),
            redactor: warroom::evidence::redact::Redactor::default(),
            policy,
            owner: None,
            gate: None,
            drill,
        };
        let (room, shared, inbox) = Room::open(options).await.unwrap();
        let socket = dir.path().join("room.sock");
        let room = tokio::spawn(room.serve(listen(&socket, 0o600, None).unwrap(), inbox));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gate = listener.local_addr().unwrap();
        let (stop_http, stopped) = oneshot::channel();
        let http = http::Options {
            state: shared.state.clone(),
            writable: shared.writable.clone(),
            asked: shared.asked.clone(),
            tokens,
            anonymous_read_on_loopback,
            bounds,
            owner: None,
            names: http::Names::default(),
        };
        let http = tokio::spawn(http::serve(listener, http, stopped.map(drop)));
        Self { dir, socket, gate, shared, broken, room, http, stop_http }
    }

    /// Does a command that must be taken.
    pub async fn act(&self, command: Command) {
        let outcome = Client::script(&self.socket).await.unwrap().act(command).await.unwrap();
        assert!(matches!(outcome, Outcome::Ok { .. }), "{outcome:?}");
    }

    /// Freezes checkout in prod for a lease.
    pub async fn freeze(&self, actions: &[Action], lease: Span) {
        let scope =
            Scope { services: vec!["checkout".into()], envs: vec!["prod".into()], actions: actions.to_vec() };
        let reason = "bad release".into();
        self.act(Command::Freeze(FreezeCommand::Begin {
            all: None,
            incident: None,
            scope,
            reason,
            lease: Some(lease),
        }))
        .await;
    }

    /// Lets an artifact pass the first freeze.
    pub async fn exempt(&self, artifact: &str) {
        let (freeze, artifact) = (FreezeId(1), artifact.into());
        self.act(Command::Freeze(FreezeCommand::Exempt {
            freeze,
            artifact,
            reason: "the fix".into(),
            glass: true,
        }))
        .await;
    }

    /// Judges an artifact of checkout bad.
    pub async fn judge_bad(&self, artifact: &str) {
        self.act(Command::Release(ReleaseCommand::Judge {
            service: "checkout".into(),
            artifact: artifact.into(),
            judgement: Judgement::Bad,
            why: "it hurt".into(),
        }))
        .await;
    }

    /// Breaks or mends the disk and waits until the room knows.
    pub async fn disk(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
        if broken {
            // The room learns of it by its next append.
            let mut client = Client::script(&self.socket).await.unwrap();
            let note = Command::Note(warroom::domain::note::NoteCommand::Say {
                incident: None,
                text: "is anybody there".into(),
            });
            let outcome = client.act(note).await.unwrap();
            assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
        }
        let mut writable = self.shared.writable.clone();
        tokio::time::timeout(Duration::from_secs(30), writable.until(!broken))
            .await
            .expect("the room notices");
    }

    /// What is durable.
    pub fn state(&self) -> State {
        self.shared.state.read().unwrap().clone()
    }

    /// Waits until the durable state is so.
    pub async fn until(&self, what: &str, mut so: impl FnMut(&State) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        while !so(&self.state()) {
            assert!(Instant::now() < end, "never came: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// All facts of the gate in the journal, as JSON.
    pub async fn gate_facts(&self) -> Vec<Value> {
        self.facts("gate").await
    }

    /// All facts of a noun in the journal, as JSON.
    pub async fn facts(&self, noun: &str) -> Vec<Value> {
        let mut client = Client::script(&self.socket).await.unwrap();
        let told = client.ask(Ask::Events { from: 1, limit: 2_000, incident: None }).await.unwrap();
        let Told::Events { events, .. } = told else { panic!("{told:?}") };
        let facts = events.iter().map(|event| {
            let mut value = serde_json::to_value(&event.fact).unwrap();
            value["by"] = serde_json::to_value(&event.actor).unwrap();
            value
        });
        facts.filter(|fact| fact.get(noun).is_some()).collect()
    }

    /// Ends the room in good order, then its gate. Gives the directory, to open another in.
    pub async fn end(self) -> tempfile::TempDir {
        self.shared.stop.send("the test is over".into()).await.unwrap();
        self.room.await.unwrap();
        let _ = self.stop_http.send(());
        self.http.await.unwrap();
        self.dir
    }

    /// Ends the room alone; its gate lives on.
    pub async fn end_room(&self) {
        self.shared.stop.send("the test wants it".into()).await.unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while !self.room.is_finished() {
            assert!(Instant::now() < end, "the room does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gate)
    }
}

/// A client without a proxy.
pub fn web() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap()
}

/// An answer: status and JSON.
pub async fn json(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let status = response.status().as_u16();
    (status, response.json().await.unwrap())
}
