//! Where a room's gate listens: as configured, or nowhere.

use crate::{
    config::{Config, Loaded, model::TokenPower},
    http::{self, listen, token::GateRight},
    os::clock,
    wire::{GateDoor, GateTrouble},
};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    net::TcpListener,
    sync::{oneshot, watch},
    task::JoinHandle,
};

/// Where the gate of a room for all listens that is told nothing else.
const SHARED: &str = "127.0.0.1:7311";
/// The gate of a practice takes any free port: nobody's pipeline is to ask it.
const PRACTICE: &str = "127.0.0.1:0";
/// The word for "nowhere".
const NOWHERE: &str = "none";
/// How long the gate may take to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// The address that a room's gate is to listen on; `None` for none. One's own room takes a port only where its user asks for
/// it, by a flag or in a file of the user's: what the machine's file says is for the room of the machine.
///
/// # Errors
/// In words, where it is no address or would be open to everybody.
pub(super) fn wanted(
    loaded: &Loaded,
    shared: bool,
    drill: bool,
    flag: Option<&str>,
) -> Result<Option<SocketAddr>, String> {
    let config = &loaded.config.gate;
    let configured = config.listen.as_deref().filter(|_| shared || !loaded.is_of_machine("gate.listen"));
    let text = match (drill, flag.or(configured)) {
        (true, _) => PRACTICE,
        (false, Some(NOWHERE)) => return Ok(None),
        (false, Some(text)) => text,
        (false, None) if shared => SHARED,
        (false, None) => return Ok(None),
    };
    let at = text.parse().map_err(|_| {
        format!("{text:?} is no address and port for the gate: such as {SHARED}, or {NOWHERE} for none")
    })?;
    http::check_listen(at, &tokens(&loaded.config)).map_err(|error| error.to_string())?;
    Ok(Some(at))
}

/// The gate's door, open or not.
pub(super) struct Door {
    at: SocketAddr,
    listener: Option<TcpListener>,
    says: watch::Sender<GateDoor>,
}

impl Door {
    /// Takes the address, or knows why not.
    pub(super) async fn open(at: SocketAddr) -> Self {
        let says = watch::Sender::default();
        let listener = match listen::bind(at).await {
            Ok(listener) => Some(listener),
            Err(why) => {
                shut(&says, at, why);
                None
            }
        };
        if let Some(listener) = &listener {
            opened(&says, listener);
        }
        Self { at, listener, says }
    }

    /// What is told of it from now on.
    pub(super) fn told(&self) -> watch::Receiver<GateDoor> {
        self.says.subscribe()
    }

    /// Serves the gate there, as soon as it can be.
    pub(super) fn serve(self, options: http::Options) -> Serving {
        let (close, closing) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let Self { at, listener, says } = self;
            let mut closing = closing;
            let listener = if let Some(listener) = listener {
                listener
            } else {
                tokio::select! {
                    listener = listen::bind_again(at, |why| shut(&says, at, why)) => {
                        opened(&says, &listener);
                        tracing::info!(%at, "the gate listens");
                        listener
                    }
                    _ = &mut closing => return,
                }
            };
            http::serve(listener, options, async move { drop(closing.await) }).await;
        });
        Serving { close, task }
    }
}

fn opened(says: &watch::Sender<GateDoor>, listener: &TcpListener) {
    let at = listener.local_addr().ok().map(|at| at.to_string());
    says.send_replace(GateDoor { at, trouble: None });
}

fn shut(says: &watch::Sender<GateDoor>, at: SocketAddr, why: String) {
    let at = at.to_string();
    says.send_if_modified(|known| {
        let since = known.trouble.as_ref().map_or_else(|| clock::now().wall, |trouble| trouble.since);
        let trouble = Some(GateTrouble { at, why, since });
        let new = GateDoor { at: None, trouble };
        if *known == new {
            return false;
        }
        if let Some(trouble) = &new.trouble {
            tracing::error!(at = %trouble.at, why = %trouble.why, "THE GATE DOES NOT LISTEN; it is tried again");
        }
        *known = new;
        true
    });
}

/// A gate that is served.
pub(super) struct Serving {
    close: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Ends it.
    pub(super) async fn close(self) {
        let _ = self.close.send(());
        drop(tokio::time::timeout(CLOSE_WITHIN, self.task).await);
    }
}

/// The gate's tokens. What else a token may is for other surfaces than the gate.
pub(super) fn tokens(config: &Config) -> Vec<http::token::Token> {
    let right = |power: &TokenPower| match power {
        TokenPower::Read => Some(GateRight::Read),
        TokenPower::Ask => Some(GateRight::Ask),
        TokenPower::Note | TokenPower::Declare | TokenPower::Freeze => None,
    };
    let one = |token: &crate::config::model::Token| http::token::Token {
        name: token.name.clone(),
        sha256: token.sha256,
        may: token.may.iter().filter_map(right).collect(),
    };
    config.gate.tokens.iter().map(one).collect()
}
