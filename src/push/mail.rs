//! A target that is mail. All about one page is one thread.

use super::{Carrier, Failure};
use crate::domain::{dispatch::Message, time::Span};
use futures::{FutureExt as _, future::BoxFuture};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    message::{Mailbox, header},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use std::path::Path;

/// What a certificate in a PEM file begins with.
const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protect {
    /// STARTTLS, and nothing without it.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Not at all.
    Nothing,
}

/// A mail server, a sender and recipients.
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    domain: String,
}

/// `Auto-Submitted: auto-generated` (RFC 3834), so that no holiday notice answers.
#[derive(Clone)]
struct AutoSubmitted;

impl header::Header for AutoSubmitted {
    fn name() -> header::HeaderName {
        header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }
    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }
    fn display(&self) -> header::HeaderValue {
        header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Mail {
    /// Through this server.
    ///
    /// # Errors
    /// What about it makes no sense, in words.
    pub fn new(
        server: &str,
        protect: Protect,
        ca: Option<&Path>,
        login: Option<(&str, &SecretString)>,
        from: &str,
        to: &[String],
        limit: Span,
    ) -> Result<Self, String> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (host, port) = server.rsplit_once(':').ok_or("no port in its server")?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let port = port.parse().map_err(|_| "its server's port is no number")?;
        let mut parameters = TlsParameters::builder(host.clone());
        if let Some(path) = ca {
            let bad = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
            let pem = std::fs::read(path).map_err(|error| bad(&error))?;
            if !pem.windows(PEM.len()).any(|part| part == PEM) {
                return Err(bad(&"there is no certificate in it; it is to be PEM"));
            }
            parameters =
                parameters.add_root_certificate(Certificate::from_pem(&pem).map_err(|error| bad(&error))?);
        }
        let tls = || parameters.build().map_err(|error| error.to_string());
        let tls = match protect {
            Protect::Starttls => Tls::Required(tls()?),
            Protect::Tls => Tls::Wrapper(tls()?),
            Protect::Nothing => Tls::None,
        };
        let mailbox = |text: &str| text.parse::<Mailbox>().map_err(|_| format!("{text:?} is no address"));
        let from = mailbox(from)?;
        let to = to.iter().map(|text| mailbox(text)).collect::<Result<Vec<_>, _>>()?;
        let name = crate::os::host_name();
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .tls(tls)
            .hello_name(ClientId::Domain(name.clone()))
            .timeout(Some(limit.std()));
        if let Some((user, password)) = login {
            builder =
                builder.credentials(Credentials::new(user.to_owned(), password.expose_secret().to_owned()));
        }
        let domain = from.email.domain().to_owned();
        Ok(Self { transport: builder.build(), from, to, domain })
    }

    fn mail(&self, message: &Message) -> Result<lettre::Message, String> {
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .subject(message.title.clone())
            .message_id(Some(format!("<{}@{}>", message.key, self.domain)))
            .header(AutoSubmitted)
            .references(format!("<{}@{}>", message.thread, self.domain));
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        builder
            .header(header::ContentType::TEXT_PLAIN)
            .body(message.text.clone())
            .map_err(|error| error.to_string())
    }

    async fn send(&self, message: Message) -> Result<String, Failure> {
        let mail = self.mail(&message).map_err(Failure::never)?;
        match self.transport.send(mail).await {
            Ok(answer) => {
                Ok(format!("{} {}", answer.code(), answer.first_line().unwrap_or_default()).trim().to_owned())
            }
            Err(error) if error.is_permanent() => Err(Failure::never(told(&error))),
            Err(error) => Err(Failure::later(told(&error))),
        }
    }
}

/// The error with its causes.
fn told(error: &lettre::transport::smtp::Error) -> String {
    let mut all = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !all.contains(&said) {
            all = format!("{all}: {said}");
        }
        cause = inner.source();
    }
    all
}

impl Carrier for Mail {
    fn carry(&self, message: Message) -> BoxFuture<'_, Result<String, Failure>> {
        self.send(message).boxed()
    }
}
