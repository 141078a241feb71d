//! The rules, pure: no I/O, no clock, no async, no randomness.
//!
//! One file per noun, each with its facts, its commands, its part of [`decide`] and its part of [`State::apply`].

pub mod actor;
pub mod board;
pub mod briefing;
pub mod cadence;
pub mod clock;
pub mod command;
pub mod conflict;
pub mod deadline;
pub mod decision;
pub mod deviation;
pub mod dispatch;
pub mod drill;
pub mod erasure;
pub mod event;
pub mod fact;
pub mod freeze;
pub mod gate;
pub mod glass;
pub mod handover;
pub mod id;
pub mod incident;
pub mod issued;
pub mod jump;
pub mod known;
pub mod limits;
pub mod name;
pub mod newer;
pub mod note;
pub mod offline;
pub mod page;
pub mod permissions;
pub mod person;
pub mod placeholder;
pub mod plan;
pub mod policy;
pub mod power;
pub mod readiness;
pub mod record;
pub mod refusal;
pub mod release;
pub mod report;
pub mod room;
pub mod scorecard;
pub mod severity;
pub mod shed;
pub mod state;
pub mod task;
pub mod tell;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod text;
pub mod time;
pub mod verdict;
pub mod walk;
pub mod watch;

pub use command::{Command, Ctx};
pub use deadline::next_deadline;
pub use event::{CommandId, Event, Offline, Seq};
pub use fact::Fact;
pub use refusal::Refusal;
pub use state::{State, decide};
