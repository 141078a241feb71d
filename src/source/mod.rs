//! One file per source: I/O that makes signals.
//!
//! Each source is one task that says [`Reading`]s into a bounded channel until nobody listens. A reading of data means
//! that the source answered; a [`Body::Trouble`](crate::signal::Body::Trouble) right after it is about a part of it
//! (one panel's query, one endpoint), a trouble alone says that nothing was answered.

pub mod client;
pub mod http_check;
pub mod junit;
pub mod logfile;
pub mod poll;
pub mod probe;
pub mod problem;
pub mod prometheus;
pub mod release_dir;
pub mod scrape;
pub mod sql;

use crate::domain::{text, time::Span};
use crate::signal::{Answer, Level, Panel, Reading, SourceId, Verdict, analysis::logline::Format};
use chrono::Utc;
use client::Access;
use poll::{Mouth, supervise};
use secrecy::SecretString;
use std::{path::Path, path::PathBuf, sync::Arc};
use tokio::{sync::mpsc::Sender, task::JoinHandle};

/// What to watch.
#[derive(Debug, Clone)]
pub enum Spec {
    /// A Prometheus, or what speaks its API.
    Prometheus {
        /// Name.
        id: SourceId,
        /// Base address.
        url: String,
        /// What to show; none: what is found there.
        panels: Vec<Panel>,
        /// How often.
        every: Span,
        /// How it is asked.
        access: Access,
    },
    /// Endpoints that expose metrics; several of one service are one source.
    Scrape {
        /// Name.
        id: SourceId,
        /// Addresses; one without a path gets `/metrics`.
        urls: Vec<String>,
        /// What to show; none: what is found there.
        panels: Vec<Panel>,
        /// How often.
        every: Span,
        /// How they are asked.
        access: Access,
    },
    /// Log files.
    Log {
        /// Name.
        id: SourceId,
        /// Which files; make it absolute where the room may stand elsewhere.
        glob: String,
        /// What a line looks like.
        format: Format,
        /// Lines below this are not kept.
        least: Level,
        /// How often their ends are looked at.
        every: Span,
    },
    /// A health check over HTTP.
    Probe {
        /// Name of the source.
        id: SourceId,
        /// Name of what is probed, `checkout-1`.
        name: String,
        /// Address.
        url: String,
        /// What a healthy answer is.
        expect: probe::Expect,
        /// How it is asked.
        access: Access,
        /// How often.
        every: Span,
    },
    /// Releases in the manner of Capistrano.
    ReleaseDir {
        /// Name.
        id: SourceId,
        /// Service.
        service: String,
        /// Environment.
        env: String,
        /// The directory that holds `releases` and `current`.
        path: PathBuf,
        /// How often.
        every: Span,
    },
    /// A database that answers `sql` checks.
    Sql {
        /// Name.
        id: SourceId,
        /// Address, `postgres://user@host/name`, without a password.
        url: String,
        /// What proves who asks.
        password: Option<SecretString>,
        /// Whose certificates are believed, and the one to show.
        trust: crate::postgres::Trust,
        /// How long an answer may take, with the connection that it needs.
        timeout: Span,
        /// How often it is tried whether it answers.
        every: Span,
    },
    /// One that cannot be asked as it is configured. It is shown with what is wrong, and the others go on.
    Unready {
        /// Name.
        id: SourceId,
        /// Where it is.
        address: String,
        /// What is wrong and what to do.
        why: String,
    },
}

/// How often it is said what keeps a source from being asked.
const UNREADY: Span = Span::secs(30);

impl Spec {
    /// The source's name.
    pub fn id(&self) -> &SourceId {
        match self {
            Self::Prometheus { id, .. }
            | Self::Scrape { id, .. }
            | Self::Log { id, .. }
            | Self::Probe { id, .. }
            | Self::ReleaseDir { id, .. }
            | Self::Sql { id, .. }
            | Self::Unready { id, .. } => id,
        }
    }

