//! A room whose shared journal is out of reach: what people do is kept, shown as what it is, and appended when it is back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use futures::{FutureExt as _, future::BoxFuture};
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::watch, task::JoinHandle};
use uuid::Uuid;
use warroom::{
    domain::{
        Command, CommandId, Event, Fact, Refusal, Seq, State,
        conflict::{ConflictCommand, ConflictFact},
        freeze::{FreezeCommand, Scope},
        gate,
        id::{ConflictId, FreezeId, IncidentId},
        incident::IncidentCommand,
        note::{NoteCommand, NoteFact},
        page::PageCommand,
        policy::Policy,
        refusal::Code,
        room::RoomFact,
        severity::Severity,
        task::{TaskCommand, TaskFact},
        time::Span,
    },
    evidence::{
        blob::{Blobs, Bounds},
        redact::{Redactor, Secret},
    },
    journal::{
        Appended, Head, Journal, Trouble,
        chain::Record,
        meeting::{Heard, Meeting, Other},
        read_all,
        spool::{Entry, Opened, Spool},
    },
    room::{Found, Options, Room},
    signal::Shows,
    store::{Mode, spool, sqlite::Sqlite},
    transport::{
        client::{self, Client},
        listen::listen,
    },
    wire::{Ask, FromRoom, JournalState, Outcome, RoomStatus, Told},
};

/// A journal that rooms share, each by a line of its own that can be cut.
struct Line {
    file: Arc<Sqlite>,
    rooms: Arc<Mutex<Vec<String>>>,
    cut: Arc<AtomicBool>,
    /// What is sent arrives, and its answer does not.
    mute: Arc<AtomicBool>,
}

const WHY: &str = "the line is cut";

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
struct Disk {
    spool: Arc<dyn Spool>,
    full: Arc<AtomicBool>,
}

