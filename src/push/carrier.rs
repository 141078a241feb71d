//! From what a target is to what brings messages there.

use super::{
    Carrier, Failure,
    command::Program,
    mail::{Mail, Protect},
    post::{Post, Shape},
};
use crate::domain::{dispatch::Message, time::Span};
use futures::{FutureExt as _, future::BoxFuture};
use secrecy::SecretString;
use std::{path::PathBuf, sync::Arc};

/// A target with its secrets. Not printable.
pub enum Target {
    /// A program and its time limit.
    Command(Vec<String>, Span),
    /// Address, headers and time limit.
    Webhook(SecretString, Vec<(String, SecretString)>, Span),
    /// Address and time limit.
    Slack(SecretString, Span),
    /// Address, routing key and time limit.
    Pagerduty(String, SecretString, Span),
    /// A mail server.
    Smtp {
        /// Server and port.
        server: String,
        /// How the connection is protected.
        tls: Protection,
        /// A further authority that may have signed the server's certificate, PEM.
        ca: Option<PathBuf>,
        /// User and password.
        login: Option<(String, SecretString)>,
        /// Sender.
        from: String,
        /// Recipients.
        to: Vec<String>,
        /// Time limit.
        timeout: Span,
    },
    /// Practice: nothing leaves the room.
    Drill,
    /// It cannot be used, and why. It refuses every message, so that a page climbs past it and it is shown.
    Broken(String),
}

/// How a connection to a mail server is protected.
pub type Protection = Protect;

/// A target that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[target.{name}] cannot be used: {why}")]
pub struct NoCarrier {
    /// Its name.
    pub name: String,
    /// Why.
    pub why: String,
}

/// What brings messages to a target.
///
/// # Errors
/// [`NoCarrier`]
pub fn carrier(name: &str, target: &Target) -> Result<Arc<dyn Carrier>, NoCarrier> {
    let fail = |why: String| NoCarrier { name: name.to_owned(), why };
    Ok(match target {
        Target::Command(words, limit) => {
            Arc::new(Program::new(words, *limit).ok_or_else(|| fail("its command is empty".into()))?)
        }
        Target::Webhook(url, headers, limit) => {
            Arc::new(Post::new(url, headers, *limit, Shape::Webhook).map_err(fail)?)
        }
        Target::Slack(url, limit) => Arc::new(Post::new(url, &[], *limit, Shape::Slack).map_err(fail)?),
        Target::Pagerduty(url, key, limit) => {
            let shape = Shape::Pagerduty(key.clone(), crate::os::host_name());
            Arc::new(Post::new(&url.clone().into(), &[], *limit, shape).map_err(fail)?)
        }
        Target::Smtp { server, tls, ca, login, from, to, timeout } => {
            let login = login.as_ref().map(|(user, password)| (user.as_str(), password));
            Arc::new(Mail::new(server, *tls, ca.as_deref(), login, from, to, *timeout).map_err(fail)?)
        }
        Target::Drill => Arc::new(Drill),
        Target::Broken(why) => Arc::new(Broken(why.clone())),
    })
}

struct Drill;

impl Carrier for Drill {
    fn carry(&self, _: Message) -> BoxFuture<'_, Result<String, Failure>> {
        async { Ok("practice: nothing left the room".to_owned()) }.boxed()
    }
}

struct Broken(String);

impl Carrier for Broken {
    fn carry(&self, _: Message) -> BoxFuture<'_, Result<String, Failure>> {
        let why = self.0.clone();
        async { Err(Failure::never(why)) }.boxed()
    }
}
