//! Who did it, and how that is known.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How an identity was proved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// The kernel said so on the socket (`SO_PEERCRED`).
    Kernel,
    /// A bearer token of this name.
    Token(String),
    /// Nobody asked for proof: a reader on loopback.
    Nobody,
    /// The room itself: timers, watches, its own housekeeping.
    Room,
}

/// A person or a machine that acts. The name is for reading, the uid decides.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// Login name, token name, or `room`.
    pub name: String,
    /// Unix user, where the kernel proved one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// How the identity is known.
    pub proof: Proof,
    /// What the client says of itself and nothing proves: an SSH origin, a shared terminal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<String>,
}

impl Actor {
    /// The room acting by itself.
    pub fn room() -> Self {
        Self { name: "room".into(), uid: None, proof: Proof::Room, claimed: None }
    }

    /// A user whom the kernel vouches for.
    pub fn user(name: impl Into<String>, uid: u32) -> Self {
        Self { name: name.into(), uid: Some(uid), proof: Proof::Kernel, claimed: None }
    }

    /// A pipeline with a token.
    pub fn token(name: impl Into<String>) -> Self {
        let name = name.into();
        Self { name: name.clone(), uid: None, proof: Proof::Token(name), claimed: None }
    }

    /// Whether both are one and the same: by uid where the kernel knows both, else by proof and name.
    pub fn same(&self, other: &Self) -> bool {
        match (self.uid, other.uid) {
            (Some(a), Some(b)) => a == b,
            (None, None) => self.proof == other.proof && self.name == other.name,
            _ => false,
        }
    }

    /// Whether this is the room itself.
    pub fn is_room(&self) -> bool {
        self.proof == Proof::Room
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}
