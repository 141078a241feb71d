//! Signals as they come, and what is looked at from time to time: dead hands, silent sources, the journal.

use super::{recording, serve::Room};
use crate::{
    domain::{Command, room::RoomFact, time::Span},
    os::clock,
    signal::Reading,
    wire::JournalState,
};

impl Room {
    pub(super) fn read(&mut self, reading: Reading) {
        for command in self.watch.reading(reading, self.core.decided()) {
            self.own(&command);
        }
    }

    pub(super) fn look(&mut self) {
        let now = clock::now();
        self.look_at_audit();
        let lost = self.core.read(|state| self.hands.lost(state, &now));
        for command in lost {
            self.own(&command);
        }
        for command in self.watch.stale(now.wall, self.core.decided()) {
            self.own(&command);
        }
        let durable = self.core.durable();
        if let Ok(state) = durable.read() {
            self.hands.prune(&state);
        }
        if let JournalState::ReadOnly { why, since } = &self.journal_state {
            let (why, lasted) = (why.clone(), Span::between(*since, now.wall));
            self.own(&Command::Room(RoomFact::Resumed { why, lasted }));
        }
        let due = self.recorded.as_ref().is_none_or(|at| at.elapsed(&now) >= recording::EVERY);
        if due && self.core.decided().open_incident().is_some() {
            self.record();
        }
    }

    /// Keeps what the screen shows as evidence, while an incident is open.
    pub(super) fn record(&mut self) {
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
}
