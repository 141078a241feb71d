//! Operators between numbers and series.

use super::PromqlError;
use super::ast::{Binary, Op};
use super::eval::{kind, nameless};
use crate::signal::analysis::{labels::Labels, value::Sample, value::Value};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn operate(binary: &Binary, left: Value, right: Value) -> Result<Value, PromqlError> {
    let op = binary.op;
    match (left, right) {
        (Value::Vector(l), Value::Vector(r)) if op.is_set() => Ok(Value::Vector(set(binary, l, r))),
        (Value::Vector(l), Value::Vector(r)) => between(binary, l, &r).map(Value::Vector),
        (_, _) if op.is_set() => Err(PromqlError::Type("and, or and unless stand between series".into())),
        (Value::Scalar(_), Value::Scalar(_)) if op.compares() && !binary.bool_result => {
            Err(PromqlError::Type("two numbers are compared with bool: 1 < bool 2".into()))
        }
        (Value::Scalar(l), Value::Scalar(r)) => Ok(Value::Scalar(arithmetic(op, l, r))),
        (Value::Vector(l), Value::Scalar(r)) => {
            Ok(Value::Vector(l.into_iter().filter_map(|s| one(binary, &s.labels, s.v, r, s.v)).collect()))
        }
        (Value::Scalar(l), Value::Vector(r)) => {
            Ok(Value::Vector(r.into_iter().filter_map(|s| one(binary, &s.labels, l, s.v, s.v)).collect()))
        }
        (Value::Scalar(_) | Value::Vector(_), other) | (other, _) => Err(PromqlError::Type(format!(
            "an operator stands between numbers and series, not {}",
            kind(&other)
        ))),
    }
}

/// One result; `shown` is the value that a comparison lets through.
fn one(binary: &Binary, labels: &Labels, l: f64, r: f64, shown: f64) -> Option<Sample> {
    let v = arithmetic(binary.op, l, r);
    if binary.op.compares() && !binary.bool_result {
        // A filter keeps the series as it is, name and all.
        return (v > 0.0).then(|| Sample { labels: labels.clone(), v: shown });
    }
    Some(Sample { labels: nameless(labels), v })
}

fn key(binary: &Binary, labels: &Labels) -> Labels {
    nameless(&binary.matching.of(labels))
}

fn between(binary: &Binary, left: Vec<Sample>, right: &[Sample]) -> Result<Vec<Sample>, PromqlError> {
    let mut partners: BTreeMap<Labels, f64> = BTreeMap::new();
    for sample in right {
        let key = key(binary, &sample.labels);
        if partners.contains_key(&key) {
            return Err(PromqlError::ManyToMany(key.to_string()));
        }
        partners.insert(key, sample.v);
    }
    let mut used: BTreeSet<Labels> = BTreeSet::new();
    let mut out = Vec::new();
    for sample in left {
        let key = key(binary, &sample.labels);
        let Some(r) = partners.get(&key) else { continue };
        if !used.insert(key.clone()) {
            return Err(PromqlError::ManyToMany(key.to_string()));
        }
        let filters = binary.op.compares() && !binary.bool_result;
        let on = matches!(binary.matching, super::ast::Grouping::By(_));
        let labels = if filters && !on { &sample.labels } else { &key };
        out.extend(one(binary, labels, sample.v, *r, sample.v));
    }
    Ok(out)
}

fn set(binary: &Binary, left: Vec<Sample>, right: Vec<Sample>) -> Vec<Sample> {
    let keys = |samples: &[Sample]| samples.iter().map(|s| key(binary, &s.labels)).collect::<BTreeSet<_>>();
    match binary.op {
        Op::Or => {
            let have = keys(&left);
            let more = right.into_iter().filter(|s| !have.contains(&key(binary, &s.labels)));
            left.into_iter().chain(more).collect()
        }
        op => {
            let there = keys(&right);
            let wanted = op == Op::And;
            left.into_iter().filter(|s| there.contains(&key(binary, &s.labels)) == wanted).collect()
        }
    }
}

fn arithmetic(op: Op, l: f64, r: f64) -> f64 {
    let truth = |holds: bool| if holds { 1.0 } else { 0.0 };
    #[allow(clippy::float_cmp)] // PromQL compares exactly.
    match op {
        Op::Add => l + r,
        Op::Sub => l - r,
        Op::Mul => l * r,
        Op::Div => l / r,
        Op::Mod => l % r,
        Op::Pow => l.powf(r),
        Op::Eq => truth(l == r),
        Op::Ne => truth(l != r),
        Op::Lt => truth(l < r),
        Op::Le => truth(l <= r),
        Op::Gt => truth(l > r),
        Op::Ge => truth(l >= r),
        Op::And | Op::Or | Op::Unless => f64::NAN,
    }
}
