//! Failures in words.

use rustls::{AlertDescription, CertificateError};
use std::error::Error as _;
use tokio_postgres::Error;

/// Why a server cannot be spoken to: what is wrong with its certificate and what to do, or the innermost reason.
pub fn why(error: &Error) -> String {
    certificate(error).unwrap_or_else(|| root(error))
}

/// What is wrong with a certificate, and what to do.
fn certificate(error: &Error) -> Option<String> {
    let mut cause = error.source();
    let found = loop {
        let this = cause?;
        let io = this.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let inner = io.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner.or_else(|| this.downcast_ref::<rustls::Error>()) {
            Some(found) => break found,
            None => cause = this.source(),
        }
    };
    match found {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            Some("nobody who is trusted here signed its certificate; ca = \"FILE\" names who did".into())
        }
        rustls::Error::InvalidCertificate(_) => Some(found.to_string()),
        rustls::Error::AlertReceived(
            alert @ (AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired),
        ) => Some(format!(
            "it does not believe the certificate that it is shown ({alert:?}); cert = \"FILE\" names it"
        )),
        _ => None,
    }
}

/// The innermost reason: the outer ones only say that there was one.
pub fn root(error: &Error) -> String {
    let mut inner: Option<&(dyn std::error::Error + 'static)> = error.source();
    let mut said = error.to_string();
    while let Some(next) = inner {
        said = next.to_string();
        inner = next.source();
    }
    said
}
