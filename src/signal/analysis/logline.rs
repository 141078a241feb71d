//! One line of a log, understood: JSON, logfmt or plain; when it was written, how bad it is, what it says.
//!
//! Texts are made safe after they are decoded, so that an escape hidden in JSON is seen and never acts.

mod plain;
mod time;

pub use plain::message;

use crate::domain::{text, time::Wall};
use crate::signal::Level;
use serde_json::{Map, Value};

/// Most fields of one line that are kept.
const FIELDS_MAX: usize = 64;

const TIME: &[&str] = &["time", "ts", "timestamp", "@timestamp", "t", "datetime", "date", "@t"];
const LEVEL: &[&str] =
    &["level", "lvl", "severity", "log.level", "levelname", "loglevel", "@l", "severity_text"];
const MESSAGE: &[&str] = &["msg", "message", "event", "text", "@message", "body", "short_message", "@m"];

/// What a line says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parsed {
    /// When, where the line says so. A time without zone is taken for UTC.
    pub at: Option<Wall>,
    /// How bad.
    pub level: Level,
    /// The message, or the whole plain line.
    pub text: String,
    /// The other fields, in their order.
    pub fields: Vec<(String, String)>,
}

/// What a line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Each line is looked at.
    #[default]
    Auto,
    /// Text.
    Plain,
    /// One JSON object to a line.
    Json,
    /// `key=value` pairs.
    Logfmt,
}

/// Reads one line, without its end. Never fails: what is not of its format is plain.
pub fn parse(format: Format, raw: &str) -> Parsed {
    let line = raw.trim_end_matches(['\r', '\n']);
    let auto = format == Format::Auto;
    let start = line.trim_start();
    if (auto || format == Format::Json)
        && start.starts_with('{')
        && let Ok(map) = serde_json::from_str::<Map<String, Value>>(start)
    {
        return json(map, true);
    }
    let pairs = if auto || format == Format::Logfmt { logfmt(line) } else { None };
    pairs.unwrap_or_else(|| plain::parse(line))
}

/// Whether a line goes on with the one before it, as those of a stack trace do.
pub fn goes_on(line: &str) -> bool {
    line.starts_with([' ', '\t']) || line.starts_with("Caused by:")
}

fn json(map: Map<String, Value>, outermost: bool) -> Parsed {
    // Docker's json-file driver wraps the program's own line.
    if outermost
        && map.contains_key("stream")
        && let Some(Value::String(inner)) = map.get("log")
    {
        let wrapped = map.get("time").and_then(Value::as_str).and_then(time::whole);
        let line = inner.trim_end_matches(['\r', '\n']);
        let mut parsed = match serde_json::from_str::<Map<String, Value>>(line) {
            Ok(own) => json(own, false),
            Err(_) => logfmt(line).unwrap_or_else(|| plain::parse(line)),
        };
        parsed.at = parsed.at.or(wrapped);
        return parsed;
    }
    let mut out = Parsed::default();
    let mut said = false;
    for (key, value) in map {
        if key == "log"
            && let Value::Object(ecs) = &value
            && let Some(level) = ecs.get("level").and_then(level_of)
        {
            out.level = level;
            continue;
        }
        let name = key.to_ascii_lowercase();
        let name = name.as_str();
        if out.at.is_none()
            && TIME.contains(&name)
            && let Some(at) = time_of(&value)
        {
            out.at = Some(at);
        } else if LEVEL.contains(&name)
            && let Some(level) = level_of(&value)
        {
            out.level = level;
        } else if !said
            && MESSAGE.contains(&name)
            && let Value::String(message) = &value
        {
            said = true;
            out.text = text::line(message).into_owned();
        } else if out.fields.len() < FIELDS_MAX {
            let shown = match &value {
                Value::String(text) => text::line(text).into_owned(),
                other => text::line(&other.to_string()).into_owned(),
            };
            out.fields.push((text::line(&key).into_owned(), shown));
        }
    }
    out
}

fn time_of(value: &Value) -> Option<Wall> {
    match value {
        Value::String(text) => time::whole(text),
        Value::Number(number) => time::epoch(number.as_f64()?),
        _ => None,
    }
}

fn level_of(value: &Value) -> Option<Level> {
    match value {
        Value::String(word) => level(word),
        // Bunyan and pino count in tens.
        Value::Number(number) => match number.as_u64()? {
            10 => Some(Level::Trace),
            20 => Some(Level::Debug),
            30 => Some(Level::Info),
            40 => Some(Level::Warn),
            50 => Some(Level::Error),
            60 => Some(Level::Fatal),
            _ => None,
        },
        _ => None,
    }
}

/// A level by its usual names, in any case.
pub fn level(word: &str) -> Option<Level> {
    if word.len() > 12 {
        return None;
    }
    Some(match word.to_ascii_lowercase().as_str() {
        "trace" | "trc" | "finest" | "verbose" => Level::Trace,
        "debug" | "dbg" | "fine" => Level::Debug,
        "info" | "inf" | "information" | "notice" => Level::Info,
        "warn" | "warning" | "wrn" => Level::Warn,
        "error" | "err" | "eror" | "severe" => Level::Error,
        "fatal" | "critical" | "crit" | "panic" | "emerg" | "emergency" | "alert" | "ftl" | "dpanic" => {
            Level::Fatal
        }
        _ => return None,
    })
}

/// `key=value key="quoted value"`: taken for logfmt where one of the pairs is a level, a message or a time that is
/// known by name.
fn logfmt(line: &str) -> Option<Parsed> {
    let first = line.split_once('=')?.0.trim_start();
    if !key(first) {
        return None;
    }
    let mut out = Parsed::default();
    let (mut known, mut said) = (false, false);
    let mut rest = line.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (name, tail) = rest.split_at(end);
        let (value, tail) = match tail.strip_prefix('=') {
            Some(tail) => logfmt_value(tail),
            None => (String::new(), tail),
        };
        rest = tail.trim_start();
        if name.is_empty() {
            continue;
        }
        let lower = name.to_ascii_lowercase();
        let lower = lower.as_str();
        if out.at.is_none()
            && TIME.contains(&lower)
            && let Some(at) = time::whole(&value)
        {
            (out.at, known) = (Some(at), true);
        } else if LEVEL.contains(&lower)
            && let Some(level) = level(&value)
        {
            (out.level, known) = (level, true);
        } else if !said && MESSAGE.contains(&lower) {
            (out.text, known, said) = (text::line(&value).into_owned(), true, true);
        } else if out.fields.len() < FIELDS_MAX {
            out.fields.push((text::line(name).into_owned(), text::line(&value).into_owned()));
        }
    }
    known.then_some(out)
}

fn key(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'@'))
}

fn logfmt_value(tail: &str) -> (String, &str) {
    let Some(quoted) = tail.strip_prefix('"') else {
        let end = tail.find(char::is_whitespace).unwrap_or(tail.len());
        let (value, rest) = tail.split_at(end);
        return (value.to_owned(), rest);
    };
    let mut escaped = false;
    let end = quoted.find(|c: char| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    let end = end.unwrap_or(quoted.len());
    let inner = quoted.get(..end).unwrap_or_default();
    // Go and JSON escape alike, as far as logs do.
    let value = serde_json::from_str(&format!("\"{inner}\"")).unwrap_or_else(|_| inner.to_owned());
    (value, quoted.get(end + 1..).unwrap_or_default())
}

#[cfg(test)]
mod tests;
