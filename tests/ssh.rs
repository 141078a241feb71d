//! Two Unix users at seats over a real sshd: they act, approve each other and run two steps at once, each as
//! themselves; one connection is cut in the middle and its step goes on; roles refuse what they must.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::zombie_processes,
    reason = "a test may fail by panicking"
)]

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};
use support::{
    peer::{Peer, free_port, start, wanted},
    pty::Pty,
};

fn warroom() -> PathBuf {
    std::env::var("WARROOM_BIN").map_or_else(|_| env!("CARGO_BIN_EXE_warroom").into(), PathBuf::from)
}

#[track_caller]
fn done(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// A Unix user for as long as the test runs.
struct User(String);

impl User {
    fn new(letter: char) -> Self {
        let name = format!("wr{}{letter}", std::process::id() % 10_000);
        done(Command::new("useradd").args(["-m", "-s", "/bin/bash", "-p", "*", &name]));
        Self(name)
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let _ = Command::new("userdel").args(["-r", "-f", &self.0]).output();
    }
}

/// A bastion: its room, its sshd, and what its runbook waits for.
struct Bastion {
    dir: tempfile::TempDir,
    room: Child,
    _sshd: Peer,
    port: u16,
}

const BOOK: &str = r#"# Restore both sides

## Restore

1. [ ] Copy the east

   ```sh { name=east background }
   echo "$(id -un) $HOME" > DIR/out/east
   until test -e DIR/go-east; do sleep 0.05; done
   echo again >> DIR/out/east
   ```

1. [ ] **APPROVE** (n=1) Put the west back
1. [ ] Restore the west

   ```sh { name=west }
   echo "$(id -un) $HOME" > DIR/out/west
   until test -e DIR/go-west; do sleep 0.05; done
   ```

## Close

1. [ ] **APPROVE** (n=1) Let the traffic in
1. [ ] Open

   ```sh { name=open }
   echo "$(id -un) $HOME" > DIR/out/open
   ```
"#;

impl Bastion {
    fn open(config: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("wr-ssh").tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        open(dir.path(), 0o755);
        done(Command::new("cp").arg(warroom()).arg(at("warroom")));
        fs::write(at("warroom.toml"), config).unwrap();
        let place = dir.path().to_string_lossy().into_owned();
        fs::write(at("book.md"), BOOK.replace("DIR", &place)).unwrap();
        fs::create_dir(at("out")).unwrap();
        open(&at("out"), 0o777);
        let room = Command::new(at("warroom"))
            .arg("--config")
            .arg(at("warroom.toml"))
            .args(["serve", "--shared", "--dir"])
            .arg(at("room"))
            .env("XDG_STATE_HOME", dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let port = free_port();
        for key in ["host", "user"] {
            done(Command::new("ssh-keygen").args(["-qt", "ed25519", "-N", "", "-f"]).arg(at(key)));
        }
        fs::create_dir_all("/run/sshd").unwrap();
        let lines = [
            format!("Port {port}"),
            "ListenAddress 127.0.0.1".into(),
            format!("HostKey {place}/host"),
            format!("PidFile {place}/sshd.pid"),
            format!("AuthorizedKeysFile {place}/user.pub"),
            "PasswordAuthentication no".into(),
            "KbdInteractiveAuthentication no".into(),
            "UsePAM no".into(),
            "StrictModes no".into(),
            "MaxStartups 100".into(),
            format!("SetEnv WARROOM_SOCKET={place}/room/room.sock LANG=C.UTF-8 COLORTERM=truecolor TZ=UTC"),
        ];
        fs::write(at("sshd_config"), lines.join("\n") + "\n").unwrap();
        let sshd = start(Command::new("/usr/sbin/sshd").args(["-D", "-e", "-f"]).arg(at("sshd_config")));
        let bastion = Self { room, _sshd: sshd, port, dir };
        bastion.until("the room opens", || bastion.here(&["status"]).status.success());
        open(&bastion.dir.path().join("room"), 0o755);
        open(&bastion.dir.path().join("room/room.sock"), 0o666);
        bastion.until("sshd listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        bastion
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn until(&self, what: &str, so: impl Fn() -> bool) {
        let began = Instant::now();
        while !so() {
            assert!(
                began.elapsed() < Duration::from_secs(90),
                "{what}: it does not come to that\n{:#}",
                self.walk()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// As root, on the machine itself.
    fn here(&self, args: &[&str]) -> Output {
        let mut command = Command::new(self.at("warroom"));
        command.args(args).env("WARROOM_SOCKET", self.at("room/room.sock")).output().unwrap()
    }

    fn walk(&self) -> serde_json::Value {
        let said = self.here(&["status", "--json"]);
        let value: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap_or_default();
        value["state"]["walks"]["RUN-1"].clone()
    }

    fn step(&self, step: &str) -> serde_json::Value {
        self.walk()["steps"][step].clone()
    }

    fn ssh(&self, user: &User) -> Vec<String> {
        let place = self.dir.path().display();
        let options = ["BatchMode=yes", "StrictHostKeyChecking=no", "LogLevel=ERROR"];
        let mut args: Vec<String> =
            vec!["-F".into(), "/dev/null".into(), "-i".into(), format!("{place}/user")];
        args.extend(options.iter().flat_map(|option| ["-o".to_owned(), (*option).to_owned()]));
        args.extend(["-o".into(), format!("UserKnownHostsFile={place}/known")]);
        args.extend(["-p".into(), self.port.to_string(), format!("{}@127.0.0.1", user.0)]);
        args
    }

    /// A seat through `ssh -tt`.
    fn seat(&self, user: &User, size: (u16, u16), more: &str) -> Pty {
        let mut args = vec!["-tt".to_owned()];
        args.extend(self.ssh(user));
        args.push(format!("{0}/warroom --runbook {0}/book.md {more}", self.dir.path().display()));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Pty::spawn("ssh", &args, &[], size)
    }

    /// A verb through ssh.
    fn by(&self, user: &User, verb: &str) -> Output {
        let line = format!("{}/warroom {verb}", self.dir.path().display());
        Command::new("ssh").args(self.ssh(user)).arg(line).output().unwrap()
    }
}

impl Drop for Bastion {
    fn drop(&mut self) {
        let _ = self.room.kill();
        let _ = self.room.wait();
    }
}

fn keys(seat: &Pty, keys: &[&str]) {
    for key in keys {
        seat.key(key);
    }
}

#[test]
fn two_users_share_a_room_over_ssh() {
    if !wanted("two Unix users through a real sshd") {
        return;
    }
    if !rustix::process::geteuid().is_root() {
        println!("waits for tests/all as root: two Unix users through a real sshd");
        return;
    }
    let (ana, bo) = (User::new('a'), User::new('b'));
    let bastion = Bastion::open(&format!(
        "[power.respond]\nusers = [{0:?}, {1:?}]\n[power.approve]\nusers = [{0:?}, {1:?}]\n[power.command]\nusers = [{0:?}]\n",
        ana.0, bo.0
    ));

    // An incident that is not there is said before a screen is opened.
    let none = bastion.by(&ana, "INC-7");
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(none.status.code() == Some(1) && said.contains("no INC-7"), "{none:?}");

    let first = bastion.seat(&ana, (100, 30), "");
    first.wait_for("no incident");
    keys(&first, &["D"]);
    first.wait_for("Declare");
    first.send("checkout fails");
    first.key("tab");
    first.key("tab");
    first.send("checkout");
    first.key("enter");
    first.wait_for("INC-1");
    let second = bastion.seat(&bo, (80, 24), "INC-1");
    second.wait_for("checkout fails");
    second.wait_for("here 2");

    // Who is here, from where, and the line to join.
    second.key("@");
    second.wait_for("ssh from 127.0.0.1");
    second.wait_for("to join  ssh -t ");
    second.key("esc");
    let who = String::from_utf8(bastion.by(&bo, "who").stdout).unwrap();
    assert!(who.contains(&ana.0) && who.contains(&bo.0) && who.contains("warroom --socket"), "{who}");

    // Roles refuse what they must.
    let no = bastion.by(&bo, "take-command --reason 'I am here'");
    assert_eq!(no.status.code(), Some(1), "{no:?}");
    assert!(String::from_utf8_lossy(&no.stderr).contains("power to command"), "{no:?}");
    second.key("E");
    second.wait_for("only who commands asks all to look");

    // Two steps at once: ana's goes on in the background, bo's waits for her approval.
    keys(&first, &["W", "enter"]);
    bastion.until("the walk begins", || bastion.walk()["at"] == "east");
    first.wait_for("Copy the east");
    first.key("enter");
    bastion.until("ana's step runs", || bastion.at("out/east").exists());
    bastion.until("the walk goes on beside it", || bastion.walk()["at"] == "west");
    second.wait_for("Restore the west");
    keys(&second, &["2", "enter"]);
    bastion.until("an approval is asked for", || bastion.step("west")["asked"].is_object());
    // Who asks does not approve.
    keys(&second, &["a", "y"]);
    second.wait_for("another person approves");
    second.key("esc");
    first.key("a");
    first.wait_for("Put the west back");
    first.key("y");
    bastion.until("bo's step runs", || bastion.at("out/west").exists());
    let owner = |step: &str| bastion.step(step)["lease"]["owner"]["name"].as_str().unwrap_or("").to_owned();
    assert_eq!(
        (owner("east"), owner("west")),
        (ana.0.clone(), bo.0.clone()),
        "one owner each, at the same time"
    );
    second.wait_until("both owners on one screen", |screen| {
        let text = screen.contents();
        // The open step says how it stands on the line below its title.
        let rows =
            |title: &str| text.lines().skip_while(|line| !line.contains(title)).take(2).collect::<String>();
        let east = text.lines().find(|line| line.contains("1 Copy the east")).unwrap_or_default();
        east.contains(&ana.0) && rows("2 Restore").contains(&bo.0)
    });
    for (step, user) in [("east", &ana), ("west", &bo)] {
        let who = fs::read_to_string(bastion.at(&format!("out/{step}"))).unwrap();
        assert_eq!(who.trim(), format!("{0} /home/{0}", user.0), "{step} runs as its owner, with their home");
    }

    // Ana's connection is cut in the middle of it; bo sees her go, and that her step goes on.
    first.signal(rustix::process::Signal::KILL);
    second.wait_for("here 1");
    fs::write(bastion.at("go-west"), "").unwrap();
    bastion.until("bo's step ends", || bastion.step("west")["status"] == "done");
    assert_eq!(bastion.step("east")["status"], "lent", "the section waits for what runs beside");
    assert_eq!(bastion.walk()["at"], "west");
    fs::write(bastion.at("go-east"), "").unwrap();
    bastion.until("ana's step ends", || bastion.step("east")["status"] == "done");
    assert_eq!(
        fs::read_to_string(bastion.at("out/east")).unwrap().lines().count(),
        2,
        "it ran once, to its end"
    );
    bastion.until("the walk goes on", || bastion.walk()["at"] == "open");

    // She comes back to where it stands, and this time bo approves.
    let first = bastion.seat(&ana, (160, 50), "INC-1");
    first.wait_for("checkout fails");
    first.wait_for("Open");
    keys(&first, &["2", "enter"]);
    bastion.until("an approval is asked for", || bastion.step("open")["asked"].is_object());
    second.key("a");
    second.wait_for("Let the traffic in");
    second.key("y");
    bastion.until("the runbook ends", || bastion.walk()["ended"]["complete"] == true);
    let who = fs::read_to_string(bastion.at("out/open")).unwrap();
    assert!(who.starts_with(&ana.0), "{who}");
    let verify = bastion.here(&["verify", bastion.at("room/journal.db").to_str().unwrap()]);
    assert!(verify.status.success(), "{verify:?}");
}
