//! A line of a log.

use crate::domain::time::Wall;
use serde::{Deserialize, Serialize};

/// One line, decoded, its control characters already made visible.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Position in its source since the room began, from 0; never reused.
    pub n: u64,
    /// When it says it was written, else when it was read.
    pub at: Wall,
    /// How bad it says it is.
    pub level: Level,
    /// What it is about: the JSON or logfmt message, or the whole plain line.
    pub text: String,
    /// Fields of a structured line, in its order, but for time, level and message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<(String, String)>,
    /// Where it came from, `app-1.log`.
    pub source: String,
}

impl Line {
    /// About how many bytes it takes, in memory as in a frame.
    pub fn size(&self) -> usize {
        let fields: usize = self.fields.iter().map(|(key, value)| key.len() + value.len() + 16).sum();
        128 + self.text.len() + self.source.len() + fields
    }
}

/// Severity of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Below debug.
    Trace,
    /// For developers.
    Debug,
    /// The line does not say, or says info.
    #[default]
    Info,
    /// Worth a look.
    Warn,
    /// Something failed.
    Error,
    /// The process gave up.
    Fatal,
}

impl Level {
    /// Five letters, as they stand in a column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }
}
