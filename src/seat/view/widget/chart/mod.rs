//! A series over time: the baseline as a band, marks where something was done, gaps where nothing was measured.

mod ink;
pub mod scale;

use super::put;
use crate::theme::{Role, Theme};
use ink::Ink;
use ratatui::{buffer::Buffer, layout::Rect};
use scale::{Time, Values};

/// A vertical line at a moment, with a word at its top.
#[derive(Debug, Clone, Copy)]
pub struct Mark<'a> {
    /// Milliseconds since 1970.
    pub t: i64,
    /// What happened: `2.4.1`, `freeze`.
    pub label: &'a str,
    /// Usually [`Role::Mark`]; a bad release may say so.
    pub role: Role,
}

/// What a chart shows.
#[derive(Clone, Copy)]
pub struct Chart<'a> {
    /// Milliseconds since 1970 and value, oldest first; a value that is no number is a gap.
    pub points: &'a [(i64, f64)],
    /// The time shown.
    pub time: Time,
    /// Two points further apart than this (milliseconds) have a gap between them.
    pub gap: i64,
    /// Lowest and highest of what is normal.
    pub band: Option<(f64, f64)>,
    /// Beyond this it is bad.
    pub threshold: Option<f64>,
    /// What happened.
    pub marks: &'a [Mark<'a>],
    /// Where the time cursor of all panes stands.
    pub cursor: Option<i64>,
    /// The line's role.
    pub role: Role,
    /// A value with its unit.
    pub show: &'a dyn Fn(f64) -> String,
    /// A moment as the axis names it.
    pub name: &'a dyn Fn(i64) -> String,
}

/// Cells at the left for the values' names.
pub const LABELS: u16 = 8;

/// Where in `area` the series itself is drawn: right of the values' names, between marks and axis. Panes that share a
/// time axis place their cursor with it.
pub fn plot(area: Rect) -> Rect {
    let labels = LABELS.min(area.width / 3) + 1;
    let inner = put::part(area, labels, area.width);
    Rect { y: inner.y + u16::from(inner.height > 2), height: inner.height.saturating_sub(2), ..inner }
}

/// Draws the chart: a row of marks, the series, the axis with its times.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, chart: &Chart<'_>) {
    let area = area.intersection(buf.area);
    let plot = plot(area);
    if plot.is_empty() {
        return;
    }
    let shown = chart.points.iter().filter(|(t, _)| chart.time.holds(*t)).map(|(_, v)| *v);
    let Some(values) = Values::over(shown, chart.band, chart.threshold) else {
        put::left(
            buf,
            put::row(plot, plot.height / 2),
            theme,
            "no data in this time",
            theme.style(Role::Quiet),
        );
        axis(buf, area, plot, theme, chart);
        return;
    };
    band(buf, plot, theme, chart, values);
    threshold(buf, plot, theme, chart, values);
    marks(buf, area, plot, theme, chart);
    line(buf, plot, theme, chart, values);
    names(buf, area, plot, theme, chart, values);
    axis(buf, area, plot, theme, chart);
}

fn row_of(plot: Rect, values: Values, v: f64) -> u16 {
    let down = (1.0 - values.share(v)) * f64::from(plot.height);
    plot.y + (down.floor() as u16).min(plot.height - 1)
}

fn band(buf: &mut Buffer, plot: Rect, theme: &Theme, chart: &Chart<'_>, values: Values) {
    let Some((low, high)) = chart.band else { return };
    let (top, bottom) = (row_of(plot, values, high), row_of(plot, values, low));
    // Where there are too few colours for a ground of its own, the band is dotted.
    let dotted = !theme.band_shows();
    for y in top..=bottom {
        for x in plot.left()..plot.right() {
            if !dotted {
                put::cell(buf, x, y, " ", theme.style(Role::Band));
            } else if (x - plot.left()).is_multiple_of(2) {
                put::cell(
                    buf,
                    x,
                    y,
                    if theme.glyphs().ascii { "." } else { theme.glyphs().dot },
                    theme.style(Role::Rule),
                );
            }
        }
    }
}

fn threshold(buf: &mut Buffer, plot: Rect, theme: &Theme, chart: &Chart<'_>, values: Values) {
    let Some(limit) = chart.threshold.filter(|limit| values.holds(*limit)) else { return };
    let y = row_of(plot, values, limit);
    for x in plot.left()..plot.right() {
        put::cell(buf, x, y, theme.glyphs().rule, theme.style(Role::Rule));
    }
}

