//! What a walk would run, and what is approved, for people to read before it happens.

use crate::{
    cli::exit,
    domain::{
        State,
        id::WalkId,
        plan::{Block, BlockKind, Choice, Lead, Runbook, Step},
        text,
        walk::{self, Walk, approval, filled},
    },
    runbook,
};
use std::{collections::BTreeMap, fmt::Write as _};

/// Says on standard error what exactly an approval is for.
pub(super) fn asked(state: &State, walk: WalkId, step: &str) {
    let Some(known) = state.walks.get(&walk) else { return };
    let Some((step, asked)) = known.runbook.step(step).zip(known.state(step).asked) else { return };
    eprintln!("{} asks, for step {:?}: {}", asked.requester, known.title(step), known.filled(&asked.text));
    for (name, value) in known.entered(&step.id) {
        eprintln!("  {name}={}", text::line(value));
    }
    for block in step.blocks.iter().filter(|b| !matches!(b.kind, BlockKind::Sample | BlockKind::Undo)) {
        let edited = if known.edits.contains_key(&block.id) { ", EDITED" } else { "" };
        eprintln!(
            "  # {} {} on {}{edited}",
            word(block.kind),
            block.id,
            block.host.as_deref().unwrap_or("local")
        );
        for line in known.as_shown(step, block).lines() {
            eprintln!("  {}", text::line(line));
        }
    }
}

/// What a step would run: every block with its code as it will run, where, and the values it runs with.
pub(super) fn would_run(walk: &Walk, step: &Step, (undo, again): (bool, bool)) -> String {
    let mut out = String::new();
    let title = walk.title(step);
    let how = match (undo, again) {
        (true, _) => ", its undo",
        (false, true) => ", again",
        (false, false) => "",
    };
    let _ = writeln!(out, "# step {} {:?}{how}, of {}", step.id, title, text::line(&walk.runbook.source));
    for (name, value) in walk.values(&step.id) {
        let by = walk.givers.get(&name).map(|by| format!("  # by {by}")).unwrap_or_default();
        let _ = writeln!(out, "{name}={}{by}", text::line(&value));
    }
    for block in step.blocks.iter().filter(|block| block.kind != BlockKind::Sample) {
        let host = block.host.as_deref().unwrap_or("local");
        let place = walk.runbook.front.targets.get(host).map_or(host, String::as_str);
        let edited = match walk.editors.get(&block.id) {
            Some(by) => {
                let by: Vec<_> = by.iter().map(|by| by.name.as_str()).collect();
                format!(", EDITED by {}", text::line(&by.join(", ")))
            }
            None => String::new(),
        };
        let _ = writeln!(out, "# {} {} on {}{edited}", word(block.kind), block.id, text::line(place));
        let _ = writeln!(out, "{}", text::block(&walk.as_shown(step, block)));
    }
    let _ = write!(out, "# digest {}", walk::shown(walk, step, undo, again));
    out
}

/// Prints what a step would run, and the digest by which it is taken.
pub(super) fn step(walk: &Walk, slug: &str, (undo, again): (bool, bool), json: bool) {
    let Some(step) = walk.runbook.step(slug) else { return };
    if json {
        let code =
            |block: &Block| serde_json::json!({ "block": block.id, "code": walk.as_shown(step, block) });
        let blocks: Vec<_> = step.blocks.iter().map(code).collect();
        let shown = walk::shown(walk, step, undo, again);
        exit::print(&serde_json::json!({
            "walk": walk.id, "step": slug, "shown": shown, "values": walk.values(slug), "blocks": blocks,
        }));
    } else {
        exit::say(would_run(walk, step, (undo, again)));
    }
}

fn roles(roles: &[String]) -> String {
    if roles.is_empty() { "anybody else".into() } else { roles.join(" or ") }
}

pub(super) fn branches(step: &Step) -> &[Choice] {
    match &step.lead {
        Some(Lead::Decide(choices)) => choices,
        _ => &[],
    }
}

/// Prints what would run; each block begins with `mark`.
pub(super) fn dry_run(name: &str, inputs: &[String], mark: &str) -> u8 {
    let runbook = match super::load(name) {
        Ok(runbook) => runbook,
        Err(why) => {
            eprintln!("{why}");
            return exit::USAGE;
        }
    };
    let given = match super::pairs(inputs) {
        Ok(given) => given,
        Err(refusal) => {
            eprintln!("{refusal}");
            return exit::USAGE;
        }
    };
    plan(&runbook, &given, mark)
}

/// Prints what would run of a runbook, with these values; each block begins with `mark`.
pub(super) fn plan(runbook: &Runbook, given: &BTreeMap<String, String>, mark: &str) -> u8 {
    let values = match runbook::resolve(runbook, given) {
        Ok(values) => values,
        Err(problems) => {
            for problem in problems {
                eprintln!("{problem}");
            }
            return exit::REFUSED;
        }
    };
    let secret = |name: &str| runbook.front.inputs.iter().any(|input| input.name == name && input.secret);
    let known =
        |words: &str| filled(words, |name| values.get(name).map(String::as_str).filter(|_| !secret(name)));
    let mut out = String::new();
    for (name, value) in &values {
        let value = if secret(name) { "(secret)".into() } else { text::line(value) };
        let _ = writeln!(out, "{name}={value}");
    }
    for section in &runbook.sections {
        for step in &section.steps {
            let _ = writeln!(out, "\n## {}: {}", section.title, known(&step.title));
            if let Some((sentence, by)) = approval::wanted(step) {
                let _ = writeln!(out, "# APPROVE by {} of {}: {}", by.n, roles(&by.roles), known(sentence));
            }
            for choice in branches(step) {
                let _ = writeln!(out, "# {} goes on with {}", choice.label, choice.to);
            }
            out.push_str(&blocks(runbook, step, &values, mark, |block| &block.code));
        }
    }
    // Whoever reads may have seen enough before the end.
    exit::say(out.trim_end());
    exit::DONE
}

/// A step's blocks with the values filled in, as they are copied; each begins with `mark`.
pub(super) fn blocks<'a>(
    runbook: &Runbook,
    step: &'a Step,
    values: &BTreeMap<String, String>,
    mark: &str,
    code: impl Fn(&'a Block) -> &'a str,
) -> String {
    let mut out = String::new();
    for block in &step.blocks {
        let script = code(block);
        let host = block.host.as_deref().unwrap_or("local");
        let place = runbook.front.targets.get(host).map_or(host, String::as_str);
        let _ = writeln!(out, "# {mark}{} {} on {}", word(block.kind), block.id, text::line(place));
        match runbook::fill(script, values) {
            Ok(code) => drop(writeln!(out, "{}", text::block(&code))),
            Err(error) => drop(writeln!(out, "# fill in first: {error}\n{}", text::block(script))),
        }
    }
    out
}

fn word(kind: BlockKind) -> &'static str {
    match kind {
        BlockKind::Guard => "guard",
        BlockKind::Check => "check",
        BlockKind::Run => "run",
        BlockKind::Verify => "verify",
        BlockKind::Expect => "expect",
        BlockKind::Undo => "undo",
        BlockKind::Sample => "sample, never run:",
    }
}
