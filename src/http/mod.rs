//! The gate over HTTP: thin over [`crate::domain::gate`], answered from memory alone.
//!
//! Status codes have one meaning each, because pipelines act on them: 200 and 403 are the gate's yes and no, 503 is
//! "undecided, ask again", and nothing that is wrong with the question or the caller is ever any of these.

pub mod answer;
mod caller;
pub mod listen;
mod problem;
mod report;
mod routes;
mod serve;
mod shares;
pub mod token;

pub use caller::Names;
pub use serve::serve;

use crate::{
    domain::{State, actor::Actor, gate},
    journal::writable::Writable,
};
use std::{
    net::SocketAddr,
    sync::{Arc, RwLock},
    time::Duration,
};
use token::Token;
use tokio::sync::mpsc;

/// What the gate reads and sends, and whom it lets in.
#[derive(Clone)]
pub struct Options {
    /// The durable fold.
    pub state: Arc<RwLock<State>>,
    /// Whether the journal takes events.
    pub writable: Writable,
    /// What was answered and belongs in the journal: refusals, and what passed a freeze.
    pub asked: mpsc::Sender<(Actor, gate::Request, gate::Answer)>,
    /// Who may ask. None: everybody on loopback.
    pub tokens: Vec<Token>,
    /// Whether loopback may look without a token although there are tokens.
    pub anonymous_read_on_loopback: bool,
    /// Bounds.
    pub bounds: Bounds,
    /// The one user, beside root, who is answered without a token; `None` for everybody on this machine.
    pub owner: Option<u32>,
    /// What users are called.
    pub names: Names,
}

/// What one caller may cost.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes of a body.
    pub body: usize,
    /// Connections at the same time; beyond, whoever has most gives up the idlest.
    pub connections: usize,
    /// Connections of one user, or of one address, at the same time.
    pub each: usize,
    /// How long the head of a request may take, and a connection be idle.
    pub head: Duration,
    /// How long its body may take.
    pub wait: Duration,
    /// How long one connection may live.
    pub life: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            body: 16 * 1024,
            connections: 512,
            each: 128,
            head: Duration::from_secs(3),
            wait: Duration::from_secs(5),
            life: Duration::from_secs(600),
        }
    }
}

/// The gate must not listen there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the gate may not listen on {0} without tokens: anybody who reaches it could ask in anybody's name; make one with \
     `warroom gate token new NAME`, or listen on 127.0.0.1"
)]
pub struct Exposed(pub SocketAddr);

/// Whether the gate may listen on `addr` with these tokens.
///
/// # Errors
/// [`Exposed`] where others than this machine would reach a gate without tokens.
pub fn check_listen(addr: SocketAddr, tokens: &[Token]) -> Result<(), Exposed> {
    if addr.ip().to_canonical().is_loopback() || !tokens.is_empty() { Ok(()) } else { Err(Exposed(addr)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use token::{GateRight, Secret};

    #[test]
    fn only_loopback_goes_without_tokens() {
        let token = [Token::new("ci", &Secret::fresh(), vec![GateRight::Ask])];
        let table = [
            ("127.0.0.1:0", true),
            ("127.8.8.8:80", true),
            ("[::1]:80", true),
            ("[::ffff:127.0.0.1]:80", true),
            ("0.0.0.0:80", false),
            ("[::]:80", false),
            ("10.0.0.1:80", false),
        ];
        for (addr, alone) in table {
            let addr = addr.parse().unwrap();
            assert_eq!(check_listen(addr, &[]).is_ok(), alone, "{addr}");
            assert!(check_listen(addr, &token).is_ok());
        }
    }
}
