//! The practice world, and the practice in it: the same room, the same commands, other targets.

pub mod auto;
pub mod coach;
pub mod ground;
pub mod own;
pub mod pacing;
pub mod places;
mod practise;
pub mod responder;
pub mod stage;
pub mod story;
mod walking;
pub mod world;
