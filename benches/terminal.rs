//! The released binary in a pseudo-terminal of 160 by 48: first frame, key to frame while the drill runs, bytes that go
//! to the terminal, memory and idle processor time; beside `less` and `htop` in the same kind of terminal.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::{
    thread::sleep,
    time::{Duration, Instant},
};
use support::{
    Asked, Goal, head,
    home::{self, Home, SIZE, has},
    is_seated, median,
    pty::Pty,
    quantile, row,
};

/// Long enough that nothing that a key or a start caused is still on its way.
const SETTLED: Duration = Duration::from_millis(400);

fn main() {
    let asked = Asked::here();
    if asked.part("first-frame") {
        first_frame(&asked);
    }
    if asked.part("quiet") {
        quiet(&asked);
    }
    if asked.part("incident") {
        incident(&asked);
    }
    if asked.part("drill") {
        drill(&asked);
    }
}

fn less(home: &Home) -> Pty {
    let path = home.path().join("read.txt");
    let text =
        (0..2_000).fold(String::new(), |text, n| text + &format!("{n} a line of a file that is read\n"));
    std::fs::write(&path, text).unwrap();
    Pty::spawn("/usr/bin/less", &[path.to_str().unwrap()], &[], SIZE)
}

fn htop(home: &Home) -> Pty {
    let dir = home.path().to_string_lossy().into_owned();
    Pty::spawn("/usr/bin/htop", &["-d", "10"], &[("HOME", &dir), ("XDG_CONFIG_HOME", &dir)], SIZE)
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

fn first_frame(asked: &Asked) {
    head("terminal: from the start to the first whole frame");
    let (mut there, mut cold, mut lesses, mut htops, mut versions) = (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..asked.pick(11, 1) {
        let home = Home::new();
        let began = Instant::now();
        home.run(&["--version"]);
        versions.push(millis(began.elapsed()));
        let began = Instant::now();
        let seat = home.seat(&[]);
        cold.push(millis(seat.when("the room", is_seated) - began));
        drop(seat);
        home.run(&["stop"]);

        let home = Home::new();
        let _room = home.room(&[]);
        let began = Instant::now();
        let seat = home.seat(&[]);
        there.push(millis(seat.when("the room", is_seated) - began));
        drop(seat);

        let began = Instant::now();
        lesses.push(millis(
            less(&home).when("the file", |screen| screen.contents().contains("46 a line")) - began,
        ));
        if has("htop") {
            let began = Instant::now();
            htops.push(millis(
                htop(&home).when("its keys", |screen| screen.contents().contains("F10")) - began,
            ));
        }
    }
    let peer = ("less", median(lesses));
    let there = median(there);
    row("a seat, its room runs", there, "ms", Some(peer), Goal::AtMost(60.0));
    row("a seat that starts its room", median(cold), "ms", Some(peer), Goal::None);
    row("warroom --version", median(versions), "ms", Some(peer), Goal::None);
    if !htops.is_empty() {
        row("a seat, its room runs", there, "ms", Some(("htop", median(htops))), Goal::None);
    }
}

/// Bytes a second while nobody touches a key.
fn rate(pty: &Pty, lasts: Duration) -> f64 {
    let (before, began) = (pty.written(), Instant::now());
    sleep(lasts);
    (pty.written() - before) as f64 / began.elapsed().as_secs_f64()
}

/// Processor time in percent of one processor over this time.
fn busy(pid: u32, lasts: Duration) -> f64 {
    let (before, began) = (home::cpu(pid), Instant::now());
    sleep(lasts);
    (home::cpu(pid) - before) / began.elapsed().as_secs_f64() * 100.0
}

fn pid(pty: &Pty) -> u32 {
    pty.pid().as_raw_nonzero().get().cast_unsigned()
}

fn quiet(asked: &Asked) {
    head("terminal: a quiet room, nothing declared and nothing watched");
    let lasts = Duration::from_secs(asked.pick(10, 1));
    let home = Home::new();
    let room = home.room(&[]);
    let seat = home.seat(&[]);
    seat.when("the room", is_seated);
    sleep(SETTLED);
    let peer = has("htop").then(|| {
        let htop = htop(&home);
        htop.when("its keys", |screen| screen.contents().contains("F10"));
        sleep(SETTLED);
        htop
    });
    let htop = peer.as_ref().map(|htop| rate(htop, lasts));
    drop(peer);
    let bytes = rate(&seat, lasts);
    row("bytes to the terminal", bytes, "B/s", htop.map(|rate| ("htop -d 10", rate)), Goal::AtMost(40.0));
    let (seat_busy, room_busy) = (busy(pid(&seat), lasts), busy(room.pid(), lasts));
    row("the seat's processor time", seat_busy, "%", None, Goal::AtMost(0.4));
    row("the room's processor time", room_busy, "%", None, Goal::AtMost(0.4));
    row("the seat's memory", home::memory(pid(&seat), "VmRSS"), "MB", None, Goal::AtMost(12.0));
    row("the room's memory", home::memory(room.pid(), "VmRSS"), "MB", None, Goal::AtMost(40.0));
}

/// Bytes of what a key changes, ticks of the clock among them.
fn bytes_of(pty: &Pty, key: &str) -> f64 {
    let before = pty.written();
    pty.key(key);
    pty.when_more_than(before);
    sleep(Duration::from_millis(120));
    (pty.written() - before) as f64
}

fn incident(asked: &Asked) {
    head("terminal: an open incident, nothing watched");
    let home = Home::new();
    let _room = home.room(&[]);
    home.run(&["declare", "checkout answers 5xx", "--severity", "SEV2", "--service", "checkout"]);
    for n in 0..asked.pick(60, 8) {
        home.run(&["note", &format!("{n} what somebody saw while looking at the charts")]);
    }
    let seat = home.seat(&[]);
    seat.when("the room", is_seated);
    sleep(SETTLED);
    let lasts = Duration::from_secs(asked.pick(10, 1));
    row("bytes to the terminal, clocks running", rate(&seat, lasts), "B/s", None, Goal::AtMost(1_600.0));
    row("the seat's processor time", busy(pid(&seat), lasts), "%", None, Goal::AtMost(1.0));
    seat.key("6");
    sleep(SETTLED);
    let moves: Vec<f64> =
        (0..asked.pick(30, 4)).map(|n| bytes_of(&seat, if n < 15 { "up" } else { "down" })).collect();
    row("a move of the selection", median(moves), "B", None, Goal::AtMost(600.0));
    let fulls: Vec<f64> = (0..asked.pick(7, 1)).map(|_| bytes_of(&seat, "ctrl-l")).collect();
    row("a full frame, the timeline", median(fulls), "B", None, Goal::AtMost(12_000.0));
    seat.key("1");
    sleep(SETTLED);
    let fulls: Vec<f64> = (0..asked.pick(7, 1)).map(|_| bytes_of(&seat, "ctrl-l")).collect();
    row("a full frame, the war room", median(fulls), "B", None, Goal::AtMost(12_000.0));
}

/// Letters are typed into the palette and rubbed out again; each is timed until it stands on the screen.
fn typed(pty: &Pty, keys: usize) -> Vec<f64> {
    pty.key(":");
    sleep(SETTLED);
    let mut waits = Vec::new();
    for n in 0..keys {
        // Not in step with any clock of the seat's.
        sleep(Duration::from_millis(41 + (n as u64 * 37) % 61));
        let before = pty.screen().cursor_position();
        let pressed = Instant::now();
        pty.key(if n.is_multiple_of(2) { "z" } else { "backspace" });
        let shown = pty.when("the letter", |screen| screen.cursor_position() != before);
        waits.push(millis(shown.saturating_duration_since(pressed)));
    }
    pty.key("esc");
    waits
}

fn drill(asked: &Asked) {
    head("terminal: while the drill runs, an incident open");
    let home = Home::new();
    let out = home.path().join("draft");
    let seat = home.seat(&["drill", "--no-coach", "--out", out.to_str().unwrap()]);
    seat.wait_for("DRILL");
    seat.wait_for("? help");
    let socket = home.state().join("drill/room/room.sock");
    let socket = socket.to_str().unwrap();
    seat.wait_until("figures", |screen| screen.contents().contains("errors"));
    home.run(&[
        "--socket",
        socket,
        "declare",
        "checkout answers 5xx",
        "--severity",
        "SEV2",
        "--service",
        "checkout",
    ]);
    sleep(Duration::from_secs(asked.pick(3, 1)));
    let lasts = Duration::from_secs(asked.pick(15, 1));
    let peer = has("htop").then(|| {
        let htop = htop(&home);
        htop.when("its keys", |screen| screen.contents().contains("F10"));
        sleep(SETTLED);
        htop
    });
    let htop_rate = peer.as_ref().map(|htop| rate(htop, lasts));
    let before = seat.written();
    let bytes = rate(&seat, lasts);
    let frames = seat.frames_after(before) as f64 / lasts.as_secs_f64();
    row(
        "bytes to the terminal",
        bytes,
        "B/s",
        htop_rate.map(|rate| ("htop -d 10", rate)),
        Goal::AtMost(1_600.0),
    );
    row("frames", frames, "/s", None, Goal::AtMost(10.0));
    row("the seat's processor time", busy(pid(&seat), lasts), "%", None, Goal::None);
    row("the seat's memory", home::memory(pid(&seat), "VmRSS"), "MB", None, Goal::AtMost(12.0));
    let mut ours = typed(&seat, asked.pick(200, 6));
    let mut theirs = Vec::new();
    if let Some(htop) = &peer {
        for n in 0..asked.pick(200, 4) {
            sleep(Duration::from_millis(41 + (n * 37) % 61));
            let (before, pressed) = (htop.written(), Instant::now());
            htop.key(if n % 2 == 0 { "down" } else { "up" });
            theirs.push(millis(htop.when_more_than(before).saturating_duration_since(pressed)));
        }
    }
    for (q, name, most) in
        [(0.5, "key to frame, half of them within", 1.5), (0.99, "key to frame, 99 of 100 within", 25.0)]
    {
        let beside = (!theirs.is_empty()).then(|| ("htop", quantile(&mut theirs, q)));
        row(name, quantile(&mut ours, q), "ms", beside, Goal::AtMost(most));
    }
    seat.key("q");
    sleep(SETTLED);
    seat.send("y\r");
    sleep(SETTLED);
}
