//! Steps in the hands of the real program: terminals that outlive their seat, values that a hand finds, checks that
//! hold, and what is said of all that.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod support;

use std::{
    path::PathBuf,
    process::{Command, Output},
    time::{Duration, Instant},
};
use support::pty::Pty;

fn binary() -> String {
    std::env::var("WARROOM_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_warroom").to_owned())
}

struct House {
    dir: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run_with(&self, args: &[&str], env: &[(&str, &str)]) -> Output {
        Command::new(binary())
            .args(args)
            .env("XDG_STATE_HOME", self.dir.path())
            .env("XDG_CONFIG_HOME", self.dir.path())
            .env_remove("WARROOM_SOCKET")
            .envs(env.iter().copied())
            .output()
            .unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        self.run_with(args, &[])
    }

    fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Begins to walk a runbook of this text.
    fn start(&self, name: &str, text: &str) {
        let path = self.file(name);
        std::fs::write(&path, text).unwrap();
        self.ok(&["step", "start", path.to_str().unwrap()]);
    }

    fn state(&self) -> serde_json::Value {
        let said = self.run(&["status", "--json"]);
        serde_json::from_slice::<serde_json::Value>(&said.stdout).unwrap()["state"].clone()
    }

    fn until(&self, what: &str, so: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        let began = Instant::now();
        loop {
            let state = self.state();
            if so(&state) {
                return state;
            }
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "{what} does not happen: {:#}",
                state["walks"]
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn seat(&self) -> Pty {
        let home = self.dir.path().to_string_lossy().into_owned();
        let env = [
            ("XDG_STATE_HOME", home.as_str()),
            ("XDG_CONFIG_HOME", home.as_str()),
            ("WARROOM_SOCKET", ""),
            ("COLORTERM", "truecolor"),
            ("TZ", "UTC"),
        ];
        Pty::spawn(binary(), &[], &env, (100, 30))
    }

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
}

impl Drop for House {
    fn drop(&mut self) {
        self.kill(" hand ");
        self.kill(" room ");
    }
}

fn step<'a>(state: &'a serde_json::Value, step: &str) -> &'a serde_json::Value {
    &state["walks"]["RUN-1"]["steps"][step]
}

fn sees(seat: &mut Pty, text: &str) {
    seat.wait_until(text, |screen| screen.contents().contains(text));
}

#[test]
fn a_terminal_outlives_its_seat_and_is_attached_again() {
    let house = House::new();
    let count = house.file("count");
    let text = format!(
        "# Ask\n\n1. [ ] Ask for the password\n\n   ```bash {{ name=ask kind=run interactive timeout=10m }}\n   echo x >> {}\n   printf '\\033]0;stolen-title\\007\\033[31mred\\033[0m\\n'\n   read -r -s -p 'Password: ' p; echo; echo \"got ${{#p}} letters\"\n   read -r -p 'Go on? ' g; test \"$g\" = yes\n   ```\n",
        count.display()
    );
    house.start("ask.md", &text);
    let mut first = house.seat();
    sees(&mut first, "Ask for the password");
    first.key("enter");
    sees(&mut first, "has a terminal");
    first.key("enter");
    sees(&mut first, "Password:");
    let shown = first.raw();
    drop(first);
    house.until("the step goes on", |state| step(state, "ask")["status"] == "lent");

    let mut second = house.seat();
    sees(&mut second, "has a terminal");
    second.key("enter");
    sees(&mut second, "Password:");
    second.send("hunter2");
    second.key("enter");
    sees(&mut second, "got 7 letters");
    // The room goes and comes back; the terminal is still there.
    house.kill(" room ");
    house.ok(&["note", "back"]);
    // Keys are lost while it is away, as on any line that is down: typed until they show.
    let began = Instant::now();
    while !second.screen_text().contains("Go on? yes") {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", second.screen_text());
        second.send("\u{15}yes");
        std::thread::sleep(Duration::from_millis(500));
    }
    second.key("enter");
    let state = house.until("the step is done", |state| step(state, "ask")["status"] == "done");
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\n", "it ran once");
    for raw in [shown, second.raw()] {
        let raw = String::from_utf8_lossy(&raw).into_owned();
        assert!(!raw.contains("\u{1b}]0;stolen-title"), "an escape reached the real terminal");
    }
    let evidence = step(&state, "ask")["results"][0]["evidence"].as_str().unwrap_or_default().to_owned();
    assert!(!evidence.is_empty(), "what stood on the terminal is recorded: {state:#}");
    assert!(!house.ok(&["tail", "--from", "1", "--json", "--no-follow"]).contains("hunter2"));
}

#[test]
fn a_step_that_is_taken_over_runs_no_longer_for_the_one_who_had_it() {
    let house = House::new();
    let (began, ended) = (house.file("began"), house.file("ended"));
    let text = format!(
        "# Long\n\n1. [ ] Long\n\n   ```bash {{ name=long }}\n   trap 'echo ended >> {}; exit 1' TERM\n   echo began >> {}\n   while :; do sleep 0.05; done\n   ```\n",
        ended.display(),
        began.display()
    );
    house.start("long.md", &text);
    house.ok(&["step", "take", "--no-wait"]);
    house.until("it runs", |_| began.exists());
    house.ok(&["step", "take-over", "it hangs"]);
    house.until("what ran is ended", |_| ended.exists());
    let state = house.until("it is nobody's", |state| step(state, "long")["status"] == "todo");
    assert!(step(&state, "long")["lease"].is_null());
    let log = house.ok(&["tail", "--no-follow"]);
    assert!(log.contains("it hangs"), "the reason is in the journal: {log}");
}

