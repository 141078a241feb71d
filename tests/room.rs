//! A room in this process: what it answers when its journal answers anything but yes, when a command comes again, and
//! when its clients say anything at all.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "support/door.rs"]
mod door;
#[path = "room/ids.rs"]
mod ids;
#[path = "room/parts.rs"]
mod parts;

use door::Door;
use futures::{FutureExt as _, future::BoxFuture};
use proptest::prelude::*;
use std::{
    ops::Deref,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};
use uuid::Uuid;
use warroom::{
    domain::{
        Command, CommandId, Event, Fact, Seq, actor::Actor, id::IncidentId, incident::IncidentCommand,
        note::NoteCommand, note::NoteFact, policy::Policy, room::RoomFact, severity::Severity, time::Stamp,
    },
    evidence::{
        blob::{Blobs, Bounds},
        redact::Redactor,
    },
    journal::{Appended, Head, Journal, Trouble, chain},
    os::clock,
    room::{Found, Options, Room},
    store::sqlite::{Mode, Sqlite},
    transport::client::Client,
    wire::{Ask, FRAME_MAX, FromRoom, JournalState, Outcome, Told, encode},
};

/// What becomes of the next append.
const WELL: u8 = 0;
const NOT_WRITTEN: u8 = 1;
const UNKNOWN_WRITTEN: u8 = 2;
const UNKNOWN_NOT_WRITTEN: u8 = 3;
const SOMEBODY_ELSE_FIRST: u8 = 4;
const SOMEBODY_ELSE_OPENED: u8 = 5;

struct Moody {
    file: Arc<Sqlite>,
    mood: Arc<AtomicU8>,
}

fn elses(head: Head, fact: Fact) -> Vec<chain::Record> {
    let now: Stamp = clock::now();
    let draft = chain::Draft {
        command: CommandId(Uuid::now_v7()),
        index: 0,
        stream: None,
        recorded: now.wall,
        occurred: now,
        room: "another".into(),
        actor: Actor::user("eve", 7),
        offline: None,
        fact,
    };
    vec![chain::seal(draft, head, [1; 16]).unwrap().0]
}

