//! Redaction of what comes in pieces: a secret split over two is caught, because what may still grow into one waits.

use super::redact::{KEY_MAX, Redactor, is_line_end, open_key, replaced};
use super::rules::RULES;

/// Longest incomplete line that waits as a whole.
const HOLD_MAX: usize = 64 * 1024;
/// What of a longer one waits, at least.
const HOLD_TAIL: usize = 8 * 1024;
/// What of a line that was let out is remembered as what stands before the rest.
const SHOWN_MAX: usize = 4 * 1024;
/// Beginnings of known values shorter than this are let out.
const BEGINNING_MIN: usize = 3;

/// A redactor of one stream. Complete lines come out at once; the rest when [`Self::idle`] or [`Self::finish`] is
/// called. Memory is bounded whatever comes in.
#[derive(Debug)]
pub struct StreamRedactor {
    redactor: Redactor,
    /// The current line, raw; its first `shown` bytes are out already and give the rest its meaning.
    line: Vec<u8>,
    shown: usize,
}

impl StreamRedactor {
    /// For one stream.
    pub fn new(redactor: Redactor) -> Self {
        Self { redactor, line: Vec::new(), shown: 0 }
    }

    /// Takes a piece in and gives what is complete.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        // In bounded steps, so that one huge piece costs no more memory than many.
        for part in piece.chunks(HOLD_MAX) {
            self.line.extend_from_slice(part);
            let lines = self.line.iter().rposition(|byte| is_line_end(*byte)).map_or(0, |end| end + 1);
            let key = open_key(&self.line);
            let most = HOLD_MAX.max(self.redactor.longest().saturating_mul(2)).max(KEY_MAX * 2);
            let mut to = lines;
            let forced = self.line.len() - lines > most;
            if forced {
                to = self.line.len() - HOLD_TAIL.max(self.redactor.longest());
            }
            self.release(to.min(key.unwrap_or(usize::MAX)), forced, &mut out);
        }
        out
    }

    /// Nothing has come for a while: gives what waits, but for what may be the beginning of a secret. So a prompt
    /// without a line end is seen.
    pub fn idle(&mut self) -> Vec<u8> {
        let text = &self.line;
        let mut to = text.len();
        let beginning = self.redactor.beginning(text);
        if beginning >= BEGINNING_MIN {
            to = to.min(text.len() - beginning);
        }
        if let Some(last) = self.redactor.find(text).last().filter(|last| last.end == text.len()) {
            to = to.min(last.start);
        }
        let word = text.iter().rposition(u8::is_ascii_whitespace).map_or(0, |at| at + 1);
        if let Some(at) = text.get(word..).and_then(|token| RULES.growing(token)) {
            to = to.min(word + at);
        }
        to = to.min(open_key(text).unwrap_or(usize::MAX));
        let mut out = Vec::new();
        self.release(to, false, &mut out);
        out
    }

    /// The end: gives all that waits.
    pub fn finish(mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.release(self.line.len(), true, &mut out);
        out
    }

    /// Lets the bytes up to `to` out, but no part of a secret that reaches over it unless it is `forced`.
    fn release(&mut self, mut to: usize, forced: bool, out: &mut Vec<u8>) {
        if to <= self.shown {
            return;
        }
        let found = self.redactor.find(&self.line);
        if let Some(over) = found.iter().find(|secret| secret.start < to && to < secret.end) {
            to = match over.start {
                start if start > self.shown => start,
                _ if forced => over.end,
                _ => return,
            };
        }
        out.extend(replaced(&self.line, self.shown, to, &found));
        // What was let out of the line that goes on stays, as what stands before the rest.
        let begin = self.line.get(..to).and_then(|text| text.iter().rposition(|byte| is_line_end(*byte)));
        let forget = begin.map_or(0, |end| end + 1).max(to.saturating_sub(SHOWN_MAX));
        self.line.drain(..forget);
        self.shown = to - forget;
    }
}
