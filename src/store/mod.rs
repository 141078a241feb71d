//! Where a journal lies: SQLite.
