//! Bytes into lines, whatever pieces they come in.

use crate::domain::text::LINE_MAX;
use memchr::{memchr, memchr_iter, memrchr};
use std::fmt::Write as _;

/// A run of NULs at a line's start longer than this is told by its length: a writer that keeps its place leaves one
/// where a file was truncated under it.
const NULS: usize = 16;

/// The line that is not complete yet, bounded.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    partial: Vec<u8>,
    /// Bytes of it that were not kept.
    cut: u64,
    /// NULs before its first byte.
    nuls: u64,
}

impl Splitter {
    /// Takes bytes; completed lines are appended to `out`, at most the newest `keep` of these bytes. Gives how many
    /// were passed over.
    pub fn feed(&mut self, bytes: &[u8], keep: usize, out: &mut Vec<String>) -> u64 {
        let Some(last) = memrchr(b'\n', bytes) else {
            self.grow(bytes);
            return 0;
        };
        let (whole, rest) = bytes.split_at(last + 1);
        let count = memchr_iter(b'\n', whole).count();
        let skip = count.saturating_sub(keep);
        let mut whole = whole;
        for n in 0..skip {
            let end = memchr(b'\n', whole).map_or(whole.len(), |i| i + 1);
            whole = whole.get(end..).unwrap_or_default();
            if n == 0 {
                self.clear();
            }
        }
        while let Some(end) = memchr(b'\n', whole) {
            let (line, tail) = whole.split_at(end);
            self.grow(line);
            out.extend(self.flush());
            whole = tail.get(1..).unwrap_or_default();
        }
        self.grow(rest);
        skip as u64
    }

    /// Ends the line that has begun, where one has: it will never be completed.
    pub fn end(&mut self) -> Option<String> {
        if self.partial.is_empty() && self.nuls == 0 { None } else { self.flush() }
    }

    fn grow(&mut self, mut bytes: &[u8]) {
        if self.partial.is_empty() && self.cut == 0 {
            let nuls = bytes.iter().take_while(|b| **b == 0).count();
            self.nuls += nuls as u64;
            bytes = bytes.get(nuls..).unwrap_or_default();
        }
        let room = LINE_MAX.saturating_sub(self.partial.len());
        let (kept, over) = bytes.split_at(room.min(bytes.len()));
        self.partial.extend_from_slice(kept);
        self.cut += over.len() as u64;
    }

    #[allow(clippy::unnecessary_wraps)] // `extend` takes what `end` gives.
    fn flush(&mut self) -> Option<String> {
        let mut line = if self.nuls > NULS as u64 {
            format!("<{} NUL bytes>", self.nuls)
        } else {
            "\0".repeat(usize::try_from(self.nuls).unwrap_or(0))
        };
        let bytes = self.partial.strip_suffix(b"\r").unwrap_or(&self.partial);
        line.push_str(&String::from_utf8_lossy(bytes));
        if self.cut > 0 {
            let cut = self.cut;
            let _ = write!(line, "… {cut} bytes more");
        }
        self.clear();
        Some(line)
    }

    fn clear(&mut self) {
        self.partial.clear();
        self.partial.shrink_to(4_096);
        (self.cut, self.nuls) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(text in "([a-zé ]{0,9}\n?){0,20}", cuts in proptest::collection::vec(1_usize..7, 1..9)) {
            let mut splitter = Splitter::default();
            let mut out = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts.iter().cycle() {
                let (piece, tail) = rest.split_at((*cut).min(rest.len()));
                prop_assert_eq!(splitter.feed(piece, 100, &mut out), 0);
                rest = tail;
                if rest.is_empty() { break; }
            }
            out.extend(splitter.end());
            let wanted: Vec<&str> = text.lines().collect();
            prop_assert_eq!(out, wanted);
        }

        #[test]
        fn the_newest_are_kept_and_the_others_counted(n in 0_usize..50, keep in 0_usize..60) {
            let text = (0..n).map(|i| format!("{i}\n")).collect::<Vec<_>>().concat();
            let mut out = Vec::new();
            let dropped = Splitter::default().feed(text.as_bytes(), keep, &mut out);
            let wanted: Vec<String> = (n.saturating_sub(keep)..n).map(|i| i.to_string()).collect();
            prop_assert_eq!(dropped as usize, n - wanted.len());
            prop_assert_eq!(out, wanted);
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), keep in 0_usize..9) {
            let mut out = Vec::new();
            let mut splitter = Splitter::default();
            splitter.feed(&bytes, keep, &mut out);
            out.extend(splitter.end());
            prop_assert!(out.len() <= keep + 1);
        }
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut splitter = Splitter::default();
        let mut out = Vec::new();
        for _ in 0..64 {
            splitter.feed(&vec![b'x'; 65_536], 9, &mut out);
        }
        splitter.feed(b"\nnext\n", 9, &mut out);
        assert!(out[0].ends_with(&format!("… {} bytes more", 63 * 65_536)));
        assert!(out[0].len() < LINE_MAX + 64);
        assert_eq!(out[1], "next");
    }

    #[test]
    fn nuls_are_told() {
        let mut out = Vec::new();
        let mut splitter = Splitter::default();
        splitter.feed(&[0; 1_000], 9, &mut out);
        splitter.feed(b"here\n\0x\n", 9, &mut out);
        assert_eq!(out, ["<1000 NUL bytes>here", "\0x"]);
    }
}
