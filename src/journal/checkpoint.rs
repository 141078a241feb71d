//! Signed checkpoints: where the chain ended, said by who holds a key, so that it can be kept elsewhere.
//!
//! The form is C2SP's tlog-checkpoint in a signed note (<https://c2sp.org/tlog-checkpoint>,
//! <https://c2sp.org/signed-note>): the journal's origin, the number of events, the head in base64, an empty line, and
//! `— NAME BASE64(key id ‖ signature)`. The chain is linear and no tree, so what stands at the root's place is the hash
//! of the last event; it commits to every event before it, and proofs of inclusion do not apply.
//!
//! All of it is pure: who reads the clock, the disk and the seed gives them.

mod note;
mod witness;

pub use note::{BadNote, Kept, Note, Signed, Signer, Verifier, kept};
pub use witness::{Doubt, Seen, Suspicion, Trusted};

use crate::domain::{
    Event, Fact,
    incident::{IncidentFact, Status},
    time::Span,
};

/// When a checkpoint is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// So many events were appended since the last.
    pub events: u64,
    /// The oldest event since the last is so old.
    pub within: Span,
}

/// What was appended since the last checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unanchored {
    /// How many events.
    pub events: u64,
    /// How long ago the oldest of them was recorded.
    pub age: Span,
    /// Whether one of them closed an incident, or the room ends.
    pub last: bool,
}

impl Pace {
    /// Whether one is due. Where nothing was appended nothing is, so that a quiet room writes nothing.
    pub fn is_due(&self, since: &Unanchored) -> bool {
        since.events > 0 && (since.last || since.events >= self.events || since.age >= self.within)
    }
}

/// Whether an event is one after which the record is signed at once.
pub fn closes(event: &Event) -> bool {
    matches!(event.fact, Fact::Incident(IncidentFact::StatusChanged { to: Status::Closed, .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PACE: Pace = Pace { events: 1_000, within: Span::mins(5) };

    #[test]
    fn it_is_due_by_number_by_age_and_at_the_end() {
        let due = |events, age, last| PACE.is_due(&Unanchored { events, age, last });
        assert!(!due(0, Span::hours(9), true), "nothing is new");
        assert!(!due(999, Span::secs(299), false));
        assert!(due(1_000, Span::ZERO, false));
        assert!(due(1, Span::mins(5), false));
        assert!(due(1, Span::ZERO, true));
    }

    proptest! {
        /// Once due it stays due while more comes: none is passed over by waiting.
        #[test]
        fn waiting_never_makes_it_less_due(
            events in 0_u64..3_000, more in 0_u64..3_000, age in 0_u64..900, later in 0_u64..900, last in any::<bool>()
        ) {
            let before = Unanchored { events, age: Span::secs(age), last };
            let after = Unanchored { events: events + more, age: Span::secs(age + later), last };
            prop_assert!(!PACE.is_due(&before) || PACE.is_due(&after));
        }
    }
}
