//! Without a journal nothing runs; the commands are still there to be copied, and say that nobody records them.

use super::{
    load,
    show::{blocks, branches, dry_run},
};
use crate::{
    domain::{
        plan::{Input, Runbook, Step},
        text,
        walk::{Walk, approval},
    },
    runbook,
};
use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
    sync::Arc,
};

/// Stands above every command that is printed so.
const MARK: &str =
    "UNRECORDED: the journal takes nothing, so nothing runs from here. To copy, and to note down later:";
/// Stands on every block.
const EACH: &str = "UNRECORDED ";

/// No room could be reached: the whole runbook where one was named, else how to come to one.
pub(super) fn without_room(start: Option<(&String, &Vec<String>)>) {
    if let Some((name, inputs)) = start {
        whole(name, inputs);
    } else {
        complain!("UNRECORDED: without a room nothing runs from here. Every command of a runbook, to copy:");
        complain!("  warroom step start RUNBOOK --dry-run");
    }
}

/// The whole runbook, with what is known filled in.
pub(super) fn whole(name: &str, inputs: &[String]) {
    say!("# {MARK}");
    let complete = dry_run(name, inputs, EACH) == super::exit::DONE;
    if let (false, Ok(runbook)) = (complete, load(name)) {
        for section in &runbook.sections {
            for step in &section.steps {
                say!("\n## {}: {}", section.title, step.title);
                crate::cli::exit::put(&blocks(&runbook, step, &BTreeMap::new(), EACH, |block| &block.code));
            }
        }
    }
}

/// One step of a walk, with the walk's values filled in.
pub(super) fn step(walk: &Walk, slug: &str) {
    say!("# {MARK}");
    if let Some(step) = walk.runbook.step(slug) {
        let names = walk.runbook.front.inputs.iter().map(|input| input.name.clone());
        let values: BTreeMap<_, _> = names
            .chain(walk.inputs.keys().cloned())
            .filter_map(|name| walk.value(&name).map(str::to_owned).map(|value| (name, value)))
            .collect();
        for (name, value) in &values {
            say!("{name}={}", text::line(value));
        }
        crate::cli::exit::put(&blocks(&walk.runbook, step, &values, EACH, |block| walk.code(block)));
    }
}

/// For somebody who wanted a seat and has no room: a runbook is chosen, its values are asked for, and each step's
/// commands are shown one after the other. Nothing runs and nothing is written down.
///
/// # Errors
/// Where the terminal is gone.
pub fn along(runbooks: &[Arc<Runbook>], ask: &mut impl BufRead, tell: &mut impl Write) -> io::Result<()> {
    writeln!(
        tell,
        "UNRECORDED: without a journal nothing runs from here, and nobody writes down what you do."
    )?;
    writeln!(tell, "The commands of each runbook are here to be copied, step by step:\n")?;
    for (n, book) in (1..).zip(runbooks) {
        let (title, steps) = (text::line(&book.title), book.steps().count());
        writeln!(tell, "  {n}  {title}  ({}, {steps} steps)", text::line(&book.source))?;
    }
    let book = loop {
        let Some(answer) = asked(ask, tell, "\nWhich one? A number; Enter leaves: ")? else { return Ok(()) };
        if answer.is_empty() {
            return Ok(());
        }
        match answer.parse::<usize>().ok().and_then(|n| runbooks.get(n.checked_sub(1)?)) {
            Some(book) => break book,
            None => writeln!(tell, "{} is none of the numbers above", text::line(&answer))?,
        }
    };
    let mut values = BTreeMap::new();
    for input in &book.front.inputs {
        if !value(input, &mut values, ask, tell)? {
            return Ok(());
        }
    }
    let steps: Vec<_> = book
        .sections
        .iter()
        .flat_map(|section| section.steps.iter().map(move |step| (section, step)))
        .collect();
    let mut at = 0;
    while let Some((section, step)) = steps.get(at) {
        let title = with_values(&step.title, &values);
        writeln!(
            tell,
            "\nUNRECORDED  {} of {}  {}: {title}",
            at + 1,
            steps.len(),
            text::line(&section.title)
        )?;
        write!(tell, "{}", copied(book, step, &values))?;
        let Some(answer) = asked(ask, tell, "Enter: the next step; b: back; q: leave: ")? else {
            return Ok(());
        };
        match answer.as_str() {
            "q" => return Ok(()),
            "b" => at = at.saturating_sub(1),
            _ => at += 1,
        }
    }
    writeln!(tell, "\nThat was the last step. Nothing of it is recorded: note what you did, and when.")
}

/// A title with the values that are known in it.
fn with_values(title: &str, values: &BTreeMap<String, String>) -> String {
    text::line(&crate::domain::walk::filled(title, |name| values.get(name).map(String::as_str))).into_owned()
}

