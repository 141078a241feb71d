//! A seat as a witness: it keeps the last checkpoint that it saw of a journal, and believes no room that goes back. A doubt
//! stands, for this seat and the next ones of its user, until a person says why it does not, or the room shows again
//! exactly what was believed last.

use super::note::{Note, Signed, Verifier};
use crate::{domain::time::Wall, journal::Head};
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, collections::BTreeMap};

/// The newest checkpoint that was seen of each journal and key, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// By the key, `NAME+ID+KEY`, whose name is the journal's.
    #[serde(default)]
    notes: BTreeMap<String, String>,
    /// What is not believed, by the key too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    doubts: BTreeMap<String, Doubt>,
    /// What a person believed in spite of a doubt, the newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    trusted: Vec<Trusted>,
}

/// Why a journal is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// In words.
    pub why: String,
    /// Since when.
    pub since: Wall,
    /// The newest checkpoint that the key signed and that was not believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shown: Option<String>,
}

/// A doubt that a person took back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trusted {
    /// The key.
    pub key: String,
    /// The doubt.
    pub doubt: Doubt,
    /// When it was taken back.
    pub at: Wall,
    /// Why.
    pub reason: String,
}

/// Of a signed checkpoint, against what was believed before.
enum Fits {
    /// It is the same.
    Same,
    /// It is of more events, or the first of this journal.
    On,
}

/// Doubts that were taken back are kept so many at most.
const TRUSTED: usize = 50;
/// What a room names as its key is kept up to this many bytes where it is none.
const NAMED: usize = 200;

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

/// A key as it is kept.
fn kept(key: &str) -> String {
    key.parse::<Verifier>()
        .map_or_else(|_| key.chars().take(NAMED).collect(), |verifier| verifier.to_string())
}

impl Seen {
    /// A room shows this checkpoint and names this key. Gives the doubt that stands, this one's or an earlier one.
    ///
    /// What is not believed is not kept as seen, and neither is what comes after it: a journal that was written anew grows
    /// too.
    pub fn look(&mut self, note: &str, key: &str, now: Wall) -> Option<Doubt> {
        let found = self.judge(note, key);
        let key = kept(key);
        match found {
            Err(why) => {
                let doubt = Doubt { why: why.to_string(), since: now, shown: None };
                let doubt = self.doubts.entry(key).or_insert(doubt);
                if !matches!(why, Suspicion::Unsigned(_)) {
                    doubt.shown = Some(note.to_owned());
                }
                Some(doubt.clone())
            }
            Ok(Fits::Same) => {
                self.doubts.remove(&key);
                None
            }
            Ok(Fits::On) => {
                let Some(doubt) = self.doubts.get_mut(&key) else {
                    self.notes.insert(key, note.to_owned());
                    return None;
                };
                doubt.shown = Some(note.to_owned());
                Some(doubt.clone())
            }
        }
    }

    fn judge(&self, note: &str, key: &str) -> Result<Fits, Suspicion> {
        let unsigned = |why: &dyn std::fmt::Display| Suspicion::Unsigned(why.to_string());
        let verifier: Verifier = key.parse().map_err(|why| unsigned(&why))?;
        let now: Note = note.parse().map_err(|why| unsigned(&why))?;
        if !matches!(now.signed(std::slice::from_ref(&verifier)), Signed::By(_)) {
            return Err(unsigned(&"the signature is another's"));
        }
        let before = self.notes.get(&verifier.to_string()).and_then(|text| text.parse::<Note>().ok());
        let Some(Note { head: was, .. }) = before else {
            let known = self.notes.keys().any(|other| other.starts_with(&format!("{}+", verifier.name())));
            return if known {
                Err(Suspicion::Key { name: verifier.name().to_owned(), id: verifier.id() })
            } else {
                Ok(Fits::On)
            };
        };
        let now = now.head;
        match now.seq.cmp(&was.seq) {
            Ordering::Less => Err(Suspicion::Smaller { was, now }),
            Ordering::Equal if now.hash == was.hash => Ok(Fits::Same),
            Ordering::Equal => Err(Suspicion::Other { was }),
            Ordering::Greater => Ok(Fits::On),
        }
    }

    /// What is not believed, by key.
    pub fn doubts(&self) -> &BTreeMap<String, Doubt> {
        &self.doubts
    }

    /// What was believed in spite of a doubt, the newest last.
    pub fn trusted(&self) -> &[Trusted] {
        &self.trusted
    }

