//! A disk that hangs while a freeze is on its way: the gate does not go on saying "open".

use crate::{
    shim::Ground,
    support::house::{binary, until},
};
use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    process::{Command, Stdio},
};

fn gate(ground: &Ground, service: &str, action: &str) -> (Option<i32>, String) {
    let artifact = format!("{service}@2");
    let args = [
        "gate",
        "--service",
        service,
        "--env",
        "prod",
        "--artifact",
        &artifact,
        "--action",
        action,
        "--timeout",
        "20s",
    ];
    let output = ground.house.run(&args);
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The same over HTTP: status and body.
fn posted(at: &str, service: &str, action: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(at).unwrap();
    let body =
        format!(r#"{{"service":"{service}","env":"prod","artifact":"{service}@2","action":"{action}"}}"#);
    let length = body.len();
    let head =
        "POST /v1/gate HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json";
    stream.write_all(format!("{head}\r\ncontent-length: {length}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
    (said.split(' ').nth(1).unwrap().parse().unwrap(), said)
}

fn freeze(ground: &Ground, service: &str) -> Command {
    let mut command = ground.house.command(&binary());
    command.args(["freeze", "errors", "--service", service, "--env", "prod"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn the_gate_is_undecided_while_a_freeze_waits_for_a_disk_that_hangs() {
    let ground = Ground::new();
    fs::create_dir_all(ground.house.state()).unwrap();
    fs::write(ground.house.state().join("warroom.toml"), "[gate]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    let room = ground.serve("");
    assert!(freeze(&ground, "checkout").status().unwrap().success());
    assert_eq!(gate(&ground, "search", "deploy").0, Some(0));
    let status: serde_json::Value = serde_json::from_str(&ground.house.ok(&["status", "--json"])).unwrap();
    let at = status["room"]["gate"].as_str().unwrap().to_owned();

    fs::write(ground.gate(), "").unwrap();
    ground.switch("sync wait 1 1000000");
    let mut on_its_way = freeze(&ground, "search").spawn().unwrap();
    until("the disk hangs", || ground.gate().with_extension("reached").exists());
    until("the gate is undecided", || gate(&ground, "search", "deploy").0 == Some(12));
    assert_eq!(posted(&at, "search", "deploy").0, 503, "beside the loop too");
    assert_eq!(posted(&at, "search", "promote").0, 503);
    assert_eq!(gate(&ground, "checkout", "deploy").0, Some(10), "what is known holds");
    let (code, said) = gate(&ground, "search", "rollback");
    assert!(code == Some(0) && said.contains("with a warning"), "{code:?} {said}");
    let (code, said) = posted(&at, "search", "rollback");
    assert!(code == 200 && said.contains("with a warning"), "{code} {said}");
    let status = ground.house.ok(&["status"]);
    assert!(status.contains("journal SLOW since"), "{status}");
    assert!(on_its_way.try_wait().unwrap().is_none(), "nothing was acknowledged");

    fs::remove_file(ground.gate()).unwrap();
    assert!(on_its_way.wait().unwrap().success());
    assert_eq!(gate(&ground, "search", "deploy").0, Some(10));
    assert_eq!(gate(&ground, "profile", "deploy").0, Some(0));
    assert!(!ground.house.ok(&["status"]).contains("SLOW"));
    until("the rollback is recorded", || {
        let told = ground.house.ok(&["tail", "--no-follow", "--all", "--json"]);
        told.lines().any(|line| line.contains("\"warned\"") && line.contains("search@2"))
    });
    room.stop();
}
