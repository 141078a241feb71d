//! A service's scorecard: what each check says, when it was asked, and the record below.

use super::widget::put;
use crate::{
    domain::{
        readiness::Line,
        scorecard::{self, Scorecard},
        verdict::Verdict,
    },
    seat::model::{Model, View, entry::one},
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Columns from which on it is told when a check was asked last: what it is called comes first.
const WIDE: u16 = 60;

/// Draws the scorecard of a service, or of all where none is named, from a row on; gives the row after it. Nothing
/// where there is none, in a view that has no room for it, and while the time cursor stands in the past: it is of now.
pub fn draw(
    buf: &mut Buffer,
    area: Rect,
    from: u16,
    theme: &Theme,
    model: &Model,
    service: Option<&str>,
) -> u16 {
    let mut row = from;
    if model.ui.view != View::Releases || model.then().is_some() {
        return row;
    }
    for known in scorecard::services(&model.state).iter().filter(|own| service.is_none_or(|one| one == *own))
    {
        let card = scorecard::scorecard(&model.state, known, &model.now);
        row = one_card(buf, area, row, theme, model, &card);
    }
    row
}

/// The role of a verdict.
fn role(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Yes => Role::Good,
        Verdict::No => Role::Bad,
        Verdict::Unknown => Role::Notice,
    }
}

fn one_card(buf: &mut Buffer, area: Rect, from: u16, theme: &Theme, model: &Model, card: &Scorecard) -> u16 {
    let mut row = from;
    let word = if card.lines.is_empty() { Role::Quiet } else { role(card.ready) };
    put::pieces(
        buf,
        put::row(area, row),
        theme,
        &[
            ("readiness of ", Role::Quiet),
            (&one(&card.service), Role::Text),
            (" ", Role::Text),
            (card.word(), word),
        ],
    );
    row += 1;
    for line in &card.lines {
        let verdict = format!("{:<8}", line.verdict);
        put::ends(
            buf,
            put::row(area, row),
            theme,
            &[
                (&verdict, role(line.verdict)),
                (&one(&line.check), Role::Text),
                ("  ", Role::Text),
                (&one(&line.seen), Role::Quiet),
            ],
            (&age(line, model, area.width >= WIDE), Role::Quiet),
        );
        row += 1;
    }
    if let Some(words) = card.record_words(&model.now) {
        put::pieces(buf, put::row(area, row), theme, &[(&one(&words), Role::Quiet)]);
        row += 1;
    }
    row
}

/// How old it is: since when it says so, and, where there is room, when it was asked last.
fn age(line: &Line, model: &Model, wide: bool) -> String {
    let view = model.live.checks.get(&format!("{}/{}", line.service, line.check));
    let asked = view
        .filter(|_| wide || line.since.is_none())
        .map(|view| format!("asked {} ago", view.at.elapsed(&model.now).brief()));
    let since = line
        .since
        .map(|at| format!("for {}", crate::domain::time::Span::between(at, model.now.wall).brief()));
    since.into_iter().chain(asked).collect::<Vec<_>>().join(", ")
}