impl Spool for Disk {
    fn append(&self, n: u64, entry: &Entry) -> BoxFuture<'static, Result<(), Trouble>> {
        if self.full.load(Ordering::SeqCst) {
            let full = Trouble::Unreadable {
                what: "the spool".into(),
                why: "the disk is full".into(),
                hint: "free some space".into(),
            };
            return async { Err(full) }.boxed();
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

/// The switches of one room's world.
#[derive(Clone, Default)]
struct World {
    cut: Arc<AtomicBool>,
    mute: Arc<AtomicBool>,
    full: Arc<AtomicBool>,
}

struct House {
    dir: tempfile::TempDir,
    file: Arc<Sqlite>,
    rooms: Arc<Mutex<Vec<String>>>,
    cut: Arc<AtomicBool>,
    mute: Arc<AtomicBool>,
    full: Arc<AtomicBool>,
    socket: PathBuf,
    task: JoinHandle<String>,
}

impl House {
    async fn several(count: usize) -> (tempfile::TempDir, Vec<Self>) {
        let ground = tempfile::tempdir().unwrap();
        let file = Arc::new(Sqlite::open(&ground.path().join("journal.db"), Mode::Write).unwrap());
        let rooms = Arc::new(Mutex::new(Vec::new()));
        let mut houses = Vec::new();
        for _ in 0..count {
            houses.push(Self::open(&file, &rooms).await);
        }
        (ground, houses)
    }

    async fn open(file: &Arc<Sqlite>, rooms: &Arc<Mutex<Vec<String>>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = World::default();
        let (socket, task) = Self::run(&dir, file, rooms, &world).await.unwrap();
        let World { cut, mute, full } = world;
        Self { dir, file: file.clone(), rooms: rooms.clone(), cut, mute, full, socket, task }
    }

    async fn run(
        dir: &tempfile::TempDir,
        file: &Arc<Sqlite>,
        rooms: &Arc<Mutex<Vec<String>>>,
        world: &World,
    ) -> Result<(PathBuf, JoinHandle<String>), String> {
        let World { cut, mute, full } = world.clone();
        let line = Line { file: file.clone(), rooms: rooms.clone(), cut, mute };
        let at = dir.path().to_owned();
        let options = Options {
            journal: Arc::new(line),
            spool: Some(Box::new(move |journal| {
                let opened = spool::open(&at, journal)?;
                Ok(Opened { spool: Arc::new(Disk { spool: opened.spool, full }), ..opened })
            })),
            found: Found::Sound,
            blobs: Arc::new(Blobs::open(&dir.path().join("blobs"), Bounds::default()).unwrap()),
            redactor: Redactor::new(&[Secret { name: "PASSWORD".into(), value: "hunter2".into() }], &[])
                .unwrap(),
            policy: Policy::default(),
            owner: None,
            gate: None,
            drill: None,
        };
        let (room, _, inbox) = Room::open(options).await.map_err(|error| error.to_string())?;
        let socket = dir.path().join(format!("{}.sock", Uuid::new_v4()));
        let task = tokio::spawn(room.serve(listen(&socket, 0o600, None).unwrap(), inbox));
        Ok((socket, task))
    }

    /// As kill -9 does, and a new one in its place.
    async fn fall_and_rise(&mut self) {
        self.task.abort();
        until("it has let go", async || self.task.is_finished()).await;
        until("its spool is let go", async || {
            let file = std::fs::File::open(self.spool()).unwrap();
            rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok()
        })
        .await;
        (self.socket, self.task) =
            Self::run(&self.dir, &self.file, &self.rooms, &self.world()).await.unwrap();
    }

    fn spool(&self) -> PathBuf {
        let mut files = std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| path.extension().is_some_and(|ending| ending == "spool")).unwrap()
    }

    fn world(&self) -> World {
        World { cut: self.cut.clone(), mute: self.mute.clone(), full: self.full.clone() }
    }

    fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::SeqCst);
    }

    async fn away(&self) {
        self.cut(true);
        until("it says so", async || self.status().await.away.is_some()).await;
    }

    async fn back(&self) {
        self.mute.store(false, Ordering::SeqCst);
        self.cut(false);
        until("it is back", async || {
            let status = self.status().await;
            status.away.is_none() && status.journal == JournalState::Writable
        })
        .await;
    }

    async fn client(&self) -> Client {
        Client::script(&self.socket).await.unwrap()
    }

    async fn does(&self, command: Command) -> Outcome {
        self.client().await.act(command).await.unwrap()
    }

    async fn under_glass(&self, command: Command) -> Outcome {
        let id = CommandId(Uuid::now_v7());
        self.client()
            .await
            .command_under(id, command, Some("the deploy would make it worse".into()))
            .await
            .unwrap()
    }

    async fn status(&self) -> RoomStatus {
        match self.client().await.ask(Ask::Status).await.unwrap() {
            Told::Status(room) => *room,
            other => panic!("{other:?}"),
        }
    }

    async fn state(&self) -> State {
        match self.client().await.ask(Ask::State).await.unwrap() {
            Told::State(state) => *state,
            other => panic!("{other:?}"),
        }
    }

    async fn gate(&self) -> gate::Answer {
        let request = gate::Request {
            service: "shop".into(),
            env: "prod".into(),
            artifact: "shop@2".into(),
            action: gate::Action::Deploy,
            dry_run: false,
            alias: None,
        };
        match self.client().await.ask(Ask::Gate(request)).await.unwrap() {
            Told::Gate(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    /// What stands in the journal, its chain checked.
    async fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        read_all(self.file.as_ref(), Head::EMPTY, |event| events.push(event)).await.unwrap();
        events
    }
}

async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !so().await {
        assert!(began.elapsed() < Duration::from_secs(45), "never came: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn same(houses: &[House]) {
    until("all see the same", async || {
        let first = houses[0].status().await;
        for house in &houses[1..] {
            if house.status().await.hash != first.hash {
                return false;
            }
        }
        true
    })
    .await;
    let first = serde_json::to_value(houses[0].state().await).unwrap();
    for house in &houses[1..] {
        assert_eq!(serde_json::to_value(house.state().await).unwrap(), first);
    }
    // And it is what stands in the journal.
    let mut state = State::default();
    for event in houses[0].events().await {
        state.apply(&event);
    }
    assert_eq!(serde_json::to_value(state).unwrap(), first);
}

fn note(text: &str) -> Command {
    Command::Note(NoteCommand::Say { incident: None, text: text.into() })
}

fn about(incident: u32, text: &str) -> Command {
    Command::Note(NoteCommand::Say { incident: Some(IncidentId(incident)), text: text.into() })
}

fn declare(title: &str) -> Command {
    Command::Incident(IncidentCommand::Declare {
        title: title.into(),
        severity: Severity::WORST,
        services: vec!["shop".into()],
        env: None,
        freeze: false,
    })
}

fn give(incident: u32, text: &str) -> Command {
    Command::Task(TaskCommand::Give {
        incident: IncidentId(incident),
        text: text.into(),
        owner: "bo".into(),
        within: None,
    })
}

fn freeze(incident: Option<u32>) -> Command {
    Command::Freeze(FreezeCommand::Begin {
        incident: incident.map(IncidentId),
        scope: Scope::deploys(vec!["shop".into()], vec!["prod".into()]),
        reason: "it burns".into(),
        lease: None,
    })
}

fn said(event: &Event) -> Option<&str> {
    match &event.fact {
        Fact::Note(NoteFact::Said { text, .. }) => Some(text),
        _ => None,
    }
}

fn one<'e>(events: &'e [Event], text: &str) -> &'e Event {
    let mut found = events.iter().filter(|event| said(event).is_some_and(|said| said.contains(text)));
    let first = found.next().unwrap_or_else(|| panic!("{text} is not there"));
    assert!(found.next().is_none(), "{text} is there twice");
    first
}

