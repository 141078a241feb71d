//! The rules as a whole.

mod asking;
mod cadence;
mod decisions;
mod gate;
mod incident;
mod names;
mod newer;
mod offline;
mod outward;
mod people;
mod random;
mod readiness;
mod record;
mod rooms;
mod shed;
mod tasks;
