//! Small doors into the program, on the real binary: who is here as JSON, seats that only look, a subcommand that is
//! mistyped, a room that is found as it dies, and what is generated from the one table read by the shells and by man's own reader.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod support;

use serde_json::Value;
use std::{path::Path, process::Command};
use support::{
    house::{House, binary, stderr, until},
    pty::Pty,
};

fn seat(house: &House, args: &[&str]) -> Pty {
    let home = house.path().to_string_lossy().into_owned();
    let env = [
        ("XDG_STATE_HOME", home.as_str()),
        ("XDG_CONFIG_HOME", home.as_str()),
        ("WARROOM_SOCKET", ""),
        ("TZ", "UTC"),
    ];
    let pty = Pty::spawn(binary(), args, &env, (120, 40));
    pty.wait_for("nothing is declared");
    pty
}

fn here(house: &House) -> Value {
    serde_json::from_str(&house.ok(&["who", "--json"])).unwrap()
}

#[test]
fn who_is_here_comes_as_json_with_the_line_to_join() {
    let house = House::new();
    let mut pty = seat(&house, &[]);
    until("the seat is told of", || here(&house)["here"].as_array().unwrap().len() == 1);
    let told = here(&house);
    assert_eq!(told["private"], true, "{told}");
    assert!(told["join"].as_str().unwrap().contains("warroom"), "{told}");
    let one = &told["here"][0];
    assert_eq!(one["as"].as_str().or_else(|| one["role"].as_str()), Some("seat"), "{told}");
    pty.signal(rustix::process::Signal::TERM);
    pty.exit();
    until("the seat is gone", || here(&house)["here"].as_array().unwrap().is_empty());
}

/// What a room looks like that was killed and is still ending: it takes a connection, and then its socket lies there
/// and nobody listens.
fn dying(house: &House, connections: usize) -> std::thread::JoinHandle<()> {
    std::fs::create_dir_all(house.state()).unwrap();
    std::fs::set_permissions(house.state(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let listener = std::os::unix::net::UnixListener::bind(house.state().join("room.sock")).unwrap();
    std::thread::spawn(move || {
        for _ in 0..connections {
            drop(listener.accept().unwrap());
        }
    })
}

#[test]
fn a_seat_let_in_by_a_room_that_dies_starts_it_again() {
    let house = House::new();
    let room = dying(&house, 1);
    let mut pty = seat(&house, &[]);
    room.join().unwrap();
    until("the seat is told of", || here(&house)["here"].as_array().unwrap().len() == 1);
    pty.signal(rustix::process::Signal::TERM);
    pty.exit();
}

#[test]
fn a_script_that_finds_a_room_that_dies_starts_it_again() {
    for connections in [1, 2] {
        let house = House::new();
        let room = dying(&house, connections);
        house.ok(&["note", "it is down"]);
        room.join().unwrap();
    }
}

#[test]
fn the_line_to_join_names_the_machine_as_people_reach_it() {
    let house = House::new();
    std::fs::create_dir_all(house.state()).unwrap();
    std::fs::write(house.state().join("warroom.toml"), "[room]\nssh = \"ana@bastion.example.com\"\n")
        .unwrap();
    std::fs::set_permissions(house.state(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let mut pty = seat(&house, &[]);
    pty.send("@");
    pty.wait_for("to join  ssh -t ana@bastion.example.com warroom");
    assert_eq!(here(&house)["join"], "ssh -t ana@bastion.example.com warroom");
    pty.signal(rustix::process::Signal::TERM);
    pty.exit();
}

/// By its flag or by configuration: it says why not, and nothing is recorded.
#[test]
fn a_seat_that_only_looks_changes_nothing() {
    for by_flag in [true, false] {
        let house = House::new();
        if !by_flag {
            std::fs::create_dir_all(house.path().join("warroom")).unwrap();
            std::fs::write(house.path().join("warroom/warroom.toml"), "[ui]\nread_only = true\n").unwrap();
        }
        let mut pty = seat(&house, if by_flag { &["--read-only"] } else { &[] });
        until("the seat is told of", || here(&house)["here"].as_array().unwrap().len() == 1);
        assert_eq!(here(&house)["here"][0]["read_only"], true);
        pty.send("D");
        pty.wait_until("it says that it only looks", |screen| screen.contents().contains("only look"));
        let state: Value = serde_json::from_str(&house.ok(&["status", "--json"])).unwrap();
        assert!(state["state"]["incidents"].as_object().is_none_or(serde_json::Map::is_empty), "{state}");
        pty.signal(rustix::process::Signal::TERM);
        pty.exit();
    }
}

#[test]
fn a_mistyped_subcommand_is_put_right_and_starts_nothing() {
    let house = House::new();
    for (typed, meant) in [("satus", "status"), ("freze", "freeze"), ("handovr", "handover")] {
        let output = house.run(&[typed]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(&format!("did you mean {meant}?")), "{output:?}");
    }
    assert!(!house.state().exists(), "a room was started for a word that means nothing");
}

fn is_here(program: &str) -> bool {
    let known = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&known).any(|dir| dir.join(program).is_file())
}

#[test]
fn the_shells_read_their_completions() {
    let house = House::new();
    for shell in ["bash", "zsh", "fish"] {
        let file = house.path().join(shell);
        std::fs::write(&file, house.ok(&["completions", shell])).unwrap();
        if is_here(shell) {
            let read = house.command(shell).arg("-n").arg(&file).output().unwrap();
            assert!(read.status.success() && read.stderr.is_empty(), "{shell}: {read:?}");
        }
    }
}

#[test]
fn the_manual_pages_are_read_without_a_warning() {
    let house = House::new();
    let dir = house.path().join("man");
    house.ok(&["man", dir.to_str().unwrap()]);
    let pages: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(pages.len() > 40, "{} pages", pages.len());
    if !is_here("groff") {
        return;
    }
    // What man --warnings runs.
    let warnings = |page: &Path| {
        Command::new("groff")
            .args(["-man", "-Kutf8", "-Tutf8", "-ww", "-z"])
            .arg(page)
            .output()
            .unwrap()
            .stderr
    };
    for page in pages {
        let said = warnings(&page);
        assert!(said.is_empty(), "{}: {}", page.display(), String::from_utf8_lossy(&said));
    }
    let broken = dir.join("broken.1");
    std::fs::write(&broken, ".TH x 1\n.SH NAME\n.nosuchmacro\n").unwrap();
    assert!(!warnings(&broken).is_empty(), "groff would not tell");
}
