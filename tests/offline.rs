//! A room whose shared journal is out of reach: what people do is kept, shown as what it is, and appended when it is back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "offline/agreed.rs"]
mod agreed;
#[path = "support/door.rs"]
mod door;
#[path = "offline/house.rs"]
mod house;
#[path = "offline/kept.rs"]
mod kept;
#[path = "offline/long.rs"]
mod long;
