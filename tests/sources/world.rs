//! What the tests stand in: servers on free ports, readings with a deadline.

use axum::Router;
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use warroom::signal::{Body, Reading};

/// Serves on a free port until the test ends.
pub async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}")
}

/// The first reading that `pick` takes, within twenty seconds.
pub async fn until<T>(rx: &mut Receiver<Reading>, mut pick: impl FnMut(&Body) -> Option<T>) -> T {
    let wait = async {
        loop {
            let reading = rx.recv().await.expect("the source speaks on");
            if let Some(found) = pick(&reading.body) {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("in time")
}

/// The next trouble's words.
pub async fn trouble(rx: &mut Receiver<Reading>) -> String {
    until(rx, |body| if let Body::Trouble(t) = body { Some(t.message.clone()) } else { None }).await
}
