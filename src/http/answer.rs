//! The gate's answer as JSON, and which status stands for it.

use crate::domain::{
    State,
    freeze::Freeze,
    gate::{Answer, Because},
    readiness::Line,
    time::{Wall, rfc3339},
};
use axum::http::StatusCode;
use serde_json::{Value, json};

/// The answer with every field there, so that a path into it never misses.
///
/// `age` is how long ago the room made it, in milliseconds.
pub fn shown(answer: &Answer, age: u64) -> Value {
    json!({
        "allowed": answer.allowed,
        "hold": answer.hold,
        "abort": answer.abort,
        "because": answer.because,
        "reason": crate::domain::text::line(&answer.reason),
        "freeze": answer.freeze,
        "incident": answer.incident,
        "valid_until": answer.valid_until.map(rfc3339),
        "seq": answer.seq,
        "checks": checks(answer),
        "age_ms": age,
    })
}

/// The readiness checks that the answer depends on.
pub fn checks(answer: &Answer) -> Value {
    answer.checks.iter().map(check).collect()
}

/// A readiness check, every field there.
fn check(line: &Line) -> Value {
    json!({
        "check": line.check,
        "verdict": line.verdict,
        "seen": crate::domain::text::line(&line.seen),
        "since": line.since.map(rfc3339),
        "about": line.about,
    })
}

/// What `POST /v1/gate` answers with.
pub fn status(answer: &Answer) -> StatusCode {
    match answer.because {
        Because::Open | Because::Exempted => StatusCode::OK,
        Because::Frozen | Because::NotReady => StatusCode::FORBIDDEN,
        Because::Undecided | Because::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The freezes that hold.
pub fn freezes(state: &State, writable: bool, now: Wall) -> Value {
    let freezes: Vec<Value> = state.freezes.values().filter(|one| one.holds()).map(freeze).collect();
    json!({ "freezes": freezes, "writable": writable, "seq": state.head, "now": rfc3339(now) })
}

fn freeze(freeze: &Freeze) -> Value {
    let exempt: Vec<&str> = freeze.exemptions.iter().map(|one| one.artifact.as_str()).collect();
    json!({
        "freeze": freeze.id,
        "incident": freeze.incident,
        "services": freeze.scope.services,
        "envs": freeze.scope.envs,
        "actions": freeze.scope.actions,
        "owner": freeze.owner,
        "reason": freeze.reason,
        "began": rfc3339(freeze.began.wall),
        "ends": rfc3339(freeze.ends.wall),
        "exempt": exempt,
        "refused": freeze.refused,
        "passed": freeze.passed,
        "proved": freeze.proved.as_ref().map(|at| rfc3339(at.wall)),
    })
}
