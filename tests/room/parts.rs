//! Long frames: a journal of before there were limits, whose state fits no frame.

use super::{House, chain, door, id};
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
};
use warroom::{
    domain::{
        Command, Fact, actor::Actor, id::IncidentId, incident::IncidentCommand, incident::IncidentFact,
        refusal::Code, severity::Severity, state::FOLD, time::Span,
    },
    journal::{Appended, Head, Journal as _},
    os::clock,
    signal::Shows,
    store::sqlite::{Mode, Sqlite},
    transport::client,
    wire::{As, Ask, FRAME_MAX, FromRoom, Outcome, PART_MAX, ToRoom, Told, WIRE, decode, encode},
};

const TITLE: usize = 3_500_000;
const COUNT: u32 = 3;

/// A journal with incidents whose titles are as long as they may have been.
async fn old(dir: &Path) -> Arc<Sqlite> {
    let file = Arc::new(Sqlite::open(&dir.join("journal.db"), Mode::Write).unwrap());
    let mut head = Head::EMPTY;
    for n in 1..=COUNT {
        let now = clock::now();
        let draft = chain::Draft {
            command: id(),
            index: 0,
            stream: Some(IncidentId(n)),
            recorded: now.wall,
            occurred: now,
            room: "before".into(),
            actor: Actor::user("somebody", 7),
            offline: None,
            fact: Fact::Incident(IncidentFact::Declared {
                incident: IncidentId(n),
                title: "\"x\u{e4}".repeat(TITLE / 4),
                severity: Severity::WORST,
                services: Vec::new(),
                env: "prod".into(),
                target: Span::hours(1),
                drill: false,
            }),
        };
        let record = chain::seal(draft, head, [1; 16]).unwrap().0;
        let Appended::Ok(next) = file.append(head, vec![record]).await else { panic!("not appended") };
        head = next;
    }
    file
}

fn hello(parts: bool) -> Vec<u8> {
    let (role, live, shows) = (As::Seat, true, Shows::default());
    encode(&ToRoom::Hello {
        wire: WIRE,
        fold: FOLD,
        role,
        live,
        claimed: None,
        read_only: false,
        shows,
        parts,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_whose_state_fits_no_frame_opens_says_so_and_clients_join_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = old(dir.path()).await;
    for _ in 0..2 {
        let door = door::Door::open(door::plain(file.clone(), dir.path()), dir.path()).await.unwrap();
        let status = door.status().await;
        assert!(status.large.is_some_and(|bytes| bytes > FRAME_MAX as u64), "{:?}", status.large);
        let (mut reader, _writer, _) =
            client::sit(&door.socket, None, false, Shows::default()).await.unwrap();
        let FromRoom::Snapshot { state, .. } = reader.next().await.unwrap() else { panic!() };
        assert_eq!(state.incidents[&IncidentId(COUNT)].title.len(), TITLE / 4 * 4);
        // What happens now follows it.
        let mut client = door.client().await;
        client.act(super::note("it goes on")).await.unwrap();
        while !matches!(reader.next().await.unwrap(), FromRoom::Event(_)) {}
        // What is as long today is refused with how long it may be.
        let declare = Command::Incident(IncidentCommand::Declare {
            title: "x".repeat(TITLE),
            severity: Severity::WORST,
            services: Vec::new(),
            env: None,
            freeze: false,
            all: None,
        });
        let Outcome::Refused(refusal) = client.act(declare).await.unwrap() else { panic!() };
        assert!(refusal.code == Code::Invalid && refusal.to_string().contains("may have"), "{refusal}");
        // One that takes no parts is told what to do, and is not held up for ever.
        let mut stream = UnixStream::connect(&door.socket).await.unwrap();
        stream.write_all(&hello(false)).await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        let mut last = String::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            last = line;
        }
        assert!(last.contains("bye") && last.contains("restart it"), "{last}");
        door.task.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_a_long_snapshot_slowly_holds_up_nobody_and_not_itself() {
    let dir = tempfile::tempdir().unwrap();
    let file = old(dir.path()).await;
    let door = door::Door::open(door::plain(file, dir.path()), dir.path()).await.unwrap();
    let stream = UnixStream::connect(&door.socket).await.unwrap();
    let (read, mut write) = stream.into_split();
    write.write_all(&hello(true)).await.unwrap();
    let mut lines = BufReader::new(read).lines();
    // It takes the first parts and asks: the answer comes between parts, long before the last.
    let mut parts = 0;
    while parts < 3 {
        let line = lines.next_line().await.unwrap().unwrap();
        assert!(line.len() < 4 * PART_MAX);
        parts += usize::from(matches!(decode(line.as_bytes()).unwrap(), FromRoom::Part { .. }));
    }
    // It stops reading. Others are answered.
    for n in 0..50 {
        door.client().await.act(super::note(&format!("meanwhile {n}"))).await.unwrap();
    }
    write.write_all(&encode(&ToRoom::Ask { n: 1, ask: Ask::Status })).await.unwrap();
    let (mut told, mut last, mut events) = (None, None, 0);
    while last.is_none() || events < 50 {
        let line = lines.next_line().await.unwrap().unwrap();
        match decode(line.as_bytes()).unwrap() {
            FromRoom::Part { last: is_last, .. } => {
                parts += 1;
                last = is_last.then_some(parts).or(last);
            }
            FromRoom::Told { .. } => told = Some(parts),
            FromRoom::Event(_) => {
                assert!(last.is_some(), "an event before the snapshot that it follows");
                events += 1;
            }
            _ => {}
        }
    }
    assert!(told.unwrap() < last.unwrap(), "{told:?} of {last:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_cancelled_ends_and_the_connection_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let file = old(dir.path()).await;
    let door = door::Door::open(door::plain(file, dir.path()), dir.path()).await.unwrap();
    let (mut reader, mut writer, _) = client::connect(&door.socket, As::Script, None, None).await.unwrap();
    // Each is all of the state: together more than may wait for one user, were they not given up.
    for n in 0..6 {
        writer.send(&ToRoom::Ask { n, ask: Ask::State }).await.unwrap();
        writer.send(&ToRoom::Cancel { n }).await.unwrap();
        reader.give_up(n);
    }
    writer.send(&ToRoom::Ask { n: 99, ask: Ask::Status }).await.unwrap();
    let answered = async {
        loop {
            if let FromRoom::Told { n: 99, told } = reader.next().await.unwrap() {
                break told;
            }
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(60), answered).await.unwrap();
    assert!(matches!(told, Told::Status(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_short_is_one_frame_as_ever() {
    let house = House::open().await;
    let mut stream = UnixStream::connect(&house.socket).await.unwrap();
    stream.write_all(&hello(true)).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    loop {
        match decode(lines.next_line().await.unwrap().unwrap().as_bytes()).unwrap() {
            FromRoom::Part { .. } => panic!("a part"),
            FromRoom::Snapshot { .. } => return,
            _ => {}
        }
    }
}
