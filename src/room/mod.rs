//! The process that owns the journal: it decides, journals, publishes, lends steps, answers the gate.
//!
//! One task decides ([`serve`]). Everything else (connections, sources, the HTTP gate, the journal's thread) sends to
//! it and is sent to. Nothing is published, answered or acted on before it is durable.

mod ahead;
mod asks;
mod audit;
mod back;
mod budget;
mod conn;
mod core;
mod earlier;
mod elsewhere;
mod erase;
mod flight;
mod gap;
mod gatekeeper;
mod glimpse;
mod hands;
mod keeping;
mod load;
mod look;
mod mend;
mod names;
mod offline;
mod open;
mod others;
mod outbox;
mod pace;
mod presence;
mod readiness;
mod readings;
pub mod recording;
mod seats;
mod seen;
mod serve;
mod sources;
mod steer;
#[cfg(test)]
mod tests;
mod unsaid;
mod watch;

pub use crate::journal::mirror::Found;
pub use core::{Core, Submitted, When};
pub use open::{Inbox, Opener, Options, RoomError, Shared, Spools};
pub use seen::{Seen, Standing};
pub use serve::Room;
