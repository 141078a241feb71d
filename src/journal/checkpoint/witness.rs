//! A seat as a witness: it keeps the last checkpoint that it saw of a journal, and believes no room that goes back.

use super::note::{Note, Signed, Verifier};
use crate::journal::Head;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The newest checkpoint that was seen of each journal and key, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// By the key, `NAME+ID+KEY`, whose name is the journal's.
    #[serde(default)]
    notes: BTreeMap<String, String>,
}

/// Why a room's checkpoint is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Suspicion {
    /// It is no checkpoint, or not signed by the key that the room names.
    #[error("the room's checkpoint of the journal is not signed by the key it names: {0}")]
    Unsigned(String),
    /// It is of fewer events than were seen.
    #[error(
        "the journal has lost events: it was signed at event {}, and the room now shows {} as its newest; keep its files, \
         run warroom verify, and compare with another seat", was.seq, now.seq
    )]
    Smaller {
        /// What was seen before.
        was: Head,
        /// What the room shows.
        now: Head,
    },
    /// It is of as many events and of others.
    #[error(
        "the journal was written anew: its event {} is another than the one that was signed and seen here before; keep its \
         files, run warroom verify, and compare with another seat", was.seq
    )]
    Other {
        /// What was seen before.
        was: Head,
    },
    /// The journal is known, the key is not.
    #[error(
        "the journal {name} is signed by a key that was not seen here before ({id}); on the room's machine, warroom journal \
         key prints the right one"
    )]
    Key {
        /// The journal.
        name: String,
        /// The new key's id.
        id: String,
    },
}

impl Seen {
    /// A room shows this checkpoint and names this key. Says whether something new is to be kept.
    ///
    /// What is not believed is not kept, so that it is refused the next time too; a key that is new is told of once.
    ///
    /// # Errors
    /// [`Suspicion`].
    pub fn look(&mut self, note: &str, key: &str) -> Result<bool, Suspicion> {
        let unsigned = |why: &dyn std::fmt::Display| Suspicion::Unsigned(why.to_string());
        let verifier: Verifier = key.parse().map_err(|why| unsigned(&why))?;
        let now: Note = note.parse().map_err(|why| unsigned(&why))?;
        if !matches!(now.signed(std::slice::from_ref(&verifier)), Signed::By(_)) {
            return Err(unsigned(&"the signature is another's"));
        }
        let key = verifier.to_string();
        let Some(before) = self.notes.get(&key).and_then(|text| text.parse::<Note>().ok()) else {
            let known = self.notes.keys().any(|other| other.starts_with(&format!("{}+", verifier.name())));
            self.notes.insert(key, note.to_owned());
            return if known {
                Err(Suspicion::Key { name: verifier.name().to_owned(), id: verifier.id() })
            } else {
                Ok(true)
            };
        };
        let was = before.head;
        if now.head.seq < was.seq {
            return Err(Suspicion::Smaller { was, now: now.head });
        }
        if now.head.seq == was.seq {
            return if now.head.hash == was.hash { Ok(false) } else { Err(Suspicion::Other { was }) };
        }
        self.notes.insert(key, note.to_owned());
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::id::Digest, journal::checkpoint::Signer};

    #[test]
    fn a_room_that_goes_back_is_not_believed() {
        let signer = Signer::new("bastion/journal.db", [7; 32]).unwrap();
        let key = signer.verifier().to_string();
        let at = |seq, byte| Head { seq, hash: Digest([byte; 32]) };
        let note = |head| signer.sign(head).to_string();
        let mut seen = Seen::default();
        assert_eq!(seen.look(&note(at(10, 1)), &key), Ok(true));
        assert_eq!(seen.look(&note(at(10, 1)), &key), Ok(false));
        assert_eq!(seen.look(&note(at(20, 2)), &key), Ok(true));
        for _ in 0..2 {
            let smaller = seen.look(&note(at(10, 1)), &key);
            assert_eq!(smaller, Err(Suspicion::Smaller { was: at(20, 2), now: at(10, 1) }));
            assert_eq!(seen.look(&note(at(20, 3)), &key), Err(Suspicion::Other { was: at(20, 2) }));
        }
        // Through its file it is the same.
        let mut seen: Seen = serde_json::from_str(&serde_json::to_string(&seen).unwrap()).unwrap();
        assert!(seen.look(&note(at(19, 1)), &key).is_err());
        assert_eq!(seen.look(&note(at(21, 4)), &key), Ok(true));
        // Another journal is another matter; another key of this one is told of once.
        let elsewhere = Signer::new("elsewhere", [9; 32]).unwrap();
        let other = seen.look(&elsewhere.sign(at(1, 1)).to_string(), &elsewhere.verifier().to_string());
        assert_eq!(other, Ok(true));
        let second = Signer::new("bastion/journal.db", [8; 32]).unwrap();
        let (two, by) = (second.sign(at(5, 5)).to_string(), second.verifier().to_string());
        assert!(matches!(seen.look(&two, &by), Err(Suspicion::Key { .. })));
        assert_eq!(seen.look(&two, &by), Ok(false));
        // Who cannot sign cannot go on.
        assert!(matches!(seen.look(&two, &key), Err(Suspicion::Unsigned(_))));
        assert!(matches!(seen.look("x", &key), Err(Suspicion::Unsigned(_))));
    }
}
