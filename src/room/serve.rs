//! The room's loop: signals first, then the journal's answers, then people, then the rest.

use super::{
    budget::{self, Budgets, Large},
    conn::{self, ConnId, FromConn, Strangers},
    core::{Core, Seen},
    erase::{self, Unfinished},
    flight::Flights,
    gap::{Spooled, spooled},
    gatekeeper::Gatekeeper,
    hands::Hands,
    mend::{Mending, Page},
    offline::{RECENT, Spooling, written},
    others::Others,
    outbox::Outbox,
    pace::Pace,
    presence::Moved,
    readiness,
    sources::Sources,
    watch::Watch,
};
use crate::{
    domain::{
        Command, CommandId, Event, Seq, State,
        actor::Actor,
        gate::{self, Answer},
        id::Digest,
        next_deadline,
        policy::Policy,
        power::Groups,
        room::RoomFact,
        time::{Span, Stamp, Wall},
    },
    evidence::{blob::Blobs, redact::Redactor},
    journal::{Head, Journal, Trouble, chain, mirror::Found, read_all, spool::Opened},
    os::clock,
    signal::{Reading, Shows},
    source::Spec,
    transport::listen::Listening,
    wire::{
        Anchored, As, Finished, FromRoom, Here, JournalState, Point, SEATS, Silent, SinkView, Told, Wanted,
        encode,
    },
};
use futures::FutureExt as _;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, RwLock},
};
use tokio::sync::{Semaphore, mpsc, watch};

/// Frames from clients that wait for the room at most; a client beyond waits itself.
const INBOX: usize = 1_024;
/// Live changes are published at most this often.
const LIVE_EVERY: Span = Span::millis(100);
/// Between two looks at what is due.
const TICKS_APART: std::time::Duration = std::time::Duration::from_millis(20);
/// Appends in flight at most; people wait beyond, so that a slow disk is not answered with memory.
const IN_FLIGHT: usize = 1_024;
/// Frames of clients that are heard in one turn of the loop at most, so that they share a sync of the disk.
const TOGETHER: usize = 64;
/// After the system refused a connection, as when descriptors run out, the next is tried after this long.
const ACCEPT_AGAIN: std::time::Duration = std::time::Duration::from_millis(200);
/// What is not moved by anything else is looked at this often: hands, silent sources, the journal's recovery.
const LOOK_EVERY: Span = Span::secs(2);

/// How a room is opened.
pub struct Options {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// Where a room that shares its journal keeps what people do while that is out of reach; `None`: nowhere.
    pub spool: Option<Spools>,
    /// How the journal was found, where the room keeps a mirror of it.
    pub found: Found,
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

/// Makes sources of what is asked for by its address, or says in words why not. Given by whoever reads configuration.
pub type Opener = Box<dyn Fn(&Wanted) -> Result<Vec<Spec>, String> + Send>;

/// Opens the spool for the journal whose first event has this hash.
pub type Spools = Box<dyn FnOnce(Digest) -> Result<Opened, Trouble> + Send>;

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
    /// The newest event of the durable fold.
    pub durable: watch::Receiver<Seq>,
    /// Commands of the room itself, from its own tasks.
    pub own: mpsc::UnboundedSender<Command>,
    /// The room's name in the envelopes of its events.
    pub name: String,
}

/// The receiving ends of everything that is sent to a room.
pub struct Inbox {
    frames: mpsc::Receiver<(ConnId, FromConn)>,
    readings: mpsc::Receiver<Reading>,
    asked: mpsc::Receiver<(Actor, gate::Request, Answer)>,
    stop: mpsc::Receiver<String>,
}

pub(super) struct Seat {
    pub(super) who: Actor,
    pub(super) groups: Groups,
    pub(super) role: As,
    pub(super) live: bool,
    pub(super) fold: u32,
    pub(super) shows: Arc<Shows>,
    pub(super) since: Wall,
    pub(super) outbox: Arc<Outbox>,
    pub(super) read_only: bool,
    pub(super) here: Option<Here>,
    pub(super) active: Option<Wall>,
}

