//! The rules as a whole.

mod asking;
mod gate;
mod incident;
mod random;
mod shed;
