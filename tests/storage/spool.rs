//! The spool of a room whose database is gone, on a disk that fails: what was acknowledged is there, in order, and what was
//! said not to be recorded is not.

use crate::{
    disk::{Call, Disk, Left, Op, Random},
    prefixes::{quick, spread, times},
    proxy::{Line, Proxy},
    shim::{FILES, Ground, Served},
    support::{
        house::until,
        peer::wanted,
        postgres::{PASSWORD, Server},
        script::Script,
    },
};
use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _, path::Path};
use tokio::runtime::Runtime;
use warroom::{
    domain::{
        Command, Event, Fact,
        id::Digest,
        note::{NoteCommand, NoteFact},
    },
    journal::{Head, read_all},
    store::{
        self, Mode, Place,
        postgres::{Durability, Spec, init},
        spool,
    },
    wire::Outcome,
};

/// Places of each kind of fault where `WARROOM_FAULTS` does not say how many.
const PLACES: usize = 4;
/// Of syncs there are few, and each counts.
const SYNCS: usize = 32;
/// Prefixes of the record, each opened as four disks.
const PREFIXES: usize = 200;
/// Notes that are written while it strikes.
const NOTES: usize = 8;

/// A database, and a line to it that can be cut.
struct Far {
    runtime: Runtime,
    server: Server,
    line: Proxy,
    /// The hash of the journal's first event.
    first: Digest,
}

impl Far {
    fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = Server::start(&["fsync=on"]);
        let line = runtime.block_on(Proxy::to(server.port));
        let far = Self { runtime, server, line, first: Digest::ZERO };
        far.runtime.block_on(init(&far.spec("ana"), Some("room"))).unwrap();
        far
    }

    fn spec(&self, role: &str) -> Spec {
        let url = self.server.url(role);
        Spec {
            url,
            password: Some(PASSWORD.to_owned().into()),
            durability: Durability::Local,
            ..Spec::default()
        }
    }

    /// A disk whose room has its journal there.
    fn ground(&self) -> Ground {
        let ground = Ground::new();
        let secret = ground.house.path().join("password");
        std::fs::write(&secret, PASSWORD).unwrap();
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
        let text = format!(
            "[journal]\nurl = \"postgres://room@127.0.0.1:{}/warroom\"\ndurability = \"local\"\n\
             password = {{ file = \"{}\" }}\n",
            self.line.port,
            secret.display()
        );
        std::fs::create_dir_all(ground.house.path().join("warroom")).unwrap();
        std::fs::write(ground.house.path().join("warroom/warroom.toml"), text).unwrap();
        ground
    }

    fn events(&self) -> Vec<Event> {
        self.runtime.block_on(async {
            let journal = store::open(Place::Postgres(self.spec("room")), Mode::Read).await.unwrap();
            let mut events = Vec::new();
            read_all(journal.as_ref(), Head::EMPTY, |event| events.push(event)).await.unwrap();
            events
        })
    }

    /// How often each note stands in the journal.
    fn notes(&self) -> Vec<String> {
        self.events().iter().filter_map(said).collect()
    }
}

fn said(event: &Event) -> Option<String> {
    match &event.fact {
        Fact::Note(NoteFact::Said { text, .. }) => Some(text.clone()),
        _ => None,
    }
}

/// A note that was acknowledged, and how long the record was then.
struct Acked {
    text: String,
    at: u64,
}

#[derive(Default)]
struct Came {
    acked: Vec<Acked>,
    failed: Vec<(String, String)>,
}

impl Came {
    fn never(&self) -> Vec<&str> {
        let never = self.failed.iter().filter(|(_, why)| why.contains("nothing was recorded"));
        never.map(|(text, _)| text.as_str()).collect()
    }

    fn note(&mut self, ground: &Ground, script: &mut Script, text: String) {
        match script.says(&text) {
            Some(Outcome::Ok { offline: true, .. }) => self.acked.push(Acked { text, at: ground.recorded() }),
            Some(Outcome::Failed { why }) => self.failed.push((text, why)),
            other => panic!("{text}: {other:?}"),
        }
    }
}

/// What is read of a spool that lies there: its notes, in order.
fn lies(disk: &Disk, left: Left<'_>, journal: Digest, name: &str) -> Vec<String> {
    let dir = quick();
    disk.lay_out(dir.path(), left);
    let laid = dir.path().join(FILES[3]);
    if laid.exists() {
        std::fs::rename(laid, dir.path().join(name)).unwrap();
    }
    read(dir.path(), journal)
}

