//! The table as documentation.

use super::{Group, Spec, keymap, table};
use std::fmt::Write as _;

/// The commands of a chapter.
pub fn chapter(group: Group) -> impl Iterator<Item = &'static Spec> {
    table::all().filter(move |spec| spec.group == group)
}

/// A command as one types it: `task <who> [<within>] <text>`.
pub fn usage(spec: &Spec) -> String {
    let mut out = spec.name.to_owned();
    for arg in spec.args {
        let _ = if arg.optional { write!(out, " [{}]", arg.name) } else { write!(out, " <{}>", arg.name) };
    }
    out
}

fn keys(spec: &Spec) -> String {
    let keys: Vec<_> = spec
        .keys
        .iter()
        .filter_map(|key| key.parse().ok())
        .map(|key| format!("`{}`", keymap::shown(key).replace('|', "\\|")))
        .collect();
    keys.join(" ")
}

/// A command with its keys, in Markdown: `n` or `:note`.
pub fn shown(spec: &Spec) -> String {
    format!("{} `:{}`", keys(spec), spec.name).trim_start().to_owned()
}

/// All keys and commands as Markdown: what `warroom keys` prints and `docs/keys.md` holds.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Keys and commands\n\nEvery command has a name in the palette (`:`); many have a key. A file with `[keys]` and lines like `\"ctrl-x\" = \"note\"` changes keys, `\"nothing\"` takes one away.\n",
    );
    for group in Group::ALL {
        let _ = write!(out, "\n## {}\n\n| key | command | what it does |\n|---|---|---|\n", group.title());
        for spec in chapter(group) {
            let _ = writeln!(out, "| {} | `{}` | {} |", keys(spec), usage(spec), spec.doc);
        }
    }
    out
}
