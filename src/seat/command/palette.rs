//! Finding a command by what one remembers of it.

use super::{Call, Kind, Spec, table};
use crate::seat::model::Model;
use nucleo_matcher::{
    Config, Matcher, Utf32Str,
    pattern::{AtomKind, CaseMatching, Normalization, Pattern},
};

/// A command that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The command.
    pub spec: &'static Spec,
    /// Why it makes no sense now, where it does not.
    pub not_now: Option<String>,
}

/// The commands that fit what was typed, the best first; what cannot be done now comes last and says why.
pub fn find(model: &Model, typed: &str) -> Vec<Found> {
    let word = typed.split_whitespace().next().unwrap_or("");
    let exact = super::named(word);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(typed.trim(), CaseMatching::Ignore, Normalization::Smart);
    let in_doc = Pattern::new(typed.trim(), CaseMatching::Ignore, Normalization::Smart, AtomKind::Substring);
    let mut buffer = Vec::new();
    let mut found: Vec<(u32, Found)> = table::all()
        .filter_map(|spec| {
            let mut score =
                |pattern: &Pattern, text: &str| pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher);
            let names = std::iter::once(spec.name).chain(spec.aliases.iter().copied());
            let by_name = names.filter_map(|name| score(&pattern, name)).max().map(|score| score + 1_000);
            let by_doc = score(&in_doc, spec.doc);
            let named = exact.is_some_and(|exact| exact.name == spec.name).then_some(u32::MAX);
            let score = named.or(by_name.max(by_doc))?;
            Some((score, Found { spec, not_now: super::power::possible(model, spec).err() }))
        })
        .collect();
    found.sort_by_key(|(score, found)| {
        (found.not_now.is_some() && *score < u32::MAX, std::cmp::Reverse(*score))
    });
    found.into_iter().map(|(_, found)| found).collect()
}

/// The command that a wrong name may have meant.
pub fn nearest(wrong: &str) -> Option<&'static str> {
    let distance = |name: &str| {
        let shared = name.chars().filter(|c| wrong.contains(*c)).count();
        let spare = name.chars().count().abs_diff(wrong.chars().count());
        (name.chars().count() - shared) + spare
    };
    table::all().map(|spec| spec.name).min_by_key(|name| distance(name)).filter(|name| distance(name) <= 3)
}

/// What was typed, as a call of the command: the first word is its name, then its arguments; the last argument takes
/// the rest.
pub fn read(spec: &'static Spec, typed: &str) -> Call {
    let mut rest = typed.trim_start();
    let head = rest.split_whitespace().next().unwrap_or("");
    let is_name = spec.name == head || spec.aliases.contains(&head);
    let mut call = Call::of(spec.name);
    if !is_name {
        return call;
    }
    rest = rest.get(head.len()..).unwrap_or("").trim_start();
    for (index, arg) in spec.args.iter().enumerate() {
        if rest.is_empty() {
            break;
        }
        let last = index + 1 == spec.args.len();
        let spaced = matches!(arg.kind, Kind::Status | Kind::Reason);
        let (value, tail) = if last || spaced {
            (rest, "")
        } else if arg.kind == Kind::Line {
            rest.split_once(';').unwrap_or((rest, ""))
        } else {
            rest.split_once(char::is_whitespace).unwrap_or((rest, ""))
        };
        call.given.push(value.trim().trim_matches('"').to_owned());
        rest = tail.trim_start();
    }
    call
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_arguments() {
        let task = super::super::named("task").unwrap();
        assert_eq!(read(task, "task bo 10m call the bank").given, ["bo", "10m", "call the bank"]);
        assert_eq!(read(task, "tas").given, Vec::<String>::new());
        let note = super::super::named("note").unwrap();
        assert_eq!(read(note, "say  errors are back").given, ["errors are back"]);
        let report = super::super::named("can").unwrap();
        assert_eq!(
            read(report, "can 5xx at 7 %; rolling back; no needs").given,
            ["5xx at 7 %", "rolling back", "no needs"]
        );
    }
}
