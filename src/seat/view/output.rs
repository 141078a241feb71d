//! The open step: its words, what it runs and where, how its blocks ended, and what it prints.

use super::{
    inside,
    widget::{
        fit, progress, put,
        rule::{self, Title},
    },
};
use crate::{
    domain::{
        plan::{Block, BlockKind, Lead, Risk, Step},
        walk::{BlockResult, StepStatus, Walk, approval, sequence},
    },
    seat::model::{Model, Pane, StepRef, entry::one, find::number},
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

type Line = (String, Role);

/// Draws the pane.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let focus = model.ui.has(Pane::Output);
    let Some((walk, step)) = model.step() else {
        rule::title(buf, area, theme, Title { name: "Open step", focus, ..Title::default() });
        put::left(buf, put::row(inside(area), 0), theme, "no step is open", theme.style(Role::Quiet));
        return;
    };
    let state = walk.state(&step.id);
    let at = StepRef { walk: walk.id, step: step.id.clone() };
    let name = format!("Step {}", number(walk, &step.id));
    let note = status(model, walk, step);
    rule::title(buf, area, theme, Title { name: &name, detail: &one(&walk.title(step)), note: &note, focus });
    let inner = inside(area);
    let wide = usize::from(inner.width);
    let show = model.hands.get(&at);
    let tail: Vec<&String> = show.map(|show| show.tail.iter().collect()).unwrap_or_default();
    let mut head = words(walk, step, wide);
    for block in step.blocks.iter().filter(|block| block.kind != BlockKind::Sample) {
        if block.kind == BlockKind::Undo && state.lease.as_ref().is_none_or(|lease| !lease.undo) {
            continue;
        }
        head.extend(block_lines(walk, step, block, theme, wide, tail.is_empty()));
    }
    let holding = show.and_then(|show| show.holding.as_ref());
    let reserve = usize::from(holding.is_some())
        + if tail.is_empty() { 0 } else { (tail.len() + 1).min(usize::from(inner.height) / 2) };
    let most = usize::from(inner.height).saturating_sub(reserve);
    if head.len() > most && most > 0 {
        let more = head.len() - most + 1;
        head.truncate(most - 1);
        head.push((format!("{more} lines more"), Role::Quiet));
    }
    let mut row = 0;
    for (text, role) in &head {
        put::left(buf, put::row(inner, row), theme, text, theme.style(*role));
        row += 1;
    }
    if let Some(hold) = holding {
        let place = put::row(inner, row);
        let text = format!("{} for {} of {}", hold.seen, hold.held.brief(), hold.wanted.brief());
        let used = put::left(buf, place, theme, &text, theme.style(Role::Notice));
        let share = hold.held.as_secs_f64() / hold.wanted.as_secs_f64().max(0.001);
        progress::draw(buf, put::part(place, used + 2, 24), theme, share, Role::Good);
        row += 1;
    }
    if tail.is_empty() || row >= inner.height {
        return;
    }
    let room = Rect { y: inner.y + row, height: inner.height - row, ..inner };
    let back = model.ui.output_back.min(tail.len().saturating_sub(1));
    let label = if back > 0 {
        format!("printed  {back} lines below {}", theme.glyphs().below)
    } else {
        "printed".into()
    };
    put::left(buf, put::row(room, 0), theme, &label, theme.style(Role::Quiet));
    let rows = usize::from(room.height.saturating_sub(1));
    let end = tail.len() - back;
    let first = end.saturating_sub(rows);
    for (n, line) in (1..room.height).zip(tail.iter().take(end).skip(first)) {
        put::left(buf, put::row(room, n), theme, line, theme.style(Role::Text));
    }
}

fn status(model: &Model, walk: &Walk, step: &Step) -> String {
    let state = walk.state(&step.id);
    let owner = state.lease.as_ref().map(|lease| format!("{}@{}", one(&lease.owner.name), one(&lease.host)));
    match state.status {
        StepStatus::Todo => match step.risk() {
            Risk::Low => "open".into(),
            Risk::High => "high risk".into(),
            Risk::Irreversible => "cannot be taken back".into(),
        },
        StepStatus::Lent if state.asked.is_some() => "waits for approval".into(),
        StepStatus::Lent => {
            let at = StepRef { walk: walk.id, step: step.id.clone() };
            let left = model.hands.get(&at).and_then(|show| show.until).map(|until| {
                let left = crate::domain::time::Span::between(model.now.wall, until);
                if left == crate::domain::time::Span::ZERO {
                    "  over its time".into()
                } else {
                    format!("  {} left", left.brief())
                }
            });
            format!("{}{}", owner.unwrap_or_default(), left.unwrap_or_default())
        }
        StepStatus::Done => "done".into(),
        StepStatus::Failed => "FAILED".into(),
        StepStatus::Unknown => "UNKNOWN".into(),
    }
}

