//! The room's loop: signals first, then the journal's answers, then people, then the rest.

use super::{
    conn::{self, ConnId, FromConn},
    core::{self, Core, Submitted},
    gatekeeper::Gatekeeper,
    hands::Hands,
    outbox::Outbox,
    recording,
    sources::Sources,
    watch::Watch,
};
use crate::{
    domain::{
        Command, CommandId, Event, Refusal, State,
        actor::Actor,
        gate::{self, Answer},
        next_deadline,
        policy::{Policy, Power},
        refusal::Code,
        room::RoomFact,
        state::FOLD,
        time::{Span, Stamp, Wall},
        walk::WalkCommand,
    },
    evidence::{blob::Blobs, redact::Redactor},
    journal::{Appended, Head, Journal, Trouble, read_all},
    os::clock,
    signal::Reading,
    transport::listen::Listening,
    wire::{
        As, Ask, Finished, FromRoom, HandSays, JournalState, Outcome, Presence, RoomStatus, Steer, StepRef,
        ToRoom, Told, WIRE, encode,
    },
};
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream::FuturesOrdered};
use std::{
    collections::BTreeMap,
    sync::{Arc, RwLock},
};
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

/// Frames from clients that wait for the room at most; a client beyond waits itself.
const INBOX: usize = 1_024;
/// Events that one question is answered with at most.
const PAGE: usize = 2_000;
/// Connections of one user at most.
const CONNS_MAX: usize = 256;
/// Live changes are published at most this often.
const LIVE_EVERY: Span = Span::millis(100);
/// What is not moved by anything else is looked at this often: hands, silent sources, the journal's recovery.
const LOOK_EVERY: Span = Span::secs(2);

/// How a room is opened.
pub struct Options {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Where evidence is kept.
    pub blobs: Arc<Blobs>,
    /// What is taken out before anything is kept.
    pub redactor: Redactor,
    /// Policy from configuration.
    pub policy: Policy,
    /// The one user who may connect; `None` for all that the socket lets in.
    pub owner: Option<u32>,
    /// Where the gate listens, for the status.
    pub gate: Option<String>,
    /// A drill: its scenario and its pace.
    pub drill: Option<(String, f64)>,
}

/// A room cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum RoomError {
    /// Its journal.
    #[error("the journal cannot be used: {0}")]
    Journal(#[from] Trouble),
    /// The journal cannot be written.
    #[error("the journal cannot be written: {0}")]
    Unwritable(String),
}

/// What other tasks of the room's process read and send.
#[derive(Clone)]
pub struct Shared {
    /// The durable fold.
    pub state: Arc<RwLock<State>>,
    /// Whether the journal takes events.
    pub writable: watch::Receiver<bool>,
    /// What the gate answered over HTTP, for the journal. Full: the count is kept by the sender.
    pub asked: mpsc::Sender<(Actor, gate::Request, Answer)>,
    /// Tells the room to stop, and why.
    pub stop: mpsc::Sender<String>,
}

/// The receiving ends of everything that is sent to a room.
pub struct Inbox {
    frames: mpsc::Receiver<(ConnId, FromConn)>,
    readings: mpsc::Receiver<Reading>,
    asked: mpsc::Receiver<(Actor, gate::Request, Answer)>,
    stop: mpsc::Receiver<String>,
}

struct Seat {
    who: Actor,
    role: As,
    live: bool,
    since: Wall,
    outbox: Arc<Outbox>,
}

enum Waiting {
    Conn(ConnId, CommandId),
    Nobody,
}

struct Flight {
    events: Vec<Event>,
    waiting: Waiting,
}

/// A room.
pub struct Room {
    core: Core,
    journal: Arc<dyn Journal>,
    blobs: Arc<Blobs>,
    flights: FuturesOrdered<BoxFuture<'static, (Flight, Appended)>>,
    seats: BTreeMap<ConnId, Seat>,
    watch: Watch,
    sources: Sources,
    hands: Hands,
    gate: Gatekeeper,
    journal_state: JournalState,
    writable: watch::Sender<bool>,
    told: mpsc::UnboundedSender<(ConnId, u64, Told)>,
    answers: mpsc::UnboundedReceiver<(ConnId, u64, Told)>,
    later: mpsc::UnboundedSender<Command>,
    owed: mpsc::UnboundedReceiver<Command>,
    room: Actor,
    since: Wall,
    owner: Option<u32>,
    gate_at: Option<String>,
    recorded: Option<Stamp>,
    stopping: Option<String>,
    frames: mpsc::Sender<(ConnId, FromConn)>,
}