/// Who is told what became of a command.
#[derive(Clone, Copy)]
pub(super) enum Waiting {
    Conn(ConnId, CommandId),
    Nobody,
    /// What was kept under this name while the journal was out of reach.
    Spool(CommandId),
}

/// A room.
pub struct Room {
    pub(super) core: Core,
    pub(super) journal: Arc<dyn Journal>,
    pub(super) blobs: Arc<Blobs>,
    pub(super) flights: Flights,
    /// The newest events of the journal, to be told when it is out of reach.
    pub(super) recent: VecDeque<Event>,
    /// What it keeps while the journal is out of reach.
    pub(super) spool: Option<Spooling>,
    /// Why it can keep nothing.
    pub(super) no_spool: Option<String>,
    pub(super) seats: BTreeMap<ConnId, Seat>,
    /// Frames for all that were published and not sent yet.
    pub(super) turn: Vec<u8>,
    /// Answers that go out behind them.
    pub(super) replies: Vec<(ConnId, Vec<u8>)>,
    /// When they do.
    pub(super) pace: Pace,
    /// What the frame that is heard now holds, where it is a long one; taken by what goes on with it.
    pub(super) large: Option<Large>,
    /// For answers that are looked up on disk.
    pub(super) lookups: Arc<Semaphore>,
    /// How the room is has changed, and the seats are to be told.
    pub(super) status_due: bool,
    /// Snapshots as they are now, by whether the fold is the same and what is shown.
    pub(super) snapshots: BTreeMap<(bool, Arc<Shows>), Arc<[u8]>>,
    pub(super) moved: Moved,
    pub(super) point: Option<Point>,
    /// An append failed, and the journal is read on.
    pub(super) mending: Option<Mending>,
    /// What others appended is being read.
    pub(super) following: Option<Page>,
    /// Not before this the journal is read on.
    pub(super) follow_at: tokio::time::Instant,
    /// The newest event that anybody is known to have appended.
    pub(super) ahead: watch::Receiver<Seq>,
    /// Since when the journal has said nothing to what is on its way.
    pub(super) waits: Option<tokio::time::Instant>,
    /// The other rooms on this journal, where there can be any.
    pub(super) others: Option<Others>,
    /// Why the journal is out of reach.
    pub(super) unreachable: Option<String>,
    pub(super) host: String,
    pub(super) watch: Watch,
    pub(super) sources: Sources,
    pub(super) hands: Hands,
    pub(super) gate: Gatekeeper,
    pub(super) journal_state: JournalState,
    pub(super) writable: watch::Sender<bool>,
    pub(super) newest: watch::Sender<Seq>,
    pub(super) outward: Option<watch::Receiver<Vec<SinkView>>>,
    pub(super) anchored: Option<watch::Receiver<Option<Anchored>>>,
    pub(super) silent: Option<watch::Receiver<Vec<Silent>>>,
    pub(super) ssh: Option<String>,
    pub(super) told: mpsc::UnboundedSender<(ConnId, u64, Told)>,
    pub(super) answers: mpsc::UnboundedReceiver<(ConnId, u64, Told)>,
    pub(super) later: mpsc::UnboundedSender<Command>,
    pub(super) owed: mpsc::UnboundedReceiver<Command>,
    pub(super) own_name: Actor,
    pub(super) since: Wall,
    pub(super) owner: Option<u32>,
    pub(super) gate_at: Option<String>,
    pub(super) recorded: Option<Stamp>,
    pub(super) stopping: Option<String>,
    /// Why this room may write no more: another has its journal.
    pub(super) fenced: Option<String>,
    pub(super) opener: Opener,
    pub(super) frames: mpsc::Sender<(ConnId, FromConn)>,
    /// What readiness checks are asked, as configured: the journal's copy is redacted.
    pub(super) asks: Policy,
    readings: mpsc::Sender<Reading>,
}

impl Room {
    /// From now on takes sources while it runs.
    pub fn opens_sources_with(&mut self, opener: Opener) {
        self.opener = opener;
    }

