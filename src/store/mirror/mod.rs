//! A journal elsewhere, and a copy of it on the room's own disk: the same records in the embedded form. It is written
//! beside, never waited for, and read only where the journal is out of reach: a room starts on it, and its whole timeline is
//! there.

mod file;
mod follow;
#[cfg(test)]
mod tests;

use super::postgres::{Postgres, Spec};
use crate::{
    domain::{CommandId, Seq, id::IncidentId},
    journal::{Appended, Head, Journal, Trouble, chain::Record, meeting::Meeting, mirror::Found},
};
use follow::{Fed, Follower};
use futures::{FutureExt as _, future::BoxFuture};
use std::{path::Path, sync::Arc};
use tokio::sync::watch;

/// Opens the journal in a database to append, with its mirror in `dir`, where it is kept by the name of the place.
///
/// # Errors
/// As [`Postgres::open`]; for a database that is out of reach only where there is no mirror of it yet.
pub async fn open(spec: &Spec, dir: &Path) -> Result<(Arc<dyn Journal>, Found), Trouble> {
    let path = file::path(dir, &spec.place()?);
    let mirror = match file::File::open(&path).await {
        Ok(mirror) => mirror,
        // The journal is worth having without.
        Err(trouble) => {
            tracing::error!(%trouble, "no mirror is kept of the journal");
            return Ok((Arc::new(Postgres::open(spec, super::Mode::Write).await?), Found::Sound));
        }
    };
    let (journal, away) = Postgres::open_or_wait(spec, mirror.head).await?;
    join(Arc::new(journal), mirror, away).await
}

/// The journal with its mirror, once it is known how one fits the other.
async fn join(
    journal: Arc<dyn Journal>,
    mut mirror: file::File,
    away: Option<Trouble>,
) -> Result<(Arc<dyn Journal>, Found), Trouble> {
    let found = match away {
        Some(trouble) if mirror.head == Head::EMPTY => return Err(trouble),
        Some(trouble) => {
            tracing::error!(%trouble, up_to = mirror.head.seq, "the room starts on its mirror of the journal");
            Found::Away(trouble.to_string())
        }
        None => match lost(journal.as_ref(), &mirror).await? {
            None => Found::Sound,
            Some(from) => {
                let to = mirror.head.seq;
                tracing::error!(from, to, "the journal has lost events that its mirror has");
                mirror = mirror.anew().await?;
                Found::Lost { from, to }
            }
        },
    };
    Ok((Arc::new(Mirrored::new(journal, mirror)), found))
}

/// The first event that the mirror has and the journal has not, or has otherwise.
async fn lost(journal: &dyn Journal, mirror: &file::File) -> Result<Option<Seq>, Trouble> {
    let hash = async |of: &dyn Journal, seq: Seq| {
        let found = of.read(seq, 1).await?;
        Ok::<_, Trouble>(found.first().filter(|record| record.seq == seq).map(|record| record.hash))
    };
    let end = mirror.head;
    if end == Head::EMPTY || hash(journal, end.seq).await? == Some(end.hash) {
        return Ok(None);
    }
    // Each hash is over all before it: they are the same up to somewhere, and never again after.
    let (mut same, mut other) = (0, end.seq);
    while other.saturating_sub(same) > 1 {
        let middle = same.saturating_add(other.saturating_sub(same) / 2);
        let both = (hash(journal, middle).await?, hash(mirror.journal.as_ref(), middle).await?);
        if both.0.is_some() && both.0 == both.1 { same = middle } else { other = middle }
    }
    Ok(Some(other))
}

struct Mirrored {
    journal: Arc<dyn Journal>,
    follower: Follower,
}

impl Mirrored {
    fn new(journal: Arc<dyn Journal>, mirror: file::File) -> Self {
        Self { follower: Follower::start(Arc::clone(&journal), mirror), journal }
    }
}

impl Journal for Mirrored {
    fn append(&self, expected: Head, records: Vec<Record>) -> BoxFuture<'static, Appended> {
        let feed = self.follower.feed();
        let appended = self.journal.append(expected, records.clone());
        async move {
            let appended = appended.await;
            if matches!(appended, Appended::Ok(_)) {
                feed.give(Fed::Records(records));
            }
            appended
        }
        .boxed()
    }

    fn read(&self, from: Seq, limit: usize) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        let feed = self.follower.feed();
        let read = self.journal.read(from, limit);
        async move {
            let records = read.await?;
            feed.may_lack(&records);
            Ok(records)
        }
        .boxed()
    }

    fn read_stream(
        &self,
        stream: IncidentId,
        from: Seq,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        self.journal.read_stream(stream, from, limit)
    }

    fn find(&self, command: CommandId) -> BoxFuture<'static, Result<Vec<Record>, Trouble>> {
        self.journal.find(command)
    }

    fn head(&self) -> BoxFuture<'static, Result<Head, Trouble>> {
        self.journal.head()
    }

    fn watch(&self) -> watch::Receiver<Seq> {
        self.journal.watch()
    }

    fn erase(&self, seq: Seq) -> BoxFuture<'static, Result<(), Trouble>> {
        // The mirror does so by itself, when it comes to the event that says so.
        self.journal.erase(seq)
    }

    fn place(&self) -> String {
        self.journal.place()
    }

    fn is_replicated(&self) -> Option<bool> {
        self.journal.is_replicated()
    }

    fn regressed(&self) -> BoxFuture<'static, Result<bool, Trouble>> {
        let feed = self.follower.feed();
        let regressed = self.journal.regressed();
        async move {
            let regressed = regressed.await?;
            if regressed {
                feed.give(Fed::Lost);
            }
            Ok(regressed)
        }
        .boxed()
    }

    fn mirror(&self) -> Option<Arc<dyn Journal>> {
        self.follower.mirror()
    }

    fn meet(&self, room: &str) -> Option<Meeting> {
        self.journal.meet(room)
    }
}
