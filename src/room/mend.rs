//! After an append failed: what was decided after it stands on what did not happen. The journal says what did: it is
//! read on to its end, and only then is anybody answered. Meanwhile the room goes on serving; what it is asked waits.

use super::{
    flight::{Asked, Flight, PAGE, read_on},
    offline::written,
    serve::{Room, Waiting},
};
use crate::{
    domain::{Event, id::Digest},
    journal::{Appended, Trouble, spool::NOBODY_KNOWS},
    os::clock,
    wire::{JournalState, Outcome},
};
use futures::{FutureExt as _, future::BoxFuture};
use std::collections::HashSet;
use tokio::time::Instant;

/// How often a command is decided again because somebody else appended first. Each time somebody got on.
const AGAIN: u8 = 100;

/// A page of events that were read.
pub(super) type Page = BoxFuture<'static, Result<Vec<Event>, Trouble>>;

/// What is known while the journal is read on.
pub(super) struct Mending {
    /// What was on its way, in order.
    flights: Vec<Flight>,
    /// What was asked since and waits.
    held: Vec<Asked>,
    /// Somebody else appended first; nothing else is wrong.
    conflict: bool,
    /// The outcome of one of them is not known.
    doubt: bool,
    why: String,
    /// Hashes of the events that were found in the journal.
    happened: HashSet<Digest>,
    pub(super) page: Option<Page>,
    /// Since when.
    pub(super) since: Instant,
}

impl Mending {
    /// One more that was on its way.
    pub(super) fn add(&mut self, flight: Flight, appended: &Appended) {
        self.doubt |= matches!(appended, Appended::Unknown(_));
        self.flights.push(flight);
    }

    /// It is decided when it is known what happened; where the journal takes nothing, it is answered now.
    pub(super) fn hold(&mut self, asked: Asked) -> Option<Outcome> {
        if self.conflict {
            self.held.push(asked);
            return None;
        }
        Some(Outcome::Failed { why: format!("{}: nothing was recorded", self.why) })
    }

    /// All that waits: what was on its way, and what was asked since.
    pub(super) fn left(self) -> (Vec<Flight>, Vec<Asked>) {
        (self.flights, self.held)
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.flights.len() + self.held.len()
    }
}

impl Room {
    /// The first append that failed.
    pub(super) fn failed(&mut self, flight: Flight, appended: &Appended) {
        let conflict = matches!(appended, Appended::Conflict(_));
        let why = match appended {
            Appended::Unknown(why) | Appended::Unavailable(why) => why.clone(),
            Appended::Conflict(head) | Appended::Ok(head) => {
                format!("somebody else appended to the journal, up to event {}", head.seq)
            }
        };
        if !conflict && self.spool.is_some() && self.fenced.is_none() {
            self.go_away(&why, Some(flight));
            return;
        }
        if conflict && self.others.is_some() {
            tracing::debug!(%why, "decided again");
        } else {
            tracing::error!(%why, "an append failed");
        }
        let mut mending = Mending {
            flights: Vec::new(),
            held: Vec::new(),
            conflict,
            doubt: false,
            why,
            happened: HashSet::new(),
            page: None,
            since: Instant::now(),
        };
        mending.add(flight, appended);
        self.mending = Some(mending);
        self.mend_on();
    }

    /// Reads on, once all that was on its way has been answered.
    pub(super) fn mend_on(&mut self) {
        if !self.flights.is_empty() {
            return;
        }
        let page = read_on(self.journal.clone(), self.core.durable_head()).boxed();
        if let Some(mending) = self.mending.as_mut().filter(|mending| mending.page.is_none()) {
            mending.page = Some(page);
        }
    }

    /// A page was read: takes it in, or knows now what happened and answers everybody.
    pub(super) fn mended(&mut self, read: Result<Vec<Event>, Trouble>) {
        let Some(mut mending) = self.mending.take() else { return };
        mending.page = None;
        let caught = match read {
            Ok(events) => {
                mending.happened.extend(events.iter().map(|event| event.hash));
                self.take_in(&events);
                if events.len() >= PAGE {
                    self.mending = Some(mending);
                    self.mend_on();
                    return;
                }
                true
            }
            Err(broken) if self.spool.is_some() && self.fenced.is_none() => {
                self.mending = Some(mending);
                self.go_away(&broken.to_string(), None);
                return;
            }
            Err(_) => false,
        };
        self.conclude(mending, caught);
    }

