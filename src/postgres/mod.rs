//! A PostgreSQL as everybody here reaches it: its address, whom it is believed, and what its failures mean.
//!
//! [Checks](crate::source) ask one, and a [journal](crate::store) may lie in one.

mod address;
mod trust;
mod words;

pub use address::{Address, shown, user};
pub use trust::Trust;
pub use words::{root, why};

use tokio_postgres::{Client, Connection, Socket, config::SslMode, tls::TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why there is no connection.
#[derive(Debug)]
pub enum Failed {
    /// The certificates that were named cannot be used, in words.
    Trust(String),
    /// The server, or the way to it.
    Server(tokio_postgres::Error),
}

/// The stream below a connection.
pub type Stream = <<MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<Socket>>::TlsConnect as TlsConnect<Socket>>::Stream;

/// Connects. What is given back second has to be moved on for the first to do anything.
///
/// # Errors
/// [`Failed`]; of several hosts, the last one's reason.
pub async fn connect(address: &Address) -> Result<(Client, Connection<Socket, Stream>), Failed> {
    let clear_would_do = address.config.get_ssl_mode() != SslMode::Require;
    let tls = address.trust.client(clear_would_do).map_err(Failed::Trust)?;
    address.config.connect(MakeRustlsConnect::new(tls)).await.map_err(Failed::Server)
}
