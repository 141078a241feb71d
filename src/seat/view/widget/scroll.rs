//! Text longer than its area.

use super::{fit, put};
use crate::theme::{Role, Theme};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// The last offset that still fills the area.
pub fn last_offset(lines: usize, rows: u16) -> usize {
    lines.saturating_sub(usize::from(rows))
}

/// Draws lines from `offset` on, with a bar at the right where not all of them fit; gives back the offset in use,
/// which is never past the end.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, lines: &[(String, Style)], offset: usize) -> usize {
    let area = area.intersection(buf.area);
    let offset = offset.min(last_offset(lines.len(), area.height));
    let all = lines.len() <= usize::from(area.height);
    let wide = if all { area.width } else { area.width.saturating_sub(2) };
    for (row, (text, style)) in (0..area.height).zip(lines.iter().skip(offset)) {
        put::left(buf, put::part(put::row(area, row), 0, wide), theme, text, *style);
    }
    if !all && area.width > 2 {
        bar(buf, put::part(area, area.width - 1, 1), theme, lines.len(), offset);
    }
    offset
}

/// Text as lines for [`draw`], wrapped to what the area leaves beside the bar.
pub fn wrapped(text: &str, area: Rect, style: Style) -> Vec<(String, Style)> {
    fit::wrap(text, usize::from(area.width.saturating_sub(2))).into_iter().map(|line| (line, style)).collect()
}

/// Draws a bar in the area's first column: where of `total` lines the rows from `offset` on are.
pub fn bar(buf: &mut Buffer, area: Rect, theme: &Theme, total: usize, offset: usize) {
    let rows = usize::from(area.height);
    if total <= rows || rows == 0 {
        return;
    }
    let thumb = (rows * rows / total).max(1);
    let from = offset.min(total - rows) * (rows - thumb) / (total - rows);
    let glyphs = theme.glyphs();
    for (row, y) in (area.top()..area.bottom()).enumerate() {
        let on = (from..from + thumb).contains(&row);
        let (glyph, role) = if on { (glyphs.thumb, Role::Quiet) } else { (glyphs.track, Role::Rule) };
        put::cell(buf, area.x, y, glyph, theme.style(role));
    }
}
