//! A hand's life: attach to the room, walk the step block by block, say how each ended, and go.
//!
//! What comes next is asked of the rules ([`sequence::next`]) each time, from the state as the journal has it: the
//! intent is durable before a block acts, and a block whose result is known is never run again.

use super::{
    block::run_block,
    carry::Carry,
    expect, folder,
    link::{self, Link},
    outcome::{self, Control, Progress, Request, Surroundings},
    query,
};
use crate::{
    domain::{
        Command, CommandId,
        id::{Digest, WalkId},
        plan::{Block, BlockKind, Match, Step},
        time::Span,
        walk::{
            BlockDone, BlockResult, ProcessRef, StepStatus, Walk, WalkCommand,
            sequence::{self, Next},
        },
    },
    evidence::redact::{Redactor, Secret},
    os::{dirs, process::ProcessId, spawn::Spec},
    wire::{HandSays, Outcome, Steer, StepRef},
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// What a hand is started with.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The room.
    pub socket: PathBuf,
    /// The step.
    pub at: StepRef,
    /// The name under which it was lent.
    pub hand: Uuid,
}

/// Starts a hand that outlives this process: session of its own, no terminal, its diagnostics in the private state
/// directory.
///
/// # Errors
/// Why it cannot be started, with what to do.
pub fn spawn(socket: &Path, walk: WalkId, step: &str, hand: Uuid) -> Result<(), String> {
    let socket = std::path::absolute(socket).map_err(|error| error.to_string())?;
    let base = dirs::beside(&socket).map_err(|error| error.to_string())?;
    let log = crate::os::durable::append_to(&base.join("hands.log")).map_err(|error| error.to_string())?;
    Spec::myself()
        .map(|spec| {
            spec.arg("hand").arg("--socket").arg(&socket).args([
                "--walk",
                &walk.to_string(),
                "--step",
                step,
                "--hand",
                &hand.to_string(),
            ])
        })
        .and_then(|spec| spec.detach(Some(&log)))
        .map(|_| ())
        .map_err(|error| format!("the step's process cannot be started: {error}"))
}

struct Hand {
    link: Link,
    at: StepRef,
    id: Uuid,
    base: PathBuf,
    carry: Carry,
    carry_at: PathBuf,
    around: Surroundings,
    steer: mpsc::Receiver<Steer>,
    attempt: u32,
    runs: u32,
}

/// Runs a hand to its end. Gives why it ended, for its log.
///
/// # Errors
/// What kept it from running at all.
pub async fn run(assignment: Assignment) -> Result<String, String> {
    let Assignment { socket, at, hand } = assignment;
    let say = |error: &dyn std::fmt::Display| error.to_string();
    let place = Digest(Sha256::digest(socket.as_os_str().as_encoded_bytes()).into());
    let room = place.short();
    let base = folder::runs(&socket).map_err(|error| say(&error))?.join(room).join(at.walk.to_string());
    dirs::private(&base).map_err(|error| say(&error))?;
    let (link, steer) = link::open(socket, at.clone(), hand);
    let state = link.state().await.ok_or("the room was never reached")?;
    let walk = state.walks.get(&at.walk).ok_or_else(|| format!("there is no walk {}", at.walk))?;
    let secrets = secrets(walk).await?;
    let redactor = Redactor::new(&secrets, &[]).map_err(|error| say(&error))?;
    let env: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    // Each walk, person and host has a carry of its own; the person is whose state directory this is.
    let carry_at = base.join("carry.json");
    let carry = Carry::load(&carry_at).map_err(|error| say(&error))?;
    let attempt = walk.state(&at.step).attempt;
    let hand = Hand {
        link,
        at,
        id: hand,
        base,
        carry,
        carry_at,
        around: Surroundings::new(env, secrets, redactor),
        steer,
        attempt,
        runs: 0,
    };
    Ok(hand.walk_step().await)
}

