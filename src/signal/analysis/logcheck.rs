//! `logs` checks: how many lines of a log source's last minutes are such, and how many there may be.
//!
//! ```text
//! lines: pool exhausted|deadlock
//! level: error
//! within: 5m
//! expect: none
//! ```
//! `lines` is a regular expression that is found in a line's text or in one of its fields as `key=value`; `level` the
//! least level; at least one of them stands there. `within` is five minutes where not given. `expect` is `none` (which
//! it is where not given), `at most N` or `at least N`. A log that says nothing at all is no proof that all is well, so
//! it is unknown, unless `silence: ok` says that this one is often silent.

use crate::domain::time::Span;
use crate::signal::{Level, Line, Verdict, analysis::logline};
use regex::{Regex, RegexBuilder};

/// How far back a check may look; so long, and no longer, lines are kept.
pub const WITHIN_MAX: Span = Span::hours(1);
const WITHIN: Span = Span::mins(5);
/// Largest compiled expression, in bytes.
const REGEX_MAX: usize = 1 << 20;

/// How many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// No more than so many.
    AtMost(u64),
    /// No fewer.
    AtLeast(u64),
}

/// A block, understood.
#[derive(Debug, Clone)]
pub struct Question {
    lines: Option<Regex>,
    /// Lines of this level and worse.
    pub level: Option<Level>,
    /// Only lines of this time.
    pub within: Span,
    /// How many there may be.
    pub bound: Bound,
    /// A log that says nothing at all says yes.
    pub silent: bool,
}

/// Reads a block. Errors name the line.
pub fn parse(code: &str) -> Result<Question, String> {
    let mut question =
        Question { lines: None, level: None, within: WITHIN, bound: Bound::AtMost(0), silent: false };
    let mut seen: Vec<&str> = Vec::new();
    for (n, line) in code.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = |what: String| Err(format!("line {}: {what}", n + 1));
        let Some((key, value)) = line.split_once(':').map(|(key, value)| (key.trim(), value.trim())) else {
            return wrong("write key: value; the keys are lines, level, within, expect and silence".into());
        };
        if seen.contains(&key) {
            return wrong(format!("a second {}", brief(key)));
        }
        match key {
            "lines" => match RegexBuilder::new(value).size_limit(REGEX_MAX).build() {
                Ok(regex) if !value.is_empty() => question.lines = Some(regex),
                Ok(_) => return wrong("lines: is empty".into()),
                Err(error) => {
                    let said = error.to_string();
                    let why = said.lines().last().unwrap_or_default().trim();
                    return wrong(format!(
                        "not a regular expression: {}",
                        why.strip_prefix("error: ").unwrap_or(why)
                    ));
                }
            },
            "level" => match logline::level(value) {
                Some(level) => question.level = Some(level),
                None => {
                    return wrong(format!(
                        "{} is no level: trace, debug, info, warn, error or fatal",
                        brief(value)
                    ));
                }
            },
            "within" => match value.parse() {
                Ok(within) if within >= Span::secs(1) && within <= WITHIN_MAX => question.within = within,
                _ => return wrong(format!("{} is not a time from 1s to {WITHIN_MAX}", brief(value))),
            },
            "expect" => match bound(value) {
                Some(bound) => question.bound = bound,
                None => return wrong(format!("{} is not none, at most N or at least N", brief(value))),
            },
            "silence" if value == "ok" => question.silent = true,
            "silence" => return wrong("silence: ok is all that can be said of it".into()),
            other => {
                return wrong(format!(
                    "{} is no key; the keys are lines, level, within, expect and silence",
                    brief(other)
                ));
            }
        }
        seen.push(key);
    }
    if question.lines.is_none() && question.level.is_none() {
        return Err("it says which lines by neither lines: nor level:".into());
    }
    Ok(question)
}

fn bound(text: &str) -> Option<Bound> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["none"] => Some(Bound::AtMost(0)),
        ["at", "most", n] => n.parse().ok().map(Bound::AtMost),
        ["at", "least", n] => n.parse().ok().filter(|n| *n > 0).map(Bound::AtLeast),
        _ => None,
    }
}

fn brief(text: &str) -> String {
    text.chars().take(40).collect()
}

