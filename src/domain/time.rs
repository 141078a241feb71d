//! Time as the rules see it: UTC for people, the boot clock for what has passed.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, fmt::Write as _, str::FromStr};

/// A point on the wall clock, UTC.
pub type Wall = DateTime<Utc>;

/// A length of time, whole milliseconds, never negative. Written `13m12s`, `250ms`, `2h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From milliseconds.
    pub const fn millis(ms: u64) -> Self {
        Self(ms)
    }
    /// From seconds.
    pub const fn secs(s: u64) -> Self {
        Self(s.saturating_mul(1_000))
    }
    /// From minutes.
    pub const fn mins(m: u64) -> Self {
        Self(m.saturating_mul(60_000))
    }
    /// From hours.
    pub const fn hours(h: u64) -> Self {
        Self(h.saturating_mul(3_600_000))
    }
    /// Milliseconds in it.
    pub const fn as_millis(self) -> u64 {
        self.0
    }
    /// Whole seconds in it.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }
    /// Seconds in it, with a fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }
    /// The same for the standard library's timers.
    pub const fn std(self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0)
    }
    /// What is left of this after `other`, nothing at least.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
    /// Both together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
    /// From `from` to `to` on the wall clock; zero where `to` is earlier.
    pub fn between(from: Wall, to: Wall) -> Self {
        Self(u64::try_from((to - from).num_milliseconds()).unwrap_or(0))
    }
    /// For the calendar: the same as chrono's signed duration.
    pub fn signed(self) -> chrono::TimeDelta {
        chrono::TimeDelta::milliseconds(i64::try_from(self.0).unwrap_or(i64::MAX / 2))
    }
    /// Rounded to what a person reads at a glance: two units, no fraction of a second.
    pub fn brief(self) -> String {
        let s = self.0 / 1_000;
        let (d, h, m, r) = (s / 86_400, s / 3_600 % 24, s / 60 % 60, s % 60);
        match (d, h, m) {
            (0, 0, 0) => format!("{r}s"),
            (0, 0, _) => format!("{m}m{r:02}s"),
            (0, _, _) => format!("{h}h{m:02}m"),
            _ => format!("{d}d{h:02}h"),
        }
    }
}

impl From<std::time::Duration> for Span {
    fn from(d: std::time::Duration) -> Self {
        Self(u64::try_from(d.as_millis()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.pad("0s");
        }
        let mut text = String::new();
        let mut rest = self.0;
        for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
            if rest >= size {
                let _ = write!(text, "{}{unit}", rest / size);
                rest %= size;
            }
        }
        f.pad(&text)
    }
}

/// The text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a length of time: write it like 90s, 15m, 1h30m or 250ms")]
pub struct NotASpan(pub String);

impl FromStr for Span {
    type Err = NotASpan;
    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let bad = || NotASpan(text.chars().take(40).collect());
        let mut rest = text.trim();
        let mut total: u64 = 0;
        if rest.is_empty() {
            return Err(bad());
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, tail) = tail.split_at(letters);
            let size: u64 = match unit {
                "ms" => 1,
                "s" => 1_000,
                "m" | "min" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                "w" => 604_800_000,
                _ => return Err(bad()),
            };
            let number: u64 = number.parse().map_err(|_| bad())?;
            total = number.checked_mul(size).and_then(|ms| total.checked_add(ms)).ok_or_else(bad)?;
            rest = tail.trim_start();
        }
        Ok(Self(total))
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A length of time, like 90s, 15m, 1h30m or 250ms",
            "pattern": r"^\s*([0-9]+\s*(ms|s|m|min|h|d|w)\s*)+$"
        })
    }
}

/// One start of the kernel, so that boot clocks are compared only where they may be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct BootId(pub String);

/// A moment: what the wall showed, and where the boot clock stood (it does not jump, and runs on in suspend).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Wall clock, UTC.
    pub wall: Wall,
    /// Which boot the clock belongs to.
    pub boot: BootId,
    /// Milliseconds since that boot.
    pub clock: u64,
}

impl Stamp {
    /// A moment known by its wall time alone, as when a person says "it began at 01:52Z".
    pub fn wall_only(wall: Wall) -> Self {
        Self { wall, boot: BootId::default(), clock: 0 }
    }

