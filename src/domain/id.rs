//! Names of things: short, sayable over a bridge call, unique in one journal.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The text is not an identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}: write it like {like}")]
pub struct NotAnId {
    /// What was given.
    pub text: String,
    /// The noun that was expected.
    pub what: &'static str,
    /// One that would be right.
    pub like: &'static str,
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// The one that comes after this.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&format!(concat!($prefix, "-{}"), self.0))
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let bare = text.trim();
                let head = bare.get(..$prefix.len()).unwrap_or_default();
                let digits = if head.eq_ignore_ascii_case($prefix) {
                    bare.get($prefix.len()..).unwrap_or_default().trim_start_matches('-')
                } else {
                    bare
                };
                digits.parse().map(Self).map_err(|_| NotAnId {
                    text: text.to_owned(),
                    what: $what,
                    like: concat!($prefix, "-7"),
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

number_id!(
    /// An incident, `INC-7`.
    IncidentId, "INC", "an incident"
);
number_id!(
    /// A freeze, `FRZ-3`.
    FreezeId, "FRZ", "a freeze"
);
number_id!(
    /// One walk of a runbook, `RUN-2`.
    WalkId, "RUN", "a walk of a runbook"
);
number_id!(
    /// A task of one person, `TSK-4`.
    TaskId, "TSK", "a task"
);
number_id!(
    /// A note or an observation, `NOTE-12`.
    NoteId, "NOTE", "a note"
);
number_id!(
    /// A decision, `DEC-1`.
    DecisionId, "DEC", "a decision"
);
number_id!(
    /// A deviation from what was prescribed, `DEV-1`.
    DeviationId, "DEV", "a deviation"
);

number_id!(
    /// A power taken by breaking the glass, `GLS-1`.
    GlassId, "GLS", "a broken glass"
);
number_id!(
    /// Something recorded offline that was not accepted, `CFL-1`.
    ConflictId, "CFL", "a conflict"
);
number_id!(
    /// A page, `PAGE-3`.
    PageId, "PAGE", "a page"
);
number_id!(
    /// Something that must go out to a target, `OUT-5`.
    DispatchId, "OUT", "a dispatch"
);

/// A SHA-256 digest, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// Before the first event there is nothing: thirty-two zero bytes.
    pub const ZERO: Self = Self([0; 32]);

    /// The first twelve digits, enough to tell two apart on a screen.
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

impl FromStr for Digest {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let bad = || NotAnId {
            text: text.chars().take(80).collect(),
            what: "a SHA-256 digest",
            like: "64 hexadecimal digits",
        };
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return Err(bad());
        }
        let mut out = [0_u8; 32];
        for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(out))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incident_is_read_as_people_write_it() {
        for text in ["INC-7", "inc-7", "inc7", "7", " 7 "] {
            assert_eq!(text.parse(), Ok(IncidentId(7)), "{text}");
        }
        assert!("INC-".parse::<IncidentId>().is_err());
        assert!("é".parse::<IncidentId>().is_err());
    }

    #[test]
    fn a_digest_survives_text() {
        let digest = Digest([0xa7; 32]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!("a7".parse::<Digest>().is_err());
    }
}
