//! The other rooms on the journal: what they append, whether they live, who has the duties, and what their people show.

use super::{
    elsewhere::{Elsewhere, Given},
    flight::{PAGE, read_on},
    glimpse::{Glimpses, Shown},
    serve::Room,
};
use crate::{
    domain::{
        Command, Event, Fact,
        id::{Digest, WalkId},
        room::RoomFact,
        time::{Span, Wall},
    },
    journal::{
        Trouble,
        meeting::{Heard, Meeting, Other},
    },
    os::clock,
    wire::{As, JournalState, Point, Presence, RoomView, Steer, StepRef},
};
use futures::FutureExt as _;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::time::Instant;

/// A room that says nothing for so long is gone, and its duties are taken.
const GONE_AFTER: Span = Span::secs(5);
/// An append that waits longer is told: a standby that does not answer holds every commit. It is looked at several times a
/// second.
const SLOW_AFTER: Duration = Duration::from_millis(750);
/// Between two attempts to read on, where the first failed.
const FOLLOW_AGAIN: Duration = Duration::from_millis(250);
/// An outage that is worth an event.
pub(super) const WORTH: Span = Span::secs(5);
/// Steers that are kept for the rooms whose hands they are for.
const STEERS: usize = 32;
/// Bytes of another room's words at most; what is longer is not read.
const WORDS_MAX: usize = 1024 * 1024;

/// What a room says of itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Words {
    host: String,
    here: Vec<Presence>,
    #[serde(skip_serializing_if = "Option::is_none")]
    point: Option<Point>,
    /// Steers for hands of other rooms, each with its number.
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    steers: VecDeque<(u64, StepRef, Steer)>,
    /// Evidence that is asked for here and is not here.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    wants: BTreeSet<Digest>,
    /// Evidence that others asked for and that is here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    gives: BTreeMap<Digest, Given>,
    /// What hands here show.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shows: Vec<Shown>,
}

/// Another room, as it was heard last.
#[derive(Debug, Default)]
struct Neighbour {
    raw: Arc<[u8]>,
    words: Words,
    /// The newest of its steers that was passed on.
    steered: u64,
}

/// What is known of the others.
#[derive(Debug)]
pub(super) struct Others {
    meeting: Meeting,
    neighbours: BTreeMap<String, Neighbour>,
    /// Since when a room that is open was not heard at all.
    missed: BTreeMap<String, Instant>,
    steers: VecDeque<(u64, StepRef, Steer)>,
    answers: u64,
    /// Evidence that goes between rooms.
    pub(super) elsewhere: Elsewhere,
    /// What hands show goes between rooms.
    pub(super) glimpses: Glimpses,
    /// What is shown of this room has changed and was not said yet.
    pub(super) due: bool,
}

impl Others {
    pub(super) fn new(meeting: Meeting) -> Self {
        Self {
            meeting,
            neighbours: BTreeMap::new(),
            missed: BTreeMap::new(),
            steers: VecDeque::new(),
            answers: 0,
            elsewhere: Elsewhere::default(),
            glimpses: Glimpses::default(),
            due: true,
        }
    }

    /// When there is something new. Never, where there are no others.
    pub(super) async fn changed(others: &mut Option<Self>) -> Option<Heard> {
        match others {
            Some(others) => {
                others.meeting.heard.changed().await.ok()?;
                Some(others.meeting.heard.borrow_and_update().clone())
            }
            None => std::future::pending().await,
        }
    }

    fn hear(&mut self, others: Vec<Other>) -> Changes {
        let mut changes = Changes::default();
        let gone = |name: &String| !others.iter().any(|other| other.room == *name);
        let before = self.neighbours.len();
        self.neighbours.retain(|name, _| !gone(name));
        changes.status = self.neighbours.len() != before;
        for other in others {
            // From a time before this room came: what was steered then was steered.
            let fresh = !self.neighbours.contains_key(&other.room);
            let known = self.neighbours.entry(other.room).or_default();
            if known.raw == other.says || other.says.len() > WORDS_MAX {
                continue;
            }
            let words: Words = serde_json::from_slice(&other.says).unwrap_or_default();
            changes.status |= seats(&known.words) != seats(&words) || known.words.point != words.point;
            let was = &known.words.here;
            changes.moved.extend(
                words.here.iter().filter(|one| !was.contains(one)).map(|one| from(one.clone(), &words.host)),
            );
            let steered = known.steered;
            for (n, at, steer) in words.steers.iter().filter(|(n, ..)| *n > steered) {
                if !fresh {
                    changes.steers.push((at.clone(), steer.clone()));
                }
                known.steered = *n;
            }
            known.raw = other.says;
            known.words = words;
        }
        changes
    }

