//! Who is here: where each looks, since when they are idle, and how one joins.

use super::frame;
use crate::{
    seat::{
        command::act::presence::label,
        model::{Conn, Model, Presence, entry::one},
        view::{
            self,
            widget::{fit, put},
        },
    },
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws it.
pub fn draw(buf: &mut Buffer, body: Rect, theme: &Theme, model: &Model, at: usize) -> Option<(u16, u16)> {
    let seats = model.seats();
    let alone = model.others().is_empty();
    let up = matches!(model.conn, Conn::Up { .. });
    let private = model.room.as_ref().is_some_and(|room| room.private);
    let rows = seats.len().max(1) + 1 + usize::from(alone) + usize::from(!up);
    let inner = frame(buf, body, theme, "Who is here", u16::try_from(rows).unwrap_or(u16::MAX));
    let below = 1 + u16::from(alone) + u16::from(!up);
    let list = Rect { height: inner.height.saturating_sub(below), ..inner };
    if seats.is_empty() {
        let text = if up { "the room has not said yet who is here" } else { "nobody is known to be here" };
        put::left(buf, put::part(put::row(list, 0), 2, list.width), theme, text, theme.style(Role::Quiet));
    }
    let at = at.min(seats.len().saturating_sub(1));
    let first = view::window(seats.len(), usize::from(list.height), at);
    let names = seats.iter().map(|seat| fit::width(&label(model, seat))).max().unwrap_or(4).clamp(4, 16);
    for (row, (index, seat)) in (0..list.height).zip(seats.iter().enumerate().skip(first)) {
        seat_row(buf, put::row(list, row), theme, model, seat, names);
        if index == at {
            view::widget::list::mark(buf, put::row(list, row), theme);
        }
    }
    let mut row = list.height;
    if !up {
        let text = "as it was when the room was last heard";
        put::left(buf, put::part(put::row(inner, row), 2, inner.width), theme, text, theme.style(Role::Bad));
        row += 1;
    }
    if alone {
        let text = if private {
            "this room is yours alone; warroom serve opens one for all"
        } else {
            "nobody else has a seat here; send them this line:"
        };
        put::left(
            buf,
            put::part(put::row(inner, row), 2, inner.width),
            theme,
            text,
            theme.style(Role::Quiet),
        );
        row += 1;
    }
    let join = model.join_line();
    let pieces = [("to join  ", Role::Quiet), (join.as_str(), Role::Title)];
    put::pieces(buf, put::part(put::row(inner, row), 2, inner.width), theme, &pieces);
    None
}

fn seat_row(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model, seat: &Presence, names: usize) {
    let name = fit::cut(&one(&label(model, seat)), names, theme.glyphs()).into_owned();
    let pad = " ".repeat(names.saturating_sub(fit::width(&name)) + 2);
    let roles: Vec<&str> = model
        .incident()
        .map(|incident| {
            let own = incident.roles.iter().filter(|(_, holder)| holder.who == seat.who.name);
            own.map(|(role, _)| short(role)).collect()
        })
        .unwrap_or_default();
    let roles = if roles.is_empty() { String::new() } else { format!("{}  ", one(&roles.join(", "))) };
    let place = seat.look.as_ref().map_or_else(|| "--".to_owned(), |look| one(&look.say(&model.state)));
    let here = model.room.as_ref().map(|room| room.here.as_slice()).unwrap_or_default();
    let mut notes = seat.notes(here);
    if seat.seat == model.seat && model.seat != 0 {
        notes.insert(0, "you".into());
    }
    notes.insert(0, String::new());
    let notes = one_line(&notes);
    // At a narrow terminal the time since when gives way: where somebody looks matters more.
    let now = model.now.wall;
    let idle = match seat.idle(now) {
        Some(idle) if area.width < 100 => format!("idle {}", idle.brief()),
        _ => seat.activity(now),
    };
    let quiet = seat.idle(now).is_some();
    let pieces = [
        (name.as_str(), if quiet { Role::Quiet } else { Role::Owner }),
        (&pad, Role::Text),
        (&roles, Role::Title),
        (&place, if quiet { Role::Quiet } else { Role::Text }),
        (&notes, Role::Notice),
    ];
    let area = put::part(area, 2, area.width);
    put::ends(buf, area, theme, &pieces, (&idle, Role::Quiet));
}

fn one_line(parts: &[String]) -> String {
    parts.iter().map(|part| one(part)).collect::<Vec<_>>().join("  ")
}

fn short(role: &str) -> &str {
    crate::seat::model::find::ROLES.iter().find(|(known, _)| *known == role).map_or(role, |(_, short)| short)
}
