//! What is kept of signals as evidence.

use super::{Line, PanelView, ProbeView};
use crate::domain::time::Wall;
use serde::{Deserialize, Serialize};

/// Series and lines as they stood at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// When.
    pub at: Wall,
    /// Panels with their points and baselines.
    pub panels: Vec<PanelView>,
    /// The newest lines of warning or worse.
    pub lines: Vec<Line>,
    /// Probes.
    pub probes: Vec<ProbeView>,
}
