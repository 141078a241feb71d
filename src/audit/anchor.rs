//! Signs where the journal ends, keeps that beside it, and sends it where the journal's owner cannot reach.
//!
//! A task of its own follows the journal as a [`super::pump`] does and checks every event on its way, so that nothing
//! is signed that does not follow what was signed before. A journal that has lost its last checkpoint, or has another
//! event there, is signed no more: the seats are told, and what was kept stays as it was.

mod files;
mod to;

pub use files::{Files, read, read_key, signer};
pub use to::To;

use crate::{
    domain::{Seq, time::Span, time::Wall},
    journal::{
        Head, Journal, Trouble, chain,
        checkpoint::{Note, Pace, Signer, Unanchored, closes},
    },
    os::clock,
    wire::Anchored,
};
use std::{path::PathBuf, sync::Arc};
use tokio::sync::watch;

/// Events that are read at once.
const PAGE: usize = 1_000;
/// Events that come within this are looked at together: a busy room's disk has better to do.
const GATHER: Span = Span::millis(250);
/// After something failed it is tried again after this long.
const AGAIN: Span = Span::secs(5);
/// What the closing room still has to sign and send may take this long.
const CLOSING: Span = Span::secs(2);

/// What signs, when, and where it is kept.
pub struct Anchor {
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// The key.
    pub signer: Signer,
    /// The file of checkpoints.
    pub kept: PathBuf,
    /// When one is due.
    pub pace: Pace,
    /// Where they go besides.
    pub to: Vec<To>,
}

/// A room's signing.
pub struct Anchoring {
    view: watch::Receiver<Option<Anchored>>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

/// Starts it.
pub fn start(anchor: Anchor) -> Anchoring {
    let (show, view) = watch::channel(None);
    let (stop, stopping) = watch::channel(false);
    let task = tokio::spawn(Signing::new(anchor, show).run(stopping));
    Anchoring { view, stop, task }
}

impl Anchoring {
    /// The newest checkpoint, for the seats.
    pub fn view(&self) -> watch::Receiver<Option<Anchored>> {
        self.view.clone()
    }

    /// Signs what is left, as far as that goes quickly.
    pub async fn close(self) {
        self.stop.send_replace(true);
        drop(tokio::time::timeout(CLOSING.std(), self.task).await);
    }
}

/// Why it stopped, and whether for good.
enum Halt {
    /// What was signed is not there any more.
    Lost(String),
    /// Something failed that may go by.
    Failed(String),
}

impl From<Trouble> for Halt {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Broken { .. } => Self::Lost(trouble.to_string()),
            Trouble::Unreadable { .. } => Self::Failed(trouble.to_string()),
        }
    }
}

struct Signing {
    anchor: Anchor,
    show: watch::Sender<Option<Anchored>>,
    newest: Option<Note>,
    /// Where the last checkpoint stands, and how far the journal was read since.
    signed: Head,
    seen: Head,
    /// When the oldest event since was recorded.
    oldest: Option<Wall>,
    closed: bool,
    trouble: Option<(String, Wall)>,
    /// What was signed is not there any more: nothing is signed on top of that.
    lost: bool,
    /// Each target, with whether it has the newest: an older one need not go there, the newest vouches for more.
    to: Vec<(To, bool)>,
}

impl Signing {
    fn new(mut anchor: Anchor, show: watch::Sender<Option<Anchored>>) -> Self {
        let to = std::mem::take(&mut anchor.to).into_iter().map(|to| (to, true)).collect();
        Self {
            anchor,
            show,
            newest: None,
            signed: Head::EMPTY,
            seen: Head::EMPTY,
            oldest: None,
            closed: false,
            trouble: None,
            lost: false,
            to,
        }
    }

