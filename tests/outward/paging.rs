//! Pages and updates to their targets.

use crate::{
    house::{House, outward},
    listener::Listener,
};
use std::os::unix::fs::PermissionsExt as _;
use warroom::{
    domain::{
        Command,
        board::BoardCommand,
        id::{IncidentId, PageId},
        page::{PageCommand, TargetKind},
        time::Span,
    },
    push::{Oncall, carrier::Target},
};

const TEN: Span = Span::secs(10);
const SECRET: &str = "R0UT1NGKEY";

fn pagerduty(listener: &Listener) -> Target {
    Target::Pagerduty(listener.url("/v2/enqueue"), SECRET.to_owned().into(), TEN)
}

#[tokio::test(flavor = "multi_thread")]
async fn pagerduty_is_triggered_acknowledged_and_resolved_under_one_key() {
    let pd = Listener::start().await;
    let dir = tempfile::tempdir().unwrap();
    let config = outward(&[("pd", TargetKind::Pagerduty)], &[&["pd"]], &[]);
    let house = House::open(dir, config, vec![("pd", pagerduty(&pd))], Oncall::new()).await;
    house.declare().await;
    house.page().await;
    let trigger = pd.until(1).await[0].clone();
    assert_eq!(trigger.path, "/v2/enqueue");
    assert_eq!(trigger.body["event_action"], "trigger");
    assert_eq!(trigger.body["routing_key"], SECRET);
    assert_eq!(trigger.body["payload"]["severity"], "critical");
    assert_eq!(trigger.body["payload"]["summary"], "PAGE-1 oncall: SEV1 INC-1 checkout <fails>: come");
    house.until("the page is there", |state| !state.pages[&PageId(1)].reached.is_empty()).await;
    house.ok(Command::Page(PageCommand::Acknowledge { page: PageId(1), note: None })).await;
    let got = pd.until(2).await;
    assert_eq!(got[1].body["event_action"], "acknowledge");
    house.until("nothing is owed", |state| state.dispatches.is_empty()).await;
    let to = warroom::domain::incident::Status::Resolved;
    house
        .ok(Command::Incident(warroom::domain::incident::IncidentCommand::Status {
            incident: IncidentId(1),
            to,
        }))
        .await;
    let got = pd.until(3).await;
    assert_eq!(got[2].body["event_action"], "resolve");
    assert!(got.iter().all(|one| one.body["dedup_key"] == trigger.body["dedup_key"]));
    let journal = std::fs::read(house.end().await.path().join("journal.db")).unwrap();
    assert!(
        !journal.windows(SECRET.len()).any(|piece| piece == SECRET.as_bytes()),
        "the key is in the journal"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_goes_out_after_a_crash_under_the_same_key() {
    let pd = Listener::start().await;
    pd.answers(503, "busy");
    let dir = tempfile::tempdir().unwrap();
    let config = || outward(&[("pd", TargetKind::Pagerduty)], &[&["pd"]], &[]);
    let house = House::open(dir, config(), vec![("pd", pagerduty(&pd))], Oncall::new()).await;
    house.declare().await;
    house.page().await;
    house.until("a failure is journaled", |state| state.undelivered.contains_key("pd")).await;
    assert_eq!(house.state().undelivered["pd"], "HTTP 503 busy");
    let status = warroom::cli::page::lines(&house.state(), &warroom::os::clock::now()).join("\n");
    assert!(
        status.contains("has reached NOBODY") && status.contains("pd cannot be reached: HTTP 503"),
        "{status}"
    );
    let dir = house.kill().await;
    pd.answers(202, "{}");
    let house = House::open(dir, config(), vec![("pd", pagerduty(&pd))], Oncall::new()).await;
    house.until("it goes out", |state| state.dispatches.is_empty()).await;
    assert!(house.state().undelivered.is_empty());
    let got = pd.got();
    assert!(got.len() >= 2);
    assert!(got.iter().all(|one| one.body["dedup_key"] == got[0].body["dedup_key"] && one.key == got[0].key));
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_refuses_is_given_up_and_the_page_climbs_at_once() {
    let (pd, hook) = (Listener::start().await, Listener::start().await);
    pd.answers(
        400,
        r#"{"message":"Event object is invalid","errors":["Length of 'routing_key' is incorrect"]}"#,
    );
    let dir = tempfile::tempdir().unwrap();
    let config =
        outward(&[("pd", TargetKind::Pagerduty), ("hook", TargetKind::Webhook)], &[&["pd"], &["hook"]], &[]);
    let webhook =
        Target::Webhook(hook.url("/x").into(), vec![("X-Token".into(), SECRET.to_owned().into())], TEN);
    let house =
        House::open(dir, config, vec![("pd", pagerduty(&pd)), ("hook", webhook)], Oncall::new()).await;
    house.declare().await;
    house.page().await;
    let got = hook.until(1).await[0].clone();
    assert_eq!((got.body["event"].as_str(), got.body["who"].as_str()), (Some("page"), Some("oncall")));
    assert_eq!(got.key.as_deref(), got.body["key"].as_str());
    assert_eq!(pd.got().len(), 1, "a refusal is not asked again");
    house.until("it climbed", |state| state.pages[&PageId(1)].rung == 1).await;
    assert_eq!(
        house.state().undelivered["pd"],
        "HTTP 400 Event object is invalid: Length of 'routing_key' is incorrect"
    );
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_goes_to_slack_escaped_and_an_unreachable_target_blocks_nobody() {
    let slack = Listener::start().await;
    slack.answers(200, "ok");
    let dir = tempfile::tempdir().unwrap();
    let config = outward(
        &[("chat", TargetKind::Slack), ("dead", TargetKind::Webhook)],
        &[&["dead"]],
        &["dead", "chat"],
    );
    // Nothing listens on port 9 of loopback.
    let dead = Target::Webhook("http://127.0.0.1:9/T0KEN".to_owned().into(), Vec::new(), TEN);
    let chat = Target::Slack(slack.url("/services/T0KEN").into(), TEN);
    let house = House::open(dir, config, vec![("chat", chat), ("dead", dead)], Oncall::new()).await;
    house.declare().await;
    let update = |text: &str| {
        let (incident, text) = (IncidentId(1), text.into());
        Command::Board(BoardCommand::Updated { incident, text, to: None, audience: <_>::default() })
    };
    house.ok(update("we <!channel> & look")).await;
    let got = slack.until(1).await;
    assert_eq!(
        got[0].body,
        serde_json::json!({ "text": "SEV1 INC-1 checkout &lt;fails&gt;\nwe &lt;!channel&gt; &amp; look" })
    );
    house.until("the failure is shown", |state| state.undelivered.contains_key("dead")).await;
    assert!(!house.state().undelivered["dead"].contains("T0KEN"));
    house.ok(update("we found it")).await;
    assert_eq!(slack.until(2).await.len(), 2);
    // The old update to the dead target is void; only the new one is still owed.
    house
        .until("one is owed", |state| state.dispatches.values().filter(|one| one.void.is_none()).count() == 1)
        .await;
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_reads_the_page_and_another_says_who_is_on_call() {
    let dir = tempfile::tempdir().unwrap();
    let (script, said) = (dir.path().join("pager"), dir.path().join("said"));
    std::fs::write(&script, format!("#!/bin/sh\ncat > {}\necho queued 17\n", said.display())).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let config = outward(&[("sms", TargetKind::Command)], &[&["sms"]], &[]);
    let oncall = [(("oncall".to_owned(), 0), vec!["printf".to_owned(), "cleo\\nben\\n".to_owned()])].into();
    let sms = Target::Command(vec![script.display().to_string()], TEN);
    let house = House::open(dir, config, vec![("sms", sms)], oncall).await;
    house.page().await;
    house.until("it went out", |state| !state.pages[&PageId(1)].reached.is_empty()).await;
    assert_eq!(house.state().pages[&PageId(1)].reached[0].oncall, ["cleo", "ben"]);
    let message: serde_json::Value = serde_json::from_slice(&std::fs::read(&said).unwrap()).unwrap();
    assert_eq!(message["page"], "PAGE-1");
    assert!(message["text"].as_str().unwrap().ends_with("on call: cleo, ben"));
    house.end().await;
}
