//! From configuration to what signs the journal's checkpoints, and where they lie.

use super::{With, exit, journal};
use crate::{
    audit::anchor::{Anchor, Files, To, signer},
    config::Config,
    journal::{
        Journal,
        checkpoint::{Pace, Verifier},
    },
    os::dirs,
    store::Place,
};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

/// Where key and checkpoints lie: beside the journal's file, else in the room's state directory; the key where the
/// configuration says.
pub(super) fn files(config: &Config, journal: Option<&Path>, dir: &Path) -> Files {
    let files = journal.map_or_else(|| Files::below(dir), Files::beside);
    Files { key: config.journal.checkpoint.key.clone().unwrap_or(files.key), ..files }
}

/// What signs a room's journal. The key is made where there is none.
///
/// # Errors
/// Where the key cannot be had, in words.
pub(super) fn anchor(config: &Config, files: Files, journal: &Arc<dyn Journal>) -> Result<Anchor, String> {
    let wanted = &config.journal.checkpoint;
    let seed = || {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| format!("no key can be made: {error}"))?;
        Ok(seed)
    };
    let to: Vec<To> = wanted.to.iter().filter_map(|to| to.parse().ok()).collect();
    Ok(Anchor {
        journal: Arc::clone(journal),
        signer: signer(&files.key, &origin(&journal.place()), seed)?,
        kept: files.kept,
        pace: Pace { events: wanted.events, within: wanted.every },
        to,
    })
}

/// The name of a journal that has none yet, after where it lies: the key's name, and so the origin of its checkpoints.
/// It stays when the journal is moved, for it stands in the key.
fn origin(place: &str) -> String {
    let named = match place.strip_prefix("postgres://") {
        Some(rest) => rest.split_once(", ").map_or(rest, |(place, _)| place).to_owned(),
        None => format!("{}{place}", crate::os::host_name()),
    };
    named.chars().map(|c| if c.is_whitespace() || c.is_control() || c == '+' { '_' } else { c }).collect()
}

/// Where key and checkpoints of the named journal lie, or of the configured one.
///
/// # Errors
/// In words, where there is no journal.
pub(super) fn files_of(with: &With, given: Option<&Path>) -> Result<Files, String> {
    let config = match given {
        // What is named on the command line is not the one that is configured.
        Some(_) => Config::default(),
        None => journal::configured(with).unwrap_or_default(),
    };
    match (journal::place(with, given)?, given) {
        (Place::File(path), _) => Ok(files(&config, Some(&path), Path::new(""))),
        (Place::Postgres(_), None) => {
            let dir = dirs::state().map_err(|error| error.to_string())?;
            Ok(files(&config, None, &dir))
        }
        (Place::Postgres(_), Some(_)) => {
            Err("its key lies in the state directory of its room, journal.key: name that, or ask there"
                .into())
        }
    }
}

/// The public key of a journal, where its own key lies here and may be read.
pub(super) fn public(files: &Files) -> Result<Option<Verifier>, String> {
    Ok(crate::audit::anchor::read_key(&files.key)?.map(|signer| signer.verifier()))
}

/// `warroom journal key`.
pub(super) fn print_key(with: &With, given: Option<&PathBuf>) -> ExitCode {
    let found = files_of(with, given.map(PathBuf::as_path)).and_then(|files| {
        public(&files)?.ok_or_else(|| {
            format!(
                "there is no key at {} yet: the room makes it when it opens the journal",
                files.key.display()
            )
        })
    });
    match found {
        Ok(key) => {
            exit::say(key.to_string());
            ExitCode::SUCCESS
        }
        Err(why) => {
            exit::warn(&why);
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_named_after_where_it_lies() {
        assert_eq!(origin("postgres://a:5432,b:5432/warroom, replicated"), "a:5432,b:5432/warroom");
        assert!(origin("/srv/my rooms/a+b.db").ends_with("/srv/my_rooms/a_b.db"));
    }
}
