//! One person's terminal on the room.
//!
//! [`model`] is what a seat knows, [`update`] how that changes, [`command`] what a person can do, [`view`] what is
//! drawn, [`term`] the terminal, [`run`] the one loop that does I/O.

pub mod command;
pub mod model;
pub mod run;
pub mod term;
pub mod update;
pub mod view;
