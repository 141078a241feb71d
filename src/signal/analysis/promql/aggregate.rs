//! `sum by (…)` and its kin.

use super::ast::{Aggregation, Grouping};
use crate::signal::analysis::{labels::Labels, value::Sample};
use std::collections::BTreeMap;

/// One sample per group. Nothing gives nothing: the sum of no series is no series, not zero.
pub(super) fn aggregate(what: Aggregation, grouping: &Grouping, samples: Vec<Sample>) -> Vec<Sample> {
    let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
    for Sample { mut labels, v } in samples {
        if matches!(grouping, Grouping::Without(_)) {
            labels.set("__name__", "");
        }
        groups.entry(grouping.of(&labels)).or_default().push(v);
    }
    groups.into_iter().map(|(labels, values)| Sample { labels, v: one(what, &values) }).collect()
}

fn one(what: Aggregation, values: &[f64]) -> f64 {
    let number = |best: f64, v: f64, better: bool| if better || best.is_nan() { v } else { best };
    match what {
        Aggregation::Sum => values.iter().sum(),
        Aggregation::Avg => values.iter().sum::<f64>() / values.len() as f64,
        Aggregation::Min => values.iter().fold(f64::NAN, |best, v| number(best, *v, *v < best)),
        Aggregation::Max => values.iter().fold(f64::NAN, |best, v| number(best, *v, *v > best)),
        Aggregation::Count => values.len() as f64,
        Aggregation::Group => 1.0,
    }
}
