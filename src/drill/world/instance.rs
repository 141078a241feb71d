//! One instance of a service: it serves requests as its running release does, and loads another on `POST /reload`.

use super::client::client;
use super::flags::{NEW_PRICING, Watched};
use super::generation::Generation;
use super::logfile::Log;
use super::metrics::{Gauge, Metrics};
use super::release::{Quotes, Release};
use super::rng::Rng;
use super::serve::serve;
use super::trace::{HEADER, Trace};
use super::{Facts, Layout, WorldError};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Health looks at this many requests, and says no when most of them failed.
const HEALTH_WINDOW: u32 = 32;

struct Instance {
    layout: Layout,
    service: &'static str,
    http: reqwest::Client,
    pricing: String,
    metrics: Metrics,
    log: Log,
    changing: Mutex<Changing>,
}

struct Changing {
    generation: Arc<Generation>,
    flags: Watched,
    rng: Rng,
    /// One bit a request, the newest lowest, 1 where it failed.
    failed: u32,
}

/// How a request that failed, failed.
enum Failure {
    NoConnection,
    Slow { after_ms: u64 },
    Refused { said: String },
}

/// Serves until the process ends. A release that cannot be loaded at the start is an error.
pub async fn run(layout: &Layout, service: &'static str, index: u32, port: u16) -> Result<(), WorldError> {
    let name = format!("{service}-{index}");
    let release = Release::read(&layout.current(service))?;
    let pricing = match &release.quotes {
        Some(_) => Facts::read(layout)?.urls("pricing").into_iter().next().unwrap_or_default(),
        None => String::new(),
    };
    let log =
        Log::new(&layout.log(&name), vec![("service", service.into()), ("instance", name.clone().into())]);
    log.info("started", &[("version", release.version.clone().into())]);
    let instance = Arc::new(Instance {
        service,
        http: client()?,
        pricing,
        metrics: Metrics::new(service, &name, &["quote_retries_total", "quote_timeouts_total"]),
        log,
        changing: Mutex::new(Changing {
            generation: Arc::new(Generation::new(release)),
            flags: Watched::new(&layout.flags()),
            rng: Rng::new(u64::from(index).wrapping_mul(101)),
            failed: 0,
        }),
        layout: layout.clone(),
    });
    let routes = axum::Router::new()
        .route("/healthz", get(healthz))
        .route("/version", get(version))
        .route("/metrics", get(metrics))
        .route("/reload", post(reload))
        .route(if service == "checkout" { "/checkout" } else { "/pay" }, get(work).post(work))
        .with_state(instance);
    serve(layout, &name, port, routes).await
}

impl Instance {
    fn changing(&self) -> MutexGuard<'_, Changing> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn percent(&self, changing: &mut Changing, flag: &str) -> u32 {
        let (flags, trouble) = changing.flags.look(Instant::now());
        let percent = flags.percent(flag);
        if let Some(why) = trouble {
            self.log.warn("flags left as they were", &[("error", why.to_string().into())]);
        }
        percent
    }

    /// One call to the price service, tried again as often as the release does.
    async fn quote(&self, how: &Quotes, trace: &Trace) -> Result<(), Failure> {
        let mut last = Failure::Slow { after_ms: how.timeout_ms };
        for attempt in 0..=how.retries {
            if attempt > 0 {
                self.metrics.add("quote_retries_total");
            }
            let header = trace.header(&mut self.changing().rng);
            let url = format!("{}/quote", self.pricing);
            let patience = Duration::from_millis(how.timeout_ms);
            let asked = self.http.get(url).header(HEADER, header).timeout(patience).send().await;
            let said = match asked {
                Ok(answer) if answer.status().is_success() => match answer.bytes().await {
                    Ok(_) => return Ok(()),
                    Err(why) => why,
                },
                Ok(answer) => {
                    last = Failure::Refused { said: format!("pricing answered {}", answer.status()) };
                    continue;
                }
                Err(why) => why,
            };
            last = if said.is_timeout() {
                self.metrics.add("quote_timeouts_total");
                Failure::Slow { after_ms: how.timeout_ms }
            } else {
                Failure::Refused { said: said.to_string() }
            };
        }
        Err(last)
    }

    async fn serve(&self, generation: &Generation, new_pricing: bool, trace: &Trace) -> Result<(), Failure> {
        let connection = generation.connection().await.ok_or(Failure::NoConnection)?;
        if let Some(how) = &generation.release.quotes {
            let calls = if new_pricing { how.calls_new_pricing } else { how.calls };
            for _ in 0..calls {
                self.quote(how, trace).await?;
            }
        } else {
            tokio::time::sleep(Duration::from_millis(12)).await;
        }
        generation.remember(connection, Instant::now());
        Ok(())
    }
}

