//! What is wrong with sources and panels.

use super::{
    check::{Judge, key},
    nearest,
    secret::{Header, Secret},
    source::{Auth, Source},
    tree::Step,
};
use crate::{
    domain::time::Span,
    signal::{Direction, Panel},
};
use regex::Regex;
use reqwest::Url;
use std::collections::BTreeSet;

/// Longest answer to a check that is still waited for, with a second for the way.
const CHECK: Span = Span::secs(9);
/// Largest compiled expression, in bytes, so that a pattern cannot eat the memory.
const REGEX_MAX: usize = 1 << 20;

impl Judge<'_> {
    /// A regular expression must compile.
    pub fn regex(&mut self, path: &[Step], pattern: &str) -> Option<Regex> {
        match regex::RegexBuilder::new(pattern).size_limit(REGEX_MAX).build() {
            Ok(regex) => Some(regex),
            Err(error) => {
                let said = error.to_string();
                let why = said.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
                let help =
                    "in 'single quotes' a backslash is taken as it is; no look-around, no back references";
                self.wrong(path, format!("not a regular expression: {why}"), help);
                None
            }
        }
    }

    pub fn url(&mut self, path: &[Step], text: &str) {
        let parsed = match Url::parse(text) {
            Ok(url) => url,
            Err(url_error) => {
                let help = if text.contains("://") || text.is_empty() {
                    "write it whole: \"http://127.0.0.1:9090\"".into()
                } else {
                    format!("with its scheme: \"http://{text}\"")
                };
                return self.wrong(path, format!("not a URL: {url_error}"), help);
            }
        };
        if !matches!(parsed.scheme(), "http" | "https") {
            let help = if text.contains("://") {
                String::new()
            } else {
                format!("with its scheme: \"http://{text}\"")
            };
            self.wrong(path, format!("{}: is neither http: nor https:", parsed.scheme()), help);
        } else if parsed.password().is_some() || !parsed.username().is_empty() {
            let help =
                "use  auth.basic = { user = \"…\", password = { env = \"…\" } }  and change the password";
            self.wrong_secret(path, "a secret must not stand in a URL", help);
        }
    }

    /// The address of a database.
    pub(super) fn database(&mut self, path: &[Step], text: &str) {
        const FORM: &str = "postgres://user@host:5432/name";
        let parts = text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://"));
        let Some(rest) = parts else {
            return self.wrong(
                path,
                "not the address of a PostgreSQL",
                format!("write it whole: \"{FORM}\""),
            );
        };
        let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = place.split('/').next().unwrap_or_default();
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let mut pairs = parameters.split('&').filter_map(|pair| pair.split_once('='));
        if user.contains(':') || pairs.clone().any(|(key, _)| nearest::sounds_secret(key)) {
            let help = "use  password = { env = \"…\" }  and change the password";
            return self.wrong_secret(path, "a secret must not stand in a URL", help);
        }
        if host.is_empty() && !pairs.clone().any(|(key, _)| key == "host") {
            let help = format!("\"{FORM}\", or \"postgres:///name?host=/var/run/postgresql\" for a socket");
            return self.wrong(path, "it names no host", help);
        }
        let wrong = pairs.find_map(|(key, value)| match (key, value) {
            ("sslmode", "disable" | "prefer" | "require" | "verify-full")
            | ("target_session_attrs", "any" | "read-write" | "read-only")
            | ("host" | "application_name", _) => None,
            ("sslmode", _) => Some(format!(
                "there is no sslmode={value} here: disable, prefer, require or verify-full, which is the same"
            )),
            _ => Some(format!("{key}={value} is not understood here")),
        });
        if let Some(wrong) = wrong {
            self.wrong(path, wrong, "sslmode, host, application_name and target_session_attrs are");
        }
    }

    /// How long an answer may take. A check is waited for ten seconds, with all that is asked for it.
    fn patience(&mut self, path: &[Step], timeout: Span, most: Span) {
        self.within(path, timeout, Span::millis(50), most);
        if timeout > CHECK && timeout <= most {
            self.warn(
                path,
                format!("a check that a runbook asks is given up after 10s, before {timeout} are over"),
                format!("{CHECK} at most, or its checks are unknown without a reason where it is slow"),
            );
        }
    }

    /// Where a secret is.
    pub fn secret(&mut self, path: &[Step], secret: &Secret) {
        match secret {
            Secret::Env(name) if name.is_empty() || name.contains(['=', '\0', ' ', '$']) => {
                let help = "the bare name: { env = \"PROM_TOKEN\" }";
                self.wrong(path, "not the name of an environment variable", help);
            }
            Secret::Command(words) if words.first().is_none_or(|word| word.trim().is_empty()) => {
                self.wrong(path, "the command is empty", "{ command = [\"PROGRAM\", \"ARGUMENT\"] }");
            }
            _ => {}
        }
    }

    fn auth(&mut self, i: usize, auth: &Auth) {
        if let Some(bearer) = &auth.bearer {
            self.secret(&key!["source", i, "auth", "bearer"], bearer);
        }
        if let Some(basic) = &auth.basic {
            self.secret(&key!["source", i, "auth", "basic", "password"], &basic.password);
            if auth.bearer.is_some() {
                self.wrong(
                    &key!["source", i, "auth", "basic"],
                    "bearer and basic at once",
                    "keep one of them",
                );
            }
        }
        for (name, value) in &auth.headers {
            self.header(&key!["source", i, "auth", "headers", name], name, value);
        }
    }

    /// A header of a request.
    pub fn header(&mut self, at: &[Step], name: &str, value: &Header) {
        if reqwest::header::HeaderName::from_bytes(name.as_bytes()).is_err() {
            self.wrong(at, "not the name of a header", "letters, digits and -");
        }
        match value {
            Header::Secret(secret) => self.secret(at, secret),
            Header::Plain(text) => {
                let low = text.to_lowercase();
                let secret = nearest::sounds_secret(name)
                    || name.to_lowercase().ends_with("key")
                    || low.starts_with("bearer ")
                    || low.starts_with("basic ");
                if secret {
                    let help = "name where it is, { env = \"NAME\" }, and change the one that stood here";
                    self.wrong_secret(at, "a secret must not stand in the file", help);
                } else if reqwest::header::HeaderValue::from_str(text).is_err() {
                    self.wrong(at, "not the value of a header", "one line without control characters");
                }
            }
        }
    }
}

