//! The terminal of an interactive step: its own screen in a pane, so that its escapes never reach the real one.

use super::frame;
use crate::{
    seat::{
        model::{Model, StepRef},
        view::widget::put,
    },
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws it.
pub fn draw(buf: &mut Buffer, body: Rect, theme: &Theme, model: &Model, at: &StepRef) -> Option<(u16, u16)> {
    let name = format!("Terminal of {}   ^] leaves it, the step goes on", at.step);
    let inner = frame(buf, body, theme, &name, body.height);
    let Some(screen) = model.hands.get(at).and_then(|show| show.screen.as_ref()) else {
        put::left(buf, put::row(inner, 0), theme, "it shows nothing yet", theme.style(Role::Quiet));
        return None;
    };
    for (row, text) in (0..inner.height).zip(&screen.rows) {
        put::left(buf, put::row(inner, row), theme, text, theme.style(Role::Text));
    }
    let (row, column) = screen.cursor;
    let (x, y) = (inner.x.saturating_add(column), inner.y.saturating_add(row));
    (x < inner.right() && y < inner.bottom()).then_some((x, y))
}
