//! What runs where, what lies ready; freezes, their leases and what they refused.

use super::{
    health, inside, scorecard,
    widget::{
        fit, put,
        rule::{self, Title},
    },
};
use crate::{
    domain::time::{Wall, minute_utc},
    seat::model::{Model, Pane, View, entry::one, when},
    signal::{ReleaseView, release::Artifact},
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Draws the releases: those of now, or of the time cursor where it stands in the past.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let focus = model.ui.has(Pane::Releases);
    let released = model.released();
    rule::title(
        buf,
        area,
        theme,
        Title { name: "Releases", note: &cursor(model), focus, ..Title::default() },
    );
    let inner = inside(area);
    if released.is_empty() {
        put::left(buf, put::row(inner, 0), theme, "none is watched: --release DIR", theme.style(Role::Quiet));
        scorecard::draw(buf, inner, 2, theme, model, None);
        return;
    }
    let shown: Vec<_> = match model.then() {
        Some(then) => model.released_at(then).iter().map(|one| health::ran(model, one)).collect(),
        None => released.iter().map(health::runs).collect(),
    };
    let mut row = 0;
    for (at, (pieces, known)) in shown.iter().zip(&released).enumerate() {
        if row >= inner.height {
            return;
        }
        let place = put::row(inner, row);
        let shown: Vec<(&str, Role)> = pieces.iter().map(|(text, role)| (text.as_str(), *role)).collect();
        let used: usize = shown.iter().map(|(text, _)| fit::width(text)).sum();
        let env = if used + known.env.len() + 2 <= usize::from(inner.width) {
            one(&known.env)
        } else {
            String::new()
        };
        put::ends(buf, place, theme, &shown, (&env, Role::Quiet));
        if focus && at == model.ui.release {
            buf.set_style(place, theme.style(Role::Selection));
        }
        row += 1;
    }
    if model.ui.view != View::Releases {
        return;
    }
    let Some(picked) = released.get(model.ui.release) else { return };
    row = scorecard::draw(buf, inner, row + 1, theme, model, Some(&picked.service)).max(row + 1) - 1;
    let Some(view) = model.live.releases.get(&format!("{}/{}", picked.service, picked.env)) else { return };
    row += 1;
    put::pieces(
        buf,
        put::row(inner, row),
        theme,
        &[("lies in ", Role::Quiet), (&one(&view.place), Role::Text)],
    );
    row += 1;
    if model.then().is_some() {
        let text = "what lay ready then is not recorded; Esc is back to now";
        for (row, line) in (row..inner.height).zip(fit::wrap(text, usize::from(inner.width))) {
            put::left(buf, put::row(inner, row), theme, &line, theme.style(Role::Quiet));
        }
        return;
    }
    for artifact in &view.ready {
        ready(buf, put::row(inner, row), theme, model, view, artifact);
        row += 1;
    }
}

/// `cursor 13:50:00Z`, where it stands in the past.
fn cursor(model: &Model) -> String {
    model.then().map(|at| format!("cursor {}", at.format("%H:%M:%SZ"))).unwrap_or_default()
}

/// An artifact that lies ready.
fn ready(
    buf: &mut Buffer,
    place: Rect,
    theme: &Theme,
    model: &Model,
    view: &ReleaseView,
    artifact: &Artifact,
) {
    let current = view.current.as_ref() == Some(artifact);
    let previous = view.previous.as_ref() == Some(artifact);
    let word = if current {
        "runs"
    } else if previous {
        "ran before"
    } else {
        ""
    };
    let revision = artifact
        .revision
        .as_deref()
        .map(|text| one(text).chars().take(10).collect::<String>())
        .unwrap_or_default();
    let built = artifact.built.map(|at| when::minute(at, model.now.wall)).unwrap_or_default();
    let lead = if current { theme.glyphs().current } else { " " };
    let role = if current { Role::Title } else { Role::Text };
    put::ends(
        buf,
        place,
        theme,
        &[
            (lead, Role::Key),
            (" ", Role::Text),
            (&one(&artifact.version), role),
            ("  ", Role::Text),
            (&revision, Role::Quiet),
            ("  ", Role::Text),
            (word, Role::Good),
        ],
        (&built, Role::Quiet),
    );
}

/// A row: its pieces, what stands at its right end, and which freeze it selects.
type Line = (Vec<(String, Role)>, String, Option<usize>);

