//! A real tmux: two clients of different sizes on one seat, two seats in two panes, a storm of resizes, and a seat that
//! is detached from and attached to again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod support;

use std::{
    process::{Command, Output},
    time::{Duration, Instant},
};
use support::{peer::wanted, pty::Pty};

fn warroom() -> String {
    std::env::var("WARROOM_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_warroom").to_owned())
}

/// What runs in a pane; the pane stays when the seat is left, so that its last words can be read.
fn seat() -> String {
    format!("{} ; sleep 60", warroom())
}

/// A tmux server of its own, with a room of its own.
struct Tmux {
    dir: tempfile::TempDir,
}

impl Tmux {
    /// A session with one seat in it.
    fn with_a_seat() -> Self {
        let tmux = Self { dir: tempfile::Builder::new().prefix("wr-tmux").tempdir().unwrap() };
        let seat = seat();
        tmux.ok(&["new-session", "-d", "-s", "war", "-x", "100", "-y", "30", &seat]);
        // Everybody sees all of it, as at the smallest terminal; a seat needs no status line of tmux's.
        tmux.ok(&["set-option", "-g", "window-size", "smallest"]);
        tmux.ok(&["set-option", "-g", "status", "off"]);
        tmux.ok(&["set-option", "-g", "default-terminal", "tmux-256color"]);
        tmux
    }

    fn home(&self) -> String {
        self.dir.path().to_string_lossy().into_owned()
    }

