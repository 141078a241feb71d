//! A program in a pseudo-terminal: its screen as a terminal would show it, keys as a person would press them.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::{
    io::{Read, Write},
    num::NonZeroU16,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long anything may take on a busy machine before the test says that it does not happen.
const DEADLINE: Duration = Duration::from_secs(30);

struct State {
    parser: vt100::Parser,
    raw: Vec<u8>,
    /// When bytes came, and how many there were then.
    came: Vec<(Instant, usize)>,
    ended: bool,
}

type Shared = Arc<(Mutex<State>, Condvar)>;
type Keys = Arc<Mutex<Box<dyn Write + Send>>>;

/// The program and its terminal. Dropping kills the program.
pub struct Pty {
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Keys,
    shared: Shared,
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n.max(2)).unwrap()
}

impl Pty {
    /// Starts `program` in a terminal of `size` (columns, rows). The environment is the test's own without what
    /// says something about its terminal, and with `env` on top; an empty value removes the variable.
    pub fn spawn(program: impl AsRef<Path>, args: &[&str], env: &[(&str, &str)], size: (u16, u16)) -> Self {
        let mut command = CommandBuilder::new(program.as_ref());
        command.args(args);
        for gone in ["NO_COLOR", "COLORTERM", "TMUX", "SSH_TTY", "SSH_CONNECTION", "LC_ALL", "LC_CTYPE"] {
            command.env_remove(gone);
        }
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env("RUST_BACKTRACE", "0");
        for (name, value) in env {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        if let Ok(here) = std::env::current_dir() {
            command.cwd(here);
        }
        let pair = native_pty_system().openpty(measure(size)).unwrap();
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let keys: Keys = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let parser = vt100::Parser::new(cells(size.1), cells(size.0), 0);
        let shared: Shared = Arc::new((
            Mutex::new(State { parser, raw: Vec::new(), came: Vec::new(), ended: false }),
            Condvar::new(),
        ));
        let reader = pair.master.try_clone_reader().unwrap();
        std::thread::spawn({
            let (shared, keys) = (Arc::clone(&shared), Arc::clone(&keys));
            move || follow(reader, &shared, &keys)
        });
        Self { child, master: pair.master, keys, shared }
    }

    /// Types text as it is.
    pub fn send(&self, text: &str) {
        let mut keys = self.keys.lock().unwrap();
        keys.write_all(text.as_bytes()).unwrap();
        keys.flush().unwrap();
    }

    /// Presses one key: a character, or a name such as `enter`, `esc`, `up`, `ctrl-z`, `alt-x`, `f5`.
    pub fn key(&self, name: &str) {
        self.send(&sequence(name));
    }

    /// Pastes text the way a terminal does where the program asked for marked pastes.
    pub fn paste(&self, text: &str) {
        self.send(&format!("\u{1b}[200~{text}\u{1b}[201~"));
    }

    /// Waits until the screen is as `is` wants it; `what` names that in the failure.
    pub fn wait_until(&self, what: &str, mut is: impl FnMut(&vt100::Screen) -> bool) {
        self.wait(what, |state| is(state.parser.screen()));
    }

    /// Waits until the screen shows `text`.
    pub fn wait_for(&self, text: &str) {
        self.wait_until(&format!("{text:?} on the screen"), |screen| screen.contents().contains(text));
    }

    /// Waits until the program has written these bytes.
    pub fn wait_raw(&self, bytes: &str) {
        self.wait(&format!("{bytes:?} written"), |state| {
            state.raw.windows(bytes.len()).any(|seen| seen == bytes.as_bytes())
        });
    }

    /// Waits until the program has written these bytes `times` times.
    pub fn wait_times(&self, bytes: &str, times: usize) {
        self.wait(&format!("{bytes:?} written {times} times"), |state| {
            String::from_utf8_lossy(&state.raw).matches(bytes).count() >= times
        });
    }

    /// Changes the terminal's size (columns, rows); the program gets SIGWINCH.
    pub fn resize(&self, size: (u16, u16)) {
        self.lock().parser.set_size(cells(size.1), cells(size.0));
        self.master.resize(measure(size)).unwrap();
    }

    /// The screen's text, rows without trailing blanks.
    pub fn screen_text(&self) -> String {
        self.lock().parser.screen().contents()
    }

    /// A copy of the screen, with colours and modes.
    pub fn screen(&self) -> vt100::Screen {
        self.lock().parser.screen().clone()
    }

    /// All bytes written until now.
    pub fn raw(&self) -> Vec<u8> {
        self.lock().raw.clone()
    }

    /// How many bytes have been written until now.
    pub fn written(&self) -> usize {
        self.lock().raw.len()
    }

    /// How many whole frames were written after the first `written` bytes, by their closing mark.
    pub fn frames_after(&self, written: usize) -> usize {
        let end = b"\x1b[?2026l";
        self.lock().raw[written..].windows(end.len()).filter(|seen| seen == end).count()
    }

    /// Waits until the screen is as `is` wants it; gives when the bytes came that made it so.
    pub fn when(&self, what: &str, mut is: impl FnMut(&vt100::Screen) -> bool) -> Instant {
        let mut at = None;
        self.wait(what, |state| {
            let met = is(state.parser.screen());
            at = state.came.last().map(|(at, _)| *at).filter(|_| met);
            met
        });
        at.unwrap_or_else(Instant::now)
    }

    /// Waits until anything is written after the first `written` bytes; gives when it came.
    pub fn when_more_than(&self, written: usize) -> Instant {
        let mut at = None;
        self.wait("more bytes", |state| {
            at = state.came.iter().rev().take_while(|(_, len)| *len > written).last().map(|(at, _)| *at);
            at.is_some()
        });
        at.unwrap_or_else(Instant::now)
    }

    /// Process id of the program.
    pub fn pid(&self) -> rustix::process::Pid {
        let id = self.child.process_id().expect("it runs");
        rustix::process::Pid::from_raw(i32::try_from(id).unwrap()).unwrap()
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.pid(), signal).unwrap();
    }

