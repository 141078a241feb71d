//! What several test binaries share. Each uses a part of it.
#![allow(dead_code, missing_docs, reason = "each test binary uses a part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

pub mod house;
pub mod peer;
pub mod pgbouncer;
pub mod picture;
pub mod postgres;
pub mod pty;
pub mod script;
pub mod snap;
