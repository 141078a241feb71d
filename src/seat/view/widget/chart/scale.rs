//! From times and values to places.

use crate::signal::analysis::ticks;

/// A stretch of time, milliseconds since 1970, the first before the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time {
    /// At the left side.
    pub from: i64,
    /// At the right side.
    pub to: i64,
}

impl Time {
    /// Whether a moment is shown.
    pub fn holds(self, t: i64) -> bool {
        (self.from..=self.to).contains(&t)
    }

    /// How far right a moment is, 0 to 1 for those that are shown.
    pub fn share(self, t: i64) -> f64 {
        let whole = self.to.saturating_sub(self.from).max(1);
        t.saturating_sub(self.from) as f64 / whole as f64
    }

    /// The column of a moment in a plot of that width, where it is shown.
    pub fn column(self, t: i64, width: u16) -> Option<u16> {
        let whole = i128::from(self.to) - i128::from(self.from);
        let column = (i128::from(t) - i128::from(self.from)) * i128::from(width) / whole.max(1);
        (self.holds(t) && width > 0).then(|| u16::try_from(column).unwrap_or(u16::MAX).min(width - 1))
    }

    /// The moment that a column begins with: for a click, and for moving the cursor.
    pub fn moment(self, column: u16, width: u16) -> i64 {
        let (whole, width) = (i128::from(self.to) - i128::from(self.from), i128::from(width.max(1)));
        let after = (i128::from(column) * whole + width - 1).div_euclid(width);
        i64::try_from(i128::from(self.from) + after).unwrap_or(self.to)
    }

    /// Round moments, at most `most` of them.
    pub fn ticks(self, most: u16) -> Vec<i64> {
        ticks::moments(self.from, self.to, most)
    }
}

/// The values from bottom to top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Values {
    /// At the bottom.
    pub low: f64,
    /// At the top.
    pub high: f64,
}

impl Values {
    /// Room for all finite values and the band; from zero where nothing is below; up to a round number. The threshold
    /// gets room only where it is near.
    pub fn over(
        values: impl IntoIterator<Item = f64>,
        band: Option<(f64, f64)>,
        limit: Option<f64>,
    ) -> Option<Self> {
        let (mut low, mut high) = crate::seat::view::widget::spark::bounds(values)?;
        if let Some((a, b)) = band.filter(|(a, b)| a.is_finite() && b.is_finite()) {
            (low, high) = (low.min(a), high.max(b));
        }
        if let Some(limit) = limit.filter(|limit| limit.is_finite() && *limit <= high.abs() * 1.5) {
            (low, high) = (low.min(limit), high.max(limit));
        }
        let low = if low >= 0.0 { 0.0 } else { -round_up(-low) };
        let high = if high <= 0.0 { 0.0 } else { round_up(high) };
        Some(if high > low { Self { low, high } } else { Self { low, high: low + 1.0 } })
    }

    /// How far up a value is, 0 to 1.
    pub fn share(self, v: f64) -> f64 {
        ((v - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Whether a value is between bottom and top.
    pub fn holds(self, v: f64) -> bool {
        (self.low..=self.high).contains(&v)
    }
}

/// The next of 1, 1.5, 2, 3, 4, 5, 6, 8, 10 times a power of ten.
fn round_up(v: f64) -> f64 {
    let power = 10_f64.powf(v.log10().floor());
    [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|n| n * power)
        .find(|round| *round >= v * 0.999_999)
        .unwrap_or(v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bounds_are_round() {
        assert_eq!(Values::over([0.003, 0.072], None, None), Some(Values { low: 0.0, high: 0.08 }));
        assert_eq!(Values::over([412.0], Some((400.0, 430.0)), None), Some(Values { low: 0.0, high: 500.0 }));
        assert_eq!(Values::over([0.0], None, None), Some(Values { low: 0.0, high: 1.0 }));
        assert_eq!(Values::over([f64::NAN], None, None), None);
    }

    proptest! {
        #[test]
        fn anything_has_a_place(from in any::<i64>(), to in any::<i64>(), t in any::<i64>(), width in 0_u16..200, v in any::<f64>(), w in any::<f64>()) {
            let time = Time { from, to };
            prop_assert!(time.column(t, width).is_none_or(|column| column < width));
            prop_assert!(time.ticks(10).len() <= 12);
            if let Some(values) = Values::over([v, w], Some((w, v)), Some(v)) {
                prop_assert!(!(values.share(v) < 0.0 || values.share(v) > 1.0));
            }
        }

        #[test]
        fn a_columns_moment_is_in_that_column(from in 0_i64..1_000_000, long in 1_000_i64..10_000_000, width in 1_u16..200, column in 0_u16..200) {
            let time = Time { from, to: from + long };
            let column = column % width;
            prop_assert_eq!(time.column(time.moment(column, width), width), Some(column));
        }
    }
}
