//! Markdown to a plan: parse, derive (layers 0 to 3), lint. Pure.
//!
//! [`parse`] takes any bytes and never fails: what is wrong with a file is said in its lints, with a line, and
//! what can be walked is walked.

pub mod builtin;
pub mod derive;
pub mod fence;
pub mod front;
pub mod info;
pub mod lead;
pub mod lint;
pub mod looks;
pub mod mend;
pub mod naming;
pub mod outside;
pub mod prompt;
pub mod prose;
pub mod rejoin;
pub mod resolve;
pub mod role;
pub mod slug;
pub mod source;
pub mod step;
pub mod tree;

pub use crate::domain::placeholder::{FillError, fill};
pub use builtin::{BUILTIN, builtin, is_builtin};
pub use lint::lint;
pub use resolve::{InputProblem, resolve};

use crate::domain::{
    id::Digest,
    plan::{Lint, Runbook, Section},
    text,
};
use lint::Lints;
use sha2::{Digest as _, Sha256};

/// Reads a runbook. Never fails and never panics; problems are in `lints`, ordered by line. `source_name` is kept
/// for people to read and names a runbook that has no title.
pub fn parse(source_name: &str, bytes: &[u8]) -> Runbook {
    let mut lints = Lints::default();
    let loaded = source::read(bytes, &mut lints);
    let (front, front_title) = match &loaded.front {
        Some(raw) => front::read(raw, &mut lints),
        None => <_>::default(),
    };
    let mended = mend::mend(&loaded.body, loaded.base, &mut lints);
    let doc = tree::read(&mended, loaded.base);
    let mut sections = derive::sections(&doc, &mut lints);
    naming::name(&mut sections, &mut lints);
    let title = title(&sections, front_title, source_name);
    let mut runbook = Runbook {
        title,
        source: text::line(source_name).into_owned(),
        hash: Digest(Sha256::digest(bytes).into()),
        front,
        sections,
        lints: Vec::new(),
    };
    let mut all = lints.into_vec();
    all.extend(lint(&runbook));
    all.sort_by(|a, b| {
        let order = |lint: &Lint| (lint.line, std::cmp::Reverse(lint.level));
        order(a).cmp(&order(b)).then_with(|| (&a.code, a.column).cmp(&(&b.code, b.column)))
    });
    all.dedup_by(|a: &mut Lint, b: &mut Lint| a == b);
    runbook.lints = all;
    runbook
}

/// The first heading of level 1, else the front matter's title, else the first heading, else the file's name.
fn title(sections: &[Section], front: Option<String>, source: &str) -> String {
    let of = |wanted: &dyn Fn(&Section) -> bool| {
        sections.iter().find(|s| wanted(s) && !s.title.is_empty()).map(|s| s.title.clone())
    };
    of(&|s| s.level == 1).or(front.filter(|t| !t.is_empty())).or_else(|| of(&|s| s.level > 0)).unwrap_or_else(
        || {
            let name = source.rsplit(['/', '\\']).next().unwrap_or(source);
            let stem = name.strip_suffix(".md").or_else(|| name.strip_suffix(".markdown")).unwrap_or(name);
            if stem.is_empty() { "runbook".to_owned() } else { text::line(stem).into_owned() }
        },
    )
}
