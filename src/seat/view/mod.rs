//! The screen, a function of model, theme and area.

pub mod layout;
pub mod widget;
