//! One table for keys and verbs: what a seat does by a key, a script does by a verb of the same words.
//!
//! The seat's table ([`crate::seat::command::table`]) says what a command is; here stands which subcommand does the
//! same, and the subcommand takes its words from there.

use crate::seat::command::{Group, Spec, doc, table};
use clap::Command;

/// How a script does what a command of the seat does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twin {
    /// By a subcommand that does this and nothing else.
    Verb(&'static str),
    /// By a subcommand that does more than this, with its own words.
    Part(&'static str),
    /// Not at all: it changes what one screen shows.
    Screen,
}

use Twin::{Part, Screen, Verb};

/// Commands of the seat that do something, in the order of its table.
const TWINS: &[(&str, Twin)] = &[
    ("note", Verb("note")),
    ("decide", Verb("decide")),
    ("proposals", Part("board")),
    ("propose-decision", Verb("propose")),
    ("proposal", Part("decide-on")),
    ("object", Verb("object")),
    ("decide-on", Verb("decide-on")),
    ("withdraw-proposal", Verb("withdraw-proposal")),
    ("review", Verb("review")),
    ("task", Verb("task")),
    ("task-ack", Verb("task-ack")),
    ("task-report", Verb("task-report")),
    ("task-extend", Verb("task-extend")),
    ("task-assign", Verb("task-assign")),
    ("task-done", Verb("done")),
    ("report", Verb("report")),
    ("report-needs", Part("report")),
    ("board", Part("board")),
    ("now", Part("board")),
    ("goal", Part("board")),
    ("else", Part("board")),
    ("update", Verb("update")),
    ("external-update", Part("update")),
    ("polled", Verb("polled")),
    ("snooze", Verb("snooze")),
    ("pin", Part("pin")),
    ("star", Part("star")),
    ("erase", Verb("erase")),
    ("declare", Verb("declare")),
    ("severity", Verb("severity")),
    ("status", Verb("state")),
    ("close", Part("state")),
    ("close-words", Part("reason")),
    ("role", Verb("role")),
    ("unrole", Part("role")),
    ("handover", Verb("handover")),
    ("hand-over", Verb("handover to")),
    ("accept", Verb("handover accept")),
    ("decline", Verb("handover decline")),
    ("withdraw", Verb("handover withdraw")),
    ("take-command", Verb("take-command")),
    ("replace-commander", Part("take-command")),
    ("briefing", Verb("briefing")),
    ("break-glass", Verb("break-glass")),
    ("give-back", Verb("give-back")),
    ("offline-glass", Part("freeze")),
    ("keep-conflict", Verb("conflict keep")),
    ("set-conflict-aside", Verb("conflict set-aside")),
    ("correct", Verb("correct")),
    ("cadence", Verb("cadence")),
    ("retitle", Part("retitle")),
    ("page", Part("page")),
    ("page-ack", Verb("page ack")),
    ("page-withdraw", Verb("page withdraw")),
    ("incident", Screen),
    ("export", Part("export")),
    ("answer", Verb("answer")),
    ("walk", Part("step start")),
    ("act", Part("step take")),
    ("approve", Verb("step approve")),
    ("reject", Verb("step reject")),
    ("skip", Part("step deviate")),
    ("manual", Part("step deviate")),
    ("override", Part("step deviate")),
    ("not-applicable", Part("step deviate")),
    ("edit", Part("step edit")),
    ("reason", Verb("reason")),
    ("reason-words", Part("reason")),
    ("unlisted", Verb("unlisted")),
    ("inputs", Part("step input")),
    ("undo", Part("step take")),
    ("again", Part("step take")),
    ("cancel", Verb("step cancel")),
    ("extend", Verb("step extend")),
    ("take-over", Verb("step take-over")),
    ("abandon", Verb("step abandon")),
    ("look-at", Screen),
    ("copy", Screen),
    ("freeze", Verb("freeze")),
    ("renew", Verb("renew")),
    ("lift", Verb("thaw")),
    ("exempt", Verb("exempt")),
    ("judge", Verb("judge")),
    ("people", Part("who")),
];

/// How a script does what this command does; nothing where the table above does not say.
pub fn of(spec: &Spec) -> Option<Twin> {
    let known = TWINS.iter().find(|(name, _)| *name == spec.name).map(|(_, twin)| *twin);
    known.or_else(|| matches!(spec.group, Group::Look | Group::Seat).then_some(Screen))
}

/// Gives subcommands the words of the commands whose twins they are.
pub fn worded(mut command: Command) -> Command {
    for spec in table::all() {
        if let Some(Verb(path)) = of(spec) {
            let path: Vec<_> = path.split(' ').collect();
            command = at(command, &path, &|found| found.about(spec.doc));
        }
    }
    command
}

fn at(command: Command, path: &[&str], change: &dyn Fn(Command) -> Command) -> Command {
    let Some((name, rest)) = path.split_first() else { return change(command) };
    if command.find_subcommand(name).is_none() {
        return command;
    }
    command.mut_subcommand(name, |found| at(found, rest, change))
}

/// Which key does what which verb does, as a table in Markdown.
pub fn markdown() -> String {
    use std::fmt::Write as _;
    let mut out = String::from(
        "\n## Keys and their verbs\n\nWhat only changes what one screen shows has none.\n\n| at a seat | in a script |\n|---|---|\n",
    );
    for spec in Group::ALL.into_iter().flat_map(doc::chapter) {
        if let Some(Verb(path) | Part(path)) = of(spec) {
            let _ = writeln!(out, "| {} | `warroom {path}` |", doc::shown(spec));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Subcommands that no key of a seat has, and why.
    const ALONE: &[(&str, &str)] = &[
        ("drill", "a room and a world of its own"),
        ("drill record", "files of a drill that is over"),
        ("serve", "a room"),
        ("stop", "a room"),
        ("status", "a seat shows it"),
        ("page list", "a seat shows it"),
        ("conflict list", "a seat shows it"),
        ("ready", "a seat shows it"),
        ("run", "a seat has the shell beside it"),
        ("do", "JSON"),
        ("step list", "a seat shows it"),
        ("step confirm", "the act key"),
        ("step choose", "the act key"),
        ("tail", "a seat shows it"),
        ("gate", "pipelines"),
        ("gate token new", "pipelines"),
        ("verify", "auditors"),
        ("journal doubts", "a seat shows it"),
        ("journal init", "set-up"),
        ("journal key", "auditors"),
        ("journal move", "set-up"),
        ("journal trust", "of one's own files, with the room out of it"),
        ("evidence", "a seat shows it"),
        ("runbook show", "authors"),
        ("runbook lint", "authors"),
        ("config check", "set-up"),
        ("config show", "set-up"),
        ("config schema", "set-up"),
        ("config default", "set-up"),
        ("step show", "the seat shows a step where it is taken"),
        ("practices", "documentation"),
        ("completions", "documentation"),
        ("man", "documentation"),
        ("keys", "documentation"),
        ("commands", "documentation"),
    ];

    fn leaves(path: &str, command: &Command, into: &mut BTreeSet<String>) {
        let below: Vec<_> =
            command.get_subcommands().filter(|one| !one.is_hide_set() && one.get_name() != "help").collect();
        if !path.is_empty() && (below.is_empty() || !command.is_subcommand_required_set()) {
            into.insert(path.to_owned());
        }
        for one in below {
            leaves(format!("{path} {}", one.get_name()).trim(), one, into);
        }
    }

    #[test]
    fn every_key_that_does_something_has_a_verb() {
        let mut verbs = BTreeSet::new();
        leaves("", &crate::cli::table(), &mut verbs);
        let mut twins = BTreeSet::new();
        for spec in table::all() {
            let twin = of(spec);
            assert!(twin.is_some(), "{} has no verb: give it one, and a line in cli/twin.rs", spec.name);
            if let Some(Verb(path) | Part(path)) = twin {
                let family = verbs.iter().any(|verb| verb.starts_with(path));
                assert!(family, "{}: there is no subcommand {path:?}", spec.name);
                twins.insert(path);
            }
        }
        for (name, _) in TWINS {
            assert!(table::all().any(|spec| spec.name == *name), "the seat has no {name}");
        }
        let alone: BTreeSet<_> = ALONE.iter().map(|(path, _)| *path).collect();
        for verb in &verbs {
            let known = twins.contains(verb.as_str()) || alone.contains(verb.as_str());
            assert!(known, "no key does what warroom {verb} does: give it one, or say why not");
        }
        for path in alone {
            assert!(verbs.contains(path), "there is no subcommand {path:?} any more");
        }
    }

    #[test]
    fn a_verb_says_what_its_key_says() {
        let all = crate::cli::table();
        let about = |path: &str| {
            let mut at = &all;
            for name in path.split(' ') {
                at = at.find_subcommand(name).unwrap();
            }
            at.get_about().unwrap().to_string()
        };
        for spec in table::all() {
            if let Some(Verb(path)) = of(spec) {
                assert_eq!(about(path), spec.doc, "{path}");
            }
        }
    }
}
