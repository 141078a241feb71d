//! What several test binaries share. Each uses a part of it.
#![allow(dead_code, reason = "each test binary uses a part")]

pub mod picture;
pub mod pty;
pub mod snap;
