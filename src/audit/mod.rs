//! Every event, streamed to a central audit system: syslog, JSON lines, OTLP logs.
//!
//! A [`pump`] for each sink reads the journal from where its durable [`cursor`] stands, hands events over in order and
//! moves the cursor when the sink has them. So each event reaches each sink at least once, whatever fails or restarts;
//! `seq` tells repeats apart. A sink that is down costs the room nothing: its pump waits, and its lag is shown.
//!
//! The formats are pure ([`mod@line`], [`syslog`], [`otlp`]) and documented in `docs/audit.md`.

pub mod cursor;
pub mod line;
pub mod otlp;
pub mod out;
pub mod pump;
pub mod syslog;

use crate::domain::Event;
use futures::future::BoxFuture;

pub use pump::{Pump, start};

/// Something that takes events in order.
pub trait Sink: Send + Sync {
    /// Takes all of these, or says why not; then all of them are brought again.
    fn take<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), String>>;

    /// How many of the events that were taken last it will never have, and why. Told once.
    fn rejected(&mut self) -> Option<(u64, String)> {
        None
    }

    /// Where it is, without anything secret.
    fn place(&self) -> String;

    /// Events before the cursor that are brought again after a failure, because a transport without acknowledgement
    /// may have lost them on its way.
    fn in_doubt(&self) -> u64 {
        0
    }
}
