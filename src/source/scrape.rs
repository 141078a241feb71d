//! Endpoints that expose metrics, scraped directly, where there is no Prometheus. Several endpoints of one service
//! are one source: their series are told apart by `instance`, and panels see their sum.

use super::client::{self, Access, Client};
use super::poll::{Gone, Mouth, backoff, chance, rest};
use super::problem::Problem;
use crate::domain::time::{Span, Wall};
use crate::signal::analysis::check::{Judgement, question};
use crate::signal::analysis::discover::{Asked, Metrics, discover};
use crate::signal::analysis::exposition::{self, Exposed};
use crate::signal::analysis::promql::{self, PromqlError};
use crate::signal::analysis::store::{SERIES_MAX, Store};
use crate::signal::analysis::value::Value;
use crate::signal::{Body, Panel, Point, SeriesPoints};
use chrono::Utc;
use futures::future::join_all;
use reqwest::Url;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Most endpoints of one source.
const ENDPOINTS_MAX: usize = 64;
/// Polls between two looks for new panels.
const LOOK: u64 = 15;

/// What was scraped, shared between the poller and those who ask.
#[derive(Debug)]
pub struct Scraped {
    store: Mutex<Store>,
    /// What is wrong since the last poll, where no endpoint answered.
    silent: Mutex<Option<String>>,
    endpoints: Result<Vec<(String, Url, Client)>, Problem>,
}

impl Scraped {
    /// Nothing yet. A wrong address is told by the poller.
    pub fn new(urls: &[String], access: &Access) -> Self {
        let endpoint = |text: &String| {
            let mut url = client::address(text)?;
            if url.path() == "/" && url.query().is_none() {
                url.set_path("/metrics");
            }
            let client = Client::new(&url, access)?;
            Ok((client::host(&url), url, client))
        };
        let endpoints = urls.iter().take(ENDPOINTS_MAX).map(endpoint).collect();
        let silent = Mutex::new(Some("nothing was scraped yet".to_owned()));
        Self { store: Mutex::default(), silent, endpoints }
    }

    /// Evaluates a query over what was scraped.
    pub fn query(&self, promql: &str, now: Wall) -> Result<Value, PromqlError> {
        promql::evaluate(&promql::parse(promql)?, &lock(&self.store), now.timestamp_millis())
    }

    /// Answers a check. While no endpoint answers, what was scraped before is no answer.
    pub fn check(&self, code: &str, now: Wall) -> Result<Judgement, Problem> {
        let question = question(code)?;
        let only_up = promql::parse(&question.whole)?.asks_only("up");
        if let Some(silent) = lock(&self.silent).clone().filter(|_| !only_up) {
            return Err(Problem::Nonsense(silent));
        }
        let whole = self.query(&question.whole, now)?;
        let sides = question.sides.iter().map(|q| self.query(q, now)).collect::<Result<Vec<_>, _>>()?;
        Ok(question.judge(&whole, &sides))
    }

    fn metrics(&self) -> Metrics {
        let mut metrics = Metrics::new();
        for (name, labels, _) in lock(&self.store).all() {
            let known = metrics.entry(name.to_owned()).or_default();
            for (label, _) in labels.iter() {
                if !known.contains(label) {
                    known.insert(label.to_owned());
                }
            }
        }
        metrics
    }
}

/// A store is whole between two calls, even where a thread that held it stopped.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is polled.
#[derive(Debug, Clone)]
pub struct Poller {
    /// Where it goes.
    pub scraped: Arc<Scraped>,
    /// What to show; nothing: what is found.
    pub panels: Vec<Panel>,
    /// How often.
    pub every: Span,
}

/// Polls until nobody listens.
pub async fn run(poller: Poller, mouth: Mouth) -> Gone {
    let Err(gone) = Box::pin(forever(poller, mouth)).await;
    gone
}

