//! The last row: what is owed, and the keys that work here, now. Above it, what was said to this person.

use super::{
    inset,
    widget::{fit, put},
};
use crate::{
    domain::time::clock_utc,
    seat::{
        command::{self, Group, Spec},
        model::{Layer, Model, Pane, Tone, View},
    },
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws the row.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let area = inset(area);
    let counts = counts(model);
    let shown: Vec<(&str, Role)> = counts.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    let used = put::pieces(buf, area, theme, &shown);
    let hints = hints(model);
    let room = usize::from(area.width.saturating_sub(used + 2));
    let mut pieces: Vec<(String, Role)> = Vec::new();
    let mut total = 0;
    let last = hints.len().saturating_sub(2);
    // The last two, the palette and the help, are always there.
    let kept: usize = hints.iter().skip(last).map(|(key, word)| fit::width(key) + fit::width(word) + 3).sum();
    for (at, (key, word)) in hints.iter().enumerate() {
        let wide = fit::width(key) + fit::width(word) + 3;
        let reserve = if at < last { kept } else { 0 };
        if total + wide + reserve > room + 2 {
            continue;
        }
        total += wide;
        if !pieces.is_empty() {
            pieces.push(("  ".into(), Role::Text));
        }
        pieces.push((key.clone(), Role::Key));
        pieces.push((format!(" {word}"), Role::Quiet));
    }
    let wide = u16::try_from(total.saturating_sub(2)).unwrap_or(u16::MAX).min(area.width);
    let shown: Vec<(&str, Role)> = pieces.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    put::pieces(buf, put::part(area, area.width - wide, wide), theme, &shown);
}

fn counts(model: &Model) -> Vec<(String, Role)> {
    let mut out: Vec<(String, Role)> = Vec::new();
    if model.incident().is_some() {
        let (deviations, owed) = model.deviations();
        let over = model.tasks_over();
        let loud = |n: usize, role| if n > 0 { role } else { Role::Quiet };
        out.push((format!("dev {deviations}  "), Role::Quiet));
        out.push((format!("owed {owed}  "), loud(owed, Role::Notice)));
        out.push((format!("over {over}  "), loud(over, Role::Bad)));
        let unread = model.unread();
        out.push((format!("unread {unread}"), loud(unread, Role::Notice)));
        if model.glass().is_some() {
            out.push(("  ".into(), Role::Text));
            out.push((" GLASS ".into(), Role::Worst));
        }
    }
    if model.state.policy.leaves_command_to_nobody() {
        let gap = if out.is_empty() { "" } else { "  " };
        out.push((format!("{gap}nobody may command"), Role::Notice));
    }
    // What does not get out of the room is said, and not more loudly than the incident itself.
    let unsent =
        model.state.dispatches.values().filter(|one| one.trouble.is_some() && one.void.is_none()).count();
    if unsent > 0 {
        out.push((format!("  unsent {unsent}"), Role::Bad));
    }
    let rejected = model.room.iter().flat_map(|room| &room.audit).filter_map(|sink| sink.rejected.as_ref());
    let rejected = rejected.fold(0_u64, |sum, (count, ..)| sum.saturating_add(*count));
    if rejected > 0 {
        out.push((format!("  audit {rejected} rejected"), Role::Bad));
    }
    if let Some(sink) = model.room.iter().flat_map(|room| &room.audit).find(|sink| sink.trouble.is_some()) {
        out.push((format!("  audit {} behind", sink.behind), Role::Notice));
    }
    let anchor = model.room.as_ref().and_then(|room| room.anchor.as_ref());
    if anchor.is_some_and(|anchor| anchor.trouble.is_some() && !anchor.lost) {
        out.push(("  checkpoints wait".into(), Role::Notice));
    }
    if model.room.as_ref().is_some_and(|room| room.no_spool.is_some()) {
        let gap = if out.is_empty() { "" } else { "  " };
        out.push((format!("{gap}no spool"), Role::Bad));
    }
    let missing = model.room.as_ref().map_or(0, |room| room.missing.len());
    if missing > 0 {
        let gap = if out.is_empty() { "" } else { "  " };
        out.push((format!("{gap}{missing} DELETED from the journal"), Role::Bad));
    }
    if let Some(away) = model.away() {
        let gap = if out.is_empty() { "" } else { "  " };
        let kept = format!("{gap}{} in the spool", away.waiting);
        out.push((kept, if model.is_offline() { Role::Bad } else { Role::Notice }));
        if model.is_offline() {
            out.push((format!("  OFFLINE since {}", clock_utc(away.since)), Role::Bad));
        }
    }
    if !model.state.conflicts.is_empty() {
        let gap = if out.is_empty() { "" } else { "  " };
        out.push((gap.into(), Role::Text));
        let count = model.state.conflicts.len();
        out.push((format!(" {count} {} ", if count == 1 { "CONFLICT" } else { "CONFLICTS" }), Role::Worst));
    }
    if let Some(room) = model.room.as_ref().filter(|room| room.replicated.is_some()) {
        let gap = if out.is_empty() { "" } else { "  " };
        // How far what is written here is safe, and that there are others who write.
        let rooms = if room.rooms.len() > 1 { format!("{} rooms", room.rooms.len()) } else { String::new() };
        out.push((format!("{gap}{rooms}"), Role::Quiet));
        if room.replicated == Some(false) {
            let gap = if rooms.is_empty() { "" } else { "  " };
            out.push((format!("{gap}not replicated"), Role::Notice));
        }
    }
    // What this seat may not, and whose eyes it looks through, comes before what it looks at.
    let mut seat: Vec<(String, Role)> = Vec::new();
    if model.read_only {
        seat.push(("read-only  ".into(), Role::Notice));
    } else if model.is_observer() {
        seat.push(("observer  ".into(), Role::Notice));
    }
    if let Some(leader) = &model.leader {
        seat.push((format!("following {}  ", crate::seat::model::entry::one(&leader.name)), Role::Notice));
    }
    if model.ui.view != View::WarRoom {
        let gap = if out.is_empty() { "" } else { "  " };
        out.insert(0, (format!("{}{gap}", model.ui.view.name()), Role::Title));
    }
    seat.append(&mut out);
    seat
}

