//! One person's own room, on the real program, in a state directory that goes with the test.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// The program under test.
pub fn binary() -> String {
    std::env::var("WARROOM_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_warroom").to_owned())
}

/// A directory for state and configuration; the room that is started in it is stopped with it.
pub struct House {
    dir: tempfile::TempDir,
}

impl House {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn state(&self) -> PathBuf {
        self.path().join("warroom")
    }

    pub fn journal(&self) -> PathBuf {
        self.state().join("journal.db")
    }

    /// A program with this house around it.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("XDG_STATE_HOME", self.path())
            .env("XDG_CONFIG_HOME", self.path())
            .env("WARROOM_BIN", binary())
            .env_remove("WARROOM_SOCKET")
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(&binary()).args(args).output().unwrap()
    }

    /// What it printed, where it went well.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The same, with this on its standard input.
    pub fn fed(&self, args: &[&str], input: &str) -> Output {
        use std::io::Write as _;
        let mut child = self
            .command(&binary())
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Stops the room and waits until its lock is free.
    pub fn stop(&self) {
        self.ok(&["stop"]);
        until("the room ends", || !self.held());
    }

    /// The same, for a room with a configuration of its own.
    pub fn stop_with(&self, config: &str) {
        self.ok(&["--config", config, "stop"]);
        until("the room ends", || !self.held());
    }

    /// kill -9, to the room alone.
    pub fn kill_room(&self) {
        let dir = self.state();
        let words = [b"room", b"--dir".as_slice(), dir.as_os_str().as_encoded_bytes()];
        for process in std::fs::read_dir("/proc").unwrap().flatten() {
            let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            let own: Vec<_> = line.split(|byte| *byte == 0).collect();
            if let (true, Some(pid)) =
                (own.windows(3).any(|part| part == words), process.file_name().to_str().unwrap().parse().ok())
            {
                let pid = rustix::process::Pid::from_raw(pid).unwrap();
                rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            }
        }
        until("the room is gone", || !self.held());
    }

    pub fn held(&self) -> bool {
        warroom::os::lock::Lock::take(&self.state().join("room.lock"), "a test").is_err()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.run(&["stop"]);
    }
}

/// Waits for what becomes so.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(30), "never came: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What it said beside its output.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
