//! Files in memory that a child opens by name: what must reach a child and never a disk.

use rustix::fs::{MemfdFlags, memfd_create};
use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::fd::AsRawFd as _,
};

/// A file without a name on any disk (`memfd_create(2)`). It is gone with this process.
#[derive(Debug)]
pub struct MemoryFile {
    file: File,
}

impl MemoryFile {
    /// One that holds `bytes`.
    pub fn new(bytes: &[u8]) -> io::Result<Self> {
        let mut file = File::from(memfd_create("warroom", MemfdFlags::CLOEXEC)?);
        file.write_all(bytes)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(Self { file })
    }

    /// The name under which a process of the same user opens it while this process lives.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd())
    }

    /// What it holds now, none where it is more than `most` bytes.
    pub fn contents(&mut self, most: u64) -> io::Result<Option<Vec<u8>>> {
        if self.file.metadata()?.len() > most {
            return Ok(None);
        }
        self.file.seek(SeekFrom::Start(0))?;
        let mut out = Vec::new();
        (&self.file).take(most).read_to_end(&mut out)?;
        Ok(Some(out))
    }
}
