//! A line for people: its time and its level are found near its beginning.

use super::{Parsed, level, time};
use crate::domain::text;
use crate::signal::Level;

/// Words within which a level is looked for.
const WORDS: usize = 6;

pub(super) fn parse(line: &str) -> Parsed {
    let start = line.trim_start().trim_start_matches(['[', '(']);
    let (at, rest) = match time::leading(start) {
        Some((at, rest)) => (Some(at), rest),
        None => (None, start),
    };
    // Kubernetes' container logs stand between the time and the program's own line.
    let inner = ["stdout F ", "stderr F ", "stdout P ", "stderr P "]
        .iter()
        .find_map(|stream| rest.trim_start().strip_prefix(stream))
        .filter(|_| at.is_some());
    if let Some(inner) = inner {
        let mut parsed = super::parse(super::Format::Auto, inner);
        parsed.at = parsed.at.or(at);
        return parsed;
    }
    let access = access_time(line);
    let level = klog(line).or_else(|| word(rest)).or_else(|| status(line)).unwrap_or_default();
    Parsed { at: at.or(access), level, text: text::line(line).into_owned(), fields: Vec::new() }
}

/// What a plain line says after the time and the level that it begins with: both are shown beside it.
pub fn message(text: &str) -> &str {
    let start = text.trim_start().trim_start_matches(['[', '(']);
    let Some((_, rest)) = time::leading(start) else { return text };
    let rest = rest.trim_start_matches([']', ')']).trim_start();
    let word = rest.split_whitespace().next().unwrap_or_default();
    let bare = word.trim_matches(['[', ']', '<', '>', '(', ')', ':', '|']);
    let said = if level(bare).is_some() && (shouts(bare) || bare.len() < word.len()) {
        rest.get(word.len()..).unwrap_or_default().trim_start()
    } else {
        rest
    };
    if said.is_empty() { text } else { said }
}

fn word(rest: &str) -> Option<Level> {
    rest.split(|c: char| {
        c.is_whitespace() || matches!(c, '[' | ']' | '|' | ':' | '<' | '>' | '(' | ')' | '=' | ',')
    })
    .filter(|word| !word.is_empty())
    .take(WORDS)
    .filter(|word| shouts(word) || rest.trim_start().starts_with(word) || bracketed(rest, word))
    .find_map(level)
}

/// In running text only capitals are a level: `an error` is not, `ERROR` is.
fn shouts(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_uppercase())
}

fn bracketed(rest: &str, word: &str) -> bool {
    let Some(at) = rest.find(word) else { return false };
    let before = rest.get(..at).and_then(|b| b.chars().next_back());
    let after = rest.get(at + word.len()..).and_then(|a| a.chars().next());
    matches!(
        (before, after),
        (Some('['), Some(']')) | (Some('<'), Some('>')) | (_, Some(':')) | (Some('='), _)
    )
}

/// Google's `E1122 21:24:02.000001`.
fn klog(line: &str) -> Option<Level> {
    let mut bytes = line.bytes();
    let level = match bytes.next()? {
        b'I' => Level::Info,
        b'W' => Level::Warn,
        b'E' => Level::Error,
        b'F' => Level::Fatal,
        _ => return None,
    };
    (bytes.by_ref().take(4).filter(u8::is_ascii_digit).count() == 4 && bytes.next() == Some(b' '))
        .then_some(level)
}

/// An access log's status: 5xx is an error.
fn status(line: &str) -> Option<Level> {
    let (_, after) = line.split_once("\" ")?;
    let code = after.split(' ').next().filter(|c| c.len() == 3)?;
    let code: u16 = code.parse().ok()?;
    (500..600).contains(&code).then_some(Level::Error)
}

/// An access log's time stands in brackets after host and user.
fn access_time(line: &str) -> Option<crate::domain::time::Wall> {
    let (before, after) = line.split_once(" [")?;
    (before.len() < 128).then(|| time::leading(after)).flatten().map(|(at, _)| at)
}
