//! How the connection to the room is.

use crate::domain::time::{Span, Stamp};

/// The room is asked whether it is there after this long without a word from it.
pub const PING_AFTER: Span = Span::secs(5);
/// A room that has not answered for this long is shown as delayed.
pub const DELAYED_AFTER: Span = Span::secs(3);

/// How the connection is.
#[derive(Debug, Clone, PartialEq)]
pub enum Conn {
    /// For the first time.
    Connecting {
        /// Since when.
        since: Stamp,
    },
    /// As it should be.
    Up {
        /// The last word from the room.
        heard: Stamp,
        /// When it was asked whether it is there, where it has not answered.
        asked: Option<Stamp>,
    },
    /// Gone; it is tried again.
    Down {
        /// Since when.
        since: Stamp,
        /// The next try.
        retry: Stamp,
        /// Tries so far.
        tries: u32,
        /// Why.
        why: String,
        /// Whether room and seat speak different versions of the wire: trying again alone does not help.
        other_wire: bool,
    },
}

impl Conn {
    /// For how long the room has owed an answer, where it does.
    pub fn delayed(&self, now: &Stamp) -> Option<Span> {
        match self {
            Self::Up { heard, asked: Some(asked) } if asked.elapsed(now) >= DELAYED_AFTER => {
                Some(heard.elapsed(now))
            }
            _ => None,
        }
    }

    /// Whether what is shown is as the room has it.
    pub fn is_live(&self, now: &Stamp) -> bool {
        matches!(self, Self::Up { .. }) && self.delayed(now).is_none()
    }
}
