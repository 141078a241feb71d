//! Names of services, environments and artifacts as they come from outside: the one door through which such a name
//! passes before the rules compare it with another.
//!
//! A name is read once: without the blanks around it, in Unicode's form NFKC, and then either of a small alphabet or
//! exactly a name that the configuration has. Whatever looks like a name and is not it is refused here, with the code
//! point that is wrong; two names that look alike are never taken for one another, only suggested.

use super::refusal::{Code, Refusal};
use std::fmt::Write as _;
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::{GeneralSecurityProfile as _, skeleton};

/// Most characters of a service's or an environment's name.
pub const NAME_MAX: usize = 128;

/// Most characters of an artifact's name: a registry, a path and a digest.
pub const ARTIFACT_MAX: usize = 300;

/// Most bytes of a name that are looked at; a longer one is refused unread.
const GIVEN_MAX: usize = 4 * ARTIFACT_MAX;

/// Most characters of a wrong name that a refusal repeats.
const SHOWN_MAX: usize = 60;

/// What a name names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noun {
    /// A service, `checkout`.
    Service,
    /// An environment, `prod`.
    Environment,
    /// An artifact, `checkout@2.4.2`, `registry.example:5000/shop/checkout@sha256:…`.
    Artifact,
}

impl Noun {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Environment => "environment",
            Self::Artifact => "artifact",
        }
    }

    /// Its word with an article.
    pub(super) fn one(self) -> &'static str {
        match self {
            Self::Service => "a service",
            Self::Environment => "an environment",
            Self::Artifact => "an artifact",
        }
    }

    /// Most characters of such a name.
    pub fn max(self) -> usize {
        match self {
            Self::Service | Self::Environment => NAME_MAX,
            Self::Artifact => ARTIFACT_MAX,
        }
    }

    /// Whether such a name may hold this character without being configured. An artifact has a version after `@`, and
    /// versions have `+` (semantic versioning) and `~` (packages of Debian).
    pub fn allows(self, c: char) -> bool {
        c.is_ascii_alphanumeric() || "._:/-".contains(c) || (self == Self::Artifact && "@+~".contains(c))
    }

    /// What such a name is made of, in words.
    fn alphabet(self) -> &'static str {
        match self {
            Self::Service | Self::Environment => {
                "1 to 128 of A-Z a-z 0-9 . _ : / - (or exactly as the configuration writes it)"
            }
            Self::Artifact => "1 to 300 of A-Z a-z 0-9 . _ : / - @ + ~, as the pipeline names it",
        }
    }
}

/// What is wrong with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    noun: Noun,
    what: String,
    help: Option<&'static str>,
}

impl Malformed {
    /// What is wrong, one sentence without what to do.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The refusal, with the known name that was probably meant.
    pub fn refusal(self, near: Option<&str>) -> Refusal {
        let hint = match (self.help, near) {
            (Some(help), _) => help.to_owned(),
            (None, Some(near)) => {
                format!("did you mean {near}? {} is {}", self.noun.one(), self.noun.alphabet())
            }
            (None, None) => format!("{} is {}", self.noun.one(), self.noun.alphabet()),
        };
        Refusal::new(Code::Invalid, self.what).hint(hint)
    }
}

/// What to say in place of a name that stands for all of them.
pub const ALL_SERVICES: &str = "all services are frozen by --all-services --yes on the command line, at a seat by all, \
                                typed twice";
const ALL_ENVIRONMENTS: &str = "all environments are meant where none is named";

/// Whether a word says "all of them" and is therefore nobody's name.
pub fn means_all(name: &str) -> bool {
    name == "*" || name.eq_ignore_ascii_case("all")
}

/// A name in the one form in which names are compared: without the blanks around it, in NFKC.
pub fn normal(given: &str) -> String {
    given.trim_ascii().nfkc().collect()
}

/// Reads a name from outside. `is_configured` says whether the configuration has exactly this name, which is then taken
/// whatever it is made of.
///
/// # Errors
/// [`Malformed`]: empty, too long, a word for all, or of other characters, the first of which it tells by number and
/// place.
pub fn read(noun: Noun, given: &str, is_configured: impl FnOnce(&str) -> bool) -> Result<String, Malformed> {
    let wrong = |what: String| Err(Malformed { noun, what, help: None });
    if given.len() > GIVEN_MAX {
        return wrong(format!("the {} has {} bytes, more than any name", noun.word(), given.len()));
    }
    let name = normal(given);
    if name.is_empty() {
        return wrong(format!("the {} is empty", noun.word()));
    }
    if noun != Noun::Artifact && means_all(&name) {
        let help = if noun == Noun::Service { ALL_SERVICES } else { ALL_ENVIRONMENTS };
        return Err(Malformed {
            noun,
            what: format!("{name} is no name of {}", noun.one()),
            help: Some(help),
        });
    }
    if is_configured(&name) {
        return Ok(name);
    }
    let odd = |c: char| std::iter::once(c).nfkc().any(|c| !noun.allows(c));
    if let Some((at, c)) = given.trim_ascii().chars().enumerate().find(|(_, c)| odd(*c)) {
        let (word, shown) = (noun.word(), shown(noun, given.trim_ascii()));
        return wrong(format!("the {word} \"{shown}\" has {} at character {}", number(c), at + 1));
    }
    let characters = name.chars().count();
    if characters > noun.max() {
        return wrong(format!("the {} has {characters} characters, more than {}", noun.word(), noun.max()));
    }
    Ok(name)
}

