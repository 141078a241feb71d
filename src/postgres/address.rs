//! An address, and what of it may be shown.

use super::{Trust, words::root};
use crate::domain::text;
use secrecy::{ExposeSecret as _, SecretString};
use std::net::IpAddr;
use tokio_postgres::{
    Config, Error,
    config::{Host, SslMode},
};

/// Where a database is, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Address {
    /// What the client needs; whoever connects adds what is its own.
    pub config: Config,
    /// Certificates.
    pub(super) trust: Trust,
    hosts: String,
}

impl Address {
    /// Reads `postgres://user@host:5432/name`. A server that is not on this machine must speak TLS, unless the address
    /// says `sslmode=disable` or `prefer`.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(url: &str, password: Option<&SecretString>, trust: Trust) -> Result<Self, String> {
        // What is required is always verified in full here.
        let url = &url.replace("sslmode=verify-full", "sslmode=require");
        let mut config: Config = url.parse().map_err(|error: Error| root(&error))?;
        if config.get_hosts().is_empty() {
            return Err("it names no host; write postgres://user@host:5432/name".into());
        }
        let asked_for = !is_here(&config) || trust != Trust::default();
        if asked_for && !url.contains("sslmode=") {
            config.ssl_mode(SslMode::Require);
        }
        if let Some(password) = password {
            config.password(password.expose_secret().trim_end_matches(['\n', '\r']));
        }
        if config.get_application_name().is_none() {
            config.application_name("warroom");
        }
        let hosts = hosts(&config);
        Ok(Self { config, trust, hosts })
    }

    /// Hosts and ports, or the socket's directory, as a person knows them.
    pub fn hosts(&self) -> &str {
        &self.hosts
    }
}

/// Whether every host is this machine.
fn is_here(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        Host::Unix(_) => true,
    })
}

fn hosts(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |i: usize| ports.get(i).or(ports.first()).copied().unwrap_or(5432);
    let name = |(i, host): (usize, &Host)| match host {
        Host::Tcp(name) if name.contains(':') => format!("[{name}]:{}", port(i)),
        Host::Tcp(name) => format!("{name}:{}", port(i)),
        Host::Unix(dir) => dir.display().to_string(),
    };
    let all: Vec<String> = config.get_hosts().iter().enumerate().map(name).collect();
    text::line(&all.join(",")).into_owned()
}

/// An address as it may be shown: without user and parameters, where secrets hide.
pub fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let socket = parameters.split('&').find_map(|one| one.strip_prefix("host=")).unwrap_or_default();
    text::line(&format!("{scheme}://{socket}{place}")).into_owned()
}

/// The role that an address names.
pub fn user(url: &str) -> Option<String> {
    url.parse::<Config>().ok()?.get_user().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        Address::new(url, None, Trust::default()).unwrap().config.get_ssl_mode()
    }

    #[test]
    fn what_goes_over_a_network_is_encrypted_unless_somebody_said_otherwise() {
        assert_eq!(mode("postgres://u@db.example/shop"), SslMode::Require);
        assert_eq!(mode("postgres://u@db.example,localhost/shop"), SslMode::Require);
        assert_eq!(mode("postgres://u@db.example/shop?sslmode=disable"), SslMode::Disable);
        assert_eq!(mode("postgres://u@127.0.0.1:5433/shop"), SslMode::Prefer);
        assert_eq!(mode("postgres://u@127.0.0.1:5433/shop?sslmode=verify-full"), SslMode::Require);
        let trust = Trust { ca: Some("ca.pem".into()), identity: None };
        let own = Address::new("postgres://u@localhost/shop", None, trust).unwrap().config;
        assert_eq!(own.get_ssl_mode(), SslMode::Require, "who names an authority wants it asked");
        assert_eq!(mode("postgres:///shop?host=/var/run/postgresql"), SslMode::Prefer);
    }

    #[test]
    fn a_place_is_named_and_no_secret_with_it() {
        let secret = SecretString::from("hunter2\n");
        let address = Address::new("postgres://u@a:5433,b:5434/x", Some(&secret), Trust::default()).unwrap();
        assert_eq!(address.hosts(), "a:5433,b:5434");
        assert_eq!(address.config.get_password(), Some(b"hunter2".as_slice()));
        assert!(!format!("{address:?}").contains("hunter2"));
        assert_eq!(shown("postgres://u:hunter2@a:1,b:2/x?password=hunter2"), "postgres://a:1,b:2/x");
        assert_eq!(shown("postgres:///x?host=/run/pg&user=hunter2"), "postgres:///run/pg/x");
        assert_eq!(user("postgres://u@a/x").as_deref(), Some("u"));
    }
}
