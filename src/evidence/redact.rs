//! Secrets taken out of text before it is kept, hashed or sent: by value first, then by what secrets look like.
//! What is put in their place says which rule found it and how long it was, `[redacted aws-key 20]`, and nothing else:
//! a hash of a short secret would give it away.

use super::rules::{RULES, Rule, compile};
use aho_corasick::AhoCorasick;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use regex::bytes::Regex;
use secrecy::{ExposeSecret as _, SecretString};
use std::{borrow::Cow, fmt::Write as _, sync::Arc, sync::LazyLock};

mod json;

/// Values shorter than this are not looked for: they would be found everywhere.
pub const VALUE_MIN: usize = 4;
/// Lines of a secret of several lines that are shorter than this are not looked for.
const LINE_MIN: usize = 8;
/// Longest private key, from its first line to its last.
pub(super) const KEY_MAX: usize = 16 * 1024;

/// A secret that is known.
#[derive(Debug, Clone)]
pub struct Secret {
    /// What it is called; shown in its place.
    pub name: String,
    /// The secret itself.
    pub value: SecretString,
}

impl Secret {
    /// A secret of this name.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: SecretString::from(value.into()) }
    }
}

/// A look of secrets that the user adds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct UserRule {
    /// Lower case letters, digits and `-`; shown in place of what it finds.
    pub name: String,
    /// Regular expression, matched within lines. The first group is the secret; without groups the whole match is.
    pub pattern: String,
}

/// A user's rule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("redaction rule {name:?}: {why}")]
pub struct BadRule {
    /// Its name as given.
    pub name: String,
    /// What is wrong and what to do.
    pub why: String,
}

/// Knows what to take out. Cheap to clone.
#[derive(Clone)]
pub struct Redactor {
    inner: Arc<Inner>,
}

struct Inner {
    values: Option<AhoCorasick>,
    /// What is looked for, and what its secret is called.
    known: Vec<(Vec<u8>, String)>,
    user: Vec<(String, Regex)>,
}

/// A stretch of text that is a secret. Values come before patterns where both found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub start: usize,
    pub end: usize,
    by_pattern: bool,
    label: &'a str,
}

impl Default for Redactor {
    fn default() -> Self {
        Self { inner: Arc::new(Inner { values: None, known: Vec::new(), user: Vec::new() }) }
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Inner { known, user, .. } = &*self.inner;
        write!(f, "Redactor({} values, {} user rules)", known.len(), user.len())
    }
}

impl Redactor {
    /// One that knows these secrets and these rules beside the built-in ones. Each value is also looked for in its
    /// JSON, percent-encoded and base64 forms; a value of several lines, line by line.
    pub fn new<'s>(
        secrets: impl IntoIterator<Item = &'s Secret>,
        user: &[UserRule],
    ) -> Result<Self, BadRule> {
        let user = user.iter().map(user_rule).collect::<Result<_, _>>()?;
        let mut known: Vec<(Vec<u8>, String)> = Vec::new();
        for secret in secrets {
            let label = label(&secret.name);
            for form in forms(secret.value.expose_secret()) {
                if !known.iter().any(|(value, _)| *value == form) {
                    known.push((form, label.clone()));
                }
            }
        }
        let values = AhoCorasick::new(known.iter().map(|(value, _)| value)).map_err(|error| BadRule {
            name: "known values".into(),
            why: format!("they do not fit into one search: {error}"),
        })?;
        let values = (!known.is_empty()).then_some(values);
        Ok(Self { inner: Arc::new(Inner { values, known, user }) })
    }

    /// The text without its secrets.
    pub fn bytes<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let found = self.find(text);
        if found.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(replaced(text, 0, text.len(), &found)) }
    }

    /// The same for a string.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// Whether anything would be taken out.
    pub fn finds(&self, text: &[u8]) -> bool {
        !self.find(text).is_empty()
    }

    /// Secrets in `text`, in order, none overlapping another.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Found<'_>> {
        let mut found = Vec::new();
        if let Some(values) = &self.inner.values {
            found.extend(values.find_overlapping_iter(text).map(|hit| Found {
                start: hit.start(),
                end: hit.end(),
                by_pattern: false,
                label: self.inner.known.get(hit.pattern().as_usize()).map_or("value", |(_, name)| name),
            }));
        }
        self.patterns(text, 0, &mut found);
        keys(text, &mut found);
        let mut found = merged(found);
        // Where a secret is taken out a word may begin that was none: `valueghp_…`.
        let mut ends: Vec<usize> = found.iter().map(|secret| secret.end).collect();
        while let Some(end) = ends.pop() {
            let rest = text.get(end..).unwrap_or_default();
            let rest = rest.split(|byte| is_line_end(*byte)).next().unwrap_or_default();
            let mut more = Vec::new();
            self.patterns(rest, end, &mut more);
            more.retain(|new| !found.iter().any(|old| old.start <= new.start && new.end <= old.end));
            if !more.is_empty() {
                ends.extend(more.iter().map(|new| new.end));
                found = merged(found.into_iter().chain(more).collect());
            }
        }
        found
    }

    /// What looks like a secret by the built-in rules and by the user's.
    fn patterns<'s>(&'s self, text: &[u8], offset: usize, found: &mut Vec<Found<'s>>) {
        for (rule, line) in RULES.suspects(text) {
            let start = line.start;
            let line = text.get(line).unwrap_or_default();
            matches(&rule.regex, line, offset + start, (rule.id, Some(rule)), found);
        }
        if !self.inner.user.is_empty() {
            let mut at = 0;
            for line in text.split_inclusive(|byte| is_line_end(*byte)) {
                for (name, regex) in &self.inner.user {
                    matches(regex, line, offset + at, (name, None), found);
                }
                at += line.len();
            }
        }
    }

    /// How many of the last bytes of `text` are the beginning of a known value.
    pub(super) fn beginning(&self, text: &[u8]) -> usize {
        self.inner.known.iter().map(|(value, _)| overlap(text, value)).max().unwrap_or(0)
    }

    /// Length of the longest value.
    pub(super) fn longest(&self) -> usize {
        self.inner.known.iter().map(|(value, _)| value.len()).max().unwrap_or(0)
    }
}

