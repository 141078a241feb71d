//! What a query gives: Prometheus's result types.

use super::labels::Labels;
use crate::signal::Point;

/// One series at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Its labels.
    pub labels: Labels,
    /// Its value; NaN and infinities are values too.
    pub v: f64,
}

/// A query's result.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number without labels.
    Scalar(f64),
    /// One value per series.
    Vector(Vec<Sample>),
    /// Points per series, oldest first.
    Matrix(Vec<(Labels, Vec<Point>)>),
    /// Text.
    Text(String),
}

/// A panel shows one number and the query gives several.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "gives {count} series, which differ in {labels}: a panel shows one, so aggregate them, e.g. sum(…) or max(…)"
)]
pub struct Several {
    /// How many.
    pub count: usize,
    /// Names of the labels in which they differ.
    pub labels: String,
}

/// Refuses more than one series, naming the labels that tell them apart.
pub fn at_most_one(series: &[&Labels]) -> Result<(), Several> {
    let count = series.len();
    if count <= 1 {
        return Ok(());
    }
    let names: std::collections::BTreeSet<&str> =
        series.iter().flat_map(|l| l.iter().map(|(n, _)| n)).collect();
    let differ = |name: &&&str| {
        let mut values = series.iter().map(|l| l.get(name));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let labels: Vec<&str> = names.iter().filter(differ).take(6).copied().collect();
    let labels = if labels.is_empty() { "nothing but their name".to_owned() } else { labels.join(", ") };
    Err(Several { count, labels: crate::domain::text::line(&labels).into_owned() })
}

impl Value {
    /// The one number of a panel: none where there is no data.
    pub fn single(&self) -> Result<Option<f64>, Several> {
        match self {
            Self::Scalar(v) => Ok(Some(*v)),
            Self::Vector(samples) => {
                at_most_one(&samples.iter().map(|s| &s.labels).collect::<Vec<_>>())?;
                Ok(samples.first().map(|s| s.v))
            }
            Self::Matrix(series) => {
                at_most_one(&series.iter().map(|(labels, _)| labels).collect::<Vec<_>>())?;
                Ok(series.first().and_then(|(_, points)| points.last()).map(|p| p.v))
            }
            Self::Text(_) => Ok(None),
        }
    }

    /// All numbers of one moment; a range has none.
    pub fn numbers(&self) -> Vec<f64> {
        match self {
            Self::Scalar(v) => vec![*v],
            Self::Vector(samples) => samples.iter().map(|s| s.v).collect(),
            Self::Matrix(_) | Self::Text(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_series_are_refused_by_what_tells_them_apart() {
        let sample = |instance: &str| Sample {
            labels: Labels::new([("instance".into(), instance.into()), ("job".into(), "x".into())]),
            v: 1.0,
        };
        let several = Value::Vector(vec![sample("a"), sample("b")]).single().unwrap_err();
        assert_eq!(several, Several { count: 2, labels: "instance".into() });
        assert_eq!(Value::Vector(vec![sample("a")]).single(), Ok(Some(1.0)));
        assert_eq!(Value::Vector(vec![]).single(), Ok(None));
    }
}
