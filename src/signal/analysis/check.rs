//! A PromQL expression as a question: yes, no, or nobody knows.
//!
//! Prometheus answers a comparison by leaving out what does not hold, so that "it does not hold" and "there is no
//! data" are the same empty answer. They are told apart by asking for the sides of the comparison too:
//!
//! - no data, or a value that is not a number, on either side: unknown;
//! - every series of the left side holds: yes; one does not: no. One failing instance is not hidden by the others.
//!
//! Of `and`, `or` and `unless` the whole is asked: something left is yes; nothing left is no where all sides have
//! data. An expression without a comparison, or one with `bool`, is yes where all its values are other than zero.

use super::promql::PromqlError;
use super::promql::lex::{Token, lex, syntax};
use super::value::Value;
use crate::signal::Verdict;
use std::ops::Range;

/// An expression taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The whole expression.
    pub whole: String,
    /// What must have data for an answer: the left side of the comparison first. Empty where only the whole counts.
    pub sides: Vec<String>,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Filter,
    Truth,
    Set,
}

/// What the answer is, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Yes, no or unknown.
    pub verdict: Verdict,
    /// The value of the left side, `0.072`, `2 of 3 hold: 0.01 to 0.4`, or `no data`.
    pub seen: String,
}

/// Takes an expression apart by its words; what lies within is not judged here.
pub fn question(code: &str) -> Result<Question, PromqlError> {
    let tokens = lex(code)?;
    let mut words: &[(Token, Range<usize>)] = &tokens;
    while let Some(inner) = unwrapped(words) {
        words = inner;
    }
    let text = |words: &[(Token, Range<usize>)]| {
        let start = words.first().map_or(0, |(_, place)| place.start);
        let end = words.last().map_or(start, |(_, place)| place.end);
        code.get(start..end).unwrap_or_default().to_owned()
    };
    if words.is_empty() {
        return Err(syntax(code, 0, "the check is empty"));
    }
    let whole = text(words);
    let legs = split(
        words,
        |token| matches!(token, Token::Name(n) if ["and", "or", "unless"].contains(&n.to_ascii_lowercase().as_str())),
    );
    if legs.len() > 1 {
        let sides =
            legs.into_iter().map(|leg| text(comparison(without_matching(leg)).map_or(leg, |c| c.left)));
        return Ok(Question { whole, sides: sides.collect(), form: Form::Set });
    }
    let Some(found) = comparison(words) else {
        return Ok(Question { whole, sides: Vec::new(), form: Form::Truth });
    };
    if found.left.is_empty() || found.right.is_empty() {
        return Err(syntax(code, code.len(), "a comparison has two sides"));
    }
    let form = if found.is_bool { Form::Truth } else { Form::Filter };
    Ok(Question { whole, sides: vec![text(found.left), text(found.right)], form })
}

type Words<'a> = &'a [(Token, Range<usize>)];

struct Comparison<'a> {
    left: Words<'a>,
    right: Words<'a>,
    is_bool: bool,
}

/// Depth of brackets before each word.
fn depths(words: Words<'_>) -> impl Iterator<Item = (usize, i32, &Token)> {
    let mut depth = 0;
    words.iter().enumerate().map(move |(i, (token, _))| {
        let closes = matches!(token, Token::Sign(")" | "]" | "}"));
        depth -= i32::from(closes);
        let here = depth;
        depth += i32::from(matches!(token, Token::Sign("(" | "[" | "{")));
        (i, here, token)
    })
}

