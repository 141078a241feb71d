//! Bytes of a frame, gathered until it is whole.

use super::mode::Entered;
use std::io::{self, Write};

/// Gathers what is written and passes it on when flushed. Unlike a buffered writer of the library it passes
/// nothing on when dropped, and nothing at all once the terminal was given back by a panic: the rest of a frame must
/// not follow the sequences that did that.
#[derive(Debug)]
pub(super) struct Gather<W: Write> {
    bytes: Vec<u8>,
    out: W,
    entered: Entered,
}

/// Beyond this the gathered bytes go out before the frame is whole.
const MOST: usize = 1024 * 1024;

impl<W: Write> Gather<W> {
    pub fn new(out: W, entered: Entered) -> Self {
        Self { bytes: Vec::with_capacity(16 * 1024), out, entered }
    }

    /// How many bytes are gathered.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets what was gathered after the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    fn pass(&mut self) -> io::Result<()> {
        if self.entered.lost() {
            self.bytes.clear();
            return Ok(());
        }
        let result = self.out.write_all(&self.bytes);
        // Dropped even where it failed: half a sequence again would be worse than a missing one.
        self.bytes.clear();
        result
    }
}

impl<W: Write> Write for Gather<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() > MOST {
            self.pass()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass()?;
        if self.entered.lost() { Ok(()) } else { self.out.flush() }
    }
}
