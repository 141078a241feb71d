use crate::world::{serve, trouble, until};
use axum::body::Body as HttpBody;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing::get};
use tokio::sync::mpsc;
use warroom::domain::time::Span;
use warroom::signal::{Body, Panel, Verdict};
use warroom::source::{self, Spec, client::Access, probe::Expect};

fn panel(name: &str) -> Panel {
    Panel {
        name: name.into(),
        source: String::new(),
        query: "up".into(),
        unit: warroom::signal::Unit::Count,
        bad: warroom::signal::Direction::Up,
        threshold: None,
        hold: None,
        service: None,
    }
}

fn endless() -> Response {
    let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 65_536]));
    HttpBody::from_stream(chunks).into_response()
}

async fn slow() -> Response {
    std::future::pending::<()>().await;
    StatusCode::OK.into_response()
}

fn hostile() -> Router {
    let redirect = || async { (StatusCode::FOUND, [(header::LOCATION, "/loop/api/v1/query_range")]) };
    let answers = |path: &str, body: &'static str, status: StatusCode| {
        Router::new().route(&format!("/{path}/{{*rest}}"), get(move || async move { (status, body) }))
    };
    Router::new()
        .route("/slow/{*rest}", get(slow))
        .route("/endless/{*rest}", get(|| async { endless() }))
        .route("/loop/{*rest}", get(redirect))
        .merge(answers("html", "<!doctype html><title>sign in</title>", StatusCode::OK))
        .merge(answers("garbage", "\u{0}\u{1b}[2J{{{", StatusCode::OK))
        .merge(answers("cut", r#"{"status":"success","data":{"resultType":"matr"#, StatusCode::OK))
        .merge(answers("unknown", "no such page", StatusCode::NOT_FOUND))
        .merge(answers(
            "refused",
            r#"{"status":"error","errorType":"bad_data","error":"bad \u001b]0;x\u0007 query"}"#,
            StatusCode::BAD_REQUEST,
        ))
        .merge(answers(
            "several",
            r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"a":"1"},"values":[[1,"1"]]},{"metric":{"a":"2"},"values":[[1,"1"]]}]}}"#,
            StatusCode::OK,
        ))
}

#[tokio::test]
async fn a_prometheus_that_answers_badly_is_told_in_words() {
    let base = serve(hostile()).await;
    for (path, wanted) in [
        ("slow", "did not answer within 2s"),
        ("endless", "larger than 8 MiB"),
        ("loop", "redirects to"),
        ("html", "a web page instead of data"),
        ("garbage", "broken JSON"),
        ("cut", "broken JSON"),
        ("unknown", "HTTP 404: is the path right?"),
        ("refused", "it refuses the query (bad_data): bad ␛]0;x␇ query"),
        ("several", "gives 2 series, which differ in a"),
    ] {
        let (tx, mut rx) = mpsc::channel(8);
        let spec = Spec::Prometheus {
            id: "prom".into(),
            url: format!("{base}/{path}"),
            panels: vec![panel("p")],
            every: Span::millis(100),
            access: Access::default(),
        };
        let handle = source::start(spec, tx);
        let told = trouble(&mut rx).await;
        assert!(told.contains(wanted), "{path}: {told}");
        let answer = handle.check("promql", "up < 1").await;
        assert_ne!(answer.verdict, Verdict::Yes, "{path}");
        assert!(!answer.seen.chars().any(char::is_control));
    }
}

#[tokio::test]
async fn nobody_there_and_no_address() {
    for (url, wanted) in
        [("http://127.0.0.1:1", "cannot be reached"), ("ftp://x", "is not an http or https address")]
    {
        let (tx, mut rx) = mpsc::channel(8);
        let spec = Spec::Scrape {
            id: "s".into(),
            urls: vec![url.into()],
            panels: vec![],
            every: Span::millis(50),
            access: Access::default(),
        };
        let handle = source::start(spec, tx);
        let told = trouble(&mut rx).await;
        assert!(told.contains(wanted), "{told}");
        assert_eq!(handle.check("promql", "errors < 1").await.verdict, Verdict::Unknown);
    }
}

#[tokio::test]
async fn a_probe_says_no_and_since_when() {
    let base = serve(Router::new().route("/ok", get(|| async { "fine" })).route("/slow", get(slow))).await;
    for (url, contains, wanted, detail) in [
        (format!("{base}/ok"), vec![], Verdict::Yes, "HTTP 200"),
        (format!("{base}/ok"), vec!["bad".to_owned()], Verdict::No, "without \"bad\""),
        (format!("{base}/none"), vec![], Verdict::No, "HTTP 404"),
        (format!("{base}/slow"), vec![], Verdict::No, "did not answer within"),
        ("http://127.0.0.1:1/".to_owned(), vec![], Verdict::No, "refused"),
        ("nonsense://".to_owned(), vec![], Verdict::Unknown, "is not an http"),
    ] {
        let (tx, mut rx) = mpsc::channel(8);
        let expect = Expect { contains, ..Expect::default() };
        let _handle = source::start(
            Spec::Probe {
                id: "p".into(),
                name: "x".into(),
                url,
                expect,
                access: Access { timeout: Span::millis(300), ..Access::default() },
                every: Span::millis(20),
            },
            tx,
        );
        let mut since = None;
        for _ in 0..2 {
            let view = until(&mut rx, |b| if let Body::Probe(v) = b { Some(v.clone()) } else { None }).await;
            assert_eq!(view.verdict, wanted, "{view:?}");
            assert!(view.detail.contains(detail), "{view:?}");
            assert_eq!(*since.get_or_insert(view.since), view.since);
        }
    }
}

#[tokio::test]
async fn blocks_of_a_runbook_are_answered() {
    let base = serve(Router::new().route("/v", get(|| async { "2.4.0" }))).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("r.xml"),
        "<testsuite><testcase/><testcase><error/></testcase></testsuite>",
    )
    .unwrap();
    for (lang, code, verdict, seen) in [
        ("http", format!("GET {base}/v\nexpect-body: 2.4.0"), Verdict::Yes, "HTTP 200"),
        ("http", format!("GET {base}/v\nexpect: 404"), Verdict::No, "HTTP 200"),
        ("http", "GET http://127.0.0.1:1/".to_owned(), Verdict::Unknown, "cannot be reached"),
        ("http", format!("DELETE {base}/v"), Verdict::Unknown, "a check only reads"),
        ("junit", "r.xml".to_owned(), Verdict::No, "1 passed, 1 failed"),
        ("junit", "none.xml".to_owned(), Verdict::Unknown, "No such file"),
        ("sql", "select 1".to_owned(), Verdict::Unknown, "no SQL source is configured"),
    ] {
        let answer = source::check(lang, &code, dir.path()).await;
        assert_eq!(answer.verdict, verdict, "{code}: {answer:?}");
        assert!(answer.seen.contains(seen), "{answer:?}");
    }
}
