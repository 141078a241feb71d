//! The journal is back: it is read on to its end, then what was kept is decided again, in order, each at its own time and
//! under its own name. What the rules do not accept any more becomes a conflict, for a person to decide.

use super::{
    ahead::Ahead,
    earlier::Earlier,
    flight::{Asked, PAGE, read_on},
    gap,
    offline::Spooling,
    seen::Standing,
    serve::{Room, Waiting},
};
use crate::{
    domain::{
        Command, CommandId, Event, Offline,
        conflict::{ConflictCommand, Unaccepted},
        id::IncidentId,
        power::Groups,
        refusal::{Code, Refusal},
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
    /// What is on its way.
    ahead: Ahead,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Step {
    #[default]
    Idle,
    /// The journal is read on.
    Reading,
    /// What the journal has lost is written to the room's own disk.
    Gap,
    /// Entries are sent.
    Sending,
}

impl Back {
    pub(super) fn stop(&mut self, now: Instant) {
        self.step = Step::Idle;
        self.again = Some(now + AGAIN);
        self.ahead.stop();
    }

    pub(super) fn writes_back(&mut self) {
        self.step = Step::Gap;
    }

    pub(super) fn is_sending(&self) -> bool {
        self.step == Step::Sending
    }

    fn is_due(&self, now: Instant) -> bool {
        self.step == Step::Idle && self.again.is_none_or(|again| again <= now)
    }
}

/// The id under which it is told that an entry was not accepted: once, however often it is tried. Entries that were kept
/// by an earlier version have none of their own.
fn conflict(entry: &Entry) -> CommandId {
    let earlier = CommandId(Uuid::from_u128(entry.id.0.as_u128() ^ 0x5f_43_4f_4e_46_4c_49_43));
    entry.conflict.unwrap_or(earlier)
}

fn incident(entry: &Entry) -> Option<IncidentId> {
    fn named(value: &serde_json::Value) -> Option<IncidentId> {
        let map = value.as_object()?;
        let own = map.get("incident").and_then(|id| id.as_str()).and_then(|id| id.parse().ok());
        own.or_else(|| map.values().find_map(named))
    }
    named(&serde_json::to_value(&entry.command).ok()?)
}

/// An entry as it is asked of the journal.
fn spooled(entry: &Entry, command: Command) -> Asked {
    let offline = Offline { at: entry.at.wall, glass: entry.glass.clone(), provisional: false };
    Asked {
        actor: entry.actor.clone(),
        groups: Arc::new(entry.groups.clone()),
        id: entry.id,
        command,
        fingerprint: entry.fingerprint,
        is_new: true,
        waiting: Waiting::Spool(entry.id),
        glass: None,
        direct: true,
        spooled: Some(Box::new((entry.at.clone(), offline))),
        tries: 0,
        large: None,
    }
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
            spool.back.step = Step::Sending;
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
                spool.back.step = Step::Sending;
                if std::mem::take(&mut spool.opens_late) {
                    self.open_on(None);
                }
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
                // Answers it, but as it is now it takes nothing: why may have changed.
                self.go_away(&trouble.to_string(), None);
            }
        }
        true
    }

    /// More was kept, or the first entry was settled: goes on where it was.
    pub(super) fn send_on(&mut self) {
        let Some(spool) = self.spool.as_mut() else { return };
        if spool.back.step == Step::Gap && spool.is_still() {
            spool.back.step = Step::Sending;
            self.reopen();
            self.publish_status();
        }
        if self.spool.as_ref().is_some_and(|spool| spool.back.step == Step::Sending) {
            self.send_next();
        }
    }

    /// Sends entries in their order, some ahead of the answers.
    fn send_next(&mut self) {
        while self.send_one(None) {}
    }

    /// An entry was looked up: it is answered by what the journal has of it, or sent.
    pub(super) fn was_looked_up(&mut self, id: CommandId, earlier: Earlier) {
        if let Some(spool) = self.spool.as_mut() {
            spool.looking = None;
        }
        if self.send_one(Some((id, earlier))) {
            self.send_next();
        }
    }

    /// Sends the next entry, of which this was looked up. Says whether another may follow.
    fn send_one(&mut self, looked: Option<(CommandId, Earlier)>) -> bool {
        if self.mending.is_some() {
            return false;
        }
        let Some(spool) = self.spool.as_mut().filter(|spool| spool.back.is_sending()) else { return false };
        if spool.looking.is_some() {
            return false;
        }
        if spool.entries.is_empty() {
            if spool.is_still() {
                self.is_back();
            }
            return false;
        }
        let Some(at) = spool.back.ahead.next() else { return false };
        let Some(entry) = spool.entries.get(at) else { return false };
        let (id, given, tells) = (entry.id, entry.made.clone(), !entry.said.is_empty());
        let earlier = looked.filter(|(of, _)| *of == id).map(|(_, earlier)| earlier);
        // From before the line broke or the room was started again.
        let is_new = |id| self.core.standing(id) == Standing::New;
        if earlier.is_none() && !(is_new(id) && is_new(conflict(entry))) {
            spool.looking = Some(gap::looking(self.journal.clone(), entry, conflict(entry)));
            return false;
        }
        let (outcome, is_taken) = match earlier {
            Some(Earlier::Answered(outcome @ Outcome::Ok { .. })) => {
                let asked = spooled(entry, entry.command.clone());
                spool.back.ahead.sent(id, &given, None);
                self.answer_in_turn(asked, outcome);
                return true;
            }
            Some(Earlier::Answered(outcome)) => (Some(outcome), true),
            Some(Earlier::Never) | None => match spool.back.ahead.renamed(&entry.command) {
                Ok(command) => {
                    let asked = spooled(entry, command);
                    (self.decide(asked), false)
                }
                Err(name) => {
                    let why = format!("{name} of then was not accepted either");
                    (Some(Outcome::Refused(Refusal::new(Code::Unknown, why))), false)
                }
            },
        };
        let (outcome, made) = match outcome {
            // How a hand went about what is told by another entry.
            Some(Outcome::Refused(_)) if !tells && !is_taken => return self.pass(at),
            Some(Outcome::Refused(refusal)) => (self.raise(at, refusal.message), Some(Vec::new())),
            outcome => (outcome, self.flights.made()),
        };
        let Some(spool) = self.spool.as_mut() else { return false };
        match outcome {
            None => spool.back.ahead.sent(id, &given, made),
            Some(outcome) => {
                spool.back.ahead.sent(id, &given, None);
                self.settled(id, outcome);
            }
        }
        true
    }

    /// Settles an entry without sending it, once it is the first.
    fn pass(&mut self, at: usize) -> bool {
        let Some(spool) = self.spool.as_mut().filter(|_| at == 0) else { return false };
        if let Some(entry) = spool.entries.pop_front() {
            spool.back.ahead.passed(&entry.made);
        }
        true
    }

    /// What became of an entry, or of telling that it was not accepted.
    pub(super) fn settled(&mut self, id: CommandId, outcome: Outcome) {
        let Some(spool) = self.spool.as_mut().filter(|spool| spool.back.is_sending()) else { return };
        let why = match outcome {
            Outcome::Ok { made, .. } => {
                if spool.back.ahead.settle(id, &made) {
                    drop(spool.entries.pop_front());
                    self.publish_status();
                }
                return;
            }
            Outcome::Failed { why } => why,
            Outcome::Refused(refusal) => {
                tracing::error!(%refusal, "a conflict cannot be told");
                refusal.message
            }
        };
        tracing::warn!(%why, "what was kept offline is not in the journal yet");
        spool.back.stop(Instant::now());
        self.publish_status();
    }

    /// What was decided from this entry on stands on what did not happen.
    pub(super) fn send_again_from(&mut self, id: CommandId) {
        if let Some(spool) = self.spool.as_mut() {
            spool.back.ahead.back_to(id);
        }
    }

    /// An entry is not accepted: that takes its place in the journal.
    fn raise(&mut self, at: usize, why: String) -> Option<Outcome> {
        let spool = self.spool.as_ref()?;
        let entry = spool.entries.get(at)?;
        let what = Box::new(Unaccepted {
            incident: incident(entry).and_then(|given| spool.back.ahead.incident(given)),
            by: entry.actor.clone(),
            at: entry.at.clone(),
            host: self.host.clone(),
            said: entry.said.clone(),
            glass: entry.glass.clone(),
            why,
        });
        let offline = Offline { at: entry.at.wall, glass: None, provisional: false };
        let raise = spooled(entry, Command::Conflict(ConflictCommand::Raise { what }));
        self.decide(Asked {
            actor: self.own_name.clone(),
            groups: Groups::default(),
            id: conflict(entry),
            fingerprint: None,
            spooled: Some(Box::new((clock::now(), offline))),
            ..raise
        })
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
