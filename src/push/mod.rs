//! What goes out of the room to people: pages and updates.
//!
//! That something is owed stands in the journal; [`sender`] takes it from the durable fold, a [`Carrier`] brings it to
//! its target, and what became of it goes back to the room as a command. Nothing here decides who is paged or when.

pub mod answer;
pub mod body;
pub mod carrier;
mod command;
pub mod incidents;
mod mail;
mod post;
pub mod sender;

use crate::domain::dispatch::Message;
use futures::future::BoxFuture;

pub use carrier::{NoCarrier, carrier};
pub use sender::{Oncall, Sender, start};

/// Why a target did not take a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In words, without any secret.
    pub why: String,
    /// Whether the same message may be taken later.
    pub again: bool,
}

impl Failure {
    /// It may be taken later.
    pub fn later(why: impl Into<String>) -> Self {
        Self { why: why.into(), again: true }
    }

    /// It will never be taken.
    pub fn never(why: impl Into<String>) -> Self {
        Self { why: why.into(), again: false }
    }
}

/// Brings messages to one target.
pub trait Carrier: Send + Sync {
    /// Brings one; gives what the target answered, in a few words.
    fn carry(&self, message: Message) -> BoxFuture<'_, Result<String, Failure>>;
}
