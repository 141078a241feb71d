//! A room that opens: on its journal, or on its mirror while that is out of reach.

use super::{
    budget,
    conn::{ConnId, FromConn},
    core::{Core, Submitted, When},
    erase::{self, Unfinished},
    flight::{Asked, Flights},
    gap::Gap,
    gatekeeper::Gatekeeper,
    hands::Hands,
    offline::{RECENT, Spooling},
    others::Others,
    pace::Pace,
    presence::Moved,
    readings::cleaned,
    seen::{Seen, Standing},
    serve::{Room, Waiting},
    sources::Sources,
    watch::Watch,
};
use crate::{
    domain::{
        Command, CommandId, Event, Offline, Seq, State,
        actor::Actor,
        gate::{self, Answer},
        id::Digest,
        policy::Policy,
        power::Groups,
        room::RoomFact,
        time::Wall,
    },
    evidence::{blob::Blobs, redact::Redactor},
    journal::{
        Head, Journal, Trouble, chain,
        mirror::Found,
        missing::{self, Missing},
        read_all,
        spool::{ACKNOWLEDGED, Entry, Opened},
        writable::{Writable, Writing},
    },
    os::clock,
    signal::Reading,
    source::Spec,
    wire::{JournalState, Outcome, Wanted},
};
use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::{Arc, RwLock},
};
use tokio::sync::{Semaphore, mpsc, watch};
use uuid::Uuid;

/// Frames from clients that wait for the room at most; a client beyond waits itself.
const INBOX: usize = 1_024;

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
    pub writable: Writable,
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
    pub(super) frames: mpsc::Receiver<(ConnId, FromConn)>,
    pub(super) readings: mpsc::Receiver<Reading>,
    pub(super) asked: mpsc::Receiver<(Actor, gate::Request, Answer)>,
    pub(super) stop: mpsc::Receiver<String>,
}