fn refusal(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Refused(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn is_offline(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Ok { offline: true, .. })
}

#[tokio::test]
async fn what_people_do_meanwhile_is_kept_and_appended_at_its_own_time() {
    let (_ground, houses) = House::several(2).await;
    assert!(matches!(houses[0].does(declare("checkout 5xx")).await, Outcome::Ok { offline: false, .. }));
    same(&houses).await;
    houses[0].away().await;
    let (mut reader, _writer, _) =
        client::sit(&houses[0].socket, None, false, Shows::default()).await.unwrap();
    assert!(is_offline(&houses[0].does(about(1, "the pool is empty")).await));
    assert!(is_offline(&houses[0].does(give(1, "look at the pool")).await));
    assert!(is_offline(&houses[0].does(about(1, "the password is hunter2")).await));
    // It is seen here at once, as what it is.
    let shown = loop {
        if let FromRoom::Event(event) = reader.next().await.unwrap()
            && said(&event).is_some()
        {
            break event;
        }
    };
    assert!(shown.is_provisional(), "{shown:?}");
    let status = houses[0].status().await;
    assert_eq!(status.away.as_ref().unwrap().waiting, 3);
    assert!(matches!(status.journal, JournalState::ReadOnly { .. }));
    assert!(houses[0].state().await.incidents[&IncidentId(1)].tasks.len() == 1);
    assert!(houses[1].state().await.incidents[&IncidentId(1)].tasks.is_empty());
    // Who asks for events is told those that are there.
    let ask = Ask::Events { from: 1, limit: 100, incident: Some(IncidentId(1)) };
    match houses[0].client().await.ask(ask).await.unwrap() {
        Told::Events { events, .. } => assert!(one(&events, "the pool is empty").is_provisional()),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        houses[1].does(about(1, "meanwhile elsewhere")).await,
        Outcome::Ok { offline: false, .. }
    ));
    houses[0].back().await;
    same(&houses).await;
    // Those who sit are given the whole anew.
    let head = loop {
        if let FromRoom::Snapshot { state, .. } = reader.next().await.unwrap()
            && state.incidents[&IncidentId(1)].tasks.len() == 1
        {
            break state.head;
        }
    };
    assert!(head <= houses[0].status().await.head);
    let events = houses[0].events().await;
    let kept = one(&events, "the pool is empty");
    let offline = kept.offline.as_ref().unwrap();
    assert!(!offline.provisional && offline.glass.is_none());
    assert!(kept.occurred.wall <= offline.at && offline.at < kept.recorded, "{kept:?}");
    assert!(kept.seq > one(&events, "meanwhile elsewhere").seq);
    assert!(one(&events, "meanwhile elsewhere").offline.is_none());
    assert!(one(&events, "the password is").seq > kept.seq);
    until("the spool is empty again", async || std::fs::read(houses[0].spool()).unwrap().is_empty()).await;
    assert!(matches!(houses[0].does(note("as ever")).await, Outcome::Ok { offline: false, .. }));
}

