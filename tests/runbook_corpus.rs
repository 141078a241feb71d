//! Every runbook of the corpus against an outline that was read and found right, and hostile text against the parser.

#![allow(clippy::unwrap_used, reason = "a helper of a test that fails fails the test")]

use proptest::prelude::*;
use std::{fmt::Write as _, fs, path::PathBuf};
use warroom::{
    domain::plan::{Block, Ending, Lead, Runbook},
    runbook::parse,
};

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/runbooks");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

/// What was derived, in as few lines as tell it.
fn outline(runbook: &Runbook) -> String {
    let mut out = format!("title: {}\n", runbook.title);
    for input in &runbook.front.inputs {
        let _ = writeln!(
            out,
            "input: {} default={:?} choices={:?} secret={}",
            input.name, input.default, input.choices, input.secret
        );
    }
    for section in &runbook.sections {
        let _ = writeln!(
            out,
            "{} {} #{} {:?} line {}",
            "#".repeat(section.level.into()),
            section.title,
            section.id,
            section.role,
            section.line
        );
        for line in section.text.lines().filter(|l| !l.is_empty()) {
            let _ = writeln!(out, "    ~ {line}");
        }
        for step in &section.steps {
            let _ = write!(
                out,
                "  - [{}] {} #{} {:?} line {}",
                if step.ticked { 'x' } else { ' ' },
                step.title,
                step.id,
                step.origin,
                step.line
            );
            out.push_str(if step.conditional { " conditional\n" } else { "\n" });
            if let Some(a) = &step.approval {
                let _ = writeln!(
                    out,
                    "      approval {:?} by {:?} n={} within={:?}",
                    a.text,
                    a.by.roles,
                    a.by.n,
                    a.by.within.map(|s| s.to_string())
                );
            }
            match &step.lead {
                Some(Lead::Decide(choices)) => {
                    for c in choices {
                        let _ = writeln!(out, "      {} -> #{}", c.label, c.to);
                    }
                }
                Some(Lead::Wait(span)) => {
                    let _ = writeln!(out, "      wait {:?}", span.map(|s| s.to_string()));
                }
                Some(Lead::Confirm(by)) => {
                    let _ = writeln!(out, "      confirm {:?} n={}", by.roles, by.n);
                }
                Some(Lead::Approve(by)) => {
                    let _ = writeln!(out, "      approve {:?} n={}", by.roles, by.n);
                }
                None => {}
            }
            for line in step.text.lines().filter(|l| !l.is_empty()) {
                let _ = writeln!(out, "      ~ {line}");
            }
            for block in &step.blocks {
                outline_block(&mut out, block);
            }
        }
        match section.ending {
            Some(Ending::End) => out.push_str("  END\n"),
            Some(Ending::Stop) => out.push_str("  STOP\n"),
            None => {}
        }
    }
    for lint in &runbook.lints {
        let _ = writeln!(out, "lint {}: {:?}[{}] {}", lint.line, lint.level, lint.code, lint.message);
    }
    out
}

fn outline_block(out: &mut String, block: &Block) {
    let _ = write!(out, "      {:?} {:?} #{} line {}", block.kind, block.lang, block.id, block.line);
    let mut full = serde_json::to_value(block).unwrap();
    let map = full.as_object_mut().unwrap();
    for known in ["id", "lang", "kind", "code", "sample", "line"] {
        map.remove(known);
    }
    map.retain(|_, v| !(v == false || v == "low" || v == "stop"));
    if !map.is_empty() {
        let _ = write!(out, " {full}");
    }
    out.push('\n');
    for line in block.code.lines() {
        let _ = writeln!(out, "        | {}", line.escape_debug());
    }
    for line in block.sample.lines() {
        let _ = writeln!(out, "        : {}", line.escape_debug());
    }
}

#[test]
fn every_file_reads_as_it_was_found_right() {
    let files = corpus();
    assert!(files.len() >= 40, "the corpus has {} files", files.len());
    for (name, bytes) in files {
        insta::assert_snapshot!(name.trim_end_matches(".md"), outline(&parse(&name, &bytes)));
    }
}

