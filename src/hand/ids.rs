//! Names of a hand's commands: nobody but the hand can tell them, and a hand that is started again gives the same.

use crate::{
    domain::CommandId,
    os::durable::{FileError, write_whole},
};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Mutex,
};
use uuid::Uuid;

const KEY: usize = 32;

/// Makes the names from a random key that lies in the hand's private folder before the first of them is sent.
pub(super) struct Ids {
    key: [u8; KEY],
    /// How often a name was given up, as it was in use.
    tries: Mutex<BTreeMap<String, u32>>,
}

/// The names of a hand's commands cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum IdsError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("the system gives no random bytes for the hand's command ids: {0}")]
    Random(String),
    #[error("{} is not the key of a hand's command ids: remove it, then take the step over", .0.display())]
    Damaged(PathBuf),
}

impl Ids {
    /// Those of a hand, with the key that is in the folder, or a new one.
    pub(super) fn open(folder: &Path, hand: Uuid) -> Result<Self, IdsError> {
        let path = folder.join(format!("ids-{hand}.key"));
        let key = match std::fs::read(&path) {
            Ok(bytes) => bytes.try_into().map_err(|_| IdsError::Damaged(path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut key = [0; KEY];
                getrandom::fill(&mut key).map_err(|error| IdsError::Random(error.to_string()))?;
                write_whole(&path, &key)?;
                key
            }
            Err(error) => return Err(FileError::at("read", &path)(error).into()),
        };
        Ok(Self { key, tries: Mutex::default() })
    }

    /// The name of a command, the same however often it is sent.
    pub(super) fn of(&self, attempt: u32, what: &str) -> CommandId {
        let tries = self.tries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let tries = tries.get(what).copied().unwrap_or_default();
        // A key of any length makes a MAC.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.key) else { return CommandId(Uuid::new_v4()) };
        mac.update(&attempt.to_be_bytes());
        mac.update(&tries.to_be_bytes());
        mac.update(what.as_bytes());
        let bytes = mac.finalize().into_bytes();
        let bytes = bytes.first_chunk().copied().unwrap_or_default();
        CommandId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The name is in use for something else: from now on it is another.
    pub(super) fn give_up(&self, what: &str) {
        let mut tries = self.tries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let tries = tries.entry(what.to_owned()).or_default();
        *tries = tries.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_hand_that_is_started_again_gives_the_same_names_and_no_other_hand_does() {
        let dir = tempfile::tempdir().unwrap();
        let (hand, other) = (Uuid::new_v4(), Uuid::new_v4());
        let ids = Ids::open(dir.path(), hand).unwrap();
        let first = ids.of(1, "intend b");
        assert_eq!(Ids::open(dir.path(), hand).unwrap().of(1, "intend b"), first);
        assert_ne!(Ids::open(dir.path(), other).unwrap().of(1, "intend b"), first);
        assert_ne!(ids.of(2, "intend b"), first);
        assert_ne!(ids.of(1, "report b"), first);
        // Nothing that is public gives it.
        let elsewhere = tempfile::tempdir().unwrap();
        assert_ne!(Ids::open(elsewhere.path(), hand).unwrap().of(1, "intend b"), first);
        ids.give_up("intend b");
        let second = ids.of(1, "intend b");
        assert_ne!(second, first);
        let again = Ids::open(dir.path(), hand).unwrap();
        again.give_up("intend b");
        assert_eq!(again.of(1, "intend b"), second);
        let file = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0);
    }

    #[test]
    fn a_damaged_key_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let hand = Uuid::new_v4();
        std::fs::write(dir.path().join(format!("ids-{hand}.key")), "short").unwrap();
        let Err(error) = Ids::open(dir.path(), hand) else { panic!("it was taken") };
        assert!(error.to_string().contains("remove it"), "{error}");
    }
}
