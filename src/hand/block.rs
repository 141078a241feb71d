//! Runs one block from its first attempt to its outcome.

use super::{
    carry::Carry,
    denied,
    folder::{RunFolder, Running},
    launch::Launch,
    outcome::{BlockResult, Capture, Control, Outcome, Progress, Request, Surroundings},
    output::OutputLog,
    sink::Sink,
};
use crate::{
    domain::{id::Digest, text, time::Span},
    os::{clock, process::ProcessId},
};
use tokio::sync::mpsc::{Receiver, Sender};

mod attempt;

/// Exit code of ssh where the fault is its own.
const OF_SSH: i32 = 255;

use attempt::{Attempt, End};

/// Runs `request` to its end. The folder says durably that it begins before anything runs (if it cannot, nothing
/// does) and how it ended before this returns. Output goes to the folder and, as far as somebody takes it, to
/// `progress`; a listener that does not take it is not waited for. `carry` is what the block before left, and
/// afterwards what this one left, unless it was killed. Dropping the future leaves the block running.
pub async fn run_block(
    request: &Request,
    around: &Surroundings,
    folder: &RunFolder,
    carry: &mut Carry,
    progress: Sender<Progress>,
    mut control: Receiver<Control>,
) -> Outcome {
    let began = clock::now();
    let mut running = Running { since: began.clone(), hand: ProcessId::me(), block: None, attempt: 1 };
    let mut outcome = Outcome {
        result: BlockResult::Failed,
        exit: None,
        signal: None,
        began,
        took: Span::ZERO,
        attempts: 0,
        output: super::outcome::Printed { digest: Digest::ZERO, len: 0, cut: 0, last: Vec::new() },
        capture: None,
        left: Vec::new(),
        trouble: Vec::new(),
    };
    let log = match folder
        .begin(&running)
        .map_err(|error| error.to_string())
        .and_then(|()| OutputLog::create(folder.path()).map_err(|error| error.to_string()))
    {
        Ok(log) => log,
        Err(why) => {
            outcome.result = BlockResult::CouldNotStart(text::line(&why).into_owned());
            return finish(outcome, folder);
        }
    };
    let mut sink = Sink::new(around.redactor.clone(), log, progress);
    let of = request.block.retry.map_or(1, |retry| retry.attempts.max(1));
    let every = request.block.retry.map_or(Span::ZERO, |retry| retry.every);
    let before = carry.clone();
    for attempt in 1..=of {
        // Each attempt begins with what the block before left, not with what a failed attempt did.
        *carry = before.clone();
        running.attempt = attempt;
        outcome.attempts = attempt;
        one(request, around, folder, carry, &mut sink, &mut control, &mut running, of, &mut outcome).await;
        let again = matches!(outcome.result, BlockResult::Failed | BlockResult::TimedOut) && attempt < of;
        if !again {
            break;
        }
        sink.tell(Progress::Waiting { attempt, of, every }).await;
        if cancelled_within(every, &mut control).await {
            outcome.result = BlockResult::Cancelled;
            break;
        }
    }
    outcome.output = sink.close().await;
    outcome.trouble = sink.trouble;
    finish(outcome, folder)
}

#[expect(clippy::too_many_arguments, reason = "one attempt uses everything that run_block holds")]
async fn one(
    request: &Request,
    around: &Surroundings,
    folder: &RunFolder,
    carry: &mut Carry,
    sink: &mut Sink,
    control: &mut Receiver<Control>,
    running: &mut Running,
    of: u32,
    outcome: &mut Outcome,
) {
    let could_not = |why: String| BlockResult::CouldNotStart(text::line(&why).into_owned());
    let mut launch = match Launch::prepare(request, around, carry) {
        Ok(launch) => launch,
        Err(why) => {
            outcome.result = could_not(why);
            return;
        }
    };
    if let Some(note) = launch.note.take() {
        sink.trouble(note).await;
    }
    let mut attempt = match Attempt::start(request, &mut launch) {
        Ok(attempt) => attempt,
        Err(error) => {
            outcome.result = could_not(format!("it could not be started: {error}"));
            return;
        }
    };
    running.block = Some(attempt.group.leader().clone());
    if let Err(error) = folder.begin(running) {
        sink.trouble(error.to_string()).await;
    }
    let block = attempt.group.leader().clone();
    sink.tell(Progress::Started { block, attempt: running.attempt, of }).await;
    let end = attempt.run(request, around, &mut launch, sink, control).await;
    outcome.left = if request.elsewhere().is_some() { Vec::new() } else { attempt.group.members() };
    (outcome.exit, outcome.signal) = (end.exit, end.signal);
    outcome.result = judged(request, &end);
    if let Some(why) = denied(request, &end, &launch, sink) {
        outcome.result = could_not(why);
        return;
    }
    if end.killed.is_none()
        && let Err(why) = launch.carry_out(carry)
    {
        sink.trouble(format!("nothing of this block's state is carried on: {why}")).await;
    }
    if let (Some(name), Some(raw)) = (&request.block.capture, end.captured) {
        outcome.capture = captured(name, raw, around, carry, sink).await;
    }
}

/// Why ssh let nobody in, so that nothing ran on the other host. It is not tried again: each attempt counts there.
fn denied(request: &Request, end: &End, launch: &Launch, sink: &Sink) -> Option<String> {
    let terminal = request.block.interactive;
    let host = request.elsewhere().filter(|_| end.killed.is_none() && end.exit == Some(OF_SSH))?;
    if launch.has_begun_there(terminal) { None } else { denied::why(host, terminal, &sink.last()) }
}

fn judged(request: &Request, end: &End) -> BlockResult {
    let accepted = |code: i32| match request.block.accept.as_slice() {
        [] => code == 0,
        codes => codes.contains(&code),
    };
    match (&end.killed, end.exit) {
        (Some(why), _) => why.clone(),
        (None, Some(code)) if accepted(code) => BlockResult::Passed,
        _ => BlockResult::Failed,
    }
}

async fn captured(
    name: &str,
    raw: Result<Vec<u8>, usize>,
    around: &Surroundings,
    carry: &mut Carry,
    sink: &mut Sink,
) -> Option<Capture> {
    let value = match raw.map(String::from_utf8) {
        Ok(Ok(value)) if !value.contains('\0') => value,
        Ok(_) => {
            sink.trouble(format!("{name} is not set: the output is not text")).await;
            return None;
        }
        Err(most) => {
            sink.trouble(format!("{name} is not set: the output is longer than {most} bytes")).await;
            return None;
        }
    };
    let value = value.trim_end_matches(['\n', '\r']);
    carry.export(name, value);
    let shown = around.redactor.text(value);
    Some(Capture { name: name.to_owned(), secret: shown != value, value: shown.into_owned() })
}

async fn cancelled_within(every: Span, control: &mut Receiver<Control>) -> bool {
    let wait = tokio::time::sleep(every.std());
    tokio::pin!(wait);
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            told = control.recv(), if open => match told {
                Some(Control::Cancel) => return true,
                Some(_) => {}
                None => open = false,
            },
            () = &mut wait => return false,
        }
    }
}

fn finish(mut outcome: Outcome, folder: &RunFolder) -> Outcome {
    outcome.took = outcome.began.elapsed(&clock::now());
    if let Err(error) = folder.end(&outcome) {
        outcome.trouble.push(text::line(&error.to_string()).into_owned());
    }
    outcome
}

#[cfg(test)]
mod tests;
