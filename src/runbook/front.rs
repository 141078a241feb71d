//! Layer 1: the `warroom:` key of the front matter. What is wrong is linted and left out, the rest counts.

use super::{
    lint::Lints,
    resolve,
    source::{Format, RawFront},
};
use crate::domain::{
    plan::{Front, Input, Mode},
    text,
    time::Span,
};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Reads front matter; gives also the document's own `title`.
pub fn read(raw: &RawFront, lints: &mut Lints) -> (Front, Option<String>) {
    let root = match raw.format {
        Format::Yaml => yaml::<Value>(&raw.text).map_err(|e| {
            let line = e.location().map_or(1, |l| u32::try_from(l.line()).unwrap_or(1));
            (line, e.to_string())
        }),
        Format::Toml => toml::from_str::<Value>(&raw.text).map_err(|e| {
            let before = e.span().and_then(|s| raw.text.get(..s.start)).unwrap_or_default();
            (u32::try_from(before.lines().count().max(1)).unwrap_or(1), e.message().to_owned())
        }),
    };
    let root = match root {
        Ok(Value::Object(map)) => map,
        Ok(Value::Null) => Map::new(),
        Ok(_) => {
            lints.error(2, "front-matter", "the front matter is no table of keys; write `key: value` lines");
            Map::new()
        }
        Err((line, message)) => {
            let message = message.lines().next().unwrap_or_default();
            // its own line number counts from the mark, ours from the top of the file
            let message = match message.strip_prefix("error: line ").and_then(|m| m.split_once(": ")) {
                Some((_, rest)) => rest,
                None => message,
            };
            lints.error(
                line.saturating_add(1),
                "front-matter",
                format!("the front matter cannot be read, none of it counts: {message}"),
            );
            Map::new()
        }
    };
    let title = root.get("title").and_then(scalar).map(|t| text::line(&t).into_owned());
    let mut reader = Reader { raw: &raw.text, lints };
    let mut front = match root.get("warroom") {
        None | Some(Value::Null) => Front::default(),
        Some(Value::Object(map)) => reader.front(map),
        Some(_) => {
            reader.bad("warroom", "is no table of keys");
            Front::default()
        }
    };
    if raw.format == Format::Yaml {
        as_written(&raw.text, &mut front);
    }
    (front, title)
}

/// The text of a scalar.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(s) => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

/// Most parser events of one front matter, and most that its aliases may repeat: a hundred inputs take a tenth of it.
const EVENTS_MAX: usize = 20_000;

/// YAML within a budget: a few lines of aliases that repeat one another could otherwise be millions of values.
fn yaml<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_events: EVENTS_MAX, max_nodes: EVENTS_MAX },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: EVENTS_MAX },
    };
    serde_saphyr::from_str_with_options(text, options)
}

