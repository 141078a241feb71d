//! Functions. `rate` and its kin extrapolate as Prometheus does (promql/functions.go, extrapolatedRate), so that a
//! number here is the number there.

use super::ast::Expr;
use super::eval::{Context, kind, map, nameless};
use super::{PromqlError, histogram};
use crate::signal::Point;
use crate::signal::analysis::{labels::Labels, value::Sample, value::Value};

pub(super) fn call(context: &Context<'_>, name: &str, args: &[Expr]) -> Result<Value, PromqlError> {
    let wants = |n: usize| {
        let plural = if n == 1 { "" } else { "s" };
        Err(PromqlError::Type(format!("{name} takes {n} argument{plural}, not {}", args.len())))
    };
    match (name, args) {
        ("rate" | "increase" | "delta", [Expr::Range(_, range), ..]) if args.len() == 1 => {
            let range = *range;
            each(context, name, args, |points| extrapolated(name, points, range, context.at))
        }
        ("irate" | "idelta", [_]) => each(context, name, args, |points| instant_rate(name, points)),
        ("sum_over_time", [_]) => each(context, name, args, |p| Some(p.iter().map(|p| p.v).sum())),
        ("count_over_time", [_]) => each(context, name, args, |p| Some(p.len() as f64)),
        ("avg_over_time", [_]) => {
            each(context, name, args, |p| Some(p.iter().map(|p| p.v).sum::<f64>() / p.len() as f64))
        }
        ("min_over_time", [_]) => each(context, name, args, |p| p.iter().map(|p| p.v).reduce(f64::min)),
        ("max_over_time", [_]) => each(context, name, args, |p| p.iter().map(|p| p.v).reduce(f64::max)),
        ("last_over_time", [_]) => each(context, name, args, |p| p.last().map(|p| p.v)),
        ("present_over_time", [_]) => each(context, name, args, |_| Some(1.0)),
        ("changes", [_]) => each(context, name, args, |p| {
            #[allow(clippy::float_cmp)] // A change is any difference.
            Some(p.iter().zip(p.iter().skip(1)).filter(|(a, b)| a.v != b.v).count() as f64)
        }),
        ("resets", [_]) => each(context, name, args, |p| {
            Some(p.iter().zip(p.iter().skip(1)).filter(|(a, b)| b.v < a.v).count() as f64)
        }),
        ("abs", [_]) => vector(context, name, args).map(|v| Value::Vector(map(v, f64::abs))),
        ("ceil", [_]) => vector(context, name, args).map(|v| Value::Vector(map(v, f64::ceil))),
        ("floor", [_]) => vector(context, name, args).map(|v| Value::Vector(map(v, f64::floor))),
        ("clamp_min", [_, limit]) => {
            let limit = number(context, name, limit)?;
            vector(context, name, args).map(|v| Value::Vector(map(v, |v| if v < limit { limit } else { v })))
        }
        ("clamp_max", [_, limit]) => {
            let limit = number(context, name, limit)?;
            vector(context, name, args).map(|v| Value::Vector(map(v, |v| if v > limit { limit } else { v })))
        }
        ("histogram_quantile", [q, _]) => {
            let q = number(context, name, q)?;
            let buckets = vector(context, name, args.get(1..).unwrap_or_default())?;
            Ok(Value::Vector(histogram::quantiles(q, buckets)))
        }
        ("vector", [of]) => {
            Ok(Value::Vector(vec![Sample { labels: Labels::default(), v: number(context, name, of)? }]))
        }
        ("scalar", [_]) => {
            let of = vector(context, name, args)?;
            Ok(Value::Scalar(if let [only] = of.as_slice() { only.v } else { f64::NAN }))
        }
        ("absent", [_]) => {
            let there = !vector(context, name, args)?.is_empty();
            let one = Sample { labels: Labels::default(), v: 1.0 };
            Ok(Value::Vector(if there { vec![] } else { vec![one] }))
        }
        ("time", []) => Ok(Value::Scalar(context.at as f64 / 1_000.0)),
        ("rate" | "increase" | "delta", [_]) => {
            Err(PromqlError::Type(format!("{name} takes a range: {name}(x[1m])")))
        }
        ("clamp_min" | "clamp_max" | "histogram_quantile", _) => wants(2),
        ("time", _) => wants(0),
        (
            "rate" | "increase" | "delta" | "irate" | "idelta" | "abs" | "ceil" | "floor" | "vector"
            | "scalar" | "absent" | "changes" | "resets" | "sum_over_time" | "count_over_time"
            | "avg_over_time" | "min_over_time" | "max_over_time" | "last_over_time" | "present_over_time",
            _,
        ) => wants(1),
        _ => Err(PromqlError::Unsupported(format!("the function {}", crate::domain::text::line(name)))),
    }
}