    fn conclude(&mut self, mending: Mending, caught: bool) {
        let Mending { flights, held, conflict, doubt, why, happened, .. } = mending;
        let (mut done, mut undone, mut from) = (Vec::new(), Vec::new(), None);
        for flight in flights {
            let is_done = flight.answer.is_some() || flight.is_among(&happened);
            match flight.asked.waiting {
                // What comes from the spool is settled in its order, and sent again from the first that is undone.
                Waiting::Spool(id) if from.is_some() || !is_done => drop(from.get_or_insert(id)),
                _ if is_done => {
                    done.push(flight);
                    continue;
                }
                _ => {}
            }
            undone.push((flight, is_done));
        }
        let lost = undone.iter().filter(|(flight, is_done)| flight.is_new() && !is_done);
        let lost: Vec<_> = lost.map(|(flight, _)| flight.asked.id).collect();
        self.core.forget(&lost);
        if let Some(id) = from {
            self.send_again_from(id);
        }
        for flight in done {
            let outcome = flight.answer.clone().unwrap_or_else(|| flight.outcome());
            let waiting = flight.asked.waiting;
            self.acknowledged(flight);
            match waiting {
                Waiting::Spool(id) => self.settled(id, outcome),
                _ => self.answer(waiting, outcome),
            }
        }
        let undone = undone.into_iter().map(|(flight, _)| flight.asked);
        let undone = undone.filter(|asked| !matches!(asked.waiting, Waiting::Spool(_)));
        let fenced = self.fenced.clone();
        if let (None, true, true) = (&fenced, conflict, caught) {
            self.set_writable();
            for mut asked in undone.chain(held) {
                (asked.tries, asked.is_new) = (asked.tries.saturating_add(1), false);
                let waiting = asked.waiting;
                let outcome = if asked.tries > AGAIN {
                    Some(Outcome::Failed { why: format!("{why}, again and again: nothing was recorded") })
                } else {
                    self.decide(asked)
                };
                if let Some(outcome) = outcome {
                    self.answer(waiting, outcome);
                }
            }
            self.send_on();
            return;
        }
        let (why, what) = match &fenced {
            Some(why) => (why.clone(), "nothing was recorded"),
            // What was sent to a server may still arrive there, and what a disk failed to keep may still lie there, until
            // something else was appended.
            None if doubt => (why, NOBODY_KNOWS),
            None => (why, "nothing was recorded"),
        };
        for asked in undone {
            self.answer(asked.waiting, Outcome::Failed { why: format!("{why}: {what}") });
        }
        for asked in held {
            self.answer(asked.waiting, Outcome::Failed { why: format!("{why}: nothing was recorded") });
        }
        if fenced.is_none() {
            self.set_journal(JournalState::ReadOnly { why, since: clock::now().wall });
        }
    }

    /// Events that others appended, or this room without knowing. The decided fold is made anew when all are in.
    pub(super) fn take_in(&mut self, events: &[Event]) {
        if self.others.is_none()
            && let Some(event) = events.iter().find(|event| self.core.is_anothers_opening(event))
        {
            let why = format!("room {} took this journal at event {}", event.room, event.seq);
            self.fence(why);
        }
        self.durable(events);
    }

    /// Another room has the journal now. This one writes nothing any more and ends: two would each decide without the
    /// other's answers in flight, lend the same steps, and push the same freezes.
    fn fence(&mut self, why: String) {
        tracing::error!(%why, "this room is fenced");
        self.writing.takes(false);
        self.journal_state = JournalState::ReadOnly { why: why.clone(), since: clock::now().wall };
        self.stopping = Some(why.clone());
        self.fenced = Some(why);
    }

    /// Until nothing is on its way any more and everybody was answered.
    pub(super) async fn settle(&mut self) {
        loop {
            if let Some((flight, appended)) = self.flights.next().await {
                self.landed(flight, &appended);
                continue;
            }
            if self.spool.as_ref().is_some_and(|spool| !spool.is_still()) {
                let said = written(&mut self.spool).await;
                self.was_written(said);
                continue;
            }
            let Some(page) = self.mending.as_mut().and_then(|mending| mending.page.as_mut()) else { return };
            let read = page.await;
            self.mended(read);
        }
    }
}
