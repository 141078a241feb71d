//! What a reader of a runbook should know about it.

use crate::domain::{
    plan::{Block, BlockKind, Lead, Lint, LintLevel, Mode, OnFail, QUERIES, Risk, Runbook, Section, Step},
    text,
};
use std::collections::HashSet;

/// Longest message, in characters.
const LONGEST: usize = 400;

/// Lints as they are found. Their words are made safe to show.
#[derive(Debug, Default)]
pub struct Lints {
    found: Vec<Lint>,
    column: u32,
}

impl Lints {
    fn push(&mut self, line: u32, level: LintLevel, code: &str, message: &str) {
        let message: String = text::line(message).chars().take(LONGEST).collect();
        let column = self.column;
        self.found.push(Lint { line, column, level, code: code.to_owned(), message });
    }

    /// What follows is about this column, from 1; 0: about the line as a whole.
    pub fn at_column(&mut self, column: u32) {
        self.column = column;
    }

    /// Will not work.
    pub fn error(&mut self, line: u32, code: &str, message: impl AsRef<str>) {
        self.push(line, LintLevel::Error, code, message.as_ref());
    }

    /// Probably not what was meant.
    pub fn warning(&mut self, line: u32, code: &str, message: impl AsRef<str>) {
        self.push(line, LintLevel::Warning, code, message.as_ref());
    }

    /// Nice to know.
    pub fn note(&mut self, line: u32, code: &str, message: impl AsRef<str>) {
        self.push(line, LintLevel::Note, code, message.as_ref());
    }

    /// Takes another's.
    pub fn append(&mut self, other: Self) {
        self.found.extend(other.found);
    }

    /// As found.
    pub fn into_vec(self) -> Vec<Lint> {
        self.found
    }
}

/// What can be said of a runbook as a whole. [`super::parse`] adds it to what it found on the way.
pub fn lint(runbook: &Runbook) -> Vec<Lint> {
    let mut lints = Lints::default();
    if runbook.steps().next().is_none() {
        lints.error(
            0,
            "empty",
            "there is nothing to walk: no task, no numbered item, no code, no bullet or paragraph to act on",
        );
    }
    let h1s: Vec<&Section> = runbook.sections.iter().filter(|s| s.level == 1).collect();
    match h1s.as_slice() {
        [] => lints.note(
            0,
            "no-title",
            format!("no heading of level 1; the runbook is called \"{}\"", runbook.title),
        ),
        [_] => {}
        [_, second, ..] => {
            lints.note(second.line, "several-titles", "a second heading of level 1; the first is the title");
        }
    }
    let names: Names<'_> = runbook
        .sections
        .iter()
        .map(|s| s.id.as_str())
        .chain(runbook.steps().map(|s| s.id.as_str()))
        .collect();
    for step in runbook.steps() {
        lint_step(runbook, &names, step, &mut lints);
    }
    for step in runbook.sections.iter().filter_map(|section| section.steps.last()) {
        if let Some(block) =
            step.blocks.iter().find(|block| block.background).filter(|_| step.is_background())
        {
            lints.note(
                block.line,
                "background-last",
                "nothing in its section comes after this step, so nothing goes on beside it: a section waits for all of its steps",
            );
        }
    }
    unreachable(runbook, &mut lints);
    lints.into_vec()
}

/// What a choice or a `goto:` can lead to.
type Names<'a> = HashSet<&'a str>;

fn lint_step(runbook: &Runbook, names: &Names<'_>, step: &Step, lints: &mut Lints) {
    if let Some(Lead::Decide(choices)) = &step.lead {
        if choices.is_empty() {
            lints.error(
                step.line,
                "no-choices",
                "DECIDE without choices; write `- label → [text](#anchor)` below it",
            );
        }
        for choice in choices {
            target(names, &choice.to, step.line, lints);
        }
    }
    let has = |kind| step.of_kind(kind).next().is_some();
    for block in &step.blocks {
        lint_block(runbook, names, step, block, lints);
    }
    let runs = has(BlockKind::Run) || has(BlockKind::Check) || has(BlockKind::Verify);
    if let Some(expect) = step.of_kind(BlockKind::Expect).next()
        && !runs
    {
        lints.error(
            expect.line,
            "expect-without-run",
            "nothing before this expectation gives output to compare it with",
        );
    }
    if let Some(once) = step.of_kind(BlockKind::Run).find(|b| b.once)
        && !has(BlockKind::Guard)
    {
        lints.note(once.line, "once-without-guard", "`once` without a guard: after a broken run nobody can tell whether it was done; add a `kind=guard` block");
    }
    if step.risk() == Risk::Irreversible && step.approval.is_none() {
        lints.warning(
            step.line,
            "irreversible-without-approval",
            "this cannot be undone and nobody has to approve it; put **APPROVE** before it",
        );
    }
    if runbook.front.mode == Mode::Unattended {
        if step.lead.is_some() && !matches!(step.lead, Some(Lead::Wait(Some(_)))) {
            lints.warning(
                step.line,
                "unattended",
                "this step waits for a person, and the runbook is walked unattended",
            );
        }
        if step.runs() && step.blocks.iter().any(|b| !b.annotated && b.kind == BlockKind::Run) {
            lints.warning(
                step.line,
                "unattended",
                "a block without attributes never runs by itself, and the runbook is walked unattended",
            );
        }
    }
}

