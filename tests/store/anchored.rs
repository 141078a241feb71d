//! The real program signs where its journal ends, and finds by that what a chain alone cannot show.

use crate::support::{
    house::{House, binary, until},
    peer::{free_port, start, wanted},
    pty::Pty,
};
use sha2::{Digest as _, Sha256};
use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Output},
};
use warroom::journal::checkpoint::{Note, Signed, Verifier};

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

#[test]
fn an_event_that_an_export_holds_back_whole_makes_it_incomplete_and_not_tampered() {
    let house = House::new();
    house.ok(&["declare", "5xx", "--service", "shop"]);
    house.ok(&["note", "one"]);
    house.ok(&["note", "two"]);
    let dir = house.path().join("export");
    let out = dir.to_str().unwrap();
    house.ok(&["export", "INC-1", "--out", out]);
    house.stop();
    // As it is written where the header of an event names a secret.
    let chain = dir.join("chain.jsonl");
    let good = fs::read_to_string(&chain).unwrap();
    let held = |n: usize, change: &dyn Fn(&mut serde_json::Map<String, serde_json::Value>)| {
        let mut lines: Vec<_> = good.lines().map(str::to_owned).collect();
        let mut line: serde_json::Map<_, _> = serde_json::from_str(&lines[n]).unwrap();
        line.insert("header".into(), "".into());
        line.insert("withheld".into(), true.into());
        line.remove("salt");
        line.remove("payload");
        change(&mut line);
        lines[n] = serde_json::to_string(&line).unwrap();
        let text = lines.join("\n") + "\n";
        let digest = Sha256::digest(&text).iter().fold(String::new(), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        });
        fs::write(&chain, text).unwrap();
        let manifest = dir.join("manifest.json");
        let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
        for file in json["files"].as_array_mut().unwrap() {
            if file["path"] == "chain.jsonl" {
                file["sha256"] = digest.clone().into();
            }
        }
        fs::write(&manifest, json.to_string()).unwrap();
        said(&house.run(&["verify", out]))
    };
    let all = good.lines().count();
    let (code, text) = held(3, &|_| ());
    assert_eq!(code, Some(2), "{text}");
    assert!(text.starts_with("INCOMPLETE: event 4 was held back whole"), "{text}");
    assert!(text.contains(&format!("the other {} events are sound", all - 1)), "{text}");
    let json: serde_json::Value =
        serde_json::from_slice(&house.run(&["verify", out, "--json"]).stdout).unwrap();
    assert_eq!((&json["unchecked"], &json["broken"]), (&serde_json::json!([4]), &serde_json::Value::Null));
    // What is said of its place must fit.
    let zeros = "0".repeat(64);
    for (field, at) in [("hash", "event 4"), ("prev", "event 4")] {
        let (code, text) = held(3, &|line| drop(line.insert(field.into(), zeros.clone().into())));
        assert!(code == Some(1) && text.contains(at), "{field}: {text}");
    }
    let (code, text) = held(3, &|line| drop(line.insert("withheld".into(), false.into())));
    assert_eq!(code, Some(1), "nothing says that it was held back: {text}");
}

/// A seat of one user in a terminal.
fn seat(house: &House) -> Pty {
    let home = house.path().to_string_lossy().into_owned();
    let env = [
        ("XDG_STATE_HOME", home.as_str()),
        ("XDG_CONFIG_HOME", home.as_str()),
        ("TZ", "UTC"),
        ("WARROOM_SOCKET", ""),
    ];
    Pty::spawn(binary(), &[], &env, (120, 40))
}

#[test]
fn a_doubt_lasts_until_a_person_says_why_it_does_not() {
    const LOUD: &str = "DO NOT TRUST THE RECORD";
    let house = House::new();
    house.ok(&["declare", "5xx", "--service", "shop"]);
    for i in 0..5 {
        house.ok(&["note", &format!("note {i}")]);
    }
    house.stop();
    let witness = house.state().join("witness.json");
    let mut first = seat(&house);
    first.wait_for("INC-1");
    until("it was seen", || witness.exists());
    first.signal(rustix::process::Signal::TERM);
    first.exit();
    assert_eq!(said(&house.run(&["journal", "doubts"])), (Some(0), "your seats doubt no journal\n".into()));
    house.stop();

    // Who has the room's files writes another history, and signs it with the same key.
    for file in ["journal.db", "journal.checkpoints"] {
        fs::remove_file(house.state().join(file)).unwrap();
    }
    house.ok(&["note", "another history"]);
    house.stop();
    let mut second = seat(&house);
    second.wait_for(LOUD);
    second.signal(rustix::process::Signal::TERM);
    second.exit();
    // It grows, and the next seat doubts it still.
    for i in 0..30 {
        house.ok(&["note", &format!("more {i}")]);
    }
    house.stop();
    let third = seat(&house);
    third.wait_for(LOUD);
    let (code, text) = said(&house.run(&["journal", "doubts"]));
    assert!(code == Some(1) && text.contains("lost events") && text.contains("since 2"), "{text}");
    let (code, text) = said(&house.run(&["journal", "trust", " "]));
    assert!(code == Some(1) && text.contains("say why"), "{text}");
    assert!(third.screen_text().contains(LOUD));
    house.ok(&["journal", "trust", "the disk was replaced, and nothing was restored"]);
    third.wait_until("the seat believes it again", |screen| !screen.contents().contains(LOUD));
    let (code, text) = said(&house.run(&["journal", "doubts"]));
    assert!(code == Some(0) && text.contains("the disk was replaced"), "{text}");
    assert_eq!(house.run(&["journal", "trust", "again"]).status.code(), Some(1));
}

