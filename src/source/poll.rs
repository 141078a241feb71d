//! What all pollers share: saying a reading, waiting longer after each failure, beginning again after a fault.

use crate::domain::{text, time::Span};
use crate::signal::{Body, Reading, SourceId, Trouble};
use chrono::Utc;
use futures::FutureExt;
use std::{future::Future, panic::AssertUnwindSafe, time::Instant};
use tokio::sync::mpsc::Sender;

/// Longest wait between two attempts.
const BACKOFF_MAX: Span = Span::secs(30);
/// Wait after a fault of our own.
const RESTART: Span = Span::secs(5);

/// The room listens no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// A poller's way to the room. It waits where the room is slow; nothing queues up without bound.
#[derive(Debug, Clone)]
pub struct Mouth {
    /// Who speaks.
    pub id: SourceId,
    tx: Sender<Reading>,
}

impl Mouth {
    /// For one source.
    pub fn new(id: SourceId, tx: Sender<Reading>) -> Self {
        Self { id, tx }
    }

    /// Says one reading.
    pub async fn say(&self, body: Body) -> Result<(), Gone> {
        let reading = Reading { source: self.id.clone(), at: Utc::now(), body };
        self.tx.send(reading).await.map_err(|_| Gone)
    }

    /// Says what is wrong, made safe to show.
    pub async fn trouble(&self, message: &str, retry_in: Span) -> Result<(), Gone> {
        let message = text::line(message).into_owned();
        self.say(Body::Trouble(Trouble { message, retry_in })).await
    }
}

/// How long to wait after so many failures in a row: doubling from `every` (at least a second) to thirty seconds,
/// then between half and all of that by `chance` (0 to 1), so that many rooms do not ask in step.
pub fn backoff(failures: u32, every: Span, chance: f64) -> Span {
    crate::domain::time::backoff(failures, every.max(Span::secs(1)), BACKOFF_MAX, chance)
}

/// A number from 0 to 1 that nobody foresees.
pub fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |n| f64::from(n) / f64::from(u32::MAX))
}

/// Waits for what is left of `every` since `began`; a moment at least, so that a slow source is not asked without
/// pause.
pub async fn rest(began: Instant, every: Span) {
    let left = every.minus(Span::from(began.elapsed()));
    tokio::time::sleep(left.max(Span::millis(20)).std()).await;
}

/// Runs a poller until nobody listens. A fault within it is told, and it begins again.
pub async fn supervise<F, R>(mouth: Mouth, run: F)
where
    F: Fn(Mouth) -> R + Send,
    R: Future<Output = Gone> + Send,
{
    loop {
        let fault = AssertUnwindSafe(run(mouth.clone())).catch_unwind().await.err();
        if fault.is_none() {
            return;
        }
        tracing::error!(source = mouth.id, "a poller stopped by a fault of its own");
        let told =
            mouth.trouble("a fault within warroom stopped this source; it begins again", RESTART).await;
        if told.is_err() {
            return;
        }
        tokio::time::sleep(RESTART.std()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn waits_grow_and_stay_bounded(failures in 1_u32..100, every_ms in 0_u64..120_000, chance in 0.0_f64..1.0) {
            let every = Span::millis(every_ms);
            let wait = backoff(failures, every, chance);
            prop_assert!(wait >= Span::millis(500));
            prop_assert!(wait <= BACKOFF_MAX.max(every));
            prop_assert!(wait <= backoff(failures + 1, every, chance));
        }
    }

    #[tokio::test]
    async fn a_panic_does_not_end_the_room() {
        let (tx, mut rx) = tokio::sync::mpsc::channel(4);
        let mouth = Mouth::new("x".into(), tx);
        let task = tokio::spawn(supervise(mouth, |_| async { panic!("on purpose") }));
        let reading = rx.recv().await.unwrap();
        assert!(matches!(reading.body, Body::Trouble(_)));
        task.abort();
    }
}
