//! The note: text, and signatures of Ed25519 keys by their name and id.

use crate::{domain::id::Digest, journal::Head};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

/// What a line of signature begins with.
const DASH: &str = "\u{2014} ";
/// The number of Ed25519 among the kinds of a note's signatures.
const ED25519: u8 = 1;
/// What Go's note package writes before a key that signs.
const SECRET: &str = "PRIVATE+KEY+";

/// A key or a note that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadNote(String);

fn bad(why: impl Into<String>) -> BadNote {
    BadNote(why.into())
}

/// The first bytes of a hash of name and key: which of several keys of one name it is.
type KeyId = [u8; 4];

fn key_id(name: &str, key: &VerifyingKey) -> KeyId {
    let mut sha = Sha256::new();
    sha.update(name.as_bytes());
    sha.update([b'\n', ED25519]);
    sha.update(key.as_bytes());
    let hash: [u8; 32] = sha.finalize().into();
    let [a, b, c, d, ..] = hash;
    [a, b, c, d]
}

/// A name without what would end it: blanks, control characters, `+`.
fn name(text: &str) -> Result<String, BadNote> {
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+') {
        return Err(bad(format!("{:?} is no name of a key", text.chars().take(80).collect::<String>())));
    }
    Ok(text.to_owned())
}

/// `NAME+ID+BASE64(kind ‖ 32 bytes)`, the form of both keys.
fn parts(text: &str) -> Result<(String, KeyId, [u8; 32]), BadNote> {
    let wrong = || bad("it is not NAME+ID+KEY, as warroom journal key prints it");
    let mut pieces = text.trim().splitn(3, '+');
    let (Some(first), Some(id), Some(key)) = (pieces.next(), pieces.next(), pieces.next()) else {
        return Err(wrong());
    };
    let id = u32::from_str_radix(id, 16).ok().filter(|_| id.len() == 8).ok_or_else(wrong)?;
    let bytes = BASE64.decode(key).map_err(|_| wrong())?;
    match bytes.split_first() {
        Some((&ED25519, key)) => Ok((name(first)?, id.to_be_bytes(), key.try_into().map_err(|_| wrong())?)),
        Some(_) => Err(bad("it is a key of another kind than Ed25519")),
        None => Err(wrong()),
    }
}

fn written(name: &str, id: KeyId, key: &[u8; 32]) -> String {
    let mut bytes = vec![ED25519];
    bytes.extend_from_slice(key);
    format!("{name}+{:08x}+{}", u32::from_be_bytes(id), BASE64.encode(bytes))
}

/// A key that signs. Its name is the origin of what it signs: it names the journal.
#[derive(Clone)]
pub struct Signer {
    name: String,
    key: SigningKey,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.name)
    }
}

impl Signer {
    /// The key of a seed, which must be random.
    ///
    /// # Errors
    /// Where the name is none.
    pub fn new(origin: &str, seed: [u8; 32]) -> Result<Self, BadNote> {
        Ok(Self { name: name(origin)?, key: SigningKey::from_bytes(&seed) })
    }

    /// As it is kept in a file of its owner's alone.
    pub fn secret(&self) -> String {
        let id = key_id(&self.name, &self.key.verifying_key());
        format!("{SECRET}{}", written(&self.name, id, &self.key.to_bytes()))
    }

    /// The key by which others check what it signs.
    pub fn verifier(&self) -> Verifier {
        Verifier { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// A checkpoint, signed.
    pub fn sign(&self, head: Head) -> Note {
        let text = format!("{}\n{}\n{}\n", self.name, head.seq, BASE64.encode(head.hash.0));
        let bytes = self.key.sign(text.as_bytes()).to_bytes().to_vec();
        let id = key_id(&self.name, &self.key.verifying_key());
        let signatures = vec![Line { name: self.name.clone(), id, bytes }];
        Note { origin: self.name.clone(), head, text, signatures }
    }
}

impl FromStr for Signer {
    type Err = BadNote;
    fn from_str(text: &str) -> Result<Self, BadNote> {
        let rest = text.trim().strip_prefix(SECRET).ok_or_else(|| bad("it is no key that signs"))?;
        let (name, id, seed) = parts(rest)?;
        let signer = Self { name, key: SigningKey::from_bytes(&seed) };
        if key_id(&signer.name, &signer.key.verifying_key()) != id {
            return Err(bad("its id is not that of the key: it was changed"));
        }
        Ok(signer)
    }
}

/// A key by which signatures are checked. Written and read as Go's note package does: `NAME+ID+KEY`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    key: VerifyingKey,
}

impl Verifier {
    /// Its name: the origin of what it signs.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which of several keys of one name it is, eight digits.
    pub fn id(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(key_id(&self.name, &self.key)))
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(&self.name, key_id(&self.name, &self.key), self.key.as_bytes()))
    }
}

