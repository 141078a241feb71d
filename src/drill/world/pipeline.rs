//! The pipeline: it deploys the bad release at its moment, and from then on keeps trying to deploy the next one, and
//! where that went live the one after, each time asking the gate first. What it did is read from the history, so it can be started again at any time.

use super::client::client;
use super::logfile::Log;
use super::release::{self, BAD};
use super::spec::Spec;
use super::{Facts, Layout, WorldError, deploy, layout, spawn};
use crate::domain::time::Span;
use serde_json::Value;
use std::time::Duration;

/// What the pipeline deploys.
const SERVICE: &str = "checkout";
/// Between two instances of a deploy, at pace 1.
const BETWEEN: Span = Span::millis(1_500);

/// Deploys until the process ends.
pub async fn run(layout: &Layout) -> Result<(), WorldError> {
    let facts = Facts::read(layout)?;
    let spec: Spec = layout::read_json(&layout.spec())?;
    let log = Log::new(&layout.log("pipeline"), vec![("service", "pipeline".into())]);
    let http = client()?;
    let gone = || Span::between(facts.started, chrono::Utc::now());
    if !deploy::was_deployed(layout, SERVICE, BAD) {
        tokio::time::sleep(spec.bad_after().minus(gone()).std()).await;
        put(layout, &spec, &http, &log, BAD).await;
    }
    tokio::time::sleep(spec.next_after().minus(gone()).std()).await;
    for attempt in 1_u64.. {
        // Read again: who takes a drill up again may have a room elsewhere.
        let spec: Spec = layout::read_json(&layout.spec())?;
        let live = try_next(layout, &spec, &http, &log, attempt).await;
        let wait = if live { spec.next_build() } else { spec.next_every() };
        tokio::time::sleep(wait.std().max(Duration::from_millis(100))).await;
    }
    Ok(())
}

/// Asks for the newest build and deploys it where that is allowed. Says whether it went live.
async fn try_next(layout: &Layout, spec: &Spec, http: &reqwest::Client, log: &Log, attempt: u64) -> bool {
    let version = release::newest(|version| deploy::was_deployed(layout, SERVICE, version));
    let artifact = format!("{SERVICE}@{version}");
    let (code, said) = spawn::ask_gate(spec, SERVICE, &artifact).await;
    let fields: [(&str, Value); 4] = [
        ("artifact", artifact.clone().into()),
        ("attempt", attempt.into()),
        ("gate_exit", code.into()),
        ("gate", said.clone().into()),
    ];
    match code {
        Some(0) => {
            log.info(&format!("gate allows {artifact}"), &fields);
            put(layout, spec, http, log, &version).await;
        }
        Some(10) => log.warn(&format!("deploy of {artifact} refused: {said}"), &fields),
        Some(11) => log.warn(&format!("deploy of {artifact} not ready: {said}"), &fields),
        Some(12) => log.warn(&format!("deploy of {artifact} undecided, not deployed: {said}"), &fields),
        Some(20) => log.warn(&format!("deploy of {artifact} held: no room answers: {said}"), &fields),
        _ => log.error(&format!("deploy of {artifact} held: the gate could not be asked: {said}"), &fields),
    }
    code == Some(0)
}

/// Deploys a release and says how it went. A failure is logged and left to the next attempt.
async fn put(layout: &Layout, spec: &Spec, http: &reqwest::Client, log: &Log, version: &str) {
    let fields: [(&str, Value); 1] = [("artifact", format!("{SERVICE}@{version}").into())];
    log.info(&format!("deploying {SERVICE} {version}"), &fields);
    let done = async {
        release::put(layout, spec, SERVICE, version)?;
        let instances = Facts::read(layout)?.urls(SERVICE);
        deploy::deploy(layout, http, SERVICE, version, &instances, spec.paced(BETWEEN).std()).await
    };
    match done.await {
        Ok(refused) if refused.is_empty() => log.info(&format!("deployed {SERVICE} {version}"), &fields),
        Ok(refused) => log.error(&format!("deployed {version} in part: {}", refused.join("; ")), &fields),
        Err(why) => log.error(&format!("deploy of {version} failed: {why}"), &fields),
    }
}
