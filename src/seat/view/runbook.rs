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
    let first = super::window(listed.len(), usize::from(inner.height), at);
    for (row, step) in (0..inner.height).zip(listed.iter().skip(first)) {
        let place = put::row(inner, row);
        step_row(buf, place, theme, model, walk, step);
        if Some(step.id.as_str()) == open && focus {
            buf.set_style(place, theme.style(Role::Selection));
        }
    }
    let shown = u16::try_from(listed.len().saturating_sub(first)).unwrap_or(u16::MAX);
    if walk.ended.is_some() && shown < inner.height {
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
    let current = walk.current().is_some_and(|at| at.id == step.id) && walk.ended.is_none();
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

fn step_row(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model, walk: &Walk, step: &Step) {
    let (glyph, role) = mark(theme, walk, step);
    let state = walk.state(&step.id);
    let current = walk.current().is_some_and(|at| at.id == step.id) && walk.ended.is_none();
    put::left(buf, put::part(area, 0, 1), theme, glyph, theme.style(role));
    let mut seen = String::new();
    let (right, right_role) = match (&state.status, &state.done) {
        (StepStatus::Done, Some(end)) => {
            seen = match &end.how {
                How::Skipped => "skipped".into(),
                How::Manual => "by hand".into(),
                How::NotApplicable => "n/a".into(),
                How::Satisfied => "was so".into(),
                How::Chosen { label, .. } => one(label),
                _ => one(&end.seen),
            };
            let who = one(&end.by);
            let at = when::brief(end.at.wall, model.now.wall);
            let who = fit::cut(&who, 6, theme.glyphs()).into_owned();
            (format!("{who:<4} {at}"), Role::Quiet)
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
    let text = if current || state.status == StepStatus::Lent {
        Role::Title
    } else if state.status == StepStatus::Todo {
        Role::Text
    } else {
        Role::Quiet
    };
    let title = format!("{} {}", number(walk, &step.id), one(&step.title));
    let seen = if seen.is_empty() { seen } else { format!("  {seen}") };
    // The value seen stands beside the tick, whole where that leaves the beginning of the title, else cut.
    let room = usize::from(area.width).saturating_sub(3 + fit::width(&right));
    let left = room.saturating_sub(fit::width(&title).min(16));
    let seen = if left < 8 { String::new() } else { fit::cut(&seen, left, theme.glyphs()).into_owned() };
    let title = fit::cut(&title, room.saturating_sub(fit::width(&seen)), theme.glyphs()).into_owned();
    let pieces = [(title.as_str(), text), (seen.as_str(), Role::Calm)];
    put::ends(buf, put::part(area, 2, area.width), theme, &pieces, (&right, right_role));
}
