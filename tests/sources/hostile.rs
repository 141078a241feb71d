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

/// What terminals act on, or what hides: each must be seen, and none may come through.
const PAYLOADS: &[&str] = &[
    "\u{1b}]0;owned\u{7}",
    "\u{1b}]52;c;cm0gLXJm\u{7}",
    "\u{1b}[2J\u{1b}[H",
    "\u{1b}[6n",
    "\u{1b}P$qm\u{1b}\\",
    "\u{1b}[21t",
    "\u{1b}]8;;http://evil.example\u{1b}\\click\u{1b}]8;;\u{1b}\\",
    "\u{9b}31m",
    "\u{202e}gpj.exe",
    "ok\rERASED",
    "\u{1b}_payload\u{1b}\\",
    "\u{1b}[?1049l",
    "\u{1b}[?1003h",
    "\u{e}qqq\u{f}",
    "zero\u{200b}width",
    "\u{2066}isolate\u{2069}",
    "\u{feff}bom\u{2060}joiner",
    "tag\u{e0041}\u{e007f}",
    "variation\u{fe0f}",
    "arabic\u{61c}mark\u{200f}",
    "\u{0}nul\u{8}back\u{7f}del",
    "line\u{2028}separator\u{85}next",
];

/// What a terminal would act on, or what would hide, in a text that is about to be shown.
fn acts(text: &str) -> bool {
    text.chars().any(|c| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
    })
}

