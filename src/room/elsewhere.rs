//! Evidence that lies at another room: asked for among the words that rooms on one journal have for each other, given by
//! the room that has it, and kept here from then on. It is redacted, as it was when it was kept.

use super::{conn::ConnId, serve::Room};
use crate::{
    domain::{Refusal, id::Digest, refusal::Code, text},
    evidence::blob::Blobs,
    wire::Told,
};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Pieces that are asked for at once.
const WANTED: usize = 8;
/// Bytes of one piece at most, packed and written as text: the rooms' words pass through the journal's database.
const PIECE: usize = 384 * 1024;
/// Bytes of all pieces in one word.
const PIECES: usize = 512 * 1024;
/// A room that has it gives it within this, or it is told that none does.
const WITHIN: Duration = Duration::from_secs(4);

/// What is given of a piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Given {
    /// The piece, packed, in base64.
    Piece(String),
    /// It is here and too large to be brought: bytes, packed.
    Large(usize),
}

impl Given {
    fn bytes(&self) -> usize {
        match self {
            Self::Piece(text) => text.len(),
            Self::Large(_) => 0,
        }
    }
}

/// Who waits for a piece, and since when.
#[derive(Debug)]
struct Waiting {
    who: Vec<(ConnId, u64)>,
    since: Instant,
}

/// What is asked of others, and what others asked for; `None` while it is looked for.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    waits: BTreeMap<Digest, Waiting>,
    gives: Arc<Mutex<BTreeMap<Digest, Option<Given>>>>,
    /// What was said last.
    said: BTreeMap<Digest, Given>,
}

impl Elsewhere {
    /// What this room wants.
    pub(super) fn wants(&self) -> BTreeSet<Digest> {
        self.waits.keys().copied().collect()
    }

    /// What it gives now, as far as that goes in one word.
    pub(super) fn gives(&mut self) -> BTreeMap<Digest, Given> {
        let mut bytes = 0_usize;
        let gives = self.gives.lock().unwrap_or_else(PoisonError::into_inner);
        let all = gives.iter().filter_map(|(digest, given)| Some((*digest, given.clone()?)));
        let fit = all.take_while(|(_, given)| {
            bytes = bytes.saturating_add(given.bytes());
            bytes <= PIECES
        });
        self.said = fit.collect();
        self.said.clone()
    }

    /// Whether there is something to give, or to give no more, that was not said.
    pub(super) fn is_unsaid(&self) -> bool {
        let gives = self.gives.lock().unwrap_or_else(PoisonError::into_inner);
        let known = gives.iter().filter(|(_, given)| given.is_some()).map(|(digest, _)| digest);
        known.ne(self.said.keys())
    }

    /// Others want these: what is here is looked for on another thread, what nobody wants any more is let go.
    pub(super) fn asked(&self, wanted: &BTreeSet<Digest>, blobs: &Arc<Blobs>) {
        let mut gives = self.gives.lock().unwrap_or_else(PoisonError::into_inner);
        gives.retain(|digest, _| wanted.contains(digest));
        for digest in wanted.iter().take(WANTED) {
            if gives.contains_key(digest) || !blobs.has(digest) {
                continue;
            }
            gives.insert(*digest, None);
            let (digest, blobs, found) = (*digest, blobs.clone(), self.gives.clone());
            tokio::task::spawn_blocking(move || {
                let given = blobs.packed(&digest).map(|packed| {
                    let text = BASE64.encode(&packed);
                    if text.len() > PIECE { Given::Large(packed.len()) } else { Given::Piece(text) }
                });
                let mut gives = found.lock().unwrap_or_else(PoisonError::into_inner);
                if let (Some(slot), Ok(given)) = (gives.get_mut(&digest), given) {
                    *slot = Some(given);
                }
            });
        }
    }
}

impl Room {
    /// Asks the other rooms for a piece that is not here. Says whether there are any to ask.
    pub(super) fn ask_elsewhere(&mut self, digest: Digest, conn: ConnId, n: u64) -> bool {
        // Rooms that are open are known from the journal before they are heard.
        let open = self.core.read(|state| state.room.open.keys().any(|name| name != self.core.name()));
        let Some(others) = &mut self.others else { return false };
        if !(open || others.hosts().next().is_some()) || others.elsewhere.waits.len() >= WANTED {
            return false;
        }
        let waiting = Waiting { who: Vec::new(), since: Instant::now() };
        others.elsewhere.waits.entry(digest).or_insert(waiting).who.push((conn, n));
        others.due = true;
        true
    }

    /// What others gave is taken in; who waits too long is told.
    pub(super) fn hear_from_elsewhere(&mut self) {
        let Some(others) = &mut self.others else { return };
        let hosts: Vec<String> = others.hosts().map(|host| text::line(host).into_owned()).collect();
        let mut done = Vec::new();
        for (digest, waiting) in &others.elsewhere.waits {
            let given = others.given(digest);
            if given.is_some() || waiting.since.elapsed() >= WITHIN {
                done.push((*digest, given.map(|(host, given)| (host.to_owned(), given.clone()))));
            }
        }
        others.due |= !done.is_empty() || others.elsewhere.is_unsaid();
        for (digest, given) in done {
            let waiting = self.others.as_mut().and_then(|others| others.elsewhere.waits.remove(&digest));
            let who = waiting.map(|waiting| waiting.who).unwrap_or_default();
            let told = self.told.clone();
            let answer = move |answer: &dyn Fn() -> Told| {
                for (conn, n) in &who {
                    drop(told.send((*conn, *n, answer())));
                }
            };
            let no = |why: String| move || Told::No(Refusal::new(Code::Unknown, why.clone()));
            match given {
                Some((host, Given::Piece(packed))) => {
                    let blobs = self.blobs.clone();
                    self.look_up_on_disk(move || match take(&blobs, &digest, &packed) {
                        Ok(text) => answer(&|| Told::Evidence(text.clone())),
                        Err(why) => {
                            answer(&no(format!("evidence {digest} came from the room on {host}: {why}")));
                        }
                    });
                }
                Some((host, Given::Large(bytes))) => answer(&no(format!(
                    "evidence {digest} is kept on {host}, and with {} KiB too large to be brought here: ask there",
                    bytes / 1024
                ))),
                None => answer(&no(format!(
                    "evidence {digest} is not in this store, nor in those of the rooms that are open ({}): it lies on the \
                     machine of the room that recorded it",
                    hosts.join(", ")
                ))),
            }
        }
    }
}

fn take(blobs: &Blobs, digest: &Digest, packed: &str) -> Result<String, String> {
    let packed = BASE64.decode(packed).map_err(|error| error.to_string())?;
    let bytes = blobs.put_packed(digest, &packed).map_err(|error| error.to_string())?;
    Ok(text::bytes(&bytes))
}
