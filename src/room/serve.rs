//! The room's loop: signals first, then the journal's answers, then people, then the rest.

use super::{
    budget::{Budgets, Large},
    conn::{self, ConnId, FromConn, Strangers},
    core::Core,
    flight::Flights,
    gap::{Spooled, spooled},
    gatekeeper::Gatekeeper,
    hands::Hands,
    mend::{Mending, Page},
    offline::{Spooling, written},
    open::{Inbox, Opener},
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
        Command, CommandId, Event, Seq,
        actor::Actor,
        next_deadline,
        policy::Policy,
        power::Groups,
        room::RoomFact,
        time::{Span, Stamp, Wall},
    },
    evidence::blob::Blobs,
    journal::{Journal, Trouble, writable::Writing},
    os::clock,
    signal::{Reading, Shows},
    transport::listen::Listening,
    wire::{
        Anchored, As, Finished, FromRoom, GateDoor, GateTrouble, Here, JournalState, Point, SEATS, Silent,
        SinkView, Told, encode,
    },
};
use futures::FutureExt as _;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};
use tokio::sync::{Semaphore, mpsc, watch};
use uuid::Uuid;

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
pub(super) const LOOK_EVERY: Span = Span::secs(2);

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
    /// It takes long frames in parts.
    pub(super) parts: bool,
    /// The hand that it proved to be.
    pub(super) hand: Option<Uuid>,
    pub(super) here: Option<Here>,
    pub(super) active: Option<Wall>,
}

/// An answer that waits behind what was published.
pub(super) struct Reply {
    pub(super) conn: ConnId,
    /// The question that it answers, where it is one.
    pub(super) n: Option<u64>,
    pub(super) frame: Vec<u8>,
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
    /// Events whose payload was deleted, as the journal stood when it was opened.
    pub(super) missing: Vec<Seq>,
    pub(super) seats: BTreeMap<ConnId, Seat>,
    /// Frames for all that were published and not sent yet.
    pub(super) turn: Vec<u8>,
    /// Answers that go out behind them.
    pub(super) replies: Vec<Reply>,
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
    /// Long snapshots that may be on their way to somebody, the oldest first.
    pub(super) long: VecDeque<std::sync::Weak<[u8]>>,
    /// How much evidence was kept for whom.
    pub(super) keeping: super::keeping::Keeping,
    /// Bytes of the state as it was sent last.
    pub(super) state_bytes: usize,
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
    /// Since when the oldest append has been in flight for too long.
    pub(super) slow: Option<Wall>,
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
    pub(super) writing: Writing,
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
    /// Why the gate does not listen where it should.
    pub(super) gate_trouble: Option<GateTrouble>,
    /// What the gate says of where it listens.
    pub(super) gate_door: Option<watch::Receiver<GateDoor>>,
    pub(super) recorded: Option<Stamp>,
    pub(super) stopping: Option<String>,
    /// Why this room may write no more: another has its journal.
    pub(super) fenced: Option<String>,
    pub(super) opener: Opener,
    pub(super) frames: mpsc::Sender<(ConnId, FromConn)>,
    /// What readiness checks are asked, as configured: the journal's copy is redacted.
    pub(super) asks: Policy,
    pub(super) readings: mpsc::Sender<Reading>,
}

impl Room {
    /// From now on takes sources while it runs.
    pub fn opens_sources_with(&mut self, opener: Opener) {
        self.opener = opener;
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
            self.look_at_waits();
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
            let slow = self.slow_at();
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
                    Spooled::Looked(id, earlier) => self.was_looked_up(id, earlier),
                    Spooled::Anew(anew) => self.was_read_anew(anew),
                },
                read = page(&mut self.mending) => self.mended(read),
                read = awaited(&mut self.following) => self.followed(read),
                () = tokio::time::sleep_until(slow), if self.slow.is_none() => {}
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
        let gathered = self.gate.wait(now).filter(|_| !self.holds_answers());
        let wait = rules.into_iter().chain(gathered).min().unwrap_or(Span::hours(1));
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
