//! Rooms on one journal, each by a line of its own that can be cut.

pub use crate::door::until;
use crate::door::{self, Door};
use futures::{FutureExt as _, future::BoxFuture};
use std::{
    ops::Deref,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::watch;
use uuid::Uuid;
use warroom::{
    domain::{
        Command, CommandId, Event, Fact, Refusal, Seq, State,
        freeze::{FreezeCommand, Scope},
        gate,
        id::IncidentId,
        incident::IncidentCommand,
        note::{NoteCommand, NoteFact},
        severity::Severity,
        task::TaskCommand,
        time::Span,
    },
    evidence::redact::{Redactor, Secret},
    journal::{
        Appended, Head, Journal, Trouble,
        chain::Record,
        meeting::{Heard, Meeting, Other},
        read_all,
        spool::{Entry, Opened, Spool, Unkept},
    },
    room::Options,
    store::{Mode, spool, sqlite::Sqlite},
    wire::{JournalState, Outcome},
};

/// A journal that rooms share, each by a line of its own that can be cut.
pub struct Line {
    file: Arc<Sqlite>,
    rooms: Arc<Mutex<Vec<String>>>,
    cut: Arc<AtomicBool>,
    /// What is sent arrives, and its answer does not.
    mute: Arc<AtomicBool>,
    /// Appends until it is cut.
    left: Arc<AtomicI64>,
}

pub const WHY: &str = "the line is cut";

impl Line {
    fn gone(&self) -> Option<Trouble> {
        let cut = self.cut.load(Ordering::SeqCst);
        cut.then(|| Trouble::Unreadable { what: "the journal".into(), why: WHY.into(), hint: "wait".into() })
    }
}

impl Journal for Line {
    fn append(&self, expected: Head, records: Vec<Record>) -> BoxFuture<'static, Appended> {
        if self.gone().is_some() {
            return async { Appended::Unavailable(WHY.into()) }.boxed();
        }
        if self.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.cut.store(true, Ordering::SeqCst);
        }
        let append = self.file.append(expected, records);
        if self.mute.load(Ordering::SeqCst) {
            self.cut.store(true, Ordering::SeqCst);
            return append.map(|_| Appended::Unknown(WHY.into())).boxed();
        }
        append
    }
    fn read(&self, from: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        match self.gone() {
            Some(gone) => async { Err(gone) }.boxed(),
            None => self.file.read(from, limit),
        }
    }
    fn find(&self, command: CommandId) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        match self.gone() {
            Some(gone) => async { Err(gone) }.boxed(),
            None => self.file.find(command),
        }
    }
    fn head(&self) -> BoxFuture<'static, Result<Head, Trouble>> {
        self.file.head()
    }
    fn watch(&self) -> watch::Receiver<Seq> {
        self.file.watch()
    }
    fn erase(&self, seq: Seq) -> BoxFuture<'static, Result<(), Trouble>> {
        self.file.erase(seq)
    }
    fn place(&self) -> String {
        "postgres://db/warroom".into()
    }
    fn is_replicated(&self) -> Option<bool> {
        Some(true)
    }
    fn meet(&self, room: &str) -> Option<Meeting> {
        let (says, _) = watch::channel::<Arc<[u8]>>(Arc::from(Vec::new()));
        let (tell, heard) = watch::channel(Heard::default());
        self.rooms.lock().unwrap().push(room.to_owned());
        let (rooms, cut, own) = (self.rooms.clone(), self.cut.clone(), room.to_owned());
        tokio::spawn(async move {
            while !tell.is_closed() {
                let away = cut.load(Ordering::SeqCst);
                tell.send_modify(|heard| {
                    heard.trouble = away.then(|| WHY.to_owned());
                    if !away {
                        heard.answers += 1;
                        let names = rooms.lock().unwrap();
                        let others = names.iter().filter(|name| **name != own);
                        heard.others = others
                            .map(|name| Other {
                                room: name.clone(),
                                silent: Span::ZERO,
                                says: Arc::from(Vec::new()),
                            })
                            .collect();
                    }
                });
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Some(Meeting { says, heard })
    }
}

/// A spool on a disk that may be full.
pub struct Disk {
    spool: Arc<dyn Spool>,
    full: Arc<AtomicBool>,
}

impl Spool for Disk {
    fn append(&self, n: u64, entry: &Entry) -> BoxFuture<'static, Result<(), Unkept>> {
        if self.full.load(Ordering::SeqCst) {
            let full = Trouble::Unreadable {
                what: "the spool".into(),
                why: "the disk is full".into(),
                hint: "free some space".into(),
            };
            return async { Err(Unkept { trouble: full, doubt: false }) }.boxed();
        }
        self.spool.append(n, entry)
    }
    fn clear(&self) {
        self.spool.clear();
    }
    fn place(&self) -> String {
        self.spool.place()
    }
}

/// The switches of one room's world, and appends until its line is cut.
#[derive(Clone)]
pub struct World {
    pub cut: Arc<AtomicBool>,
    pub mute: Arc<AtomicBool>,
    pub full: Arc<AtomicBool>,
    pub left: Arc<AtomicI64>,
}

pub struct House {
    dir: tempfile::TempDir,
    file: Arc<Sqlite>,
    rooms: Arc<Mutex<Vec<String>>>,
    pub world: World,
    door: Door,
}

impl Deref for House {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

impl House {
    pub async fn several(count: usize) -> (tempfile::TempDir, Vec<Self>) {
        let ground = tempfile::tempdir().unwrap();
        let file = Arc::new(Sqlite::open(&ground.path().join("journal.db"), Mode::Write).unwrap());
        let rooms = Arc::new(Mutex::new(Vec::new()));
        let mut houses = Vec::new();
        for _ in 0..count {
            houses.push(Self::open(&file, &rooms).await);
        }
        (ground, houses)
    }

    pub async fn open(file: &Arc<Sqlite>, rooms: &Arc<Mutex<Vec<String>>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = World {
            cut: Arc::default(),
            mute: Arc::default(),
            full: Arc::default(),
            left: Arc::new(AtomicI64::new(i64::MAX)),
        };
        let door = Self::run(&dir, file, rooms, &world).await.unwrap();
        Self { dir, file: file.clone(), rooms: rooms.clone(), world, door }
    }

    async fn run(
        dir: &tempfile::TempDir,
        file: &Arc<Sqlite>,
        rooms: &Arc<Mutex<Vec<String>>>,
        world: &World,
    ) -> Result<Door, String> {
        let World { cut, mute, full, left } = world.clone();
        let line = Line { file: file.clone(), rooms: rooms.clone(), cut, mute, left };
        let at = dir.path().to_owned();
        let options = Options {
            spool: Some(Box::new(move |journal| {
                let opened = spool::open(&at, journal)?;
                Ok(Opened { spool: Arc::new(Disk { spool: opened.spool, full }), ..opened })
            })),
            redactor: Redactor::new(&[Secret { name: "PASSWORD".into(), value: "hunter2".into() }], &[])
                .unwrap(),
            ..door::plain(Arc::new(line), dir.path())
        };
        Door::open(options, dir.path()).await
    }

    /// As kill -9 does, and a new one in its place.
    pub async fn fall_and_rise(&mut self) {
        self.task.abort();
        until("it has let go", async || self.task.is_finished()).await;
        until("its spool is let go", async || {
            let file = std::fs::File::open(self.spool()).unwrap();
            rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok()
        })
        .await;
        self.door = Self::run(&self.dir, &self.file, &self.rooms, &self.world).await.unwrap();
    }

    pub fn spool(&self) -> PathBuf {
        let mut files = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| path.extension().is_some_and(|ending| ending == "spool")).unwrap()
    }

    pub fn cut(&self, cut: bool) {
        self.world.left.store(i64::MAX, Ordering::SeqCst);
        self.world.cut.store(cut, Ordering::SeqCst);
    }

    pub async fn away(&self) {
        self.cut(true);
        until("it says so", async || self.status().await.away.is_some()).await;
    }

    pub async fn back(&self) {
        self.world.mute.store(false, Ordering::SeqCst);
        self.cut(false);
        until("it is back", async || {
            let status = self.status().await;
            status.away.is_none() && status.journal == JournalState::Writable
        })
        .await;
    }

    pub async fn under_glass(&self, command: Command) -> Outcome {
        let id = CommandId(Uuid::now_v7());
        self.client()
            .await
            .command_under(id, command, Some("the deploy would make it worse".into()))
            .await
            .unwrap()
    }

    pub async fn gate(&self) -> gate::Answer {
        self.may("shop", "prod").await
    }

    /// What stands in the journal, its chain checked.
    pub async fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        read_all(self.file.as_ref(), Head::EMPTY, |event| events.push(event)).await.unwrap();
        events
    }
}

