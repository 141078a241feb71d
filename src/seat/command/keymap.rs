//! Which key does what: the table's keys, and a person's own on top.

use super::{Spec, named, table};
use crate::seat::term::KeyChord;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::Spanned;

/// Keys and the commands they do.
#[derive(Debug, Clone)]
pub struct Keymap {
    keys: BTreeMap<KeyChord, &'static Spec>,
}

/// What is wrong with a key file, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct KeyError {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    keys: BTreeMap<Spanned<String>, Spanned<String>>,
}

/// The name that takes a key away.
const NOTHING: &str = "nothing";

impl Default for Keymap {
    fn default() -> Self {
        let all = table::all().flat_map(|spec| spec.keys.iter().map(move |key| (key, spec)));
        Self { keys: all.filter_map(|(key, spec)| Some((key.parse().ok()?, spec))).collect() }
    }
}

impl Keymap {
    /// The table's keys with a person's own on top: `[keys]` with `"ctrl-x" = "note"`; `"nothing"` takes a key away.
    ///
    /// # Errors
    /// Everything that is wrong with the file, each at its line: no TOML, no such key or command, a key given twice,
    /// a command without which one could not leave or look for help.
    pub fn with_file(file: &str, text: &str) -> Result<Self, Vec<KeyError>> {
        let line_of = |at: usize| text.get(..at).unwrap_or(text).matches('\n').count() + 1;
        let at = |at: usize, what: String| KeyError {
            file: file.to_owned(),
            line: line_of(at),
            what: crate::domain::text::line(&what).into_owned(),
        };
        let parsed: File = toml::from_str(text).map_err(|error| {
            vec![at(error.span().map_or(0, |span| span.start), error.message().to_owned())]
        })?;
        let mut map = Self::default();
        let mut own: BTreeMap<KeyChord, (usize, &str)> = BTreeMap::new();
        let mut wrong = Vec::new();
        let mut entries: Vec<_> = parsed.keys.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, name) in entries {
            let place = key.span().start;
            let chord: KeyChord = match key.get_ref().parse() {
                Ok(chord) => chord,
                Err(error) => {
                    wrong.push(at(place, error.to_string()));
                    continue;
                }
            };
            if let Some((before, name)) = own.get(&chord) {
                wrong
                    .push(at(place, format!("{chord} is {name} on line {before} already: keep one of them")));
                continue;
            }
            own.insert(chord, (line_of(place), name.get_ref()));
            if name.get_ref() == NOTHING {
                map.keys.remove(&chord);
                continue;
            }
            if let Some(spec) = named(name.get_ref()) {
                map.keys.insert(chord, spec);
            } else {
                let near = super::palette::nearest(name.get_ref());
                let hint = near.map(|near| format!(": did you mean {near}?")).unwrap_or_default();
                wrong.push(at(name.span().start, format!("there is no command {:?}{hint}", name.get_ref())));
            }
        }
        for needed in ["leave", "help", "palette", "act", "back"] {
            if map.keys_of(needed).is_empty() {
                wrong.push(at(0, format!("no key is left for {needed}: give it one")));
            }
        }
        if wrong.is_empty() { Ok(map) } else { Err(wrong) }
    }

    /// What a key does.
    pub fn get(&self, key: KeyChord) -> Option<&'static Spec> {
        self.keys.get(&key).copied()
    }

    /// The keys of a command.
    pub fn keys_of(&self, name: &str) -> Vec<KeyChord> {
        let mut keys: Vec<_> =
            self.keys.iter().filter(|(_, spec)| spec.name == name).map(|(key, _)| *key).collect();
        // The shortest first: `j` before `down` says less than the other way round.
        let own = named(name).map(|spec| spec.keys).unwrap_or_default();
        keys.sort_by_key(|key| own.iter().position(|known| *known == key.to_string()).unwrap_or(usize::MAX));
        keys
    }

    /// The first key of a command as it is shown: `n`, `Enter`, `Tab`; nothing where it has none.
    pub fn label(&self, name: &str) -> Option<String> {
        self.keys_of(name).first().map(|key| shown(*key))
    }
}

/// A key as people read it: `Enter`, `^Z`, `Space`.
pub fn shown(key: KeyChord) -> String {
    let text = key.to_string();
    if let Some(rest) = text.strip_prefix("ctrl-").filter(|rest| rest.chars().count() == 1) {
        return format!("^{}", rest.to_uppercase());
    }
    if text.chars().count() == 1 {
        return text;
    }
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_own_keys_come_first() {
        let map = Keymap::with_file("keys.toml", "[keys]\n\"ctrl-x\" = \"note\"\nC = \"nothing\"\n").unwrap();
        assert_eq!(map.get("ctrl-x".parse().unwrap()).unwrap().name, "note");
        assert!(map.get(KeyChord::char('C')).is_none());
        assert_eq!(map.get(KeyChord::char('n')).unwrap().name, "note");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, line, says) in [
            ("[keys]\nn = \"notte\"\n", 2, "did you mean note?"),
            ("[keys]\n\"ctrl-X\" = \"note\"\n", 2, "is not a key"),
            ("[keys]\nn = \"note\"\n\n\"n\" = \"decide\"\n", 4, "duplicate key"),
            ("[keys]\nq = \"note\"\n", 1, "no key is left for leave"),
            ("[keys\n", 1, ""),
            ("[key]\n", 1, "unknown field"),
        ] {
            let wrong = Keymap::with_file("keys.toml", text).unwrap_err();
            let all: Vec<_> = wrong.iter().map(ToString::to_string).collect();
            assert!(
                all.iter().any(|one| one.contains(says) && one.starts_with(&format!("keys.toml:{line}:"))),
                "{all:?}"
            );
        }
    }
}
