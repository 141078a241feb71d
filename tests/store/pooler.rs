//! Rooms whose way to the database keeps nothing of a connection, or whose server knows less than PostgreSQL: a pooler
//! between, and a fork without notifications.

use crate::{
    conformance::{Ground, spec},
    failover::{away, home, writer, written},
    proxy::Proxy,
    rooms::{One, declare, note, said, same, told, until_async},
    sealed::{note as fact, sealed},
    support::{house::until, peer::wanted, pgbouncer::Pooler, postgres::PASSWORD},
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio_postgres::NoTls;
use uuid::Uuid;
use warroom::{
    domain::{
        Command,
        id::WalkId,
        walk::{Confirmation, WalkCommand},
    },
    journal::{Appended, Head, Journal as _},
    signal::Shows,
    store::{
        Mode,
        postgres::{Durability, Init, Postgres, Spec, init},
    },
    transport::client,
    wire::{As, Outcome},
};

fn through(url: String, ground: &Ground) -> Spec {
    Spec { url, ..spec(ground.server.as_ref().unwrap(), "room") }
}

async fn says(room: &One, socket: PathBuf, who: usize) {
    let mut client = client::Client::script(&socket).await.unwrap();
    for word in 0..20 {
        let outcome = client.act(note(&format!("{who} {word}"))).await.unwrap();
        assert!(matches!(outcome, Outcome::Ok { offline: false, .. }), "{outcome:?}");
    }
    assert!(room.status().await.away.is_none());
}

/// All that two rooms are for each other.
async fn one_story(ground: &Ground, rooms: &[One; 2]) {
    let (a, b) = (&rooms[0], &rooms[1]);
    tokio::join!(says(a, a.socket.clone(), 0), says(b, b.socket.clone(), 1), says(a, a.socket.clone(), 2));
    let sits = client::sit(&a.socket, None, false, Shows::default()).await.unwrap();
    until_async("who sits here is seen there", async || {
        b.status().await.here.iter().any(|one| one.role == As::Seat && one.room.is_some())
    })
    .await;
    drop(sits);
    assert!(matches!(a.does(declare()).await, Outcome::Ok { .. }));
    same(rooms).await;
    for room in rooms {
        let answer = room.asks().await;
        assert!(!answer.allowed && answer.freeze.is_some(), "{answer:?}");
    }
    let text = "# Slow\n\n1. [ ] Takes long\n\n   ```bash { name=slow kind=run }\n   sleep 1\n   ```\n";
    let (source, text) = ("slow.md".into(), text.to_owned());
    let start = WalkCommand::Load { incident: None, source, text, inputs: BTreeMap::new() };
    assert!(matches!(b.does(Command::Walk(start)).await, Outcome::Ok { .. }));
    same(rooms).await;
    let shown = a.shown(WalkId(1), "slow").await;
    let take = || {
        Command::Walk(WalkCommand::Take {
            walk: WalkId(1),
            step: "slow".into(),
            hand: Uuid::new_v4(),
            host: "war-1".into(),
            confirm: Confirmation::Second,
            undo: false,
            again: false,
            shown,
        })
    };
    let (one, other) = tokio::join!(a.does(take()), b.does(take()));
    let lent = [&one, &other].into_iter().filter(|outcome| matches!(outcome, Outcome::Ok { .. })).count();
    let refused = [&one, &other].into_iter().filter(|outcome| matches!(outcome, Outcome::Refused(_))).count();
    assert_eq!((lent, refused), (1, 1), "{one:?} {other:?}");
    same(rooms).await;
    let mut times = BTreeMap::new();
    for event in told(ground).await {
        if let Some(text) = said(&event) {
            *times.entry(text.to_owned()).or_insert(0) += 1;
        }
    }
    assert!(times.len() == 60 && times.values().all(|times| *times == 1), "{times:?}");
    for room in rooms {
        room.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_behind_a_pooler_tell_one_story() {
    if !wanted("rooms_behind_a_pooler_tell_one_story") {
        return;
    }
    // Where a connection is given for each transaction, few do; else each room holds three.
    for (mode, size) in [("transaction", 2), ("statement", 2), ("session", 8)] {
        println!("pool_mode = {mode}");
        let ground = Ground::database(&["fsync=on"]).await;
        let pooler = Pooler::start(ground.server.as_ref().unwrap(), mode, size);
        let open = || One::open(through(pooler.url("room"), &ground));
        one_story(&ground, &[open().await, open().await]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_is_made_through_a_pooler() {
    if !wanted("a_journal_is_made_through_a_pooler") {
        return;
    }
    let server = crate::support::postgres::Server::start(&["fsync=on"]);
    let pooler = Pooler::start(&server, "transaction", 1);
    let owner = Spec { url: pooler.url("ana"), ..spec(&server, "ana") };
    let (one, other) = tokio::join!(init(&owner, Some("room")), init(&owner, Some("room")));
    let mut done = [one.unwrap().1, other.unwrap().1].map(|done| done == Init::Made);
    done.sort_unstable();
    assert_eq!(done, [false, true]);
}

/// Whoever isolates transactions more than is needed, as some forks do, makes nothing of a conflict but a conflict.
#[tokio::test(flavor = "multi_thread")]
async fn rooms_whose_transactions_are_serializable_tell_one_story() {
    if !wanted("rooms_whose_transactions_are_serializable_tell_one_story") {
        return;
    }
    let ground = Ground::database(&["fsync=on", "default_transaction_isolation=serializable"]).await;
    let open = || One::open(spec(ground.server.as_ref().unwrap(), "room"));
    one_story(&ground, &[open().await, open().await]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_server_behind_a_pooler_dies() {
    if !wanted("nothing_acknowledged_is_lost_when_the_server_behind_a_pooler_dies") {
        return;
    }
    let mut ground = Ground::database(&["fsync=on"]).await;
    let pooler = Pooler::start(ground.server.as_ref().unwrap(), "transaction", 3);
    let open = || One::open(through(pooler.url("room"), &ground));
    let rooms = Arc::new([open().await, open().await]);
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|who| {
            let (rooms, over) = (rooms.clone(), over.clone());
            tokio::spawn(async move { writer(&rooms[who % 2], who, over).await })
        })
        .collect();
    let server = ground.server.as_mut().unwrap();
    for _ in 0..2 {
        let count = "select count(*) from warroom.events";
        let stands: u32 = server.sql(count).parse().unwrap();
        until_async("they are at it", async || server.sql(count).parse::<u32>().unwrap() > stands + 40).await;
        server.kill();
        away(rooms.as_ref()).await;
        server.go();
        home(rooms.as_ref()).await;
    }
    over.store(true, Ordering::SeqCst);
    let mut acknowledged = BTreeMap::new();
    for writer in writers {
        acknowledged.extend(writer.await.unwrap());
    }
    home(rooms.as_ref()).await;
    same(rooms.as_ref()).await;
    let (_, times) = written(server).await;
    let wrong: Vec<_> = acknowledged.keys().filter(|text| times.get(*text) != Some(&1)).collect();
    assert!(wrong.is_empty(), "not there once: {wrong:?}");
    assert!(acknowledged.values().any(|times| *times > 1), "it never died under load");
    for room in rooms.iter() {
        room.stop().await;
    }
}

/// A pooler keeps who asks while the server behind it is another: that it has lost something is found all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_what_it_acknowledged_is_found_behind_a_pooler() {
    if !wanted("a_server_that_lost_what_it_acknowledged_is_found_behind_a_pooler") {
        return;
    }
    let mut ground = Ground::database(&["fsync=on"]).await;
    let pooler = Pooler::start(ground.server.as_ref().unwrap(), "transaction", 2);
    let journal = Postgres::open(&through(pooler.url("room"), &ground), Mode::Write).await.unwrap();
    let (records, _, first) = sealed(Head::EMPTY, vec![fact("a")]);
    assert_eq!(journal.append(Head::EMPTY, records).await, Appended::Ok(first));
    let server = ground.server.as_mut().unwrap();
    server.sql("create table before as select * from warroom.events where seq = 1");
    let (records, _, second) = sealed(first, vec![fact("b")]);
    assert_eq!(journal.append(first, records).await, Appended::Ok(second));
    server.sql(
        "set session_replication_role = replica; delete from warroom.payloads where seq = 2; \
         delete from warroom.events where seq = 2; \
         update warroom.head set (seq, hash) = (select seq, hash from before)",
    );
    let (records, _, _) = sealed(second, vec![fact("c")]);
    for _ in 0..2 {
        let said = journal.append(second, records.clone()).await;
        assert!(matches!(&said, Appended::Unavailable(why) if why.contains("has lost it")), "{said:?}");
    }
    assert!(journal.regressed().await.unwrap());
    assert_eq!(server.sql("select seq from warroom.head"), "1", "nothing was written over the gap");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_without_a_place_left_is_told() {
    if !wanted("a_pooler_without_a_place_left_is_told") {
        return;
    }
    let ground = Ground::database(&["fsync=on"]).await;
    let pooler = Pooler::start(ground.server.as_ref().unwrap(), "session", 1);
    let at = through(pooler.url("room"), &ground);
    let first = Postgres::open(&at, Mode::Write).await.unwrap();
    let said = Postgres::open(&at, Mode::Write).await.err().unwrap().to_string();
    assert!(said.contains("nobody was let in within") && said.contains("pooler"), "{said}");
    // The one that is in goes on, though it hears of nobody.
    let (records, _, next) = sealed(Head::EMPTY, vec![fact("a")]);
    assert_eq!(first.append(Head::EMPTY, records).await, Appended::Ok(next));
}

/// With a pool of one connection, what anybody sets stays on it for everybody.
#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_left_on_a_pooled_connection_weakens_no_append() {
    if !wanted("what_somebody_left_on_a_pooled_connection_weakens_no_append") {
        return;
    }
    let ground = Ground::database(&["fsync=on"]).await;
    let server = ground.server.as_ref().unwrap();
    server.sql("alter system set synchronous_standby_names = 'ghost'");
    server.sql("select pg_reload_conf()");
    until("the setting is in force", || server.sql("show synchronous_standby_names") == "ghost");
    let pooler = Pooler::start(server, "transaction", 1);
    let journal = Postgres::open(
        &Spec { durability: Durability::Replicated, ..through(pooler.url("room"), &ground) },
        Mode::Write,
    )
    .await
    .unwrap();
    let url = pooler.url("room").replace("room@", &format!("room:{PASSWORD}@"));
    let (other, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
    tokio::spawn(connection);
    other.batch_execute("SET synchronous_commit = off").await.unwrap();
    let (records, _, next) = sealed(Head::EMPTY, vec![fact("a")]);
    let pending = tokio::spawn(journal.append(Head::EMPTY, records));
    let waits = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'";
    until("it waits for the standby", || server.sql(waits) == "1");
    assert!(!pending.is_finished());
    // Nobody demands a standby any more: it is committed, and acknowledged it is not.
    server.sql("alter system reset synchronous_standby_names");
    server.sql("select pg_reload_conf()");
    let said = pending.await.unwrap();
    assert!(
        matches!(&said, Appended::Unknown(why) if why.contains("demands no standby any more")),
        "{said:?}"
    );
    let said = journal.head().await.unwrap_err().to_string();
    assert!(said.contains("no standby has what it acknowledges"), "{said}");
    let direct = ground.open().await;
    assert_eq!(direct.head().await.unwrap(), next);
}

/// What is demanded at connect is demanded of each append: the setting may change under a connection.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_no_standby_would_have_is_refused_and_leaves_nothing() {
    if !wanted("an_append_that_no_standby_would_have_is_refused_and_leaves_nothing") {
        return;
    }
    let mut ground = Ground::database(&["fsync=on"]).await;
    let standby = ground.server.as_ref().unwrap().standby();
    let set = |ground: &Ground, names: &str| {
        let server = ground.server.as_ref().unwrap();
        server.sql(&format!("alter system set synchronous_standby_names = '{names}'"));
        server.sql("select pg_reload_conf()");
        until("the setting is in force", || server.sql("show synchronous_standby_names") == names);
    };
    set(&ground, "*");
    let at = Spec { durability: Durability::Replicated, ..spec(ground.server.as_ref().unwrap(), "room") };
    let journal = Postgres::open(&at, Mode::Write).await.unwrap();
    let (records, _, first) = sealed(Head::EMPTY, vec![fact("a")]);
    assert_eq!(journal.append(Head::EMPTY, records).await, Appended::Ok(first));
    set(&ground, "");
    let (records, _, second) = sealed(first, vec![fact("b")]);
    let said = journal.append(first, records.clone()).await;
    assert!(matches!(&said, Appended::Unavailable(why) if why.contains("no standby")), "{said:?}");
    assert_eq!(ground.server.as_ref().unwrap().sql("select seq from warroom.head"), "1");
    set(&ground, "*");
    assert_eq!(journal.append(first, records).await, Appended::Ok(second));
    // A server that comes up again alone may have what no standby has: nothing of it is told before one has it.
    drop(standby);
    let (records, _, third) = sealed(second, vec![fact("c")]);
    let pending = tokio::spawn(journal.append(second, records));
    let waits = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'";
    until("it waits for the standby", || ground.server.as_ref().unwrap().sql(waits) == "1");
    let server = ground.server.as_mut().unwrap();
    server.kill();
    assert!(matches!(pending.await.unwrap(), Appended::Unknown(_)));
    server.go();
    assert_eq!(server.sql("select seq from warroom.head"), "3", "it is there");
    let asked = tokio::spawn(journal.head());
    until("it waits for the standby", || server.sql(waits) == "1");
    assert!(!asked.is_finished());
    let _standby = server.standby();
    assert_eq!(asked.await.unwrap().unwrap(), third);
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_on_a_fork_without_notifications_hear_of_each_other_by_asking() {
    if !wanted("rooms_on_a_fork_without_notifications_hear_of_each_other_by_asking") {
        return;
    }
    let ground = Ground::database(&["fsync=on"]).await;
    let port = ground.server.as_ref().unwrap().port;
    let fork = Proxy::garbling(port, &[("LISTEN", "LISTEM"), ("pg_notify", "pg_notifz")]).await;
    let open = || One::open(through(format!("postgres://room@127.0.0.1:{}/warroom", fork.port), &ground));
    one_story(&ground, &[open().await, open().await]).await;
    // A role that may not, likewise; and where only listening is unknown, who appends may still notify.
    let ground = Ground::database(&["fsync=on"]).await;
    ground.server.as_ref().unwrap().sql("revoke execute on function pg_notify(text, text) from public");
    let open = || One::open(spec(ground.server.as_ref().unwrap(), "room"));
    one_story(&ground, &[open().await, open().await]).await;
    let ground = Ground::database(&["fsync=on"]).await;
    let deaf = Proxy::garbling(ground.server.as_ref().unwrap().port, &[("LISTEN", "LISTEM")]).await;
    let open = || One::open(through(format!("postgres://room@127.0.0.1:{}/warroom", deaf.port), &ground));
    one_story(&ground, &[open().await, open().await]).await;
}
