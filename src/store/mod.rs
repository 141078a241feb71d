//! Where a journal lies.

pub mod postgres;
pub mod sqlite;
