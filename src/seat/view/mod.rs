//! The screen, a function of model, theme and area.

pub mod console;
pub mod empty;
pub mod footer;
pub mod health;
pub mod layout;
pub mod logs;
pub mod output;
pub mod overlay;
pub mod postmortem;
pub mod releases;
pub mod runbook;
mod scorecard;
pub mod small;
pub mod tasks;
pub mod timeline;
pub mod widget;

use crate::{
    seat::model::{Model, Pane, View},
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};
use widget::put;

/// Draws the whole screen and says where the terminal's cursor belongs, where it belongs anywhere.
pub fn screen(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) -> Option<(u16, u16)> {
    put::clear(buf, area, theme.style(Role::Text));
    if layout::too_small((area.width, area.height)) {
        small::draw(buf, area, theme, model);
        return None;
    }
    let coach = model.coach.text.as_ref().filter(|_| !model.coach.off);
    let place = layout::layout(area, model);
    console::draw(buf, place.console, theme, model);
    if let (Some(text), false) = (coach, place.coach.is_empty()) {
        put::pieces(buf, inset(place.coach), theme, &[("coach  ", Role::Drill), (text, Role::Text)]);
    }
    let walks = model.walk().is_some_and(|walk| walk.ended.is_none());
    let nothing =
        model.incident().is_none() && !walks && model.live.is_blind() && model.ui.view == View::WarRoom;
    if nothing {
        empty::draw(buf, place.body, theme, model);
    } else {
        for (pane, at) in &place.panes {
            pane_(buf, *at, theme, model, *pane);
        }
    }
    footer::notice(buf, place.body, theme, model);
    footer::draw(buf, place.footer, theme, model);
    overlay::draw(buf, place.body, theme, model)
}

fn pane_(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model, pane: Pane) {
    match pane {
        Pane::Health => health::draw(buf, area, theme, model),
        Pane::Runbook => runbook::draw(buf, area, theme, model),
        Pane::Output => output::draw(buf, area, theme, model),
        Pane::Tasks => tasks::draw(buf, area, theme, model),
        Pane::Timeline => timeline::draw(buf, area, theme, model),
        Pane::Logs => logs::draw(buf, area, theme, model),
        Pane::Releases => releases::draw(buf, area, theme, model),
        Pane::Freezes => releases::freezes(buf, area, theme, model),
        Pane::Draft => postmortem::draw(buf, area, theme, model),
        Pane::Todos => postmortem::todos(buf, area, theme, model),
    }
}

/// A line's place with a blank at each side.
fn inset(area: Rect) -> Rect {
    put::part(area, 1, area.width.saturating_sub(2))
}

/// What is below a pane's title line, with a blank at each side.
fn inside(area: Rect) -> Rect {
    inset(Rect { y: area.y + 1.min(area.height), height: area.height.saturating_sub(1), ..area })
}

/// The first of `len` rows that are shown in `rows`, so that `at` is among them and what is near it.
fn window(len: usize, rows: usize, at: usize) -> usize {
    at.saturating_sub(rows / 2).min(len.saturating_sub(rows))
}

/// A number with a blank between thousands, `88 k` from ten thousand on.
fn count(n: u64) -> String {
    match n {
        0..=999 => n.to_string(),
        1_000..=9_999 => format!("{},{:03}", n / 1_000, n % 1_000),
        10_000..=999_999 => format!("{} k", n / 1_000),
        _ => format!("{:.1} M", n as f64 / 1e6),
    }
}
