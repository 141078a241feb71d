//! `warroom export`: the post-mortem draft with its charts, its journal and its manifest.

mod proof;

use super::{
    With, exit,
    reach::{Session, Unreached},
};
use crate::{
    domain::{
        Command, Event, Fact, Refusal,
        id::{Digest, IncidentId},
        incident::IncidentCommand,
        note::NoteFact,
        time::Wall,
    },
    draft::{self, Extra, Manifest, Options, Recorded, Redact, Todo, WriteError},
    evidence::redact::Redactor,
    signal::Recording,
    wire::{Ask, Told},
};
use sha2::{Digest as _, Sha256};
use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

/// Write an incident's post-mortem draft.
///
/// The draft is Markdown with YAML front matter. Beside it lie the charts, the journal as JSON (one event a line) and
/// a manifest with the hash of each file. Every generated sentence names its events; what events cannot say is left as
/// a TODO prompt, which is answered in the post-mortem view. `warroom verify DIR` checks the journal in it without the
/// room: the chain of its events and the newest checkpoint lie there too.
#[derive(Debug, Clone, clap::Args)]
pub struct ExportArgs {
    /// Incident, like INC-7
    #[arg(value_name = "INCIDENT")]
    pub incident: IncidentId,
    /// Folder to write; made anew, next to nothing else [default: postmortem-INCIDENT]
    #[arg(long, value_name = "DIR", conflicts_with = "stdout")]
    pub out: Option<PathBuf>,
    /// Write nothing and fail while a prompt is open
    #[arg(long)]
    pub strict: bool,
    /// Replace an earlier export at the same place; anything else there is never replaced
    #[arg(long, conflicts_with = "stdout")]
    pub force: bool,
    /// Print the Markdown and write no file
    #[arg(long)]
    pub stdout: bool,
    /// Say what was written and which prompts are open as JSON
    #[arg(long, conflicts_with = "stdout")]
    pub json: bool,
}

impl ExportArgs {
    /// The folder that is written.
    pub fn place(&self) -> PathBuf {
        self.out.clone().unwrap_or_else(|| PathBuf::from(format!("postmortem-{}", self.incident)))
    }
}

/// What an export came to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What to print on standard output.
    pub text: String,
    /// Where it lies, where anything was written.
    pub written: Option<Written>,
    /// Prompts that are open.
    pub todos: Vec<Todo>,
}

/// An export that lies on the disk.
#[derive(Debug, Clone)]
pub struct Written {
    /// The folder.
    pub place: PathBuf,
    /// What is in it.
    pub manifest: Manifest,
    /// SHA-256 of `manifest.json` as written, for the event that says that a draft was written out.
    pub digest: Digest,
}

impl Written {
    /// The folder's whole path.
    pub fn absolute(&self) -> String {
        std::path::absolute(&self.place).unwrap_or_else(|_| self.place.clone()).display().to_string()
    }
}

