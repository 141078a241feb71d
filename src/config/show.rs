//! What is in force, and where each value came from.

use super::{
    load::Loaded,
    problem::Problem,
    tree::{Node, Step, Value, written},
};
use serde::Serialize;
use std::fmt::Write as _;

/// A value that is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The key, `source[1].url`.
    pub key: String,
    /// As it would be written.
    pub value: String,
    /// `FILE:LINE`, `built-in defaults:LINE`, or `command line:LINE`.
    pub origin: String,
}

impl Loaded {
    /// Every value that is in force, in the order of keys. Secrets appear as where they are.
    pub fn settings(&self) -> Vec<Setting> {
        let mut out = Vec::new();
        self.collect(&self.tree, &mut Vec::new(), &mut out);
        out
    }

    /// The same as text, one line each.
    pub fn show(&self) -> String {
        let mut out = String::new();
        for Setting { key, value, origin } in self.settings() {
            let _ = writeln!(out, "{key} = {value}  # {origin}");
        }
        out
    }

    fn collect(&self, node: &Node, path: &mut Vec<Step>, out: &mut Vec<Setting>) {
        match &node.value {
            Value::Table(table) if !table.is_empty() => {
                for (key, entry) in table {
                    path.push(Step::Key(key.clone()));
                    self.collect(&entry.node, path, out);
                    path.pop();
                }
            }
            Value::List(list) if list.iter().any(|node| matches!(node.value, Value::Table(_))) => {
                for (index, node) in list.iter().enumerate() {
                    path.push(Step::Index(index));
                    self.collect(node, path, out);
                    path.pop();
                }
            }
            _ if path.is_empty() => {}
            _ => {
                let Problem { file, line, .. } = Problem::error(&self.files, node.at, String::new(), "");
                let origin = format!("{}:{line}", crate::domain::text::line(&file));
                out.push(Setting { key: written(path), value: value(node), origin });
            }
        }
    }
}

fn value(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => quoted(text),
        Value::Int(n) => n.to_string(),
        Value::Float(n) => n.to_string(),
        Value::Bool(is) => is.to_string(),
        Value::Date(text) | Value::Vast(text) => text.clone(),
        Value::List(list) => format!("[{}]", list.iter().map(value).collect::<Vec<_>>().join(", ")),
        Value::Table(_) => "{}".into(),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(crate::domain::text::line(text).into_owned()).to_string()
}
