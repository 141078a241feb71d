//! What of the signals is on the screen: the room is told, and sends no more than that.

use crate::{
    seat::{
        model::{Model, Pane},
        view::layout,
    },
    signal::Shows,
};

/// Panels around the selected one that are shown at once at most; a room with more sends the points of these.
const PANELS: usize = 64;

/// What is shown in the view that one is in, at the terminal's size. A seat that does not know its size yet shows all.
pub fn shows(model: &Model) -> Shows {
    if model.ui.size == (0, 0) {
        return Shows::default();
    }
    let panes = layout::placed(model);
    let panels = &model.live.panels;
    let panels = if !panes.contains(&Pane::Health) {
        Some(Vec::new())
    } else if panels.len() <= PANELS {
        None
    } else {
        let first = model.ui.panel.saturating_sub(PANELS / 2).min(panels.len() - PANELS);
        Some(panels.iter().skip(first).take(PANELS).map(|view| view.panel.name.clone()).collect())
    };
    Shows { panels: panels.map(|names| names.into_iter().collect()), lines: panes.contains(&Pane::Logs) }
}
