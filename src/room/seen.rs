//! Which command ids the journal may know: a filter of fixed size, and exactly what is in flight.
//!
//! The filter never forgets an id and may take a new one for a known one: "certainly new" is decided at once, "perhaps
//! known" is looked up in the journal, which keeps every id with its author and the fingerprint of its command. The hash
//! has a random key in each process, so that nobody can choose ids that look known.

use crate::domain::{CommandId, Event};
use fastbloom::BloomFilter;
use std::collections::HashSet;

/// Bytes of the filter. It takes one new id in 6,000 for a known one after a million commands, one in four after ten
/// million: each costs one lookup.
const FILTER_BYTES: usize = 4 * 1024 * 1024;
/// Bits that one id sets.
const HASHES: u32 = 4;

/// What is known of an id without asking the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The journal does not have it.
    New,
    /// A command with this id is on its way to the journal.
    InFlight,
    /// The journal may have it.
    Perhaps,
}

/// The ids of all commands in the journal, and of those on their way there.
#[derive(Debug)]
pub struct Seen {
    filter: BloomFilter,
    in_flight: HashSet<CommandId>,
}

impl Default for Seen {
    fn default() -> Self {
        let key = uuid::Uuid::new_v4().as_u128() ^ uuid::Uuid::new_v4().as_u128().rotate_left(64);
        let filter = BloomFilter::with_num_bits(FILTER_BYTES * 8).seed(&key).hashes(HASHES);
        Self { filter, in_flight: HashSet::new() }
    }
}

impl Seen {
    /// A command is in the journal.
    pub fn add(&mut self, id: CommandId) {
        self.filter.insert(&id);
    }

    /// A command is on its way to the journal.
    pub(super) fn sent(&mut self, id: CommandId) {
        self.in_flight.insert(id);
    }

    /// Its events are durable.
    pub(super) fn confirm(&mut self, event: &Event) {
        self.in_flight.remove(&event.command);
        self.add(event.command);
    }

    /// It is not on its way any more.
    pub(super) fn forget(&mut self, id: CommandId) {
        self.in_flight.remove(&id);
    }

    pub(super) fn standing(&self, id: CommandId) -> Standing {
        if self.in_flight.contains(&id) {
            Standing::InFlight
        } else if self.filter.contains(&id) {
            Standing::Perhaps
        } else {
            Standing::New
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(n: u128) -> CommandId {
        CommandId(Uuid::from_u128(n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)))
    }

    #[test]
    fn no_id_is_forgotten_and_few_new_ones_look_known() {
        let mut seen = Seen::default();
        (0..100_000).for_each(|n| seen.add(id(n)));
        assert!((0..100_000).all(|n| seen.standing(id(n)) == Standing::Perhaps));
        let known = (100_000..200_000).filter(|n| seen.standing(id(*n)) == Standing::Perhaps).count();
        assert!(known < 100, "{known}");
        assert!(seen.filter.num_bits() <= FILTER_BYTES * 8);
    }

    #[test]
    fn ids_that_share_their_end_are_told_apart() {
        let mut seen = Seen::default();
        let (one, other) = (Uuid::from_u64_pair(1, 7), Uuid::from_u64_pair(2, 7));
        seen.add(CommandId(one));
        assert_eq!(seen.standing(CommandId(other)), Standing::New);
    }

    #[test]
    fn what_did_not_arrive_is_new_again() {
        let mut seen = Seen::default();
        seen.sent(id(1));
        assert_eq!(seen.standing(id(1)), Standing::InFlight);
        seen.forget(id(1));
        assert_eq!(seen.standing(id(1)), Standing::New);
    }
}
