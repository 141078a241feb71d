//! The chain: each record's hash covers its header, the hash before it, and the digest of its salted payload.
//!
//! `hash = SHA-256("warroom chain 1\n" ‖ len(header) as u64 big endian ‖ header ‖ previous hash ‖ body)` with
//! `body = SHA-256(salt ‖ payload)`. Header and payload are the bytes as stored; they are never serialised again.

use super::{Head, Trouble, fingerprint::Fingerprint, upcast};
use crate::domain::{
    CommandId, Event, Fact, Seq,
    actor::Actor,
    event::Offline,
    id::{Digest, IncidentId},
    note::NoteFact,
    time::{Stamp, Wall},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const DOMAIN: &[u8] = b"warroom chain 1\n";
/// The kind of the event that says who erased a payload and why.
const ERASURE: &str = "note.erased";

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Position.
    pub seq: Seq,
    /// The command it came of.
    pub command: CommandId,
    /// Its incident.
    pub stream: Option<IncidentId>,
    /// Header, JSON.
    pub header: Vec<u8>,
    /// Hash of the record before.
    pub prev: Digest,
    /// Digest of the salted payload.
    pub body: Digest,
    /// Hash of this.
    pub hash: Digest,
    /// Salt and payload, unless erased.
    pub payload: Option<(Vec<u8>, Vec<u8>)>,
}

/// What stands in a header.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Header {
    v: u32,
    seq: Seq,
    command: CommandId,
    index: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<IncidentId>,
    occurred: Stamp,
    recorded: Wall,
    room: String,
    actor: Actor,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    offline: Option<Offline>,
    /// Of the command, in the first of its events; see [`Fingerprint::sealed`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    kind: String,
}

/// Everything about a new event but its place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The command it comes of.
    pub command: CommandId,
    /// Which of its facts.
    pub index: u16,
    /// Its incident.
    pub stream: Option<IncidentId>,
    /// When it happened.
    pub occurred: Stamp,
    /// When it is written down.
    pub recorded: Wall,
    /// The room.
    pub room: String,
    /// Who.
    pub actor: Actor,
    /// Where it was recorded while the journal was out of reach.
    pub offline: Option<Offline>,
    /// What.
    pub fact: Fact,
}

/// In which way a record does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Events are missing before it.
    Gap,
    /// It stands at another's place.
    Order,
    /// It, or what it says of the one before it, is not what was written.
    Changed,
    /// Its payload is gone, and nobody said so.
    Erased,
    /// It is missing, and the end with it.
    Cut,
    /// It is sound in itself, and not the event that was signed or kept elsewhere.
    Rewritten,
    /// A checkpoint is not signed by who it says.
    Signature,
}

/// What does not fit: in which way, and in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) fault: Fault,
    pub(super) why: String,
}

fn misfit(fault: Fault, why: impl Into<String>) -> Misfit {
    Misfit { fault, why: why.into() }
}

/// The hash of a record.
pub fn hash(header: &[u8], prev: &Digest, body: &Digest) -> Digest {
    let mut sha = Sha256::new();
    sha.update(DOMAIN);
    sha.update((header.len() as u64).to_be_bytes());
    sha.update(header);
    sha.update(prev.0);
    sha.update(body.0);
    Digest(sha.finalize().into())
}

/// The digest of a salted payload.
pub fn body(salt: &[u8], payload: &[u8]) -> Digest {
    let mut sha = Sha256::new();
    sha.update(salt);
    sha.update(payload);
    Digest(sha.finalize().into())
}

/// Puts a new event at the end of the chain. The salt is 16 random bytes, so that an erased payload cannot be guessed
/// from its digest.
///
/// # Errors
/// Where the fact cannot be written as JSON, which no fact of ours does.
pub fn seal(draft: Draft, head: Head, salt: [u8; 16]) -> Result<(Record, Event), serde_json::Error> {
    seal_command(draft, None, head, salt)
}

/// The same for an event of a command that may be sent again: the first of its events has its fingerprint.
///
/// # Errors
/// As [`seal`].
pub fn seal_command(
    draft: Draft,
    fingerprint: Option<&Fingerprint>,
    head: Head,
    salt: [u8; 16],
) -> Result<(Record, Event), serde_json::Error> {
    let seq = head.seq.saturating_add(1);
    let payload = serde_json::to_vec(&draft.fact)?;
    let header = serde_json::to_vec(&Header {
        v: upcast::VERSION,
        seq,
        command: draft.command,
        index: draft.index,
        stream: draft.stream,
        occurred: draft.occurred.clone(),
        recorded: draft.recorded,
        room: draft.room.clone(),
        actor: draft.actor.clone(),
        offline: draft.offline.clone(),
        fingerprint: fingerprint.filter(|_| draft.index == 0).map(|of| of.sealed(&salt)),
        kind: Fact::kind_of(&payload),
    })?;
    let body = body(&salt, &payload);
    let hash = hash(&header, &head.hash, &body);
    let record = Record {
        seq,
        command: draft.command,
        stream: draft.stream,
        header,
        prev: head.hash,
        body,
        hash,
        payload: Some((salt.to_vec(), payload)),
    };
    let event = Event {
        seq,
        command: draft.command,
        index: draft.index,
        stream: draft.stream,
        occurred: draft.occurred,
        recorded: draft.recorded,
        room: draft.room,
        actor: draft.actor,
        offline: draft.offline,
        fact: draft.fact,
        hash,
    };
    Ok((record, event))
}

