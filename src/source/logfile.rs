//! Log files, followed by name through rotation, truncation and replacement.
//!
//! Files are looked at, not subscribed to: a look costs one `stat`, works alike on every file system, network ones
//! included, and sees what inotify's queue loses under load.

mod follow;
mod recent;
mod splitter;
mod tail;

pub use follow::{Follower, Round, Wanted};
pub use recent::Recent;

use super::poll::{Gone, Mouth, rest};
use crate::domain::time::Span;
use crate::signal::{Body, LinesBatch};
use chrono::Utc;
use std::time::Instant;

/// Said to be alive this often where nothing is written.
const ALIVE: Span = Span::secs(2);

/// Follows until nobody listens.
pub async fn run(wanted: Wanted, every: Span, recent: Recent, mouth: Mouth) -> Gone {
    let Err(gone) = forever(wanted, every, recent, mouth).await;
    gone
}

async fn forever(
    wanted: Wanted,
    every: Span,
    recent: Recent,
    mouth: Mouth,
) -> Result<std::convert::Infallible, Gone> {
    recent.forget();
    let mut follower = Follower::new(wanted.clone());
    let mut told: Vec<String> = Vec::new();
    let mut said = Instant::now();
    loop {
        let began = Instant::now();
        let kept = recent.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let now = Utc::now();
            let round = follower.look(now);
            kept.took(&round, now);
            (follower, round)
        });
        let Ok((back, round)) = looked.await else {
            mouth.trouble("a fault within warroom: the files are followed anew", every).await?;
            tokio::time::sleep(Span::secs(5).std()).await;
            follower = Follower::new(wanted.clone());
            recent.forget();
            continue;
        };
        follower = back;
        let Round { lines, dropped, turned, troubles, more, .. } = round;
        let news = !lines.is_empty() || dropped > 0 || turned.is_some();
        if news {
            mouth.say(Body::Lines(LinesBatch { lines, dropped, turned })).await?;
        }
        let quiet = Span::from(said.elapsed()) >= ALIVE;
        if !troubles.is_empty() && (news || quiet || troubles != told) {
            mouth.trouble(&troubles.join("; "), every).await?;
            said = began;
        } else if news {
            said = began;
        } else if quiet || troubles != told {
            mouth.say(Body::Alive).await?;
            said = began;
        }
        told = troubles;
        if !more {
            rest(began, every).await;
        }
    }
}
