//! How the audit stream and the journal's checkpoints are, as the room's status and its seats show it.

use super::serve::Room;
use crate::wire::{Anchored, SinkView};
use tokio::sync::watch;

impl Room {
    /// Shows how far each sink is behind.
    pub fn watch_audit(&mut self, views: watch::Receiver<Vec<SinkView>>) {
        self.outward = Some(views);
    }

    /// Shows the journal's newest checkpoint.
    pub fn watch_anchor(&mut self, view: watch::Receiver<Option<Anchored>>) {
        self.anchored = Some(view);
    }

    pub(super) fn anchor(&self) -> Option<Box<Anchored>> {
        self.anchored.as_ref().and_then(|view| view.borrow().clone()).map(Box::new)
    }

    pub(super) fn audit_views(&self) -> Vec<SinkView> {
        self.outward.as_ref().map(|views| views.borrow().clone()).unwrap_or_default()
    }

    /// Tells the seats where something about it has changed that they show.
    pub(super) fn look_at_audit(&mut self) {
        let changed = self.outward.as_mut().is_some_and(|views| {
            let changed = views.has_changed().unwrap_or(false);
            views.mark_unchanged();
            changed
        });
        let anchored = self.anchored.as_mut().is_some_and(|view| {
            let changed = view.has_changed().unwrap_or(false);
            view.mark_unchanged();
            changed
        });
        if changed || anchored {
            self.publish_status();
        }
    }
}
