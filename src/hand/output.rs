//! What a block prints, kept within bounds: the beginning and the end, and how much is missing between them.

use crate::os::durable::{FileError, append_to, write_whole};
use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Bytes kept of the beginning, and as many of the end.
pub const HALF: usize = 512 * 1024;

/// The beginning goes to `output.log` as it comes; the rest to two files in turn, so that after a crash the end is
/// there too. [`Self::close`] makes one file of them.
#[derive(Debug)]
pub(crate) struct OutputLog {
    dir: PathBuf,
    head: Vec<u8>,
    tail: Vec<u8>,
    before: Vec<u8>,
    file: Option<File>,
    len: u64,
}

const PARTS: [&str; 2] = ["output.tail.1", "output.tail.0"];

impl OutputLog {
    pub fn create(dir: &Path) -> Result<Self, FileError> {
        let file = append_to(&dir.join("output.log"))?;
        Ok(Self { dir: dir.to_owned(), file: Some(file), ..Self::in_memory() })
    }

    /// Nothing on the disk: what is kept is kept in memory.
    pub fn in_memory() -> Self {
        Self {
            dir: PathBuf::new(),
            head: Vec::new(),
            tail: Vec::new(),
            before: Vec::new(),
            file: None,
            len: 0,
        }
    }

    /// Takes more in. After an error nothing more is written to disk, but all is kept in memory within the bounds.
    pub fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.len += bytes.len() as u64;
        let room = HALF.saturating_sub(self.head.len()).min(bytes.len());
        let (first, mut rest) = bytes.split_at(room);
        let mut written = Ok(());
        if !first.is_empty() {
            self.head.extend_from_slice(first);
            written = self.write(first);
        }
        while !rest.is_empty() {
            if self.tail.len() >= HALF {
                self.before = std::mem::take(&mut self.tail);
                written = written.and(self.turn());
            } else if self.tail.is_empty() && self.before.is_empty() {
                written = written.and(self.turn());
            }
            let room = HALF.saturating_sub(self.tail.len()).min(rest.len());
            let (part, more) = rest.split_at(room);
            self.tail.extend_from_slice(part);
            written = written.and(self.write(part));
            rest = more;
        }
        if written.is_err() {
            self.file = None;
        }
        written
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(bytes))
    }

    /// The part that was written last becomes the one before it, and a new one begins.
    fn turn(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        let [older, newer] = PARTS.map(|name| self.dir.join(name));
        match std::fs::rename(&newer, older) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.file = Some(append_to(&newer).map_err(|error| error.source)?);
        Ok(())
    }

    pub fn len(&self) -> u64 {
        self.len
    }

    /// What is kept, with a line that says what is not, and how much that is.
    pub fn kept(&self) -> (Vec<u8>, u64) {
        joined(&self.head, &[self.before.as_slice(), self.tail.as_slice()].concat(), self.len)
    }

    /// Makes one file of it all, synced.
    pub fn close(&mut self) -> Result<(), FileError> {
        write_whole(&self.dir.join("output.log"), &self.kept().0)?;
        for name in PARTS {
            let _ = std::fs::remove_file(self.dir.join(name));
        }
        Ok(())
    }
}

/// What is kept of an output whose hand may have died, without its length where something was cut.
pub(super) fn read(dir: &Path) -> Result<Vec<u8>, FileError> {
    let path = dir.join("output.log");
    let mut all = std::fs::read(&path).map_err(FileError::at("read", &path))?;
    let mut tail = Vec::new();
    for name in PARTS {
        tail.extend(std::fs::read(dir.join(name)).unwrap_or_default());
    }
    let over = tail.len().saturating_sub(HALF);
    if over > 0 {
        all.extend_from_slice(b"\n[some output is not kept]\n");
    }
    all.extend_from_slice(tail.get(over..).unwrap_or_default());
    Ok(all)
}

fn joined(head: &[u8], tail: &[u8], len: u64) -> (Vec<u8>, u64) {
    let tail = tail.get(tail.len().saturating_sub(HALF)..).unwrap_or_default();
    let cut = len.saturating_sub((head.len() + tail.len()) as u64);
    let mut all = head.to_vec();
    if cut > 0 {
        all.extend_from_slice(format!("\n[{cut} bytes of output are not kept]\n").as_bytes());
    }
    all.extend_from_slice(tail);
    (all, cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginning_and_end_are_kept_and_the_gap_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = OutputLog::create(dir.path()).unwrap();
        let line = |n: usize| format!("line {n:08}\n");
        for n in 0..200_000 {
            log.push(line(n).as_bytes()).unwrap();
        }
        let crashed = String::from_utf8(read(dir.path()).unwrap()).unwrap();
        assert!(crashed.starts_with(&line(0)) && crashed.ends_with(&line(199_999)));
        log.close().unwrap();
        let text = String::from_utf8(read(dir.path()).unwrap()).unwrap();
        assert!(text.starts_with(&line(0)) && text.ends_with(&line(199_999)));
        let cut = 200_000 * line(0).len() - 2 * HALF;
        assert!(text.contains(&format!("[{cut} bytes of output are not kept]")), "{cut}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_full_disk_is_told_once_and_memory_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", dir.path().join("output.log")).unwrap();
        let mut log = OutputLog::create(dir.path()).unwrap();
        assert_eq!(log.push(b"one").unwrap_err().kind(), io::ErrorKind::StorageFull);
        log.push(b"two").unwrap();
        assert_eq!(log.kept().0, b"onetwo");
    }
}