    /// Waits for the program's end: its exit code, and the name of the signal that ended it.
    pub fn exit(&mut self) -> (u32, Option<String>) {
        self.wait("the end of the program", |state| state.ended);
        let status = self.child.wait().unwrap();
        (status.exit_code(), status.signal().map(str::to_owned))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self, what: &str, mut is: impl FnMut(&State) -> bool) {
        let until = Instant::now() + DEADLINE;
        let mut state = self.lock();
        while !is(&state) {
            let left = until.saturating_duration_since(Instant::now());
            let end = if state.ended { " (the program has ended)" } else { "" };
            assert!(
                !left.is_zero() && !state.ended,
                "waited in vain{end} for {what}; the screen is:\n{}",
                state.parser.screen().contents()
            );
            state = self.shared.1.wait_timeout(state, left).unwrap().0;
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn measure((cols, rows): (u16, u16)) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

/// Reads until the program's end, and answers what programs ask of terminals.
fn follow(mut reader: Box<dyn Read + Send>, shared: &Shared, keys: &Keys) {
    let mut bytes = [0; 8192];
    let mut answered = 0;
    loop {
        // A terminal whose last process is gone reads as an error on Linux.
        let n = reader.read(&mut bytes).unwrap_or(0);
        let at = Instant::now();
        let mut state = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        if n == 0 {
            state.ended = true;
            shared.1.notify_all();
            return;
        }
        state.parser.process(&bytes[..n]);
        // A question may have begun in the bytes before these.
        answered = answered.max(state.raw.len().saturating_sub(16));
        state.raw.extend_from_slice(&bytes[..n]);
        let len = state.raw.len();
        state.came.push((at, len));
        let (row, col) = state.parser.screen().cursor_position();
        let mut answers = String::new();
        while let Some((end, answer)) = question(&state.raw, answered, (row + 1, col + 1)) {
            answers.push_str(&answer);
            answered = end;
        }
        shared.1.notify_all();
        drop(state);
        if !answers.is_empty() {
            let _ = keys.lock().unwrap().write_all(answers.as_bytes());
        }
    }
}

/// The first question at or after `from`: where it ends, and what xterm answers.
fn question(raw: &[u8], from: usize, (row, col): (u16, u16)) -> Option<(usize, String)> {
    let questions = [
        ("\u{1b}[6n", format!("\u{1b}[{row};{col}R")),
        ("\u{1b}[5n", "\u{1b}[0n".to_owned()),
        ("\u{1b}[c", "\u{1b}[?62;22c".to_owned()),
        ("\u{1b}[0c", "\u{1b}[?62;22c".to_owned()),
        ("\u{1b}[?2026$p", "\u{1b}[?2026;2$y".to_owned()),
    ];
    questions
        .into_iter()
        .filter_map(|(ask, answer)| {
            let at = raw[from..].windows(ask.len()).position(|seen| seen == ask.as_bytes())?;
            Some((from + at + ask.len(), answer))
        })
        .min_by_key(|(end, _)| *end)
}

fn sequence(name: &str) -> String {
    let named = match name {
        "enter" => "\r",
        "esc" => "\u{1b}",
        "tab" => "\t",
        "shift-tab" => "\u{1b}[Z",
        "space" => " ",
        "backspace" => "\u{7f}",
        "delete" => "\u{1b}[3~",
        "insert" => "\u{1b}[2~",
        "up" => "\u{1b}[A",
        "down" => "\u{1b}[B",
        "right" => "\u{1b}[C",
        "left" => "\u{1b}[D",
        "home" => "\u{1b}[H",
        "end" => "\u{1b}[F",
        "pageup" => "\u{1b}[5~",
        "pagedown" => "\u{1b}[6~",
        "f1" => "\u{1b}OP",
        "f2" => "\u{1b}OQ",
        "f3" => "\u{1b}OR",
        "f4" => "\u{1b}OS",
        "f5" => "\u{1b}[15~",
        _ => "",
    };
    if !named.is_empty() {
        return named.to_owned();
    }
    if let Some(rest) = name.strip_prefix("alt-") {
        return format!("\u{1b}{}", sequence(rest));
    }
    if let Some(letter) = name.strip_prefix("ctrl-").and_then(|rest| rest.bytes().next()) {
        return char::from(letter & 0x1f).to_string();
    }
    assert_eq!(name.chars().count(), 1, "no key is called {name:?}");
    name.to_owned()
}
