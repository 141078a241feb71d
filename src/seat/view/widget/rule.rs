//! A pane's title line: `╶ Tasks ───── 4 of 9 ──╴`.

use super::{fit, put};
use crate::theme::{Role, Theme};
use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

/// What a title line says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Title<'a> {
    /// What the pane is.
    pub name: &'a str,
    /// What it shows of it: a filter, a file. May be empty.
    pub detail: &'a str,
    /// At the right end: a count, an age. May be empty.
    pub note: &'a str,
    /// Whether the keys go here.
    pub focus: bool,
}

/// Draws the title line in the area's first row. The note goes first where it is narrow, then the detail.
pub fn title(buf: &mut Buffer, area: Rect, theme: &Theme, title: Title<'_>) {
    let area = put::row(area, 0).intersection(buf.area);
    let glyphs = theme.glyphs();
    let mut rule = theme.style(Role::Rule);
    if title.focus {
        // The focused pane's line is bright from end to end.
        rule = theme.style(Role::Focus).remove_modifier(Modifier::all());
        rule.bg = None;
    }
    for x in area.left()..area.right() {
        put::cell(buf, x, area.y, glyphs.rule, rule);
    }
    if area.width < 4 {
        return;
    }
    put::cell(buf, area.left(), area.y, glyphs.rule_start, rule);
    put::cell(buf, area.right() - 1, area.y, glyphs.rule_end, rule);
    let mut room = usize::from(area.width) - 4;
    let name = fit::cut(title.name, room, glyphs);
    room = room.saturating_sub(fit::width(&name));
    let mut from = 2;
    put::left(buf, put::part(area, 1, 1), theme, " ", theme.style(Role::Text));
    let role = if title.focus { Role::Focus } else { Role::Title };
    from += put::left(buf, put::part(area, from, area.width - from), theme, &name, theme.style(role));
    let note = fit::width(title.note) + 4;
    let note_fits = !title.note.is_empty() && note <= room;
    let rest = if note_fits { room - note } else { room };
    if !title.detail.is_empty() && rest > 6 {
        let detail = fit::cut(title.detail, rest - 3, glyphs);
        let quiet = theme.style(Role::Quiet);
        from += put::left(buf, put::part(area, from, 2), theme, "  ", quiet);
        from += put::left(buf, put::part(area, from, area.width - from), theme, &detail, quiet);
    }
    put::left(buf, put::part(area, from, 1), theme, " ", theme.style(Role::Text));
    if note_fits {
        let text = format!(" {} ", title.note);
        let end = put::part(area, 0, area.width - 3);
        put::right(buf, end, theme, &text, theme.style(Role::Quiet));
    }
}
