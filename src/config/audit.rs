//! Where every event is streamed to: `[audit.NAME]`.

use super::secret::Header;
use crate::domain::time::Span;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

/// A central audit system; `kind` says how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(tag = "kind")]
pub enum Audit {
    /// RFC 5424 messages.
    Syslog(Syslog),
    /// JSON lines in a file.
    Json(JsonFile),
    /// JSON lines to a program's standard input.
    Command(Piped),
    /// OTLP logs over HTTP, as JSON.
    Otlp(Otlp),
}

/// RFC 5424 messages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Syslog {
    /// `unix:/dev/log`, `udp://host:514` or `tcp://host:601`.
    #[serde(default = "dev_log")]
    pub to: String,
    /// The facility, `local0`.
    #[serde(default = "local0")]
    pub facility: String,
    /// What a message says after its structured data.
    #[serde(default)]
    pub body: Body,
    /// Bytes of one message at most.
    #[serde(default = "eight_k")]
    pub max_bytes: usize,
}

/// What a syslog message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// The event in one line of words.
    #[default]
    Words,
    /// The whole event as JSON behind `@cee:`; words where it is longer than a message may be.
    Json,
}

/// A file of JSON lines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonFile {
    /// The file; made where it is not there, and again after it was rotated away.
    pub path: PathBuf,
}

/// A program that reads JSON lines.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Piped {
    /// Program and arguments, without a shell. It runs as long as the room does.
    pub run: Vec<String>,
}

/// An OTLP endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Otlp {
    /// Its base address; `/v1/logs` is added.
    pub url: String,
    /// Further headers; those that carry a secret by reference.
    #[serde(default)]
    pub headers: BTreeMap<String, Header>,
    /// How long an answer may take.
    #[serde(default = "ten")]
    pub timeout: Span,
}

fn dev_log() -> String {
    "unix:/dev/log".into()
}
fn local0() -> String {
    "local0".into()
}
fn eight_k() -> usize {
    8_192
}
fn ten() -> Span {
    Span::secs(10)
}