/// All sources.
pub fn sources(judge: &mut Judge<'_>) {
    let mut ids = BTreeSet::new();
    for (i, source) in judge.config.source.iter().enumerate() {
        let at = |key: &str| key!["source", i, key];
        let id = source.id();
        if let Some(name) = source.name() {
            judge.name(&at("name"), name);
        }
        if !ids.insert(id.clone()) {
            let key = if source.name().is_some() { at("name").to_vec() } else { key!["source", i].to_vec() };
            judge.wrong(
                &key,
                format!("two sources are named {id:?}"),
                "give each a name of its own: name = \"…\"",
            );
        }
        match source {
            Source::Sql(sql) => {
                judge.database(&at("url"), &sql.url);
                judge.within(&at("timeout"), sql.timeout, Span::millis(50), CHECK);
                if let Some(password) = &sql.password {
                    judge.secret(&at("password"), password);
                }
                for (key, file) in [("ca", &sql.ca), ("cert", &sql.cert), ("key", &sql.key)] {
                    if let Some(file) = file {
                        judge.there(&at(key), file);
                    }
                }
                if sql.cert.is_some() != sql.key.is_some() {
                    let has = if sql.cert.is_some() { "cert" } else { "key" };
                    judge.wrong(&at(has), "a certificate and its key go together", "give both cert and key");
                }
                if sql.ca.is_some() && sql.url.contains("sslmode=disable") {
                    judge.wrong(
                        &at("ca"),
                        "sslmode=disable asks for no certificate",
                        "take one of the two out",
                    );
                }
            }
            _ => source.url().into_iter().for_each(|url| judge.url(&at("url"), url)),
        }
        judge.within(&at("every"), source.every(), Span::millis(100), Span::hours(1));
        let (timeout, service, auth) = match source {
            Source::Prometheus(it) => (Some(it.timeout), None, Some(&it.auth)),
            Source::Scrape(it) => (Some(it.timeout), it.service.as_ref(), Some(&it.auth)),
            Source::Probe(it) => (Some(it.timeout), it.service.as_ref(), Some(&it.auth)),
            Source::Log(it) => (None, it.service.as_ref(), None),
            Source::Release(it) => (None, it.service.as_ref(), None),
            Source::Sql(_) => (None, None, None),
        };
        if let Some(timeout) = timeout {
            judge.patience(&at("timeout"), timeout, Span::mins(5));
        }
        if let Some(service) = service {
            judge.service(&at("service"), service);
        }
        if let Some(auth) = auth {
            judge.auth(i, auth);
        }
        match source {
            Source::Log(log) if log.path.trim().is_empty() => {
                judge.wrong(&at("path"), "the path is empty", "a file or a glob: \"/var/log/app/*.log\"");
            }
            Source::Release(release) if release.dir.as_os_str().is_empty() => {
                judge.wrong(
                    &at("dir"),
                    "the directory is empty",
                    "the one that holds `releases` and `current`",
                );
            }
            Source::Release(release) => {
                judge.environment(&at("env"), &release.env);
                // The directory's name is the service's where none is given.
                if release.service.is_none() {
                    judge.service(&at("dir"), &release.service());
                }
            }
            Source::Probe(probe) => {
                if let Some(body) = &probe.body {
                    judge.regex(&at("body"), body);
                }
                for (n, status) in probe.status.iter().enumerate() {
                    if !(100..=599).contains(status) {
                        let what = format!("there is no HTTP status {status}");
                        judge.wrong(&key!["source", i, "status", n], what, "100 to 599");
                    }
                }
            }
            _ => {}
        }
    }
}

