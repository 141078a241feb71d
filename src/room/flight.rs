//! Appends on their way: decided, journaled, then published and answered. Nothing is said before it is durable.

use super::{
    budget::Large,
    core::{self, Submitted},
    recording,
    serve::{Room, Waiting},
};
use crate::{
    domain::{Command, CommandId, Event, actor::Actor, power::Groups},
    journal::{Appended, Head, Journal, Trouble, chain},
    os::clock,
    wire::{FromRoom, JournalState, Outcome},
};
use futures::FutureExt as _;
use std::sync::Arc;
use uuid::Uuid;

/// Events that are read at once when the room catches up.
pub(super) const PAGE: usize = 1_024;

/// An append on its way, or an answer that waits its turn behind one.
pub(super) struct Flight {
    pub(super) asked: Asked,
    events: Vec<Event>,
    /// Where it needs no append: what is answered.
    pub(super) answer: Option<Outcome>,
}

/// What was asked, so that it can be decided again.
pub(super) struct Asked {
    actor: Actor,
    groups: Groups,
    pub(super) id: CommandId,
    command: Command,
    pub(super) waiting: Waiting,
    /// How often it was decided on what was not the case any more.
    pub(super) tries: u8,
    /// Given back when it is answered, where it came in a long frame.
    _large: Option<Large>,
}

impl Flight {
    pub(super) fn outcome(&self) -> Outcome {
        Outcome::Ok { seqs: core::seqs(&self.events), made: core::made(&self.events) }
    }
}

impl Room {
    /// Decides a command. Gives its outcome where that is known at once; otherwise it is answered when durable.
    pub(super) fn submit(
        &mut self,
        who: (&Actor, &Groups),
        id: CommandId,
        command: &Command,
        waiting: Waiting,
    ) -> Option<Outcome> {
        let (actor, groups) = (who.0.clone(), who.1.clone());
        let large = self.large.take();
        self.decide(Asked { actor, groups, id, command: command.clone(), waiting, tries: 0, _large: large })
    }

    pub(super) fn decide(&mut self, asked: Asked) -> Option<Outcome> {
        if let Some(why) = &self.fenced {
            return Some(Outcome::Failed { why: format!("{why}: nothing was recorded") });
        }
        // Nobody waits for a journal that is known to be out of reach.
        if let (Some(why), Waiting::Conn(..)) = (&self.unreachable, asked.waiting) {
            return Some(Outcome::Failed { why: format!("{why}: nothing was recorded") });
        }
        if let Some(mending) = &mut self.mending {
            return mending.hold(asked);
        }
        let who = (&asked.actor, &asked.groups);
        match self.core.submit(who, asked.id, &asked.command, &clock::now()) {
            Submitted::Refused(refusal) => Some(Outcome::Refused(refusal)),
            Submitted::Nothing => {
                let outcome = Outcome::Ok { seqs: Vec::new(), made: Vec::new() };
                if self.flights.is_empty() {
                    return Some(outcome);
                }
                // What it would repeat may be in flight, so its answer waits its turn.
                let head = self.core.head();
                let flight = Flight { asked, events: Vec::new(), answer: Some(outcome) };
                self.flights.push_back(async move { (flight, Appended::Ok(head)) }.boxed());
                None
            }
            // Sent again: it gets the answer that it got, or that got lost.
            Submitted::Known => {
                let (head, found) = (self.core.head(), self.journal.find(asked.id));
                let answered = async move {
                    let (events, answer) = known(found.await);
                    (Flight { asked, events, answer: Some(answer) }, Appended::Ok(head))
                };
                self.flights.push_back(answered.boxed());
                None
            }
            Submitted::Append { expected, records, events } => {
                let append = self.journal.append(expected, records);
                self.waits.get_or_insert_with(tokio::time::Instant::now);
                let flight = Flight { asked, events, answer: None };
                self.flights.push_back(append.map(move |appended| (flight, appended)).boxed());
                None
            }
        }
    }

    /// The room's own command.
    pub(super) fn own(&mut self, command: &Command) {
        let actor = self.own_name.clone();
        let done =
            self.submit((&actor, &Groups::default()), CommandId(Uuid::now_v7()), command, Waiting::Nobody);
        if let Some(Outcome::Refused(refusal)) = done {
            tracing::warn!(%refusal, ?command, "the room's own command was refused");
        }
    }

    /// An append was answered.
    pub(super) fn landed(&mut self, flight: Flight, appended: &Appended) {
        if let Some(mending) = &mut self.mending {
            mending.add(flight, appended);
            self.mend_on();
            return;
        }
        if let Some(answer) = flight.answer {
            self.answer(flight.asked.waiting, answer);
            return;
        }
        if matches!(appended, Appended::Ok(_)) {
            self.waits = None;
            self.durable(&flight.events);
            self.set_writable();
            let outcome = flight.outcome();
            self.answer(flight.asked.waiting, outcome);
            return;
        }
        self.failed(flight, appended);
    }

    /// These events stand in the journal: whoever appended them, this is where everybody hears of them.
    pub(super) fn durable(&mut self, events: &[Event]) {
        self.core.confirm(events);
        if let Some(last) = events.last() {
            self.newest.send_replace(last.seq);
        }
        for event in events {
            self.publish(&FromRoom::Event(Box::new(event.clone())));
            self.erase(event);
        }
        self.among_others(events);
        if events.iter().any(recording::worth) {
            self.record();
        }
    }

    /// What was appended was taken.
    pub(super) fn set_writable(&mut self) {
        if self.fenced.is_none() && self.unreachable.is_none() {
            self.set_journal(JournalState::Writable);
        }
    }

    pub(super) fn set_journal(&mut self, state: JournalState) {
        self.writable.send_replace(state == JournalState::Writable);
        if self.journal_state != state {
            self.journal_state = state;
            self.publish_status();
        }
    }

    pub(super) fn answer(&mut self, waiting: Waiting, outcome: Outcome) {
        if let Waiting::Conn(conn, id) = waiting {
            self.reply(conn, &FromRoom::Done { id, outcome });
        }
    }
}

/// What a command gave that is in the journal already.
fn known(found: Result<Vec<chain::Record>, Trouble>) -> (Vec<Event>, Outcome) {
    let events = found.and_then(|records| records.iter().map(chain::open).collect::<Result<Vec<_>, _>>());
    match events {
        Ok(events) => {
            let outcome = Outcome::Ok { seqs: core::seqs(&events), made: core::made(&events) };
            (events, outcome)
        }
        Err(trouble) => {
            let why = format!("it was recorded before, and cannot be looked up: {trouble}");
            (Vec::new(), Outcome::Failed { why })
        }
    }
}

/// The next page of events after `head`, checked as they come.
pub(super) async fn read_on(journal: Arc<dyn Journal>, mut head: Head) -> Result<Vec<Event>, Trouble> {
    let records = journal.read(head.seq.saturating_add(1), PAGE).await?;
    let mut events = Vec::with_capacity(records.len());
    for record in &records {
        chain::follows(head, record).map_err(|why| Trouble::Broken { seq: record.seq, why })?;
        head = Head { seq: record.seq, hash: record.hash };
        events.push(chain::open(record)?);
    }
    Ok(events)
}
