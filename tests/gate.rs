//! The gate as its callers meet it: over HTTP and from the command line, before a room that lives, that is gone, that
//! is slow, that cannot write.
//!
//! Helpers outside test functions may stop a test as well as those within.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "gate/command.rs"]
mod command;
#[path = "gate/documented.rs"]
mod documented;
#[path = "gate/hostile.rs"]
mod hostile;
#[path = "gate/house.rs"]
mod house;
#[path = "gate/polarity.rs"]
mod polarity;
#[path = "support/house.rs"]
#[allow(dead_code)]
mod program;
#[path = "gate/readiness.rs"]
mod readiness;
#[path = "gate/tokens.rs"]
mod tokens;