    fn env(&self) -> Vec<(String, String)> {
        let mut env = vec![("WARROOM_SOCKET".to_owned(), String::new())];
        for name in ["XDG_STATE_HOME", "XDG_CONFIG_HOME", "TMUX_TMPDIR"] {
            env.push((name.to_owned(), self.home()));
        }
        env.push(("LANG".into(), "C.UTF-8".into()));
        env.push(("TZ".into(), "UTC".into()));
        env
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(args).env_remove("TMUX").env_remove("TMUX_PANE").env_remove("WARROOM_SOCKET");
        command.envs(self.env().into_iter().filter(|(_, value)| !value.is_empty()));
        command.output().unwrap()
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let output = self.run("tmux", &[&["-L", "war", "-f", "/dev/null"], args].concat());
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// A person's terminal, attached to the session.
    fn attach(&self, size: (u16, u16)) -> Pty {
        let env = self.env();
        let env: Vec<(&str, &str)> =
            env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Pty::spawn("tmux", &["-L", "war", "-f", "/dev/null", "attach-session", "-t", "war"], &env, size)
    }

    fn notes(&self) -> String {
        String::from_utf8(self.run(&warroom(), &["tail", "--no-follow"]).stdout).unwrap()
    }

    fn until(&self, what: &str, so: impl Fn() -> bool) {
        let began = Instant::now();
        while !so() {
            assert!(began.elapsed() < Duration::from_secs(60), "{what} does not come: {}", self.notes());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.run(&warroom(), &["stop"]);
        let _ = self.run("tmux", &["-L", "war", "kill-server"]);
    }
}

fn binary_is_there() -> bool {
    let there = Command::new("tmux").arg("-V").output().is_ok_and(|output| output.status.success());
    wanted("seats in a real tmux") && there
}

/// Rows of the console, however wide.
fn console(screen: &vt100::Screen, cols: u16) -> Vec<String> {
    screen.rows(0, cols).take(7).map(|row| row.trim_end().to_owned()).collect()
}

#[test]
fn two_clients_of_different_sizes_share_one_seat_which_says_so() {
    if !binary_is_there() {
        return;
    }
    let tmux = Tmux::with_a_seat();
    let large = tmux.attach((140, 45));
    large.wait_for("no incident");
    let small = tmux.attach((80, 24));
    small.wait_for("no incident");
    // The seat is as large as the smaller terminal, and tells both that they are one person to the room.
    small.wait_for("SHARED");
    large.wait_for("SHARED");
    let (a, b) = (large.screen(), small.screen());
    assert_eq!(console(&a, 80)[3], console(&b, 80)[3]);
    // Keys of both go to the same seat; its person sees who else is there.
    small.key("n");
    large.wait_for("Note");
    large.send("seen by both");
    small.wait_for("seen by both");
    small.key("enter");
    tmux.until("the note", || tmux.notes().contains("seen by both"));
    large.key("@");
    small.wait_for("SHARED by 2");
    small.key("esc");
    // Before the next key: together with it, tmux would take Esc for Alt.
    small.wait_until("the list closed", |screen| !screen.contents().contains("Who is here"));
    // One leaves: what is left is as large as the other's terminal, and nobody's any more.
    small.key("ctrl-b");
    small.key("d");
    large.wait_until("it is shared no longer", |screen| {
        let text = screen.contents();
        !text.contains("SHARED") && text.contains("no incident")
    });
    large.wait_until("the whole terminal", |screen| {
        screen.rows(0, 140).next().is_some_and(|row| row.trim_end().chars().count() > 100)
    });
}

#[test]
fn two_seats_in_two_panes_see_each_other_and_one_follows() {
    if !binary_is_there() {
        return;
    }
    let tmux = Tmux::with_a_seat();
    let terminal = tmux.attach((200, 50));
    terminal.wait_for("no incident");
    let seat = seat();
    tmux.ok(&["split-window", "-h", "-l", "90", &seat]);
    terminal.wait_until("two seats side by side", |screen| {
        screen.contents().lines().any(|line| line.matches("no incident").count() == 2)
    });
    // The new pane has the keys: it follows the other, which then goes elsewhere.
    terminal.key("f");
    terminal.wait_for("Whom do you follow?");
    terminal.key("enter");
    terminal.wait_for("following ");
    tmux.ok(&["select-pane", "-t", "0"]);
    terminal.key("6");
    terminal.wait_until("both at the timeline", |screen| {
        screen.contents().lines().last().is_some_and(|line| line.matches("timeline").count() == 2)
    });
    let who = || String::from_utf8(tmux.run(&warroom(), &["who"]).stdout).unwrap();
    tmux.until("both where they look", || {
        let who = who();
        who.lines().filter(|line| line.contains("timeline")).count() == 2 && who.contains("follows ")
    });
}

#[test]
fn a_storm_of_resizes_loses_no_key_and_a_detached_seat_is_where_it_was() {
    if !binary_is_there() {
        return;
    }
    let tmux = Tmux::with_a_seat();
    let terminal = tmux.attach((100, 30));
    terminal.wait_for("no incident");
    terminal.key("n");
    terminal.wait_for("Note");
    let mut seed = 7_u32;
    let mut next = |from: u16, to: u16| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        from + u16::try_from(seed >> 16).unwrap() % (to - from)
    };
    let text = "every key of this sentence was pressed while the terminal changed its size again and again";
    for c in text.chars() {
        terminal.resize((next(20, 180), next(5, 60)));
        terminal.send(&c.to_string());
    }
    terminal.resize((100, 30));
    terminal.key("enter");
    tmux.until("the whole sentence", || tmux.notes().contains(text));
    terminal.key("6");
    terminal.wait_until("the screen in one piece again", |screen| {
        let rows: Vec<String> = screen.rows(0, 100).collect();
        rows[0].contains("no incident") && rows[0].trim_end().ends_with('Z') && rows[29].contains("timeline")
    });
    // Detached, the seat goes on by itself; attached again, at another size, one is where one was.
    terminal.key("ctrl-b");
    terminal.key("d");
    tmux.until("nobody is attached", || tmux.ok(&["list-clients", "-t", "war"]).trim().is_empty());
    drop(terminal);
    let said = tmux.run(&warroom(), &["note", "while nobody looked"]);
    assert!(said.status.success(), "{said:?}");
    let terminal = tmux.attach((120, 40));
    terminal.wait_for("while nobody looked");
    terminal.wait_until("the same view", |screen| {
        screen.rows(0, 120).last().is_some_and(|row| row.contains("timeline"))
    });
}
