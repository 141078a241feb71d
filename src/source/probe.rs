//! A health check over HTTP.

use super::client::{self, Access, Client, Got};
use super::poll::{Gone, Mouth, rest};
use super::problem::Problem;
use crate::domain::{text, time::Span, time::Wall};
use crate::signal::{Body, ProbeView, Verdict};
use chrono::Utc;
use reqwest::{Method, Url, header::HeaderMap};
use std::{collections::BTreeSet, str::FromStr, time::Instant};

/// What a healthy answer is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expect {
    /// Accepted statuses.
    pub status: Statuses,
    /// Texts that the body contains.
    pub contains: Vec<String>,
    /// A regular expression that is found in the body.
    pub matches: Option<String>,
}

/// Accepted HTTP statuses, `200,204` or `2xx`; 2xx where none is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statuses(BTreeSet<u16>);

impl Default for Statuses {
    fn default() -> Self {
        Self((200..300).collect())
    }
}

impl FromStr for Statuses {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = BTreeSet::new();
        for part in text.split([',', ' ']).map(str::trim).filter(|p| !p.is_empty()) {
            let bad = || format!("{part:?} is not an HTTP status: write it like 200, 200,204 or 2xx");
            if let Some(class) = part.to_ascii_lowercase().strip_suffix("xx") {
                let class: u16 = class.parse().ok().filter(|c| (1..=5).contains(c)).ok_or_else(bad)?;
                all.extend(class * 100..class * 100 + 100);
            } else {
                all.insert(part.parse().ok().filter(|s| (100..600).contains(s)).ok_or_else(bad)?);
            }
        }
        if all.is_empty() {
            Err("no HTTP status is given: write it like 200 or 2xx".into())
        } else {
            Ok(Self(all))
        }
    }
}

impl Expect {
    /// Whether an answer is as expected, and in words what it is.
    pub fn judge(&self, got: &Got) -> (Verdict, String) {
        let Got { status, body, to, .. } = got;
        if !self.status.0.contains(status) {
            let to = to.as_ref().map(|to| format!(", it redirects to {to}")).unwrap_or_default();
            return (Verdict::No, format!("HTTP {status}{to}"));
        }
        let body = String::from_utf8_lossy(body);
        if let Some(pattern) = &self.matches
            && !regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(&body))
        {
            let pattern: String = pattern.chars().take(60).collect();
            return (
                Verdict::No,
                text::line(&format!("HTTP {status}, nothing matches {pattern:?}")).into_owned(),
            );
        }
        match self.contains.iter().find(|wanted| !body.contains(wanted.as_str())) {
            Some(missing) => {
                let missing: String = missing.chars().take(60).collect();
                (Verdict::No, text::line(&format!("HTTP {status}, without {missing:?}")).into_owned())
            }
            None => (Verdict::Yes, format!("HTTP {status}")),
        }
    }
}

/// What is probed.
#[derive(Debug, Clone)]
pub struct Probe {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
    /// What a healthy answer is.
    pub expect: Expect,
    /// How it is asked.
    pub access: Access,
    /// How often it is asked.
    pub every: Span,
}

/// Probes until nobody listens. A probe that is refused or not answered in time is a no: that is what it is for. What
/// keeps us from asking at all (a wrong address, a name that does not resolve) is unknown.
pub async fn run(probe: Probe, mouth: Mouth) -> Gone {
    let client = client::address(&probe.url)
        .and_then(|url| Client::new(&url, &probe.access).map(|client| (url, client)));
    let shown = client.as_ref().map_or_else(|_| String::new(), |(url, _)| client::shown(url));
    let name = text::line(format!("{} {shown}", probe.name).trim()).into_owned();
    let mut before: Option<(Verdict, Wall)> = None;
    loop {
        let began = Instant::now();
        let (verdict, detail) = match &client {
            Ok((url, client)) => ask(client, url, &probe.expect).await,
            Err(problem) => (Verdict::Unknown, problem.line()),
        };
        let since = before.filter(|(was, _)| *was == verdict).map_or_else(Utc::now, |(_, since)| since);
        before = Some((verdict, since));
        let took = Span::from(began.elapsed());
        let view = ProbeView { name: name.clone(), verdict, detail, took, since };
        if let Err(gone) = mouth.say(Body::Probe(view)).await {
            return gone;
        }
        rest(began, probe.every).await;
    }
}

async fn ask(client: &Client, url: &Url, expect: &Expect) -> (Verdict, String) {
    match client.send(Method::GET, url.clone(), &HeaderMap::new(), None).await {
        Ok(got) => expect.judge(&got),
        Err(problem) => {
            let verdict = match problem {
                Problem::Unreachable { .. } | Problem::Slow { .. } => Verdict::No,
                _ => Verdict::Unknown,
            };
            (verdict, problem.line())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_judged_by_status_and_body() {
        let got = |status, body: &[u8]| Got { status, body: body.to_vec(), html: false, to: None };
        let expect =
            Expect { status: "2xx,503".parse().unwrap(), contains: vec!["ok".into()], matches: None };
        assert_eq!(expect.judge(&got(200, b"all ok")), (Verdict::Yes, "HTTP 200".into()));
        assert_eq!(expect.judge(&got(200, b"\xff")), (Verdict::No, "HTTP 200, without \"ok\"".into()));
        assert_eq!(expect.judge(&got(404, b"ok")), (Verdict::No, "HTTP 404".into()));
        let body = Expect { matches: Some("^o[k]$".into()), ..Expect::default() };
        assert_eq!(body.judge(&got(200, b"ok")).0, Verdict::Yes);
        assert_eq!(body.judge(&got(200, b"not ok")).0, Verdict::No);
        let moved = Got { to: Some("https://a/login".into()), ..got(302, b"") };
        assert_eq!(
            Expect::default().judge(&moved),
            (Verdict::No, "HTTP 302, it redirects to https://a/login".into())
        );
        let any = Expect { status: "3xx".parse().unwrap(), ..Expect::default() };
        assert_eq!(any.judge(&moved).0, Verdict::Yes);
        for bad in ["", "abc", "9xx", "99", "1000"] {
            assert!(bad.parse::<Statuses>().is_err(), "{bad}");
        }
    }
}
