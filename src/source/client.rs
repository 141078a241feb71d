//! HTTP as the sources use it: a time limit on the whole answer, a bound on its size, no redirects.

use super::problem::Problem;
use crate::domain::time::Span;
use reqwest::{Client as Http, Method, Url, header::HeaderMap, header::HeaderName, header::HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use std::{error::Error, net::IpAddr};

/// How long an answer may take, to its last byte.
pub const TIMEOUT: Span = Span::secs(2);
/// Most bytes of an answer.
pub const BODY_MAX: usize = 8 * 1024 * 1024;

/// How a server is asked: what proves who asks, and how long an answer may take.
#[derive(Debug, Clone)]
pub struct Access {
    /// Headers that go with every request.
    pub headers: Vec<(String, SecretString)>,
    /// Bearer token.
    pub bearer: Option<SecretString>,
    /// How long an answer may take, to its last byte.
    pub timeout: Span,
}

impl Default for Access {
    fn default() -> Self {
        Self { headers: Vec::new(), bearer: None, timeout: TIMEOUT }
    }
}

/// A client for one address.
#[derive(Debug, Clone)]
pub struct Client {
    http: Http,
    headers: HeaderMap,
    timeout: Span,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Got {
    /// HTTP status.
    pub status: u16,
    /// The body, whole.
    pub body: Vec<u8>,
    /// Whether it calls itself HTML.
    pub html: bool,
    /// Where it sends us, without secrets, for a redirect.
    pub to: Option<String>,
}

/// Reads an address. One without a scheme is taken for http.
pub fn address(text: &str) -> Result<Url, Problem> {
    let bad = || Problem::Address(crate::domain::text::line(text).chars().take(200).collect());
    let text = text.trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&whole).map_err(|_| bad())?;
    if ["http", "https"].contains(&url.scheme()) && url.has_host() { Ok(url) } else { Err(bad()) }
}

/// Host and port, as a person knows the address: without user, password and query.
pub fn host(url: &Url) -> String {
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    format!("{}{port}", url.host_str().unwrap_or("?"))
}

/// An address as it may be shown: without user, password, query and fragment, where tokens hide.
pub fn shown(url: &Url) -> String {
    let path = if url.path() == "/" { "" } else { url.path() };
    crate::domain::text::line(&format!("{}://{}{path}", url.scheme(), host(url))).into_owned()
}

impl Client {
    /// A client for this address.
    pub fn new(url: &Url, access: &Access) -> Result<Self, Problem> {
        let Access { headers, bearer, timeout } = access;
        // The first one in the process installs it; that another was faster is no error.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let local = url.host_str().is_some_and(|h| {
            h == "localhost" || h.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        });
        let builder = || {
            let builder = Http::builder()
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(timeout.std())
                .timeout(timeout.std())
                .pool_max_idle_per_host(4)
                .user_agent(concat!("warroom/", env!("CARGO_PKG_VERSION")));
            // A proxy for the world is no proxy for this machine.
            if local { builder.no_proxy() } else { builder }
        };
        let http = match builder().build() {
            Ok(http) => http,
            // A machine without any CA certificates cannot check https, but needs none for plain http, and
            // redirects to https are not followed.
            Err(_) if url.scheme() == "http" => builder()
                .tls_danger_accept_invalid_certs(true)
                .build()
                .map_err(|e| Problem::Client(root(&e)))?,
            Err(error) => return Err(Problem::Client(root(&error))),
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            insert(&mut map, name, value.expose_secret())?;
        }
        if let Some(token) = bearer {
            insert(&mut map, "authorization", &format!("Bearer {}", token.expose_secret().trim()))?;
        }
        Ok(Self { http, headers: map, timeout: *timeout })
    }

    /// Reads an address. A redirect is a problem, any other status is an answer.
    pub async fn get(&self, url: Url) -> Result<Got, Problem> {
        let got = self.send(Method::GET, url, &HeaderMap::new(), None).await?;
        match got.to {
            Some(to) => Err(Problem::Redirect(to)),
            None => Ok(got),
        }
    }

    /// Sends a request and reads the whole answer, whatever its status. Redirects are not followed.
    pub async fn send(
        &self,
        method: Method,
        url: Url,
        more: &HeaderMap,
        body: Option<String>,
    ) -> Result<Got, Problem> {
        let host = host(&url);
        let mut request = self.http.request(method, url).headers(self.headers.clone()).headers(more.clone());
        if let Some(body) = body {
            request = request.body(body);
        }
        let mut answer = request.send().await.map_err(|e| self.problem(&host, e))?;
        let status = answer.status();
        let to = (status.is_redirection() && status != 304).then(|| {
            let to = answer.headers().get("location").and_then(|v| answer.url().join(v.to_str().ok()?).ok());
            to.map_or_else(|| "nowhere".to_owned(), |to| shown(&to))
        });
        let html = answer
            .headers()
            .get("content-type")
            .is_some_and(|v| v.as_bytes().to_ascii_lowercase().starts_with(b"text/html"));
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| self.problem(&host, e))? {
            if body.len() + chunk.len() > BODY_MAX {
                return Err(Problem::Large(BODY_MAX));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Got { status: status.as_u16(), body, html, to })
    }

    fn problem(&self, host: &str, error: reqwest::Error) -> Problem {
        let host = host.to_owned();
        if error.is_timeout() {
            return Problem::Slow { host, limit: self.timeout };
        }
        if error.is_dns() {
            return Problem::NoSuchHost(host);
        }
        Problem::Unreachable { host, why: root(&error.without_url()) }
    }
}

fn insert(map: &mut HeaderMap, name: &str, value: &str) -> Result<(), Problem> {
    let bad =
        || Problem::Client(format!("the header {name:?} cannot be sent: its name or its value is not valid"));
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
    let mut value = HeaderValue::from_str(value).map_err(|_| bad())?;
    value.set_sensitive(true);
    map.insert(key, value);
    Ok(())
}

/// The last cause, which is the one that says what happened: `Connection refused (os error 111)`.
fn root(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        let url = address("https://me:secret@prom.example:9090/p?token=x#y").unwrap();
        assert_eq!(shown(&url), "https://prom.example:9090/p");
        assert_eq!(shown(&address("127.0.0.1:9090").unwrap()), "http://127.0.0.1:9090");
        for bad in ["", "ftp://x", "file:///etc/passwd", "http://", "http://[::1"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