/// All panels, those under sources and those that stand alone.
pub fn panels(judge: &mut Judge<'_>) {
    let mut names = BTreeSet::new();
    for (i, source) in judge.config.source.iter().enumerate() {
        let id = source.id();
        for (n, one) in source.panels().iter().enumerate() {
            let at = |key: &str| key!["source", i, "panels", n, key].to_vec();
            panel(judge, one, &at, &mut names);
            if !one.source.is_empty() && one.source != id {
                judge.wrong(&at("source"), "a panel under a source is answered by it", "take `source` out");
            }
        }
    }
    for (n, one) in judge.config.panel.iter().enumerate() {
        let at = |key: &str| key!["panel", n, key].to_vec();
        panel(judge, one, &at, &mut names);
        let known: Vec<String> =
            judge.config.source.iter().filter(|s| s.answers_queries()).map(Source::id).collect();
        if one.source.is_empty() || known.contains(&one.source) || !judge.whole("source") {
            continue;
        }
        if judge.config.source.iter().any(|source| source.id() == one.source) {
            judge.wrong(&at("source"), "this source answers no PromQL", "name a prometheus or scrape source");
            continue;
        }
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let help = match nearest::of(&one.source, &names) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None if names.is_empty() => "add a [[source]] of that name".into(),
            None => format!("sources that answer: {}", names.join(", ")),
        };
        judge.wrong(&at("source"), format!("no source {:?}", one.source), help);
    }
}

fn panel(judge: &mut Judge<'_>, panel: &Panel, at: &dyn Fn(&str) -> Vec<Step>, names: &mut BTreeSet<String>) {
    judge.name(&at("name"), &panel.name);
    if !names.insert(panel.name.clone()) {
        judge.wrong(
            &at("name"),
            format!("two panels are named {:?}", panel.name),
            "a panel's name is unique in the room",
        );
    }
    if panel.query.trim().is_empty() {
        judge.wrong(&at("query"), "the query is empty", "PromQL: sum(rate(http_requests_total[1m]))");
    }
    if let Some(threshold) = panel.threshold {
        if !threshold.is_finite() {
            judge.wrong(&at("threshold"), "not a number one can be beyond", "a finite number, or none");
        } else if panel.bad == Direction::None {
            judge.warn(
                &at("threshold"),
                "no direction is bad, so this says nothing",
                "bad = \"up\" or \"down\"",
            );
        }
    } else if panel.hold.is_some() {
        judge.warn(&at("for"), "without a threshold this says nothing", "add threshold = …");
    }
    if let Some(hold) = panel.hold {
        judge.within(&at("for"), hold, Span::ZERO, Span::hours(24));
    }
    if let Some(service) = &panel.service {
        judge.service(&at("service"), service);
    }
}