impl Journal for Moody {
    fn append(&self, expected: Head, records: Vec<chain::Record>) -> BoxFuture<'static, Appended> {
        let file = self.file.clone();
        match self.mood.swap(WELL, Ordering::SeqCst) {
            NOT_WRITTEN => async { Appended::Unavailable("the disk is full".into()) }.boxed(),
            UNKNOWN_WRITTEN => {
                let append = file.append(expected, records);
                append.map(|_| Appended::Unknown("the line was cut".into())).boxed()
            }
            UNKNOWN_NOT_WRITTEN => async { Appended::Unknown("the line was cut".into()) }.boxed(),
            SOMEBODY_ELSE_FIRST => {
                let said = NoteFact::Said { incident: None, text: "from elsewhere".into() };
                drop(file.append(expected, elses(expected, Fact::Note(said))));
                file.append(expected, records)
            }
            SOMEBODY_ELSE_OPENED => {
                let opened = RoomFact::Opened {
                    version: "0.1.0".into(),
                    host: "elsewhere".into(),
                    private: true,
                    shares: false,
                };
                drop(file.append(expected, elses(expected, Fact::Room(opened))));
                file.append(expected, records)
            }
            _ => file.append(expected, records),
        }
    }
    fn read(&self, from: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<chain::Record>, Trouble>> {
        self.file.read(from, limit)
    }
    fn find(&self, command: CommandId) -> BoxFuture<'static, Result<Vec<chain::Record>, Trouble>> {
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

struct House {
    dir: tempfile::TempDir,
    door: Door,
    mood: Arc<AtomicU8>,
}

impl Deref for House {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

impl House {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = Arc::new(Sqlite::open(&dir.path().join("journal.db"), Mode::Write).unwrap());
        let mood = Arc::new(AtomicU8::new(WELL));
        let moody = Arc::new(Moody { file, mood: mood.clone() });
        let door = Door::open(door::plain(moody, dir.path()), dir.path()).await.unwrap();
        Self { dir, door, mood }
    }

    async fn events(&self) -> Vec<Event> {
        let ask = Ask::Events { from: 1, limit: 2_000, incident: None };
        match self.client().await.ask(ask).await.unwrap() {
            Told::Events { events, .. } => events,
            other => panic!("{other:?}"),
        }
    }

    async fn journal(&self) -> JournalState {
        self.status().await.journal
    }
}

fn note(text: &str) -> Command {
    Command::Note(NoteCommand::Say { incident: None, text: text.into() })
}

fn id() -> CommandId {
    CommandId(Uuid::now_v7())
}

fn times(events: &[Event], text: &str) -> usize {
    let said =
        |event: &&Event| matches!(&event.fact, Fact::Note(NoteFact::Said { text: said, .. }) if said == text);
    events.iter().filter(said).count()
}

#[tokio::test]
async fn a_command_that_comes_again_gets_the_answer_that_it_got_however_long_ago() {
    let house = House::open().await;
    let mut client = house.client().await;
    let declare = Command::Incident(IncidentCommand::Declare {
        all: None,
        title: "checkout 5xx".into(),
        severity: Severity::WORST,
        services: vec!["checkout".into()],
        env: None,
        freeze: true,
    });
    let first = id();
    let answer = client.command(first, declare.clone()).await.unwrap();
    let Outcome::Ok { made, seqs, .. } = &answer else { panic!("{answer:?}") };
    assert!(made.contains(&"INC-1".to_owned()) && !seqs.is_empty());
    assert_eq!(client.command(first, declare.clone()).await.unwrap(), answer, "at once");
    // More than the fold remembers.
    for n in 0..1_100 {
        client.act(note(&n.to_string())).await.unwrap();
    }
    let before = house.events().await.len();
    assert_eq!(client.command(first, declare).await.unwrap(), answer, "long after");
    assert_eq!(house.events().await.len(), before);
}

#[tokio::test]
async fn an_append_that_nobody_knows_of_is_looked_up_before_anything_else() {
    let house = House::open().await;
    let mut client = house.client().await;
    house.mood.store(UNKNOWN_WRITTEN, Ordering::SeqCst);
    let outcome = client.act(note("it was written")).await.unwrap();
    assert!(matches!(outcome, Outcome::Ok { .. }), "{outcome:?}");

    let lost = id();
    house.mood.store(UNKNOWN_NOT_WRITTEN, Ordering::SeqCst);
    let outcome = client.command(lost, note("it was not")).await.unwrap();
    // That it is not seen there now does not prove that it will not be: under the same name it can be sent again.
    assert!(matches!(&outcome, Outcome::Failed { why } if why.contains("nobody knows")), "{outcome:?}");
    let outcome = client.command(lost, note("it was not")).await.unwrap();
    assert!(matches!(outcome, Outcome::Ok { .. }), "{outcome:?}");
    let events = house.events().await;
    assert_eq!((times(&events, "it was written"), times(&events, "it was not")), (1, 1));
    assert_eq!(house.journal().await, JournalState::Writable);
}

#[tokio::test]
async fn what_somebody_else_appended_is_folded_and_the_command_decided_again() {
    let house = House::open().await;
    let mut client = house.client().await;
    house.mood.store(SOMEBODY_ELSE_FIRST, Ordering::SeqCst);
    let outcome = client.act(note("after it")).await.unwrap();
    assert!(matches!(outcome, Outcome::Ok { .. }), "{outcome:?}");
    let events = house.events().await;
    assert_eq!((times(&events, "from elsewhere"), times(&events, "after it")), (1, 1));
    assert_eq!(house.journal().await, JournalState::Writable);
}

// Where locks do not work: as a file system of another host may have it.
#[tokio::test]
async fn a_room_whose_journal_another_took_is_fenced_within_one_write() {
    let house = House::open().await;
    let mut client = house.client().await;
    house.mood.store(SOMEBODY_ELSE_OPENED, Ordering::SeqCst);
    let outcome = client.act(note("never")).await.unwrap();
    assert!(
        matches!(&outcome, Outcome::Failed { why } if why.contains("took this journal at event")),
        "{outcome:?}"
    );
    let again = client.act(note("nor this")).await;
    assert!(!matches!(again, Ok(Outcome::Ok { .. })), "{again:?}");
}

#[tokio::test]
async fn what_was_decided_behind_a_failed_append_is_not_said_to_have_happened() {
    let house = House::open().await;
    house.mood.store(NOT_WRITTEN, Ordering::SeqCst);
    let mut said = Vec::new();
    for n in 0..20 {
        let mut client = house.client().await;
        said.push(tokio::spawn(async move { client.act(note(&format!("n{n}"))).await.unwrap() }));
    }
    let mut ok = Vec::new();
    for (n, one) in said.into_iter().enumerate() {
        if matches!(one.await.unwrap(), Outcome::Ok { .. }) {
            ok.push(n);
        }
    }
    assert!(ok.len() < 20, "nobody heard of the failure");
    let events = house.events().await;
    for n in 0..20 {
        assert_eq!(times(&events, &format!("n{n}")), usize::from(ok.contains(&n)), "n{n}");
    }
}

#[tokio::test]
async fn strangers_who_say_nothing_are_few() {
    let house = House::open().await;
    let mut silent = Vec::new();
    for _ in 0..64 {
        silent.push(UnixStream::connect(&house.socket).await.unwrap());
    }
    let mut more = UnixStream::connect(&house.socket).await.unwrap();
    let mut said = String::new();
    tokio::time::timeout(Duration::from_secs(20), more.read_to_string(&mut said)).await.unwrap().unwrap();
    assert!(said.contains("too_many"), "{said}");
    drop(silent);
}

/// Frames as clients send them, to be damaged.
const FRAMES: [&str; 5] = [
    r#"{"hello":{"wire":1,"as":"script"}}"#,
    r#"{"do":{"id":"018f0000-0000-7000-8000-000000000001","command":{"note":{"say":{"incident":null,"text":"x"}}}}}"#,
    r#"{"ask":{"n":1,"ask":{"events":{"from":1,"limit":100}}}}"#,
    r#"{"ask":{"n":2,"ask":{"gate":{"service":"s","env":"e","artifact":"a","action":"deploy"}}}}"#,
    r#"{"hand":{"at":{"walk":"RUN-2","step":"s"},"hand":"018f0000-0000-7000-8000-000000000001","says":"over"}}"#,
];

fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let piece = (0..FRAMES.len(), any::<prop::sample::Index>(), any::<u8>(), 0_u8..4).prop_map(
        |(n, at, byte, how)| {
            let mut bytes = FRAMES[n].as_bytes().to_vec();
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.truncate(at),
                2 => bytes.splice(at..at, "[".repeat(200).into_bytes()).for_each(drop),
                _ => {}
            }
            bytes.push(b'\n');
            bytes
        },
    );
    prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is sent, the room goes on answering others.
    #[test]
    fn nothing_that_is_sent_stops_the_room(greet in any::<bool>(), bytes in damaged()) {
        static ROOM: std::sync::OnceLock<(tokio::runtime::Runtime, House)> = std::sync::OnceLock::new();
        let (runtime, house) = ROOM.get_or_init(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let house = runtime.block_on(House::open());
            (runtime, house)
        });
        runtime.block_on(async {
            let mut stream = UnixStream::connect(&house.socket).await.unwrap();
            if greet {
                stream.write_all(FRAMES[0].as_bytes()).await.unwrap();
                stream.write_all(b"\n").await.unwrap();
            }
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            let mut said = Vec::new();
            let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut said)).await.unwrap();
            assert!(matches!(house.journal().await, JournalState::Writable));
        });
    }
}

