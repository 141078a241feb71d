//! A terminal too small for more than a line.

use super::{
    console,
    layout::SMALLEST,
    widget::{fit, put},
};
use crate::{
    domain::time::clock_utc,
    seat::model::Model,
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Severity, clock, freeze, and what size is needed.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let (wide, high) = SMALLEST;
    let incident = model.incident();
    let severity = incident.map_or(" no incident ".into(), |one| format!(" {} ", one.severity));
    let role = incident.map_or(Role::Quiet, |one| console::severity(one.severity));
    let frozen = if model.freezes().is_empty() { "" } else { " FROZEN" };
    let nobody = model.open_incident().is_some_and(|one| one.commander().is_none());
    let nobody = if nobody { " NO COMMANDER " } else { "" };
    let clock = match incident {
        Some(one) => format!(" impact {}", one.clocks.impact(&one.declared, &model.now).time.brief()),
        None => format!(" {}", clock_utc(model.now.wall)),
    };
    let used = put::pieces(
        buf,
        put::row(area, 0),
        theme,
        &[(&severity, role), (&clock, Role::Text), (frozen, Role::Frozen), (nobody, Role::Worst)],
    );
    let size = format!("{wide}×{high} needed, is {}×{}", area.width, area.height);
    let size = if theme.glyphs().ascii { size.replace('×', "x") } else { size };
    // One line where it is wide enough, else the size wraps below.
    let rest = put::part(put::row(area, 0), used + 2, area.width);
    let place = if usize::from(rest.width) >= fit::width(&size) { rest } else { put::row(area, 1) };
    put::left(buf, place, theme, &size, theme.style(Role::Notice));
}
