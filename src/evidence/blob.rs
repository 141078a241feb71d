//! Bytes kept under the digest of what they are: compressed, whole or not at all, checked when read.

use crate::{
    domain::id::Digest,
    os::{
        dirs::{self, NoDirectory},
        durable::{FileError, write_whole},
    },
};
use sha2::{Digest as _, Sha256};
use std::{
    io::Read as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// zstd level: its own default, good for logs at hundreds of MB a second.
const LEVEL: i32 = 3;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most bytes of one blob, before compression.
    pub blob: u64,
    /// Most bytes of all, as they lie on disk.
    pub total: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { blob: 16 << 20, total: 4 << 30 }
    }
}

/// A directory of blobs. Nothing is ever thrown out by itself: the journal names what lies here.
#[derive(Debug)]
pub struct Blobs {
    dir: PathBuf,
    bounds: Bounds,
    used: AtomicU64,
}

/// A blob cannot be kept or given.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The directory cannot be used.
    #[error("the evidence store cannot be opened: {0}")]
    Directory(#[from] NoDirectory),
    /// The system refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// One blob is too big.
    #[error("evidence of {len} bytes is more than the {most} that one piece may have: cut it first")]
    TooBig {
        /// Its size.
        len: u64,
        /// The bound.
        most: u64,
    },
    /// All together would be too much.
    #[error("the evidence store {} is full: {used} of {most} bytes; raise its bound or archive closed incidents", dir.display())]
    Full {
        /// The store.
        dir: PathBuf,
        /// What lies there.
        used: u64,
        /// The bound.
        most: u64,
    },
    /// No such blob.
    #[error("evidence {0} is not in this store")]
    Missing(Digest),
    /// What lies there is not what its name says.
    #[error("evidence {digest} in {} is damaged ({why}): it is not what was recorded", path.display())]
    Damaged {
        /// What was asked for.
        digest: Digest,
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
}

/// SHA-256 of some bytes.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

impl Blobs {
    /// Opens the store in `dir`, made with mode 0700 where it is not there.
    pub fn open(dir: &Path, bounds: Bounds) -> Result<Self, BlobError> {
        dirs::private(dir)?;
        let used = files_below(dir).map_err(FileError::at("look through", dir))?;
        Ok(Self { dir: dir.to_owned(), bounds, used: AtomicU64::new(used) })
    }

    /// Takes a blob away for good; one that is not there is no error.
    pub fn remove(&self, digest: &Digest) -> Result<(), BlobError> {
        let path = self.path(digest);
        let len = std::fs::metadata(&path).map_or(0, |meta| meta.len());
        match std::fs::remove_file(&path) {
            Ok(()) => {
                let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                    Some(used.saturating_sub(len))
                });
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(FileError::at("remove", &path)(error).into()),
        }
    }

    /// Keeps `bytes` and gives their name; durable when this returns. What is there already is not written again,
    /// unless it is damaged.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, BlobError> {
        let len = bytes.len() as u64;
        if len > self.bounds.blob {
            return Err(BlobError::TooBig { len, most: self.bounds.blob });
        }
        let digest = digest_of(bytes);
        let path = self.path(&digest);
        if path.exists() && self.get(&digest).is_ok() {
            return Ok(digest);
        }
        let packed = zstd::bulk::compress(bytes, LEVEL).map_err(FileError::at("compress for", &path))?;
        let more = packed.len() as u64;
        let used = self.used.fetch_add(more, Ordering::Relaxed);
        let written = if used.saturating_add(more) > self.bounds.total {
            Err(BlobError::Full { dir: self.dir.clone(), used, most: self.bounds.total })
        } else {
            path.parent()
                .map_or(Ok(()), dirs::private)
                .map_err(BlobError::from)
                .and_then(|()| Ok(write_whole(&path, &packed)?))
        };
        if written.is_err() {
            self.used.fetch_sub(more, Ordering::Relaxed);
        }
        written.map(|()| digest)
    }

    /// Whether there is something of this name.
    pub fn has(&self, digest: &Digest) -> bool {
        self.path(digest).exists()
    }

    /// The bytes of this name, checked, and packed for another store.
    pub fn packed(&self, digest: &Digest) -> Result<Vec<u8>, BlobError> {
        let bytes = self.get(digest)?;
        Ok(zstd::bulk::compress(&bytes, LEVEL).map_err(FileError::at("compress", &self.path(digest)))?)
    }

    /// Keeps what another store packed, where it is what its name says; gives its bytes.
    pub fn put_packed(&self, digest: &Digest, packed: &[u8]) -> Result<Vec<u8>, BlobError> {
        let path = self.path(digest);
        let damaged = |why: String| BlobError::Damaged { digest: *digest, path: path.clone(), why };
        let mut bytes = Vec::new();
        zstd::stream::read::Decoder::new(packed)
            .and_then(|reader| reader.take(self.bounds.blob.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(|error| damaged(error.to_string()))?;
        let is = digest_of(&bytes);
        if is != *digest {
            return Err(damaged(format!("its digest is {}", is.short())));
        }
        self.put(&bytes)?;
        Ok(bytes)
    }

    /// The bytes of this name, checked.
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>, BlobError> {
        let path = self.path(digest);
        let file = match std::fs::File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(BlobError::Missing(*digest));
            }
            other => other.map_err(FileError::at("open", &path))?,
        };
        let damaged = |why: String| BlobError::Damaged { digest: *digest, path: path.clone(), why };
        let mut bytes = Vec::new();
        // Never more than was let in, whatever a damaged or planted file unpacks to.
        zstd::stream::read::Decoder::new(file)
            .and_then(|reader| reader.take(self.bounds.blob.saturating_add(1)).read_to_end(&mut bytes))
            .map_err(|error| damaged(error.to_string()))?;
        let is = digest_of(&bytes);
        if is == *digest { Ok(bytes) } else { Err(damaged(format!("its digest is {}", is.short()))) }
    }

    /// Bytes on disk.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.dir.join(name.get(..2).unwrap_or_default()).join(format!("{name}.zst"))
    }
}

