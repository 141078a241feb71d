//! A command that the rules do not accept.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a command was refused, and what to do instead. Nothing has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What kind of refusal it is, for scripts.
    pub code: Code,
    /// What is refused and why, one sentence.
    pub message: String,
    /// What to do, one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether the id is that of another command, or of another person's: sent under a new id, it may be accepted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub id_in_use: bool,
}

/// Kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// No such incident, step, freeze, task.
    Unknown,
    /// The thing is not in a state in which that can be done.
    Conflict,
    /// The actor may not.
    Forbidden,
    /// The command itself makes no sense.
    Invalid,
    /// More must be said first: a second key, the target's name, a reason.
    NeedsMore,
}

impl Refusal {
    /// A refusal without a hint.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None, id_in_use: false }
    }

    /// The command's id is that of another command.
    pub fn id_in_use(id: impl fmt::Display) -> Self {
        let message = format!("the command id {id} is in use for another command: nothing was recorded");
        let hint = "send it under a new id; a retry is the same command of the same user";
        Self { id_in_use: true, ..Self::new(Code::Conflict, message).hint(hint) }
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// There is no such thing.
    pub fn unknown(what: &str, id: impl fmt::Display) -> Self {
        Self::new(Code::Unknown, format!("there is no {what} {id}"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, ": {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// A text that people entered: trimmed, not empty, at most `max` bytes, made safe.
///
/// # Errors
/// `Invalid` where nothing is left or it is too long.
pub fn text(what: &str, given: &str, max: usize) -> Result<String, Refusal> {
    let clean = super::text::block(given.trim()).into_owned();
    if clean.is_empty() {
        return Err(Refusal::new(Code::Invalid, format!("{what} is empty")).hint("write at least a word"));
    }
    if clean.len() > max {
        return Err(Refusal::new(
            Code::Invalid,
            format!("{what} has {} bytes, more than {max}", clean.len()),
        )
        .hint("shorten it, or pin the long text as evidence"));
    }
    Ok(clean)
}
