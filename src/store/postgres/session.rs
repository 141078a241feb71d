//! Connections, and what is demanded of a server before it is trusted with an event.

use super::{Durability, Mode, Spec, outcome, schema};
use crate::{
    domain::text,
    journal::Trouble,
    postgres::{self, Address, Failed, Stream},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_postgres::{AsyncMessage, Client, Socket, config::TargetSessionAttrs, error::Severity};

/// How long one host may take to answer at all, before the next is tried.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// How long each host may take to let one in, where there is something to go on with without.
const REACHED_WITHIN: Duration = Duration::from_secs(4);
/// A connection on which nothing that was sent is acknowledged for so long is given up.
const SILENT_WITHIN: Duration = Duration::from_secs(10);
/// How long a quiet connection waits before it asks whether the other end lives.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// A connection; closed when this is dropped.
pub(super) struct Session {
    pub(super) client: Client,
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
    address: Address,
    place: String,
    durability: Durability,
    mode: Mode,
    replicated: AtomicBool,
}

impl Connector {
    pub(super) fn new(spec: &Spec, mode: Mode) -> Result<Self, Trouble> {
        let mut address =
            Address::new(&spec.url, spec.password.as_ref(), spec.trust.clone()).map_err(|why| {
                let hint = "write postgres://user@host:5432/name in warroom.toml";
                unreadable("the journal's address", &why, hint)
            })?;
        let config = &mut address.config;
        if config.get_dbname().is_none() {
            config.dbname("warroom");
        }
        config
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .connect_timeout(CONNECT_WITHIN)
            .tcp_user_timeout(SILENT_WITHIN)
            .keepalives_idle(KEEPALIVE)
            .keepalives_interval(Duration::from_secs(1))
            .keepalives_retries(5);
        let name = config.get_dbname().unwrap_or_default().to_owned();
        let place = text::line(&format!("postgres://{}/{name}", address.hosts())).into_owned();
        Ok(Self { address, place, durability: spec.durability, mode, replicated: AtomicBool::new(false) })
    }

    /// The hosts and the database, without what may be secret.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether a standby has what the server of the newest connection acknowledges.
    pub(super) fn is_replicated(&self) -> bool {
        self.replicated.load(Ordering::Relaxed)
    }

    /// Connects to the host that takes writes, and looks whether it keeps what it acknowledges.
    pub(super) async fn open(&self) -> Result<Session, Trouble> {
        self.trusted(self.bare(None).await?).await
    }

    /// The same; `Err` within `Ok` where no server that takes writes is reached now, and maybe is later.
    pub(super) async fn reach(&self) -> Result<Result<Session, Trouble>, Trouble> {
        let hosts = u32::try_from(self.address.config.get_hosts().len()).unwrap_or(1).max(1);
        let Ok(dialled) = tokio::time::timeout(REACHED_WITHIN * hosts, self.dial(None)).await else {
            let hint = "see whether the server is overloaded or the network loses packets";
            return Ok(Err(unreadable(&self.place, "it does not answer", hint)));
        };
        match dialled {
            Ok(session) => self.trusted(session).await.map(Ok),
            Err(Failed::Server(error)) if outcome::is_away(&error) => {
                Ok(Err(outcome::trouble(&self.place, &error)))
            }
            Err(failed) => Err(self.told(failed)),
        }
    }

    /// Connects, and demands nothing. Notifications go to `heard`.
    pub(super) async fn bare(&self, heard: Option<mpsc::Sender<String>>) -> Result<Session, Trouble> {
        self.dial(heard).await.map_err(|failed| self.told(failed))
    }

    fn told(&self, failed: Failed) -> Trouble {
        match failed {
            Failed::Trust(why) => unreadable(&self.place, &why, "see [journal] in warroom.toml"),
            Failed::Server(error) => outcome::trouble(&self.place, &error),
        }
    }

    /// The connection, where its server keeps what it acknowledges and has a journal that this program knows.
    async fn trusted(&self, session: Session) -> Result<Session, Trouble> {
        if self.mode == Mode::Write {
            self.replicated.store(self.demand(&session.client).await?, Ordering::Relaxed);
        }
        schema::known(&session.client, &self.place, self.mode).await?;
        Ok(session)
    }

    async fn dial(&self, heard: Option<mpsc::Sender<String>>) -> Result<Session, Failed> {
        let warned = Arc::new(AtomicBool::new(false));
        let (client, connection) = postgres::connect(&self.address).await?;
        let task = tokio::spawn(drive(connection, Arc::clone(&warned), heard));
        Ok(Session { client, warned, task })
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
async fn drive(
    mut connection: tokio_postgres::Connection<Socket, Stream>,
    warned: Arc<AtomicBool>,
    heard: Option<mpsc::Sender<String>>,
) {
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

fn unreadable(what: &str, why: &str, hint: &str) -> Trouble {
    Trouble::Unreadable { what: what.to_owned(), why: why.to_owned(), hint: hint.to_owned() }
}