impl Room {
    /// Reads the journal to its end and opens the room on it. Where it is out of reach the mirror is read, and the room is
    /// opened when it is back.
    ///
    /// # Errors
    /// [`RoomError`] where the journal cannot be read, does not fit, or takes no event.
    pub async fn open(options: Options) -> Result<(Self, Shared, Inbox), RoomError> {
        let mut state = State::default();
        let mut seen = Seen::default();
        let mut unfinished = Unfinished::default();
        let mut missing = Missing::default();
        let (mut first, mut recent) = (None, VecDeque::new());
        let keeps = options.spool.is_some();
        let mut ids = Newest::default();
        let mirror = options.journal.mirror().filter(|_| matches!(options.found, Found::Away(_)));
        let source = mirror.as_ref().unwrap_or(&options.journal);
        read_all(source.as_ref(), Head::EMPTY, |event| {
            first.get_or_insert(event.hash);
            if keeps {
                if recent.len() >= RECENT {
                    recent.pop_front();
                }
                recent.push_back(event.clone());
                ids.add(event.command);
            }
            state.apply(&event);
            seen.add(event.command);
            unfinished.note(&event);
            missing.note(&event);
        })
        .await?;
        for going in unfinished.left().filter(|_| mirror.is_none()) {
            erase::go(options.journal.clone(), options.blobs.clone(), going).await;
        }
        let missing = missing.left();
        if let Some(told) = missing::told(&missing) {
            tracing::error!("{told}");
        }
        let host = crate::os::host_name();
        // The end tells two rooms of one process, and of one process id, apart.
        let name = format!("{host}-{}-{:08x}", std::process::id(), uuid::Uuid::new_v4().as_fields().0);
        let others = options.journal.meet(&name).map(Others::new);
        let redactor = options.redactor.clone();
        let state_bytes = super::asks::encoded(&state);
        let core = Core::new(state, seen, name, options.redactor);
        let (frames, frames_in) = mpsc::channel(INBOX);
        let (readings, readings_in) = mpsc::channel(INBOX);
        let (asked, asked_in) = mpsc::channel(INBOX);
        let (stop, stop_in) = mpsc::channel(4);
        let writing = Writing::default();
        let (told, answers) = mpsc::unbounded_channel();
        let (later, owed) = mpsc::unbounded_channel();
        let (newest, durable) = watch::channel(core.decided().head);
        let shared = Shared {
            state: core.durable(),
            writable: writing.seen(),
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
            missing,
            seats: BTreeMap::new(),
            turn: Vec::new(),
            replies: Vec::new(),
            pace: Pace::new(tokio::time::Instant::now()),
            snapshots: BTreeMap::new(),
            long: VecDeque::new(),
            keeping: super::keeping::Keeping::default(),
            state_bytes,
            status_due: false,
            large: None,
            lookups: Arc::new(Semaphore::new(budget::LOOKUPS)),
            moved: Moved::default(),
            point: None,
            mending: None,
            following: None,
            follow_at: tokio::time::Instant::now(),
            ahead,
            slow: None,
            others,
            unreachable: None,
            host,
            watch: Watch::default(),
            sources: Sources::new(cleaned(redactor, readings.clone()), base),
            hands: Hands::default(),
            gate: Gatekeeper::default(),
            journal_state: JournalState::Writable,
            writing,
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
            gate_trouble: None,
            gate_door: None,
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
                    let lost = ids.lost(&room).await?;
                    room.write_back_of_before(&options.found, lost);
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

    /// What a room says of itself when it opens on its journal.
    pub(super) fn opens_with(&self) -> Vec<Command> {
        let own = self.core.name();
        let rooms = &self.core.decided().room;
        let mut commands = Vec::new();
        if !rooms.open.contains_key(own) {
            commands.push(self.opening());
        }
        if rooms.duty.is_none() {
            commands.push(Command::Room(RoomFact::DutyTaken { epoch: 0, after: None }));
        }
        commands.push(Command::Policy(Box::new(self.asks.clone())));
        commands
    }

    /// The journal is back: the room opens on it, before anything that was kept is sent.
    pub(super) fn open_on(&mut self, also: Option<(CommandId, Command)>) {
        let opening = self.opens_with().into_iter().map(|command| (CommandId(Uuid::now_v7()), command));
        for (id, command) in opening.chain(also).collect::<Vec<_>>() {
            let asked = Asked {
                actor: self.own_name.clone(),
                groups: Groups::default(),
                id,
                command,
                fingerprint: None,
                is_new: false,
                waiting: Waiting::Nobody,
                glass: None,
                spooled: None,
                direct: true,
                tries: 0,
                large: None,
            };
            if let Some(Outcome::Refused(refusal)) = self.decide(asked) {
                tracing::warn!(%refusal, "the room cannot open");
            }
        }
    }

    /// The journal is out of reach: the room shows what it knew of it, and what it keeps since.
    pub(super) fn start_away(&mut self, why: &str) {
        self.go_away(why, None);
        let Some(spool) = &mut self.spool else { return };
        spool.opens_late = true;
        let Some(away) = &mut spool.away else { return };
        // It was so when the first of these was kept.
        away.since = spool.entries.iter().map(|entry| entry.at.wall).fold(away.since, Wall::min);
        for entry in spool.entries.iter().filter(|entry| !entry.gap) {
            let events = again(&mut away.core, entry);
            away.core.confirm(&events);
            away.events.extend(events);
        }
        away.core.forget(&[]);
    }

    /// Where the journal has lost what this room knew before it was started, that is told, and what this room had
    /// appended is written back.
    pub(super) fn write_back_of_before(&mut self, found: &Found, lost: HashSet<CommandId>) {
        let Some(spool) = self.spool.as_mut() else { return };
        let entries = spool.acknowledged.iter().filter(|entry| lost.contains(&entry.id));
        let stood: Vec<Seq> = entries.filter_map(|entry| entry.stood).collect();
        let known = match found {
            Found::Lost { from, to } => Some((*from, *to)),
            Found::Sound | Found::Away(_) => None,
        };
        let from = stood.iter().copied().chain(known.map(|(from, _)| from)).min();
        let to = stood.iter().copied().chain(known.map(|(_, to)| to)).max();
        let (Some(from), Some(to)) = (from, to) else { return };
        spool.gap = Some(Gap::new(from, to, lost));
        tracing::error!(from, to, "the journal has lost events: they are written back");
        self.write_back();
    }
}

/// The ids of the newest commands in the journal, exactly: what the room had appended last is most likely among them.
#[derive(Default)]
struct Newest(VecDeque<CommandId>);

impl Newest {
    /// Ids that are kept, while the room opens.
    const MOST: usize = 16 * ACKNOWLEDGED;

    fn add(&mut self, id: CommandId) {
        if self.0.len() >= Self::MOST {
            self.0.pop_front();
        }
        self.0.push_back(id);
    }

    /// What the room had appended before it was started and is not in the journal any more. A filter must not say so:
    /// what it takes for known by mistake would be lost.
    async fn lost(self, room: &Room) -> Result<HashSet<CommandId>, Trouble> {
        let newest: HashSet<_> = self.0.into_iter().collect();
        let mut lost = HashSet::new();
        let entries = room.spool.iter().flat_map(|spool| &spool.acknowledged);
        for id in entries.map(|entry| entry.id).filter(|id| !newest.contains(id)) {
            if room.core.standing(id) == Standing::New || room.journal.find(id).await?.is_empty() {
                lost.insert(id);
            }
        }
        Ok(lost)
    }
}

/// What came of an entry, decided once more on what is shown.
fn again(core: &mut Core, entry: &Entry) -> Vec<Event> {
    let mark = Offline { at: entry.at.wall, glass: entry.glass.clone(), provisional: true };
    let when = When { at: entry.at.clone(), recorded: entry.at.wall, offline: Some(mark) };
    let groups = std::sync::Arc::new(entry.groups.clone());
    if core.standing(entry.id) != Standing::New {
        return Vec::new();
    }
    let said = (&entry.command, entry.fingerprint.as_ref());
    match core.submit((&entry.actor, &groups), entry.id, said, &when) {
        Submitted::Append { events, .. } => events,
        // It stands in the mirror already, or the mirror lacks what it stood on. It is sent all the same.
        Submitted::Refused(_) | Submitted::Nothing => Vec::new(),
    }
}
