//! The process that owns the journal: loop, lending, publishing.
