//! The drill from its first line to its last: told without a terminal, lived through by keys alone, and once more with a
//! real Prometheus. The stories are slow because recovery has to hold; they stand in one binary so that they run beside
//! each other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

#[path = "drill/keys.rs"]
mod keys;
#[path = "drill/own.rs"]
mod own;
#[path = "drill/prometheus.rs"]
mod prometheus;
mod support;
#[path = "drill/told.rs"]
mod told;

/// The released binary where there is one (`tests/all` names it), else the one just built.
fn binary() -> String {
    std::env::var("WARROOM_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_warroom").to_owned())
}
