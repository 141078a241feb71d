//! Exit codes of the subcommands that act, and how an outcome is printed.

use crate::{
    domain::text,
    transport::{client::NoRoom, find},
    wire::Outcome,
};
use serde::Serialize;
use std::{
    os::unix::net::UnixStream,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

/// It was done.
pub const DONE: u8 = 0;
/// The rules do not allow it, or it failed.
pub const REFUSED: u8 = 1;
/// The command line makes no sense.
pub const USAGE: u8 = 2;
/// The room cannot write its journal: nothing was recorded.
pub const UNRECORDED: u8 = 12;
/// No room answers.
pub const NO_ROOM: u8 = 20;
/// The terminal is gone, as by SIGHUP.
pub const HANGUP: u8 = 129;

/// Beside what was done while the journal was out of reach.
const OFFLINE: &str = "  OFFLINE: on the room's own disk alone; appended when the journal is back, maybe under other \
                       numbers";

/// Prints what became of a command; gives its exit code.
pub fn outcome(outcome: &Outcome, json: bool) -> u8 {
    if json {
        print(outcome);
    }
    match outcome {
        Outcome::Ok { made, seqs, offline } => {
            if !json {
                let what = if made.is_empty() { "done".to_owned() } else { made.join(" ") };
                let events: Vec<_> = seqs.iter().map(|seq| format!("#{seq}")).collect();
                let aside = if *offline { OFFLINE } else { "" };
                say!("{}{aside}", format!("{what}  {}", events.join(" ")).trim_end());
            }
            DONE
        }
        Outcome::Refused(refusal) => {
            if !json {
                complain!("refused: {refusal}");
            }
            REFUSED
        }
        Outcome::Failed { why } => {
            if !json {
                complain!("not recorded: {why}");
            }
            UNRECORDED
        }
    }
}

/// Says why no room answers.
pub fn no_room(error: &NoRoom) -> u8 {
    complain!("{error}");
    if let NoRoom::Absent { path, .. } = error {
        let machines = find::system();
        if *path != machines
            && find::is_configured()
            && let Err(why) = UnixStream::connect(&machines)
        {
            complain!("{}", find::unused(&machines, &why));
        }
        complain!("start one with warroom, or name another with --socket");
    }
    NO_ROOM
}

/// Prints a value as one line of JSON.
pub fn print(value: &impl Serialize) {
    say!("{}", crate::domain::text::json(&serde_json::to_string(value).unwrap_or_default()));
}

/// Says something on standard error, with nothing in it that acts on a terminal.
pub fn complain(text: impl std::fmt::Display) {
    eprintln!("{}", text::block(&text.to_string()));
}

/// Ends the process as clap would: it prints what was asked for, or what is wrong with the arguments. What was typed is
/// repeated there, and may come from a script that was given it: nothing in it acts on the terminal.
pub fn usage(error: &clap::Error) -> ! {
    let plain = error.render().to_string();
    if !plain.chars().any(|c| text::acts(c) && c != '\n') {
        error.exit();
    }
    let shown = text::block(&plain);
    if error.use_stderr() {
        eprint!("{shown}");
    } else {
        put(&shown);
    }
    std::process::exit(error.exit_code());
}

/// Whether a line could not be written any more.
static UNREAD: AtomicBool = AtomicBool::new(false);

/// Says something on standard output. Where nobody reads any more there is nobody to tell: what is under way goes on to
/// its end.
pub fn say(text: impl std::fmt::Display) {
    put(&format!("{text}\n"));
}

/// The same without an end of line.
pub fn put(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stdout();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        UNREAD.store(true, Ordering::Relaxed);
    }
}

/// Whether nobody reads any more: what would only go on telling ends.
pub fn is_unread() -> bool {
    UNREAD.load(Ordering::Relaxed)
}

/// Says what is wrong on standard error, likewise.
pub fn warn(text: &str) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr(), "{}", text::block(text)));
}

/// As the shell sees it.
pub fn code(code: u8) -> ExitCode {
    ExitCode::from(code)
}

/// A runtime for one subcommand.
///
/// # Errors
/// What the system refused.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// Runs a subcommand's work to its exit code.
pub fn block_on(work: impl Future<Output = u8>) -> ExitCode {
    match runtime() {
        Ok(runtime) => code(runtime.block_on(work)),
        Err(error) => {
            complain!("no threads can be started: {error}");
            code(REFUSED)
        }
    }
}