impl Room {
    /// Reads the journal to its end and opens the room on it.
    ///
    /// # Errors
    /// [`RoomError`] where the journal cannot be read, does not fit, or takes no event.
    pub async fn open(options: Options) -> Result<(Self, Shared, Inbox), RoomError> {
        let mut state = State::default();
        read_all(options.journal.as_ref(), Head::EMPTY, |event| state.apply(&event)).await?;
        let host = crate::os::host_name();
        let core = Core::new(state, format!("{host}-{}", std::process::id()), options.redactor);
        let (frames, frames_in) = mpsc::channel(INBOX);
        let (readings, readings_in) = mpsc::channel(INBOX);
        let (asked, asked_in) = mpsc::channel(INBOX);
        let (stop, stop_in) = mpsc::channel(4);
        let (writable, writable_seen) = watch::channel(true);
        let (told, answers) = mpsc::unbounded_channel();
        let (later, owed) = mpsc::unbounded_channel();
        let shared = Shared { state: core.durable(), writable: writable_seen, asked, stop };
        let base = std::env::current_dir().unwrap_or_default();
        let mut room = Self {
            core,
            journal: options.journal,
            blobs: options.blobs,
            flights: FuturesOrdered::new(),
            seats: BTreeMap::new(),
            watch: Watch::default(),
            sources: Sources::new(readings, base),
            hands: Hands::default(),
            gate: Gatekeeper::default(),
            journal_state: JournalState::Writable,
            writable,
            told,
            answers,
            later,
            owed,
            room: Actor::room(),
            since: clock::now().wall,
            owner: options.owner,
            gate_at: options.gate,
            recorded: None,
            stopping: None,
            frames,
        };
        let private = room.owner.is_some();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        room.own(Command::Room(RoomFact::Opened { version, host, private }));
        room.own(Command::Policy(Box::new(options.policy)));
        match options.drill {
            Some((scenario, pace)) => room.own(Command::Room(RoomFact::DrillBegan { scenario, pace })),
            None if room.core.decided().room.drill.is_some() => room.own(Command::Room(RoomFact::DrillEnded)),
            None => {}
        }
        while let Some((flight, appended)) = room.flights.next().await {
            room.landed(flight, appended).await;
        }
        if let JournalState::ReadOnly { why, .. } = &room.journal_state {
            return Err(RoomError::Unwritable(why.clone()));
        }
        let inbox = Inbox { frames: frames_in, readings: readings_in, asked: asked_in, stop: stop_in };
        Ok((room, shared, inbox))
    }

    /// The sources, to start some.
    pub fn watch_source(&mut self, spec: crate::source::Spec) {
        let panels = match &spec {
            crate::source::Spec::Prometheus { panels, .. } | crate::source::Spec::Scrape { panels, .. } => {
                panels.clone()
            }
            _ => Vec::new(),
        };
        let id = spec.id().clone();
        let view = self.sources.start(spec);
        self.watch.source(view);
        if !panels.is_empty() {
            self.watch.panels(&id, panels);
        }
    }