    /// Reads the journal to its end and opens the room on it. Where it is out of reach the mirror is read, and the room is
    /// opened when it is back.
    ///
    /// # Errors
    /// [`RoomError`] where the journal cannot be read, does not fit, or takes no event.
    pub async fn open(options: Options) -> Result<(Self, Shared, Inbox), RoomError> {
        let mut state = State::default();
        let mut seen = Seen::default();
        let mut unfinished = Unfinished::default();
        let (mut first, mut recent) = (None, VecDeque::new());
        let keeps = options.spool.is_some();
        let mirror = options.journal.mirror().filter(|_| matches!(options.found, Found::Away(_)));
        let source = mirror.as_ref().unwrap_or(&options.journal);
        read_all(source.as_ref(), Head::EMPTY, |event| {
            first.get_or_insert(event.hash);
            if keeps {
                if recent.len() >= RECENT {
                    recent.pop_front();
                }
                recent.push_back(event.clone());
            }
            state.apply(&event);
            seen.add(event.command);
            unfinished.note(&event);
        })
        .await?;
        for going in unfinished.left().filter(|_| mirror.is_none()) {
            erase::go(options.journal.clone(), options.blobs.clone(), going).await;
        }
        let host = crate::os::host_name();
        // The end tells two rooms of one process, and of one process id, apart.
        let name = format!("{host}-{}-{:08x}", std::process::id(), uuid::Uuid::new_v4().as_fields().0);
        let others = options.journal.meet(&name).map(Others::new);
        let core = Core::new(state, seen, name, options.redactor);
        let (frames, frames_in) = mpsc::channel(INBOX);
        let (readings, readings_in) = mpsc::channel(INBOX);
        let (asked, asked_in) = mpsc::channel(INBOX);
        let (stop, stop_in) = mpsc::channel(4);
        let (writable, writable_seen) = watch::channel(true);
        let (told, answers) = mpsc::unbounded_channel();
        let (later, owed) = mpsc::unbounded_channel();
        let (newest, durable) = watch::channel(core.decided().head);
        let shared = Shared {
            state: core.durable(),
            writable: writable_seen,
            asked,
            stop,
            durable,
            own: later.clone(),
            name: core.name().to_owned(),
        };
        let ahead = options.journal.watch();
        let base = std::env::current_dir().unwrap_or_default();
        let mut room = Self {
            core,
            journal: options.journal,
            blobs: options.blobs,
            flights: Flights::default(),
            recent,
            spool: None,
            no_spool: None,
            seats: BTreeMap::new(),
            turn: Vec::new(),
            replies: Vec::new(),
            pace: Pace::new(tokio::time::Instant::now()),
            snapshots: BTreeMap::new(),
            status_due: false,
            large: None,
            lookups: Arc::new(Semaphore::new(budget::LOOKUPS)),
            moved: Moved::default(),
            point: None,
            mending: None,
            following: None,
            follow_at: tokio::time::Instant::now(),
            ahead,
            waits: None,
            others,
            unreachable: None,
            host,
            watch: Watch::default(),
            sources: Sources::new(readings.clone(), base),
            hands: Hands::default(),
            gate: Gatekeeper::default(),
            journal_state: JournalState::Writable,
            writable,
            newest,
            outward: None,
            anchored: None,
            silent: None,
            ssh: None,
            told,
            answers,
            later,
            owed,
            own_name: Actor::room(),
            since: clock::now().wall,
            owner: options.owner,
            gate_at: options.gate,
            recorded: None,
            stopping: None,
            fenced: None,
            opener: Box::new(|_| Err("this room takes no further sources".into())),
            frames,
            asks: options.policy.clone(),
            readings,
        };
        if let Found::Away(why) = &options.found {
            let open = options.spool.ok_or_else(|| RoomError::Unwritable(why.clone()))?;
            room.spool = Some(Spooling::new(open(first.unwrap_or(Digest::ZERO))?));
            room.start_away(why);
            let inbox = Inbox { frames: frames_in, readings: readings_in, asked: asked_in, stop: stop_in };
            return Ok((room, shared, inbox));
        }
        for command in room.opens_with() {
            room.own(&command);
        }
        match options.drill {
            Some((scenario, pace)) => room.own(&Command::Room(RoomFact::DrillBegan { scenario, pace })),
            None if room.core.decided().room.drill.is_some() => {
                room.own(&Command::Room(RoomFact::DrillEnded));
            }
            None => {}
        }
        room.settle().await;
        if let JournalState::ReadOnly { why, .. } = &room.journal_state {
            return Err(RoomError::Unwritable(why.clone()));
        }
        if let Some(open) = options.spool.filter(|_| room.others.is_some()) {
            let first = match first {
                Some(hash) => Some(hash),
                None => room.journal.read(1, 1).await?.first().map(|record| record.hash),
            };
            match open(first.unwrap_or(Digest::ZERO)) {
                Ok(opened) => {
                    room.spool = Some(Spooling::new(opened));
                    // What the opening itself has appended is read once, so that none is missing.
                    let from = room.recent.back().map_or(1, |last| last.seq.saturating_add(1));
                    let records = room.journal.read(from, RECENT).await?;
                    let events = records.iter().map(chain::open).collect::<Result<Vec<_>, _>>()?;
                    let head = room.core.durable_head().seq;
                    room.remember(&events.into_iter().filter(|one| one.seq <= head).collect::<Vec<_>>());
                    room.write_back_of_before(&options.found);
                }
                // The room is worth having without.
                Err(trouble) => {
                    tracing::error!(%trouble, "nothing can be kept while the journal is out of reach");
                    room.no_spool = Some(trouble.to_string());
                }
            }
        }
        let inbox = Inbox { frames: frames_in, readings: readings_in, asked: asked_in, stop: stop_in };
        Ok((room, shared, inbox))
    }

