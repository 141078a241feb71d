use super::*;
use crate::{
    domain::{Event, Fact, actor::Actor, note::NoteFact, time::Stamp},
    journal::{chain, chain::Draft, read_all, verify},
};
use chrono::DateTime;
use proptest::prelude::*;
use uuid::Uuid;

fn drafts(head: Head, texts: &[&str]) -> (Vec<Record>, Vec<Event>, Head) {
    let said = |text: &&str| Fact::Note(NoteFact::Said { incident: None, text: (*text).to_owned() });
    sealed(head, texts.iter().map(said).collect())
}

/// Erases as the room does: first the event that says so, then the payload.
async fn erase(store: &Sqlite, seq: Seq) {
    let erased = Fact::Note(NoteFact::Erased {
        incident: None,
        seq,
        kind: "note.said".into(),
        payload: true,
        evidence: None,
        reason: "a password".into(),
    });
    let head = store.head().await.unwrap();
    let (records, _, next) = sealed(head, vec![erased]);
    assert_eq!(store.append(head, records).await, Appended::Ok(next));
    store.erase(seq).await.unwrap();
}

pub(in crate::store) fn sealed(head: Head, facts: Vec<Fact>) -> (Vec<Record>, Vec<Event>, Head) {
    let mut head = head;
    let command = CommandId(Uuid::now_v7());
    let (mut records, mut events) = (Vec::new(), Vec::new());
    for (index, fact) in facts.into_iter().enumerate() {
        let at = Stamp::wall_only(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let draft = Draft {
            command,
            index: u16::try_from(index).unwrap(),
            stream: None,
            recorded: at.wall,
            occurred: at,
            room: "r".into(),
            actor: Actor::user("ana", 1000),
            offline: None,
            fact,
        };
        let (record, event) = chain::seal(draft, head, [7; 16]).unwrap();
        head = Head { seq: record.seq, hash: record.hash };
        records.push(record);
        events.push(event);
    }
    (records, events, head)
}

fn journal() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.db");
    (dir, path)
}

async fn fill(path: &Path, n: usize) -> (Head, Vec<Event>) {
    let store = Sqlite::open(path, Mode::Write).unwrap();
    let (mut head, mut all) = (Head::EMPTY, Vec::new());
    for i in 0..n {
        let (records, events, next) = drafts(head, &[&format!("note {i}")]);
        assert_eq!(store.append(head, records).await, Appended::Ok(next));
        head = next;
        all.extend(events);
    }
    (head, all)
}

#[tokio::test]
async fn an_erased_payload_leaves_the_chain_sound() {
    let (_dir, path) = journal();
    let (_, events) = fill(&path, 3).await;
    let store = Sqlite::open(&path, Mode::Write).unwrap();
    erase(&store, 2).await;
    let report = verify::run(&store, None, |_| {}).await;
    assert_eq!((report.exit(), report.sound, report.erased), (0, 4, 1));
    let record = store.read(2, 1).await.unwrap().remove(0);
    assert_eq!(chain::open(&record).unwrap().fact, Fact::Erased);
    assert_eq!(chain::open(&record).unwrap().hash, events[1].hash);
    drop(store);
    let raw = std::fs::read(&path).unwrap();
    assert!(!raw.windows(6).any(|bytes| bytes == b"note 1"), "the erased text lies in the file still");
    assert!(Sqlite::open(&path, Mode::Write).unwrap().erase(9).await.is_err());
}

#[tokio::test]
async fn nothing_of_an_erased_payload_lies_in_the_file_whichever_pages_it_was_moved_between() {
    let (_dir, path) = journal();
    let store = Sqlite::open(&path, Mode::Write).unwrap();
    let mut head = Head::EMPTY;
    for i in 0..120 {
        let (records, _, next) = drafts(head, &[&format!("needle-{i:03} {}", "x".repeat(i * 97 % 2_500))]);
        assert_eq!(store.append(head, records).await, Appended::Ok(next));
        head = next;
    }
    for i in (0..120_u64).step_by(3) {
        erase(&store, i + 1).await;
    }
    assert_eq!(verify::run(&store, None, |_| {}).await.erased, 40);
    drop(store);
    let raw = std::fs::read(&path).unwrap();
    for i in (0..120).step_by(3) {
        let needle = format!("needle-{i:03}");
        assert!(!raw.windows(needle.len()).any(|bytes| bytes == needle.as_bytes()), "{needle}");
    }
}

