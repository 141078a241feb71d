//! Where one is in a list that grows while it is read.

use super::put;
use crate::theme::{Role, Theme};
use ratatui::{buffer::Buffer, layout::Rect};

/// The window on a list, and the selected item. Items are named by a number that stays theirs when others come or
/// go (a sequence number), so that the selection stays on the item and not on the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// The selected item's number. `None` follows the end.
    pub selected: Option<u64>,
    /// The number of the item in the first row, while one is selected.
    top: u64,
}

/// What of a list is on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Index of the first item shown.
    pub first: usize,
    /// Items shown.
    pub count: usize,
    /// Index of the selected item, where one is.
    pub selected: Option<usize>,
    /// Items below the window.
    pub below: usize,
}

impl Position {
    /// Follows the end: the newest is always seen.
    pub const FOLLOW: Self = Self { selected: None, top: 0 };

    /// On the item of that number.
    pub const fn on(id: u64) -> Self {
        Self { selected: Some(id), top: 0 }
    }

    /// Which of `ids` (ascending) are shown in `rows` rows. What is selected stays on the screen, and the first row
    /// stays what it was as long as that is possible.
    pub fn window(&mut self, ids: &[u64], rows: usize) -> Window {
        let count = ids.len().min(rows);
        let end = ids.len() - count;
        let Some(wanted) = self.selected else {
            return Window { first: end, count, selected: None, below: 0 };
        };
        let at = |id: u64| ids.partition_point(|known| *known < id).min(ids.len().saturating_sub(1));
        let selected = at(wanted);
        let mut first = at(self.top).min(end);
        if selected < first {
            first = selected;
        } else if count > 0 && selected >= first + count {
            first = selected + 1 - count;
        }
        self.top = ids.get(first).copied().unwrap_or(0);
        // The item may be gone; its neighbour takes its place.
        self.selected = ids.get(selected).copied().or(self.selected);
        let selected = (!ids.is_empty()).then_some(selected);
        Window { first, count, selected, below: ids.len() - first - count }
    }

    /// Moves the selection by `by` items; from the end, upwards begins with the last item. Past the end follows again.
    pub fn step(&mut self, ids: &[u64], rows: usize, by: isize) {
        if ids.is_empty() {
            return;
        }
        let from = match self.selected {
            Some(id) => ids.partition_point(|known| *known < id).min(ids.len() - 1),
            None if by >= 0 => return,
            None => {
                self.top = ids.get(ids.len().saturating_sub(rows)).copied().unwrap_or(0);
                ids.len()
            }
        };
        let to = from.saturating_add_signed(by);
        self.selected = ids.get(to).copied();
    }
}

/// Says at the right of the area's last row that there is more: `14 new ↓`.
pub fn more(buf: &mut Buffer, area: Rect, theme: &Theme, below: usize) {
    if below == 0 || area.height == 0 {
        return;
    }
    let text = format!(" {below} new {} ", theme.glyphs().below);
    put::right(buf, put::row(area, area.height - 1), theme, &text, theme.style(Role::Selection));
}

/// Shows a row of the area as selected: its marker and its ground.
pub fn mark(buf: &mut Buffer, row: Rect, theme: &Theme) {
    let style = theme.style(Role::Selection);
    buf.set_style(row.intersection(buf.area), style);
    put::cell(buf, row.x, row.y, theme.glyphs().current, style);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn new_items_do_not_move_what_is_read() {
        let mut at = Position::FOLLOW;
        let ten: Vec<u64> = (0..10).collect();
        assert_eq!(at.window(&ten, 4).first, 6);
        at.step(&ten, 4, -1);
        let before = at.window(&ten, 4);
        assert_eq!((before.first, before.selected, before.below), (6, Some(9), 0));
        let more: Vec<u64> = (0..24).collect();
        let after = at.window(&more, 4);
        assert_eq!((after.first, after.selected, after.below), (6, Some(9), 14));
        // The oldest are dropped: the same items stay in the same rows.
        let later: Vec<u64> = (5..24).collect();
        let dropped = at.window(&later, 4);
        assert_eq!((dropped.first, dropped.selected), (1, Some(4)));
    }

    #[test]
    fn past_the_end_follows_again() {
        let ids: Vec<u64> = (0..3).collect();
        let mut at = Position { selected: Some(2), top: 0 };
        at.step(&ids, 2, 1);
        assert_eq!(at.selected, None);
        at.step(&ids, 2, -2);
        assert_eq!(at.selected, Some(1));
    }

    proptest! {
        #[test]
        fn the_selection_is_on_the_screen(len in 0_usize..30, rows in 0_usize..10, steps in prop::collection::vec(-8_isize..8, 0..20)) {
            let ids: Vec<u64> = (0..len as u64).map(|n| n * 3).collect();
            let mut at = Position::FOLLOW;
            for by in steps {
                at.step(&ids, rows, by);
                let window = at.window(&ids, rows);
                prop_assert!(window.first + window.count <= len);
                if let (Some(selected), true) = (window.selected, rows > 0) {
                    prop_assert!((window.first..window.first + window.count).contains(&selected));
                }
            }
        }
    }
}
