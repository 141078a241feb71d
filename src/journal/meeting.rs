//! Rooms on one journal tell each other that they live, and what their people show. None of it is part of the record:
//! what nobody heard is lost, and only the newest word of each room counts.

use crate::domain::time::Span;
use std::sync::Arc;
use tokio::sync::watch;

/// A room among others. Who drops it leaves.
#[derive(Debug)]
pub struct Meeting {
    /// What this room says to the others, whole each time.
    pub says: watch::Sender<Arc<[u8]>>,
    /// What is heard of them; changes several times a second, as their age does.
    pub heard: watch::Receiver<Heard>,
}

/// What was heard last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    /// The others, those that have said nothing for long left out.
    pub others: Vec<Other>,
    /// Why nothing is heard now: the journal is out of reach.
    pub trouble: Option<String>,
    /// How often the journal has answered: nothing can be said of others before the first time.
    pub answers: u64,
}

/// Another room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other {
    /// Its name, as in the envelope of its events.
    pub room: String,
    /// How long ago it said that it lives, by the journal's clock.
    pub silent: Span,
    /// What it says.
    pub says: Arc<[u8]>,
}
