//! The wire as other programs speak it to the real room: versions, what is unknown, what is shown, who is slow.

use super::house::{Home, Room, answer, finished, until};
use crate::support::{peer, pty::Pty};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A client that speaks lines.
struct Client {
    reader: BufReader<UnixStream>,
}

impl Client {
    fn hello(socket: &Path, hello: &Value) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut client = Self { reader: BufReader::new(stream) };
        client.say(&json!({ "hello": hello }));
        let hello = client.next();
        assert!(hello.get("hello").is_some(), "{hello}");
        client
    }

    fn script(socket: &Path) -> Self {
        Self::hello(socket, &json!({"wire": 1, "as": "script"}))
    }

    fn say(&mut self, frame: &Value) {
        self.reader.get_mut().write_all(format!("{frame}\n").as_bytes()).unwrap();
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        assert!(self.reader.read_line(&mut line).unwrap() > 0, "the room ended the connection");
        serde_json::from_str(&line).unwrap()
    }

    /// The next frame of this name.
    fn wait(&mut self, name: &str) -> Value {
        loop {
            let mut frame = self.next();
            if let Some(body) = frame.get_mut(name) {
                return body.take();
            }
        }
    }
}

fn serve(home: &Home, flags: &[&str]) -> Room {
    let dir = home.path("room");
    let child = home.program().args(flags).args(["serve", "--dir"]).arg(&dir).spawn().unwrap();
    Room::opened(child, dir.join("room.sock"))
}

fn head(socket: &Path) -> u64 {
    let mut client = Client::script(socket);
    client.say(&json!({"ask": {"n": 1, "ask": "status"}}));
    client.wait("told")["told"]["status"]["head"].as_u64().unwrap()
}

/// Notes one after another without waiting between; back when all are durable.
fn notes(socket: &Path, count: u64, text: &str) {
    let mut client = Client::script(socket);
    let mut write = client.reader.get_ref().try_clone().unwrap();
    let text = text.to_owned();
    let writing = std::thread::spawn(move || {
        for n in 0..count {
            let id = uuid::Uuid::new_v4();
            let note = json!({"do": {"id": id, "command": {"note": {"say": {"incident": null, "text": format!("{text} {n}")}}}}});
            write.write_all(format!("{note}\n").as_bytes()).unwrap();
        }
    });
    for _ in 0..count {
        let done = client.wait("done");
        assert!(done["outcome"].get("ok").is_some(), "{done}");
    }
    writing.join().unwrap();
}

#[test]
fn seat_and_room_of_different_versions_are_told_which_is_to_be_restarted() {
    let home = Home::new();
    let room = serve(&home, &[]);
    let before = head(&room.socket);
    for (wire, words) in
        [(0, "the room is newer: restart this program"), (2, "the room is older: restart the room")]
    {
        let hello = format!("{{\"hello\":{{\"wire\":{wire},\"as\":\"seat\",\"live\":true}}}}\n");
        let said = answer(UnixStream::connect(&room.socket).unwrap(), &hello);
        let bye: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(bye["bye"]["why"], "other_wire", "{said}");
        assert!(bye["bye"]["say"].as_str().unwrap().ends_with(words), "{said}");
    }
    assert_eq!(head(&room.socket), before, "nothing happened");
}

#[test]
fn what_a_later_version_says_is_answered_and_the_connection_goes_on() {
    let home = Home::new();
    let room = serve(&home, &[]);
    let mut client = Client::script(&room.socket);
    client.say(&json!({"dance": {"how": "slowly"}}));
    assert_eq!(client.wait("ignored"), "dance");
    client.say(&json!({"ask": {"n": 7, "ask": {"weather": {}}}}));
    let told = client.wait("told");
    assert_eq!(
        (told["n"].as_u64(), told["told"]["no"]["code"].as_str()),
        (Some(7), Some("invalid")),
        "{told}"
    );
    let id = "018f0000-0000-7000-8000-000000000001";
    client.say(&json!({"do": {"id": id, "command": {"note": {"sing": {}}}}}));
    let done = client.wait("done");
    assert_eq!(done["outcome"]["refused"]["code"], "invalid", "{done}");
    client.say(&json!({"ask": {"n": 8, "ask": "status"}}));
    assert_eq!(client.wait("told")["n"], 8);
}

#[test]
fn a_client_is_sent_what_it_shows_and_at_once_when_that_is_more() {
    let home = Home::new();
    let log = home.path("app.log");
    fs::write(&log, "").unwrap();
    let room = serve(&home, &["--log", log.to_str().unwrap()]);
    let mut all = Client::hello(&room.socket, &json!({"wire": 1, "as": "seat", "live": true}));
    let shows = json!({"panels": [], "lines": false});
    let mut little =
        Client::hello(&room.socket, &json!({"wire": 1, "as": "seat", "live": true, "shows": shows}));
    assert!(little.wait("live")["lines"].as_array().unwrap().is_empty());

    let mut file = fs::OpenOptions::new().append(true).open(&log).unwrap();
    writeln!(file, "ERROR one thing").unwrap();
    let text = loop {
        let delta = all.wait("delta");
        if let Some(line) = delta["lines"].as_array().and_then(|lines| lines.first()) {
            break line["text"].clone();
        }
    };
    assert!(text.as_str().unwrap().contains("one thing"), "{text}");
    little.say(&json!({"show": {"panels": [], "lines": true}}));
    let fresh = loop {
        let frame = little.next();
        if let Some(live) = frame.get("live") {
            break live.clone();
        }
        assert!(frame["delta"].get("lines").is_none(), "a line that is not shown: {frame}");
    };
    assert_eq!(fresh["lines"][0]["text"], text);
    writeln!(file, "ERROR another").unwrap();
    loop {
        let delta = little.wait("delta");
        if delta.get("lines").is_some() {
            assert!(delta["lines"][0]["text"].as_str().unwrap().contains("another"), "{delta}");
            break;
        }
    }
    // Less than before is not answered, and ends.
    little.say(&json!({"show": {"panels": [], "lines": false}}));
    little.say(&json!({"ask": {"n": 1, "ask": "status"}}));
    loop {
        let frame = little.next();
        assert!(frame.get("live").is_none(), "{frame}");
        if frame.get("told").is_some() {
            break;
        }
    }
}

