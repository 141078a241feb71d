//! The rules as a whole.

mod gate;
mod incident;
mod random;