/// What stands within brackets that enclose all of it.
fn unwrapped(words: Words<'_>) -> Option<Words<'_>> {
    if !matches!(words.first(), Some((Token::Sign("("), _))) {
        return None;
    }
    let end = depths(words).skip(1).find(|(_, depth, _)| *depth == 0).map(|(i, ..)| i)?;
    (end + 1 == words.len()).then(|| words.get(1..end)).flatten()
}

fn split(words: Words<'_>, at: impl Fn(&Token) -> bool) -> Vec<Words<'_>> {
    let mut legs = Vec::new();
    let mut start = 0;
    for (i, depth, token) in depths(words) {
        if depth == 0 && at(token) {
            legs.extend(words.get(start..i));
            start = i + 1;
        }
    }
    legs.extend(words.get(start..));
    legs
}

/// The last comparison outside brackets: operators of one strength bind to the left.
fn comparison(words: Words<'_>) -> Option<Comparison<'_>> {
    let mut words = words;
    while let Some(inner) = unwrapped(words) {
        words = inner;
    }
    let (i, ..) = depths(words)
        .filter(|(_, depth, token)| {
            *depth == 0 && matches!(token, Token::Sign("==" | "!=" | "<" | "<=" | ">" | ">="))
        })
        .last()?;
    let mut right = words.get(i + 1..)?;
    let is_bool = matches!(right.first(), Some((Token::Name(n), _)) if n.eq_ignore_ascii_case("bool"));
    if is_bool {
        right = right.get(1..)?;
    }
    Some(Comparison { left: words.get(..i)?, right: without_matching(right), is_bool })
}

/// Skips `on (…) group_left (…)` after an operator.
fn without_matching(mut words: Words<'_>) -> Words<'_> {
    while let Some((Token::Name(name), _)) = words.first() {
        if !["on", "ignoring", "group_left", "group_right"].contains(&name.to_ascii_lowercase().as_str()) {
            break;
        }
        let listed = matches!(words.get(1), Some((Token::Sign("("), _)));
        let skip = if listed {
            words.iter().position(|(token, _)| *token == Token::Sign(")")).map_or(words.len(), |i| i + 1)
        } else {
            1
        };
        words = words.get(skip..).unwrap_or_default();
    }
    words
}

impl Question {
    /// The answer, from what the whole and each of the sides gave at one and the same moment.
    pub fn judge(&self, whole: &Value, sides: &[Value]) -> Judgement {
        let unknown = |seen: &str| Judgement { verdict: Verdict::Unknown, seen: seen.to_owned() };
        let sides: Vec<Vec<f64>> = sides.iter().map(Value::numbers).collect();
        let whole = whole.numbers();
        let blind = sides.len() < self.sides.len() || sides.iter().any(Vec::is_empty);
        let nan = |values: &[f64]| values.iter().any(|v| v.is_nan());
        let left = sides.first().unwrap_or(&whole);
        match self.form {
            Form::Set if !whole.is_empty() && !nan(&whole) => {
                Judgement { verdict: Verdict::Yes, seen: values(&whole) }
            }
            _ if blind || left.is_empty() => unknown("no data"),
            _ if sides.iter().any(|side| nan(side)) || nan(&whole) => unknown("no data (not a number)"),
            Form::Set => Judgement { verdict: Verdict::No, seen: values(left) },
            Form::Filter => holding(whole.len(), left),
            Form::Truth => holding(whole.iter().filter(|v| **v != 0.0).count(), left),
        }
    }
}

fn holding(count: usize, left: &[f64]) -> Judgement {
    let verdict = if count >= left.len() { Verdict::Yes } else { Verdict::No };
    let seen = match left {
        [one] => value(*one),
        many => format!("{count} of {} hold: {}", many.len(), values(many)),
    };
    Judgement { verdict, seen }
}

fn values(all: &[f64]) -> String {
    let low = all.iter().copied().fold(f64::INFINITY, f64::min);
    let high = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low.to_bits() == high.to_bits() { value(low) } else { format!("{} to {}", value(low), value(high)) }
}

/// A bare number of about four figures; a check knows no unit.
fn value(v: f64) -> String {
    if v.is_infinite() {
        return if v > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    if v.fract() == 0.0 && v.abs() < 1e15 {
        return format!("{v:.0}");
    }
    let figures = (3 - v.abs().log10().floor() as i32).clamp(0, 12) as usize;
    format!("{v:.figures$}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::analysis::{labels::Labels, value::Sample};
    use proptest::prelude::*;

    fn vector(values: &[f64]) -> Value {
        Value::Vector(values.iter().map(|v| Sample { labels: Labels::default(), v: *v }).collect())
    }

    #[test]
    fn a_comparison_is_found_wherever_it_stands() {
        for (code, sides) in [
            ("a < 1", &["a", "1"][..]),
            ("(a{x=\"<\"} < 1)", &["a{x=\"<\"}", "1"]),
            (
                "(sum(rate(e{code=~\"5..\"}[1m])) or vector(0)) / sum(rate(e[1m])) < 0.01",
                &["(sum(rate(e{code=~\"5..\"}[1m])) or vector(0)) / sum(rate(e[1m]))", "0.01"],
            ),
            ("a >= on (x) group_left (y) b * 2", &["a", "b * 2"]),
            ("a > bool 2", &["a", "2"]),
            ("a offset 5m < 1", &["a offset 5m", "1"]),
            ("max_over_time(a[5m:1m] @ end()) != 3", &["max_over_time(a[5m:1m] @ end())", "3"]),
            ("a < 1 and on (x) b > 2", &["a", "b"]),
            ("(a < 1) or (b > 2)", &["a", "b"]),
            ("up", &[]),
            ("a < 1 < 2", &["a < 1", "2"]),
            ("# note\na\n< 1", &["a", "1"]),
        ] {
            assert_eq!(question(code).unwrap().sides, sides, "{code}");
        }
        for code in ["", "()", "< 1", "a <", "a < \"x"] {
            assert!(question(code).is_err(), "{code}");
        }
    }

    #[test]
    fn no_data_is_never_yes() {
        let q = question("a < 1").unwrap();
        let nan = f64::NAN;
        for (whole, left, right, verdict, seen) in [
            (&[0.072][..], &[0.072][..], &[1.0][..], Verdict::Yes, "0.072"),
            (&[], &[7.0], &[1.0], Verdict::No, "7"),
            (&[], &[], &[1.0], Verdict::Unknown, "no data"),
            (&[], &[nan], &[1.0], Verdict::Unknown, "no data (not a number)"),
            (&[], &[7.0], &[], Verdict::Unknown, "no data"),
            (&[0.5], &[0.5, 3.0], &[1.0], Verdict::No, "1 of 2 hold: 0.5 to 3"),
            (&[0.5, 0.25], &[0.5, 0.25], &[1.0], Verdict::Yes, "2 of 2 hold: 0.25 to 0.5"),
        ] {
            let got = q.judge(&vector(whole), &[vector(left), vector(right)]);
            assert_eq!((got.verdict, got.seen.as_str()), (verdict, seen));
        }
        let truth = question("a < bool 1").unwrap();
        assert_eq!(truth.judge(&vector(&[0.0]), &[vector(&[4.0]), Value::Scalar(1.0)]).verdict, Verdict::No);
        assert_eq!(truth.judge(&vector(&[]), &[vector(&[]), Value::Scalar(1.0)]).verdict, Verdict::Unknown);
        let set = question("a < 1 and b > 2").unwrap();
        assert_eq!(set.judge(&vector(&[0.0]), &[vector(&[0.0]), vector(&[3.0])]).verdict, Verdict::Yes);
        assert_eq!(set.judge(&vector(&[]), &[vector(&[0.0]), vector(&[1.0])]).verdict, Verdict::No);
        assert_eq!(set.judge(&vector(&[]), &[vector(&[0.0]), vector(&[])]).verdict, Verdict::Unknown);
        assert_eq!(question("up").unwrap().judge(&vector(&[]), &[]).verdict, Verdict::Unknown);
    }

    #[test]
    fn a_value_reads_at_a_glance() {
        for (v, text) in
            [(0.012_345_6, "0.01235"), (1234.567, "1235"), (3.0, "3"), (0.5, "0.5"), (1e-5, "0.00001")]
        {
            assert_eq!(value(v), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(code in "(?s).{0,120}") {
            let _ = question(&code);
        }

        #[test]
        fn nearly_promql_is_survived(code in r#"([a-c(){}\[\]<>=! "',0-9mh.-]|and|or|on|bool){0,60}"#) {
            let _ = question(&code);
        }

        #[test]
        fn without_data_on_a_side_nothing_is_known(whole in proptest::collection::vec(0.0_f64..9.0, 0..3), right in any::<bool>()) {
            let sides = if right { [vector(&[1.0]), vector(&[])] } else { [vector(&[]), vector(&[1.0])] };
            let got = question("a < 1").unwrap().judge(&vector(&whole), &sides);
            prop_assert_eq!(got.verdict, Verdict::Unknown);
        }
    }
}
