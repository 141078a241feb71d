//! JSON lines with time, level, message and trace, in a file that is rotated before it grows large.

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Beyond this a log is put aside as `NAME.log.1`, bytes.
const ROTATE_AT: u64 = 8 * 1024 * 1024;

/// A log that any task of the process may write to. A line that cannot be written is lost: the service goes on.
pub struct Log {
    path: PathBuf,
    same: Vec<(&'static str, Value)>,
    open: Mutex<Option<Open>>,
}

struct Open {
    file: File,
    size: u64,
}

impl Log {
    /// A log at this path; `same` are the fields that stand in every line.
    pub fn new(path: &Path, same: Vec<(&'static str, Value)>) -> Self {
        Self { path: path.to_owned(), same, open: Mutex::new(None) }
    }

    /// Everything as it should be.
    pub fn info(&self, message: &str, fields: &[(&str, Value)]) {
        self.write("info", message, fields);
    }
    /// Worth a look.
    pub fn warn(&self, message: &str, fields: &[(&str, Value)]) {
        self.write("warn", message, fields);
    }
    /// Something failed.
    pub fn error(&self, message: &str, fields: &[(&str, Value)]) {
        self.write("error", message, fields);
    }

    fn write(&self, level: &str, message: &str, fields: &[(&str, Value)]) {
        let mut line = Map::new();
        line.insert("ts".into(), Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).into());
        line.insert("level".into(), level.into());
        line.insert("msg".into(), message.into());
        for (name, value) in self.same.iter().map(|(n, v)| (*n, v)).chain(fields.iter().map(|(n, v)| (*n, v)))
        {
            line.insert(name.into(), value.clone());
        }
        let text = format!("{}\n", Value::Object(line));
        let mut slot = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_some_and(|open| open.size > ROTATE_AT) {
            *slot = None;
            let _ = std::fs::rename(&self.path, self.path.with_extension("log.1"));
        }
        if slot.is_none() {
            *slot = OpenOptions::new().create(true).append(true).open(&self.path).ok().map(|file| {
                let size = file.metadata().map_or(0, |meta| meta.len());
                Open { file, size }
            });
        }
        if let Some(open) = slot.as_mut() {
            // One write a line: a reader never sees half of one.
            if open.file.write_all(text.as_bytes()).is_ok() {
                open.size = open.size.saturating_add(text.len() as u64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.log");
        let log = Log::new(&path, vec![("service", "checkout".into())]);
        log.warn("late\nvery", &[("duration_ms", 12.into())]);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1);
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((line["level"].as_str(), line["service"].as_str()), (Some("warn"), Some("checkout")));
        assert_eq!(line["msg"], "late\nvery");
    }
}
