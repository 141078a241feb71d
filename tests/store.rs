//! Journals where they lie: one suite that every store passes, and what is each one's own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "store/anchored.rs"]
mod anchored;
#[path = "store/back.rs"]
mod back;
#[path = "store/beside.rs"]
mod beside;
#[path = "store/conformance.rs"]
mod conformance;
#[path = "store/deleted.rs"]
mod deleted;
#[path = "support/door.rs"]
mod door;
#[path = "store/failover.rs"]
mod failover;
#[path = "store/folds.rs"]
mod folds;
#[path = "store/many.rs"]
mod many;
#[path = "store/moving.rs"]
mod moving;
#[path = "store/newer.rs"]
mod newer;
#[path = "support/pki.rs"]
mod pki;
#[path = "store/pooler.rs"]
mod pooler;
#[path = "store/postgres.rs"]
mod postgres;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "store/room.rs"]
mod room;
#[path = "store/rooms.rs"]
mod rooms;
#[path = "store/sealed.rs"]
mod sealed;
#[path = "store/starting.rs"]
mod starting;
mod support;
#[path = "store/tamper.rs"]
mod tamper;
