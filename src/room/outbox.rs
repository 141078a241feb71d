//! What waits to be sent to one client: bounded, never waited for. Too far behind, a seat is sent a fresh snapshot in
//! place of what it missed; answers to its own questions are never dropped.

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
}

#[derive(Debug, Default)]
struct Inner {
    queue: VecDeque<(bool, Arc<[u8]>)>,
    published: usize,
    behind: bool,
    closed: bool,
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

    /// A frame that all are sent.
    pub fn publish(&self, frame: &Arc<[u8]>) {
        self.with(|inner| {
            if inner.behind {
                return;
            }
            if inner.published.saturating_add(frame.len()) > MOST && inner.published > 0 {
                inner.queue.retain(|(published, _)| !published);
                inner.published = 0;
                inner.behind = true;
                return;
            }
            inner.published = inner.published.saturating_add(frame.len());
            inner.queue.push_back((true, frame.clone()));
        });
    }

    /// An answer to this client alone.
    pub fn reply(&self, frame: Vec<u8>) {
        self.with(|inner| inner.queue.push_back((false, frame.into())));
    }

    /// A snapshot: what is published from now on follows it.
    pub fn snapshot(&self, frame: Vec<u8>) {
        self.with(|inner| {
            inner.queue.retain(|(published, _)| !published);
            inner.published = 0;
            inner.behind = false;
            inner.queue.push_back((false, frame.into()));
        });
    }

    /// Sends what waits, then ends.
    pub fn close(&self) {
        self.with(|inner| inner.closed = true);
    }

    /// How many bytes of published frames wait.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).published
    }

    /// What to do next. Cancelling loses nothing.
    pub async fn next(&self) -> Next {
        loop {
            let next = {
                let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
                match inner.queue.pop_front() {
                    Some((published, frame)) => {
                        if published {
                            inner.published = inner.published.saturating_sub(frame.len());
                        }
                        Some(Next::Frame(frame))
                    }
                    None if inner.closed => Some(Next::Close),
                    None if inner.behind => Some(Next::Resync),
                    None => None,
                }
            };
            match next {
                Some(next) => return next,
                None => self.wake.notified().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        outbox.snapshot(b"all".to_vec());
        outbox.publish(&frame(20));
        assert!(matches!(outbox.next().await, Next::Frame(frame) if *frame == *b"all"));
        assert!(matches!(outbox.next().await, Next::Frame(frame) if frame.len() == 20));
        outbox.close();
        assert!(matches!(outbox.next().await, Next::Close));
    }
}
