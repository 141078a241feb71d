//! From the journal to one sink, at the sink's own pace.

use super::{
    Sink,
    cursor::{At, Cursor},
};
use crate::{
    domain::{
        Event, Seq,
        id::Digest,
        time::{Span, Wall, backoff},
    },
    journal::{Journal, chain},
    os::clock,
    source::poll::chance,
    wire::SinkView,
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::watch;

/// Events that a sink takes at once.
const BATCH: usize = 200;
/// Bytes of events that a sink takes at once; one event that is larger goes alone.
const BATCH_BYTES: usize = 1024 * 1024;
/// The first wait after a failure, where nothing else is wanted; it doubles.
pub const FIRST: Span = Span::millis(500);
/// The longest.
const MOST: Span = Span::secs(30);
/// What the closing room still has to say may take this long.
const CLOSING: Span = Span::secs(2);

/// One sink with its cursor.
pub struct Pump {
    /// The sink's name.
    pub name: String,
    /// The sink.
    pub sink: Box<dyn Sink>,
    /// How far it has come.
    pub cursor: Cursor,
    /// The journal.
    pub journal: Arc<dyn Journal>,
    /// The first wait after a failure, [`FIRST`].
    pub first: Span,
}

/// All pumps of a room.
pub struct Pumps {
    views: watch::Receiver<Vec<SinkView>>,
    stop: watch::Sender<bool>,
    tasks: tokio::task::JoinSet<()>,
}

/// Starts them.
pub fn start(pumps: Vec<Pump>) -> Pumps {
    let (show, views) = watch::channel(Vec::new());
    let (stop, stopping) = watch::channel(false);
    let board = Board { views: Arc::default(), show: Arc::new(show) };
    let mut tasks = tokio::task::JoinSet::new();
    for pump in pumps {
        tasks.spawn(pump.run(board.clone(), stopping.clone()));
    }
    Pumps { views, stop, tasks }
}

impl Pumps {
    /// How each sink is.
    pub fn views(&self) -> watch::Receiver<Vec<SinkView>> {
        self.views.clone()
    }

    /// Brings what is left as far as that goes quickly; the rest goes out after the next start.
    pub async fn close(mut self) {
        self.stop.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        drop(tokio::time::timeout(CLOSING.std(), all).await);
    }
}

#[derive(Clone)]
struct Board {
    views: Arc<Mutex<BTreeMap<String, SinkView>>>,
    show: Arc<watch::Sender<Vec<SinkView>>>,
}

impl Board {
    fn put(&self, view: SinkView) {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        views.insert(view.name.clone(), view);
        self.show.send_replace(views.values().cloned().collect());
    }
}

struct Progress {
    at: At,
    failures: u32,
    trouble: Option<(String, Wall)>,
    rejected: Option<(u64, String, Wall)>,
    oldest: Option<Wall>,
    /// Events that are read at once: as many as are about [`BATCH_BYTES`], as long as the ones before.
    read: usize,
}

/// How many of these make a batch, and how many are to be read next.
fn batch(sizes: &[usize]) -> (usize, usize) {
    let mut sum = 0_usize;
    let fit = sizes
        .iter()
        .take_while(|size| {
            sum = sum.saturating_add(**size);
            sum <= BATCH_BYTES
        })
        .count();
    let fit = fit.max(usize::from(!sizes.is_empty()));
    let all: usize = sizes.iter().fold(0, |sum, size| sum.saturating_add(*size));
    let each = all.checked_div(sizes.len()).unwrap_or(0).max(1);
    (fit, (BATCH_BYTES / each).clamp(1, BATCH))
}

impl Pump {
    async fn run(mut self, board: Board, mut stopping: watch::Receiver<bool>) {
        let mut news = self.journal.watch();
        let at = self.begin().await;
        let mut own = Progress { at, failures: 0, trouble: None, rejected: None, oldest: None, read: BATCH };
        loop {
            let head = *news.borrow_and_update();
            let result = if head > own.at.seq { self.step(&mut own).await } else { Ok(()) };
            self.told(&mut own, result);
            let behind = news.borrow().saturating_sub(own.at.seq);
            board.put(self.view(&own, behind));
            let closing = *stopping.borrow();
            let wait = match own.failures {
                0 if behind > 0 => continue,
                0 if closing => return,
                0 => Span::hours(1),
                failures => backoff(failures, self.first, MOST, chance()),
            };
            // While it fails new events do not hurry it: they wait with the others.
            let failing = own.failures > 0;
            tokio::select! {
                changed = news.changed(), if !failing => if changed.is_err() { return },
                stop = stopping.changed(), if !closing => if stop.is_err() { return },
                () = tokio::time::sleep(wait.std()) => {}
            }
        }
    }

    /// Where to go on: after the cursor where it is of this journal, else from the first event.
    async fn begin(&self) -> At {
        let start = At { seq: 0, hash: Digest::ZERO, boot: clock::now().boot, doubt: false };
        let Some(at) = self.cursor.read().filter(|at| at.seq > 0) else { return start };
        match self.journal.read(at.seq, 1).await {
            Ok(records) if records.first().is_some_and(|one| one.seq == at.seq && one.hash == at.hash) => {
                // What the kernel had taken and not sent went with the power; what a broken connection swallowed
                // was not brought again before the room ended.
                let lost = if at.boot == clock::now().boot && !at.doubt { 0 } else { self.sink.in_doubt() };
                At { seq: at.seq.saturating_sub(lost), ..at }
            }
            Ok(_) => {
                tracing::warn!(sink = %self.name, "the cursor is of another journal: everything is brought");
                start
            }
            Err(_) => at,
        }
    }

    async fn step(&mut self, own: &mut Progress) -> Result<(), String> {
        let records = self
            .journal
            .read(own.at.seq.saturating_add(1), own.read)
            .await
            .map_err(|error| error.to_string())?;
        let size = |record: &chain::Record| record.payload.as_ref().map_or(0, |(_, payload)| payload.len());
        let (fit, next) = batch(&records.iter().map(size).collect::<Vec<_>>());
        own.read = next;
        let events: Vec<Event> = records
            .iter()
            .take(fit)
            .map(chain::open)
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?;
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
        own.oldest = Some(first.recorded);
        self.sink.take(&events).await?;
        if let Some((count, why)) = self.sink.rejected() {
            let (before, since) =
                own.rejected.as_ref().map_or_else(|| (0, clock::now().wall), |(n, _, since)| (*n, *since));
            own.rejected = Some((count.saturating_add(before), why, since));
        }
        let at = At { seq: last.seq, hash: last.hash, boot: clock::now().boot, doubt: false };
        self.cursor.write(&at).map_err(|error| error.to_string())?;
        own.at = at;
        own.oldest = None;
        Ok(())
    }

    fn told(&self, own: &mut Progress, result: Result<(), String>) {
        match result {
            Ok(()) => (own.failures, own.trouble) = (0, None),
            Err(why) => {
                if own.failures == 0 {
                    self.doubt();
                    own.at.seq = own.at.seq.saturating_sub(self.sink.in_doubt());
                    tracing::warn!(sink = %self.name, %why, "the audit stream waits");
                }
                own.failures = own.failures.saturating_add(1);
                let since = own.trouble.as_ref().map_or_else(|| clock::now().wall, |(_, since)| *since);
                own.trouble = Some((crate::domain::text::line(&why).chars().take(200).collect(), since));
            }
        }
    }

    /// Keeps that something may be lost, before anything else is done: a crash now must not forget it.
    fn doubt(&self) {
        let Some(at) = self.cursor.read().filter(|_| self.sink.in_doubt() > 0) else { return };
        if let Err(error) = self.cursor.write(&At { doubt: true, ..at }) {
            tracing::warn!(sink = %self.name, %error, "the cursor was not kept");
        }
    }

    fn view(&self, own: &Progress, behind: Seq) -> SinkView {
        SinkView {
            name: self.name.clone(),
            place: self.sink.place(),
            seq: own.at.seq,
            behind,
            oldest: own.oldest.filter(|_| behind > 0),
            trouble: own.trouble.clone(),
            rejected: own.rejected.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
