//! The way to the gate: a room's socket, or HTTP.

use crate::{
    domain::{
        gate::{Answer, Because, Request},
        refusal::Code,
        text,
        time::Span,
    },
    http::token::Secret,
    source::client::{self as web},
    transport::{
        client::{Client, NoRoom},
        find,
    },
    wire::{Ask, Told},
};
use reqwest::{Method, Url, header};
use secrecy::SecretString;
use std::{io, path::PathBuf};

/// Whom to ask.
#[derive(Debug)]
pub enum Where {
    /// Rooms at these sockets, in this order.
    Sockets(Vec<PathBuf>),
    /// A gate over HTTP.
    Http(Url, Box<web::Client>),
}

/// What came of it.
#[derive(Debug)]
pub enum Reach {
    /// An answer, and the room that gave it where it can be told more.
    Answered(Answer, Option<Box<Client>>),
    /// None, and why.
    Unreachable(String),
    /// The question itself was refused: no other room and no later time would answer it.
    Refused(String),
}

/// Why there is no answer.
enum NoAnswer {
    /// Nobody answered.
    Unreachable(String),
    /// The question is wrong.
    Refused(String),
}

impl From<String> for NoAnswer {
    fn from(why: String) -> Self {
        Self::Unreachable(why)
    }
}

impl Where {
    /// The sockets where a room may be; the machine's alone where this user has no place for one.
    pub fn found(given: Option<PathBuf>) -> Self {
        // A machine's room that is down is not stood in for by one that knows nothing of its freezes.
        if given.is_none() && find::is_configured() {
            return Self::Sockets(vec![find::system()]);
        }
        let places = find::places(given).map(|places| places.into_iter().map(|place| place.socket).collect());
        Self::Sockets(places.unwrap_or_else(|_| vec![find::system()]))
    }

    /// The gate at this address.
    pub fn url(url: &str, token: Option<Secret>, timeout: Span) -> Result<Self, String> {
        let mut url = web::address(url).map_err(|problem| problem.to_string())?;
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err("--url is an address alone; a token goes into --token-file".into());
        }
        let base = url.path().trim_end_matches('/').trim_end_matches("/v1/gate").to_owned();
        url.set_path(&format!("{base}/v1/gate"));
        let token = token.map(|token| SecretString::from(token.expose()));
        let client =
            web::Client::new(&url, &web::Access { bearer: token, timeout, ..web::Access::default() })
                .map_err(|problem| problem.to_string())?;
        Ok(Self::Http(url, Box::new(client)))
    }

    /// What answers are remembered under.
    pub fn name(&self) -> String {
        match self {
            Self::Sockets(sockets) => {
                sockets.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(":")
            }
            Self::Http(url, _) => url.to_string(),
        }
    }

    /// Whether it is asked over HTTP.
    pub fn is_http(&self) -> bool {
        matches!(self, Self::Http(..))
    }

    /// Asks.
    pub async fn ask(&self, request: &Request) -> Reach {
        let asked = match self {
            Self::Sockets(sockets) => by_socket(sockets, request).await,
            Self::Http(url, client) => by_http(url, client, request).await.map(|answer| (answer, None)),
        };
        match asked {
            // Whatever the room calls it, an answer that says yes for a reason to say no is none.
            Ok((answer, _)) if answer.allowed != (answer.because.exit() == 0) => {
                Reach::Unreachable("the answer contradicts itself".into())
            }
            Ok((answer, _)) if answer.because == Because::Unreachable => Reach::Unreachable(answer.reason),
            Ok((answer, client)) => Reach::Answered(answer, client.map(Box::new)),
            Err(NoAnswer::Unreachable(why)) => Reach::Unreachable(why),
            Err(NoAnswer::Refused(why)) => Reach::Refused(why),
        }
    }
}

async fn by_socket(sockets: &[PathBuf], request: &Request) -> Result<(Answer, Option<Client>), NoAnswer> {
    let mut nowhere = Vec::new();
    for socket in sockets {
        match Client::script(socket).await {
            Ok(mut client) => {
                return match client.ask(Ask::Gate(request.clone())).await {
                    Ok(Told::Gate(answer)) => Ok((answer, Some(client))),
                    Ok(Told::No(refusal)) if refusal.code == Code::Invalid => {
                        Err(NoAnswer::Refused(refusal.to_string()))
                    }
                    Ok(Told::No(refusal)) => Err(format!("the room refuses to answer: {refusal}").into()),
                    Ok(_) => Err("the room answers something else".to_owned().into()),
                    Err(error) => Err(error.to_string().into()),
                };
            }
            // Only where there is none at all is the next one asked: a room that is down, or closed to this user, is
            // not stood in for by another that knows nothing of its freezes.
            Err(NoRoom::Absent { why, .. }) if why.kind() == io::ErrorKind::NotFound => {
                nowhere.push(text::line(&socket.display().to_string()).into_owned());
            }
            Err(error) => return Err(error.to_string().into()),
        }
    }
    Err(format!("no room listens at {}", nowhere.join(" or ")).into())
}

async fn by_http(url: &Url, client: &web::Client, request: &Request) -> Result<Answer, NoAnswer> {
    let mut headers = header::HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    let body = serde_json::to_string(request).map_err(|error| error.to_string())?;
    let got =
        client.send(Method::POST, url.clone(), &headers, Some(body)).await.map_err(|p| p.to_string())?;
    let answer = serde_json::from_slice::<Answer>(&got.body).ok();
    match (got.status, answer) {
        (200, Some(answer)) if answer.allowed => Ok(answer),
        (403 | 503, Some(answer)) if !answer.allowed => Ok(answer),
        (400, None) if is_bad_request(&got.body) => Err(NoAnswer::Refused(problem(&got.body))),
        // A proxy's page is not the gate's word, whatever its status.
        (status, _) => Err(format!("{} answered {status}{}", web::shown(url), told(&got.body)).into()),
    }
}

/// A field of the error that a gate answers with, made safe and short.
fn error(body: &[u8], field: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let said = value.get("error")?.get(field)?.as_str()?;
    Some(text::line(said).chars().take(300).collect())
}

/// Whether a gate says that the question is wrong, and not a proxy that something else is.
fn is_bad_request(body: &[u8]) -> bool {
    error(body, "code").as_deref() == Some("bad_request")
}

fn problem(body: &[u8]) -> String {
    error(body, "message").unwrap_or_default()
}

/// What an error says.
fn told(body: &[u8]) -> String {
    error(body, "message")
        .map_or_else(|| ", which is no answer of a gate".to_owned(), |message| format!(": {message}"))
}
