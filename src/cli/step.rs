//! `warroom step`: walk a runbook from a script.

mod show;
pub(super) mod unrecorded;

use super::{
    With, exit,
    reach::{self, Session, Unreached},
};
use crate::{
    domain::{
        Command, Refusal, State,
        actor::Actor,
        deviation::ReasonCode,
        id::{Digest, IncidentId, WalkId},
        plan::Step,
        refusal::Code,
        text,
        time::Span,
        walk::{self, Confirmation, Deviate, Glass, How, StepStatus, Walk, WalkCommand},
    },
    hand::{attach, values},
    os::{editor, peer},
    runbook,
    wire::{Outcome, Steer, StepRef},
};
use clap::{Args, Subcommand};
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use uuid::Uuid;

/// Shortest beginning of a digest by which it can be named.
const SHORTEST: usize = 8;

/// Walk a runbook, step by step
#[derive(Debug, Args)]
pub struct StepArgs {
    /// The walk; the one that is under way where none is given
    #[arg(long, value_name = "RUN")]
    walk: Option<WalkId>,
    /// What became of it, as JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Begin to walk a runbook: a file, or builtin:NAME
    Start {
        /// The runbook
        runbook: String,
        /// NAME=VALUE
        #[arg(long = "input", value_name = "NAME=VALUE")]
        inputs: Vec<String>,
        /// The incident it serves
        #[arg(long)]
        incident: Option<IncidentId>,
        /// Print what would run, with the inputs filled in, and begin nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Steps with their names, and where one is
    List,
    /// Enter a value
    Input {
        /// NAME=VALUE
        value: String,
    },
    /// What would run of a step, with its values filled in, and the digest by which it is taken
    Show {
        /// Its name
        step: Option<String>,
        /// Of its undo blocks
        #[arg(long)]
        undo: bool,
        /// Of running it again although it is finished
        #[arg(long)]
        again: bool,
    },
    /// Run a step (the current one where none is named) and wait for its end
    Take {
        /// Its name
        step: Option<String>,
        /// The second key of a step of high risk
        #[arg(long)]
        yes: bool,
        /// The target's name, for a step that cannot be taken back
        #[arg(long, value_name = "TARGET")]
        target: Option<String>,
        /// Run its undo blocks
        #[arg(long)]
        undo: bool,
        /// Run it again although it is finished
        #[arg(long)]
        again: bool,
        /// Do not wait
        #[arg(long)]
        no_wait: bool,
        /// The digest that warroom step show gave: what somebody else began or changed is taken as it was seen
        #[arg(long, value_name = "DIGEST")]
        shown: Option<String>,
        /// Why it is done although the shared journal is out of reach: provisional, at this room alone
        #[arg(long, value_name = "WHY")]
        glass: Option<String>,
    },
    /// Tick a step that runs nothing
    Confirm {
        /// Its name
        step: Option<String>,
        /// What was seen
        #[arg(long, default_value = "")]
        seen: String,
    },
    /// Choose a branch by its label
    Choose {
        /// The label
        label: String,
    },
    /// Change a block's code before it runs: from a file, or in $EDITOR where none is given
    Edit {
        /// The block, as warroom runbook show names it
        block: String,
        /// The new code; - is standard input
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Approve what is asked; shows what it is
    Approve {
        /// The step
        step: Option<String>,
        /// Alone: break the glass by typing the target's name
        #[arg(long, value_name = "TARGET", requires = "reason")]
        glass: Option<String>,
        /// Why the glass is broken; without --glass, why another's request is approved although the shared journal is out
        /// of reach
        #[arg(long)]
        reason: Option<String>,
    },
    /// Refuse what is asked
    Reject {
        /// Why
        reason: String,
        /// The step
        step: Option<String>,
    },
    /// Deviate: skip, manual, override or n-a
    Deviate {
        /// How
        #[arg(value_parser = ["skip", "manual", "override", "n-a"])]
        how: String,
        /// The step
        step: Option<String>,
        /// Why: a code or its number; owed where none is given
        #[arg(long)]
        reason: Option<ReasonCode>,
        /// The second key of a step of high risk
        #[arg(long)]
        yes: bool,
        /// The target's name, for a step that cannot be taken back
        #[arg(long, value_name = "TARGET")]
        target: Option<String>,
    },
    /// Take an unknown or a stuck step from its owner
    TakeOver {
        /// Why
        reason: String,
        /// The step
        step: Option<String>,
        /// Why it is done although the shared journal is out of reach: provisional, at this room alone
        #[arg(long, value_name = "WHY")]
        glass: Option<String>,
    },
    /// Cancel a running step: its whole process group is ended
    Cancel {
        /// The step
        step: Option<String>,
    },
    /// Give a running step more time
    Extend {
        /// How much, 10m
        time: Span,
        /// The step
        step: Option<String>,
    },
    /// End the walk before its end
    Abandon {
        /// Why
        reason: String,
        /// Why it is done although the shared journal is out of reach: provisional, at this room alone
        #[arg(long, value_name = "WHY")]
        glass: Option<String>,
    },
}

/// Does it.
pub fn run(with: &With, args: StepArgs) -> ExitCode {
    exit::block_on(async move {
        match act(with, &args).await {
            Ok(code) => code,
            Err(error) => {
                let code = error.say();
                unrecorded::without_room(match &args.what {
                    What::Start { runbook, inputs, .. } => Some((runbook, inputs)),
                    _ => None,
                });
                code
            }
        }
    })
}

/// Reads a runbook: a file, or one that is shipped.
///
/// # Errors
/// Why it cannot be read, and what can be.
pub fn load(name: &str) -> Result<Arc<crate::domain::plan::Runbook>, Refusal> {
    let (source, bytes) = read(name)?;
    Ok(Arc::new(runbook::parse(&source, &bytes)))
}

/// A runbook's bytes, and what its source is called.
fn read(name: &str) -> Result<(String, Vec<u8>), Refusal> {
    if let Some(short) = name.strip_prefix("builtin:") {
        let found = runbook::BUILTIN.iter().find(|(own, _)| *own == short);
        return found.map(|(_, text)| (name.to_owned(), text.as_bytes().to_vec())).ok_or_else(|| {
            Refusal::new(Code::Unknown, format!("no runbook {} is shipped", text::line(name)))
                .hint(readable())
        });
    }
    let path = PathBuf::from(name);
    let bytes = std::fs::read(&path).map_err(|error| unread(&path, &error).hint(readable()))?;
    let source = path.file_name().map_or_else(|| name.to_owned(), |name| name.to_string_lossy().into_owned());
    Ok((source, bytes))
}

/// A file that cannot be read: which, where it was looked for, why.
pub(super) fn unread(path: &std::path::Path, error: &std::io::Error) -> Refusal {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let shown = whole.display().to_string();
    let shown = text::line(&shown);
    if error.kind() == std::io::ErrorKind::NotFound {
        Refusal::new(Code::Unknown, format!("there is no file {shown}"))
    } else {
        Refusal::new(Code::Invalid, format!("{shown} cannot be read: {error}"))
    }
}

/// What can be named where a runbook is wanted.
pub(super) fn readable() -> String {
    let shipped: Vec<_> = runbook::BUILTIN.iter().map(|(name, _)| format!("builtin:{name}")).collect();
    format!("name a Markdown file, or one that is shipped, {}", shipped.join(", "))
}

/// Prints what would run of a runbook whose inputs all have values.
pub(super) fn print_dry_run(runbook: &crate::domain::plan::Runbook) -> u8 {
    show::plan(runbook, &BTreeMap::new(), "")
}

fn pairs(given: &[String]) -> Result<BTreeMap<String, String>, Refusal> {
    given
        .iter()
        .map(|pair| {
            pair.split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .ok_or_else(|| Refusal::new(Code::Invalid, format!("{pair:?} is not NAME=VALUE")))
        })
        .collect()
}

fn confirmation(yes: bool, target: Option<&String>) -> Confirmation {
    match (target, yes) {
        (Some(name), _) => Confirmation::Typed(name.clone()),
        (None, true) => Confirmation::Second,
        (None, false) => Confirmation::Enter,
    }
}

async fn act(with: &With, args: &StepArgs) -> Result<u8, Unreached> {
    let json = args.json;
    if let What::Start { runbook, inputs, dry_run: true, .. } = &args.what {
        return Ok(show::dry_run(runbook, inputs, ""));
    }
    // Before a room is started for it.
    if let What::Start { runbook, .. } = &args.what
        && let Err(refusal) = load(runbook)
    {
        return Ok(exit::outcome(&Outcome::Refused(refusal), json));
    }
    let glass = match &args.what {
        What::Take { glass, .. } | What::TakeOver { glass, .. } | What::Abandon { glass, .. } => {
            glass.clone()
        }
        What::Approve { glass: None, reason, .. } => reason.clone(),
        _ => None,
    };
    let mut session = Session::open(with).await?.under(glass);
    let state = session.state().await?;
    match prepare(args, &state) {
        Err(refusal) => Ok(exit::outcome(&Outcome::Refused(refusal), json)),
        Ok(Prepared::List(walk)) => {
            if json {
                exit::print(&walk);
            } else {
                for line in lines(&walk) {
                    say!("{line}");
                }
                let named = walk.at.clone().unwrap_or_default();
                if let Some(stood) = walk::whereabouts(&walk, &named, &crate::os::clock::now()) {
                    say!("at {stood}");
                }
            }
            Ok(exit::DONE)
        }
        Ok(Prepared::Show { walk, step, undo, again }) => {
            show::step(&walk, &step, (undo, again), json);
            Ok(exit::DONE)
        }
        Ok(Prepared::Command(command)) => {
            if let Command::Walk(WalkCommand::Approve { walk, step, .. }) = &command {
                show::asked(&state, *walk, step);
            }
            let outcome = session.act(command).await?;
            let code = exit::outcome(&outcome, json);
            if let (Outcome::Failed { .. }, What::Start { runbook, inputs, .. }) = (&outcome, &args.what) {
                unrecorded::whole(runbook, inputs);
            }
            Ok(code)
        }
        Ok(Prepared::Steer { at, steer }) => {
            let ends = steer == Steer::Cancel;
            let said = session.client.steer(at.clone(), steer).await.map_err(Unreached::Room)?;
            if let Err(refusal) = said {
                return Ok(exit::outcome(&Outcome::Refused(refusal), json));
            }
            if ends {
                return ended(&mut session, at.walk, &at.step, json).await;
            }
            Ok(exit::DONE)
        }
        Ok(Prepared::Take { command, walk, step, hand, wait }) => {
            let outcome = session.act(command).await?;
            if !matches!(outcome, Outcome::Ok { .. }) {
                let code = exit::outcome(&outcome, json);
                if let (Outcome::Failed { .. }, Some(walk)) = (&outcome, state.walks.get(&walk)) {
                    unrecorded::step(walk, &step);
                }
                return Ok(code);
            }
            let runs = state
                .walks
                .get(&walk)
                .and_then(|walk| walk.runbook.step(&step))
                .is_some_and(super::super::domain::plan::Step::runs);
            if runs && let Err(why) = attach::spawn(&session.socket, walk, &step, hand) {
                complain!("{why}");
                return Ok(exit::REFUSED);
            }
            if !wait {
                return Ok(exit::outcome(&outcome, json));
            }
            ended(&mut session, walk, &step, json).await
        }
    }
}

enum Prepared {
    List(Box<Walk>),
    Show { walk: Box<Walk>, step: String, undo: bool, again: bool },
    Command(Command),
    Steer { at: StepRef, steer: Steer },
    Take { command: Command, walk: WalkId, step: String, hand: Uuid, wait: bool },
}

fn walk_of(state: &State, given: Option<WalkId>) -> Result<&Walk, Refusal> {
    let found = match given {
        Some(id) => state.walks.get(&id),
        None => state.walks.values().rev().find(|walk| walk.ended.is_none()),
    };
    found.ok_or_else(|| {
        Refusal::new(Code::Unknown, "no runbook is being walked").hint("begin with warroom step start FILE")
    })
}

fn prepare(args: &StepArgs, state: &State) -> Result<Prepared, Refusal> {
    if let What::Start { runbook, inputs, incident, .. } = &args.what {
        let (source, bytes) = read(runbook)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let incident = reach::incident(state, *incident).ok().filter(|id| state.open(*id).is_ok());
        let command = WalkCommand::Load { incident, source, text, inputs: pairs(inputs)? };
        return Ok(Prepared::Command(Command::Walk(command)));
    }
    // What has ended can still be looked at.
    let last = state.walks.values().next_back().filter(|_| matches!(args.what, What::List));
    let known = walk_of(state, args.walk).or_else(|refusal| last.ok_or(refusal))?;
    let walk = known.id;
    let here = |given: &Option<String>| {
        given
            .clone()
            .or_else(|| known.at.clone())
            .ok_or_else(|| Refusal::new(Code::Conflict, "the walk has ended"))
    };
    let command = match &args.what {
        What::Start { .. } => return Err(Refusal::new(Code::Invalid, "it begins only once")),
        What::List => return Ok(Prepared::List(Box::new(known.clone()))),
        What::Input { value } => {
            let (name, value) = pairs(std::slice::from_ref(value))?.pop_first().unwrap_or_default();
            WalkCommand::SetInput { walk, name, value }
        }
        What::Edit { block, file } => edited(known, block, file.as_deref())?,
        What::Show { step, undo, again } => {
            let step = here(step)?;
            let (undo, again) = (*undo, *again);
            return Ok(Prepared::Show { walk: Box::new(known.clone()), step, undo, again });
        }
        What::Take { step, yes, target, undo, again, no_wait, shown, .. } => {
            let (step, hand) = (here(step)?, Uuid::new_v4());
            let seen = seen(known, &step, (*undo, *again), shown.as_deref())?;
            let secrets =
                known.runbook.step(&step).map(|step| values::typed(known, step)).unwrap_or_default();
            if !secrets.is_empty() {
                let names: Vec<_> = secrets.iter().map(|name| format!("{}{name}", values::GIVEN)).collect();
                return Err(Refusal::new(Code::NeedsMore, format!("no value for {}", secrets.join(", ")))
                    .hint(format!(
                        "it is a secret: set {}, or take the step at a seat, which asks",
                        names.join(", ")
                    )));
            }
            let command = Command::Walk(WalkCommand::Take {
                walk,
                step: step.clone(),
                hand,
                host: crate::os::host_name(),
                confirm: confirmation(*yes, target.as_ref()),
                undo: *undo,
                again: *again,
                shown: seen,
            });
            return Ok(Prepared::Take { command, walk, step, hand, wait: !no_wait });
        }
        What::Confirm { step, seen } => WalkCommand::Confirm { walk, step: here(step)?, seen: seen.clone() },
        What::Choose { label } => WalkCommand::Choose { walk, step: here(&None)?, label: label.clone() },
        What::Approve { step, glass, reason } => {
            let waiting =
                known.steps.iter().find(|(_, state)| state.asked.is_some()).map(|(slug, _)| slug.clone());
            let step = step.clone().or(waiting).map_or_else(|| here(&None), Ok)?;
            let asked = known.state(&step).asked.ok_or_else(|| {
                Refusal::new(Code::Conflict, "no approval is asked for").hint("take the step first")
            })?;
            let glass = glass
                .as_ref()
                .map(|typed| Glass { typed: typed.clone(), reason: reason.clone().unwrap_or_default() });
            WalkCommand::Approve { walk, step, digest: asked.digest, glass }
        }
        What::Reject { reason, step } => {
            WalkCommand::Reject { walk, step: here(step)?, reason: reason.clone() }
        }
        What::Deviate { how, step, reason, yes, target } => WalkCommand::Deviate {
            walk,
            step: here(step)?,
            what: match how.as_str() {
                "skip" => Deviate::Skip,
                "manual" => Deviate::Manual,
                "override" => Deviate::Override,
                _ => Deviate::NotApplicable,
            },
            code: *reason,
            confirm: confirmation(*yes, target.as_ref()),
            host: String::new(),
        },
        What::TakeOver { reason, step, .. } => {
            WalkCommand::TakeOver { walk, step: here(step)?, reason: reason.clone() }
        }
        What::Cancel { step } => return steered(known, here(step)?, Steer::Cancel),
        What::Extend { time, step } => return steered(known, here(step)?, Steer::Extend(*time)),
        What::Abandon { reason, .. } => WalkCommand::Abandon { walk, reason: reason.clone() },
    };
    Ok(Prepared::Command(Command::Walk(command)))
}

/// The digest of what the one who takes has seen: as they name it, or as it is where nobody but them began the walk,
/// edited the step or gave a value.
fn seen(
    walk: &Walk,
    slug: &str,
    (undo, again): (bool, bool),
    named: Option<&str>,
) -> Result<Option<Digest>, Refusal> {
    let Some(step) = walk.runbook.step(slug) else { return Ok(None) };
    let now = walk::shown(walk, step, undo, again);
    let uid = peer::my_uid();
    let me = Actor::user(peer::name_now(uid), uid);
    let whole = now.to_string();
    match named {
        Some(named) if named.len() >= SHORTEST && whole.starts_with(named) => Ok(Some(now)),
        Some(named) => Err(Refusal::new(
            Code::Conflict,
            format!("what you saw of {:?} under {} has changed", step.title, text::line(named)),
        )
        .hint("look again: warroom step show")),
        None if is_own(walk, step, &me) => Ok(Some(now)),
        None => {
            eprintln!("{}", show::would_run(walk, step, (undo, again)));
            Err(Refusal::new(
                Code::NeedsMore,
                format!("others began or changed {:?}: nothing of it runs as you unseen", step.title),
            )
            .hint(format!("read it above, and take it with --shown {}", now.short())))
        }
    }
}

/// Whether all that decides what a step runs is one's own, or comes with the program.
fn is_own(walk: &Walk, step: &Step, me: &Actor) -> bool {
    let editors = step.blocks.iter().filter_map(|block| walk.editors.get(&block.id)).flatten();
    let mut others = editors.chain(walk.givers.values()).filter(|one| !one.same(me));
    (walk.by == me.name || runbook::is_builtin(&walk.runbook)) && others.next().is_none()
}

/// How the hand of a running step is steered.
fn steered(walk: &Walk, step: String, steer: Steer) -> Result<Prepared, Refusal> {
    if walk.state(&step).status != StepStatus::Lent {
        return Err(Refusal::new(Code::Conflict, format!("{step} does not run"))
            .hint("warroom step list shows what does"));
    }
    Ok(Prepared::Steer { at: StepRef { walk: walk.id, step }, steer })
}

/// The command that gives a block other code.
fn edited(walk: &Walk, block: &str, file: Option<&std::path::Path>) -> Result<WalkCommand, Refusal> {
    let found =
        walk.runbook.steps().find_map(|step| Some((step, step.blocks.iter().find(|b| b.id == block)?)));
    let (step, known) = found.ok_or_else(|| Refusal::unknown("block", block))?;
    let wrong =
        |what: String| move |error: std::io::Error| Refusal::new(Code::Invalid, format!("{what}: {error}"));
    let code = match file {
        Some(path) if path.as_os_str() == "-" => std::io::read_to_string(std::io::stdin())
            .map_err(wrong("standard input cannot be read".into()))?,
        Some(path) => {
            std::fs::read_to_string(path).map_err(wrong(format!("{} cannot be read", path.display())))?
        }
        None => editor::edit_text(walk.code(known), &known.lang)
            .map_err(wrong("the editor did not save it".into()))?,
    };
    let code = code.strip_suffix('\n').unwrap_or(&code).to_owned();
    Ok(WalkCommand::Edit { walk: walk.id, step: step.id.clone(), block: known.id.clone(), code })
}

/// Waits until a step is not lent any more, or waits for an approval.
async fn ended(session: &mut Session, walk: WalkId, step: &str, json: bool) -> Result<u8, Unreached> {
    loop {
        let state = session.state().await?;
        let Some(known) = state.walks.get(&walk) else { return Ok(exit::REFUSED) };
        let now = known.state(step);
        let (word, code) = match now.status {
            StepStatus::Lent if now.asked.is_some() => ("waits for approval", exit::DONE),
            StepStatus::Lent => {
                tokio::time::sleep(Duration::from_millis(150)).await;
                continue;
            }
            StepStatus::Done => ("done", exit::DONE),
            StepStatus::Failed => ("failed", exit::REFUSED),
            StepStatus::Unknown => ("unknown: its hand is gone", exit::REFUSED),
            StepStatus::Todo => ("undone", exit::DONE),
        };
        if json {
            exit::print(&now);
        } else {
            let seen = now.results.last().map(|done| done.seen.clone()).unwrap_or_default();
            say!("{step} {word}  {seen}");
        }
        return Ok(code);
    }
}

/// The walk as a checklist.
pub fn lines(walk: &Walk) -> Vec<String> {
    let (done, all) = walk.progress();
    let mut lines = vec![format!("{} {}  {done} of {all}", walk.id, walk.runbook.title)];
    for section in &walk.runbook.sections {
        if section.steps.is_empty() {
            continue;
        }
        lines.push(format!("  {}", section.title));
        for step in &section.steps {
            let state = walk.state(&step.id);
            let mark = match state.status {
                StepStatus::Done => "x",
                StepStatus::Lent => "~",
                StepStatus::Failed => "!",
                StepStatus::Unknown => "?",
                StepStatus::Todo if walk.at.as_deref() == Some(&step.id) => ">",
                StepStatus::Todo => " ",
            };
            let end = state.done.map(|end| match end.how {
                How::Skipped => "  skipped".to_owned(),
                How::Manual => "  by hand".to_owned(),
                How::NotApplicable => "  n/a".to_owned(),
                How::Satisfied => format!("  already satisfied  {}", end.seen).trim_end().to_owned(),
                _ => format!("  {}", end.seen).trim_end().to_owned(),
            });
            lines.push(format!(
                "    [{mark}] {:<24} {}{}",
                step.id,
                walk.title(step),
                end.unwrap_or_default()
            ));
        }
    }
    lines
}
