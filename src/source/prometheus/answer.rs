//! The answers of Prometheus's HTTP API (prometheus.io/docs/prometheus/latest/querying/api), and of those who speak
//! it: VictoriaMetrics gives whole seconds, and a status as the kind of an error.

use crate::signal::Point;
use crate::signal::analysis::{exposition::number, labels::Labels, value::Sample, value::Value};
use crate::source::{client::Got, problem::Problem};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::{collections::BTreeMap, fmt, marker::PhantomData};

/// Most series of one answer.
const SERIES_MAX: usize = 10_000;
/// Most names of one answer; what comes after them is passed over.
const NAMES_MAX: usize = 200_000;

/// A result, and what the server has to say about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The result.
    pub value: Value,
    /// Why it may be incomplete.
    pub warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    status: String,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default, rename = "errorType")]
    error_type: String,
    #[serde(default)]
    error: String,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    #[serde(default, rename = "isPartial")]
    partial: bool,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(rename = "resultType")]
    kind: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    metric: BTreeMap<String, String>,
    #[serde(default)]
    value: Option<(f64, Written)>,
    #[serde(default)]
    values: Option<Vec<(f64, Written)>>,
}

/// A number that is written as a text, `"NaN"`; read without keeping the text.
struct Written(f64);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reads;
        impl Visitor<'_> for Reads {
            type Value = Written;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number in quotes")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Written, E> {
                let short = || text.chars().take(40).collect::<String>();
                number(text).map(Written).ok_or_else(|| E::custom(format!("{:?} is not a number", short())))
            }
        }
        from.deserialize_str(Reads)
    }
}

/// The first `N` of a list, and whether there were more: a bound on memory, whatever the answer.
struct First<T, const N: usize> {
    all: Vec<T>,
    more: bool,
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for First<T, N> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reads<T, const N: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Reads<T, N> {
            type Value = First<T, N>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<First<T, N>, A::Error> {
                let mut first = First { all: Vec::new(), more: false };
                while first.all.len() < N {
                    match list.next_element()? {
                        Some(one) => first.all.push(one),
                        None => return Ok(first),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    first.more = true;
                }
                Ok(first)
            }
        }
        from.deserialize_seq(Reads(PhantomData))
    }
}

/// A query's result.
pub fn query(got: &Got) -> Result<Reply, Problem> {
    let (data, warnings) = envelope(got)?;
    let data: Data<'_> = json(data)?;
    let value = match data.kind.as_str() {
        "scalar" => {
            let (_, Written(v)): (f64, Written) = json(data.result)?;
            Value::Scalar(v)
        }
        "string" => Value::Text(json::<(f64, String)>(data.result)?.1),
        "vector" => Value::Vector(rows(data.result)?.into_iter().map(sample).collect::<Result<_, _>>()?),
        "matrix" => Value::Matrix(rows(data.result)?.into_iter().map(series).collect::<Result<_, _>>()?),
        other => return Err(Problem::Nonsense(format!("a result of the kind {other:?}"))),
    };
    Ok(Reply { value, warnings })
}

/// A list of names: of metrics, of labels.
pub fn names(got: &Got) -> Result<Vec<String>, Problem> {
    json::<First<String, NAMES_MAX>>(envelope(got)?.0).map(|names| names.all)
}

fn rows(raw: &RawValue) -> Result<Vec<Row>, Problem> {
    let rows: First<Row, SERIES_MAX> = json(raw)?;
    if rows.more { Err(Problem::Many(SERIES_MAX)) } else { Ok(rows.all) }
}

fn envelope(got: &Got) -> Result<(&RawValue, Vec<String>), Problem> {
    let read: Result<Envelope<'_>, _> = serde_json::from_slice(&got.body);
    let envelope = match read {
        Ok(envelope) => envelope,
        Err(_) if got.status != 200 => return Err(Problem::Status { status: got.status }),
        Err(_) if got.html || got.body.trim_ascii_start().starts_with(b"<") => {
            return Err(Problem::Nonsense(
                "a web page instead of data: is this Prometheus's address?".into(),
            ));
        }
        Err(error) => return Err(Problem::Nonsense(format!("broken JSON: {error}"))),
    };
    if envelope.status != "success" {
        // 503 with JSON is a query that took too long: about the question too.
        return Err(Problem::Refused {
            kind: kind(&envelope.error_type, got.status),
            message: envelope.error,
        });
    }
    let mut warnings = envelope.warnings.unwrap_or_default();
    if envelope.partial {
        warnings.push("a part of the storage did not answer".into());
    }
    Ok((envelope.data.ok_or_else(|| Problem::Nonsense("success without data".into()))?, warnings))
}

fn kind(named: &str, status: u16) -> String {
    match named {
        "" => format!("HTTP {status}"),
        "422" => "execution".into(),
        "400" => "bad_data".into(),
        other => other.into(),
    }
}

fn json<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Problem> {
    serde_json::from_str(raw.get()).map_err(|e| Problem::Nonsense(format!("data of another shape: {e}")))
}

fn sample(row: Row) -> Result<Sample, Problem> {
    let (_, Written(v)) = row.value.ok_or_else(histogram)?;
    Ok(Sample { labels: Labels::new(row.metric), v })
}

fn series(row: Row) -> Result<(Labels, Vec<Point>), Problem> {
    let values = row.values.ok_or_else(histogram)?;
    let point = |(t, Written(v)): (f64, Written)| Point { t: (t * 1_000.0).round() as i64, v };
    Ok((Labels::new(row.metric), values.into_iter().map(point).collect()))
}

fn histogram() -> Problem {
    Problem::Nonsense("a native histogram: ask for a number, e.g. histogram_quantile(0.99, …)".into())
}

#[cfg(test)]
mod tests;
