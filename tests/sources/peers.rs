//! Against the real servers, where `WARROOM_PEERS=1` says that they are installed.

use crate::peer::{binary, free_port, start, wanted};
use crate::world::{serve, until};
use axum::{Router, routing::get};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use warroom::domain::time::Span;
use warroom::signal::{Body, Verdict};
use warroom::source::{
    self, Spec,
    client::{self, Access},
};

async fn ready(url: &str) {
    let url = client::address(url).unwrap();
    let client = client::Client::new(&url, &Access::default()).unwrap();
    let wait = async {
        while !client.get(url.clone()).await.is_ok_and(|answer| answer.status == 200) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("the server starts");
}

/// A service that counts up by itself, so that two who scrape it see the same.
async fn service() -> String {
    let began = std::time::Instant::now();
    let asked = Arc::new(AtomicU64::new(0));
    serve(Router::new().route(
        "/metrics",
        get(move || {
            asked.fetch_add(1, Ordering::SeqCst);
            let n = began.elapsed().as_millis() as f64 / 10.0;
            async move {
                format!(
                    "http_requests_total{{code=\"200\",instance=\"own\"}} {n}\nhttp_requests_total{{code=\"500\"}} {}\n\
                     http_request_duration_seconds_bucket{{le=\"0.1\"}} {}\n\
                     http_request_duration_seconds_bucket{{le=\"1\"}} {n}\n\
                     http_request_duration_seconds_bucket{{le=\"+Inf\"}} {n}\n",
                    n / 4.0,
                    n / 2.0,
                )
            }
        }),
    ))
    .await
}

const QUERIES: &[&str] = &[
    "sum(rate(http_requests_total[10s]))",
    "sum(rate(http_requests_total{code=~\"5..\"}[10s])) / sum(rate(http_requests_total[10s]))",
    "histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[10s])))",
    "sum(increase(http_requests_total{code!=\"500\"}[10s]))",
    "max(irate(http_requests_total[10s]))",
    "sum(up)",
    "count(http_requests_total) + count(http_request_duration_seconds_bucket)",
    "count(up == 0) or vector(7)",
    "clamp_max(sum(rate(http_requests_total[10s])), 3) > bool 2",
];

async fn numbers(handle: &source::Handle) -> Vec<Option<f64>> {
    let mut all = Vec::new();
    for query in QUERIES {
        let seen = handle.check("promql", &format!("({query}) > -1e9")).await.seen;
        all.push(seen.parse().ok());
    }
    all
}

#[tokio::test]
async fn our_own_scrape_reckons_as_a_real_prometheus() {
    if !wanted("our_own_scrape_reckons_as_a_real_prometheus") {
        return;
    }
    let service = service().await;
    let dir = tempfile::tempdir().unwrap();
    let target = service.trim_start_matches("http://");
    let config = dir.path().join("prometheus.yml");
    let yaml = format!(
        "global: {{scrape_interval: 500ms}}\nscrape_configs: [{{job_name: s, scrape_timeout: 400ms, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    std::fs::write(&config, yaml).unwrap();
    let port = free_port();
    let _peer = start(
        Command::new(binary("prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", dir.path().join("tsdb").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}")),
    );
    let url = format!("http://127.0.0.1:{port}");
    ready(&format!("{url}/-/ready")).await;
    let (tx, mut rx) = mpsc::channel(256);
    let every = Span::millis(500);
    let prom = source::start(
        Spec::Prometheus { id: "prom".into(), url, panels: vec![], every, access: Access::default() },
        tx,
    );
    let (tx, mut scraped) = mpsc::channel(256);
    let scrape = source::start(
        Spec::Scrape {
            id: "s".into(),
            urls: vec![service],
            panels: vec![],
            every,
            access: Access::default(),
        },
        tx,
    );
    tokio::spawn(async move { while scraped.recv().await.is_some() {} });
    let panels = until(&mut rx, |b| if let Body::Panels(p) = b { Some(p.len()) } else { None }).await;
    assert!(panels >= 3);
    let up = until(&mut rx, |b| {
        let Body::Series(all) = b else { return None };
        all.iter().find(|s| s.panel == "up")?.points.last().copied()
    });
    assert!((up.await.v - 1.0).abs() < f64::EPSILON);
    tokio::spawn(async move { while rx.recv().await.is_some() {} });
    let near = |a: &Option<f64>, b: &Option<f64>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 0.05 * a.abs().max(b.abs()) + 1e-6,
        _ => false,
    };
    let mut last = (Vec::new(), Vec::new());
    for _ in 0..300 {
        last = (numbers(&prom).await, numbers(&scrape).await);
        if last.0.iter().zip(&last.1).all(|(a, b)| near(a, b)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for ((query, a), b) in QUERIES.iter().zip(&last.0).zip(&last.1) {
        assert!(near(a, b), "{query}: Prometheus {a:?}, ours {b:?}");
    }
    for handle in [&prom, &scrape] {
        for (code, verdict) in [
            ("sum(up) == 1", Verdict::Yes),
            ("sum(up) > 1", Verdict::No),
            ("nothing < 1", Verdict::Unknown),
            ("sum(up) < nothing", Verdict::Unknown),
            ("up == 1 and up > 2", Verdict::No),
            ("sum(", Verdict::Unknown),
        ] {
            let answer = handle.check("promql", code).await;
            assert_eq!(answer.verdict, verdict, "{}: {code}: {answer:?}", handle.id());
        }
    }
}

#[tokio::test]
async fn a_victoria_metrics_is_as_good() {
    if !wanted("a_victoria_metrics_is_as_good") {
        return;
    }
    let service = service().await;
    let dir = tempfile::tempdir().unwrap();
    let target = service.trim_start_matches("http://");
    let config = dir.path().join("scrape.yml");
    let yaml = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: s, static_configs: [{{targets: ['{target}']}}]}}]\n"
    );
    std::fs::write(&config, yaml).unwrap();
    let port = free_port();
    let _peer = start(
        Command::new(binary("victoria-metrics"))
            .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
            .arg(format!("-storageDataPath={}", dir.path().join("data").display()))
            .arg(format!("-promscrape.config={}", config.display()))
            .arg("-retentionPeriod=1"),
    );
    let url = format!("http://127.0.0.1:{port}");
    ready(&format!("{url}/health")).await;
    let (tx, mut rx) = mpsc::channel(256);
    let spec = Spec::Prometheus {
        id: "vm".into(),
        url,
        panels: vec![],
        every: Span::secs(1),
        access: Access::default(),
    };
    let handle = source::start(spec, tx);
    until(&mut rx, |b| {
        let Body::Series(all) = b else { return None };
        all.iter().find(|s| s.panel == "up")?.points.last().filter(|p| p.v > 0.0).map(|_| ())
    })
    .await;
    assert_eq!(handle.check("promql", "sum(up) == 1").await.verdict, Verdict::Yes);
    let refused = handle.check("promql", "sum(up{) == 1").await;
    assert_eq!(refused.verdict, Verdict::Unknown);
    assert!(refused.seen.contains("execution") || refused.seen.contains("bad_data"), "{refused:?}");
}
