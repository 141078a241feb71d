//! What can be asked of a walk.

use super::{BlockDone, Confirmation, Deviate, ProcessRef};
use crate::domain::{
    deviation::ReasonCode,
    id::{Digest, IncidentId, WalkId},
    plan::{Runbook, Slug},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// What can be asked of a walk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalkCommand {
    /// Begin one of a runbook as the room read it.
    Start {
        /// The incident it belongs to, where it does.
        incident: Option<IncidentId>,

        /// What is walked, as loaded.
        runbook: Arc<Runbook>,
        /// Values of inputs and placeholders, by name.
        #[serde(default)]
        inputs: BTreeMap<String, String>,
    },
    /// Begin one from a runbook's text, which the room reads, hashes and walks: what a client says. Nobody's word is taken
    /// for what a text comes to.
    Load {
        /// The incident it belongs to, where it does.
        incident: Option<IncidentId>,
        /// Where the text came from, for reading only.
        source: String,
        /// The text, [`super::TEXT_MAX`] bytes at most.
        text: String,
        /// Values of inputs and placeholders, by name.
        #[serde(default)]
        inputs: BTreeMap<String, String>,
    },
    /// Enter a value for an input or a placeholder.
    SetInput {
        /// Which walk.
        walk: WalkId,
        /// Name of the input or placeholder.
        name: String,
        /// The value.
        value: String,
    },
    /// Take a step: the room lends it to this hand.
    Take {
        /// Which walk.
        walk: WalkId,

        /// The step.
        step: Slug,

        /// The hand.
        hand: Uuid,

        /// Machine it is done on.
        host: String,
        /// What was typed beside the key.
        #[serde(default)]
        confirm: Confirmation,
        /// Run its undo blocks instead.
        #[serde(default)]
        undo: bool,
        /// Run it again although it is done.
        #[serde(default)]
        again: bool,
        /// Digest of what was seen of it ([`super::shown()`]); on anything else it is refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shown: Option<Digest>,
    },
    /// A hand is there.
    Attach {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// The hand.
        hand: Uuid,
        /// The hand's process.
        process: ProcessRef,
        /// Keyed digest of the state that blocks carry to each other.
        carry: Option<Digest>,
    },
    /// A hand is about to run a block.
    Intend {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// The hand.
        hand: Uuid,
        /// The block.
        block: Slug,
    },
    /// A hand says how a block ended.
    Report {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// The hand.
        hand: Uuid,
        /// How it ended.
        done: BlockDone,
        /// Keyed digest of the state that blocks carry to each other.
        carry: Option<Digest>,
    },
    /// Approve what is asked.
    Approve {
        /// Which walk.
        walk: WalkId,

        /// The step.
        step: Slug,

        /// What exactly is approved.
        digest: Digest,
        /// Broken glass, in place of another person.
        #[serde(default)]
        glass: Option<Glass>,
    },
    /// Say no.
    Reject {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// Why.
        reason: String,
    },
    /// Tick a step that runs nothing.
    Confirm {
        /// Which walk.
        walk: WalkId,

        /// The step.
        step: Slug,
        /// The value seen.
        #[serde(default)]
        seen: String,
    },
    /// Choose a branch by its label.
    Choose {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// The branch.
        label: String,
    },
    /// Deviate, with one key.
    Deviate {
        /// Which walk.
        walk: WalkId,

        /// The step.
        step: Slug,

        /// How.
        what: Deviate,
        /// Why, where it was said at once.
        #[serde(default)]
        code: Option<ReasonCode>,
        /// What was typed beside the key.
        #[serde(default)]
        confirm: Confirmation,
        /// Machine it is done on.
        #[serde(default)]
        host: String,
    },
    /// Change a block's code before it runs.
    Edit {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// The block.
        block: Slug,
        /// The code as it is to run.
        code: String,
    },
    /// The room found a hand dead.
    Lost {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// The hand.
        hand: Uuid,
        /// Why.
        why: String,
    },
    /// Take an unknown or a stuck step from its owner.
    TakeOver {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// Why.
        reason: String,
    },
    /// End it before its end.
    Abandon {
        /// Which walk.
        walk: WalkId,
        /// Why.
        reason: String,
    },
}

/// Breaking the glass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Glass {
    /// The target's name, typed.
    pub typed: String,
    /// Why.
    pub reason: String,
}