#[tokio::test]
async fn no_secret_lies_in_the_spool() {
    let (_ground, houses) = House::several(1).await;
    houses[0].away().await;
    assert!(is_offline(&houses[0].does(note("the password is hunter2")).await));
    let text = std::fs::read_to_string(houses[0].spool()).unwrap();
    assert!(text.contains("the password is") && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn what_needs_that_all_agree_takes_broken_glass_and_is_provisional() {
    let (_ground, houses) = House::several(2).await;
    assert!(matches!(houses[0].does(declare("checkout 5xx")).await, Outcome::Ok { .. }));
    same(&houses).await;
    houses[0].away().await;
    assert_eq!(houses[0].gate().await.because.exit(), 12, "nobody knows");
    let refused = refusal(houses[0].does(freeze(Some(1))).await);
    assert_eq!(refused.code, Code::NeedsMore);
    assert!(refused.hint.unwrap().contains("--glass"));
    let page = PageCommand::Ask { incident: Some(IncidentId(1)), who: "bo".into(), why: "help".into() };
    let waits = refusal(houses[0].under_glass(Command::Page(page)).await);
    assert!(waits.hint.unwrap().contains("phone"));
    assert!(is_offline(&houses[0].under_glass(freeze(Some(1))).await));
    let away = houses[0].status().await.away.unwrap();
    assert_eq!((away.waiting, away.glass), (1, 1));
    let frozen = houses[0].gate().await;
    assert!(!frozen.allowed && frozen.freeze == Some(FreezeId(1)), "{frozen:?}");
    assert!(houses[1].gate().await.allowed, "the other room knows nothing of it");
    houses[0].back().await;
    same(&houses).await;
    assert!(!houses[1].gate().await.allowed);
    let events = houses[0].events().await;
    let began = events.iter().find(|event| matches!(event.fact, Fact::Freeze(_))).unwrap();
    assert_eq!(began.offline.as_ref().unwrap().glass.as_deref(), Some("the deploy would make it worse"));
    let deviations = houses[1].state().await.deviations;
    assert_eq!(deviations.len(), 1);
    assert!(deviations.values().all(|one| one.reason.is_some() && one.incident == Some(IncidentId(1))));
    // Lifting does not open the gate while nobody knows what the others did.
    houses[0].away().await;
    let lift = || Command::Freeze(FreezeCommand::Lift { freeze: FreezeId(1), reason: "over".into() });
    assert_eq!(refusal(houses[0].does(lift()).await).code, Code::NeedsMore);
    assert!(is_offline(&houses[0].under_glass(lift()).await));
    let answer = houses[0].gate().await;
    assert_eq!((answer.allowed, answer.because.exit()), (false, 12), "{answer:?}");
    houses[0].back().await;
    same(&houses).await;
    assert!(houses[1].gate().await.allowed);
}

#[tokio::test]
async fn a_room_that_is_killed_meanwhile_has_lost_nothing() {
    let (_ground, mut houses) = House::several(2).await;
    houses[0].away().await;
    for n in 0..20 {
        assert!(is_offline(&houses[0].does(note(&format!("kept {n}."))).await));
    }
    houses[0].cut(false);
    houses[0].fall_and_rise().await;
    until("all is sent", async || houses[0].status().await.away.is_none()).await;
    same(&houses).await;
    let events = houses[1].events().await;
    let kept: Vec<_> = events.iter().filter(|event| said(event).is_some()).collect();
    assert_eq!(kept.iter().map(|event| said(event).unwrap().to_owned()).collect::<Vec<_>>(), {
        (0..20).map(|n| format!("kept {n}.")).collect::<Vec<_>>()
    });
    assert!(kept.iter().all(|event| event.offline.is_some()));
}

#[tokio::test]
async fn a_command_whose_answer_was_lost_counts_once() {
    let (_ground, houses) = House::several(2).await;
    same(&houses).await;
    houses[0].mute.store(true, Ordering::SeqCst);
    let id = CommandId(Uuid::now_v7());
    let outcome = houses[0].client().await.command(id, note("arrived")).await.unwrap();
    assert!(is_offline(&outcome), "{outcome:?}");
    // Sent again, it is the same.
    let again = houses[0].client().await.command(id, note("arrived")).await.unwrap();
    assert!(is_offline(&again), "{again:?}");
    houses[0].back().await;
    same(&houses).await;
    assert!(one(&houses[0].events().await, "arrived").offline.is_none(), "it had arrived");
}

#[tokio::test]
async fn names_that_were_given_twice_are_told_apart() {
    let (_ground, houses) = House::several(2).await;
    houses[0].away().await;
    assert!(is_offline(&houses[0].does(declare("mine")).await));
    assert!(is_offline(&houses[0].does(about(1, "of mine")).await));
    assert!(is_offline(&houses[0].does(give(1, "task of mine")).await));
    assert!(matches!(houses[1].does(declare("theirs")).await, Outcome::Ok { .. }));
    assert!(matches!(houses[1].does(give(1, "task of theirs")).await, Outcome::Ok { .. }));
    houses[0].back().await;
    same(&houses).await;
    let state = houses[1].state().await;
    assert_eq!(state.incidents[&IncidentId(1)].title, "theirs");
    assert_eq!(state.incidents[&IncidentId(2)].title, "mine");
    let events = houses[1].events().await;
    assert_eq!(one(&events, "of mine").stream, Some(IncidentId(2)));
    let given = events.iter().find(
        |event| matches!(&event.fact, Fact::Task(TaskFact::Given { text, .. }) if text == "task of mine"),
    );
    assert_eq!(given.unwrap().stream, Some(IncidentId(2)));
}

#[tokio::test]
async fn what_is_not_accepted_any_more_is_a_conflict_that_a_person_decides() {
    let (_ground, houses) = House::several(2).await;
    assert!(matches!(houses[1].does(freeze(None)).await, Outcome::Ok { .. }));
    same(&houses).await;
    houses[0].away().await;
    let renew = |why: &str| {
        Command::Freeze(FreezeCommand::Renew {
            freeze: FreezeId(1),
            lease: Span::hours(3),
            reason: why.into(),
        })
    };
    assert!(is_offline(&houses[0].under_glass(renew("still burning")).await));
    assert!(is_offline(&houses[0].under_glass(renew("burning on")).await));
    assert!(is_offline(&houses[0].does(note("after it")).await));
    let lift = Command::Freeze(FreezeCommand::Lift { freeze: FreezeId(1), reason: "over".into() });
    assert!(matches!(houses[1].does(lift).await, Outcome::Ok { .. }));
    houses[0].back().await;
    same(&houses).await;
    let state = houses[1].state().await;
    assert_eq!(state.conflicts.len(), 2);
    let what = &state.conflicts[&ConflictId(1)].what;
    assert!(what.said.contains("still burning") && what.why.contains("does not hold"), "{what:?}");
    assert_eq!(what.glass.as_deref(), Some("the deploy would make it worse"));
    assert_eq!(what.by.uid, Some(warroom::os::peer::my_uid()));
    assert!(one(&houses[1].events().await, "after it").offline.is_some());
    let keep = ConflictCommand::Keep { conflict: ConflictId(1), reason: "it happened".into() };
    assert!(matches!(houses[1].does(Command::Conflict(keep.clone())).await, Outcome::Ok { .. }));
    assert_eq!(refusal(houses[1].does(Command::Conflict(keep)).await).code, Code::Unknown);
    let aside = ConflictCommand::SetAside { conflict: ConflictId(2), reason: "the same again".into() };
    assert!(matches!(houses[0].does(Command::Conflict(aside)).await, Outcome::Ok { .. }));
    same(&houses).await;
    assert!(houses[0].state().await.conflicts.is_empty());
    let events = houses[0].events().await;
    assert!(one(&events, "still burning").offline.is_none(), "it stands as a note, said now");
    let found =
        events.iter().filter(|event| matches!(event.fact, Fact::Conflict(ConflictFact::Found { .. })));
    assert_eq!(found.count(), 2);
    assert!(events.iter().all(|event| !matches!(event.fact, Fact::Room(RoomFact::Lost { .. }))));
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_told_and_nothing_is_pretended() {
    let (_ground, houses) = House::several(1).await;
    houses[0].away().await;
    assert!(is_offline(&houses[0].does(note("before")).await));
    houses[0].full.store(true, Ordering::SeqCst);
    let before = houses[0].state().await;
    for command in [note("lost"), declare("lost")] {
        match houses[0].does(command).await {
            Outcome::Failed { why } => {
                assert!(why.contains("disk is full") && why.contains("nothing was recorded"));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(houses[0].state().await, before);
    houses[0].full.store(false, Ordering::SeqCst);
    assert!(is_offline(&houses[0].does(note("after")).await));
    houses[0].back().await;
    let events = houses[0].events().await;
    assert!(one(&events, "before").seq < one(&events, "after").seq);
    assert!(!events.iter().any(|event| said(event) == Some("lost")));
    same(&houses).await;
}

/// A line of numbers that a seed gives.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

/// Whatever is cut and whoever falls: what was acknowledged, offline or not, is in the journal once, or in a conflict.
#[tokio::test]
async fn whatever_is_acknowledged_stands_once_or_is_a_conflict() {
    let given = std::env::var("WARROOM_OFFLINE_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0);
    println!("WARROOM_OFFLINE_SEED={seed}");
    let mut dice = Dice(seed | 1);
    let (_ground, mut houses) = House::several(2).await;
    let (mut acknowledged, mut offline) = (Vec::new(), 0);
    for round in 0..120 {
        let at = usize::try_from(dice.below(2)).unwrap();
        match dice.below(9) {
            0 => houses[at].cut(true),
            1 => houses[at].mute.store(true, Ordering::SeqCst),
            2 | 3 => {
                houses[at].mute.store(false, Ordering::SeqCst);
                houses[at].cut(false);
            }
            4 if !houses[at].cut.load(Ordering::SeqCst) => {
                houses[at].mute.store(false, Ordering::SeqCst);
                houses[at].fall_and_rise().await;
            }
            _ => {}
        }
        for (n, house) in houses.iter().enumerate() {
            let text = format!("<{round}:{n}>");
            let state = house.state().await;
            let open = state.incidents.keys().next_back().copied();
            let command = match (dice.below(6), open) {
                (0, _) => declare(&text),
                (1, Some(incident)) => give(incident.0, &text),
                (2, Some(incident)) => Command::Incident(IncidentCommand::Retitle {
                    incident,
                    title: text.clone(),
                    services: vec!["shop".into()],
                }),
                (_, Some(incident)) => about(incident.0, &text),
                (_, None) => note(&text),
            };
            if let Outcome::Ok { offline: kept, .. } = house.does(command).await {
                offline += usize::from(kept);
                acknowledged.push(text);
            }
        }
    }
    for house in &houses {
        house.back().await;
    }
    same(&houses).await;
    let events = houses[0].events().await;
    let told: Vec<String> = events
        .iter()
        .filter(|event| !matches!(event.fact, Fact::Policy(_)))
        .map(|event| serde_json::to_string(&event.fact).unwrap())
        .collect();
    let wrong: Vec<_> = acknowledged
        .iter()
        .filter(|text| told.iter().filter(|told| told.contains(text.as_str())).count() != 1)
        .collect();
    println!("{} acknowledged, {offline} of them offline, {} events", acknowledged.len(), events.len());
    assert!(wrong.is_empty(), "not there once: {wrong:?}");
    assert!(offline > 0);
}