async fn work(State(it): State<Arc<Instance>>, headers: HeaderMap) -> Response {
    let began = Instant::now();
    let (generation, trace, new_pricing) = {
        let mut changing = it.changing();
        let sent = Trace::read(headers.get(HEADER).and_then(|value| value.to_str().ok()));
        let trace = sent.unwrap_or_else(|| Trace::begin(&mut changing.rng));
        let percent = it.percent(&mut changing, NEW_PRICING);
        (Arc::clone(&changing.generation), trace.clone(), trace.bucket() < percent)
    };
    let served = it.serve(&generation, new_pricing, &trace).await;
    let took = began.elapsed();
    let (code, said) = match &served {
        Ok(()) => (StatusCode::OK, "checkout done".to_owned()),
        Err(Failure::NoConnection) => {
            (StatusCode::SERVICE_UNAVAILABLE, "checkout failed: no free connection in the pool".to_owned())
        }
        Err(Failure::Slow { after_ms }) => {
            (StatusCode::GATEWAY_TIMEOUT, format!("checkout failed: quote timed out after {after_ms} ms"))
        }
        Err(Failure::Refused { said }) => (StatusCode::BAD_GATEWAY, format!("checkout failed: {said}")),
    };
    let said = if it.service == "checkout" { said } else { said.replacen("checkout", "payment", 1) };
    it.metrics.answered(code.as_u16(), took);
    {
        let mut changing = it.changing();
        changing.failed = (changing.failed << 1) | u32::from(served.is_err());
    }
    let fields = [
        ("trace_id", trace.id.clone().into()),
        ("version", generation.release.version.clone().into()),
        ("code", code.as_u16().into()),
        ("duration_ms", u64::try_from(took.as_millis()).unwrap_or(u64::MAX).into()),
    ];
    if served.is_err() {
        it.log.error(&said, &fields);
    } else if took > Duration::from_millis(500) {
        it.log.warn("checkout was slow", &fields);
    } else {
        it.log.info(&said, &fields);
    }
    (code, format!("{said}\n")).into_response()
}

async fn healthz(State(it): State<Arc<Instance>>) -> impl IntoResponse {
    let failed = it.changing().failed.count_ones();
    if failed * 2 > HEALTH_WINDOW {
        (StatusCode::SERVICE_UNAVAILABLE, format!("{failed} of the last {HEALTH_WINDOW} requests failed\n"))
    } else {
        (StatusCode::OK, "ok\n".to_owned())
    }
}

async fn version(State(it): State<Arc<Instance>>) -> String {
    format!("{}\n", it.changing().generation.release.version)
}

/// Loads what `current` points at. Where that cannot be loaded, the running release goes on.
async fn reload(State(it): State<Arc<Instance>>) -> impl IntoResponse {
    match Release::read(&it.layout.current(it.service)) {
        Ok(release) => {
            let to = release.version.clone();
            let next = Arc::new(Generation::new(release));
            let old = {
                let mut changing = it.changing();
                changing.failed = 0;
                std::mem::replace(&mut changing.generation, next)
            };
            let from = old.release.version.clone();
            it.log.info("reloaded", &[("from", from.into()), ("version", to.clone().into())]);
            (StatusCode::OK, format!("{to}\n"))
        }
        Err(why) => {
            let running = it.changing().generation.release.version.clone();
            it.log.error(
                "reload refused",
                &[("error", why.to_string().into()), ("version", running.clone().into())],
            );
            (StatusCode::CONFLICT, format!("reload refused, {running} goes on: {why}\n"))
        }
    }
}

async fn metrics(State(it): State<Arc<Instance>>) -> String {
    let (generation, percent) = {
        let mut changing = it.changing();
        let percent = it.percent(&mut changing, NEW_PRICING);
        (Arc::clone(&changing.generation), percent)
    };
    let (sessions, bytes) = generation.sessions();
    let plain = |name, value: usize| Gauge { name, labels: String::new(), value: value as f64 };
    let mut gauges = vec![
        Gauge { name: "app_info", labels: format!("version=\"{}\"", generation.release.version), value: 1.0 },
        plain("pool_connections_free", generation.free()),
        plain("sessions_kept", sessions),
        plain("sessions_bytes", bytes),
    ];
    if generation.release.quotes.is_some() {
        let labels = format!("flag=\"{NEW_PRICING}\"");
        gauges.push(Gauge { name: "feature_flag_percent", labels, value: f64::from(percent) });
    }
    it.metrics.show(&gauges)
}
