//! One layer over another. Tables are joined key by key; of the lists of named things a later one of the same name
//! replaces the earlier and others are added; every other value is replaced.

use super::{
    problem::{Files, Problem},
    tree::{At, Entry, Node, Table, Value},
};
use crate::domain::severity::Severity;

/// Lists whose members are told apart by one of these keys.
const NAMED: [(&str, &[&str]); 3] =
    [("source", &["name"]), ("panel", &["name"]), ("runbook", &["path", "dir"])];

/// Puts `over` on `base`.
pub fn merge(base: &mut Node, over: Node) {
    let at = over.at;
    let over = super::read::table(over);
    if let Value::Table(table) = &mut base.value {
        for (name, entry) in over {
            let named = NAMED.iter().find(|(list, _)| *list == name).map(|(_, keys)| *keys);
            join(table, name, entry, named);
        }
        base.at = at;
    }
}

fn join(table: &mut Table, name: String, entry: Entry, named: Option<&[&str]>) {
    let Some(old) = table.get_mut(&name) else {
        table.insert(name, entry);
        return;
    };
    let Entry { key, node: Node { at, value } } = entry;
    match (&mut old.node.value, value) {
        (Value::Table(below), Value::Table(above)) => {
            for (name, entry) in above {
                join(below, name, entry, None);
            }
            (old.key, old.node.at) = (key, at);
        }
        (Value::List(below), Value::List(above)) if named.is_some() => {
            let keys = named.unwrap_or_default();
            // Only what an earlier layer said is replaced: two of one name in one file are told as a mistake.
            let earlier: Vec<(Vec<Option<String>>, usize)> =
                below.iter().enumerate().map(|(i, node)| (identity(node, keys), i)).collect();
            for node in above {
                let who = identity(&node, keys);
                let place = earlier.iter().find(|(old, _)| *old == who && who.iter().any(Option::is_some));
                match place.and_then(|(_, i)| below.get_mut(*i)) {
                    Some(old) if old.at.file != node.at.file => *old = node,
                    _ => below.push(node),
                }
            }
            (old.key, old.node.at) = (key, at);
        }
        (_, value) => *old = Entry { key, node: Node { at, value } },
    }
}

fn identity(node: &Node, keys: &[&str]) -> Vec<Option<String>> {
    keys.iter()
        .map(|key| match node.get(key).map(|entry| &entry.node.value) {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        })
        .collect()
}

/// Writes the severities of a layer in one way, so that `sev-1` of one file is `SEV1` of another.
pub fn severities(tree: &mut Node, files: &Files, problems: &mut Vec<Problem>) {
    let Value::Table(root) = &mut tree.value else { return };
    let Some(Value::Table(rows)) = root.get_mut("severity").map(|entry| &mut entry.node.value) else {
        return;
    };
    for (name, entry) in std::mem::take(rows) {
        let same = name.parse::<Severity>().map_or(name.clone(), |severity| severity.to_string());
        if let Some(other) = rows.get(&same) {
            let line = Problem::error(files, other.key, String::new(), "").line;
            problems.push(twice(files, entry.key, &format!("severity.{name}"), &same, line));
            continue;
        }
        rows.insert(same, entry);
    }
}

fn twice(files: &Files, at: At, key: &str, name: &str, line: usize) -> Problem {
    Problem::error(files, at, key.to_owned(), format!("{name} is described twice"))
        .help(format!("join it with line {line}"))
}
