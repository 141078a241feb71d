//! A connection to a database: one for each question, gone with it.

use super::trust::Trust;
use crate::domain::{text, time::Span};
use crate::source::problem::Problem;
use rustls::CertificateError;
use secrecy::{ExposeSecret as _, SecretString};
use std::{error::Error as _, net::IpAddr};
use tokio::task::JoinHandle;
use tokio_postgres::{
    Client, Config, Error,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connection; closed when this is dropped, whatever it is doing.
pub struct Session {
    pub client: Client,
    task: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads an address; gives with it host and port, as a person knows them.
pub fn config(
    url: &str,
    password: Option<&SecretString>,
    trust: &Trust,
    limit: Span,
) -> Result<(Config, String), Problem> {
    let bad = |why: &str| Problem::Answer(format!("not the address of a database: {why}"));
    // What is required is always verified in full here.
    let url = &url.replace("sslmode=verify-full", "sslmode=require");
    let mut config: Config = url.parse().map_err(|error: Error| bad(&root(&error)))?;
    let ports = config.get_ports();
    let port = |i: usize| ports.get(i).or(ports.first()).copied().unwrap_or(5432);
    let name = |(i, host): (usize, &Host)| match host {
        Host::Tcp(name) if name.contains(':') => format!("[{name}]:{}", port(i)),
        Host::Tcp(name) => format!("{name}:{}", port(i)),
        Host::Unix(dir) => dir.display().to_string(),
    };
    let hosts: Vec<String> = config.get_hosts().iter().enumerate().map(name).collect();
    if hosts.is_empty() {
        return Err(bad("it names no host; write postgres://user@host:5432/name"));
    }
    let here = config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        Host::Unix(_) => true,
    });
    let asked_for = !here || *trust != Trust::default();
    if asked_for && !url.contains("sslmode=") {
        config.ssl_mode(SslMode::Require);
    }
    if let Some(password) = password {
        config.password(password.expose_secret().trim_end_matches(['\n', '\r']));
    }
    if config.get_application_name().is_none() {
        config.application_name("warroom");
    }
    config.connect_timeout(limit.std());
    Ok((config, text::line(&hosts.join(",")).into_owned()))
}

/// An address as it may be shown: without user and parameters, where secrets hide.
pub fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let socket = parameters.split('&').find_map(|one| one.strip_prefix("host=")).unwrap_or_default();
    text::line(&format!("{scheme}://{socket}{place}")).into_owned()
}

/// Connects.
pub async fn open(config: &Config, host: &str, trust: &Trust) -> Result<Session, Problem> {
    let clear_would_do = config.get_ssl_mode() != SslMode::Require;
    let tls = MakeRustlsConnect::new(trust.client(clear_would_do)?);
    let (client, connection) = config.connect(tls).await.map_err(|error| problem(&error, host))?;
    Ok(Session { client, task: tokio::spawn(async move { drop(connection.await) }) })
}

/// What a failure means to a person.
pub fn problem(error: &Error, host: &str) -> Problem {
    if let Some(said) = error.as_db_error() {
        let place = match said.position() {
            Some(tokio_postgres::error::ErrorPosition::Original(at)) => format!(", at character {at}"),
            _ => String::new(),
        };
        let hint = said.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        return Problem::Refused {
            kind: said.code().code().to_owned(),
            message: format!("{}{place}{hint}", said.message()),
        };
    }
    let why = certificate(error).unwrap_or_else(|| root(error));
    Problem::Unreachable { host: host.to_owned(), why }
}

/// What is wrong with a certificate, and what to do.
fn certificate(error: &Error) -> Option<String> {
    let mut cause = error.source();
    let found = loop {
        let this = cause?;
        let io = this.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let inner = io.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner.or_else(|| this.downcast_ref::<rustls::Error>()) {
            Some(found) => break found,
            None => cause = this.source(),
        }
    };
    match found {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            Some("nobody who is trusted here signed its certificate; ca = \"FILE\" names who did".into())
        }
        rustls::Error::InvalidCertificate(_) => Some(found.to_string()),
        _ => None,
    }
}

/// The innermost reason: the outer ones only say that there was one.
fn root(error: &Error) -> String {
    let mut inner: Option<&(dyn std::error::Error + 'static)> = error.source();
    let mut said = error.to_string();
    while let Some(next) = inner {
        said = next.to_string();
        inner = next.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        config(url, None, &Trust::default(), Span::secs(2)).unwrap().0.get_ssl_mode()
    }

    #[test]
    fn what_goes_over_a_network_is_encrypted_unless_somebody_said_otherwise() {
        assert_eq!(mode("postgres://u@db.example/shop"), SslMode::Require);
        assert_eq!(mode("postgres://u@db.example,localhost/shop"), SslMode::Require);
        assert_eq!(mode("postgres://u@db.example/shop?sslmode=disable"), SslMode::Disable);
        assert_eq!(mode("postgres://u@127.0.0.1:5433/shop"), SslMode::Prefer);
        assert_eq!(mode("postgres://u@127.0.0.1:5433/shop?sslmode=verify-full"), SslMode::Require);
        let trust = Trust { ca: Some("ca.pem".into()), identity: None };
        let own = config("postgres://u@localhost/shop", None, &trust, Span::secs(2)).unwrap().0;
        assert_eq!(own.get_ssl_mode(), SslMode::Require, "who names an authority wants it asked");
        assert_eq!(mode("postgres:///shop?host=/var/run/postgresql"), SslMode::Prefer);
    }

    #[test]
    fn a_place_is_named_and_no_secret_with_it() {
        let secret = SecretString::from("hunter2\n");
        let url = "postgres://u@a:5433,b:5434/x";
        let (config, host) = config(url, Some(&secret), &Trust::default(), Span::secs(2)).unwrap();
        assert_eq!(host, "a:5433,b:5434");
        assert_eq!(config.get_password(), Some(b"hunter2".as_slice()));
        assert!(!format!("{config:?}").contains("hunter2"));
        assert_eq!(shown("postgres://u:hunter2@a:1,b:2/x?password=hunter2"), "postgres://a:1,b:2/x");
        assert_eq!(shown("postgres:///x?host=/run/pg&user=hunter2"), "postgres:///run/pg/x");
    }
}
