//! Steps on another host through a real sshd that need a terminal: what ssh asks reaches the person, the script is
//! neither echoed nor on a command line, the shell's state and exit code come back, a lost line ends what ran.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};
use support::{
    house::{self, House},
    peer::{Peer, free_port, start, wanted},
    pty::Pty,
};

#[track_caller]
fn done(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// A host of its own behind an sshd, for whoever runs the test; the key to it has a passphrase.
struct Far {
    house: House,
    _sshd: Peer,
    port: u16,
}

impl Far {
    fn new() -> Self {
        let house = House::new();
        let place = house.path().to_string_lossy().into_owned();
        let port = free_port();
        for (key, phrase) in [("host", ""), ("user", "open sesame")] {
            let args = ["-qt", "ed25519", "-N", phrase, "-f"];
            done(Command::new("ssh-keygen").args(args).arg(house.path().join(key)));
        }
        fs::create_dir_all("/run/sshd").unwrap();
        let lines = [
            format!("Port {port}"),
            "ListenAddress 127.0.0.1".into(),
            format!("HostKey {place}/host"),
            format!("PidFile {place}/sshd.pid"),
            format!("AuthorizedKeysFile {place}/user.pub"),
            "PermitRootLogin yes".into(),
            "PasswordAuthentication no".into(),
            "KbdInteractiveAuthentication no".into(),
            "UsePAM no".into(),
            "StrictModes no".into(),
        ];
        fs::write(house.path().join("sshd_config"), lines.join("\n") + "\n").unwrap();
        let sshd = start(
            Command::new("/usr/sbin/sshd").args(["-D", "-e", "-f"]).arg(house.path().join("sshd_config")),
        );
        house::until("sshd listens", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        // The person's own configuration of ssh, which a test cannot have; it leaves asking to the command line.
        let config = [
            format!("IdentityFile {place}/user"),
            "IdentitiesOnly yes".into(),
            "IdentityAgent none".into(),
            "BatchMode yes".into(),
            format!("UserKnownHostsFile {place}/known"),
        ];
        fs::write(house.path().join("ssh_config"), config.join("\n") + "\n").unwrap();
        fs::create_dir(house.path().join("bin")).unwrap();
        let own = house.path().join("bin/ssh");
        fs::write(&own, format!("#!/bin/sh\nexec /usr/bin/ssh -F {place}/ssh_config \"$@\"\n")).unwrap();
        fs::set_permissions(&own, fs::Permissions::from_mode(0o755)).unwrap();
        Self { house, _sshd: sshd, port }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.house.path().join(name)
    }

    fn path(&self) -> String {
        format!("{}:{}", self.file("bin").display(), std::env::var("PATH").unwrap())
    }

    fn run(&self, args: &[&str]) -> String {
        let output =
            self.house.command(&house::binary()).args(args).env("PATH", self.path()).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Begins to walk a runbook whose steps are these, on the far host.
    fn walk(&self, steps: &str) {
        let place = self.house.path().to_string_lossy().into_owned();
        let text = format!(
            "---\nwarroom:\n  targets:\n    far: ssh://127.0.0.1:{}\n---\n# Far away\n\n{}",
            self.port,
            steps.replace("DIR", &place)
        );
        fs::write(self.file("far.md"), text).unwrap();
        self.run(&["step", "start", self.file("far.md").to_str().unwrap()]);
    }

    fn seat(&self, size: (u16, u16)) -> Pty {
        let home = self.house.path().to_string_lossy().into_owned();
        let path = self.path();
        let env = [
            ("XDG_STATE_HOME", home.as_str()),
            ("XDG_CONFIG_HOME", home.as_str()),
            ("PATH", path.as_str()),
            ("WARROOM_SOCKET", ""),
            ("TZ", "UTC"),
        ];
        Pty::spawn(house::binary(), &[], &env, size)
    }

    fn step(&self, step: &str) -> serde_json::Value {
        let said: serde_json::Value =
            serde_json::from_str(&self.run(&["status", "--json"])).unwrap_or_default();
        said["state"]["walks"]["RUN-1"]["steps"][step].clone()
    }

    fn until(&self, step: &str, status: &str) -> serde_json::Value {
        let began = Instant::now();
        loop {
            let is = self.step(step);
            if is["status"] == status {
                return is;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{step} is never {status}: {is:#}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Whether the test can run here.
fn possible(name: &str) -> bool {
    if !wanted(name) {
        return false;
    }
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("waits for tests/all as root: {name}");
    }
    root
}

/// What ssh asks on a first connection: whether the host is who it says, and the key's passphrase.
fn let_in(seat: &Pty) {
    seat.wait_for("continue connecting");
    seat.send("yes");
    seat.key("enter");
    unlock(seat);
}

fn unlock(seat: &Pty) {
    seat.wait_for("Enter passphrase");
    seat.send("open sesame");
    seat.key("enter");
}

const ASK: &str = r#"1. [ ] Put the name down

   ```bash { name=ask host=far interactive timeout=10m }
   # the-script-itself
   tr '\0' ' ' </proc/$$/cmdline > DIR/line
   read -r -p 'Whose? ' name
   read -r -s -p 'Password: ' word; echo; echo "got ${#word} letters for $name"
   export OWNER="$name of $(stty size)"
   cd /tmp
   ```

2. [ ] Use it

   ```bash { name=use host=far }
   echo "$OWNER in $PWD"; echo "$OWNER in $PWD" > DIR/out
   ```

3. [ ] It fails

   ```sh { name=fail host=far interactive }
   echo "still $OWNER"; exit 7
   ```
"#;

#[test]
fn a_terminal_on_another_host_asks_carries_and_fails_as_one_here() {
    if !possible("interactive steps through a real sshd") {
        return;
    }
    let far = Far::new();
    far.walk(ASK);
    let first = far.seat((100, 30));
    first.wait_for("Put the name down");
    first.key("enter");
    first.wait_for("has a terminal");
    first.key("enter");
    let_in(&first);
    first.wait_for("Whose?");
    let shown = String::from_utf8_lossy(&first.raw()).into_owned();
    // The seat goes; the step waits on its host, and another seat attaches to it.
    drop(first);
    assert_eq!(far.step("ask")["status"], "lent");
    let second = far.seat((120, 40));
    second.wait_for("has a terminal");
    second.key("enter");
    second.wait_for("Whose?");
    second.send("ana");
    second.key("enter");
    second.wait_for("Password:");
    second.send("hunter2");
    second.key("enter");
    let ask = far.until("ask", "done");
    assert_eq!(ask["results"][0]["seen"], "got 7 letters for ana", "{ask:#}");
    assert!(!ask["results"][0]["evidence"].is_null(), "what stood on the terminal is kept: {ask:#}");
    let line = fs::read_to_string(far.file("line")).unwrap();
    assert!(line.contains("head -c") && !line.contains("the-script-itself"), "{line}");

    // A step without a terminal asks nothing, and finds no key that it may use.
    let output =
        far.house.command(&house::binary()).args(["step", "take"]).env("PATH", far.path()).output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("Permission denied"), "{output:?}");
    done(Command::new("ssh-keygen").args(["-qpP", "open sesame", "-N", "", "-f"]).arg(far.file("user")));
    far.run(&["step", "take"]);
    let out = fs::read_to_string(far.file("out")).unwrap();
    let (rows, cols) = out.trim().strip_prefix("ana of ").unwrap().split_once(' ').unwrap();
    assert!(
        rows.parse::<u16>().unwrap() > 24 && cols.starts_with('1'),
        "the terminal grew with the seat: {out}"
    );
    assert!(out.contains("in /tmp"), "{out}");

    second.wait_for("It fails");
    second.key("enter");
    let failed = far.until("fail", "failed");
    assert_eq!(failed["results"][0]["exit"], 7, "{failed:#}");
    assert!(failed["results"][0]["seen"].as_str().unwrap().starts_with("still ana"), "{failed:#}");

    let second = String::from_utf8_lossy(&second.raw()).into_owned();
    let journal = far.run(&["tail", "--from", "1", "--json", "--no-follow"]);
    for raw in [&shown, &second] {
        assert!(!raw.contains("stty raw") && !raw.contains('\u{1e}'), "the machinery is shown");
    }
    for secret in ["hunter2", "open sesame"] {
        assert!(!shown.contains(secret) && !second.contains(secret) && !journal.contains(secret), "{secret}");
    }
}

const LOST: &str = r"1. [ ] Holds on

   ```bash { name=hold host=far interactive }
   trap '' HUP TERM
   echo $$ > DIR/pid; echo $PPID > DIR/session
   echo holding on
   while :; do sleep 0.1; done
   ```
";

#[test]
fn a_lost_line_ends_the_step_here_and_what_ran_there() {
    if !possible("a lost line to another host through a real sshd") {
        return;
    }
    let far = Far::new();
    done(Command::new("ssh-keygen").args(["-qpP", "open sesame", "-N", "", "-f"]).arg(far.file("user")));
    far.walk(LOST);
    let seat = far.seat((100, 30));
    seat.wait_for("Holds on");
    seat.key("enter");
    seat.wait_for("has a terminal");
    seat.key("enter");
    seat.wait_for("continue connecting");
    seat.send("yes");
    seat.key("enter");
    seat.wait_for("holding on");
    let number = |name: &str| -> i32 { fs::read_to_string(far.file(name)).unwrap().trim().parse().unwrap() };
    let signal =
        |pid: i32, with| rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), with);
    let runs =
        |pid: i32| fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    let block = number("pid");
    assert!(runs(block));
    // The server's end of this one connection dies.
    signal(number("session"), rustix::process::Signal::KILL).unwrap();
    let failed = far.until("hold", "failed");
    assert_eq!(failed["results"][0]["exit"], 255, "{failed:#}");
    assert!(failed["results"][0]["seen"].as_str().unwrap().contains("closed by remote host"), "{failed:#}");
    house::until("what ran there ends", || !runs(block));
}
