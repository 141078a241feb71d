//! A sentence and the events it stands on.

use crate::domain::Seq;
use serde::Serialize;
use std::fmt;

/// The most event ids that are written out behind one sentence.
const SHOWN: usize = 6;

/// A generated sentence, without its full stop, and its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sentence {
    /// Markdown.
    pub text: String,
    /// What it stands on.
    pub cites: Cites,
}

/// Events that a sentence stands on. Written `(#12, #14)`, or `(#1–#57)` where it says that something is *not* among
/// them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cites {
    /// These, in their order, at least one.
    These(Vec<Seq>),
    /// All from the first to the last.
    All(Seq, Seq),
}

impl Sentence {
    /// A sentence that stands on these events.
    pub fn new(text: impl Into<String>, events: impl IntoIterator<Item = Seq>) -> Self {
        let mut events: Vec<Seq> = events.into_iter().collect();
        events.sort_unstable();
        events.dedup();
        Self { text: text.into(), cites: Cites::These(events) }
    }

    /// A sentence that says what does not stand in all these events.
    pub fn absent(text: impl Into<String>, (first, last): (Seq, Seq)) -> Self {
        Self { text: text.into(), cites: Cites::All(first, last) }
    }
}

impl Cites {
    /// The ids without brackets, for a cell.
    pub fn bare(&self) -> String {
        match self {
            Self::All(first, last) => format!("#{first}–#{last}"),
            Self::These(events) => {
                let mut shown: Vec<String> = events.iter().take(SHOWN).map(|seq| format!("#{seq}")).collect();
                if events.len() > SHOWN {
                    shown.push(format!("… {} more", events.len() - SHOWN));
                }
                shown.join(", ")
            }
        }
    }
}

impl fmt::Display for Cites {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({})", self.bare())
    }
}

impl Serialize for Cites {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_in_order_and_bounded() {
        assert_eq!(Sentence::new("x", [14, 12, 14]).cites.to_string(), "(#12, #14)");
        assert_eq!(Sentence::new("x", 1..=9).cites.bare(), "#1, #2, #3, #4, #5, #6, … 3 more");
        assert_eq!(Sentence::absent("x", (1, 57)).cites.to_string(), "(#1–#57)");
    }
}
