//! A number with its unit, right-aligned so that digits stand under digits.

use super::{fit, put};
use crate::theme::{Role, Theme};
use ratatui::{buffer::Buffer, layout::Rect};

/// Cells that units take: `ms`, `GiB`, `/s`, `%`.
pub const UNIT: u16 = 3;

/// Cells that a shown value takes, so that its unit stands under those of others.
pub fn cells(shown: &str) -> usize {
    match shown.split_once(' ') {
        Some((value, unit)) if is_number(shown) && fit::width(unit) <= usize::from(UNIT) => {
            fit::width(value) + 1 + usize::from(UNIT)
        }
        None if is_number(shown) => fit::width(shown) + 1 + usize::from(UNIT),
        _ => fit::width(shown),
    }
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
}

/// Draws a shown value (`7.2 %`, `840 ms`, `no data`) into the area's first row: the number ends where the column of
/// units begins. Words that are no number end at the right side.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, shown: &str, role: Role) {
    let area = put::row(area, 0);
    let style = theme.style(role);
    match shown.split_once(' ') {
        Some((value, unit))
            if is_number(value) && fit::width(unit) <= usize::from(UNIT) && area.width > UNIT + 1 =>
        {
            put::right(buf, put::part(area, 0, area.width - UNIT - 1), theme, value, style);
            put::left(buf, put::part(area, area.width - UNIT, UNIT), theme, unit, style);
        }
        None if is_number(shown) && area.width > UNIT + 1 => {
            put::right(buf, put::part(area, 0, area.width - UNIT - 1), theme, shown, style);
        }
        _ => {
            put::right(buf, area, theme, shown, style);
        }
    }
}
