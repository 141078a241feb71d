//! The journal has lost what it had acknowledged, as after a failover to a server that was behind: that is told on every
//! seat, what the journal is now is read from its beginning, and what this room had appended is decided again, in order,
//! each command at its own time and under its own id. A room can do so for the newest that it appended itself, which lies on
//! its own disk too.

use super::{
    core::{self, Core},
    earlier::{Earlier, earlier},
    flight::{Asked, Flight},
    offline::{Kept, RECENT, Spooling, told},
    seen::Seen,
    serve::{Room, Waiting},
};
use crate::{
    domain::{Command, CommandId, Event, Seq, State, actor::Actor, room::RoomFact},
    journal::{
        Head, Journal, Trouble, read_all,
        spool::{ACKNOWLEDGED, Entry, Unkept},
    },
    wire::Outcome,
};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture};
use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};
use uuid::Uuid;

/// What was lost.
#[derive(Debug, Clone)]
pub(super) struct Gap {
    pub(super) from: Seq,
    pub(super) to: Seq,
    /// The name of the command that tells it.
    id: CommandId,
    /// Commands that this room appended and that are not in the journal any more.
    lost: HashSet<CommandId>,
}

impl Gap {
    pub(super) fn new(from: Seq, to: Seq, lost: HashSet<CommandId>) -> Self {
        Self { from, to, id: CommandId(Uuid::now_v7()), lost }
    }

    /// These events stand in the journal again.
    pub(super) fn found(&mut self, events: &[Event]) {
        for event in events {
            self.lost.remove(&event.command);
        }
    }
}

/// A journal as it is now.
pub(super) struct Anew {
    state: State,
    seen: Seen,
    recent: VecDeque<Event>,
    /// Those commands that were looked for and are not there.
    lost: HashSet<CommandId>,
}

/// The journal from its beginning, where it has lost something; else nothing.
pub(super) type Reading = BoxFuture<'static, Result<Option<Box<Anew>>, Trouble>>;

async fn anew(journal: Arc<dyn Journal>, mut lost: HashSet<CommandId>) -> Result<Option<Box<Anew>>, Trouble> {
    if !journal.regressed().await? {
        return Ok(None);
    }
    let (mut state, mut seen, mut recent) = (State::default(), Seen::default(), VecDeque::new());
    read_all(journal.as_ref(), Head::EMPTY, |event| {
        state.apply(&event);
        seen.add(event.command);
        lost.remove(&event.command);
        if recent.len() >= RECENT {
            recent.pop_front();
        }
        recent.push_back(event);
    })
    .await?;
    Ok(Some(Box::new(Anew { state, seen, recent, lost })))
}

/// What comes of what a room keeps.
pub(super) enum Spooled {
    /// The next entry was written, or was not.
    Written(Result<(), Unkept>),
    /// An entry was looked up.
    Looked(CommandId, Earlier),
    /// The journal was looked at anew.
    Anew(Result<Option<Box<Anew>>, Trouble>),
}

