//! The machine's room is found first; who gets one of their own where the machine is meant to have one is told so.

use super::house::{Home, Room, finished, printed};
use crate::support::pty::Pty;
use std::path::Path;

/// Named in place of `/run/warroom/room.sock`, which is the machine's and not the tests'.
const SYSTEM: &str = "WARROOM_SYSTEM_SOCKET";

fn run(home: &Home, system: &Path, args: &[&str]) -> String {
    printed(home.program().env(SYSTEM, system).args(args))
}

#[test]
fn the_machines_room_is_found_first() {
    let home = Home::new();
    let room = Room::for_everybody(&home);
    let said = run(&home, &room.socket, &["status"]);
    assert!(said.starts_with("room on ") && !said.contains("PRIVATE"), "{said}");
    assert!(!home.path("home/warroom/journal.db").exists(), "no room of one's own was begun");
}

#[test]
fn a_room_of_ones_own_says_private_wherever_the_machine_is_meant_to_have_one() {
    let home = Home::new();
    let missing = home.path("run/warroom/room.sock");
    let alone = run(&home, &missing, &["status"]);
    assert!(alone.contains(&format!("The machine's room at {} is not used", missing.display())), "{alone}");
    let noted = run(&home, &missing, &["note", "first"]);
    assert!(noted.contains("PRIVATE: others see nothing of this room"), "{noted}");
    assert!(noted.contains(&missing.display().to_string()), "{noted}");
    let said = run(&home, &missing, &["status"]);
    assert!(said.starts_with("PRIVATE: ") && said.contains("systemctl status"), "{said}");
    let gate =
        ["gate", "--service", "checkout", "--env", "prod", "--artifact", "checkout@1", "--action", "deploy"];
    let asked = run(&home, &missing, &gate);
    assert!(asked.contains(&missing.display().to_string()), "the gate is asked of no other room: {asked}");
    let json = finished(home.program().env(SYSTEM, &missing).args(["status", "--json"]));
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert!(value["passed_over"].as_str().unwrap().starts_with("PRIVATE"), "{value}");

    let state = home.path("home").to_string_lossy().into_owned();
    let env = [
        ("XDG_STATE_HOME", state.as_str()),
        ("XDG_CONFIG_HOME", state.as_str()),
        ("WARROOM_SOCKET", ""),
        ("WARROOM_CONFIG", ""),
        (SYSTEM, missing.to_str().unwrap()),
    ];
    let seat = Pty::spawn(home.path("warroom"), &[], &env, (110, 30));
    seat.wait_until("PRIVATE, and why", |screen| {
        let text = screen.contents();
        text.contains(" PRIVATE ") && text.contains("others see nothing of this room")
    });
    drop(seat);
    let _ = run(&home, &missing, &["stop"]);
}