/// Values of secret inputs: from the command that the runbook names, or from `WARROOM_INPUT_NAME`.
async fn secrets(walk: &Walk) -> Result<Vec<Secret>, String> {
    let mut found = Vec::new();
    for input in walk.runbook.front.inputs.iter().filter(|input| input.secret) {
        let name = &input.name;
        if let Ok(value) = std::env::var(format!("WARROOM_INPUT_{name}")) {
            found.push(Secret::new(name, value));
        } else if let Some(from) = &input.from {
            let spec = Spec::new("sh").args(["-c", from]);
            let answer = spec.output(Duration::from_secs(60), 64 * 1024).await;
            match answer {
                Ok(answer) if answer.code == Some(0) => {
                    let value =
                        String::from_utf8_lossy(&answer.stdout).trim_end_matches(['\n', '\r']).to_owned();
                    found.push(Secret::new(name, value));
                }
                Ok(answer) => return Err(format!("the command for {name} ended with {:?}", answer.code)),
                Err(error) => return Err(format!("the command for {name} failed: {error}")),
            }
        }
    }
    Ok(found)
}

impl Hand {
    /// A command's name, the same however often it is sent.
    fn name(&self, what: &str) -> CommandId {
        let mut sha = Sha256::new();
        sha.update(self.id.as_bytes());
        sha.update(self.attempt.to_be_bytes());
        sha.update(what.as_bytes());
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(sha.finalize()) {
            *to = from;
        }
        CommandId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Does a command until the journal has it. `Err` where the rules refuse it: this hand has no say any more.
    async fn act(&self, what: &str, command: WalkCommand) -> Result<(), String> {
        loop {
            match self.link.act(self.name(what), Command::Walk(command.clone())).await {
                Some(Outcome::Ok { .. }) => return Ok(()),
                Some(Outcome::Refused(refusal)) => return Err(refusal.to_string()),
                Some(Outcome::Failed { .. }) => tokio::time::sleep(Duration::from_secs(1)).await,
                None => return Err("the link to the room ended".into()),
            }
        }
    }

    async fn walk_step(mut self) -> String {
        let me = ProcessId::me();
        let attach = WalkCommand::Attach {
            walk: self.at.walk,
            step: self.at.step.clone(),
            hand: self.id,
            process: ProcessRef { pid: me.pid, start: me.start, boot: me.boot.0 },
            carry: Some(self.carry.digest()),
        };
        if let Err(why) = self.act("attach", attach).await {
            return why;
        }
        loop {
            let Some((walk, step)) = self.leased().await else {
                self.link.say(HandSays::Over);
                return "the step is not lent to this hand any more".into();
            };
            match sequence::next(&walk, &step) {
                Next::Block(block) => {
                    let block = block.clone();
                    if let Err(why) = self.one(&walk, &step, block).await {
                        self.link.say(HandSays::Over);
                        return why;
                    }
                }
                Next::Approval => {
                    let (at, hand) = (self.at.clone(), self.id);
                    let gone = self.link.until(|state| {
                        let walk = state.walks.get(&at.walk)?;
                        let step = walk.runbook.step(&at.step)?;
                        let own = walk.state(&at.step).lease.is_some_and(|lease| lease.hand == hand);
                        (!own || sequence::next(walk, step) != Next::Approval).then_some(())
                    });
                    if gone.await.is_none() {
                        return "the link to the room ended".into();
                    }
                }
                Next::Done(_) | Next::Failed(_) | Next::Undone | Next::Person => {
                    self.link.say(HandSays::Over);
                    // What was said must be out before the process is gone.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    return "the step has nothing more to run".into();
                }
            }
        }
    }

    /// The walk and the step, as long as it is lent to this hand.
    async fn leased(&self) -> Option<(Walk, Step)> {
        let state = self.link.state().await?;
        let walk = state.walks.get(&self.at.walk)?;
        let known = walk.state(&self.at.step);
        let own = known.lease.is_some_and(|lease| lease.hand == self.id);
        (own && known.status == StepStatus::Lent && walk.ended.is_none())
            .then(|| Some((walk.clone(), walk.runbook.step(&self.at.step)?.clone())))?
    }

    async fn one(&mut self, walk: &Walk, step: &Step, block: Block) -> Result<(), String> {
        let at = (self.at.walk, self.at.step.clone());
        let id = block.id.clone();
        if block.kind != BlockKind::Expect {
            let intend =
                WalkCommand::Intend { walk: at.0, step: at.1.clone(), hand: self.id, block: id.clone() };
            self.act(&format!("intend {id}"), intend).await?;
        }
        let until = block.timeout.map(|limit| crate::os::clock::now().plus(limit).wall);
        self.link.say(HandSays::Began { block: id.clone(), until });
        let done = if block.kind == BlockKind::Expect {
            self.expect(step, &block)
        } else if block.is_query() {
            query::run(&self.link, &block, walk.code(&block), &mut self.steer).await
        } else {
            self.shell(walk, &block).await
        };
        let carry = Some(self.carry.digest());
        let report = WalkCommand::Report { walk: at.0, step: at.1, hand: self.id, done, carry };
        self.act(&format!("report {id}"), report).await
    }

    /// Compares the output of the block before with what is expected.
    fn expect(&self, step: &Step, block: &Block) -> BlockDone {
        let began = crate::os::clock::now();
        let output = sequence::expected_of(step, block)
            .map(|of| folder::RunFolder::open(&self.folder(&of.id)))
            .and_then(|folder| folder.output().ok())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default();
        let held = expect::holds(block.matching.unwrap_or(Match::Contains), &block.code, &output);
        BlockDone {
            block: block.id.clone(),
            result: if held.is_ok() { BlockResult::Passed } else { BlockResult::Failed },
            exit: None,
            seen: held.err().unwrap_or_else(|| "as expected".into()),
            took: began.elapsed(&crate::os::clock::now()),
            evidence: None,
            captured: None,
        }
    }

    fn folder(&self, block: &str) -> PathBuf {
        self.base.join(self.run_name(block))
    }

    /// A run folder's name: one per block, attempt and hand.
    fn run_name(&self, block: &str) -> String {
        let plain: String =
            block.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
        let hand = self.id.simple().to_string();
        format!("r{}-{}-{plain}", self.attempt, hand.get(hand.len() - 8..).unwrap_or_default())
    }

    async fn shell(&mut self, walk: &Walk, block: &Block) -> BlockDone {
        let could_not = |why: String| BlockDone {
            block: block.id.clone(),
            result: BlockResult::CouldNotStart,
            exit: None,
            seen: why,
            took: Span::ZERO,
            evidence: None,
            captured: None,
        };
        let request = match self.request(walk, block) {
            Ok(request) => request,
            Err(why) => return could_not(why),
        };
        let folder = match folder::RunFolder::create(&self.base, &request) {
            Ok(folder) => folder,
            Err(error) => return could_not(error.to_string()),
        };
        self.runs += 1;
        let (progress, mut told) = mpsc::channel(256);
        let (control, controlled) = mpsc::channel(64);
        let outcome = {
            let run = run_block(&request, &self.around, &folder, &mut self.carry, progress, controlled);
            tokio::pin!(run);
            loop {
                tokio::select! {
                    outcome = &mut run => break outcome,
                    Some(progress) = told.recv() => show(&self.link, progress, &request),
                    Some(steer) = self.steer.recv() => drop(control.send(steered(steer)).await),
                }
            }
        };
        while let Ok(progress) = told.try_recv() {
            show(&self.link, progress, &request);
        }
        if let Err(error) = self.carry.store(&self.carry_at, &self.around.redactor) {
            tracing::warn!(%error, "the carried state is not on disk");
        }
        let text = crate::domain::text::bytes(&folder.output().unwrap_or_default());
        let evidence = if text.is_empty() { None } else { self.link.keep(text).await };
        done(block, &outcome, evidence)
    }

    fn request(&self, walk: &Walk, block: &Block) -> Result<Request, String> {
        let edited = walk.edits.get(&block.id);
        let code = match edited {
            Some(code) => code.clone(),
            None => crate::runbook::fill(&block.code, &walk.inputs).map_err(|error| error.to_string())?,
        };
        if code.contains("[redacted ") {
            return Err("its code held a secret, which was taken out before it was journaled: read it from the environment instead".into());
        }
        let host =
            block.host.as_ref().map(|alias| {
                walk.runbook.front.targets.get(alias).cloned().ok_or_else(|| {
                    format!("the runbook's targets have no {alias}: add it to the front matter")
                })
            });
        let names = walk.runbook.front.inputs.iter().map(|input| input.name.clone());
        let inputs = names
            .filter_map(|name| walk.value(&name).map(|value| (name.clone(), value.to_owned())))
            .chain(
                walk.inputs
                    .iter()
                    .filter(|(name, _)| crate::runbook::front::is_variable(name))
                    .map(|(name, value)| (name.clone(), value.clone())),
            )
            .collect();
        let mut request = Request::new(self.run_name(&block.id), Block { code, ..block.clone() });
        request.inputs = inputs;
        request.host = host.transpose()?;
        request.cwd = std::env::var_os("HOME").map(PathBuf::from);
        Ok(request)
    }
}

fn steered(steer: Steer) -> Control {
    match steer {
        Steer::Cancel => Control::Cancel,
        Steer::Extend(more) => Control::Extend(more),
        Steer::Keys(bytes) => Control::Keys(bytes),
        Steer::Resize { cols, rows } => Control::Resize(crate::os::pty::Size { rows, cols }),
    }
}

fn show(link: &Link, progress: Progress, request: &Request) {
    let printed = |text: String| link.say(HandSays::Printed { text });
    match progress {
        Progress::Started { attempt, of, .. } if of > 1 => printed(format!("attempt {attempt} of {of}\n")),
        Progress::Started { .. } => {}
        Progress::Output(bytes) => printed(crate::domain::text::bytes(&bytes)),
        Progress::Missed(bytes) => printed(format!("({bytes} bytes are in the run folder only)\n")),
        Progress::Waiting { attempt, of, every } => {
            printed(format!("attempt {attempt} of {of} failed, the next in {every}\n"));
        }
        Progress::Ending => printed("ending it: TERM was sent\n".into()),
        Progress::Trouble(what) => printed(format!("{what}\n")),
        Progress::Screen(bytes) => link.say(screen(&bytes, request)),
    }
}

/// The screen of an interactive block as rows, so that its escapes reach nobody's terminal.
fn screen(bytes: &[u8], request: &Request) -> HandSays {
    let rows = std::num::NonZeroU16::new(request.size.rows).unwrap_or(std::num::NonZeroU16::MIN);
    let cols = std::num::NonZeroU16::new(request.size.cols).unwrap_or(std::num::NonZeroU16::MIN);
    let mut terminal = vt100::Parser::new(rows, cols, 0);
    terminal.process(bytes);
    let screen = terminal.screen();
    HandSays::Screen {
        cols: cols.get(),
        rows: screen.rows(0, cols.get()).map(|row| crate::domain::text::line(&row).into_owned()).collect(),
        cursor: screen.cursor_position(),
    }
}

fn done(block: &Block, outcome: &outcome::Outcome, evidence: Option<Digest>) -> BlockDone {
    let (result, why) = match &outcome.result {
        outcome::BlockResult::Passed => (BlockResult::Passed, None),
        outcome::BlockResult::Failed => (BlockResult::Failed, None),
        outcome::BlockResult::TimedOut => (BlockResult::TimedOut, None),
        outcome::BlockResult::Cancelled => (BlockResult::Cancelled, None),
        outcome::BlockResult::CouldNotStart(why) => (BlockResult::CouldNotStart, Some(why.clone())),
    };
    let last = outcome.output.last.iter().rev().find(|line| !line.trim().is_empty()).cloned();
    BlockDone {
        block: block.id.clone(),
        result,
        exit: outcome.exit,
        seen: why.or(last).unwrap_or_default(),
        took: outcome.took,
        evidence,
        captured: outcome
            .capture
            .as_ref()
            .filter(|capture| !capture.secret)
            .map(|capture| (capture.name.clone(), capture.value.clone())),
    }
}
