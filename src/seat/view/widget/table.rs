//! Rows of cells under reserved columns.

use super::{
    columns::{Column, place},
    figure, list, put,
};
use crate::theme::{Role, Theme};
use ratatui::{buffer::Buffer, layout::Rect};

/// How a cell stands in its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Times, counts.
    Right,
    /// A value with its unit.
    Figure,
}

/// A table's shape.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Width and alignment of each column.
    pub columns: &'a [(Column, Align)],
    /// Names above the columns; empty for none.
    pub heads: &'a [&'a str],
}

/// Draws rows of (text, role) cells from the area's top, the names first; `selected` is the row to show as such.
/// Returns how many rows had room.
pub fn draw(
    buf: &mut Buffer,
    area: Rect,
    theme: &Theme,
    shape: Shape<'_>,
    rows: &[Vec<(String, Role)>],
    selected: Option<usize>,
) -> usize {
    let widths: Vec<Column> = shape.columns.iter().map(|(column, _)| *column).collect();
    let head = u16::from(!shape.heads.is_empty());
    let line = |buf: &mut Buffer, row: u16, cells: &mut dyn Iterator<Item = (&str, Role)>| {
        let row = put::row(area, row);
        for ((place, (_, align)), (text, role)) in
            place(row, &widths, 1).into_iter().zip(shape.columns).zip(cells)
        {
            match align {
                Align::Left => drop(put::left(buf, place, theme, text, theme.style(role))),
                Align::Right => drop(put::right(buf, place, theme, text, theme.style(role))),
                Align::Figure => figure::draw(buf, place, theme, text, role),
            }
        }
    };
    if head > 0 && area.height > 0 {
        line(buf, 0, &mut shape.heads.iter().map(|name| (*name, Role::Quiet)));
    }
    let room = usize::from(area.height.saturating_sub(head));
    for (index, (row, cells)) in (head..area.height).zip(rows).enumerate() {
        line(buf, row, &mut cells.iter().map(|(text, role)| (text.as_str(), *role)));
        if selected == Some(index) {
            list::mark(buf, put::row(area, row), theme);
        }
    }
    room.min(rows.len())
}
