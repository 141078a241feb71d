//! Columns whose widths are reserved, so that a longer value moves nothing.

use super::put;
use ratatui::layout::Rect;

/// A column's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Always so many cells.
    Fixed(u16),
    /// So many cells, or none where the area is narrower than everything: the last such column goes first.
    Droppable(u16),
    /// At least so many, and an equal share of what the others leave.
    Fill(u16),
}

/// Places the columns in an area with `gap` cells between. A column that found no room has no width.
pub fn place(area: Rect, columns: &[Column], gap: u16) -> Vec<Rect> {
    let mut shown: Vec<bool> = columns.iter().map(|_| true).collect();
    let least = |shown: &[bool]| {
        let sum: u16 = columns.iter().zip(shown).filter(|(_, on)| **on).fold(0_u16, |sum, (column, _)| {
            let (Column::Fixed(n) | Column::Droppable(n) | Column::Fill(n)) = column;
            sum.saturating_add(*n).saturating_add(gap)
        });
        sum.saturating_sub(gap)
    };
    while least(&shown) > area.width {
        let last = columns
            .iter()
            .zip(shown.iter_mut())
            .rev()
            .find(|(column, on)| **on && matches!(column, Column::Droppable(_)));
        let Some((_, on)) = last else { break };
        *on = false;
    }
    let spare = area.width.saturating_sub(least(&shown));
    let fills = columns.iter().filter(|column| matches!(column, Column::Fill(_))).count();
    let fills = u16::try_from(fills).unwrap_or(u16::MAX);
    let mut extra_left = spare;
    let mut fills_left = fills;
    let mut from = 0_u16;
    columns
        .iter()
        .zip(shown)
        .map(|(column, on)| {
            if !on {
                return put::part(area, from.min(area.width), 0);
            }
            let wide = match column {
                Column::Fixed(n) | Column::Droppable(n) => *n,
                Column::Fill(n) => {
                    let share = extra_left.checked_div(fills_left).unwrap_or(0);
                    extra_left -= share;
                    fills_left -= 1;
                    n.saturating_add(share)
                }
            };
            let place = put::part(area, from, wide);
            from = from.saturating_add(wide).saturating_add(gap);
            place
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn widths(total: u16, columns: &[Column]) -> Vec<u16> {
        place(Rect::new(0, 0, total, 1), columns, 1).iter().map(|r| r.width).collect()
    }

    #[test]
    fn fills_share_what_is_left() {
        let columns = [Column::Fixed(8), Column::Fill(4), Column::Fill(4), Column::Droppable(6)];
        assert_eq!(widths(40, &columns), [8, 11, 12, 6]);
        assert_eq!(widths(25, &columns), [8, 4, 4, 6]);
        assert_eq!(widths(20, &columns), [8, 5, 5, 0]);
        assert_eq!(widths(5, &columns), [5, 0, 0, 0]);
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_area_or_overlaps(total in 0_u16..80, wishes in prop::collection::vec((0..3, 0_u16..30), 0..6)) {
            let columns: Vec<_> = wishes.iter().map(|(kind, n)| match kind {
                0 => Column::Fixed(*n), 1 => Column::Droppable(*n), _ => Column::Fill(*n),
            }).collect();
            let mut end = 0;
            for place in place(Rect::new(0, 0, total, 1), &columns, 1) {
                prop_assert!(place.right() <= total);
                if place.width > 0 {
                    prop_assert!(place.left() >= end);
                    end = place.right();
                }
            }
        }
    }
}
