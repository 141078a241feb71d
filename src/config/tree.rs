//! A TOML file as a tree in which each key and value knows where it stands.

use super::problem::{Files, Problem};
use std::{collections::BTreeMap, fmt::Write as _};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Most syntax errors of one file that are told; what follows is mostly a consequence.
const SYNTAX_MAX: usize = 8;

const DEEP: &str = "no key of warroom.toml lies deeper than six levels: is this the right file?";

/// Deepest nesting that is kept; the parser itself gives up at eighty.
const DEPTH_MAX: usize = 24;

/// Bytes of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    /// Which of the files.
    pub file: usize,
    /// First byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub at: At,
    pub value: Value,
}

/// What TOML knows, with keys that know their place.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A date, which no key takes.
    Date(String),
    /// A whole number beyond 64 bits.
    Vast(String),
    List(Vec<Node>),
    Table(Table),
}

/// Keys in alphabetical order.
pub type Table = BTreeMap<String, Entry>;

/// A key's place and its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: At,
    pub node: Node,
}

/// One step of the way to a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Key(String),
    Index(usize),
}

/// The way to a value as a person writes it: `source[1].url`.
pub fn written(path: &[Step]) -> String {
    let mut out = String::new();
    for step in path {
        match step {
            Step::Index(index) => {
                let _ = write!(out, "[{index}]");
            }
            Step::Key(key) => {
                if !out.is_empty() {
                    out.push('.');
                }
                let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
                if !key.is_empty() && key.chars().all(bare) {
                    out.push_str(key);
                } else {
                    let _ = write!(out, "{:?}", crate::domain::text::line(key));
                }
            }
        }
    }
    out
}

impl Node {
    /// An empty table.
    pub fn empty(file: usize) -> Self {
        Self { at: At { file, start: 0, end: 0 }, value: Value::Table(Table::new()) }
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Table(table) => table.get(key),
            _ => None,
        }
    }

    /// Where the last step of a path stands: the key where `key` is asked for and there is one, else the value;
    /// the nearest that there is where the path leads to nothing.
    pub fn place(&self, path: &[Step], key: bool) -> At {
        let (mut node, mut at) = (self, self.at);
        for step in path {
            match (step, &node.value) {
                (Step::Key(name), Value::Table(table)) => {
                    let Some(entry) = table.get(name) else { return at };
                    node = &entry.node;
                    at = if key { entry.key } else { node.at };
                }
                (Step::Index(index), Value::List(list)) => {
                    let Some(next) = list.get(*index) else { return at };
                    node = next;
                    at = node.at;
                }
                _ => return at,
            }
        }
        at
    }

    /// Takes the value at the end of a path out; says whether there was one.
    pub fn prune(&mut self, path: &[Step]) -> bool {
        let Some((step, rest)) = path.split_first() else { return false };
        match (step, &mut self.value) {
            (Step::Key(name), Value::Table(table)) if rest.is_empty() => table.remove(name).is_some(),
            (Step::Key(name), Value::Table(table)) => {
                table.get_mut(name).is_some_and(|entry| entry.node.prune(rest))
            }
            (Step::Index(index), Value::List(list)) if rest.is_empty() => {
                *index < list.len() && {
                    list.remove(*index);
                    true
                }
            }
            (Step::Index(index), Value::List(list)) => {
                list.get_mut(*index).is_some_and(|node| node.prune(rest))
            }
            _ => false,
        }
    }
}

/// The tree of one of the files, or what is wrong with its syntax.
pub fn parse(files: &Files, file: usize) -> Result<Node, Vec<Problem>> {
    let Some(text) = files.get(file).map(|file| file.text.as_str()) else { return Ok(Node::empty(file)) };
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let span = table.span();
        let at = At { file, start: span.start, end: span.end };
        return match convert_table(table.into_inner(), file, 0) {
            Ok(table) => Ok(Node { at, value: Value::Table(table) }),
            Err(at) => Err(vec![deep(files, at)]),
        };
    }
    let mut problems = Vec::new();
    for error in errors.iter().take(SYNTAX_MAX) {
        let span = error.span().unwrap_or_default();
        let at = At { file, start: span.start, end: span.end };
        let mut problem = Problem::error(files, at, String::new(), format!("not TOML: {}", error.message()));
        let (help, foreign) = syntax_help(error.message(), text, span.start);
        problem.help = help.into();
        if super::nearest::sounds_secret(&problem.source) || problem.source.contains("auth") {
            problem.source = blank(&problem.source);
        }
        problems.push(problem);
        // In another language everything that follows is the same mistake.
        if foreign {
            break;
        }
    }
    Err(problems)
}

fn deep(files: &Files, at: At) -> Problem {
    Problem::error(files, at, String::new(), "nested deeper than anything here can be").help(DEEP)
}

/// The line with its value hidden, byte by byte. Where the syntax is broken nothing says what is quoted, so all of it is.
fn blank(line: &str) -> String {
    let from = line.find('=').map_or(0, |at| at + 1);
    line.char_indices()
        .map(|(at, c)| if at < from { c.to_string() } else { "*".repeat(c.len_utf8()) })
        .collect()
}

/// What to do, and whether the whole file is in another language.
fn syntax_help(message: &str, text: &str, start: usize) -> (&'static str, bool) {
    let line = text
        .get(..start)
        .and_then(|before| before.rsplit('\n').next())
        .zip(text.get(start..).and_then(|after| after.split('\n').next()));
    let line = line.map(|(before, after)| format!("{before}{after}")).unwrap_or_default();
    if text.trim_start().starts_with('{') {
        return ("this looks like JSON; TOML is written  key = \"value\"", true);
    }
    if !line.contains('=') && (line.contains(": ") || line.trim_end().ends_with(':')) {
        return ("this looks like YAML; TOML is written  key = \"value\"", true);
    }
    let help = if message.contains("recurs") {
        DEEP
    } else if message.contains("duplicate key") {
        "a key or a table stands once in a file; several of a kind are written [[source]], with two brackets"
    } else if line.contains(['\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}']) {
        "write straight quotes, \"like this\""
    } else if message.contains("string") || message.contains("quoted") {
        "text stands in quotes: key = \"value\""
    } else if message.contains("escape") {
        "in \"double quotes\" a backslash is doubled; 'single quotes' take it as it is"
    } else {
        "one key = value to a line, tables as [name], text in quotes"
    };
    (help, false)
}

fn convert_table(table: DeTable<'_>, file: usize, depth: usize) -> Result<Table, At> {
    table
        .into_iter()
        .map(|(key, value)| {
            let span = key.span();
            let at = At { file, start: span.start, end: span.end };
            let node =
                convert(value, file, depth + 1).map_err(|inner| if depth == 0 { at } else { inner })?;
            Ok((key.into_inner().into_owned(), Entry { key: at, node }))
        })
        .collect()
}

fn convert(spanned: Spanned<DeValue<'_>>, file: usize, depth: usize) -> Result<Node, At> {
    let span = spanned.span();
    let at = At { file, start: span.start, end: span.end };
    if depth > DEPTH_MAX {
        return Err(at);
    }
    let value = match spanned.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Boolean(is) => Value::Bool(is),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Integer(int) => match i64::from_str_radix(int.as_str(), int.radix()) {
            Ok(number) => Value::Int(number),
            Err(_) => Value::Vast(int.as_str().to_owned()),
        },
        DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Array(list) => Value::List(
            list.into_iter().map(|item| convert(item, file, depth + 1)).collect::<Result<_, _>>()?,
        ),
        DeValue::Table(table) => Value::Table(convert_table(table, file, depth)?),
    };
    Ok(Node { at, value })
}