fn read(dir: &Path, journal: Digest) -> Vec<String> {
    // What was torn and never acknowledged may look damaged: it is put aside and told.
    let entries = spool::open(dir, journal).unwrap().entries.into_iter();
    entries
        .filter_map(|entry| match entry.command {
            Command::Note(NoteCommand::Say { text, .. }) => Some(text),
            _ => None,
        })
        .collect()
}

/// Those that were acknowledged are there in their order, each once, and none of those.
fn holds(there: &[String], acked: &[&str], never: &[&str]) -> Result<(), String> {
    let mine: Vec<_> = there.iter().map(String::as_str).filter(|text| acked.contains(text)).collect();
    if mine != acked {
        return Err(format!("acknowledged: {acked:?}, there: {there:?}"));
    }
    match there.iter().find(|text| never.contains(&text.as_str())) {
        Some(text) => Err(format!("{text} was said not to be recorded, and is there")),
        None => Ok(()),
    }
}

fn name(journal: Digest) -> String {
    format!("offline-{}.spool", journal.to_string().chars().take(16).collect::<String>())
}

fn serve<'g>(ground: &'g Ground, fault: &str) -> Served<'g> {
    let mut room = ground.serve(fault);
    assert!(!room.is_over(), "{}", room.said());
    room
}

/// Until what was kept is in the journal.
fn is_back(ground: &Ground) {
    until("it is back", || {
        let status: serde_json::Value =
            serde_json::from_str(&ground.house.ok(&["status", "--json"])).unwrap();
        status["room"]["away"].is_null()
    });
}

/// One room under one fault.
fn struck(far: &mut Far, call: &str, kind: &str, (from, to): (usize, usize), random: &mut Random) {
    let what = format!("{call} {kind} {from} {to}");
    let stays = to > from + 1;
    far.line.set(Line::Open);
    let ground = far.ground();
    let mut room = ground.serve(&what);
    if room.is_over() {
        let said = room.said();
        assert!(
            said.contains("/warroom/") && said.contains("error"),
            "{what}: it ended and says not why: {said:?}"
        );
        return;
    }
    let mut script = Script::greeted(&ground.socket()).unwrap();
    far.line.set(Line::Cut);
    let mut came = Came::default();
    for n in 0..NOTES {
        came.note(&ground, &mut script, format!("{what}: {n} {}.", "x".repeat(n * 1_777 % 9_000)));
    }
    if ground.house.ok(&["status"]).contains("NOTHING CAN BE KEPT while the journal is out of reach") {
        assert!(came.acked.is_empty() && room.said().contains(".spool: Input/output error"), "{what}");
        return;
    }
    for (_, why) in &came.failed {
        assert!(why.contains(".spool") || why.contains("one before it"), "{what}: {why}");
    }
    let opened = came.failed.iter().any(|(_, why)| why.contains("offline-"));
    if stays && opened {
        let status = ground.house.ok(&["status"]);
        let line = status.lines().find(|line| line.contains("OFFLINE")).unwrap_or_default();
        assert!(
            line.contains("NOTHING MORE IS RECORDED: ") && line.contains("(os error "),
            "{what}: {status}"
        );
    }
    if !stays {
        // Where it struck nobody yet, it strikes here; then it goes on.
        came.note(&ground, &mut script, format!("{what}: it goes on"));
        came.note(&ground, &mut script, format!("{what}: and on"));
        assert!(came.failed.len() <= 1, "{what}: {:?}", came.failed);
    }
    drop(script);
    room.kill();
    if far.first == Digest::ZERO {
        far.first = far.events()[0].hash;
    }
    let acked: Vec<_> = came.acked.iter().map(|one| one.text.as_str()).collect();
    let mut disk = Disk::default();
    ground.calls().iter().for_each(|op| disk.goes_on(op));
    for (how, left) in [
        ("nothing that was not synced", Left::Nothing),
        ("everything", Left::All),
        ("some of what was not synced", Left::Some(&mut *random)),
    ] {
        let there = lies(&disk, left, far.first, &name(far.first));
        holds(&there, &acked, &came.never()).unwrap_or_else(|why| panic!("{what}, {how}: {why}"));
    }
    // As it lies, a room sends it when the database is there.
    far.line.set(Line::Open);
    let room = serve(&ground, "");
    is_back(&ground);
    room.stop();
    let notes = far.notes();
    holds(&notes, &acked, &came.never()).unwrap_or_else(|why| panic!("{what}, sent: {why}"));
}

