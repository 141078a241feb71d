//! An expression over the store at one moment.

use super::ast::{Expr, Selector};
use super::{LOOKBACK, PromqlError, aggregate, binary, functions};
use crate::signal::Point;
use crate::signal::analysis::{labels::Labels, store::Series, store::Store, value::Sample, value::Value};

/// What the expression gives at `at` (ms since 1970). Series come ordered by their labels.
pub fn evaluate(expr: &Expr, store: &Store, at: i64) -> Result<Value, PromqlError> {
    Context { store, at }.value(expr)
}

/// What is asked, and when.
pub(super) struct Context<'a> {
    store: &'a Store,
    pub at: i64,
}

impl Context<'_> {
    pub fn value(&self, expr: &Expr) -> Result<Value, PromqlError> {
        match expr {
            Expr::Number(v) => Ok(Value::Scalar(*v)),
            Expr::Instant(selector) => Ok(Value::Vector(self.instant(selector))),
            Expr::Range(selector, range) => Ok(Value::Matrix(self.range(selector, *range))),
            Expr::Call(name, args) => functions::call(self, name, args),
            Expr::Aggregate(what, grouping, of) => match self.value(of)? {
                Value::Vector(samples) => Ok(Value::Vector(aggregate::aggregate(*what, grouping, samples))),
                other => Err(PromqlError::Type(format!("an aggregation takes series, not {}", kind(&other)))),
            },
            Expr::Binary(binary) => {
                binary::operate(binary, self.value(&binary.left)?, self.value(&binary.right)?)
            }
            Expr::Negative(of) => match self.value(of)? {
                Value::Scalar(v) => Ok(Value::Scalar(-v)),
                Value::Vector(samples) => Ok(Value::Vector(map(samples, |v| -v))),
                other => Err(PromqlError::Type(format!("- takes numbers, not {}", kind(&other)))),
            },
        }
    }

    fn instant(&self, selector: &Selector) -> Vec<Sample> {
        let mut samples = Vec::new();
        self.each(selector, |name, labels, series| {
            if let Some(point) = series.at(self.at - LOOKBACK, self.at) {
                let mut labels = labels.clone();
                labels.set("__name__", name);
                samples.push(Sample { labels, v: point.v });
            }
        });
        samples
    }

    fn range(&self, selector: &Selector, range: i64) -> Vec<(Labels, Vec<Point>)> {
        let mut out = Vec::new();
        self.each(selector, |name, labels, series| {
            let points: Vec<Point> = series.within(self.at.saturating_sub(range), self.at).collect();
            if !points.is_empty() {
                let mut labels = labels.clone();
                labels.set("__name__", name);
                out.push((labels, points));
            }
        });
        out
    }

    fn each(&self, selector: &Selector, mut take: impl FnMut(&str, &Labels, &Series)) {
        let mut one = |name: &str, labels: &Labels, series: &Series| {
            if selector.matches(name, labels) {
                take(name, labels, series);
            }
        };
        match &selector.name {
            Some(name) => self.store.named(name).for_each(|(labels, series)| one(name, labels, series)),
            None => self.store.all().for_each(|(name, labels, series)| one(name, labels, series)),
        }
    }
}

/// What functions and operators give is no longer the metric that they were given.
pub(super) fn nameless(labels: &Labels) -> Labels {
    labels.filtered(|name| name != "__name__")
}

pub(super) fn map(samples: Vec<Sample>, change: impl Fn(f64) -> f64) -> Vec<Sample> {
    samples.into_iter().map(|s| Sample { labels: nameless(&s.labels), v: change(s.v) }).collect()
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Scalar(_) => "a number",
        Value::Vector(_) => "series",
        Value::Matrix(_) => "a range of series",
        Value::Text(_) => "a text",
    }
}
