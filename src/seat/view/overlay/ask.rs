//! One thing is asked: a line, words, or one of several.

use super::frame;
use crate::{
    seat::{
        model::{
            entry::one,
            layer::{Choice, Prompt},
        },
        view::widget::{field, fit, put},
    },
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};
use tui_textarea::TextArea;

/// A line with what can be chosen.
pub fn prompt(buf: &mut Buffer, body: Rect, theme: &Theme, prompt: &Prompt) -> Option<(u16, u16)> {
    let fitting = prompt.fitting();
    let most = prompt.options.len().min(8);
    let hint = u16::from(!prompt.hint.is_empty());
    let inner = frame(buf, body, theme, &prompt.title, 1 + hint + u16::try_from(most).unwrap_or(8));
    let place = put::part(put::row(inner, 0), 2, inner.width);
    let empty = if prompt.optional { "nothing" } else { "" };
    let cursor = field::draw(buf, place, theme, &prompt.field, empty);
    if hint == 1 {
        let hint = one(&prompt.hint);
        put::left(buf, put::part(put::row(inner, 1), 2, inner.width), theme, &hint, theme.style(Role::Quiet));
    }
    let list = Rect { y: inner.y + 1 + hint, height: inner.height.saturating_sub(1 + hint), ..inner };
    let first = crate::seat::view::window(fitting.len(), usize::from(list.height), prompt.at.unwrap_or(0));
    let names = fitting
        .iter()
        .map(|(value, _)| fit::width(value))
        .max()
        .unwrap_or(8)
        .min(usize::from(inner.width) / 2);
    for (row, (at, (value, what))) in (0..list.height).zip(fitting.iter().enumerate().skip(first)) {
        let place = put::row(list, row);
        let value = fit::cut(&one(value), names, theme.glyphs()).into_owned();
        let pad = " ".repeat(names.saturating_sub(fit::width(&value)) + 2);
        put::pieces(
            buf,
            put::part(place, 2, place.width),
            theme,
            &[(&value, Role::Text), (&pad, Role::Text), (&one(what), Role::Quiet)],
        );
        if prompt.at == Some(at) {
            crate::seat::view::widget::list::mark(buf, place, theme);
        }
    }
    cursor
}

/// Words of several lines.
pub fn words(
    buf: &mut Buffer,
    body: Rect,
    theme: &Theme,
    title: &str,
    area: &TextArea<'static>,
) -> Option<(u16, u16)> {
    let mut lines = title.lines();
    let name = lines.next().unwrap_or_default();
    let above: Vec<String> = lines
        .flat_map(|line| {
            fit::wrap(&crate::domain::text::line(line), usize::from(body.width.saturating_sub(2)))
        })
        .collect();
    let wide = usize::from(body.width.saturating_sub(4)).max(1);
    let needed: usize = area.lines().iter().map(|line| fit::width(line) / wide + 1).sum();
    let rows = needed.clamp(3, 10) + above.len();
    let inner = frame(buf, body, theme, name, u16::try_from(rows).unwrap_or(10));
    let mut row = 0;
    for line in above.iter().take(usize::from(inner.height.saturating_sub(2))) {
        put::left(buf, put::row(inner, row), theme, line, theme.style(Role::Notice));
        row += 1;
    }
    let place = Rect { y: inner.y + row, height: inner.height.saturating_sub(row), ..inner };
    let mut shown = area.clone();
    shown.set_style(theme.style(Role::Text));
    shown.set_cursor_line_style(theme.style(Role::Text));
    shown.set_cursor_style(theme.style(Role::Text).add_modifier(ratatui::style::Modifier::REVERSED));
    shown.set_wrap_mode(tui_textarea::WrapMode::Word);
    (&shown).render(place.intersection(buf.area), buf);
    None
}

/// One of several, each with its key.
pub fn pick(
    buf: &mut Buffer,
    body: Rect,
    theme: &Theme,
    title: &str,
    choices: &[Choice],
    at: usize,
) -> Option<(u16, u16)> {
    let mut lines = title.lines();
    let name = one(lines.next().unwrap_or_default());
    let all: Vec<String> = lines.map(|line| crate::domain::text::line(line).into_owned()).collect();
    let room = usize::from(body.height).saturating_sub(choices.len() + 3);
    let above = all.get(..all.len().min(room)).unwrap_or_default();
    let inner = frame(buf, body, theme, &name, u16::try_from(above.len() + choices.len()).unwrap_or(20));
    let mut row = 0;
    for line in above {
        put::left(buf, put::row(inner, row), theme, line, theme.style(Role::Text));
        row += 1;
    }
    let wide = choices.iter().map(|choice| fit::width(&choice.label)).max().unwrap_or(8) + 2;
    for (index, choice) in choices.iter().enumerate() {
        let place = put::row(inner, row);
        let label = one(&choice.label);
        let pad = " ".repeat(wide.saturating_sub(fit::width(&label)));
        put::pieces(
            buf,
            put::part(place, 2, place.width),
            theme,
            &[
                (&choice.key.to_string(), Role::Key),
                ("  ", Role::Text),
                (&label, Role::Text),
                (&pad, Role::Text),
                (&one(&choice.detail), Role::Quiet),
            ],
        );
        if index == at {
            crate::seat::view::widget::list::mark(buf, place, theme);
        }
        row += 1;
    }
    None
}
