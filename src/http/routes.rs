//! Paths and what they answer.

use super::{
    Options, answer,
    caller::{Peer, caller, no_browser},
    problem::Problem,
    report::Report,
    shares::Place,
    token::GateRight,
};
use crate::{
    domain::{
        State,
        gate::{self, Answer, Request},
        text,
    },
    os::clock,
};
use axum::{
    Extension, Json, Router,
    body::{Body, Bytes},
    extract::{Query, RawQuery, Request as Asked, State as With},
    http::{HeaderMap, HeaderValue, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;
use std::sync::{Arc, PoisonError};
use tokio::time::Instant;

/// What every path has at hand.
pub struct Desk {
    /// As configured.
    pub options: Options,
    /// The way to the journal.
    pub report: Arc<Report>,
}

impl Desk {
    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.options.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn doubt(&self) -> Option<&'static str> {
        // A room that is gone writes nothing any more.
        let gone = self.options.asked.is_closed().then_some("the room has ended");
        gone.or_else(|| self.options.writable.doubt(Instant::now()))
    }

    fn writable(&self) -> bool {
        self.doubt().is_none()
    }

    fn checked(&self, request: Request) -> Result<Request, Problem> {
        self.read(|state| request.checked(state)).map_err(|refusal| Problem::bad(refusal.to_string()))
    }

    fn answer(&self, request: &Request) -> Answer {
        let now = clock::now();
        // Before the state is looked at: what is in flight now is not in it.
        let doubt = self.doubt();
        gate::when_writable(
            self.read(|state| gate::answer(state, request, &now)),
            request.action,
            doubt,
            &now,
        )
    }
}

/// All paths.
pub fn router(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/v1/gate", post(ask).fallback(|| async { Problem::method("POST") }))
        .route("/v1/gate.json", get(look).fallback(|| async { Problem::method("GET") }))
        .route("/v1/freezes", get(freezes).fallback(|| async { Problem::method("GET") }))
        .route("/healthz", get(health).fallback(|| async { Problem::method("GET") }))
        .fallback(|| async { Problem::path() })
        .layer(middleware::from_fn(every))
        .with_state(desk)
}

/// What holds for every request: no web pages, nothing kept on the way.
async fn every(request: Asked, next: Next) -> Response {
    let share = request.extensions().get::<Arc<Place>>().cloned();
    let busy = |busy| {
        if let Some(share) = &share {
            share.is_busy(busy);
        }
    };
    busy(true);
    let mut response = match no_browser(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    busy(false);
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn ask(
    With(desk): With<Arc<Desk>>,
    Extension(peer): Extension<Peer>,
    RawQuery(query): RawQuery,
    asked: Asked,
) -> Result<Response, Problem> {
    let (head, body) = asked.into_parts();
    let who = caller(&desk.options, peer, &head.headers, GateRight::Ask).await?;
    let has_query = query.is_some_and(|query| !query.is_empty());
    if !has_query && !is_json(&head.headers) {
        return Err(Problem::media());
    }
    let body = whole(&desk, &head.headers, body).await?;
    // A caller with a body of its own, as Flagger, asks by the address.
    let request = if has_query { from_query(&head.uri)? } else { from_json(&body)? };
    let request = desk.checked(request)?;
    let answer = desk.answer(&request);
    let response = (answer::status(&answer), Json(answer::shown(&answer, 0))).into_response();
    desk.report.answered(who, request, &answer);
    Ok(response)
}

async fn look(
    With(desk): With<Arc<Desk>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    caller(&desk.options, peer, &headers, GateRight::Read).await?;
    let request = desk.checked(from_query(&uri)?)?;
    Ok(Json(answer::shown(&desk.answer(&request), 0)).into_response())
}

async fn freezes(
    With(desk): With<Arc<Desk>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller(&desk.options, peer, &headers, GateRight::Read).await?;
    let now = clock::now().wall;
    Ok(Json(desk.read(|state| answer::freezes(state, desk.writable(), now))).into_response())
}

async fn health(
    With(desk): With<Arc<Desk>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // How one user's own room is doing is that user's business.
    if desk.options.owner.is_some() {
        caller(&desk.options, peer, &headers, GateRight::Read).await?;
    }
    let seq = desk.read(|state| state.head);
    Ok(Json(json!({ "ok": true, "writable": desk.writable(), "seq": seq })).into_response())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

async fn whole(desk: &Desk, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let most = desk.options.bounds.body;
    let told = headers.get(header::CONTENT_LENGTH).and_then(|n| n.to_str().ok()?.parse::<u64>().ok());
    if told.is_some_and(|n| n > most as u64) {
        return Err(Problem::long(most));
    }
    let read = tokio::time::timeout(desk.options.bounds.wait, axum::body::to_bytes(body, most));
    match read.await {
        Err(_) => Err(Problem::slow()),
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => {
            let error = error.into_inner();
            let long =
                std::iter::successors(Some(&*error as &(dyn std::error::Error + 'static)), |e| e.source())
                    .any(|error| error.to_string().contains("length limit"));
            Err(if long { Problem::long(most) } else { Problem::bad("the body broke off") })
        }
    }
}

fn from_json(body: &[u8]) -> Result<Request, Problem> {
    serde_json::from_slice::<Request>(body)
        .map_err(|error| Problem::bad(format!("the body is not a question to the gate: {error}")))
}

fn from_query(uri: &Uri) -> Result<Request, Problem> {
    let Query(request) = Query::<Request>::try_from_uri(uri).map_err(|error| {
        Problem::bad(format!("the query is not a question to the gate: {}", root(&error)))
    })?;
    Ok(request)
}

fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let last = std::iter::successors(Some(error), |error| error.source()).last();
    last.map_or_else(String::new, |error| text::line(&error.to_string()).into_owned())
}
