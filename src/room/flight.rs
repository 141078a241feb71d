//! Appends on their way: decided, journaled, then published and answered. Nothing is said before it is durable.

use super::{
    budget::Large,
    core::{self, Submitted, When},
    recording,
    serve::{Room, Waiting},
};
use crate::{
    domain::{Command, CommandId, Event, Offline, actor::Actor, power::Groups, time::Stamp},
    journal::{Appended, Head, Journal, Trouble, chain},
    os::clock,
    wire::{FromRoom, JournalState, Outcome},
};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesOrdered};
use std::{collections::VecDeque, sync::Arc};
use uuid::Uuid;

/// Events that are read at once when the room catches up.
pub(super) const PAGE: usize = 1_024;

/// An append on its way, or an answer that waits its turn behind one.
pub(super) struct Flight {
    pub(super) asked: Asked,
    events: Vec<Event>,
    /// Where it needs no append: what is answered.
    pub(super) answer: Option<Outcome>,
    /// It is in the journal already, and is looked up.
    known: bool,
}

/// What was asked, so that it can be decided again.
pub(super) struct Asked {
    pub(super) actor: Actor,
    pub(super) groups: Groups,
    pub(super) id: CommandId,
    pub(super) command: Command,
    pub(super) waiting: Waiting,
    /// Why the glass is broken for it where the journal is out of reach.
    pub(super) glass: Option<String>,
    /// It goes to the journal, whatever is shown meanwhile.
    pub(super) direct: bool,
    /// It comes from the spool: when it was decided there.
    pub(super) spooled: Option<Box<(Stamp, Offline)>>,
    /// How often it was decided on what was not the case any more.
    pub(super) tries: u8,
    /// Given back when it is answered, where it came in a long frame.
    pub(super) large: Option<Large>,
}

impl Asked {
    fn when(&self) -> When {
        let now = clock::now();
        match &self.spooled {
            Some(spooled) => {
                let (at, offline) = spooled.as_ref();
                When { at: at.clone(), recorded: now.wall, offline: Some(offline.clone()) }
            }
            None => When::now(now),
        }
    }
}

impl Flight {
    pub(super) fn outcome(&self) -> Outcome {
        ok(&self.events)
    }

    /// What was asked, and what came of it.
    pub(super) fn parts(self) -> (Asked, Vec<Event>) {
        (self.asked, self.events)
    }

    /// Whether it would be new if it were sent again.
    pub(super) fn is_new(&self) -> bool {
        self.answer.is_none() && !self.known
    }
}

/// What became of events that are durable.
pub(super) fn ok(events: &[Event]) -> Outcome {
    Outcome::Ok { seqs: core::seqs(events), made: core::made(events), offline: false }
}

/// All that is on its way, in order.
#[derive(Default)]
pub(super) struct Flights {
    landing: FuturesOrdered<BoxFuture<'static, Landing>>,
    flying: VecDeque<Flight>,
}

/// How it came out, and what was looked up.
type Landing = (Appended, Option<(Vec<Event>, Outcome)>);

impl Flights {
    fn push(&mut self, flight: Flight, landing: impl Future<Output = Landing> + Send + 'static) {
        self.flying.push_back(flight);
        self.landing.push_back(landing.boxed());
    }

    /// The next that has landed. Cancelling loses nothing.
    pub(super) async fn next(&mut self) -> Option<(Flight, Appended)> {
        let (appended, found) = self.landing.next().await?;
        let mut flight = self.flying.pop_front()?;
        if let Some((events, answer)) = found {
            (flight.events, flight.answer) = (events, Some(answer));
        }
        Some((flight, appended))
    }

    /// The names that come into being with the newest; none where that is looked up.
    pub(super) fn made(&self) -> Option<Vec<String>> {
        self.flying.back().filter(|flight| !flight.known).map(|flight| core::made(&flight.events))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.flying.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.flying.len()
    }

    /// Waits for none of them any more. The journal may take them yet.
    pub(super) fn leave(&mut self) -> impl Iterator<Item = Flight> + use<> {
        self.landing = FuturesOrdered::new();
        std::mem::take(&mut self.flying).into_iter()
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
        self.submit_under(who, id, command, waiting, None)
    }

