//! What is watched: one table of `[[source]]` each.

use super::secret::{Header, Secret};
use crate::{
    domain::time::Span,
    signal::{Level, Panel, SourceId, analysis::logline},
};
use reqwest::Url;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

/// A source; `kind` says of what kind.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(tag = "kind")]
pub enum Source {
    /// The Prometheus HTTP API, also VictoriaMetrics and others that speak it.
    Prometheus(Prometheus),
    /// An exposition endpoint, read directly.
    Scrape(Scrape),
    /// Log files, followed.
    Log(Log),
    /// A URL that says whether something is well.
    Probe(Probe),
    /// A release directory in the Capistrano manner.
    Release(Release),
    /// A PostgreSQL that answers `sql` checks.
    Sql(Sql),
}

/// A server of the Prometheus HTTP API.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prometheus {
    /// Name that panels use; `prom` where none is given.
    #[serde(default)]
    pub name: Option<String>,
    /// Base URL, up to but without `/api/v1`.
    pub url: String,
    /// How often it is asked.
    #[serde(default = "five")]
    pub every: Span,
    /// How long an answer may take.
    #[serde(default = "two")]
    pub timeout: Span,
    /// What proves who asks.
    #[serde(default)]
    pub auth: Auth,
    /// Panels that this source answers.
    #[serde(default)]
    pub panels: Vec<Panel>,
}

/// An exposition endpoint.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scrape {
    /// Name that panels use; `scrape:` and the host where none is given.
    #[serde(default)]
    pub name: Option<String>,
    /// The endpoint, with its path.
    pub url: String,
    /// How often it is read.
    #[serde(default = "two")]
    pub every: Span,
    /// How long an answer may take.
    #[serde(default = "two")]
    pub timeout: Span,
    /// Service it belongs to.
    #[serde(default)]
    pub service: Option<String>,
    /// What proves who asks.
    #[serde(default)]
    pub auth: Auth,
    /// Panels that this source answers.
    #[serde(default)]
    pub panels: Vec<Panel>,
}

/// Log files.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Name; `log:` and the file's name where none is given.
    #[serde(default)]
    pub name: Option<String>,
    /// File or glob, `/var/log/app/*.log`; relative to the file it stands in.
    pub path: String,
    /// What a line looks like.
    #[serde(default)]
    pub format: Format,
    /// Lines below this level are not kept.
    #[serde(default)]
    pub level: Option<Level5>,
    /// Service it belongs to.
    #[serde(default)]
    pub service: Option<String>,
    /// How often the files are looked at.
    #[serde(default = "quarter")]
    pub every: Span,
}

/// What a log line looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Each line is looked at.
    #[default]
    Auto,
    /// Text.
    Plain,
    /// One JSON object to a line.
    Json,
    /// `key=value` pairs.
    Logfmt,
}

impl From<Format> for logline::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Auto => Self::Auto,
            Format::Plain => Self::Plain,
            Format::Json => Self::Json,
            Format::Logfmt => Self::Logfmt,
        }
    }
}

/// Severity of a line, as it is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "LogLevel")]
pub enum Level5 {
    /// Everything.
    Trace,
    /// Debug and worse.
    Debug,
    /// Info and worse.
    Info,
    /// Warnings and worse.
    Warn,
    /// Errors and worse.
    Error,
    /// Only what ended a process.
    Fatal,
}

impl From<Level5> for Level {
    fn from(level: Level5) -> Self {
        match level {
            Level5::Trace => Self::Trace,
            Level5::Debug => Self::Debug,
            Level5::Info => Self::Info,
            Level5::Warn => Self::Warn,
            Level5::Error => Self::Error,
            Level5::Fatal => Self::Fatal,
        }
    }
}

/// A health probe.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Name; `probe:` and the host where none is given.
    #[serde(default)]
    pub name: Option<String>,
    /// What is asked, by GET.
    pub url: String,
    /// How often.
    #[serde(default = "two")]
    pub every: Span,
    /// How long an answer may take.
    #[serde(default = "two")]
    pub timeout: Span,
    /// Status codes that are well; 200 to 399 where none is given.
    #[serde(default)]
    pub status: Vec<u16>,
    /// A regular expression that must be found in the answer's body.
    #[serde(default)]
    pub body: Option<String>,
    /// Service it belongs to.
    #[serde(default)]
    pub service: Option<String>,
    /// What proves who asks.
    #[serde(default)]
    pub auth: Auth,
}

/// A release directory: `releases/`, the link `current`, optionally `REVISION` and `revisions.log`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Name; `release:` and the service where none is given.
    #[serde(default)]
    pub name: Option<String>,
    /// The directory that holds `releases` and `current`; relative to the file it stands in.
    pub dir: PathBuf,
    /// Service that is released there; the directory's name where none is given.
    #[serde(default)]
    pub service: Option<String>,
    /// Environment.
    #[serde(default = "prod")]
    pub env: String,
    /// How often it is looked at.
    #[serde(default = "two")]
    pub every: Span,
}

