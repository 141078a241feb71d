//! The gate's one address. It is had or tried again, and never another one is taken: whoever sits at the configured address
//! would answer for the gate there.

use std::{io, net::SocketAddr, time::Duration};
use tokio::net::TcpListener;

/// First and longest wait before an address that could not be had is tried again.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Takes an address.
///
/// # Errors
/// Why it cannot be had, in words.
pub async fn bind(at: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(at).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("another program has {at}, and what it answers there is not this room's word")
        }
        io::ErrorKind::AddrNotAvailable => format!("{at} is no address of this machine"),
        io::ErrorKind::PermissionDenied => format!("this user may not listen on {at}"),
        _ => format!("{at} cannot be had: {error}"),
    })
}

/// Takes an address that could not be had, as soon as it can. Tells each time why it still cannot.
pub async fn bind_again(at: SocketAddr, mut tell: impl FnMut(String)) -> TcpListener {
    let (mut wait, longest) = BACKOFF;
    loop {
        tokio::time::sleep(wait).await;
        match bind(at).await {
            Ok(listener) => return listener,
            Err(why) => tell(why),
        }
        wait = (wait * 2).min(longest);
    }
}
