//! The terminal while a seat has it: entered whole, drawn in whole frames, given back exactly as it was.

use super::{
    clipboard,
    frame::Gather,
    mode::{Entered, Mode},
    panic,
    pen::Pen,
};
use ratatui::{
    Frame, Terminal, TerminalOptions, Viewport,
    layout::{Rect, Size},
};
use std::io::{self, IsTerminal, Stdout, Write};

/// What a seat asks of its terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Clicks and the wheel. Without, the terminal's own selection works as ever.
    pub mouse: bool,
    /// Colour sequences are written although `NO_COLOR` is set: the theme then has no colours, only attributes,
    /// which the library would lose by itself.
    pub own_colour: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { mouse: false, own_colour: true }
    }
}

/// Why there is no screen, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    /// Input or output is not a terminal.
    #[error(
        "{0} is not a terminal: run warroom in one, or use a subcommand such as `warroom status` in scripts"
    )]
    NotATerminal(&'static str),
    /// The terminal cannot place a cursor.
    #[error(
        "TERM is {0:?}, which cannot show a screen: set TERM to what the terminal is, for instance xterm-256color"
    )]
    Dumb(String),
    /// The terminal did not take what was written, or went away.
    #[error("the terminal is gone: {0}")]
    Gone(#[from] io::Error),
    /// Another thread panicked, and the terminal was given back then.
    #[error(
        "a part of the seat failed and the terminal was given back; the room goes on, `warroom` returns to it"
    )]
    Failed,
}

/// What came of asking to be stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspended {
    /// It was stopped, and is back; all was drawn anew.
    Returned,
    /// Nobody could have continued it: it is the first process of its terminal.
    Refused,
}

/// The terminal while a seat has it. Dropping gives it back.
pub struct Screen<W: Write = Stdout> {
    terminal: Terminal<Pen<Gather<W>>>,
    entered: Entered,
    wanted: Vec<Mode>,
    real: bool,
    fixed: Size,
}

impl Screen {
    /// Takes the process's own terminal.
    ///
    /// # Errors
    /// Where standard input or output is no terminal, where it is too dumb, and where it is gone.
    pub fn enter(options: Options) -> Result<Self, ScreenError> {
        if !io::stdin().is_terminal() {
            return Err(ScreenError::NotATerminal("standard input"));
        }
        if !io::stdout().is_terminal() {
            return Err(ScreenError::NotATerminal("standard output"));
        }
        let term = std::env::var("TERM").unwrap_or_default();
        if term.is_empty() || term == "dumb" {
            return Err(ScreenError::Dumb(crate::domain::text::line(&term).into_owned()));
        }
        if options.own_colour {
            crossterm::style::force_color_output(true);
        }
        let entered = Entered::default();
        panic::watch(&entered);
        let screen = Self::begin(io::stdout(), Viewport::Fullscreen, options, entered, true);
        if screen.is_err() {
            panic::forget();
        }
        screen
    }
}

impl<W: Write> Screen<W> {
    /// A screen of a fixed size on any writer, without a device below: for tests and recordings.
    ///
    /// # Errors
    /// Where the writer fails.
    pub fn on(out: W, size: Size, options: Options) -> Result<Self, ScreenError> {
        let area = Rect::new(0, 0, size.width, size.height);
        Self::begin(out, Viewport::Fixed(area), options, Entered::default(), false)
    }

    fn begin(
        out: W,
        viewport: Viewport,
        opt: Options,
        entered: Entered,
        real: bool,
    ) -> Result<Self, ScreenError> {
        let mut wanted = vec![Mode::Alternate, Mode::NoWrap, Mode::HiddenCursor, Mode::Paste, Mode::Focus];
        if real {
            wanted.insert(0, Mode::Raw);
        }
        if opt.mouse {
            wanted.push(Mode::Mouse);
        }
        let mut terminal = Terminal::with_options(
            Pen::new(Gather::new(out, entered.clone())),
            TerminalOptions { viewport },
        )?;
        let fixed = terminal.get_frame().area().as_size();
        let mut screen = Self { terminal, entered, wanted, real, fixed };
        screen.claim()?;
        Ok(screen)
    }

    fn claim(&mut self) -> Result<(), ScreenError> {
        let pen = self.terminal.backend_mut();
        pen.forget();
        for mode in &self.wanted {
            self.entered.enter(*mode, pen)?;
        }
        Write::flush(pen)?;
        self.redraw()
    }

    /// Draws one frame, shown whole by terminals that know how; gives the bytes that it took.
    ///
    /// # Errors
    /// Where the terminal is gone, or was given back by a panic elsewhere.
    pub fn draw(&mut self, render: impl FnOnce(&mut Frame<'_>)) -> Result<usize, ScreenError> {
        if self.entered.lost() {
            return Err(ScreenError::Failed);
        }
        let pen = self.terminal.backend_mut();
        let before = pen.out().len();
        self.entered.enter(Mode::Synchronized, pen)?;
        let begun = pen.out().len();
        let drawn = self.terminal.draw(render).map(|_| ());
        let pen = self.terminal.backend_mut();
        if drawn.is_ok() && pen.out().len() == begun {
            // Nothing shows that did not show before: nothing is written.
            self.entered.forget(Mode::Synchronized);
            pen.out().truncate(before);
            return Ok(0);
        }
        let ended = self.entered.leave(Mode::Synchronized, pen);
        let bytes = pen.out().len().saturating_sub(before);
        drawn.and(ended).and_then(|()| Write::flush(pen))?;
        Ok(bytes)
    }

    /// What the terminal measures now, in cells.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn size(&self) -> Result<Size, ScreenError> {
        if self.real { Ok(self.terminal.size()?) } else { Ok(self.fixed) }
    }

