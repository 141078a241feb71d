//! The drill told without a terminal, and every way in which one ends: nothing stays but the draft.

use crate::support::pty::Pty;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// A home of its own; whatever names it in its command line is ended with it.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }
    pub(crate) fn out(&self) -> PathBuf {
        self.dir.path().join("draft")
    }
    pub(crate) fn env(&self) -> Vec<(&'static str, String)> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        vec![
            ("XDG_STATE_HOME", text(self.state())),
            ("XDG_CONFIG_HOME", text(self.dir.path().join("config"))),
            ("XDG_CACHE_HOME", text(self.dir.path().join("cache"))),
        ]
    }
    pub(crate) fn drill(&self, args: &[&str]) -> Command {
        let mut command = Command::new(crate::binary());
        command.arg("drill").args(args).arg("--out").arg(self.out()).envs(self.env()).stdin(Stdio::null());
        command.env_remove("WARROOM_SOCKET").env_remove("WARROOM_CONFIG");
        command
    }
    /// Processes that name this home.
    fn processes(&self) -> Vec<(i32, String)> {
        let mark = self.dir.path().to_string_lossy().into_owned();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
            let Ok(raw) = std::fs::read(entry.path().join("cmdline")) else { continue };
            let line = String::from_utf8_lossy(&raw).replace('\0', " ");
            if line.contains(&mark) {
                found.push((pid, line));
            }
        }
        found
    }
    /// No process, no file, no socket but the draft.
    pub(crate) fn is_clean(&self) {
        until("every process is gone", || self.processes().is_empty());
        let left: Vec<_> = std::fs::read_dir(self.state().join("warroom"))
            .map(|all| all.flatten().map(|one| one.path()).collect())
            .unwrap_or_default();
        assert!(left.is_empty(), "left behind: {left:?}");
        assert!(!self.dir.path().join("cache").exists(), "the pipeline's memory was left behind");
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for (pid, _) in self.processes() {
            let _ = kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL);
        }
    }
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < deadline, "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// Started, and told until a line has these words.
pub(crate) fn told_until(command: &mut Command, words: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert_ne!(told.read_line(&mut line).unwrap(), 0, "it ended before {words:?}");
    }
    (child, told)
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

fn verify(journal: &Path) -> Output {
    Command::new(crate::binary()).arg("verify").arg(journal).output().unwrap()
}

#[test]
fn without_a_terminal_the_whole_story_is_told() {
    if !crate::support::peer::calls("curl", "without_a_terminal_the_whole_story_is_told") {
        return;
    }
    let home = Home::new();
    let done = home.drill(&["--pace", "8"]).output().unwrap();
    let (told, wrong) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert_eq!(done.status.code(), Some(0), "{told}{wrong}");
    let order = [
        "nothing of this is production",
        "All is well",
        "checkout 2.4.1 went live",
        "errors",
        "declared INC-1",
        "freezes checkout/prod",
        "DEV-1 unlisted-action: new-pricing switched off by hand",
        " pipeline (",
        "gate refused deploy of checkout@2.4.",
        "decided: roll checkout back to 2.4.0",
        "RUN-1 walks Roll back a release directory",
        "step 1 See what runs",
        "BROKE THE GLASS for step 5",
        "DEV-2 broken-glass",
        "checkout 2.4.0 went live",
        "first good reading",
        "recovered, held for",
        "RUN-1: checklist complete",
        "2.4.1 judged BAD",
        "RUN-2 walks Feature flag back on",
        "step 1 The flag is there, once, and has a percentage: \"percent\": 0",
        "step 4 Flag at 10 per cent, read by every instance: ",
        "step 5 Flag at 50 per cent, read by every instance: ",
        "step 6 Flag at 100 per cent, read by every instance: ",
        "RUN-2: checklist complete",
        "RUN-3 walks Validation after a recovery",
        "step 3 p99 is no more than half as long again as before the incident: p99 ",
        "step 5 A whole transaction goes through every instance",
        "new-pricing is at 100 %",
        "RUN-3: checklist complete",
        "status resolved",
        "In hand",
        "3 runbooks walked",
        "broken-glass ×4",
        "postmortem.md",
        "journal  sound",
        "nothing of it is left running",
    ];
    let mut rest = &*told;
    for words in order {
        let Some((_, after)) = rest.split_once(words) else {
            panic!("{words:?} does not come in its turn:\n{told}")
        };
        rest = after;
    }
    assert!(told.contains("new-pricing is off: errors "), "{told}");
    let checked = verify(&home.out().join("journal.db"));
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let draft = std::fs::read_to_string(home.out().join("postmortem.md")).unwrap();
    for words in ["drill: true", "**DRILL.**", "broken-glass", "kept changes out", "held for"] {
        assert!(draft.contains(words), "{words:?} is not in the draft");
    }
    home.is_clean();
}

