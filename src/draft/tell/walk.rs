//! What was done by the runbook, and beside it.

use super::{
    WORDS,
    Weight::{self, Detail, Plain, Turn},
};
use crate::{
    domain::{
        deviation::{DeviationFact, DeviationKind},
        walk::{BlockResult, How, WalkFact},
    },
    draft::{
        escape::{clipped, code, inline},
        front::length,
        gather::Gathered,
    },
};

pub fn deviation(fact: &DeviationFact, g: &Gathered<'_>) -> (Weight, String) {
    match fact {
        DeviationFact::Recorded { deviation, what, .. } => {
            let step = what.walk.zip(what.step.as_deref());
            let step = step.map_or_else(String::new, |(walk, step)| {
                format!(" on “{}”", clipped(&g.step_title(walk, step), 120))
            });
            let did = match what.kind {
                DeviationKind::Edit => String::new(),
                _ => format!(": {}", clipped(what.actual.lines().next().unwrap_or_default(), 160)),
            };
            (Turn, format!("Deviation {deviation} ({}){step}{did}", what.kind.word()))
        }
        DeviationFact::Reasoned { deviation, code, text, .. } => {
            let text =
                if text.is_empty() { String::new() } else { format!(": “{}”", clipped(text, WORDS)) };
            (Detail, format!("Reason for {deviation}: {}{text}", code.words()))
        }
    }
}

pub fn walk(fact: &WalkFact, g: &Gathered<'_>) -> Option<(Weight, String)> {
    let step = |slug: &str| format!("“{}”", clipped(&g.step_title(fact.walk(), slug), 120));
    let id = fact.walk();
    Some(match fact {
        WalkFact::Started { runbook, .. } => {
            let hash = runbook.hash.short();
            (Turn, format!("{id} began: runbook “{}” (`{hash}`)", inline(&runbook.title)))
        }
        WalkFact::Lent { step: slug, host, undo, .. } => {
            let what = if *undo { "Undo of" } else { "Step" };
            let host = if host.is_empty() { String::new() } else { format!(" on {}", code(host)) };
            (Detail, format!("{what} {} taken{host}", step(slug)))
        }
        WalkFact::BlockEnded { step: slug, done, .. } => {
            let word = match done.result {
                BlockResult::Passed => "passed",
                BlockResult::Failed => "failed",
                BlockResult::TimedOut => "killed at its time limit",
                BlockResult::Cancelled => "cancelled",
                BlockResult::CouldNotStart => "could not start",
            };
            let seen =
                if done.seen.is_empty() { String::new() } else { format!(": {}", clipped(&done.seen, 120)) };
            let took = length(done.took);
            (Detail, format!("{} of {} {word} in {took}{seen}", code(&done.block), step(slug)))
        }
        WalkFact::ApprovalAsked { step: slug, text, .. } => {
            (Plain, format!("Approval asked for {}: “{}”", step(slug), clipped(text, WORDS)))
        }
        WalkFact::Approved { step: slug, glass, .. } => {
            let how = if *glass { " by breaking the glass" } else { "" };
            (Turn, format!("Approved {}{how}", step(slug)))
        }
        WalkFact::Rejected { step: slug, reason, .. } => {
            (Turn, format!("Approval of {} refused: “{}”", step(slug), clipped(reason, WORDS)))
        }
        WalkFact::StepDone { step: slug, how, seen, .. } => {
            (Turn, format!("Step {} {}", step(slug), ended(how, seen)))
        }
        WalkFact::StepFailed { step: slug, block, why, .. } => {
            (Turn, format!("Step {} stands at {}: {}", step(slug), code(block), clipped(why, 160)))
        }
        WalkFact::Undone { step: slug, .. } => (Turn, format!("Step {} undone", step(slug))),
        WalkFact::Overridden { step: slug, block, .. } => {
            (Plain, format!("{} of {} passed over", code(block), step(slug)))
        }
        WalkFact::Lost { step: slug, why, .. } => {
            (Turn, format!("Hand of {} lost: {}", step(slug), clipped(why, 160)))
        }
        WalkFact::TakenOver { step: slug, from, reason, .. } => (
            Turn,
            format!("Step {} taken over from {}: “{}”", step(slug), inline(from), clipped(reason, WORDS)),
        ),
        WalkFact::Edited { step: slug, block, .. } => {
            (Plain, format!("{} of {} edited", code(block), step(slug)))
        }
        WalkFact::Finished { complete, .. } => {
            (Turn, format!("{id} {}", if *complete { "complete" } else { "abandoned" }))
        }
        WalkFact::InputSet { name, value, .. } => {
            (Detail, format!("{} is {}", code(name), code(&value.chars().take(120).collect::<String>())))
        }
        WalkFact::Attached { .. } | WalkFact::Intended { .. } | WalkFact::Moved { .. } => return None,
    })
}

/// How a step was finished and what was seen then, as words behind its name.
pub fn ended(how: &How, seen: &str) -> String {
    let word = match how {
        How::Done => "done",
        How::Satisfied => "was so already",
        How::Confirmed => "confirmed",
        How::Manual => "done by hand",
        How::Chosen { label, .. } => return format!("decided: {}", inline(label)),
        How::NotApplicable => "did not apply",
        How::Skipped => "left out",
        How::Waited => "waited for",
    };
    if seen.is_empty() { word.into() } else { format!("{word}, {}", clipped(seen, 120)) }
}