async fn forever(poller: Poller, mouth: Mouth) -> Result<std::convert::Infallible, Gone> {
    let Poller { scraped, panels: configured, every } = poller;
    let mut panels = configured.clone();
    let mut failures = 0;
    for round in 0_u64.. {
        let began = Instant::now();
        let endpoints = match &scraped.endpoints {
            Ok(endpoints) => endpoints,
            Err(problem) => {
                mouth.trouble(&problem.line(), Span::secs(30)).await?;
                tokio::time::sleep(Span::secs(30).std()).await;
                continue;
            }
        };
        let now = Utc::now();
        let mut complaints = once(&scraped, endpoints, now).await;
        let silent = complaints.len() >= endpoints.len() && lock(&scraped.silent).is_some();
        let look = configured.is_empty() && (round < 2 || round.is_multiple_of(LOOK));
        if look && !silent {
            let found = discover(Asked::Scrape { endpoints: endpoints.len() }, &mouth.id, &scraped.metrics());
            if found != panels {
                panels.clone_from(&found);
                mouth.say(Body::Panels(found)).await?;
            }
        }
        let mut series = Vec::new();
        for panel in &panels {
            let value = scraped.query(&panel.query, now).map_err(Problem::from);
            match value.and_then(|v| v.single().map_err(Problem::from)) {
                Ok(v) => {
                    let points = v.map(|v| Point::new(now, v)).into_iter().collect();
                    series.push(SeriesPoints { panel: panel.name.clone(), points });
                }
                Err(problem) => complaints.push(format!("{}: {}", panel.name, problem.line())),
            }
        }
        // That all are down is a reading too: `up` is 0, the others have no data.
        if !panels.is_empty() {
            mouth.say(Body::Series(series)).await?;
        }
        failures = if silent { failures + 1 } else { 0 };
        let wait = if silent { backoff(failures, every, chance()) } else { every };
        if !complaints.is_empty() {
            mouth.trouble(&complaints.join("; "), wait).await?;
        }
        rest(began, wait).await;
    }
    Err(Gone)
}

/// Scrapes all endpoints; gives what is wrong.
async fn once(scraped: &Scraped, endpoints: &[(String, Url, Client)], now: Wall) -> Vec<String> {
    let t = now.timestamp_millis();
    let answers = join_all(endpoints.iter().map(|(_, url, client)| fetch(client, url))).await;
    let mut complaints = Vec::new();
    let mut alive = false;
    let mut store = lock(&scraped.store);
    for ((instance, ..), answer) in endpoints.iter().zip(answers) {
        match answer {
            Ok((samples, complaint)) => {
                alive = true;
                store.scraped(instance, t, Some(samples));
                complaints.extend(complaint.map(|c| format!("{instance}: {c}")));
                if store.refused() > 0 {
                    let n = store.refused();
                    complaints.push(format!("{instance}: {n} series are not kept, {SERIES_MAX} are enough"));
                }
            }
            Err(problem) => {
                store.scraped(instance, t, None);
                complaints.push(format!("{instance}: {}", problem.line()));
            }
        }
    }
    *lock(&scraped.silent) = (!alive).then(|| complaints.first().cloned().unwrap_or_default());
    complaints
}

async fn fetch(client: &Client, url: &Url) -> Result<(Vec<Exposed>, Option<String>), Problem> {
    let got = client.get(url.clone()).await?;
    if got.status != 200 {
        return Err(Problem::Status { status: got.status });
    }
    let text = String::from_utf8_lossy(&got.body);
    let read = exposition::parse(&text).map_err(|e| Problem::Nonsense(e.to_string()))?;
    let bad = (read.bad_lines > 0)
        .then(|| format!("{} lines cannot be read; {}", read.bad_lines, read.complaints.join("; ")));
    let over = (read.over > 0).then(|| format!("{} samples are too many and were not read", read.over));
    let complaints: Vec<String> = bad.into_iter().chain(over).collect();
    Ok((read.samples, (!complaints.is_empty()).then(|| complaints.join("; "))))
}
