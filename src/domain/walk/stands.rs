//! Where one stands, in words, for the one who comes back.

use super::{StepStatus, Walk};
use crate::domain::{plan::Step, time::Stamp};

/// How a step stands, in a word or two.
pub fn stands(walk: &Walk, step: &Step) -> &'static str {
    let state = walk.state(&step.id);
    match state.status {
        StepStatus::Lent if state.asked.is_some() => "waits for approval",
        StepStatus::Lent => "running",
        StepStatus::Failed => "failed",
        StepStatus::Unknown => "unknown",
        StepStatus::Done => "done",
        // Begun and given back, or for a person to look at: nobody has said that it is so.
        StepStatus::Todo if state.attempt > 0 || !step.runs() => "unverified",
        StepStatus::Todo => "not begun",
    }
}

/// Where one is in a walk that goes on: the step as `named`, since when, and how it stands.
pub fn whereabouts(walk: &Walk, named: &str, now: &Stamp) -> Option<String> {
    let step = walk.current().filter(|_| walk.ended.is_none())?;
    Some(format!("{named}, {} ago, {}", walk.at_since.elapsed(now).brief(), stands(walk, step)))
}