/// How many calls of a kind a room makes that is left in peace.
fn calls(far: &Far, kind: fn(&Call) -> bool) -> usize {
    far.line.set(Line::Open);
    let ground = far.ground();
    let room = serve(&ground, "");
    let mut script = Script::greeted(&ground.socket()).unwrap();
    far.line.set(Line::Cut);
    let mut came = Came::default();
    for n in 0..NOTES {
        came.note(&ground, &mut script, format!("in peace {n}"));
    }
    assert_eq!(came.acked.len(), NOTES, "{:?}", came.failed);
    room.kill();
    let n = ground.calls().iter().filter(|op| kind(&op.call)).count();
    assert!(n > 0, "the shim is not called: is the program linked statically?");
    n
}

fn each(name: &str, call: &str, kinds: &[&str], counted: fn(&Call) -> bool, places: usize) {
    if !wanted(name) {
        return;
    }
    let mut far = Far::new();
    let last = calls(&far, counted);
    let mut random = Random::seeded();
    for n in spread(last, times(places)) {
        for kind in kinds {
            // What is written by half is written on; only that this fails too makes it an error.
            let once = if *kind == "short" { n + 1 } else { n };
            struck(&mut far, call, kind, (n, once), &mut random);
            struck(&mut far, call, kind, (n, 1_000_000), &mut random);
        }
    }
    println!("{call}: {last} calls");
}

#[test]
fn a_write_to_the_spool_that_fails_loses_nothing_that_was_acknowledged() {
    let name = "a_write_to_the_spool_that_fails_loses_nothing_that_was_acknowledged";
    each(name, "write", &["EIO", "ENOSPC", "short"], |call| matches!(call, Call::Write { .. }), PLACES);
}

#[test]
fn a_sync_of_the_spool_that_fails_loses_nothing_that_was_acknowledged() {
    let name = "a_sync_of_the_spool_that_fails_loses_nothing_that_was_acknowledged";
    each(name, "sync", &["EIO"], |call| matches!(call, Call::Sync), SYNCS);
}

/// What cannot be taken back is in doubt, and is not denied.
#[test]
fn what_cannot_be_taken_back_from_the_spool_is_not_denied() {
    if !wanted("what_cannot_be_taken_back_from_the_spool_is_not_denied") {
        return;
    }
    let far = Far::new();
    let ground = far.ground();
    let room = serve(&ground, "");
    let mut script = Script::greeted(&ground.socket()).unwrap();
    far.line.set(Line::Cut);
    let mut came = Came::default();
    came.note(&ground, &mut script, "before".into());
    ground.switch("sync EIO 0 1000000");
    came.note(&ground, &mut script, "in doubt".into());
    assert!(came.failed[0].1.contains("nobody knows whether it was recorded"), "{:?}", came.failed);
    // What comes after it was not even begun, and is denied.
    came.note(&ground, &mut script, "never".into());
    assert!(came.failed[1].1.contains("nothing was recorded"), "{:?}", came.failed);
    ground.switch("");
    came.note(&ground, &mut script, "after".into());
    room.kill();
    far.line.set(Line::Open);
    let room = serve(&ground, "");
    is_back(&ground);
    room.stop();
    let notes = far.notes();
    holds(&notes, &["before", "after"], &["in doubt", "never"]).unwrap();
}

#[test]
fn while_a_sync_of_the_spool_takes_its_time_nobody_is_told_and_the_room_answers() {
    if !wanted("while_a_sync_of_the_spool_takes_its_time_nobody_is_told_and_the_room_answers") {
        return;
    }
    let far = Far::new();
    let ground = far.ground();
    let room = serve(&ground, "");
    far.line.set(Line::Cut);
    until("it is away", || ground.house.ok(&["status"]).contains("OFFLINE"));
    std::fs::write(ground.gate(), "").unwrap();
    ground.switch("sync wait 0 1000000");
    let socket = ground.socket();
    let (tell, told) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        let outcome = Script::greeted(&socket).unwrap().says("slow");
        tell.send(outcome).unwrap();
    });
    until("the sync is reached", || ground.gate().with_extension("reached").exists());
    assert!(ground.house.ok(&["status"]).contains("OFFLINE"));
    assert!(told.try_recv().is_err(), "it was acknowledged before it was durable");
    std::fs::remove_file(ground.gate()).unwrap();
    assert!(matches!(told.recv().unwrap(), Some(Outcome::Ok { offline: true, .. })));
    writer.join().unwrap();
    room.kill();
}

