//! Release state of one target.

use crate::domain::time::Wall;
use serde::{Deserialize, Serialize};

/// What runs on a target, what ran before, and what lies ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseView {
    /// Service, `checkout`.
    pub service: String,
    /// Environment, `prod`.
    pub env: String,
    /// Where it is kept, for reading.
    pub place: String,
    /// What `current` points at.
    pub current: Option<Artifact>,
    /// What it pointed at before, as far as that can be known.
    pub previous: Option<Artifact>,
    /// All that lie ready, newest first.
    pub ready: Vec<Artifact>,
    /// When `current` was switched.
    pub since: Option<Wall>,
    /// Who switched it, where a log says so.
    pub by: Option<String>,
}

/// One release of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Artifact {
    /// Its version or directory name, `2.4.1`.
    pub version: String,
    /// Commit, where a `REVISION` file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// When it was put there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub built: Option<Wall>,
}
