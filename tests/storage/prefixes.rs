//! The power goes at any call: every prefix of what a room wrote opens to all that it had acknowledged by then.

use crate::{
    disk::{Disk, Left, Random},
    shim::Ground,
    support::script::Script,
};
use std::{collections::BTreeMap, path::Path};
use warroom::{
    domain::{Fact, note::NoteFact},
    journal::{Head, read_all, verify},
    store::{Mode, sqlite::Sqlite},
    wire::Outcome,
};

/// Prefixes where `WARROOM_FAULTS` does not say how many; each is opened as four disks.
const PREFIXES: usize = 100;

/// A note that was acknowledged.
#[derive(Debug, Clone)]
pub struct Acked {
    pub seq: u64,
    pub text: String,
    /// How long the record was then.
    pub at: u64,
}

/// How often, where the environment does not say.
pub fn times(default: usize) -> usize {
    std::env::var("WARROOM_FAULTS").ok().map_or(default, |n| n.parse().unwrap())
}

/// Numbers spread over `1..=last`, with both ends.
pub fn spread(last: usize, times: usize) -> Vec<usize> {
    let times = times.clamp(2, last.max(2));
    let mut all: Vec<_> = (0..times).map(|i| 1 + i * last.saturating_sub(1) / (times - 1)).collect();
    all.dedup();
    all
}

/// Writes a note, which is taken.
pub fn noted(ground: &Ground, script: &mut Script, text: &str) -> Acked {
    match script.says(text) {
        Some(Outcome::Ok { seqs, .. }) => Acked { seq: seqs[0], text: text.into(), at: ground.recorded() },
        other => panic!("{text} was not taken: {other:?}"),
    }
}

/// Opens a journal: it is sound, has each of these once and where it was said to be, and none of those.
pub fn holds(dir: &Path, acked: &[&Acked], never: &[&str]) -> Result<u64, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let store = match Sqlite::open(&dir.join("journal.db"), Mode::Write) {
        Ok(store) => store,
        // Begun and not finished, it has nothing that anybody was told of.
        Err(_) if acked.is_empty() => return Ok(0),
        Err(trouble) => return Err(trouble.to_string()),
    };
    runtime.block_on(async {
        let report = verify::run(&store, None, |_| {}).await;
        if report.exit() != 0 {
            return Err(format!("{report:?}"));
        }
        let mut notes: BTreeMap<u64, String> = BTreeMap::new();
        let read = read_all(&store, Head::EMPTY, |event| {
            if let Fact::Note(NoteFact::Said { text, .. }) = event.fact {
                notes.insert(event.seq, text);
            }
        });
        read.await.map_err(|trouble| trouble.to_string())?;
        for one in acked {
            if notes.get(&one.seq) != Some(&one.text) {
                return Err(format!("event {} was acknowledged and is not there", one.seq));
            }
            if notes.values().filter(|text| **text == one.text).count() != 1 {
                return Err(format!("event {} is there twice", one.seq));
            }
        }
        if let Some(text) = never.iter().find(|text| notes.values().any(|note| note == *text)) {
            return Err(format!("{text} was said not to be recorded, and is there"));
        }
        Ok(report.sound)
    })
}

/// A directory in memory where there is one, for a sync costs nothing there.
pub fn quick() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Tries what may be left of a disk.
pub fn survives(disk: &Disk, acked: &[&Acked], never: &[&str], random: &mut Random, what: &str) {
    for (how, left) in [
        ("nothing that was not synced", Left::Nothing),
        ("everything", Left::All),
        ("some of what was not synced", Left::Some(&mut *random)),
    ] {
        let dir = quick();
        disk.lay_out(dir.path(), left);
        tried(&dir, acked, never, &format!("{what}, {how}"));
    }
    let dir = quick();
    disk.lay_out(dir.path(), Left::Some(random));
    tried(&dir, acked, never, &format!("{what}, some again"));
}

fn tried(dir: &tempfile::TempDir, acked: &[&Acked], never: &[&str], what: &str) {
    if let Err(why) = holds(dir.path(), acked, never) {
        panic!("{what}: {why}");
    }
}

#[test]
fn every_prefix_of_what_was_written_opens_to_what_was_acknowledged() {
    let ground = Ground::new();
    let mut acked = Vec::new();
    // One that is killed, so that the next finds a log; then enough for the log to be folded in beneath it.
    let first = ground.serve("");
    let mut script = Script::greeted(&ground.socket()).unwrap();
    for i in 0..5 {
        acked.push(noted(&ground, &mut script, &format!("of the first room, {i}")));
    }
    first.kill();
    let second = ground.serve("");
    let mut script = Script::greeted(&ground.socket()).unwrap();
    for i in 0..170 {
        let text = format!("of the second room, {i} {}.", "x".repeat(i * i % 97 * 160));
        acked.push(noted(&ground, &mut script, &text));
    }
    second.stop();

    let calls = ground.calls();
    let folded = calls.iter().filter(|op| op.file == 0 && op.end < acked.last().unwrap().at).count();
    assert!(folded > 100, "the log was never folded in: {folded}");
    let mut random = Random::seeded();
    let wanted = spread(calls.len(), times(PREFIXES));
    let (mut disk, mut opened) = (Disk::default(), 0);
    for (n, op) in calls.iter().enumerate() {
        disk.goes_on(op);
        if wanted.binary_search(&(n + 1)).is_ok() {
            let by_then: Vec<_> = acked.iter().filter(|one| one.at <= op.end).collect();
            survives(&disk, &by_then, &[], &mut random, &format!("after call {} of {}", n + 1, calls.len()));
            opened += 1;
        }
    }
    println!("{opened} prefixes of {} calls, {} acknowledged", calls.len(), acked.len());
}
