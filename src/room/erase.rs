//! Erasing: what an event is is looked up, the fact is made durable, and only then the words go.

use super::{
    conn::{ConnId, FromConn},
    serve::{Room, Waiting},
};
use crate::{
    domain::{
        Command, CommandId, Event, Fact, Seq,
        erasure::Found,
        id::Digest,
        note::{NoteCommand, NoteFact},
    },
    evidence::blob::Blobs,
    journal::{Journal, chain},
    wire::Outcome,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What must go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Going {
    seq: Seq,
    payload: bool,
    evidence: Option<Digest>,
}

impl Going {
    fn of(event: &Event) -> Option<Self> {
        match &event.fact {
            Fact::Note(NoteFact::Erased { seq, payload, evidence, .. }) => {
                Some(Self { seq: *seq, payload: *payload, evidence: *evidence })
            }
            _ => None,
        }
    }
}

/// What was to go and may not have gone, as when the room ended between the fact and the act.
#[derive(Debug, Default)]
pub(super) struct Unfinished {
    going: BTreeMap<Seq, Going>,
    gone: BTreeSet<Seq>,
}

impl Unfinished {
    pub(super) fn note(&mut self, event: &Event) {
        if event.fact == Fact::Erased {
            self.gone.insert(event.seq);
        }
        self.going.extend(Going::of(event).map(|going| (going.seq, going)));
    }

    /// What has to be done again; the evidence each time, as looking costs nothing.
    pub(super) fn left(self) -> impl Iterator<Item = Going> {
        let Self { going, gone } = self;
        going.into_values().map(move |one| Going { payload: one.payload && !gone.contains(&one.seq), ..one })
    }
}

impl Room {
    /// A client wants an event erased: what it is says the journal, not the client.
    pub(super) fn look_up(&self, conn: ConnId, id: CommandId, seq: Seq, reason: String) {
        let (journal, frames) = (self.journal.clone(), self.frames.clone());
        tokio::spawn(async move {
            // A retry: the words are gone, and the answer is that of the first time.
            if journal.find(id).await.is_ok_and(|records| !records.is_empty()) {
                let found = Ok(Command::Note(NoteCommand::Erase { seq, reason, found: None }));
                drop(frames.send((conn, FromConn::LookedUp { id, found })).await);
                return;
            }
            let found = match journal.read(seq.max(1), 1).await {
                Ok(records) => match records.iter().find(|record| record.seq == seq).map(chain::open) {
                    Some(Ok(event)) => Found::of(&event).map(Some),
                    _ => Ok(None),
                },
                Err(trouble) => {
                    tracing::warn!(%trouble, "what is to be erased cannot be read");
                    Ok(None)
                }
            };
            let found = found.map(|found| Command::Note(NoteCommand::Erase { seq, reason, found }));
            drop(frames.send((conn, FromConn::LookedUp { id, found })).await);
        });
    }

    /// It was looked up: it is decided as any other command.
    pub(super) fn looked_up(
        &mut self,
        conn: ConnId,
        id: CommandId,
        found: Result<Command, crate::domain::Refusal>,
    ) {
        let Some(seat) = self.seats.get(&conn) else { return };
        let (who, groups) = (seat.who.clone(), seat.groups.clone());
        let waiting = Waiting::Conn(conn, id);
        let outcome = match found {
            Ok(command) => self.submit((&who, &groups), id, &command, waiting),
            Err(refusal) => Some(Outcome::Refused(refusal)),
        };
        if let Some(outcome) = outcome {
            self.answer(waiting, outcome);
        }
    }

    /// The fact is durable: now the words go.
    pub(super) fn erase(&self, event: &Event) {
        if let Some(going) = Going::of(event) {
            tokio::spawn(go(self.journal.clone(), self.blobs.clone(), going));
        }
    }
}

/// Takes it out. What fails is tried again when the room opens the next time.
pub(super) async fn go(journal: Arc<dyn Journal>, blobs: Arc<Blobs>, going: Going) {
    if going.payload
        && let Err(trouble) = journal.erase(going.seq).await
    {
        tracing::error!(%trouble, seq = going.seq, "it is not erased yet; the room tries again when it opens");
    }
    if let Some(digest) = going.evidence {
        let removed = tokio::task::spawn_blocking(move || blobs.remove(&digest)).await;
        if let Ok(Err(error)) = removed {
            tracing::error!(%error, seq = going.seq, "its evidence is not erased yet; the room tries again when it opens");
        }
    }
}