/// What keeps the configuration from having such a name; `None` where it may. Letters and digits of other scripts are
/// taken there, for who writes the catalogue means them; what hides, acts or changes under NFKC is not.
pub fn unfit_for_configuration(noun: Noun, name: &str) -> Option<String> {
    let fits = |c: char| noun.allows(c) || c == '@' || (c.is_alphanumeric() && c.identifier_allowed());
    let characters = name.chars().count();
    if name.is_empty() {
        return Some("the name is empty".into());
    }
    if characters > noun.max() {
        return Some(format!("{characters} characters, more than {}", noun.max()));
    }
    if means_all(&normal(name)) {
        return Some(format!("{name:?} means all of them and is no name of one"));
    }
    let normal = normal(name);
    if normal != name && normal.chars().all(fits) {
        return Some(format!("not in Unicode's form NFKC: write it as {normal:?}"));
    }
    let odd = name.chars().enumerate().find(|(_, c)| !fits(*c));
    odd.map(|(at, c)| format!("{} at character {} has no place in a name", number(c), at + 1))
}

/// A code point as Unicode writes it.
pub fn number(c: char) -> String {
    format!("U+{:04X}", c as u32)
}

/// A wrong name as a refusal repeats it: what is not of the alphabet as its number, so that nothing in it looks like
/// something else.
pub fn shown(noun: Noun, name: &str) -> String {
    spelled(name, |c| noun.allows(c))
}

/// The same of a name of people or roles: what is not ASCII as its number.
pub fn marked(name: &str) -> String {
    spelled(name, |c| c == ' ' || c.is_ascii_graphic())
}

fn spelled(name: &str, plain: impl Fn(char) -> bool) -> String {
    let mut out = String::new();
    for c in name.chars().take(SHOWN_MAX) {
        if plain(c) {
            out.push(c);
        } else {
            let _ = write!(out, "<{}>", number(c));
        }
    }
    if name.chars().nth(SHOWN_MAX).is_some() {
        out.push('…');
    }
    out
}

/// How a name looks, to find others that could be taken for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looks {
    /// Unicode's skeleton: the same for names that look the same.
    skeleton: String,
    /// The same of the name in small letters, in small letters.
    folded: String,
}

impl Looks {
    /// Of a name, in NFKC or not.
    pub fn of(name: &str) -> Self {
        let name = normal(name);
        let folded = skeleton(&name.to_lowercase()).collect::<String>().to_lowercase();
        Self { skeleton: skeleton(&name).collect(), folded }
    }

    /// Whether one could be taken for the other.
    pub fn like(&self, other: &Self) -> bool {
        self.skeleton == other.skeleton || self.folded == other.folded
    }
}

/// Fewest letters of a name beside which a slip of the keyboard is told from a name of its own (`us` is not `eu`).
const SLIP_MIN: usize = 4;

/// Whether `name` is `known` with a letter too few, a letter too many, or two neighbours exchanged. Digits and what parts
/// words make another name: `prod2` and `prod-b` stand beside `prod` and `prod-a`.
pub fn is_slip(name: &str, known: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) =
        (name.to_lowercase().chars().collect(), known.to_lowercase().chars().collect());
    if other.len() < SLIP_MIN {
        return false;
    }
    let same = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let (left, right) = (one.get(same..).unwrap_or_default(), other.get(same..).unwrap_or_default());
    let letters = |few: &[char]| few.iter().all(|c| c.is_alphabetic());
    match (left, right) {
        ([extra, rest @ ..], all) | (all, [extra, rest @ ..]) if rest == all => letters(&[*extra]),
        ([a, b, rest @ ..], [c, d, others @ ..]) => a == d && b == c && rest == others && letters(&[*a, *b]),
        _ => false,
    }
}

/// Most letters by which a suggested name differs from the one that was given.
const NEAR_MAX: usize = 3;

/// The known name that was probably meant by `name`: one that looks like it, else the one with the fewest letters
/// changed where those are few. A suggestion for people, never taken by itself.
pub fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let (looks, normal) = (Looks::of(name), normal(name));
    let lower = normal.to_lowercase();
    if lower.chars().count() > NAME_MAX {
        return None;
    }
    let mut best: Option<(usize, usize, &'k str)> = None;
    // A suggestion must not cost whoever asks the gate with wrong names on purpose the room's time.
    let length = lower.chars().count();
    let as_long = |other: &&str| other.chars().count().abs_diff(length) <= NEAR_MAX;
    for other in known.into_iter().filter(|other| *other != name).filter(as_long) {
        let far = if looks.like(&Looks::of(other)) {
            0
        } else {
            strsim::damerau_levenshtein(&lower, &other.to_lowercase()).max(1)
        };
        let near = far <= (other.chars().count() / 3).clamp(1, NEAR_MAX);
        // Of those that are as near, the one that is written most alike.
        let this = (far, strsim::damerau_levenshtein(&normal, other), other);
        if near && best.is_none_or(|best| this < best) {
            best = Some(this);
        }
    }
    best.map(|(.., other)| other)
}
