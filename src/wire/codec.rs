//! Frames as bytes and back. The reader is incremental, bounded, and never panics.

use serde::{Serialize, de::DeserializeOwned};

/// A frame is longer than it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame is longer than {0} bytes")]
pub struct TooLong(pub usize);

/// One frame, ended by `\n`. No frame of ours fails to encode.
pub fn encode<T: Serialize>(frame: &T) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(frame).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Reads one frame, without its line end.
///
/// # Errors
/// What is wrong with it, and where.
pub fn decode<T: DeserializeOwned>(line: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(line)
}

/// What a reader keeps for the next line at most once a longer one was given out.
const KEPT: usize = 64 * 1024;

/// Cuts a stream of bytes into lines, as they come.
#[derive(Debug)]
pub struct Lines {
    held: Vec<u8>,
    /// Where what was not given out begins.
    from: usize,
    /// Bytes after that known to have no line end in them.
    seen: usize,
    most: usize,
}

impl Lines {
    /// Lines of at most `most` bytes.
    pub fn new(most: usize) -> Self {
        Self { held: Vec::new(), from: 0, seen: 0, most }
    }

    /// Allows longer or shorter lines from now on.
    pub fn allow(&mut self, most: usize) {
        self.most = most;
    }

    /// Adds bytes that came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.held.drain(..self.from);
        self.from = 0;
        self.held.extend_from_slice(bytes);
    }

    /// Bytes that came and were not given out.
    pub fn waiting(&self) -> usize {
        self.held.len().saturating_sub(self.from)
    }

    /// The next whole line, without its end; empty lines are passed over.
    ///
    /// # Errors
    /// [`TooLong`] where more than the bound came without a line end.
    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        loop {
            let rest = self.held.get(self.from.saturating_add(self.seen)..).unwrap_or_default();
            let Some(end) = memchr::memchr(b'\n', rest) else {
                self.seen = self.waiting();
                return if self.seen > self.most { Err(TooLong(self.most)) } else { Ok(None) };
            };
            let end = self.from.saturating_add(self.seen).saturating_add(end);
            let line = self.held.get(self.from..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let given = (line.len() <= self.most).then(|| line.to_vec()).ok_or(TooLong(self.most));
            self.from = end.saturating_add(1);
            self.seen = 0;
            if self.held.capacity() > KEPT && self.waiting() <= KEPT {
                self.held.drain(..self.from);
                self.from = 0;
                self.held.shrink_to(KEPT);
            }
            match given {
                Ok(line) if line.is_empty() => {}
                given => return given.map(Some),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{FromRoom, ToRoom};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cut_anywhere_the_lines_are_the_same(
            lines in prop::collection::vec("[a-z{}\"]{1,20}", 0..20),
            cuts in prop::collection::vec(1_usize..9, 1..60),
        ) {
            let stream: Vec<u8> = lines.iter().flat_map(|line| line.bytes().chain([b'\n'])).collect();
            let (mut reader, mut seen, mut at) = (Lines::new(64), Vec::new(), 0);
            for cut in cuts.iter().cycle() {
                let end = (at + cut).min(stream.len());
                reader.feed(&stream[at..end]);
                at = end;
                while let Some(line) = reader.next_line().unwrap() {
                    seen.push(String::from_utf8(line).unwrap());
                }
                if at == stream.len() { break }
            }
            prop_assert_eq!(seen, lines);
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode::<ToRoom>(&bytes);
            let _ = decode::<FromRoom>(&bytes);
        }

        /// Nobody who sends bytes makes the reader hold more than one line and one piece, whatever they are.
        #[test]
        fn what_is_held_is_bounded(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..60)) {
            let mut reader = Lines::new(100);
            for piece in pieces {
                reader.feed(&piece);
                loop {
                    match reader.next_line() {
                        Ok(Some(line)) => prop_assert!(line.len() <= 100),
                        Ok(None) => break,
                        Err(TooLong(most)) => {
                            prop_assert_eq!(most, 100);
                            return Ok(());
                        }
                    }
                }
                prop_assert!(reader.waiting() <= 100);
            }
        }
    }

    #[test]
    fn one_long_line_does_not_keep_its_room() {
        let mut reader = Lines::new(1 << 20);
        reader.feed(&[&vec![b'x'; 1 << 20][..], b"\nnext"].concat());
        assert_eq!(reader.next_line().unwrap().unwrap().len(), 1 << 20);
        assert!(reader.held.capacity() <= KEPT, "{}", reader.held.capacity());
        reader.feed(b" one\n");
        assert_eq!(reader.next_line().unwrap().unwrap(), b"next one");
        assert_eq!((reader.next_line(), reader.waiting()), (Ok(None), 0));
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        let mut reader = Lines::new(10);
        reader.feed(b"12345678901");
        assert_eq!(reader.next_line(), Err(TooLong(10)));
    }
}
