//! The room's duty to ask readiness checks: each on its own time, one at a time of each source, and nothing waits for it.

use super::sources::Sources;
use crate::{
    domain::{
        policy::Policy,
        readiness::ReadinessCheck,
        time::{Span, backoff},
        verdict::Verdict,
    },
    os::clock,
    signal::{Body, CheckView, Reading},
    source::{self, poll::chance},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::{
    sync::{Mutex, mpsc::Sender},
    task::JoinSet,
};

/// Longest wait for one answer.
const LIMIT: Span = Span::secs(30);
/// The first questions are spread over this, so that a room that opens does not ask everything at once.
const SPREAD: Span = Span::millis(500);
/// What was not known is asked again after this, then after twice as long, up to the check's own time.
const AGAIN: Span = Span::secs(2);

/// Asks all checks of a policy until it is dropped. Must be called within a tokio runtime.
pub fn start(policy: &Policy, sources: &Sources, readings: &Sender<Reading>) -> JoinSet<()> {
    let mut lanes: BTreeMap<String, Arc<Mutex<()>>> = BTreeMap::new();
    let mut duties = JoinSet::new();
    for (service, known) in &policy.services {
        for check in &known.readiness {
            let whom = source::whom(&check.lang, &check.code, check.source.as_deref());
            let lane = Arc::clone(lanes.entry(whom).or_default());
            let (service, check) = (service.clone(), check.clone());
            duties.spawn(duty(service, check, lane, sources.clone(), readings.clone()));
        }
    }
    duties
}

/// Asks one check until nobody listens.
async fn duty(
    service: String,
    check: ReadinessCheck,
    lane: Arc<Mutex<()>>,
    sources: Sources,
    readings: Sender<Reading>,
) {
    let limit = LIMIT.min(check.fresh());
    let mut failures = 0;
    tokio::time::sleep(part(SPREAD, chance()).std()).await;
    loop {
        let (verdict, seen) = {
            let _turn = lane.lock().await;
            let answer = sources.check(&check.lang, &check.code, check.source.as_deref());
            match tokio::time::timeout(limit.std(), answer).await {
                Ok(answer) => (answer.verdict, answer.seen),
                Err(_) => (Verdict::Unknown, format!("no answer within {}", limit.brief())),
            }
        };
        let now = clock::now();
        let view =
            CheckView { service: service.clone(), check: check.name.clone(), verdict, seen, at: now.clone() };
        let source = format!("readiness:{}", view.key());
        if readings.send(Reading { source, at: now.wall, body: Body::Check(view) }).await.is_err() {
            return;
        }
        failures = if verdict == Verdict::Unknown { failures + 1_u32 } else { 0 };
        let wait = match failures {
            0 => part(check.every, 0.9 + chance() / 10.0),
            n => check.every.min(backoff(n, AGAIN, check.every.max(AGAIN), chance())),
        };
        tokio::time::sleep(wait.std()).await;
    }
}

/// A part of a time.
fn part(of: Span, share: f64) -> Span {
    Span::millis((of.as_millis() as f64 * share) as u64)
}
