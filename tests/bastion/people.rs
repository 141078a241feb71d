//! People of one machine, each under a login of their own: what they do with the program, and what anybody can send who
//! may open the socket.

use super::house::{Home, Room, until};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Output, Stdio},
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

/// A login of the system that every distribution has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    pub name: &'static str,
    pub uid: u32,
}

/// Who may respond.
pub const ANA: Login = Login { name: "daemon", uid: 1 };
/// Another who may.
pub const BO: Login = Login { name: "bin", uid: 2 };
/// Who may only look.
pub const OBSERVER: Login = Login { name: "sys", uid: 3 };

/// The configuration of a room in which these are who they are.
pub fn powers(home: &Home, more: &str) {
    let text = format!(
        "{more}\n[gate]\nlisten = \"127.0.0.1:0\"\n[power.respond]\nusers = [\"{}\", \"{}\"]\n[power.command]\nusers = [\"nobody\"]\n",
        ANA.name, BO.name
    );
    fs::write(home.path("warroom.toml"), text).unwrap();
    fs::set_permissions(home.path("warroom.toml"), fs::Permissions::from_mode(0o644)).unwrap();
}

/// Somebody with a home, at a room.
pub struct Person<'a> {
    pub login: Login,
    home: &'a Home,
    room: &'a Room,
    own: PathBuf,
}

impl<'a> Person<'a> {
    pub fn new(login: Login, home: &'a Home, room: &'a Room) -> Self {
        let own = home.path(&format!("home-{}", login.name));
        fs::create_dir_all(&own).unwrap();
        std::os::unix::fs::chown(&own, Some(login.uid), Some(login.uid)).unwrap();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).unwrap();
        Self { login, home, room, own }
    }

    /// A file that only they can read.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.own.join(name);
        fs::write(&path, text).unwrap();
        std::os::unix::fs::chown(&path, Some(self.login.uid), Some(self.login.uid)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// The program as them.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.home.as_user(self.login.uid, &[], self.home.path("warroom"));
        command
            .env("WARROOM_SOCKET", &self.room.socket)
            .env("XDG_STATE_HOME", &self.own)
            .env("XDG_CONFIG_HOME", &self.own)
            .env("HOME", &self.own)
            .args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
    }

    /// What it printed, where it went well.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What it said of why not.
    #[track_caller]
    pub fn refused(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(!output.status.success(), "{args:?} was accepted: {output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
    }

    /// A connection of theirs that says whatever it is told to.
    pub fn line(&self, role: &str, more: &str) -> Line {
        let bridge = r#"
            use strict; use IO::Socket::UNIX; $SIG{PIPE} = 'IGNORE';
            my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!";
            if (my $pid = fork) { $s->autoflush(1); while (sysread STDIN, my $piece, 65536) { print $s $piece } exit }
            $| = 1; while (sysread $s, my $piece, 65536) { print STDOUT $piece }
        "#;
        let mut perl = self.home.as_user(self.login.uid, &[], "perl");
        perl.args(["-e", bridge]).arg(&self.room.socket).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = perl.spawn().unwrap();
        let (told, heard) = mpsc::channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if told.send(serde_json::from_str(&line).unwrap_or(Value::String(line))).is_err() {
                    return;
                }
            }
        });
        let mut line = Line { into: child.stdin.take(), child, heard, asked: 0 };
        line.says(&format!("{{\"hello\":{{\"wire\":1,\"as\":\"{role}\"{more}}}}}"));
        assert!(line.until("a hello", |frame| frame.get("hello").is_some()).is_object());
        line
    }
}

/// A connection. Dropping closes it.
pub struct Line {
    child: Child,
    into: Option<ChildStdin>,
    heard: Receiver<Value>,
    asked: u64,
}

impl Line {
    pub fn says(&mut self, frame: &str) {
        // What a room that has closed does not take any more, is not what is looked at.
        let _ = self.into.as_mut().unwrap().write_all(format!("{frame}\n").as_bytes());
    }

    /// The next frame that is wanted; those before it are passed over.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let frame = self.heard.recv_timeout(left).unwrap_or_else(|_| panic!("never heard: {what}"));
            if wanted(&frame) {
                return frame;
            }
        }
    }

    /// What becomes of a command.
    #[track_caller]
    pub fn act(&mut self, command: &Value) -> Value {
        self.act_as(&uuid::Uuid::new_v4().to_string(), command)
    }

    /// The same, under this id.
    #[track_caller]
    pub fn act_as(&mut self, id: &str, command: &Value) -> Value {
        self.says(&json!({ "do": { "id": id, "command": command } }).to_string());
        let done = self.until("what becomes of a command", |frame| frame["done"]["id"] == *id);
        done["done"]["outcome"].clone()
    }

    /// The answer to a question.
    #[track_caller]
    pub fn ask(&mut self, ask: &Value) -> Value {
        self.asked += 1;
        let n = self.asked;
        self.says(&json!({ "ask": { "n": n, "ask": ask } }).to_string());
        self.until("an answer", |frame| frame["told"]["n"] == n)["told"]["told"].clone()
    }

    /// All that came up to here, as everything that was said before has been heard.
    #[track_caller]
    pub fn all(&mut self) -> Vec<Value> {
        self.asked += 1;
        let n = self.asked;
        self.says(&json!({ "ask": { "n": n, "ask": "status" } }).to_string());
        let mut all = Vec::new();
        self.until("an answer", |frame| {
            all.push(frame.clone());
            frame["told"]["n"] == n
        });
        all
    }

    /// The only walk's only step that is lent, as the room has it, once its hand is there.
    #[track_caller]
    pub fn lent(&mut self) -> Lent {
        let mut found = None;
        until("a step is lent and its hand is there", || {
            let state = self.ask(&json!("state"));
            let walks = state["state"]["walks"].as_object().unwrap().clone();
            found = walks.into_iter().find_map(|(walk, known)| {
                let steps = known["steps"].as_object()?.clone();
                let (step, known) =
                    steps.into_iter().find(|(_, step)| step["lease"]["process"].is_object())?;
                let lease = known["lease"].clone();
                Some(Lent { at: json!({ "walk": walk, "step": step }), walk, step, lease })
            });
            found.is_some()
        });
        found.unwrap()
    }
}

/// A step that a hand has.
pub struct Lent {
    pub walk: String,
    pub step: String,
    /// Both, as frames name them.
    pub at: Value,
    pub lease: Value,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.into = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