/// YAML reads an unquoted `1.10` as the number 1.1. Defaults and choices are text: they are taken as written.
fn as_written(raw: &str, front: &mut Front) {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Doc {
        warroom: Room,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Room {
        inputs: Vec<Written>,
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Written {
        name: String,
        default: Option<String>,
        choices: Vec<String>,
    }
    let Ok(doc) = yaml::<Doc>(raw) else { return };
    for input in &mut front.inputs {
        if let Some(written) = doc.warroom.inputs.iter().find(|w| w.name == input.name) {
            if input.default.is_some() && written.default.is_some() {
                input.default.clone_from(&written.default);
            }
            if input.choices.len() == written.choices.len() {
                input.choices.clone_from(&written.choices);
            }
        }
    }
}

struct Reader<'a> {
    raw: &'a str,
    lints: &'a mut Lints,
}

impl Reader<'_> {
    /// Line and column, in the file, where a word stands first below `warroom`.
    fn place(&self, word: &str) -> (u32, u32) {
        let edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '-');
        let column = |line: &str| {
            line.match_indices(word).find_map(|(at, _)| {
                let before = line.get(..at)?;
                let whole = edge(before.chars().next_back())
                    && edge(line.get(at + word.len()..).and_then(|after| after.chars().next()));
                whole.then(|| before.chars().count() + 1)
            })
        };
        let below = self.raw.lines().position(|l| l.contains("warroom")).unwrap_or(0);
        let mut lines = self.raw.lines().enumerate().skip(below);
        let (n, column) = lines.find_map(|(n, line)| Some((n, column(line)?))).unwrap_or((0, 0));
        (u32::try_from(n).unwrap_or(0).saturating_add(2), u32::try_from(column).unwrap_or(0))
    }

    fn bad(&mut self, key: &str, what: impl std::fmt::Display) {
        let (line, column) = self.place(key);
        self.lints.at_column(column);
        self.lints.error(line, "bad-value", format!("`{key}` {what}"));
        self.lints.at_column(0);
    }

    fn unknown(&mut self, key: &str, known: &[&str]) {
        let (line, column) = self.place(key);
        let message = format!("`{key}` is not known here and is ignored; known are {}", known.join(", "));
        self.lints.at_column(column);
        self.lints.warning(line, "unknown-key", message);
        self.lints.at_column(0);
    }

    fn text(&mut self, key: &str, value: &Value) -> Option<String> {
        let text = scalar(value);
        if text.is_none() && !value.is_null() {
            self.bad(key, "is not a text");
        }
        text
    }

    fn texts(&mut self, key: &str, value: &Value) -> Vec<String> {
        match value {
            Value::Array(all) => all.iter().filter_map(|v| self.text(key, v)).collect(),
            other => self.text(key, other).into_iter().collect(),
        }
    }

    fn span(&mut self, key: &str, value: &Value) -> Option<Span> {
        let text = self.text(key, value)?;
        text.parse().map_err(|e| self.bad(key, format!("is not read: {e}"))).ok()
    }

    fn front(&mut self, map: &Map<String, Value>) -> Front {
        const KNOWN: &[&str] =
            &["version", "owner", "service", "severity", "mttr_target", "rpo", "targets", "inputs", "mode"];
        let mut front = Front::default();
        for (key, value) in map {
            match key.as_str() {
                "version" => match value.as_u64() {
                    Some(1) => front.version = Some(1),
                    Some(n) => {
                        front.version = u32::try_from(n).ok();
                        self.bad(key, format!("is {n}; this program knows version 1"));
                    }
                    None => self.bad(key, "is not a number; write 1"),
                },
                "owner" => front.owner = self.text(key, value),
                "service" => front.service = self.text(key, value),
                "severity" => front.severity = self.texts(key, value),
                "mttr_target" => front.mttr_target = self.span(key, value),
                "rpo" => front.rpo = self.span(key, value),
                "targets" => match value {
                    Value::Object(all) => {
                        for (alias, place) in all {
                            let Some(place) = self.text(alias, place) else { continue };
                            let host = place.strip_prefix("ssh://");
                            if place == "local" || host.is_some_and(|h| !h.is_empty() && !h.starts_with('-'))
                            {
                                front.targets.insert(alias.clone(), place);
                            } else {
                                self.bad(alias, format!("is `{place}`; a target is `local` or `ssh://host`"));
                            }
                        }
                    }
                    _ => self.bad(key, "is no table of alias and place"),
                },
                "inputs" => match value {
                    Value::Array(all) => {
                        for one in all {
                            if let Some(input) = self.input(one) {
                                if front.inputs.iter().any(|i| i.name == input.name) {
                                    self.bad(&input.name, "is an input twice; the first counts");
                                } else {
                                    front.inputs.push(input);
                                }
                            }
                        }
                    }
                    _ => self.bad(key, "is not a list"),
                },
                "mode" => match value.as_str() {
                    Some("manual") => front.mode = Mode::Manual,
                    Some("unattended") => front.mode = Mode::Unattended,
                    _ => self.bad(key, "is neither `manual` nor `unattended`"),
                },
                _ => self.unknown(key, KNOWN),
            }
        }
        front
    }

    fn input(&mut self, value: &Value) -> Option<Input> {
        const KNOWN: &[&str] = &["name", "prompt", "default", "choices", "pattern", "secret", "from"];
        let Value::Object(map) = value else {
            self.bad("inputs", "has an entry that is no table; write `{name: X}`");
            return None;
        };
        let name = map.get("name").and_then(scalar).unwrap_or_default();
        if !is_variable(&name) {
            let key = if name.is_empty() { "inputs" } else { &name };
            self.bad(
                key,
                format!("has the name `{name}`; an input's name is an environment variable, like NEW_DB"),
            );
            return None;
        }
        let mut input = Input { name: name.clone(), ..Input::default() };
        for (key, value) in map {
            match key.as_str() {
                "name" => {}
                "prompt" => input.prompt = self.text(key, value),
                "default" => input.default = self.text(key, value),
                "choices" => input.choices = self.texts(key, value),
                "pattern" => input.pattern = self.text(key, value),
                "from" => input.from = self.text(key, value),
                "secret" => {
                    // in doubt it is not shown
                    input.secret = value.as_bool().unwrap_or(true);
                    if !value.is_boolean() {
                        self.bad(key, "is neither true nor false; it is taken for true");
                    }
                }
                _ => self.unknown(key, KNOWN),
            }
        }
        if input.pattern.as_ref().is_some_and(|p| resolve::whole(p).is_none()) {
            self.bad(&name, "has a pattern that is not a regular expression");
        }
        if input.secret && input.default.is_some() {
            let (line, _) = self.place(&name);
            self.lints.warning(
                line,
                "secret-default",
                format!("`{name}` is secret and its default stands in the file; give it with `from`"),
            );
        }
        if let Some(default) = &input.default
            && let Some(problem) = resolve::check(&input, default)
        {
            self.bad(&name, format!("has a default that is not allowed: {problem}"));
        }
        Some(input)
    }
}

