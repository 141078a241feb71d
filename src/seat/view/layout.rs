//! Where panes stand: from the terminal's size and the length of the runbook, so that nothing moves while one reads.

use crate::seat::model::{Model, Pane, View};
use ratatui::layout::Rect;

/// Below this nothing but one line is shown.
pub const SMALLEST: (u16, u16) = (60, 16);
/// Rows of the console at the top.
pub const CONSOLE: u16 = 7;

/// A pane and where it stands, its title line included.
pub type Placed = (Pane, Rect);

/// The whole screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The console.
    pub console: Rect,
    /// The coach's line above the footer; empty where it is silent.
    pub coach: Rect,
    /// The last row.
    pub footer: Rect,
    /// Between console and footer.
    pub body: Rect,
    /// Panes of the view.
    pub panes: Vec<Placed>,
}

/// Whether the terminal is too small for more than a line.
pub fn too_small((width, height): (u16, u16)) -> bool {
    width < SMALLEST.0 || height < SMALLEST.1
}

/// Where everything stands.
pub fn layout(area: Rect, model: &Model) -> Layout {
    let coach = model.coach.text.is_some() && !model.coach.off;
    let steps = model.walk().map(|_| model.listed().len());
    let rows = |y: u16, height: u16| Rect {
        y: area.y + y.min(area.height),
        height: height.min(area.height.saturating_sub(y)),
        ..area
    };
    let console = rows(0, CONSOLE);
    let footer = rows(area.height.saturating_sub(1), 1);
    let coach_rows = u16::from(coach && area.height > 20);
    let coach = rows(area.height.saturating_sub(1 + coach_rows), coach_rows);
    let body = rows(CONSOLE, area.height.saturating_sub(CONSOLE + 1 + coach_rows));
    let panes = match model.ui.view {
        View::WarRoom => war_room(body, steps, tasks(model)),
        View::Runbook => {
            let list = if body.width >= 120 { body.width * 9 / 20 } else { body.width / 2 };
            let (left, right) = columns(body, list);
            vec![(Pane::Runbook, left), (Pane::Output, right)]
        }
        View::Metrics => vec![(Pane::Health, body)],
        View::Logs => vec![(Pane::Logs, body)],
        View::Timeline => vec![(Pane::Timeline, body)],
        View::Releases => {
            let (left, right) = columns(body, body.width / 2);
            vec![(Pane::Releases, left), (Pane::Freezes, right)]
        }
        View::PostMortem => {
            let (left, right) = columns(body, body.width * 3 / 5);
            vec![(Pane::Draft, left), (Pane::Todos, right)]
        }
    };
    Layout { console, coach, footer, body, panes }
}

fn columns(area: Rect, left: u16) -> (Rect, Rect) {
    let left = left.min(area.width);
    (Rect { width: left, ..area }, Rect { x: area.x + left, width: area.width - left, ..area })
}

fn rows_of(area: Rect, top: u16) -> (Rect, Rect) {
    let top = top.min(area.height);
    (Rect { height: top, ..area }, Rect { y: area.y + top, height: area.height - top, ..area })
}

/// Whether there is a task to be seen: an empty list leaves its place to the logs.
fn tasks(model: &Model) -> bool {
    model.incident().is_some_and(|incident| !incident.tasks.is_empty())
}

/// Rows of the upper panes, of the middle ones, and of the logs; what does not fit goes from below.
fn war_room(body: Rect, steps: Option<usize>, tasks: bool) -> Vec<Placed> {
    if body.width >= 140 && body.height >= 30 {
        return wide(body, steps);
    }
    let height = body.height;
    let (top, middle) = match height {
        0..=7 => (height, 0),
        8..=11 => (height - 4, 4),
        // Three rows of what is below, its title among them, show too few tasks.
        13..=15 if tasks => (7, 4),
        12..=20 => (7, 5),
        _ => (height * 2 / 5, height / 4),
    };
    let logs = height - top - middle;
    let half = body.width / 2;
    let (upper, rest) = rows_of(body, top);
    let (mid, low) = rows_of(rest, middle);
    let (left, right) = columns(upper, half);
    let mut panes = vec![(Pane::Health, left), (Pane::Runbook, right)];
    // What is said in the timeline wants the whole width; tasks and log lines are read by how they begin.
    // Where there is no room below, logs go, then tasks: half a timeline says nothing.
    if tasks && logs > 1 {
        let (left, right) = columns(low, half);
        panes.extend([(Pane::Tasks, left), (Pane::Timeline, mid), (Pane::Logs, right)]);
    } else {
        panes.extend((middle > 1).then_some((Pane::Timeline, mid)));
        panes.extend((logs > 1).then_some((Pane::Logs, low)));
    }
    panes
}

/// Charts, the runbook and its open step above; tasks, timeline, releases and logs side by side below. The list of
/// steps takes the rows that it needs; the open step has the rest.
fn wide(body: Rect, steps: Option<usize>) -> Vec<Placed> {
    let (upper, lower) = rows_of(body, body.height * 3 / 5);
    let (left, right) = columns(upper, body.width * 9 / 20);
    let wanted = steps.map_or(8, |steps| u16::try_from(steps).unwrap_or(u16::MAX).saturating_add(2));
    let (steps, open) = rows_of(right, wanted.clamp(5, (right.height / 2).max(5)));
    let (tasks, rest) = columns(lower, body.width / 5 + 5);
    let (timeline, logs) = columns(rest, rest.width * 3 / 7);
    let (tasks, releases) = rows_of(tasks, lower.height * 3 / 5);
    vec![
        (Pane::Health, left),
        (Pane::Runbook, steps),
        (Pane::Output, open),
        (Pane::Tasks, tasks),
        (Pane::Releases, releases),
        (Pane::Timeline, timeline),
        (Pane::Logs, logs),
    ]
}

fn of(model: &Model) -> Layout {
    let (width, height) = model.ui.size;
    layout(Rect { x: 0, y: 0, width, height }, model)
}

/// Panes that are on the screen at the terminal's size.
pub fn placed(model: &Model) -> Vec<Pane> {
    if too_small(model.ui.size) {
        return Vec::new();
    }
    of(model).panes.into_iter().filter(|(_, at)| !at.is_empty()).map(|(pane, _)| pane).collect()
}

/// Panes of the view that are shown at the terminal's size and can have the focus.
pub fn shown(model: &Model) -> Vec<Pane> {
    let placed = of(model).panes;
    model
        .ui
        .view
        .panes()
        .iter()
        .copied()
        .filter(|pane| placed.iter().any(|(known, _)| known == pane))
        .collect()
}

/// Whether a pane is on the screen.
pub fn has(model: &Model, pane: Pane) -> bool {
    of(model).panes.iter().any(|(known, _)| *known == pane)
}

/// The pane at a place of the screen.
pub fn pane_at(model: &Model, column: u16, row: u16) -> Option<Pane> {
    of(model).panes.into_iter().find(|(_, area)| area.contains((column, row).into())).map(|(pane, _)| pane)
}

/// Columns and rows that an interactive step's terminal has.
pub fn terminal((width, height): (u16, u16)) -> (u16, u16) {
    (width.saturating_sub(2).max(20), height.saturating_sub(CONSOLE + 3).max(5))
}