/// Why there is no export.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ExportError {
    /// There is no such incident.
    #[error("{}", .0.message)]
    #[diagnostic(help("{}", .0.hint.as_deref().unwrap_or("warroom status lists incidents")))]
    Refused(Refusal),
    /// `--strict`, and prompts are open.
    #[error("{} {} open in the draft of {incident}, nothing was written", .open.len(), if .open.len() == 1 { "prompt is" } else { "prompts are" })]
    #[diagnostic(help("answer them in the post-mortem view: {}", keys(.open)))]
    Open {
        /// Which incident.
        incident: IncidentId,
        /// What is open.
        open: Vec<Todo>,
    },
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// It was written and cannot be read back.
    #[error("cannot read back {path}: {source}")]
    ReadBack {
        /// The manifest.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

fn keys(open: &[Todo]) -> String {
    open.iter().map(|todo| format!("{} ({})", todo.key, todo.role)).collect::<Vec<_>>().join(", ")
}

/// Fetches what the room has, writes the draft, and says so in the journal.
pub fn run(with: &With, args: &ExportArgs) -> ExitCode {
    exit::block_on(async {
        let mut session = match Session::existing(with).await {
            Ok(session) => session,
            Err(error) => return error.say(),
        };
        match export(&mut session, args).await {
            Ok(code) => code,
            Err(error) => error.say(),
        }
    })
}

/// The same over a connection that is there already.
///
/// # Errors
/// [`Unreached`].
pub async fn export(session: &mut Session, args: &ExportArgs) -> Result<u8, Unreached> {
    match keep(session, args).await? {
        Ok(outcome) => {
            say!("{}", outcome.text.trim_end());
            Ok(exit::DONE)
        }
        Err(error) => {
            eprintln!("{:?}", miette::Report::new(error));
            Ok(exit::REFUSED)
        }
    }
}

/// Fetches what the room has, writes the draft, and says so in the journal. Prints nothing of it.
///
/// # Errors
/// [`Unreached`] outside, [`ExportError`] inside.
pub async fn keep(
    session: &mut Session,
    args: &ExportArgs,
) -> Result<Result<Outcome, ExportError>, Unreached> {
    let outcome = match write(session, args).await? {
        Ok(outcome) => outcome,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(written) = &outcome.written {
        let said = session
            .act(Command::Incident(IncidentCommand::Exported {
                incident: args.incident,
                place: written.absolute(),
                manifest: written.digest.to_string(),
            }))
            .await?;
        if !matches!(said, crate::wire::Outcome::Ok { .. }) {
            exit::warn(&format!("the draft is written, but the journal does not say so: {said:?}"));
        }
    }
    Ok(Ok(outcome))
}

/// Fetches what the room has and writes the draft. Neither prints nor journals.
///
/// # Errors
/// [`Unreached`] outside, [`ExportError`] inside.
pub async fn write(
    session: &mut Session,
    args: &ExportArgs,
) -> Result<Result<Outcome, ExportError>, Unreached> {
    let redactor = Redactor::default();
    // Asked before the events are, so that it is not of more of them than are written.
    let room = session.status().await?;
    let events = session.events().await?;
    let last = events.last().map_or(0, |event| event.seq);
    let proof = proof::fetch(session, &room, last, &redactor).await?;
    let extra = Extra { charts: charts(session, &events, args.incident).await?, proof };
    let redact = |text: &str| match redactor.text(text) {
        std::borrow::Cow::Owned(clean) => Some(clean),
        std::borrow::Cow::Borrowed(_) => None,
    };
    let now = crate::os::clock::now().wall;
    Ok(finish(&events, args, &extra, now, Some(&redact)))
}

/// The newest recording of an incident, as charts.
///
/// # Errors
/// [`Unreached`].
pub async fn charts(
    session: &mut Session,
    events: &[Event],
    id: IncidentId,
) -> Result<Vec<Recorded>, Unreached> {
    let digest = events.iter().rev().find_map(|event| match &event.fact {
        Fact::Note(NoteFact::Pinned { incident, what, evidence, .. })
            if *incident == Some(id) && what == "recording" =>
        {
            *evidence
        }
        _ => None,
    });
    let Some(digest) = digest else { return Ok(Vec::new()) };
    let Told::Evidence(text) = session.client.ask(Ask::Evidence(digest)).await? else {
        return Ok(Vec::new());
    };
    let recording: Option<Recording> = serde_json::from_str(&text).ok();
    Ok(recording
        .into_iter()
        .flat_map(|recording| recording.panels)
        .map(|view| Recorded { panel: view.panel, points: view.points, baseline: view.baseline })
        .collect())
}

/// Makes the draft from the journal's events and writes it, or prints it, as the arguments say.
///
/// `events` are the whole journal in its order, so that the copy in the export can be verified; `redact` takes secrets
/// out of what is written.
///
/// # Errors
/// See [`ExportError`]. Nothing was written then.
pub fn finish(
    events: &[Event],
    args: &ExportArgs,
    extra: &Extra,
    now: Wall,
    redact: Option<Redact<'_>>,
) -> Result<Outcome, ExportError> {
    let draft = draft::build(events, args.incident, now, extra).map_err(ExportError::Refused)?;
    let todos = draft::todos(&draft);
    if args.strict && !todos.is_empty() {
        return Err(ExportError::Open { incident: args.incident, open: todos });
    }
    if args.stdout {
        let page = draft::markdown(&draft);
        let text = redact.and_then(|redact| redact(&page)).unwrap_or(page);
        return Ok(Outcome { text, written: None, todos });
    }
    let place = args.place();
    let manifest = draft::write(
        &place,
        &draft,
        events,
        Options { force: args.force, redact, proof: extra.proof.as_ref() },
    )?;
    let path = place.join("manifest.json");
    let raw = std::fs::read(&path).map_err(|source| ExportError::ReadBack { path, source })?;
    let written = Written { place, manifest, digest: Digest(Sha256::digest(&raw).into()) };
    let text = if args.json { json(&written, &todos) } else { words(args.incident, &written, &todos) };
    Ok(Outcome { text, written: Some(written), todos })
}

fn json(written: &Written, todos: &[Todo]) -> String {
    let value = serde_json::json!({
        "place": written.place,
        "manifest": written.manifest,
        "manifest_sha256": written.digest,
        "todos": todos,
    });
    format!("{}\n", crate::domain::text::json(&format!("{value:#}")))
}

fn words(incident: IncidentId, written: &Written, todos: &[Todo]) -> String {
    let place = crate::domain::text::line(&written.place.to_string_lossy()).into_owned();
    let mut out = format!("{incident}: {place}/postmortem.md, {} files\n", written.manifest.files.len() + 1);
    match todos.len() {
        0 => out.push_str("every prompt is answered\n"),
        1 => {
            let _ = writeln!(out, "1 prompt is open: {}", keys(todos));
        }
        n => {
            let _ = writeln!(out, "{n} prompts are open: {}", keys(todos));
        }
    }
    out
}
