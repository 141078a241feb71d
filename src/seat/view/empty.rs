//! A room that watches nothing yet: what it could watch, and the keys that come next.

use super::{
    inset,
    widget::{
        fit, put,
        rule::{self, Title},
    },
};
use crate::{
    seat::model::{Conn, Model, entry::one},
    theme::{Role, Theme},
};
use ratatui::{buffer::Buffer, layout::Rect};

/// Flags that make a room watch something.
const FLAGS: [(&str, &str); 5] = [
    ("--prom URL", "a Prometheus or VictoriaMetrics server"),
    ("--scrape URL", "a /metrics address, asked directly"),
    ("--log 'app*.log'", "log files, followed through rotation"),
    ("--release DIR", "a directory with releases/ and current"),
    ("--runbook FILE", "Markdown, walked as a checklist"),
];

/// Draws it.
pub fn draw(buf: &mut Buffer, area: Rect, theme: &Theme, model: &Model) {
    let inner = Rect { y: area.y + 2.min(area.height), height: area.height.saturating_sub(2), ..inset(area) };
    if !model.loaded {
        rule::title(buf, area, theme, Title { name: "Looking for the room", ..Title::default() });
        let text = match &model.conn {
            Conn::Down { why, .. } => one(why),
            _ => "it is being asked for its state".into(),
        };
        for (row, line) in (0..inner.height).zip(fit::wrap(&text, usize::from(inner.width))) {
            put::left(buf, put::row(inner, row), theme, &line, theme.style(Role::Quiet));
        }
        return;
    }
    rule::title(buf, area, theme, Title { name: "This room watches nothing yet", ..Title::default() });
    let label = |name: &str| model.keymap.label(name).unwrap_or_default();
    let mut row = 0;
    let mut line = |buf: &mut Buffer, pieces: &[(&str, Role)]| {
        put::pieces(buf, put::row(inner, row), theme, pieces);
        row += 1;
    };
    if model.could_watch.is_empty() {
        line(
            buf,
            &[
                ("Leave with ", Role::Text),
                (&label("leave"), Role::Key),
                (" and come back with any of these:", Role::Text),
            ],
        );
    } else {
        line(buf, &[("Found here, and not watched yet:", Role::Text)]);
        for found in model.could_watch.iter().take(4) {
            line(buf, &[("  ", Role::Text), (&one(found), Role::Title)]);
        }
        line(buf, &[]);
        line(buf, &[("What can be watched:", Role::Text)]);
    }
    for (flag, what) in FLAGS {
        line(buf, &[(&format!("  warroom {flag:<18}"), Role::Title), (what, Role::Quiet)]);
    }
    line(buf, &[]);
    for (name, what) in [
        ("declare", "declare an incident: people, clocks and a timeline work without signals"),
        ("walk", "start a runbook"),
        ("help", "what every key does"),
    ] {
        line(buf, &[("  ", Role::Text), (&label(name), Role::Key), ("  ", Role::Text), (what, Role::Text)]);
    }
    line(buf, &[]);
    line(
        buf,
        &[
            ("  warroom drill ", Role::Title),
            ("plays through a bad release of a practice world", Role::Quiet),
        ],
    );
}
