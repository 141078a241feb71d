//! Appends on their way: decided, journaled, then published and answered. Nothing is said before it is durable.

use super::{
    budget::Large,
    core::{self, Submitted, When},
    earlier::{Earlier, earlier},
    recording,
    seen::Standing,
    serve::{Room, Waiting},
};
use crate::{
    domain::{Command, CommandId, Event, Offline, actor::Actor, id::Digest, power::Groups, time::Stamp},
    journal::{Appended, Head, Journal, Trouble, chain, fingerprint::Fingerprint},
    os::clock,
    wire::{FromRoom, JournalState, Outcome},
};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesOrdered};
use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};
use tokio::time::Instant;
use uuid::Uuid;

/// Events that are read at once when the room catches up.
pub(super) const PAGE: usize = 1_024;

/// An append on its way, or an answer that waits its turn behind one.
pub(super) struct Flight {
    pub(super) asked: Asked,
    events: Vec<Event>,
    /// Where it needs no append: what is answered.
    pub(super) answer: Option<Outcome>,
    kind: Kind,
}

/// What a command waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Its append.
    Append,
    /// Nothing but its turn.
    Turn,
    /// Its id, which the journal may know.
    LookUp,
    /// What becomes of another with its id that is on its way.
    Behind,
}

/// What was asked, so that it can be decided again.
pub(super) struct Asked {
    pub(super) actor: Actor,
    pub(super) groups: Groups,
    pub(super) id: CommandId,
    pub(super) command: Command,
    /// What it says, where it may be sent again.
    pub(super) fingerprint: Option<Fingerprint>,
    /// The journal was asked for its id and does not have it.
    pub(super) is_new: bool,
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

    /// Whether its id would be new if it were sent again.
    pub(super) fn is_new(&self) -> bool {
        self.answer.is_none() && matches!(self.kind, Kind::Append | Kind::LookUp)
    }

    /// Whether its own events are among those with these hashes: events of the same id may be another's.
    pub(super) fn is_among(&self, happened: &HashSet<Digest>) -> bool {
        self.events.first().is_some_and(|event| happened.contains(&event.hash))
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
    /// Since when each of them is on its way.
    since: VecDeque<Instant>,
}

/// How it came out, and what was looked up.
type Landing = (Appended, Option<Result<Vec<chain::Record>, Trouble>>);

impl Flights {
    fn push(&mut self, flight: Flight, landing: impl Future<Output = Landing> + Send + 'static) {
        self.flying.push_back(flight);
        self.since.push_back(Instant::now());
        self.landing.push_back(landing.boxed());
    }

    /// The next that has landed. Cancelling loses nothing.
    pub(super) async fn next(&mut self) -> Option<(Flight, Appended)> {
        let (appended, found) = self.landing.next().await?;
        let mut flight = self.flying.pop_front()?;
        self.since.pop_front();
        if let Some(found) = found {
            let Asked { actor, fingerprint, .. } = &flight.asked;
            if let Earlier::Answered(outcome) = earlier(found, actor, fingerprint.as_ref()) {
                flight.answer = Some(outcome);
            }
        }
        Some((flight, appended))
    }

    /// The names that come into being with the newest; none where that is looked up.
    pub(super) fn made(&self) -> Option<Vec<String>> {
        self.flying
            .back()
            .filter(|flight| flight.kind == Kind::Append)
            .map(|flight| core::made(&flight.events))
    }

    /// Since when the oldest has been on its way.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.since.front().copied()
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
        self.since.clear();
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
        let fingerprint = matches!(waiting, Waiting::Conn(..)).then(|| self.core.fingerprint(command));
        let (command, large) = (command.clone(), self.large.take());
        let direct = false;
        self.decide(Asked {
            actor,
            groups,
            id,
            command,
            fingerprint,
            is_new: false,
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
        match self.core.standing(asked.id) {
            // What becomes of that one says what this one is.
            Standing::InFlight if !self.flights.is_empty() => self.in_turn(asked, Kind::Behind, None),
            Standing::InFlight | Standing::Perhaps if !asked.is_new => self.look_up_id(asked),
            _ => return self.decide_new(asked),
        }
        None
    }

    /// Waits behind what is on its way.
    fn in_turn(&mut self, asked: Asked, kind: Kind, answer: Option<Outcome>) {
        let head = self.core.head();
        let flight = Flight { asked, events: Vec::new(), answer, kind };
        self.flights.push(flight, async move { (Appended::Ok(head), None) });
    }

    /// The same for one whose answer is known.
    pub(super) fn answer_in_turn(&mut self, asked: Asked, answer: Outcome) {
        self.in_turn(asked, Kind::Turn, Some(answer));
    }

    /// Asks the journal, or its mirror while that is out of reach, what it has under a command's id.
    pub(super) fn look_up_id(&mut self, asked: Asked) {
        let (head, found) = (self.core.head(), self.readable().find(asked.id));
        self.core.looks_up(asked.id, true);
        let flight = Flight { asked, events: Vec::new(), answer: None, kind: Kind::LookUp };
        self.flights.push(flight, async move { (Appended::Ok(head), Some(found.await)) });
    }

    fn decide_new(&mut self, asked: Asked) -> Option<Outcome> {
        let (who, command) = ((&asked.actor, &asked.groups), (&asked.command, asked.fingerprint.as_ref()));
        match self.core.submit(who, asked.id, command, &asked.when()) {
            Submitted::Refused(refusal) => Some(Outcome::Refused(refusal)),
            Submitted::Nothing => {
                let outcome = ok(&[]);
                if self.flights.is_empty() {
                    return Some(outcome);
                }
                // What it would repeat may be in flight, so its answer waits its turn.
                self.answer_in_turn(asked, outcome);
                None
            }
            Submitted::Append { expected, records, events } => {
                let append = self.journal.append(expected, records);
                let flight = Flight { asked, events, answer: None, kind: Kind::Append };
                self.flights.push(flight, append.map(|appended| (appended, None)));
                self.look_at_waits();
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
        if flight.kind == Kind::LookUp {
            self.core.looks_up(flight.asked.id, false);
        }
        if let Some(mending) = &mut self.mending {
            mending.add(flight, appended);
            self.mend_on();
            return;
        }
        if let Some(answer) = flight.answer {
            self.answer(flight.asked.waiting, answer);
            return;
        }
        if flight.kind != Kind::Append {
            let mut asked = flight.asked;
            asked.is_new = flight.kind == Kind::LookUp;
            let waiting = asked.waiting;
            if let Some(outcome) = self.decide(asked) {
                self.answer(waiting, outcome);
            }
            return;
        }
        if matches!(appended, Appended::Ok(_)) {
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
        if let Some(gap) = self.spool.as_mut().and_then(|spool| spool.gap.as_mut()) {
            gap.found(events);
        }
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
        self.writing.takes(state == JournalState::Writable);
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
