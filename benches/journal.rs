//! The journal: durable appends beside the disk's own limit, replay and verification beside bare serde_json and bare
//! SHA-256, a room opened on a long life, and an export; each beside what it cannot do without.
//!
//! `WARROOM_BENCH_EVENTS` is the length of the long life (1,000,000 where it is not set).
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use futures::future::join_all;
use sha2::{Digest as _, Sha256};
use std::{
    fs::File,
    hint::black_box,
    io::{BufWriter, Write as _},
    path::Path,
    time::{Duration, Instant},
};
use support::{
    Asked, Goal, head, home,
    home::Home,
    in_turns,
    life::{Filled, Life},
    median, quantile, row, seconds, setting,
};
use warroom::{
    domain::{Fact, State},
    journal::{Appended, Head, Journal as _, chain, chain::Record, read_all, verify},
    store::sqlite::{Mode, Sqlite},
};

/// Bytes of the bare append: what an event takes on the disk.
const BARE: usize = 300;
/// As the readers of the journal ask for it.
const PAGE: usize = 4_096;

fn main() {
    let asked = Asked::here();
    if asked.part("append") {
        appends(&asked);
    }
    if asked.part("replay") {
        replay(&asked);
    }
    if asked.part("export") {
        export(&asked);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

fn appends(asked: &Asked) {
    head("journal: durable appends");
    let dir = tempfile::tempdir().unwrap();
    let lasts = asked.pick(Duration::from_millis(1_500), Duration::from_millis(20));
    let rounds = asked.pick(5, 1);
    for (together, goal) in [(1, Goal::Part(0.45)), (16, Goal::Part(0.6)), (256, Goal::Part(0.4))] {
        let mut waits = Vec::new();
        let mut n = 0;
        let [ours, bare, sqlite] = in_turns(
            rounds,
            [
                &mut || {
                    n += 1;
                    append(&dir.path().join(format!("{together}-{n}.db")), together, lasts, &mut waits)
                },
                &mut || bare_append(&dir.path().join("bare"), together, lasts),
                &mut || bare_sqlite(&dir.path().join("bare.db"), together, lasts),
            ],
        );
        let name =
            if together == 1 { "one writer".to_owned() } else { format!("{together} writers, group commit") };
        row(&name, ours, "ev/s", Some(("append and fdatasync", bare)), goal);
        row(&name, ours, "ev/s", Some(("bare SQLite, a table of one column", sqlite)), Goal::None);
        if together == 1 {
            row("its wait, half of them within", quantile(&mut waits, 0.5) * 1e3, "ms", None, Goal::None);
            row("its wait, 99 of 100 within", quantile(&mut waits, 0.99) * 1e3, "ms", None, Goal::None);
        }
    }
}

/// So many appends at a time, each of one event, as a room sends them. The records are made beforehand: deciding has
/// its own figure.
fn append(path: &Path, together: usize, lasts: Duration, waits: &mut Vec<f64>) -> f64 {
    let runtime = runtime();
    let store = Sqlite::open(path, Mode::Write).unwrap();
    let enough = (lasts.as_secs_f64() * 200_000.0) as u64;
    let mut records: Vec<Record> = Vec::new();
    Life::new(false).live(enough.min(3_000 * together as u64), |batch| records.extend(batch));
    let (mut records, mut at, mut done) = (records.into_iter(), Head::EMPTY, 0);
    let began = Instant::now();
    while began.elapsed() < lasts {
        let sent = Instant::now();
        let flights: Vec<_> = records
            .by_ref()
            .take(together)
            .map(|record| {
                let expected = std::mem::replace(&mut at, Head { seq: record.seq, hash: record.hash });
                store.append(expected, vec![record])
            })
            .collect();
        if flights.is_empty() {
            break;
        }
        done += flights.len();
        let answers = runtime.block_on(join_all(flights));
        assert!(answers.iter().all(|answer| matches!(answer, Appended::Ok(_))));
        waits.push(sent.elapsed().as_secs_f64());
    }
    done as f64 / began.elapsed().as_secs_f64()
}

/// What the disk can do: the bytes of so many events at the file's end, then one sync.
fn bare_append(path: &Path, together: usize, lasts: Duration) -> f64 {
    let mut file = File::create(path).unwrap();
    let bytes = vec![b'x'; BARE * together];
    support::per_second(lasts, || {
        file.write_all(&bytes).unwrap();
        file.sync_data().unwrap();
        together as u64
    })
}

/// What SQLite can do: as many bytes in one row each, one transaction for all, as durable.
fn bare_sqlite(path: &Path, together: usize, lasts: Duration) -> f64 {
    let _ = std::fs::remove_file(path);
    let mut db = rusqlite::Connection::open(path).unwrap();
    let set = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE bare (seq INTEGER PRIMARY KEY, bytes BLOB)";
    db.execute_batch(set).unwrap();
    let bytes = vec![b'x'; BARE];
    support::per_second(lasts, || {
        let transaction = db.transaction().unwrap();
        let mut insert = transaction.prepare_cached("INSERT INTO bare (bytes) VALUES (?1)").unwrap();
        for _ in 0..together {
            insert.execute([&bytes]).unwrap();
        }
        drop(insert);
        transaction.commit().unwrap();
        together as u64
    })
}

/// Seconds of each part of a replay, all over the same records.
#[derive(Default)]
struct Parts {
    read: f64,
    follows: f64,
    open: f64,
    apply: f64,
    json: f64,
    sha: f64,
    bytes: usize,
    count: usize,
}

fn replay(asked: &Asked) {
    let events = asked.pick(setting("WARROOM_BENCH_EVENTS").unwrap_or(1_000_000), 3_000);
    head(&format!("journal: a life of {events} events"));
    let home = Home::new();
    std::fs::create_dir_all(home.state()).unwrap();
    let path = home.state().join("journal.db");
    let lived = seconds(|| {
        let mut filled = Filled::new(&path);
        Life::new(false).live(events, |records| filled.append(records));
    });
    row("decided, sealed, appended by batches", events as f64 / lived, "ev/s", None, Goal::None);
    let size = std::fs::metadata(&path).unwrap().len() as f64;
    row("bytes on the disk of an event", size / events as f64, "B", None, Goal::None);

    let runtime = runtime();
    let store = Sqlite::open(&path, Mode::Read).unwrap();
    let each = |seconds: f64| events as f64 / seconds;
    let parts = stages(&store, &runtime);
    assert_eq!(parts.count as u64, events);
    let json = ("serde_json to the same type alone", each(parts.json));
    let sha = ("SHA-256 of the same bytes alone", each(parts.sha));
    row("  read from the file", each(parts.read), "ev/s", None, Goal::None);
    row("  every hash checked", each(parts.follows), "ev/s", Some(sha), Goal::None);
    row("  parsed", each(parts.open), "ev/s", Some(json), Goal::None);
    row("  folded", each(parts.apply), "ev/s", None, Goal::None);
    let [replayed, verified] = in_turns(
        asked.pick(3, 1),
        [
            &mut || {
                let mut state = State::default();
                each(seconds(|| {
                    let end =
                        runtime.block_on(read_all(&store, Head::EMPTY, |event| state.apply(&event))).unwrap();
                    assert_eq!(end.seq, events);
                }))
            },
            &mut || {
                each(seconds(|| {
                    let report = runtime.block_on(verify::run(&store, None, |_| {}));
                    assert_eq!((report.sound, report.exit()), (events, 0));
                }))
            },
        ],
    );
    row("replayed: read, checked, parsed, folded", replayed, "ev/s", Some(json), Goal::AtLeast(300_000.0));
    row("verified: read, checked", verified, "ev/s", Some(sha), Goal::AtLeast(360_000.0));
    drop(store);

    let room = home.room(&[]);
    row(
        "a room opens on it",
        room.opened.as_secs_f64(),
        "s",
        None,
        Goal::AtMost(5.0 * events as f64 / 1e6 + 0.5),
    );
    row("that room's memory", home::memory(room.pid(), "VmRSS"), "MB", None, Goal::AtMost(40.0));
    row("that room's memory at its highest", home::memory(room.pid(), "VmHWM"), "MB", None, Goal::None);
    let began = Instant::now();
    let seat = home.seat(&[]);
    let shown = seat.when("the room's picture", support::is_seated) - began;
    row("a seat's first whole frame in it", shown.as_secs_f64() * 1e3, "ms", None, Goal::AtMost(60.0));
    row(
        "that seat's memory",
        home::memory(seat.pid().as_raw_nonzero().get() as u32, "VmRSS"),
        "MB",
        None,
        Goal::AtMost(12.0),
    );
    drop(seat);
    let took = seconds(|| drop(home.run(&["verify"])));
    row("warroom verify, beside the room", took, "s", None, Goal::AtMost(5.0 * events as f64 / 1e6 + 0.5));
}

/// One pass, each part timed for itself.
fn stages(store: &Sqlite, runtime: &tokio::runtime::Runtime) -> Parts {
    let (mut at, mut parts, mut state) = (Head::EMPTY, Parts::default(), State::default());
    loop {
        let mut page = Vec::new();
        parts.read += seconds(|| page = runtime.block_on(store.read(at.seq + 1, PAGE)).unwrap());
        parts.follows += seconds(|| {
            for record in &page {
                chain::follows(at, record).unwrap();
                at = Head { seq: record.seq, hash: record.hash };
            }
        });
        let mut opened = Vec::new();
        parts.open += seconds(|| opened.extend(page.iter().map(|record| chain::open(record).unwrap())));
        parts.apply += seconds(|| opened.iter().for_each(|event| state.apply(event)));
        parts.json += seconds(|| {
            for record in &page {
                let (_, payload) = record.payload.as_ref().unwrap();
                black_box(serde_json::from_slice::<Fact>(payload).unwrap());
            }
        });
        parts.sha += seconds(|| {
            for record in &page {
                let (salt, payload) = record.payload.as_ref().unwrap();
                let body = Sha256::new().chain_update(salt).chain_update(payload).finalize();
                black_box(
                    Sha256::new()
                        .chain_update(&record.header)
                        .chain_update(record.prev.0)
                        .chain_update(body)
                        .finalize(),
                );
            }
        });
        parts.count += page.len();
        parts.bytes += page.iter().map(|record| record.header.len()).sum::<usize>();
        if page.len() < PAGE {
            return parts;
        }
    }
}

fn export(asked: &Asked) {
    let events = asked.pick(100_000, 1_000);
    head(&format!("journal: an incident of {events} events exported"));
    let home = Home::new();
    std::fs::create_dir_all(home.state()).unwrap();
    let (records, happened) = Life::new(true).one_long_incident(events);
    let mut filled = Filled::new(&home.state().join("journal.db"));
    records.chunks(1_024).for_each(|batch| filled.append(batch.to_vec()));
    drop((filled, records));
    let _room = home.room(&[]);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for n in 0..asked.pick(3, 1) {
        ours.push(seconds(|| drop(home.run(&["export", "INC-1", "--out", &format!("out-{n}")]))));
        bare.push(seconds(|| {
            let mut out = BufWriter::new(File::create(home.path().join("bare")).unwrap());
            for event in &happened {
                serde_json::to_writer(&mut out, event).unwrap();
                out.write_all(b"\n").unwrap();
            }
            out.into_inner().unwrap().sync_all().unwrap();
        }));
    }
    row(
        "warroom export",
        median(ours),
        "s",
        Some(("serde_json to a file alone", median(bare))),
        Goal::AtMost(5.0),
    );
    let page = std::fs::metadata(home.path().join("out-0/postmortem.md")).unwrap().len();
    row("its Markdown", page as f64 / 1e6, "MB", None, Goal::None);
}
