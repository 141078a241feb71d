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
use futures::{FutureExt as _, StreamExt as _};
use std::collections::HashSet;
use uuid::Uuid;

/// How often a command is decided again because somebody else appended first.
const AGAIN: u8 = 3;
/// Events that are read at once when the room catches up.
const PAGE: usize = 1_024;

/// An append on its way, or an answer that waits its turn behind one.
pub(super) struct Flight {
    asked: Asked,
    events: Vec<Event>,
    /// Where it needs no append: what is answered.
    answer: Option<Outcome>,
}

/// What was asked, so that it can be decided again.
struct Asked {
    actor: Actor,
    groups: Groups,
    id: CommandId,
    command: Command,
    waiting: Waiting,
    tries: u8,
    /// Given back when it is answered, where it came in a long frame.
    _large: Option<Large>,
}

impl Flight {
    fn outcome(&self) -> Outcome {
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

    fn decide(&mut self, asked: Asked) -> Option<Outcome> {
        if let Some(why) = &self.fenced {
            return Some(Outcome::Failed { why: format!("{why}: nothing was recorded") });
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
    pub(super) async fn landed(&mut self, flight: Flight, appended: Appended) {
        if let Some(answer) = flight.answer {
            self.answer(flight.asked.waiting, answer);
            return;
        }
        if matches!(appended, Appended::Ok(_)) {
            self.durable(&flight.events);
            let outcome = flight.outcome();
            self.answer(flight.asked.waiting, outcome);
            return;
        }
        self.failed(flight, appended).await;
    }

    /// An append failed, so what was decided after it stands on what did not happen. The journal says what did: it is
    /// read on to its end, and only then is anybody answered.
    async fn failed(&mut self, flight: Flight, appended: Appended) {
        let (conflict, mut doubt) =
            (matches!(appended, Appended::Conflict(_)), matches!(appended, Appended::Unknown(_)));
        let why = match appended {
            Appended::Unknown(why) | Appended::Unavailable(why) => why,
            Appended::Conflict(head) | Appended::Ok(head) => {
                format!("somebody else appended to the journal, up to event {}", head.seq)
            }
        };
        tracing::error!(%why, "an append failed");
        let mut flights = vec![flight];
        while let Some((later, appended)) = self.flights.next().await {
            doubt |= matches!(appended, Appended::Unknown(_));
            flights.push(later);
        }
        let caught = self.catch_up().await;
        let happened = |flight: &Flight| {
            let id = flight.asked.id;
            caught.as_ref().is_ok_and(|commands| commands.contains(&id))
        };
        let (done, undone): (Vec<_>, Vec<_>) =
            flights.into_iter().partition(|flight| flight.answer.is_some() || happened(flight));
        let lost: Vec<_> = undone.iter().map(|flight| flight.asked.id).collect();
        self.core.forget(&lost);
        for flight in done {
            let outcome = flight.answer.clone().unwrap_or_else(|| flight.outcome());
            self.answer(flight.asked.waiting, outcome);
        }
        if let Some(why) = self.fenced.clone() {
            for flight in &undone {
                self.answer(
                    flight.asked.waiting,
                    Outcome::Failed { why: format!("{why}: nothing was recorded") },
                );
            }
            return;
        }
        if conflict && caught.is_ok() {
            for Flight { mut asked, .. } in undone {
                asked.tries += 1;
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
            return;
        }
        let what = match &caught {
            Err(_) if doubt => "nobody knows whether it was recorded; the same command can be sent again",
            _ => "nothing was recorded",
        };
        for flight in &undone {
            self.answer(flight.asked.waiting, Outcome::Failed { why: format!("{why}: {what}") });
        }
        self.set_journal(JournalState::ReadOnly { why, since: clock::now().wall });
    }

    /// Takes in what the journal has beyond the durable fold. Gives the commands that it is of.
    async fn catch_up(&mut self) -> Result<HashSet<CommandId>, Trouble> {
        let mut commands = HashSet::new();
        loop {
            let head = self.core.durable_head();
            let events = read_on(self.journal.as_ref(), head).await?;
            if events.is_empty() {
                return Ok(commands);
            }
            commands.extend(events.iter().map(|event| event.command));
            if let Some(event) = events.iter().find(|event| self.core.is_anothers_opening(event)) {
                let why = format!("room {} took this journal at event {}", event.room, event.seq);
                self.fence(why);
            }
            self.durable(&events);
        }
    }

    /// Another room has the journal now. This one writes nothing any more and ends: two would each decide without the
    /// other's answers in flight, lend the same steps, and push the same freezes.
    fn fence(&mut self, why: String) {
        tracing::error!(%why, "this room is fenced");
        self.writable.send_replace(false);
        self.journal_state = JournalState::ReadOnly { why: why.clone(), since: clock::now().wall };
        self.stopping = Some(why.clone());
        self.fenced = Some(why);
    }

    fn durable(&mut self, events: &[Event]) {
        self.core.confirm(events);
        if let Some(last) = events.last() {
            self.newest.send_replace(last.seq);
        }
        for event in events {
            self.publish(&FromRoom::Event(Box::new(event.clone())));
            self.erase(event);
        }
        if !events.is_empty() && self.fenced.is_none() && self.journal_state != JournalState::Writable {
            self.set_journal(JournalState::Writable);
        }
        if events.iter().any(recording::worth) {
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
async fn read_on(journal: &dyn Journal, mut head: Head) -> Result<Vec<Event>, Trouble> {
    let records = journal.read(head.seq.saturating_add(1), PAGE).await?;
    let mut events = Vec::with_capacity(records.len());
    for record in &records {
        chain::follows(head, record).map_err(|why| Trouble::Broken { seq: record.seq, why })?;
        head = Head { seq: record.seq, hash: record.hash };
        events.push(chain::open(record)?);
    }
    Ok(events)
}
