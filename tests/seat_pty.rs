//! The seat itself in a real terminal: it gives the terminal back however it ends, bears any size, writes nothing
//! where nothing changes, and never takes the room with it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod support;

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::process::Signal as Sig;
use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};
use support::pty::Pty;

fn binary() -> String {
    std::env::var("WARROOM_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_warroom").to_owned())
}

/// A person's own room, and seats in it.
struct House {
    dir: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(binary())
            .args(args)
            .env("XDG_STATE_HOME", self.dir.path())
            .env("XDG_CONFIG_HOME", self.dir.path())
            .env_remove("WARROOM_SOCKET")
            .output()
            .unwrap()
    }

    fn terminal(&self, program: impl AsRef<Path>, args: &[&str], size: (u16, u16)) -> Pty {
        let home = self.dir.path().to_string_lossy().into_owned();
        let env = [
            ("XDG_STATE_HOME", home.as_str()),
            ("XDG_CONFIG_HOME", home.as_str()),
            ("WARROOM_SOCKET", ""),
            ("COLORTERM", "truecolor"),
            ("TZ", "UTC"),
        ];
        Pty::spawn(program, args, &env, size)
    }

    fn seat(&self, size: (u16, u16)) -> Pty {
        let pty = self.terminal(binary(), &[], size);
        pty.wait_for("nothing is declared");
        pty
    }

    fn room_goes_on(&self) {
        let status = self.run(&["status"]);
        assert!(status.status.success(), "the room is gone: {status:?}");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.run(&["stop"]);
    }
}

fn assert_given_back(pty: &Pty) {
    let screen = pty.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
}

#[test]
fn a_signal_ends_the_seat_gives_the_terminal_back_and_leaves_the_room() {
    let house = House::new();
    for (signal, code) in [(Sig::TERM, 143), (Sig::HUP, 129), (Sig::INT, 130)] {
        let mut pty = house.seat((80, 24));
        pty.signal(signal);
        assert_eq!(pty.exit().0, code, "{}", pty.screen_text());
        assert_given_back(&pty);
        assert!(pty.screen_text().contains("the room goes on"), "{}", pty.screen_text());
        house.room_goes_on();
    }
}

