//! What can happen to a walk.

use super::{BlockDone, How, ProcessRef};
use crate::domain::{
    id::{Digest, IncidentId, WalkId},
    plan::{By, Runbook, Slug},
    state::State,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// What can happen to a walk.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalkFact {
    /// It began.
    Started {
        /// Which walk.
        walk: WalkId,

        /// The incident it belongs to, where it does.
        incident: Option<IncidentId>,

        /// What is walked, as loaded.
        runbook: Arc<Runbook>,

        /// Values of inputs and placeholders, by name.
        inputs: BTreeMap<String, String>,
    },
    /// A value was entered.
    InputSet {
        /// Which walk.
        walk: WalkId,
        /// Name of the input or placeholder.
        name: String,
        /// The value.
        value: String,
    },
    /// A step was lent.
    Lent {
        /// Which walk.
        walk: WalkId,

        /// The step.
        step: Slug,

        /// The hand.
        hand: Uuid,

        /// Machine it is done on.
        host: String,

        /// Its undo blocks are to run.
        undo: bool,
        /// All that was known of it is set aside, and it begins anew.
        #[serde(default)]
        again: bool,
    },
    /// Its hand is there.
    Attached {
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
    /// A block is about to act.
    Intended {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// The block.
        block: Slug,
        /// How often the step was taken, with this time.
        attempt: u32,
    },
    /// A block ended.
    BlockEnded {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// How it ended.
        done: BlockDone,
        /// Keyed digest of the state that blocks carry to each other.
        carry: Option<Digest>,
    },
    /// An approval is asked for.
    ApprovalAsked {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// The words.
        text: String,
        /// What exactly is approved.
        digest: Digest,
        /// Whose approval counts.
        by: By,
    },
    /// It was given.
    Approved {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// What exactly is approved.
        digest: Digest,
        /// Whether the glass was broken.
        glass: bool,
    },
    /// It was refused.
    Rejected {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// Why.
        reason: String,
    },
    /// A step is finished.
    StepDone {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// How it was finished.
        how: How,
        /// The value seen.
        seen: String,
    },
    /// A block failed and the step stands.
    StepFailed {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// The block.
        block: Slug,
        /// Why.
        why: String,
    },
    /// The undo blocks of a step ran.
    Undone {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
    },
    /// A failed block was passed over.
    Overridden {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// The block.
        block: Slug,
    },
    /// A hand is proved dead.
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
    /// An unknown or stuck step was taken from its owner.
    TakenOver {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// Who had it.
        from: String,
        /// Why.
        reason: String,
    },
    /// A block's code was changed.
    Edited {
        /// Which walk.
        walk: WalkId,
        /// The step.
        step: Slug,
        /// The block.
        block: Slug,
        /// The code as it is to run.
        code: String,
        /// Lines that went and lines that came.
        diff: String,
    },
    /// One is at another step now.
    Moved {
        /// Which walk.
        walk: WalkId,
        /// The step where one is now.
        to: Slug,
    },
    /// It ended.
    Finished {
        /// Which walk.
        walk: WalkId,
        /// Whether it came to its end, or was abandoned.
        complete: bool,
    },
}

impl WalkFact {
    /// Which walk.
    pub fn walk(&self) -> WalkId {
        match self {
            Self::Started { walk, .. }
            | Self::InputSet { walk, .. }
            | Self::Lent { walk, .. }
            | Self::Attached { walk, .. }
            | Self::Intended { walk, .. }
            | Self::BlockEnded { walk, .. }
            | Self::ApprovalAsked { walk, .. }
            | Self::Approved { walk, .. }
            | Self::Rejected { walk, .. }
            | Self::StepDone { walk, .. }
            | Self::StepFailed { walk, .. }
            | Self::Undone { walk, .. }
            | Self::Overridden { walk, .. }
            | Self::Lost { walk, .. }
            | Self::TakenOver { walk, .. }
            | Self::Edited { walk, .. }
            | Self::Moved { walk, .. }
            | Self::Finished { walk, .. } => *walk,
        }
    }

    /// Whose incident.
    pub fn incident(&self, state: &State) -> Option<IncidentId> {
        match self {
            Self::Started { incident, .. } => *incident,
            _ => state.walks.get(&self.walk()).and_then(|walk| walk.incident),
        }
    }
}
