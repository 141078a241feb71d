//! The HTTP client of the world's processes: loopback only, never through a proxy.

use super::WorldError;
use std::time::Duration;

/// A client with connections kept for the next request.
pub fn client() -> Result<reqwest::Client, WorldError> {
    // Plain HTTP all the way, yet the client wants to know who would do TLS; already installed is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(Duration::from_secs(1))
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
        .map_err(|why| WorldError::Role(format!("cannot make an HTTP client: {why}")))
}
