//! How a role listens: on a free port of loopback, which it tells by a file.

use super::{Layout, WorldError, layout};
use std::net::Ipv4Addr;
use tokio::net::TcpListener;

/// Listens on the port asked for (0: any free one), says which it is, and serves until the process ends.
pub async fn serve(layout: &Layout, name: &str, port: u16, routes: axum::Router) -> Result<(), WorldError> {
    let fail = |why: std::io::Error| WorldError::Role(format!("{name} cannot listen on port {port}: {why}"));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(fail)?;
    let bound = listener.local_addr().map_err(fail)?.port();
    layout::write_whole(&layout.port(name), &format!("{bound}\n"))?;
    axum::serve(listener, routes).await.map_err(fail)
}
