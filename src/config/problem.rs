//! What is wrong, where, and what to do about it.

use super::tree::At;
use serde::Serialize;
use std::{fmt, path::PathBuf};

/// A file that takes part, or what stands for one: the built-in defaults, the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// As it is shown.
    pub name: String,
    /// What paths in it are relative to.
    pub dir: PathBuf,
    /// What stands in it.
    pub text: String,
}

/// The files in the order of their layers, the weakest first.
pub type Files = Vec<File>;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Nothing starts with it.
    Error,
    /// It works, and is probably not what was meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How much it matters.
    pub level: Level,
    /// File as it is shown.
    pub file: String,
    /// Line from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
    /// The key, `source[1].url`.
    pub key: String,
    /// What.
    pub what: String,
    /// What to do.
    pub help: String,
    /// Text of the line, for the picture.
    #[serde(skip)]
    pub(super) source: String,
    /// Bytes of that line that are meant.
    #[serde(skip)]
    pub(super) mark: (usize, usize),
    /// Whether what the line says in quotes must not be shown.
    #[serde(skip)]
    pub(super) mask: bool,
}

impl Problem {
    /// An error at a place of a file.
    pub fn error(files: &Files, at: At, key: String, what: impl Into<String>) -> Self {
        let file = files.get(at.file);
        let text = file.map(|file| file.text.as_str()).unwrap_or_default();
        let start = (0..=at.start.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        let (before, after) = text.split_at(start);
        let head = before.rsplit('\n').next().unwrap_or_default();
        let tail = after.split('\n').next().unwrap_or_default();
        let long = at.end.saturating_sub(start).clamp(1, tail.trim_end().len().max(1));
        Self {
            level: Level::Error,
            file: file.map(|file| file.name.clone()).unwrap_or_default(),
            line: before.matches('\n').count() + 1,
            column: head.trim_start_matches('\u{feff}').chars().count() + 1,
            key: short(key),
            what: short(what.into()),
            help: String::new(),
            source: format!("{head}{}", tail.trim_end()),
            mark: (head.len(), head.len() + long),
            mask: false,
        }
    }

    /// An error of a file as a whole.
    pub fn of_file(name: impl Into<String>, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            level: Level::Error,
            file: name.into(),
            line: 0,
            column: 0,
            key: String::new(),
            what: what.into(),
            help: help.into(),
            source: String::new(),
            mark: (0, 0),
            mask: false,
        }
    }

    /// With what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = short(help.into());
        self
    }

    /// As a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.level = Level::Warning;
        self
    }

    /// With what stands in quotes hidden.
    #[must_use]
    pub fn masked(mut self) -> Self {
        self.mask = true;
        self
    }
}

/// Most characters of one sentence; what was found is quoted in it and may be endless.
const SENTENCE_MAX: usize = 240;

fn short(text: String) -> String {
    match text.char_indices().nth(SENTENCE_MAX) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text,
    }
}

/// All that is wrong, in the order of files and lines.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Each.
    pub problems: Vec<Problem>,
}

impl Report {
    /// A report in order, each problem once.
    pub fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by(|a, b| {
            (a.level, &a.file, a.line, a.column, &a.what).cmp(&(b.level, &b.file, b.line, b.column, &b.what))
        });
        problems.dedup();
        Self { problems }
    }

    /// Whether nothing can start with it.
    pub fn broken(&self) -> bool {
        self.errors() > 0
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.problems.iter().filter(|problem| problem.level == Level::Error).count()
    }
}

impl From<Problem> for Report {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Report {}
