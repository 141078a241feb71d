//! warroom.toml: what it may say, where it is looked for, and what is wrong with it.
//!
//! Files become trees that know their lines (`tree`), layers are put over one another (`merge`), the result is read
//! into [`Config`] (`read`), and what one key alone cannot show is judged (`check`). Everything that is wrong is told
//! at once, each with its place. Only `places` and `resolve` touch the disk.

pub mod audit;
mod check;
mod check_name;
mod check_outward;
mod check_ready;
mod check_source;
pub mod checkpoint;
mod fault;
pub mod flags;
pub mod journal;
mod load;
mod merge;
pub mod model;
mod nearest;
pub mod outward;
mod paths;
pub mod places;
pub mod problem;
mod read;
mod render;
pub mod resolve;
pub mod schema;
pub mod secret;
pub mod show;
pub mod source;
mod tree;

#[cfg(test)]
mod tests;

pub use flags::Flags;
pub use load::{Loaded, World, assemble, layer};
pub use model::Config;
pub use places::{Ask, load};
pub use problem::{Level, Problem, Report};
pub use resolve::resolve_secret;
pub use secret::Secret;
pub use source::Source;

/// The built-in configuration, as it is printed by `warroom config default`.
pub const DEFAULT: &str = include_str!("default.toml");
