//! Signals as they come, and what is looked at from time to time: dead hands, silent sources, the journal.

use super::{
    offline::shown,
    others::WORTH,
    recording,
    serve::{LOOK_EVERY, Room},
};
use crate::{
    domain::{Command, Refusal, refusal::Code, room::RoomFact, time::Span},
    journal::writable::SLOW_AFTER,
    os::clock,
    signal::Reading,
    source::Spec,
    wire::{GateDoor, JournalState, Told, Wanted},
};

use tokio::{sync::watch, time::Instant};

/// Most sources of one room.
const SOURCES_MAX: usize = 64;

impl Room {
    pub(super) fn read(&mut self, reading: Reading) {
        for command in self.watch.reading(reading, shown(self.spool.as_ref(), &self.core).decided()) {
            self.own(&command);
        }
    }

    pub(super) fn look(&mut self) {
        let now = clock::now();
        self.look_at_audit();
        self.look_at_gate();
        // Where nothing is heard of others, who waits for them is told.
        self.hear_from_elsewhere();
        self.look_at_point();
        // A hand is judged where it runs.
        let here = self.others.as_ref().map(|_| self.host.as_str());
        let lost = self.shown().read(|state| self.hands.lost(state, here, &now));
        for command in lost {
            self.own(&command);
        }
        for command in self.watch.stale(now.wall, shown(self.spool.as_ref(), &self.core).decided()) {
            self.own(&command);
        }
        for command in self.watch.silent(&now, self.shown().decided()) {
            self.own(&command);
        }
        for command in self.watch.unsaid(self.shown().decided(), self.core.name()) {
            self.own(&command);
        }
        let durable = self.shown().durable();
        if let Ok(state) = durable.read() {
            self.hands.prune(&state);
        }
        self.come_back();
        // Where it is known to be out of reach, that it is back is heard of.
        if let (None, false, JournalState::ReadOnly { why, since }) =
            (&self.unreachable, self.is_away(), &self.journal_state)
        {
            let (why, lasted) = (why.clone(), Span::between(*since, now.wall));
            self.own(&Command::Room(RoomFact::Resumed { why, lasted }));
        }
        let due = self.recorded.as_ref().is_none_or(|at| at.elapsed(&now) >= recording::EVERY);
        if due && !self.is_spared() && self.shown().decided().open_incident().is_some() {
            self.record();
        }
    }

    /// From now on tells where the gate listens, as it changes.
    pub fn watch_gate(&mut self, door: watch::Receiver<GateDoor>) {
        self.gate_door = Some(door);
        self.look_at_gate();
    }

    fn look_at_gate(&mut self) {
        let Some(door) = self.gate_door.as_mut().map(|door| door.borrow_and_update().clone()) else { return };
        if (&self.gate_at, &self.gate_trouble) != (&door.at, &door.trouble) {
            (self.gate_at, self.gate_trouble) = (door.at, door.trouble);
            self.publish_status();
        }
    }

    /// Since when the journal has owed an answer: to the oldest append, or to the room that reads on after one failed.
    fn waits(&self) -> Option<Instant> {
        self.flights.oldest().or(self.mending.as_ref().map(|mending| mending.since))
    }

    /// When what is in flight will have been so for too long, if nothing happens.
    pub(super) fn slow_at(&self) -> Instant {
        self.waits().map_or_else(|| Instant::now() + LOOK_EVERY.std(), |since| since + SLOW_AFTER)
    }

    /// Says to the gate and on every seat that the journal is slow, and when it is no longer.
    pub(super) fn look_at_waits(&mut self) {
        let waits = self.waits();
        self.writing.waits(waits);
        let waited = waits.map(|since| since.elapsed()).filter(|waited| *waited >= SLOW_AFTER);
        let now = clock::now().wall;
        match (waited, self.slow) {
            (Some(waited), None) => {
                let waited = Span::millis(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
                self.slow = Some(now - waited.std());
                tracing::warn!("the journal is slow: an event has waited for it for more than a second");
                self.publish_status();
            }
            (None, Some(since)) => {
                self.slow = None;
                self.publish_status();
                let lasted = Span::between(since, now);
                // Where rooms share it, that it was out of reach is told.
                if lasted >= WORTH && self.others.is_none() && self.journal_state == JournalState::Writable {
                    let why = "the journal was slow: an event waited for its disk".into();
                    self.own(&Command::Room(RoomFact::Resumed { why, lasted }));
                }
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    /// Keeps what the screen shows as evidence, while an incident is open.
    pub(super) fn record(&mut self) {
        let now = clock::now();
        self.recorded = Some(now.clone());
        let Some(incident) = self.shown().decided().shown_incident().map(|incident| incident.id) else {
            return;
        };
        if self.watch.live().is_blind() {
            return;
        }
        let text = recording::make(self.watch.live(), &now);
        let (blobs, later, redactor) = (self.blobs.clone(), self.later.clone(), self.core.redactor());
        let points = recording::points(self.watch.live());
        tokio::task::spawn_blocking(move || match blobs.put(redactor.json_text(&text).as_bytes()) {
            Ok(digest) => drop(later.send(recording::pin(incident, digest, points))),
            Err(error) => tracing::warn!(%error, "a recording was not kept"),
        });
    }

    /// Starts a source and watches it.
    pub fn watch_source(&mut self, spec: Spec) {
        let panels = match &spec {
            Spec::Prometheus { panels, .. } | Spec::Scrape { panels, .. } => Some(panels.clone()),
            _ => None,
        };
        let id = spec.id().clone();
        let view = self.sources.start(spec);
        self.watch.source(view);
        match panels {
            Some(panels) if panels.is_empty() => self.watch.finds(&id),
            Some(panels) => self.watch.panels(&id, panels),
            None => {}
        }
    }

    /// Sources that are asked for while the room runs; one that is watched already is not asked twice.
    pub(super) fn watch_too(&mut self, wanted: &Wanted) -> Told {
        if self.shown().decided().room.drill.is_some() {
            let why = "a drill has targets of its own and refuses others";
            return Told::No(Refusal::new(Code::Conflict, why));
        }
        let specs = match (self.opener)(wanted) {
            Ok(specs) => specs,
            Err(why) => return Told::No(Refusal::new(Code::Invalid, why)),
        };
        for mut spec in specs {
            let (id, address) = (spec.id().clone(), spec.address());
            let sources = &self.watch.live().sources;
            if sources.values().any(|own| own.address == address && own.id.starts_with(&id)) {
                continue;
            }
            if sources.len() >= SOURCES_MAX {
                let why = format!("{SOURCES_MAX} sources are watched already");
                return Told::No(Refusal::new(Code::Conflict, why));
            }
            if sources.contains_key(&id) {
                let free = (2..=SOURCES_MAX + 1)
                    .map(|n| format!("{id}-{n}"))
                    .find(|name| !sources.contains_key(name));
                spec.rename(free.unwrap_or(id));
            }
            self.watch_source(spec);
        }
        Told::Yes
    }
}
