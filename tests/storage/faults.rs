//! Calls that fail: each n-th one, once or from then on.

use crate::{
    disk::{Call, Disk, Random},
    prefixes::{Acked, holds, noted, spread, survives, times},
    shim::{Ground, Served},
    support::{
        house::{stderr, until},
        script::Script,
    },
};
use std::fs;
use warroom::wire::Outcome;

/// Places of each kind of fault where `WARROOM_FAULTS` does not say how many; of syncs there are few, and each counts.
const PLACES: usize = 4;
const SYNCS: usize = 32;
/// Notes that are written while it strikes.
const NOTES: usize = 14;

fn text(i: usize) -> String {
    format!("note {i} {}.", "x".repeat(i * 1_777 % 9_000))
}

/// What came of notes under a fault.
#[derive(Default)]
struct Came {
    acked: Vec<Acked>,
    /// What was not taken, and why.
    failed: Vec<(String, String)>,
    up: bool,
}

fn write_notes(ground: &Ground, room: &mut Served<'_>) -> Came {
    let mut came = Came { up: !room.is_over(), ..Came::default() };
    let Some(mut script) = came.up.then(|| Script::greeted(&ground.socket())).flatten() else { return came };
    for i in 0..NOTES {
        let text = text(i);
        match script.says(&text) {
            Some(Outcome::Ok { seqs, .. }) => {
                came.acked.push(Acked { seq: seqs[0], text, at: ground.recorded() });
            }
            Some(Outcome::Failed { why }) => came.failed.push((text, why)),
            Some(Outcome::Refused(refusal)) => panic!("{refusal}"),
            None => break,
        }
    }
    came
}

/// How many calls of a kind a room makes that is left in peace.
fn calls(kind: fn(&Call) -> bool) -> usize {
    let ground = Ground::new();
    let mut room = ground.serve("");
    let came = write_notes(&ground, &mut room);
    assert_eq!(came.acked.len(), NOTES);
    room.stop();
    let n = ground.calls().iter().filter(|op| kind(&op.call)).count();
    assert!(n > 0, "the shim is not called: is the program linked statically?");
    n
}

/// One room under one fault: nothing that it acknowledged is missing, whatever is left of its disk.
fn struck(call: &str, kind: &str, (from, to): (usize, usize), random: &mut Random) {
    let what = format!("{call} {kind} {from} {to}");
    let stays = to > from + 1;
    let ground = Ground::new();
    let mut room = ground.serve(&what);
    let mut came = write_notes(&ground, &mut room);
    if !came.up {
        let said = room.said();
        assert!(said.contains("/journal."), "{what}: it ended and says not why: {said:?}");
    }
    for (_, why) in &came.failed {
        assert!(why.contains("journal.db"), "{what}: {why}");
        assert!(why.contains("I/O") || why.contains("full"), "{what}: {why}");
    }
    if came.up && !came.failed.is_empty() && stays {
        let status = ground.house.ok(&["status"]);
        let line = status.lines().find(|line| line.contains("READ ONLY")).unwrap_or_default();
        assert!(line.contains("I/O") || line.contains("full"), "{what}: {status}");
    }
    if came.up && !stays {
        let mut script = Script::greeted(&ground.socket()).expect("it answers");
        // Where it struck nobody yet, it strikes here.
        for text in ["it goes on", "and on"] {
            match script.says(text) {
                Some(Outcome::Ok { seqs, .. }) => {
                    came.acked.push(Acked { seq: seqs[0], text: text.into(), at: ground.recorded() });
                }
                Some(Outcome::Failed { why }) => came.failed.push((text.into(), why)),
                other => panic!("{what}: {other:?}"),
            }
        }
        let lost = came.failed.len();
        assert!(lost <= 1, "{what}: {lost} notes were not taken");
    }
    if from % 2 == 0 {
        room.kill();
    } else {
        room.stop();
    }

    let verified = ground.house.run(&["verify"]);
    let sound =
        verified.status.code() == Some(0) || (came.acked.is_empty() && verified.status.code() == Some(2));
    assert!(sound, "{what}: {verified:?}");
    let acked: Vec<_> = came.acked.iter().collect();
    let never = came.failed.iter().filter(|(_, why)| why.contains("nothing was recorded"));
    let never: Vec<_> = never.map(|(text, _)| text.as_str()).collect();
    let mut disk = Disk::default();
    for op in ground.calls() {
        disk.goes_on(&op);
    }
    survives(&disk, &acked, &never, random, &what);
    if let Err(why) = holds(&ground.house.state(), &acked, &never) {
        panic!("{what}, as it lies: {why}");
    }
}

