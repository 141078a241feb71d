//! Log lines that pass the filter, newest below.

use super::{
    count, inside,
    widget::{
        fit, list, put,
        rule::{self, Title},
    },
};
use crate::{
    seat::model::{Model, Pane, entry::one, lines},
    signal::{Level, Line},
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws the pane.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let focus = model.ui.has(Pane::Logs);
    let (shown, waiting) = model.log_lines();
    let filter = &model.ui.log_filter;
    let mut detail = Vec::new();
    if filter.level > Level::Trace && filter.level != Level::default() {
        detail.push(format!("{} and worse", filter.level.word().to_lowercase()));
    }
    if let Some(pattern) = &filter.pattern {
        detail.push(format!("/{}/", one(pattern.as_str())));
    }
    let total = model.live.lines_total;
    let of =
        if total == 0 { String::new() } else { format!("{} of {}", count(shown.len() as u64), count(total)) };
    // What was read before the oldest line that is held, nobody here knows.
    let unknown = |t: i64| model.live.lines.front().is_none_or(|line| t < line.at.timestamp_millis());
    let note = match model.ui.logs_paused {
        _ if total > 0 && model.ui.cursor.is_some_and(unknown) => format!("at cursor not recorded  {of}"),
        Some(_) => format!("paused  {of}"),
        None if model.live.lines_dropped > 0 => format!("{of}, {} not kept", count(model.live.lines_dropped)),
        None => of,
    };
    rule::title(buf, area, theme, Title { name: "Logs", detail: &detail.join("  "), note: &note, focus });
    let inner = inside(area);
    if shown.is_empty() {
        let text = match (total, model.log_filtered()) {
            (0, _) => "no log is followed: --log FILE, or wait for its first line",
            (_, true) => "no line passes the filter; / changes it, :level the level",
            (_, false) => "no line yet",
        };
        put::left(buf, put::row(inner, 0), theme, text, theme.style(Role::Quiet));
        return;
    }
    let ids: Vec<u64> = shown.iter().map(|line| lines::key(line)).collect();
    model.ui.logs.rows.set(usize::from(inner.height));
    let mut at = model.ui.logs.at.get();
    let window = at.window(&ids, usize::from(inner.height));
    model.ui.logs.at.set(at);
    let sources = if inner.width >= 100 { 16 } else { 10 };
    for (row, (index, line)) in
        (0..inner.height).zip(shown.iter().enumerate().skip(window.first).take(window.count))
    {
        let place = put::row(inner, row);
        one_row(buf, place, theme, model, line, sources);
        if focus && window.selected == Some(index) {
            buf.set_style(place, theme.style(Role::Selection));
        }
    }
    let below = waiting + if model.ui.logs.selected().is_some() { window.below } else { 0 };
    list::more(buf, inner, theme, below);
}

fn one_row(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model, line: &Line, sources: u16) {
    let near = model.ui.cursor.is_some_and(|t| (line.at.timestamp_millis() - t).abs() < 1_000);
    let time = line.at.format("%H:%M:%S").to_string();
    put::left(
        buf,
        put::part(area, 0, 8),
        theme,
        &time,
        theme.style(if near { Role::Cursor } else { Role::Quiet }),
    );
    let file = line.source.rsplit('/').next().unwrap_or(&line.source);
    let name = file.strip_suffix(".log").unwrap_or(file);
    let name = fit::cut_front(name, usize::from(sources), theme.glyphs());
    put::left(buf, put::part(area, 9, sources), theme, &name, theme.style(Role::Quiet));
    let role = match line.level {
        Level::Fatal | Level::Error => Role::Bad,
        Level::Warn => Role::Notice,
        Level::Info => Role::Calm,
        Level::Debug | Level::Trace => Role::Quiet,
    };
    let at = 10 + sources;
    put::left(buf, put::part(area, at, 5), theme, line.level.word(), theme.style(role));
    let text = lines::words(line);
    let place = put::part(area, at + 6, area.width);
    let words = if line.level >= Level::Info { Role::Text } else { Role::Quiet };
    put::left(buf, place, theme, &text, theme.style(words));
    if let Some(found) =
        model.ui.log_filter.pattern.as_ref().and_then(|pattern| pattern.find(lines::said(line)))
    {
        let before = text.get(..found.start()).unwrap_or("");
        let (from, wide) = (fit::width(before), fit::width(found.as_str()));
        let (from, wide) = (u16::try_from(from).unwrap_or(u16::MAX), u16::try_from(wide).unwrap_or(0));
        buf.set_style(put::part(place, from, wide).intersection(buf.area), theme.style(Role::Match));
    }
}