/// Whether a text can name an environment variable.
pub fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(format: Format, text: &str) -> (Front, Vec<(u32, String)>) {
        let mut lints = Lints::default();
        let (front, _) = read(&RawFront { format, text: text.to_owned() }, &mut lints);
        (front, lints.into_vec().into_iter().map(|l| (l.line, l.code)).collect())
    }

    #[test]
    fn yaml_and_toml_say_the_same() {
        let yaml = "warroom:\n  version: 1\n  mttr_target: 15m\n  severity: [SEV1, SEV2]\n  targets: {db: 'ssh://db1'}\n  inputs:\n    - {name: V, default: 1.10, choices: [1.10, 2.0]}\n";
        let toml = "[warroom]\nversion = 1\nmttr_target = '15m'\nseverity = ['SEV1', 'SEV2']\ntargets = {db = 'ssh://db1'}\n[[warroom.inputs]]\nname = 'V'\ndefault = '1.10'\nchoices = ['1.10', '2.0']\n";
        let (a, b) = (front(Format::Yaml, yaml), front(Format::Toml, toml));
        assert_eq!(a, b);
        assert_eq!(a.0.inputs[0].default.as_deref(), Some("1.10"));
        assert!(a.1.is_empty(), "{:?}", a.1);
    }

    #[test]
    fn what_is_wrong_is_named_and_the_rest_counts() {
        let text = "title: x\nwarroom:\n  owner: me\n  mttr_target: soon\n  colour: red\n  mode: fast\n  inputs:\n    - {name: 'a b'}\n    - {name: OK, secret: maybe, pattern: '('}\n";
        let (front, lints) = front(Format::Yaml, text);
        assert_eq!(front.owner.as_deref(), Some("me"));
        assert_eq!(front.inputs.len(), 1);
        assert!(front.inputs[0].secret);
        let codes: Vec<_> = lints.iter().map(|(l, c)| (*l, c.as_str())).collect();
        assert!(codes.contains(&(5, "bad-value")), "{codes:?}");
        assert!(codes.contains(&(6, "unknown-key")), "{codes:?}");
        assert!(codes.contains(&(7, "bad-value")), "{codes:?}");
        assert_eq!(codes.len(), 6, "{codes:?}");
    }

    #[test]
    fn yaml_that_is_none_is_an_error_with_its_line() {
        let (_, lints) = front(Format::Yaml, "a: 1\nb: [1\nc: 2\n");
        assert_eq!(lints.len(), 1);
        assert_eq!(lints[0].1, "front-matter");
        assert!(lints[0].0 >= 2);
    }
}
