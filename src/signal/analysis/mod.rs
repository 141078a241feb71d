//! Pure rules over signals: reading what they are written in, asking them, thresholds that hold, baselines.

pub mod baseline;
pub mod check;
pub mod discover;
pub mod exposition;
pub mod held;
pub mod labels;
pub mod logcheck;
pub mod logline;
pub mod promql;
pub mod store;
pub mod threshold;
pub mod ticks;
pub mod value;
