//! Several Unix users on one room, as the kernel proves them: powers by name and by group, broken glass, command that
//! is handed over, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

/// The system's own users, which every distribution has: login name, uid.
const DAEMON: (&str, u32) = ("daemon", 1);
const BIN: (&str, u32) = ("bin", 2);
const GAMES: (&str, u32) = ("games", 5);

fn warroom() -> PathBuf {
    std::env::var("WARROOM_BIN").map_or_else(|_| env!("CARGO_BIN_EXE_warroom").into(), PathBuf::from)
}

struct House {
    dir: tempfile::TempDir,
    room: Child,
}

impl House {
    /// A room for all, with these powers.
    fn open(powers: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // Where other users can run it, wherever the build lies. Copied by another process: what this one forks
        // meanwhile would hold the file open for writing, and it could not be run.
        let copied = Command::new("cp").arg(warroom()).arg(dir.path().join("warroom")).status().unwrap();
        assert!(copied.success());
        let config = dir.path().join("warroom.toml");
        fs::write(&config, format!("{powers}\n[gate]\nlisten = \"127.0.0.1:0\"\n")).unwrap();
        let state = dir.path().join("room");
        let room = Command::new(dir.path().join("warroom"))
            .arg("--config")
            .arg(&config)
            .args(["serve", "--shared", "--dir"])
            .arg(&state)
            .env("XDG_STATE_HOME", dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let house = Self { dir, room };
        let began = Instant::now();
        while !house.root(&["status"]).status.success() {
            assert!(began.elapsed() < Duration::from_secs(60), "the room does not open");
            std::thread::sleep(Duration::from_millis(20));
        }
        // A bastion gives directory and socket a group; in this test everybody may connect.
        fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(house.socket(), fs::Permissions::from_mode(0o666)).unwrap();
        house
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("room/room.sock")
    }

    fn root(&self, args: &[&str]) -> Output {
        let mut command = Command::new(self.dir.path().join("warroom"));
        self.finish(command.args(args), "")
    }

    /// As another user, with these supplementary groups.
    fn by(&self, (_, uid): (&str, u32), groups: &[u32], args: &[&str], says: &str) -> Output {
        let groups: Vec<String> = groups.iter().map(ToString::to_string).collect();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &uid.to_string(), "--regid", &uid.to_string()]);
        if groups.is_empty() {
            command.arg("--clear-groups");
        } else {
            command.args(["--groups", &groups.join(",")]);
        }
        self.finish(command.arg(self.dir.path().join("warroom")).args(args), says)
    }

    fn finish(&self, command: &mut Command, says: &str) -> Output {
        use std::io::Write as _;
        let mut child = command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("WARROOM_SOCKET", self.socket())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(says.as_bytes());
        child.wait_with_output().unwrap()
    }

    #[track_caller]
    fn ok(&self, who: (&str, u32), groups: &[u32], args: &[&str]) -> String {
        let output = self.by(who, groups, args, "");
        assert!(output.status.success(), "{who:?} {args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn no(&self, who: (&str, u32), groups: &[u32], args: &[&str]) -> String {
        let output = self.by(who, groups, args, "");
        assert_eq!(output.status.code(), Some(1), "{who:?} {args:?}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn commander(&self) -> String {
        let said = self.root(&["status", "--json"]);
        let value: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        value["state"]["incidents"]["INC-1"]["roles"]["commander"]["who"].as_str().unwrap_or("").to_owned()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = self.room.kill();
        let _ = self.room.wait();
    }
}

/// Whether other users can be had here; says so where not.
fn several_users() -> bool {
    let can = rustix::process::geteuid().is_root()
        && Command::new("setpriv")
            .args(["--reuid", "1", "--regid", "1", "--clear-groups", "true"])
            .status()
            .is_ok_and(|status| status.success());
    if !can {
        println!("waits for tests/all as root: several Unix users on one room");
    }
    can
}

/// Number of a group by name.
fn gid(name: &str) -> u32 {
    let all = fs::read_to_string("/etc/group").unwrap();
    let line = all.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap();
    line.split(':').nth(2).unwrap().parse().unwrap()
}

const POWERS: &str = r#"
[power.respond]
groups = ["staff"]

[power.command]
users = ["games"]
groups = ["audio"]

[power.approve]
users = ["bin"]
"#;

#[test]
fn roles_refuse_what_they_must_and_the_glass_is_seen_by_all() {
    if !several_users() {
        return;
    }
    let house = House::open(POWERS);
    let (staff, audio) = (gid("staff"), gid("audio"));

    // Without the group nothing but looking; with it, responding. The supplementary groups are the kernel's.
    let said = house.no(DAEMON, &[], &["declare", "checkout fails"]);
    assert!(said.contains("daemon has not the power to respond"), "{said}");
    assert!(house.ok(DAEMON, &[], &["status"]).contains("you     daemon (uid 1) may observe\n"));
    house.ok(DAEMON, &[staff], &["declare", "checkout fails"]);
    assert_eq!(house.commander(), "daemon", "who declares commands");
    let may = house.ok(DAEMON, &[staff], &["status"]);
    assert!(may.contains("may observe, respond  by group staff"), "{may}");
    let may = house.ok(BIN, &[audio, staff], &["status"]);
    assert!(may.contains("may observe, respond, command, approve  by group audio, staff"), "{may}");

    // Seniority changes nothing: command is taken with a reason or not at all.
    let said = house.no(GAMES, &[], &["role", "commander", "games"]);
    assert!(said.contains("take-command --reason"), "{said}");
    house.no(BIN, &[], &["take-command", "--reason", "I am bin"]);
    house.ok(GAMES, &[], &["take-command", "--reason", "daemon is gone"]);
    assert_eq!(house.commander(), "games");

    // Breaking the glass: loud, a deviation, and over when it is given back.
    house.no(BIN, &[], &["note", "seen"]);
    house.ok(BIN, &[], &["break-glass", "respond", "--reason", "nobody answers"]);
    house.ok(BIN, &[], &["note", "seen"]);
    let status = house.ok(DAEMON, &[], &["status"]);
    assert!(status.contains("GLASS BROKEN GLS-1 by bin: respond for 59m"), "{status}");
    let draft = house.ok(GAMES, &[], &["export", "INC-1", "--stdout"]);
    assert!(draft.contains("broken-glass") && draft.contains("authorised by self, emergency"), "{draft}");
    house.ok(BIN, &[], &["give-back"]);
    house.no(BIN, &[], &["note", "seen again"]);
    let log = String::from_utf8(house.root(&["tail", "--no-follow"]).stdout).unwrap();
    assert!(log.contains("TOOK COMMAND of INC-1 from daemon: daemon is gone"), "{log}");
}

#[test]
fn command_is_handed_over_between_two_users() {
    if !several_users() {
        return;
    }
    let house = House::open(POWERS);
    let (staff, audio) = (gid("staff"), gid("audio"));
    house.ok(DAEMON, &[staff], &["declare", "checkout fails"]);
    house.ok(DAEMON, &[staff], &["board", "goal", "under 1 % by 14:09Z"]);
    let said = house.ok(DAEMON, &[staff], &["role", "commander", "bin"]);
    assert!(said.contains("stays where it is until bin says: I have command"), "{said}");
    assert_eq!(house.commander(), "daemon");
    house.no(GAMES, &[], &["handover", "accept", "--say", "I have command"]);
    house.no(BIN, &[audio], &["handover", "accept", "--say", "yes"]);
    let said = house.no(BIN, &[], &["handover", "accept", "--say", "I have command"]);
    assert!(said.contains("power to command"), "{said}");
    // Without the words the briefing is shown and they are read.
    let output = house.by(BIN, &[audio], &["handover", "accept"], "I have command\n");
    assert!(output.status.success(), "{output:?}");
    let shown = String::from_utf8(output.stderr).unwrap();
    assert!(shown.contains("commander daemon") && shown.contains("under 1 % by 14:09Z"), "{shown}");
    assert_eq!(house.commander(), "bin");
    let briefing = house.ok(GAMES, &[], &["briefing", "--json"]);
    let value: serde_json::Value = serde_json::from_str(&briefing).unwrap();
    assert_eq!(value["commander"], "bin");
    house.no(DAEMON, &[staff], &["handover", "to", "games"]);
}

/// The doctrine of an evening between three users of the real binary: a report whose need is assigned and acknowledged,
/// a proposal that is objected to and decided, updates that are owed and put off, a close that names what it waits for.
#[test]
fn three_users_report_assign_decide_update_and_close() {
    if !several_users() {
        return;
    }
    let house = House::open("[severity.SEV2]\npoll_every = \"10m\"\nexternal_every = \"1h\"\n");
    let (ana, bo, cy) = (DAEMON, BIN, GAMES);
    house.ok(ana, &[], &["declare", "checkout fails", "--service", "checkout"]);

    // Conditions, actions, needs.
    let said = house.ok(bo, &[], &["report", "queue at 9 k", "draining it", "--need", "the vault's keys"]);
    assert!(said.contains("TSK-1"), "{said}");
    let status = house.ok(ana, &[], &["status"]);
    assert!(status.contains("TSK-1 --  the vault's keys  NO OWNER"), "{status}");
    house.ok(ana, &[], &["task-assign", "TSK-1", "games", "--within", "15m"]);
    let said = house.no(bo, &[], &["task-ack", "TSK-1"]);
    assert!(said.contains("TSK-1 is games's"), "{said}");
    house.ok(cy, &[], &["task-ack", "TSK-1"]);
    house.ok(cy, &[], &["task-report", "TSK-1", "on my way"]);
    house.ok(ana, &[], &["task-extend", "TSK-1", "5m"]);
    let status = house.ok(ana, &[], &["status"]);
    assert!(status.contains("TSK-1 games  the vault's keys  19m"), "{status}");
    house.ok(cy, &[], &["done", "TSK-1", "here they are"]);

    // Any strong objections?
    let said = house.ok(bo, &[], &["propose", "flags off", "--option", "wait", "--risks", "slow quotes"]);
    assert!(said.contains("DEC-1"), "{said}");
    house.ok(cy, &[], &["object", "DEC-1", "quotes are cached"]);
    let said = house.no(cy, &[], &["decide-on", "DEC-1"]);
    assert!(said.contains("daemon commands and decides"), "{said}");
    house.ok(ana, &[], &["decide-on", "DEC-1", "--review", "30m"]);
    house.ok(bo, &[], &["review", "DEC-1", "it stands"]);
    house.no(bo, &[], &["review", "DEC-1", "it still stands"]);

    // Each update in its own time; too many are warned about and go out.
    let draft = house.ok(cy, &[], &["update", "--draft", "--external"]);
    assert!(draft.starts_with("There is a problem with checkout: we are looking into it."), "{draft}");
    house.ok(cy, &[], &["update", "--external", "we are on it"]);
    let output = house.by(cy, &[], &["update", "--external", "we still are"], "");
    let warned = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && warned.contains("too soon?"), "{warned}");
    house.ok(ana, &[], &["polled"]);
    house.ok(ana, &[], &["snooze", "update", "15m", "--reason", "in the middle of it"]);
    house.no(ana, &[], &["snooze", "update", "15m", "--reason", " "]);
    house.ok(ana, &[], &["cadence", "external"]);
    house.no(ana, &[], &["snooze", "external", "15m", "--reason", "x"]);

    // Another severity: what it brings is told before.
    let shown = house.ok(ana, &[], &["severity", "SEV1", "--show"]);
    for part in ["update   every 15m instead of every 30m", "people   wanted and missing"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }

    // Closing names what it waits for.
    house.ok(bo, &[], &["unlisted", "restarted by hand"]);
    house.ok(ana, &[], &["state", "resolved"]);
    let said = house.no(ana, &[], &["state", "closed"]);
    assert!(said.contains("1 reason is owed: DEV-1 unlisted-action by bin"), "{said}");
    house.ok(bo, &[], &["reason", "DEV-1", "5"]);
    let draft = house.ok(ana, &[], &["export", "INC-1", "--stdout"]);
    for part in [
        "## Coordination",
        "“the vault's keys”",
        "Objected to DEC-1",
        "over the objection of games",
        "External update sent",
    ] {
        assert!(draft.contains(part), "{part}\n{draft}");
    }
    house.ok(ana, &[], &["state", "closed"]);
    let log = String::from_utf8(house.root(&["tail", "--no-follow"]).stdout).unwrap();
    for part in [
        "CAN: queue at 9 k; draining it; needs TSK-1 the vault's keys",
        "has TSK-1",
        "OBJECTS to DEC-1: quotes are cached",
        "decided: flags off; games objected; review in 30m",
        "puts updates off for 15m: in the middle of it",
    ] {
        assert!(log.contains(part), "{part}\n{log}");
    }
}
