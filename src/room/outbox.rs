//! What waits to be sent to one client: bounded, never waited for. Too far behind, a seat is sent a fresh snapshot in
//! place of what it missed; answers to its own questions are never dropped, and who does not read them is not read.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Bytes of published frames that wait for one client at most.
pub const MOST: usize = 1024 * 1024;

/// Frames for one client.
#[derive(Debug, Default)]
pub struct Outbox {
    inner: Mutex<Inner>,
    wake: Notify,
    eased: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<(bool, Arc<[u8]>)>,
    published: usize,
    owed: usize,
    behind: Behind,
    closed: bool,
}

/// Whether published frames were dropped.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Behind {
    #[default]
    No,
    /// They were, and what still waits goes out first.
    Dropped,
    /// The room was asked for a snapshot.
    Asked,
}

/// What the writing task is to do.
#[derive(Debug)]
pub enum Next {
    /// Send this.
    Frame(Arc<[u8]>),
    /// Ask the room for a snapshot: frames were dropped.
    Resync,
    /// End.
    Close,
}

impl Outbox {
    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        let done = act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
        done
    }

    /// Frames that all are sent, one or several.
    pub fn publish(&self, frames: &Arc<[u8]>) {
        self.with(|inner| {
            if inner.behind != Behind::No {
                return;
            }
            if inner.published.saturating_add(frames.len()) > MOST && inner.published > 0 {
                inner.queue.retain(|(published, _)| !published);
                inner.published = 0;
                inner.behind = Behind::Dropped;
                return;
            }
            inner.published = inner.published.saturating_add(frames.len());
            inner.queue.push_back((true, frames.clone()));
        });
    }

    /// An answer to this client alone.
    pub fn reply(&self, frame: Vec<u8>) {
        self.owe(frame.into());
    }

    fn owe(&self, frame: Arc<[u8]>) {
        self.with(|inner| {
            inner.owed = inner.owed.saturating_add(frame.len());
            inner.queue.push_back((false, frame));
        });
    }

    /// A snapshot: what is published from now on follows it.
    pub fn snapshot(&self, frame: Arc<[u8]>) {
        self.with(|inner| {
            inner.queue.retain(|(published, _)| !published);
            inner.published = 0;
            inner.behind = Behind::No;
        });
        self.owe(frame);
    }

    /// Sends what waits, then ends.
    pub fn close(&self) {
        self.with(|inner| inner.closed = true);
    }

    /// Returns when the client has taken so many of its answers that it may ask on.
    pub async fn eased(&self) {
        while self.inner.lock().unwrap_or_else(PoisonError::into_inner).owed > MOST {
            self.eased.notified().await;
        }
    }

    /// How many bytes of published frames wait.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).published
    }

    /// What to do next. Cancelling loses nothing.
    pub async fn next(&self) -> Next {
        loop {
            match self.now() {
                Some(next) => return next,
                None => self.wake.notified().await,
            }
        }
    }

    fn now(&self) -> Option<Next> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.queue.pop_front() {
            Some((true, frame)) => {
                inner.published = inner.published.saturating_sub(frame.len());
                Some(Next::Frame(frame))
            }
            Some((false, frame)) => {
                inner.owed = inner.owed.saturating_sub(frame.len());
                self.eased.notify_one();
                Some(Next::Frame(frame))
            }
            None if inner.closed => Some(Next::Close),
            None if inner.behind == Behind::Dropped => {
                inner.behind = Behind::Asked;
                Some(Next::Resync)
            }
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    fn frame(n: usize) -> Arc<[u8]> {
        vec![b'x'; n].into()
    }

    #[tokio::test]
    async fn too_far_behind_gets_a_snapshot_and_keeps_its_answers() {
        let outbox = Outbox::default();
        for _ in 0..5 {
            outbox.publish(&frame(300 * 1024));
        }
        outbox.reply(b"answer".to_vec());
        assert!(outbox.waiting() <= MOST);
        assert!(matches!(outbox.next().await, Next::Frame(frame) if *frame == *b"answer"));
        assert!(matches!(outbox.next().await, Next::Resync));
        outbox.publish(&frame(10));
        assert!(
            outbox.next().now_or_never().is_none(),
            "it asks once, and nothing goes out before the snapshot"
        );
        outbox.snapshot(b"all".to_vec().into());
        outbox.publish(&frame(20));
        assert!(matches!(outbox.next().await, Next::Frame(frame) if *frame == *b"all"));
        assert!(matches!(outbox.next().await, Next::Frame(frame) if frame.len() == 20));
        outbox.close();
        assert!(matches!(outbox.next().await, Next::Close));
    }

    #[tokio::test]
    async fn who_does_not_take_its_answers_is_not_read_on() {
        let outbox = Outbox::default();
        outbox.reply(vec![0; MOST]);
        assert!(outbox.eased().now_or_never().is_some());
        outbox.reply(vec![0; 1]);
        assert!(outbox.eased().now_or_never().is_none());
        assert!(matches!(outbox.next().await, Next::Frame(_)));
        assert!(outbox.eased().now_or_never().is_some());
    }
}
