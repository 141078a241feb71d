//! A primary that dies under load, its synchronous standby in its place.

use crate::{
    conformance::spec,
    rooms::{One, events, note, said, same, until_async},
    support::{peer::wanted, postgres::Server},
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use uuid::Uuid;
use warroom::{
    domain::{Command, CommandId, Event, Fact, room::RoomFact},
    store::{
        self, Mode, Place,
        postgres::{Durability, Spec, init},
    },
    wire::{JournalState, Outcome},
};

/// What is acknowledged is on both.
fn replicating(server: &Server) {
    server.sql("alter system set synchronous_standby_names = '*'");
    server.sql("select pg_reload_conf()");
}

async fn in_step(server: &Server) {
    until_async("the standby is in step", async || {
        server.sql("select count(*) from pg_stat_replication where sync_state = 'sync'") == "1"
    })
    .await;
}

/// Says notes one after the other, each under its own id, again until it is acknowledged. What came of it is how often
/// each was said.
pub async fn writer(room: &One, who: usize, over: Arc<AtomicBool>) -> BTreeMap<String, u32> {
    let mut done = BTreeMap::new();
    let mut client = room.client().await;
    for n in 0.. {
        if over.load(Ordering::SeqCst) {
            break;
        }
        let (text, id) = (format!("{who} {n}"), CommandId(Uuid::now_v7()));
        let mut times = 1;
        loop {
            if let Outcome::Ok { offline, .. } = client.command(id, note(&text)).await.unwrap() {
                // What is kept is sent again by the room. People do not write as fast as a disk takes it.
                times += u32::from(offline);
                if offline {
                    tokio::time::sleep(Duration::from_millis(25)).await;
                }
                break;
            }
            times += 1;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        done.insert(text, times);
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_a_primary_dies_and_its_standby_is_promoted() {
    if !wanted("nothing_acknowledged_is_lost_when_a_primary_dies_and_its_standby_is_promoted") {
        return;
    }
    let cycles: usize = std::env::var("WARROOM_FAILOVERS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    let mut primary = Server::start(&["fsync=on"]);
    init(&spec(&primary, "ana"), Some("room")).await.unwrap();
    let mut standby = primary.standby();
    let mut acknowledged = BTreeMap::new();
    let mut resumed = Vec::new();
    for cycle in 0..cycles {
        replicating(&primary);
        in_step(&primary).await;
        let url = format!("postgres://room@127.0.0.1:{},127.0.0.1:{}/warroom", primary.port, standby.port);
        let both = Spec { url, durability: Durability::Replicated, ..spec(&primary, "room") };
        let rooms = Arc::new([One::open(both.clone()).await, One::open(both).await]);
        let over = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..4)
            .map(|who| {
                let (rooms, over) = (rooms.clone(), over.clone());
                tokio::spawn(async move { writer(&rooms[who % 2], cycle * 10 + who, over).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(300 + 137 * cycle as u64 % 700)).await;
        primary.kill();
        let died = Instant::now();
        standby.promote();
        // One server alone acknowledges nothing: the next standby is set up, as an operator would.
        let next = standby.standby();
        replicating(&standby);
        in_step(&standby).await;
        let stands = Instant::now();
        for room in rooms.iter() {
            until_async("it writes again", async || room.status().await.journal == JournalState::Writable)
                .await;
        }
        let (took, rooms_took) = (died.elapsed().as_millis(), stands.elapsed().as_millis());
        println!(
            "cycle {cycle}: written again {took} ms after the death, {rooms_took} ms after two servers stood"
        );
        resumed.push(took);
        tokio::time::sleep(Duration::from_millis(200)).await;
        over.store(true, Ordering::SeqCst);
        for writer in writers {
            acknowledged.extend(writer.await.unwrap());
        }
        for room in rooms.iter() {
            room.stop().await;
        }
        (primary, standby) = (standby, next);
    }
    resumed.sort_unstable();
    if let (Some(least), Some(most)) = (resumed.first(), resumed.last()) {
        let middle = resumed[resumed.len() / 2];
        println!(
            "{cycles} times: written again after {least} ms at least, {middle} half of them, {most} at most"
        );
    }
    let (all, times) = written(&primary).await;
    let again = acknowledged.values().filter(|times| **times > 1).count();
    println!("{} acknowledged, {again} of them said again, {} events", acknowledged.len(), all.len());
    let wrong: Vec<_> = acknowledged.keys().filter(|text| times.get(text.as_str()) != Some(&1)).collect();
    assert!(wrong.is_empty(), "not there once: {wrong:?}");
    assert!(again > 0, "it never died under load");
}

pub async fn away(rooms: &[One]) {
    for room in rooms {
        until_async("the room says so", async || room.status().await.away.is_some()).await;
    }
}

pub async fn home(rooms: &[One]) {
    for room in rooms {
        until_async("it is back", async || {
            let status = room.status().await;
            status.away.is_none() && status.journal == JournalState::Writable
        })
        .await;
    }
}

/// What stands in the journal that a server has, and how often each note does.
pub async fn written(server: &Server) -> (Vec<Event>, BTreeMap<String, u32>) {
    let at = Place::Postgres(Spec { durability: Durability::Local, ..spec(server, "room") });
    let all = events(store::open(at, Mode::Read).await.unwrap().as_ref()).await;
    let mut times = BTreeMap::new();
    for text in all.iter().filter_map(said) {
        *times.entry(text.to_owned()).or_default() += 1;
    }
    (all, times)
}

/// Nothing is acknowledged that no standby has. It is told, people go on, and all of it is there once one is back, or
/// where nobody demands one any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_is_lost_holds_what_is_acknowledged() {
    if !wanted("a_standby_that_is_lost_holds_what_is_acknowledged") {
        return;
    }
    let primary = Server::start(&["fsync=on"]);
    init(&spec(&primary, "ana"), Some("room")).await.unwrap();
    let mut standby = primary.standby();
    replicating(&primary);
    in_step(&primary).await;
    let demands = Spec { durability: Durability::Replicated, ..spec(&primary, "room") };
    // The second takes what the server gives.
    let rooms = [One::open(demands).await, One::open(spec(&primary, "room")).await];
    let count = "select count(*) from warroom.events";
    for round in 0..2 {
        for (n, room) in rooms.iter().enumerate() {
            let outcome = room.does(note(&format!("before {round} {n}"))).await;
            assert!(matches!(outcome, Outcome::Ok { offline: false, .. }), "{outcome:?}");
        }
        same(&rooms).await;
        standby.kill();
        let (stands, lost) = (primary.sql(count), Instant::now());
        let outcome = rooms[0].does(note(&format!("held {round}"))).await;
        assert!(matches!(outcome, Outcome::Ok { offline: true, .. }), "{outcome:?}");
        println!("told and kept after {} ms", lost.elapsed().as_millis());
        until_async("it says for what", async || {
            let status = rooms[0].status().await;
            matches!(&status.journal, JournalState::ReadOnly { why, .. } if why.contains("standby"))
        })
        .await;
        let outcome = rooms[1].does(note(&format!("held too {round}"))).await;
        assert!(matches!(outcome, Outcome::Ok { offline: true, .. }), "{outcome:?}");
        assert_eq!(primary.sql(count), stands, "nothing is there that no standby has");
        if round == 1 {
            primary.sql("alter system reset synchronous_standby_names");
            primary.sql("select pg_reload_conf()");
            home(&rooms[1..]).await;
            let outcome = rooms[1].does(note("alone")).await;
            assert!(matches!(outcome, Outcome::Ok { offline: false, .. }), "{outcome:?}");
            assert_eq!(rooms[1].status().await.replicated, Some(false));
            // Who demands one waits on, and says for what.
            until_async("it says why", async || {
                matches!(&rooms[0].status().await.journal, JournalState::ReadOnly { why, .. }
                    if why.contains("synchronous_standby_names is empty"))
            })
            .await;
            replicating(&primary);
        }
        let back = Instant::now();
        standby.go();
        home(&rooms).await;
        println!("back {} ms after its start", back.elapsed().as_millis());
    }
    same(&rooms).await;
    let (_, times) = written(&primary).await;
    assert!(times.len() == 9 && times.values().all(|times| *times == 1), "{times:?}");
    for room in &rooms {
        room.stop().await;
    }
}

/// First the standby, then the primary, under load: what was acknowledged is there once, what was done meanwhile is there
/// and says so, and the standby has it all.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_both_servers_die_and_come_back() {
    if !wanted("nothing_acknowledged_is_lost_when_both_servers_die_and_come_back") {
        return;
    }
    let mut primary = Server::start(&["fsync=on"]);
    init(&spec(&primary, "ana"), Some("room")).await.unwrap();
    let mut standby = primary.standby();
    replicating(&primary);
    in_step(&primary).await;
    let url = format!("postgres://room@127.0.0.1:{},127.0.0.1:{}/warroom", primary.port, standby.port);
    let both = Spec { url, durability: Durability::Replicated, ..spec(&primary, "room") };
    let rooms = Arc::new([One::open(both.clone()).await, One::open(both).await]);
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|who| {
            let (rooms, over) = (rooms.clone(), over.clone());
            tokio::spawn(async move { writer(&rooms[who % 2], who, over).await })
        })
        .collect();
    let count = "select count(*) from warroom.events";
    until_async("they are at it", async || primary.sql(count).parse::<u32>().unwrap() > 60).await;
    standby.kill();
    away(rooms.as_ref()).await;
    primary.kill();
    for room in rooms.iter() {
        let answer = room.asks().await;
        assert!(!answer.allowed, "{answer:?}");
        assert!(matches!(room.does(note("in the dark")).await, Outcome::Ok { offline: true, .. }));
    }
    let began = Instant::now();
    primary.go();
    // It is up again, and alone.
    let alone = primary.sql(count);
    tokio::time::sleep(Duration::from_secs(3)).await;
    away(rooms.as_ref()).await;
    assert_eq!(primary.sql(count), alone);
    standby.go();
    home(rooms.as_ref()).await;
    println!("both back: written again {} ms after the primary's start", began.elapsed().as_millis());
    over.store(true, Ordering::SeqCst);
    let mut acknowledged = BTreeMap::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    home(rooms.as_ref()).await;
    same(rooms.as_ref()).await;
    for room in rooms.iter() {
        room.stop().await;
    }
    // All of it survives the primary.
    primary.kill();
    standby.promote();
    let (all, times) = written(&standby).await;
    let wrong: Vec<_> = acknowledged.keys().filter(|text| times.get(*text) != Some(&1)).collect();
    assert!(wrong.is_empty(), "not there once: {wrong:?}");
    let marked = all.iter().filter(|event| said(event).is_some() && event.offline.is_some()).count();
    println!("{} acknowledged, {marked} marked offline, {} events", acknowledged.len(), all.len());
    assert!(marked > 4, "nothing was done meanwhile");
    let dark = all.iter().filter(|event| said(event) == Some("in the dark"));
    assert_eq!(dark.filter(|event| event.offline.is_some()).count(), 2);
}

/// A room whose primary has acknowledged 21 commands that its standby never got, after one that it has.
async fn behind() -> (Server, Server, One) {
    let primary = Server::start(&["fsync=on"]);
    init(&spec(&primary, "ana"), Some("room")).await.unwrap();
    let standby = primary.standby();
    let url = format!("postgres://room@127.0.0.1:{},127.0.0.1:{}/warroom", primary.port, standby.port);
    let room = One::open(Spec { url, durability: Durability::Local, ..spec(&primary, "room") }).await;
    let mut client = room.client().await;
    let count = "select count(*) from warroom.events";
    assert!(matches!(client.act(note("before.")).await.unwrap(), Outcome::Ok { offline: false, .. }));
    until_async("the standby has it", async || standby.sql(count) == primary.sql(count)).await;
    standby.sql("alter system set primary_conninfo = ''");
    standby.sql("select pg_reload_conf()");
    until_async("it hears nothing any more", async || {
        standby.sql("select count(*) from pg_stat_wal_receiver") == "0"
    })
    .await;
    let declare = warroom::domain::incident::IncidentCommand::Declare {
        all: None,
        title: "lost declaration.".into(),
        severity: warroom::domain::severity::Severity::WORST,
        services: vec!["shop".into()],
        env: None,
        freeze: false,
    };
    let declared = client.act(Command::Incident(declare)).await.unwrap();
    assert!(matches!(declared, Outcome::Ok { offline: false, .. }), "{declared:?}");
    for n in 0..20 {
        let outcome = client.act(note(&format!("lost {n}."))).await.unwrap();
        assert!(matches!(outcome, Outcome::Ok { offline: false, .. }), "{outcome:?}");
    }
    (primary, standby, room)
}

/// All that was acknowledged stands there once, in order: what was lost, what was done offline, what came after.
async fn is_written_back(standby: &Server, room: &One, known: u64) {
    let at = Place::Postgres(Spec { durability: Durability::Local, ..spec(standby, "room") });
    let all = events(store::open(at, Mode::Read).await.unwrap().as_ref()).await;
    let told: Vec<&str> = all.iter().filter_map(said).collect();
    let mut expected = vec!["before.".to_owned()];
    expected.extend((0..20).map(|n| format!("lost {n}.")));
    expected.extend(["offline.".to_owned(), "after.".to_owned()]);
    assert_eq!(told, expected, "each once, in order");
    let marked = all.iter().filter(|event| said(event).is_some() && event.offline.is_some()).count();
    assert_eq!(marked, 21);
    let gaps: Vec<_> = all
        .iter()
        .filter_map(|event| match event.fact {
            Fact::Room(RoomFact::GapWrittenBack { from, to, commands }) => Some((from, to, commands)),
            _ => None,
        })
        .collect();
    let [(from, to, commands)] = gaps[..] else { panic!("{gaps:?}") };
    assert!(from < to && to == known && commands == 21, "{gaps:?}");
    let declared =
        all.iter().filter(|event| serde_json::to_string(&event.fact).unwrap().contains("lost declaration."));
    assert_eq!(declared.count(), 1);
    // What the room shows is what the journal says.
    let mut state = warroom::domain::State::default();
    for event in &all {
        state.apply(event);
    }
    until_async("it shows what stands there", async || room.status().await.head == state.head).await;
    assert_eq!(room.state().await, state);
}

/// A standby that nobody waited for is promoted without the tail that was acknowledged: the room tells it, and writes
/// back what its people had done, before what they did while nothing could be reached.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_asynchronous_standby_never_got_is_written_back() {
    if !wanted("what_an_asynchronous_standby_never_got_is_written_back") {
        return;
    }
    let (mut primary, standby, room) = behind().await;
    let known = room.status().await.head;
    let mut client = room.client().await;
    primary.kill();
    until_async("the room says so", async || room.status().await.away.is_some()).await;
    let outcome = client.act(note("offline.")).await.unwrap();
    assert!(matches!(outcome, Outcome::Ok { offline: true, .. }), "{outcome:?}");
    standby.promote();
    until_async("it goes on", async || {
        let status = room.status().await;
        status.away.is_none() && status.journal == JournalState::Writable
    })
    .await;
    assert!(matches!(client.act(note("after.")).await.unwrap(), Outcome::Ok { offline: false, .. }));
    is_written_back(&standby, &room, known).await;
}

/// The same for a room that is killed before its journal can be reached again, and started before and after that.
#[tokio::test(flavor = "multi_thread")]
async fn a_room_that_was_killed_writes_back_what_the_journal_lost() {
    if !wanted("a_room_that_was_killed_writes_back_what_the_journal_lost") {
        return;
    }
    for early in [true, false] {
        let (mut primary, standby, mut room) = behind().await;
        let known = room.status().await.head;
        primary.kill();
        until_async("the room says so", async || room.status().await.away.is_some()).await;
        assert!(matches!(room.does(note("offline.")).await, Outcome::Ok { offline: true, .. }));
        room.fall();
        if early {
            room.rise().await;
            let status = room.status().await;
            let away = status.away.clone().expect("it is away");
            assert_eq!((away.from, away.waiting), (known + 1, 1), "{status:?}");
            standby.promote();
        } else {
            standby.promote();
            room.rise().await;
        }
        until_async("it goes on", async || {
            let status = room.status().await;
            status.away.is_none() && status.journal == JournalState::Writable
        })
        .await;
        assert!(matches!(room.does(note("after.")).await, Outcome::Ok { offline: false, .. }));
        is_written_back(&standby, &room, known).await;
    }
}
