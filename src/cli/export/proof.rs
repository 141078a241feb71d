//! What it takes to check the journal in an export without the room that wrote it.

use super::super::reach::{Session, Unreached};
use crate::{
    domain::{Seq, text},
    draft::{Proof, Signed},
    evidence::redact::Redactor,
    transport::client::NoRoom,
    wire::{Ask, RoomStatus, Sealed, Told},
};

/// The chain up to an event, and the newest checkpoint. None where the room is of another version, which may not know
/// the question.
///
/// # Errors
/// [`Unreached`].
pub(super) async fn fetch(
    session: &mut Session,
    room: &RoomStatus,
    last: Seq,
    redactor: &Redactor,
) -> Result<Option<Proof>, Unreached> {
    if room.version != env!("CARGO_PKG_VERSION") {
        return Ok(None);
    }
    let (mut chain, mut from) = (Vec::new(), 1);
    while from <= last {
        let (records, next) = match session.client.ask(Ask::Records { from, limit: 2_000 }).await? {
            Told::Records { records, next } => (records, next),
            Told::No(refusal) => return Err(NoRoom::Refused(refusal.to_string()).into()),
            _ => return Err(NoRoom::Refused("it did not answer the question".into()).into()),
        };
        let wanted = records.into_iter().filter(|record| record.seq <= last);
        chain.extend(wanted.map(|record| line(record, redactor)));
        let Some(next) = next else { break };
        from = next;
    }
    let anchor = room.anchor.as_ref().filter(|anchor| anchor.seq > 0 && anchor.seq <= last);
    let checkpoint = anchor.and_then(|anchor| {
        Some(Signed { seq: anchor.seq, note: anchor.note.clone()?, key: anchor.key.clone() })
    });
    Ok(Some(Proof { chain, checkpoint }))
}

/// A line of `chain.jsonl`. What names a secret is held back: its digest stays, so that the chain is whole.
fn line(mut record: Sealed, redactor: &Redactor) -> String {
    let finds = |text: &str| redactor.finds(text.as_bytes());
    if record.payload.as_deref().is_some_and(finds) {
        (record.salt, record.payload, record.withheld) = (None, None, true);
    }
    if finds(&record.header) {
        record.header.clear();
        (record.salt, record.payload, record.withheld) = (None, None, true);
    }
    text::json(&serde_json::to_string(&record).unwrap_or_default()).into_owned()
}
