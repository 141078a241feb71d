//! Connections: whom they trust, what is demanded of the server before it is trusted with an event.

use super::{Durability, Mode, Spec, outcome, schema};
use crate::journal::Trouble;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use rustls_platform_verifier::BuilderVerifierExt as _;
use secrecy::ExposeSecret as _;
use std::{
    net::IpAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_postgres::{
    AsyncMessage, Client, Config,
    config::{Host, SslMode, TargetSessionAttrs},
    error::Severity,
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long one host may take to answer at all, before the next is tried.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// A connection on which nothing that was sent is acknowledged for so long is given up.
const SILENT_WITHIN: Duration = Duration::from_secs(10);
/// How long a quiet connection waits before it asks whether the other end lives.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// A connection; closed when this is dropped.
pub(super) struct Session {
    pub(super) client: Client,
    /// Whether a standby has what is acknowledged.
    pub(super) replicated: bool,
    warned: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Session {
    /// Forgets warnings of before.
    pub(super) fn begin(&self) {
        self.warned.store(false, Ordering::Relaxed);
    }

    /// Whether the server warned since: of a commit that it did not wait for, among others.
    pub(super) fn has_warned(&self) -> bool {
        self.warned.load(Ordering::Relaxed)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Makes connections.
pub(super) struct Connector {
    config: Config,
    tls: Option<ClientConfig>,
    place: String,
    durability: Durability,
    mode: Mode,
}

impl Connector {
    pub(super) fn new(spec: &Spec, mode: Mode) -> Result<Self, Trouble> {
        let mut config: Config = spec.url.parse().map_err(|error: tokio_postgres::Error| {
            unreadable(
                "the journal's address",
                &outcome::root(&error),
                "write postgres://user@host:5432/name in warroom.toml",
            )
        })?;
        let place = place(&config);
        if config.get_hosts().is_empty() {
            let hint = "write postgres://user@host:5432/name in warroom.toml";
            return Err(unreadable("the journal's address", "it names no host", hint));
        }
        if config.get_dbname().is_none() {
            config.dbname("warroom");
        }
        if let Some(password) = &spec.password {
            config.password(password.expose_secret());
        }
        if config.get_application_name().is_none() {
            config.application_name("warroom");
        }
        if !is_here(&config) && !spec.url.contains("sslmode=") {
            config.ssl_mode(SslMode::Require);
        }
        config
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(CONNECT_WITHIN)
            .tcp_user_timeout(SILENT_WITHIN)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(Duration::from_secs(1))
            .keepalives_retries(5);
        let tls = match tls(spec) {
            Ok(tls) => Some(tls),
            // A machine without any certificates cannot check TLS, but needs none for a server of its own.
            Err(_) if config.get_ssl_mode() != SslMode::Require && spec.ca.is_none() => None,
            Err(why) => return Err(unreadable(&place, &why, "see [journal] in warroom.toml")),
        };
        Ok(Self { config, tls, place, durability: spec.durability, mode })
    }

    /// The hosts and the database, without what may be secret.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The place, with what an acknowledged event survives there.
    pub(super) fn described(&self, session: &Session) -> String {
        let kept = if session.replicated { "replicated" } else { "not replicated" };
        format!("{}, {kept}", self.place)
    }

    /// Connects to the host that takes writes, and looks whether it keeps what it acknowledges.
    pub(super) async fn open(&self) -> Result<Session, Trouble> {
        let mut session = self.bare(None).await?;
        if self.mode == Mode::Write {
            session.replicated = self.demand(&session.client).await?;
        }
        schema::known(&session.client, &self.place).await?;
        Ok(session)
    }

    /// Connects, and demands nothing. Notifications go to `heard`.
    pub(super) async fn bare(&self, heard: Option<mpsc::Sender<String>>) -> Result<Session, Trouble> {
        let warned = Arc::new(AtomicBool::new(false));
        let fail = |error| outcome::trouble(&self.place, &error);
        let (client, task) = if let Some(tls) = &self.tls {
            let (client, connection) =
                self.config.connect(MakeRustlsConnect::new(tls.clone())).await.map_err(fail)?;
            (client, tokio::spawn(drive(connection, Arc::clone(&warned), heard)))
        } else {
            let (client, connection) = self.config.connect(tokio_postgres::NoTls).await.map_err(fail)?;
            (client, tokio::spawn(drive(connection, Arc::clone(&warned), heard)))
        };
        Ok(Session { client, replicated: false, warned, task })
    }

    /// What a server must have on before an acknowledgement of it means anything.
    async fn demand(&self, client: &Client) -> Result<bool, Trouble> {
        let fail = |error| outcome::trouble(&self.place, &error);
        let refuse = |why: &str, hint: &str| Err(unreadable(&self.place, why, hint));
        let rows = client
            .query_typed(
                "SELECT pg_is_in_recovery(), current_setting('fsync'), current_setting('synchronous_commit'), \
                 current_setting('synchronous_standby_names')",
                &[],
            )
            .await
            .map_err(fail)?;
        let Some(row) = rows.first() else { return refuse("it answers nothing", "see the server's log") };
        if row.get::<_, bool>(0) {
            return refuse("it is a standby", "name the primary too: postgres://a,b/warroom");
        }
        if row.get::<_, &str>(1) != "on" {
            return refuse("fsync is off there, so what it acknowledges can be lost", "set fsync = on");
        }
        let replicated = !row.get::<_, &str>(3).trim().is_empty();
        if self.durability == Durability::Replicated && !replicated {
            return refuse(
                "no standby has what it acknowledges (synchronous_standby_names is empty)",
                "set up a synchronous standby, or write durability = \"local\" in [journal] to do without",
            );
        }
        // What a role or a database has set does not weaken it.
        let wanted = match (replicated, row.get::<_, &str>(2)) {
            (_, "remote_apply" | "on") | (false, "local" | "remote_write") => None,
            _ => Some("SET synchronous_commit = on"),
        };
        if let Some(set) = wanted {
            client.batch_execute(set).await.map_err(fail)?;
        }
        Ok(replicated)
    }
}

/// Moves a connection on until it ends.
async fn drive<S, T>(
    mut connection: tokio_postgres::Connection<S, T>,
    warned: Arc<AtomicBool>,
    heard: Option<mpsc::Sender<String>>,
) where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    while let Some(message) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => {
                // The server says so where it does not wait for its standby any more: committed, but here alone.
                if matches!(notice.parsed_severity(), Some(Severity::Warning)) {
                    tracing::warn!(notice = %notice.message(), "the journal's server warns");
                    warned.store(true, Ordering::Relaxed);
                }
            }
            Ok(AsyncMessage::Notification(note)) => {
                if let Some(heard) = &heard {
                    let _ = heard.try_send(note.payload().to_owned());
                }
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// The role that an address names.
pub fn user(url: &str) -> Option<String> {
    url.parse::<Config>().ok()?.get_user().map(str::to_owned)
}

fn unreadable(what: &str, why: &str, hint: &str) -> Trouble {
    Trouble::Unreadable { what: what.to_owned(), why: why.to_owned(), hint: hint.to_owned() }
}

/// Whether every host is this machine.
fn is_here(config: &Config) -> bool {
    config.get_hosts().iter().all(|host| match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        Host::Unix(_) => true,
    })
}

/// The hosts and the database: what may be shown.
fn place(config: &Config) -> String {
    let ports = config.get_ports();
    let port = |i: usize| ports.get(i).or(ports.first()).copied().unwrap_or(5432);
    let hosts: Vec<_> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(i, host)| match (host, port(i)) {
            (Host::Tcp(name), 5432) => name.clone(),
            (Host::Tcp(name), port) => format!("{name}:{port}"),
            (Host::Unix(dir), _) => dir.display().to_string(),
        })
        .collect();
    let name = config.get_dbname().unwrap_or("warroom");
    crate::domain::text::line(&format!("postgres://{}/{name}", hosts.join(","))).into_owned()
}

fn tls(spec: &Spec) -> Result<ClientConfig, String> {
    let say = |error: rustls::Error| error.to_string();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(say)?;
    let verified = match &spec.ca {
        None => builder.with_platform_verifier().map_err(say)?,
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| format!("{}: {error}", path.display()))?;
            }
            builder.with_root_certificates(roots)
        }
    };
    match &spec.certificate {
        None => Ok(verified.with_no_client_auth()),
        Some((path, key)) => {
            let own =
                PrivateKeyDer::from_pem_file(key).map_err(|error| format!("{}: {error}", key.display()))?;
            verified.with_client_auth_cert(certificates(path)?, own).map_err(say)
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let fail = |error: rustls::pki_types::pem::Error| format!("{}: {error}", path.display());
    let all: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(fail)?.collect::<Result<_, _>>().map_err(fail)?;
    if all.is_empty() {
        return Err(format!("{}: there is no certificate in it", path.display()));
    }
    Ok(all)
}
