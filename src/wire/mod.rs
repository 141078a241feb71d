//! Frames between a room and its seats, hands and scripts: newline-delimited JSON, one object a line. No I/O.
//!
//! A client says [`ToRoom::Hello`] first. A seat (`live: true`) is then sent a snapshot where its fold is the room's,
//! else every event from the first; after it events and live deltas as they come. `socat` and `jq` can be a client.

mod codec;
mod frame;
mod parts;
mod presence;
mod requires;

pub use codec::{Lines, TooLong, decode, encode};
pub use frame::{
    Anchored, As, Ask, Away, Finished, FromRoom, GateDoor, GateTrouble, HandSays, JournalState, Outcome,
    RoomStatus, RoomView, Sealed, Silent, SinkView, Steer, StepRef, ToRoom, Told, Wanted,
};
pub use parts::{Assembly, Misfit, ONE_FRAME_MAX, PART_MAX, PartOf, Parts, WHOLE_MAX};
pub use presence::{Here, IDLE_AFTER, Look, Point, Presence, SEATS, SeatId};

/// Version of the frames. Within one, unknown frames and fields are passed over; across, the hello is refused. Hello and goodbye are the same in all.
pub const WIRE: u32 = 1;
/// Longest frame from a client before its hello was answered, in bytes.
pub const FRAME_MAX_STRANGER: usize = 64 * 1024;
/// Longest frame otherwise, in bytes.
pub const FRAME_MAX: usize = 8 * 1024 * 1024;
/// Longest event, in bytes of its JSON. As text within text, which is how it is asked for where the chain is to be
/// checked, each byte may take two, and it still fits a frame.
pub const EVENT_MAX: usize = (FRAME_MAX - FRAME_MAX_STRANGER) / 2;
