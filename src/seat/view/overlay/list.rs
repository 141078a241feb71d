//! Things to read: the help, the palette, a message.

use super::frame;
use crate::{
    seat::{
        command::{
            Group,
            doc::{chapter, usage},
            keymap, palette as find, power,
        },
        model::{Model, entry::one},
        view::{
            self,
            widget::{
                field::{self, Field},
                fit, put, scroll,
            },
        },
    },
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// What every key does, filtered.
pub fn help(
    buf: &mut Buffer,
    body: Rect,
    theme: &Theme,
    model: &Model,
    filter: &Field,
    top: usize,
) -> Option<(u16, u16)> {
    let inner = frame(buf, body, theme, "Keys and commands", body.height);
    let typed = filter.text().trim().to_lowercase();
    let mut lines: Vec<(String, Style)> = Vec::new();
    for group in Group::ALL {
        let mut rows: Vec<(String, Style)> = Vec::new();
        for spec in chapter(group) {
            let keys: Vec<String> = model.keymap.keys_of(spec.name).into_iter().map(keymap::shown).collect();
            let fits = typed.is_empty()
                || spec.name.contains(&typed)
                || spec.doc.to_lowercase().contains(&typed)
                || keys.iter().any(|key| key.to_lowercase() == typed);
            if fits {
                let not_now = power::possible(model, spec).is_err();
                let text = format!("{:<8} {:<15} {}", keys.join(" "), spec.name, spec.doc);
                rows.push((text, theme.style(if not_now { Role::Quiet } else { Role::Text })));
            }
        }
        if !rows.is_empty() {
            if !lines.is_empty() {
                lines.push((String::new(), theme.style(Role::Text)));
            }
            lines.push((group.title().to_owned(), theme.style(Role::Title)));
            lines.extend(rows);
        }
    }
    if lines.is_empty() {
        lines.push(("no command fits".into(), theme.style(Role::Quiet)));
    }
    let place = Rect { y: inner.y + 2.min(inner.height), height: inner.height.saturating_sub(2), ..inner };
    scroll::draw(buf, place, theme, &lines, top);
    put::left(buf, put::part(inner, 0, 1), theme, "/", theme.style(Role::Key));
    field::draw(buf, put::part(put::row(inner, 0), 2, inner.width), theme, filter, "type to filter")
}

/// Commands that fit.
pub fn palette(
    buf: &mut Buffer,
    body: Rect,
    theme: &Theme,
    model: &Model,
    typed: &Field,
    at: usize,
) -> Option<(u16, u16)> {
    let found = find::find(model, typed.text());
    let inner = frame(buf, body, theme, "Command", body.height.min(12));
    put::left(buf, put::part(inner, 0, 1), theme, ":", theme.style(Role::Key));
    let cursor = field::draw(
        buf,
        put::part(put::row(inner, 0), 2, inner.width),
        theme,
        typed,
        "what do you want to do?",
    );
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let at = at.min(found.len().saturating_sub(1));
    let first = view::window(found.len(), usize::from(list.height), at);
    if found.is_empty() {
        put::left(
            buf,
            put::part(put::row(list, 0), 2, list.width),
            theme,
            "no command is like that",
            theme.style(Role::Quiet),
        );
    }
    for (row, (index, one_)) in (0..list.height).zip(found.iter().enumerate().skip(first)) {
        let place = put::row(list, row);
        let name = if index == at { usage(one_.spec) } else { one_.spec.name.to_owned() };
        let pad = " ".repeat(18_usize.saturating_sub(fit::width(&name)).max(2));
        let key = model.keymap.label(one_.spec.name).unwrap_or_default();
        let (text, role) = match &one_.not_now {
            Some(why) => (one(why), Role::Quiet),
            None => (one_.spec.doc.to_owned(), Role::Text),
        };
        let name_role = if one_.not_now.is_some() { Role::Quiet } else { Role::Title };
        let pieces = [(name.as_str(), name_role), (pad.as_str(), Role::Text), (text.as_str(), role)];
        put::ends(buf, put::part(place, 2, place.width.saturating_sub(2)), theme, &pieces, (&key, Role::Key));
        if index == at {
            view::widget::list::mark(buf, place, theme);
        }
    }
    cursor
}

/// Something to read.
pub fn message(
    buf: &mut Buffer,
    body: Rect,
    theme: &Theme,
    title: &str,
    text: &str,
    top: usize,
) -> Option<(u16, u16)> {
    let clean = crate::domain::text::block(text);
    let lines = scroll::wrapped(
        &clean,
        Rect { width: body.width.saturating_sub(2), ..body },
        theme.style(Role::Text),
    );
    let inner = frame(buf, body, theme, &one(title), u16::try_from(lines.len()).unwrap_or(u16::MAX));
    scroll::draw(buf, inner, theme, &lines, top);
    None
}
