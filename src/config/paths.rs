//! Paths of a file are relative to that file, and `~/` is the home directory.

use super::{
    problem::Files,
    tree::{Node, Value},
};
use std::path::Path;

/// Makes every path in one layer absolute.
pub fn absolute(tree: &mut Node, files: &Files, home: Option<&Path>) {
    walk(tree, &mut Vec::new(), files, home);
}

fn walk(node: &mut Node, path: &mut Vec<String>, files: &Files, home: Option<&Path>) {
    let file = node.at.file;
    match &mut node.value {
        Value::Table(table) => {
            for (key, entry) in table {
                path.push(key.clone());
                walk(&mut entry.node, path, files, home);
                path.pop();
            }
        }
        Value::List(list) => list.iter_mut().for_each(|node| walk(node, path, files, home)),
        Value::Text(text) if is_path(path, text) => {
            let dir = files.get(file).map_or(Path::new(""), |file| file.dir.as_path());
            *text = match (text.strip_prefix("~/"), home) {
                (Some(rest), Some(home)) => home.join(rest),
                _ => dir.join(text.as_str()),
            }
            .to_string_lossy()
            .into_owned();
        }
        _ => {}
    }
}

fn is_path(path: &[String], text: &str) -> bool {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    if text.is_empty() {
        return false;
    }
    match words.as_slice() {
        ["journal" | "runbook" | "source", "path"]
        | ["journal" | "source", "ca" | "cert" | "key"]
        | ["journal", "password", "file"]
        | ["evidence" | "runbook" | "source", "dir"]
        | ["ui", "keys"]
        | ["source", .., "file"]
        | ["target", _, "ca"]
        | ["audit", _, "path"]
        | ["audit" | "target", _, .., "file"] => true,
        ["severity", _, "runbook"] => !text.starts_with("builtin:"),
        ["ui", "theme"] => Path::new(text).extension().is_some_and(|end| end == "toml"),
        _ => false,
    }
}