/// Keys and their words, the most wanted first, the palette and the help last.
fn hints(model: &Model) -> Vec<(String, String)> {
    if let Some(layer) = model.layers.last() {
        return layer_hints(layer);
    }
    let mut names: Vec<(&'static str, &'static str)> = Vec::new();
    let asked = model.asked().is_some();
    if asked {
        names.push(("approve", "approve"));
    }
    if super::console::command_asks(model) {
        names.push(("handover", "command"));
    }
    match model.ui.pane() {
        Pane::Runbook | Pane::Output => {
            if model.walk().is_some_and(|walk| walk.ended.is_none()) {
                names.push(("act", "act"));
                names.push(("skip", "skip"));
                names.push(("cancel", "cancel"));
            } else if model.incident().is_some() {
                names.push(("walk", "start a runbook"));
            } else {
                names.push(("declare", "declare"));
                names.push(("walk", "start a runbook"));
            }
        }
        Pane::Tasks => names.extend([
            ("act", "choose"),
            ("page-ack", "ack"),
            ("reason", "report"),
            ("extend", "extend"),
            ("take-over", "reassign"),
            ("task", "task"),
        ]),
        Pane::Timeline => {
            names.extend([
                ("star", "star"),
                ("filter", "filter"),
                ("correct", "correct"),
                ("pause", "pause"),
            ]);
        }
        Pane::Logs => names.extend([("filter", "filter"), ("pin", "pin"), ("pause", "pause")]),
        Pane::Health => names.extend([("act", "charts"), ("pin", "pin")]),
        Pane::Releases => names.extend([("act", "judge"), ("freeze", "freeze")]),
        Pane::Freezes => names.extend([("act", "renew, lift"), ("freeze", "freeze")]),
        Pane::Draft | Pane::Todos => names.extend([("act", "answer"), ("export", "write out")]),
    }
    if !model.loaded {
        names.push(("leave", "leave"));
    } else if !model.writable() {
        names.push(("copy", "copy"));
    }
    names.extend([
        ("note", "note"),
        ("decide", "decide"),
        ("task", "task"),
        ("next-pane", "pane"),
        ("palette", "cmd"),
        ("help", "help"),
    ]);
    let mut seen = std::collections::BTreeSet::new();
    names
        .into_iter()
        .filter(|(name, _)| seen.insert(*name))
        .filter(|(name, _)| {
            command::named(command::here(model, name).name).is_some_and(|spec| works(model, spec))
        })
        .filter_map(|(name, word)| Some((model.keymap.label(name)?, word.to_owned())))
        .collect()
}

