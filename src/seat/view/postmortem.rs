//! The draft as it stands, and what only people can write into it.

use super::{
    inside,
    widget::{
        fit, put,
        rule::{self, Title},
        scroll,
    },
};
use crate::{
    seat::model::{Model, Pane, entry::one},
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws the draft.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let focus = model.ui.has(Pane::Draft);
    let note = model.draft.exported.as_ref().map(|place| one(place)).unwrap_or_default();
    let due = model
        .incident()
        .and_then(|one| one.review_due.as_ref())
        .map(|due| format!("due in {}", due.until(&model.now).brief()));
    rule::title(
        buf,
        area,
        theme,
        Title { name: "Post-mortem draft", detail: &due.unwrap_or_default(), note: &note, focus },
    );
    let inner = inside(area);
    let Some(text) = &model.draft.text else {
        let text = match (model.incident().is_some(), model.draft.complete) {
            (false, _) => "there is no incident to write about",
            (true, false) => "its events are being read",
            (true, true) => "the draft is being made",
        };
        put::left(buf, put::row(inner, 0), theme, text, theme.style(Role::Quiet));
        return;
    };
    let mut lines = Vec::new();
    let mut first = 0;
    for (number, source) in text.lines().enumerate() {
        if number == model.ui.draft_top {
            first = lines.len();
        }
        let role = if source.starts_with('#') {
            Role::Title
        } else if source.contains("TODO(") {
            Role::Notice
        } else if source.starts_with("---") || source.starts_with('|') {
            Role::Quiet
        } else {
            Role::Text
        };
        let wrapped = fit::wrap(source, usize::from(inner.width.saturating_sub(2)));
        if wrapped.is_empty() {
            lines.push((String::new(), theme.style(Role::Text)));
        }
        lines.extend(wrapped.into_iter().map(|line| (line, theme.style(role))));
    }
    scroll::draw(buf, inner, theme, &lines, first);
}

/// Draws what is still to be answered.
pub fn todos(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let focus = model.ui.has(Pane::Todos);
    let todos = &model.draft.todos;
    let note = if todos.is_empty() { String::new() } else { format!("{} left", todos.len()) };
    rule::title(buf, area, theme, Title { name: "To be answered", detail: "", note: &note, focus });
    let inner = inside(area);
    if todos.is_empty() {
        let text = if model.draft.text.is_some() { "nothing: X writes the draft out" } else { "" };
        put::left(buf, put::row(inner, 0), theme, text, theme.style(Role::Good));
        return;
    }
    let first = super::window(todos.len(), usize::from(inner.height / 2), model.ui.todo);
    let mut row = 0;
    for (at, todo) in todos.iter().enumerate().skip(first) {
        if row >= inner.height {
            break;
        }
        let lead = if at == model.ui.todo { theme.glyphs().current } else { " " };
        let role = format!("{} ", one(&todo.role));
        let from = row;
        put::pieces(
            buf,
            put::row(inner, row),
            theme,
            &[(lead, Role::Key), (" ", Role::Text), (&role, Role::Owner)],
        );
        let indent = 2 + u16::try_from(fit::width(&role)).unwrap_or(4);
        for line in fit::wrap(&one(&todo.question), usize::from(inner.width.saturating_sub(indent))) {
            put::left(
                buf,
                put::part(put::row(inner, row), indent, inner.width),
                theme,
                &line,
                theme.style(Role::Text),
            );
            row += 1;
        }
        if focus && at == model.ui.todo {
            let rows = Rect { y: inner.y + from, height: (row - from).min(inner.height - from), ..inner };
            buf.set_style(rows, theme.style(Role::Selection));
        }
    }
}
