//! How the audit stream is, as the room's status and its seats show it.

use super::serve::Room;
use crate::wire::SinkView;
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
        if changed {
            self.publish_status();
        }
    }
}
