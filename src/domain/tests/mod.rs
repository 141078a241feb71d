//! The rules as a whole.

mod asking;
mod gate;
mod incident;
mod outward;
mod people;
mod random;
mod shed;
mod tasks;
