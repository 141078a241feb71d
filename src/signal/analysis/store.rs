//! What was scraped, kept for an hour at most in a bounded memory.

use super::{exposition::Exposed, labels::Labels};
use crate::signal::Point;
use std::collections::{BTreeMap, VecDeque};

/// Most series that are kept.
pub const SERIES_MAX: usize = 20_000;
/// Most points that are kept of all series together, 16 bytes each.
pub const POINTS_MAX: usize = 1_000_000;
/// Nothing older than this is kept, in milliseconds.
pub const AGE_MAX: i64 = 3_600_000;

/// One series' points, oldest first, and when it was first missed.
#[derive(Debug, Clone, Default)]
pub struct Series {
    points: VecDeque<Point>,
    ended: Option<i64>,
}

impl Series {
    /// All points of `(from, to]`, in ms since 1970.
    pub fn within(&self, from: i64, to: i64) -> impl Iterator<Item = Point> + '_ {
        let start = self.points.partition_point(|p| p.t <= from);
        self.points.range(start..).copied().take_while(move |p| p.t <= to)
    }

    /// The newest point not after `to` and after `from`; none where the series had ended by then.
    pub fn at(&self, from: i64, to: i64) -> Option<Point> {
        let after = self.points.partition_point(|p| p.t <= to);
        let point = after.checked_sub(1).and_then(|i| self.points.get(i)).copied()?;
        let over = self.ended.is_some_and(|ended| to >= ended && after == self.points.len());
        (point.t > from && !over).then_some(point)
    }
}

/// Series by metric name and labels.
#[derive(Debug, Clone, Default)]
pub struct Store {
    metrics: BTreeMap<String, BTreeMap<Labels, Series>>,
    series: usize,
    refused: usize,
}

impl Store {
    /// Nothing scraped yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// One scrape of `instance` at `t` (ms since 1970). Every sample gets the label `instance`; one it brings itself
    /// becomes `exported_instance`. Series that it exposed before and does not now are ended, so that an old value
    /// is never taken for a new one; so are all where the scrape failed (`None`). `up` says which of both it was.
    pub fn scraped(&mut self, instance: &str, t: i64, samples: Option<Vec<Exposed>>) {
        self.refused = 0;
        let up = if samples.is_some() { 1.0 } else { 0.0 };
        for (name, series) in &mut self.metrics {
            if name != "up" {
                series.iter_mut().filter(|(l, _)| l.get("instance") == instance).for_each(|(_, s)| {
                    s.ended.get_or_insert(t);
                });
            }
        }
        for Exposed { name, mut labels, v } in samples.into_iter().flatten() {
            let own = labels.get("instance").to_owned();
            labels.set("exported_instance", &own);
            labels.set("instance", instance);
            self.add(name, labels, Point { t, v });
        }
        let labels = Labels::new([("instance".to_owned(), instance.to_owned())]);
        self.add("up".to_owned(), labels, Point { t, v: up });
        self.forget(t);
    }

    fn add(&mut self, name: String, labels: Labels, point: Point) {
        let full = self.series >= SERIES_MAX;
        let known = self.metrics.get(&name).is_some_and(|series| series.contains_key(&labels));
        if full && !known && name != "up" {
            self.refused += 1;
            return;
        }
        self.series += usize::from(!known);
        let series = self.metrics.entry(name).or_default().entry(labels).or_default();
        if series.points.back().is_none_or(|last| last.t < point.t) {
            series.points.push_back(point);
            series.ended = None;
        }
    }

    /// Drops what is too old or too much, and series of which nothing is left.
    fn forget(&mut self, now: i64) {
        let each = (POINTS_MAX / self.series.max(1)).max(2);
        for series in self.metrics.values_mut() {
            series.retain(|_, s| {
                let old = s.points.partition_point(|p| p.t < now.saturating_sub(AGE_MAX));
                let over = s.points.len().saturating_sub(each);
                s.points.drain(..old.max(over));
                !s.points.is_empty()
            });
        }
        self.metrics.retain(|_, series| !series.is_empty());
        self.series = self.metrics.values().map(BTreeMap::len).sum();
    }

    /// Series of one name, ordered by labels.
    pub fn named(&self, name: &str) -> impl Iterator<Item = (&Labels, &Series)> {
        self.metrics.get(name).into_iter().flatten()
    }

    /// Every series with its metric's name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Labels, &Series)> {
        self.metrics.iter().flat_map(|(name, series)| series.iter().map(move |(l, s)| (name.as_str(), l, s)))
    }

    /// How many series are kept.
    pub fn len(&self) -> usize {
        self.series
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.series == 0
    }

    /// Series of the last scrape that were not kept, because there were too many.
    pub fn refused(&self) -> usize {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str, label: &str, v: f64) -> Exposed {
        Exposed { name: name.into(), labels: Labels::new([("l".to_owned(), label.to_owned())]), v }
    }

    fn now(store: &Store, name: &str, t: i64) -> Vec<f64> {
        store.named(name).filter_map(|(_, s)| s.at(t - 300_000, t)).map(|p| p.v).collect()
    }

    #[test]
    fn what_is_exposed_no_longer_has_ended() {
        let mut store = Store::new();
        store.scraped("a", 1_000, Some(vec![sample("x", "1", 1.0), sample("x", "2", 2.0)]));
        store.scraped("b", 1_500, Some(vec![sample("x", "1", 9.0)]));
        store.scraped("a", 2_000, Some(vec![sample("x", "2", 3.0)]));
        assert_eq!(now(&store, "x", 2_000), [3.0, 9.0]);
        assert_eq!(now(&store, "x", 1_500), [1.0, 2.0, 9.0]);
        store.scraped("a", 3_000, None);
        assert_eq!(now(&store, "x", 3_000), [9.0]);
        assert_eq!(now(&store, "up", 3_000), [0.0, 1.0]);
    }

    #[test]
    fn memory_is_bounded_and_says_so() {
        let mut store = Store::new();
        let many =
            |from: usize| (from..from + SERIES_MAX + 10).map(|i| sample("x", &i.to_string(), 1.0)).collect();
        store.scraped("a", 1_000, Some(many(0)));
        assert_eq!((store.len(), store.refused()), (SERIES_MAX + 1, 10));
        store.scraped("a", 1_000 + AGE_MAX + 1_000, Some(vec![]));
        assert_eq!(store.len(), 1);
        for t in 0..120 {
            store.scraped(
                "a",
                10_000_000 + t,
                Some((0..9_999).map(|i| sample("y", &i.to_string(), 1.0)).collect()),
            );
        }
        let points: usize = store.all().map(|(_, _, s)| s.points.len()).sum();
        assert!(points <= POINTS_MAX, "{points}");
    }
}
