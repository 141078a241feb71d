//! A room for all on this machine, and clients of it that are other users.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

pub const HELLO: &str = "{\"hello\":{\"wire\":1,\"as\":\"script\"}}\n";

pub fn warroom() -> PathBuf {
    std::env::var("WARROOM_BIN").map_or_else(|_| env!("CARGO_BIN_EXE_warroom").into(), PathBuf::from)
}

/// Waits until something is so.
#[track_caller]
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_secs(60), "never came: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Says past the harness's capture which test cannot run here, and why.
pub fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped, {why}");
}

/// Whether other users can be had here; says so where not.
pub fn several_users(test: &str) -> bool {
    let can = rustix::process::geteuid().is_root()
        && Command::new("setpriv")
            .args(["--reuid", "1", "--regid", "1", "--clear-groups", "perl", "-MIO::Socket::UNIX", "-e", "1"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
    if !can {
        skip(&format!("needs root, setpriv and perl: {test}"));
    }
    can
}

/// Whether a program of systemd's runs here; without root its packages are only unpacked, and need not.
pub fn runs(program: &str) -> bool {
    let runs = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let runs = runs.is_ok_and(|status| status.success());
    if !runs {
        skip(&format!("{program} does not run here"));
    }
    runs
}

/// Directory with a copy of the program that other users can run.
pub struct Home(pub tempfile::TempDir);

impl Home {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // Copied by another process: what this one forks meanwhile would hold the file open for writing.
        let copied = Command::new("cp").arg(warroom()).arg(dir.path().join("warroom")).status().unwrap();
        assert!(copied.success());
        fs::write(dir.path().join("warroom.toml"), "[gate]\nlisten = \"127.0.0.1:0\"\n").unwrap();
        Self(dir)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program, with nothing of the environment of whoever runs the tests.
    pub fn clean(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("XDG_STATE_HOME", self.path("home"))
            .env("XDG_CONFIG_HOME", self.path("home"))
            .env("WARROOM_CONFIG", self.path("warroom.toml"))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    pub fn program(&self) -> Command {
        self.clean(self.path("warroom"))
    }

    /// A program as another user with these supplementary groups.
    pub fn as_user(&self, uid: u32, groups: &[u32], program: impl AsRef<Path>) -> Command {
        let mut command = self.clean("setpriv");
        command.args(["--reuid", &uid.to_string(), "--regid", &uid.to_string()]);
        if groups.is_empty() {
            command.arg("--clear-groups");
        } else {
            let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
            command.args(["--groups", &groups.join(",")]);
        }
        command.arg(program.as_ref());
        command
    }
}

/// A room that runs. Dropping ends it.
pub struct Room {
    pub child: Child,
    pub socket: PathBuf,
}

impl Room {
    /// Waits until it answers.
    pub fn opened(mut child: Child, socket: PathBuf) -> Self {
        until("the room opens", || {
            assert!(child.try_wait().unwrap().is_none(), "the room ended");
            UnixStream::connect(&socket).is_ok_and(|stream| answer(stream, HELLO).contains("\"hello\""))
        });
        Self { child, socket }
    }

    /// In its own directory, which everybody may enter afterwards: what is tested is not the directory.
    pub fn for_everybody(home: &Home) -> Self {
        let dir = home.path("room");
        let child = home.program().args(["serve", "--shared", "--dir"]).arg(&dir).spawn().unwrap();
        let room = Self::opened(child, dir.join("room.sock"));
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&room.socket, fs::Permissions::from_mode(0o666)).unwrap();
        room
    }

    /// `VmRSS`, or `VmHWM` for the most it ever was; in MB.
    pub fn memory(&self, what: &str) -> f64 {
        let text = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with(what)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1_024.0
    }

    /// Whether it answers somebody who does as they should.
    pub fn answers(&self) -> bool {
        UnixStream::connect(&self.socket).is_ok_and(|stream| answer(stream, HELLO).contains("\"hello\""))
    }

    /// Ends it in good order.
    pub fn end(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.end();
    }
}

/// Sends this; gives the first line that comes back, empty where none does.
pub fn answer(mut stream: UnixStream, says: &str) -> String {
    let mut line = String::new();
    // It may have been told why not, and closed, before it could say anything.
    let _ = stream.write_all(says.as_bytes());
    let _ = BufReader::new(stream).read_line(&mut line);
    line
}

/// Runs it to its end and gives what it printed.
#[track_caller]
pub fn printed(command: &mut Command) -> String {
    let output = finished(command);
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
pub fn finished(command: &mut Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}