#[tokio::test]
async fn rows_can_neither_be_changed_nor_deleted_through_sql() {
    let (_dir, path) = journal();
    fill(&path, 2).await;
    let db = rusqlite::Connection::open(&path).unwrap();
    assert!(db.execute("UPDATE events SET header = x'00' WHERE seq = 1", []).is_err());
    assert!(db.execute("DELETE FROM events WHERE seq = 2", []).is_err());
}

/// Changes the file behind the triggers' back, as one who owns it can.
fn tamper(path: &Path, sql: &str) {
    let db = rusqlite::Connection::open(path).unwrap();
    db.execute_batch("DROP TRIGGER events_stay; DROP TRIGGER events_keep; DROP TRIGGER payloads_stay;")
        .unwrap();
    db.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn verify_names_the_first_event_that_does_not_fit() {
    for (sql, first) in [
        (
            "UPDATE payloads SET payload = CAST(replace(CAST(payload AS TEXT), 'note 3', 'note 9') AS BLOB) WHERE seq = 4",
            4,
        ),
        (
            "UPDATE events SET header = CAST(replace(CAST(header AS TEXT), 'ana', 'bob') AS BLOB) WHERE seq = 3",
            3,
        ),
        ("DELETE FROM payloads WHERE seq = 5; DELETE FROM events WHERE seq = 5", 5),
        ("UPDATE events SET stream = 7 WHERE seq = 6", 6),
        ("DELETE FROM payloads WHERE seq IN (7, 8)", 7),
        ("UPDATE events SET hash = unhex('00' || substr(hex(hash), 3)) WHERE seq = 2", 2),
    ] {
        let (_dir, path) = journal();
        fill(&path, 9).await;
        tamper(&path, sql);
        let store = Sqlite::open(&path, Mode::Read).unwrap();
        let report = verify::run(&store, None, |_| {}).await;
        assert_eq!(report.broken.as_ref().map(|broken| broken.0), Some(first), "{sql}: {report:?}");
        assert_eq!(report.exit(), 1);
    }
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let (_dir, path) = journal();
    std::fs::write(&path, b"GIF89a and more than sixteen bytes of it").unwrap();
    let trouble = Sqlite::open(&path, Mode::Write).err().unwrap().to_string();
    assert!(trouble.contains("no journal"), "{trouble}");
    std::fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE mine (a)").unwrap();
    let trouble = Sqlite::open(&path, Mode::Write).err().unwrap().to_string();
    assert!(trouble.contains("something else"), "{trouble}");
}

#[test]
fn a_missing_directory_says_so() {
    let trouble = Sqlite::open(Path::new("/nowhere/at/all.db"), Mode::Write).err().unwrap().to_string();
    assert!(trouble.contains("directory") && trouble.contains("/nowhere/at/all.db"), "{trouble}");
    assert!(Sqlite::open(Path::new("/nowhere/at/all.db"), Mode::Read).is_err());
}

#[tokio::test]
async fn what_the_chain_cannot_prove_alone_a_head_kept_elsewhere_does() {
    let (_dir, path) = journal();
    let (kept, _) = fill(&path, 9).await;
    let check = async |expect| {
        let store = Sqlite::open(&path, Mode::Read).unwrap();
        verify::run(&store, Some(expect), |_| {}).await
    };
    assert_eq!(check(kept).await.exit(), 0);
    // Its end is cut off.
    tamper(&path, "DELETE FROM payloads WHERE seq > 7; DELETE FROM events WHERE seq > 7");
    let report = check(kept).await;
    assert_eq!((report.exit(), report.broken.unwrap().0), (1, 8));
    // It is written anew, whole and sound in itself.
    std::fs::remove_file(&path).unwrap();
    for log in ["journal.db-wal", "journal.db-shm"] {
        let _ = std::fs::remove_file(path.with_file_name(log));
    }
    fill(&path, 12).await;
    let report = check(kept).await;
    assert_eq!((report.exit(), report.broken.unwrap().0), (1, 9));
}

#[test]
fn the_file_and_its_log_are_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, path) = journal();
    let _store = Sqlite::open(&path, Mode::Write).unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever one who owns the file does to its rows, the first event that does not fit is named, exactly.
    #[test]
    fn the_first_event_that_does_not_fit_is_named(how in 0_u8..4, at in 2_u64..20, bit in 0_usize..2_000) {
        let (_dir, path) = journal();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (kept, _) = runtime.block_on(fill(&path, 20));
        tamper(&path, "");
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch("PRAGMA foreign_keys=OFF").unwrap();
        let flip = |column: &str, table: &str| {
            let read = format!("SELECT {column} FROM {table} WHERE seq = {at}");
            let mut bytes: Vec<u8> = db.query_row(&read, [], |row| row.get(0)).unwrap();
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            db.execute(&format!("UPDATE {table} SET {column} = ? WHERE seq = {at}"), [bytes]).unwrap();
        };
        let first = match how {
            0 => {
                let (column, table) = [
                    ("header", "events"), ("prev", "events"), ("body", "events"), ("hash", "events"),
                    ("salt", "payloads"), ("payload", "payloads"),
                ][bit % 6];
                flip(column, table);
                at
            }
            1 => {
                db.execute_batch(&format!("DELETE FROM payloads WHERE seq = {at}; DELETE FROM events WHERE seq = {at}")).unwrap();
                at
            }
            2 => {
                let (a, b) = (at, at + 1);
                let swap = |t: &str| format!("UPDATE {t} SET seq = 1000 WHERE seq = {a}; UPDATE {t} SET seq = {a} WHERE seq = {b}; UPDATE {t} SET seq = {b} WHERE seq = 1000;");
                db.execute_batch(&(swap("events") + &swap("payloads"))).unwrap();
                a
            }
            _ => {
                db.execute_batch(&format!("DELETE FROM payloads WHERE seq >= {at}; DELETE FROM events WHERE seq >= {at}")).unwrap();
                at
            }
        };
        drop(db);
        let store = Sqlite::open(&path, Mode::Read).unwrap();
        let report = runtime.block_on(verify::run(&store, Some(kept), |_| {}));
        prop_assert_eq!((report.exit(), report.broken.map(|broken| broken.0)), (1, Some(first)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A torn, shortened or flipped file is refused or found by verification, and never makes anything panic.
    #[test]
    fn damage_is_found(at in 0.0_f64..1.0, flip in 1_u8..=255, cut in any::<bool>()) {
        let (_dir, path) = journal();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (head, events) = runtime.block_on(fill(&path, 40));
        // Everything into the main file, so that the damage hits what is read.
        rusqlite::Connection::open(&path).unwrap().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        let mut raw = std::fs::read(&path).unwrap();
        let byte = ((raw.len() - 1) as f64 * at) as usize;
        if cut { raw.truncate(byte) } else { raw[byte] ^= flip }
        std::fs::write(&path, raw).unwrap();
        if let Ok(store) = Sqlite::open(&path, Mode::Write) {
            let report = runtime.block_on(verify::run(&store, None, |_| {}));
            if report.exit() == 0 && report.sound == head.seq {
                let mut seen = Vec::new();
                runtime.block_on(read_all(&store, Head::EMPTY, |event| seen.push(event))).unwrap();
                prop_assert_eq!(seen, events, "damage that changes nothing that is read");
            }
        }
    }
}
