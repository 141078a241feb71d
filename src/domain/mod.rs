//! The rules, pure: no I/O, no clock, no async, no randomness.

pub mod actor;
pub mod id;
pub mod plan;
pub mod text;
pub mod time;