/// Whether a command would do anything now: without a state there is nothing to act on, and a journal that takes
/// nothing lets one look and copy only.
fn works(model: &Model, spec: &Spec) -> bool {
    let looks = matches!(spec.group, Group::Look | Group::Seat) || spec.name == "copy";
    command::power::possible(model, spec).is_ok() && (looks || (model.loaded && model.writable()))
}

fn layer_hints(layer: &Layer) -> Vec<(String, String)> {
    let list: &[(&str, &str)] = match layer {
        Layer::Help { .. } => &[("type", "to filter"), ("Up Down", "scroll"), ("Esc", "back")],
        Layer::Palette { .. } => &[("Tab", "complete"), ("Enter", "do"), ("Esc", "back")],
        Layer::Prompt(_) => &[("Up Down", "choose"), ("Enter", "take"), ("Esc", "back")],
        Layer::Words { .. } => &[("Alt-Enter", "new line"), ("Enter", "send"), ("Esc", "back")],
        Layer::Pick { .. } => &[("key", "choose"), ("Enter", "take"), ("Esc", "back")],
        Layer::Confirm(confirm) if confirm.typed.is_some() => {
            &[("type", "the name"), ("Enter", "do it"), ("Esc", "back")]
        }
        Layer::Confirm(_) => &[("y", "do it"), ("Esc", "back")],
        Layer::Approval(open) if open.glass.is_some() => {
            &[("Tab", "next"), ("Enter", "break the glass"), ("Esc", "back")]
        }
        Layer::Approval(_) => &[("y", "approve"), ("n", "reject"), ("b", "break the glass"), ("Esc", "back")],
        Layer::Declare(_) => &[("Tab", "next"), ("Enter", "declare"), ("Esc", "back")],
        Layer::Briefing { .. } => &[("Down", "whole"), ("y", "copy"), ("Esc", "back")],
        Layer::People { .. } => &[("Enter", "follow"), ("y", "copy the line"), ("Esc", "back")],
        Layer::Message { .. } => &[("y", "copy"), ("Esc", "back")],
        Layer::Terminal(_) => &[("^]", "leave the step's terminal")],
    };
    list.iter().map(|(key, word)| ((*key).to_owned(), (*word).to_owned())).collect()
}

/// What was said to this person, above the footer, over the panes.
pub fn notice(buf: &mut Buffer, body: Rect, theme: &Theme, model: &Model) {
    let Some(notice) = &model.notice else { return };
    let wide = usize::from(body.width.saturating_sub(2));
    let lines = fit::wrap(&notice.text, wide);
    let role = match notice.tone {
        Tone::Done => Role::Good,
        Tone::Info => Role::Text,
        Tone::Wrong => Role::Bad,
    };
    let rows = u16::try_from(lines.len().min(4)).unwrap_or(1).min(body.height);
    let area = Rect { y: body.bottom() - rows, height: rows, ..body };
    put::clear(buf, area, theme.style(Role::Text));
    for (row, line) in (0..rows).zip(lines) {
        put::left(buf, inset(put::row(area, row)), theme, &line, theme.style(role));
    }
}
