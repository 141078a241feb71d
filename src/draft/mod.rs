//! The post-mortem draft, rendered from the journal.
