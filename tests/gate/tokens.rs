//! Who may ask.

use super::house::{House, json, web};
use base64::Engine as _;
use serde_json::json;
use warroom::{
    domain::{gate::Action, time::Span},
    http::{
        Bounds,
        token::{GateRight, Secret, Token},
    },
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_decide_who_may_look_and_who_may_ask() {
    let (ci, eyes) = (Secret::fresh(), Secret::fresh());
    let tokens = || {
        vec![
            Token::new("ci", &ci, vec![GateRight::Read, GateRight::Ask]),
            Token::new("eyes", &eyes, vec![GateRight::Read]),
        ]
    };
    let bearer = |secret: &Secret| Some(format!("Bearer {}", secret.expose()));
    let basic =
        |text: String| Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text)));
    let stranger = Secret::fresh();
    // What is sent; then POST, GET where loopback may look, GET where it may not.
    let table = [
        (None, [401, 200, 401]),
        (bearer(&ci), [200, 200, 200]),
        (Some(format!("bearer  {} ", ci.expose())), [200, 200, 200]),
        (basic(format!("flagger:{}", ci.expose())), [200, 200, 200]),
        (bearer(&eyes), [401, 200, 200]),
        (bearer(&stranger), [401, 401, 401]),
        (Some("Bearer ".into()), [401, 401, 401]),
        (Some("Bearer".into()), [401, 401, 401]),
        (Some("Digest x".into()), [401, 401, 401]),
        (Some("Basic %%%".into()), [401, 401, 401]),
        (basic("no colon".into()), [401, 401, 401]),
    ];
    for (n, anonymous) in [(1, true), (2, false)] {
        let house = House::with(tokens(), anonymous, Bounds::default()).await;
        for (sent, expected) in &table {
            let query = "service=s&env=e&artifact=a&action=deploy";
            let with = |request: reqwest::RequestBuilder| match sent {
                Some(value) => request.header("authorization", value),
                None => request,
            };
            let (posted, said) = json(with(web().post(house.url(&format!("/v1/gate?{query}"))))).await;
            assert_eq!(posted, expected[0], "POST {sent:?} {said}");
            let paths = [format!("/v1/gate.json?{query}"), "/v1/freezes".into()];
            for path in paths {
                let (looked, said) = json(with(web().get(house.url(&path)))).await;
                assert_eq!(looked, expected[n], "GET {path} {sent:?} {said}");
            }
            let health = web().get(house.url("/healthz"));
            assert_eq!(json(health).await.0, 200, "anybody may know that it lives");
        }
        house.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_names_the_token_that_asked() {
    let ci = Secret::fresh();
    let tokens = vec![Token::new("ci-main", &ci, vec![GateRight::Ask])];
    let house = House::with(tokens, true, Bounds::default()).await;
    house.freeze(&[Action::Deploy], Span::hours(1)).await;
    let question = json!({"service": "checkout", "env": "prod", "artifact": "a", "action": "deploy"});
    let request = web().post(house.url("/v1/gate")).bearer_auth(ci.expose()).json(&question);
    assert_eq!(json(request).await.0, 403);
    house.until("the refusal", |state| state.freezes.values().any(|one| one.refused == 1)).await;
    assert_eq!(house.gate_facts().await[0]["by"]["proof"], json!({"token": "ci-main"}));
    house.end().await;
}
