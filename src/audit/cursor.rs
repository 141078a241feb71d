//! How far a sink has come, kept so that a restart goes on there.

use crate::{
    domain::{Seq, id::Digest, time::BootId},
    os::durable::{self, FileError},
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The newest event that a sink has. Its hash says of which journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// Its position.
    pub seq: Seq,
    /// Its hash.
    pub hash: Digest,
    /// The boot in which it came there.
    pub boot: BootId,
    /// Whether it failed since, so that what came before may be lost too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub doubt: bool,
}

/// A cursor in a file.
#[derive(Debug, Clone)]
pub struct Cursor {
    path: PathBuf,
}

impl Cursor {
    /// The cursor of a sink, below this directory.
    ///
    /// # Errors
    /// Where the directory cannot be made.
    pub fn below(dir: &Path, sink: &str) -> Result<Self, FileError> {
        let dir = dir.join("audit");
        std::fs::create_dir_all(&dir).map_err(FileError::at("create", &dir))?;
        let name: String =
            sink.chars().map(|c| if c.is_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
        Ok(Self { path: dir.join(format!("{name}.cursor")) })
    }

    /// Where it stands; nowhere where there is none that can be read. Then everything is brought again.
    pub fn read(&self) -> Option<At> {
        let bytes = std::fs::read(&self.path).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Moves it, durably.
    ///
    /// # Errors
    /// Where the file cannot be written; the old one stands.
    pub fn write(&self, at: &At) -> Result<(), FileError> {
        let bytes = serde_json::to_vec(at).unwrap_or_default();
        durable::write_whole(&self.path, &bytes)
    }
}
