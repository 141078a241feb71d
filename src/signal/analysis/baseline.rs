//! What is normal for a panel: quantiles of its points in a quiet time.

use crate::domain::time::Wall;
use crate::signal::{Point, panel::Baseline};

/// Fewer points than this say nothing about what is normal.
pub const MIN_POINTS: usize = 12;

/// The baseline of all points before `until`; none where fewer than [`MIN_POINTS`] of them are numbers. Quantiles
/// interpolate linearly between ranks (Hyndman and Fan's type 7, as R and NumPy do).
pub fn baseline(points: impl IntoIterator<Item = Point>, until: Wall) -> Option<Baseline> {
    let limit = until.timestamp_millis();
    let mut values: Vec<f64> =
        points.into_iter().filter(|p| p.t < limit && p.v.is_finite()).map(|p| p.v).collect();
    if values.len() < MIN_POINTS {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    Some(Baseline {
        low: quantile(&values, 0.05)?,
        median: quantile(&values, 0.5)?,
        high: quantile(&values, 0.95)?,
        points: u32::try_from(values.len()).unwrap_or(u32::MAX),
        until,
    })
}

/// The `q` quantile, 0 to 1, of sorted values; none of none.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let rank = q.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let below = *sorted.get(rank.floor() as usize)?;
    let above = *sorted.get(rank.ceil() as usize)?;
    let part = rank.fract();
    Some(below * (1.0 - part) + above * part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use proptest::prelude::*;

    fn at(ms: i64) -> Wall {
        DateTime::from_timestamp_millis(ms).unwrap()
    }

    proptest! {
        #[test]
        fn quantiles_are_ordered_and_within(values in proptest::collection::vec(-1e9_f64..1e9, MIN_POINTS..200)) {
            let points: Vec<Point> = (0_i64..).zip(&values).map(|(t, v)| Point { t, v: *v }).collect();
            let b = baseline(points, at(100_000)).unwrap();
            let (min, max) = values.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
            let slack = 1e-3;
            prop_assert!(min - slack <= b.low && b.low <= b.median + slack);
            prop_assert!(b.median <= b.high + slack && b.high <= max + slack);
        }
    }

    #[test]
    fn gaps_and_what_came_later_do_not_count() {
        let points = (0..40).map(|i| Point { t: i, v: if i % 2 == 0 { f64::NAN } else { 1.0 } });
        assert_eq!(baseline(points.clone(), at(40)).unwrap().points, 20);
        assert_eq!(baseline(points, at(20)), None);
    }

    #[test]
    fn ranks_are_interpolated() {
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0], 0.5), Some(2.5));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