    /// How long from this to `now`: by the boot clock where both are of one boot, so that a stepped wall clock
    /// changes nothing; by the wall otherwise.
    pub fn elapsed(&self, now: &Self) -> Span {
        if self.boot == now.boot && !self.boot.0.is_empty() {
            Span(now.clock.saturating_sub(self.clock))
        } else {
            Span::between(self.wall, now.wall)
        }
    }

    /// This moment moved on by `span`, both clocks alike.
    #[must_use]
    pub fn plus(&self, span: Span) -> Self {
        Self {
            wall: self
                .wall
                .checked_add_signed(span.signed())
                .filter(|wall| *wall < never())
                .unwrap_or_else(never),
            boot: self.boot.clone(),
            clock: self.clock.saturating_add(span.0),
        }
    }

    /// Whether `now` has come to this moment.
    pub fn reached(&self, now: &Self) -> bool {
        if self.boot == now.boot && !self.boot.0.is_empty() {
            now.clock >= self.clock
        } else {
            now.wall >= self.wall
        }
    }

    /// The earlier moment at which the wall showed `wall`, seen from this one. With the boot clock where that had
    /// begun, so that what is measured from it survives a stepped wall clock.
    #[must_use]
    pub fn back_to(&self, wall: Wall) -> Self {
        match self.clock.checked_sub(Span::between(wall, self.wall).0) {
            Some(clock) if !self.boot.0.is_empty() && wall <= self.wall => {
                Self { wall, boot: self.boot.clone(), clock }
            }
            _ => Self::wall_only(wall),
        }
    }

    /// How long until this moment, zero when it has passed.
    pub fn until(&self, now: &Self) -> Span {
        now.elapsed(self)
    }
}

/// How long to wait after so many failures in a row: doubling from `first` to `most`, then between half and all of
/// that by `chance` (0 to 1), so that many do not ask in step.
pub fn backoff(failures: u32, first: Span, most: Span, chance: f64) -> Span {
    let doubled = first.as_millis().saturating_mul(1 << failures.saturating_sub(1).min(16));
    let whole = doubled.min(most.max(first).as_millis());
    Span::millis((whole as f64 * (0.5 + 0.5 * chance.clamp(0.0, 1.0))) as u64)
}

/// A moment that nobody will see, still written with four digits of a year.
fn never() -> Wall {
    DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(Wall::MAX_UTC)
}

/// The wall time in the form that is stored: RFC 3339, milliseconds, `Z`.
pub fn rfc3339(at: Wall) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A time of day in UTC, `14:07:31Z`.
pub fn clock_utc(at: Wall) -> String {
    at.format("%H:%M:%SZ").to_string()
}

/// A time of day in UTC without seconds, `14:07Z`.
pub fn minute_utc(at: Wall) -> String {
    at.format("%H:%MZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stamp(wall_s: i64, boot: &str, clock: u64) -> Stamp {
        Stamp { wall: DateTime::from_timestamp(wall_s, 0).unwrap(), boot: BootId(boot.into()), clock }
    }

    proptest! {
        #[test]
        fn a_span_survives_text(ms in 0_u64..u64::MAX / 2) {
            let span = Span::millis(ms);
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn reading_a_span_never_panics(text in ".{0,30}") {
            let _ = text.parse::<Span>();
        }

        #[test]
        fn a_stepped_wall_changes_nothing_within_a_boot(step in -10_000_i64..10_000, gone in 0_u64..10_000_000) {
            let start = stamp(1_000_000, "b", 5);
            let now = stamp(1_000_000 + step, "b", 5 + gone);
            prop_assert_eq!(start.elapsed(&now), Span::millis(gone));
            prop_assert_eq!(start.plus(Span::millis(gone)).reached(&now), true);
        }
    }

    #[test]
    fn durations_read_at_a_glance() {
        assert_eq!(Span::secs(792).brief(), "13m12s");
        assert_eq!(Span::secs(9).brief(), "9s");
        assert_eq!(Span::secs(3_900).brief(), "1h05m");
        assert_eq!(Span::secs(90_000).brief(), "1d01h");
    }

    #[test]
    fn across_boots_the_wall_decides() {
        assert_eq!(stamp(100, "a", 50).elapsed(&stamp(160, "b", 1)), Span::secs(60));
        assert_eq!(stamp(100, "a", 50).elapsed(&stamp(40, "b", 1)), Span::ZERO);
    }
}