    /// Serves until it is told to stop; says why.
    pub async fn serve(mut self, listening: Listening, mut inbox: Inbox) -> String {
        let mut next_conn: ConnId = 0;
        let mut look = tokio::time::interval(LOOK_EVERY.std());
        let mut publish = tokio::time::interval(LIVE_EVERY.std());
        publish.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            if let Some(why) = self.stopping.take() {
                return self.close(why, inbox).await;
            }
            let now = clock::now();
            let deadline = self.deadline(&now);
            tokio::select! {
                biased;
                Some(why) = inbox.stop.recv() => self.stopping = Some(why),
                Some((flight, appended)) = self.flights.next(), if !self.flights.is_empty() => {
                    self.landed(flight, appended).await;
                }
                Some((id, from)) = inbox.frames.recv() => self.hear(id, from),
                Some((conn, n, told)) = self.answers.recv() => self.tell(conn, n, told),
                Some(command) = self.owed.recv() => self.own(command),
                accepted = listening.listener.accept() => if let Ok((stream, _)) = accepted {
                    next_conn += 1;
                    tokio::spawn(conn::serve(next_conn, stream, self.frames.clone(), self.owner));
                },
                Some((actor, request, answer)) = inbox.asked.recv() => {
                    self.gate_answered(&actor, &request, &answer, &now);
                }
                Some(reading) = inbox.readings.recv() => self.read(reading),
                () = tokio::time::sleep(deadline.std()) => {
                    self.own(Command::Tick);
                    self.flush_gate(&clock::now(), false);
                }
                _ = publish.tick(), if !self.seats.is_empty() => self.publish_live(),
                _ = look.tick() => self.look().await,
            }
        }
    }

    fn deadline(&self, now: &Stamp) -> Span {
        let rules = next_deadline(self.core.decided(), now).map(|at| at.until(now));
        let gate = self.gate.wait(now);
        // While a decision is in flight the fold may still say that it is due.
        let least = if self.flights.is_empty() { Span::millis(5) } else { Span::millis(50) };
        rules.into_iter().chain(gate).min().unwrap_or(Span::hours(1)).max(least)
    }

    /// The room's own command.
    fn own(&mut self, command: Command) {
        let actor = self.room.clone();
        let done = self.submit(&actor, CommandId(Uuid::now_v7()), &command, Waiting::Nobody);
        if let Some(Outcome::Refused(refusal)) = done {
            tracing::warn!(%refusal, ?command, "the room's own command was refused");
        }
    }

    /// Decides a command. Gives its outcome where that is known at once; otherwise it is answered when durable.
    fn submit(
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

    /// An append was answered.
    async fn landed(&mut self, flight: Flight, appended: Appended) {
        let why = match appended {
            Appended::Ok(_) => {
                self.durable(flight);
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
                    self.durable(flight);
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
                self.durable(later);
            } else {
                self.answer(later.waiting, Outcome::Failed { why: format!("{why}: nothing was recorded") });
            }
        }
        self.core.forget();
        self.set_journal(JournalState::ReadOnly { why, since: clock::now().wall });
    }

    fn durable(&mut self, flight: Flight) {
        self.core.confirm(&flight.events);
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

    fn set_journal(&mut self, state: JournalState) {
        self.writable.send_replace(state == JournalState::Writable);
        if self.journal_state != state {
            self.journal_state = state;
            self.publish_status();
        }
    }

    fn answer(&mut self, waiting: Waiting, outcome: Outcome) {
        if let Waiting::Conn(conn, id) = waiting
            && let Some(seat) = self.seats.get(&conn)
        {
            seat.outbox.reply(encode(&FromRoom::Done { id, outcome }));
        }
    }

    /// To every live client: encoded once.
    fn publish(&self, frame: &FromRoom) {
        let mut seats = self.seats.values().filter(|seat| seat.live).peekable();
        if seats.peek().is_none() {
            return;
        }
        let bytes: Arc<[u8]> = encode(frame).into();
        for seat in seats {
            seat.outbox.publish(&bytes);
        }
    }

    fn publish_live(&mut self) {
        if let Some(delta) = self.watch.take_delta() {
            self.publish(&FromRoom::Delta(Box::new(delta)));
        }
    }

    fn publish_status(&self) {
        self.publish(&FromRoom::Room(self.status()));
    }

    fn status(&self) -> RoomStatus {
        let (head, hash, drill, host) = self
            .core
            .read(|state| (state.head, state.hash, state.room.drill.clone(), state.room.host.clone()));
        RoomStatus {
            version: env!("CARGO_PKG_VERSION").into(),
            host,
            private: self.owner.is_some(),
            drill,
            place: self.journal.place(),
            journal: self.journal_state.clone(),
            head,
            hash,
            here: self
                .seats
                .values()
                .map(|seat| Presence { who: seat.who.clone(), role: seat.role, since: seat.since })
                .collect(),
            gate: self.gate_at.clone(),
            since: self.since,
        }
    }

    fn hear(&mut self, id: ConnId, from: FromConn) {
        match from {
            FromConn::Joined { uid, name, hello, outbox } => self.join(id, uid, name, hello, outbox),
            FromConn::Says(frame) => self.frame(id, frame),
            FromConn::Behind => self.send_snapshot(id),
            FromConn::Left => {
                self.hands.left(id);
                if self.seats.remove(&id).is_some_and(|seat| seat.role != As::Script) {
                    self.publish_status();
                }
            }
        }
    }

    fn join(&mut self, id: ConnId, uid: u32, name: String, hello: ToRoom, outbox: Arc<Outbox>) {
        let ToRoom::Hello { wire, fold, role, live, claimed } = hello else { return };
        let refuse = |why, say: String| {
            outbox.reply(encode(&FromRoom::Bye { why, say }));
            outbox.close();
        };
        if wire != WIRE {
            let newer = if wire < WIRE {
                "the room is newer: restart this program"
            } else {
                "the room is older: restart the room"
            };
            refuse(Finished::OtherWire, format!("this room speaks wire {WIRE}, you speak {wire}; {newer}"));
            return;
        }
        if self.seats.values().filter(|seat| seat.who.uid == Some(uid)).count() >= CONNS_MAX {
            refuse(Finished::TooMany, format!("{name} has {CONNS_MAX} connections already; close some"));
            return;
        }
        let claimed = claimed.map(|claim| crate::domain::text::line(&claim).chars().take(200).collect());
        let who = Actor { claimed, ..Actor::user(name, uid) };
        let seat = Seat { who: who.clone(), role, live, since: clock::now().wall, outbox };
        seat.outbox.reply(encode(&FromRoom::Hello { wire: WIRE, fold: FOLD, you: who, room: self.status() }));
        self.seats.insert(id, seat);
        if live {
            if fold == FOLD {
                self.send_snapshot(id);
            } else if let Some(seat) = self.seats.get(&id) {
                seat.outbox.reply(encode(&FromRoom::Live(Box::new(self.watch.live().clone()))));
            }
        }
        if role != As::Script {
            self.publish_status();
        }
    }

    fn send_snapshot(&mut self, id: ConnId) {
        self.publish_live();
        let Some(seat) = self.seats.get(&id) else { return };
        let state = Box::new(self.core.read(State::clone));
        let live = Box::new(self.watch.live().clone());
        seat.outbox.snapshot(encode(&FromRoom::Snapshot { state, live }));
        for (at, says) in self.hands.shown() {
            seat.outbox.reply(encode(&FromRoom::Hand { at: at.clone(), says: says.clone() }));
        }
    }

    fn frame(&mut self, id: ConnId, frame: ToRoom) {
        let Some(seat) = self.seats.get(&id) else { return };
        let who = seat.who.clone();
        match frame {
            ToRoom::Hello { .. } => {}
            ToRoom::Do { id: command_id, command } => {
                if let Command::Walk(WalkCommand::Attach { walk, step, .. }) = &command {
                    self.hands.at(&StepRef { walk: *walk, step: step.clone() }, id);
                }
                let outcome = self.submit(&who, command_id, &command, Waiting::Conn(id, command_id));
                if let Some(outcome) = outcome {
                    self.answer(Waiting::Conn(id, command_id), outcome);
                }
            }
            ToRoom::Ask { n, ask } => self.ask(id, &who, n, ask),
            ToRoom::Hand { at, hand, says } => self.hand_says(id, &who, at, hand, says),
            ToRoom::Steer { at, steer } => self.steer(id, &who, &at, steer),
        }
    }

    fn lease(&self, at: &StepRef) -> Option<crate::domain::walk::Lease> {
        self.core.read(|state| state.walks.get(&at.walk).and_then(|walk| walk.state(&at.step).lease))
    }

    fn hand_says(&mut self, id: ConnId, who: &Actor, at: StepRef, hand: Uuid, says: HandSays) {
        let own = self.lease(&at).is_some_and(|lease| lease.hand == hand && lease.owner.same(who));
        if !own && says != HandSays::Over {
            return;
        }
        let says = match says {
            HandSays::Printed { text } => {
                HandSays::Printed { text: crate::domain::text::block(&self.core.clean(&text)).into_owned() }
            }
            HandSays::Screen { cols, rows, cursor } => HandSays::Screen {
                cols,
                rows: rows.iter().map(|row| crate::domain::text::line(row).into_owned()).collect(),
                cursor,
            },
            other => other,
        };
        self.hands.at(&at, id);
        self.hands.keep(&at, &says);
        self.publish(&FromRoom::Hand { at, says });
    }

    fn steer(&mut self, id: ConnId, who: &Actor, at: &StepRef, steer: Steer) {
        let may = self.lease(at).is_some_and(|lease| match steer {
            Steer::Keys(_) | Steer::Resize { .. } => lease.owner.same(who),
            Steer::Cancel | Steer::Extend(_) => self.core.read(|state| state.policy.may(who, Power::Respond)),
        });
        let hand = self.hands.conn(at).filter(|conn| *conn != id).and_then(|conn| self.seats.get(&conn));
        if let (true, Some(hand)) = (may, hand) {
            hand.outbox.reply(encode(&FromRoom::Steer(steer)));
        }
    }

    fn ask(&mut self, id: ConnId, who: &Actor, n: u64, ask: Ask) {
        let told = match ask {
            Ask::Gate(request) => {
                let request = match request.checked() {
                    Ok(request) => request,
                    Err(refusal) => return self.tell(id, n, Told::No(refusal)),
                };
                let now = clock::now();
                let answer = self.gate_answer(&request, &now);
                self.gate_answered(who, &request, &answer, &now);
                Told::Gate(answer)
            }
            Ask::State => Told::State(Box::new(self.core.read(State::clone))),
            Ask::Status => Told::Status(self.status()),
            Ask::Events { from, limit, incident } => {
                let (journal, told) = (self.journal.clone(), self.told.clone());
                tokio::spawn(async move {
                    let events = page(journal.as_ref(), from, limit, incident).await;
                    drop(told.send((id, n, events)));
                });
                return;
            }
            Ask::Check { lang, code } => {
                let (sources, told) = (self.sources.clone(), self.told.clone());
                tokio::spawn(async move {
                    let answer = sources.check(&lang, &code).await;
                    drop(told.send((id, n, Told::Check(answer))));
                });
                return;
            }
            Ask::Keep { text } => {
                let (blobs, told, text) = (self.blobs.clone(), self.told.clone(), self.core.clean(&text));
                tokio::task::spawn_blocking(move || {
                    let kept = match blobs.put(text.as_bytes()) {
                        Ok(digest) => Told::Kept(digest),
                        Err(error) => {
                            Told::No(Refusal::new(Code::Conflict, format!("it cannot be kept: {error}")))
                        }
                    };
                    drop(told.send((id, n, kept)));
                });
                return;
            }
            Ask::Evidence(digest) => {
                let (blobs, told) = (self.blobs.clone(), self.told.clone());
                tokio::task::spawn_blocking(move || {
                    let found = match blobs.get(&digest) {
                        Ok(bytes) => Told::Evidence(crate::domain::text::bytes(&bytes)),
                        Err(error) => Told::No(Refusal::new(Code::Unknown, error.to_string())),
                    };
                    drop(told.send((id, n, found)));
                });
                return;
            }
            Ask::Stop => {
                let own = who.uid.is_some_and(|uid| uid == 0 || uid == crate::os::peer::my_uid());
                if own {
                    self.stopping = Some(format!("{who} asked it to"));
                    Told::Yes
                } else {
                    Told::No(Refusal::new(Code::Forbidden, "only its owner stops a room"))
                }
            }
        };
        self.tell(id, n, told);
    }

    fn tell(&self, conn: ConnId, n: u64, told: Told) {
        if let Some(seat) = self.seats.get(&conn) {
            seat.outbox.reply(encode(&FromRoom::Told { n, told }));
        }
    }

    fn gate_answer(&self, request: &gate::Request, now: &Stamp) -> Answer {
        let answer = self.core.read(|state| gate::answer(state, request, now));
        gate::when_writable(answer, self.journal_state == JournalState::Writable)
    }

    fn gate_answered(&mut self, who: &Actor, request: &gate::Request, answer: &Answer, now: &Stamp) {
        if let Some(command) = self.gate.answered(who, request, answer, now) {
            self.gate_command(who, command);
        }
    }

    fn gate_command(&mut self, who: &Actor, command: Command) {
        drop(self.submit(who, CommandId(Uuid::now_v7()), &command, Waiting::Nobody));
    }

    fn flush_gate(&mut self, now: &Stamp, all: bool) {
        for (who, command) in self.gate.due(now, all) {
            self.gate_command(&who, command);
        }
    }

    fn read(&mut self, reading: Reading) {
        for command in self.watch.reading(reading, self.core.decided()) {
            self.own(command);
        }
    }

    async fn look(&mut self) {
        let now = clock::now();
        let lost = self.core.read(|state| self.hands.lost(state, &now));
        for command in lost {
            self.own(command);
        }
        for command in self.watch.stale(now.wall, self.core.decided()) {
            self.own(command);
        }
        let durable = self.core.durable();
        if let Ok(state) = durable.read() {
            self.hands.prune(&state);
        }
        if let JournalState::ReadOnly { why, since } = &self.journal_state {
            let (why, lasted) = (why.clone(), Span::between(*since, now.wall));
            self.own(Command::Room(RoomFact::Resumed { why, lasted }));
        }
        let due = self.recorded.as_ref().is_none_or(|at| at.elapsed(&now) >= recording::EVERY);
        if due && self.core.decided().open_incident().is_some() {
            self.record();
        }
    }

    /// Keeps what the screen shows as evidence, while an incident is open.
    fn record(&mut self) {
        let now = clock::now();
        self.recorded = Some(now.clone());
        let Some(incident) = self.core.decided().shown_incident().map(|incident| incident.id) else { return };
        if self.watch.live().is_blind() {
            return;
        }
        let text = self.core.clean(&recording::make(self.watch.live(), &now));
        let (blobs, later) = (self.blobs.clone(), self.later.clone());
        let points = recording::points(self.watch.live());
        tokio::task::spawn_blocking(move || match blobs.put(text.as_bytes()) {
            Ok(digest) => drop(later.send(recording::pin(incident, digest, points))),
            Err(error) => tracing::warn!(%error, "a recording was not kept"),
        });
    }

    async fn close(mut self, why: String, mut inbox: Inbox) -> String {
        let now = clock::now();
        while let Ok((actor, request, answer)) = inbox.asked.try_recv() {
            self.gate_answered(&actor, &request, &answer, &now);
        }
        self.flush_gate(&now, true);
        self.own(Command::Room(RoomFact::Closed { why: why.clone() }));
        while let Some((flight, appended)) = self.flights.next().await {
            self.landed(flight, appended).await;
        }
        for seat in self.seats.values() {
            let say = format!("the room stops: {why}");
            seat.outbox.reply(encode(&FromRoom::Bye { why: Finished::Stopping, say }));
            seat.outbox.close();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        why
    }
}

/// One page of events, of one incident or of all.
async fn page(
    journal: &dyn Journal,
    from: u64,
    limit: usize,
    incident: Option<crate::domain::id::IncidentId>,
) -> Told {
    let limit = limit.clamp(1, PAGE);
    let records = match journal.read(from, limit).await {
        Ok(records) => records,
        Err(trouble) => return Told::No(Refusal::new(Code::Conflict, trouble.to_string())),
    };
    let next = (records.len() == limit).then(|| records.last().map(|record| record.seq + 1)).flatten();
    let events = records
        .iter()
        .filter(|record| incident.is_none() || record.stream == incident)
        .filter_map(|record| crate::journal::chain::open(record).ok())
        .collect();
    Told::Events { events, next }
}
