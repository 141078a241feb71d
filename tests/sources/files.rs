use crate::world::{trouble, until};
use chrono::Utc;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, Write};
use std::path::Path;
use tokio::sync::mpsc;
use warroom::domain::time::Span;
use warroom::signal::Body;
use warroom::signal::{Level, analysis::logline::Format};
use warroom::source::logfile::{Follower, Round, Wanted};
use warroom::source::{self, Spec};

fn append(path: &Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// All that several looks give.
fn looks(follower: &mut Follower, n: usize) -> (Vec<String>, Vec<String>) {
    let rounds: Vec<Round> = (0..n).map(|_| follower.look(Utc::now())).collect();
    let turned = rounds.iter().filter_map(|r| r.turned.clone()).collect();
    (rounds.into_iter().flat_map(|r| r.lines).map(|l| l.text).collect(), turned)
}

fn follow(dir: &Path) -> Follower {
    Follower::new(Wanted::all(dir.join("app*.log*").to_string_lossy()))
}

#[test]
fn the_tail_comes_first_and_then_what_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.log");
    append(&log, &(0..1_000).map(|i| format!("line {i}\n")).collect::<String>());
    append(&log, "begun");
    let mut follower = follow(dir.path());
    let (lines, _) = looks(&mut follower, 1);
    assert_eq!((lines.len(), lines[0].as_str(), lines[199].as_str()), (200, "line 800", "line 999"));
    append(&log, " and ended\r\nnext\n");
    assert_eq!(looks(&mut follower, 5).0, ["begun and ended", "next"]);
    assert_eq!(looks(&mut follower, 5).0, Vec::<String>::new());
}

#[test]
fn a_file_is_followed_through_all_that_happens_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.log");
    append(&log, "1\n");
    let mut follower = follow(dir.path());
    assert_eq!(looks(&mut follower, 1).0, ["1"]);
    // Renamed, the writer still on the old one for a moment; then a new one.
    let mut writer = OpenOptions::new().append(true).open(&log).unwrap();
    fs::rename(&log, dir.path().join("app.log.1")).unwrap();
    writer.write_all(b"2\n").unwrap();
    append(&log, "3\n");
    let (lines, turned) = looks(&mut follower, 5);
    assert_eq!(lines, ["2", "3"]);
    assert_eq!(turned, ["app.log rotated"]);
    writer.write_all(b"late\n").unwrap();
    assert_eq!(looks(&mut follower, 5).0, ["late"], "the renamed file matches too and is read on");
    // Copied and truncated.
    fs::copy(&log, dir.path().join("kept")).unwrap();
    File::options().write(true).open(&log).unwrap().set_len(0).unwrap();
    append(&log, "4\n");
    let (lines, turned) = looks(&mut follower, 5);
    assert_eq!((lines, turned), (vec!["4".to_owned()], vec!["app.log truncated".to_owned()]));
    // Truncated and grown beyond where we were, between two looks.
    File::options().write(true).open(&log).unwrap().set_len(0).unwrap();
    append(&log, "five is longer than what was there\n");
    assert_eq!(looks(&mut follower, 5).0, ["five is longer than what was there"]);
    // Removed and created again.
    fs::remove_file(&log).unwrap();
    assert_eq!(looks(&mut follower, 5).1, ["app.log removed"]);
    append(&log, "6\n");
    assert_eq!(looks(&mut follower, 5).0, ["6"]);
    // Replaced by another, as an editor does.
    append(&dir.path().join("new"), "7\n");
    fs::rename(dir.path().join("new"), &log).unwrap();
    assert_eq!(looks(&mut follower, 5).0, ["7"]);
    append(&dir.path().join("app-2.log"), "8\n");
    let (lines, turned) = looks(&mut follower, 5);
    assert_eq!((lines, turned), (vec!["8".to_owned()], vec!["app-2.log new".to_owned()]));
}

#[test]
fn a_writer_that_keeps_its_place_leaves_nuls_which_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.log");
    let mut writer = File::create(&log).unwrap();
    writer.write_all(&[b'x'; 9_999]).unwrap();
    writer.write_all(b"\n").unwrap();
    let mut follower = follow(dir.path());
    looks(&mut follower, 1);
    File::options().write(true).open(&log).unwrap().set_len(0).unwrap();
    assert_eq!(writer.stream_position().unwrap(), 10_000);
    looks(&mut follower, 1);
    writer.write_all(b"after\n").unwrap();
    assert_eq!(looks(&mut follower, 2).0, ["<10000 NUL bytes>after"]);
}

#[test]
fn size_does_not_matter_and_nothing_breaks_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.log");
    let mut file = File::create(&log).unwrap();
    file.write_all(b"first\n").unwrap();
    // A gibibyte of nothing costs no disk; its one line is longer than what is looked back for.
    file.set_len(1 << 30).unwrap();
    file.seek(std::io::SeekFrom::End(0)).unwrap();
    file.write_all(b"\n\xff\xfe{\"msg\":\"\n\x1b[2Jlast\n").unwrap();
    let mut follower = follow(dir.path());
    let mut lines = Vec::new();
    loop {
        let round = follower.look(Utc::now());
        lines.extend(round.lines);
        if !round.more {
            break;
        }
    }
    assert_eq!(lines.last().unwrap().text, "␛[2Jlast");
    assert!(lines.iter().all(|l| l.text.len() <= 64 * 1024 + 64));
    assert!(lines.windows(2).all(|w| w[0].n < w[1].n));
}

