//! Whether output looks as an `expect` block says.

use crate::domain::plan::Match;
use regex::RegexBuilder;
use serde_json::Value;

/// Compares `output` with the code of an `expect` block; the error says what is missing, in words for the record.
pub fn holds(how: Match, wanted: &str, output: &str) -> Result<(), String> {
    match how {
        Match::Contains => wanted
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty() && !output.contains(*line))
            .map_or(Ok(()), |line| Err(format!("the output does not contain {line:?}"))),
        Match::Exact => exact(wanted.trim(), output.trim()),
        Match::Regex => {
            let regex = RegexBuilder::new(wanted.trim())
                .multi_line(true)
                .size_limit(4 << 20)
                .build()
                .map_err(|error| format!("the expected pattern does not compile: {error}"))?;
            if regex.is_match(output) {
                Ok(())
            } else {
                Err(format!("the output does not match /{}/", wanted.trim()))
            }
        }
        Match::Json => {
            let read = |text: &str, whose: &str| {
                serde_json::from_str::<Value>(text.trim())
                    .map_err(|error| format!("{whose} is not JSON: {error}"))
            };
            within(&read(wanted, "what is expected")?, &read(output, "the output")?, "")
        }
    }
}

fn exact(wanted: &str, output: &str) -> Result<(), String> {
    let (mut want, mut have) = (wanted.lines(), output.lines());
    for number in 1.. {
        match (want.next(), have.next()) {
            (None, None) => break,
            (Some(a), Some(b)) if a.trim_end() == b.trim_end() => {}
            (Some(a), Some(b)) => return Err(format!("line {number} is {b:?}, expected {a:?}")),
            (Some(a), None) => return Err(format!("the output ends before line {number}, expected {a:?}")),
            (None, Some(b)) => return Err(format!("line {number}, {b:?}, is one too many")),
        }
    }
    Ok(())
}

/// Every key of `wanted` is in `have` with the same value; arrays have the same length.
fn within(wanted: &Value, have: &Value, at: &str) -> Result<(), String> {
    let here = if at.is_empty() { "the top" } else { at };
    match (wanted, have) {
        (Value::Object(want), Value::Object(object)) => want.iter().try_for_each(|(key, value)| {
            let at = format!("{at}.{key}");
            object
                .get(key)
                .ok_or_else(|| format!("{at} is missing"))
                .and_then(|have| within(value, have, &at))
        }),
        (Value::Array(want), Value::Array(list)) if want.len() == list.len() => want
            .iter()
            .zip(list)
            .enumerate()
            .try_for_each(|(index, (want, have))| within(want, have, &format!("{at}[{index}]"))),
        (Value::Number(a), Value::Number(b)) if a == b || a.as_f64() == b.as_f64() => Ok(()),
        _ if wanted == have => Ok(()),
        _ => Err(format!("at {here} there is {have}, expected {wanted}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_says_yes_and_says_why_not() {
        let cases = [
            (Match::Contains, "a\n\nb", "x a\nb y", Ok(())),
            (Match::Contains, "c", "x", Err("the output does not contain \"c\"")),
            (Match::Exact, "a\nb\n", "\na  \nb", Ok(())),
            (Match::Exact, "a\nb", "a", Err("the output ends before line 2, expected \"b\"")),
            (Match::Exact, "a", "a\nb", Err("line 2, \"b\", is one too many")),
            (Match::Regex, "^ok \\d+$", "x\nok 12\n", Ok(())),
            (Match::Regex, "^no", "x", Err("the output does not match /^no/")),
            (Match::Json, r#"{"a":{"b":1}}"#, r#"{"a":{"b":1.0,"c":2},"d":3}"#, Ok(())),
            (Match::Json, r#"{"a":{"b":1}}"#, r#"{"a":{}}"#, Err(".a.b is missing")),
            (Match::Json, r#"{"a":[1]}"#, r#"{"a":[2]}"#, Err("at .a[0] there is 2, expected 1")),
        ];
        for (how, wanted, output, answer) in cases {
            assert_eq!(holds(how, wanted, output), answer.map_err(str::to_owned), "{how:?} {wanted}");
        }
        assert!(holds(Match::Regex, "(", "x").unwrap_err().contains("does not compile"));
        assert!(holds(Match::Json, "{}", "x").unwrap_err().contains("the output is not JSON"));
    }
}