    /// The same, with the glass broken for it in case that the journal is out of reach.
    pub(super) fn submit_under(
        &mut self,
        who: (&Actor, &Groups),
        id: CommandId,
        command: &Command,
        waiting: Waiting,
        glass: Option<String>,
    ) -> Option<Outcome> {
        let (actor, groups) = (who.0.clone(), who.1.clone());
        let (command, large) = (command.clone(), self.large.take());
        let direct = false;
        self.decide(Asked {
            actor,
            groups,
            id,
            command,
            waiting,
            glass,
            direct,
            spooled: None,
            tries: 0,
            large,
        })
    }

    pub(super) fn decide(&mut self, asked: Asked) -> Option<Outcome> {
        if let Some(why) = &self.fenced {
            return Some(Outcome::Failed { why: format!("{why}: nothing was recorded") });
        }
        if self.is_away() && !asked.direct {
            return self.keep(asked);
        }
        // Nobody waits for a journal that is known to be out of reach.
        if let (Some(why), Waiting::Conn(..)) = (&self.unreachable, asked.waiting) {
            return Some(Outcome::Failed { why: format!("{why}: nothing was recorded") });
        }
        if let Some(mending) = &mut self.mending {
            return mending.hold(asked);
        }
        let who = (&asked.actor, &asked.groups);
        match self.core.submit(who, asked.id, &asked.command, &asked.when()) {
            Submitted::Refused(refusal) => Some(Outcome::Refused(refusal)),
            Submitted::Nothing => {
                let outcome = ok(&[]);
                if self.flights.is_empty() {
                    return Some(outcome);
                }
                // What it would repeat may be in flight, so its answer waits its turn.
                let head = self.core.head();
                let flight = Flight { asked, events: Vec::new(), answer: Some(outcome), known: false };
                self.flights.push(flight, async move { (Appended::Ok(head), None) });
                None
            }
            // Sent again: it gets the answer that it got, or that got lost.
            Submitted::Known => {
                let (head, found) = (self.core.head(), self.journal.find(asked.id));
                let flight = Flight { asked, events: Vec::new(), answer: None, known: true };
                self.flights.push(flight, async move { (Appended::Ok(head), Some(known(found.await))) });
                None
            }
            Submitted::Append { expected, records, events } => {
                let append = self.journal.append(expected, records);
                self.waits.get_or_insert_with(tokio::time::Instant::now);
                let flight = Flight { asked, events, answer: None, known: false };
                self.flights.push(flight, append.map(|appended| (appended, None)));
                None
            }
        }
    }

    /// The room's own command.
    pub(super) fn own(&mut self, command: &Command) {
        let actor = self.own_name.clone();
        let done =
            self.submit((&actor, &Groups::default()), CommandId(Uuid::now_v7()), command, Waiting::Nobody);
        if let (Some(Outcome::Refused(refusal)), false) = (done, self.is_away()) {
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
            let (outcome, waiting) = (flight.outcome(), flight.asked.waiting);
            self.acknowledged(flight);
            self.answer(waiting, outcome);
            return;
        }
        self.failed(flight, appended);
    }

    /// These events stand in the journal: whoever appended them, this is where everybody hears of them.
    pub(super) fn durable(&mut self, events: &[Event]) {
        self.core.confirm(events);
        self.remember(events);
        if let Some(last) = events.last() {
            self.newest.send_replace(last.seq);
        }
        for event in events {
            // Who is shown what is not in the journal yet is shown all of it anew when that has got there.
            if !self.is_away() {
                self.publish(&FromRoom::Event(Box::new(event.clone())));
            }
            self.erase(event);
        }
        self.among_others(events);
        if !self.is_away() && events.iter().any(recording::worth) {
            self.record();
        }
    }

    /// What was appended was taken.
    pub(super) fn set_writable(&mut self) {
        if self.fenced.is_none() && self.unreachable.is_none() && !self.is_away() {
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
        match waiting {
            Waiting::Conn(conn, id) => {
                self.prove(conn, id, &outcome);
                self.reply(conn, &FromRoom::Done { id, outcome });
            }
            Waiting::Spool(id) => {
                self.settled(id, outcome);
                self.send_on();
            }
            Waiting::Nobody => {}
        }
    }
}

/// What a command gave that is in the journal already.
fn known(found: Result<Vec<chain::Record>, Trouble>) -> (Vec<Event>, Outcome) {
    let events = found.and_then(|records| records.iter().map(chain::open).collect::<Result<Vec<_>, _>>());
    match events {
        Ok(events) => {
            let outcome = ok(&events);
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
