//! `warroom runbook show|lint`: what a runbook means, and what is wrong with it.

use super::drill::own::StandArgs;
use crate::domain::{
    plan::{Block, BlockKind, Choice, Ending, Lead, Lint, LintLevel, Risk, Runbook, SectionRole, Step},
    text,
};
use crate::{
    config::{self, Flags},
    drill::ground::Places,
    runbook::{self, outside::remap},
};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    io::{Read as _, Write as _},
    path::PathBuf,
    process::ExitCode,
};
use unicode_width::UnicodeWidthStr as _;

/// Columns that the rendering keeps to.
const WIDTH: usize = 80;

/// Largest file that is read, in bytes: a runbook is read by people.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Read a runbook without walking it.
#[derive(Debug, clap::Args)]
pub struct RunbookArgs {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Show sections, steps and blocks as they would be walked.
    Show {
        /// Markdown file, `-` for standard input, or builtin:NAME for one that is shipped.
        file: String,
        /// As JSON: the whole plan, and all steps in one list under `steps`.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        stand: StandArgs,
    },
    /// Say what a reader should know; exit code 1 where something will not work.
    Lint {
        /// Markdown files, `-` for standard input, or builtin:NAME for those that are shipped.
        #[arg(required = true)]
        files: Vec<String>,
        /// As JSON: a list with `file`, `line`, `column` (0 where it is about the line), `level`, `code` and `message`.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the subcommand. Exit codes: 0 good, 1 a lint of level error, 2 a file cannot be read or nothing be written.
pub fn run(config: Option<PathBuf>, args: &RunbookArgs) -> ExitCode {
    let (out, code) = match &args.verb {
        Verb::Show { file, json, stand } => {
            match load(file).and_then(|runbook| stood(config, runbook, stand)) {
                Ok(runbook) if *json => (pretty(&flat(&runbook)), 0),
                Ok(runbook) => (show(&runbook), 0),
                Err(message) => (complain(&message), 2),
            }
        }
        Verb::Lint { files, json } => lint(files, *json),
    };
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(out.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::from(code),
        // whoever read the output has seen enough
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(code),
        Err(_) => ExitCode::from(2),
    }
}

/// With the stand-ins that a drill would put in, where some are named; what has none stands in its lints.
fn stood(config: Option<PathBuf>, runbook: Runbook, args: &StandArgs) -> Result<Runbook, String> {
    if args.is_empty() {
        return Ok(runbook);
    }
    let config =
        config::load(&config::Ask::here(config, Flags::default())).map_err(|report| report.to_string())?;
    let (stand, places) = (args.stand(&config.config)?, Places::before());
    let stand = places.resolve(&stand).map_err(|wrong| wrong.join("\n"))?;
    let mut done = remap(&runbook, &stand, &places.ground());
    let lint = |line, message| Lint {
        line,
        column: 0,
        level: LintLevel::Error,
        code: "no-stand-in".into(),
        message,
    };
    let wrong = done.wrong.into_iter().map(|why| lint(0, why));
    let left = done.left.into_iter().map(|one| {
        lint(one.line, format!("{} {} has no stand-in for a drill", one.kind.word(), text::line(&one.name)))
    });
    done.runbook.lints.extend(wrong.chain(left));
    Ok(done.runbook)
}

fn complain(message: &str) -> String {
    let _ = writeln!(std::io::stderr(), "warroom: {message}");
    String::new()
}

fn load(file: &str) -> Result<Runbook, String> {
    if file.starts_with("builtin:") {
        let shipped = super::step::load(file).map_err(|refusal| refusal.to_string())?;
        return Ok((*shipped).clone());
    }
    let shown = text::line(file);
    let read = |source: &mut dyn std::io::Read| -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        source.take(LARGEST + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = if file == "-" {
        read(&mut std::io::stdin().lock())
    } else {
        std::fs::File::open(file).and_then(|mut f| read(&mut f))
    }
    .map_err(|error| super::step::unread(file.as_ref(), &error).hint(super::step::readable()).to_string())?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{shown} is larger than {} MiB: not a runbook", LARGEST >> 20));
    }
    Ok(runbook::parse(file, &bytes))
}

fn pretty(value: &Value) -> String {
    format!("{}\n", crate::domain::text::json(&format!("{value:#}")))
}

/// The plan as JSON, and its steps once more in one list, each with its `section`.
pub fn flat(runbook: &Runbook) -> Value {
    let steps: Vec<Value> = runbook
        .sections
        .iter()
        .flat_map(|section| {
            section.steps.iter().map(|step| {
                let mut value = json!(step);
                if let Value::Object(map) = &mut value {
                    map.insert("section".to_owned(), json!(section.id));
                }
                value
            })
        })
        .collect();
    let mut value = json!(runbook);
    if let Value::Object(map) = &mut value {
        map.insert("steps".to_owned(), Value::Array(steps));
    }
    value
}

fn lint(files: &[String], as_json: bool) -> (String, u8) {
    let mut out = String::new();
    let mut all = Vec::new();
    let mut code = 0;
    for file in files {
        let runbook = match load(file) {
            Ok(runbook) => runbook,
            Err(message) => {
                complain(&message);
                code = 2;
                continue;
            }
        };
        for lint in &runbook.lints {
            if lint.level == LintLevel::Error && code == 0 {
                code = 1;
            }
            if as_json {
                all.push(json!({"file": file, "line": lint.line, "column": lint.column, "level": lint.level, "code": lint.code, "message": lint.message}));
            } else {
                let shown = text::line(file);
                let _ = writeln!(
                    out,
                    "{shown}:{}: {}[{}]: {}",
                    place(lint),
                    level(lint.level),
                    lint.code,
                    lint.message
                );
            }
        }
    }
    if as_json { (pretty(&Value::Array(all)), code) } else { (out, code) }
}

/// `12` or `12:5`.
fn place(lint: &Lint) -> String {
    if lint.column == 0 { lint.line.to_string() } else { format!("{}:{}", lint.line, lint.column) }
}

fn level(level: LintLevel) -> &'static str {
    match level {
        LintLevel::Note => "note",
        LintLevel::Warning => "warning",
        LintLevel::Error => "error",
    }
}

/// The runbook for a terminal of 80 columns.
pub fn show(runbook: &Runbook) -> String {
    let mut out = String::new();
    wrap(&mut out, &runbook.title, 0, 0);
    let front = &runbook.front;
    let mut facts = vec![format!("{} · {}", runbook.source, runbook.hash.short())];
    facts.extend(front.owner.as_ref().map(|o| format!("owner {o}")));
    facts.extend(front.service.as_ref().map(|s| format!("service {s}")));
    facts.extend(front.mttr_target.map(|t| format!("recover within {t}")));
    facts.extend(front.rpo.map(|t| format!("lose at most {t}")));
    wrap(&mut out, &facts.join(" · "), 0, 0);
    for (alias, place) in &front.targets {
        wrap(&mut out, &format!("target {alias}: {place}"), 0, 2);
    }
    for input in &front.inputs {
        let mut line = format!("input {}", input.name);
        if let Some(prompt) = &input.prompt {
            let _ = write!(line, ": {prompt}");
        }
        if !input.choices.is_empty() {
            let _ = write!(line, " [{}]", input.choices.join(" | "));
        }
        if let Some(default) = input.default.as_ref().filter(|_| !input.secret) {
            let _ = write!(line, " (else {default})");
        }
        if input.secret {
            line.push_str(" (secret)");
        }
        wrap(&mut out, &line, 0, 2);
    }
    let mut n = 0;
    for section in &runbook.sections {
        out.push('\n');
        let role = match section.role {
            SectionRole::Context => "  (to read)",
            SectionRole::Action | SectionRole::Neutral => "",
        };
        let marks = "#".repeat(usize::from(section.level.max(1)));
        wrap(&mut out, &format!("{marks} {}{role}  #{}", section.title, section.id), 0, 4);
        for line in section.text.lines() {
            wrap(&mut out, line, 2, 2);
        }
        for step in &section.steps {
            n += 1;
            show_step(&mut out, step, n);
        }
        match section.ending {
            Some(Ending::End) => out.push_str("  END: the runbook is complete\n"),
            Some(Ending::Stop) => out.push_str("  STOP: the runbook is abandoned\n"),
            None => {}
        }
    }
    if !runbook.lints.is_empty() {
        out.push('\n');
    }
    for lint in &runbook.lints {
        wrap(
            &mut out,
            &format!("line {}: {}[{}]: {}", place(lint), level(lint.level), lint.code, lint.message),
            0,
            2,
        );
    }
    out
}

fn show_step(out: &mut String, step: &Step, n: usize) {
    if let Some(approval) = &step.approval {
        wrap(out, &format!("    APPROVE{}: {}", by(&approval.by), approval.text), 0, 6);
    }
    let lead = match &step.lead {
        Some(Lead::Confirm(b)) => format!("CONFIRM{} ", by(b)),
        Some(Lead::Approve(b)) => format!("APPROVE{} ", by(b)),
        Some(Lead::Decide(_)) => "DECIDE ".to_owned(),
        Some(Lead::Wait(Some(span))) => format!("WAIT {span}: "),
        Some(Lead::Wait(None)) => "WAIT ".to_owned(),
        None => String::new(),
    };
    let mark = if step.ticked { "[x]" } else { "[ ]" };
    let conditional = if step.conditional { "  (if it applies)" } else { "" };
    wrap(out, &format!("{n:>3} {mark} {lead}{}{conditional}  #{}", step.title, step.id), 0, 8);
    for line in step.text.lines() {
        wrap(out, line, 8, 8);
    }
    if let Some(Lead::Decide(choices)) = &step.lead {
        for Choice { label, to } in choices {
            wrap(out, &format!("{label} → #{to}"), 8, 10);
        }
    }
    for block in &step.blocks {
        show_block(out, block);
    }
}

fn by(by: &crate::domain::plan::By) -> String {
    let mut parts = Vec::new();
    if !by.roles.is_empty() {
        parts.push(format!("by {}", by.roles.join(" or ")));
    }
    if by.n > 1 {
        parts.push(format!("{} people", by.n));
    }
    parts.extend(by.within.map(|w| format!("within {w}")));
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn show_block(out: &mut String, block: &Block) {
    let kind = match block.kind {
        BlockKind::Guard => "guard",
        BlockKind::Check => "check",
        BlockKind::Run => "run",
        BlockKind::Verify => "verify",
        BlockKind::Expect => "expect",
        BlockKind::Undo => "undo",
        BlockKind::Sample => "sample",
    };
    let lang = if block.lang.is_empty() { String::new() } else { format!(" {}", block.lang) };
    let mut head = format!("{kind}{lang} on {}", block.host.as_deref().unwrap_or("local"));
    if matches!(block.kind, BlockKind::Sample | BlockKind::Expect) || block.is_query() {
        head = format!("{kind}{lang}");
    }
    let mut hints = Vec::new();
    match block.risk {
        Risk::Low => {}
        Risk::High => hints.push("HIGH RISK".to_owned()),
        Risk::Irreversible => hints.push("IRREVERSIBLE".to_owned()),
    }
    hints.extend(block.hold.map(|s| format!("holds {s}")));
    hints.extend(block.timeout.map(|s| format!("at most {s}")));
    hints.extend(block.retry.map(|r| format!("{} times every {}", r.attempts, r.every)));
    hints.extend(block.interactive.then(|| "interactive".to_owned()));
    hints.extend(block.once.then(|| "once".to_owned()));
    hints.extend(block.capture.as_ref().map(|c| format!("gives {c}")));
    hints.extend(
        (!block.placeholders.is_empty()).then(|| format!("fill <{}>", block.placeholders.join(">, <"))),
    );
    for hint in hints {
        let _ = write!(head, " · {hint}");
    }
    wrap(out, &text::line(&head), 8, 10);
    for line in text::block(&block.code).lines() {
        let _ = writeln!(out, "        | {line}");
    }
    for line in block.sample.lines() {
        let _ = writeln!(out, "        : {line}");
    }
}

/// Writes words so that no line is wider than the terminal, but for a word that is.
fn wrap(out: &mut String, words: &str, first: usize, others: usize) {
    let lead = words.len() - words.trim_start().len();
    let (mut line, others) = (" ".repeat(first + lead), others + lead);
    let mut empty = true;
    for word in words.split_whitespace() {
        if !empty && line.width() + 1 + word.width() > WIDTH {
            let _ = writeln!(out, "{line}");
            line = " ".repeat(others);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus() -> Vec<(String, Runbook)> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runbooks");
        let files = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
        files
            .map(|p| (p.display().to_string(), runbook::parse("x.md", &std::fs::read(&p).unwrap())))
            .collect()
    }

    #[test]
    fn prose_keeps_to_eighty_columns() {
        for (name, runbook) in corpus() {
            for line in show(&runbook).lines() {
                let as_written = line.trim_start().starts_with(['|', ':']);
                let one_word = line.split_whitespace().count() < 2;
                // nested deeper than a screen is wide, there is no column left to keep to
                let deep = line.len() - line.trim_start().len() > 40;
                assert!(line.width() <= WIDTH || as_written || one_word || deep, "{name}: {line:?}");
            }
        }
    }

    #[test]
    fn nothing_that_acts_reaches_the_terminal() {
        for (name, runbook) in corpus() {
            assert!(!show(&runbook).chars().any(|c| c.is_control() && c != '\n'), "{name}");
        }
    }

    #[test]
    fn json_has_all_steps_in_one_list() {
        let runbook = runbook::parse("x.md", b"# T\n\n## A\n\n1. one\n\n## B\n\n1. two\n");
        let value = flat(&runbook);
        let steps: Vec<_> =
            value["steps"].as_array().unwrap().iter().map(|s| (&s["id"], &s["section"])).collect();
        assert_eq!(steps, [(&json!("a-1"), &json!("a")), (&json!("b-1"), &json!("b"))]);
        assert_eq!(value["sections"][1]["steps"][0]["id"], "a-1");
    }
}
