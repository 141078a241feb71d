//! The real program signs where its journal ends, and finds by that what a chain alone cannot show.

use crate::support::house::{House, until};
use std::{fs, path::Path, process::Output};

fn said(output: &Output) -> (Option<i32>, String) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}

fn sql(path: &Path, sql: &str) {
    let db = rusqlite::Connection::open(path).unwrap();
    db.execute_batch(
        "DROP TRIGGER IF EXISTS events_stay; DROP TRIGGER IF EXISTS events_keep; DROP TRIGGER IF EXISTS payloads_stay; \
         PRAGMA foreign_keys=OFF;",
    )
    .unwrap();
    db.execute_batch(sql).unwrap();
}

/// A room that lived and was stopped, with five more events than were signed in the middle; gives the newest event.
fn lived(house: &House) -> u64 {
    house.ok(&["declare", "5xx", "--service", "shop"]);
    for i in 0..5 {
        house.ok(&["note", &format!("note {i}")]);
    }
    house.stop();
    let report: serde_json::Value = serde_json::from_str(&house.ok(&["verify", "--json"])).unwrap();
    report["sound"].as_u64().unwrap()
}

#[test]
fn a_room_signs_its_journal_and_what_is_cut_off_or_forged_is_found() {
    let house = House::new();
    let newest = lived(&house);
    let sound = house.ok(&["verify"]);
    assert!(sound.starts_with(&format!("sound: {newest} events")), "{sound}");
    assert!(sound.contains(&format!("anchored up to event {newest}, by the checkpoint by ")), "{sound}");
    assert!(sound.contains("nothing after it"), "{sound}");
    let key = house.ok(&["journal", "key"]);
    assert_eq!(key.lines().count(), 1);
    let kept = house.state().join("journal.checkpoints");
    let elsewhere = house.path().join("kept");
    fs::copy(&kept, &elsewhere).unwrap();
    let (elsewhere, journal) = (elsewhere.to_str().unwrap(), house.journal());
    let against = |more: &[&str]| {
        let mut all = vec!["verify", "--checkpoint", elsewhere];
        all.extend(more);
        said(&house.run(&all))
    };
    assert_eq!(against(&["--key", key.trim()]).0, Some(0));
    // By another key it cannot be checked, which is not the same as sound.
    let other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let (code, text) = against(&["--key", other]);
    assert!(code == Some(2) && text.contains("INCOMPLETE") && text.contains("--key"), "{text}");
    let (code, text) = against(&["--key", "nonsense"]);
    assert!(code == Some(2) && text.contains("--key nonsense"), "{text}");

    // A number in a checkpoint is changed.
    let good = fs::read_to_string(&kept).unwrap();
    fs::write(&kept, good.replace(&format!("\n{newest}\n"), &format!("\n{}\n", newest - 1))).unwrap();
    let (code, text) = said(&house.run(&["verify"]));
    assert!(code == Some(1) && text.contains("TAMPERED"), "{text}");
    fs::write(&kept, &good).unwrap();

    // The end is cut off; the first that is missing is named.
    let cut = newest - 2;
    sql(&journal, &format!("DELETE FROM payloads WHERE seq >= {cut}; DELETE FROM events WHERE seq >= {cut}"));
    let (code, text) = said(&house.run(&["verify"]));
    assert!(code == Some(1) && text.contains(&format!("event {cut} does not fit: it is missing")), "{text}");
    let report = house.run(&["verify", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["fault"], &report["broken"][0]), (&"cut".into(), &cut.into()));
    // With the checkpoints gone too, only those that were kept elsewhere know.
    fs::remove_file(&kept).unwrap();
    let (code, text) = said(&house.run(&["verify"]));
    assert!(code == Some(0) && text.contains("anchored: nothing"), "{text}");
    assert_eq!(against(&["--key", key.trim()]).0, Some(1));
    // A room goes on, says so, and signs nothing on top of it.
    fs::write(&kept, &good).unwrap();
    house.ok(&["note", "after the cut"]);
    until("the room says what it found", || house.ok(&["status"]).contains("DO NOT TRUST THE RECORD"));
    house.stop();
    assert_eq!(fs::read_to_string(&kept).unwrap(), good);
}

#[test]
fn an_export_is_checked_without_the_room() {
    let house = House::new();
    house.ok(&["declare", "5xx", "--service", "shop"]);
    house.ok(&["note", "the password is password=hunter2hunter2"]);
    house.ok(&["note", "a plain one"]);
    house.stop();
    house.ok(&["note", "by the next room, which shows the checkpoint of the one before"]);
    let dir = house.path().join("export");
    let out = dir.to_str().unwrap();
    until("the checkpoint is shown", || house.ok(&["status"]).contains("signed  up to event"));
    house.ok(&["export", "INC-1", "--out", out]);
    house.stop();
    let key = house.ok(&["journal", "key"]);
    fs::remove_dir_all(house.state()).unwrap();
    let (code, text) = said(&house.run(&["verify", out]));
    assert!(code == Some(0) && text.contains("anchored up to event") && text.contains("--key"), "{text}");
    let (code, text) = said(&house.run(&["verify", out, "--key", key.trim()]));
    assert_eq!(code, Some(0), "{text}");
    // People go on writing in the post-mortem; that is no tampering.
    let page = dir.join("postmortem.md");
    fs::write(&page, fs::read_to_string(&page).unwrap() + "more\n").unwrap();
    let (code, text) = said(&house.run(&["verify", out]));
    assert!(code == Some(0) && text.contains("postmortem.md was edited"), "{text}");
    let change = |file: &str, from: &str, to: &str| {
        let path = dir.join(file);
        let good = fs::read_to_string(&path).unwrap();
        assert!(good.contains(from), "{good}");
        fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let told = said(&house.run(&["verify", out, "--key", key.trim()]));
        fs::write(&path, good).unwrap();
        told
    };
    let (code, text) = change("journal.jsonl", "a plain one", "another one");
    assert!(code == Some(1) && text.contains("tells something else than the chain"), "{text}");
    let (code, text) = change("chain.jsonl", "a plain one", "another one");
    assert!(code == Some(1) && text.contains("its payload was changed"), "{text}");
    let lines = fs::read_to_string(dir.join("chain.jsonl")).unwrap();
    let third = lines.lines().nth(2).unwrap().to_owned() + "\n";
    let (code, text) = change("chain.jsonl", &third, "");
    assert!(code == Some(1) && text.contains("event 3 does not fit: event 3 is missing"), "{text}");
    let last = lines.lines().next_back().unwrap().to_owned() + "\n";
    let (code, text) = change("chain.jsonl", &last, "");
    assert!(code == Some(1) && text.contains("it is missing"), "{text}");
    let (code, text) = change("checkpoint.txt", "\u{2014} ", "\u{2014} x");
    assert_ne!(code, Some(0), "{text}");
    fs::remove_file(dir.join("manifest.json")).unwrap();
    let (code, text) = said(&house.run(&["verify", out]));
    assert!(code == Some(2) && text.contains("neither a journal nor an export"), "{text}");
}
