//! What leaves a room, against real listeners: pages and updates to their targets, every event to the audit system.
//!
//! Helpers outside test functions may stop a test as well as those within.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "outward/answers.rs"]
mod answers;
#[path = "outward/audit.rs"]
mod audit;
#[path = "outward/house.rs"]
mod house;
#[path = "outward/listener.rs"]
mod listener;
#[path = "outward/paging.rs"]
mod paging;
#[path = "outward/peers.rs"]
mod peers;
#[path = "support/pki.rs"]
mod pki;
