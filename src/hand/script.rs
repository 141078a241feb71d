//! A shell block of a lent step: filled in, run in its folder, shown meanwhile, and told as a result.

use super::{
    attach::Hand,
    block::run_block,
    folder, held,
    outcome::{self, Control, Progress, Request, Screen},
};
use crate::{
    domain::{
        id::Digest,
        plan::{Block, BlockKind, Step},
        time::Span,
        walk::{BlockDone, BlockResult, Walk},
    },
    os::{clock, pty::Size},
    wire::{HandSays, Steer},
};
use std::{ffi::OsStr, path::PathBuf};
use tokio::sync::mpsc;

/// How what stands in place of a secret begins: nothing that holds it is what was meant.
const MARKER: &str = "[redacted ";

/// Code as it will run, as the rules give it, where nothing keeps it from running.
pub(super) fn code(walk: &Walk, step: &Step, block: &Block) -> Result<String, String> {
    let code = walk.will_run(step, block).map_err(|error| error.to_string())?;
    if code.contains(MARKER) {
        return Err("its code held a secret, which was taken out before it was journaled: read it from the environment instead".into());
    }
    Ok(code)
}

/// The result of a block that never began.
pub(super) fn could_not(block: &Block, why: String) -> BlockDone {
    BlockDone {
        block: block.id.clone(),
        result: BlockResult::CouldNotStart,
        exit: None,
        seen: why,
        took: Span::ZERO,
        evidence: None,
        captured: None,
    }
}

impl Hand {
    /// Runs it. A guard, check or verification with `for` is asked again and again until it has held for so long.
    pub(super) async fn shell(&mut self, walk: &Walk, step: &Step, block: &Block) -> BlockDone {
        if let Some(why) = self.trouble.clone() {
            return could_not(block, why);
        }
        let request = match self.request(walk, step, block) {
            Ok(request) => request,
            Err(why) => return could_not(block, why),
        };
        let looks = matches!(block.kind, BlockKind::Guard | BlockKind::Check | BlockKind::Verify);
        match block.hold.filter(|_| looks) {
            Some(wanted) => self.hold(&request, wanted).await,
            None => self.once(&request).await,
        }
    }

    /// One run of it, with its retries.
    async fn once(&mut self, request: &Request) -> BlockDone {
        let block = &request.block;
        let folder = match folder::RunFolder::create(&self.base, request) {
            Ok(folder) => folder,
            Err(error) => return could_not(block, error.to_string()),
        };
        let (progress, mut told) = mpsc::channel(256);
        let (control, controlled) = mpsc::channel(64);
        let mut terminal = None;
        let outcome = {
            let run = run_block(request, &self.around, &folder, &mut self.carry, progress, controlled);
            tokio::pin!(run);
            loop {
                tokio::select! {
                    outcome = &mut run => break outcome,
                    Some(progress) = told.recv() => show(&self.link, progress, request, &mut terminal),
                    Some(steer) = self.steer.recv() => {
                        match &steer {
                            Steer::Resize { cols, rows } => self.size = Size { rows: *rows, cols: *cols },
                            Steer::Extend(more) => {
                                self.until = self.until.map(|until| until + more.signed());
                                self.link.say(HandSays::Began { block: block.id.clone(), until: self.until });
                            }
                            _ => {}
                        }
                        drop(control.send(steered(steer)).await);
                    }
                }
            }
        };
        while let Ok(progress) = told.try_recv() {
            show(&self.link, progress, request, &mut terminal);
        }
        if let Some(screen) = terminal {
            self.link.say(HandSays::Printed { text: left(&screen) });
        }
        if let Err(error) = self.carry.store(&self.carry_at, &self.around.redactor) {
            tracing::warn!(%error, "the carried state is not on disk");
        }
        let text = crate::domain::text::bytes(&folder.output().unwrap_or_default());
        let evidence = if text.is_empty() { None } else { self.link.keep(text).await };
        done(block, &outcome, evidence)
    }

    /// Asks it until it has held for `wanted` without a gap, or its time is over. Each asking begins with the state
    /// that the block before left.
    async fn hold(&mut self, request: &Request, wanted: Span) -> BlockDone {
        let block = &request.block;
        let began = clock::now();
        let every = block.retry.map_or_else(|| held::every(wanted), |retry| retry.every);
        let mut limit = block.timeout.unwrap_or(held::LIMIT);
        let mut holds = held::Held::new(every);
        let before = self.carry.clone();
        loop {
            let asked = clock::now();
            let left = Span::millis(limit.as_millis().saturating_sub(began.elapsed(&asked).as_millis()));
            let mut one = request.clone();
            (one.block.retry, one.block.timeout) = (None, Some(left.max(Span::millis(100))));
            self.carry = before.clone();
            // What an asking left is kept only of the last one: nothing acts here.
            drop(std::fs::remove_dir_all(self.base.join(&one.run)));
            let mut done = self.once(&one).await;
            let now = clock::now();
            done.took = began.elapsed(&now);
            let held = holds.said(done.result == BlockResult::Passed, &asked, &now);
            self.link.say(HandSays::Holding { seen: done.seen.clone(), held, wanted });
            match done.result {
                BlockResult::Passed if held >= wanted => {
                    let gap = if done.seen.is_empty() { "" } else { " " };
                    done.seen = format!("{}{gap}for {wanted}", done.seen);
                    return done;
                }
                BlockResult::Passed | BlockResult::Failed if began.elapsed(&now) < limit => {}
                BlockResult::Passed | BlockResult::Failed => {
                    done.result = BlockResult::TimedOut;
                    return done;
                }
                _ => return done,
            }
            match self.pause(every).await {
                Some(Steer::Cancel) => {
                    done.result = BlockResult::Cancelled;
                    return done;
                }
                Some(Steer::Extend(more)) => limit = limit.plus(more),
                _ => {}
            }
        }
    }

