//! OTLP logs over HTTP.

use crate::{
    audit::{Sink, otlp},
    domain::{Event, time::Span},
    source::client::{self, Access, Client},
};
use futures::{FutureExt as _, future::BoxFuture};
use reqwest::{
    Method, Url,
    header::{HeaderMap, HeaderValue},
};
use secrecy::SecretString;

/// An OTLP endpoint.
pub struct Otlp {
    url: Url,
    client: Client,
    host: String,
    rejected: Option<(u64, String)>,
}

impl Otlp {
    /// The endpoint with this base address.
    ///
    /// # Errors
    /// What about it makes no sense, in words.
    pub fn new(base: &str, headers: &[(String, SecretString)], limit: Span) -> Result<Self, String> {
        let mut url = client::address(base).map_err(|problem| problem.to_string())?;
        let path = format!("{}/v1/logs", url.path().trim_end_matches('/').trim_end_matches("/v1/logs"));
        url.set_path(&path);
        let access = Access { headers: headers.to_vec(), bearer: None, timeout: limit };
        let client = Client::new(&url, &access).map_err(|problem| problem.to_string())?;
        Ok(Self { url, client, host: crate::os::host_name(), rejected: None })
    }

    async fn post(&mut self, events: &[Event]) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        let body = otlp::request(events, &self.host).to_string();
        let got = self
            .client
            .send(Method::POST, self.url.clone(), &headers, Some(body))
            .await
            .map_err(|problem| problem.to_string())?;
        if !(200..=299).contains(&got.status) {
            return Err(format!("it answers HTTP {}", got.status));
        }
        match otlp::rejected(&got.body) {
            Some((0, why)) => tracing::warn!(%why, "the collector took all events and warns"),
            // For good: the protocol forbids to bring them again, and those that follow must not wait.
            Some((count, why)) => {
                tracing::error!(count, %why, "the collector did not take events");
                self.rejected = Some((count, why));
            }
            None => {}
        }
        Ok(())
    }
}

impl Sink for Otlp {
    fn take<'a>(&'a mut self, events: &'a [Event]) -> BoxFuture<'a, Result<(), String>> {
        self.post(events).boxed()
    }

    fn rejected(&mut self) -> Option<(u64, String)> {
        self.rejected.take()
    }

    fn place(&self) -> String {
        format!("otlp {}", client::shown(&self.url))
    }
}
