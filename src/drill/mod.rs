//! The practice world.

pub mod world;