fn words(walk: &Walk, step: &Step, wide: usize) -> Vec<Line> {
    let mut out = Vec::new();
    if !step.text.trim().is_empty() {
        out.extend(fit::wrap(&one(&step.text), wide).into_iter().map(|line| (line, Role::Text)));
    }
    match &step.lead {
        Some(Lead::Confirm(by)) => {
            out.push((format!("to be confirmed{}: Enter", by_whom(&by.roles)), Role::Notice));
        }
        Some(Lead::Decide(choices)) => {
            out.push(("to be decided: Enter".into(), Role::Notice));
            out.extend(choices.iter().map(|choice| {
                (format!("  {} goes on with {}", one(&choice.label), one(&choice.to)), Role::Text)
            }));
        }
        Some(Lead::Wait(None)) => out.push(("wait until somebody says so: Enter".into(), Role::Notice)),
        Some(Lead::Wait(Some(span))) => out.push((format!("wait {}", span.brief()), Role::Notice)),
        _ => {}
    }
    if let Some((text, by)) = approval::wanted(step) {
        let given = approval::is_given(walk, step);
        let word = if given { "approved" } else { "wants approval" };
        out.push((
            format!("{word}{}: {}", by_whom(&by.roles), one(text)),
            if given { Role::Good } else { Role::Notice },
        ));
    }
    let missing = walk.missing(step);
    if !missing.is_empty() && walk.status(&step.id) == StepStatus::Todo && step.runs() {
        out.push((format!("no value yet for {}", missing.join(", ")), Role::Notice));
    }
    out
}

fn by_whom(roles: &[String]) -> String {
    if roles.is_empty() { String::new() } else { format!(" by {}", roles.join(" or ")) }
}

fn block_lines(
    walk: &Walk,
    step: &Step,
    block: &Block,
    theme: &Theme,
    wide: usize,
    whole: bool,
) -> Vec<Line> {
    let state = walk.state(&step.id);
    let glyphs = theme.glyphs();
    let done = sequence::result(&state, block);
    let running = state.intent.as_ref().is_some_and(|intent| intent.block == block.id);
    let kind = match block.kind {
        BlockKind::Guard => "guard",
        BlockKind::Check => "check",
        BlockKind::Verify => "verify",
        BlockKind::Expect => "expect",
        BlockKind::Undo => "undo",
        BlockKind::Run | BlockKind::Sample => "run",
    };
    let (glyph, role, result) = match done {
        Some(done) => {
            let (glyph, role, word) = match done.result {
                BlockResult::Passed => (glyphs.done, Role::Good, ""),
                BlockResult::Failed if block.kind == BlockKind::Guard => {
                    (glyphs.skipped, Role::Quiet, "not so yet ")
                }
                BlockResult::Failed => (glyphs.failed, Role::Bad, "failed "),
                BlockResult::TimedOut => (glyphs.failed, Role::Bad, "killed at its limit "),
                BlockResult::Cancelled => (glyphs.failed, Role::Bad, "cancelled "),
                BlockResult::CouldNotStart => (glyphs.failed, Role::Bad, "could not start "),
            };
            (glyph, role, format!("  {word}{}  {}", done.took.brief(), one(&done.seen)))
        }
        None if running => (glyphs.current, Role::Notice, "  running".into()),
        None => (" ", Role::Quiet, String::new()),
    };
    let host = block.host.as_deref().map(|host| format!(" on {}", one(host))).unwrap_or_default();
    let hold = block.hold.map(|hold| format!(" for {}", hold.brief())).unwrap_or_default();
    let edited = if walk.edits.contains_key(&block.id) { "  EDITED" } else { "" };
    let role = if done.is_none() && !running { Role::Quiet } else { role };
    let head = format!("{glyph} {kind} {}{host}{hold}{edited}{result}", one(&block.id));
    let mut out = vec![(fit::cut(&head, wide, glyphs).into_owned(), role)];
    // Code that has run gives way to what it printed.
    if done.is_none() || whole {
        let code = walk.as_shown(step, block);
        let most = if done.is_some() { 2 } else { 14 };
        let lines = code.lines().count();
        out.extend(code.lines().take(most).flat_map(|line| {
            let parts = fit::wrap(&crate::domain::text::line(line), wide.saturating_sub(6).max(8));
            parts
                .into_iter()
                .enumerate()
                .map(|(at, part)| (format!("{}{part}", if at == 0 { "    " } else { "      " }), Role::Text))
        }));
        if lines > most {
            out.push((format!("    {} lines more", lines - most), Role::Quiet));
        }
    }
    out
}