/// What is in the journal and cannot be taken out of the spool is not there twice, and nothing new stands behind it.
#[test]
fn a_spool_that_cannot_be_emptied_takes_nothing_until_it_can() {
    if !wanted("a_spool_that_cannot_be_emptied_takes_nothing_until_it_can") {
        return;
    }
    let far = Far::new();
    let ground = far.ground();
    let room = serve(&ground, "");
    let mut script = Script::greeted(&ground.socket()).unwrap();
    far.line.set(Line::Cut);
    let mut came = Came::default();
    for text in ["one", "two", "three"] {
        came.note(&ground, &mut script, text.into());
    }
    ground.switch("truncate EIO 0 1000000");
    far.line.set(Line::Open);
    is_back(&ground);
    far.line.set(Line::Cut);
    until("it is away again", || ground.house.ok(&["status"]).contains("OFFLINE"));
    came.note(&ground, &mut script, "never".into());
    let why = &came.failed[0].1;
    assert!(why.contains("Input/output error") && why.contains("nothing was recorded"), "{why}");
    assert!(ground.house.ok(&["status"]).contains("NOTHING MORE IS RECORDED: Input/output error"));
    ground.switch("");
    came.note(&ground, &mut script, "four".into());
    assert!(!ground.house.ok(&["status"]).contains("NOTHING MORE IS RECORDED"));
    room.kill();
    far.line.set(Line::Open);
    let room = serve(&ground, "");
    is_back(&ground);
    room.stop();
    holds(&far.notes(), &["one", "two", "three", "four"], &["never"]).unwrap();
}

/// The power goes at any call: every prefix of what a room wrote to its spool opens to all that it had acknowledged by then,
/// or that is in the journal by then.
#[test]
fn every_prefix_of_what_was_written_to_the_spool_opens_to_what_was_acknowledged() {
    if !wanted("every_prefix_of_what_was_written_to_the_spool_opens_to_what_was_acknowledged") {
        return;
    }
    let far = Far::new();
    let ground = far.ground();
    let mut came = Came::default();
    // Killed offline; sent by the next one, which is cut off again.
    for round in 0..3 {
        far.line.set(Line::Open);
        let room = serve(&ground, "");
        is_back(&ground);
        let mut script = Script::greeted(&ground.socket()).unwrap();
        far.line.set(Line::Cut);
        for n in 0..25 {
            let text = format!("{round}: {n} {}.", "x".repeat(n * n % 97 * 160));
            came.note(&ground, &mut script, text);
        }
        assert!(came.failed.is_empty(), "{:?}", came.failed);
        room.kill();
    }
    far.line.set(Line::Open);
    let journaled = far.notes();
    let first = far.events()[0].hash;
    let calls = ground.calls();
    let emptied = |op: &&Op| op.call == Call::Truncate(0);
    assert_eq!(calls.iter().filter(emptied).count(), 2, "each room that found it sent it");
    let mut random = Random::seeded();
    let wanted = spread(calls.len(), times(PREFIXES));
    let (mut disk, mut begun, mut opened) = (Disk::default(), 0, 0);
    for (n, op) in calls.iter().enumerate() {
        disk.goes_on(op);
        // From the moment on that it is emptied, what was in it may be gone: it is in the journal.
        if emptied(&op) {
            begun = came.acked.iter().filter(|one| one.at <= op.end).count();
        }
        if wanted.binary_search(&(n + 1)).is_err() {
            continue;
        }
        let by_then: Vec<_> = came.acked.iter().filter(|one| one.at <= op.end).collect();
        assert!(by_then[..begun].iter().all(|one| journaled.contains(&one.text)));
        let must: Vec<_> = by_then[begun..].iter().map(|one| one.text.as_str()).collect();
        let lefts = [Left::Nothing, Left::All, Left::Some(&mut random)];
        for (how, left) in ["nothing", "all", "some"].iter().zip(lefts) {
            let there = lies(&disk, left, first, &name(first));
            let what = format!("after call {} of {}, {how} of what was not synced", n + 1, calls.len());
            holds(&there, &must, &[]).unwrap_or_else(|why| panic!("{what}: {why}"));
        }
        opened += 1;
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for text in &journaled {
        *counts.entry(text).or_default() += 1;
    }
    assert!(counts.values().all(|times| *times == 1), "{counts:?}");
    println!("{opened} prefixes of {} calls, {} acknowledged", calls.len(), came.acked.len());
}
