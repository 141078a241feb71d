//! What has happened, newest below.

use super::{
    inside,
    widget::{
        fit, list, put,
        rule::{self, Title},
    },
};
use crate::{
    seat::model::{
        Model, Pane, View,
        entry::{Entry, Weight},
    },
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws the pane.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let focus = model.ui.has(Pane::Timeline);
    let all = model.timeline.shown(model.incident_id(), &model.ui.timeline_filter);
    let paused = model.ui.timeline_paused;
    let shown: Vec<&Entry> = match paused {
        Some(until) => all.iter().copied().filter(|entry| entry.seq <= until).collect(),
        None => all.clone(),
    };
    let behind = all.len() - shown.len();
    let detail = model.ui.timeline_filter.words();
    let note = if paused.is_some() { "paused".to_owned() } else { tasks(model) };
    rule::title(buf, area, theme, Title { name: "Timeline", detail: &detail, note: &note, focus });
    let inner = inside(area);
    if shown.is_empty() {
        let text = if detail.is_empty() {
            "nothing has happened yet"
        } else {
            "nothing fits the filter; / changes it"
        };
        put::left(buf, put::row(inner, 0), theme, text, theme.style(Role::Quiet));
        return;
    }
    if model.ui.timeline.selected().is_none()
        && paused.is_none()
        && let Some(newest) = model.timeline.iter().next_back()
    {
        model.ui.seen.set(newest.seq);
    }
    let ids: Vec<u64> = shown.iter().map(|entry| entry.seq).collect();
    model.ui.timeline.rows.set(usize::from(inner.height));
    let mut at = model.ui.timeline.at.get();
    let window = at.window(&ids, usize::from(inner.height));
    model.ui.timeline.at.set(at);
    let stars = model.incident().map(|incident| &incident.stars);
    let roomy = inner.width >= 60;
    for (row, (index, entry)) in
        (0..inner.height).zip(shown.iter().enumerate().skip(window.first).take(window.count))
    {
        let place = put::row(inner, row);
        let starred = stars.is_some_and(|stars| stars.contains(&entry.seq));
        let near = model.ui.cursor.is_some_and(|t| is_at(&shown, index, t));
        one_row(buf, place, theme, model, entry, roomy, starred, near);
        if focus && window.selected == Some(index) {
            buf.set_style(place, theme.style(Role::Selection));
        }
    }
    let below = behind + if model.ui.timeline.selected().is_some() { window.below } else { 0 };
    list::more(buf, inner, theme, below);
}

/// How many tasks are open, where the pane that has them went for want of room.
fn tasks(model: &Model) -> String {
    if model.ui.view != View::WarRoom || super::layout::has(model, Pane::Tasks) {
        return String::new();
    }
    match model.tasks().iter().filter(|task| task.is_open()).count() {
        0 => String::new(),
        1 => "1 task open".into(),
        n => format!("{n} tasks open"),
    }
}

/// Whether an entry is the last one before the cursor.
fn is_at(shown: &[&Entry], index: usize, t: i64) -> bool {
    let time = |entry: &&Entry| entry.at.wall.timestamp_millis();
    shown.get(index).is_some_and(|entry| time(entry) <= t)
        && shown.get(index + 1).is_none_or(|next| time(next) > t)
}

#[allow(clippy::too_many_arguments, reason = "a row is drawn of all of these")]
fn one_row(
    buf: &mut Buffer,
    area: Rect,
    theme: &Theme,
    model: &Model,
    entry: &Entry,
    roomy: bool,
    starred: bool,
    near: bool,
) {
    let same_day = entry.at.wall.date_naive() == model.now.wall.date_naive();
    let (names, clock) = if roomy { (8, "%H:%M:%S") } else { (4, "%H:%M") };
    let time = entry.at.wall.format(if same_day { clock } else { "%d %b" }).to_string();
    let stamp = if roomy { 8 } else { 6 };
    let role = match entry.weight {
        Weight::Quiet => Role::Quiet,
        Weight::Plain => Role::Text,
        Weight::Good => Role::Good,
        Weight::Turn => Role::Title,
        Weight::Bad => Role::Bad,
    };
    put::left(
        buf,
        put::part(area, 0, stamp),
        theme,
        &time,
        theme.style(if near { Role::Cursor } else { Role::Quiet }),
    );
    let sign = if starred {
        "*"
    } else if near {
        theme.glyphs().vertical
    } else {
        " "
    };
    put::left(
        buf,
        put::part(area, stamp, 1),
        theme,
        sign,
        theme.style(if starred { Role::Mark } else { Role::Cursor }),
    );
    let who = fit::cut(&entry.who, usize::from(names), theme.glyphs());
    put::left(buf, put::part(area, stamp + 1, names), theme, &who, theme.style(Role::Owner));
    // The column is for what is proved; a name that is only claimed stands with what was asked.
    let what = match &entry.alias {
        Some(alias) if roomy => format!("{alias} ({}): {}", entry.who, entry.what),
        Some(alias) => format!("{alias}: {}", entry.what),
        None => entry.what.clone(),
    };
    put::left(buf, put::part(area, stamp + 2 + names, area.width), theme, &what, theme.style(role));
}
