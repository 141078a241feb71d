//! A journal that outgrows its machine: from a file to a database, whatever interrupts it.

use crate::{
    conformance::spec,
    sealed::{erased, note, sealed},
    support::{
        house::{House, binary},
        peer::wanted,
        postgres::{PASSWORD, Server},
    },
};
use std::{
    path::Path,
    process::{Command, Output},
    time::Duration,
};
use warroom::{
    journal::{Appended, Head, Journal, read_all},
    os::lock::Lock,
    store::{self, Mode, Place, postgres::init, sqlite::Sqlite},
};

/// Events of a long life, one of them erased. Gives where they end.
async fn long(path: &Path, events: usize) -> Head {
    let journal = Sqlite::open(path, Mode::Write).unwrap();
    let mut head = Head::EMPTY;
    for page in 0..events / 500 {
        let notes = (0..500).map(|n| note(&format!("{page}.{n} {}", "x".repeat(200)))).collect();
        let (records, _, next) = sealed(head, notes);
        assert_eq!(journal.append(head, records).await, Appended::Ok(next));
        head = next;
    }
    let (records, _, next) = sealed(head, vec![erased(7)]);
    assert_eq!(journal.append(head, records).await, Appended::Ok(next));
    journal.erase(7).await.unwrap();
    next
}

fn moving(house: &House, words: &[&str]) -> Command {
    let mut command = house.command(&binary());
    command.args(["journal", "move"]).args(words).env("PGPASSWORD", PASSWORD);
    command
}

fn said(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_again_and_again_loses_nothing() {
    if !wanted("a_move_that_is_killed_again_and_again_loses_nothing") {
        return;
    }
    let house = House::new();
    let path = house.path().join("old.db");
    let head = long(&path, 10_000).await;
    let from = path.to_str().unwrap();
    let server = Server::start(&["fsync=on"]);
    init(&spec(&server, "ana"), Some("room")).await.unwrap();
    let url = server.url("room");
    let here = || server.sql("select seq from warroom.head").parse::<u64>().unwrap();
    let (mut killed, mut between) = (0, 0);
    for attempt in 0_u64.. {
        assert!(attempt < 60, "it never came to its end");
        let mut child = moving(&house, &[from, &url]).spawn().unwrap();
        // Later each time, so that one of them comes to its end.
        let until = std::time::Instant::now() + Duration::from_millis(150 + attempt * 90);
        let ended = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if std::time::Instant::now() >= until {
                break None;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        if let Some(status) = ended {
            assert!(status.success(), "{status:?}");
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
        between += u32::from((1..head.seq).contains(&here()));
    }
    println!("killed {killed} times, {between} of them in the middle");
    assert!(killed > 0);
    assert_eq!(here(), head.seq);
    let again = moving(&house, &[from, &url]).output().unwrap();
    let text = said(&again);
    assert!(again.status.success(), "{text}");
    for part in
        [format!("{} of them earlier", head.seq), "1 erased on both sides".into(), head.hash.to_string()]
    {
        assert!(text.contains(&part), "{part}: {text}");
    }
    let place = Place::Postgres(spec(&server, "room"));
    let moved = store::open(place, Mode::Read).await.unwrap();
    let mut count = 0;
    assert_eq!(read_all(moved.as_ref(), Head::EMPTY, |_| count += 1).await.unwrap(), head);
    assert_eq!(count, head.seq);
    let old = Sqlite::open(&path, Mode::Read).unwrap();
    for seq in [1, 7, head.seq] {
        assert_eq!(old.read(seq, 1).await.unwrap(), moved.read(seq, 1).await.unwrap(), "event {seq}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_is_refused_where_it_would_mix_two_records_or_leave_one_behind() {
    if !wanted("a_move_is_refused_where_it_would_mix_two_records_or_leave_one_behind") {
        return;
    }
    let house = House::new();
    let path = house.path().join("old.db");
    long(&path, 500).await;
    let from = path.to_str().unwrap();
    let server = Server::start(&["fsync=on"]);
    let url = server.url("room");
    let refused = |words: &[&str], part: &str| {
        let done = moving(&house, words).output().unwrap();
        let text = said(&done);
        assert!(!done.status.success() && text.contains(part), "{part}: {text}");
    };
    refused(&[from, &url], "run warroom journal init");
    init(&spec(&server, "ana"), Some("room")).await.unwrap();
    refused(&["/nowhere/journal.db", &url], "there is no /nowhere/journal.db");
    refused(&[from, from], "one file");
    refused(&[&url, from], "it copies from a journal's file");
    let held = Lock::take(&path.with_extension("lock"), "a room").unwrap();
    refused(&[from, &url], "old.lock is held by a room");
    drop(held);
    let (records, _, other) = sealed(Head::EMPTY, vec![note("of another record")]);
    let place = || Place::Postgres(spec(&server, "room"));
    let database = store::open(place(), Mode::Write).await.unwrap();
    assert_eq!(database.append(Head::EMPTY, records).await, Appended::Ok(other));
    refused(&[from, &url], "another chain, from event 1 on");
    assert_eq!(database.head().await.unwrap(), other, "nothing of it was touched");
    // To another file it goes as well; a source that was changed goes nowhere.
    let copy = house.path().join("new.db");
    let done = moving(&house, &[from, copy.to_str().unwrap()]).output().unwrap();
    assert!(done.status.success(), "{}", said(&done));
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch(
        "DROP TRIGGER IF EXISTS payloads_stay; UPDATE payloads SET payload = x'7b7d' WHERE seq = 40;",
    )
    .unwrap();
    drop(db);
    refused(&[from, copy.to_str().unwrap()], "its event 40 does not fit");
}