#[test]
fn a_checkpoint_reaches_rsyslog_whole_over_each_transport() {
    if !wanted("checkpoints through rsyslog") {
        return;
    }
    let house = House::new();
    let (udp, tcp) = (free_port(), free_port());
    let (conf, out) = (house.path().join("rsyslog.conf"), house.path().join("out"));
    let log = house.path().join("log");
    let rules = format!(
        "module(load=\"imudp\")\nmodule(load=\"imtcp\")\nmodule(load=\"imuxsock\" SysSock.Use=\"off\")\n\
         template(name=\"line\" type=\"string\" string=\"%inputname% %syslogfacility-text% %APP-NAME% %MSGID% %msg%\\n\")\n\
         ruleset(name=\"all\") {{ action(type=\"omfile\" file=\"{}\" template=\"line\") }}\n\
         input(type=\"imudp\" address=\"127.0.0.1\" port=\"{udp}\" ruleset=\"all\")\n\
         input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{tcp}\" ruleset=\"all\")\n\
         input(type=\"imuxsock\" socket=\"{}\" useSpecialParser=\"off\" ruleset=\"all\")\n",
        out.display(),
        log.display()
    );
    fs::write(&conf, rules).unwrap();
    let pid = house.path().join("pid");
    let args = ["-n", "-f", conf.to_str().unwrap(), "-i", pid.to_str().unwrap()];
    let server = start(Command::new("rsyslogd").args(args));
    until("it listens", || log.exists() && std::net::TcpStream::connect(("127.0.0.1", tcp)).is_ok());
    let config = house.path().join("warroom.toml");
    let to = format!("[\"unix:{}\", \"udp:127.0.0.1:{udp}\", \"tcp:127.0.0.1:{tcp}\"]", log.display());
    fs::write(&config, format!("[journal.checkpoint]\nevents = 1\nto = {to}\n")).unwrap();
    let config = config.to_str().unwrap();
    house.ok(&["--config", config, "note", "one"]);
    let key: Verifier = house.ok(&["journal", "key"]).trim().parse().unwrap();
    // As a person takes them out of the file again: what stands behind @cee: is JSON with the note in it.
    let heads = |input: &str| -> Vec<u64> {
        let text = fs::read_to_string(&out).unwrap_or_default();
        let lines = text
            .lines()
            .filter_map(|line| line.strip_prefix(input)?.strip_prefix(" audit warroom checkpoint "));
        let one = |line: &str| {
            let json = line.split_once("@cee: ").unwrap().1;
            let json: serde_json::Value = serde_json::from_str(json).unwrap();
            let note: Note = json["checkpoint"].as_str().unwrap().parse().unwrap();
            assert!(matches!(note.signed(std::slice::from_ref(&key)), Signed::By(_)), "{line}");
            note.head.seq
        };
        lines.map(one).collect()
    };
    for input in ["imuxsock", "imudp", "imtcp"] {
        until(&format!("one came through {input}"), || !heads(input).is_empty());
    }
    // While it is away the newest waits, and nothing older need come.
    drop(server);
    let before = heads("imtcp").last().copied();
    house.ok(&["--config", config, "note", "two"]);
    until("the room says so", || house.ok(&["--config", config, "status"]).contains("does not reach"));
    fs::remove_file(&log).unwrap_or_default();
    let _server = start(Command::new("rsyslogd").args(args));
    until("the newest comes", || heads("imtcp").last().copied() > before);
    until("all is well again", || !house.ok(&["--config", config, "status"]).contains("does not reach"));
    house.stop_with(config);
}
