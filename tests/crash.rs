//! kill -9 of room, hand or both at random moments of a step: nothing acknowledged is lost, nothing runs twice.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use std::{
    path::PathBuf,
    process::{Command, Output},
    time::{Duration, Instant},
};
use warroom::os::lock;

/// Moments that are tried.
const MOMENTS: u64 = 20;

struct House {
    dir: tempfile::TempDir,
}

impl House {
    fn state(&self) -> PathBuf {
        self.dir.path().join("warroom")
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(
            std::env::var("WARROOM_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_warroom").to_owned()),
        )
        .args(args)
        .env("XDG_STATE_HOME", self.dir.path())
        .env("XDG_CONFIG_HOME", self.dir.path())
        .env_remove("WARROOM_SOCKET")
        .output()
        .unwrap()
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Processes whose command line names this house's socket or directory, by the word in it.
    fn processes(&self, word: &str) -> Vec<u32> {
        let home = self.dir.path().to_string_lossy().into_owned();
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid: &u32| {
                let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                line.contains(&home) && line.contains(word)
            })
            .collect()
    }

    fn kill(&self, word: &str) {
        for pid in self.processes(word) {
            let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }

    fn status(&self, walk: &str) -> String {
        let said = self.run(&["status", "--json"]);
        let value: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
        value["state"]["walks"][walk]["steps"]["count"]["status"].as_str().unwrap_or("none").to_owned()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.kill(" hand ");
        self.kill(" room ");
    }
}

/// A small generator, so that a run can be repeated by its seed.
fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[test]
fn kill_nine_at_random_moments_loses_nothing_and_runs_nothing_twice() {
    let mut seed = std::env::var("WARROOM_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0x5eed_u64);
    println!("seed {seed}");
    let house = House { dir: tempfile::tempdir().unwrap() };
    let mut acknowledged = Vec::new();
    for moment in 1..=MOMENTS {
        let count = house.dir.path().join(format!("count-{moment}"));
        let runbook = house.dir.path().join(format!("count-{moment}.md"));
        let text = format!(
            "# Count\n\n1. [ ] Count\n\n   ```sh {{ name=count kind=run timeout=20s }}\n   echo began >> {0}; sleep 0.3; echo ended >> {0}\n   ```\n",
            count.display()
        );
        std::fs::write(&runbook, text).unwrap();
        let note = house.ok(&["note", &format!("moment {moment}")]);
        acknowledged.push(note.split('#').nth(1).unwrap().trim().parse::<u64>().unwrap());
        house.ok(&["step", "start", runbook.to_str().unwrap()]);
        let walk = format!("RUN-{moment}");
        house.ok(&["step", "--walk", &walk, "take", "--no-wait"]);
        // The moment of the blow, not a wait for anything.
        std::thread::sleep(Duration::from_millis(random(&mut seed) % 500));
        match moment % 3 {
            0 => house.kill(" room "),
            1 => house.kill(" hand "),
            _ => {
                house.kill(" room ");
                house.kill(" hand ");
            }
        }
        house.ok(&["note", "back"]);
        let began = Instant::now();
        let settled = loop {
            let status = house.status(&walk);
            if status != "lent" {
                break status;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "moment {moment}: the step is lent for ever");
            std::thread::sleep(Duration::from_millis(100));
        };
        let lines = std::fs::read_to_string(&count).unwrap_or_default();
        let times = lines.matches("began").count();
        match settled.as_str() {
            "done" => assert_eq!(times, 1, "moment {moment}"),
            "unknown" => {
                assert!(times <= 1, "moment {moment}: ran {times} times");
                let again = house.run(&["step", "--walk", &walk, "take"]);
                assert_eq!(again.status.code(), Some(1), "an unknown step was started again: {again:?}");
            }
            "todo" | "none" => assert_eq!(times, 0, "moment {moment}: it ran and nobody says so"),
            other => panic!("moment {moment}: {other}"),
        }
        house.ok(&["step", "--walk", &walk, "list"]);
        if settled != "done" {
            house.ok(&["step", "--walk", &walk, "abandon", "the blow"]);
        }
        assert_eq!(house.run(&["verify"]).status.code(), Some(0), "moment {moment}");
    }
    let told = house.ok(&["tail", "--no-follow", "--all", "--json"]);
    let seqs: Vec<u64> = told
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "events are missing or doubled");
    for (moment, seq) in acknowledged.iter().enumerate() {
        let line = told.lines().nth(usize::try_from(*seq).unwrap() - 1).unwrap();
        assert!(
            line.contains(&format!("moment {}\"", moment + 1)),
            "note {seq} was acknowledged and is gone"
        );
    }
}

#[test]
fn a_second_room_on_the_same_journal_is_refused_with_who_holds_it() {
    let house = House { dir: tempfile::tempdir().unwrap() };
    house.ok(&["note", "first"]);
    let second = house.run(&["serve"]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    let owner = lock::owner(&house.state().join("journal.lock")).unwrap();
    assert!(said.contains("held by") && said.contains(&owner.process.pid.to_string()), "{said}");
    house.ok(&["stop"]);
}

#[test]
fn a_torn_journal_is_refused_with_what_to_do() {
    let house = House { dir: tempfile::tempdir().unwrap() };
    house.ok(&["note", "first"]);
    house.ok(&["stop"]);
    let began = Instant::now();
    while !house.processes(" room ").is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "the room does not stop");
        std::thread::sleep(Duration::from_millis(20));
    }
    let path = house.state().join("journal.db");
    let raw = std::fs::read(&path).unwrap();
    std::fs::write(&path, &raw[..raw.len() / 2]).unwrap();
    for leftover in ["journal.db-wal", "journal.db-shm"] {
        let _ = std::fs::remove_file(house.state().join(leftover));
    }
    let output = house.run(&["note", "second"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("journal.db"), "{said}");
    assert_ne!(house.run(&["verify"]).status.code(), Some(0));
}
