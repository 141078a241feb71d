//! What somebody deleted from the journal's file, and hostile text on its way out, on the real program.

use crate::support::house::{House, binary, stderr, until};
use std::{fs, os::unix::fs::PermissionsExt as _};
use warroom::domain::text;

/// Bidi override, C1 control sequence introducer, zero-width space.
const HOSTILE: &str = "x\u{202e}y\u{9b}31mz\u{200b}end";

#[test]
fn a_deleted_payload_is_told_by_the_room_and_an_erased_one_is_not() {
    let house = House::new();
    house.ok(&["declare", "5xx", "--service", "shop"]);
    house.ok(&["note", "the first"]);
    house.ok(&["note", "the second"]);
    let tail = house.ok(&["tail", "--no-follow"]);
    let seq = |what: &str| {
        let line = tail.lines().find(|line| line.contains(what)).unwrap();
        let number = line.split('#').nth(1).unwrap();
        number.split_whitespace().next().unwrap().to_owned()
    };
    let (first, second) = (seq("the first"), seq("the second"));
    house.ok(&["erase", &first, "--reason", "it named a customer"]);
    house.stop();
    house.ok(&["note", "a room again"]);
    assert!(!house.ok(&["status"]).contains("DELETED"), "an erasure says who did it");
    house.stop();
    let db = rusqlite::Connection::open(house.journal()).unwrap();
    assert_eq!(db.execute("DELETE FROM payloads WHERE seq = ?1", [&second]).unwrap(), 1);
    drop(db);
    house.ok(&["note", "after it"]);
    let said = house.ok(&["status"]);
    assert!(said.contains("DELETED") && said.contains(&format!("#{second} said is gone")), "{said}");
    let json: serde_json::Value = serde_json::from_str(&house.ok(&["status", "--json"])).unwrap();
    assert_eq!(json["room"]["missing"], serde_json::json!([second.parse::<u64>().unwrap()]), "{json}");
    let tail = house.ok(&["tail", "--no-follow"]);
    assert!(tail.contains("a room again") && tail.contains("after it"), "the rest is readable: {tail}");
    let log = fs::read_to_string(house.state().join("room.log")).unwrap();
    assert!(log.contains("DELETED"), "{log}");
    house.stop();
    let verified = house.run(&["verify"]);
    let text = String::from_utf8(verified.stdout).unwrap();
    assert_eq!(verified.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("event {second} does not fit: its payload is gone")), "{text}");
}

#[test]
fn json_and_exports_hold_no_character_that_acts_and_are_for_their_owner_alone() {
    let house = House::new();
    house.ok(&["declare", "5xx", "--service", "shop"]);
    house.ok(&["note", HOSTILE]);
    let clean = |text: &str| !text.chars().any(|c| text::acts(c) && c != '\n');
    for args in [&["tail", "--no-follow", "--json"][..], &["status", "--json"]] {
        let out = house.ok(args);
        assert!(clean(&out), "{args:?}: {out:?}");
    }
    let tail = house.ok(&["tail", "--no-follow", "--json"]);
    assert!(tail.contains("31mz"), "{tail}");
    let dir = house.path().join("out");
    let told = house.ok(&["export", "INC-1", "--out", dir.to_str().unwrap(), "--json"]);
    assert!(clean(&told), "{told:?}");
    for name in ["journal.jsonl", "chain.jsonl", "manifest.json", "postmortem.md"] {
        let path = dir.join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(clean(&text), "{name}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    let verified = house.run(&["verify", dir.to_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(0), "the chain is sound all the same: {verified:?}");
}

#[test]
fn what_was_typed_is_repeated_without_acting() {
    let house = House::new();
    for args in [
        &["--socket", "/nowhere/\u{1b}[2J\u{202e}.sock", "status"][..],
        &["freeze", "--for", "\u{1b}[2J\u{202e}"],
        &["\u{1b}]0;x\u{7}"],
        &["tail", "--incident", "\u{9b}2J"],
        &["--config", "/nowhere/\u{1b}[2J.toml", "status"],
    ] {
        let output = house.run(args);
        assert!(!output.status.success(), "{args:?}");
        let said = stderr(&output);
        assert!(!said.is_empty() && !said.chars().any(|c| text::acts(c) && c != '\n'), "{args:?}: {said:?}");
    }
}

#[test]
fn a_file_where_the_socket_is_to_be_is_left_alone() {
    let house = House::new();
    fs::create_dir(house.state()).unwrap();
    fs::set_permissions(house.state(), fs::Permissions::from_mode(0o700)).unwrap();
    let socket = house.state().join("room.sock");
    fs::write(&socket, "my notes").unwrap();
    let dir = house.state();
    let output = house.command(&binary()).args(["room", "--dir"]).arg(&dir).output().unwrap();
    let said = stderr(&output);
    assert!(!output.status.success() && said.contains("a file is there"), "{said}");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "my notes");
    fs::remove_file(&socket).unwrap();
    // A socket that a room left when it was killed is replaced.
    house.ok(&["note", "one"]);
    house.kill_room();
    assert!(socket.exists());
    house.ok(&["note", "two"]);
    until("it answers", || house.run(&["status"]).status.success());
}
