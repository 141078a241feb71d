//! The walk: its steps, how each stands, who did it when, and the value seen beside each tick.

use super::{
    inside,
    widget::{
        fit, put,
        rule::{self, Title},
    },
};
use crate::{
    domain::{
        plan::Step,
        walk::{How, StepStatus, Walk},
    },
    seat::model::{Model, Pane, StepRef, entry::one, find::number, when},
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws the pane.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let focus = model.ui.has(Pane::Runbook);
    let Some(walk) = model.walk() else { return none(buf, area, theme, model, focus) };
    let (done, all) = walk.progress();
    let note = match &walk.ended {
        Some(end) if end.complete => "checklist complete".to_owned(),
        Some(_) => "ended before its end".to_owned(),
        None => format!("{done} of {all}"),
    };
    let source = one(&walk.runbook.source);
    let file = source.rsplit(['/', ':']).next().unwrap_or(&source).to_owned();
    let detail = if area.width >= 60 { one(&walk.runbook.title) } else { String::new() };
    rule::title(buf, area, theme, Title { name: &file, detail: &detail, note: &note, focus });
    let inner = inside(area);
    let listed = model.listed();
    let open = model.step().map(|(_, step)| step.id.as_str());
    let at = listed.iter().position(|step| Some(step.id.as_str()) == open).unwrap_or(0);
    let narrow = inner.width < NARROW;
    let opened = if narrow {
        listed.get(at).map(|step| opened(theme, model, walk, step, inner.width)).unwrap_or_default()
    } else {
        Vec::new()
    };
    let more = opened.len().saturating_sub(1);
    let first = super::window(listed.len(), usize::from(inner.height).saturating_sub(more), at);
    let mut row = 0;
    for step in listed.iter().skip(first) {
        if row >= inner.height {
            break;
        }
        let is_open = Some(step.id.as_str()) == open;
        let mut rows = 1;
        if narrow && is_open {
            let (glyph, role) = mark(theme, walk, step);
            put::left(buf, put::part(put::row(inner, row), 0, 1), theme, glyph, theme.style(role));
            rows = u16::try_from(opened.len()).unwrap_or(1);
            for (down, pieces) in (0..rows).zip(&opened) {
                let pieces: Vec<_> = pieces.iter().map(|(text, role)| (text.as_str(), *role)).collect();
                put::pieces(buf, put::part(put::row(inner, row + down), 2, inner.width), theme, &pieces);
            }
        } else {
            step_row(buf, put::row(inner, row), theme, model, walk, step);
        }
        if is_open && focus {
            let place = Rect { y: inner.y + row, height: rows.min(inner.height - row), ..inner };
            buf.set_style(place, theme.style(Role::Selection));
        }
        row += rows;
    }
    if walk.ended.is_some() && row < inner.height {
        put::left(buf, put::row(inner, inner.height - 1), theme, &note, theme.style(Role::Good));
    }
}

fn none(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model, focus: bool) {
    rule::title(buf, area, theme, Title { name: "Runbook", focus, ..Title::default() });
    let inner = inside(area);
    if model.runbooks.is_empty() {
        put::left(
            buf,
            put::row(inner, 0),
            theme,
            "none is known here: --runbook FILE",
            theme.style(Role::Quiet),
        );
        return;
    }
    let key = model.keymap.label("walk").unwrap_or_default();
    put::pieces(buf, put::row(inner, 0), theme, &[(&key, Role::Key), (" starts one of these", Role::Quiet)]);
    for (row, book) in (1..inner.height).zip(&model.runbooks) {
        let steps = format!("{} steps", book.steps().count());
        put::ends(
            buf,
            put::row(inner, row),
            theme,
            &[(&one(&book.title), Role::Text)],
            (&steps, Role::Quiet),
        );
    }
}

/// The glyph of a step and its role.
fn mark(theme: &Theme, walk: &Walk, step: &Step) -> (&'static str, Role) {
    let glyphs = theme.glyphs();
    let state = walk.state(&step.id);
    let current = is_current(walk, step);
    match state.status {
        StepStatus::Done => match state.done.map(|end| end.how) {
            Some(How::Skipped | How::NotApplicable) => (glyphs.skipped, Role::Notice),
            _ => (glyphs.done, Role::Good),
        },
        StepStatus::Failed => (glyphs.failed, Role::Bad),
        StepStatus::Unknown => (glyphs.unknown, Role::Bad),
        StepStatus::Lent => (glyphs.current, Role::Notice),
        StepStatus::Todo if current => (glyphs.current, Role::Title),
        StepStatus::Todo => (" ", Role::Quiet),
    }
}

/// Below this the open step alone says all that there is of it, on lines of its own; the others keep their titles.
const NARROW: u16 = 60;
/// A value as long as this still stands beside the title where there is little room.
const SHORT: usize = 7;