    async fn pause(&mut self, every: Span) -> Option<Steer> {
        tokio::select! {
            () = tokio::time::sleep(every.std()) => None,
            steer = self.steer.recv() => steer,
        }
    }

    pub(super) fn folder(&self, block: &str) -> PathBuf {
        self.base.join(self.run_name(block))
    }

    /// A run folder's name: one per block, attempt and hand.
    fn run_name(&self, block: &str) -> String {
        let plain: String =
            block.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
        let hand = self.id.simple().to_string();
        format!("r{}-{}-{plain}", self.attempt, hand.get(hand.len() - 8..).unwrap_or_default())
    }

    fn request(&self, walk: &Walk, step: &Step, block: &Block) -> Result<Request, String> {
        let code = code(walk, step, block)?;
        let taken_out = |value: &str| value.contains(MARKER);
        if let Some(name) =
            walk.entered(&step.id).iter().find(|(name, value)| taken_out(value) && code.contains(*name))
        {
            return Err(format!(
                "the value of {} was a secret and was taken out before it was journaled: say secret = true of that input",
                name.0
            ));
        }
        let host =
            block.host.as_ref().map(|alias| {
                walk.runbook.front.targets.get(alias).cloned().ok_or_else(|| {
                    format!("the runbook's targets have no {alias}: add it to the front matter")
                })
            });
        let declared = |name: &String| walk.runbook.front.inputs.iter().any(|input| input.name == *name);
        let mut inputs = walk.values(&step.id);
        inputs.retain(|name, _| declared(name) || crate::runbook::front::is_variable(name));
        let mut request = Request::new(self.run_name(&block.id), Block { code, ..block.clone() });
        request.inputs = inputs;
        request.host = host.transpose()?;
        request.size = self.size;
        request.cwd = self.around.env.get(OsStr::new("HOME")).map(PathBuf::from);
        Ok(request)
    }
}

fn steered(steer: Steer) -> Control {
    match steer {
        Steer::Cancel => Control::Cancel,
        Steer::Extend(more) => Control::Extend(more),
        Steer::Keys(bytes) => Control::Keys(bytes),
        Steer::Resize { cols, rows } => Control::Resize(Size { rows, cols }),
    }
}

fn show(link: &super::link::Link, progress: Progress, request: &Request, terminal: &mut Option<Screen>) {
    let printed = |text: String| link.say(HandSays::Printed { text });
    match progress {
        Progress::Started { attempt, of, .. } if of > 1 => printed(format!("attempt {attempt} of {of}\n")),
        Progress::Started { .. } => {}
        // A terminal's output is its screen; as a stream it is in the record.
        Progress::Output(_) | Progress::Missed(_) if request.block.interactive => {}
        Progress::Output(bytes) => printed(crate::domain::text::bytes(&bytes)),
        Progress::Missed(bytes) => printed(format!("({bytes} bytes are in the run folder only)\n")),
        Progress::Waiting { attempt, of, every } => {
            printed(format!("attempt {attempt} of {of} failed, the next in {every}\n"));
        }
        Progress::Ending => printed("ending it: TERM was sent\n".into()),
        Progress::Trouble(what) => printed(format!("{what}\n")),
        Progress::Late => link.say(HandSays::OverTime),
        Progress::Screen(screen) => {
            link.say(HandSays::Screen {
                cols: screen.cols,
                rows: screen.rows.clone(),
                cursor: screen.cursor,
            });
            *terminal = Some(screen);
        }
    }
}

/// What stood on a terminal at its end, without the empty rows.
fn left(screen: &Screen) -> String {
    let rows = screen.rows.iter().map(|row| row.trim_end()).filter(|row| !row.is_empty());
    rows.flat_map(|row| [row, "\n"]).collect()
}

fn done(block: &Block, outcome: &outcome::Outcome, evidence: Option<Digest>) -> BlockDone {
    let (result, why) = match &outcome.result {
        outcome::BlockResult::Passed => (BlockResult::Passed, None),
        outcome::BlockResult::Failed => (BlockResult::Failed, None),
        outcome::BlockResult::TimedOut => (BlockResult::TimedOut, None),
        outcome::BlockResult::Cancelled => (BlockResult::Cancelled, None),
        outcome::BlockResult::CouldNotStart(why) => (BlockResult::CouldNotStart, Some(why.clone())),
    };
    // What ssh says at the end of every terminal says nothing of the block.
    let farewell = |line: &str| {
        let of_ssh = line.starts_with("Connection to ") || line.starts_with("Shared connection to ");
        block.interactive && block.host.is_some() && of_ssh && line.ends_with(" closed.")
    };
    let last = outcome.output.last.iter().map(|line| line.trim_end());
    let last = last.rev().find(|line| !line.is_empty() && !farewell(line)).map(str::to_owned);
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