fn files_below(dir: &Path) -> std::io::Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        sum += match entry.metadata() {
            Ok(meta) if meta.is_dir() => files_below(&entry.path())?,
            Ok(meta) => meta.len(),
            Err(_) => 0,
        };
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(bounds: Bounds) -> (tempfile::TempDir, Blobs) {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&dir.path().join("evidence"), bounds).unwrap();
        (dir, blobs)
    }

    #[test]
    fn what_another_store_packed_is_kept_where_it_is_what_its_name_says() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let bounds = Bounds { blob: 1 << 16, ..Bounds::default() };
        let one = Blobs::open(one.path(), Bounds::default()).unwrap();
        let two = Blobs::open(two.path(), bounds).unwrap();
        let digest = one.put(b"seen").unwrap();
        let packed = one.packed(&digest).unwrap();
        assert!(!two.has(&digest));
        let other = digest_of(b"another");
        assert!(matches!(two.put_packed(&other, &packed), Err(BlobError::Damaged { .. })));
        assert!(matches!(two.put_packed(&digest, b"none"), Err(BlobError::Damaged { .. })));
        assert_eq!(two.put_packed(&digest, &packed).unwrap(), b"seen");
        assert_eq!(two.get(&digest).unwrap(), b"seen");
        // However little it is packed, it unpacks to no more than may be kept.
        let large = one.put(&vec![0; 1 << 20]).unwrap();
        assert!(two.put_packed(&large, &one.packed(&large).unwrap()).is_err());
    }

    #[test]
    fn what_goes_in_comes_out_once_stored() {
        let (dir, blobs) = store(Bounds::default());
        let text = b"the same line\n".repeat(10_000);
        let digest = blobs.put(&text).unwrap();
        let used = blobs.used();
        assert_eq!(blobs.put(&text).unwrap(), digest);
        assert_eq!(blobs.used(), used);
        assert!(used < 1_000, "compressed");
        assert_eq!(blobs.get(&digest).unwrap(), text);
        assert_eq!(blobs.put(b"").and_then(|empty| blobs.get(&empty)).unwrap(), b"");
        let again = Blobs::open(&dir.path().join("evidence"), Bounds::default()).unwrap();
        assert_eq!(again.used(), blobs.used());
        assert!(matches!(blobs.get(&Digest::ZERO), Err(BlobError::Missing(_))));
    }

    #[test]
    fn damage_is_found_and_mended_by_the_same_bytes() {
        let (_dir, blobs) = store(Bounds::default());
        let digest = blobs.put(b"evidence").unwrap();
        for wrong in [b"not zstd".to_vec(), zstd::bulk::compress(b"forged", 3).unwrap(), Vec::new()] {
            std::fs::write(blobs.path(&digest), wrong).unwrap();
            assert!(matches!(blobs.get(&digest), Err(BlobError::Damaged { .. })));
        }
        blobs.put(b"evidence").unwrap();
        assert_eq!(blobs.get(&digest).unwrap(), b"evidence");
    }

    #[test]
    fn bounds_hold() {
        let (_dir, blobs) = store(Bounds { blob: 100, total: 60 });
        assert!(matches!(blobs.put(&[0; 101]), Err(BlobError::TooBig { .. })));
        blobs.put(b"one").unwrap();
        let error = (0_u8..20).map(|n| blobs.put(&[n; 3])).find_map(Result::err).unwrap();
        assert!(matches!(error, BlobError::Full { .. }), "{error}");
        assert!(blobs.used() <= 60);
        std::fs::write(
            blobs.path(&digest_of(b"one")),
            zstd::bulk::compress(&vec![0; 10_000_000], 3).unwrap(),
        )
        .unwrap();
        assert!(matches!(blobs.get(&digest_of(b"one")), Err(BlobError::Damaged { .. })));
    }
}