    async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let mut news = self.anchor.journal.watch();
        let mut begun = false;
        loop {
            let newest = *news.borrow_and_update();
            let last = *stopping.borrow();
            let done = if begun { Ok(()) } else { self.begin().await };
            begun |= done.is_ok();
            let done = match done {
                Ok(()) => self.step(newest, last).await,
                Err(halt) => Err(halt),
            };
            match done {
                Ok(()) => self.told(None),
                Err(Halt::Failed(why)) => self.told(Some(why)),
                Err(Halt::Lost(why)) => {
                    self.lost = true;
                    self.told(Some(why));
                }
            }
            if last {
                return;
            }
            let wait = if self.lost {
                None
            } else if self.trouble.is_some() || self.to.iter().any(|(_, has)| !has) {
                Some(AGAIN)
            } else {
                self.oldest.map(|_| self.anchor.pace.within.minus(self.age()).max(Span::millis(10)))
            };
            let failing = self.trouble.is_some();
            tokio::select! {
                changed = news.changed(), if !failing => {
                    if changed.is_err() {
                        return;
                    }
                    drop(tokio::time::timeout(GATHER.std(), stopping.wait_for(|stop| *stop)).await);
                }
                stop = stopping.changed() => if stop.is_err() || self.lost { return },
                () = tokio::time::sleep(wait.unwrap_or(Span::hours(1)).std()) => {}
            }
            if self.lost {
                // Nothing more is signed; what was found stays shown until the room ends.
                drop(stopping.wait_for(|stop| *stop).await);
                return;
            }
        }
    }

    /// How long ago the oldest event that is not signed yet was recorded.
    fn age(&self) -> Span {
        self.oldest.map_or(Span::ZERO, |oldest| Span::between(oldest, clock::now().wall))
    }

    /// Goes on after the last checkpoint that was kept, where the journal still has what it is of.
    async fn begin(&mut self) -> Result<(), Halt> {
        let (path, key) = (self.anchor.kept.clone(), self.anchor.signer.verifier());
        let last = tokio::task::spawn_blocking(move || files::newest(&path, &key))
            .await
            .map_err(|error| Halt::Failed(error.to_string()))?
            .map_err(Halt::Failed)?;
        let Some(note) = last else { return Ok(()) };
        let head = note.head;
        self.newest = Some(note);
        let found = self.anchor.journal.read(head.seq, 1).await?;
        let there = found.first().filter(|record| record.seq == head.seq);
        if there.is_none_or(|record| record.hash != head.hash) {
            let how = if there.is_some() { "is another event now" } else { "is not there any more" };
            return Err(Halt::Lost(format!(
                "event {} was signed and {how}: the journal was cut, or written anew, or is another one; keep its files, \
                 run warroom verify, and restore a copy",
                head.seq
            )));
        }
        (self.signed, self.seen) = (head, head);
        Ok(())
    }

    /// Reads what is new, and signs where that is due.
    async fn step(&mut self, newest: Seq, last: bool) -> Result<(), Halt> {
        while self.seen.seq < newest {
            let records = self.anchor.journal.read(self.seen.seq.saturating_add(1), PAGE).await?;
            if records.is_empty() {
                break;
            }
            for record in &records {
                chain::follows(self.seen, record).map_err(|why| Trouble::Broken { seq: record.seq, why })?;
                let event = chain::open(record)?;
                self.closed |= closes(&event);
                self.oldest.get_or_insert(event.recorded);
                self.seen = Head { seq: record.seq, hash: record.hash };
            }
        }
        let since = Unanchored {
            events: self.seen.seq.saturating_sub(self.signed.seq),
            age: self.age(),
            last: self.closed || last,
        };
        if self.anchor.pace.is_due(&since) {
            let note = self.anchor.signer.sign(self.seen);
            let (path, text) = (self.anchor.kept.clone(), note.to_string());
            tokio::task::spawn_blocking(move || files::append(&path, &text))
                .await
                .map_err(|error| Halt::Failed(error.to_string()))?
                .map_err(Halt::Failed)?;
            self.newest = Some(note);
            (self.signed, self.oldest, self.closed) = (self.seen, None, false);
            self.to.iter_mut().for_each(|(_, has)| *has = false);
            self.show();
        }
        self.send().await
    }

    /// Brings the newest to whoever does not have it.
    async fn send(&mut self) -> Result<(), Halt> {
        let Some(note) = &self.newest else { return Ok(()) };
        let mut failed = None;
        for (to, has) in self.to.iter_mut().filter(|(_, has)| !has) {
            match to.send(note).await {
                Ok(()) => *has = true,
                Err(why) => failed = failed.or(Some(format!("the checkpoint does not reach {to}: {why}"))),
            }
        }
        failed.map_or(Ok(()), |why| Err(Halt::Failed(why)))
    }

    fn told(&mut self, why: Option<String>) {
        let why = why.map(|why| crate::domain::text::line(&why).chars().take(400).collect::<String>());
        if let Some(why) = &why
            && self.trouble.as_ref().is_none_or(|(before, _)| before != why)
        {
            tracing::warn!(%why, "the journal's checkpoints");
        }
        let since = self.trouble.as_ref().map_or_else(|| clock::now().wall, |(_, since)| *since);
        self.trouble = why.map(|why| (why, since));
        self.show();
    }

    fn show(&self) {
        let view = Anchored {
            seq: self.signed.seq,
            note: self.newest.as_ref().map(ToString::to_string),
            key: self.anchor.signer.verifier().to_string(),
            trouble: self.trouble.clone(),
            lost: self.lost,
        };
        self.show.send_if_modified(|shown| {
            let changed = shown.as_ref() != Some(&view);
            *shown = Some(view);
            changed
        });
    }
}

#[cfg(test)]
mod tests;
