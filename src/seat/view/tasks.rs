//! Who does what, and how long it may take.

use super::{
    inside,
    widget::{
        fit, put,
        rule::{self, Title},
        span,
    },
};
use crate::{
    domain::{
        task::Task,
        time::{Span, minute_utc},
    },
    seat::model::{Model, Pane, entry::one},
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws the pane: needs without an owner, open tasks in the order of their end, then those that are done.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let focus = model.ui.has(Pane::Tasks);
    let order = model.tasks();
    let open = order.iter().filter(|task| task.is_open()).count();
    let note = if order.is_empty() { String::new() } else { format!("{open} open") };
    rule::title(buf, area, theme, Title { name: "Tasks", detail: "", note: &note, focus });
    let inner = inside(area);
    model.ui.tasks.rows.set(usize::from(inner.height));
    if order.is_empty() {
        let key = model.keymap.label("task").unwrap_or_default();
        put::pieces(
            buf,
            put::row(inner, 0),
            theme,
            &[("none; ", Role::Quiet), (&key, Role::Key), (" gives one", Role::Quiet)],
        );
        return;
    }
    let picked = model.ui.tasks.selected();
    let at = order.iter().position(|task| Some(u64::from(task.id.0)) == picked).unwrap_or(0);
    let first = super::window(order.len(), usize::from(inner.height), at);
    let names = order.iter().map(|task| fit::width(owner(task))).max().unwrap_or(3).clamp(3, 8);
    for (row, task) in (0..inner.height).zip(order.iter().skip(first)) {
        let place = put::row(inner, row);
        one_row(buf, place, theme, model, task, u16::try_from(names).unwrap_or(4));
        if focus && Some(u64::from(task.id.0)) == picked {
            buf.set_style(place, theme.style(Role::Selection));
        }
    }
}

fn owner(task: &Task) -> &str {
    task.owner.as_deref().unwrap_or("--")
}

fn one_row(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model, task: &Task, names: u16) {
    put::left(buf, put::part(area, 0, names), theme, &one(owner(task)), theme.style(Role::Owner));
    let (right, role, text) = match (&task.done, task.within) {
        (Some((at, _)), _) => (format!("done {}", minute_utc(at.wall)), Role::Good, Role::Quiet),
        (None, Some(within)) => {
            let clock = span::clock(task.given.elapsed(&model.now), within);
            (clock.text(), clock.role(Span::mins(1)), Role::Text)
        }
        (None, None) => (task.given.elapsed(&model.now).brief(), Role::Quiet, Role::Text),
    };
    let (right, role) = if task.waits_for_an_owner() {
        (format!("NO OWNER {right}"), Role::Notice)
    } else if task.waits_for_acknowledgement() {
        (format!("unack {right}"), if role == Role::Bad { role } else { Role::Notice })
    } else {
        (right, role)
    };
    let place = put::part(area, names + 1, area.width);
    // How it stands, where there is room for that too.
    let word = task.reported.as_ref().filter(|_| task.is_open() && area.width >= 60);
    let word = word.map(|word| format!("  {}", one(&word.text))).unwrap_or_default();
    put::ends(buf, place, theme, &[(&one(&task.text), text), (&word, Role::Quiet)], (&right, role));
}
