//! The gate over HTTP.
