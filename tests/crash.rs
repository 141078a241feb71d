//! kill -9 of room, seat, hand, or all of them at random moments of a drill that a person sits through: on return the
//! incident stands where it stood, nothing acknowledged is missing, and nothing runs twice.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may fail by panicking"
)]

mod support;

use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    process::{Command as Process, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use support::{pty::Pty, script::Script};
use uuid::Uuid;
use warroom::{
    domain::{Command, CommandId, note::NoteCommand},
    wire::Outcome,
};

/// Blows where `WARROOM_KILLS` does not say how many; the whole run is 500.
const BLOWS: u64 = 50;

fn blows() -> u64 {
    std::env::var("WARROOM_KILLS").ok().map_or(BLOWS, |count| count.parse().unwrap())
}

fn binary() -> String {
    std::env::var("WARROOM_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_warroom").to_owned())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    Room,
    Seat,
    Hand,
    All,
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// A drill with a person in a terminal and a script beside.
struct Drill {
    home: tempfile::TempDir,
    seat: Option<Pty>,
}

impl Drill {
    fn begin() -> Self {
        let mut drill = Self { home: tempfile::tempdir().unwrap(), seat: None };
        drill.sit(&["drill", "--pace", "20", "--no-coach"]);
        drill
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn socket(&self) -> PathBuf {
        self.path("warroom/drill/room/room.sock")
    }

    fn sit(&mut self, args: &[&str]) {
        let home = self.home.path().to_string_lossy().into_owned();
        let env = [
            ("XDG_STATE_HOME", home.as_str()),
            ("XDG_CONFIG_HOME", home.as_str()),
            ("TZ", "UTC"),
            ("WARROOM_SOCKET", ""),
        ];
        // What stays of a drill stays in here too.
        let out = self.path("draft").to_string_lossy().into_owned();
        let args = [args, &["--out", out.as_str()]].concat();
        self.seat = Some(Pty::spawn(binary(), &args, &env, (120, 40)));
    }

    fn seat(&self) -> &Pty {
        self.seat.as_ref().unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        Process::new(binary())
            .arg("--socket")
            .arg(self.socket())
            .args(args)
            .env("XDG_STATE_HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path())
            .env_remove("WARROOM_SOCKET")
            .output()
            .unwrap()
    }

    /// Does it as soon as a room answers, which must be soon.
    fn ok(&self, args: &[&str]) -> String {
        let mut last = None;
        until(&format!("{args:?} is done"), || {
            let output = self.run(args);
            let done = output.status.success();
            // Refused is refused; only a room that is not there is waited for.
            assert!(done || output.status.code() == Some(20), "{args:?}: {output:?}");
            last = Some(output);
            done
        });
        String::from_utf8(last.unwrap().stdout).unwrap()
    }

    fn state(&self) -> Value {
        serde_json::from_str::<Value>(&self.ok(&["status", "--json"])).unwrap()["state"].clone()
    }

    /// Processes of this drill, by the word that their command line has.
    fn processes(&self, word: &str) -> Vec<i32> {
        let home = self.home.path().to_string_lossy().into_owned();
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid: &i32| {
                let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                line.contains(&home) && line.contains(word)
            })
            .collect()
    }

    fn kill(&self, word: &str) {
        for pid in self.processes(word) {
            let pid = rustix::process::Pid::from_raw(pid).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }

    fn signal(&self, word: &str, signal: rustix::process::Signal) {
        for pid in self.processes(word) {
            let pid = rustix::process::Pid::from_raw(pid).unwrap();
            rustix::process::kill_process(pid, signal).unwrap();
        }
    }

    /// How a step of the first walk stands.
    fn status(&self, step: &str) -> String {
        let state = self.state();
        state["walks"]["RUN-1"]["steps"][step]["status"].as_str().unwrap_or("todo").to_owned()
    }

    /// A step of the first walk is seen through: where nobody knows how far it came a person looks and takes it over.
    fn through(&self, step: &str) {
        let mut status = self.status(step);
        until(&format!("{step} settles"), || {
            status = self.status(step);
            status != "lent"
        });
        if status == "unknown" {
            let again = self.run(&["step", "--walk", "RUN-1", "take", step, "--yes"]);
            assert_eq!(again.status.code(), Some(1), "an unknown step was started again: {again:?}");
            self.ok(&["step", "--walk", "RUN-1", "take-over", "its process is gone", step]);
            status = self.status(step);
        }
        if status != "done" {
            self.ok(&["step", "--walk", "RUN-1", "take", step, "--yes"]);
        }
        assert_eq!(self.status(step), "done", "{step}");
    }

    fn strike(&mut self, blow: Blow) {
        if matches!(blow, Blow::Room | Blow::All) {
            self.kill(" room ");
        }
        if matches!(blow, Blow::Hand | Blow::All) {
            self.kill(" hand ");
        }
        if matches!(blow, Blow::Seat | Blow::All) {
            let mut seat = self.seat.take().unwrap();
            seat.signal(rustix::process::Signal::KILL);
            seat.exit();
        }
    }

    /// The person comes back where the seat is gone; where the room is, the seat has it back by itself.
    fn come_back(&mut self) {
        if self.seat.is_none() {
            self.sit(&["drill", "--resume", "--no-coach"]);
        }
        self.seat().wait_until("the seat shows the incident of a room that is there", |screen| {
            let shown = screen.contents();
            shown.contains("INC-1") && !shown.contains("RECONNECTING") && !shown.contains("reconnecting")
        });
    }
}

impl Drop for Drill {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = std::fs::read_to_string(self.path("warroom/drill/room/room.log")).unwrap_or_default();
            let last: Vec<_> = said.lines().rev().take(40).collect();
            eprintln!("the room's log ends with: {last:#?}");
        }
        self.seat = None;
        for word in [" hand ", " room ", " drill-world"] {
            self.kill(word);
        }
    }
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(60), "never came: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// How what the writer writes begins; it ends with a full stop.
const WRITTEN: &str = "written through it, ";

/// Somebody who writes notes one after another through all blows. What is not answered is sent again under its name.
struct Writer {
    goes_on: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<Vec<(u64, String)>>,
}

impl Writer {
    fn begin(socket: PathBuf) -> Self {
        let goes_on = Arc::new(AtomicBool::new(true));
        let going = goes_on.clone();
        let thread = std::thread::spawn(move || {
            let mut script: Option<Script> = None;
            let mut acknowledged = Vec::new();
            while going.load(Ordering::Relaxed) {
                let text = format!("{WRITTEN}{}.", acknowledged.len());
                let id = CommandId(Uuid::now_v7());
                let command = Command::Note(NoteCommand::Say { incident: None, text: text.clone() });
                let mut tries = 0;
                let seq = loop {
                    tries += 1;
                    assert!(tries < 10_000, "nobody answers {text:?}");
                    if script.is_none() {
                        script = Script::greeted(&socket);
                    }
                    match script.as_mut().and_then(|script| asked(script, id, &command)) {
                        Some(seq) => break seq,
                        None => script = None,
                    }
                    std::thread::sleep(Duration::from_millis(20));
                };
                acknowledged.push((seq, text));
                std::thread::sleep(Duration::from_millis(5));
            }
            acknowledged
        });
        Self { goes_on, thread }
    }

    fn end(self) -> Vec<(u64, String)> {
        self.goes_on.store(false, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

/// The place that the room gave a note; none where it went away first.
fn asked(script: &mut Script, id: CommandId, command: &Command) -> Option<u64> {
    match script.does(id, command.clone())? {
        Outcome::Ok { seqs, .. } => {
            assert_eq!(seqs.len(), 1, "a note is one event");
            seqs.first().copied()
        }
        outcome => panic!("a note was not taken: {outcome:?}"),
    }
}

/// A small generator, so that a run can be repeated by its seed.
fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

/// A runbook whose run block counts how often it began and ended.
fn counting(path: &Path, count: &Path, blow: u64) {
    let text = format!(
        "# Count {blow}\n\n1. [ ] Count the beginnings\n\n   ```sh {{ name=count kind=run timeout=20s }}\n   echo began >> {0}; sleep 0.4; echo ended >> {0}\n   ```\n",
        count.display()
    );
    std::fs::write(path, text).unwrap();
}

#[test]
fn kill_nine_at_random_moments_of_a_drill() {
    let mut seed = std::env::var("WARROOM_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(0x5eed_u64);
    println!("seed {seed}");
    let mut drill = Drill::begin();
    // The person sees it and declares it, by keys.
    drill.seat().wait_for("WRONG");
    drill.seat().send("D");
    drill.seat().wait_for("Declare an incident");
    drill.seat().key("enter");
    drill.seat().wait_for("FROZEN checkout/prod");
    let declared = drill.state()["incidents"]["INC-1"].clone();
    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    let writer = Writer::begin(drill.socket());
    let (blows, began) = (blows(), Instant::now());
    let (mut unknown, mut done) = (0, 0);
    for n in 1..=blows {
        let blow = [Blow::Room, Blow::Seat, Blow::Hand, Blow::All][usize::try_from(n % 4).unwrap()];
        let (count, runbook) = (drill.path(&format!("count-{n}")), drill.path(&format!("count-{n}.md")));
        counting(&runbook, &count, n);
        let text = format!("before blow {n}");
        let seq = drill.ok(&["note", &text]).split('#').nth(1).unwrap().trim().parse().unwrap();
        acknowledged.push((seq, text));
        drill.ok(&["step", "start", runbook.to_str().unwrap()]);
        let walk = format!("RUN-{n}");
        // The person takes the step, by a key.
        drill.seat().wait_for(&format!("Count {n}"));
        drill.seat().key("enter");
        // The moment of the blow, not a wait for anything.
        std::thread::sleep(Duration::from_millis(random(&mut seed) % 900));
        drill.strike(blow);
        drill.come_back();

        let times = || std::fs::read_to_string(&count).unwrap_or_default().matches("began").count();
        let settled = loop {
            let mut settled = String::new();
            until(&format!("blow {n}, {blow}: the step settles"), || {
                let state = drill.state();
                let step = &state["walks"][&walk]["steps"]["count"]["status"];
                settled = step.as_str().unwrap_or("todo").to_owned();
                settled != "lent"
            });
            if settled == "unknown" {
                let again = drill.run(&["step", "--walk", &walk, "take"]);
                assert_eq!(again.status.code(), Some(1), "an unknown step was started again: {again:?}");
            }
            if settled == "done" {
                break settled;
            }
            let before = times();
            let given_up = drill.run(&["step", "--walk", &walk, "abandon", "the blow"]);
            if given_up.status.success() {
                assert_eq!(times(), before, "blow {n}, {blow}: it was started again unasked");
                break settled;
            }
            // The person's key, sent again under its name once the seat was back, has come in between.
            let said = String::from_utf8_lossy(&given_up.stderr).into_owned();
            assert!(settled == "todo" && said.contains("still running"), "blow {n}, {blow}: {given_up:?}");
        };
        match settled.as_str() {
            "done" => {
                done += 1;
                assert_eq!(times(), 1, "blow {n}, {blow}");
            }
            "unknown" => {
                unknown += 1;
                assert!(times() <= 1, "blow {n}, {blow}: it ran {} times", times());
            }
            // The key came to nobody, or the hand was never started.
            "todo" => assert_eq!(times(), 0, "blow {n}, {blow}: it ran and nobody says so"),
            other => panic!("blow {n}, {blow}: {other}"),
        }
        // The incident stands where it stood.
        let incident = drill.state()["incidents"]["INC-1"].clone();
        for field in ["title", "severity", "status", "declared", "roles", "services"] {
            assert_eq!(incident[field], declared[field], "blow {n}, {blow}: {field}");
        }
        if n % 50 == 0 {
            println!("{n} blows, {done} steps done, {unknown} unknown, {} s", began.elapsed().as_secs());
        }
    }
    let written = writer.end();
    println!(
        "{blows} blows in {} s: {done} steps done, {unknown} unknown, {} never begun; {} notes written through them",
        began.elapsed().as_secs(),
        blows - done - unknown,
        written.len()
    );
    let journal = drill.path("warroom/drill/room/journal.db");
    let verified = drill.run(&["verify", journal.to_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    let told = drill.ok(&["tail", "--no-follow", "--all", "--json"]);
    let events: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let seqs: Vec<u64> = events.iter().map(|event| event["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "events are missing or doubled");
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for event in &events {
        let text = event.to_string();
        if let Some(said) = text.find(WRITTEN).and_then(|at| text[at..].split_inclusive('.').next()) {
            found.entry(said.to_owned()).or_default().push(event["seq"].as_u64().unwrap());
        }
    }
    for (seq, text) in &written {
        assert_eq!(found.remove(text), Some(vec![*seq]), "{text:?} was acknowledged as event {seq}");
    }
    assert!(found.is_empty(), "nobody was told of {found:?}");
    for (seq, text) in acknowledged {
        let event = events[usize::try_from(seq).unwrap() - 1].to_string();
        assert!(event.contains(&text), "event {seq}, {text:?}, was acknowledged and is gone: {event}");
    }
}

/// The shipped rollback is walked to its end through three blows. Its own history is the counter: each run of the
/// block that switches the release leaves a line there.
#[test]
fn the_rollback_is_walked_to_recovery_through_kill_nine() {
    use rustix::process::Signal;
    if !support::peer::calls("curl", "the_rollback_is_walked_to_recovery_through_kill_nine") {
        return;
    }
    let mut drill = Drill::begin();
    drill.seat().wait_for("WRONG");
    drill.seat().send("D");
    drill.seat().wait_for("Declare an incident");
    drill.seat().key("enter");
    drill.seat().wait_for("FROZEN checkout/prod");
    drill.seat().send("W");
    drill.seat().wait_for("Which runbook?");
    drill.seat().key("enter");
    drill.seat().wait_for("step 1");
    let history = drill.path("warroom/drill/world/srv/checkout/revisions.log");
    let switched = || {
        std::fs::read_to_string(&history).unwrap_or_default().matches("rolled back to release 2.4.0").count()
    };

    // The room, while the first step looks.
    drill.ok(&["step", "--walk", "RUN-1", "take", "see-releases", "--no-wait"]);
    drill.strike(Blow::Room);
    drill.come_back();
    drill.through("see-releases");
    drill.through("same-schema");
    drill.ok(&["step", "--walk", "RUN-1", "choose", "yes"]);
    drill.ok(&["step", "--walk", "RUN-1", "confirm", "--seen", "the freeze holds"]);

    // Hand, room and seat together, in the middle of the switch: one instance keeps its reload waiting, the hand is
    // held until every instance is good, and then all are gone before a word of it was said.
    let slow = "checkout --dir";
    drill.ok(&["step", "--walk", "RUN-1", "take", "already-good", "--yes", "--no-wait"]);
    until("it asks for approval", || {
        !drill.state()["walks"]["RUN-1"]["steps"]["already-good"]["asked"].is_null()
    });
    drill.signal(slow, Signal::STOP);
    let glass = ["--glass", "checkout", "--reason", "alone on call"];
    let approve = ["step", "--walk", "RUN-1", "approve", "already-good"];
    drill.ok(&[&approve[..], &glass[..]].concat());
    until("the link is switched", || switched() == 1);
    drill.signal(" hand ", Signal::STOP);
    drill.signal(slow, Signal::CONT);
    let facts: Value =
        serde_json::from_str(&std::fs::read_to_string(drill.path("warroom/drill/world/world.json")).unwrap())
            .unwrap();
    let urls: Vec<&str> = facts["procs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["service"] == "checkout")
        .filter_map(|one| one["url"].as_str())
        .collect();
    until("every instance runs the good release", || {
        urls.iter().all(|url| {
            let said =
                Process::new("curl").args(["-fsS", "--noproxy", "*", &format!("{url}/version")]).output();
            String::from_utf8_lossy(&said.unwrap().stdout).trim() == "2.4.0"
        })
    });
    drill.strike(Blow::All);
    drill.come_back();
    until("it is known that nobody knows", || drill.status("already-good") == "unknown");
    drill.through("already-good");
    let end = &drill.state()["walks"]["RUN-1"]["steps"]["already-good"]["done"]["how"];
    assert_eq!(end, "satisfied", "it went on by looking, not by doing it again");
    assert_eq!(switched(), 1, "the switch ran twice");

    // The hand, while the error ratio must hold.
    drill.ok(&["step", "--walk", "RUN-1", "take", "errors-recovered", "--no-wait"]);
    until("its hand is there", || !drill.processes(" hand ").is_empty());
    drill.strike(Blow::Hand);
    drill.through("errors-recovered");
    drill.through("p99-recovered");
    until("recovery has held", || !drill.state()["incidents"]["INC-1"]["clocks"]["recovered"].is_null());
    assert_eq!(drill.state()["walks"]["RUN-1"]["ended"]["complete"], true);
    assert_eq!(switched(), 1, "the switch ran twice");
    let journal = drill.path("warroom/drill/room/journal.db");
    let verified = drill.run(&["verify", journal.to_str().unwrap()]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
}
