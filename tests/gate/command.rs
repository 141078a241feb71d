//! `warroom gate` before a room that lives, that cannot write, that is slow, that is gone.

use super::house::House;
use chrono::TimeDelta;
use serde_json::json;
use std::{
    io::Write as _,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
};
use warroom::{
    cli::gate::{Grounds, IfUnavailable, Question, Verdict, ask},
    domain::{
        gate::{Action, Because, Request},
        time::{Span, Wall},
    },
    http::{
        Bounds,
        token::{GateRight, Secret, Token},
    },
};

fn request(artifact: &str, action: Action) -> Request {
    Request {
        service: "checkout".into(),
        env: "prod".into(),
        artifact: artifact.into(),
        action,
        dry_run: false,
        alias: None,
    }
}

fn question(artifact: &str, action: Action, socket: &Path, dir: &Path) -> Question {
    let choice = IfUnavailable::by_default(action);
    Question::at_sockets(request(artifact, action), choice, vec![socket.to_owned()], dir)
}

fn allowing(mut question: Question) -> Question {
    question.if_unavailable = IfUnavailable::Allow;
    question
}

fn now() -> Wall {
    chrono::Utc::now()
}

async fn exit(question: Question) -> u8 {
    ask(&question, now()).await.exit()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_lives_gives_every_exit_code() {
    let house = House::open().await;
    let memory = tempfile::tempdir().unwrap();
    let one = |artifact: &str, action| question(artifact, action, &house.socket, memory.path());
    assert_eq!(exit(one("checkout@3", Action::Deploy)).await, 0);
    house.freeze(&[Action::Deploy, Action::Promote], Span::hours(1)).await;
    house.exempt("checkout@4").await;
    house.judge_bad("checkout@4").await;
    house.exempt("checkout@5").await;
    let frozen = ask(&one("checkout@3", Action::Deploy), now()).await;
    assert_eq!((frozen.exit(), frozen.from), (10, Grounds::Room));
    assert!(frozen.line().starts_with("frozen: FRZ-1 by ") && !frozen.line().contains('\n'));
    assert_eq!(exit(one("checkout@4", Action::Deploy)).await, 11);
    assert_eq!(exit(one("checkout@5", Action::Deploy)).await, 0);
    assert_eq!(exit(one("checkout@3", Action::Rollback)).await, 0);
    house.disk(true).await;
    let codes = [
        exit(one("checkout@3", Action::Deploy)).await,
        exit(one("checkout@4", Action::Deploy)).await,
        exit(one("checkout@5", Action::Deploy)).await,
        exit(one("checkout@3", Action::Rollback)).await,
        exit(allowing(one("other@1", Action::Promote))).await,
    ];
    assert_eq!(codes, [10, 11, 12, 0, 10], "never open where nothing can be written, but for the way out");
    let rollback = ask(&one("checkout@3", Action::Rollback), now()).await;
    assert!(rollback.line().starts_with("open, with a warning: "), "{}", rollback.line());
    house.end().await;
}

/// Ways in which a room does not answer.
#[derive(Debug, Clone, Copy)]
enum Away {
    NoSocket,
    NobodyListens,
    Silent,
    Nonsense,
}

/// Puts something that is no room at `socket`; it lasts as long as what is given back.
fn away(how: Away, socket: &Path) -> Option<UnixListener> {
    match how {
        Away::NoSocket => None,
        Away::NobodyListens => {
            drop(UnixListener::bind(socket).unwrap());
            None
        }
        Away::Silent => Some(UnixListener::bind(socket).unwrap()),
        Away::Nonsense => {
            let listener = UnixListener::bind(socket).unwrap();
            let taken = listener.try_clone().unwrap();
            std::thread::spawn(move || {
                while let Ok((mut stream, _)) = taken.accept() {
                    drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n{\"allowed\":true}\n"));
                }
            });
            Some(listener)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_room_answers_the_caller_has_chosen() {
    use IfUnavailable::{Allow, Deny};
    for how in [Away::NoSocket, Away::NobodyListens, Away::Silent, Away::Nonsense] {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("room.sock");
        let _holds = away(how, &socket);
        for (action, choice, code) in [
            (Action::Deploy, None, 20),
            (Action::Promote, None, 20),
            (Action::Rollback, None, 0),
            (Action::Deploy, Some(Allow), 0),
            (Action::Promote, Some(Allow), 0),
            (Action::Rollback, Some(Deny), 20),
        ] {
            let mut question = question("checkout@3", action, &socket, dir.path());
            question.if_unavailable = choice.unwrap_or(question.if_unavailable);
            question.timeout = Span::millis(300);
            let verdict = ask(&question, now()).await;
            let told = (verdict.exit(), verdict.from, verdict.answer.because);
            assert_eq!(told, (code, Grounds::Default, Because::Unreachable), "{how:?} {action} {choice:?}");
            assert_eq!(verdict.warnings.len(), usize::from(code == 0), "going without the gate is warned of");
            assert!(verdict.line().starts_with("unreachable: "), "{}", verdict.line());
        }
    }
}

async fn refused_then_gone(memory: &Path) -> PathBuf {
    let house = House::open().await;
    house.freeze(&[Action::Deploy, Action::Rollback], Span::hours(1)).await;
    house.exempt("checkout@4").await;
    for (artifact, action) in
        [("checkout@3", Action::Deploy), ("checkout@4", Action::Deploy), ("checkout@3", Action::Rollback)]
    {
        ask(&question(artifact, action, &house.socket, memory), now()).await;
    }
    let socket = house.socket.clone();
    house.end().await;
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remembered_freeze_holds_to_the_end_of_its_lease_and_no_remembered_yes_counts() {
    use IfUnavailable::{Allow, Deny};
    let memory = tempfile::tempdir().unwrap();
    let socket = refused_then_gone(memory.path()).await;
    let (soon, later) = (TimeDelta::minutes(4), TimeDelta::minutes(61));
    for (artifact, action, choice, after, code, from) in [
        ("checkout@3", Action::Deploy, Deny, soon, 10, Grounds::Cache),
        ("checkout@3", Action::Deploy, Allow, soon, 10, Grounds::Cache),
        ("checkout@9", Action::Deploy, Allow, soon, 10, Grounds::Cache),
        // The freeze names rollbacks: it is obeyed here too.
        ("checkout@3", Action::Rollback, Allow, soon, 10, Grounds::Cache),
        ("checkout@3", Action::Promote, Allow, soon, 0, Grounds::Default),
        // Exempt, but a yes of before lets nothing through by itself.
        ("checkout@4", Action::Deploy, Deny, soon, 20, Grounds::Default),
        ("checkout@4", Action::Deploy, Allow, soon, 0, Grounds::Default),
        ("checkout@3", Action::Deploy, Deny, later, 20, Grounds::Default),
        ("checkout@3", Action::Deploy, Allow, later, 0, Grounds::Default),
        ("checkout@3", Action::Rollback, Allow, later, 0, Grounds::Default),
    ] {
        let mut question = question(artifact, action, &socket, memory.path());
        question.if_unavailable = choice;
        let verdict = ask(&question, now() + after).await;
        let told = (verdict.exit(), verdict.from);
        assert_eq!(told, (code, from), "{artifact} {action} {choice:?} {after}: {}", verdict.line());
        if from == Grounds::Cache {
            assert!(
                verdict.line().contains("(from cache, age 4m; no room listens at "),
                "{}",
                verdict.line()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_room_is_asked_only_where_there_is_none_before_it() {
    let house = House::open().await;
    let dir = tempfile::tempdir().unwrap();
    let (none, dead) = (dir.path().join("none.sock"), dir.path().join("dead.sock"));
    away(Away::NobodyListens, &dead);
    for (first, code) in [(&none, 0), (&dead, 20)] {
        let sockets = vec![first.clone(), house.socket.clone()];
        let request = request("checkout@3", Action::Deploy);
        let question = Question::at_sockets(request, IfUnavailable::Deny, sockets, dir.path());
        assert_eq!(exit(question).await, code, "{}", first.display());
    }
    house.end().await;
}

fn overriding(mut question: Question) -> Question {
    question.over = Some("the fix cannot wait".into());
    question
}

fn overridden(facts: &[serde_json::Value]) -> Vec<String> {
    let reasons = facts.iter().filter_map(|fact| fact.pointer("/gate/overridden/reason")?.as_str());
    reasons.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_override_goes_on_and_is_recorded_or_spooled_and_handed_in_once() {
    let house = House::open().await;
    let memory = tempfile::tempdir().unwrap();
    let dir = memory.path();
    let waiting = || std::fs::read_dir(dir.join("overrides")).map_or(0, Iterator::count);
    let at = |socket: &Path| question("checkout@3", Action::Deploy, socket, dir);
    let went = ask(&overriding(at(&house.socket)), now()).await;
    assert_eq!((went.exit(), went.over.as_deref()), (0, None), "what is allowed needs no override");
    house.freeze(&[Action::Deploy], Span::hours(1)).await;
    let went = ask(&overriding(at(&house.socket)), now()).await;
    assert_eq!((went.exit(), went.answer.because, waiting()), (0, Because::Frozen, 0));
    assert!(went.line().starts_with("overridden (recorded): the fix cannot wait; against: frozen: FRZ-1"));
    assert_eq!(overridden(&house.gate_facts().await), ["the fix cannot wait"]);
    // The room cannot write it: it is written down here.
    house.disk(true).await;
    let went = ask(&overriding(at(&house.socket)), now()).await;
    assert_eq!((went.exit(), waiting()), (0, 1), "{went:?}");
    assert!(went.line().starts_with("overridden (written down here)"), "{}", went.line());
    house.disk(false).await;
    // No room at all.
    let went = ask(&overriding(at(&dir.join("none.sock"))), now()).await;
    assert_eq!((went.exit(), went.answer.because, waiting()), (0, Because::Unreachable, 2));
    assert!(went.warnings[0].contains("handed in at the next"), "{:?}", went.warnings);
    std::fs::write(dir.join("overrides/0.json"), "nonsense").unwrap();
    let next = ask(&at(&house.socket), now()).await;
    assert_eq!((next.exit(), waiting()), (10, 1), "what is none stays: {:?}", next.warnings);
    assert_eq!(next.warnings.len(), 3);
    let reasons = overridden(&house.gate_facts().await);
    assert_eq!(reasons.len(), 3);
    assert!(
        reasons[1..].iter().all(|why| why.ends_with("handed in later] the fix cannot wait")),
        "{reasons:?}"
    );
    // Where nothing can be written down, nothing goes.
    std::fs::remove_dir_all(dir.join("overrides")).unwrap();
    std::fs::write(dir.join("overrides"), "in the way").unwrap();
    let held = ask(&overriding(at(&dir.join("none.sock"))), now()).await;
    assert_eq!(held.exit(), 20, "{held:?}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http_it_is_the_same_gate() {
    let secret = Secret::fresh();
    let tokens = vec![Token::new("ci", &secret, vec![GateRight::Ask])];
    let house = House::with(tokens, false, Bounds::default()).await;
    let memory = tempfile::tempdir().unwrap();
    let at = |url: &str, token: Option<&Secret>, artifact: &str, action| {
        let choice = IfUnavailable::by_default(action);
        let (request, timeout) = (request(artifact, action), Span::secs(10));
        Question::at_url(request, choice, url, token.cloned(), timeout, memory.path()).unwrap()
    };
    let url = house.url("");
    let known = Some(&secret);
    assert_eq!(exit(at(&url, known, "checkout@3", Action::Deploy)).await, 0);
    house.freeze(&[Action::Deploy], Span::hours(1)).await;
    house.judge_bad("checkout@5").await;
    house.exempt("checkout@5").await;
    assert_eq!(exit(at(&url, known, "checkout@3", Action::Deploy)).await, 10);
    assert_eq!(exit(at(&house.url("/v1/gate"), known, "checkout@5", Action::Deploy)).await, 11);
    assert_eq!(exit(at(&url, known, "checkout@3", Action::Rollback)).await, 0);
    // A token that is not known is no answer. A remembered freeze still is.
    let verdict = ask(&at(&url, None, "checkout@5", Action::Promote), now()).await;
    assert_eq!(verdict.exit(), 20);
    assert!(verdict.line().contains("answered 401: a token is needed"), "{}", verdict.line());
    assert_eq!(exit(at(&url, Some(&Secret::fresh()), "checkout@3", Action::Rollback)).await, 0);
    let verdict = ask(&at(&url, None, "checkout@3", Action::Deploy), now()).await;
    assert_eq!((verdict.exit(), verdict.from), (10, Grounds::Cache));
    house.disk(true).await;
    let rollback = ask(&at(&url, known, "checkout@3", Action::Rollback), now()).await;
    assert!(rollback.exit() == 0 && rollback.line().contains("with a warning"), "{}", rollback.line());
    assert_eq!(exit(at(&url, known, "other@3", Action::Promote)).await, 12);
    let went = ask(&overriding(at(&url, known, "checkout@3", Action::Deploy)), now()).await;
    assert_eq!(went.exit(), 0);
    assert!(went.warnings[0].contains("not taken over HTTP"), "{:?}", went.warnings);
    house.end().await;
    assert_eq!(exit(at(&url, known, "checkout@3", Action::Promote)).await, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_something_else_is_no_answer_whatever_its_status() {
    let yes = r#"{"allowed":true,"hold":false,"abort":false,"because":"open","reason":"r","seq":1}"#;
    let no = r#"{"allowed":false,"hold":true,"abort":false,"because":"frozen","reason":"r","seq":1}"#;
    let lie = r#"{"allowed":true,"hold":false,"abort":false,"because":"frozen","reason":"r","seq":1}"#;
    for (status, body, code) in [
        (200, yes, 0),
        (403, no, 10),
        (200, no, 20),
        (403, yes, 20),
        (200, lie, 20),
        (500, no, 20),
        (200, "{}", 20),
        (200, "", 20),
        (403, "<html>forbidden</html>", 20),
        (302, yes, 20),
        (204, "", 20),
    ] {
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        let router = axum::Router::new().fallback(move || async move { (status, body) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        let memory = tempfile::tempdir().unwrap();
        let request = request("checkout@3", Action::Deploy);
        let question =
            Question::at_url(request, IfUnavailable::Deny, &url, None, Span::secs(10), memory.path())
                .unwrap();
        let verdict: Verdict = ask(&question, now()).await;
        assert_eq!(verdict.exit(), code, "{status} {body}: {}", verdict.line());
        assert_eq!(verdict.json()["exit"], json!(code));
        server.abort();
    }
}