/// The longest proper beginning of `value` that `text` ends with.
fn overlap(text: &[u8], value: &[u8]) -> usize {
    let most = text.len().min(value.len().saturating_sub(1));
    (1..=most).rev().find(|n| value.get(..*n).is_some_and(|head| text.ends_with(head))).unwrap_or(0)
}

pub(super) fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// `text[from..to]` with what was found replaced; a secret that reaches out of it is cut to it.
pub(super) fn replaced(text: &[u8], from: usize, to: usize, found: &[Found<'_>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(to.saturating_sub(from));
    let mut at = from;
    for secret in found {
        let (start, end) = (secret.start.max(at), secret.end.min(to));
        if start >= end {
            continue;
        }
        out.extend_from_slice(text.get(at..start).unwrap_or_default());
        out.extend_from_slice(format!("[redacted {} {}]", secret.label, end - start).as_bytes());
        at = end;
    }
    out.extend_from_slice(text.get(at..to).unwrap_or_default());
    out
}

fn matches<'l>(
    regex: &Regex,
    text: &[u8],
    offset: usize,
    (label, rule): (&'l str, Option<&Rule>),
    found: &mut Vec<Found<'l>>,
) {
    let mut at = 0;
    while let Some(captures) = regex.captures_at(text, at) {
        let whole = captures.get(0).map_or(at..at, |whole| whole.range());
        let Some(secret) = captures.iter().skip(1).flatten().next().or_else(|| captures.get(0)) else {
            return;
        };
        let (start, end) = (secret.start(), secret.end());
        // Behind a marker the search goes on: it must not hide what stands after it on the line. Its own words begin
        // nothing.
        if let Some(end) = marker_around(text, whole.start).or_else(|| marker_around(text, start)) {
            at = end;
            continue;
        }
        at = whole.end.max(whole.start + 1);
        let named = text.get(start..end).is_some_and(|value| {
            REFERENCE.find(value).is_some()
                || rule.is_some_and(|rule| rule.is_harmless(text.get(..start).unwrap_or_default(), value))
        });
        if start != end && !named {
            found.push(Found { start: start + offset, end: end + offset, by_pattern: true, label });
        }
        if at > text.len() {
            return;
        }
    }
}

/// The end of the marker that begins at `at` or before it and reaches over it.
fn marker_around(text: &[u8], at: usize) -> Option<usize> {
    let from = at.saturating_sub(MARKER_MAX);
    let near = text.get(from..text.len().min(at.saturating_add(MARKER_START.len())))?;
    let start = from + memchr::memmem::rfind(near, MARKER_START)?;
    let end = start + ALREADY.find(text.get(start..)?)?;
    (start <= at && at < end).then_some(end)
}

/// How a marker begins, and how long one is at most.
const MARKER_START: &[u8] = b"[redacted ";
const MARKER_MAX: usize = 80;

/// What this module puts in place of a secret is no secret.
static ALREADY: LazyLock<Marker> =
    LazyLock::new(|| Marker(compile(r"\A\[redacted [A-Za-z0-9_-]{1,40} \d+\]").ok()));

/// A shell's name for a value that stands elsewhere is no secret: `$TOKEN`, `${TOKEN}`, `$(pass show db)`, `<token>`.
static REFERENCE: LazyLock<Marker> = LazyLock::new(|| {
    Marker(
        compile(r"\A(?:\$[A-Za-z_][A-Za-z0-9_]*|\$\{[A-Za-z_][^}]*\}|\$\(.*|`.*|<[a-z][a-z0-9 _-]*>)\\*\z")
            .ok(),
    )
});

struct Marker(Option<Regex>);

impl Marker {
    /// Its length, where `text` begins with one.
    fn find(&self, text: &[u8]) -> Option<usize> {
        Some(self.0.as_ref()?.find(text)?.end())
    }
}

/// Secrets of several lines, from what begins one to what ends it, or [`KEY_MAX`] where nothing does.
fn keys(text: &[u8], found: &mut Vec<Found<'_>>) {
    blocks(text, |start, end, label, _| found.push(Found { start, end, by_pattern: true, label }));
}

/// Gives each block's start, end and name, and whether its end is there.
fn blocks(text: &[u8], mut each: impl FnMut(usize, usize, &'static str, bool)) {
    let Some(openings) = &RULES.openings else { return };
    if openings.find(text).is_none() {
        return;
    }
    for block in &RULES.blocks {
        let mut at = 0;
        while let Some(start) = block.begin.find_at(text, at).map(|hit| hit.start()) {
            let most = text.len().min(start.saturating_add(KEY_MAX));
            let end = text.get(..most).and_then(|text| block.end.captures_at(text, start));
            let stop = end.as_ref().and_then(|hit| {
                let after = hit.iter().skip(1).flatten().next();
                after.map(|after| after.start()).or_else(|| Some(hit.get(0)?.end()))
            });
            let stop = stop.unwrap_or(most);
            each(start, stop, block.id, end.is_some());
            at = stop.max(start + 1);
        }
    }
}

/// Where a secret of several lines begins that has neither ended nor grown too long for one.
pub(super) fn open_key(text: &[u8]) -> Option<usize> {
    let mut open = None;
    blocks(text, |start, end, _, ended| {
        if !ended && end - start < KEY_MAX {
            open = Some(open.map_or(start, |other: usize| other.min(start)));
        }
    });
    open
}

fn merged(mut found: Vec<Found<'_>>) -> Vec<Found<'_>> {
    found.sort_by_key(|secret| (secret.start, std::cmp::Reverse(secret.end)));
    let mut out: Vec<Found<'_>> = Vec::with_capacity(found.len());
    for secret in found {
        match out.last_mut() {
            Some(last) if secret.start < last.end => {
                last.end = last.end.max(secret.end);
                if last.by_pattern && !secret.by_pattern {
                    (last.by_pattern, last.label) = (false, secret.label);
                }
            }
            _ => out.push(secret),
        }
    }
    out
}

/// All the ways in which a value may be printed.
fn forms(value: &str) -> Vec<Vec<u8>> {
    let whole = value.trim_matches(['\r', '\n']);
    let lines: Vec<&str> = whole.split(['\r', '\n']).filter(|line| !line.is_empty()).collect();
    let plain: Vec<&str> = match lines.as_slice() {
        [one] if one.len() >= VALUE_MIN => vec![one],
        [_] | [] => return Vec::new(),
        several => several.iter().copied().filter(|line| line.len() >= LINE_MIN).collect(),
    };
    let mut out: Vec<Vec<u8>> = plain.iter().map(|text| text.as_bytes().to_vec()).collect();
    let json = serde_json::to_string(whole).unwrap_or_default();
    out.push(json.trim_matches('"').as_bytes().to_vec());
    out.push(percent(whole).into_bytes());
    for text in [whole, value, &format!("{whole}\n")] {
        out.push(STANDARD.encode(text).trim_end_matches('=').as_bytes().to_vec());
    }
    out.retain(|form| form.len() >= VALUE_MIN);
    out
}

/// RFC 3986 §2.1, everything but unreserved characters encoded.
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// A secret's name as it may stand in a marker.
fn label(name: &str) -> String {
    let word = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let text: String = name.chars().map(word).take(40).collect();
    if text.is_empty() { "value".into() } else { text }
}

fn user_rule(rule: &UserRule) -> Result<(String, Regex), BadRule> {
    let bad = |why: String| BadRule { name: rule.name.chars().take(60).collect(), why };
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if rule.name.is_empty() || rule.name.len() > 40 || !rule.name.chars().all(good) {
        return Err(bad("give it a name of lower case letters, digits and -, at most 40".into()));
    }
    let regex =
        compile(&rule.pattern).map_err(|error| bad(format!("its pattern does not compile: {error}")))?;
    if regex.is_match(b"") {
        return Err(
            bad("its pattern matches nothing at all, so it would match everywhere: anchor it".into()),
        );
    }
    Ok((rule.name.clone(), regex))
}

#[cfg(test)]
mod tests;
