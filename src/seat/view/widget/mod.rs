//! What panes are made of. Each is a function of what to show, the theme and an area; none knows the model. Text that
//! comes here was already cleaned; what does not fit is cut, never wrapped into another's area.

pub mod chart;
pub mod columns;
pub mod field;
pub mod figure;
pub mod fit;
pub mod list;
pub mod progress;
pub mod put;
pub mod rule;
pub mod scroll;
pub mod span;
pub mod spark;
pub mod table;
