//! An HTTP server that keeps what it is sent and answers as it is told.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
};
use serde_json::Value;
use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

/// One request.
#[derive(Debug, Clone)]
pub struct Got {
    pub path: String,
    pub key: Option<String>,
    pub body: Value,
}

#[derive(Clone)]
pub struct Listener {
    pub at: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    answer: Arc<Mutex<(u16, &'static str)>>,
}

impl Listener {
    /// Listens on any free port.
    pub async fn start() -> Self {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let own = Self {
            at,
            got: Arc::default(),
            answer: Arc::new(Mutex::new((202, "{\"message\":\"Event processed\"}"))),
        };
        let router = Router::new().fallback(take).with_state(own.clone());
        tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        own
    }

    /// From now on it answers so.
    pub fn answers(&self, status: u16, body: &'static str) {
        *self.answer.lock().unwrap() = (status, body);
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    /// Waits until so many requests came.
    pub async fn until(&self, count: usize) -> Vec<Got> {
        until(&format!("{count} requests"), || self.got().len() >= count).await;
        self.got()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }
}

async fn take(
    State(own): State<Listener>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    assert_eq!(headers["content-type"], "application/json");
    let key = headers.get("idempotency-key").map(|key| key.to_str().unwrap().to_owned());
    let body = serde_json::from_slice(&body).unwrap();
    own.got.lock().unwrap().push(Got { path: uri.path().to_owned(), key, body });
    let (status, said) = *own.answer.lock().unwrap();
    (StatusCode::from_u16(status).unwrap(), said)
}

/// Waits until it is so.
pub async fn until(what: &str, mut so: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never came: {what}");
}