fn each(
    context: &Context<'_>,
    name: &str,
    args: &[Expr],
    of: impl Fn(&[Point]) -> Option<f64>,
) -> Result<Value, PromqlError> {
    let keeps_name = name == "last_over_time";
    match args.first().map(|arg| context.value(arg)).transpose()? {
        Some(Value::Matrix(series)) => Ok(Value::Vector(
            series
                .into_iter()
                .filter_map(|(labels, points)| {
                    let v = of(&points)?;
                    Some(Sample { labels: if keeps_name { labels } else { nameless(&labels) }, v })
                })
                .collect(),
        )),
        _ => Err(PromqlError::Type(format!("{name} takes a range: {name}(x[1m])"))),
    }
}

fn vector(context: &Context<'_>, name: &str, args: &[Expr]) -> Result<Vec<Sample>, PromqlError> {
    match args.first().map(|arg| context.value(arg)).transpose()? {
        Some(Value::Vector(samples)) => Ok(samples),
        Some(other) => Err(PromqlError::Type(format!("{name} takes series, not {}", kind(&other)))),
        None => Err(PromqlError::Type(format!("{name} takes series"))),
    }
}

fn number(context: &Context<'_>, name: &str, arg: &Expr) -> Result<f64, PromqlError> {
    match context.value(arg)? {
        Value::Scalar(v) => Ok(v),
        other => Err(PromqlError::Type(format!("{name} takes a number, not {}", kind(&other)))),
    }
}

/// `rate`, `increase` and `delta`: what lies between the first and the last point, carried on to the edges of the
/// range where they are near, and of a counter not below zero. A counter that falls was reset and began at zero.
fn extrapolated(name: &str, points: &[Point], range: i64, at: i64) -> Option<f64> {
    let counter = name != "delta";
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < 2 {
        return None;
    }
    let mut result = last.v - first.v;
    if counter {
        result += points
            .iter()
            .zip(points.iter().skip(1))
            .filter(|(a, b)| b.v < a.v)
            .map(|(a, _)| a.v)
            .sum::<f64>();
    }
    let seconds = |ms: i64| ms as f64 / 1_000.0;
    let sampled = seconds(last.t - first.t);
    let between = sampled / (points.len() - 1) as f64;
    let mut to_start = seconds(first.t - (at - range));
    let mut to_end = seconds(at - last.t);
    let near = between * 1.1;
    if to_start >= near {
        to_start = between / 2.0;
    }
    if counter && result > 0.0 && first.v >= 0.0 {
        to_start = to_start.min(sampled * (first.v / result));
    }
    if to_end >= near {
        to_end = between / 2.0;
    }
    let whole = result * ((sampled + to_start + to_end) / sampled);
    Some(if name == "rate" { whole / seconds(range) } else { whole })
}

fn instant_rate(name: &str, points: &[Point]) -> Option<f64> {
    let [.., before, last] = points else { return None };
    if name == "idelta" {
        return Some(last.v - before.v);
    }
    let rise = if last.v < before.v { last.v } else { last.v - before.v };
    let ms = last.t - before.t;
    (ms > 0).then(|| rise / (ms as f64 / 1_000.0))
}
