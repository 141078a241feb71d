//! What a seat changes about the terminal, each with the sequence that undoes it.

use crossterm::{
    Command, cursor,
    event::{
        DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste,
        EnableFocusChange, EnableMouseCapture,
    },
    style::ResetColor,
    terminal::{
        BeginSynchronizedUpdate, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
        EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
    },
};
use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
};

/// One thing that is changed, in the order in which they are entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Mode {
    /// Keys come one by one, unechoed. Of the device, not a sequence.
    Raw = 1,
    /// The second screen, so that the first is there again afterwards.
    Alternate = 1 << 1,
    /// No line wrap: what reaches the last column does not scroll the screen.
    NoWrap = 1 << 2,
    /// No cursor where nothing is typed.
    HiddenCursor = 1 << 3,
    /// A paste comes marked as one.
    Paste = 1 << 4,
    /// The terminal says when it gains and loses focus.
    Focus = 1 << 5,
    /// Clicks and the wheel.
    Mouse = 1 << 6,
    /// A frame is shown whole (DEC private mode 2026).
    Synchronized = 1 << 7,
}

/// All modes, first entered first.
pub(super) const ALL: [Mode; 8] = [
    Mode::Raw,
    Mode::Alternate,
    Mode::NoWrap,
    Mode::HiddenCursor,
    Mode::Paste,
    Mode::Focus,
    Mode::Mouse,
    Mode::Synchronized,
];

/// Beside the modes: they were left for good.
const LOST: u16 = 1 << 15;

fn ansi(command: impl Command) -> String {
    let mut text = String::new();
    let _ = command.write_ansi(&mut text);
    text
}

impl Mode {
    fn sequences(self) -> (String, String) {
        match self {
            Self::Raw => (String::new(), String::new()),
            Self::Alternate => (ansi(EnterAlternateScreen), ansi(LeaveAlternateScreen)),
            Self::NoWrap => (ansi(DisableLineWrap), ansi(EnableLineWrap)),
            Self::HiddenCursor => (ansi(cursor::Hide), ansi(cursor::Show)),
            Self::Paste => (ansi(EnableBracketedPaste), ansi(DisableBracketedPaste)),
            Self::Focus => (ansi(EnableFocusChange), ansi(DisableFocusChange)),
            Self::Mouse => (ansi(EnableMouseCapture), ansi(DisableMouseCapture)),
            Self::Synchronized => (ansi(BeginSynchronizedUpdate), ansi(EndSynchronizedUpdate)),
        }
    }
}

/// The modes that are on now, shared with the panic hook. Leaving undoes exactly what was entered, last first.
#[derive(Debug, Clone, Default)]
pub(super) struct Entered(Arc<AtomicU16>);

impl Entered {
    /// Enters `mode` unless it is on.
    pub fn enter(&self, mode: Mode, out: &mut impl Write) -> io::Result<()> {
        if self.has(mode) {
            return Ok(());
        }
        if mode == Mode::Raw {
            enable_raw_mode()?;
        }
        // Noted before it is written: a half-written sequence is undone too.
        self.0.fetch_or(mode as u16, Ordering::SeqCst);
        out.write_all(mode.sequences().0.as_bytes())
    }

    /// Leaves `mode` if it is on.
    pub fn leave(&self, mode: Mode, out: &mut impl Write) -> io::Result<()> {
        if self.0.fetch_and(!(mode as u16), Ordering::SeqCst) & mode as u16 == 0 {
            return Ok(());
        }
        if mode == Mode::Raw {
            return disable_raw_mode();
        }
        if mode == Mode::Alternate {
            out.write_all(ansi(ResetColor).as_bytes())?;
        }
        out.write_all(mode.sequences().1.as_bytes())
    }

    /// Leaves all that are on, last first, whatever fails on the way; the first failure is told.
    pub fn leave_all(&self, out: &mut impl Write) -> io::Result<()> {
        let mut result = Ok(());
        for mode in ALL.into_iter().rev() {
            if mode == Mode::Raw && self.has(Mode::Raw) {
                // The device must not come back to line mode before the sequences are out.
                result = result.and(out.flush());
            }
            result = result.and(self.leave(mode, out));
        }
        result.and(out.flush())
    }

    /// Leaves all, and no screen of these modes may write again: at the end, or after a panic.
    pub fn give_back(&self, out: &mut impl Write) -> io::Result<()> {
        let result = self.leave_all(out);
        self.0.fetch_or(LOST, Ordering::SeqCst);
        result
    }

    /// Whether all was left by [`Self::give_back`].
    pub fn lost(&self) -> bool {
        self.0.load(Ordering::SeqCst) & LOST != 0
    }

    /// Whether `mode` is on.
    pub fn has(&self, mode: Mode) -> bool {
        self.0.load(Ordering::SeqCst) & mode as u16 != 0
    }

    /// Forgets that `mode` is on, so that it is entered again.
    pub fn forget(&self, mode: Mode) {
        self.0.fetch_and(!(mode as u16), Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_mirrors_entering() {
        let (entered, mut out) = (Entered::default(), Vec::new());
        for mode in ALL.into_iter().skip(1) {
            entered.enter(mode, &mut out).unwrap();
        }
        entered.leave_all(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        for on in text.split("\u{1b}[?").filter_map(|part| part.split_once('h')).map(|(number, _)| number) {
            assert!(text.contains(&format!("\u{1b}[?{on}l")), "{on} stays on: {text:?}");
        }
        for off in ["7", "25"] {
            assert!(
                text.contains(&format!("\u{1b}[?{off}l")) && text.contains(&format!("\u{1b}[?{off}h")),
                "{off}"
            );
        }
        assert!(text.find("[?2026l") < text.find("[?1049l"), "{text:?}");
    }

    #[test]
    fn what_is_off_is_not_undone_and_nothing_twice() {
        let (entered, mut out) = (Entered::default(), Vec::new());
        entered.leave_all(&mut out).unwrap();
        assert!(out.is_empty());
        entered.enter(Mode::Paste, &mut out).unwrap();
        entered.enter(Mode::Paste, &mut out).unwrap();
        entered.leave_all(&mut out).unwrap();
        entered.leave_all(&mut out).unwrap();
        assert_eq!(out, b"\x1b[?2004h\x1b[?2004l");
    }
}
