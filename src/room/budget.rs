//! What one user's clients may have the room hold at once, so that no number of connections costs it its memory. Who
//! keeps to it is made to wait for a moment; who does not is told why and let go.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Frames up to so many bytes are taken in as they come.
pub const SMALL: usize = 32 * 1024;
/// Longer ones of one user that may be on their way at once, from their first bytes until the room is done with them.
const LARGE_OF_ONE: usize = 2;
/// The same of all users.
const LARGE_OF_ALL: usize = 8;
/// How long a client waits for its turn to send a longer one.
const TURN_WITHIN: Duration = Duration::from_secs(5);
/// How long sending one may take.
pub const SENT_WITHIN: Duration = Duration::from_secs(30);
/// Bytes of answers that may wait for all clients of one user.
const OWED_MOST: usize = 64 * 1024 * 1024;
/// Answers that are looked up on disk at once.
pub const LOOKUPS: usize = 16;

/// The budgets of all users who are here.
#[derive(Debug, Clone)]
pub struct Budgets {
    users: Arc<Mutex<BTreeMap<u32, Weak<Budget>>>>,
    large: Arc<Semaphore>,
}

/// One user's.
#[derive(Debug)]
pub struct Budget {
    large: Arc<Semaphore>,
    large_of_all: Arc<Semaphore>,
    owed: AtomicUsize,
}

/// A long frame may come in; dropped when the room is done with it.
#[derive(Debug)]
pub struct Large {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { users: Arc::default(), large: Arc::new(Semaphore::new(LARGE_OF_ALL)) }
    }
}

impl Budgets {
    /// The budget of a user, shared by all of their clients.
    pub fn of(&self, uid: u32) -> Arc<Budget> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = users.get(&uid).and_then(Weak::upgrade) {
            return known;
        }
        users.retain(|_, budget| budget.strong_count() > 0);
        let fresh = Arc::new(Budget {
            large: Arc::new(Semaphore::new(LARGE_OF_ONE)),
            large_of_all: self.large.clone(),
            owed: AtomicUsize::new(0),
        });
        users.insert(uid, Arc::downgrade(&fresh));
        fresh
    }
}

impl Budget {
    /// Waits for the turn to send a long frame.
    ///
    /// # Errors
    /// What the client is told where its turn does not come.
    pub async fn large(&self) -> Result<Large, String> {
        self.large_within(TURN_WITHIN).await
    }

    async fn large_within(&self, within: Duration) -> Result<Large, String> {
        let turn = async {
            // The user's own first, so that nobody keeps the others' places while waiting for one of their own.
            let own = self.large.clone().acquire_owned().await.ok()?;
            let of_all = self.large_of_all.clone().acquire_owned().await.ok()?;
            Some(Large { _own: own, _of_all: of_all })
        };
        tokio::time::timeout(within, turn).await.ok().flatten().ok_or_else(|| {
            format!(
                "too much at once: {LARGE_OF_ONE} frames of yours beyond {} KiB, or {LARGE_OF_ALL} of all users, have \
                 been on their way for {} s; send one after another",
                SMALL / 1024,
                within.as_secs()
            )
        })
    }

    /// An answer begins to wait.
    ///
    /// # Errors
    /// What the client is told where it is one too many; the answer does not count then.
    pub fn owe(&self, bytes: usize) -> Result<(), String> {
        let before = self.owed.fetch_add(bytes, Ordering::Relaxed);
        // One alone may be of any size.
        if before == 0 || before.saturating_add(bytes) <= OWED_MOST {
            return Ok(());
        }
        self.paid(bytes);
        Err(format!(
            "too much at once: {} MiB of answers wait for your clients already; read them before you ask on",
            OWED_MOST / 1024 / 1024
        ))
    }

    /// An answer waits no longer.
    pub fn paid(&self, bytes: usize) {
        self.owed.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    #[tokio::test]
    async fn long_frames_of_one_user_wait_for_each_other_and_not_for_those_of_others() {
        let budgets = Budgets::default();
        let (one, other) = (budgets.of(1), budgets.of(2));
        let first = one.large().await.unwrap();
        let _second = one.large().await.unwrap();
        let said = budgets.of(1).large_within(Duration::ZERO).await.unwrap_err();
        assert!(said.starts_with("too much at once: 2 frames of yours beyond 32 KiB"), "{said}");
        assert!(other.large().now_or_never().is_some());
        drop(first);
        assert!(one.large().now_or_never().unwrap().is_ok());
    }

    #[tokio::test]
    async fn all_together_are_bounded_too() {
        let budgets = Budgets::default();
        let users: Vec<_> = (0..5).map(|uid| budgets.of(uid)).collect();
        let mut held = Vec::new();
        for user in &users[..4] {
            held.push(user.large().await.unwrap());
            held.push(user.large().await.unwrap());
        }
        assert!(users[4].large_within(Duration::ZERO).await.is_err());
        held.pop();
        assert!(users[4].large().await.is_ok());
    }

    #[test]
    fn answers_of_one_user_are_bounded_and_one_alone_never_is() {
        let budgets = Budgets::default();
        let user = budgets.of(1);
        user.owe(OWED_MOST + 1).unwrap();
        assert!(user.owe(1).unwrap_err().contains("64 MiB of answers"));
        assert!(budgets.of(2).owe(1).is_ok());
        user.paid(OWED_MOST + 1);
        user.owe(OWED_MOST).unwrap();
        assert!(user.owe(1).is_err());
        user.paid(1);
        assert!(user.owe(1).is_ok());
    }

    #[test]
    fn who_has_left_is_forgotten() {
        let budgets = Budgets::default();
        drop(budgets.of(1));
        let _kept = budgets.of(2);
        assert_eq!(budgets.users.lock().unwrap().keys().collect::<Vec<_>>(), [&2]);
    }
}