    /// Where other rooms are.
    pub(super) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.neighbours.values().map(|known| known.words.host.as_str())
    }

    /// What another room gives of a piece of evidence, and where that room is.
    pub(super) fn given(&self, digest: &Digest) -> Option<(&str, &Given)> {
        let mut all = self.neighbours.values();
        all.find_map(|known| Some((known.words.host.as_str(), known.words.gives.get(digest)?)))
    }

    /// What hands at other rooms show, and where those rooms are.
    pub(super) fn shown(&self) -> impl Iterator<Item = (&str, &Shown)> {
        self.neighbours.values().flat_map(|known| {
            let words = &known.words;
            words.shows.iter().take(Shown::MOST).map(|shown| (words.host.as_str(), shown))
        })
    }

    /// The walks that people at other rooms look at; none for one who has not said where.
    pub(super) fn looks(&self) -> Vec<Option<WalkId>> {
        let here = self.neighbours.values().flat_map(|known| known.words.here.iter());
        let seats = here.filter(|one| one.role == As::Seat);
        seats.map(|one| one.look.as_ref().and_then(|look| look.walk)).collect()
    }

    /// Evidence that others ask for.
    fn wanted(&self) -> BTreeSet<Digest> {
        self.neighbours.values().flat_map(|known| known.words.wants.iter().copied()).collect()
    }

    /// Everybody at other rooms.
    pub(super) fn here(&self) -> impl Iterator<Item = Presence> {
        self.neighbours
            .values()
            .flat_map(|known| known.words.here.iter().map(|one| from(one.clone(), &known.words.host)))
    }

    /// Where all are asked to look by others, the newest asking.
    pub(super) fn point(&self, now: Wall) -> Option<&Point> {
        let points = self.neighbours.values().filter_map(|known| known.words.point.as_ref());
        points.filter(|point| point.until > now).max_by_key(|point| point.since)
    }

    /// For the room whose hand it is.
    pub(super) fn steer(&mut self, at: StepRef, steer: Steer) {
        let n = clock::now().wall.timestamp_micros().unsigned_abs();
        let n = self.steers.back().map_or(n, |(last, ..)| n.max(last + 1));
        self.steers.push_back((n, at, steer));
        if self.steers.len() > STEERS {
            self.steers.pop_front();
        }
        self.due = true;
    }
}

#[derive(Default)]
struct Changes {
    status: bool,
    moved: Vec<Presence>,
    steers: Vec<(StepRef, Steer)>,
}

fn from(one: Presence, host: &str) -> Presence {
    Presence { room: Some(host.to_owned()), ..one }
}

fn seats(words: &Words) -> Vec<u64> {
    words.here.iter().map(|one| one.seat).collect()
}

impl Room {
    /// The journal has gone on without this room: reads what is new, beside the loop.
    pub(super) fn follow(&mut self) {
        let behind = *self.ahead.borrow() > self.core.durable_head().seq && Instant::now() >= self.follow_at;
        if behind
            && !self.is_away()
            && self.flights.is_empty()
            && self.mending.is_none()
            && self.following.is_none()
        {
            self.following = Some(read_on(self.journal.clone(), self.core.durable_head()).boxed());
        }
    }

    /// What others appended was read. Where this room appended meanwhile, that told it more.
    pub(super) fn followed(&mut self, read: Result<Vec<Event>, Trouble>) {
        self.following = None;
        if self.came_back(&read) {
            return;
        }
        match read {
            Ok(events) => {
                let next = events.first().map(|event| event.seq);
                if events.is_empty() {
                    self.follow_at = Instant::now() + FOLLOW_AGAIN;
                }
                let on = next == Some(self.core.durable_head().seq.saturating_add(1));
                if on && self.flights.is_empty() && self.mending.is_none() {
                    self.core.follow(&events);
                    self.durable(&events);
                    if events.len() >= PAGE {
                        self.follow();
                    }
                }
            }
            Err(Trouble::Unreadable { why, .. }) => {
                tracing::warn!(%why, "the journal cannot be read on");
                // Not at once, or nobody else would be heard.
                self.follow_at = Instant::now() + FOLLOW_AGAIN;
                if self.spool.is_some() {
                    self.go_away(&why, None);
                }
            }
            Err(broken) if self.spool.is_some() => self.go_away(&broken.to_string(), None),
            Err(broken) => {
                let (why, since) = (broken.to_string(), clock::now().wall);
                tracing::error!(%why, "the journal cannot be read on");
                self.set_journal(JournalState::ReadOnly { why, since });
            }
        }
    }

    /// What these events mean for this room among others.
    pub(super) fn among_others(&mut self, events: &[Event]) {
        if self.others.is_none() {
            return;
        }
        let own = self.core.name().to_owned();
        let rooms = events.iter().filter_map(|event| match &event.fact {
            Fact::Room(fact) => Some((event, fact)),
            _ => None,
        });
        let mut after = None;
        let mut told = false;
        for (_, fact) in rooms {
            told = true;
            match fact {
                // It was taken for gone, as one is that stood still for a while. It is not.
                RoomFact::Lost { room, .. } if *room == own => drop(self.later.send(self.opening())),
                RoomFact::Lost { host, .. } => after = Some(host.clone()),
                _ => {}
            }
        }
        if told {
            self.publish_status();
            let free =
                self.core.read(|state| state.room.duty.is_none() && state.room.open.contains_key(&own));
            if free && self.stopping.is_none() {
                drop(self.later.send(Command::Room(RoomFact::DutyTaken { epoch: 0, after })));
            }
        }
    }