    /// Serves until it is told to stop; says why.
    pub async fn serve(mut self, listening: Listening, mut inbox: Inbox) -> String {
        // Seats of several rooms are told apart by their numbers, which every client can read exactly.
        let mut next_conn: ConnId = match &self.others {
            Some(_) => u64::from(uuid::Uuid::new_v4().as_fields().0 >> 2) * SEATS,
            None => 0,
        };
        let mut look = tokio::time::interval(LOOK_EVERY.std());
        let mut publish = tokio::time::interval(LIVE_EVERY.std());
        publish.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let guests = (Strangers::default(), Budgets::default());
        let mut accept_at = tokio::time::Instant::now();
        let mut ticked = None;
        let mut heard = false;
        // Dropped with the loop, or when another room has the duties, and the asking ends.
        let mut duties = None;
        loop {
            let spared = self.is_spared();
            if spared == duties.is_some() {
                duties = (!spared).then(|| readiness::start(&self.asks, &self.sources, &self.readings));
            }
            self.follow();
            self.release();
            if let Some(why) = self.stopping.take() {
                return self.close(why, inbox).await;
            }
            // What became durable together goes out together, and in a busy room what came soon after it.
            for _ in 0..IN_FLIGHT {
                let Some(Some((flight, appended))) = self.flights.next().now_or_never() else { break };
                self.landed(flight, &appended);
            }
            for _ in 0..IN_FLIGHT {
                let Some(said) = written(&mut self.spool).now_or_never() else { break };
                self.was_written(said);
            }
            let unsent = !self.flush_when_due();
            let now = clock::now();
            let due = self.deadline(&now, ticked, spared);
            // After people everybody else is asked once, so that no flood of frames keeps the door or the sources waiting.
            let others = std::mem::take(&mut heard);
            tokio::select! {
                biased;
                Some(why) = inbox.stop.recv() => self.stopping = Some(why),
                () = tokio::time::sleep_until(self.pace.due()), if unsent => {}
                Some((flight, appended)) = self.flights.next(), if !self.flights.is_empty() => {
                    self.landed(flight, &appended);
                }
                said = spooled(&mut self.spool) => match said {
                    Spooled::Written(said) => self.was_written(said),
                    Spooled::Anew(anew) => self.was_read_anew(anew),
                },
                read = page(&mut self.mending) => self.mended(read),
                read = awaited(&mut self.following) => self.followed(read),
                // Before people: however much they say, a lease ends when it ends.
                () = tokio::time::sleep_until(due) => {
                    ticked = Some(tokio::time::Instant::now());
                    self.own(&Command::Tick);
                    self.flush_gate(&clock::now(), false);
                }
                _ = publish.tick(), if !self.seats.is_empty() || self.has_to_say() => {
                    self.publish_live();
                    self.publish_here();
                    self.say_to_others();
                    // What nobody asked for since is not kept.
                    self.snapshots.clear();
                    if std::mem::take(&mut self.status_due) {
                        let status = self.status();
                        self.publish(&FromRoom::Room(status));
                    }
                }
                Some(heard) = Others::changed(&mut self.others) => self.heard_others(heard),
                Ok(()) = self.ahead.changed() => {}
                Some((id, from)) = inbox.frames.recv(), if !others && self.on_the_way() < IN_FLIGHT => {
                    heard = true;
                    self.hear(id, from);
                    for _ in 0..TOGETHER {
                        let Ok((id, from)) = inbox.frames.try_recv() else { break };
                        self.hear(id, from);
                    }
                }
                Some((conn, n, told)) = self.answers.recv() => self.tell(conn, n, told),
                Some(command) = self.owed.recv() => self.own(&command),
                accepted = accept(&listening, accept_at) => match accepted {
                    Ok(stream) => {
                        next_conn += 1;
                        let (frames, owner) = (self.frames.clone(), self.owner);
                        tokio::spawn(conn::serve(next_conn, stream, frames, owner, guests.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection was not accepted");
                        accept_at = tokio::time::Instant::now() + ACCEPT_AGAIN;
                    }
                },
                Some((actor, request, answer)) = inbox.asked.recv() => {
                    self.gate_answered(&actor, &request, &answer, &now);
                }
                Some(reading) = inbox.readings.recv() => self.read(reading),
                _ = look.tick() => self.look(),
                () = std::future::ready(()), if others => {}
            }
        }
    }

    fn on_the_way(&self) -> usize {
        self.flights.len()
            + self.mending.as_ref().map_or(0, Mending::waiting)
            + self.spool.as_ref().map_or(0, Spooling::on_the_way)
    }

    fn has_to_say(&self) -> bool {
        self.others.as_ref().is_some_and(|others| others.due)
    }

    /// When something is due, a while after the last time at the least: what cannot be written down stays due.
    fn deadline(
        &self,
        now: &Stamp,
        ticked: Option<tokio::time::Instant>,
        spared: bool,
    ) -> tokio::time::Instant {
        let rules = (!spared && !self.is_away()).then(|| next_deadline(self.core.decided(), now)).flatten();
        let rules = rules.map(|at| at.until(now));
        let wait = rules.into_iter().chain(self.gate.wait(now)).min().unwrap_or(Span::hours(1));
        let due = tokio::time::Instant::now() + wait.std();
        ticked.map_or(due, |ticked| due.max(ticked + TICKS_APART))
    }

    async fn close(mut self, why: String, mut inbox: Inbox) -> String {
        let now = clock::now();
        while let Ok((actor, request, answer)) = inbox.asked.try_recv() {
            self.gate_answered(&actor, &request, &answer, &now);
        }
        self.flush_gate(&now, true);
        self.own(&Command::Room(RoomFact::Closed { why: why.clone() }));
        self.settle().await;
        self.flush();
        for seat in self.seats.values() {
            let say = format!("the room stops: {why}");
            seat.outbox.reply(encode(&FromRoom::Bye { why: Finished::Stopping, say }));
            seat.outbox.close();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        why
    }
}

/// The page that is read while an append is mended; never, where none is.
async fn page(mending: &mut Option<Mending>) -> Result<Vec<Event>, Trouble> {
    match mending.as_mut().and_then(|mending| mending.page.as_mut()) {
        Some(page) => page.await,
        None => std::future::pending().await,
    }
}

async fn awaited(page: &mut Option<Page>) -> Result<Vec<Event>, Trouble> {
    match page {
        Some(page) => page.await,
        None => std::future::pending().await,
    }
}

/// The next connection, not before `at`.
async fn accept(listening: &Listening, at: tokio::time::Instant) -> std::io::Result<tokio::net::UnixStream> {
    tokio::time::sleep_until(at).await;
    listening.listener.accept().await.map(|(stream, _)| stream)
}
