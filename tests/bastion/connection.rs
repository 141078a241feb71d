//! The connection of a seat, on its screen: lost, delayed, of another version; what is being written stays.

use super::house::{Home, Room, finished, until};
use crate::support::pty::Pty;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::net::UnixListener,
    path::Path,
};

fn serve(home: &Home, dir: &Path) -> Room {
    let child = home.program().args(["serve", "--dir"]).arg(dir).spawn().unwrap();
    Room::opened(child, dir.join("room.sock"))
}

fn seat(home: &Home, socket: &Path) -> Pty {
    let state = home.path("home").to_string_lossy().into_owned();
    let config = home.path("warroom.toml").to_string_lossy().into_owned();
    let env = [
        ("XDG_STATE_HOME", state.as_str()),
        ("XDG_CONFIG_HOME", state.as_str()),
        ("WARROOM_CONFIG", config.as_str()),
        ("WARROOM_SOCKET", ""),
    ];
    Pty::spawn(home.path("warroom"), &["--socket", socket.to_str().unwrap()], &env, (120, 30))
}

/// How often a note with this text is in the journal.
fn noted(home: &Home, socket: &Path, text: &str) -> usize {
    let told =
        finished(home.program().arg("--socket").arg(socket).args(["tail", "--no-follow", "--all", "--json"]));
    String::from_utf8_lossy(&told.stdout).lines().filter(|line| line.contains(&format!("\"{text}\""))).count()
}

fn kill(room: &mut Room) {
    kill_process(Pid::from_child(&room.child), Signal::KILL).unwrap();
    let _ = room.child.wait();
}

#[test]
fn a_note_that_is_being_written_when_the_room_dies_is_kept_and_journaled_once() {
    let home = Home::new();
    let dir = home.path("room");
    let mut room = serve(&home, &dir);
    let seat = seat(&home, &room.socket);
    seat.wait_for("no incident");
    seat.key("n");
    seat.send("half a no");
    seat.wait_for("half a no");

    kill(&mut room);
    seat.wait_until("what is lost, and what is written", |screen| {
        let text = screen.contents();
        text.contains("RECONNECTING") && text.contains("all below is old") && text.contains("half a no")
    });
    // It can be written on, and sending it now loses nothing.
    seat.send("te");
    seat.wait_for("half a note");
    seat.key("enter");
    seat.wait_until("it was not sent, and is still there", |screen| {
        let text = screen.contents();
        text.contains("nothing was sent") && text.contains("half a note")
    });

    let room = serve(&home, &dir);
    seat.wait_until("the seat is back by itself", |screen| {
        let text = screen.contents();
        !text.contains("RECONNECTING") && text.contains("half a note")
    });
    seat.key("enter");
    until("it is in the journal", || noted(&home, &room.socket, "half a note") > 0);
    assert_eq!(noted(&home, &room.socket, "half a note"), 1);
}

#[test]
fn a_room_that_is_slow_to_answer_is_called_delayed_and_not_lost() {
    let home = Home::new();
    let room = serve(&home, &home.path("room"));
    let seat = seat(&home, &room.socket);
    seat.wait_for("no incident");
    let pid = Pid::from_child(&room.child);
    kill_process(pid, Signal::STOP).unwrap();
    seat.wait_for("DELAYED");
    // What is asked of it meanwhile is done when it answers, once.
    seat.key("n");
    seat.send("said meanwhile");
    seat.key("enter");
    kill_process(pid, Signal::CONT).unwrap();
    seat.wait_until("it answers", |screen| !screen.contents().contains("DELAYED"));
    until("it was done", || noted(&home, &room.socket, "said meanwhile") > 0);
    assert_eq!(noted(&home, &room.socket, "said meanwhile"), 1);
}

#[test]
fn a_newer_room_is_said_to_be_newer_and_what_is_written_stays() {
    let home = Home::new();
    let dir = home.path("room");
    fs::create_dir(&dir).unwrap();
    let socket = dir.join("room.sock");
    // A room as a later program has it: whatever hello it hears, it says this, as this program does to older ones.
    let newer = UnixListener::bind(&socket).unwrap();
    let answering = std::thread::spawn(move || {
        for stream in newer.incoming().flatten() {
            let mut line = String::new();
            let mut reader = BufReader::new(&stream);
            if reader.read_line(&mut line).is_err() || line.contains("over") {
                return;
            }
            let say = "this room speaks wire 9, you speak 1; the room is newer: restart this program";
            let bye = format!("{{\"bye\":{{\"why\":\"other_wire\",\"say\":\"{say}\",\"more\":1}}}}\n");
            let _ = (&stream).write_all(bye.as_bytes());
        }
    });
    let seat = seat(&home, &socket);
    seat.wait_until("which version, and what to do", |screen| {
        let text = screen.contents();
        text.contains("OTHER VERSION") && text.contains("restart this program")
    });
    drop(std::os::unix::net::UnixStream::connect(&socket).unwrap().write_all(b"over\n"));
    answering.join().unwrap();
    fs::remove_file(&socket).unwrap();

    // The other way round there is a room again that it can talk to.
    let room = serve(&home, &dir);
    seat.wait_for("no incident");
    seat.key("n");
    seat.send("all is there");
    seat.key("enter");
    until("it is in the journal", || noted(&home, &room.socket, "all is there") == 1);
}
