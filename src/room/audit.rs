//! How the audit stream is, as the room's status and its seats show it.

use super::serve::Room;
use crate::wire::{Silent, SinkView};
use tokio::sync::watch;

impl Room {
    /// The name by which people reach this machine with ssh, where it is not its own.
    pub fn is_reached_by(&mut self, ssh: Option<String>) {
        self.ssh = ssh;
    }

    /// Shows how far each sink is behind.
    pub fn watch_audit(&mut self, views: watch::Receiver<Vec<SinkView>>) {
        self.outward = Some(views);
    }

    /// Shows which targets cannot be asked who acknowledged a page there.
    pub fn watch_answers(&mut self, silent: watch::Receiver<Vec<Silent>>) {
        self.silent = Some(silent);
    }

    pub(super) fn audit_views(&self) -> Vec<SinkView> {
        self.outward.as_ref().map(|views| views.borrow().clone()).unwrap_or_default()
    }

    /// Tells the seats where something about it has changed that they show.
    pub(super) fn look_at_audit(&mut self) {
        let audit = self.outward.as_mut().is_some_and(changed);
        let silent = self.silent.as_mut().is_some_and(changed);
        if audit || silent {
            self.publish_status();
        }
    }
}

/// Whether it has changed since it was looked at last.
fn changed<T>(views: &mut watch::Receiver<T>) -> bool {
    let changed = views.has_changed().unwrap_or(false);
    views.mark_unchanged();
    changed
}
