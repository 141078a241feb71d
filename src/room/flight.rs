//! Appends on their way: decided, journaled, then published and answered. Nothing is said before it is durable.

use super::{
    core::{self, Submitted},
    recording,
    serve::{Flight, Room, Waiting},
};
use crate::{
    domain::{Command, CommandId, actor::Actor},
    journal::Appended,
    os::clock,
    wire::{FromRoom, JournalState, Outcome, encode},
};
use futures::{FutureExt as _, StreamExt as _};
use uuid::Uuid;

impl Room {
    /// Decides a command. Gives its outcome where that is known at once; otherwise it is answered when durable.
    pub(super) fn submit(
        &mut self,
        actor: &Actor,
        id: CommandId,
        command: &Command,
        waiting: Waiting,
    ) -> Option<Outcome> {
        match self.core.submit(actor, id, command, &clock::now()) {
            Submitted::Refused(refusal) => Some(Outcome::Refused(refusal)),
            // Known or without effect; but what it repeats may be in flight, so its answer waits its turn.
            Submitted::Nothing if self.flights.is_empty() => {
                Some(Outcome::Ok { seqs: Vec::new(), made: Vec::new() })
            }
            Submitted::Nothing => {
                let head = self.core.head();
                let flight = Flight { events: Vec::new(), waiting };
                self.flights.push_back(async move { (flight, Appended::Ok(head)) }.boxed());
                None
            }
            Submitted::Append { expected, records, events } => {
                let append = self.journal.append(expected, records);
                let flight = Flight { events, waiting };
                self.flights.push_back(append.map(move |appended| (flight, appended)).boxed());
                None
            }
        }
    }

    /// The room's own command.
    pub(super) fn own(&mut self, command: &Command) {
        let actor = self.own_name.clone();
        let done = self.submit(&actor, CommandId(Uuid::now_v7()), command, Waiting::Nobody);
        if let Some(Outcome::Refused(refusal)) = done {
            tracing::warn!(%refusal, ?command, "the room's own command was refused");
        }
    }

    /// An append was answered.
    pub(super) async fn landed(&mut self, flight: Flight, appended: Appended) {
        let why = match appended {
            Appended::Ok(_) => {
                self.durable(&flight);
                return;
            }
            Appended::Unknown(why) => {
                // Looked up before anything else: it may have been written.
                let known = match flight.events.first() {
                    Some(event) => {
                        self.journal.find(event.command).await.is_ok_and(|found| !found.is_empty())
                    }
                    None => true,
                };
                if known {
                    self.durable(&flight);
                    return;
                }
                why
            }
            Appended::Unavailable(why) => why,
            Appended::Conflict(head) => {
                format!("the journal was appended to by somebody else, up to event {}", head.seq)
            }
        };
        tracing::error!(%why, "an append failed");
        self.answer(flight.waiting, Outcome::Failed { why: format!("{why}: nothing was recorded") });
        // What was decided after it stands on what did not happen.
        while let Some((later, appended)) = self.flights.next().await {
            if matches!(appended, Appended::Ok(_)) && !later.events.is_empty() {
                self.durable(&later);
            } else {
                self.answer(later.waiting, Outcome::Failed { why: format!("{why}: nothing was recorded") });
            }
        }
        self.core.forget();
        self.set_journal(JournalState::ReadOnly { why, since: clock::now().wall });
    }

    pub(super) fn durable(&mut self, flight: &Flight) {
        self.core.confirm(&flight.events);
        if let Some(last) = flight.events.last() {
            self.newest.send_replace(last.seq);
        }
        for event in &flight.events {
            self.publish(&FromRoom::Event(Box::new(event.clone())));
        }
        let outcome = Outcome::Ok { seqs: core::seqs(&flight.events), made: core::made(&flight.events) };
        self.answer(flight.waiting, outcome);
        if !flight.events.is_empty() && self.journal_state != JournalState::Writable {
            self.set_journal(JournalState::Writable);
        }
        if flight.events.iter().any(recording::worth) {
            self.record();
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
        if let Waiting::Conn(conn, id) = waiting
            && let Some(seat) = self.seats.get(&conn)
        {
            seat.outbox.reply(encode(&FromRoom::Done { id, outcome }));
        }
    }
}