impl Question {
    /// Whether a line is such a one.
    pub fn fits(&self, line: &Line) -> bool {
        self.level.is_none_or(|level| line.level >= level)
            && self.lines.as_ref().is_none_or(|lines| {
                lines.is_match(&line.text)
                    || line.fields.iter().any(|(key, value)| lines.is_match(&format!("{key}={value}")))
            })
    }

    /// What so many of them mean. Where there is a doubt that all lines are known, more may be there, never fewer: what
    /// more lines could not change is said, everything else is unknown.
    pub fn judge(&self, count: u64, doubt: Option<&str>) -> (Verdict, String) {
        let lines = if count == 1 { "1 line".to_owned() } else { format!("{count} lines") };
        let seen = format!("{lines} in {}", self.within);
        let (certain, otherwise) = match self.bound {
            Bound::AtMost(n) if count > n => (Some(Verdict::No), Verdict::No),
            Bound::AtMost(_) => (None, Verdict::Yes),
            Bound::AtLeast(n) if count >= n => (Some(Verdict::Yes), Verdict::Yes),
            Bound::AtLeast(_) => (None, Verdict::No),
        };
        match (certain, doubt) {
            (Some(verdict), _) => (verdict, seen),
            (None, None) => (otherwise, seen),
            (None, Some(doubt)) => (Verdict::Unknown, format!("{seen}, but {doubt}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_block_is_taken_apart_and_mistakes_are_told_by_line() {
        let all = parse(
            "lines: pool exhausted|dead: lock\nlevel: error\n\nwithin: 90s\nexpect: at most 3\nsilence: ok",
        )
        .unwrap();
        assert_eq!(
            (all.level, all.within, all.bound, all.silent),
            (Some(Level::Error), Span::secs(90), Bound::AtMost(3), true)
        );
        let least = parse("level: warning").unwrap();
        assert_eq!(
            (least.level, least.within, least.bound, least.silent),
            (Some(Level::Warn), Span::mins(5), Bound::AtMost(0), false)
        );
        for (code, wanted) in [
            ("", "it says which lines by neither lines: nor level:"),
            ("within: 5m", "it says which lines by neither lines: nor level:"),
            (
                "pool exhausted",
                "line 1: write key: value; the keys are lines, level, within, expect and silence",
            ),
            ("lines: (", "line 1: not a regular expression: unclosed group"),
            ("\nlevel: loud", "line 2: loud is no level: trace, debug, info, warn, error or fatal"),
            ("level: error\nwithin: 2h", "line 2: 2h is not a time from 1s to 1h"),
            ("level: error\nexpect: at least 0", "line 2: at least 0 is not none, at most N or at least N"),
            ("level: error\nlevel: warn", "line 2: a second level"),
            ("grep: x", "line 1: grep is no key; the keys are lines, level, within, expect and silence"),
        ] {
            assert_eq!(parse(code).unwrap_err(), wanted, "{code:?}");
        }
    }

    #[test]
    fn text_and_fields_are_looked_at() {
        let line = Line {
            n: 0,
            at: chrono::Utc::now(),
            level: Level::Error,
            text: "pool exhausted".into(),
            fields: vec![("code".into(), "503".into())],
            source: "a.log".into(),
        };
        for (code, fits) in [
            ("lines: ^pool", true),
            ("lines: ^code=50[0-9]$", true),
            ("lines: deadlock", false),
            ("level: fatal", false),
            ("lines: pool\nlevel: error", true),
        ] {
            assert_eq!(parse(code).unwrap().fits(&line), fits, "{code}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(code in "(?s)(lines|level|within|expect|silence)?:? ?.{0,60}") {
            let _ = parse(&code);
        }

        /// What is said under a doubt stays true whatever other lines there are.
        #[test]
        fn a_doubt_never_says_what_more_lines_would_take_back(n in 1_u64..5, least: bool, count in 0_u64..10, more in 0_u64..10) {
            let mut question = parse("level: error").unwrap();
            question.bound = if least { Bound::AtLeast(n) } else { Bound::AtMost(n) };
            let (doubted, _) = question.judge(count, Some("some are not known"));
            let (known, _) = question.judge(count + more, None);
            prop_assert!(doubted == Verdict::Unknown || doubted == known);
        }
    }
}
