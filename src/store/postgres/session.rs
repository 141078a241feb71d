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
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_postgres::{AsyncMessage, Client, Socket, config::TargetSessionAttrs, error::Severity};

/// How long one host may take to answer at all, before the next is tried.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
/// How long all of them may take to let somebody in: a pooler whose places are taken answers, and then says nothing.
const LET_IN_WITHIN: Duration = Duration::from_secs(10);
/// How long each host may take, where there is something to go on with without.
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

/// A channel, and who is told what is notified there.
type Heard = (&'static str, mpsc::Sender<String>);

/// Why there is no connection.
enum Unmade {
    /// All of them together were silent for so long.
    Silent(Duration),
    Failed(Failed),
}

impl Unmade {
    /// It may be otherwise a moment later.
    fn is_away(&self) -> bool {
        match self {
            Self::Silent(_) => true,
            Self::Failed(Failed::Trust(_)) => false,
            Self::Failed(Failed::Server(error)) => outcome::is_away(error),
        }
    }
}

/// Makes connections.
pub(super) struct Connector {
    address: Address,
    place: String,
    durability: Durability,
    mode: Mode,
    replicated: AtomicBool,
    notifies: AtomicBool,
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
        let (replicated, notifies) = (AtomicBool::new(false), AtomicBool::new(true));
        Ok(Self { address, place, durability: spec.durability, mode, replicated, notifies })
    }

    /// The hosts and the database, without what may be secret.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Whether a standby has what the server acknowledged last.
    pub(super) fn is_replicated(&self) -> bool {
        self.replicated.load(Ordering::Relaxed)
    }

    /// What was found in the transaction of an append.
    pub(super) fn found_replicated(&self, is: bool) {
        self.replicated.store(is, Ordering::Relaxed);
    }

    /// Whether nothing may be acknowledged that no standby has.
    pub(super) fn wants_standby(&self) -> bool {
        self.durability == Durability::Replicated
    }

    /// Whether the server passes notifications on. Where it cannot, it is not asked to: the statement would fail.
    pub(super) fn notifies(&self) -> bool {
        self.notifies.load(Ordering::Relaxed)
    }

    /// Connects to the host that takes writes, and looks whether it keeps what it acknowledges.
    pub(super) async fn open(&self) -> Result<Session, Trouble> {
        self.trusted(self.bare(None).await?).await
    }

    /// The same; `Err` within `Ok` where no server that takes writes is reached now, and maybe is later.
    pub(super) async fn reach(&self) -> Result<Result<Session, Trouble>, Trouble> {
        let hosts = u32::try_from(self.address.config.get_hosts().len()).unwrap_or(1).max(1);
        match self.dial(None, REACHED_WITHIN * hosts).await {
            Ok(session) => self.trusted(session).await.map(Ok),
            Err(unmade) if unmade.is_away() => Ok(Err(self.told(unmade))),
            Err(unmade) => Err(self.told(unmade)),
        }
    }

    /// Connects, and demands nothing. Notifications of this channel go to who is named with it.
    pub(super) async fn bare(&self, heard: Option<Heard>) -> Result<Session, Trouble> {
        self.dial(heard, LET_IN_WITHIN).await.map_err(|unmade| self.told(unmade))
    }

    fn told(&self, unmade: Unmade) -> Trouble {
        match unmade {
            Unmade::Silent(within) => unreadable(
                &self.place,
                &format!("nobody was let in within {} s", within.as_secs()),
                "see whether the server, or a pooler before it, has connections left",
            ),
            Unmade::Failed(Failed::Trust(why)) => {
                unreadable(&self.place, &why, "see [journal] in warroom.toml")
            }
            Unmade::Failed(Failed::Server(error)) => outcome::trouble(&self.place, &error),
        }
    }

    /// The connection, where its server keeps what it acknowledges and has a journal that this program knows.
    async fn trusted(&self, session: Session) -> Result<Session, Trouble> {
        if self.mode == Mode::Write {
            self.found_replicated(self.demand(&session.client).await?);
            self.try_notifying(&session.client).await?;
        }
        schema::known(&session.client, &self.place, self.mode).await?;
        Ok(session)
    }

    async fn dial(&self, heard: Option<Heard>, within: Duration) -> Result<Session, Unmade> {
        let warned = Arc::new(AtomicBool::new(false));
        let connecting = timeout(within, postgres::connect(&self.address));
        let connected = connecting.await.map_err(|_| Unmade::Silent(within))?;
        let (client, connection) = connected.map_err(Unmade::Failed)?;
        let task = tokio::spawn(drive(connection, Arc::clone(&warned), heard));
        Ok(Session { client, warned, task })
    }

    /// What a server must have on before an acknowledgement of it means anything.
    async fn demand(&self, client: &Client) -> Result<bool, Trouble> {
        let fail = |error| outcome::trouble(&self.place, &error);
        let refuse = |why: &str, hint: &str| Err(unreadable(&self.place, why, hint));
        let rows = client
            .query_typed(
                "SELECT pg_is_in_recovery(), current_setting('fsync'), \
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
        let replicated = !row.get::<_, &str>(2).trim().is_empty();
        if self.durability == Durability::Replicated && !replicated {
            return Err(self.alone());
        }
        Ok(replicated)
    }

    /// What is said where a standby is demanded and the server has none.
    pub(super) fn alone(&self) -> Trouble {
        unreadable(
            &self.place,
            "no standby has what it acknowledges (synchronous_standby_names is empty)",
            "set up a synchronous standby, or write durability = \"local\" in [journal] to do without",
        )
    }

    /// Some forks of PostgreSQL know no notifications. Others are heard of by asking then.
    async fn try_notifying(&self, client: &Client) -> Result<(), Trouble> {
        let tried = client.batch_execute("SELECT pg_notify('warroom', '')").await;
        match tried {
            Err(error) if error.as_db_error().is_none() => return Err(outcome::trouble(&self.place, &error)),
            Err(error) => {
                if self.notifies.swap(false, Ordering::Relaxed) {
                    let why = postgres::why(&error);
                    tracing::info!(%why, "the journal's server does not notify: it is asked every second");
                }
            }
            Ok(()) => self.notifies.store(true, Ordering::Relaxed),
        }
        Ok(())
    }
}

/// Moves a connection on until it ends.
async fn drive(
    mut connection: tokio_postgres::Connection<Socket, Stream>,
    warned: Arc<AtomicBool>,
    heard: Option<(&'static str, mpsc::Sender<String>)>,
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
                // Behind a pooler, what somebody else listens to may come here.
                if let Some((channel, heard)) = &heard
                    && note.channel() == *channel
                {
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
