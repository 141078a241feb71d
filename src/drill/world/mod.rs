//! A small company of real processes: a service of three instances, what it depends on, its customers and its
//! pipeline. The fault is in a release and goes away only by what is really done to the releases.
//!
//! The world knows nothing of rooms and seats. [`World`] is the handle of whoever plays in it; the processes are the
//! hidden `drill-world` subcommand of this binary, one [`role`] each, kept by a [`supervisor`] that outlives a crash of
//! the player for a while, so that the drill can be taken up again.
//!
//! Invariants: every process holds a lifeline to the supervisor and ends when it does; a process is only ever
//! signalled when its start time is the recorded one; nothing is written outside the drill's directory.

mod client;
pub mod deploy;
pub mod facts;
pub mod flags;
mod generation;
mod handle;
mod instance;
pub mod layout;
mod load;
mod logfile;
mod metrics;
mod pipeline;
mod pricing;
pub mod proc;
pub mod release;
mod rng;
pub mod role;
mod serve;
mod spawn;
pub mod spec;
mod supervisor;
mod trace;

pub use facts::{Facts, Proc};
pub use handle::{Leave, World};
pub use layout::Layout;
pub use role::{Role, run};
pub use spec::{Scenario, Spec};

use std::path::{Path, PathBuf};

/// Service and name of each process that listens.
pub fn listening() -> impl Iterator<Item = (&'static str, String)> {
    let listens = supervisor::CAST.into_iter().filter(|(role, _)| role.listens());
    listens.map(|(role, index)| (role.word(), role.name(index)))
}

/// Why the practice world could not be made, found or ended.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The system refused.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was being done, `writing`.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The directory is in use for something else.
    #[error("{} is not empty: give the drill a directory of its own, or a name that does not exist yet", .0.display())]
    Taken(PathBuf),
    /// There is no practice world here.
    #[error("{} is no practice world ({why}): start a new drill", path.display())]
    NotAWorld {
        /// The directory.
        path: PathBuf,
        /// What is missing or wrong.
        why: String,
    },
    /// A file of the world cannot be read.
    #[error("{}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Where and what.
        why: String,
    },
    /// The processes did not come up.
    #[error("the practice world did not come up: {why}")]
    NotUp {
        /// What the supervisor said last.
        why: String,
    },
    /// Somebody else plays in it.
    #[error("the drill in {} is being played by process {pid}: end that one first", path.display())]
    Played {
        /// The directory.
        path: PathBuf,
        /// Who plays.
        pid: u32,
    },
    /// Processes that would not end.
    #[error("could not end {0}: end them by hand")]
    Stuck(String),
    /// Anything a role trips over.
    #[error("{0}")]
    Role(String),
}

impl WorldError {
    /// The system's refusal, with what was being done to which file.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}
