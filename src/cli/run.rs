//! `warroom run -- COMMAND`: a command of one's own, with what it printed kept as evidence.
//!
//! That it begins is journaled before it begins, and what came of it when it is over. The output passes through as it
//! comes; what is kept is redacted, bounded, and the order in which it came.

use super::{
    With, exit,
    reach::{self, Session, Unreached},
};
use crate::{
    domain::{
        Command,
        deviation::DeviationCommand,
        id::{Digest, IncidentId},
        note::NoteCommand,
        text,
        time::Span,
    },
    evidence::{StreamRedactor, redact::Redactor},
    hand::output::OutputLog,
    os::{
        clock,
        spawn::{Attended, Spec, hand_on},
    },
    wire::{Ask, Outcome, Told},
};
use rustix::process::Signal;
use std::{
    io::{self, Write},
    os::unix::process::ExitStatusExt as _,
    process::{ExitCode, ExitStatus},
};
use tokio::{
    io::AsyncReadExt as _,
    net::unix::pipe,
    signal::unix::{SignalKind, signal},
};

/// Run a command and record it, with its output, as evidence
///
/// It runs as you, where you stand, and its exit code is passed on. Its output is a pipe: what needs a terminal for
/// its output belongs into an interactive step.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The incident; the open one that matters most where none is given
    #[arg(long, short, value_name = "INCIDENT", env = "WARROOM_INCIDENT")]
    incident: Option<IncidentId>,
    /// It stands in no runbook: record it as a deviation too
    #[arg(long)]
    unlisted: bool,
    /// Run it also where nothing can be recorded; its output is then marked UNRECORDED
    #[arg(long)]
    unrecorded: bool,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// The command could not be found or started, as shells say it.
const NOT_FOUND: u8 = 127;
const NOT_STARTED: u8 = 126;

/// Runs it.
pub fn run(with: &With, args: &RunArgs) -> ExitCode {
    exit::block_on(record(with, args))
}

async fn record(with: &With, args: &RunArgs) -> u8 {
    let shown = shown(&args.command);
    let incident = match intend(with, args, &shown).await {
        Ok(incident) => incident,
        Err((why, code)) if !args.unrecorded => {
            exit::warn(&format!("{why}\nnothing was run; --unrecorded runs it all the same"));
            return code;
        }
        Err((why, _)) => {
            exit::warn(&format!("UNRECORDED: {why}"));
            None
        }
    };
    let began = clock::now();
    let done = match attend(args).await {
        Ok(done) => done,
        Err(error) => {
            let told = format!("{shown}: it could not be started: {error}");
            exit::warn(&told);
            keep(with, args, incident, Kept { told, output: None }).await;
            return if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_STARTED };
        }
    };
    let took = Span::between(began.wall, clock::now().wall);
    let told = format!("{shown}: {} after {}, {}", ended(done.status), took.brief(), amount(&done));
    let recorded = keep(with, args, incident, Kept { told, output: Some(done.output) }).await;
    match code(done.status) {
        exit::DONE if !recorded => exit::UNRECORDED,
        code => code,
    }
}

/// The command as it would be typed.
fn shown(command: &[String]) -> String {
    let words: Vec<_> = command.iter().map(|word| quoted(word)).collect();
    text::line(&words.join(" ")).into_owned()
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, signal) => format!("ended by signal {}", signal.unwrap_or_default()),
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
    u8::try_from(code).unwrap_or(u8::MAX)
}

fn amount(done: &Done) -> String {
    match done.len {
        0 => "nothing printed".into(),
        len if done.cut > 0 => format!("{len} bytes printed, {} of them not kept", done.cut),
        len => format!("{len} bytes printed"),
    }
}

/// Journals that it begins. Where there is no incident it is recorded beside all of them.
async fn intend(with: &With, args: &RunArgs, shown: &str) -> Result<Option<IncidentId>, (String, u8)> {
    let unreached = |error: Unreached| (error.to_string(), error.code());
    let mut session = Session::open(with).await.map_err(unreached)?;
    let state = session.state().await.map_err(unreached)?;
    let incident = match (reach::incident(&state, args.incident), args.incident) {
        (Ok(id), _) => Some(id),
        (Err(_), None) => None,
        (Err(refusal), Some(_)) => return Err((format!("refused: {refusal}"), exit::REFUSED)),
    };
    let pin = pin(incident, "command", format!("begins: {shown}"), None);
    let mut commands = vec![pin];
    if let (true, Some(incident)) = (args.unlisted, incident) {
        let actual = shown.to_owned();
        commands.push(Command::Deviation(DeviationCommand::Unlisted {
            incident,
            actual,
            host: crate::os::host_name(),
            code: None,
        }));
    }
    for command in commands {
        match session.act(command).await.map_err(unreached)? {
            Outcome::Ok { .. } => {}
            Outcome::Refused(refusal) => return Err((format!("refused: {refusal}"), exit::REFUSED)),
            Outcome::Failed { why } => return Err((format!("not recorded: {why}"), exit::UNRECORDED)),
        }
    }
    Ok(incident)
}

fn pin(incident: Option<IncidentId>, what: &str, text: String, evidence: Option<Digest>) -> Command {
    Command::Note(NoteCommand::Pin { incident, what: what.into(), text, evidence, about: None })
}

