use crate::world::{serve, until};
use axum::{Router, routing::get};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::mpsc;
use warroom::domain::time::Span;
use warroom::signal::{Body, Verdict};
use warroom::source::{self, Spec, client::Access};

#[tokio::test]
async fn a_bare_endpoint_shows_panels_and_answers_checks() {
    let served = Arc::new(AtomicU64::new(0));
    let broken = Arc::new(AtomicBool::new(false));
    let state = (Arc::clone(&served), Arc::clone(&broken));
    let metrics = move || {
        let (served, broken) = state.clone();
        async move {
            if broken.load(Ordering::SeqCst) {
                return "<html>no".to_owned();
            }
            let n = served.fetch_add(10, Ordering::SeqCst) + 10;
            format!(
                "http_requests_total{{code=\"200\"}} {n}\nhttp_requests_total{{code=\"500\"}} {}\n",
                n / 10
            )
        }
    };
    let url = serve(Router::new().route("/metrics", get(metrics))).await;
    let (tx, mut rx) = mpsc::channel(64);
    let spec = Spec::Scrape {
        id: "scrape:x".into(),
        urls: vec![url],
        panels: vec![],
        every: Span::millis(50),
        access: Access::default(),
    };
    let handle = source::start(spec, tx);
    let panels = until(&mut rx, |b| if let Body::Panels(p) = b { Some(p.clone()) } else { None }).await;
    let names: Vec<&str> = panels.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["up", "errors", "rps"]);
    let errors = until(&mut rx, |body| {
        let Body::Series(all) = body else { return None };
        all.iter().find(|s| s.panel == "errors")?.points.first().copied()
    })
    .await;
    assert!((errors.v - 1.0 / 11.0).abs() < 0.01, "{errors:?}");
    let check = "(sum(rate(http_requests_total{code=~\"5..\"}[1m])) or vector(0)) / sum(rate(http_requests_total[1m]))";
    let answer = handle.check("promql", &format!("{check} < 0.01")).await;
    assert_eq!(answer.verdict, Verdict::No, "{answer:?}");
    assert_eq!(handle.check("promql", &format!("{check} < 0.5")).await.verdict, Verdict::Yes);
    assert_eq!(handle.check("promql", "nothing < 1").await.seen, "no data");
    assert!(handle.check("promql", "topk(1, up) < 1").await.seen.contains("topk is not understood"));
    broken.store(true, Ordering::SeqCst);
    until(&mut rx, |b| matches!(b, Body::Trouble(t) if t.message.contains("this is HTML")).then_some(()))
        .await;
    let answer = handle.check("promql", &format!("{check} < 0.5")).await;
    assert_eq!(answer.verdict, Verdict::Unknown, "what was scraped before is no answer now: {answer:?}");
    assert_eq!(handle.check("promql", "up == 0").await.verdict, Verdict::Yes);
}
