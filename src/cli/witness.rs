//! A seat as a witness of the journal: the newest checkpoint that it saw is kept in the user's own state directory, where
//! the room's owner cannot reach it. What it doubts stays there until a person says why it can be trusted.

use super::exit;
use crate::{
    domain::{text, time::Span, time::Wall},
    journal::checkpoint::Seen,
    os::{clock, dirs, durable, lock::Lock},
    seat::run::WitnessWith,
    wire::Anchored,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

/// The file in the state directory.
const FILE: &str = "witness.json";
/// All seats of a user write it, each for a moment.
const WAIT: Span = Span::secs(10);

/// Looks at checkpoints and keeps them in this directory; in none, there is no witness.
pub(super) fn keeper(dir: Option<PathBuf>) -> WitnessWith {
    Arc::new(move |anchor| dir.as_ref().and_then(|dir| look(dir, anchor)))
}

/// What is wrong with it, and since when. A file that cannot be read or written keeps nobody from working; it is said in
/// the log.
fn look(dir: &Path, anchor: &Anchored) -> Option<(String, Wall)> {
    let note = anchor.note.as_deref()?;
    let held = lock(dir);
    let path = dir.join(FILE);
    let mut seen = read(&path).unwrap_or_else(|why| {
        tracing::warn!(%why, "it begins anew as a witness");
        Seen::default()
    });
    let before = seen.clone();
    let doubt = seen.look(note, &anchor.key, clock::now().wall);
    if seen != before
        && let Err(why) = held.and_then(|_lock| write(&path, &seen))
    {
        tracing::warn!(%why, "the checkpoint that was seen is not kept");
    }
    doubt.map(|doubt| (doubt.why, doubt.since))
}

fn lock(dir: &Path) -> Result<Lock, String> {
    Lock::take_within(&dir.join(FILE).with_extension("lock"), "a seat", WAIT).map_err(|why| why.to_string())
}

fn read(path: &Path) -> Result<Seen, String> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|why| format!("{}: {why}", path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Seen::default()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn write(path: &Path, seen: &Seen) -> Result<(), String> {
    let bytes = serde_json::to_vec(seen).map_err(|why| why.to_string())?;
    durable::write_whole(path, &bytes).map_err(|why| why.to_string())
}

/// `warroom journal doubts`: what one's own seats do not believe.
pub(super) fn list(json: bool) -> ExitCode {
    let seen = match dirs::state().map_err(|why| why.to_string()).and_then(|dir| read(&dir.join(FILE))) {
        Ok(seen) => seen,
        Err(why) => {
            exit::warn(&why);
            return exit::code(exit::USAGE);
        }
    };
    let code = exit::code(if seen.doubts().is_empty() { exit::DONE } else { exit::REFUSED });
    if json {
        exit::print(&serde_json::json!({ "doubts": seen.doubts(), "trusted": seen.trusted() }));
        return code;
    }
    if seen.doubts().is_empty() {
        exit::say("your seats doubt no journal");
    }
    for (key, doubt) in seen.doubts() {
        exit::say(text::line(&format!("{}  since {}  {}", short(key), minute(doubt.since), doubt.why)));
    }
    for one in seen.trusted() {
        let line = format!(
            "trusted again {}  {}: {} (doubted since {}: {})",
            minute(one.at),
            short(&one.key),
            one.reason,
            minute(one.doubt.since),
            one.doubt.why
        );
        exit::say(text::line(&line));
    }
    code
}

/// `warroom journal trust`: believes one again.
pub(super) fn trust(reason: &str, named: Option<&str>) -> ExitCode {
    let done = || -> Result<String, String> {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err("say why it can be trusted".into());
        }
        let dir = dirs::state().map_err(|why| why.to_string())?;
        let path = dir.join(FILE);
        let _lock = lock(&dir)?;
        let mut seen = read(&path)?;
        let key = seen.trust(named, reason, clock::now().wall)?;
        write(&path, &seen)?;
        Ok(key)
    };
    match done() {
        Ok(key) => {
            exit::say(text::line(&format!("your seats trust {} again", short(&key))));
            exit::code(exit::DONE)
        }
        Err(why) => {
            exit::warn(&text::line(&why));
            exit::code(exit::REFUSED)
        }
    }
}

/// A key without its bytes: the journal's name and the key's id.
fn short(key: &str) -> String {
    let mut parts = key.splitn(3, '+');
    match (parts.next(), parts.next()) {
        (Some(name), Some(id)) => format!("{name}+{id}"),
        _ => key.to_owned(),
    }
}

fn minute(at: Wall) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::id::Digest,
        journal::{Head, checkpoint::Signer},
    };

    fn shown(signer: &Signer, seq: u64, byte: u8) -> Anchored {
        Anchored {
            seq,
            note: Some(signer.sign(Head { seq, hash: Digest([byte; 32]) }).to_string()),
            key: signer.verifier().to_string(),
            trouble: None,
            lost: false,
        }
    }

    #[test]
    fn what_one_seat_doubts_the_next_one_doubts_too() {
        let dir = tempfile::tempdir().unwrap();
        let signer = Signer::new("here/j", [1; 32]).unwrap();
        let seat = || keeper(Some(dir.path().to_owned()));
        assert_eq!(seat()(&shown(&signer, 10, 1)), None);
        assert_eq!(seat()(&shown(&signer, 20, 2)), None);
        let (said, since) = seat()(&shown(&signer, 10, 1)).unwrap();
        assert!(said.contains("lost events") && said.contains("event 20"), "{said}");
        assert_eq!(
            seat()(&shown(&signer, 21, 4)),
            Some((said, since)),
            "it grew, and nothing is proved by that"
        );
        assert_eq!(seat()(&shown(&signer, 20, 2)), None, "it is what was believed last");
        assert_eq!(keeper(None)(&shown(&signer, 1, 1)), None);
    }

    #[test]
    fn seats_that_look_at_once_lose_nothing_of_each_other() {
        let dir = tempfile::tempdir().unwrap();
        let all: Vec<_> = (0..4_u8)
            .map(|n| {
                let (seat, name) = (keeper(Some(dir.path().to_owned())), format!("journal-{n}"));
                std::thread::spawn(move || {
                    let signer = Signer::new(&name, [n; 32]).unwrap();
                    for seq in 1..=4 {
                        assert_eq!(seat(&shown(&signer, seq, 1)), None);
                    }
                })
            })
            .collect();
        for one in all {
            one.join().unwrap();
        }
        for n in 0..4_u8 {
            let signer = Signer::new(&format!("journal-{n}"), [n; 32]).unwrap();
            let seat = keeper(Some(dir.path().to_owned()));
            assert!(seat(&shown(&signer, 3, 1)).is_some(), "what was seen of journal-{n} was lost");
        }
    }
}