/// What is to be recorded of its end.
struct Kept {
    told: String,
    output: Option<String>,
}

/// Records what came of it. Says so where that is not possible.
async fn keep(with: &With, args: &RunArgs, incident: Option<IncidentId>, kept: Kept) -> bool {
    if args.unrecorded && incident.is_none() && Session::existing(with).await.is_err() {
        exit::warn(&format!("UNRECORDED: {}", kept.told));
        return false;
    }
    let record = async {
        let mut session = Session::open(with).await.map_err(|error| error.to_string())?;
        let evidence = match kept.output.filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => match session.client.ask(Ask::Keep { text }).await.map_err(|e| e.to_string())? {
                Told::Kept(digest) => Some(digest),
                Told::No(refusal) => {
                    exit::warn(&format!("its output is not kept: {refusal}"));
                    None
                }
                _ => None,
            },
        };
        let end = pin(incident, "output", kept.told.clone(), evidence);
        match session.act(end).await.map_err(|error| error.to_string())? {
            Outcome::Ok { .. } => Ok(()),
            Outcome::Refused(refusal) => Err(refusal.to_string()),
            Outcome::Failed { why } => Err(why),
        }
    };
    match record.await {
        Ok(()) => true,
        Err(why) => {
            exit::warn(&format!("UNRECORDED: {}\n{why}", kept.told));
            false
        }
    }
}

/// A command that has ended.
struct Done {
    status: ExitStatus,
    /// What is kept of its output: redacted, control characters visible.
    output: String,
    len: u64,
    cut: u64,
}

/// Runs it to its end. Ctrl-C reaches it from the terminal, and ends it alone; other signals are handed on.
async fn attend(args: &RunArgs) -> io::Result<Done> {
    let mut signals =
        [SignalKind::interrupt(), SignalKind::quit(), SignalKind::terminate(), SignalKind::hangup()]
            .map(signal);
    let (program, rest) = args.command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let Attended { mut child, out: mut from_out, err: mut from_err } =
        Spec::new(program).args(rest).attend()?;
    let mut kept = Capture::new();
    let (mut out, mut err) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    let (mut out_ends, mut err_ends) = (false, false);
    let status = loop {
        let [interrupt, quit, terminate, hangup] = &mut signals;
        tokio::select! {
            read = some(&mut from_out, &mut out), if !out_ends => match read {
                0 => out_ends = true,
                n => kept.push(out.get(..n).unwrap_or_default(), &mut io::stdout()),
            },
            read = some(&mut from_err, &mut err), if !err_ends => match read {
                0 => err_ends = true,
                n => kept.push(err.get(..n).unwrap_or_default(), &mut io::stderr()),
            },
            ended = child.wait() => break ended?,
            () = next(interrupt) => {}
            () = next(quit) => {}
            () = next(terminate) => hand_on(&child, Signal::TERM),
            () = next(hangup) => hand_on(&child, Signal::HUP),
        }
    };
    // A grandchild may hold the pipes for longer than the command lives: what it prints later is not waited for.
    drain(&from_out, &mut kept, &mut io::stdout());
    drain(&from_err, &mut kept, &mut io::stderr());
    Ok(kept.done(status))
}

async fn next(signal: &mut io::Result<tokio::signal::unix::Signal>) {
    let came = match signal {
        Ok(signal) => signal.recv().await,
        Err(_) => None,
    };
    if came.is_none() {
        std::future::pending::<()>().await;
    }
}

async fn some(from: &mut pipe::Receiver, buffer: &mut [u8]) -> usize {
    from.read(buffer).await.unwrap_or(0)
}

/// What lies in a pipe when the command has ended.
fn drain(from: &pipe::Receiver, kept: &mut Capture, to: &mut dyn Write) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = from.try_read(&mut buffer) {
        kept.push(buffer.get(..n).unwrap_or_default(), to);
    }
}

/// Output passed through and kept.
struct Capture {
    stream: StreamRedactor,
    log: OutputLog,
}

impl Capture {
    fn new() -> Self {
        Self { stream: StreamRedactor::new(Redactor::default()), log: OutputLog::in_memory() }
    }

    fn push(&mut self, bytes: &[u8], to: &mut dyn Write) {
        // Where nobody reads any more, it is still recorded.
        drop(to.write_all(bytes).and_then(|()| to.flush()));
        let clean = self.stream.push(bytes);
        drop(self.log.push(&clean));
    }

    fn done(mut self, status: ExitStatus) -> Done {
        let rest = self.stream.finish();
        drop(self.log.push(&rest));
        let (kept, cut) = self.log.kept();
        Done { status, output: text::bytes(&kept), len: self.log.len(), cut }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let show = |words: &[&str]| shown(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        assert_eq!(show(&["kubectl", "get", "pods", "-n=shop"]), "kubectl get pods -n=shop");
        assert_eq!(show(&["echo", "two words", ""]), "echo 'two words' ''");
        assert_eq!(show(&["echo", "it's"]), r"echo 'it'\''s'");
        assert_eq!(show(&["echo", "\u{1b}[2J"]), "echo '␛[2J'");
    }
}
