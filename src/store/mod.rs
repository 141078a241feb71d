//! Where a journal lies.

pub mod sqlite;