/// Once, and from then on, at places spread over all calls.
fn each(call: &str, kinds: &[&str], counted: fn(&Call) -> bool, places: usize) {
    let last = calls(counted);
    let mut random = Random::seeded();
    for n in spread(last, times(places)) {
        for kind in kinds {
            // What is written by half is written on; only that this fails too makes it an error.
            let once = if *kind == "short" { n + 1 } else { n };
            struck(call, kind, (n, once), &mut random);
            struck(call, kind, (n, 1_000_000), &mut random);
        }
    }
    println!("{call}: {last} calls");
}

#[test]
fn a_write_that_fails_loses_nothing_that_was_acknowledged() {
    each("write", &["EIO", "ENOSPC"], |call| matches!(call, Call::Write { .. }), PLACES);
}

#[test]
fn a_write_that_is_cut_short_loses_nothing_that_was_acknowledged() {
    each("write", &["short"], |call| matches!(call, Call::Write { .. }), PLACES);
}

#[test]
fn a_sync_that_fails_loses_nothing_that_was_acknowledged() {
    each("sync", &["EIO", "ENOSPC"], |call| matches!(call, Call::Sync), SYNCS);
}

#[test]
fn a_file_that_cannot_be_cut_loses_nothing_that_was_acknowledged() {
    each("truncate", &["EIO"], |call| matches!(call, Call::Truncate(_)), PLACES);
}

/// What a failed sync should have written the system holds for written: what is read back proves nothing, and a second
/// sync that succeeds neither.
#[test]
fn what_a_failed_sync_left_behind_takes_nothing_with_it() {
    let mut random = Random::seeded();
    for killed in [false, true] {
        let ground = Ground::new();
        let mut room = ground.serve("");
        let mut script = Script::greeted(&ground.socket()).unwrap();
        let before = noted(&ground, &mut script, "before");
        ground.switch("sync EIO 0 1000000");
        let Some(Outcome::Failed { why }) = script.says("while syncs fail") else { panic!("it was taken") };
        assert!(why.contains("nobody knows"), "{why}");
        if killed {
            room.kill();
            ground.switch("");
            room = ground.serve("");
            script = Script::greeted(&ground.socket()).unwrap();
        } else {
            ground.switch("");
        }
        let after = noted(&ground, &mut script, "after");
        room.kill();
        let mut disk = Disk::default();
        for op in ground.calls() {
            disk.goes_on(&op);
        }
        survives(&disk, &[&before, &after], &[], &mut random, &format!("killed in between: {killed}"));
    }
}

#[test]
fn what_was_said_not_to_be_recorded_does_not_come_back() {
    let mut random = Random::seeded();
    let ground = Ground::new();
    let room = ground.serve("");
    let mut script = Script::greeted(&ground.socket()).unwrap();
    let before = noted(&ground, &mut script, "before");
    let syncs = ground.calls().iter().filter(|op| op.call == Call::Sync).count();
    // Only the commit's own fails; that the log is set right after it succeeds.
    ground.switch(&format!("sync EIO {n} {n}", n = syncs + 1));
    let Some(Outcome::Failed { why }) = script.says("never") else { panic!("it was taken") };
    assert!(why.contains("nothing was recorded"), "{why}");
    room.kill();
    let mut disk = Disk::default();
    for op in ground.calls() {
        disk.goes_on(&op);
    }
    survives(&disk, &[&before], &["never"], &mut random, "killed right after");
}

#[test]
fn while_a_sync_takes_its_time_nobody_is_told_and_the_room_answers() {
    let ground = Ground::new();
    let room = ground.serve("");
    fs::write(ground.gate(), "").unwrap();
    ground.switch("sync wait 0 1000000");
    let socket = ground.socket();
    let (tell, told) = std::sync::mpsc::channel();
    let writer = std::thread::spawn(move || {
        let outcome = Script::greeted(&socket).unwrap().says("slow");
        tell.send(outcome).unwrap();
    });
    until("the sync is reached", || ground.gate().with_extension("reached").exists());
    assert!(ground.house.ok(&["status"]).contains("journal"));
    let gate = ["gate", "--service", "s", "--env", "e", "--artifact", "a", "--action", "deploy"];
    assert_eq!(ground.house.run(&gate).status.code(), Some(0), "{}", stderr(&ground.house.run(&gate)));
    assert!(told.try_recv().is_err(), "it was acknowledged before it was durable");
    fs::remove_file(ground.gate()).unwrap();
    assert!(matches!(told.recv().unwrap(), Some(Outcome::Ok { .. })));
    writer.join().unwrap();
    room.stop();
}
