//! Random tampering, in records, in a file and in a database: all of it is found, and the first event that does not fit
//! is named exactly. What is cut off behind the newest checkpoint cannot be missed; how much that could be is said.
//!
//! `WARROOM_TAMPERINGS` sets how many on each store; `WARROOM_SEED` repeats a run that failed.

use crate::{
    conformance::{Ground, spec},
    sealed::{note, sealed},
    support::{peer::wanted, postgres::Server},
};
use std::fmt::Write as _;
use warroom::{
    journal::{
        Appended, Head, Journal,
        chain::{Fault, Record},
        verify::{self, Anchors, Checker, Report},
    },
    store::{Mode, postgres::Postgres, sqlite::Sqlite},
};

/// Events of a journal.
const EVENTS: u64 = 24;

/// SplitMix64.
struct Random(u64);

impl Random {
    /// From the environment, or anew; printed where the test fails.
    fn seeded() -> Self {
        let given = std::env::var("WARROOM_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
        println!("WARROOM_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `low..=high`.
    fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }
}

fn times(default: usize) -> usize {
    std::env::var("WARROOM_TAMPERINGS").ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

fn journal(word: &str, after: Head, events: u64) -> Vec<Record> {
    let mut head = after;
    let mut all = Vec::new();
    for i in 0..events {
        let (records, _, next) = sealed(head, vec![note(&format!("{word} {i}"))]);
        head = next;
        all.extend(records);
    }
    all
}

fn head(record: &Record) -> Head {
    Head { seq: record.seq, hash: record.hash }
}

/// What must be said of it.
#[derive(Debug, Clone, PartialEq)]
enum Found {
    /// This event does not fit, in this way where only one is possible.
    At(u64, Option<Fault>),
    /// Nothing is wrong with what is left, and so many events at its end are not anchored.
    Sound { left: u64, unanchored: u64 },
}

/// One journal that somebody tampered with.
struct Case {
    what: String,
    rows: Vec<Record>,
    /// Whether the row that says where the journal ends was set to what is left.
    moved: bool,
    anchors: Anchors,
    found: Found,
}

/// Does one thing to a journal, some events of which were signed.
fn tampered(base: &[Record], random: &mut Random) -> Case {
    let at = |seq: u64| usize::try_from(seq - 1).unwrap();
    let mut rows = base.to_vec();
    let mut signed: Vec<u64> = (0..random.within(1, 3)).map(|_| random.within(1, EVENTS)).collect();
    signed.sort_unstable();
    signed.dedup();
    let newest = *signed.last().unwrap();
    let mut anchors = Anchors::default();
    for seq in &signed {
        anchors.add_signed(head(&base[at(*seq)]), "the checkpoint");
    }
    let moved = random.within(0, 1) == 0;
    let (what, found) = match random.within(0, 4) {
        0 => {
            let (seq, bit) = (random.within(1, EVENTS), random.next());
            let row = &mut rows[at(seq)];
            let (salt, payload) = row.payload.as_mut().unwrap();
            let mut command = *row.command.0.as_bytes();
            let column = random.within(0, 6);
            let bytes: &mut [u8] = match column {
                0 => &mut row.header,
                1 => &mut row.prev.0,
                2 => &mut row.body.0,
                3 => &mut row.hash.0,
                4 => salt,
                5 => payload,
                _ => &mut command,
            };
            let bit = usize::try_from(bit).unwrap() % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            row.command.0 = uuid::Uuid::from_bytes(command);
            (format!("bit {bit} of column {column} of event {seq}"), Found::At(seq, None))
        }
        1 => {
            let seq = random.within(1, EVENTS - 1);
            rows.remove(at(seq));
            (format!("event {seq} taken out"), Found::At(seq, Some(Fault::Gap)))
        }
        2 => {
            let (a, b) = (random.within(1, EVENTS), random.within(1, EVENTS));
            let (a, b) =
                if a == b { (a.min(EVENTS - 1), a.min(EVENTS - 1) + 1) } else { (a.min(b), a.max(b)) };
            rows.swap(at(a), at(b));
            (rows[at(a)].seq, rows[at(b)].seq) = (a, b);
            (format!("events {a} and {b} exchanged"), Found::At(a, Some(Fault::Order)))
        }
        3 => {
            let from = random.within(1, EVENTS);
            rows.truncate(at(from));
            let found = if from <= newest || !moved {
                Found::At(from, Some(Fault::Cut))
            } else {
                Found::Sound { left: from - 1, unanchored: from - 1 - newest }
            };
            (format!("cut from event {from} on, signed {signed:?}"), found)
        }
        _ => {
            let from = if random.within(0, 1) == 0 { 1 } else { random.within(1, newest) };
            rows.truncate(at(from));
            let before = rows.last().map_or(Head::EMPTY, head);
            rows.extend(journal("anew", before, EVENTS + 1 - from));
            let first = *signed.iter().find(|seq| **seq >= from).unwrap();
            (
                format!("written anew from event {from} on, signed {signed:?}"),
                Found::At(first, Some(Fault::Rewritten)),
            )
        }
    };
    // What was written anew as a whole has its own end.
    let moved = moved || matches!(found, Found::At(_, Some(Fault::Rewritten)));
    Case { what, rows, moved, anchors, found }
}

fn judge(case: &Case, report: &Report, has_head: bool) {
    let found = match (&report.broken, report.fault) {
        (Some((seq, _)), fault) => {
            let wanted = matches!(case.found, Found::At(_, Some(_)));
            Found::At(*seq, fault.filter(|_| wanted))
        }
        (None, _) => Found::Sound { left: report.sound, unanchored: report.unanchored },
    };
    // Where no row says where the journal ends, only what was signed is missed.
    let wanted = match &case.found {
        Found::At(from, Some(Fault::Cut)) if !has_head => {
            let anchored = case.anchors_end();
            if *from <= anchored {
                case.found.clone()
            } else {
                Found::Sound { left: from - 1, unanchored: from - 1 - anchored }
            }
        }
        other => other.clone(),
    };
    assert_eq!(found, wanted, "{}: {report:?}", case.what);
    assert_eq!(report.exit(), u8::from(matches!(wanted, Found::At(..))), "{}: {report:?}", case.what);
    assert!(report.unreadable.is_none(), "{report:?}");
}

impl Case {
    fn anchors_end(&self) -> u64 {
        self.anchors.newest().unwrap_or(0)
    }
}

#[test]
fn ten_thousand_tamperings_of_records_are_found() {
    let base = journal("note", Head::EMPTY, EVENTS);
    let mut random = Random::seeded();
    let mut tails = 0;
    for _ in 0..times(10_000) {
        let case = tampered(&base, &mut random);
        let mut checker = Checker::new(case.anchors.clone());
        checker.page(&case.rows);
        let report = checker.end();
        tails += usize::from(report.broken.is_none());
        judge(&case, &report, false);
    }
    println!("{tails} of them were cuts behind the newest checkpoint");
}

fn file_rows(path: &std::path::Path, rows: &[Record]) {
    let mut db = rusqlite::Connection::open(path).unwrap();
    db.execute_batch(
        "PRAGMA synchronous=OFF; DROP TRIGGER IF EXISTS events_stay; DROP TRIGGER IF EXISTS events_keep; \
         DROP TRIGGER IF EXISTS payloads_stay; PRAGMA foreign_keys=OFF;",
    )
    .unwrap();
    let work = db.transaction().unwrap();
    work.execute_batch("DELETE FROM payloads; DELETE FROM events;").unwrap();
    for row in rows {
        let seq = i64::try_from(row.seq).unwrap();
        work.execute(
            "INSERT INTO events (seq, command, stream, header, prev, body, hash) VALUES (?,?,?,?,?,?,?)",
            rusqlite::params![
                seq,
                row.command.0.as_bytes(),
                row.stream.map(|id| id.0),
                row.header,
                row.prev.0,
                row.body.0,
                row.hash.0
            ],
        )
        .unwrap();
        let (salt, payload) = row.payload.as_ref().unwrap();
        work.execute(
            "INSERT INTO payloads (seq, salt, payload) VALUES (?,?,?)",
            rusqlite::params![seq, salt, payload],
        )
        .unwrap();
    }
    work.commit().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tamperings_of_a_file_are_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    let base = journal("note", Head::EMPTY, EVENTS);
    let store = Sqlite::open(&path, Mode::Write).unwrap();
    assert_eq!(store.append(Head::EMPTY, base.clone()).await, Appended::Ok(head(base.last().unwrap())));
    drop(store);
    let mut random = Random::seeded();
    for _ in 0..times(300) {
        let case = tampered(&base, &mut random);
        file_rows(&path, &case.rows);
        let store = Sqlite::open(&path, Mode::Read).unwrap();
        judge(&case, &verify::run(&store, case.anchors.clone(), |_| {}).await, false);
    }
}

fn database_rows(server: &Server, rows: &[Record], moved: bool, base: Head) {
    let hex = |bytes: &[u8]| {
        bytes.iter().fold(String::from("'\\x"), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        }) + "'"
    };
    let mut sql = String::from(
        "set session_replication_role = replica; begin; truncate warroom.events cascade; truncate warroom.payloads; ",
    );
    for row in rows {
        let (salt, payload) = row.payload.as_ref().unwrap();
        let _ = write!(
            sql,
            "insert into warroom.events values ({}, {}, null, {}, {}, {}, {}); insert into warroom.payloads values ({0}, {}, {}); ",
            row.seq,
            hex(row.command.0.as_bytes()),
            hex(&row.header),
            hex(&row.prev.0),
            hex(&row.body.0),
            hex(&row.hash.0),
            hex(salt),
            hex(payload),
        );
    }
    let end = if moved { rows.last().map_or(Head::EMPTY, head) } else { base };
    let _ = write!(sql, "update warroom.head set seq = {}, hash = {}; commit", end.seq, hex(&end.hash.0));
    server.sql(&sql);
}

#[tokio::test(flavor = "multi_thread")]
async fn tamperings_of_a_database_are_found() {
    if !wanted("tamperings_of_a_database_are_found") {
        return;
    }
    let ground = Ground::database(&["fsync=on", "synchronous_commit=off"]).await;
    let server = ground.server.as_ref().unwrap();
    let base = journal("note", Head::EMPTY, EVENTS);
    let end = head(base.last().unwrap());
    let store = ground.open().await;
    assert_eq!(store.append(Head::EMPTY, base.clone()).await, Appended::Ok(end));
    drop(store);
    // A row that fits no other's place is kept out by a constraint; who owns the database takes that away too.
    server.sql("alter table warroom.events drop constraint events_prev_key");
    let store = Postgres::open(&spec(server, "room"), Mode::Read).await.unwrap();
    let mut random = Random::seeded();
    for _ in 0..times(60) {
        let mut case = tampered(&base, &mut random);
        // The end of what is left, where whoever did it thought of that.
        let cut = matches!(case.found, Found::At(_, Some(Fault::Cut)) | Found::Sound { .. });
        case.moved |= !cut;
        database_rows(server, &case.rows, case.moved, end);
        judge(&case, &verify::run(&store, case.anchors.clone(), |_| {}).await, true);
    }
}