#[test]
fn the_example_is_without_fault() {
    let (name, bytes) = corpus().into_iter().find(|(n, _)| n == "annotated_rollback.md").unwrap();
    assert_eq!(parse(&name, &bytes).lints, []);
}

#[test]
fn a_plan_survives_json() {
    for (name, bytes) in corpus() {
        let runbook = parse(&name, &bytes);
        let json = serde_json::to_string(&runbook).unwrap();
        assert_eq!(serde_json::from_str::<Runbook>(&json).unwrap(), runbook, "{name}");
    }
}

/// Whatever the text: names are unique, lines lie in the file, and no code was made up.
fn holds(bytes: &[u8]) -> Result<(), TestCaseError> {
    let runbook = parse("fuzz.md", bytes);
    let text =
        String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}").replace("\r\n", "\n").replace('\r', "\n");
    let lines = u32::try_from(text.split('\n').count()).unwrap();
    let mut steps = std::collections::HashSet::new();
    let mut blocks = std::collections::HashSet::new();
    for step in runbook.steps() {
        prop_assert!(steps.insert(step.id.clone()), "step {} twice", step.id);
        prop_assert!(step.line >= 1 && step.line <= lines, "line {} of {lines}", step.line);
        prop_assert!(!step.title.contains('\n'));
        for block in &step.blocks {
            prop_assert!(blocks.insert(block.id.clone()), "block {} twice", block.id);
            // tabs in a container's indentation are expanded, so lines are compared without what is at their start
            for line in block.code.lines().chain(block.sample.lines().filter(|l| !l.contains('<'))) {
                let line = line.trim();
                let shown = warroom::domain::text::block(&text);
                prop_assert!(text.contains(line) || shown.contains(line), "{line:?} is not in the file");
            }
        }
    }
    for lint in &runbook.lints {
        prop_assert!(lint.line <= lines, "lint line {} of {lines}: {}", lint.line, lint.code);
    }
    Ok(())
}

/// Pieces that runbooks are made of, so that arbitrary text gets past the first line.
const PIECES: &[&str] = &[
    "# T\n",
    "\n",
    "## Diagnosis\n",
    "1. ",
    "2. ",
    "- [ ] ",
    "   ",
    "```sh\n",
    "```\n",
    "````bash { name=a kind=guard }\n",
    "~~~\n",
    "$ ls\n",
    "# ls\n",
    "sh-5.1$ id\n",
    "**APPROVE** (by=ic n=1) x\n",
    "**DECIDE** y\n",
    "- a → [b](#c)\n",
    "**END**\n",
    "**STOP**",
    "---\n",
    "+++\n",
    "warroom:\n  inputs:\n    - {name: A}\n",
    "<name>",
    "<<EOF\n",
    "EOF\n",
    "\\ \n",
    "> ",
    "\t",
    "\r\n",
    "\u{feff}",
    "{",
    "}",
    "\"",
    "'",
    "|a|b|\n|-|-|\n",
    "<div>\n",
    "<!--",
    "If x\n",
    "words ",
    "Example output:\n",
    "é",
    "\0",
    "***",
    "`",
    "[x](y)",
    "&amp;",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        holds(&bytes)?;
    }

    #[test]
    fn arbitrary_runbooks_are_read(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60)) {
        holds(pieces.concat().as_bytes())?;
    }

    #[test]
    fn a_mutated_corpus_is_read(
        pick in any::<proptest::sample::Index>(),
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), 0_usize..12, proptest::sample::select(PIECES)), 1..8),
    ) {
        let files = corpus();
        let mut bytes = pick.get(&files).1.clone();
        for (at, len, piece) in cuts {
            let at = at.index(bytes.len() + 1);
            let end = (at + len).min(bytes.len());
            bytes.splice(at..end, piece.bytes());
        }
        holds(&bytes)?;
    }
}
