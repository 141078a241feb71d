//! What is wrong with a question or its caller, told as JSON and never with a status that is an answer.

use crate::domain::text;
use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// Most characters of a message.
const MESSAGE_MAX: usize = 400;

/// No answer, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<(HeaderName, &'static str)>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), header: None }
    }

    /// The question is not one.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message)
    }

    /// A web page asks.
    pub fn browser() -> Self {
        let say = "web pages may not ask this gate (the request carries Origin or Sec-Fetch-Site); ask from a server";
        Self::new(StatusCode::BAD_REQUEST, "browser", say)
    }

    /// Nobody knows who asks, or the token is not good for this.
    pub fn who(message: impl Into<String>) -> Self {
        Self {
            header: Some((header::WWW_AUTHENTICATE, "Bearer realm=\"warroom gate\"")),
            ..Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
        }
    }

    /// No such path.
    pub fn path() -> Self {
        let say = "there is no such path: POST /v1/gate, GET /v1/gate.json, GET /v1/freezes, GET /healthz";
        Self::new(StatusCode::NOT_FOUND, "not_found", say)
    }

    /// Wrong method.
    pub fn method(allowed: &'static str) -> Self {
        Self {
            header: Some((header::ALLOW, allowed)),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", format!("this path takes {allowed}"))
        }
    }

    /// The body did not come in time.
    pub fn slow() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "slow", "the body did not arrive in time")
    }

    /// Too long.
    pub fn long(most: usize) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_long", format!("a body has at most {most} bytes"))
    }

    /// Not JSON by its own word.
    pub fn media() -> Self {
        let say = "send JSON with content-type: application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", say)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // The message may quote what was sent.
        let message: String = text::line(&self.message).chars().take(MESSAGE_MAX).collect();
        let body = Json(json!({ "error": { "code": self.code, "message": message } }));
        let mut response = (self.status, body).into_response();
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
