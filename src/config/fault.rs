//! What went wrong while a tree was read into types, with the way to it.

use super::tree::Step;
use serde::de::{Error, Expected, Unexpected};
use std::fmt;

/// An error of reading. The path is made from the inside out while the error travels up.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// From the innermost step to the outermost.
    pub steps: Vec<Step>,
    /// Whether the key itself is wrong and not its value.
    pub on_key: bool,
    /// What.
    pub why: Why,
}

/// The kinds of error, kept apart so that each can say what to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// No such key.
    Key { name: String, known: &'static [&'static str] },
    /// A key must be there.
    Missing(&'static str),
    /// No such word.
    Word { name: String, known: &'static [&'static str] },
    /// A value of the wrong type or out of range.
    Type { found: String, wanted: String },
    /// What the type itself says.
    Said(String),
}

impl Fault {
    /// The fault with one more step on its way.
    pub fn under(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The fault, told of a key.
    pub fn of_key(mut self, name: &str) -> Self {
        self.on_key = true;
        self.under(Step::Key(name.to_owned()))
    }

    fn new(why: Why) -> Self {
        Self { steps: Vec::new(), on_key: false, why }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.why)
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Why::Said(message.to_string()))
    }
    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(Why::Type { found: plain(found), wanted: wanted_words(&wanted.to_string()) })
    }
    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::invalid_type(found, wanted)
    }
    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(Why::Key { name: name.to_owned(), known })
    }
    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(Why::Word { name: name.to_owned(), known })
    }
    fn missing_field(name: &'static str) -> Self {
        Self::new(Why::Missing(name))
    }
}

fn plain(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => {
            let short: String = text.chars().take(40).collect();
            let more = if short.len() < text.len() { "…" } else { "" };
            format!("text {:?}{more}", crate::domain::text::line(&short))
        }
        Unexpected::Bool(is) => format!("{is}"),
        Unexpected::Signed(n) => format!("the number {n}"),
        Unexpected::Unsigned(n) => format!("the number {n}"),
        Unexpected::Float(n) => format!("the number {n}"),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a table".into(),
        other => other.to_string(),
    }
}

fn wanted_words(wanted: &str) -> String {
    match wanted {
        "a string" | "path string" | "a string or path" => "text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list in [ ]",
        "a map" => "a table",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "f64" | "f32" => "a number",
        other if other.starts_with("struct ") => "a table",
        other if other.starts_with("enum ") || other.contains("variant") => {
            "one of the known words, in quotes"
        }
        other => return other.to_owned(),
    }
    .to_owned()
}
