//! Cells onto a terminal with as few bytes as they can be said in: over a slow line a frame is what its bytes are.
//!
//! The library's backend says colours anew in every frame, ends each with resets and hides a cursor that is hidden;
//! a clock's one digit then costs more than sixty bytes. This one keeps the pen between frames, switches off what is to go
//! and not everything, moves within a row by the column alone, and writes what looks the same together.

use crossterm::{
    cursor::{Hide, MoveRight, MoveTo, MoveToColumn, Show},
    queue,
    style::{
        Attribute, Colors, Print, SetAttribute, SetBackgroundColor, SetColors, SetForegroundColor,
        SetUnderlineColor,
    },
    terminal::{self, Clear},
};
use ratatui::{
    backend::{Backend, ClearType, IntoCrossterm as _, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
    style::{Color, Modifier},
};
use std::io::{self, Write};

/// Modifiers and the attributes that switch them on and off. What switches one of a pair off takes the other with it.
const ATTRIBUTES: [(Modifier, Attribute, Attribute); 9] = [
    (Modifier::BOLD, Attribute::Bold, Attribute::NormalIntensity),
    (Modifier::DIM, Attribute::Dim, Attribute::NormalIntensity),
    (Modifier::ITALIC, Attribute::Italic, Attribute::NoItalic),
    (Modifier::UNDERLINED, Attribute::Underlined, Attribute::NoUnderline),
    (Modifier::SLOW_BLINK, Attribute::SlowBlink, Attribute::NoBlink),
    (Modifier::RAPID_BLINK, Attribute::RapidBlink, Attribute::NoBlink),
    (Modifier::REVERSED, Attribute::Reverse, Attribute::NoReverse),
    (Modifier::HIDDEN, Attribute::Hidden, Attribute::NoHidden),
    (Modifier::CROSSED_OUT, Attribute::CrossedOut, Attribute::NotCrossedOut),
];
/// Modifiers that show on a blank.
const ON_BLANKS: Modifier = Modifier::UNDERLINED.union(Modifier::REVERSED).union(Modifier::CROSSED_OUT);
/// One goes with the other.
const PAIRS: [Modifier; 2] =
    [Modifier::BOLD.union(Modifier::DIM), Modifier::SLOW_BLINK.union(Modifier::RAPID_BLINK)];

/// How the next cell would look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    line: Color,
    modifier: Modifier,
}

impl Look {
    const PLAIN: Self =
        Self { fg: Color::Reset, bg: Color::Reset, line: Color::Reset, modifier: Modifier::empty() };

    fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, line: cell.underline_color, modifier: cell.modifier }
    }

    /// Whether a blank looks the same in both.
    fn is_same_blank(self, other: Self) -> bool {
        self.bg == other.bg && !(self.modifier | other.modifier).intersects(ON_BLANKS)
    }
}

/// Cells one look after the other, beginning with the pen's own, each in their order: a place costs less to say than a
/// colour. A blank goes with what stands before it, where it looks the same.
fn by_look<'a>(
    pen: Option<Look>,
    cells: impl Iterator<Item = (u16, u16, &'a Cell)>,
) -> impl Iterator<Item = (u16, u16, Look, &'a str)> {
    let mut looks: Vec<Look> = pen.into_iter().collect();
    let mut before: Option<(u16, u16, Look)> = None;
    let mut sorted: Vec<_> = cells
        .map(|(x, y, cell)| {
            let (mut look, symbol) = (Look::of(cell), cell.symbol());
            if let Some((at, row, last)) = before
                && (symbol, at.saturating_add(1), row) == (" ", x, y)
                && last.is_same_blank(look)
            {
                look = last;
            }
            before = Some((x, y, look));
            let place = looks.iter().position(|known| *known == look).unwrap_or_else(|| {
                looks.push(look);
                looks.len() - 1
            });
            (place, x, y, look, symbol)
        })
        .collect();
    sorted.sort_by_key(|(place, ..)| *place);
    sorted.into_iter().map(|(_, x, y, look, symbol)| (x, y, look, symbol))
}

/// Writes cells, and knows what the terminal's pen and cursor are like. `None` is what it does not know.
#[derive(Debug)]
pub(super) struct Pen<W: Write> {
    out: W,
    look: Option<Look>,
    shown: Option<bool>,
    at: Option<Position>,
}