/// Asks until an event is as it should be.
async fn event_when(client: &mut Client, seq: Seq, wanted: impl Fn(&Event) -> bool) -> Event {
    let look = async {
        loop {
            let ask = Ask::Events { from: seq, limit: 1, incident: None };
            if let Told::Events { events, .. } = client.ask(ask).await.unwrap()
                && let Some(event) = events.into_iter().find(|event| event.seq == seq && wanted(event))
            {
                return event;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), look).await.unwrap()
}

#[tokio::test]
async fn what_must_not_be_kept_goes_and_the_chain_stays_sound() {
    let house = House::open().await;
    let mut client = house.client().await;
    let Told::Kept(kept) = client.ask(Ask::Keep { text: "a line with hunter2".into() }).await.unwrap() else {
        panic!("it was not kept")
    };
    let pin = NoteCommand::Pin {
        incident: None,
        what: "output".into(),
        text: "the key is hunter2".into(),
        evidence: Some(kept),
        about: None,
    };
    let Outcome::Ok { seqs, .. } = client.act(Command::Note(pin)).await.unwrap() else { panic!("refused") };
    let erase = |seq| {
        let found = Some(warroom::domain::erasure::Found {
            seq,
            incident: None,
            kind: "a lie".into(),
            payload: true,
            evidence: None,
        });
        Command::Note(NoteCommand::Erase { seq, reason: "a key".into(), found })
    };
    // What the room was opened with is no words of anybody: no client can say that it is.
    let refused = client.act(erase(1)).await.unwrap();
    assert!(
        matches!(&refused, Outcome::Refused(why) if why.to_string().contains("the record stands on it")),
        "{refused:?}"
    );
    assert!(matches!(client.act(erase(999)).await.unwrap(), Outcome::Refused(_)));
    let Outcome::Ok { seqs: told, .. } = client.act(erase(seqs[0])).await.unwrap() else { panic!("refused") };
    event_when(&mut client, seqs[0], |event| event.fact == Fact::Erased).await;
    let why = event_when(&mut client, told[0], |_| true).await;
    let Fact::Note(NoteFact::Erased { seq, kind, reason, .. }) = &why.fact else { panic!("{why:?}") };
    assert_eq!((*seq, kind.as_str(), reason.as_str()), (seqs[0], "note.pinned", "a key"));
    assert!(matches!(client.act(erase(seqs[0])).await.unwrap(), Outcome::Refused(_)), "it is gone already");
    let gone = async {
        while !matches!(client.ask(Ask::Evidence(kept)).await.unwrap(), Told::No(_)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
    let Told::State(state) = client.ask(Ask::State).await.unwrap() else { panic!("no state") };
    let me = why.actor.name.clone();
    assert_eq!(warroom::domain::erasure::words(&state, seqs[0]), format!("[erased by {me}: a key]"));
    let report = warroom::cli::verify::check(&house.dir.path().join("journal.db")).await.unwrap();
    assert_eq!((report.exit(), report.erased), (0, 1), "{report:?}");
    for name in ["journal.db", "journal.db-wal"] {
        let raw = std::fs::read(house.dir.path().join(name)).unwrap_or_default();
        assert!(!raw.windows(7).any(|bytes| bytes == b"hunter2"), "it lies in {name} still");
    }
}

#[tokio::test]
async fn what_was_to_go_when_the_room_fell_goes_when_it_opens_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let blobs = Arc::new(Blobs::open(&dir.path().join("blobs"), Bounds::default()).unwrap());
    let kept = blobs.put(b"a line with hunter2").unwrap();
    let file = Arc::new(Sqlite::open(&path, Mode::Write).unwrap());
    let now: Stamp = clock::now();
    let mut head = Head::EMPTY;
    for fact in [
        NoteFact::Said { incident: None, text: "the key is hunter2".into() },
        NoteFact::Erased {
            incident: None,
            seq: 1,
            kind: "note.said".into(),
            payload: true,
            evidence: Some(kept),
            reason: "a key".into(),
        },
    ] {
        let draft = chain::Draft {
            command: CommandId(Uuid::now_v7()),
            index: 0,
            stream: None,
            recorded: now.wall,
            occurred: now.clone(),
            room: "before".into(),
            actor: Actor::user("eve", 7),
            offline: None,
            fact: Fact::Note(fact),
        };
        let record = chain::seal(draft, head, [1; 16]).unwrap().0;
        let Appended::Ok(next) = file.append(head, vec![record]).await else { panic!("not appended") };
        head = next;
    }
    let options = Options {
        journal: file.clone(),
        spool: None,
        found: Found::Sound,
        blobs: blobs.clone(),
        redactor: Redactor::default(),
        policy: Policy::default(),
        owner: None,
        gate: None,
        drill: None,
    };
    let (room, _, _) = Room::open(options).await.unwrap();
    assert_eq!(chain::open(&file.read(1, 1).await.unwrap()[0]).unwrap().fact, Fact::Erased);
    assert!(blobs.get(&kept).is_err());
    drop(room);
}

/// What is said of several large notes is more than a frame may have.
#[tokio::test]
async fn a_page_of_large_events_fits_a_frame_and_says_where_to_go_on() {
    let house = House::open().await;
    let mut client = house.client().await;
    let large = "x".repeat(15_900);
    // A twentieth of them would fill a page, all of them more than a frame.
    let count = 2 * FRAME_MAX / large.len() / 3 * 2;
    let mut others = Vec::new();
    for _ in 0..8 {
        others.push(house.client().await);
    }
    let each = count / others.len();
    let said = others.into_iter().map(|mut client| {
        let large = large.clone();
        async move {
            for _ in 0..each {
                client.act(note(&large)).await.unwrap();
            }
        }
    });
    futures::future::join_all(said).await;
    let (mut from, mut pages, mut seqs) = (1, 0, Vec::new());
    loop {
        let ask = Ask::Events { from, limit: 2_000, incident: None };
        let told = client.ask(ask).await.unwrap();
        let frame = encode(&FromRoom::Told { n: 1, told: told.clone() }).len();
        assert!(frame < 1_100_000, "{frame}");
        let Told::Events { events, next } = told else { panic!("{told:?}") };
        pages += 1;
        seqs.extend(events.iter().map(|event| event.seq));
        let Some(next) = next else { break };
        assert!(next > from && frame > 900_000, "{next} {frame}");
        from = next;
    }
    assert!(pages > 8, "{pages}");
    assert!(seqs.len() >= each * 8);
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    // A bound on their number still holds, and where nothing is said of an incident the page says where to go on.
    let ask = Ask::Events { from: 2, limit: 3, incident: None };
    let Told::Events { events, next } = client.ask(ask).await.unwrap() else { panic!() };
    assert_eq!((events.len(), next), (3, Some(5)));
    let ask = Ask::Events { from: 1, limit: 40, incident: Some(IncidentId(9)) };
    let Told::Events { events, next } = client.ask(ask).await.unwrap() else { panic!() };
    assert_eq!((events.len(), next), (0, Some(41)));
}
