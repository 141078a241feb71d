//! PromQL's words. All of PromQL is read here, also what the evaluator does not know, for checks are taken apart
//! before a Prometheus is asked.

use super::PromqlError;
use crate::domain::text;
use std::ops::Range;

/// Most bytes of a query.
pub const QUERY_MAX: usize = 16 * 1024;

/// One word.
#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    /// A name or a keyword: `sum`, `http_requests_total`, `job:up:sum`.
    Name(String),
    /// A quoted text, its escapes resolved.
    Text(String),
    /// A number.
    Number(f64),
    /// A length of time, `5m`, in ms.
    Time(i64),
    /// An operator or a bracket.
    Sign(&'static str),
}

/// Longer signs before their beginnings.
const SIGNS: &[&str] = &[
    "==", "!=", "<=", ">=", "=~", "!~", "(", ")", "{", "}", "[", "]", ",", "+", "-", "*", "/", "%", "^", "<",
    ">", "=", "@", ":",
];

/// Cuts a query into words, each with its place in bytes.
pub fn lex(query: &str) -> Result<Vec<(Token, Range<usize>)>, PromqlError> {
    if query.len() > QUERY_MAX {
        return Err(PromqlError::Syntax {
            column: QUERY_MAX,
            what: "the query is longer than 16 KiB".into(),
        });
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(rest) = query.get(at..).filter(|rest| !rest.is_empty()) {
        let first = rest.chars().next().unwrap_or(' ');
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        if first == '#' {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (token, length) = token(rest, first).map_err(|what| syntax(query, at, what))?;
        tokens.push((token, at..at + length));
        at += length;
    }
    Ok(tokens)
}

/// A syntax error at a place in bytes.
pub fn syntax(query: &str, at: usize, what: impl Into<String>) -> PromqlError {
    let column = query.char_indices().take_while(|(i, _)| *i < at).count() + 1;
    PromqlError::Syntax { column, what: what.into() }
}

fn token(rest: &str, first: char) -> Result<(Token, usize), String> {
    if let '"' | '\'' | '`' = first {
        return quoted(rest, first);
    }
    if first.is_ascii_digit() || (first == '.' && rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit())) {
        return number(rest);
    }
    if first.is_ascii_alphabetic() || first == '_' {
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
        let name = rest.get(..end).unwrap_or_default();
        let token = match name.to_ascii_lowercase().as_str() {
            "inf" => Token::Number(f64::INFINITY),
            "nan" => Token::Number(f64::NAN),
            _ => Token::Name(name.to_owned()),
        };
        return Ok((token, end));
    }
    SIGNS
        .iter()
        .find(|sign| rest.starts_with(**sign))
        .map(|sign| (Token::Sign(sign), sign.len()))
        .ok_or_else(|| format!("{} does not belong in a query", text::line(&first.to_string())))
}

fn quoted(rest: &str, quote: char) -> Result<(Token, usize), String> {
    let mut out = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((i, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((Token::Text(out), i + 1)),
            '\\' if quote != '`' => match chars.next().map(|(_, c)| c) {
                Some('n') => out.push('\n'),
                Some('t') => out.push('\t'),
                Some('r') => out.push('\r'),
                Some(c @ ('\\' | '"' | '\'')) => out.push(c),
                Some(c) => {
                    return Err(format!("\\{} is no escape: write \\\\{0}", text::line(&c.to_string())));
                }
                None => break,
            },
            c => out.push(c),
        }
    }
    Err("a quoted text does not end".into())
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let word = |end: usize| rest.get(..end).unwrap_or_default();
    if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        let digits = hex.bytes().take_while(u8::is_ascii_hexdigit).count();
        let value = u64::from_str_radix(hex.get(..digits).unwrap_or_default(), 16);
        return value.map(|v| (Token::Number(v as f64), digits + 2)).map_err(|_| "not a number".into());
    }
    let run = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len());
    if let Some(ms) = duration(word(run)) {
        return Ok((Token::Time(ms), run));
    }
    // An exponent may carry a sign, which is not part of the run: `1e-3`.
    let signed =
        word(run).ends_with(['e', 'E']) && rest.get(run..).is_some_and(|r| r.starts_with(['+', '-']));
    let end = if signed {
        run + 1 + rest.get(run + 1..).unwrap_or_default().bytes().take_while(u8::is_ascii_digit).count()
    } else {
        run
    };
    word(end).parse().map(|v| (Token::Number(v), end)).map_err(|_| format!("{} is not a number", word(end)))
}

/// A length of time as PromQL writes it: `1h30m`, units in falling order, a year of 365 days.
fn duration(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total: i64 = 0;
    let mut smallest = i64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(letters);
        let size = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "y" => 31_536_000_000,
            _ => return None,
        };
        if size >= smallest {
            return None;
        }
        smallest = size;
        total = total.checked_add(number.parse::<i64>().ok()?.checked_mul(size)?)?;
        rest = tail;
    }
    (smallest != i64::MAX).then_some(total)
}