    /// Gives it another name.
    pub fn rename(&mut self, name: SourceId) {
        match self {
            Self::Prometheus { id, .. }
            | Self::Scrape { id, .. }
            | Self::Log { id, .. }
            | Self::Probe { id, .. }
            | Self::ReleaseDir { id, .. }
            | Self::Sql { id, .. }
            | Self::Unready { id, .. } => *id = name,
        }
    }

    /// How often it is asked.
    pub fn every(&self) -> Span {
        match self {
            Self::Prometheus { every, .. }
            | Self::Scrape { every, .. }
            | Self::Log { every, .. }
            | Self::Probe { every, .. }
            | Self::ReleaseDir { every, .. }
            | Self::Sql { every, .. } => *every,
            Self::Unready { .. } => UNREADY,
        }
    }

    /// Where it is, as a person knows it and without secrets.
    pub fn address(&self) -> String {
        let shown = |url: &str| {
            client::address(url).map_or_else(|_| "not an address".to_owned(), |url| client::shown(&url))
        };
        match self {
            Self::Prometheus { url, .. } | Self::Probe { url, .. } => shown(url),
            Self::Scrape { urls, .. } => urls.iter().map(|u| shown(u)).collect::<Vec<_>>().join(" "),
            Self::Sql { url, .. } => crate::postgres::shown(url),
            Self::Log { glob: place, .. } | Self::Unready { address: place, .. } => {
                text::line(place).into_owned()
            }
            Self::ReleaseDir { path, .. } => text::line(&path.to_string_lossy()).into_owned(),
        }
    }
}

/// Who answers checks.
#[derive(Debug, Clone)]
enum Oracle {
    Prometheus(Result<Arc<prometheus::Api>, problem::Problem>),
    Scrape(Arc<scrape::Scraped>),
    Sql(Result<Arc<sql::Database>, problem::Problem>),
    Log(logfile::Recent),
    /// Its address, and how it is asked.
    Http(String, Access),
    Mute,
}

/// A source that runs. It stops when this is dropped.
#[derive(Debug)]
pub struct Handle {
    id: SourceId,
    oracle: Oracle,
    task: JoinHandle<()>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a source. Must be called within a tokio runtime.
pub fn start(spec: Spec, tx: Sender<Reading>) -> Handle {
    let id = spec.id().clone();
    let mouth = Mouth::new(id.clone(), tx);
    let (oracle, task) = match spec {
        Spec::Prometheus { url, panels, every, access, .. } => {
            let api = prometheus::Api::new(&url, &access).map(Arc::new);
            let poller = prometheus::Poller { api: api.clone(), panels, every };
            let task = supervise(mouth, move |m| prometheus::run(poller.clone(), m));
            (Oracle::Prometheus(api), tokio::spawn(task))
        }
        Spec::Scrape { urls, panels, every, access, .. } => {
            let scraped = Arc::new(scrape::Scraped::new(&urls, &access));
            let poller = scrape::Poller { scraped: Arc::clone(&scraped), panels, every };
            let task = supervise(mouth, move |m| scrape::run(poller.clone(), m));
            (Oracle::Scrape(scraped), tokio::spawn(task))
        }
        Spec::Log { glob, format, least, every, .. } => {
            let wanted = logfile::Wanted { pattern: glob, format, least };
            let recent = logfile::Recent::new(least, every);
            let kept = recent.clone();
            let task = supervise(mouth, move |m| logfile::run(wanted.clone(), every, kept.clone(), m));
            (Oracle::Log(recent), tokio::spawn(task))
        }
        Spec::Probe { name, url, expect, access, every, .. } => {
            let oracle = Oracle::Http(url.clone(), access.clone());
            let probe = probe::Probe { name, url, expect, access, every };
            let task = supervise(mouth, move |m| probe::run(probe.clone(), m));
            (oracle, tokio::spawn(task))
        }
        Spec::ReleaseDir { service, env, path, every, .. } => {
            let place = release_dir::Place { service, env, path };
            let task = supervise(mouth, move |m| release_dir::run(place.clone(), every, m));
            (Oracle::Mute, tokio::spawn(task))
        }
        Spec::Sql { url, password, trust, timeout, every, .. } => {
            let database = sql::Database::new(&url, password.as_ref(), trust, timeout).map(Arc::new);
            let asked = database.clone();
            let task = supervise(mouth, move |m| sql::run(asked.clone(), every, m));
            (Oracle::Sql(database), tokio::spawn(task))
        }
        Spec::Unready { why, .. } => (Oracle::Mute, tokio::spawn(unready(why, mouth))),
    };
    Handle { id, oracle, task }
}

async fn unready(why: String, mouth: Mouth) {
    while mouth.trouble(&why, UNREADY).await.is_ok() {
        tokio::time::sleep(UNREADY.std()).await;
    }
}

impl Handle {
    /// The source's name.
    pub fn id(&self) -> &SourceId {
        &self.id
    }

