//! What is asked of a hand, what it tells meanwhile, and how it ended. All of it travels as JSON.

use crate::{
    domain::{
        id::Digest,
        plan::Block,
        time::{Span, Stamp},
    },
    evidence::redact::{Redactor, Secret},
    os::{process::ProcessId, pty::Size},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

/// One block to run. Holds no secret, so that it may be stored and sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Name of this run, unique among the person's runs; the run folder's name.
    pub run: String,
    /// What runs: exactly these bytes.
    pub block: Block,
    /// Values that reach the block as environment variables.
    #[serde(default)]
    pub inputs: BTreeMap<String, String>,
    /// `ssh://[user@]host[:port]`; none and `local` mean here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Where it starts unless a block before it went elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<PathBuf>,
    /// Between TERM and KILL.
    #[serde(default = "grace")]
    pub grace: Span,
    /// The terminal of an interactive block.
    #[serde(default)]
    pub size: Size,
}

fn grace() -> Span {
    Span::secs(5)
}

impl Request {
    /// Where it runs when that is not here.
    pub fn elsewhere(&self) -> Option<&str> {
        self.host.as_deref().filter(|host| !host.is_empty() && *host != "local")
    }

    /// With everything else as it is by default.
    pub fn new(run: impl Into<String>, block: Block) -> Self {
        Self {
            run: run.into(),
            block,
            inputs: BTreeMap::new(),
            host: None,
            cwd: None,
            grace: grace(),
            size: Size::default(),
        }
    }
}

/// What the person brings along; never stored.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// The whole environment of a local block. (`SHELLOPTS`, `BASH_ENV` and their like are left out.)
    pub env: BTreeMap<OsString, OsString>,
    /// Secret inputs: environment variables of the block, taken out of all it prints, never carried.
    pub secrets: Vec<Secret>,
    /// Takes secrets out; should know the values of `secrets`.
    pub redactor: Redactor,
    /// How a remote shell is reached; what the hand needs, host and command are added.
    pub ssh: Vec<OsString>,
}

impl Surroundings {
    /// This environment, these secrets, and the system's ssh.
    pub fn new(env: BTreeMap<OsString, OsString>, secrets: Vec<Secret>, redactor: Redactor) -> Self {
        Self { env, secrets, redactor, ssh: vec!["ssh".into()] }
    }
}

/// What a running block tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    /// An attempt has begun.
    Started {
        /// Leader of the block's session.
        block: ProcessId,
        /// Which attempt, from 1.
        attempt: u32,
        /// Of how many.
        of: u32,
    },
    /// It printed this; secrets taken out, control characters still in it.
    Output(#[serde(with = "base64_bytes")] Vec<u8>),
    /// So many bytes of output were not sent because nobody took them; they are in the run folder as far as it goes.
    Missed(u64),
    /// An attempt failed; the next begins after this.
    Waiting {
        /// Which attempt failed, from 1.
        attempt: u32,
        /// Of how many.
        of: u32,
        /// How long until the next.
        every: Span,
    },
    /// It is being ended: TERM was sent.
    Ending,
    /// The screen of an interactive block has changed, or was asked for.
    Screen(Screen),
    /// Its time is nearly over.
    Late,
    /// Something beside the block went wrong, as a disk that is full; the block goes on.
    Trouble(String),
}

/// A terminal's screen as rows of text, so that its escapes reach nobody's terminal; secrets taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Screen {
    /// Columns.
    pub cols: u16,
    /// All rows, from the top.
    pub rows: Vec<String>,
    /// Cursor, row and column from 0.
    pub cursor: (u16, u16),
}

/// What a running block may be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// End it: TERM, grace, KILL, the whole session.
    Cancel,
    /// Typed into the terminal of an interactive block.
    Keys(#[serde(with = "base64_bytes")] Vec<u8>),
    /// That terminal has another size.
    Resize(Size),
    /// Send the whole screen: somebody attached.
    Repaint,
    /// This much more time than it had.
    Extend(Span),
}

/// How a block ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockResult {
    /// By itself, with an accepted exit code.
    Passed,
    /// By itself, with another code, or by a signal that was not ours.
    Failed,
    /// Killed when its time was over.
    TimedOut,
    /// Killed because somebody asked for it.
    Cancelled,
    /// It never ran, for this reason.
    CouldNotStart(String),
}

/// What is known of a block that ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub result: BlockResult,
    /// Exit code of the last attempt, none where a signal ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// That signal's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// When the first attempt began.
    pub began: Stamp,
    /// From there to the end.
    pub took: Span,
    /// Attempts made.
    pub attempts: u32,
    /// What it printed.
    pub output: Printed,
    /// Its standard output, where the block says `capture`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<Capture>,
    /// Processes that it left running in the background; not known of another host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<ProcessId>,
    /// What went wrong beside the block, safe to show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trouble: Vec<String>,
}

/// All output of all attempts, secrets taken out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Printed {
    /// SHA-256 of what is kept in `output.log`.
    pub digest: Digest,
    /// Bytes printed.
    pub len: u64,
    /// Bytes in the middle that are not kept.
    pub cut: u64,
    /// The last lines, safe to show.
    pub last: Vec<String>,
}

/// A value that a block printed to be used later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// Which input it becomes.
    pub name: String,
    /// Standard output without line ends at its end; with secrets taken out.
    pub value: String,
    /// Secrets were taken out of `value`: the real one is known only to later blocks of the same hand.
    pub secret: bool,
}

/// Bytes as a base64 string.
mod base64_bytes {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(d)?).map_err(D::Error::custom)
    }
}
