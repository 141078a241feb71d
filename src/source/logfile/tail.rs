//! One open file, read from where one was.

use super::splitter::Splitter;
use memchr::memrchr_iter;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

/// Lines of a file's end that are shown at first.
const FIRST_LINES: usize = 200;
/// Most bytes that are read for them.
const FIRST_BYTES: u64 = 16 * 1024 * 1024;
/// Bytes that are read at once.
const BLOCK: u64 = 256 * 1024;
/// Bytes before our place that are remembered, to see whether the file under it is still the same.
const MARK: u64 = 32;

/// Which file, whatever its name: device, inode, and the inode's birth, since numbers are used again.
pub(super) type FileId = (u64, u64, Option<std::time::SystemTime>);

pub(super) fn id(meta: &Metadata) -> FileId {
    (meta.dev(), meta.ino(), meta.created().ok())
}

/// An open file. The handle keeps its inode from being used again.
#[derive(Debug)]
pub(super) struct Tail {
    file: File,
    pub id: FileId,
    /// Bytes read so far.
    pub at: u64,
    mark: Vec<u8>,
    splitter: Splitter,
}

/// Where to begin.
#[derive(Debug, Clone, Copy)]
pub(super) enum Begin {
    /// Its last lines.
    End,
    /// A place in bytes.
    At(u64),
}

impl Tail {
    /// Opens a regular file.
    pub fn open(path: &Path, begin: Begin) -> io::Result<Self> {
        let file = File::open(path)?;
        let meta = file.metadata()?;
        let mut tail = Self { file, id: id(&meta), at: 0, mark: Vec::new(), splitter: Splitter::default() };
        tail.at = match begin {
            Begin::End => tail.last_lines(meta.len())?,
            Begin::At(at) if at <= meta.len() => at,
            Begin::At(_) => 0,
        };
        tail.remember()?;
        Ok(tail)
    }

    /// Where the last lines begin, read backwards, so that a file's size does not matter.
    fn last_lines(&self, len: u64) -> io::Result<u64> {
        let mut block = vec![0; BLOCK as usize];
        let mut end = len;
        // The newline that ends the last line begins none.
        let mut wanted = FIRST_LINES + 1;
        while end > 0 && len - end < FIRST_BYTES {
            let start = end.saturating_sub(BLOCK);
            let Some(part) = block.get_mut(..(end - start) as usize) else { break };
            self.file.read_exact_at(part, start)?;
            for i in memrchr_iter(b'\n', part) {
                wanted -= 1;
                if wanted == 0 {
                    return Ok(start + i as u64 + 1);
                }
            }
            end = start;
        }
        Ok(end)
    }

    /// Reads on, at most `budget` bytes. Gives how many lines were passed over, and whether more is there.
    pub fn read(&mut self, budget: u64, keep: usize, out: &mut Vec<String>) -> io::Result<(u64, bool)> {
        let there = self.len()?.saturating_sub(self.at);
        if there == 0 {
            return Ok((0, false));
        }
        let mut bytes = vec![0; budget.min(there) as usize];
        let mut have = 0;
        while let Some(part) = bytes.get_mut(have..).filter(|part| !part.is_empty()) {
            match self.file.read_at(part, self.at + have as u64) {
                Ok(0) => break,
                Ok(n) => have += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        bytes.truncate(have);
        self.at += have as u64;
        let dropped = self.splitter.feed(&bytes, keep, out);
        self.remember()?;
        Ok((dropped, there > budget))
    }

    /// Whether the file was cut, or cut and written anew, under our place.
    pub fn was_cut(&self) -> io::Result<bool> {
        let len = self.len()?;
        if len < self.at {
            return Ok(true);
        }
        let mut there = vec![0; self.mark.len()];
        self.file.read_exact_at(&mut there, self.at - self.mark.len() as u64)?;
        Ok(there != self.mark)
    }

    /// Begins anew; the line that had begun is ended.
    pub fn restart(&mut self) -> Option<String> {
        self.at = 0;
        self.mark.clear();
        self.splitter.end()
    }

    /// The line that has begun and will not be completed.
    pub fn end(&mut self) -> Option<String> {
        self.splitter.end()
    }

    /// Bytes in the file.
    pub fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// When it was last written.
    pub fn written(&self) -> Option<std::time::SystemTime> {
        self.file.metadata().ok()?.modified().ok()
    }

    fn remember(&mut self) -> io::Result<()> {
        let size = self.at.min(MARK);
        self.mark.resize(size as usize, 0);
        match self.file.read_exact_at(&mut self.mark, self.at - size) {
            // Cut in this very moment: the next look sees it by its length.
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                self.mark.clear();
                Ok(())
            }
            other => other,
        }
    }
}
