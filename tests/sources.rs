//! Sources against what is real: servers that answer badly, files that are rotated, a Prometheus and a
//! VictoriaMetrics.
//!
//! Helpers outside test functions may stop a test as well as those within.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::format_collect)]

#[path = "sources/files.rs"]
mod files;
#[path = "sources/hostile.rs"]
mod hostile;
#[path = "support/peer.rs"]
mod peer;
#[path = "sources/peers.rs"]
mod peers;
#[path = "support/pki.rs"]
mod pki;
#[path = "sources/scrape.rs"]
mod scrape;
#[path = "sources/sql.rs"]
mod sql;
#[path = "sources/world.rs"]
mod world;
