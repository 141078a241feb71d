//! The one task that owns the connection. Gathers waiting appends into one statement, connects again where the
//! connection broke, and looks then whether what was acknowledged is still there.

use super::{
    outcome, rows,
    session::{Connector, Session},
};
use crate::{
    domain::{CommandId, Seq, id::IncidentId},
    journal::{Appended, Head, Trouble, chain::Record},
};
use futures::{FutureExt as _, future::BoxFuture};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, oneshot, watch};

/// Records in one statement at most, so that one commit does not delay the first of them for long.
const BATCH: usize = 1_024;
/// How long a question may take; an append is waited for as long as its connection lives, for one that was given up
/// may be committed.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

pub(super) enum Ask {
    Append {
        expected: Head,
        records: Vec<Record>,
        answer: oneshot::Sender<Appended>,
    },
    Read {
        from: Seq,
        limit: usize,
        answer: oneshot::Sender<Result<Vec<Record>, Trouble>>,
    },
    ReadStream {
        stream: IncidentId,
        from: Seq,
        limit: usize,
        answer: oneshot::Sender<Result<Vec<Record>, Trouble>>,
    },
    Find {
        command: CommandId,
        answer: oneshot::Sender<Result<Vec<Record>, Trouble>>,
    },
    Head {
        answer: oneshot::Sender<Result<Head, Trouble>>,
    },
    Erase {
        seq: Seq,
        answer: oneshot::Sender<Result<(), Trouble>>,
    },
    Regressed {
        answer: oneshot::Sender<Result<bool, Trouble>>,
    },
}

type Batch = Vec<(Head, Vec<Record>, oneshot::Sender<Appended>)>;

pub(super) struct Owner {
    connector: Arc<Connector>,
    session: Option<Arc<Session>>,
    /// The newest event that is known to be durable: acknowledged, or read.
    acknowledged: Head,
    tell: Arc<watch::Sender<Seq>>,
}

