//! A hand's life: attach to the room, walk the step block by block, say how each ended, and go.
//!
//! What comes next is asked of the rules ([`sequence::next`]) each time, from the state as the journal has it: the
//! intent is durable before a block acts, and a block whose result is known is never run again.

use super::{
    carry::Carry,
    expect, folder, home,
    ids::Ids,
    link::{self, Link},
    outcome::Surroundings,
    own, query,
};
use crate::{
    domain::{
        Command,
        id::{Digest, WalkId},
        plan::{Block, BlockKind, Match, Step},
        walk::{
            BlockDone, BlockResult, ProcessRef, Walk, WalkCommand,
            sequence::{self, Next},
        },
    },
    evidence::redact::Redactor,
    os::{dirs, process::ProcessId, pty::Size, spawn::Spec},
    wire::{HandSays, Outcome, Steer, StepRef},
};
use sha2::{Digest as _, Sha256};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Between two ids for one command, at first and at most.
const ID_WAIT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

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

pub(super) struct Hand {
    pub(super) link: Link,
    pub(super) at: StepRef,
    pub(super) id: Uuid,
    pub(super) base: PathBuf,
    pub(super) carry: Carry,
    pub(super) carry_at: PathBuf,
    pub(super) around: Surroundings,
    pub(super) steer: mpsc::Receiver<Steer>,
    pub(super) attempt: u32,
    /// The names of its commands.
    pub(super) ids: Ids,
    /// Why no command of the step can run: a value that could not be had.
    pub(super) trouble: Option<String>,
    /// The terminal of the seat that attached last.
    pub(super) size: Size,
    /// When the time of the block that runs is over.
    pub(super) until: Option<crate::domain::time::Wall>,
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
    let env = home::environment(&socket)?;
    let (link, steer) = link::open(socket, at.clone(), hand);
    let state = link.state().await.ok_or("the room was never reached")?;
    let ids = Ids::open(&base, hand).map_err(|error| say(&error))?;
    let walk = state.walks.get(&at.walk).ok_or_else(|| format!("there is no walk {}", at.walk))?;
    let redactor = Redactor::new(&[], &[]).map_err(|error| say(&error))?;
    // Each walk, person and host has a carry of its own; the person is whose state directory this is.
    let carry_at = base.join("carry.json");
    let carry = Carry::load(&carry_at).map_err(|error| say(&error))?;
    // What runs beside others begins with what was left before it, and leaves nothing to them.
    let beside = walk.runbook.step(&at.step).is_some_and(Step::is_background);
    let carry_at = if beside { base.join(format!("carry-{hand}.json")) } else { carry_at };
    let attempt = walk.state(&at.step).attempt;
    let hand = Hand {
        link,
        at,
        id: hand,
        base,
        carry,
        carry_at,
        around: Surroundings::new(env, Vec::new(), redactor),
        steer,
        attempt,
        ids,
        trouble: None,
        size: Size::default(),
        until: None,
    };
    Ok(hand.walk_step().await)
}

impl Hand {
    /// Does a command until the journal has it or the rules refuse it. `None` where the link to the room ended. A name that
    /// is in use for something else is given up for another, slowly: whoever took it could take the next too.
    pub(super) async fn send(&self, what: &str, command: Command) -> Option<Outcome> {
        let mut wait = ID_WAIT.0;
        loop {
            match self.link.act(self.ids.of(self.attempt, what), command.clone()).await? {
                Outcome::Refused(refusal) if refusal.id_in_use => {
                    tracing::warn!(%refusal, what, "the hand takes another id");
                    self.ids.give_up(what);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(ID_WAIT.1);
                }
                Outcome::Failed { .. } => tokio::time::sleep(Duration::from_secs(1)).await,
                outcome => return Some(outcome),
            }
        }
    }

    /// Does a command of the step. `Err` where the rules refuse it: this hand has no say any more.
    pub(super) async fn act(&self, what: &str, command: WalkCommand) -> Result<(), String> {
        match self.send(what, Command::Walk(command)).await {
            Some(Outcome::Refused(refusal)) => Err(refusal.to_string()),
            Some(_) => Ok(()),
            None => Err("the link to the room ended".into()),
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
        if let Some((walk, step)) = self.leased().await
            && let Err(why) = self.values(&walk, &step).await
        {
            self.trouble = Some(why);
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
                    let link = self.link.clone();
                    let gone = link.until(|state| {
                        let Some(walk) = own::lent(state, at.walk, &at.step, hand) else { return Some(()) };
                        let step = walk.runbook.step(&at.step)?;
                        (sequence::next(walk, step) != Next::Approval).then_some(())
                    });
                    tokio::select! {
                        gone = gone => if gone.is_none() {
                            return "the link to the room ended".into();
                        },
                        () = cancelled(&mut self.steer) => {
                            // What was told to end must not begin when somebody approves it later.
                            let reason = "cancelled while it waited".to_owned();
                            let step = self.at.step.clone();
                            let no = |walk| WalkCommand::Reject { walk, step: step.clone(), reason: reason.clone() };
                            let no = self.own("withdraw", no).await;
                            self.link.say(HandSays::Over);
                            return no.err().unwrap_or_else(|| "it was cancelled while it waited".into());
                        }
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

    async fn one(&mut self, walk: &Walk, step: &Step, block: Block) -> Result<(), String> {
        if block.kind != BlockKind::Expect {
            let (step, hand, id) = (step.id.clone(), self.id, block.id.clone());
            let intend = |walk| WalkCommand::Intend { walk, step: step.clone(), hand, block: id.clone() };
            self.own(&format!("intend {id}"), intend).await?;
        }
        self.until = block.timeout.map(|limit| crate::os::clock::now().plus(limit).wall);
        self.link.say(HandSays::Began { block: block.id.clone(), until: self.until });
        let done = if block.kind == BlockKind::Expect {
            self.expect(walk, step, &block).await
        } else if block.is_query() {
            match super::script::code(walk, step, &block) {
                Ok(code) => query::run(&self.link, &block, &code, &mut self.steer).await,
                Err(why) => super::script::could_not(&block, why),
            }
        } else {
            self.shell(walk, step, &block).await
        };
        self.report(walk, done).await
    }

    /// Compares the output of the block before with what is expected.
    async fn expect(&self, walk: &Walk, step: &Step, block: &Block) -> BlockDone {
        let began = crate::os::clock::now();
        let output = match sequence::expected_of(step, block) {
            Some(of) => self.printed(walk, step, of).await,
            None => String::new(),
        };
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

    /// What a block printed: here, or, where another hand ran it, as the room keeps it; what a check saw.
    async fn printed(&self, walk: &Walk, step: &Step, of: &Block) -> String {
        let known = walk.state(&step.id);
        let result = sequence::result(&known, of);
        if of.is_query() {
            return result.map(|done| done.seen.clone()).unwrap_or_default();
        }
        let folder = self.folder(&of.id);
        if folder.exists() {
            let bytes = folder::RunFolder::open(&folder).output().unwrap_or_default();
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        match result.and_then(|done| done.evidence) {
            Some(digest) => self.link.kept(digest).await.unwrap_or_default(),
            None => String::new(),
        }
    }
}

async fn cancelled(steer: &mut mpsc::Receiver<Steer>) {
    loop {
        match steer.recv().await {
            Some(Steer::Cancel) => return,
            Some(_) => {}
            None => std::future::pending().await,
        }
    }
}