pub async fn same(houses: &[House]) {
    until("all see the same, and it is what stands in the journal", async || {
        let first = houses[0].state().await;
        for house in &houses[1..] {
            if house.state().await != first {
                return false;
            }
        }
        let mut state = State::default();
        for event in houses[0].events().await {
            state.apply(&event);
        }
        state == first
    })
    .await;
}

pub fn note(text: &str) -> Command {
    Command::Note(NoteCommand::Say { incident: None, text: text.into() })
}

pub fn about(incident: u32, text: &str) -> Command {
    Command::Note(NoteCommand::Say { incident: Some(IncidentId(incident)), text: text.into() })
}

pub fn declare(title: &str) -> Command {
    Command::Incident(IncidentCommand::Declare {
        all: None,
        title: title.into(),
        severity: Severity::WORST,
        services: vec!["shop".into()],
        env: None,
        freeze: false,
    })
}

pub fn give(incident: u32, text: &str) -> Command {
    Command::Task(TaskCommand::Give {
        incident: IncidentId(incident),
        text: text.into(),
        owner: "bo".into(),
        within: None,
    })
}

pub fn freeze(incident: Option<u32>) -> Command {
    Command::Freeze(FreezeCommand::Begin {
        all: None,
        incident: incident.map(IncidentId),
        scope: Scope::deploys(vec!["shop".into()], vec!["prod".into()]),
        reason: "it burns".into(),
        lease: None,
    })
}

pub fn said(event: &Event) -> Option<&str> {
    match &event.fact {
        Fact::Note(NoteFact::Said { text, .. }) => Some(text),
        _ => None,
    }
}

pub fn one<'e>(events: &'e [Event], text: &str) -> &'e Event {
    let mut found = events.iter().filter(|event| said(event).is_some_and(|said| said.contains(text)));
    let first = found.next().unwrap_or_else(|| panic!("{text} is not there"));
    assert!(found.next().is_none(), "{text} is there twice");
    first
}

pub fn refusal(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

pub fn is_offline(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Ok { offline: true, .. })
}

/// A line of numbers that a seed gives.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}