/// A PostgreSQL, asked only when a check asks it, and then only to read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sql {
    /// Name that `source=` of a block uses; `sql:` and the database where none is given.
    #[serde(default)]
    pub name: Option<String>,
    /// Address without a password, `postgres://user@host:5432/name`. `sslmode=` is `require` unless the host is this
    /// machine.
    pub url: String,
    /// Where the password is.
    #[serde(default)]
    pub password: Option<Secret>,
    /// Authorities that may have signed the server's certificate, a PEM file; the system's where none is given.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// A certificate to show to a server that wants one, a PEM file.
    #[serde(default)]
    pub cert: Option<PathBuf>,
    /// Its key, a PEM file.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// How long an answer may take, with the connection that it needs.
    #[serde(default = "two")]
    pub timeout: Span,
    /// How often it is tried whether it answers.
    #[serde(default = "half_minute")]
    pub every: Span,
}

/// What proves to a source who asks. Secrets by reference only.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Auth {
    /// `Authorization: Bearer`.
    pub bearer: Option<Secret>,
    /// `Authorization: Basic`.
    pub basic: Option<Basic>,
    /// Further headers; those that carry a secret by reference.
    pub headers: BTreeMap<String, Header>,
}

/// User and password.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// User name.
    pub user: String,
    /// Where the password is.
    pub password: Secret,
}

fn quarter() -> Span {
    Span::millis(250)
}
fn two() -> Span {
    Span::secs(2)
}
fn five() -> Span {
    Span::secs(5)
}
fn half_minute() -> Span {
    Span::secs(30)
}
fn prod() -> String {
    "prod".into()
}

/// Host and port of a URL, without what a port says anyway.
fn host(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return "?".into() };
    let host = url.host_str().unwrap_or("?").to_owned();
    url.port().map_or(host.clone(), |port| format!("{host}:{port}"))
}

fn last(path: &std::path::Path) -> String {
    path.file_name().map_or_else(|| "?".into(), |name| name.to_string_lossy().into_owned())
}

impl Source {
    /// The name that was given.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Prometheus(Prometheus { name, .. })
            | Self::Scrape(Scrape { name, .. })
            | Self::Log(Log { name, .. })
            | Self::Probe(Probe { name, .. })
            | Self::Release(Release { name, .. })
            | Self::Sql(Sql { name, .. }) => name.as_deref(),
        }
    }

    /// Its name in the room: the one given, else one made from its address.
    pub fn id(&self) -> SourceId {
        if let Some(name) = self.name() {
            return name.to_owned();
        }
        match self {
            Self::Prometheus(_) => "prom".into(),
            Self::Scrape(scrape) => format!("scrape:{}", host(&scrape.url)),
            Self::Log(log) => format!("log:{}", last(log.path.as_ref())),
            Self::Probe(probe) => format!("probe:{}", host(&probe.url)),
            Self::Release(release) => format!("release:{}", release.service()),
            Self::Sql(sql) => format!("sql:{}", sql.database()),
        }
    }

    /// Its URL, for those that have one.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Prometheus(Prometheus { url, .. })
            | Self::Scrape(Scrape { url, .. })
            | Self::Probe(Probe { url, .. })
            | Self::Sql(Sql { url, .. }) => Some(url),
            Self::Log(_) | Self::Release(_) => None,
        }
    }

    /// How often it is asked.
    pub fn every(&self) -> Span {
        match self {
            Self::Prometheus(Prometheus { every, .. })
            | Self::Scrape(Scrape { every, .. })
            | Self::Log(Log { every, .. })
            | Self::Probe(Probe { every, .. })
            | Self::Release(Release { every, .. })
            | Self::Sql(Sql { every, .. }) => *every,
        }
    }

    /// Panels that stand under it.
    pub fn panels(&self) -> &[Panel] {
        match self {
            Self::Prometheus(Prometheus { panels, .. }) | Self::Scrape(Scrape { panels, .. }) => panels,
            _ => &[],
        }
    }

    /// Whether it answers checks of a language.
    pub fn answers(&self, lang: &str) -> bool {
        match lang {
            "promql" => self.answers_queries(),
            "sql" => matches!(self, Self::Sql(_)),
            "http" => matches!(self, Self::Probe(_)),
            "logs" => matches!(self, Self::Log(_)),
            _ => false,
        }
    }

    /// Whether it answers PromQL.
    pub fn answers_queries(&self) -> bool {
        matches!(self, Self::Prometheus(_) | Self::Scrape(_))
    }
}

impl Release {
    /// The service: as given, else the directory's name.
    pub fn service(&self) -> String {
        self.service.clone().unwrap_or_else(|| last(&self.dir))
    }
}

impl Sql {
    /// The database's name, as the address says.
    fn database(&self) -> String {
        let url = Url::parse(&self.url).ok();
        let name = url.as_ref().map(|url| url.path().trim_matches('/')).filter(|name| !name.is_empty());
        name.unwrap_or("postgres").to_owned()
    }
}
