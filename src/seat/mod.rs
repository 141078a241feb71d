//! One person's terminal on the room.

pub mod command;
pub mod term;
pub mod view;
