//! What can be asked of an incident.

use super::Status;
use crate::domain::{clock::Moment, freeze::AllServices, id::IncidentId, severity::Severity, time::Wall};
use serde::{Deserialize, Serialize};

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentCommand {
    /// Declare one.
    Declare {
        /// One line.
        title: String,

        /// How bad.
        severity: Severity,

        /// Services it hurts.
        services: Vec<String>,
        /// Environment; `prod` where none is given.
        #[serde(default)]
        env: Option<String>,
        /// Freeze deploys of these services at once.
        #[serde(default)]
        freeze: bool,
        /// Whether that freeze is of all services, where none is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        all: Option<AllServices>,
    },
    /// Correct title or services.
    Retitle {
        /// Which incident.
        incident: IncidentId,
        /// One line.
        title: String,
        /// Services it hurts.
        services: Vec<String>,
    },
    /// Change severity.
    Severity {
        /// Which incident.
        incident: IncidentId,
        /// Severity from now on.
        to: Severity,
        /// Why.
        reason: String,
    },
    /// Change status.
    Status {
        /// Which incident.
        incident: IncidentId,
        /// Status from now on.
        to: Status,
    },
    /// Give a role.
    Role {
        /// Which incident.
        incident: IncidentId,
        /// Which role.
        role: String,
        /// Login name.
        who: String,
    },
    /// Take a role away.
    Unrole {
        /// Which incident.
        incident: IncidentId,
        /// Which role.
        role: String,
    },
    /// Say when something was.
    Correct {
        /// Which incident.
        incident: IncidentId,
        /// Which moment.
        moment: Moment,
        /// When, by the wall.
        at: Wall,
        /// Why.
        reason: String,
    },
    /// Answer a prompt of the draft.
    Answer {
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
