//! A Prometheus, or what speaks its HTTP API.

mod answer;
mod poll;

pub use answer::Reply;
pub use poll::{Poller, run};

use super::client::{self, Access, Client};
use super::problem::Problem;
use crate::domain::time::{Span, Wall};
use crate::signal::analysis::check::{Judgement, question};
use crate::signal::analysis::value::Value;
use futures::future::try_join_all;
use reqwest::Url;

/// VictoriaMetrics otherwise answers for half a minute ago, from a cache; a Prometheus passes both over.
const FRESH: [(&str, &str); 2] = [("nocache", "1"), ("latency_offset", "1ms")];

/// The API of one server.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    base: Url,
    /// What the server is told to give up after.
    timeout: String,
}

impl Api {
    /// For the server at this address; a path before `/api/v1` belongs to it.
    pub fn new(url: &str, access: &Access) -> Result<Self, Problem> {
        let base = client::address(url)?;
        let timeout = format!("{}ms", access.timeout.as_millis());
        Ok(Self { client: Client::new(&base, access)?, base, timeout })
    }

    /// An instant query.
    pub async fn query(&self, promql: &str, now: Wall) -> Result<Value, Problem> {
        Ok(self.instant(promql, now).await?.value)
    }

    /// An instant query, with the server's warnings.
    pub async fn instant(&self, promql: &str, now: Wall) -> Result<Reply, Problem> {
        let [cache, offset] = FRESH;
        let now = seconds(now);
        let pairs = [("query", promql), ("time", &now), ("timeout", &self.timeout), cache, offset];
        let url = self.url("query", &pairs);
        answer::query(&self.client.get(url).await?)
    }

    /// A query over a range, one value each `step`.
    pub async fn range(&self, promql: &str, from: Wall, to: Wall, step: Span) -> Result<Reply, Problem> {
        let step = step.max(Span::secs(1)).as_secs_f64().to_string();
        let (from, to) = (seconds(from), seconds(to));
        let [cache, offset] = FRESH;
        let pairs = [
            ("query", promql),
            ("start", &from),
            ("end", &to),
            ("step", &step),
            ("timeout", &self.timeout),
            cache,
            offset,
        ];
        answer::query(&self.client.get(self.url("query_range", &pairs)).await?)
    }

    /// Names of all metrics.
    pub async fn metric_names(&self) -> Result<Vec<String>, Problem> {
        answer::names(&self.client.get(self.url("label/__name__/values", &[])).await?)
    }

    /// Names of the labels of one metric.
    pub async fn label_names(&self, metric: &str) -> Result<Vec<String>, Problem> {
        answer::names(&self.client.get(self.url("labels", &[("match[]", metric)])).await?)
    }

    /// Answers a check. The whole and the sides of the comparison are asked for one and the same moment.
    pub async fn check(&self, code: &str, now: Wall) -> Result<Judgement, Problem> {
        let question = question(code)?;
        let asked = std::iter::once(&question.whole).chain(&question.sides);
        let mut values = try_join_all(asked.map(|q| self.query(q, now))).await?;
        let sides = values.split_off(1);
        let whole = values.pop().unwrap_or(Value::Vector(Vec::new()));
        Ok(question.judge(&whole, &sides))
    }

    fn url(&self, endpoint: &str, pairs: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}/api/v1/{endpoint}", self.base.path().trim_end_matches('/'));
        url.set_path(&path);
        url.set_fragment(None);
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        url
    }
}

fn seconds(at: Wall) -> String {
    format!("{}.{:03}", at.timestamp(), at.timestamp_subsec_millis())
}
