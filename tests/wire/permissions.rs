//! `docs/permissions.md` says of every frame, question and command what it takes. What it says is what the code asks.

use std::collections::BTreeSet;
use warroom::{
    domain::{Command, State},
    wire::{ToRoom, decode},
};

/// One of each command, as it stands on the wire.
const COMMANDS: &str = include_str!("commands.ndjson");
/// One of each frame and question.
const FRAMES: &str = include_str!("frames.ndjson");
const DOCUMENT: &str = include_str!("../../docs/permissions.md");

fn snake(name: &str) -> String {
    let mut out = String::new();
    for (index, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && index > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// `noun verb` of a command on the wire; the noun alone where it has no verbs.
fn name(value: &serde_json::Value) -> String {
    let one = |value: &serde_json::Value| match value {
        serde_json::Value::String(word) => Some(word.clone()),
        serde_json::Value::Object(map) if map.len() == 1 => map.keys().next().cloned(),
        _ => None,
    };
    let noun = one(value).unwrap();
    if ["policy", "tick", "room"].contains(&noun.as_str()) {
        return noun;
    }
    format!("{noun} {}", one(&value[&noun]).unwrap())
}

/// Every verb of every noun that the source has, as the wire spells it.
fn verbs() -> BTreeSet<String> {
    let variant = regex::Regex::new(r"(?m)^    ([A-Z]\w+)(?: \{|\(|,)").unwrap();
    let block = regex::Regex::new(r"(?s)pub enum (\w+)Command \{\n(.*?)\n\}").unwrap();
    let mut found = BTreeSet::from(["policy".to_owned(), "tick".to_owned(), "room".to_owned()]);
    let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/domain"))];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for block in block.captures_iter(&text) {
                let noun = snake(&block[1]);
                let verbs = variant.captures_iter(&block[2]).map(|one| format!("{noun} {}", snake(&one[1])));
                found.extend(verbs.collect::<Vec<_>>());
            }
        }
    }
    found
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim().is_empty())
}

#[test]
fn permissions_in_the_document_are_those_that_are_asked() {
    let state = State::default();
    let mut rows = BTreeSet::new();
    let mut named = BTreeSet::new();
    for line in lines(COMMANDS) {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let command: Command = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        named.insert(name(&value));
        rows.insert(format!("| `{}` | {} |", name(&value), command.requires(&state).words()));
    }
    assert_eq!(named, verbs(), "tests/wire/commands.ndjson has one of each command");
    for line in lines(FRAMES) {
        let frame: ToRoom = decode(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let frame_name = value.as_object().unwrap().keys().next().unwrap().clone();
        let inner = match frame_name.as_str() {
            "ask" => &value["ask"]["ask"],
            "steer" => &value["steer"]["steer"],
            _ => &serde_json::Value::Null,
        };
        let inner = inner.as_str().map(str::to_owned).or_else(|| inner.as_object()?.keys().next().cloned());
        let name = inner.map_or(frame_name.clone(), |inner| format!("{frame_name} {inner}"));
        rows.insert(format!("| `{name}` | {} |", frame.requires(&state).words()));
    }
    let written: BTreeSet<String> =
        DOCUMENT.lines().filter(|line| line.starts_with("| `")).map(str::to_owned).collect();
    let missing: Vec<_> = rows.difference(&written).collect();
    let wrong: Vec<_> = written.difference(&rows).collect();
    assert!(missing.is_empty() && wrong.is_empty(), "missing: {missing:#?}\nnot so: {wrong:#?}");
}