/// More than a socket and a megabyte hold.
const NOTES: u64 = 6_000;

#[test]
fn who_does_not_read_misses_nothing_without_being_told() {
    let home = Home::new();
    let room = serve(&home, &[]);
    let fold = {
        let mut client = Client::script(&room.socket);
        client.say(&json!({"ask": {"n": 1, "ask": "status"}}));
        client.wait("told");
        warroom::domain::state::FOLD
    };
    let mut same = Client::hello(&room.socket, &json!({"wire": 1, "fold": fold, "as": "seat", "live": true}));
    let mut other = Client::hello(&room.socket, &json!({"wire": 1, "as": "seat", "live": true}));
    let before = room.memory("VmRSS");
    notes(&room.socket, NOTES, &"x".repeat(300));
    let grown = room.memory("VmRSS") - before;
    println!("{NOTES} notes past two clients that do not read: {grown:.1} MB more");
    let last = head(&room.socket);

    let (mut at, mut snapshots) = (same.wait("snapshot")["state"]["head"].as_u64().unwrap(), 0);
    while at < last {
        let frame = same.next();
        if let Some(event) = frame.get("event") {
            assert_eq!(event["seq"].as_u64().unwrap(), at + 1, "an event is missing, and nothing says so");
            at += 1;
        } else if let Some(snapshot) = frame.get("snapshot") {
            let head = snapshot["state"]["head"].as_u64().unwrap();
            assert!(head >= at);
            at = head;
            snapshots += 1;
        }
    }
    assert!(snapshots >= 1, "all of it fitted: this shows nothing");

    // One of another fold is told by `live` in place of what it missed, and asks.
    other.wait("live");
    let mut seen = 0;
    loop {
        let frame = other.next();
        if let Some(event) = frame.get("event") {
            let seq = event["seq"].as_u64().unwrap();
            assert!(seen == 0 || seq == seen + 1, "{seq} after {seen}");
            seen = seq;
        } else if frame.get("live").is_some() {
            break;
        }
    }
    other.say(&json!({"ask": {"n": 1, "ask": {"events": {"from": seen + 1, "limit": 1}}}}));
    assert_eq!(other.wait("told")["told"]["events"]["events"][0]["seq"].as_u64().unwrap(), seen + 1);
}

#[test]
fn a_seat_that_was_stopped_holds_up_nobody_and_shows_the_newest_when_it_goes_on() {
    let home = Home::new();
    let room = serve(&home, &[]);
    let state = home.path("home").to_string_lossy().into_owned();
    let config = home.path("warroom.toml").to_string_lossy().into_owned();
    let env = [
        ("XDG_STATE_HOME", state.as_str()),
        ("XDG_CONFIG_HOME", state.as_str()),
        ("WARROOM_CONFIG", config.as_str()),
        ("WARROOM_SOCKET", ""),
    ];
    let seat =
        Pty::spawn(home.path("warroom"), &["--socket", room.socket.to_str().unwrap()], &env, (120, 40));
    seat.wait_for("no incident");
    seat.key("6");
    kill_process(seat.pid(), Signal::STOP).unwrap();
    let before = room.memory("VmRSS");
    notes(&room.socket, NOTES, &"y".repeat(300));
    let grown = room.memory("VmRSS") - before;
    println!("{NOTES} notes past a seat that is stopped: {grown:.1} MB more");
    assert!(room.answers());
    let declared = finished(home.program().arg("--socket").arg(&room.socket).args([
        "declare",
        "the newest of all",
        "--service",
        "checkout",
    ]));
    assert!(declared.status.success(), "{declared:?}");
    kill_process(seat.pid(), Signal::CONT).unwrap();
    seat.wait_for("the newest of all");
}

/// The page's worked example, as it stands there.
fn example() -> String {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/wire.md")).unwrap();
    let (_, rest) = page.split_once("## A worked example").unwrap();
    let (_, rest) = rest.split_once("```sh\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_worked_example_works() {
    if !peer::wanted("bastion::wire::the_worked_example_works") {
        return;
    }
    let home = Home::new();
    let own: PathBuf = home.path(".local/state/warroom");
    let child = home.program().args(["serve", "--dir"]).arg(&own).spawn().unwrap();
    let room = Room::opened(child, own.join("room.sock"));
    let declared = finished(home.program().arg("--socket").arg(&room.socket).args([
        "declare",
        "checkout answers 5xx",
        "--severity",
        "SEV2",
        "--service",
        "checkout",
    ]));
    assert!(declared.status.success(), "{declared:?}");
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(example()).env("HOME", home.0.path()).env_remove("XDG_STATE_HOME");
    until("the room shows it", || {
        let output = finished(&mut shell);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).trim()
            == r#"{"INC-1":{"title":"checkout answers 5xx","severity":"SEV2","status":"investigating"}}"#
    });
}
