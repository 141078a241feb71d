//! One generation of a running service: a release loaded, its connection pool and its sessions. A reload begins the
//! next one; requests under way end in the old one, which then goes with all that it holds.

use super::release::Release;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// All generations' sessions together never take more than this per process, so that no drill eats a machine; bytes.
const SESSION_LIMIT: usize = 64 * 1024 * 1024;

/// A release at work.
pub struct Generation {
    /// What it does.
    pub release: Release,
    pool: Arc<Semaphore>,
    sessions: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    kept: VecDeque<Session>,
    bytes: usize,
    seen: u64,
    pinned: u32,
}

struct Session {
    since: Instant,
    snapshot: Box<[u8]>,
    pin: Option<OwnedSemaphorePermit>,
}

impl Generation {
    /// Begins with an empty cache and a full pool.
    pub fn new(release: Release) -> Self {
        let pool = Arc::new(Semaphore::new(usize::try_from(release.pool.size).unwrap_or(1)));
        Self { release, pool, sessions: Mutex::default() }
    }

    /// A connection for one request, or nothing within the release's patience.
    pub async fn connection(&self) -> Option<OwnedSemaphorePermit> {
        let wait = Duration::from_millis(self.release.pool.wait_ms);
        let granted = tokio::time::timeout(wait, Arc::clone(&self.pool).acquire_owned()).await;
        granted.ok()?.ok()
    }

    /// Connections nobody holds.
    pub fn free(&self) -> usize {
        self.pool.available_permits()
    }

    /// Remembers a served request as the release does, and forgets those it forgets. The connection goes back to the
    /// pool unless the session pins it.
    pub fn remember(&self, connection: OwnedSemaphorePermit, now: Instant) {
        let Some(how) = &self.release.sessions else { return };
        let mut cache = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if how.evict_after_ms > 0 {
            let patience = Duration::from_millis(how.evict_after_ms);
            while cache.kept.front().is_some_and(|old| now.saturating_duration_since(old.since) >= patience) {
                if let Some(old) = cache.kept.pop_front() {
                    cache.bytes = cache.bytes.saturating_sub(old.snapshot.len());
                    cache.pinned = cache.pinned.saturating_sub(u32::from(old.pin.is_some()));
                }
            }
        }
        cache.seen += 1;
        let may_pin = cache.pinned.saturating_add(self.release.pool.reserved) < self.release.pool.size;
        let pins = may_pin && how.pin_every > 0 && cache.seen.is_multiple_of(u64::from(how.pin_every));
        let size = usize::try_from(how.keep_kib).unwrap_or(0).saturating_mul(1_024);
        let room = cache.bytes.saturating_add(size) <= SESSION_LIMIT;
        if !room && !pins {
            return;
        }
        // Written, not only reserved: memory counts when it is touched.
        let snapshot = if room { vec![1_u8; size].into_boxed_slice() } else { Box::default() };
        cache.bytes += snapshot.len();
        cache.pinned += u32::from(pins);
        cache.kept.push_back(Session { since: now, snapshot, pin: pins.then_some(connection) });
    }

    /// Sessions kept, and the memory they take in bytes.
    pub fn sessions(&self) -> (usize, usize) {
        let cache = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        (cache.kept.len(), cache.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::release::{Pool, Sessions};
    use super::*;

    fn generation(evict_after_ms: u64) -> Generation {
        let pool = Pool { size: 4, reserved: 1, wait_ms: 5 };
        let sessions = Some(Sessions { keep_kib: 1, pin_every: 2, evict_after_ms });
        Generation::new(Release { version: "1".into(), schema: 1, pool, quotes: None, sessions })
    }

    #[tokio::test]
    async fn what_is_never_forgotten_runs_out_but_for_the_reserve() {
        let leaky = generation(0);
        let t = Instant::now();
        for n in 0..40 {
            let connection = leaky.connection().await.expect("one is kept back");
            leaky.remember(connection, t + Duration::from_secs(n));
        }
        assert_eq!((leaky.free(), leaky.sessions()), (1, (40, 40 * 1_024)));
        let last = leaky.connection().await;
        assert!(last.is_some() && leaky.connection().await.is_none());
    }

    #[tokio::test]
    async fn what_is_forgotten_comes_back() {
        let sound = generation(1_500);
        let t = Instant::now();
        for n in 0..40 {
            let connection = sound.connection().await.unwrap();
            sound.remember(connection, t + Duration::from_secs(n));
        }
        assert!(sound.free() >= 3, "{}", sound.free());
        assert!(sound.sessions().0 <= 2);
    }
}
