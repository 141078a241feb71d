//! Targets that take a POST.

use super::{Carrier, Failure, body};
use crate::{
    domain::{dispatch::Message, text, time::Span},
    source::{
        client::{self, Access, Client},
        problem::Problem,
    },
};
use futures::{FutureExt as _, future::BoxFuture};
use reqwest::{
    Method, Url,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// Characters of an answer that are told.
const SAID_MAX: usize = 120;

/// What is posted.
pub enum Shape {
    /// The message itself.
    Webhook,
    /// Slack's.
    Slack,
    /// PagerDuty's, with the routing key and what this machine is called.
    Pagerduty(SecretString, String),
}

/// A target that takes a POST.
pub struct Post {
    url: Url,
    client: Client,
    shape: Shape,
}

impl Post {
    /// Posts to this address.
    ///
    /// # Errors
    /// Why that is not possible, without the address.
    pub fn new(
        url: &SecretString,
        headers: &[(String, SecretString)],
        timeout: Span,
        shape: Shape,
    ) -> Result<Self, String> {
        let url =
            client::address(url.expose_secret()).map_err(|_| "its address is not an http or https URL")?;
        let access = Access { headers: headers.to_vec(), bearer: None, timeout };
        let client = Client::new(&url, &access).map_err(|problem| problem.to_string())?;
        Ok(Self { url, client, shape })
    }

    fn body(&self, message: &Message) -> Option<Value> {
        match &self.shape {
            Shape::Webhook => Some(body::webhook(message)),
            Shape::Slack => Some(body::slack(message)),
            Shape::Pagerduty(key, host) => body::pagerduty(message, key.expose_secret(), host),
        }
    }

    async fn post(&self, message: Message) -> Result<String, Failure> {
        let body = self.body(&message).ok_or_else(|| Failure::never("it takes pages, and nothing else"))?;
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        if let Ok(key) = HeaderValue::from_str(&message.key) {
            headers.insert(HeaderName::from_static("idempotency-key"), key);
        }
        let sent = self.client.send(Method::POST, self.url.clone(), &headers, Some(body.to_string())).await;
        let got = match sent {
            Ok(got) => got,
            // Where it leads to may show what the address must not.
            Err(Problem::Redirect(_)) => {
                return Err(Failure::never("it redirects elsewhere: correct its address"));
            }
            Err(problem) => return Err(Failure::later(problem.to_string())),
        };
        let said = if got.html { String::new() } else { words(&got.body) };
        let said = format!("HTTP {} {said}", got.status).trim().to_owned();
        match got.status {
            200..=299 => Ok(said),
            408 | 425 | 429 | 500.. => Err(Failure::later(said)),
            _ => Err(Failure::never(said)),
        }
    }
}

/// An answer in a few words: a JSON `message` where there is one, else its first line.
fn words(body: &[u8]) -> String {
    let json: Option<Value> = serde_json::from_slice(body).ok();
    let message = json.as_ref().and_then(|json| {
        let message = json.get("message")?.as_str()?;
        let errors: Vec<&str> = json.get("errors")?.as_array()?.iter().filter_map(Value::as_str).collect();
        Some(format!("{message}: {}", errors.join(", ")))
    });
    let short = json.as_ref().and_then(|json| json.get("message")).and_then(Value::as_str).map(str::to_owned);
    let first =
        || text::bytes(body.get(..1_000).unwrap_or(body)).lines().next().unwrap_or_default().to_owned();
    let all = message.or(short).unwrap_or_else(first);
    text::line(&all).chars().take(SAID_MAX).collect()
}

impl Carrier for Post {
    fn carry(&self, message: Message) -> BoxFuture<'_, Result<String, Failure>> {
        self.post(message).boxed()
    }
}