#[test]
fn a_flood_is_bounded_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.log");
    append(&log, "");
    let mut follower = follow(dir.path());
    looks(&mut follower, 1);
    append(&log, &(0..300_000).map(|i| format!("2026-11-22T21:24:02Z INFO line {i}\n")).collect::<String>());
    let (mut kept, mut dropped, mut last) = (0, 0, None);
    loop {
        let round = follower.look(Utc::now());
        assert!(round.lines.len() <= 4_000);
        kept += round.lines.len() as u64;
        dropped += round.dropped;
        last = round.lines.last().cloned().or(last);
        if !round.more {
            break;
        }
    }
    assert_eq!(kept + dropped, 300_000);
    let last = last.unwrap();
    assert!(last.text.ends_with("line 299999"));
    assert_eq!(last.n, 299_999, "numbers count what was dropped too");
}

#[tokio::test]
async fn a_log_source_speaks_and_says_what_it_waits_for() {
    let dir = tempfile::tempdir().unwrap();
    let (tx, mut rx) = mpsc::channel(8);
    let glob = dir.path().join("app*.log").to_string_lossy().into_owned();
    let _handle = source::start(
        Spec::Log {
            id: "log".into(),
            glob,
            format: Format::Auto,
            least: Level::Trace,
            every: Span::millis(20),
        },
        tx,
    );
    assert!(trouble(&mut rx).await.contains("no file matches"));
    append(&dir.path().join("app.log"), "{\"level\":\"error\",\"msg\":\"a\\u001b[2J\"}\n");
    let line = until(&mut rx, |b| if let Body::Lines(l) = b { l.lines.first().cloned() } else { None }).await;
    assert_eq!((line.text.as_str(), line.source.as_str()), ("a␛[2J", "app.log"));
}

#[tokio::test]
async fn a_release_directory_is_seen_to_switch() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["2.4.0", "2.4.1"] {
        fs::create_dir_all(dir.path().join("releases").join(name)).unwrap();
    }
    let link = dir.path().join("current");
    std::os::unix::fs::symlink("releases/2.4.1", &link).unwrap();
    let (tx, mut rx) = mpsc::channel(8);
    let spec = Spec::ReleaseDir {
        id: "r".into(),
        service: "checkout".into(),
        env: "prod".into(),
        path: dir.path().to_owned(),
        every: Span::millis(20),
    };
    let _handle = source::start(spec, tx);
    for name in ["2.4.1", "2.4.0"] {
        let next = dir.path().join("next");
        std::os::unix::fs::symlink(format!("releases/{name}"), &next).unwrap();
        fs::rename(&next, &link).unwrap();
        until(&mut rx, |b| match b {
            Body::Release(view) if view.current.as_ref().is_some_and(|c| c.version == name) => Some(()),
            _ => None,
        })
        .await;
    }
    fs::remove_dir_all(dir.path().join("releases/2.4.0")).unwrap();
    assert!(trouble(&mut rx).await.contains("points at releases/2.4.0"));
}

#[test]
fn a_level_is_what_is_kept_and_a_stack_trace_goes_with_its_error() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.log");
    append(&log, "");
    let pattern = log.to_string_lossy().into_owned();
    let mut follower = Follower::new(Wanted { least: Level::Error, ..Wanted::all(pattern) });
    looks(&mut follower, 1);
    append(
        &log,
        "2026-11-22T21:24:02Z INFO fine\n2026-11-22T21:24:03Z ERROR boom\n\tat Shop.pay(Shop.java:7)\n\
         Caused by: java.io.IOException\n2026-11-22T21:24:04Z INFO fine again\n  indented\n",
    );
    let (lines, _) = looks(&mut follower, 5);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].ends_with("boom") && lines[1].ends_with("at Shop.pay(Shop.java:7)"), "{lines:?}");
    assert!(lines[2].starts_with("Caused by"), "{lines:?}");
}

#[test]
fn every_way_to_begin_late_or_to_end_without_a_newline() {
    let dir = tempfile::tempdir().unwrap();
    let mut follower = follow(dir.path());
    let round = follower.look(Utc::now());
    assert!(round.troubles[0].contains("waiting for one"), "{:?}", round.troubles);
    // A directory and a pipe of a matching name are no logs, and hold nothing up.
    fs::create_dir(dir.path().join("app-dir.log")).unwrap();
    let pipe = dir.path().join("app-pipe.log");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let log = dir.path().join("app.log");
    append(&log, "no newline at the end");
    assert_eq!(looks(&mut follower, 5).0, Vec::<String>::new(), "it may go on");
    fs::rename(&log, dir.path().join("gone")).unwrap();
    append(&log, "\0\0\u{feff}after\u{202e}\n");
    assert_eq!(looks(&mut follower, 5).0, ["no newline at the end", "␀␀<FEFF>after<202E>"]);
}
