//! The price service: so many quotes at once and no more, each taking its time; the rest stand in a queue.

use super::logfile::Log;
use super::metrics::{Gauge, Metrics};
use super::rng::Rng;
use super::serve::serve;
use super::trace::{HEADER, Trace};
use super::{Layout, WorldError};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Quotes worked on at once. With the service time: about 105 quotes a second, three times what a good release asks.
const WORKERS: usize = 6;
/// A quote takes this long, and up to half as long again on top; milliseconds.
const SERVICE_MS: f64 = 46.0;
/// A quote that stood in the queue for longer is not begun any more: work for a caller about to hang up is lost, and
/// under overload a queue in plain order would do nothing else.
const STALE: Duration = Duration::from_millis(170);
/// A caller who was dropped and does not hang up is told after this.
const DROPPED_FOR: Duration = Duration::from_secs(2);
/// More than this in the queue are turned away at once.
const QUEUE: usize = 200;
/// One in so many ordinary quotes is logged.
const LOG_ONE_IN: u64 = 25;

struct Pricing {
    workers: Semaphore,
    queued: AtomicUsize,
    metrics: Metrics,
    log: Log,
    rng: Mutex<Rng>,
}

/// Somebody in the queue; a caller who hangs up leaves it.
struct Queued<'a>(&'a AtomicUsize);
impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A caller that hung up before its quote was ready: the work is dropped with the connection, and counted.
struct HangUp<'a> {
    pricing: &'a Pricing,
    done: bool,
}
impl Drop for HangUp<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.pricing.metrics.add("pricing_hangups_total");
        }
    }
}

/// Serves quotes until the process ends.
pub async fn run(layout: &Layout, port: u16) -> Result<(), WorldError> {
    let pricing = Arc::new(Pricing {
        workers: Semaphore::new(WORKERS),
        queued: AtomicUsize::new(0),
        metrics: Metrics::new("pricing", "pricing-1", &["pricing_hangups_total"]),
        log: Log::new(&layout.log("pricing"), vec![("service", "pricing".into())]),
        rng: Mutex::new(Rng::new(11)),
    });
    pricing.log.info("pricing is up", &[("workers", WORKERS.into())]);
    let routes = axum::Router::new()
        .route("/quote", get(quote))
        .route("/healthz", get(async || "ok\n"))
        .route("/version", get(async || "5.1.0\n"))
        .route("/metrics", get(metrics))
        .with_state(pricing);
    serve(layout, "pricing", port, routes).await
}

async fn quote(State(pricing): State<Arc<Pricing>>, headers: HeaderMap) -> impl IntoResponse {
    let began = Instant::now();
    let (draw, cents) = {
        let mut rng = pricing.rng.lock().unwrap_or_else(PoisonError::into_inner);
        (rng.unit(), 500 + rng.next() % 20_000)
    };
    let trace = Trace::read(headers.get(HEADER).and_then(|value| value.to_str().ok()));
    let trace = trace.map_or_else(String::new, |trace| trace.id);
    if pricing.queued.load(Ordering::Relaxed) >= QUEUE {
        pricing.metrics.answered(503, began.elapsed());
        pricing.log.warn("queue is full", &[("trace_id", trace.into()), ("queued", QUEUE.into())]);
        return (StatusCode::SERVICE_UNAVAILABLE, "queue is full\n".to_owned());
    }
    let mut here = HangUp { pricing: &pricing, done: false };
    pricing.queued.fetch_add(1, Ordering::Relaxed);
    let waiting = Queued(&pricing.queued);
    let worker = pricing.workers.acquire().await;
    drop(waiting);
    let waited = began.elapsed();
    if waited > STALE {
        drop(worker);
        tokio::time::sleep(DROPPED_FOR).await;
        here.done = true;
        pricing.metrics.answered(503, began.elapsed());
        return (StatusCode::SERVICE_UNAVAILABLE, "stood in the queue for too long\n".to_owned());
    }
    tokio::time::sleep(Duration::from_secs_f64(SERVICE_MS * (1.0 + draw / 2.0) / 1_000.0)).await;
    drop(worker);
    here.done = true;
    pricing.metrics.answered(200, began.elapsed());
    let waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
    let fields = [
        ("trace_id", trace.into()),
        ("waited_ms", waited_ms.into()),
        ("queued", pricing.queued.load(Ordering::Relaxed).into()),
    ];
    if waited_ms > 100 && cents % 10 == 0 {
        pricing.log.warn("quote waited for a worker", &fields);
    } else if cents % LOG_ONE_IN == 0 {
        pricing.log.info("quote", &fields);
    }
    (StatusCode::OK, format!("{{\"cents\":{cents}}}\n"))
}

async fn metrics(State(pricing): State<Arc<Pricing>>) -> String {
    let gauge = |name, value: usize| Gauge { name, labels: String::new(), value: value as f64 };
    pricing.metrics.show(&[
        gauge("pricing_queue_length", pricing.queued.load(Ordering::Relaxed)),
        gauge("pricing_workers_busy", WORKERS.saturating_sub(pricing.workers.available_permits())),
        gauge("pricing_workers", WORKERS),
    ])
}
