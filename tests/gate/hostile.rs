//! What is no question: never answered with a status that is an answer, and never the end of the gate.

use super::house::{House, json, web};
use proptest::prelude::*;
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use warroom::http::Bounds;

const GOOD: &str = r#"{"service":"s","env":"e","artifact":"a","action":"deploy"}"#;

/// Sends bytes, gives what comes back until the end.
async fn raw(house: &House, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(house.gate).await.unwrap();
    // The gate may close before it has heard all.
    drop(stream.write_all(bytes).await);
    drop(stream.shutdown().await);
    let mut out = Vec::new();
    drop(tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut out)).await.expect("an end"));
    String::from_utf8_lossy(&out).into_owned()
}

async fn alive(house: &House) {
    let (status, _) = json(web().get(house.url("/healthz"))).await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_questions_are_told_apart_from_answers() {
    let house = House::open().await;
    let json_type = "application/json";
    let long = format!("{{\"service\":\"{}\"}}", "x".repeat(20_000));
    let wide = format!(r#"{{"service":"{}","env":"e","artifact":"a","action":"deploy"}}"#, "x".repeat(301));
    let deep = "[".repeat(10_000);
    let posts: [(&str, &str, u16); 21] = [
        (json_type, GOOD, 200),
        ("application/json; charset=utf-8", GOOD, 200),
        ("", GOOD, 415),
        ("text/plain", GOOD, 415),
        ("application/x-www-form-urlencoded", "service=s", 415),
        (json_type, "", 400),
        (json_type, "null", 400),
        (json_type, "[]", 400),
        (json_type, "{", 400),
        (json_type, r#"{"service":"s","env":"e","artifact":"a"}"#, 400),
        (json_type, r#"{"service":"s","env":"e","artifact":"a","action":"destroy"}"#, 400),
        (json_type, r#"{"service":"s","env":"e","artifact":"a","action":"deploy","force":true}"#, 400),
        (json_type, r#"{"service":"s","service":"t","env":"e","artifact":"a","action":"deploy"}"#, 400),
        (json_type, r#"{"service":"","env":"e","artifact":"a","action":"deploy"}"#, 400),
        (json_type, r#"{"service":"s","env":"e","artifact":"a\u001b[2J","action":"deploy"}"#, 400),
        (json_type, r#"{"service":"s","env":"e","artifact":"a\u202eb","action":"deploy"}"#, 400),
        (json_type, r#"{"service":1,"env":"e","artifact":"a","action":"deploy"}"#, 400),
        (json_type, "{} trailing", 400),
        (json_type, &long, 413),
        (json_type, &wide, 400),
        (json_type, &deep, 400),
    ];
    for (kind, body, expected) in posts {
        let mut request = web().post(house.url("/v1/gate")).body(body.to_owned());
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let (status, said) = json(request).await;
        let shown: String = body.chars().take(90).collect();
        assert_eq!(status, expected, "{kind} {shown} {said}");
        if expected != 200 {
            let message = said["error"]["message"].as_str().unwrap();
            assert!(!message.is_empty() && !message.chars().any(char::is_control), "{message}");
        }
    }
    let looks = [
        ("service=s&env=e&artifact=a&action=deploy", 200),
        ("service=s&env=e&artifact=a%401%2B2&action=rollback", 200),
        ("", 400),
        ("service=s&env=e&artifact=a", 400),
        ("service=s&env=e&artifact=a&action=nuke", 400),
        ("service=s&env=e&artifact=a&action=deploy&force=1", 400),
        ("service=s&service=t&env=e&artifact=a&action=deploy", 400),
        ("service=s&env=e&artifact=%1b&action=deploy", 400),
        ("service=%ff&env=e&artifact=a&action=deploy", 400),
    ];
    for (query, expected) in looks {
        let (status, said) = json(web().get(house.url(&format!("/v1/gate.json?{query}")))).await;
        assert_eq!(status, expected, "{query} {said}");
    }
    let methods = [
        ("GET", "/v1/gate", 405),
        ("PUT", "/v1/gate", 405),
        ("DELETE", "/v1/gate", 405),
        ("OPTIONS", "/v1/gate", 405),
        ("POST", "/v1/gate.json", 405),
        ("POST", "/healthz", 405),
        ("GET", "/", 404),
        ("GET", "/v1/gate/", 404),
        ("GET", "/v1/../healthz/x", 404),
    ];
    for (method, path, expected) in methods {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let (status, said) = json(web().request(method.clone(), house.url(path))).await;
        assert_eq!(status, expected, "{method} {path} {said}");
    }
    let endless = format!(
        "POST /v1/gate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\
         \r\nconnection: close\r\n\r\n{}",
        format!("1000\r\n{}\r\n", "x".repeat(0x1000)).repeat(8)
    );
    assert!(
        raw(&house, endless.as_bytes()).await.starts_with("HTTP/1.1 413"),
        "a chunked body has a bound too"
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn web_pages_are_refused_and_foreign_names_are_nobody() {
    let house = House::open().await;
    let table: [(&str, &str, u16); 12] = [
        ("origin", "https://evil.example", 400),
        ("origin", "null", 400),
        ("origin", "http://localhost", 400),
        ("sec-fetch-site", "same-origin", 400),
        ("sec-fetch-site", "cross-site", 400),
        ("sec-fetch-site", "none", 200),
        ("host", "evil.example", 401),
        ("host", "localhost", 200),
        ("host", "[::1]:7311", 200),
        ("x-forwarded-for", "10.0.0.1", 401),
        ("forwarded", "for=10.0.0.1", 401),
        ("x-unknown", "1", 200),
    ];
    for (name, value, expected) in table {
        let post = web().post(house.url("/v1/gate")).header(name, value);
        let post = post.header("content-type", "application/json").body(GOOD);
        let query = "/v1/gate.json?service=s&env=e&artifact=a&action=deploy";
        for request in [post, web().get(house.url(query)).header(name, value)] {
            assert_eq!(json(request).await.0, expected, "{name}: {value}");
        }
    }
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_and_idle_callers_lose_their_place_to_others() {
    let bounds = Bounds {
        connections: 3,
        head: Duration::from_secs(1),
        wait: Duration::from_secs(1),
        ..Bounds::default()
    };
    let house = House::with(Vec::new(), true, bounds).await;
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(house.gate).await.unwrap();
        stream.write_all(b"POST /v1/gate HTTP/1.1\r\nx-slow: ").await.unwrap();
        slow.push(stream);
    }
    // All places are taken; this one gets its answer when theirs are taken from them.
    alive(&house).await;
    for mut stream in slow {
        let mut rest = Vec::new();
        drop(
            tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest))
                .await
                .expect("closed"),
        );
        assert!(!String::from_utf8_lossy(&rest).starts_with("HTTP/1.1 200"));
    }
    let mut stream = TcpStream::connect(house.gate).await.unwrap();
    let head = "POST /v1/gate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 50\r\nconnection: close\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut rest = Vec::new();
    drop(
        tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest))
            .await
            .expect("an answer"),
    );
    assert!(String::from_utf8_lossy(&rest).starts_with("HTTP/1.1 408"), "a body that does not come");
    // Answered once, then silent: closed too.
    let mut stream = TcpStream::connect(house.gate).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut rest = Vec::new();
    drop(tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await.expect("closed"));
    assert!(String::from_utf8_lossy(&rest).starts_with("HTTP/1.1 200"));
    house.end().await;
}

#[test]
fn no_bytes_at_all_are_an_answer_or_the_end() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let house = runtime.block_on(House::open());
    let head = "POST /v1/gate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let bytes = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..400),
        // Bytes within a request that is well-formed around them.
        proptest::collection::vec(any::<u8>(), 0..200).prop_map(move |body| {
            let mut all = format!("{head}content-length: {}\r\n\r\n", body.len()).into_bytes();
            all.extend(body);
            all
        }),
        // A good request with one byte changed, or cut.
        (0_usize..300, any::<u8>(), any::<bool>()).prop_map(move |(at, byte, cut)| {
            let mut all = format!("{head}content-length: {}\r\n\r\n{GOOD}", GOOD.len()).into_bytes();
            let at = at % all.len();
            if cut {
                all.truncate(at);
            } else {
                all[at] = byte;
            }
            all
        }),
    ];
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(sent in bytes)| {
        let said = runtime.block_on(raw(&house, &sent));
        let status = said.split(' ').nth(1).unwrap_or("none");
        prop_assert!(!["403", "500", "503"].contains(&status), "{}", said);
        // A yes is only for what was a question: a changed byte may leave it one.
        prop_assert!(status != "200" || said.contains("\"because\":\"open\""), "{}", said);
    });
    runtime.block_on(async {
        alive(&house).await;
        house.end().await;
    });
}
