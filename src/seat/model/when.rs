//! Times as people at this seat read them: UTC first, the local zone beside it.

use crate::domain::time::{Span, Stamp, Wall};
use chrono::FixedOffset;

/// The local time zone at the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// East of UTC.
    pub offset: FixedOffset,
    /// Its name, `CET`; else its offset.
    pub name: String,
}

impl Zone {
    /// UTC itself.
    pub fn utc() -> Self {
        Self {
            offset: FixedOffset::east_opt(0).unwrap_or_else(|| chrono::Offset::fix(&chrono::Utc)),
            name: "UTC".into(),
        }
    }

    /// `15:07 CET`; nothing where the local zone is UTC.
    pub fn local(&self, at: Wall) -> Option<String> {
        (self.offset.local_minus_utc() != 0)
            .then(|| format!("{} {}", at.with_timezone(&self.offset).format("%H:%M"), self.name))
    }
}

/// A time of an earlier day carries its date: `13:53Z` today, `Tue 13:53Z` within a week, else `2 Mar 13:53Z`.
pub fn minute(at: Wall, now: Wall) -> String {
    let clock = at.format("%H:%MZ");
    match now.date_naive().signed_duration_since(at.date_naive()).num_days() {
        0 => clock.to_string(),
        1..=6 => format!("{} {clock}", at.format("%a")),
        _ => format!("{} {clock}", at.format("%-d %b")),
    }
}

/// The same without the clock for what is long ago: `13:53Z`, `Tue`, `2 Mar`.
pub fn brief(at: Wall, now: Wall) -> String {
    match now.date_naive().signed_duration_since(at.date_naive()).num_days() {
        0 => at.format("%H:%MZ").to_string(),
        1..=6 => at.format("%a").to_string(),
        _ => at.format("%-d %b").to_string(),
    }
}

/// Reads a time of day in UTC as people write it: `01:52`, `01:52Z`, `01:52:10Z`, `5m ago`, or RFC 3339. A time of
/// day means the last such moment.
pub fn read(text: &str, now: Wall) -> Option<Wall> {
    let text = text.trim();
    if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
        return Some(at.to_utc());
    }
    let ago = text.strip_prefix('-').or_else(|| text.strip_suffix("ago").map(str::trim));
    if let Some(span) = ago.and_then(|span| span.parse::<Span>().ok()) {
        return now.checked_sub_signed(span.signed());
    }
    let bare = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let clock =
        ["%H:%M:%S", "%H:%M"].iter().find_map(|form| chrono::NaiveTime::parse_from_str(bare, form).ok())?;
    let today = now.date_naive().and_time(clock).and_utc();
    if today <= now { Some(today) } else { today.checked_sub_days(chrono::Days::new(1)) }
}

/// What was at `at`, seen from `now`.
pub fn age(at: Wall, now: &Stamp) -> Span {
    Span::between(at, now.wall)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Wall {
        chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    #[test]
    fn times_as_people_write_them() {
        let now = at("2026-03-02T00:10:00Z");
        for (text, want) in [
            ("01:52Z", "2026-03-01T01:52:00Z"),
            ("00:05", "2026-03-02T00:05:00Z"),
            ("23:59:30z", "2026-03-01T23:59:30Z"),
            ("5m ago", "2026-03-02T00:05:00Z"),
            ("-90s", "2026-03-02T00:08:30Z"),
            ("2026-03-01T10:00:00+01:00", "2026-03-01T09:00:00Z"),
        ] {
            assert_eq!(read(text, now), Some(at(want)), "{text}");
        }
        assert_eq!(read("soon", now), None);
    }

    #[test]
    fn an_earlier_day_says_so() {
        let now = at("2026-03-06T14:00:00Z");
        assert_eq!(minute(at("2026-03-06T13:53:00Z"), now), "13:53Z");
        assert_eq!(minute(at("2026-03-03T13:53:00Z"), now), "Tue 13:53Z");
        assert_eq!(brief(at("2026-01-02T13:53:00Z"), now), "2 Jan");
    }
}
