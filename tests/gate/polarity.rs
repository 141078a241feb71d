//! Yes, no and undecided: which status, which fields, and what the journal keeps.

use super::house::{House, json, web};
use serde_json::{Value, json};
use warroom::{
    domain::{gate::Action, time::Span},
    http::Bounds,
};

const QUESTION: &str = "service=checkout&env=prod&artifact=";

fn body(artifact: &str, action: &str) -> Value {
    json!({ "service": "checkout", "env": "prod", "artifact": artifact, "action": action })
}

/// Status of POST, and `because`, `allowed`, `hold`, `abort` of both surfaces, which must agree.
async fn both(house: &House, artifact: &str, action: &str) -> (u16, String, [bool; 3]) {
    let (status, posted) = json(web().post(house.url("/v1/gate")).json(&body(artifact, action))).await;
    let look = house.url(&format!("/v1/gate.json?{QUESTION}{artifact}&action={action}"));
    let (always, looked) = json(web().get(&look)).await;
    assert_eq!(always, 200);
    for field in ["allowed", "hold", "abort", "because", "reason", "freeze", "valid_until"] {
        assert_eq!(posted[field], looked[field], "{field}");
    }
    let by_address = house.url(&format!("/v1/gate?{QUESTION}{artifact}&action={action}"));
    let (again, _) = json(web().post(&by_address).body("{\"name\":\"x\",\"phase\":\"Waiting\"}")).await;
    assert_eq!(again, status, "the same asked by the address");
    let flag = |name: &str| posted[name].as_bool().unwrap();
    (status, posted["because"].as_str().unwrap().to_owned(), [flag("allowed"), flag("hold"), flag("abort")])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_has_its_status_on_a_disk_that_works_and_on_one_that_does_not() {
    let house = House::open().await;
    assert_eq!(both(&house, "checkout@3", "deploy").await, (200, "open".into(), [true, false, false]));
    house.freeze(&[Action::Deploy, Action::Promote], Span::hours(1)).await;
    house.exempt("checkout@4").await;
    house.judge_bad("checkout@5").await;
    house.exempt("checkout@5").await;
    let works = [
        ("checkout@3", "deploy", 403, "frozen", [false, true, false]),
        ("checkout@3", "promote", 403, "frozen", [false, true, false]),
        ("checkout@3", "rollback", 200, "open", [true, false, false]),
        ("checkout@4", "deploy", 200, "exempted", [true, false, false]),
        ("checkout@5", "deploy", 403, "not_ready", [false, false, false]),
        ("checkout@5", "rollback", 200, "open", [true, false, false]),
    ];
    for (artifact, action, status, because, flags) in works {
        let expected = (status, because.to_owned(), flags);
        assert_eq!(both(&house, artifact, action).await, expected, "{artifact} {action}");
    }
    house.disk(true).await;
    for (artifact, action, status, because, flags) in works {
        // What was let through is undecided now; what was refused still is. A rollback is the way out.
        let expected = if action == "rollback" {
            (200, "open".to_owned(), flags)
        } else if flags[0] {
            (503, "undecided".to_owned(), [false, true, false])
        } else {
            (status, because.to_owned(), flags)
        };
        assert_eq!(both(&house, artifact, action).await, expected, "unwritable: {artifact} {action}");
    }
    let (status, health) = json(web().get(house.url("/healthz"))).await;
    assert_eq!((status, &health["writable"]), (200, &json!(false)));
    house.disk(false).await;
    assert_eq!(both(&house, "checkout@3", "rollback").await.0, 200);
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gate_whose_room_is_gone_lets_nothing_through() {
    let house = House::open().await;
    house.end_room().await;
    let answer = both(&house, "checkout@3", "deploy").await;
    assert_eq!(answer, (503, "undecided".into(), [false, true, false]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_kept_with_their_caller_and_counted_while_looks_leave_nothing() {
    let house = House::open().await;
    house.freeze(&[Action::Deploy], Span::hours(1)).await;
    house.exempt("checkout@4").await;
    let web = web();
    for _ in 0..5 {
        web.get(house.url(&format!("/v1/gate.json?{QUESTION}checkout@3&action=deploy")))
            .send()
            .await
            .unwrap();
    }
    for _ in 0..40 {
        let (status, _) = json(web.post(house.url("/v1/gate")).json(&body("checkout@3", "deploy"))).await;
        assert_eq!(status, 403);
    }
    json(web.post(house.url("/v1/gate")).json(&body("checkout@4", "deploy"))).await;
    house
        .until("a refusal and a pass", |state| {
            state.freezes.values().any(|freeze| freeze.refused == 1 && freeze.passed == 1)
        })
        .await;
    let facts = house.gate_facts().await;
    assert_eq!(facts.len(), 2, "repeats are gathered: {facts:#?}");
    assert_eq!(facts[0]["gate"]["refused"]["request"]["artifact"], "checkout@3");
    let me = warroom::os::peer::name_now(warroom::os::peer::my_uid());
    assert_eq!((&facts[0]["by"]["name"], &facts[0]["by"]["proof"]), (&json!(me), &json!("kernel")));
    let mut dry = body("checkout@9", "deploy");
    dry["dry_run"] = json!(true);
    assert_eq!(json(web.post(house.url("/v1/gate")).json(&dry)).await.0, 403);
    house.until("the freeze is proved", |state| state.freezes.values().any(|one| one.proved.is_some())).await;
    let (_, listed) = json(web.get(house.url("/v1/freezes"))).await;
    let freeze = &listed["freezes"][0];
    assert_eq!((&freeze["freeze"], &freeze["exempt"][0]), (&json!("FRZ-1"), &json!("checkout@4")));
    assert!(freeze["proved"].is_string() && freeze["ends"].is_string());
    let dir = house.end().await;
    let house = House::at(dir, Vec::new(), true, Bounds::default()).await;
    let (status, _) = json(web.post(house.url("/v1/gate")).json(&body("checkout@3", "deploy"))).await;
    assert_eq!(status, 403, "a freeze outlives its room");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_callers_on_kept_connections_get_each_their_own_answer() {
    let house = House::open().await;
    house.freeze(&[Action::Deploy], Span::hours(1)).await;
    let callers = (0..16).map(|caller| {
        let (url, web) = (house.url("/v1/gate"), web());
        tokio::spawn(async move {
            for n in 0..50 {
                let artifact = format!("checkout@{caller}.{n}");
                let action = if n % 2 == 0 { "deploy" } else { "rollback" };
                let (status, answer) = json(web.post(&url).json(&body(&artifact, action))).await;
                assert_eq!(status, if n % 2 == 0 { 403 } else { 200 });
                assert_eq!(answer["reason"].as_str().unwrap().contains(&artifact), n % 2 == 0);
            }
        })
    });
    for caller in futures::future::join_all(callers).await {
        caller.unwrap();
    }
    // More kinds than are told apart of one caller: the rest is one count, written at the latest when the room ends.
    let house = House::at(house.end().await, Vec::new(), true, Bounds::default()).await;
    let refused: u64 = house.state().freezes.values().map(|freeze| freeze.refused).sum();
    assert_eq!(refused, 16 * 25, "all are counted");
    let events = house.gate_facts().await.len();
    assert!(events <= 70, "{events} events");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_that_were_gathered_outlive_the_room() {
    let house = House::open().await;
    house.freeze(&[Action::Deploy], Span::hours(1)).await;
    for _ in 0..40 {
        json(web().post(house.url("/v1/gate")).json(&body("checkout@3", "deploy"))).await;
    }
    let house = House::at(house.end().await, Vec::new(), true, Bounds::default()).await;
    let refused: u64 = house.state().freezes.values().map(|freeze| freeze.refused).sum();
    assert_eq!(refused, 40);
    house.end().await;
}
