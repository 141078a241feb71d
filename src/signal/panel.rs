//! A panel: one number worth watching, with its unit and what is normal for it.

use super::{Point, SourceId};
use crate::domain::time::{Span, Wall};
use serde::{Deserialize, Serialize};

/// What is watched and how it is judged. From configuration, or found by a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    /// Name, unique in the room: `errors`.
    pub name: String,
    /// Source that answers, by id. Empty: the first that can.
    #[serde(default)]
    pub source: String,
    /// PromQL.
    pub query: String,
    /// What the number is in.
    #[serde(default)]
    pub unit: Unit,
    /// Which way is bad.
    #[serde(default)]
    pub bad: Direction,
    /// Beyond this it is bad, in the panel's unit (a ratio of 0.01 is one per cent).
    #[serde(default)]
    pub threshold: Option<f64>,
    /// It is bad only when it was beyond the threshold this long.
    #[serde(default, rename = "for")]
    pub hold: Option<Span>,
    /// Service it belongs to.
    #[serde(default)]
    pub service: Option<String>,
}

/// What a number is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A bare count.
    #[default]
    Count,
    /// 0 to 1, shown as per cent.
    Ratio,
    /// Seconds, shown as ms or s.
    Seconds,
    /// Per second.
    PerSecond,
    /// Bytes, shown with a binary prefix.
    Bytes,
}

/// Which way is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is worse.
    #[default]
    Up,
    /// Less is worse.
    Down,
    /// Neither: only shown.
    None,
}

/// A panel as a seat draws it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PanelView {
    /// What it is.
    pub panel: Panel,
    /// Who answered.
    pub source: SourceId,
    /// Oldest first; what the seat keeps is bounded.
    pub points: Vec<Point>,
    /// What was normal before the incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// Since when it has been beyond its threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bad_since: Option<Wall>,
}

/// Quantiles of a panel over a quiet time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// 5 % of the points lay below.
    pub low: f64,
    /// Half of the points lay below.
    pub median: f64,
    /// 95 % of the points lay below.
    pub high: f64,
    /// Points it was made of.
    pub points: u32,
    /// When it was frozen.
    pub until: Wall,
}

impl Unit {
    /// A value with its unit, short: `7.2 %`, `840 ms`, `412 /s`, `1.5 GiB`, and `no data` for a gap.
    pub fn show(self, v: f64) -> String {
        if !v.is_finite() {
            return "no data".into();
        }
        match self {
            Self::Count => plain(v),
            Self::Ratio => format!("{} %", plain(v * 100.0)),
            Self::Seconds if v.abs() < 1.0 => format!("{} ms", plain(v * 1_000.0)),
            Self::Seconds => format!("{} s", plain(v)),
            Self::PerSecond => format!("{} /s", plain(v)),
            Self::Bytes => {
                let units = ["B", "KiB", "MiB", "GiB", "TiB"];
                let mut v = v;
                let mut unit = units.iter();
                let mut name = unit.next().copied().unwrap_or("B");
                while v.abs() >= 1_024.0 {
                    let Some(next) = unit.next() else { break };
                    v /= 1_024.0;
                    name = next;
                }
                format!("{} {name}", plain(v))
            }
        }
    }
}

/// Three figures or so, no exponent for what a person meets.
fn plain(v: f64) -> String {
    let a = v.abs();
    if a >= 1e9 {
        return format!("{v:.2e}");
    }
    if a >= 100.0 || (v.fract() == 0.0 && a >= 1.0) {
        format!("{v:.0}")
    } else if a >= 10.0 || a == 0.0 {
        format!("{v:.1}").trim_end_matches(".0").to_owned()
    } else if a >= 0.1 {
        format!("{v:.1}")
    } else {
        format!("{v:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_without_its_unit() {
        assert_eq!(Unit::Ratio.show(0.072), "7.2 %");
        assert_eq!(Unit::Seconds.show(0.84), "840 ms");
        assert_eq!(Unit::Seconds.show(1.5), "1.5 s");
        assert_eq!(Unit::PerSecond.show(412.4), "412 /s");
        assert_eq!(Unit::Bytes.show(1.5 * 1_073_741_824.0), "1.5 GiB");
        assert_eq!(Unit::Ratio.show(f64::NAN), "no data");
        assert_eq!(Unit::Ratio.show(0.0), "0 %");
    }
}