impl<W: Write> Pen<W> {
    pub fn new(out: W) -> Self {
        Self { out, look: None, shown: None, at: None }
    }

    /// Where it writes.
    pub fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// Somebody else may have written to the terminal.
    pub fn forget(&mut self) {
        (self.look, self.shown, self.at) = (None, None, None);
    }

    fn dip(&mut self, to: Look) -> io::Result<()> {
        let mut now = match self.look {
            Some(now) if to != Look::PLAIN => now,
            _ => {
                queue!(self.out, SetAttribute(Attribute::Reset))?;
                Look::PLAIN
            }
        };
        for (modifier, _, off) in ATTRIBUTES {
            if now.modifier.contains(modifier) && !to.modifier.contains(modifier) {
                queue!(self.out, SetAttribute(off))?;
                now.modifier -= PAIRS.into_iter().find(|pair| pair.contains(modifier)).unwrap_or(modifier);
            }
        }
        for (modifier, on, _) in ATTRIBUTES {
            if to.modifier.contains(modifier) && !now.modifier.contains(modifier) {
                queue!(self.out, SetAttribute(on))?;
            }
        }
        match (to.fg != now.fg, to.bg != now.bg) {
            (true, true) => {
                queue!(self.out, SetColors(Colors::new(to.fg.into_crossterm(), to.bg.into_crossterm())))?;
            }
            (true, false) => queue!(self.out, SetForegroundColor(to.fg.into_crossterm()))?,
            (false, true) => queue!(self.out, SetBackgroundColor(to.bg.into_crossterm()))?,
            (false, false) => {}
        }
        if to.line != now.line {
            queue!(self.out, SetUnderlineColor(to.line.into_crossterm()))?;
        }
        self.look = Some(to);
        Ok(())
    }
}

