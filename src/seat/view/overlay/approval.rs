//! Dangerous acts: one sentence, exactly what will run, and what it takes.

use super::{briefing, frame};
use crate::{
    domain::Command,
    seat::{
        command::act::walk,
        model::{
            Model,
            entry::one,
            find::number,
            layer::{Act, Approval, Confirm},
        },
        view::widget::{field, fit, put},
    },
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Lines from `top` on; where not all fit, the last row says how many are above and below.
fn lines(buf: &mut Buffer, area: Rect, theme: &Theme, all: &[(String, Role)], top: usize) {
    let rows = usize::from(area.height);
    let cut = all.len() > rows;
    let shown = if cut { rows.saturating_sub(1) } else { rows };
    let top = top.min(all.len().saturating_sub(shown));
    for (row, (text, role)) in (0..area.height).zip(all.iter().skip(top).take(shown)) {
        put::left(buf, put::row(area, row), theme, text, theme.style(*role));
    }
    if cut {
        let more = format!("{top} lines above, {} below: Up and Down", all.len().saturating_sub(top + shown));
        let last = put::row(area, area.height.saturating_sub(1));
        put::left(buf, last, theme, &more, theme.style(Role::Notice));
    }
}

fn code(all: &[String]) -> Vec<(String, Role)> {
    all.iter()
        .map(|line| (line.clone(), if line.starts_with(' ') { Role::Text } else { Role::Quiet }))
        .collect()
}

/// A confirmation.
pub fn confirm(buf: &mut Buffer, body: Rect, theme: &Theme, confirm: &Confirm) -> Option<(u16, u16)> {
    let wide = usize::from(body.width.saturating_sub(2));
    let sentence = fit::wrap(&one(&confirm.sentence), wide);
    let offered = confirm.typed.as_deref() == Some(crate::domain::handover::SAY);
    let name = if offered { "Command is offered to you" } else { "Are you sure?" };
    let is_briefing =
        matches!(&confirm.act, Act::Do(command, _) if matches!(**command, Command::Handover(_)));
    let all = if is_briefing {
        // What the frame, the sentence and the last line leave.
        let rows = usize::from(body.height).saturating_sub(sentence.len() + 4);
        briefing::shown(&confirm.lines, wide, rows, confirm.top, theme.glyphs())
    } else {
        code(&confirm.lines)
    };
    let top = if is_briefing { 0 } else { confirm.top };
    let rows = sentence.len() + all.len() + 3;
    let inner = frame(buf, body, theme, name, u16::try_from(rows).unwrap_or(u16::MAX));
    let mut row = 0;
    for line in &sentence {
        put::left(buf, put::row(inner, row), theme, line, theme.style(Role::Notice));
        row += 1;
    }
    let last = inner.height.saturating_sub(1);
    let middle = Rect { y: inner.y + row + 1, height: last.saturating_sub(row + 1), ..inner };
    lines(buf, middle, theme, &all, top);
    let place = put::row(inner, last);
    if let Some(name) = &confirm.typed {
        let used = put::pieces(
            buf,
            place,
            theme,
            &[("type ", Role::Text), (name, Role::Bad), (" to do it: ", Role::Text)],
        );
        field::draw(buf, put::part(place, used, place.width), theme, &confirm.field, "")
    } else {
        put::pieces(
            buf,
            place,
            theme,
            &[("y", Role::Key), (" does it   ", Role::Text), ("Esc", Role::Key), (" goes back", Role::Text)],
        );
        None
    }
}

/// An approval: what runs, where, as whom, with which values.
pub fn approval(
    buf: &mut Buffer,
    body: Rect,
    theme: &Theme,
    model: &Model,
    open: &Approval,
) -> Option<(u16, u16)> {
    let inner = frame(buf, body, theme, "Approval", body.height);
    let found = model.state.walks.get(&open.at.walk)?;
    let step = found.runbook.step(&open.at.step)?;
    let state = found.state(&open.at.step);
    let asked = state.asked.as_ref()?;
    let wide = usize::from(inner.width);
    let mut all: Vec<(String, Role)> = Vec::new();
    all.extend(fit::wrap(&one(&found.filled(&asked.text)), wide).into_iter().map(|line| (line, Role::Title)));
    let lease = state.lease.as_ref();
    let host = lease.map(|lease| one(&lease.host)).unwrap_or_default();
    let owner = lease.map(|lease| one(&lease.owner.name)).unwrap_or_default();
    let uid = lease.and_then(|lease| lease.owner.uid).map(|uid| format!(" (uid {uid})")).unwrap_or_default();
    all.push((
        format!(
            "step {} \"{}\", as {owner}{uid} on {host}",
            number(found, &step.id),
            one(&found.title(step))
        ),
        Role::Text,
    ));
    let roles = if asked.by.roles.is_empty() { "anybody else".into() } else { asked.by.roles.join(" or ") };
    let by = format!(
        "asked by {} {} ago, of {roles}",
        one(&asked.requester.name),
        asked.at.elapsed(&model.now).brief()
    );
    all.push((by, Role::Quiet));
    let values: Vec<String> =
        found.entered(&step.id).iter().map(|(name, value)| format!("{name}={}", one(value))).collect();
    all.extend(fit::wrap(&values.join("  "), wide).into_iter().map(|line| (line, Role::Calm)));
    if model.is_shared() && walk::is_requester(model, &open.at) {
        let me =
            model.me.as_ref().and_then(|me| me.uid).map(|uid| format!(" (uid {uid})")).unwrap_or_default();
        let why = format!(
            "Everybody at this shared terminal is {}{me}. Who approves comes from a login of their own.",
            one(model.my_name())
        );
        all.extend(fit::wrap(&why, wide).into_iter().map(|line| (line, Role::Notice)));
    }
    all.push((format!("digest {}", asked.digest.short()), Role::Quiet));
    all.push((String::new(), Role::Text));
    all.extend(code(&walk::will_run(found, step, lease.is_some_and(|lease| lease.undo))));
    let foot = if open.glass.is_some() { 4 } else { 2 };
    lines(buf, Rect { height: inner.height.saturating_sub(foot), ..inner }, theme, &all, open.top);
    let foot = Rect { y: inner.bottom().saturating_sub(foot - 1).max(inner.y), height: foot - 1, ..inner };
    let Some((target, reason, second)) = &open.glass else {
        let alone = walk::is_requester(model, &open.at);
        let first: &[(&str, Role)] = if alone {
            &[("You asked for it: another person approves.   ", Role::Notice)]
        } else {
            &[("y", Role::Key), (" approves   ", Role::Text), ("n", Role::Key), (" rejects   ", Role::Text)]
        };
        let rest = [
            ("b", Role::Key),
            (" breaks the glass   ", Role::Text),
            ("Esc", Role::Key),
            (" goes back", Role::Text),
        ];
        let all: Vec<(&str, Role)> = first.iter().copied().chain(rest).collect();
        put::pieces(buf, put::row(foot, 0), theme, &all);
        return None;
    };
    let name = one(&found.target(step));
    put::pieces(
        buf,
        put::row(foot, 0),
        theme,
        &[
            (" BREAK THE GLASS ", Role::Worst),
            (" loud on every seat, a deviation in the draft", Role::Notice),
        ],
    );
    let label = format!("type {name}: ");
    let used = put::left(buf, put::row(foot, 1), theme, &label, theme.style(Role::Text));
    let first = field::draw(buf, put::part(put::row(foot, 1), used, foot.width), theme, target, "");
    let used = put::left(buf, put::row(foot, 2), theme, "reason: ", theme.style(Role::Text));
    let then = field::draw(
        buf,
        put::part(put::row(foot, 2), used, foot.width),
        theme,
        reason,
        "why nobody else can approve",
    );
    if *second { then } else { first }
}