    /// Whether this source answers checks of a language at all.
    pub fn answers(&self, lang: &str) -> bool {
        match self.oracle {
            Oracle::Prometheus(_) | Oracle::Scrape(_) => lang == "promql",
            Oracle::Sql(_) => lang == "sql",
            Oracle::Log(_) => lang == "logs",
            Oracle::Http(..) => lang == "http",
            Oracle::Mute => false,
        }
    }

    /// Answers a check block. What cannot be answered is unknown, with the reason as what was seen.
    pub async fn check(&self, lang: &str, code: &str) -> Answer {
        let now = Utc::now();
        if !self.answers(lang) {
            let lang = lang.chars().take(20).collect::<String>();
            return unknown(&self.id, &format!("{} does not answer {lang} checks", self.id));
        }
        let judged = match &self.oracle {
            Oracle::Prometheus(Ok(api)) => api.check(code, now).await,
            Oracle::Prometheus(Err(problem)) | Oracle::Sql(Err(problem)) => Err(problem.clone()),
            Oracle::Scrape(scraped) => scraped.check(code, now),
            Oracle::Sql(Ok(database)) => database.check(code).await,
            Oracle::Log(recent) => {
                let (recent, id, code) = (recent.clone(), self.id.clone(), code.to_owned());
                let asked = tokio::task::spawn_blocking(move || recent.check(&id, &code, now)).await;
                return asked.unwrap_or_else(|_| unknown(&self.id, "a fault within warroom"));
            }
            Oracle::Http(url, access) => {
                return Answer {
                    source: self.id.clone(),
                    ..http_check::http_check(code, Some((url, access))).await
                };
            }
            Oracle::Mute => return unknown(&self.id, "it does not answer checks"),
        };
        match judged {
            Ok(judged) => Answer {
                verdict: judged.verdict,
                seen: text::line(&judged.seen).into_owned(),
                at: now,
                source: self.id.clone(),
            },
            Err(problem) => unknown(&self.id, &problem.line()),
        }
    }
}

/// Answers a check block that needs no configured source: `http`, `junit`. Relative paths are read below `base`,
/// the runbook's directory.
pub async fn check(lang: &str, code: &str, base: &Path) -> Answer {
    match lang {
        "http" => http_check::http_check(code, None).await,
        "junit" => junit::junit_check(code, base).await,
        "sql" => {
            unknown("sql", "no SQL source is configured: add a [[source]] of kind = \"sql\" to warroom.toml")
        }
        "logs" => unknown(
            "logs",
            "no log source is configured: start with --log FILE or add a [[source]] of kind = \"log\"",
        ),
        "promql" => {
            unknown("promql", "no metrics source is configured: start with --prom URL or --scrape URL")
        }
        other => unknown("check", &format!("no source answers {other} checks")),
    }
}

/// Whom a check block asks, so that one at a time does: the source that is named, the host of an `http` block, else all
/// that speak the language together.
pub fn whom(lang: &str, code: &str, named: Option<&str>) -> String {
    match (named, lang) {
        (Some(named), _) => named.to_owned(),
        (None, "http") => http_check::host(code).unwrap_or_else(|| lang.to_owned()),
        (None, _) => lang.to_owned(),
    }
}

/// An answer that says why there is none.
pub(crate) fn unknown(source: &str, why: &str) -> Answer {
    let seen = text::line(why).into_owned();
    Answer { verdict: Verdict::Unknown, seen, at: Utc::now(), source: source.to_owned() }
}
