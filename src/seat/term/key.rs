//! One key with what was held down, written the way key files write it: `ctrl-l`, `G`, `enter`, `alt-x`, `f5`.

use serde::{Deserialize, Serialize};
use std::{fmt, fmt::Write as _, str::FromStr};

/// A key of the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A character as typed: `G` is Shift and g.
    Char(char),
    /// A function key, 1 to 24.
    F(u8),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab; with shift, back-tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
}

/// Keys that have a name.
const NAMED: [(&str, Key); 16] = [
    ("space", Key::Char(' ')),
    ("minus", Key::Char('-')),
    ("enter", Key::Enter),
    ("esc", Key::Esc),
    ("tab", Key::Tab),
    ("backspace", Key::Backspace),
    ("delete", Key::Delete),
    ("insert", Key::Insert),
    ("up", Key::Up),
    ("down", Key::Down),
    ("left", Key::Left),
    ("right", Key::Right),
    ("home", Key::Home),
    ("end", Key::End),
    ("pageup", Key::PageUp),
    ("pagedown", Key::PageDown),
];

/// A key and what was held down with it. A shifted character is that character, without `shift`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyChord {
    /// The key.
    pub key: Key,
    /// Control was held.
    pub ctrl: bool,
    /// Alt, or Meta, was held.
    pub alt: bool,
    /// Shift was held, on a key that is no character.
    pub shift: bool,
}

impl KeyChord {
    /// A key by itself.
    pub const fn plain(key: Key) -> Self {
        Self { key, ctrl: false, alt: false, shift: false }
    }

    /// A character by itself.
    pub const fn char(c: char) -> Self {
        Self::plain(Key::Char(c))
    }

    /// A character with control.
    pub const fn ctrl(c: char) -> Self {
        Self { key: Key::Char(c), ctrl: true, alt: false, shift: false }
    }

    /// The character this types into a text field, if it types one.
    pub const fn typed(self) -> Option<char> {
        match (self.key, self.ctrl, self.alt) {
            (Key::Char(c), false, false) => Some(c),
            _ => None,
        }
    }

    /// One chord for everything a terminal may send for the same keys.
    pub(super) fn canonical(mut self) -> Self {
        if let Key::Char(c) = self.key {
            if self.shift && !self.ctrl {
                // Terminals that report shift by itself may send the plain letter with it.
                let mut upper = c.to_uppercase();
                if let (Some(one), None) = (upper.next(), upper.next()) {
                    self.key = Key::Char(one);
                }
            }
            if self.ctrl {
                self.key = Key::Char(c.to_ascii_lowercase());
            }
            self.shift = false;
        }
        self
    }
}

impl fmt::Display for KeyChord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                text.push_str(name);
            }
        }
        match (NAMED.iter().find(|(_, key)| *key == self.key), self.key) {
            (Some((name, _)), _) => text.push_str(name),
            (None, Key::Char(c)) => text.push(c),
            (None, Key::F(n)) => {
                let _ = write!(text, "f{n}");
            }
            (None, _) => {}
        }
        f.pad(&text)
    }
}

/// The text names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a key: write a character, or a name like enter, esc, space, f5, pageup, with ctrl-, alt- or shift- before it"
)]
pub struct NotAKey(pub String);

/// The number of a function key: `f5` is 5.
fn number(name: &str) -> Option<u8> {
    name.strip_prefix('f')?.parse().ok().filter(|n| (1..=24).contains(n))
}

impl FromStr for KeyChord {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let bad = || NotAKey(crate::domain::text::line(text).chars().take(40).collect());
        let mut chord = Self::plain(Key::Esc);
        let mut rest = text;
        loop {
            let held = [("ctrl-", 0), ("alt-", 1), ("shift-", 2)];
            let Some((tail, which)) = held.iter().find_map(|(p, n)| Some((rest.strip_prefix(p)?, n))) else {
                break;
            };
            let flag = match which {
                0 => &mut chord.ctrl,
                1 => &mut chord.alt,
                _ => &mut chord.shift,
            };
            if std::mem::replace(flag, true) {
                return Err(bad());
            }
            rest = tail;
        }
        let mut chars = rest.chars();
        chord.key = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() => Key::Char(c),
            (Some('f'), Some(_)) if number(rest).is_some() => Key::F(number(rest).ok_or_else(bad)?),
            _ => NAMED.iter().find(|(name, _)| *name == rest).map(|(_, key)| *key).ok_or_else(bad)?,
        };
        // Control and a capital reach a terminal as control and the small letter: such a key could never be pressed.
        if chord.canonical() == chord { Ok(chord) } else { Err(bad()) }
    }
}

impl Serialize for KeyChord {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyChord {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn chords_are_read_as_they_are_written() {
        for text in [
            "ctrl-l",
            "G",
            "enter",
            "esc",
            "f5",
            "f24",
            "alt-x",
            "space",
            "minus",
            "shift-tab",
            "ctrl-alt-d",
            "?",
            "ü",
            "f",
        ] {
            assert_eq!(text.parse::<KeyChord>().unwrap().to_string(), text);
        }
        assert_eq!("ctrl--".parse(), Ok(KeyChord::ctrl('-')));
    }

    #[test]
    fn what_names_no_key_is_refused() {
        for text in
            ["", "ctrl-", "ctrl-ctrl-a", "f0", "f25", "ff5", "entr", "shift-g", "ctrl-G", "\u{1b}", "ab"]
        {
            assert!(text.parse::<KeyChord>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics_and_survives_writing(text in "(ctrl-|alt-|shift-){0,3}(f[0-9]{1,3}|[a-z]{1,9}|.)") {
            if let Ok(chord) = text.parse::<KeyChord>() {
                prop_assert_eq!(chord.to_string().parse(), Ok(chord));
            }
        }
    }
}