    /// The command with which it opens.
    pub(super) fn opening(&self) -> Command {
        Command::Room(RoomFact::Opened {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            host: self.host.clone(),
            private: self.owner.is_some(),
            shares: self.others.is_some(),
        })
    }

    /// Something was heard of the others, or of the journal.
    pub(super) fn heard_others(&mut self, heard: Heard) {
        let trouble = heard.trouble.or_else(|| {
            self.flights.oldest().filter(|since| since.elapsed() >= SLOW_AFTER)?;
            let whom = if self.journal.is_replicated() == Some(true) {
                "the journal's standby"
            } else {
                "the journal"
            };
            Some(format!("an event waits for {whom} to take it"))
        });
        self.reach(trouble);
        let Some(others) = &mut self.others else { return };
        if heard.answers == others.answers {
            return;
        }
        others.answers = heard.answers;
        let gone = self.gone(&heard.others);
        let changes = self.others.as_mut().map(|others| others.hear(heard.others)).unwrap_or_default();
        if changes.status {
            self.publish_status();
        }
        self.publish_presence(changes.moved);
        for (at, steer) in changes.steers {
            self.pass_on(&at, steer);
        }
        for command in gone {
            self.own(&command);
        }
        if let Some(others) = &self.others {
            others.elsewhere.asked(&others.wanted(), &self.blobs);
        }
        self.hear_from_elsewhere();
        self.hear_hands_of_others();
    }

    /// Whether the journal is out of reach.
    fn reach(&mut self, trouble: Option<String>) {
        match (trouble, self.unreachable.take()) {
            (Some(why), before) => {
                let since = match &self.journal_state {
                    JournalState::ReadOnly { since, .. } if before.is_some() => *since,
                    _ => clock::now().wall,
                };
                if self.spool.is_some() && self.fenced.is_none() {
                    self.go_away(&why, None);
                } else {
                    self.set_journal(JournalState::ReadOnly { why: why.clone(), since });
                }
                self.unreachable = Some(why);
            }
            _ if self.is_away() => self.come_back(),
            (None, Some(why)) => {
                let JournalState::ReadOnly { since, .. } = self.journal_state else { return };
                let lasted = Span::between(since, clock::now().wall);
                if lasted >= WORTH {
                    // Writable when this is durable.
                    self.own(&Command::Room(RoomFact::Resumed { why, lasted }));
                } else if self.mending.is_none() && self.fenced.is_none() {
                    self.set_journal(JournalState::Writable);
                }
            }
            (None, None) => {}
        }
    }

    /// Rooms that are open in the journal and say nothing any more.
    fn gone(&mut self, heard: &[Other]) -> Vec<Command> {
        let Some(others) = &mut self.others else { return Vec::new() };
        let own = self.core.name();
        let open = self.core.read(|state| {
            let all = state.room.open.iter().filter(|(name, _)| *name != own);
            all.map(|(name, open)| (name.clone(), open.host.clone())).collect::<Vec<_>>()
        });
        others.missed.retain(|name, _| open.iter().any(|(open, _)| open == name));
        let mut commands = Vec::new();
        for (room, host) in open {
            let silent = if let Some(other) = heard.iter().find(|other| other.room == room) {
                others.missed.remove(&room);
                other.silent
            } else {
                let since = others.missed.entry(room.clone()).or_insert_with(Instant::now);
                Span::millis(u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX))
            };
            if silent >= GONE_AFTER {
                commands.push(Command::Room(RoomFact::Lost { room, host, silent }));
            }
        }
        commands
    }

    /// Says to the others what is shown here.
    pub(super) fn say_to_others(&mut self) {
        self.show_hands_to_others();
        if !self.others.as_ref().is_some_and(|others| others.due) {
            return;
        }
        let now = clock::now();
        let here = self.seats.iter().map(|(id, seat)| self.presence(*id, seat, &now)).collect();
        let (host, point) = (self.host.clone(), self.point.clone());
        let Some(others) = &mut self.others else { return };
        others.due = false;
        let (wants, gives) = (others.elsewhere.wants(), others.elsewhere.gives());
        let shows = others.glimpses.said();
        let words = Words { host, here, point, steers: others.steers.clone(), wants, gives, shows };
        let words = serde_json::to_vec(&words).unwrap_or_default();
        others.meeting.says.send_replace(words.into());
    }

    /// The rooms on this journal, for people; none where there can be one only.
    pub(super) fn room_views(&self) -> Vec<RoomView> {
        if self.others.is_none() {
            return Vec::new();
        }
        let own = self.core.name();
        self.core.read(|state| {
            let rooms = state.room.open.iter().map(|(name, open)| RoomView {
                host: open.host.clone(),
                own: name == own,
                duty: state.room.has_duty(name),
                since: open.since.wall,
            });
            rooms.collect()
        })
    }

    /// Whether another room does what is done once for all.
    pub(super) fn is_spared(&self) -> bool {
        self.core.read(|state| state.room.is_anothers(self.core.name()))
    }
}
