//! A room's own copy of a journal that lies elsewhere: what is read while that is out of reach.

use crate::domain::Seq;

/// How the journal was found by a room that keeps a mirror of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Found {
    /// It has all that the mirror has.
    #[default]
    Sound,
    /// It is out of reach, and this is why. The mirror is as far as it was known.
    Away(String),
    /// It has lost what the mirror has, as after a failover to a server that was behind.
    Lost {
        /// The first event that is not there any more.
        from: Seq,
        /// The last that was known.
        to: Seq,
    },
}
