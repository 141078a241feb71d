//! A check that the room answers: asked until it is so, or has been so for as long as it must, or its time is over.

use super::link::Link;
use crate::{
    domain::{
        plan::Block,
        time::Span,
        walk::{BlockDone, BlockResult},
    },
    os::clock,
    signal::{Answer, Verdict, analysis::held::Held},
    wire::{HandSays, Steer},
};
use tokio::sync::mpsc::Receiver;

/// Between two questions.
const EVERY: Span = Span::secs(1);

/// Asks to the end. With `for`, it passes when every answer was yes for that long without a gap; with a limit alone,
/// at the first yes; with neither, the first answer decides. No data is never yes.
pub async fn run(link: &Link, block: &Block, code: &str, steer: &mut Receiver<Steer>) -> BlockDone {
    let began = clock::now();
    let every = block.hold.map_or(EVERY, super::held::every);
    let mut limit = block.timeout.or(block.hold.map(|_| super::held::LIMIT)).unwrap_or(Span::ZERO);
    let mut held = Held::new(Span::millis(every.as_millis().saturating_mul(5)).plus(Span::secs(2)));
    loop {
        let answer = link.check(&block.lang, code, block.source.as_deref()).await;
        let now = clock::now();
        held.feed(now.wall, answer.verdict);
        let wanted = block.hold.unwrap_or(Span::ZERO);
        let good = answer.verdict == Verdict::Yes && held.for_at_least(wanted, now.wall);
        link.say(HandSays::Holding {
            seen: answer.seen.clone(),
            held: held.length(now.wall).unwrap_or(Span::ZERO),
            wanted,
        });
        let end = |result, seen| BlockDone {
            block: block.id.clone(),
            result,
            exit: None,
            seen,
            took: began.elapsed(&now),
            evidence: None,
            captured: None,
        };
        if good {
            return end(BlockResult::Passed, seen(&answer, block));
        }
        if limit == Span::ZERO {
            return end(BlockResult::Failed, seen(&answer, block));
        }
        if began.elapsed(&now) >= limit {
            return end(BlockResult::TimedOut, seen(&answer, block));
        }
        tokio::select! {
            () = tokio::time::sleep(every.std()) => {}
            Some(steer) = steer.recv() => match steer {
                Steer::Cancel => return end(BlockResult::Cancelled, seen(&answer, block)),
                Steer::Extend(more) => limit = limit.plus(more),
                Steer::Keys(_) | Steer::Resize { .. } => {}
            },
        }
    }
}

fn seen(answer: &Answer, block: &Block) -> String {
    match (answer.verdict, block.hold) {
        (Verdict::Yes, Some(hold)) => format!("{} for {hold}", answer.seen),
        (Verdict::Unknown, _) => format!("unknown: {}", answer.seen),
        _ => answer.seen.clone(),
    }
}
