//! A subset of PromQL over what was scraped directly, after the language's documentation
//! (prometheus.io/docs/prometheus/latest/querying) and with Prometheus's own arithmetic, down to the extrapolation
//! of `rate`.
//!
//! Not understood, and said so by name: `offset`, `@`, subqueries, `group_left`, `topk` and its kin. Those need a
//! Prometheus.

mod aggregate;
pub mod ast;
mod binary;
mod eval;
mod functions;
mod histogram;
pub mod lex;
mod parse;
#[cfg(test)]
mod tests;

pub use eval::evaluate;
pub use parse::parse;

/// How far back an instant selector looks for its last point, as in Prometheus, in ms.
pub const LOOKBACK: i64 = 300_000;

/// What is wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromqlError {
    /// It is not PromQL.
    #[error("column {column}: {what}")]
    Syntax {
        /// From 1, in characters.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// It is PromQL that only a Prometheus answers.
    #[error("{0} is not understood over a direct scrape: ask a Prometheus (--prom) for that")]
    Unsupported(String),
    /// Types that do not fit: `rate(up)`.
    #[error("{0}")]
    Type(String),
    /// Two series on one side of an operator that match the same on the other.
    #[error("several series have the same labels {0}: aggregate one side, or match with on(…)")]
    ManyToMany(String),
}