    /// Draws the next frame from nothing, as after another program wrote here.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn redraw(&mut self) -> Result<(), ScreenError> {
        // Not the library's `clear`, which asks the terminal where the cursor is and waits for the answer.
        let pen = self.terminal.backend_mut();
        ratatui::backend::Backend::clear(pen)?;
        Write::flush(pen)?;
        self.terminal.swap_buffers();
        Ok(())
    }

    /// Gives the terminal back for a while, to another program; [`Self::reclaim`] takes it again.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn release(&mut self) -> Result<(), ScreenError> {
        self.entered.leave_all(self.terminal.backend_mut())?;
        Ok(())
    }

    /// Takes the terminal again after somebody else had it (SIGCONT): every mode is entered anew.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn reclaim(&mut self) -> Result<(), ScreenError> {
        if self.entered.has(Mode::Raw) {
            self.entered.leave(Mode::Raw, self.terminal.backend_mut())?;
        }
        for mode in &self.wanted {
            self.entered.forget(*mode);
        }
        self.claim()
    }

    /// Puts text on the clipboard of the person's own terminal. Only ever for what that person asked to copy.
    ///
    /// # Errors
    /// Where the text is too long for terminals to take, or the terminal is gone.
    pub fn copy(&mut self, text: &str, through: clipboard::Through) -> Result<(), clipboard::CopyError> {
        let sequence = clipboard::sequence(text, through)?;
        let out = self.terminal.backend_mut();
        out.write_all(sequence.as_bytes())?;
        Ok(Write::flush(out)?)
    }

    /// Gives the terminal back.
    ///
    /// # Errors
    /// Where the terminal is gone; all that could be undone was.
    pub fn leave(mut self) -> Result<(), ScreenError> {
        Ok(self.restore()?)
    }

    fn restore(&mut self) -> io::Result<()> {
        // Left before it is released, so that a panic in between finds nothing to do. Nothing is written after it: the
        // library shows the cursor once more when dropped, and complains, panicking, where the terminal is gone.
        let result = self.entered.give_back(self.terminal.backend_mut());
        if self.real {
            panic::forget();
        }
        result
    }
}

impl Screen {
    /// Gives the terminal back, stops until the shell continues this process, takes it again and draws anew.
    ///
    /// # Errors
    /// Where the terminal is gone.
    pub fn suspend(&mut self) -> Result<Suspended, ScreenError> {
        use rustix::process::{Pid, Signal, getpgrp, getpid, getsid, kill_process};
        let own: Pid = getpid();
        if getsid(None).is_ok_and(|session| session == own) {
            return Ok(Suspended::Refused);
        }
        self.entered.leave_all(self.terminal.backend_mut())?;
        // The shell waits for the leader of the job, which may be a wrapper such as cargo.
        let leader = getpgrp();
        if leader != own {
            let _ = kill_process(leader, Signal::TSTP);
        }
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        self.claim()?;
        Ok(Suspended::Returned)
    }
}

impl<W: Write> Drop for Screen<W> {
    fn drop(&mut self) {
        let _ = self.restore();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::RefCell, rc::Rc};

    #[derive(Clone, Default)]
    struct Tape(Rc<RefCell<Vec<u8>>>);

    impl Write for Tape {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Tape {
        fn text(&self) -> String {
            String::from_utf8(self.0.borrow().clone()).unwrap()
        }
    }

    fn screen(mouse: bool) -> (Screen<Tape>, Tape) {
        let tape = Tape::default();
        let options = Options { mouse, ..Options::default() };
        (Screen::on(tape.clone(), Size::new(20, 3), options).unwrap(), tape)
    }

    #[test]
    fn a_frame_is_drawn_between_the_marks() {
        let (mut screen, tape) = screen(false);
        screen.draw(|frame| frame.render_widget("hello", frame.area())).unwrap();
        let text = tape.text();
        let (begin, end) = (text.find("\u{1b}[?2026h").unwrap(), text.find("\u{1b}[?2026l").unwrap());
        let hello = text.find("hello").unwrap();
        assert!(begin < hello && hello < end, "{text:?}");
    }

    #[test]
    fn mouse_only_where_asked() {
        for mouse in [false, true] {
            let (screen, tape) = screen(mouse);
            screen.leave().unwrap();
            assert_eq!(tape.text().contains("[?1000h"), mouse);
            assert_eq!(tape.text().contains("[?1000l"), mouse);
        }
    }

    #[test]
    fn dropping_and_leaving_do_the_same() {
        let (one, first) = screen(true);
        one.leave().unwrap();
        let (two, second) = screen(true);
        drop(two);
        assert_eq!(first.text(), second.text());
    }

    #[test]
    fn reclaiming_enters_everything_again() {
        let (mut screen, tape) = screen(true);
        let once = tape.text();
        screen.reclaim().unwrap();
        assert_eq!(tape.text(), once.repeat(2));
    }

    #[test]
    fn after_a_failure_elsewhere_nothing_is_drawn() {
        let (mut screen, _) = screen(false);
        let _ = screen.entered.clone().give_back(&mut Vec::new());
        assert!(matches!(screen.draw(|_| ()), Err(ScreenError::Failed)));
    }
}