#[test]
fn a_secret_is_typed_into_the_hand_and_stands_nowhere() {
    let house = House::new();
    let text = "---\nwarroom:\n  inputs:\n    - {name: DB_PIN, prompt: The pin, secret: true, pattern: '[0-9]{6}'}\n---\n# Pin\n\n1. [ ] Use it\n\n   ```bash { name=use kind=run }\n   echo \"pin $DB_PIN\"; test ${#DB_PIN} = 6\n   ```\n";
    house.start("pin.md", text);
    let refused = house.run(&["step", "take"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("WARROOM_INPUT_DB_PIN"), "{refused:?}");
    let mut seat = house.seat();
    sees(&mut seat, "Use it");
    seat.key("enter");
    sees(&mut seat, "has a terminal");
    seat.key("enter");
    sees(&mut seat, "The pin");
    seat.send("12");
    seat.key("enter");
    sees(&mut seat, "does not match");
    seat.send("493817");
    seat.key("enter");
    let state = house.until("the step is done", |state| step(state, "use")["status"] == "done");
    let everything = state.to_string() + &String::from_utf8_lossy(&seat.raw());
    assert!(!everything.contains("493817"));
    for entry in walk(house.dir.path()) {
        let bytes = std::fs::read(&entry).unwrap_or_default();
        assert!(!bytes.windows(6).any(|six| six == b"493817"), "{}", entry.display());
    }
}

fn walk(dir: &std::path::Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(walk(&entry.path())),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}

#[test]
fn a_hand_finds_values_fills_in_questions_and_holds_checks() {
    let house = House::new();
    let flag = house.file("flag");
    let text = format!(
        "---\nwarroom:\n  inputs:\n    - {{name: REV, from: 'echo 2.4.0', pattern: '[0-9.]+'}}\n    - {{name: BAD, from: 'exit 3'}}\n---\n# Values\n\n1. [ ] Uses a value that nobody entered\n\n   ```bash {{ name=bad kind=run }}\n   echo \"$BAD\"\n   ```\n\n1. [ ] Ask the room\n\n   ```http {{ name=ask kind=check }}\n   GET http://<host>/healthz\n   ```\n\n1. [ ] It holds\n\n   ```bash {{ name=holds kind=verify for=1s timeout=30s }}\n   n=$(($(cat {0} 2>/dev/null || echo 0) + 1)); echo $n > {0}; echo \"asked $n times\"; test $n -gt 2\n   ```\n",
        flag.display()
    );
    house.start("values.md", &text);
    let failed = house.run(&["step", "take"]);
    let said = String::from_utf8_lossy(&failed.stdout).into_owned();
    assert!(said.contains("no value for BAD") && said.contains("exit code 3"), "{failed:?}");
    let state = house.state();
    assert_eq!(state["walks"]["RUN-1"]["inputs"]["REV"], "2.4.0");
    house.ok(&["step", "deviate", "skip", "--reason", "8"]);

    let refused = house.run(&["step", "take"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("no value for host"), "{refused:?}");
    house.ok(&["step", "input", "host=127.0.0.1:1"]);
    let asked = house.run(&["step", "take"]);
    let said = String::from_utf8_lossy(&asked.stdout).into_owned();
    assert!(said.contains("failed") && !said.contains("<host>"), "{said}");
    house.ok(&["step", "deviate", "override"]);

    let held = house.ok(&["step", "take"]);
    assert!(held.contains("done") && held.contains("for 1s"), "{held}");
    let asked: u32 = std::fs::read_to_string(&flag).unwrap().trim().parse().unwrap();
    assert!(asked > 4, "asked {asked} times: it holds only from the third on, for a second");
    assert!(house.ok(&["step", "list"]).contains("asked"), "the value observed stands beside the tick");
}

#[test]
fn a_time_limit_asks_before_it_strikes() {
    let house = House::new();
    house.start("slow.md", "# Slow\n\n1. [ ] Takes long\n\n   ```bash { name=slow kind=run timeout=10s }\n   trap '' TERM; sleep 300 & echo \"$!\"; while :; do sleep 1; done\n   ```\n");
    let mut seat = house.seat();
    sees(&mut seat, "Takes long");
    seat.key("enter");
    sees(&mut seat, "wait, kill or carry on");
    seat.key("enter");
    sees(&mut seat, "killed when its time is over");
    seat.send("w");
    sees(&mut seat, "RUNNING");
    seat.send("c");
    let state = house.until("it is cancelled", |state| step(state, "slow")["status"] == "failed");
    let done = &step(&state, "slow")["results"][0];
    assert_eq!(done["result"], "cancelled", "{done}");
    let left: u32 = done["seen"].as_str().unwrap_or_default().trim().parse().unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{left}/stat")).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "a grandchild lives on: {stat}");
}