impl Owner {
    pub(super) fn new(
        connector: Arc<Connector>,
        session: Option<Session>,
        head: Head,
        tell: Arc<watch::Sender<Seq>>,
    ) -> Self {
        Self { connector, session: session.map(Arc::new), acknowledged: head, tell }
    }

    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Ask>) {
        let mut held = None;
        loop {
            let next = match held.take() {
                Some(ask) => Some(ask),
                None => inbox.recv().await,
            };
            match next {
                None => return,
                Some(Ask::Append { expected, records, answer }) => {
                    let mut count = records.len();
                    let mut batch: Batch = vec![(expected, records, answer)];
                    while count < BATCH {
                        match inbox.try_recv() {
                            Ok(Ask::Append { expected, records, answer }) => {
                                count += records.len();
                                batch.push((expected, records, answer));
                            }
                            Ok(other) => {
                                held = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.append(batch).await;
                }
                Some(Ask::Read { from, limit, answer }) => {
                    let found = self
                        .asked(move |session| async move { rows::read(&session, from, limit).await }.boxed())
                        .await;
                    drop(answer.send(found));
                }
                Some(Ask::ReadStream { stream, from, limit, answer }) => {
                    let found = self
                        .asked(move |session| {
                            async move { rows::read_stream(&session, stream, from, limit).await }.boxed()
                        })
                        .await;
                    drop(answer.send(found));
                }
                Some(Ask::Find { command, answer }) => {
                    let found = self
                        .asked(move |session| async move { rows::find(&session, command).await }.boxed())
                        .await;
                    drop(answer.send(found));
                }
                Some(Ask::Head { answer }) => {
                    drop(
                        answer.send(
                            self.asked(|session| async move { rows::head(&session).await }.boxed()).await,
                        ),
                    );
                }
                Some(Ask::Erase { seq, answer }) => drop(answer.send(self.erase(seq).await)),
                Some(Ask::Regressed { answer }) => drop(answer.send(self.regressed().await)),
            }
        }
    }

    /// Appends what follows one after the other; what does not was decided on what is not the case.
    async fn append(&mut self, batch: Batch) {
        let Some(base) = batch.first().map(|(expected, ..)| *expected) else { return };
        let mut head = base;
        let (mut fit, mut waiting, mut stale) = (Vec::new(), Vec::new(), Vec::new());
        for (expected, records, answer) in batch {
            if expected != head {
                stale.push(answer);
                continue;
            }
            if let Some(last) = records.last() {
                head = Head { seq: last.seq, hash: last.hash };
            }
            fit.extend(records);
            waiting.push((head, answer));
        }
        let said = match self.session().await {
            Ok(session) => {
                let said = rows::append(&self.connector, &session, base, &fit, self.acknowledged).await;
                // After any other answer it is connected anew and all is demanded again; another of several hosts may
                // take it.
                let kept =
                    matches!(said, Appended::Ok(_) | Appended::Conflict(_)) && !session.client.is_closed();
                self.session = kept.then_some(session);
                said
            }
            Err(trouble) => Appended::Unavailable(trouble.to_string()),
        };
        let now = match said {
            Appended::Ok(head) | Appended::Conflict(head) => head,
            Appended::Unknown(_) | Appended::Unavailable(_) => base,
        };
        if let Appended::Ok(head) = said {
            self.acknowledged = head;
            self.tell.send_if_modified(|seq| std::mem::replace(seq, head.seq.max(*seq)) < head.seq);
        }
        for (head, answer) in waiting {
            let said = if matches!(said, Appended::Ok(_)) { Appended::Ok(head) } else { said.clone() };
            drop(answer.send(said));
        }
        for answer in stale {
            drop(answer.send(Appended::Conflict(now)));
        }
    }

    /// Asks; once more on a new connection where the old one broke, for asking twice changes nothing.
    async fn asked<T>(
        &mut self,
        ask: impl Fn(Arc<Session>) -> BoxFuture<'static, Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Trouble> {
        let mut again = self.session.is_some();
        loop {
            let session = self.session().await?;
            match tokio::time::timeout(ANSWER_WITHIN, ask(Arc::clone(&session))).await {
                Ok(Ok(found)) => {
                    self.session = Some(session);
                    return Ok(found);
                }
                Ok(Err(error)) if error.code().is_none() && again => again = false,
                Ok(Err(error)) => {
                    // A refused question leaves the connection as it was.
                    self.session = (!session.client.is_closed()).then_some(session);
                    return Err(outcome::trouble(self.connector.place(), &error));
                }
                Err(_) => {
                    return Err(Trouble::Unreadable {
                        what: self.connector.place().to_owned(),
                        why: format!("it did not answer within {} s", ANSWER_WITHIN.as_secs()),
                        hint: "see whether the server is overloaded or the network loses packets".into(),
                    });
                }
            }
        }
    }

    async fn erase(&mut self, seq: Seq) -> Result<(), Trouble> {
        if self.asked(move |session| async move { rows::erase(&session, seq).await }.boxed()).await? {
            return Ok(());
        }
        Err(Trouble::Unreadable {
            what: self.connector.place().to_owned(),
            why: format!("there is no event {seq}"),
            hint: "see warroom tail for their numbers".into(),
        })
    }

    /// Whether what was acknowledged is gone. Then what is there is gone on with.
    async fn regressed(&mut self) -> Result<bool, Trouble> {
        let session = Arc::new(self.connector.open().await?);
        let fail = |error| outcome::trouble(self.connector.place(), &error);
        if rows::has(&session, self.acknowledged).await.map_err(fail)? {
            self.session = Some(session);
            return Ok(false);
        }
        let head = rows::checked_head(&session, self.connector.place()).await?;
        let Head { seq, hash } = self.acknowledged;
        tracing::error!(acknowledged = %format!("{seq}:{hash}"), now = head.seq, "the journal has lost events");
        self.acknowledged = head;
        self.session = Some(session);
        self.tell.send_replace(head.seq);
        Ok(true)
    }

    /// The connection, made anew where it broke. A server that has lost what was acknowledged is not gone on with.
    async fn session(&mut self) -> Result<Arc<Session>, Trouble> {
        if let Some(session) = self.session.take()
            && !session.client.is_closed()
        {
            return Ok(session);
        }
        let session = Arc::new(self.connector.open().await?);
        let fail = |error| outcome::trouble(self.connector.place(), &error);
        if !rows::has(&session, self.acknowledged).await.map_err(fail)? {
            return Err(rows::lost(self.connector.place(), self.acknowledged));
        }
        if self.connector.is_replicated() {
            // As long as it takes: who asked again and again would leave a waiting server process behind each time.
            rows::settled(&session).await.map_err(fail)?;
            if !rows::stands(&self.connector, &session).await {
                return Err(self.connector.alone());
            }
        }
        Ok(session)
    }
}
