//! A seat as a witness of the journal: the newest checkpoint that it saw is kept in the user's own state directory, where
//! the room's owner cannot reach it.

use crate::{journal::checkpoint::Seen, os::durable, seat::run::WitnessWith, wire::Anchored};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// The file in the state directory.
const FILE: &str = "witness.json";

/// Looks at checkpoints and keeps them in this directory; in none, there is no witness.
pub(super) fn keeper(dir: Option<PathBuf>) -> WitnessWith {
    Arc::new(move |anchor| dir.as_ref().and_then(|dir| look(&dir.join(FILE), anchor)))
}

/// What is wrong with it. A file that cannot be read or written keeps nobody from working; it is said in the log.
fn look(path: &Path, anchor: &Anchored) -> Option<String> {
    let note = anchor.note.as_deref()?;
    let mut seen: Seen = match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            tracing::warn!(%error, path = %path.display(), "it begins anew as a witness");
            Seen::default()
        }),
        Err(_) => Seen::default(),
    };
    let before = seen.clone();
    let found = seen.look(note, &anchor.key);
    if seen != before
        && let Err(error) = durable::write_whole(path, &serde_json::to_vec(&seen).unwrap_or_default())
    {
        tracing::warn!(%error, "the checkpoint that was seen is not kept");
    }
    found.err().map(|why| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::id::Digest,
        journal::{Head, checkpoint::Signer},
    };

    #[test]
    fn what_one_seat_saw_the_next_remembers() {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::new("here/j", [1; 32]).unwrap();
        let shown = |seq, byte| Anchored {
            seq,
            note: Some(signer.sign(Head { seq, hash: Digest([byte; 32]) }).to_string()),
            key: signer.verifier().to_string(),
            trouble: None,
            lost: false,
        };
        let seat = || keeper(Some(dir.path().to_owned()));
        assert_eq!(seat()(&shown(10, 1)), None);
        assert_eq!(seat()(&shown(20, 2)), None);
        let said = seat()(&shown(10, 1)).unwrap();
        assert!(said.contains("lost events") && said.contains("event 20"), "{said}");
        let said = seat()(&shown(20, 3)).unwrap();
        assert!(said.contains("written anew"), "{said}");
        assert_eq!(seat()(&shown(21, 4)), None);
        assert_eq!(keeper(None)(&shown(1, 1)), None);
    }
}
