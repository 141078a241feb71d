//! `[journal]`: a file, or a database that several machines share.

use super::{
    check::{Judge, key},
    checkpoint::{self, Checkpoint},
    secret::Secret,
    tree::{Entry, Node, Value},
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

/// Where the journal is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Journal {
    /// The journal's file. Not set: the room's own state directory.
    pub path: Option<PathBuf>,
    /// A PostgreSQL in place of a file, without a password: `postgres://user@a,b:5433/name`. Of several hosts the one
    /// that takes writes is used. `sslmode=` is `require` unless the hosts are this machine.
    pub url: Option<String>,
    /// Where the role's password is.
    pub password: Option<Secret>,
    /// Certificates of who may sign the server's, PEM. Not set: those that the system trusts.
    pub ca: Option<PathBuf>,
    /// The role's own certificate, PEM.
    pub cert: Option<PathBuf>,
    /// The key of that certificate, PEM.
    pub key: Option<PathBuf>,
    /// What an acknowledged event of a database survives.
    pub durability: Durability,
    /// Whether a room keeps a copy of a database's journal on its own disk, to start on and to read from while the database
    /// is out of reach. Not set: it does.
    pub mirror: Option<bool>,
    /// Signed heads, by which a cut end and a record written anew are found.
    pub checkpoint: Checkpoint,
}

/// What an acknowledged event of a database survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// The loss of the server; one without a synchronous standby is refused.
    #[default]
    Replicated,
    /// A crash of the server, not the loss of its disk.
    Local,
}

/// How it may be written: a table, or in short only where it is.
#[derive(JsonSchema)]
#[schemars(untagged, rename = "JournalForm")]
#[allow(dead_code, reason = "it is there for the schema alone")]
pub(super) enum Form {
    /// A file's path, or the address of a PostgreSQL.
    Short(String),
    /// With everything else.
    Table(Journal),
}

/// Writes `journal = "…"` out as the table that it means.
pub(super) fn written_out(tree: &mut Node) {
    let Value::Table(table) = &mut tree.value else { return };
    let Some(entry) = table.get_mut("journal") else { return };
    let Value::Text(text) = &entry.node.value else { return };
    let name = if is_address(text) { "url" } else { "path" };
    let inner = Entry { key: entry.key, node: entry.node.clone() };
    entry.node.value = Value::Table(BTreeMap::from([(name.to_owned(), inner)]));
}

fn is_address(text: &str) -> bool {
    text.contains("://")
}

/// What is wrong with it.
pub(super) fn check(judge: &mut Judge<'_>) {
    checkpoint::check(judge);
    let journal = judge.config.journal.clone();
    if let Some(url) = &journal.url {
        judge.database(&key!["journal", "url"], url);
        if journal.path.is_some() {
            judge.wrong(
                &key!["journal", "url"],
                "the journal is in one place, and path names another",
                "keep one of url and path",
            );
        }
    }
    if let Some(password) = &journal.password {
        judge.secret(&key!["journal", "password"], password);
    }
    let of_database: [(&str, bool); 5] = [
        ("password", journal.password.is_some()),
        ("ca", journal.ca.is_some()),
        ("cert", journal.cert.is_some()),
        ("key", journal.key.is_some()),
        ("mirror", journal.mirror.is_some()),
    ];
    for (name, set) in of_database {
        if set && journal.url.is_none() {
            let what = format!("{name} is for a database, and the journal is a file");
            judge.wrong(
                &key!["journal", name],
                what,
                "name the database: url = \"postgres://user@host/name\"",
            );
        }
    }
    for (name, other, missing) in [
        ("cert", "key", journal.cert.is_some() && journal.key.is_none()),
        ("key", "cert", journal.key.is_some() && journal.cert.is_none()),
    ] {
        if missing {
            let what = format!("{name} alone proves nothing");
            judge.wrong(&key!["journal", name], what, format!("name the {other} too"));
        }
    }
    for (name, path) in [("ca", &journal.ca), ("cert", &journal.cert), ("key", &journal.key)] {
        if let Some(path) = path
            && !(judge.world.exists)(path)
        {
            let what = format!("there is no {}", path.display());
            judge.wrong(&key!["journal", name], what, "a PEM file that the room may read");
        }
    }
}
