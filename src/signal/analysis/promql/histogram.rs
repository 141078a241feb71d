//! `histogram_quantile` over classic buckets, as Prometheus reckons it (promql/quantile.go, bucketQuantile).

use super::eval::nameless;
use crate::signal::analysis::{exposition::number, labels::Labels, value::Sample};
use std::collections::BTreeMap;

/// The `q` quantile of every histogram in a vector of buckets.
pub(super) fn quantiles(q: f64, buckets: Vec<Sample>) -> Vec<Sample> {
    let mut histograms: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for Sample { mut labels, v } in buckets {
        let Some(le) = number(labels.get("le")) else { continue };
        labels.set("le", "");
        histograms.entry(nameless(&labels)).or_default().push((le, v));
    }
    histograms.into_iter().map(|(labels, buckets)| Sample { labels, v: quantile(q, buckets) }).collect()
}

fn quantile(q: f64, mut buckets: Vec<(f64, f64)>) -> f64 {
    if q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    buckets.dedup_by(|later, kept| {
        let same = later.0.total_cmp(&kept.0).is_eq();
        if same {
            kept.1 += later.1;
        }
        same
    });
    let Some(&(top, total)) = buckets.last() else { return f64::NAN };
    if top != f64::INFINITY || buckets.len() < 2 {
        return f64::NAN;
    }
    // Buckets that were read at different moments may fall a little: never let them.
    let mut highest = f64::NEG_INFINITY;
    for (_, count) in &mut buckets {
        highest = highest.max(*count);
        *count = highest;
    }
    let total = total.max(highest);
    if total == 0.0 || total.is_nan() {
        return f64::NAN;
    }
    let rank = q * total;
    let found = buckets.iter().take(buckets.len() - 1).position(|(_, count)| *count >= rank);
    let Some(found) = found else {
        return buckets.get(buckets.len() - 2).map_or(f64::NAN, |(le, _)| *le);
    };
    let Some(&(end, count)) = buckets.get(found) else { return f64::NAN };
    let (start, below) = match found.checked_sub(1).and_then(|i| buckets.get(i)) {
        Some(&before) => before,
        None if end <= 0.0 => return end,
        None => (0.0, 0.0),
    };
    start + (end - start) * ((rank - below) / (count - below))
}
