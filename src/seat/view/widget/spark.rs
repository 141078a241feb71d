//! A series in one row, with its gaps.

use super::put;
use crate::theme::{Role, Theme};
use ratatui::{buffer::Buffer, layout::Rect};

/// The lowest and highest of the finite values; `None` where there is none.
pub fn bounds(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|v| v.is_finite()).fold(None, |all, v| {
        let (low, high) = all.unwrap_or((v, v));
        Some((low.min(v), high.max(v)))
    })
}

/// One value for each of `cells` cells: the value furthest from the bucket's first neighbour would flatter, so each
/// takes its bucket's highest, and a bucket without values is a gap. Fewer values than cells stand at the right end.
pub fn buckets(values: &[f64], cells: usize) -> Vec<f64> {
    if values.len() <= cells {
        let mut all = vec![f64::NAN; cells - values.len()];
        all.extend_from_slice(values);
        return all;
    }
    (0..cells)
        .map(|cell| {
            let (from, to) = (cell * values.len() / cells, (cell + 1) * values.len() / cells);
            let bucket = values.get(from..to).unwrap_or_default();
            bounds(bucket.iter().copied()).map_or(f64::NAN, |(_, high)| high)
        })
        .collect()
}

/// Draws values, oldest first, into the area's first row between `low` and `high`; a value that is no number is a
/// gap. A series that never changes lies in the middle.
pub fn draw(
    buf: &mut Buffer,
    area: Rect,
    theme: &Theme,
    values: &[f64],
    (low, high): (f64, f64),
    role: Role,
) {
    let area = put::row(area, 0).intersection(buf.area);
    let glyphs = theme.glyphs();
    for (x, v) in (area.left()..area.right()).zip(buckets(values, usize::from(area.width))) {
        if v.is_finite() {
            put::cell(buf, x, area.y, height(v, low, high, &glyphs.heights), theme.ink(role));
        } else {
            put::cell(buf, x, area.y, glyphs.gap, theme.style(Role::Rule));
        }
    }
}

fn height(v: f64, low: f64, high: f64, glyphs: &[&'static str; 8]) -> &'static str {
    let share = if high > low { ((v - low) / (high - low)).clamp(0.0, 1.0) } else { 0.5 };
    // The highest leaves a sliver of the row free, so that series one above the other stay apart.
    let index = (share * 6.0).round() as usize;
    glyphs.get(index).copied().unwrap_or(" ")
}
