//! The room of a whole machine: who gets in, as whom, through which door, and what those who are not let in can do to it.
//!
//! Helpers outside test functions may stop a test as well as those within.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

#[path = "bastion/authority.rs"]
mod authority;
#[path = "bastion/bounds.rs"]
mod bounds;
#[path = "bastion/connection.rs"]
mod connection;
#[path = "bastion/credentials.rs"]
mod credentials;
#[path = "bastion/door.rs"]
mod door;
#[path = "bastion/gate.rs"]
mod gate;
#[path = "bastion/hostile.rs"]
mod hostile;
#[path = "bastion/house.rs"]
mod house;
#[path = "bastion/ids.rs"]
mod ids;
#[path = "bastion/names.rs"]
mod names;
#[path = "bastion/people.rs"]
mod people;
#[path = "bastion/principals.rs"]
mod principals;
#[path = "bastion/private.rs"]
mod private;
#[path = "bastion/units.rs"]
mod units;
#[path = "bastion/wire.rs"]
mod wire;
