//! What can happen to an incident.

use super::Status;
use crate::domain::{
    clock::Moment,
    id::IncidentId,
    severity::Severity,
    time::{Span, Stamp, Wall},
};
use serde::{Deserialize, Serialize};

/// What can happen to an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentFact {
    /// It was declared; its declarer commands.
    Declared {
        /// Which incident.
        incident: IncidentId,

        /// One line.
        title: String,

        /// How bad.
        severity: Severity,

        /// Services it hurts.
        services: Vec<String>,

        /// Environment.
        env: String,

        /// The target.
        target: Span,

        /// Whether it is practice.
        drill: bool,
    },
    /// Title or services were corrected.
    Retitled {
        /// Which incident.
        incident: IncidentId,
        /// One line.
        title: String,
        /// Services it hurts.
        services: Vec<String>,
    },
    /// It is worse or milder than was thought.
    SeverityChanged {
        /// Which incident.
        incident: IncidentId,
        /// Severity before.
        from: Severity,
        /// Severity from now on.
        to: Severity,
        /// Why.
        reason: String,
    },
    /// It has come further, or fallen back.
    StatusChanged {
        /// Which incident.
        incident: IncidentId,
        /// Status before.
        from: Status,
        /// Status from now on.
        to: Status,
    },
    /// A role has a holder.
    RoleTaken {
        /// Which incident.
        incident: IncidentId,
        /// Which role.
        role: String,
        /// Login name.
        who: String,
    },
    /// A role has none any more.
    RoleLeft {
        /// Which incident.
        incident: IncidentId,
        /// Which role.
        role: String,
        /// Login name.
        who: String,
    },
    /// A moment is known.
    Marked {
        /// Which incident.
        incident: IncidentId,
        /// Which moment.
        moment: Moment,
        /// When.
        at: Stamp,
        /// Why.
        why: String,
    },
    /// A moment was not when it was said to be. Both events stay.
    Corrected {
        /// Which incident.
        incident: IncidentId,
        /// Which moment.
        moment: Moment,
        /// When it was held to be before, where it was.
        from: Option<Wall>,
        /// When.
        at: Stamp,
        /// Why.
        reason: String,
    },
    /// The impact target was exceeded.
    TargetBreached {
        /// Which incident.
        incident: IncidentId,
        /// The target.
        target: Span,
    },
    /// First good reading after onset.
    RecoveryBegan {
        /// Which incident.
        incident: IncidentId,
        /// The value seen.
        seen: String,
    },
    /// A bad reading came before recovery had held.
    RecoveryLost {
        /// Which incident.
        incident: IncidentId,
        /// The value seen.
        seen: String,
    },
    /// Recovery held for its time; impact ended at `since`.
    Recovered {
        /// Which incident.
        incident: IncidentId,
        /// Since when.
        since: Stamp,
        /// For how long it had held.
        held: Span,
    },
    /// A prompt of the draft was answered.
    Answered {
        /// Which incident.
        incident: IncidentId,
        /// The prompt's key.
        prompt: String,
        /// The words.
        text: String,
    },
    /// A draft was written out.
    Exported {
        /// Which incident.
        incident: IncidentId,
        /// Where it was written to.
        place: String,
        /// Hash of its manifest.
        manifest: String,
    },
}

impl IncidentFact {
    /// Which.
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Declared { incident, .. }
            | Self::Retitled { incident, .. }
            | Self::SeverityChanged { incident, .. }
            | Self::StatusChanged { incident, .. }
            | Self::RoleTaken { incident, .. }
            | Self::RoleLeft { incident, .. }
            | Self::Marked { incident, .. }
            | Self::Corrected { incident, .. }
            | Self::TargetBreached { incident, .. }
            | Self::RecoveryBegan { incident, .. }
            | Self::RecoveryLost { incident, .. }
            | Self::Recovered { incident, .. }
            | Self::Answered { incident, .. }
            | Self::Exported { incident, .. } => *incident,
        }
    }
}
