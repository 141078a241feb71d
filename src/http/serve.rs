//! Connections: bounded in number, in the time of a head, and in their life.

use super::{
    Bounds, Options,
    caller::Peer,
    report::Report,
    routes::{Desk, router},
    shares::{Place, Shares, Whose},
};
use crate::os::tcp_peer::TcpPeers;
use axum::{Extension, Router};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
};

/// Most bytes of a request's head.
const HEAD_MAX: usize = 16 * 1024;
/// Headers of a request at most.
const HEADERS_MAX: usize = 64;
/// How long open requests may take when the gate closes, and what is late to reach the room.
const GRACE: Duration = Duration::from_secs(2);
/// Connections that were told to end and have not yet, at most.
const ENDING: usize = 64;
/// Pause after an accept failed, such as without a free descriptor.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves the gate until `shutdown`. Restored freezes must be in `options.state` before this is called: from its first
/// connection on the gate answers from there.
pub async fn serve(listener: TcpListener, options: Options, shutdown: impl Future<Output = ()> + Send) {
    let bounds = options.bounds;
    let report = Arc::new(Report::new(options.asked.clone()));
    let routes = router(Arc::new(Desk { options, report: report.clone() }));
    let shares = Shares::new(bounds.connections, bounds.each);
    let places = Arc::new(Semaphore::new(bounds.connections.max(1) + ENDING));
    let mut peers = TcpPeers::open()
        .inspect_err(
            |error| tracing::warn!(%error, "the kernel does not say whose connections are; addresses count"),
        )
        .ok();
    let (closing, closed) = watch::channel(());
    let late = report.clone();
    let sender = tokio::spawn(async move { late.catch_up().await });
    tokio::pin!(shutdown);
    loop {
        let next = async {
            // Never closed, so it always gives a place.
            let place = places.clone().acquire_owned().await.ok();
            (listener.accept().await, place)
        };
        tokio::select! {
            () = &mut shutdown => break,
            (accepted, place) = next => match accepted {
                Ok((stream, addr)) => {
                    let own = stream.local_addr().ok();
                    let uid = own.zip(peers.as_mut()).and_then(|(own, peers)| peers.uid(addr, own));
                    let share = Arc::new(shares.enter(Whose::of(uid, addr.ip())));
                    let (routes, closed) = (routes.clone(), closed.clone());
                    tokio::spawn(async move {
                        connection(stream, Peer { addr, uid }, share, routes, bounds, closed).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the gate could not accept a connection");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    drop((listener, closed));
    let _ = closing.send(());
    // All connections have let go of their receiver, or their time is over.
    drop(tokio::time::timeout(GRACE, closing.closed()).await);
    sender.abort();
    drop(tokio::time::timeout(GRACE, report.send_late()).await);
}

async fn connection(
    stream: TcpStream,
    peer: Peer,
    share: Arc<Place>,
    routes: Router,
    bounds: Bounds,
    mut closed: watch::Receiver<()>,
) {
    drop(stream.set_nodelay(true));
    let service = TowerToHyperService::new(routes.layer(Extension(peer)).layer(Extension(share.clone())));
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .max_buf_size(HEAD_MAX)
        .max_headers(HEADERS_MAX)
        .keep_alive(true);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        // Another needs the place: what is idle, or sends a body slowly, is not waited for.
        () = share.ended() => return,
        _ = closed.changed() => None,
        () = tokio::time::sleep(bounds.life) => None,
    };
    let ended = if let Some(ended) = ended {
        Ok(ended)
    } else {
        connection.as_mut().graceful_shutdown();
        tokio::time::timeout(GRACE, connection.as_mut()).await
    };
    if let Ok(Err(error)) = ended {
        tracing::debug!(peer = %peer.addr, %error, "a connection to the gate ended badly");
    }
}
