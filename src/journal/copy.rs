//! A journal copied to another place: the same chain, event by event, verified on both sides.
//!
//! The target is its own note of how far it came: what it has is compared, and what follows is appended. So it can be
//! killed at any moment and begun again, and a target with another chain is left alone.

use super::{
    Appended, Head, Journal, Trouble,
    chain::{self, Record},
    verify::{self, Anchors},
};
use crate::domain::Seq;
use std::time::Duration;

/// Events that are read at once.
const PAGE: usize = 500;
/// Bytes that are appended at once, or one event where that is longer.
const BYTES: usize = 4 * 1024 * 1024;
/// How often an append whose outcome nobody knows is looked up and tried again.
const TRIES: u32 = 5;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many events of the source are checked.
    Checked(u64),
    /// So many events are in the target.
    Copied(u64),
    /// So many events of the target are checked.
    Proved(u64),
}

/// Why it stopped. What is in the target stays there, and is gone on with the next time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stopped {
    /// The source is not sound, or cannot be read.
    #[error("the source is not copied: {0}")]
    Source(String),
    /// The target cannot be read or written.
    #[error("the target: {0}")]
    Target(String),
    /// The target has events that are not the source's.
    #[error(
        "the target has another chain, from event {seq} on: {why}; nothing of it was touched, name an empty one"
    )]
    Another {
        /// The first that is another.
        seq: Seq,
        /// In which way.
        why: String,
    },
    /// It was asked to stop.
    #[error("stopped at event {at} of {of}; the same command goes on from there")]
    Asked {
        /// Events that are in the target.
        at: Seq,
        /// Events of the source.
        of: Seq,
    },
}

fn source(trouble: &Trouble) -> Stopped {
    Stopped::Source(trouble.to_string())
}

fn target(trouble: &Trouble) -> Stopped {
    Stopped::Target(trouble.to_string())
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Where both end.
    pub head: Head,
    /// Events that were there from an earlier time.
    pub before: u64,
    /// Payloads that are erased on both sides.
    pub erased: u64,
}

/// Copies it all. `go` hears how far it is, and says whether to go on.
///
/// # Errors
/// [`Stopped`].
pub async fn copy(
    from: &dyn Journal,
    to: &dyn Journal,
    anchors: Anchors,
    mut go: impl FnMut(Step) -> bool,
) -> Result<Copied, Stopped> {
    let end = from.head().await.map_err(|trouble| source(&trouble))?;
    let mut asked = false;
    // All of it first: a journal that does not fit is not carried on as if it did.
    let report = verify::run(from, anchors, |n| asked |= !go(Step::Checked(n))).await;
    if let Some((seq, why)) = report.broken {
        return Err(Stopped::Source(format!(
            "its event {seq} does not fit: {why}; run warroom verify on it"
        )));
    }
    if let Some(why) = report.unreadable {
        return Err(Stopped::Source(why));
    }
    let there = to.head().await.map_err(|trouble| target(&trouble))?;
    if there.seq > end.seq {
        let why = format!("it has {} events, the source {}", there.seq, end.seq);
        return Err(Stopped::Another { seq: end.seq.saturating_add(1), why });
    }
    let mut head = Head::EMPTY;
    while head.seq < end.seq {
        if asked || !go(Step::Copied(head.seq.max(there.seq))) {
            return Err(Stopped::Asked { at: head.seq.max(there.seq), of: end.seq });
        }
        let mut page =
            from.read(head.seq.saturating_add(1), PAGE).await.map_err(|trouble| source(&trouble))?;
        page.retain(|record| record.seq <= end.seq);
        if page.is_empty() {
            return Err(Stopped::Source(format!(
                "event {} is not there any more",
                head.seq.saturating_add(1)
            )));
        }
        for record in &page {
            chain::follows(head, record)
                .map_err(|why| Stopped::Source(format!("event {}: {why}", record.seq)))?;
            head = Head { seq: record.seq, hash: record.hash };
        }
        let old = page.partition_point(|record| record.seq <= there.seq);
        let new = page.split_off(old);
        same(to, &page).await?;
        append(to, new).await?;
    }
    let mut anchors = Anchors::default();
    if end != Head::EMPTY {
        anchors.add(end, "the source");
    }
    let report = verify::run(to, anchors, |n| {
        go(Step::Proved(n));
    })
    .await;
    if let Some((seq, why)) = report.broken {
        return Err(Stopped::Target(format!("its event {seq} does not fit: {why}")));
    }
    if let Some(why) = report.unreadable {
        return Err(Stopped::Target(why));
    }
    Ok(Copied { head: end, before: there.seq, erased: report.erased })
}

/// Whether the target has these, and erases there what was erased since.
async fn same(to: &dyn Journal, records: &[Record]) -> Result<(), Stopped> {
    let Some(first) = records.first() else { return Ok(()) };
    let found = to.read(first.seq, records.len()).await.map_err(|trouble| target(&trouble))?;
    for (index, record) in records.iter().enumerate() {
        let another = |why: &str| Stopped::Another { seq: record.seq, why: why.to_owned() };
        let there = found.get(index).ok_or_else(|| another("it is missing there"))?;
        if (there.seq, there.hash, &there.header) != (record.seq, record.hash, &record.header) {
            return Err(another("it is not the source's"));
        }
        match (&record.payload, &there.payload) {
            (None, Some(_)) => to.erase(record.seq).await.map_err(|trouble| target(&trouble))?,
            (Some(_), None) => return Err(another("its payload is gone there")),
            (None, None) | (Some(_), Some(_)) => {}
        }
    }
    Ok(())
}

/// Appends in pieces that one statement can take.
async fn append(to: &dyn Journal, mut records: Vec<Record>) -> Result<(), Stopped> {
    while !records.is_empty() {
        let (mut count, mut bytes) = (0, 0);
        for record in &records {
            let payload = record.payload.as_ref().map_or(0, |(_, payload)| payload.len());
            bytes += record.header.len() + payload;
            if count > 0 && bytes > BYTES {
                break;
            }
            count += 1;
        }
        let rest = records.split_off(count);
        piece(to, records).await?;
        records = rest;
    }
    Ok(())
}

async fn piece(to: &dyn Journal, records: Vec<Record>) -> Result<(), Stopped> {
    let (Some(first), Some(last)) = (records.first(), records.last()) else { return Ok(()) };
    let expected = Head { seq: first.seq.saturating_sub(1), hash: first.prev };
    let next = Head { seq: last.seq, hash: last.hash };
    let mut tries = 0;
    loop {
        let why = match to.append(expected, records.clone()).await {
            Appended::Ok(_) => return Ok(()),
            Appended::Conflict(head) => {
                let why = "somebody else appends to it";
                return Err(Stopped::Another { seq: head.seq, why: why.into() });
            }
            Appended::Unavailable(why) => return Err(Stopped::Target(why)),
            Appended::Unknown(why) => why,
        };
        // Nobody knows whether it is there: it is looked for, and only then tried again.
        tries += 1;
        match to.head().await {
            Ok(head) if head == next => return Ok(()),
            Ok(head) if head == expected && tries < TRIES => {}
            Ok(head) if head != expected => {
                return Err(Stopped::Another { seq: head.seq, why: "somebody else appends to it".into() });
            }
            Ok(_) => return Err(Stopped::Target(why)),
            Err(trouble) if tries >= TRIES => return Err(target(&trouble)),
            Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
        }
    }
}