    /// A person believes a journal again and says why; what it showed last is what it is held to from now on. Gives the
    /// key.
    ///
    /// # Errors
    /// In words, where nothing is doubted, or it is not clear which of several is meant: `named` is the beginning of a
    /// key, or its id.
    pub fn trust(&mut self, named: Option<&str>, reason: &str, now: Wall) -> Result<String, String> {
        let is_meant = |key: &&String| {
            let own = |named: &str| key.starts_with(named) || key.split('+').nth(1) == Some(named);
            named.is_none_or(own)
        };
        let mut meant = self.doubts.keys().filter(is_meant);
        let (first, second) = (meant.next().cloned(), meant.next());
        let Some(key) = first else {
            return Err(match named {
                Some(named) if !self.doubts.is_empty() => format!("no journal in doubt is named {named}"),
                _ => "no journal is in doubt".into(),
            });
        };
        if second.is_some() {
            return Err(
                "several journals are in doubt: name one, by what warroom journal doubts shows".into()
            );
        }
        let Some(doubt) = self.doubts.remove(&key) else { return Err("no journal is in doubt".into()) };
        if let Some(shown) = &doubt.shown {
            self.notes.insert(key.clone(), shown.clone());
        }
        self.trusted.push(Trusted { key: key.clone(), doubt, at: now, reason: reason.to_owned() });
        let over = self.trusted.len().saturating_sub(TRUSTED);
        self.trusted.drain(..over);
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::id::Digest, journal::checkpoint::Signer};

    fn at(seq: u64, byte: u8) -> Head {
        Head { seq, hash: Digest([byte; 32]) }
    }

    fn signer(name: &str, seed: u8) -> Signer {
        Signer::new(name, [seed; 32]).unwrap()
    }

    fn clock(secs: i64) -> Wall {
        Wall::from_timestamp(1_700_000_000 + secs, 0).unwrap()
    }

    fn shown(seen: &mut Seen, by: &Signer, head: Head) -> Option<String> {
        let doubt = seen.look(&by.sign(head).to_string(), &by.verifier().to_string(), clock(0));
        // Through its file it is the same.
        *seen = serde_json::from_str(&serde_json::to_string(seen).unwrap()).unwrap();
        doubt.map(|doubt| doubt.why)
    }

    #[test]
    fn a_room_that_goes_back_is_not_believed_until_a_person_says_why() {
        let by = signer("bastion/journal.db", 7);
        let mut seen = Seen::default();
        assert_eq!(shown(&mut seen, &by, at(10, 1)), None);
        assert_eq!(shown(&mut seen, &by, at(10, 1)), None);
        assert_eq!(shown(&mut seen, &by, at(20, 2)), None);
        let smaller = Some(Suspicion::Smaller { was: at(20, 2), now: at(10, 1) }.to_string());
        assert_eq!(shown(&mut seen, &by, at(10, 1)), smaller);
        // It grows beyond what was seen: that says nothing.
        for head in [at(20, 3), at(21, 4), at(900, 5)] {
            assert_eq!(shown(&mut seen, &by, head), smaller);
        }
        let key = by.verifier().to_string();
        assert_eq!(seen.trust(None, "restored from the copy of 03:10", clock(60)), Ok(key));
        assert!(seen.trust(None, "again", clock(61)).unwrap_err().contains("no journal is in doubt"));
        assert_eq!(seen.trusted()[0].reason, "restored from the copy of 03:10");
        // From now on it is held to what it showed last.
        assert_eq!(shown(&mut seen, &by, at(901, 6)), None);
        assert!(shown(&mut seen, &by, at(899, 5)).is_some());
    }

    #[test]
    fn what_was_believed_last_takes_the_doubt_back() {
        let by = signer("j", 7);
        let mut seen = Seen::default();
        shown(&mut seen, &by, at(20, 2));
        let other = Suspicion::Other { was: at(20, 2) }.to_string();
        assert_eq!(shown(&mut seen, &by, at(20, 3)), Some(other));
        assert_eq!(shown(&mut seen, &by, at(20, 2)), None);
        assert_eq!(shown(&mut seen, &by, at(21, 2)), None);
    }

    #[test]
    fn another_key_of_a_journal_that_is_known_is_doubted_and_another_journal_is_not() {
        let mut seen = Seen::default();
        let (one, two) = (signer("bastion/journal.db", 7), signer("bastion/journal.db", 8));
        shown(&mut seen, &one, at(20, 2));
        assert_eq!(shown(&mut seen, &signer("elsewhere", 9), at(1, 1)), None);
        for head in [at(5, 5), at(6, 5)] {
            assert!(shown(&mut seen, &two, head).unwrap().contains("key that was not seen"));
        }
        // The room with the first key is not to blame.
        assert_eq!(shown(&mut seen, &one, at(21, 2)), None);
        assert_eq!(seen.doubts().len(), 1);
        let id = two.verifier().id();
        assert!(seen.trust(Some("elsewhere"), "x", clock(1)).unwrap_err().contains("elsewhere"));
        seen.trust(Some(&id), "the second room's", clock(1)).unwrap();
        assert_eq!(shown(&mut seen, &two, at(7, 5)), None);
        assert!(shown(&mut seen, &two, at(6, 5)).is_some());
        // Who cannot sign cannot go on.
        let forged = two.sign(at(30, 1)).to_string();
        let doubt = seen.look(&forged, &one.verifier().to_string(), clock(2)).unwrap();
        assert!(doubt.why.contains("not signed"), "{doubt:?}");
        assert!(seen.look("x", "y", clock(2)).is_some());
        assert_eq!(seen.doubts().len(), 3);
        assert!(seen.trust(None, "all", clock(3)).unwrap_err().contains("several"));
    }
}
