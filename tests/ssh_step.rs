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
    sshd: Option<Peer>,
    port: u16,
}

/// Who logs in by a key alone.
const BY_KEY: &[&str] = &["KbdInteractiveAuthentication no", "UsePAM no"];

impl Far {
    fn new() -> Self {
        Self::that_wants(BY_KEY)
    }

    /// With these lines on how one logs in.
    fn that_wants(login: &[&str]) -> Self {
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
            login.join("\n"),
            "StrictModes no".into(),
        ];
        fs::write(house.path().join("sshd_config"), lines.join("\n") + "\n").unwrap();
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
        let mut far = Self { house, sshd: None, port };
        far.opens();
        far
    }

    /// Its sshd begins, again where there was one.
    fn opens(&mut self) {
        self.sshd = None;
        let config = self.file("sshd_config");
        self.sshd = Some(start(Command::new("/usr/sbin/sshd").args(["-D", "-e", "-f"]).arg(config)));
        house::until("sshd listens", || std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    /// The key needs no passphrase any more.
    fn unlock(&self) {
        done(Command::new("ssh-keygen").args(["-qpP", "open sesame", "-N", "", "-f"]).arg(self.file("user")));
    }

    /// The host's key, as it is now, is known.
    fn is_known(&self) {
        let key = fs::read_to_string(self.file("host.pub")).unwrap();
        fs::write(self.file("known"), format!("[127.0.0.1]:{} {key}", self.port)).unwrap();
    }

    /// Takes the step where the walk stands, without a terminal. Gives whether it went well, and what was said.
    fn take(&self) -> (bool, String) {
        let mut command = self.house.command(&house::binary());
        let output = command.args(["step", "take", "--again"]).env("PATH", self.path()).output().unwrap();
        (
            output.status.success(),
            format!("{}{}", String::from_utf8_lossy(&output.stdout), house::stderr(&output)),
        )
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
    far.unlock();
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
    far.unlock();
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

const COUNT: &str = r"1. [ ] Counts

   ```sh { name=count host=far timeout=60s retry=3/1s }
   echo ran >> DIR/ran; echo counted
   ```

1. [ ] Is done

   ```sh { name=last host=far }
   true
   ```
";

fn ran(far: &Far) -> usize {
    fs::read_to_string(far.file("ran")).unwrap_or_default().lines().count()
}

#[test]
fn a_key_that_has_to_be_unlocked_asks_nobody_and_a_shared_connection_is_used() {
    if !possible("a shared connection through a real sshd") {
        return;
    }
    let far = Far::new();
    far.is_known();
    let socket = far.file("shared");
    let config = fs::read_to_string(far.file("ssh_config")).unwrap();
    // A person who would share every connection: a step shares none all the same.
    let more = format!("ControlPath {}\nControlMaster auto\nControlPersist 60\n", socket.display());
    fs::write(far.file("ssh_config"), config + &more).unwrap();
    far.walk(COUNT);
    let (well, said) = far.take();
    assert!(!well && said.contains("Permission denied (publickey)") && said.contains("ssh-add"), "{said}");
    assert_eq!(far.step("count")["results"][0]["result"], "could_not_start");
    assert_eq!(ran(&far), 0);

    // Once by hand, with whatever it takes; here a copy of the key without its passphrase.
    fs::copy(far.file("user"), far.file("open")).unwrap();
    done(Command::new("ssh-keygen").args(["-qpP", "open sesame", "-N", "", "-f"]).arg(far.file("open")));
    let port = far.port.to_string();
    let shared = |args: &[&str]| {
        let mut ssh = Command::new("/usr/bin/ssh");
        ssh.arg("-F").arg(far.file("ssh_config")).arg("-i").arg(far.file("open")).args(args);
        ssh.args(["-p", &port, "127.0.0.1"])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
        done(&mut ssh);
    };
    shared(&["-MNf"]);
    let (well, said) = far.take();
    assert!(well && said.contains("counted"), "{said}");
    assert!(socket.exists(), "what is shared outlives the step");
    let (well, said) = far.take();
    assert!(well, "the next step too: {said}");
    shared(&["-O", "exit"]);
    far.walk(&COUNT.replace("name=count", "name=later"));
    let (well, said) = far.take();
    assert!(!well && said.contains("Permission denied (publickey)"), "{said}");
    assert_eq!(ran(&far), 1);
}

#[test]
fn a_second_factor_asks_nobody_without_a_terminal() {
    if !possible("a second factor through a real sshd") {
        return;
    }
    let login = [
        "AuthenticationMethods publickey,keyboard-interactive",
        "KbdInteractiveAuthentication yes",
        "UsePAM no",
    ];
    let far = Far::that_wants(&login);
    far.unlock();
    far.is_known();
    far.walk(COUNT);
    let (well, said) = far.take();
    assert!(!well && said.contains("would ask for a password or a code") && said.contains("-MNf"), "{said}");
    let step = far.step("count");
    assert_eq!(
        (&step["status"], &step["results"][0]["result"]),
        (&"failed".into(), &"could_not_start".into())
    );
    assert_eq!(ran(&far), 0);
}

const TYPED: &str = r"1. [ ] Counts

   ```sh { name=count host=far interactive }
   echo ran >> DIR/ran
   ```
";

#[test]
fn a_second_factor_reaches_the_terminal_and_a_wrong_one_runs_nothing() {
    if !possible("a second factor at a step's terminal") || !std::path::Path::new("/etc/pam.d/sshd").exists()
    {
        return;
    }
    let login = [
        "AuthenticationMethods publickey,keyboard-interactive",
        "KbdInteractiveAuthentication yes",
        "UsePAM yes",
    ];
    let far = Far::that_wants(&login);
    far.unlock();
    far.is_known();
    let config = fs::read_to_string(far.file("ssh_config")).unwrap();
    fs::write(far.file("ssh_config"), config + "NumberOfPasswordPrompts 1\n").unwrap();
    far.walk(TYPED);
    let seat = far.seat((100, 30));
    seat.wait_for("Counts");
    seat.key("enter");
    seat.wait_for("has a terminal");
    seat.key("enter");
    seat.wait_for("Password:");
    seat.send("not-the-one-it-is");
    seat.key("enter");
    let failed = far.until("count", "failed");
    assert_eq!(failed["results"][0]["result"], "could_not_start", "{failed:#}");
    assert!(failed["results"][0]["seen"].as_str().unwrap().contains("did not let you in"), "{failed:#}");
    assert_eq!(ran(&far), 0);
    assert!(!String::from_utf8_lossy(&seat.raw()).contains("not-the-one-it-is"));
}

#[test]
fn a_host_that_is_another_one_runs_nothing() {
    if !possible("a changed host key through a real sshd") {
        return;
    }
    let mut far = Far::new();
    far.unlock();
    far.walk(COUNT);
    let (well, said) = far.take();
    assert!(!well && said.contains("is no known host yet") && said.contains("compare its key"), "{said}");
    far.is_known();
    let (well, said) = far.take();
    assert!(well, "{said}");
    assert_eq!(ran(&far), 1);
    for old in ["host", "host.pub"] {
        fs::remove_file(far.file(old)).unwrap();
    }
    done(Command::new("ssh-keygen").args(["-qt", "ed25519", "-N", "", "-f"]).arg(far.file("host")));
    far.opens();
    far.walk(&COUNT.replace("name=count", "name=another"));
    let (well, said) = far.take();
    assert!(!well && said.contains("has CHANGED") && said.contains("ssh-keygen -R"), "{said}");
    assert_eq!(ran(&far), 1);
}

const PRACTISED: &str = r"---
warroom:
  targets: {web: 'ssh://web1.prod.example'}
  inputs:
    - {name: GOOD, prompt: Last good release}
---
# Put it back

1. [ ] Put it back

   ```bash { name=switch host=web timeout=60s }
   sudo -n true 2>/dev/null; systemctl --version >/dev/null 2>&1
   echo $GOOD >> DIR/ran; echo switched to $GOOD
   ```

1. [ ] **CONFIRM** It is back
";

/// A runbook of production in a drill: its host is another one, and that one's own programs need no stand-in.
#[test]
fn a_drill_takes_a_step_to_a_stand_in_of_its_host() {
    if !possible("a drill with a stand-in host through a real sshd") {
        return;
    }
    let far = Far::new();
    far.unlock();
    far.is_known();
    let file = far.file("practised.md");
    fs::write(&file, PRACTISED.replace("DIR", &far.house.path().to_string_lossy())).unwrap();
    let map = format!("web=ssh://127.0.0.1:{}", far.port);
    let mut drill = far.house.command(&house::binary());
    drill.args(["drill", "--auto", "--pace", "20", "--map", &map]).env("PATH", far.path());
    let output = drill.arg("--runbook").arg(&file).arg("--out").arg(far.file("draft")).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), house::stderr(&output));
    assert_eq!(output.status.code(), Some(1), "{said}");
    for words in
        ["step 1 Put it back: switched to 2.4.0", "a person is needed at step 2 of 2", "journal  sound"]
    {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    assert_eq!(fs::read_to_string(far.file("ran")).unwrap(), "2.4.0\n", "it ran once, and there");
    assert!(!far.file("warroom/drill").exists(), "the drill left something behind");
}
