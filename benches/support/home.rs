//! The released binary, in a home of its own: nothing it does touches the rooms of whoever runs the bench.

use super::pty::Pty;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The size that all figures of the field were taken at.
pub const SIZE: (u16, u16) = (160, 48);

/// Ticks of `/proc/PID/stat` in a second; the same on every Linux.
const TICKS: f64 = 100.0;
/// How long anything may take before the bench gives up.
const PATIENCE: Duration = Duration::from_secs(60);

/// The binary: the one that this build made, or another by `WARROOM_BIN`.
pub fn binary() -> PathBuf {
    std::env::var_os("WARROOM_BIN").map_or_else(|| env!("CARGO_BIN_EXE_warroom").into(), PathBuf::from)
}

/// A home with its state and configuration.
pub struct Home {
    dir: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where a room of this home keeps its journal.
    pub fn state(&self) -> PathBuf {
        self.path().join("warroom")
    }

    fn env(&self) -> Vec<(String, String)> {
        let here = self.path().to_string_lossy().into_owned();
        let vars = ["HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"]
            .map(|name| (name.into(), here.clone()));
        vars.into_iter().chain([("WARROOM_SOCKET".into(), String::new())]).collect()
    }

    /// Runs a subcommand to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command.args(args).envs(self.env()).env_remove("WARROOM_SOCKET").current_dir(self.path());
        let done = command.output().unwrap();
        assert!(done.status.success(), "{args:?}: {}", String::from_utf8_lossy(&done.stderr));
        done
    }

    /// A room in the foreground, with sources by flags; back when it answers.
    pub fn room(&self, flags: &[&str]) -> Room {
        let socket = self.state().join("room.sock");
        let _ = fs::remove_file(&socket);
        let began = Instant::now();
        let mut command = Command::new(binary());
        command
            .args(flags)
            .arg("serve")
            .envs(self.env())
            .env_remove("WARROOM_SOCKET")
            .current_dir(self.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut room = Room { child, opened: Duration::ZERO };
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(room.child.try_wait().unwrap().is_none(), "the room ended");
            assert!(began.elapsed() < PATIENCE, "the room does not open");
            std::thread::sleep(Duration::from_millis(1));
        }
        room.opened = began.elapsed();
        room
    }

    /// A seat, or whatever these arguments make, in a terminal.
    pub fn seat(&self, args: &[&str]) -> Pty {
        let env = self.env();
        let env: Vec<_> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Pty::spawn(binary(), args, &env, SIZE)
    }
}

/// A room that runs. Dropping ends it.
pub struct Room {
    child: Child,
    /// From its start until it answered.
    pub opened: Duration,
}

impl Room {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

/// A figure of `/proc/PID/status` in MB, `VmRSS` or `VmHWM`.
pub fn memory(pid: u32, what: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
}

/// Processor time that a process has used, in seconds.
pub fn cpu(pid: u32) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // What follows the name, which may hold anything.
    let rest: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
    let ticks: f64 = rest[11].parse::<f64>().unwrap() + rest[12].parse::<f64>().unwrap();
    ticks / TICKS
}

/// For how long the threads of a process could have run and had no processor, in seconds.
pub fn waited(pid: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let nanos = threads.filter_map(|thread| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().nth(1)?.parse::<f64>().ok()
    });
    nanos.sum::<f64>() / 1e9
}

/// Whether a program is there to be compared with.
pub fn has(program: &str) -> bool {
    let known = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&known).any(|dir| dir.join(program).is_file())
}
