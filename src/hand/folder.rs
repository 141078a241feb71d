//! The durable folder of one run: what was asked, who runs it, what it printed, how it ended. After a crash it says
//! what is known, and nothing more.

use super::{
    outcome::{Outcome, Request},
    output,
};
use crate::{
    domain::time::{Span, Stamp},
    os::{
        dirs::{self, NoDirectory},
        durable::{FileError, write_whole},
        group::Group,
        process::{ProcessId, alive},
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    io,
    path::{Path, PathBuf},
};

/// The folder of a run: `run.json`, `state.json`, `output.log`, `status.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

/// `state.json`: who runs it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// When the hand took it up.
    pub since: Stamp,
    /// The hand.
    pub hand: ProcessId,
    /// Leader of the block's session, as soon as it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<ProcessId>,
    /// Which attempt, from 1.
    pub attempt: u32,
}

/// What a folder proves about its run.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// No hand took it up.
    NotStarted,
    /// Its hand lives.
    Running(Running),
    /// It ended.
    Ended(Box<Outcome>),
    /// Its hand is dead and left no result: whether it had its effect is unknown.
    Unknown {
        /// What the hand wrote last.
        last: Running,
        /// Whether the block itself still runs without its hand.
        block_runs: bool,
    },
}

/// A run folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made.
    #[error(transparent)]
    Directory(#[from] NoDirectory),
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file in it is not what it should be.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// The name would lead elsewhere.
    #[error("{0:?} is no name for a run: use letters, digits, - _ and .")]
    BadName(String),
}

/// Where the folders of a room's runs lie, each room's in one of its own, each walk's in one below.
///
/// # Errors
/// Where this user has no private directory.
pub fn runs(socket: &Path) -> Result<PathBuf, NoDirectory> {
    dirs::beside(socket).map(|base| base.join("runs"))
}

/// Ends every hand and every block that the folders below name and that still runs. For a room that is gone with all
/// that belonged to it: nobody is left to take a result.
pub async fn end_all(runs: &Path) {
    let below = |dir: &Path| {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    for folder in below(runs).iter().flat_map(|room| below(room)).flat_map(|walk| below(&walk)) {
        let Ok(Some(running)) = RunFolder::open(&folder).read::<Running>("state.json") else { continue };
        for process in [Some(running.hand), running.block].into_iter().flatten() {
            if alive(&process) {
                Group::of(process).end(Span::millis(500)).await;
            }
        }
    }
}

impl RunFolder {
    /// Makes a new one under `base` with the request in it; an error where a run of this name has one.
    pub fn create(base: &Path, request: &Request) -> Result<Self, FolderError> {
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let name = &request.run;
        if name.is_empty() || name.len() > 120 || name.starts_with('.') || !name.chars().all(good) {
            return Err(FolderError::BadName(name.chars().take(120).collect()));
        }
        let folder = Self { path: dirs::fresh(base, name)? };
        folder.write("run.json", request)?;
        Ok(folder)
    }

    /// One that is there.
    pub fn open(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was asked.
    pub fn request(&self) -> Result<Request, FolderError> {
        let missing =
            || FolderError::Damaged { path: self.path.join("run.json"), why: "it is missing".into() };
        self.read("run.json")?.ok_or_else(missing)
    }

    /// Says durably who runs it; before the block starts and again when it has.
    pub fn begin(&self, running: &Running) -> Result<(), FolderError> {
        self.write("state.json", running)
    }

    /// Says durably how it ended.
    pub fn end(&self, outcome: &Outcome) -> Result<(), FolderError> {
        self.write("status.json", outcome)
    }

    /// What is known of the run now.
    pub fn standing(&self) -> Result<Standing, FolderError> {
        if let Some(outcome) = self.read("status.json")? {
            return Ok(Standing::Ended(Box::new(outcome)));
        }
        let Some(last) = self.read::<Running>("state.json")? else { return Ok(Standing::NotStarted) };
        if alive(&last.hand) {
            return Ok(Standing::Running(last));
        }
        // It may have written its result between the two looks.
        if let Some(outcome) = self.read("status.json")? {
            return Ok(Standing::Ended(Box::new(outcome)));
        }
        let block_runs = last.block.as_ref().is_some_and(alive);
        Ok(Standing::Unknown { last, block_runs })
    }

    /// What is kept of its output so far: secrets taken out, control characters still in it.
    pub fn output(&self) -> Result<Vec<u8>, FolderError> {
        Ok(output::read(&self.path)?)
    }

    fn write(&self, name: &str, what: &impl Serialize) -> Result<(), FolderError> {
        let path = self.path.join(name);
        let text = serde_json::to_vec_pretty(what)
            .map_err(|error| FolderError::Damaged { path: path.clone(), why: error.to_string() })?;
        Ok(write_whole(&path, &text)?)
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, FolderError> {
        let path = self.path.join(name);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(FileError::at("read", &path))?,
        };
        serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| FolderError::Damaged { path, why: error.to_string() })
    }
}