/// How a step stands: the value seen, and what stands at the right of its row.
fn standing(theme: &Theme, model: &Model, walk: &Walk, step: &Step) -> (String, String, Role) {
    let state = walk.state(&step.id);
    let current = is_current(walk, step);
    let (right, role) = match (&state.status, &state.done) {
        (StepStatus::Done, Some(end)) => {
            let seen = match &end.how {
                How::Skipped => "skipped".into(),
                How::Manual => "by hand".into(),
                How::NotApplicable => "n/a".into(),
                How::Satisfied => "was so".into(),
                How::Chosen { label, .. } => one(label),
                _ => one(&end.seen),
            };
            let at = when::brief(end.at.wall, model.now.wall);
            let who = fit::cut(&one(&end.by), 6, theme.glyphs()).into_owned();
            return (seen, format!("{who:<4} {at}"), Role::Quiet);
        }
        (StepStatus::Failed, _) => ("FAILED".into(), Role::Bad),
        (StepStatus::Unknown, _) => ("UNKNOWN".into(), Role::Bad),
        (StepStatus::Lent, _) if state.asked.is_some() => ("waits approval".into(), Role::Notice),
        (StepStatus::Lent, _) => {
            let at = StepRef { walk: walk.id, step: step.id.clone() };
            let owner = state.lease.as_ref().map(|lease| one(&lease.owner.name)).unwrap_or_default();
            let holding = model.hands.get(&at).and_then(|show| show.holding.as_ref());
            match (holding, &state.lease) {
                (Some(hold), _) => (
                    format!("{} {} of {}", one(&hold.seen), hold.held.brief(), hold.wanted.brief()),
                    Role::Notice,
                ),
                (None, Some(lease)) => {
                    (format!("{owner} {}", lease.at.elapsed(&model.now).brief()), Role::Notice)
                }
                (None, None) => (owner, Role::Notice),
            }
        }
        _ if current => {
            let left = match &step.lead {
                Some(crate::domain::plan::Lead::Wait(Some(span))) => {
                    walk.at_since.plus(*span).until(&model.now).brief() + " left"
                }
                _ => String::new(),
            };
            (left, Role::Notice)
        }
        _ => (String::new(), Role::Quiet),
    };
    (String::new(), right, role)
}

fn is_current(walk: &Walk, step: &Step) -> bool {
    walk.current().is_some_and(|at| at.id == step.id) && walk.ended.is_none()
}

fn title_role(walk: &Walk, step: &Step) -> Role {
    match walk.status(&step.id) {
        _ if is_current(walk, step) => Role::Title,
        StepStatus::Lent => Role::Title,
        StepStatus::Todo => Role::Text,
        _ => Role::Quiet,
    }
}

fn titled(walk: &Walk, step: &Step) -> String {
    format!("{} {}", number(walk, &step.id), one(&walk.title(step)))
}

/// The open step where there is little room: its title whole, on two lines at most, and how it stands below.
fn opened(theme: &Theme, model: &Model, walk: &Walk, step: &Step, width: u16) -> Vec<Vec<(String, Role)>> {
    let room = usize::from(width.saturating_sub(2));
    let role = title_role(walk, step);
    let indent = "  ";
    let mut lines = Vec::new();
    let mut rest = fit::wrap(&titled(walk, step), room.saturating_sub(indent.len())).into_iter();
    lines.extend(rest.next().map(|line| vec![(line, role)]));
    let second = rest.collect::<Vec<_>>().join(" ");
    if !second.is_empty() {
        lines.push(vec![(format!("{indent}{second}"), role)]);
    }
    let (seen, right, right_role) = standing(theme, model, walk, step);
    let right = right.split_whitespace().collect::<Vec<_>>().join(" ");
    match (seen.is_empty(), right.is_empty()) {
        (true, true) => {}
        (true, false) => lines.push(vec![(format!("{indent}{right}"), right_role)]),
        (false, _) => {
            let left = room.saturating_sub(indent.len() + 2 + fit::width(&right));
            let seen = fit::cut(&seen, left, theme.glyphs()).into_owned();
            lines.push(vec![(format!("{indent}{seen}"), Role::Calm), (format!("  {right}"), right_role)]);
        }
    }
    lines
}

fn step_row(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model, walk: &Walk, step: &Step) {
    let (glyph, role) = mark(theme, walk, step);
    put::left(buf, put::part(area, 0, 1), theme, glyph, theme.style(role));
    let (mut seen, mut right, right_role) = standing(theme, model, walk, step);
    if area.width < NARROW && walk.status(&step.id) == StepStatus::Done {
        // The title tells which step it is; what is longer than a word is shown when the step is opened.
        if fit::width(&seen) > SHORT {
            seen.clear();
        }
        right = right.rsplit(' ').next().unwrap_or_default().to_owned();
    }
    let title = titled(walk, step);
    let seen = if seen.is_empty() { seen } else { format!("  {seen}") };
    // The value seen stands beside the tick, whole where that leaves the beginning of the title, else cut.
    let room = usize::from(area.width).saturating_sub(3 + fit::width(&right));
    let left = room.saturating_sub(fit::width(&title).min(16));
    let seen = if left < 8 { String::new() } else { fit::cut(&seen, left, theme.glyphs()).into_owned() };
    let title = fit::cut(&title, room.saturating_sub(fit::width(&seen)), theme.glyphs()).into_owned();
    let pieces = [(title.as_str(), title_role(walk, step)), (seen.as_str(), Role::Calm)];
    put::ends(buf, put::part(area, 2, area.width), theme, &pieces, (&right, right_role));
}
