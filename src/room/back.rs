//! The journal is back: it is read on to its end, then what was kept is decided again, in order, each at its own time and
//! under its own name. What the rules do not accept any more becomes a conflict, for a person to decide.

use super::{
    flight::{Asked, PAGE, read_on},
    names::Names,
    offline::Spooling,
    serve::{Room, Waiting},
};
use crate::{
    domain::{
        Command, CommandId, Event, Offline,
        conflict::{ConflictCommand, Unaccepted},
        id::IncidentId,
        room::RoomFact,
        state::FOLD,
        time::Span,
    },
    journal::{Trouble, spool::Entry},
    os::clock,
    wire::{Finished, FromRoom, JournalState, Outcome, encode},
};
use futures::FutureExt as _;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;

/// An outage that is worth an event of its own.
const WORTH: Span = Span::secs(5);
/// Between two attempts to get on with it.
const AGAIN: Duration = Duration::from_secs(1);

/// How far it is with what was kept.
#[derive(Debug, Default)]
pub(super) struct Back {
    step: Step,
    /// Not before this.
    again: Option<Instant>,
    names: Names,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Step {
    #[default]
    Idle,
    /// The journal is read on.
    Reading,
    /// What the journal has lost is written to the room's own disk.
    Gap,
    /// The first entry can be sent.
    Ready,
    /// It is on its way to the journal.
    Sending,
    /// That it is not accepted is.
    Raising,
}

impl Back {
    pub(super) fn stop(&mut self, now: Instant) {
        self.step = Step::Idle;
        self.again = Some(now + AGAIN);
    }

    pub(super) fn writes_back(&mut self) {
        self.step = Step::Gap;
    }

    pub(super) fn is_sending(&self) -> bool {
        matches!(self.step, Step::Ready | Step::Sending | Step::Raising)
    }

    fn is_due(&self, now: Instant) -> bool {
        self.step == Step::Idle && self.again.is_none_or(|again| again <= now)
    }
}

/// The name under which it is told that an entry was not accepted: once, however often it is tried.
fn conflict(id: CommandId) -> CommandId {
    CommandId(Uuid::from_u128(id.0.as_u128() ^ 0x5f_43_4f_4e_46_4c_49_43))
}

fn incident(entry: &Entry) -> Option<IncidentId> {
    fn named(value: &serde_json::Value) -> Option<IncidentId> {
        let map = value.as_object()?;
        let own = map.get("incident").and_then(|id| id.as_str()).and_then(|id| id.parse().ok());
        own.or_else(|| map.values().find_map(named))
    }
    named(&serde_json::to_value(&entry.command).ok()?)
}

impl Room {
    /// Where the journal may be back and something is kept, or shown that is not in it: gets on with it.
    pub(super) fn come_back(&mut self) {
        let now = Instant::now();
        let reads = self.following.is_some() || self.spool.as_ref().is_some_and(|spool| spool.anew.is_some());
        let busy = !self.flights.is_empty() || self.mending.is_some() || reads;
        if busy || self.unreachable.is_some() || self.fenced.is_some() || self.stopping.is_some() {
            return;
        }
        let Some(spool) = self.spool.as_mut() else { return };
        if !spool.has_to_send() || !spool.back.is_due(now) {
            return;
        }
        if spool.away.is_none() {
            // Kept before the room was started again: it has read all of the journal.
            spool.back.step = Step::Ready;
            self.send_next();
            return;
        }
        spool.back.step = Step::Reading;
        self.following = Some(read_on(self.journal.clone(), self.core.durable_head()).boxed());
    }

    /// The journal was read on. Says whether it was for this.
    pub(super) fn came_back(&mut self, read: &Result<Vec<Event>, Trouble>) -> bool {
        let Some(spool) = self.spool.as_mut().filter(|spool| spool.back.step == Step::Reading) else {
            return false;
        };
        match read {
            Ok(events) if events.len() < PAGE => {
                spool.back.step = Step::Idle;
                self.take_in(events);
                self.core.forget(&[]);
                let Some(spool) = &mut self.spool else { return true };
                if spool.gap.is_some() {
                    self.write_back();
                    return true;
                }
                spool.back.step = Step::Ready;
                self.publish_status();
                self.send_next();
            }
            Ok(events) => {
                self.take_in(events);
                self.core.forget(&[]);
                self.following = Some(read_on(self.journal.clone(), self.core.durable_head()).boxed());
            }
            Err(trouble @ Trouble::Broken { .. }) => {
                tracing::error!(%trouble, "the journal is not the one that it was");
                self.look_for_gap();
            }
            Err(trouble) => {
                tracing::warn!(%trouble, "the journal is not back yet");
                spool.back.stop(Instant::now());
            }
        }
        true
    }

    /// More was kept, or the first entry was settled: goes on where it was.
    pub(super) fn send_on(&mut self) {
        let Some(spool) = self.spool.as_mut() else { return };
        if spool.back.step == Step::Gap && spool.is_still() {
            spool.back.step = Step::Ready;
            self.reopen();
            self.publish_status();
        }
        if self.spool.as_ref().is_some_and(|spool| spool.back.step == Step::Ready) {
            self.send_next();
        }
    }