fn marks(buf: &mut Buffer, area: Rect, plot: Rect, theme: &Theme, chart: &Chart<'_>) {
    let all = chart.marks.iter().map(|mark| (mark.t, theme.glyphs().dashed, mark.role));
    for (t, glyph, role) in all.chain(chart.cursor.map(|t| (t, theme.glyphs().vertical, Role::Cursor))) {
        let Some(column) = chart.time.column(t, plot.width) else { continue };
        for y in plot.top()..plot.bottom() {
            put::cell(buf, plot.x + column, y, glyph, theme.style(role));
        }
    }
    if area.height <= 2 {
        return;
    }
    // Later marks matter more: they get their word first, earlier ones where there is room left.
    let mut taken: Vec<(u16, u16)> = Vec::new();
    for mark in chart.marks.iter().rev() {
        let Some(column) = chart.time.column(mark.t, plot.width) else { continue };
        let wide = u16::try_from(super::fit::width(mark.label)).unwrap_or(u16::MAX);
        // At its line or ending there; else left of the words that crowd it, where that is near.
        let left_of = taken.iter().map(|(a, _)| *a).min().and_then(|a| a.checked_sub(wide + 1));
        let near = left_of.filter(|from| column.saturating_sub(from + wide) <= 8);
        let places = [column.min(plot.width.saturating_sub(wide)), (column + 1).saturating_sub(wide)];
        let free = |from: &u16| taken.iter().all(|(a, b)| from + wide < *a || from > b);
        if let Some(from) = places.into_iter().chain(near).find(free).filter(|_| wide <= plot.width) {
            let to = from.saturating_add(wide);
            put::left(
                buf,
                put::part(put::row(Rect { x: plot.x, width: plot.width, ..area }, 0), from, wide),
                theme,
                mark.label,
                theme.style(mark.role),
            );
            taken.push((from, to));
        }
    }
}

fn line(buf: &mut Buffer, plot: Rect, theme: &Theme, chart: &Chart<'_>, values: Values) {
    let mut ink = Ink::new(plot.width, plot.height, theme.glyphs().ascii);
    let mut last: Option<(i64, f64)> = None;
    for &(t, v) in chart.points {
        if !v.is_finite() {
            last = None;
            continue;
        }
        let from = last.filter(|(before, _)| t - before <= chart.gap).unwrap_or((t, v));
        if chart.time.holds(t) {
            let place = |(t, v): (i64, f64)| (chart.time.share(t), 1.0 - values.share(v));
            ink.stroke(place(from), place((t, v)));
        }
        last = Some((t, v));
    }
    let style = theme.ink(chart.role);
    ink.cells(|column, row, symbol| {
        // The band's ground stays beneath the line.
        let style = ratatui::style::Style { bg: None, ..style };
        put::cell(buf, plot.x + column, plot.y + row, symbol, style);
    });
}

fn names(buf: &mut Buffer, area: Rect, plot: Rect, theme: &Theme, chart: &Chart<'_>, values: Values) {
    let wide = plot.x.saturating_sub(area.x).saturating_sub(1);
    let mut at = vec![(plot.top(), values.high), (plot.bottom() - 1, values.low)];
    if plot.height >= 5 {
        at.push((plot.y + plot.height / 2, f64::midpoint(values.low, values.high)));
    }
    at.dedup_by_key(|(y, _)| *y);
    for (y, v) in at {
        let place = Rect { x: area.x, y, width: wide, height: 1 };
        put::right(buf, place, theme, &(chart.show)(v), theme.style(Role::Quiet));
    }
}

fn axis(buf: &mut Buffer, area: Rect, plot: Rect, theme: &Theme, chart: &Chart<'_>) {
    let y = plot.bottom();
    if y >= area.bottom() {
        return;
    }
    for t in chart.time.ticks(plot.width / 12) {
        let Some(column) = chart.time.column(t, plot.width) else { continue };
        let name = (chart.name)(t);
        let wide = u16::try_from(super::fit::width(&name)).unwrap_or(u16::MAX);
        if column + wide <= plot.width {
            let place = Rect { x: plot.x + column, y, width: wide, height: 1 };
            put::left(buf, place, theme, &name, theme.style(Role::Quiet));
        }
    }
}
