//! What can be wrong with a journal, on the real binary: each says what, where, and what to do; nothing acknowledged is
//! lost, and nothing runs unrecorded.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod support;

use std::{
    path::Path,
    process::{Child, Command, Output, Stdio},
};
use support::house::{House, binary, stderr, until};

/// A closed journal with one note in it.
fn closed(house: &House) -> Vec<u8> {
    house.ok(&["note", "first"]);
    house.stop();
    std::fs::read(house.journal()).unwrap()
}

/// Fails to open, in these words, and leaves the file as it is.
fn refuses(house: &House, words: &[&str]) {
    let before = std::fs::read(house.journal()).unwrap();
    let output = house.run(&["note", "second"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(20), "{said}");
    for word in words.iter().chain(&["journal.db"]) {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
    assert_eq!(std::fs::read(house.journal()).unwrap(), before, "the file was changed");
}

#[test]
fn a_file_that_is_no_journal_is_refused() {
    let house = House::new();
    closed(&house);
    std::fs::write(house.journal(), b"GIF89a, and more than sixteen bytes of it").unwrap();
    refuses(&house, &["restore a copy"]);
}

#[test]
fn a_journal_of_a_newer_version_is_refused() {
    let house = House::new();
    closed(&house);
    let db = rusqlite::Connection::open(house.journal()).unwrap();
    db.execute_batch("PRAGMA user_version = 99").unwrap();
    drop(db);
    refuses(&house, &["format 99", "newer one"]);
    assert_eq!(house.run(&["verify"]).status.code(), Some(2));
}

#[test]
fn a_journal_cut_anywhere_is_refused_or_whole() {
    let house = House::new();
    let raw = closed(&house);
    for part in [1, 2, 3, 5, 7] {
        std::fs::write(house.journal(), &raw[..raw.len() * part / 8]).unwrap();
        refuses(&house, &[]);
        assert_ne!(house.run(&["verify"]).status.code(), Some(0));
    }
    std::fs::write(house.journal(), &raw).unwrap();
    house.ok(&["note", "second"]);
}

#[test]
fn a_journal_whose_log_was_lost_before_it_was_ever_folded_in_is_refused() {
    let house = House::new();
    house.ok(&["note", "first"]);
    // A copy taken of the main file alone, while the room writes.
    let copy = house.path().join("copy.db");
    std::fs::copy(house.journal(), &copy).unwrap();
    let output = house.run(&["verify", copy.to_str().unwrap()]);
    let code = output.status.code();
    // What was folded in already is a sound beginning; what was not is said to be missing.
    assert!(
        code == Some(2) || (code == Some(0) && !String::from_utf8_lossy(&output.stdout).contains("3 events")),
        "{output:?}"
    );
}

#[test]
fn two_rooms_never_share_a_journal_nor_a_socket() {
    let house = House::new();
    house.ok(&["note", "first"]);
    let config = house.path().join("other.toml");
    std::fs::write(&config, format!("[journal]\npath = '{}'\n", house.path().join("other.db").display()))
        .unwrap();
    let same_socket = house.run(&["--config", config.to_str().unwrap(), "serve"]);
    assert_eq!(same_socket.status.code(), Some(1));
    assert!(stderr(&same_socket).contains("held by a room"), "{same_socket:?}");

    let link = house.path().join("link.db");
    std::os::unix::fs::symlink(house.journal(), &link).unwrap();
    std::fs::write(&config, format!("[journal]\npath = '{}'\n", link.display())).unwrap();
    let elsewhere = house.path().join("elsewhere");
    let same_file =
        house.run(&["--config", config.to_str().unwrap(), "serve", "--dir", elsewhere.to_str().unwrap()]);
    assert_eq!(same_file.status.code(), Some(1));
    assert!(stderr(&same_file).contains("held by a room"), "{same_file:?}");
    house.ok(&["note", "second"]);
}

/// As on a file system that keeps no locks, or after somebody tidied the lock files away: two rooms write to one journal.
#[test]
fn a_second_room_is_refused_also_where_the_lock_files_were_removed() {
    let house = House::new();
    house.ok(&["note", "of the first room"]);
    for lock in ["journal.lock", "room.lock"] {
        let _ = std::fs::remove_file(house.state().join(lock));
    }
    let config = house.path().join("second.toml");
    std::fs::write(
        &config,
        format!("[journal]\npath = '{}'\n[gate]\nlisten = '127.0.0.1:0'\n", house.journal().display()),
    )
    .unwrap();
    let second = house
        .command(&binary())
        .arg("--config")
        .arg(&config)
        .args(["serve", "--dir"])
        .arg(house.path().join("elsewhere"))
        .output()
        .unwrap();
    assert!(!second.status.success(), "{second:?}");
    assert!(stderr(&second).contains("has this file as its journal"), "{second:?}");
    house.ok(&["note", "it goes on"]);
    let told = house.ok(&["tail", "--no-follow", "--all"]);
    assert!(told.contains("of the first room") && told.contains("it goes on"), "{told}");
}

#[test]
fn many_first_seats_at_once_find_one_room() {
    let house = House::new();
    let all: Vec<Child> = (0..8)
        .map(|n| {
            house
                .command(&binary())
                .args(["note", &format!("n{n}")])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    for one in all {
        let output = one.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let told = house.ok(&["tail", "--no-follow", "--all"]);
    assert_eq!(told.matches("room opened").count(), 1, "{told}");
    assert_eq!(told.lines().filter(|line| line.contains(" n")).count(), 8, "{told}");
}

const RUNBOOK: &str = r#"---
title: Put back
warroom:
  inputs:
    - {name: GOOD, prompt: Last good release, pattern: '[0-9.]+'}
---
# Put back

1. [ ] Switch

   ```sh { name=switch kind=run }
   echo "$GOOD" >> RAN
   ```
"#;

/// A room whose files may not grow beyond 400 KiB, as on a disk that is full.
fn limited(house: &House) -> Child {
    let script = "ulimit -f 400; exec \"$WARROOM_BIN\" serve";
    let child = house.command("bash").args(["-c", script]).stderr(Stdio::null()).spawn().unwrap();
    until("the room listens", || house.run(&["status"]).status.success());
    child
}

#[test]
fn a_disk_that_takes_no_more_loses_nothing_and_runs_nothing() {
    let house = House::new();
    let ran = house.path().join("ran");
    let runbook = house.path().join("put-back.md");
    std::fs::write(&runbook, RUNBOOK.replace("RAN", &ran.display().to_string())).unwrap();
    let mut room = limited(&house);
    house.ok(&["step", "start", runbook.to_str().unwrap(), "--input", "GOOD=2.4.0"]);
    let mut acknowledged = Vec::new();
    let mut refused = None;
    // Long ones until none is taken, and then short ones, for which there may be some space left.
    for size in [8_000, 1] {
        let mut tries = 0;
        while tries < 3 {
            let text = format!("note {} {}", acknowledged.len(), "x".repeat(size));
            let output = house.run(&["note", &text]);
            if output.status.success() {
                acknowledged.push(text);
                assert!(acknowledged.len() < 500, "the limit does not bite");
            } else {
                tries += 1;
                refused = Some(output);
            }
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.status.code(), Some(12), "{refused:?}");
    assert!(stderr(&refused).contains("nothing was recorded"), "{refused:?}");
    // It lives, says so, answers the gate with "undecided", and runs nothing.
    assert!(house.ok(&["status"]).contains("READ ONLY"));
    let gate = house.run(&["gate", "--service", "s", "--env", "e", "--artifact", "a", "--action", "deploy"]);
    assert_eq!(gate.status.code(), Some(12), "{gate:?}");
    let take = house.run(&["step", "take"]);
    let copied = String::from_utf8_lossy(&take.stdout).into_owned();
    assert_eq!(take.status.code(), Some(12), "{take:?}");
    assert!(
        copied.contains("UNRECORDED") && copied.contains("GOOD=2.4.0") && copied.contains("echo"),
        "{copied}"
    );
    assert!(!ran.exists(), "it ran unrecorded");
    house.ok(&["stop"]);
    room.wait().unwrap();
    // With room to write it stands where it stood.
    let told = house.ok(&["note", "back"]);
    assert!(told.contains("done"));
    let told = house.ok(&["tail", "--no-follow", "--all"]);
    for text in &acknowledged {
        assert!(told.contains(text.as_str()), "an acknowledged note is gone");
    }
    assert_eq!(house.run(&["verify"]).status.code(), Some(0));
}

#[test]
fn where_no_room_can_be_had_the_commands_are_still_there_to_copy() {
    let house = House::new();
    let runbook = house.path().join("put-back.md");
    std::fs::write(&runbook, RUNBOOK.replace("RAN", "/nowhere")).unwrap();
    let raw = closed(&house);
    std::fs::write(house.journal(), &raw[..raw.len() / 2]).unwrap();
    let start = house.run(&["step", "start", runbook.to_str().unwrap(), "--input", "GOOD=2.4.0"]);
    let copied = String::from_utf8_lossy(&start.stdout).into_owned();
    assert_eq!(start.status.code(), Some(20), "{start:?}");
    assert!(
        copied.contains("UNRECORDED") && copied.contains("GOOD=2.4.0") && copied.contains("echo"),
        "{copied}"
    );
}

/// Runs a script as root of a mount table of its own; nothing where the system does not allow that.
fn in_own_mounts(house: &House, script: &Path) -> Option<Output> {
    let mut may = Command::new("unshare");
    let may = may.args(["-rm", "sh", "-c", "mount -t tmpfs none /mnt"]).stderr(Stdio::null()).status();
    if !may.is_ok_and(|status| status.success()) {
        println!("skipped: this system lets nobody mount in a namespace of his own");
        return None;
    }
    Some(house.command("unshare").args(["-rm", "bash", script.to_str().unwrap()]).output().unwrap())
}

#[test]
fn a_full_disk_under_journal_and_log_does_not_end_the_room() {
    let house = House::new();
    let script = house.path().join("full.sh");
    std::fs::write(&script, r#"
set -u
mkdir "$XDG_STATE_HOME/warroom"; mount -t tmpfs -o size=700k,mode=700 none "$XDG_STATE_HOME/warroom" || exit 99
"$WARROOM_BIN" note one || exit 1
dd if=/dev/zero of="$XDG_STATE_HOME/warroom/fill" bs=1k 2>/dev/null
for n in 1 2 3 4 5 6; do "$WARROOM_BIN" note "lost $n"; [ $? = 12 ] || exit 2; done
"$WARROOM_BIN" status | grep -q "READ ONLY" || exit 3
rm "$XDG_STATE_HOME/warroom/fill"
"$WARROOM_BIN" note two || exit 4
"$WARROOM_BIN" tail --no-follow --all > "$XDG_STATE_HOME/told" || exit 5
[ "$(grep -c 'room opened' "$XDG_STATE_HOME/told")" = 1 ] || exit 6
"$WARROOM_BIN" verify || exit 7
"$WARROOM_BIN" stop
# Looked at where nothing can be written, as a copy kept for evidence is.
for try in $(seq 100); do mount -o remount,ro "$XDG_STATE_HOME/warroom" && break; sleep 0.05; done
[ -w "$XDG_STATE_HOME/warroom" ] && exit 8
"$WARROOM_BIN" verify "$XDG_STATE_HOME/warroom/journal.db" || exit 9
"$WARROOM_BIN" note three 2> "$XDG_STATE_HOME/ro" && exit 10
grep -q "read-only" "$XDG_STATE_HOME/ro" || exit 11
"#).unwrap();
    if let Some(output) = in_own_mounts(&house, &script) {
        let code = output.status.code();
        assert_eq!(code, Some(0), "{} {}", String::from_utf8_lossy(&output.stdout), stderr(&output));
    }
}