    fn send_next(&mut self) {
        loop {
            let Some(spool) = self.spool.as_mut().filter(|spool| spool.back.step == Step::Ready) else {
                return;
            };
            let Some(entry) = spool.entries.front() else {
                if spool.is_still() {
                    self.is_back();
                }
                return;
            };
            // Raised before the room was started again.
            if self.core.knows(conflict(entry.id)) {
                drop(spool.entries.pop_front());
                continue;
            }
            let command = match spool.back.names.renamed(&entry.command) {
                Ok(command) => command,
                Err(name) => {
                    self.raise(format!("{name} of then was not accepted either"));
                    continue;
                }
            };
            let offline = Offline { at: entry.at.wall, glass: entry.glass.clone(), provisional: false };
            let asked = Asked {
                actor: entry.actor.clone(),
                groups: Arc::new(entry.groups.clone()),
                id: entry.id,
                command,
                waiting: Waiting::Spool,
                glass: None,
                direct: true,
                spooled: Some(Box::new((entry.at.clone(), offline))),
                tries: 0,
                large: None,
            };
            spool.back.step = Step::Sending;
            match self.decide(asked) {
                Some(outcome) => self.settled(outcome),
                None => return,
            }
        }
    }

    /// What became of the first entry, or of telling that it was not accepted.
    pub(super) fn settled(&mut self, outcome: Outcome) {
        let Some(spool) = self.spool.as_mut().filter(|spool| spool.back.is_sending()) else { return };
        match outcome {
            Outcome::Ok { made, .. } => {
                let raised = spool.back.step == Step::Raising;
                spool.back.step = Step::Ready;
                if let Some(entry) = spool.entries.pop_front() {
                    spool.back.names.learn(&entry.made, if raised { &[] } else { &made });
                }
                self.publish_status();
            }
            Outcome::Refused(refusal) => self.raise(refusal.message),
            Outcome::Failed { why } => {
                tracing::warn!(%why, "what was kept offline is not in the journal yet");
                spool.back.stop(Instant::now());
                self.publish_status();
            }
        }
    }

    /// The first entry is not accepted: that is journaled, and then it is settled.
    fn raise(&mut self, why: String) {
        let host = self.host.clone();
        let Some(spool) = self.spool.as_mut() else { return };
        let Some(entry) = spool.entries.front() else { return };
        spool.back.step = Step::Raising;
        let what = Box::new(Unaccepted {
            incident: incident(entry),
            by: entry.actor.clone(),
            at: entry.at.clone(),
            host,
            said: entry.said.clone(),
            glass: entry.glass.clone(),
            why,
        });
        let now = clock::now();
        let offline = Offline { at: entry.at.wall, glass: None, provisional: false };
        let asked = Asked {
            actor: self.own_name.clone(),
            groups: crate::domain::power::Groups::default(),
            id: conflict(entry.id),
            command: Command::Conflict(ConflictCommand::Raise { what }),
            waiting: Waiting::Spool,
            glass: None,
            direct: true,
            spooled: Some(Box::new((now, offline))),
            tries: 0,
            large: None,
        };
        match self.decide(asked) {
            Some(Outcome::Refused(refusal)) => {
                tracing::error!(%refusal, "a conflict cannot be told");
                if let Some(spool) = &mut self.spool {
                    spool.back.stop(Instant::now());
                }
            }
            Some(outcome) => self.settled(outcome),
            None => {}
        }
    }

    /// All is in the journal: everybody is shown that, and only that.
    fn is_back(&mut self) {
        let Some(spool) = self.spool.as_mut() else { return };
        spool.back = Back::default();
        spool.gap = None;
        spool.empty();
        let Some(away) = spool.away.take() else {
            self.publish_status();
            return;
        };
        let (why, lasted) = (away.why, Span::between(away.since, clock::now().wall));
        self.core.join(away.core);
        self.snapshots.clear();
        let live: Vec<_> = self.seats.iter().filter(|(_, seat)| seat.live).map(|(id, _)| *id).collect();
        self.flush();
        for id in live {
            let same = self.seats.get(&id).is_some_and(|seat| seat.fold == FOLD);
            if same {
                self.send_snapshot(id);
            } else if let Some(seat) = self.seats.get(&id) {
                // It has folded what has other numbers now, and cannot be sent a state.
                let say = "the journal is back: connect again".into();
                seat.outbox.reply(encode(&FromRoom::Bye { why: Finished::Stopping, say }));
                seat.outbox.close();
            }
        }
        tracing::info!(?lasted, "the journal is back, and has what was kept");
        self.set_journal(JournalState::Writable);
        if lasted >= WORTH {
            self.own(&Command::Room(RoomFact::Resumed { why, lasted }));
        }
        self.publish_status();
    }
}

impl Spooling {
    /// Something waits to be sent, whether the journal is out of reach or not.
    pub(super) fn has_to_send(&self) -> bool {
        self.away.is_some() || !self.entries.is_empty()
    }
}
