//! What lies over the views, in one fixed place below the console, where no data is drawn.

mod approval;
mod ask;
mod declare;
mod list;
mod people;
mod terminal;

use super::{
    inset,
    widget::{
        put,
        rule::{self, Title},
    },
};
use crate::{
    seat::model::{Layer, Model},
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws the topmost, and says where the terminal's cursor belongs.
pub fn draw(buf: &mut Buffer, body: Rect, theme: &Theme, model: &Model) -> Option<(u16, u16)> {
    match model.layers.last()? {
        Layer::Help { field, top } => list::help(buf, body, theme, model, field, *top),
        Layer::Palette { field, at } => list::palette(buf, body, theme, model, field, *at),
        Layer::Prompt(prompt) => ask::prompt(buf, body, theme, prompt),
        Layer::Words { title, area, .. } => ask::words(buf, body, theme, title, area),
        Layer::Pick { title, choices, at } => ask::pick(buf, body, theme, title, choices, *at),
        Layer::Confirm(confirm) => approval::confirm(buf, body, theme, confirm),
        Layer::Approval(open) => approval::approval(buf, body, theme, model, open),
        Layer::Declare(form) => declare::draw(buf, body, theme, model, form),
        Layer::Message { title, text, top } => list::message(buf, body, theme, title, text, *top),
        Layer::People { at } => people::draw(buf, body, theme, model, *at),
        Layer::Terminal(at) => terminal::draw(buf, body, theme, model, at),
    }
}

/// Clears the overlay's place, as many rows as wanted and there are, with a title line above and a rule below; gives
/// what is between.
fn frame(buf: &mut Buffer, body: Rect, theme: &Theme, name: &str, rows: u16) -> Rect {
    let height = rows.saturating_add(2).min(body.height);
    let area = Rect { height, ..body };
    put::clear(buf, area, theme.style(Role::Text));
    rule::title(buf, area, theme, Title { name, focus: true, ..Title::default() });
    if height > 2 {
        rule::title(buf, put::row(area, height - 1), theme, Title { focus: true, ..Title::default() });
        let end = put::row(area, height - 1);
        let style = theme.style(Role::Focus).remove_modifier(ratatui::style::Modifier::all());
        for x in [end.x + 1, end.x + 2] {
            put::cell(buf, x, end.y, theme.glyphs().rule, style);
        }
    }
    inset(Rect { y: area.y + 1, height: height.saturating_sub(2), ..area })
}
