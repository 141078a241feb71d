//! The screen, a function of model, theme and area.