#[test]
fn no_payload_in_a_log_comes_through_however_it_is_written() {
    use warroom::signal::analysis::logline::{Format, parse};
    for payload in PAYLOADS {
        assert!(acts(payload), "{payload:?}");
        let json =
            serde_json::json!({ "level": "error", "msg": payload, "k": payload, (*payload): 1 }).to_string();
        let quoted = serde_json::to_string(payload).unwrap();
        let docker = serde_json::json!({ "log": format!("{payload}\n"), "stream": "stdout" }).to_string();
        for line in [
            (*payload).to_owned(),
            format!("2026-11-22T21:24:02Z ERROR {payload}"),
            format!("2026-11-22T21:24:02Z stderr F {payload}"),
            json,
            docker,
            format!("level=error msg={quoted} k={quoted}"),
            format!("level=error msg=\"{payload}\" {payload}=1"),
        ] {
            for format in [Format::Auto, Format::Plain, Format::Json, Format::Logfmt] {
                let got = parse(format, &line);
                let shown = got.fields.iter().flat_map(|(k, v)| [k, v]).chain([&got.text]);
                for text in shown {
                    assert!(!acts(text), "{format:?} of {line:?}: {text:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn no_payload_in_an_answer_or_a_label_comes_through() {
    for payload in PAYLOADS {
        let body =
            serde_json::json!({ "status": "error", "errorType": payload, "error": payload }).to_string();
        let rows: Vec<_> = [1, 2]
            .map(|n| serde_json::json!({ "metric": { (*payload): format!("{payload}{n}") }, "value": [1, "1"] }))
            .to_vec();
        let several =
            serde_json::json!({ "status": "success", "data": { "resultType": "vector", "result": rows } });
        let several = several.to_string();
        let escaped = payload.replace('\\', "\\\\").replace('\n', "\\n");
        let metrics =
            format!("up{{l=\"{escaped}\"}} 1\nx{{l=\"{escaped}1\"}} 1\nx{{l=\"{escaped}2\"}} 1\n{payload}\n");
        let router = Router::new()
            .route("/refused/{*rest}", get(move || async move { (StatusCode::BAD_REQUEST, body) }))
            .route("/several/{*rest}", get(move || async move { several }))
            .route("/metrics", get(move || async move { metrics }));
        let base = serve(router).await;
        let mut said = Vec::new();
        for path in ["refused", "several"] {
            let (tx, mut rx) = mpsc::channel(8);
            let spec = Spec::Prometheus {
                id: "prom".into(),
                url: format!("{base}/{path}"),
                panels: vec![panel("p")],
                every: Span::millis(100),
                access: Access::default(),
            };
            let handle = source::start(spec, tx);
            said.push(trouble(&mut rx).await);
            said.push(handle.check("promql", "up < 1").await.seen);
        }
        let (tx, mut rx) = mpsc::channel(64);
        let spec = Spec::Scrape {
            id: "s".into(),
            urls: vec![base],
            panels: vec![Panel { query: "x".into(), ..panel("p") }],
            every: Span::millis(50),
            access: Access::default(),
        };
        let handle = source::start(spec, tx);
        said.push(trouble(&mut rx).await);
        said.push(handle.check("promql", "x < 2").await.seen);
        for text in said {
            assert!(!acts(&text), "{payload:?}: {text:?}");
        }
    }
}

#[tokio::test]
async fn what_proves_who_asks_goes_with_every_request_and_is_never_told() {
    use axum::http::HeaderMap;
    let seen = |headers: HeaderMap| async move {
        let has = |name: &str, value: &str| headers.get(name).is_some_and(|v| v == value);
        if has("authorization", "Bearer opensesame") && has("x-scope-orgid", "team-a") {
            (StatusCode::OK, "mem 1\n".to_owned())
        } else {
            (StatusCode::UNAUTHORIZED, format!("{:?}", headers.get("authorization")))
        }
    };
    let base = serve(Router::new().route("/m", get(seen))).await;
    let access = |token: &str| Access {
        headers: vec![("X-Scope-OrgID".into(), "team-a".to_owned().into())],
        bearer: Some(token.to_owned().into()),
        ..Access::default()
    };
    let url = format!("{base}/m?token=inthequery");
    for (token, wanted) in [("opensesame", Verdict::Yes), ("wrongsecret", Verdict::No)] {
        let (tx, mut rx) = mpsc::channel(8);
        let spec = Spec::Probe {
            id: "p".into(),
            name: "x".into(),
            url: url.clone(),
            expect: Expect::default(),
            access: access(token),
            every: Span::millis(20),
        };
        assert!(!spec.address().contains("inthequery") && !format!("{spec:?}").contains(token));
        let _handle = source::start(spec, tx);
        let view = until(&mut rx, |b| if let Body::Probe(v) = b { Some(v.clone()) } else { None }).await;
        assert_eq!(view.verdict, wanted, "{view:?}");
        assert!(!format!("{view:?}").contains(token) && !format!("{view:?}").contains("inthequery"));
    }
    let (tx, mut rx) = mpsc::channel(8);
    let spec = Spec::Scrape {
        id: "s".into(),
        urls: vec![url],
        panels: vec![],
        every: Span::millis(20),
        access: access("wrongsecret"),
    };
    let _handle = source::start(spec, tx);
    let told = trouble(&mut rx).await;
    assert!(told.contains("HTTP 401: it wants credentials") && !told.contains("wrongsecret"), "{told}");
}

#[tokio::test]
async fn a_redirect_is_well_where_it_is_said_to_be() {
    let moved = || async { (StatusCode::FOUND, [(header::LOCATION, "/login?token=inthequery")]) };
    let base = serve(Router::new().route("/", get(moved))).await;
    for (status, wanted, detail) in [
        ("2xx 3xx", Verdict::Yes, "HTTP 302"),
        ("2xx", Verdict::No, "HTTP 302, it redirects to http://127.0.0.1"),
    ] {
        let (tx, mut rx) = mpsc::channel(8);
        let _handle = source::start(
            Spec::Probe {
                id: "p".into(),
                name: "x".into(),
                url: base.clone(),
                expect: Expect { status: status.parse().unwrap(), ..Expect::default() },
                access: Access::default(),
                every: Span::millis(20),
            },
            tx,
        );
        let view = until(&mut rx, |b| if let Body::Probe(v) = b { Some(v.clone()) } else { None }).await;
        assert_eq!(view.verdict, wanted, "{view:?}");
        assert!(view.detail.starts_with(detail) && !view.detail.contains("inthequery"), "{view:?}");
    }
}
