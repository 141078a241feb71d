//! The one task that writes a mirror. It is handed what the room appends and reads anyway; what it missed it reads itself
//! when nothing comes. Nobody waits for it.

use super::file::File;
use crate::{
    domain::{Fact, Seq, note::NoteFact},
    journal::{
        Appended, Head, Journal, Trouble,
        chain::{self, Record},
    },
    store::sqlite::Sqlite,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

/// Pages that wait for the disk at most; what comes then is read later.
const INBOX: usize = 4_096;
/// Records that wait for the ones before them at most.
const AHEAD: usize = 8_192;
/// Records that are read, and written, at once.
const PAGE: usize = 1_024;
/// Between two writes, so that the disk is left to what somebody waits for.
const APART: Duration = Duration::from_millis(200);
/// How long nothing comes before what is missing is read.
const QUIET: Duration = Duration::from_millis(500);

/// What the task is handed.
#[derive(Debug)]
pub(super) enum Fed {
    /// They stand in the journal.
    Records(Vec<Record>),
    /// The journal has lost something, and is another from there on.
    Lost,
}

/// Hands over.
#[derive(Clone)]
pub(super) struct Feed {
    to: mpsc::Sender<Fed>,
    /// How far the mirror is.
    head: Arc<AtomicU64>,
}

impl Feed {
    pub(super) fn give(&self, fed: Fed) {
        // Full, it reads it later; ended, there is no mirror any more.
        let _ = self.to.try_send(fed);
    }

    /// Hands them over where the mirror has not all of them.
    pub(super) fn may_lack(&self, records: &[Record]) {
        let head = self.head.load(Ordering::Relaxed);
        if records.last().is_some_and(|last| last.seq > head) {
            self.give(Fed::Records(records.to_vec()));
        }
    }
}

/// The task, and the mirror as it is now.
pub(super) struct Follower {
    feed: Feed,
    on: Arc<Mutex<Option<Arc<Sqlite>>>>,
}

impl Follower {
    pub(super) fn start(journal: Arc<dyn Journal>, file: File) -> Self {
        let (to, inbox) = mpsc::channel(INBOX);
        let head = Arc::new(AtomicU64::new(file.head.seq));
        let on = Arc::new(Mutex::new(Some(Arc::clone(&file.journal))));
        let task = Task {
            journal,
            head: Arc::clone(&head),
            on: Arc::clone(&on),
            ahead: BTreeMap::new(),
            file: Some(file),
            ails: false,
        };
        tokio::spawn(task.run(inbox));
        Self { feed: Feed { to, head }, on }
    }

    pub(super) fn feed(&self) -> Feed {
        self.feed.clone()
    }

    /// None while it is begun anew, or where that failed.
    pub(super) fn mirror(&self) -> Option<Arc<dyn Journal>> {
        let on = self.on.lock().unwrap_or_else(PoisonError::into_inner);
        on.as_ref().map(|journal| Arc::clone(journal) as Arc<dyn Journal>)
    }
}

struct Task {
    journal: Arc<dyn Journal>,
    head: Arc<AtomicU64>,
    on: Arc<Mutex<Option<Arc<Sqlite>>>>,
    /// What comes after something that did not come yet.
    ahead: BTreeMap<Seq, Record>,
    /// None where it could not be begun anew.
    file: Option<File>,
    /// It was told that it cannot be written.
    ails: bool,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<Fed>) {
        let mut quiet = interval(QUIET);
        quiet.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut write_at = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = sleep_until(write_at), if !self.ahead.is_empty() => {
                    self.write().await;
                    write_at = Instant::now() + APART;
                    // What comes before them did not come.
                    if !self.ahead.is_empty() && inbox.is_empty() {
                        self.catch_up(&inbox).await;
                    }
                }
                fed = inbox.recv() => {
                    let Some(fed) = fed else { return self.write().await };
                    self.take(fed).await;
                    quiet.reset();
                }
                _ = quiet.tick() => self.catch_up(&inbox).await,
            }
        }
    }

    async fn take(&mut self, fed: Fed) {
        match fed {
            Fed::Records(records) => {
                let head = self.file.as_ref().map_or(0, |file| file.head.seq);
                self.ahead.extend(records.into_iter().filter(|one| one.seq > head).map(|one| (one.seq, one)));
                while self.ahead.len() > AHEAD {
                    drop(self.ahead.pop_last());
                }
            }
            Fed::Lost => {
                self.ahead.clear();
                let Some(file) = self.file.take() else { return };
                if self.agrees(&file).await {
                    self.file = Some(file);
                    return;
                }
                match self.begin_anew(file).await {
                    Ok(file) => self.file = Some(file),
                    Err(trouble) => tracing::error!(%trouble, "no mirror is kept of the journal any more"),
                }
            }
        }
    }

    /// The journal has the mirror's last event: what it lost had not come here yet.
    async fn agrees(&self, file: &File) -> bool {
        let found = self.journal.read(file.head.seq, 1).await.unwrap_or_default();
        found.first().is_some_and(|last| (last.seq, last.hash) == (file.head.seq, file.head.hash))
    }

    async fn begin_anew(&mut self, file: File) -> Result<File, Trouble> {
        *self.on.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let file = file.anew().await?;
        self.head.store(file.head.seq, Ordering::Relaxed);
        *self.on.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&file.journal));
        Ok(file)
    }

    /// Writes what follows.
    async fn write(&mut self) {
        while let Some(file) = &mut self.file {
            let mut next = Vec::new();
            let mut head = file.head;
            while next.len() < PAGE
                && let Some(first) = self.ahead.first_entry()
                && *first.key() <= head.seq.saturating_add(1)
            {
                let record = first.remove();
                if record.seq <= head.seq {
                    continue;
                }
                if record.prev != head.hash {
                    // Of a journal that has lost something: that is said soon.
                    self.ahead.clear();
                    break;
                }
                head = Head { seq: record.seq, hash: record.hash };
                next.push(record);
            }
            if next.is_empty() {
                return;
            }
            // First, for what is taken out lies before: interrupted in between, both come again.
            for seq in next.iter().filter_map(erased).collect::<Vec<_>>() {
                match next.iter_mut().find(|record| record.seq == seq) {
                    Some(record) => record.payload = None,
                    None => drop(file.journal.erase(seq).await),
                }
            }
            match file.journal.append(file.head, next).await {
                Appended::Ok(head) => {
                    file.head = head;
                    self.head.store(head.seq, Ordering::Relaxed);
                    self.ails = false;
                }
                Appended::Conflict(head) => file.head = head,
                Appended::Unknown(why) | Appended::Unavailable(why) => {
                    if !std::mem::replace(&mut self.ails, true) {
                        tracing::error!(%why, "the mirror of the journal cannot be written; it is tried again");
                    }
                    file.head = file.journal.head().await.unwrap_or(file.head);
                    return;
                }
            }
        }
    }

    /// Reads what is missing, until something comes.
    async fn catch_up(&mut self, inbox: &mpsc::Receiver<Fed>) {
        loop {
            let Some(head) = self.file.as_ref().map(|file| file.head.seq) else { return };
            if *self.journal.watch().borrow() <= head || !inbox.is_empty() {
                return;
            }
            let Ok(records) = self.journal.read(head.saturating_add(1), PAGE).await else { return };
            let all = records.len() < PAGE;
            self.take(Fed::Records(records)).await;
            self.write().await;
            let got_on = self.file.as_ref().is_some_and(|file| file.head.seq > head);
            if all || !got_on {
                return;
            }
        }
    }
}

/// The event whose words were taken out, where this one says so.
fn erased(record: &Record) -> Option<Seq> {
    let (_, payload) = record.payload.as_ref()?;
    memchr::memmem::find(payload, b"erased")?;
    match chain::open(record).ok()?.fact {
        Fact::Note(NoteFact::Erased { seq, payload: true, .. }) => Some(seq),
        _ => None,
    }
}
