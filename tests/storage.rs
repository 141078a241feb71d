//! What a disk can do to a journal and to a spool, on the real program: calls fail or take their time, the power goes at any
//! of them. What was acknowledged is there afterwards, and nothing was acknowledged that might not be.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "storage/disk.rs"]
mod disk;
#[path = "storage/faults.rs"]
mod faults;
#[path = "storage/hang.rs"]
mod hang;
#[path = "storage/prefixes.rs"]
mod prefixes;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "storage/shim.rs"]
mod shim;
#[path = "storage/spool.rs"]
mod spool;
mod support;