#[test]
fn a_dropped_line_ends_the_seat_and_leaves_the_room() {
    let house = House::new();
    house.seat((80, 24));
    let mut command = CommandBuilder::new(binary());
    command.env("XDG_STATE_HOME", house.dir.path());
    command.env("XDG_CONFIG_HOME", house.dir.path());
    command.env_remove("WARROOM_SOCKET");
    command.env("TERM", "xterm-256color");
    command.cwd(house.dir.path());
    let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
    let pair = native_pty_system().openpty(size).unwrap();
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut reader = pair.master.try_clone_reader().unwrap();
    let (mut seen, mut bytes) = (String::new(), [0; 4096]);
    while seen.matches("\u{1b}[?2026h").count() < 3 {
        let n = reader.read(&mut bytes).unwrap();
        assert!(n > 0, "it ended by itself: {seen}");
        seen.push_str(&String::from_utf8_lossy(&bytes[..n]));
    }
    // The last of the terminal's own ends is closed, as when a connection drops.
    drop((reader, pair.master));
    let (ended, end) = std::sync::mpsc::channel();
    std::thread::spawn(move || ended.send(child.wait().unwrap().exit_code()));
    let code = end.recv_timeout(Duration::from_secs(30)).expect("the seat goes on without its terminal");
    // By the signal or by the failed write, whichever comes first; never by a panic.
    assert!([129, 2].contains(&code), "it ended with {code}");
    house.room_goes_on();
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_takes_it_again() {
    let house = House::new();
    let seat = binary();
    let script = "set -m; \"$0\"; echo stopped here; read go; fg; echo all done";
    let mut pty = house.terminal("/bin/sh", &["-c", script, &seat], (80, 24));
    pty.wait_for("nothing is declared");
    pty.key("ctrl-z");
    pty.wait_for("stopped here");
    assert_given_back(&pty);
    pty.send("go\n");
    pty.wait_until("the seat again", |screen| {
        screen.alternate_screen() && screen.contents().contains("nothing is declared")
    });
    pty.key("q");
    pty.wait_for("all done");
    assert_eq!(pty.exit().0, 0);
    assert_given_back(&pty);
}

#[test]
fn a_storm_of_sizes_ends_in_the_last_one() {
    let house = House::new();
    let mut pty = house.seat((80, 24));
    for _ in 0..60 {
        for size in [(20, 5), (400, 120), (59, 16), (1, 1), (160, 50), (61, 17)] {
            pty.resize(size);
        }
    }
    pty.resize((30, 8));
    pty.wait_for("is 30×8");
    pty.resize((132, 43));
    // The footer in the last row and at the right end says that the whole screen was taken.
    pty.wait_until("the last size", |screen| {
        let last = screen.rows(0, 132).nth(42).unwrap_or_default();
        last.trim_end().ends_with("? help") && last.trim_end().chars().count() == 131
    });
    pty.key("q");
    assert_eq!(pty.exit().0, 0);
    assert_given_back(&pty);
}

#[test]
fn a_paste_outside_a_text_field_does_nothing_and_inside_it_is_text() {
    let house = House::new();
    let mut pty = house.seat((80, 24));
    pty.paste("Dqqq\n:leave\n");
    // Keys are taken in order: once the help is there, the paste has had its chance.
    pty.key("?");
    pty.wait_for("Up Down scroll");
    pty.key("esc");
    // An Escape and a letter in one breath would be Alt and the letter.
    pty.wait_until("the views", |screen| screen.contents().contains("D declare  W start"));
    pty.key("n");
    pty.wait_for("Note");
    pty.paste("pasted into the note");
    pty.wait_for("pasted into the note");
    pty.key("enter");
    pty.wait_until("the note, sent", |screen| !screen.contents().contains("Alt-Enter"));
    pty.key("6");
    pty.wait_until("the note in the timeline", |screen| screen.contents().contains("pasted into"));
    let tail = String::from_utf8_lossy(&house.run(&["tail", "--json", "--no-follow"]).stdout).into_owned();
    assert!(tail.contains("pasted into the note") && !tail.contains("declared"), "{tail}");
    pty.key("q");
    assert_eq!(pty.exit().0, 0);
}

#[test]
fn each_frame_is_one_update_and_little_is_written_for_a_second_that_passes() {
    let house = House::new();
    let mut pty = house.seat((80, 24));
    let begun = "\u{1b}[?2026h";
    let drawn = |pty: &Pty| String::from_utf8_lossy(&pty.raw()).matches(begun).count();
    // What comes with sitting down is over once the clock alone has moved on.
    pty.wait_times(begun, drawn(&pty) + 3);
    let (before, frames) = (pty.raw().len(), drawn(&pty));
    pty.wait_times(begun, frames + 5);
    let (bytes, frames) = (pty.raw().len() - before, drawn(&pty) - frames);
    println!("{bytes} bytes in {frames} frames");
    assert!(bytes / frames < 200, "{bytes} bytes in {frames} frames of a quiet room");
    let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
    assert!(raw.matches("\u{1b}[?2026l").count() >= frames, "a frame is not ended");
    pty.key("q");
    assert_eq!(pty.exit().0, 0);
}

#[test]
fn mistakes_in_ones_own_keys_are_shown_and_lock_nobody_out() {
    let house = House::new();
    let config = house.path("warroom.toml");
    std::fs::write(house.path("keys.toml"), "[keys]\nn = \"notte\"\n").unwrap();
    std::fs::write(&config, "[ui]\nkeys = \"keys.toml\"\n").unwrap();
    let mut pty = house.terminal(binary(), &["--config", config.to_str().unwrap()], (80, 24));
    pty.wait_for("did you mean note?");
    pty.key("esc");
    // An Escape and a letter in one breath would be Alt and the letter.
    pty.wait_until("the views", |screen| screen.contents().contains("D declare  W start"));
    pty.key("n");
    pty.wait_for("Note");
    pty.key("esc");
    pty.wait_until("the views", |screen| screen.contents().contains("D declare  W start"));
    pty.key("q");
    assert_eq!(pty.exit().0, 0);
}

/// A room of another version comes in place of the one that a note is written for: the words are on the terminal after
/// the seat is left, and in a file where the terminal is gone.
#[test]
fn words_that_a_newer_room_does_not_take_outlive_the_seat() {
    use std::io::Write as _;
    for signal in [Sig::TERM, Sig::HUP] {
        let house = House::new();
        let mut pty = house.seat((120, 40));
        pty.send("n");
        pty.wait_for("note");
        pty.send("the cache was cold");
        pty.wait_for("the cache was cold");
        let stopped = house.run(&["stop"]);
        assert!(stopped.status.success(), "{stopped:?}");
        let socket = house.path("warroom/room.sock");
        support::house::until("the room is gone", || !socket.exists());
        let newer = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        std::thread::spawn(move || {
            while let Ok((mut seat, _)) = newer.accept() {
                let bye = "{\"bye\":{\"why\":\"other_wire\",\"say\":\"the room is newer: restart this program\"}}\n";
                let _ = seat.write_all(bye.as_bytes());
            }
        });
        pty.wait_for("restart this program");
        pty.signal(signal);
        pty.exit();
        if signal == Sig::TERM {
            pty.wait_raw("not taken by the room:");
            let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
            let after = raw.split("not taken by the room:").nth(1).unwrap_or_default();
            assert!(after.contains("the cache was cold"), "{after}");
        } else {
            let kept = std::fs::read_to_string(house.path("warroom/unsent.txt")).unwrap();
            assert!(kept.contains("the cache was cold"), "{kept}");
        }
        std::fs::remove_file(&socket).unwrap();
    }
}