/// Draws the freezes that held at the time cursor. What they had refused by then is not kept apart.
fn froze(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model, then: Wall) {
    let focus = model.ui.has(Pane::Freezes);
    rule::title(buf, area, theme, Title { name: "Freezes", detail: "", note: &cursor(model), focus });
    let inner = inside(area);
    let held = model.frozen_at(then);
    let minute = |at| when::minute(at, model.now.wall);
    let mut row = 0;
    for freeze in &held {
        let end = match &freeze.over {
            Some(over) => format!("{} to {}", minute(freeze.began.wall), minute(over.wall)),
            None => format!("since {}", minute(freeze.began.wall)),
        };
        let pieces =
            [(&*format!("{} ", freeze.id), Role::Frozen), (&*one(&freeze.scope.label()), Role::Title)];
        put::ends(buf, put::row(inner, row), theme, &pieces, (&end, Role::Quiet));
        let why = format!("  by {}: {}", one(&freeze.owner), one(&freeze.reason));
        put::left(buf, put::row(inner, row + 1), theme, &why, theme.style(Role::Text));
        row += 2;
    }
    if held.is_empty() {
        put::left(buf, put::row(inner, 0), theme, "nothing was frozen then", theme.style(Role::Quiet));
    }
}

/// Draws the freezes.
pub fn freezes(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    if let Some(then) = model.then() {
        return froze(buf, area, theme, model, then);
    }
    let focus = model.ui.has(Pane::Freezes);
    let holding = model.freezes();
    let gate = model
        .room
        .as_ref()
        .and_then(|room| room.gate.as_deref())
        .map_or("gate does not listen".into(), |at| format!("gate {}", one(at)));
    rule::title(buf, area, theme, Title { name: "Freezes and gate", detail: "", note: &gate, focus });
    let inner = inside(area);
    let mut lines: Vec<Line> = Vec::new();
    for (at, freeze) in holding.iter().enumerate() {
        let left = freeze.ends.until(&model.now).brief();
        lines.push((
            vec![(format!("{} ", freeze.id), Role::Frozen), (one(&freeze.scope.label()), Role::Title)],
            format!("{left} left, to {}", minute_utc(freeze.ends.wall)),
            Some(at),
        ));
        let proved = freeze
            .proved
            .as_ref()
            .map_or(("NOT proved: no dry run was refused".to_owned(), Role::Notice), |at| {
                (format!("proved {}", minute_utc(at.wall)), Role::Good)
            });
        lines.push((
            vec![(format!("  by {}: {}", one(&freeze.owner), one(&freeze.reason)), Role::Text)],
            String::new(),
            None,
        ));
        lines.push((
            vec![(format!("  {} refused, {} passed  ", freeze.refused, freeze.passed), Role::Text), proved],
            String::new(),
            None,
        ));
        for exempt in &freeze.exemptions {
            let text = format!(
                "  may pass: {}, by {}: {}",
                one(&exempt.artifact),
                one(&exempt.by),
                one(&exempt.reason)
            );
            lines.push((vec![(text, Role::Notice)], String::new(), None));
        }
    }
    if holding.is_empty() {
        let key = model.keymap.label("freeze").unwrap_or_default();
        lines.push((
            vec![
                ("nothing is frozen; ".into(), Role::Quiet),
                (key, Role::Key),
                (" freezes".into(), Role::Quiet),
            ],
            String::new(),
            None,
        ));
    }
    let over = model.state.freezes.values().rev().filter(|freeze| !freeze.holds()).take(6);
    for freeze in over {
        let at = freeze.over.as_ref().map(|at| when::minute(at.wall, model.now.wall)).unwrap_or_default();
        let how = if freeze.hold == crate::domain::freeze::Hold::Expired { "expired" } else { "lifted" };
        lines.push((
            vec![(
                format!("{} {}  {how}, {} refused", freeze.id, one(&freeze.scope.label()), freeze.refused),
                Role::Quiet,
            )],
            at,
            None,
        ));
    }
    for (row, (pieces, right, index)) in (0..inner.height).zip(&lines) {
        let shown: Vec<(&str, Role)> = pieces.iter().map(|(text, role)| (text.as_str(), *role)).collect();
        let place = put::row(inner, row);
        put::ends(buf, place, theme, &shown, (right, Role::Quiet));
        if focus && *index == Some(model.ui.freeze) {
            buf.set_style(place, theme.style(Role::Selection));
        }
    }
}
