//! What hands show of their steps, to be seen and not kept.

use crate::{
    domain::{
        plan::Slug,
        time::{Span, Stamp, Wall},
    },
    wire::HandSays,
};
use std::collections::VecDeque;

/// Lines that are kept of what a hand printed.
const TAIL: usize = 400;

/// A terminal's screen as its hand shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// Columns.
    pub cols: u16,
    /// Rows, cleaned.
    pub rows: Vec<String>,
    /// Cursor, row and column.
    pub cursor: (u16, u16),
}

/// A check that holds so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The value seen.
    pub seen: String,
    /// For how long, when it was said.
    pub held: Span,
    /// For how long it must.
    pub wanted: Span,
}

/// What a hand shows of one step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HandShow {
    /// The block it runs.
    pub block: Option<Slug>,
    /// Since when.
    pub since: Option<Stamp>,
    /// When its time is over.
    pub until: Option<Wall>,
    /// What it printed, oldest first.
    pub tail: VecDeque<String>,
    /// Whether the last line of `tail` is not ended yet.
    open: bool,
    /// Its terminal.
    pub screen: Option<Screen>,
    /// A check that holds so far.
    pub holding: Option<Holding>,
    /// Its time is nearly over and it asks what to do.
    pub over_time: bool,
    /// It has nothing more to do.
    pub over: bool,
}

impl HandShow {
    /// Adds what it says.
    pub fn hear(&mut self, says: HandSays, now: &Stamp) {
        match says {
            HandSays::Began { block, until } => {
                // Said again where it got more time, or the room came back.
                if self.block.as_ref() != Some(&block) {
                    self.block = Some(block);
                    self.since = Some(now.clone());
                    self.holding = None;
                    self.screen = None;
                }
                self.until = until;
                (self.over_time, self.over) = (false, false);
            }
            HandSays::Printed { text } => self.print(&text),
            HandSays::Screen { cols, rows, cursor } => {
                let rows = rows.iter().map(|row| crate::domain::text::line(row).into_owned()).collect();
                self.screen = Some(Screen { cols, rows, cursor });
            }
            HandSays::Holding { seen, held, wanted } => {
                let seen = crate::domain::text::line(&seen).into_owned();
                self.holding = Some(Holding { seen, held, wanted });
            }
            HandSays::OverTime => self.over_time = true,
            HandSays::Over => {
                self.over = true;
                self.screen = None;
            }
        }
    }

    fn print(&mut self, text: &str) {
        for piece in text.split_inclusive('\n') {
            let clean = crate::domain::text::line(piece.trim_end_matches('\n')).into_owned();
            match self.tail.back_mut() {
                Some(last) if self.open => last.push_str(&clean),
                _ => self.tail.push_back(clean),
            }
            self.open = !piece.ends_with('\n');
            if self.tail.len() > TAIL {
                self.tail.pop_front();
            }
        }
    }

    /// The newest line that says something.
    pub fn last_line(&self) -> Option<&str> {
        self.tail.iter().rev().map(String::as_str).find(|line| !line.trim().is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_line_become_one_line() {
        let mut hand = HandShow::default();
        let now = Stamp::wall_only(chrono::DateTime::UNIX_EPOCH);
        for text in ["one ", "two\nthr", "ee\n", "\u{1b}[31mred\n"] {
            hand.hear(HandSays::Printed { text: text.into() }, &now);
        }
        let lines: Vec<_> = hand.tail.iter().map(String::as_str).collect();
        assert_eq!(lines, ["one two", "three", "␛[31mred"]);
    }
}
