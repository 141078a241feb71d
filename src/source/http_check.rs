//! `http` blocks of a runbook: a request, and what is expected of its answer.
//!
//! ```text
//! GET http://127.0.0.1:8080/healthz
//! Accept: application/json
//!
//! a body, where one is needed
//! expect: 200
//! expect-body: "status":"ok"
//! ```
//! Where a source is named, a probe, the block is asked with what proves who asks there, and only there; its address
//! may then begin with the path: `GET /ready`.
//!
//! First line: method and address; the method may be left out. Then headers up to an empty line, then a body. Lines
//! that begin with `expect:` or `expect-body:` belong to neither, wherever they stand; without `expect:` any 2xx will
//! do. A check only reads: GET, HEAD and OPTIONS; what changes the world is a step with an owner.

use super::client::{self, Access, Client};
use super::probe::Expect;
use crate::domain::text;
use crate::signal::Answer;
use chrono::Utc;
use reqwest::{Method, Url, header::HeaderMap, header::HeaderName, header::HeaderValue};

/// A block, understood.
#[derive(Debug, Clone)]
pub struct HttpCheck {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Option<String>,
    expect: Expect,
}

/// Reads a block. Errors name the line.
pub fn parse(code: &str) -> Result<HttpCheck, String> {
    parse_for(code, None)
}

/// The same for the source at this address: nothing but its own host is asked.
pub fn parse_for(code: &str, source: Option<&str>) -> Result<HttpCheck, String> {
    let mut expect = Expect::default();
    let mut rest = Vec::new();
    for (n, line) in code.lines().enumerate() {
        if let Some(status) = line.strip_prefix("expect:") {
            expect.status = status.parse().map_err(|e| format!("line {}: {e}", n + 1))?;
        } else if let Some(wanted) = line.strip_prefix("expect-body:") {
            expect.contains.push(wanted.trim().to_owned());
        } else {
            rest.push((n + 1, line));
        }
    }
    let mut lines = rest.into_iter().skip_while(|(_, line)| line.trim().is_empty());
    let (n, first) = lines.next().ok_or("the block names no address: write GET http://…")?;
    let mut words = first.split_whitespace();
    let (method, url) = match (words.next(), words.next()) {
        (Some(method), Some(url)) => (method, url),
        (Some(url), None) => ("GET", url),
        _ => return Err(format!("line {n}: write GET http://…")),
    };
    let method = match method {
        "GET" => Method::GET,
        "HEAD" => Method::HEAD,
        "OPTIONS" => Method::OPTIONS,
        other => {
            let other: String = other.chars().take(20).collect();
            return Err(format!(
                "line {n}: a check only reads, {other} may change something: make it a step"
            ));
        }
    };
    let at = |url: &str| client::address(url).map_err(|e| format!("line {n}: {e}"));
    let url = match source.map(at).transpose()? {
        Some(base) if url.starts_with('/') && !url.starts_with("//") => {
            base.join(url).map_err(|_| format!("line {n}: not a path: {url}"))?
        }
        Some(base) => {
            let url = at(url)?;
            if url.origin() != base.origin() {
                let base = client::host(&base);
                return Err(format!(
                    "line {n}: its source is {base}, and what proves who asks goes nowhere else"
                ));
            }
            url
        }
        None if url.starts_with('/') => {
            return Err(format!("line {n}: {url} names no host: write GET http://…, or name a source"));
        }
        None => at(url)?,
    };
    let mut headers = HeaderMap::new();
    for (n, line) in lines.by_ref().take_while(|(_, line)| !line.trim().is_empty()) {
        let header = line.split_once(':').and_then(|(name, value)| {
            let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value.trim()).ok()?))
        });
        let (name, value) = header.ok_or_else(|| format!("line {n}: not a header, write Name: value"))?;
        headers.append(name, value);
    }
    let body = lines.map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    let body = Some(body.trim_end().to_owned()).filter(|body| !body.is_empty());
    Ok(HttpCheck { method, url, headers, body, expect })
}

/// Host and port that a block asks, where it can be read.
pub fn host(code: &str) -> Option<String> {
    let url = parse(code).ok()?.url;
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// Answers a block, as the source with this address and access where one is named. A service that does not answer is
/// unknown: nobody said no.
pub async fn http_check(code: &str, source: Option<(&str, &Access)>) -> Answer {
    let check = match parse_for(code, source.map(|(url, _)| url)) {
        Ok(check) => check,
        Err(why) => return super::unknown("http", &why),
    };
    let access = source.map(|(_, access)| access.clone()).unwrap_or_default();
    let source = client::shown(&check.url);
    let client = match Client::new(&check.url, &access) {
        Ok(client) => client,
        Err(problem) => return super::unknown(&source, &problem.line()),
    };
    match client.send(check.method, check.url, &check.headers, check.body).await {
        Ok(got) => {
            let (verdict, seen) = check.expect.judge(&got);
            Answer { verdict, seen: text::line(&seen).into_owned(), at: Utc::now(), source }
        }
        Err(problem) => super::unknown(&source, &problem.line()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_block_is_taken_apart() {
        let check =
            parse("GET http://a:1/x\nAccept: text/plain\n\nbody\nexpect: 200\nexpect-body: ok").unwrap();
        assert_eq!(check.headers.get("accept").unwrap(), "text/plain");
        assert_eq!(check.body.as_deref(), Some("body"));
        assert_eq!(check.expect.contains, ["ok"]);
        assert_eq!(parse("http://a:1/").unwrap().method, Method::GET);
    }

    #[test]
    fn a_source_is_asked_at_its_own_host_alone() {
        let at = |code| parse_for(code, Some("http://a:1/healthz")).map(|check| check.url.to_string());
        assert_eq!(at("GET /ready?x=1").unwrap(), "http://a:1/ready?x=1");
        assert_eq!(at("http://a:1/b").unwrap(), "http://a:1/b");
        for elsewhere in
            ["GET http://b:1/", "GET https://a:1/", "GET http://a:2/", "GET //b:1/x", "GET http://a:1@b:1/"]
        {
            assert!(
                at(elsewhere).unwrap_err().contains("goes nowhere else"),
                "{elsewhere}: {:?}",
                at(elsewhere)
            );
        }
        assert_eq!(
            parse("GET /ready").unwrap_err(),
            "line 1: /ready names no host: write GET http://…, or name a source"
        );
    }

    #[test]
    fn mistakes_are_told_by_line() {
        for (code, wanted) in [
            ("", "the block names no address: write GET http://…"),
            ("\nPOST http://a/", "line 2: a check only reads, POST may change something: make it a step"),
            ("GET http://a/\nnot a header", "line 2: not a header, write Name: value"),
            (
                "GET http://a/\nexpect: ok",
                "line 2: \"ok\" is not an HTTP status: write it like 200, 200,204 or 2xx",
            ),
        ] {
            assert_eq!(parse(code).unwrap_err(), wanted);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_survived(code in "(?s)(GET )?(http://)?.{0,100}") {
            let _ = parse(&code);
        }
    }
}
