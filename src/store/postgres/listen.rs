//! Hears of what others append. A notification wakes at once; asking every second backs it up, for a pooler or a fork
//! may not pass any on.

use super::{rows, session::Connector};
use crate::domain::Seq;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

/// How often it is asked.
const EVERY: Duration = Duration::from_secs(1);
/// How long an answer may take before the connection is given up.
const WITHIN: Duration = Duration::from_secs(5);
/// The longest wait before the next attempt to connect.
const BACKOFF: Duration = Duration::from_secs(5);

/// Tells the newest event's position whenever it changes, until nobody wants to know.
pub(super) async fn run(connector: Arc<Connector>, tell: Arc<watch::Sender<Seq>>) {
    let mut wait = Duration::from_millis(200);
    while !tell.is_closed() {
        if hear(&connector, &tell).await {
            wait = Duration::from_millis(200);
        }
        sleep(wait).await;
        wait = (wait * 2).min(BACKOFF);
    }
}

/// On one connection, until it breaks. Says whether it was one at all.
async fn hear(connector: &Connector, tell: &watch::Sender<Seq>) -> bool {
    let (heard, mut notes) = mpsc::channel(64);
    let Ok(session) = connector.bare(Some(("warroom", heard))).await else { return false };
    if connector.notifies() {
        // Where it is refused, or lost between a pooler and its server, asking does.
        drop(session.client.batch_execute("LISTEN warroom").await);
    }
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let seq = tokio::select! {
            note = notes.recv() => match note {
                // Where the payload was cut or forged, the next tick knows better.
                Some(note) => note.parse::<Seq>().ok(),
                None => return true,
            },
            _ = tick.tick() => match timeout(WITHIN, rows::head(&session)).await {
                Ok(Ok(head)) => Some(head.seq),
                _ => return true,
            },
        };
        if let Some(seq) = seq {
            tell.send_if_modified(|newest| std::mem::replace(newest, seq.max(*newest)) < seq);
        }
    }
}
