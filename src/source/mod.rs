//! One file per source: I/O that makes signals.
