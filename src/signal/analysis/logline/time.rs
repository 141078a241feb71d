//! The ways in which logs write the time.

use crate::domain::time::Wall;
use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};

/// A text that is a time and nothing else.
pub(super) fn whole(text: &str) -> Option<Wall> {
    let text = text.trim();
    let (at, rest) = leading(text)?;
    rest.trim().is_empty().then_some(at)
}

/// A number of seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by its size.
pub(super) fn epoch(v: f64) -> Option<Wall> {
    let ms = match v.abs() {
        a if a < 1e8 => return None,
        a if a < 1e11 => v * 1e3,
        a if a < 1e14 => v,
        a if a < 1e17 => v / 1e3,
        a if a < 1e20 => v / 1e6,
        _ => return None,
    };
    DateTime::from_timestamp_millis(ms as i64)
}

/// A time at the start of a text, and what follows: RFC 3339 and its kin, `2026/11/22 21:24:02`,
/// `22/Nov/2026:21:24:02 +0000`, seconds since 1970.
pub(super) fn leading(text: &str) -> Option<(Wall, &str)> {
    let bytes = text.as_bytes();
    let digits = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    match (digits, bytes.get(digits)) {
        (4, Some(b'-' | b'/')) => calendar(text),
        (2, Some(b'/')) => clf(text),
        (10..=19, next) if next.is_none_or(|b| matches!(b, b'.' | b' ' | b':')) => {
            let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
            let (number, rest) = text.split_at(end);
            Some((epoch(number.parse().ok()?)?, rest))
        }
        _ => None,
    }
}

fn calendar(text: &str) -> Option<(Wall, &str)> {
    let bytes = text.as_bytes();
    let (day, clock) = (text.get(..10)?, text.get(11..19)?);
    if !matches!(bytes.get(10)?, b'T' | b't' | b' ') {
        return None;
    }
    let naive =
        NaiveDateTime::parse_from_str(&format!("{} {clock}", day.replace('/', "-")), "%Y-%m-%d %H:%M:%S")
            .ok()?;
    let mut rest = text.get(19..)?;
    let mut millis = 0;
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = fraction.split_at(digits);
        let three: String = number.chars().chain("000".chars()).take(3).collect();
        millis = three.parse().unwrap_or(0);
        rest = tail;
    }
    let (offset, rest) = zone(rest);
    let at = Utc.from_utc_datetime(&naive) + chrono::TimeDelta::try_milliseconds(millis)?;
    Some((at.checked_sub_signed(chrono::TimeDelta::try_minutes(offset)?)?, rest))
}

/// Minutes east of Greenwich; none given is UTC.
fn zone(rest: &str) -> (i64, &str) {
    if let Some(tail) = rest.strip_prefix(['Z', 'z']) {
        return (0, tail);
    }
    let at = rest.strip_prefix(' ').filter(|r| r.starts_with(['+', '-'])).unwrap_or(rest);
    let sign = match at.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return (0, rest),
    };
    let hours = at.get(1..3).and_then(|h| h.parse::<i64>().ok());
    let tail = at.get(3..).map(|t| t.strip_prefix(':').unwrap_or(t));
    let minutes = tail.and_then(|t| t.get(..2)).and_then(|m| m.parse::<i64>().ok());
    match (hours, minutes) {
        (Some(h @ 0..=14), Some(m @ 0..=59)) => {
            (sign * (h * 60 + m), tail.and_then(|t| t.get(2..)).unwrap_or_default())
        }
        _ => (0, rest),
    }
}

/// The common log format's time, without its bracket.
fn clf(text: &str) -> Option<(Wall, &str)> {
    let at = DateTime::parse_from_str(text.get(..26)?, "%d/%b/%Y:%H:%M:%S %z").ok()?;
    Some((at.with_timezone(&Utc), text.get(26..)?))
}
