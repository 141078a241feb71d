use super::open;
use crate::{
    domain::{
        Command, CommandId,
        actor::Actor,
        id::Digest,
        note::NoteCommand,
        time::{Stamp, Wall},
    },
    journal::{
        Head,
        spool::{ACKNOWLEDGED, Entry, Opened, Spool},
    },
};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use uuid::Uuid;

const JOURNAL: Digest = Digest([7; 32]);

fn block_on<T>(wait: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(wait)
}

fn entry(n: u64) -> Entry {
    Entry {
        id: CommandId(Uuid::from_u128(u128::from(n))),
        at: Stamp::wall_only(Wall::UNIX_EPOCH),
        actor: Actor::user("ana", 1000),
        groups: ["oncall".to_owned()].into(),
        command: Command::Note(NoteCommand::Say { incident: None, text: format!("word {n}\n\u{1b}") }),
        glass: n.is_multiple_of(2).then(|| "nobody else is here".into()),
        made: vec![format!("TSK-{n}")],
        said: format!("word {n}"),
        gap: false,
        fingerprint: None,
        conflict: None,
        stood: None,
        after: Head::EMPTY,
    }
}

fn entries(count: u64) -> Vec<Entry> {
    (0..count).map(entry).collect()
}

fn file(dir: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some_and(|ending| ending == "spool")).unwrap()
}

fn add(spool: &dyn Spool, from: u64, count: u64) {
    // All on their way at once: they share syncs, and keep their order.
    let waits: Vec<_> = (from..from + count).map(|n| spool.append(n, &entry(n))).collect();
    for wait in waits {
        block_on(wait).unwrap();
    }
}

/// What is read when this lies there.
fn read(bytes: &[u8]) -> (Vec<Entry>, Option<String>, usize) {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path(), JOURNAL).unwrap());
    std::fs::write(file(dir.path()), bytes).unwrap();
    let opened = again(dir.path());
    let next = opened.0.len() as u64;
    add(opened.2.as_ref(), next, 1);
    drop(opened.2);
    let (after, damage, _) = again(dir.path());
    assert_eq!(after.len() as u64, next + 1, "it goes on where it was whole");
    assert_eq!(damage, None, "and is whole again");
    let files = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().file_name());
    let own = files.filter(|name| name.to_string_lossy().starts_with("offline-")).count();
    (opened.0, opened.1, own)
}

fn again(dir: &Path) -> (Vec<Entry>, Option<String>, std::sync::Arc<dyn Spool>) {
    let opened = again_whole(dir);
    (opened.entries, opened.damage, opened.spool)
}

/// Opened once the threads of the one before have let go.
fn again_whole(dir: &Path) -> Opened {
    let is_free = |path: PathBuf| {
        use rustix::fs::{FlockOperation, flock};
        let file = std::fs::File::open(path).unwrap();
        flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok()
    };
    let rings = || {
        let files = std::fs::read_dir(dir).unwrap().map(|file| file.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|ending| ending == "ring"))
    };
    for _ in 0..2_000 {
        if rings().all(is_free)
            && let Ok(opened) = open(dir, JOURNAL)
        {
            return opened;
        }
        std::thread::yield_now();
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    panic!("the file is never let go");
}

fn written(count: u64) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path(), JOURNAL).unwrap();
    add(opened.spool.as_ref(), 0, count);
    std::fs::read(file(dir.path())).unwrap()
}

#[test]
fn a_spool_that_has_several_names_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path(), JOURNAL).unwrap());
    std::fs::hard_link(file(dir.path()), dir.path().join("another.spool")).unwrap();
    // The one before lets go of the file when its thread has ended.
    let refused = loop {
        let refused = open(dir.path(), JOURNAL).err().unwrap().to_string();
        if !refused.contains("another room has it") {
            break refused;
        }
        std::thread::yield_now();
    };
    assert!(refused.contains("several names") && refused.contains("-samefile"), "{refused}");
}

#[test]
fn what_was_taken_is_there_in_order_and_gone_when_it_was_emptied() {
    let dir = tempfile::tempdir().unwrap();
    let opened = open(dir.path(), JOURNAL).unwrap();
    assert!(opened.entries.is_empty() && opened.damage.is_none());
    let second = open(dir.path(), JOURNAL).err().unwrap().to_string();
    assert!(second.contains("another room has it"), "{second}");
    add(opened.spool.as_ref(), 0, 40);
    let skipped = block_on(opened.spool.append(41, &entry(41))).unwrap_err().to_string();
    assert!(skipped.contains("nothing was recorded"), "{skipped}");
    add(opened.spool.as_ref(), 40, 1);
    drop(opened);
    let (read, damage, spool) = again(dir.path());
    assert_eq!((read, damage), (entries(41), None));
    spool.clear();
    add(spool.as_ref(), 0, 2);
    drop(spool);
    assert_eq!(again(dir.path()).0, entries(2));
}

#[test]
fn another_journal_has_another_file() {
    let dir = tempfile::tempdir().unwrap();
    let own = open(dir.path(), JOURNAL).unwrap();
    add(own.spool.as_ref(), 0, 1);
    let other = open(dir.path(), Digest([8; 32])).unwrap();
    assert!(other.entries.is_empty());
}

#[test]
fn cut_at_any_byte_whole_entries_before_it_are_there() {
    let whole = written(4);
    let ends: Vec<usize> =
        whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect();
    for cut in (0..=whole.len()).step_by(7).chain(ends.iter().copied()).chain(ends.iter().map(|end| end - 1))
    {
        let (read, damage, files) = read(&whole[..cut]);
        let count = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(read, entries(count as u64), "cut at {cut}");
        // What has no end was never acknowledged.
        assert_eq!((damage, files), (None, 1), "cut at {cut}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn whatever_is_changed_nothing_false_is_read_and_nothing_is_thrown_away(at in 0_usize..10_000, bit in 0_u8..8) {
        let mut bytes = written(4);
        let at = at % bytes.len();
        let before = bytes[..at].split(|byte| *byte == b'\n').count() - 1;
        bytes[at] ^= 1 << bit;
        let (read, damage, files) = read(&bytes);
        prop_assert_eq!(read, entries(before as u64));
        // The last line alone may have lost its end, as one that was torn has.
        if before < 3 {
            prop_assert!(damage.is_some());
            prop_assert_eq!(files, 2);
        }
    }
}

#[test]
fn the_newest_acknowledged_are_there_in_order_however_often_it_turned() {
    let dir = tempfile::tempdir().unwrap();
    let whole = |opened: Opened| opened.acknowledged;
    let added = |from: u64, count: u64| {
        let opened = again_whole(dir.path());
        for n in from..from + count {
            opened.ring.add(&entry(n));
        }
    };
    let most = ACKNOWLEDGED as u64;
    added(0, 10);
    assert_eq!(whole(again_whole(dir.path())), entries(10));
    // Across the turn from one file to the other, and back.
    for (from, count) in [(10, most - 15), (most - 5, 10), (most + 5, most), (2 * most + 5, 3)] {
        added(from, count);
        let kept = whole(again_whole(dir.path()));
        let all = entries(from + count);
        assert!(kept.len() >= 10.min(all.len()) && kept.len() <= ACKNOWLEDGED);
        assert_eq!(kept[..], all[all.len() - kept.len()..], "after {}", from + count);
    }
    // At least one file of them is always there.
    assert!(whole(again_whole(dir.path())).len() >= ACKNOWLEDGED / 2);
}