/// The next of it. Never, where nothing is on its way.
pub(super) async fn spooled(spool: &mut Option<Spooling>) -> Spooled {
    let Some(Spooling { writing, anew, looking, .. }) = spool else { return std::future::pending().await };
    let written = async {
        if writing.is_empty() { std::future::pending().await } else { writing.next().await.unwrap_or(Ok(())) }
    };
    let read = async {
        match anew {
            Some(reading) => reading.await,
            None => std::future::pending().await,
        }
    };
    let looked = async {
        match looking {
            Some(looking) => looking.await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        said = written => Spooled::Written(said),
        (id, earlier) = looked => Spooled::Looked(id, earlier),
        anew = read => Spooled::Anew(anew),
    }
}

/// An entry that is looked up, by its id, and what the journal has of it.
pub(super) type Looking = BoxFuture<'static, (CommandId, Earlier)>;

/// Looks up whether an entry was appended, or that it was not accepted was told, before the line broke or the room was
/// started again.
pub(super) fn looking(journal: Arc<dyn Journal>, entry: &Entry, conflict: CommandId) -> Looking {
    let (id, actor, fingerprint) = (entry.id, entry.actor.clone(), entry.fingerprint);
    async move {
        let found = earlier(journal.find(id).await, &actor, fingerprint.as_ref());
        if !matches!(found, Earlier::Never) {
            return (id, found);
        }
        let told = match earlier(journal.find(conflict).await, &Actor::room(), None) {
            Earlier::Answered(Outcome::Ok { seqs, .. }) => {
                Earlier::Answered(Outcome::Ok { seqs, made: Vec::new(), offline: false })
            }
            other => other,
        };
        (id, told)
    }
    .boxed()
}

/// What a room says of itself whenever it opens needs no writing back.
fn is_own(command: &Command) -> bool {
    matches!(command, Command::Room(_) | Command::Policy(_) | Command::Readiness(_) | Command::Tick)
}

/// A command of this room and what came of it, in case that the journal loses it.
fn entry(core: &Core, asked: &Asked, events: &[Event]) -> Option<Entry> {
    let first = events.first()?;
    Some(Entry {
        id: asked.id,
        at: first.occurred.clone(),
        actor: asked.actor.clone(),
        groups: asked.groups.iter().cloned().collect(),
        command: core.redacted(asked.command.clone())?,
        glass: first.offline.as_ref().and_then(|offline| offline.glass.clone()),
        made: core::made(events),
        said: told(events),
        gap: true,
        stood: Some(first.seq),
        after: core.durable_head(),
        fingerprint: asked.fingerprint,
        conflict: Some(CommandId(Uuid::new_v4())),
    })
}

impl Room {
    /// What came of this command is durable: it is kept, in case that the journal loses it.
    pub(super) fn acknowledged(&mut self, flight: Flight) {
        let Some(spool) = self.spool.as_mut() else { return };
        let (asked, events) = flight.parts();
        if is_own(&asked.command) {
            return;
        }
        let Some(entry) = entry(&self.core, &asked, &events) else { return };
        spool.ring.add(&entry);
        spool.acknowledged.push_back(entry);
        if spool.acknowledged.len() > ACKNOWLEDGED {
            spool.acknowledged.pop_front();
        }
    }

    /// The journal does not fit what is known of it: looks whether it has lost something.
    pub(super) fn look_for_gap(&mut self) {
        if let Some(spool) = self.spool.as_mut() {
            let wanted = spool.acknowledged.iter().map(|entry| entry.id).collect();
            spool.anew = Some(anew(self.journal.clone(), wanted).boxed());
        }
    }

    /// It was looked, and the journal was read from its beginning where it had.
    pub(super) fn was_read_anew(&mut self, read: Result<Option<Box<Anew>>, Trouble>) {
        let known = self.core.durable_head().seq;
        let Some(spool) = self.spool.as_mut() else { return };
        spool.anew = None;
        let now = tokio::time::Instant::now();
        let Anew { state, seen, recent, lost } = match read {
            Ok(Some(anew)) => *anew,
            Ok(None) => return spool.back.stop(now),
            Err(trouble) => {
                tracing::warn!(%trouble, "the journal cannot be read anew");
                return spool.back.stop(now);
            }
        };
        self.core.replace(state, seen);
        self.recent = recent;
        self.newest.send_replace(self.core.durable_head().seq);
        let entries = spool.acknowledged.iter().filter(|entry| lost.contains(&entry.id));
        let first = entries.filter_map(|entry| entry.stood).min();
        let from = first.unwrap_or_else(|| self.core.durable_head().seq.saturating_add(1)).min(known);
        let before = spool.gap.take();
        let from = before.as_ref().map_or(from, |gap| gap.from.min(from));
        spool.gap = Some(Gap::new(from, known, lost));
        tracing::error!(from, to = known, "the journal has lost events: they are written back");
        self.write_back();
    }

    /// What was lost and is not kept yet is written to the room's own disk, before what was decided offline.
    pub(super) fn write_back(&mut self) {
        let after = self.core.durable_head();
        let Some(spool) = self.spool.as_mut() else { return };
        let is_kept = |id| spool.entries.iter().any(|entry| entry.id == id);
        let is_lost = |id| spool.gap.as_ref().is_some_and(|gap| gap.lost.contains(&id));
        let lost = spool.acknowledged.iter().filter(|one| is_lost(one.id) && !is_kept(one.id));
        let kept: Vec<_> = lost.map(|one| Entry { after, ..one.clone() }).collect();
        for entry in kept {
            let outcome = Outcome::Ok { seqs: Vec::new(), made: Vec::new(), offline: true };
            let (entry, events, waiting) = (Some(entry), Vec::new(), Waiting::Nobody);
            spool.push(Kept { entry, events, waiting, outcome, _large: None });
        }
        spool.back.writes_back();
        self.publish_status();
        self.send_on();
    }

    /// The room opens on the journal as it is now, and says what was lost.
    pub(super) fn reopen(&mut self) {
        let Some(gap) = self.spool.as_ref().and_then(|spool| spool.gap.clone()) else { return };
        let lost = self.spool.as_ref().map_or(0, |spool| spool.entries.iter().filter(|one| one.gap).count());
        let Gap { from, to, id, .. } = gap;
        self.open_on(Some((id, Command::Room(RoomFact::GapWrittenBack { from, to, commands: lost as u64 }))));
    }
}
