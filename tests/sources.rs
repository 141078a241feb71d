//! Sources against what is real: servers that answer badly, files that are rotated, a Prometheus and a
//! VictoriaMetrics.

#[path = "sources/files.rs"]
mod files;
#[path = "sources/hostile.rs"]
mod hostile;
#[path = "sources/peers.rs"]
mod peers;
#[path = "sources/scrape.rs"]
mod scrape;
#[path = "sources/world.rs"]
mod world;
