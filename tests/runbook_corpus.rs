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

fn of(name: &str) -> Runbook {
    let (name, bytes) = corpus().into_iter().find(|(n, _)| *n == format!("{name}.md")).unwrap();
    parse(&name, &bytes)
}

/// The derivation rules of plain Markdown, each with the files that show it.
#[test]
fn every_derivation_rule_has_its_files() {
    use warroom::domain::plan::{BlockKind, Origin, SectionRole};
    let made_by = |book: &Runbook, origin| book.steps().filter(|step| step.origin == origin).count();
    // D1: headings say what a section is for.
    let book = of("plain_alert");
    let roles: Vec<_> = book.sections.iter().skip(1).map(|section| section.role).collect();
    assert_eq!(roles[..2], [SectionRole::Context; 2], "D1");
    assert_eq!(roles[2..4], [SectionRole::Action; 2], "D1");
    assert!(book.sections.iter().all(|s| s.role != SectionRole::Context || s.steps.is_empty()), "D1");
    // D2: top-level task items and numbered items are steps, with what is nested in them.
    assert_eq!(made_by(&of("list_54"), Origin::Numbered), 54, "D2");
    assert!(made_by(&of("crlf"), Origin::Task) == 2 && of("plain_numbered").steps().count() == 3, "D2");
    assert_eq!(of("five_deep").steps().count(), 2, "D2: what is nested belongs to its item");
    // D3: code outside a list is a step, titled by the paragraph before it.
    let book = of("openshift_style");
    assert!(book.steps().any(|step| step.origin == Origin::Code && step.title == "List the nodes"), "D3");
    // D4: a list that unindented code broke is one list, and the code belongs to the item before it.
    for name in ["broken_list", "broken_list_ones", "under_indented_ten"] {
        let book = of(name);
        assert_eq!(made_by(&book, Origin::Code), 0, "D4 {name}");
        assert!(
            book.steps().any(|step| step.origin == Origin::Numbered && !step.blocks.is_empty()),
            "D4 {name}"
        );
    }
    // D5: bullets, else paragraphs, of an action section that has nothing else.
    assert!(made_by(&of("plain_alert_bullets"), Origin::Bullet) == 5, "D5");
    assert!(made_by(&of("plain_alert"), Origin::Paragraph) == 2, "D5");
    // D6: what is introduced as output, and unprompted lines beside prompted ones, are shown and never run.
    let book = of("output_sample");
    let samples = book.steps().flat_map(|s| &s.blocks).filter(|b| b.kind == BlockKind::Sample).count();
    assert_eq!(samples, 2, "D6");
    let book = of("prompts");
    assert!(book.steps().flat_map(|s| &s.blocks).any(|b| b.sample.contains("CrashLoopBackOff")), "D6");
    // D7: If, When and Otherwise make a step conditional.
    let conditional: Vec<_> = of("conditional").steps().map(|step| step.conditional).collect();
    assert_eq!(conditional, [true, true, true, false, true], "D7");
    // D8: nothing found: every section is read as something to do.
    for name in ["no_action_words", "only_prose"] {
        let book = of(name);
        assert!(book.steps().count() > 1 && book.lints.iter().any(|l| l.code == "no-action"), "D8 {name}");
    }
}

/// What real files do to a reader, each with a file in which it happens and what is then said or done.
#[test]
fn every_trap_has_its_file() {
    let traps: [(&str, &str, &str, usize); 24] = [
        ("unclosed fences", "unclosed_fence", "unclosed-fence", 3),
        ("an unclosed fence that swallows what follows", "unclosed_swallows", "fence-in-fence", 1),
        ("fences closed by too few backticks", "short_fence", "short-fence", 2),
        ("fences of tildes", "tilde_fence", "", 1),
        ("a blank after the last backslash", "continuation", "broken-continuation", 1),
        ("PromQL and output in a bash fence", "not_shell", "not-shell", 4),
        ("prompts mixed with output", "prompts", "root-prompt", 4),
        ("prompts of several shells", "two_shells", "several-shells", 1),
        ("comments that look like root's prompt", "comments_not_prompts", "", 1),
        ("54 items", "list_54", "", 54),
        ("lists five deep", "five_deep", "", 1),
        ("deeper than anybody writes", "deep_hostile", "", 1),
        ("no H1", "no_h1", "no-title", 1),
        ("several H1", "several_h1", "several-titles", 1),
        ("CRLF", "crlf", "", 2),
        ("BOM", "bom", "bom", 1),
        ("non-UTF-8", "latin1", "not-utf8", 1),
        ("NUL bytes", "nul_bytes", "", 1),
        ("front matter that never closes", "front_open", "front-matter-open", 1),
        ("front matter that is no YAML", "front_bad_yaml", "front-matter", 1),
        ("front matter that explodes", "front_laughs", "front-matter", 1),
        ("Go templates", "go_template", "", 1),
        ("characters that hide", "hidden_characters", "hidden-character", 1),
        ("nothing at all", "nothing", "empty", 0),
    ];
    for (trap, name, code, steps) in traps {
        let book = of(name);
        assert!(book.steps().count() >= steps, "{trap}: {} steps", book.steps().count());
        assert!(
            code.is_empty() || book.lints.iter().any(|lint| lint.code == code),
            "{trap}: {:?}",
            book.lints
        );
    }
    let laughs = of("front_laughs");
    assert!(laughs.lints.iter().any(|lint| lint.message.contains("budget breached")), "{:?}", laughs.lints);
    let book = of("go_template");
    assert!(book.steps().flat_map(|s| &s.blocks).any(|b| b.code.contains("{{") && b.placeholders.is_empty()));
}

/// A key that is not known is kept, and said with the line and the column where it stands.
#[test]
fn what_is_not_known_is_pointed_at() {
    let text = "---\nwarroom:\n  colour: red\n---\n# T\n\n1. [ ] x\n\n   ```sh { name=x timout=5s background }\n   ls\n   ```\n";
    let book = parse("x.md", text.as_bytes());
    let places: Vec<_> = book.lints.iter().map(|l| (l.line, l.column, l.code.as_str())).collect();
    assert_eq!(places, [(3, 3, "unknown-key"), (9, 19, "unknown-attr"), (9, 0, "background-last")]);
    assert!(book.lints[1].message.contains("`timeout`"), "{}", book.lints[1].message);
    assert!(book.step("x").unwrap().is_background());
    assert_eq!(book.step("x").unwrap().blocks[0].other["timout"], "5s");
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
        let line =
            text.split('\n').nth(usize::try_from(lint.line).unwrap().saturating_sub(1)).unwrap_or_default();
        let width = u32::try_from(line.chars().count()).unwrap();
        prop_assert!(lint.column <= width, "lint column {} of {width}: {}", lint.column, lint.code);
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
