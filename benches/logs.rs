//! Log lines per second: the parser of one line, the followed file, and from an appended file to the screen of a seat;
//! beside a bare split at line ends and beside `tail -f` in a terminal of the same size.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout)]

mod support;

use std::{
    fmt::Write as _,
    fs::{File, OpenOptions},
    hint::black_box,
    io::{Read as _, Write as _},
    path::Path,
    time::Instant,
};
use support::{Asked, Goal, head, home, home::Home, in_turns, median, per_second, row};
use warroom::{
    signal::analysis::logline,
    source::logfile::{Follower, Wanted},
};

const LINES: usize = 20_000;

fn main() {
    let asked = Asked::here();
    if asked.part("parse") {
        parse(&asked);
    }
    if asked.part("follow") {
        follow(&asked);
    }
    if asked.part("screen") {
        screen(&asked);
    }
}

/// A log as services write it; `kind` is its manner.
fn log(kind: &str, lines: usize) -> String {
    let mut text = String::new();
    for n in 0..lines {
        let (level, ms) = if n.is_multiple_of(50) { ("ERROR", 803) } else { ("INFO", n % 90) };
        let (s, f) = (n / 1_000 % 60, n % 1_000);
        let _ = match kind {
            "plain" => writeln!(
                text,
                "2026-11-22T21:24:{s:02}.{f:03}Z {level} checkout-3 request {n} answered 200 in {ms} ms path=/v1/quote"
            ),
            "JSON" => writeln!(
                text,
                r#"{{"ts":"2026-11-22T21:24:{s:02}.{f:03}Z","level":"{level}","msg":"request {n} answered","ms":{ms},"trace":"4bf92f3577b34da6"}}"#
            ),
            _ => writeln!(
                text,
                "ts=2026-11-22T21:24:{s:02}.{f:03}Z level={level} msg=\"request {n} answered\" ms={ms} trace=4bf92f3577b34da6"
            ),
        };
    }
    text
}

fn parse(asked: &Asked) {
    head("logs: one line understood");
    for kind in ["plain", "JSON", "logfmt"] {
        let text = log(kind, LINES);
        let lasts = asked.pick(std::time::Duration::from_millis(400), std::time::Duration::from_millis(1));
        let [ours, json, bare] = in_turns(
            asked.pick(5, 1),
            [
                &mut || {
                    per_second(lasts, || {
                        text.lines()
                            .for_each(|line| drop(black_box(logline::parse(logline::Format::Auto, line))));
                        LINES as u64
                    })
                },
                &mut || {
                    per_second(lasts, || {
                        text.lines().for_each(|line| {
                            drop(black_box(serde_json::from_str::<serde_json::Value>(line)));
                        });
                        LINES as u64
                    })
                },
                &mut || {
                    per_second(lasts, || {
                        memchr::memchr_iter(b'\n', text.as_bytes()).map(black_box).count() as u64
                    })
                },
            ],
        );
        row(
            &format!("{kind} line"),
            ours,
            "/s",
            Some(("memchr split alone", bare)),
            Goal::AtLeast(500_000.0),
        );
        if kind == "JSON" {
            row("JSON line", ours, "/s", Some(("serde_json to a value alone", json)), Goal::None);
        }
    }
}

fn follow(asked: &Asked) {
    head("logs: a file followed, all that is new read in one go");
    let lines = asked.pick(1_000_000, 20_000);
    let text = log("plain", lines);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let [ours, bare] = in_turns(
        asked.pick(3, 1),
        [
            &mut || {
                File::create(&path).unwrap();
                let mut follower = Follower::new(Wanted::all(path.to_str().unwrap()));
                follower.look(chrono::Utc::now());
                append(&path, &text);
                let (began, mut read) = (Instant::now(), 0);
                while read < lines {
                    let round = follower.look(chrono::Utc::now());
                    read += round.lines.len() + usize::try_from(round.dropped).unwrap();
                }
                lines as f64 / began.elapsed().as_secs_f64()
            },
            &mut || {
                let began = Instant::now();
                let (mut file, mut bytes, mut read) = (File::open(&path).unwrap(), vec![0; 64 * 1024], 0);
                loop {
                    let n = file.read(&mut bytes).unwrap();
                    if n == 0 {
                        break;
                    }
                    read += memchr::memchr_iter(b'\n', &bytes[..n]).count();
                }
                assert_eq!(read, lines);
                lines as f64 / began.elapsed().as_secs_f64()
            },
        ],
    );
    row("followed", ours, "/s", Some(("read and memchr alone", bare)), Goal::AtLeast(500_000.0));
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn screen(asked: &Asked) {
    head("logs: from the appended file to the screen");
    let lines = asked.pick(1_000_000, 20_000);
    let (mut ours, mut bytes, mut tails, mut tail_bytes) = (vec![], vec![], vec![], vec![]);
    let (mut frames, mut memory) = (vec![], vec![]);
    for round in 0..asked.pick(3, 1) {
        let home = Home::new();
        let path = home.path().join("app.log");
        std::fs::write(&path, "2026-11-22T21:23:00.000Z INFO ready-to-follow\n").unwrap();
        let room = home.room(&["--log", path.to_str().unwrap()]);
        let seat = home.seat(&[]);
        // Where a log is read.
        seat.key("4");
        seat.wait_for("ready-to-follow");
        let token = format!("last-line-{round}");
        let text = log("plain", lines) + &format!("2026-11-22T21:25:00.000Z INFO {token}\n");
        let (before, began) = (seat.written(), Instant::now());
        append(&path, &text);
        let shown = seat.when("the last line", |screen| screen.contents().contains(&token));
        let took = (shown - began).as_secs_f64();
        ours.push(lines as f64 / took);
        bytes.push((seat.written() - before) as f64 / 1e3);
        frames.push(seat.frames_after(before) as f64 / took);
        memory.push(home::memory(room.pid(), "VmHWM"));
        drop(seat);

        std::fs::write(&path, "ready-to-follow\n").unwrap();
        let tail =
            support::pty::Pty::spawn("/usr/bin/tail", &["-f", path.to_str().unwrap()], &[], home::SIZE);
        tail.wait_for("ready-to-follow");
        let (before, began) = (tail.written(), Instant::now());
        append(&path, &text);
        let shown = tail.when("the last line", |screen| screen.contents().contains(&token));
        tails.push(lines as f64 / (shown - began).as_secs_f64());
        tail_bytes.push((tail.written() - before) as f64 / 1e3);
    }
    row(
        "lines to the screen",
        median(ours),
        "/s",
        Some(("tail -f", median(tails))),
        Goal::AtLeast(500_000.0),
    );
    row("written to the terminal", median(bytes), "kB", Some(("tail -f", median(tail_bytes))), Goal::None);
    row("frames meanwhile", median(frames), "/s", None, Goal::AtMost(10.0));
    row("the room's memory at its highest", median(memory), "MB", None, Goal::AtMost(40.0));
}