#[test]
fn a_slow_leak_is_lived_through_too() {
    if !crate::support::peer::calls("curl", "a_slow_leak_is_lived_through_too") {
        return;
    }
    let home = Home::new();
    let done = home.drill(&["slow-leak", "--pace", "20"]).output().unwrap();
    let told = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{told}{}", String::from_utf8_lossy(&done.stderr));
    for words in [
        "declared INC-1",
        "checkout 2.4.0 went live",
        "recovered, held for",
        "3 runbooks walked",
        "journal  sound",
    ] {
        assert!(told.contains(words), "{words:?} is not told:\n{told}");
    }
    home.is_clean();
}

#[test]
fn a_signal_in_the_middle_ends_all_of_it() {
    for (sent, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let home = Home::new();
        let (mut child, mut told) = told_until(&mut home.drill(&["--pace", "8"]), "declared INC-1");
        signal(&child, sent);
        let mut rest = String::new();
        told.read_to_string(&mut rest).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code), "{sent:?}: {rest}");
        home.is_clean();
        assert!(!home.out().exists(), "broken off, and yet a draft");
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_too() {
    let home = Home::new();
    let (mut child, told) = told_until(&mut home.drill(&["--pace", "8"]), "went live");
    drop(told);
    child.wait().unwrap();
    home.is_clean();
}

#[test]
fn two_drills_do_not_know_of_each_other() {
    if !crate::support::peer::calls("curl", "two_drills_do_not_know_of_each_other") {
        return;
    }
    let home = Home::new();
    let (mut slow, _told) = told_until(&mut home.drill(&["--pace", "0.2"]), "drill bad-release began");
    let other = Home::new();
    // The same state directory, another draft.
    let done = other.drill(&["--pace", "20"]).envs(home.env()).output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stdout));
    assert!(slow.try_wait().unwrap().is_none(), "the first one was ended by the second");
    assert!(home.state().join("warroom/drill/world/world.json").exists());
    signal(&slow, Signal::TERM);
    slow.wait().unwrap();
    home.is_clean();
}

#[test]
fn after_a_crash_it_is_offered_again_where_it_stood() {
    let home = Home::new();
    let (mut child, _told) = told_until(&mut home.drill(&["--pace", "2"]), "declared INC-1");
    signal(&child, Signal::KILL);
    child.wait().unwrap();

    // Without a terminal nobody can be asked: it is said, and left alone.
    let (mut other, _told) = told_until(&mut home.drill(&["--pace", "2"]), "a drill was left behind");
    signal(&other, Signal::TERM);
    other.wait().unwrap();
    assert!(home.state().join("warroom/drill/world/world.json").exists());

    let env = home.env();
    let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let out = home.out().to_string_lossy().into_owned();
    let mut pty = Pty::spawn(crate::binary(), &["drill", "--out", &out], &env, (100, 30));
    pty.wait_for("A drill was left behind: bad-release");
    pty.key("enter");
    pty.wait_for("INC-1");
    pty.wait_for("FROZEN checkout/prod");
    pty.send("q");
    assert_eq!(pty.exit().0, 0, "{}", pty.screen_text());
    assert!(home.out().join("postmortem.md").exists());
    home.is_clean();
}

#[test]
fn what_is_production_is_refused() {
    let home = Home::new();
    for flag in ["--prom=http://127.0.0.1:9090", "--scrape=http://127.0.0.1:1/metrics", "--release=/srv/app"]
    {
        let done = Command::new(crate::binary()).arg(flag).arg("drill").envs(home.env()).output().unwrap();
        assert_eq!(done.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&done.stderr).contains("of its own and refuses others"));
    }
    assert!(!home.state().exists(), "nothing was begun");
}