impl FromStr for Verifier {
    type Err = BadNote;
    fn from_str(text: &str) -> Result<Self, BadNote> {
        if text.trim().starts_with(SECRET) {
            return Err(bad("it is the key that signs, which stays where it is; name the public one"));
        }
        let (name, id, key) = parts(text)?;
        let key = VerifyingKey::from_bytes(&key).map_err(|_| bad("it is no key"))?;
        if key_id(&name, &key) != id {
            return Err(bad("its id is not that of the key: a part of it was changed"));
        }
        Ok(Self { name, key })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    name: String,
    id: KeyId,
    bytes: Vec<u8>,
}

/// A checkpoint as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The journal.
    pub origin: String,
    /// Where its chain ended.
    pub head: Head,
    text: String,
    signatures: Vec<Line>,
}

/// What its signatures say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// A known key signed exactly this; `NAME+ID`.
    By(String),
    /// Nobody whose key is known here signed it.
    Unknown,
    /// It says that a known key signed it, which did not sign this.
    Forged(String),
}

impl Note {
    /// What its signatures say, where these keys are known. Signatures of others, as of witnesses, are passed over.
    pub fn signed(&self, known: &[Verifier]) -> Signed {
        let mut by = None;
        for line in &self.signatures {
            let same = |key: &&Verifier| key.name == line.name && key_id(&key.name, &key.key) == line.id;
            let Some(key) = known.iter().find(same) else { continue };
            let fits = Signature::from_slice(&line.bytes)
                .is_ok_and(|signature| key.key.verify_strict(self.text.as_bytes(), &signature).is_ok());
            let who = format!("{}+{}", key.name, key.id());
            if !fits {
                return Signed::Forged(who);
            }
            // A log's own signature is of the name that the text begins with.
            if key.name == self.origin {
                by = by.or(Some(who));
            }
        }
        by.map_or(Signed::Unknown, Signed::By)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for Line { name, id, bytes } in &self.signatures {
            writeln!(f, "{DASH}{name} {}", BASE64.encode([id.as_slice(), bytes].concat()))?;
        }
        Ok(())
    }
}

impl FromStr for Note {
    type Err = BadNote;
    fn from_str(all: &str) -> Result<Self, BadNote> {
        if all.chars().any(|c| c < ' ' && c != '\n') {
            return Err(bad("it has control characters"));
        }
        let at = all.rfind("\n\n").ok_or_else(|| bad("it has no signature"))?;
        let (text, rest) = all.split_at(at + 1);
        let lines = rest.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n'));
        let lines = lines.ok_or_else(|| bad("its last line is cut off"))?;
        let signatures = lines.split('\n').map(signature).collect::<Result<_, _>>()?;
        let mut said = text.split('\n');
        let (Some(origin), Some(size), Some(hash)) = (said.next(), said.next(), said.next()) else {
            return Err(bad("it is no checkpoint: origin, number and hash are three lines"));
        };
        if origin.is_empty() {
            return Err(bad("it names no journal"));
        }
        let seq = size.parse().ok().filter(|seq: &u64| seq.to_string() == size);
        let seq = seq.ok_or_else(|| bad("its second line is no number of events"))?;
        let hash = BASE64.decode(hash).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let hash = Digest(hash.ok_or_else(|| bad("its third line is no hash"))?);
        Ok(Self { origin: origin.to_owned(), head: Head { seq, hash }, text: text.to_owned(), signatures })
    }
}

fn signature(line: &str) -> Result<Line, BadNote> {
    let wrong = || bad("a line of signature is none");
    let (by, bytes) = line.strip_prefix(DASH).and_then(|rest| rest.split_once(' ')).ok_or_else(wrong)?;
    let bytes = BASE64.decode(bytes).map_err(|_| wrong())?;
    let (id, bytes) = bytes.split_at_checked(4).filter(|(_, rest)| !rest.is_empty()).ok_or_else(wrong)?;
    Ok(Line { name: name(by)?, id: id.try_into().map_err(|_| wrong())?, bytes: bytes.to_vec() })
}

/// Checkpoints one after the other, as a file keeps them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Each of them, or why it is none.
    pub notes: Vec<Result<Note, BadNote>>,
    /// Bytes up to the end of the last whole one; what stands after it was being written when the power went.
    pub whole: usize,
}

/// Reads a file of checkpoints, an empty line after each.
pub fn kept(text: &str) -> Kept {
    let mut all = Kept::default();
    let (mut begun, mut at, mut signs) = (0, 0, false);
    for line in text.split_inclusive('\n') {
        let ends = signs && !line.starts_with(DASH);
        if ends {
            all.notes.push(text.get(begun..at).unwrap_or_default().parse());
            (all.whole, signs) = (at, false);
            begun = if line == "\n" { at + 1 } else { at };
        }
        at += line.len();
        signs |= line.starts_with(DASH) && line.ends_with('\n');
    }
    if signs && text.get(..at).is_some_and(|all| all.ends_with('\n')) {
        all.notes.push(text.get(begun..at).unwrap_or_default().parse());
        all.whole = at;
    }
    all
}

#[cfg(test)]
mod tests;
