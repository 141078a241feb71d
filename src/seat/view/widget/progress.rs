//! How much of a whole is used up.

use super::put;
use crate::theme::{Role, Theme};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws `share` (0 to 1, more is full) of the area's first row as a bar. Any share above nothing shows, and only a
/// whole fills it.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, share: f64, role: Role) {
    let area = put::row(area, 0).intersection(buf.area);
    let glyphs = theme.glyphs();
    let steps = glyphs.fill.len();
    let whole = usize::from(area.width) * steps;
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let mut filled = (share * whole as f64).round() as usize;
    if share > 0.0 {
        filled = filled.max(1);
    }
    if share < 1.0 {
        filled = filled.min(whole.saturating_sub(1));
    }
    // What is to come is a ground where there are colours for one, else a texture.
    let ground = theme.band_shows();
    let rest = theme.style(if ground { Role::Band } else { Role::Rule });
    for (index, x) in (area.left()..area.right()).enumerate() {
        let here = filled.saturating_sub(index * steps).min(steps);
        match here.checked_sub(1).and_then(|at| glyphs.fill.get(at)) {
            Some(glyph) => {
                put::cell(buf, x, area.y, " ", if ground { rest } else { theme.style(Role::Text) });
                put::cell(buf, x, area.y, glyph, theme.ink(role));
            }
            None => put::cell(buf, x, area.y, if ground { " " } else { glyphs.unfilled }, rest),
        }
    }
}
