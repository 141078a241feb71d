//! Writing into cells, never outside an area.

use super::fit;
use crate::theme::{Role, Theme};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// One row of an area; empty where it has no such row.
pub fn row(area: Rect, row: u16) -> Rect {
    if row < area.height { Rect { y: area.y + row, height: 1, ..area } } else { Rect { height: 0, ..area } }
}

/// Columns of an area from `from`, `cells` wide or as many as there are.
pub fn part(area: Rect, from: u16, cells: u16) -> Rect {
    let from = from.min(area.width);
    Rect { x: area.x + from, width: cells.min(area.width - from), ..area }
}

/// Writes text at the area's first row and says how many cells it took. What does not fit is cut with an ellipsis.
pub fn left(buf: &mut Buffer, area: Rect, theme: &Theme, text: &str, style: Style) -> u16 {
    let area = area.intersection(buf.area);
    if area.is_empty() {
        return 0;
    }
    let text = fit::cut(text, usize::from(area.width), theme.glyphs());
    let (x, _) = buf.set_stringn(area.x, area.y, &text, usize::from(area.width), style);
    x.saturating_sub(area.x)
}

/// The same, ending at the area's right side.
pub fn right(buf: &mut Buffer, area: Rect, theme: &Theme, text: &str, style: Style) -> u16 {
    let used = u16::try_from(fit::width(text)).unwrap_or(u16::MAX).min(area.width);
    left(buf, part(area, area.width - used, used), theme, text, style)
}

/// Writes pieces one after the other, each in its role, and says how many cells they took.
pub fn pieces(buf: &mut Buffer, area: Rect, theme: &Theme, pieces: &[(&str, Role)]) -> u16 {
    let mut used = 0;
    for (text, role) in pieces {
        used += left(buf, part(area, used, area.width), theme, text, theme.style(*role));
    }
    used
}

/// Writes pieces from the left and one text at the right end, which stays whole: the pieces are cut before it, with a
/// blank between.
pub fn ends(buf: &mut Buffer, area: Rect, theme: &Theme, from_left: &[(&str, Role)], at_right: (&str, Role)) {
    let used = right(buf, area, theme, at_right.0, theme.style(at_right.1));
    let gap = u16::from(used > 0);
    pieces(buf, part(area, 0, area.width.saturating_sub(used + gap)), theme, from_left);
}

/// One cell's character and look.
pub fn cell(buf: &mut Buffer, x: u16, y: u16, symbol: &str, style: Style) {
    if let Some(cell) = buf.cell_mut((x, y)) {
        cell.set_symbol(symbol).set_style(style);
    }
}

/// Blanks an area in a role's look, so that nothing beneath shows through.
pub fn clear(buf: &mut Buffer, area: Rect, style: Style) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }
}
