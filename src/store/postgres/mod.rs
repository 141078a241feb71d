//! A journal in PostgreSQL, for rooms that outgrow one machine: replicated, backed up, the same chain.
//!
//! One task owns the connection, as one thread owns the embedded file. An append compares the head row and swaps it in
//! the statement that inserts, so two rooms never append after the same event; appends that wait together are one
//! statement. Everything is asked of the server that takes writes, for a standby may show another order.

mod listen;
mod meet;
mod outcome;
mod owner;
mod rows;
mod schema;
mod session;

use super::Mode;
use crate::{
    domain::{CommandId, Seq, id::IncidentId},
    journal::{Appended, Head, Journal, Trouble, chain::Record, meeting::Meeting},
    postgres::Trust,
};
use futures::{FutureExt as _, future::BoxFuture};
use owner::Ask;
pub use schema::{Init, by_hand, init};
use secrecy::SecretString;
use session::{Connector, Session};
use std::sync::Arc;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

/// What an acknowledged event survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The loss of the server: a standby has it before it is acknowledged. A server without one is refused.
    #[default]
    Replicated,
    /// A crash of the server, but not the loss of its disk.
    Local,
}

/// Where the database is, and how it is spoken to.
#[derive(Debug, Clone, Default)]
pub struct Spec {
    /// `postgres://user@a:5432,b:5432/name`; the one of several hosts that takes writes is used.
    pub url: String,
    /// The role's password, where it has one.
    pub password: Option<SecretString>,
    /// Whom the server is believed from, and what proves the role.
    pub trust: Trust,
    /// What an acknowledged event must survive.
    pub durability: Durability,
}

impl Spec {
    /// The hosts and the database, without what may be secret.
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] where it is no address.
    pub fn place(&self) -> Result<String, Trouble> {
        Ok(Connector::new(self, Mode::Read)?.place().to_owned())
    }
}

/// A journal in a PostgreSQL database.
pub struct Postgres {
    connector: Arc<Connector>,
    asks: mpsc::UnboundedSender<Ask>,
    watch: watch::Receiver<Seq>,
    listener: JoinHandle<()>,
}

impl Postgres {
    /// Connects, looks whether what is there is a journal that this program knows and keeps as asked, and starts the
    /// task that owns the connection. To look, nothing is demanded of the server.
    ///
    /// # Errors
    /// [`Trouble::Unreadable`] where the database is out of reach, has no journal, one of another format, or keeps less
    /// than was asked for; [`Trouble::Broken`] where its last event does not fit and it is to be appended to.
    pub async fn open(spec: &Spec, mode: Mode) -> Result<Self, Trouble> {
        let connector = Arc::new(Connector::new(spec, mode)?);
        let session = connector.open().await?;
        let head = match mode {
            Mode::Write => rows::checked_head(&session, connector.place()).await?,
            // One who only looks is told by the reading what does not fit, from the first event on.
            Mode::Read => Head::EMPTY,
        };
        Ok(Self::run(connector, Some(session), head))
    }

    /// The same to append, for who knows the journal up to `known`: where no server is reached it is not given up, and
    /// connects when it is asked something. Says why, where it is so.
    ///
    /// # Errors
    /// As [`Postgres::open`], but for a server that is out of reach.
    pub async fn open_or_wait(spec: &Spec, known: Head) -> Result<(Self, Option<Trouble>), Trouble> {
        let connector = Arc::new(Connector::new(spec, Mode::Write)?);
        match connector.reach().await? {
            Ok(session) => {
                let head = rows::checked_head(&session, connector.place()).await?;
                Ok((Self::run(connector, Some(session), head), None))
            }
            Err(away) => Ok((Self::run(connector, None, known), Some(away))),
        }
    }

    fn run(connector: Arc<Connector>, session: Option<Session>, head: Head) -> Self {
        let (asks, inbox) = mpsc::unbounded_channel();
        let (tell, watch) = watch::channel(head.seq);
        let tell = Arc::new(tell);
        let listener = tokio::spawn(listen::run(Arc::clone(&connector), Arc::clone(&tell)));
        tokio::spawn(owner::Owner::new(Arc::clone(&connector), session, head, tell).run(inbox));
        Self { connector, asks, watch, listener }
    }

    fn ask<T: Send + 'static>(
        &self,
        make: impl FnOnce(oneshot::Sender<T>) -> Ask,
        gone: impl FnOnce() -> T + Send + 'static,
    ) -> BoxFuture<'static, T> {
        let (answer, wait) = oneshot::channel();
        // Sent here and not when it is waited for: appends reach the database in the order in which they were decided.
        let sent = self.asks.send(make(answer)).is_ok();
        async move {
            if !sent {
                return gone();
            }
            wait.await.unwrap_or_else(|_| gone())
        }
        .boxed()
    }

    fn gone(&self) -> Trouble {
        Trouble::Unreadable {
            what: self.place(),
            why: "the journal's task has ended".into(),
            hint: "restart the room; what was acknowledged is safe".into(),
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Journal for Postgres {
    fn append(&self, expected: Head, records: Vec<Record>) -> BoxFuture<'static, Appended> {
        self.ask(
            |answer| Ask::Append { expected, records, answer },
            || Appended::Unknown("the journal's task has ended".into()),
        )
    }

    fn read(&self, from: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        let gone = self.gone();
        self.ask(|answer| Ask::Read { from, limit, answer }, || Err(gone))
    }

    fn read_stream(
        &self,
        stream: IncidentId,
        from: Seq,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        let gone = self.gone();
        self.ask(|answer| Ask::ReadStream { stream, from, limit, answer }, || Err(gone))
    }

    fn find(&self, command: CommandId) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        let gone = self.gone();
        self.ask(|answer| Ask::Find { command, answer }, || Err(gone))
    }

    fn head(&self) -> BoxFuture<'static, Result<Head, Trouble>> {
        let gone = self.gone();
        self.ask(|answer| Ask::Head { answer }, || Err(gone))
    }

    fn watch(&self) -> watch::Receiver<Seq> {
        self.watch.clone()
    }

    fn erase(&self, seq: Seq) -> BoxFuture<'static, Result<(), Trouble>> {
        let gone = self.gone();
        self.ask(|answer| Ask::Erase { seq, answer }, || Err(gone))
    }

    fn place(&self) -> String {
        self.connector.place().to_owned()
    }

    fn is_replicated(&self) -> Option<bool> {
        Some(self.connector.is_replicated())
    }

    fn regressed(&self) -> BoxFuture<'static, Result<bool, Trouble>> {
        let gone = self.gone();
        self.ask(|answer| Ask::Regressed { answer }, || Err(gone))
    }

    fn meet(&self, room: &str) -> Option<Meeting> {
        Some(meet::enter(Arc::clone(&self.connector), room))
    }
}
