//! Readiness as the gate answers it, asked from services that are well, ill, silent and gone.

use super::{
    house::{House, json, web},
    program,
};
use axum::{Router, extract::Path, http::StatusCode, routing::get};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};
use warroom::{
    cli::gate::{IfUnavailable, Question, ask},
    domain::{
        Command,
        gate::Request,
        incident::IncidentCommand,
        policy::{Policy, Service},
        readiness::ReadinessCheck,
        severity::Severity,
        time::{Span, Stamp},
        watch::WatchCommand,
    },
    http::Bounds,
};

/// A service that answers every path with a status that the test sets; with 0 it does not answer at all.
struct Checked {
    at: String,
    status: Arc<AtomicU16>,
    /// Questions so far, how many are being answered now, and the most at once.
    asked: Arc<[AtomicUsize; 3]>,
    task: tokio::task::JoinHandle<()>,
}

impl Checked {
    async fn start(status: u16) -> Self {
        let status = Arc::new(AtomicU16::new(status));
        let asked: Arc<[AtomicUsize; 3]> = Arc::default();
        let (says, counts) = (status.clone(), asked.clone());
        let answer = move |Path(_): Path<String>| {
            let (says, counts) = (says.clone(), counts.clone());
            async move {
                counts[0].fetch_add(1, SeqCst);
                let here = counts[1].fetch_add(1, SeqCst) + 1;
                counts[2].fetch_max(here, SeqCst);
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                while says.load(SeqCst) == 0 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                counts[1].fetch_sub(1, SeqCst);
                StatusCode::from_u16(says.load(SeqCst)).unwrap()
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap().to_string();
        let router = Router::new().route("/{*path}", get(answer));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { at, status, asked, task }
    }

    fn check(&self, name: &str, every: Span) -> ReadinessCheck {
        ReadinessCheck {
            name: name.into(),
            lang: "http".into(),
            code: format!("GET http://{}/{name}", self.at),
            source: None,
            every,
            fresh: Some(Span::secs(20)),
            about: Some("its health page answers".into()),
            envs: [].into(),
        }
    }
}

impl Drop for Checked {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn policy(checks: Vec<ReadinessCheck>) -> Policy {
    let service = Service { readiness: checks, ..Service::default() };
    Policy { services: [("checkout".into(), service)].into(), ..Policy::default() }
}

async fn house(dir: tempfile::TempDir, checks: Vec<ReadinessCheck>) -> House {
    House::under(dir, policy(checks), (Vec::new(), true, Bounds::default()), None).await
}

fn question(action: &str) -> Value {
    json!({ "service": "checkout", "env": "prod", "artifact": "checkout@3", "action": action })
}

/// Asks over HTTP until the answer is this one.
async fn until(house: &House, action: &str, because: &str) -> (u16, Value) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let got = json(web().post(house.url("/v1/gate")).json(&question(action))).await;
        if got.1["because"] == because {
            return got;
        }
        assert!(Instant::now() < end, "never {because}: {got:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_well_ill_silent_and_gone() {
    let served = Checked::start(200).await;
    let house = house(tempfile::tempdir().unwrap(), vec![served.check("health", Span::millis(20))]).await;
    let (status, open) = until(&house, "deploy", "open").await;
    assert_eq!((status, open["checks"][0]["verdict"].as_str()), (200, Some("yes")));
    served.status.store(503, SeqCst);
    let (status, no) = until(&house, "deploy", "not_ready").await;
    assert_eq!((status, no["allowed"].as_bool(), no["hold"].as_bool()), (403, Some(false), Some(true)));
    let reason = no["reason"].as_str().unwrap();
    assert!(reason.starts_with("not ready: checkout: health says no: HTTP 503"), "{reason}");
    assert!(reason.contains(" since ") && reason.ends_with("(its health page answers)"), "{reason}");
    assert!(no["checks"][0]["since"].is_string());
    assert_eq!(until(&house, "rollback", "open").await.0, 200, "the way out stays open");
    let look =
        json(web().get(house.url("/v1/gate.json?service=checkout&env=prod&artifact=a&action=promote"))).await;
    assert_eq!((look.0, look.1["because"].as_str()), (200, Some("not_ready")));
    let request: Request = serde_json::from_value(question("deploy")).unwrap();
    let memory = tempfile::tempdir().unwrap();
    let one = || {
        Question::at_sockets(request.clone(), IfUnavailable::Deny, vec![house.socket.clone()], memory.path())
    };
    let told = ask(&one(), chrono::Utc::now()).await;
    assert_eq!((told.exit(), told.json()["checks"][0]["check"].as_str()), (11, Some("health")));
    served.task.abort();
    let (status, gone) = until(&house, "deploy", "undecided").await;
    assert_eq!((status, gone["allowed"].as_bool()), (503, Some(false)));
    assert!(gone["reason"].as_str().unwrap().contains("health is unknown: "), "{gone}");
    assert_eq!(ask(&one(), chrono::Utc::now()).await.exit(), 12);
    let facts = house.facts("readiness").await;
    let verdicts: Vec<&str> =
        facts.iter().map(|fact| fact["readiness"]["turned"]["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["yes", "no", "unknown"], "changes, and no poll");
    let refused = house.gate_facts().await;
    let why: Vec<&str> =
        refused.iter().filter_map(|fact| fact["gate"]["refused"]["because"].as_str()).collect();
    assert!(why.contains(&"not_ready") && why.contains(&"undecided"), "{why:?}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_is_opened_again_asks_again() {
    let served = Checked::start(200).await;
    let first = house(tempfile::tempdir().unwrap(), vec![served.check("health", Span::millis(20))]).await;
    until(&first, "deploy", "open").await;
    let dir = first.end().await;
    served.status.store(0, SeqCst);
    let again = house(dir, vec![served.check("health", Span::millis(20))]).await;
    let (_, told) = json(web().post(again.url("/v1/gate")).json(&question("deploy"))).await;
    assert_eq!(told["because"], "undecided", "what was answered before is old: {told}");
    served.status.store(200, SeqCst);
    until(&again, "deploy", "open").await;
    again.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_is_asked_one_thing_at_a_time_and_a_silent_one_keeps_no_other_waiting() {
    let (busy, mute) = (Checked::start(200).await, Checked::start(0).await);
    let mut checks: Vec<_> = ["a", "b", "c", "d"].map(|name| busy.check(name, Span::millis(1))).into();
    checks.push(mute.check("mute", Span::millis(20)));
    let house = house(tempfile::tempdir().unwrap(), checks).await;
    house
        .until("answers of the one that speaks", |state| {
            state
                .readiness
                .get("checkout")
                .is_some_and(|all| ["a", "b", "c", "d"].iter().all(|name| all.contains_key(*name)))
        })
        .await;
    let end = Instant::now() + Duration::from_secs(20);
    while busy.asked[0].load(SeqCst) < 40 {
        assert!(Instant::now() < end, "it is not asked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(busy.asked[2].load(SeqCst), 1, "one at a time");
    let (_, told) = json(web().post(house.url("/v1/gate")).json(&question("deploy"))).await;
    assert_eq!(told["because"], "undecided");
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.contains(": mute is unknown: ") && !reason.contains("; "), "{told}");
    mute.status.store(200, SeqCst);
    until(&house, "deploy", "open").await;
    house.end().await;
}

/// The real program, its configuration, and a service that fails and comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_answers_11_and_12_and_0() {
    let served = Checked::start(200).await;
    let home = program::House::new();
    let at = home.path().join("warroom/warroom.toml");
    std::fs::create_dir_all(at.parent().unwrap()).unwrap();
    let config = format!(
        "[gate]\nlisten = \"127.0.0.1:0\"\n\n[[service.checkout.readiness]]\nname = \"health\"\nlang = \"http\"\n\
         code = \"GET http://{}/health\"\nevery = \"1s\"\nabout = \"its health page answers\"\n",
        served.at
    );
    std::fs::write(&at, config).unwrap();
    let home = Arc::new(home);
    let run = |args: Vec<&'static str>| {
        let home = home.clone();
        async move { tokio::task::spawn_blocking(move || home.run(&args)).await.unwrap() }
    };
    let begun = run(vec!["note", "it begins"]).await;
    assert!(begun.status.success(), "{begun:?}");
    let gate = |action: &'static str| {
        run(vec![
            "gate",
            "--service",
            "checkout",
            "--env",
            "prod",
            "--artifact",
            "checkout@3",
            "--action",
            action,
        ])
    };
    let until = async |code: i32, says: &str| {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let got = gate("deploy").await;
            let line = String::from_utf8(got.stdout).unwrap();
            if got.status.code() == Some(code) {
                assert!(line.contains(says), "{line}");
                return;
            }
            assert!(Instant::now() < end, "never {code}: {line}");
        }
    };
    until(0, "open").await;
    served.status.store(500, SeqCst);
    until(11, "not ready: checkout: health says no: HTTP 500").await;
    assert_eq!(gate("rollback").await.status.code(), Some(0));
    served.task.abort();
    until(12, "undecided: nobody knows whether it is ready: checkout: health is unknown").await;
    let tail = run(vec!["tail", "--no-follow"]).await;
    let log = String::from_utf8(tail.stdout).unwrap();
    assert!(log.contains("checkout is NOT READY: health says no: HTTP 500"), "{log}");
    tokio::task::spawn_blocking(move || home.stop()).await.unwrap();
}

/// A room of practice in which checkout broke and came back; gives its directory, with the journal in it.
async fn drilled(recovered: bool) -> tempfile::TempDir {
    let policy = Policy { recovery_hold: Span::millis(1), ..Policy::default() };
    let desk = (Vec::new(), true, Bounds::default());
    let drill = Some(("bad-release".to_owned(), 10.0));
    let house = House::under(tempfile::tempdir().unwrap(), policy, desk, drill).await;
    let since = Stamp::wall_only(chrono::Utc::now() - chrono::TimeDelta::seconds(252));
    let (panel, seen) = ("errors".to_owned(), "7 %".to_owned());
    let breach =
        WatchCommand::Breached { panel: panel.clone(), seen: seen.clone(), threshold: "1 %".into(), since };
    house.shared.own.send(Command::Watch(breach)).unwrap();
    house.until("the breach", |state| !state.breaches.is_empty()).await;
    house
        .act(Command::Incident(IncidentCommand::Declare {
            all: None,
            title: "checkout fails".into(),
            severity: Severity::new(1).unwrap(),
            services: vec!["checkout".into()],
            env: None,
            freeze: false,
        }))
        .await;
    if recovered {
        house.shared.own.send(Command::Watch(WatchCommand::Cleared { panel, seen })).unwrap();
        house
            .until("recovery", |state| state.incidents.values().any(|one| one.clocks.recovered.is_some()))
            .await;
    }
    house.end().await
}

/// A drill's journal, the real program, and a gate that asks for a drill.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drill_that_is_recorded_opens_the_gate_and_one_that_failed_closes_it() {
    let (good, failed) = (drilled(true).await, drilled(false).await);
    tokio::task::spawn_blocking(move || {
        let home = program::House::new();
        let at = home.path().join("warroom/warroom.toml");
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::fs::write(
            &at,
            "[gate]\nlisten = \"127.0.0.1:0\"\n[service.checkout.record]\ndrill_within = \"90d\"\n[service.cart]\n",
        )
        .unwrap();
        home.ok(&["note", "it begins"]);
        let gate = || {
            let asked = ["--service", "checkout", "--env", "prod", "--artifact", "checkout@3", "--action", "deploy"];
            let got = home.run(&[&["gate"], asked.as_slice()].concat());
            (got.status.code().unwrap(), String::from_utf8(got.stdout).unwrap())
        };
        let ready = |args: &[&str]| {
            let got = home.run(&[&["ready"], args].concat());
            (got.status.code().unwrap(), String::from_utf8(got.stdout).unwrap())
        };
        let (code, line) = gate();
        assert!(code == 12 && line.contains("drill is unknown: none is recorded"), "{code} {line}");
        assert_eq!(ready(&[]).0, 12);
        let record = |dir: &std::path::Path| {
            home.run(&["drill", "record", dir.to_str().unwrap(), "--service", "checkout"])
        };
        let told = record(good.path());
        assert!(told.status.success(), "{told:?}");
        assert!(record(&good.path().join("journal.db")).status.success(), "twice is once");
        let (code, line) = gate();
        assert_eq!(code, 0, "{line}");
        let (code, card) = ready(&["checkout"]);
        assert!(code == 0 && card.starts_with("checkout  ready\n"), "{card}");
        assert!(card.contains("bad-release recovered from in 4m1"), "{card}");
        let status = home.ok(&["status"]);
        assert!(status.contains("checkout  ready") && status.contains("drill 20"), "{status}");
        assert!(record(failed.path()).status.success());
        let (code, line) = gate();
        assert!(code == 11 && line.contains("drill says no: bad-release NOT recovered from"), "{code} {line}");
        let json: Value = serde_json::from_str(&ready(&["--json", "checkout"]).1).unwrap();
        assert_eq!((json[0]["ready"].as_str(), json[0]["drill"]["pace"].as_f64()), (Some("no"), Some(10.0)));
        assert_eq!(ready(&["chekout"]).0, 2);
        // What is no drill's journal, and what is none at all.
        for (from, says) in [(home.journal(), "is no drill's journal"), (home.path().join("nowhere"), "there is no journal")] {
            let told = record(&from);
            let why = String::from_utf8(told.stderr).unwrap();
            assert!(told.status.code() == Some(1) && why.contains(says), "{why}");
        }
        let tail = home.ok(&["tail", "--no-follow"]);
        assert_eq!(tail.matches("recorded for checkout").count(), 2, "{tail}");
    })
    .await
    .unwrap();
}
