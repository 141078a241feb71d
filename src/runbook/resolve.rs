//! Inputs against what the front matter allows.

use crate::domain::plan::{Input, Runbook};
use regex::Regex;
use std::collections::BTreeMap;

/// What is wrong with one input. Values of secret inputs never appear in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputProblem {
    /// No value was given and there is no default.
    #[error("{name} has no value{}", hint(.prompt.as_deref(), .choices, .from.as_deref()))]
    Missing {
        /// The input.
        name: String,
        /// What to ask.
        prompt: Option<String>,
        /// What may be answered, where that is a list.
        choices: Vec<String>,
        /// The command that gives it, where there is one.
        from: Option<String>,
    },
    /// Not one of the choices.
    #[error("{name}: {value} is not one of {}", .choices.join(", "))]
    NotAChoice {
        /// The input.
        name: String,
        /// What was given; `(secret)` for a secret.
        value: String,
        /// What may be given.
        choices: Vec<String>,
    },
    /// Does not match the pattern.
    #[error("{name}: {value} does not match {pattern}")]
    NoMatch {
        /// The input.
        name: String,
        /// What was given; `(secret)` for a secret.
        value: String,
        /// The regular expression that the whole value must match.
        pattern: String,
    },
    /// The runbook's pattern is not a regular expression, so nothing can match it.
    #[error("{name}: the runbook's pattern {pattern} is not a regular expression")]
    BadPattern {
        /// The input.
        name: String,
        /// As written.
        pattern: String,
    },
    /// A NUL cannot stand in an environment variable.
    #[error("{name}: a NUL byte cannot be passed to a command")]
    Nul {
        /// The input.
        name: String,
    },
}

fn hint(prompt: Option<&str>, choices: &[String], from: Option<&str>) -> String {
    match (prompt, choices.is_empty(), from) {
        (Some(prompt), ..) => format!(": {prompt}"),
        (None, false, _) => format!(": one of {}", choices.join(", ")),
        (None, true, Some(from)) => format!(": it comes from `{from}`"),
        (None, true, None) => String::new(),
    }
}

/// The values that blocks get, defaults filled in. Given values that the front matter does not name pass as they
/// are: `capture` makes such.
///
/// # Errors
/// Everything that is missing or not allowed, in the order of the front matter.
pub fn resolve(
    runbook: &Runbook,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Vec<InputProblem>> {
    let mut out = given.clone();
    let mut problems = Vec::new();
    for input in &runbook.front.inputs {
        match given.get(&input.name).or(input.default.as_ref()) {
            None => problems.push(InputProblem::Missing {
                name: input.name.clone(),
                prompt: input.prompt.clone(),
                choices: input.choices.clone(),
                from: input.from.clone(),
            }),
            Some(value) => match check(input, value) {
                Some(problem) => problems.push(problem),
                None => {
                    out.insert(input.name.clone(), value.clone());
                }
            },
        }
    }
    if problems.is_empty() { Ok(out) } else { Err(problems) }
}

/// What is wrong with one value, if anything.
pub fn check(input: &Input, value: &str) -> Option<InputProblem> {
    let name = input.name.clone();
    let shown =
        || if input.secret { "(secret)".to_owned() } else { crate::domain::text::line(value).into_owned() };
    if value.contains('\0') {
        return Some(InputProblem::Nul { name });
    }
    if !input.choices.is_empty() && !input.choices.iter().any(|c| c == value) {
        return Some(InputProblem::NotAChoice { name, value: shown(), choices: input.choices.clone() });
    }
    let pattern = input.pattern.as_ref()?;
    match whole(pattern) {
        None => Some(InputProblem::BadPattern { name, pattern: pattern.clone() }),
        Some(regex) if !regex.is_match(value) => {
            Some(InputProblem::NoMatch { name, value: shown(), pattern: pattern.clone() })
        }
        Some(_) => None,
    }
}

/// A pattern anchored at both ends.
pub fn whole(pattern: &str) -> Option<Regex> {
    // the pattern by itself first: `a)(b` would be whole inside the brackets
    Regex::new(pattern).ok()?;
    Regex::new(&format!(r"\A(?:{pattern})\z")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runbook() -> Runbook {
        crate::runbook::parse(
            "x.md",
            b"---\nwarroom:\n  inputs:\n    - {name: A, choices: [x, y]}\n    - {name: B, pattern: '[a-z]+', default: ok}\n    - {name: C, secret: true, pattern: 'a+'}\n---\n# T\n",
        )
    }

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn defaults_are_filled_in() {
        let values = resolve(&runbook(), &given(&[("A", "x"), ("C", "aaa"), ("LAG", "5")])).unwrap();
        assert_eq!(values, given(&[("A", "x"), ("B", "ok"), ("C", "aaa"), ("LAG", "5")]));
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let problems = resolve(&runbook(), &given(&[("A", "z"), ("B", "Ok1")])).unwrap_err();
        let text: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(text, ["A: z is not one of x, y", "B: Ok1 does not match [a-z]+", "C has no value"]);
        let secret = resolve(&runbook(), &given(&[("A", "x"), ("C", "hunter2")])).unwrap_err();
        assert_eq!(secret[0].to_string(), "C: (secret) does not match a+");
    }
}
