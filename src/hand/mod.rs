//! Runs one step as the person who took it.
//!
//! [`block::run_block`] runs one block to its end in a session of its own, writes what it prints to a durable
//! [`folder::RunFolder`], and takes the shell's state over in a [`carry::Carry`] for the next block. How a hand
//! attaches to the room is not known here: progress goes out and control comes in through channels.

pub mod attach;
pub mod block;
pub mod carry;
mod denied;
pub mod expect;
pub mod folder;
mod held;
pub mod home;
mod ids;
mod launch;
pub mod link;
mod opening;
pub mod outcome;
pub(crate) mod output;
mod own;
pub mod query;
mod remote;
mod script;
mod shell;
mod sink;
pub mod values;