/// A step as it is copied: its words, its values, its commands.
fn copied(book: &Runbook, step: &Step, values: &BTreeMap<String, String>) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for line in text::block(&step.text).lines() {
        let _ = writeln!(out, "  {line}");
    }
    if let Some((sentence, by)) = approval::wanted(step) {
        let of = if by.roles.is_empty() { "somebody else".into() } else { by.roles.join(" or ") };
        let _ = writeln!(out, "# APPROVE, by {of}: {}", with_values(sentence, values));
    }
    for choice in branches(step) {
        let _ = writeln!(out, "# {} goes on with {}", text::line(&choice.label), text::line(&choice.to));
    }
    let named = |name: &str| step.blocks.iter().any(|block| block.is_shell() && block.code.contains(name));
    for (name, value) in values.iter().filter(|(name, _)| named(name)) {
        let _ = writeln!(out, "export {name}={}", quoted(value));
    }
    for input in
        book.front.inputs.iter().filter(|input| !values.contains_key(&input.name) && named(&input.name))
    {
        let why = if input.secret { "a secret" } else { "not known" };
        let _ = writeln!(out, "# {} is {why}: set it yourself", input.name);
    }
    out + &blocks(book, step, values, EACH, |block| &block.code)
}

/// A value as a shell reads it back.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._:/@%+=,-".contains(c);
    let value = text::line(value);
    if !value.is_empty() && value.chars().all(plain) {
        return value.into_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// Asks for a value; false where nobody answers any more.
fn value(
    input: &Input,
    values: &mut BTreeMap<String, String>,
    ask: &mut impl BufRead,
    tell: &mut impl Write,
) -> io::Result<bool> {
    if input.secret {
        return Ok(true);
    }
    let prompt = input.prompt.as_deref().unwrap_or("a value of this runbook");
    let choices = if input.choices.is_empty() {
        String::new()
    } else {
        format!(", one of {}", input.choices.join(", "))
    };
    let default = input.default.as_ref().map(|value| format!(" [{value}]")).unwrap_or_default();
    let question = text::line(&format!("{}: {prompt}{choices}{default}: ", input.name)).into_owned();
    loop {
        let Some(answer) = asked(ask, tell, &question)? else { return Ok(false) };
        let given = if answer.is_empty() { input.default.clone().unwrap_or_default() } else { answer };
        if given.is_empty() {
            return Ok(true);
        }
        let Some(problem) = runbook::resolve::check(input, &given) else {
            values.insert(input.name.clone(), given);
            return Ok(true);
        };
        writeln!(tell, "{problem}")?;
    }
}

/// An answer, trimmed; `None` at the end of input.
fn asked(ask: &mut impl BufRead, tell: &mut impl Write, question: &str) -> io::Result<Option<String>> {
    write!(tell, "{question}")?;
    tell.flush()?;
    let mut line = String::new();
    Ok((ask.read_line(&mut line)? > 0).then(|| line.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &[u8] = b"---\nwarroom:\n  version: 1\n  inputs:\n    - {name: GOOD, prompt: Last good, pattern: '[0-9.]+'}\n    - {name: TOKEN, secret: true}\n---\n# Roll back\n\n## Do\n\n1. [ ] Look around\n1. [ ] Put `GOOD` back\n\n   ```sh { name=switch }\n   ln -sfn releases/$GOOD current; curl -H $TOKEN <host>\n   ```\n";

    fn said(answers: &str) -> String {
        let books = [Arc::new(runbook::parse("r.md", BOOK))];
        let mut out = Vec::new();
        along(&books, &mut answers.as_bytes(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_step_is_shown_to_be_copied_and_marked() {
        let told = said("7\n1\nv2\n2.4.0\n\n\n");
        assert!(told.contains("1  Roll back  (r.md, 2 steps)"), "{told}");
        assert!(told.contains("7 is none of the numbers above"), "{told}");
        assert!(told.contains("v2"), "a value that does not fit is asked for again: {told}");
        assert!(told.contains("UNRECORDED  2 of 2  Do: Put 2.4.0 back"), "{told}");
        assert!(told.contains("export GOOD=2.4.0\n# TOKEN is a secret: set it yourself\n"), "{told}");
        assert!(told.contains("# UNRECORDED run switch on local\n# fill in first"), "{told}");
        assert!(told.contains("ln -sfn releases/$GOOD current"), "{told}");
        assert!(told.ends_with("note what you did, and when.\n"), "{told}");
    }

    #[test]
    fn one_can_go_back_and_leave_at_any_time() {
        let told = said("1\n2.4.0\n\nb\nq\n");
        assert_eq!(told.matches("UNRECORDED  1 of 2").count(), 2, "{told}");
        for cut in ["", "\n", "1\n", "1\n2.4.0\n"] {
            assert!(!said(cut).contains("2 of 2"));
        }
    }

    #[test]
    fn what_is_copied_is_one_word_for_the_shell() {
        assert_eq!(quoted("2.4.0"), "2.4.0");
        assert_eq!(quoted("a b'; rm"), r"'a b'\''; rm'");
        assert_eq!(quoted("\u{1b}[2J"), "'\u{241b}[2J'");
    }
}