impl<W: Write> Write for Pen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: Write> Backend for Pen<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut next = None;
        // Terminals differ in how wide they take some letters for; after one of them only its column is certain.
        let mut sure = true;
        for (x, y, look, symbol) in by_look(self.look, content) {
            match next {
                Some((at, row)) if row == y && at == x => {}
                Some((at, row)) if row == y && sure && at < x => match x - at {
                    1 => self.out.write_all(b"\x1b[C")?,
                    gap => queue!(self.out, MoveRight(gap))?,
                },
                Some((_, row)) if row == y => {
                    queue!(self.out, MoveToColumn(x))?;
                    sure = true;
                }
                _ => {
                    queue!(self.out, MoveTo(x, y))?;
                    sure = true;
                }
            }
            next = Some((x.saturating_add(1), y));
            self.at = None;
            sure &= symbol.is_ascii();
            if self.look != Some(look) {
                self.dip(look)?;
            }
            queue!(self.out, Print(symbol))?;
        }
        Ok(())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        if self.shown.replace(false) == Some(false) { Ok(()) } else { queue!(self.out, Hide) }
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        if self.shown.replace(true) == Some(true) { Ok(()) } else { queue!(self.out, Show) }
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        let (x, y) = crossterm::cursor::position()?;
        Ok(Position { x, y })
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let at = position.into();
        if self.at.replace(at) == Some(at) { Ok(()) } else { queue!(self.out, MoveTo(at.x, at.y)) }
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, clear: ClearType) -> io::Result<()> {
        // Terminals fill with the colour that is on.
        if self.look != Some(Look::PLAIN) {
            queue!(self.out, SetAttribute(Attribute::Reset))?;
            self.look = Some(Look::PLAIN);
        }
        let clear = match clear {
            ClearType::All => terminal::ClearType::All,
            ClearType::AfterCursor => terminal::ClearType::FromCursorDown,
            ClearType::BeforeCursor => terminal::ClearType::FromCursorUp,
            ClearType::CurrentLine => terminal::ClearType::CurrentLine,
            ClearType::UntilNewLine => terminal::ClearType::UntilNewLine,
        };
        queue!(self.out, Clear(clear))
    }

    fn size(&self) -> io::Result<Size> {
        let (width, height) = terminal::size()?;
        Ok(Size { width, height })
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        let seen = terminal::window_size()?;
        Ok(WindowSize {
            columns_rows: Size { width: seen.columns, height: seen.rows },
            pixels: Size { width: seen.width, height: seen.height },
        })
    }

    /// Nothing: a frame goes out when it is whole, not when its cells are.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::{backend::CrosstermBackend, buffer::Buffer, layout::Rect, style::Style};

    const AREA: Rect = Rect { x: 0, y: 0, width: 12, height: 4 };

    fn colour() -> impl Strategy<Value = Color> {
        prop_oneof![Just(Color::Reset), Just(Color::Red), any::<u8>().prop_map(Color::Indexed)]
    }

    /// Modifiers that the emulator knows.
    fn modifier() -> impl Strategy<Value = Modifier> {
        let known = Modifier::BOLD | Modifier::ITALIC | Modifier::UNDERLINED | Modifier::REVERSED;
        any::<u16>().prop_map(move |bits| Modifier::from_bits_truncate(bits) & known)
    }

    fn picture() -> impl Strategy<Value = Buffer> {
        let write = (0..12_u16, 0..4_u16, "[a-z日 ]{1,6}", colour(), colour(), modifier());
        prop::collection::vec(write, 0..9).prop_map(|writes| {
            let mut buffer = Buffer::empty(AREA);
            for (x, y, text, fg, bg, modifier) in writes {
                buffer.set_string(x, y, text, Style::new().fg(fg).bg(bg).add_modifier(modifier));
            }
            buffer
        })
    }

    fn seen(bytes: &[u8]) -> vt100::Screen {
        let (rows, cols) = (AREA.height.try_into().unwrap(), AREA.width.try_into().unwrap());
        let mut parser = vt100::Parser::new(rows, cols, 0);
        parser.process(bytes);
        parser.screen().clone()
    }

    /// What of a cell is to be seen: a blank has no letter whose colour or weight shows.
    fn look(cell: &vt100::Cell) -> impl PartialEq + std::fmt::Debug + use<> {
        let blank = cell.contents().trim().is_empty() && !cell.is_wide_continuation();
        let plain = blank && !cell.underline() && !cell.inverse();
        let letter = (!plain).then(|| (cell.fgcolor(), cell.bold(), cell.italic()));
        let contents = if blank { " ".to_owned() } else { cell.contents().to_owned() };
        (contents, cell.bgcolor(), cell.underline(), cell.inverse(), letter)
    }

    proptest! {
        #[test]
        fn what_is_seen_is_what_the_librarys_backend_shows(pictures in prop::collection::vec(picture(), 1..6)) {
            crossterm::style::force_color_output(true);
            let (mut pen, mut library) = (Pen::new(Vec::new()), Vec::new());
            pen.clear().unwrap();
            let mut before = Buffer::empty(AREA);
            for picture in &pictures {
                pen.draw(before.diff(picture).into_iter()).unwrap();
                CrosstermBackend::new(&mut library).draw(before.diff(picture).into_iter()).unwrap();
                before = picture.clone();
            }
            let bytes = std::mem::take(pen.out());
            let (ours, theirs) = (seen(&bytes), seen(&library));
            for row in 0..AREA.height {
                for col in 0..AREA.width {
                    let (ours, theirs) = (ours.cell(row, col), theirs.cell(row, col));
                    prop_assert_eq!(ours.map(look), theirs.map(look), "{} {}", row, col);
                }
            }
        }
    }

    #[test]
    fn one_digit_costs_its_place_and_itself() {
        crossterm::style::force_color_output(true);
        let style = Style::new().fg(Color::Indexed(251)).bg(Color::Indexed(234));
        let mut buffers = [Buffer::empty(AREA), Buffer::empty(AREA), Buffer::empty(AREA)];
        buffers[1].set_string(0, 0, "11:59:58", style);
        buffers[2].set_string(0, 0, "11:59:59", style);
        let mut pen = Pen::new(Vec::new());
        pen.draw(buffers[0].diff(&buffers[1]).into_iter()).unwrap();
        pen.hide_cursor().unwrap();
        pen.out().clear();
        pen.draw(buffers[1].diff(&buffers[2]).into_iter()).unwrap();
        pen.hide_cursor().unwrap();
        assert_eq!(pen.out().as_slice(), b"\x1b[1;8H9");
        pen.out().clear();
        pen.forget();
        pen.draw(buffers[1].diff(&buffers[2]).into_iter()).unwrap();
        assert!(pen.out().len() > 20, "what is not known is said again");
    }
}
