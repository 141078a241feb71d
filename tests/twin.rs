//! What scripts do: commands on the record, commands as JSON, on the real program.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod support;

use std::process::Stdio;
use support::house::{House, binary, stderr, until};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Pinned facts of the journal, as JSON.
fn pinned(house: &House) -> Vec<serde_json::Value> {
    let all = house.ok(&["tail", "--no-follow", "--all", "--json"]);
    all.lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter_map(|event| event.pointer("/fact/note/pinned").cloned())
        .collect()
}

#[test]
fn a_command_is_recorded_with_its_output_and_its_exit_code_is_passed_on() {
    let house = House::new();
    house.ok(&["declare", "5xx", "--service", "shop"]);
    let script = "echo out; echo password=opensesame >&2; exit 7";
    let done = house.run(&["run", "--", "sh", "-c", script]);
    assert_eq!(done.status.code(), Some(7));
    assert_eq!((text(&done.stdout), text(&done.stderr)), ("out\n".into(), "password=opensesame\n".into()));
    let pinned = pinned(&house);
    let said: Vec<_> = pinned.iter().map(|pin| pin["text"].as_str().unwrap()).collect();
    assert!(said[0].starts_with("begins: sh -c 'echo out;"), "{said:?}");
    assert!(said[1].contains("exit code 7 after") && said[1].contains("bytes printed"), "{said:?}");
    assert!(pinned.iter().all(|pin| pin["incident"] == "INC-1"));
    let digest = pinned[1]["evidence"].as_str().unwrap();
    let kept = house.ok(&["evidence", digest]);
    assert!(kept.contains("out\n") && kept.contains("password="), "{kept}");
    assert!(!kept.contains("opensesame"), "a secret was kept: {kept}");
    assert!(!said.join(" ").contains("opensesame"), "a secret was journaled");
    house.ok(&["verify"]);
    let none = house.run(&["evidence", &"0".repeat(64)]);
    assert_eq!(none.status.code(), Some(1), "{}", stderr(&none));
}

#[test]
fn what_cannot_be_recorded_is_not_run_unless_that_is_said() {
    let house = House::new();
    let ran = house.path().join("ran");
    let touch = ["touch", ran.to_str().unwrap()];
    let nowhere = house.path().join("no.sock");
    let with = |more: &[&str]| {
        let mut args = vec!["--socket", nowhere.to_str().unwrap(), "run"];
        args.extend(more);
        args.push("--");
        args.extend(touch);
        house.run(&args)
    };
    let refused = with(&[]);
    assert_eq!(refused.status.code(), Some(20), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("nothing was run") && !ran.exists());
    let unrecorded = with(&["--unrecorded"]);
    assert_eq!(unrecorded.status.code(), Some(12), "{}", stderr(&unrecorded));
    assert!(stderr(&unrecorded).contains("UNRECORDED") && ran.exists());
}

#[test]
fn what_cannot_be_started_is_recorded_so() {
    let house = House::new();
    let done = house.run(&["run", "--", "no-such-program-anywhere"]);
    assert_eq!(done.status.code(), Some(127), "{}", stderr(&done));
    let pinned = pinned(&house);
    assert!(pinned[1]["text"].as_str().unwrap().contains("could not be started"), "{pinned:?}");
}

#[test]
fn a_signal_is_handed_on_and_recorded() {
    let house = House::new();
    let ready = house.path().join("ready");
    let script = format!("trap 'exit 9' TERM; touch {}; while :; do sleep 0.05; done", ready.display());
    let mut running = house
        .command(&binary())
        .args(["run", "--", "sh", "-c", &script])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the command runs", || ready.exists());
    let pid = rustix::process::Pid::from_raw(i32::try_from(running.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(9));
    let pinned = pinned(&house);
    assert!(pinned[1]["text"].as_str().unwrap().contains("exit code 9"), "{pinned:?}");
}

#[test]
fn commands_go_in_as_json_and_outcomes_come_out() {
    let house = House::new();
    let declare = r#"{"incident":{"declare":{"title":"5xx","severity":"SEV2","services":["shop"],"env":null,"freeze":false}}}"#;
    let id = "0192f0c1-2d3e-7a4b-8c5d-6e7f80910111";
    let note =
        format!(r#"{{"id":"{id}","command":{{"note":{{"say":{{"incident":"INC-1","text":"looking"}}}}}}}}"#);
    let done = house.fed(&["do", "-"], &format!("{declare}\n\n{note}\n{note}\n"));
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let outcomes: Vec<serde_json::Value> =
        text(&done.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(outcomes[0]["ok"]["made"][0], "INC-1");
    assert_eq!(outcomes[1], outcomes[2], "sent again under its name it was done again");

    let bad = house.fed(&["do"], "{\"gadget\":{}}\n");
    assert_eq!(bad.status.code(), Some(2));
    assert!(stderr(&bad).contains("-:1: no command: unknown variant `gadget`"), "{}", stderr(&bad));
    let refused = r#"{"task":{"done":{"incident":"INC-1","task":"TSK-9","result":"x"}}}"#;
    let on = house.fed(&["do", "--keep-going"], &format!("{refused}\n{note}\n"));
    assert_eq!(on.status.code(), Some(1), "{}", stderr(&on));
    assert_eq!(text(&on.stdout).lines().count(), 2);
}

#[test]
fn what_is_marked_by_a_key_is_marked_by_a_verb() {
    let house = House::new();
    house.ok(&["declare", "5xx", "--service", "shop"]);
    let pin = house.fed(&["pin", "-", "--kind", "line", "--at", "2026-03-01T01:52:00Z"], "OOM in pod 7\n");
    assert_eq!(pin.status.code(), Some(0), "{}", stderr(&pin));
    let pinned = pinned(&house);
    assert_eq!(
        (pinned[0]["text"].as_str(), pinned[0]["about"].as_str()),
        (Some("OOM in pod 7"), Some("2026-03-01T01:52:00Z"))
    );
    house.ok(&["star", "1"]);
    house.ok(&["star", "1", "--off"]);
    house.ok(&["retitle", "shop answers 5xx"]);
    let state: serde_json::Value = serde_json::from_str(&house.ok(&["status", "--json"])).unwrap();
    assert!(state.to_string().contains("shop answers 5xx"), "{state}");
    for (args, says) in [(["star", "99999"], "99999"), (["retitle", ""], "title")] {
        let refused = house.run(&args);
        assert_eq!(refused.status.code(), Some(1), "{args:?}");
        assert!(stderr(&refused).contains(says), "{}", stderr(&refused));
    }
}

#[test]
fn what_tells_ends_quietly_where_nobody_reads() {
    let house = House::new();
    house.ok(&["declare", "5xx", "--service", "shop"]);
    for args in
        [&["status"][..], &["tail"], &["tail", "--no-follow", "--json"], &["practices"], &["commands"]]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = house.command(&binary());
        let child = command.args(args).stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        // Lines go on coming, as they do in an incident.
        until("it ends", || {
            house.ok(&["note", "somebody goes on"]);
            child.try_wait().unwrap().is_some()
        });
        let done = child.wait_with_output().unwrap();
        assert_eq!((done.status.code(), stderr(&done)), (Some(0), String::new()), "{args:?}");
    }
}
