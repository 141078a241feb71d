//! Clients that are other users: frames as lines, through a process of theirs.

use super::house::{HELLO, Home, Room};
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Stdio},
};

/// The first of some users of no account.
pub const UID: u32 = 30_001;

/// Copies lines to the socket and back.
const PIPE: &str = r#"
    use strict; use IO::Socket::UNIX;
    my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!"; $s->autoflush(1); $| = 1;
    if (!fork) { while (defined(my $l = <STDIN>)) { print $s $l } exit 0 }
    while (defined(my $l = <$s>)) { print $l }"#;

/// A connection of another user. Dropping ends it.
pub struct Client {
    child: Child,
    says: ChildStdin,
    hears: BufReader<ChildStdout>,
    asked: u64,
}

impl Client {
    /// Connects as a user and says hello as a script.
    pub fn of(home: &Home, room: &Room, uid: u32) -> Self {
        Self::hello(home, room, uid, HELLO.trim())
    }

    /// The same with another hello.
    pub fn hello(home: &Home, room: &Room, uid: u32, hello: &str) -> Self {
        let mut command = home.as_user(uid, &[], "perl");
        command.args(["-e", PIPE]).arg(&room.socket).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (says, hears) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut client = Self { child, says, hears: BufReader::new(hears), asked: 0 };
        client.line(hello);
        client.wait("hello");
        client
    }

    pub fn say(&mut self, frame: &Value) {
        self.line(&frame.to_string());
    }

    pub fn line(&mut self, line: &str) {
        // A room that has said goodbye reads no more.
        let _ = writeln!(self.says, "{line}");
        let _ = self.says.flush();
    }

    /// The next frame; `null` at the end.
    pub fn next(&mut self) -> Value {
        let mut line = String::new();
        self.hears.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or(Value::Null)
    }

    /// What the next frame of this name says; passes over others.
    #[track_caller]
    pub fn wait(&mut self, name: &str) -> Value {
        loop {
            let frame = self.next();
            assert!(!frame.is_null(), "no {name} came");
            if let Some(said) = frame.get(name) {
                return said.clone();
            }
        }
    }

    #[track_caller]
    pub fn does(&mut self, id: &str, command: &Value) -> Value {
        self.say(&json!({ "do": { "id": id, "command": command } }));
        loop {
            let done = self.wait("done");
            if done["id"] == json!(id) {
                return done["outcome"].clone();
            }
        }
    }

    #[track_caller]
    pub fn ask(&mut self, ask: &Value) -> Value {
        self.asked += 1;
        let n = self.asked;
        self.say(&json!({ "ask": { "n": n, "ask": ask } }));
        loop {
            let told = self.wait("told");
            if told["n"] == json!(n) {
                return told["told"].clone();
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
