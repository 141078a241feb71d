//! What a command said, as a digest: it tells a retry from another command under the same id.

use crate::domain::id::Digest;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

const DOMAIN: &[u8] = b"warroom command 1\n";
/// Bytes of a fingerprint that a header has.
const SEALED: usize = 16;

/// The digest of a command as JSON, secrets taken out. It is never written into a journal as it is: a short text could be
/// guessed from it after the event was erased. A header has it hashed with the payload's salt, which is erased too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(Digest);

impl Fingerprint {
    /// The fingerprint of a command, given as JSON without secrets.
    pub fn of(json: &[u8]) -> Self {
        let mut sha = Sha256::new();
        sha.update(DOMAIN);
        sha.update(json);
        Self(Digest(sha.finalize().into()))
    }

    /// The fingerprint as an event's header has it: 128 bits, hexadecimal, of the salt and this.
    pub fn sealed(&self, salt: &[u8]) -> String {
        let mut sha = Sha256::new();
        sha.update(salt);
        sha.update(self.0.0);
        sha.finalize().iter().take(SEALED).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_differs_by_command_and_by_salt_and_nothing_else() {
        let one = Fingerprint::of(b"{\"note\":1}");
        assert_eq!(one, Fingerprint::of(b"{\"note\":1}"));
        assert_eq!(one.sealed(&[1; 16]), one.sealed(&[1; 16]));
        assert_eq!(one.sealed(&[1; 16]).len(), 32);
        assert_ne!(one.sealed(&[1; 16]), one.sealed(&[2; 16]));
        assert_ne!(one.sealed(&[1; 16]), Fingerprint::of(b"{\"note\":2}").sealed(&[1; 16]));
    }
}