fn lint_block(runbook: &Runbook, names: &Names<'_>, step: &Step, block: &Block, lints: &mut Lints) {
    match &block.onfail {
        OnFail::Goto(to) => target(names, to, block.line, lints),
        OnFail::Undo if step.of_kind(BlockKind::Undo).next().is_none() => {
            lints.error(block.line, "no-undo", "`onfail=undo` and the step has no `kind=undo` block");
        }
        _ => {}
    }
    if block.kind == BlockKind::Verify && block.hold.is_none() {
        let message =
            "this verification has no `for`: one good reading is enough; write `for=2m` where it has to hold";
        if block.is_query() {
            lints.warning(block.line, "verify-without-for", message);
        } else {
            lints.note(block.line, "verify-without-for", message);
        }
    }
    if block.kind == BlockKind::Undo && block.other.get("excludeFromRunAll").is_none_or(|v| v != "true") {
        lints.note(
            block.line,
            "undo-in-run-all",
            "an undo block without `excludeFromRunAll=true` is run by tools that run a whole file",
        );
    }
    if let Some(host) = &block.host
        && host != "local"
        && !runbook.front.targets.contains_key(host)
    {
        lints.error(
            block.line,
            "unknown-host",
            format!("`host={host}` is no alias in the front matter's `targets`"),
        );
    }
    if !block.placeholders.is_empty() {
        let missing: Vec<_> = block.placeholders.iter().map(|n| format!("<{n}>")).collect();
        lints.note(
            block.line,
            "placeholder",
            format!("{} to be filled before it may run", missing.join(", ")),
        );
    }
    let executable = !matches!(block.kind, BlockKind::Sample | BlockKind::Expect);
    let (last, first) = QUERIES.split_last().unwrap_or((&"", &[]));
    if executable && block.annotated && !block.is_shell() && !block.is_query() && block.interpreter.is_none()
    {
        lints.warning(
            block.line,
            "not-runnable",
            format!("nothing runs `{}`; use a shell language, {} or {}", block.lang, first.join(", "), last),
        );
    }
    if executable && block.annotated && block.code.trim().is_empty() {
        lints.warning(block.line, "empty-block", "this block is empty");
    }
    if block.background && matches!(block.kind, BlockKind::Sample | BlockKind::Expect | BlockKind::Undo) {
        lints.warning(
            block.line,
            "background",
            "`background` counts on what a step runs: guard, check, run and verify; here it says nothing",
        );
    }
    if !block.accept.is_empty() && block.is_query() {
        lints.warning(block.line, "bad-attr", "`expect` is about exit codes, and a query has none");
    }
    if block.source.is_some() && (!block.is_query() || block.lang == "junit") {
        lints.warning(block.line, "bad-attr", "`source` counts only on promql, http, sql and logs");
    }
    if block.interactive && block.capture.is_some() {
        lints.warning(
            block.line,
            "bad-attr",
            "`capture` of an interactive block takes all that its terminal shows, prompts and answers too; let a block without `interactive` print the value",
        );
    }
    if block.matching.is_some() && block.kind != BlockKind::Expect {
        lints.warning(block.line, "bad-attr", "`match` counts only on `kind=expect`");
    }
}

fn target(names: &Names<'_>, to: &str, line: u32, lints: &mut Lints) {
    if !names.contains(to) {
        lints.error(line, "missing-target", format!("no heading or step is called `#{to}`"));
    }
}

/// A section after END or STOP that no choice leads to.
fn unreachable(runbook: &Runbook, lints: &mut Lints) {
    let mut targets: HashSet<&str> = HashSet::new();
    for step in runbook.steps() {
        if let Some(Lead::Decide(choices)) = &step.lead {
            targets.extend(choices.iter().map(|c| c.to.as_str()));
        }
        for block in &step.blocks {
            if let OnFail::Goto(to) = &block.onfail {
                targets.insert(to);
            }
        }
    }
    let mut ended = false;
    for section in &runbook.sections {
        let wanted = targets.contains(section.id.as_str())
            || section.steps.iter().any(|s| targets.contains(s.id.as_str()));
        if wanted {
            ended = false;
        } else if ended && !section.steps.is_empty() {
            lints.warning(
                section.line,
                "unreachable",
                format!(
                    "nothing leads to \"{}\": the section before it ends, and no choice links `#{}`",
                    section.title, section.id
                ),
            );
        }
        ended |= section.ending.is_some();
    }
}