/// Whether a record follows `head`, by every hash in it.
///
/// # Errors
/// What does not fit, in words.
pub fn follows(head: Head, record: &Record) -> Result<(), String> {
    fits(head, record).map(drop).map_err(|misfit| misfit.why)
}

/// Whether a record with this place and this hash before it is the next one after `head`.
///
/// # Errors
/// What does not fit.
pub(super) fn linked(head: Head, seq: Seq, prev: Digest) -> Result<(), Misfit> {
    let next = head.seq.saturating_add(1);
    if seq > next {
        return Err(misfit(Fault::Gap, format!("event {next} is missing before it")));
    }
    if seq < next {
        return Err(misfit(Fault::Order, format!("event {seq} stands at its place")));
    }
    if prev != head.hash {
        return Err(misfit(Fault::Changed, "it names another event before it"));
    }
    Ok(())
}

/// A record after `head`, by its place and by every hash in it.
fn fits(head: Head, record: &Record) -> Result<Whole, Misfit> {
    settled(linked(head, record.seq, record.prev), whole(record))
}

/// What is said first where both a record's place and the record itself were looked at: one that was moved says more
/// than that it does not fit there.
pub(super) fn settled<T>(place: Result<(), Misfit>, own: Result<T, Misfit>) -> Result<T, Misfit> {
    match (place, own) {
        (_, Err(own)) if own.fault == Fault::Order => Err(own),
        (Err(place), _) => Err(place),
        (Ok(()), own) => own,
    }
}

/// A record that is what its own hashes say, whatever stands before it.
pub(super) struct Whole(Header);

impl Whole {
    /// The record as an event.
    pub(super) fn event(self, record: &Record) -> Event {
        event(self.0, record)
    }

    /// The event whose payload this one says was erased, where it says so.
    pub(super) fn erases(self, record: &Record) -> Option<Seq> {
        if self.0.kind != ERASURE {
            return None;
        }
        match event(self.0, record).fact {
            Fact::Note(NoteFact::Erased { seq, payload: true, .. }) => Some(seq),
            _ => None,
        }
    }
}

/// Checks all that a record says of itself; this needs no other record, and is nearly all the work.
///
/// # Errors
/// What does not fit.
pub(super) fn whole(record: &Record) -> Result<Whole, Misfit> {
    if let Some((salt, payload)) = &record.payload
        && body(salt, payload) != record.body
    {
        return Err(misfit(Fault::Changed, "its payload was changed"));
    }
    if hash(&record.header, &record.prev, &record.body) != record.hash {
        return Err(misfit(Fault::Changed, "its header or its hash was changed"));
    }
    let header: Header = serde_json::from_slice(&record.header)
        .map_err(|error| misfit(Fault::Changed, format!("its header cannot be read: {error}")))?;
    if header.seq != record.seq {
        let why = format!("event {} was put at its place", header.seq);
        return Err(misfit(Fault::Order, why));
    }
    if header.command != record.command || header.stream != record.stream {
        return Err(misfit(Fault::Changed, "its index does not agree with its header"));
    }
    Ok(Whole(header))
}

/// Reads a record as an event.
///
/// # Errors
/// [`Trouble::Broken`] where the header is not one.
pub fn open(record: &Record) -> Result<Event, Trouble> {
    let header: Header = serde_json::from_slice(&record.header).map_err(|error| unread(record, &error))?;
    Ok(event(header, record))
}

/// Whether the first event of a command came of the command with this fingerprint. `None` where nobody can tell: it was
/// written before there were fingerprints, or its payload and salt are erased.
///
/// # Errors
/// [`Trouble::Broken`] where the header is not one.
pub fn is_of(record: &Record, fingerprint: &Fingerprint) -> Result<Option<bool>, Trouble> {
    let header: Header = serde_json::from_slice(&record.header).map_err(|error| unread(record, &error))?;
    let own = header.fingerprint.zip(record.payload.as_ref());
    Ok(own.map(|(own, (salt, _))| fingerprint.sealed(salt) == own))
}

fn unread(record: &Record, error: &serde_json::Error) -> Trouble {
    Trouble::Broken { seq: record.seq, why: format!("its header cannot be read: {error}") }
}

fn event(header: Header, record: &Record) -> Event {
    let fact = match &record.payload {
        Some((_, payload)) => upcast::fact(header.v, payload),
        None => Fact::Erased,
    };
    Event {
        seq: record.seq,
        command: header.command,
        index: header.index,
        stream: header.stream,
        occurred: header.occurred,
        recorded: header.recorded,
        room: header.room,
        actor: header.actor,
        offline: header.offline,
        fact,
        hash: record.hash,
    }
}
