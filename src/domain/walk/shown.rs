//! What a person sees before taking a step, as one digest: whoever takes names it, and takes nothing else.

use super::{BlockResult, StepStatus, Walk};
use crate::domain::{
    id::Digest,
    plan::{Block, Input, Slug, Step},
    refusal::{Code, Refusal},
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// All that decides what the hand of a step would run. The walk's own name is not in it: what was begun while the
/// journal was out of reach may get another.
#[derive(Serialize)]
struct Shown<'a> {
    runbook: Digest,
    step: &'a str,
    undo: bool,
    again: bool,
    /// In the order of the file, each with its code as it would run.
    blocks: Vec<Block>,
    values: &'a BTreeMap<String, String>,
    /// Defaults, and the commands that give values.
    inputs: &'a [Input],
    targets: &'a BTreeMap<String, String>,
    status: StepStatus,
    /// What is known of the attempts before: it is not run again, or passed over.
    results: Vec<(Slug, BlockResult)>,
    overridden: BTreeSet<Slug>,
}

/// Digest of what is shown of a step to the one who is about to take it: code, kind, language, host, interpreter,
/// directory and limits of every block, the values, and what earlier attempts left.
pub fn shown(walk: &Walk, step: &Step, undo: bool, again: bool) -> Digest {
    let state = walk.state(&step.id);
    let block = |block: &Block| Block { code: walk.as_shown(step, block), ..block.clone() };
    let all = Shown {
        runbook: walk.runbook.hash,
        step: &step.id,
        undo,
        again,
        blocks: step.blocks.iter().map(block).collect(),
        values: walk.entered(&step.id),
        inputs: &walk.runbook.front.inputs,
        targets: &walk.runbook.front.targets,
        status: state.status,
        results: state.results.iter().map(|done| (done.block.clone(), done.result)).collect(),
        overridden: state.overridden,
    };
    // Names and texts alone: nothing in it can fail to be written.
    let bytes = serde_json::to_vec(&all).unwrap_or_default();
    Digest(Sha256::digest(bytes).into())
}

/// Whoever takes a step saw it as it is.
pub(super) fn is_as_seen(
    walk: &Walk,
    step: &Step,
    (undo, again): (bool, bool),
    seen: Option<Digest>,
) -> Result<(), Refusal> {
    let conflict = |what: String| Refusal::new(Code::Conflict, what);
    match seen {
        Some(seen) if seen == shown(walk, step, undo, again) => Ok(()),
        Some(_) => Err(conflict(format!("what you saw of {:?} has changed", step.title))
            .hint("look again at what would run (warroom step show), and take it as it is now")),
        None => Err(conflict(format!("it is not said what was seen of {:?}", step.title))
            .hint("take it with a warroom of this version, which shows it first: warroom step show")),
    }
}
