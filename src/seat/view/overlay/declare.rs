//! The declaration.

use super::frame;
use crate::{
    domain::severity::Severity,
    seat::{
        model::{Model, entry::one, layer::Declare},
        view::widget::{field, put},
    },
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws the form.
pub fn draw(
    buf: &mut Buffer,
    body: Rect,
    theme: &Theme,
    model: &Model,
    form: &Declare,
) -> Option<(u16, u16)> {
    let inner = frame(buf, body, theme, "Declare an incident; you command until you hand over", 7);
    let label = |buf: &mut Buffer, row: u16, text: &str, rank: usize| {
        let place = put::row(inner, row);
        let role = if form.at == rank { Role::Focus } else { Role::Quiet };
        let lead = if form.at == rank { theme.glyphs().current } else { " " };
        put::left(buf, put::part(place, 0, 1), theme, lead, theme.style(Role::Key));
        put::left(buf, put::part(place, 2, 10), theme, text, theme.style(role));
        put::part(place, 13, place.width)
    };
    let place = label(buf, 0, "title", 0);
    let title = field::draw(buf, place, theme, &form.title, "what is wrong, in a few words");
    let place = label(buf, 1, "severity", 1);
    let mut used = 0;
    for severity in Severity::ALL {
        let on = severity == form.severity;
        let text = format!(" {severity} ");
        let role =
            if on { if severity.number() == 1 { Role::Worst } else { Role::Selection } } else { Role::Quiet };
        used += put::left(buf, put::part(place, used, place.width), theme, &text, theme.style(role));
    }
    let row = model.state.policy.severities.get(&form.severity);
    let meaning = row.map(|row| one(&row.meaning)).unwrap_or_default();
    let meaning_at = put::part(put::row(inner, 2), 13, inner.width);
    put::left(buf, meaning_at, theme, &meaning, theme.style(Role::Calm));
    let place = label(buf, 3, "services", 2);
    let services = field::draw(buf, place, theme, &form.services, "names, separated by blanks; all for all");
    let place = label(buf, 4, "freeze", 3);
    let lease = row.and_then(|row| row.freeze).unwrap_or(model.state.policy.freeze_lease);
    let words = if form.freeze {
        format!("[x] deploys of these services, for {lease}; rollbacks stay free")
    } else {
        "[ ] deploys go on".into()
    };
    put::left(buf, place, theme, &words, theme.style(if form.freeze { Role::Frozen } else { Role::Text }));
    let hint = match form.at {
        1 => "1 to 5, or left and right",
        3 => "space changes it",
        _ => "Tab goes on, Enter declares",
    };
    put::left(buf, put::part(put::row(inner, 6), 2, inner.width), theme, hint, theme.style(Role::Quiet));
    match form.at {
        0 => title,
        2 => services,
        _ => None,
    }
}
