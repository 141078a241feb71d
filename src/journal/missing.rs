//! Payloads that are gone without a word: an erasure is an event, a deletion is none.

use crate::domain::{Event, Fact, Seq, note::NoteFact};
use std::collections::BTreeSet;

/// Most of them that are remembered one by one.
const NAMED_MAX: usize = 1_000;

/// Events whose payload is not there and that no event has accounted for.
#[derive(Debug, Clone, Default)]
pub struct Missing {
    seqs: BTreeSet<Seq>,
}

impl Missing {
    /// The next event of the journal, as it is read.
    pub fn note(&mut self, event: &Event) {
        match &event.fact {
            Fact::Erased if self.seqs.len() < NAMED_MAX => {
                self.seqs.insert(event.seq);
            }
            Fact::Note(NoteFact::Erased { seq, payload: true, .. }) => {
                self.seqs.remove(seq);
            }
            _ => {}
        }
    }

    /// What no event accounts for, in order.
    pub fn left(self) -> Vec<Seq> {
        self.seqs.into_iter().collect()
    }
}

/// Says that payloads are gone, in one line: what, which, and what to do.
pub fn told(missing: &[Seq]) -> Option<String> {
    let first: Vec<String> = missing.iter().take(5).map(|seq| format!("#{seq}")).collect();
    let more = missing.len().saturating_sub(first.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    (!missing.is_empty()).then(|| {
        format!(
            "DELETED: what {}{more} said is gone from the journal, and no event says who erased it: run warroom verify, \
             and restore a copy",
            first.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_which_and_what_to_do() {
        assert_eq!(told(&[]), None);
        assert!(told(&[3, 9]).unwrap().contains("#3, #9 said is gone"));
        assert!(told(&[1, 2, 3, 4, 5, 6, 7]).unwrap().contains("#5 and 2 more"));
    }
}
