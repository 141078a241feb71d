//! Pages that are acknowledged where they went: PagerDuty's REST API, as it documents its answers.

use crate::{
    house::{House, outward},
    listener::{Listener, until},
};
use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    routing::get,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};
use warroom::{
    domain::{
        Command,
        id::PageId,
        page::{PageCommand, TargetKind},
        time::Span,
    },
    push::{
        Oncall,
        answer::{Answers, Asker, start},
        carrier::Target,
        incidents::Incidents,
    },
    wire::Silent,
};

const TEN: Span = Span::secs(10);
const TOKEN: &str = "y_NbAkKc66ryYTWUXYEu";

/// The REST API: incidents by their key, and how often it was asked.
#[derive(Clone, Default)]
struct Rest {
    answer: Arc<Mutex<(u16, String)>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Rest {
    async fn listen() -> (Self, String) {
        let rest = Self::default();
        rest.says(200, r#"{"incidents":[],"limit":25,"offset":0,"total":null,"more":false}"#.into());
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = format!("http://{}", socket.local_addr().unwrap());
        let router = Router::new().route("/incidents", get(incidents)).with_state(rest.clone());
        tokio::spawn(async move { axum::serve(socket, router).await.unwrap() });
        (rest, at)
    }

    fn says(&self, status: u16, body: String) {
        *self.answer.lock().unwrap() = (status, body);
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn incidents(
    State(rest): State<Rest>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    if headers["authorization"] != format!("Token token={TOKEN}") {
        return (StatusCode::UNAUTHORIZED, r#"{"error":{"message":"Unauthorized"}}"#.into());
    }
    assert_eq!(headers["accept"], "application/vnd.pagerduty+json;version=2");
    rest.asked.lock().unwrap().push(query["incident_key"].clone());
    let (status, body) = rest.answer.lock().unwrap().clone();
    (StatusCode::from_u16(status).unwrap(), body)
}

fn incident(status: &str, acknowledgements: &str) -> String {
    format!(
        r#"{{"incidents":[{{"id":"PT4KHLK","type":"incident","summary":"[#1234] PAGE-1","incident_number":1234,
        "created_at":"2015-10-06T21:30:42Z","status":"{status}","incident_key":null,
        "assignments":[{{"at":"2015-11-10T00:31:52Z","assignee":{{"id":"PXPGF42","type":"user_reference",
        "summary":"Earline Greenholt"}}}}],"acknowledgements":[{acknowledgements}],
        "last_status_change_by":{{"id":"PIJ90N7","type":"service_reference","summary":"warroom"}},
        "urgency":"high"}}],"limit":25,"offset":0,"total":null,"more":false}}"#
    )
}

/// A room that pages `pd`, and `hook` beside it; the REST API is asked very often.
async fn paged(api: &str, token: &str) -> (House, Listener, tokio::sync::watch::Receiver<Vec<Silent>>) {
    let events = Listener::start().await;
    let config =
        outward(&[("pd", TargetKind::Pagerduty), ("hook", TargetKind::Webhook)], &[&["pd", "hook"]], &[]);
    let targets = vec![
        ("pd", Target::Pagerduty(events.url("/v2/enqueue"), "R0".to_owned().into(), TEN)),
        ("hook", Target::Webhook(events.url("/hook").into(), Vec::new(), TEN)),
    ];
    let house = House::open(tempfile::tempdir().unwrap(), config, targets, Oncall::new()).await;
    let asker: Arc<dyn Asker> = Arc::new(Incidents::new(api, &token.to_owned().into(), TEN).unwrap());
    let silent = start(Answers {
        room: house.shared.name.clone(),
        askers: BTreeMap::from([("pd".to_owned(), asker)]),
        state: house.shared.state.clone(),
        durable: house.shared.durable.clone(),
        says: house.shared.own.clone(),
        every: Span::millis(20),
    });
    house.declare().await;
    house.page().await;
    house.until("both took it", |state| state.pages[&PageId(1)].reached.len() == 2).await;
    (house, events, silent)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_acknowledges_in_pagerduty_has_acknowledged_here() {
    let (rest, api) = Rest::listen().await;
    let (house, events, silent) = paged(&api, TOKEN).await;
    until("it is asked", || !rest.asked().is_empty()).await;
    let key = house.state().pages[&PageId(1)].key.clone();
    assert!(rest.asked().iter().all(|asked| *asked == key), "{:?}", rest.asked());
    let times = rest.asked().len();
    rest.says(200, incident("triggered", ""));
    until("it is asked again", || rest.asked().len() > times + 2).await;
    assert!(house.state().pages[&PageId(1)].is_open(), "it rings still");
    rest.says(
        200,
        incident(
            "acknowledged",
            r#"{"at":"2015-11-10T00:32:52Z","acknowledger":{"id":"PXPGF42","type":"user_reference",
            "summary":"Earline Greenholt"}}"#,
        ),
    );
    house.until("it is acknowledged", |state| !state.pages[&PageId(1)].is_open()).await;
    let acknowledged = house.state().pages[&PageId(1)].acknowledged.clone().unwrap();
    assert_eq!(acknowledged.by, "Earline Greenholt at pd");
    assert_eq!(acknowledged.note.as_deref(), Some("acknowledged incident 1234"));
    // Others are told, and PagerDuty is not told what it said.
    house.until("nothing is owed", |state| state.dispatches.is_empty()).await;
    let told: Vec<String> = events
        .got()
        .iter()
        .filter(|got| got.body["event_action"] == "acknowledge" || got.body["event"] == "page_acknowledged")
        .map(|got| got.path.clone())
        .collect();
    assert_eq!(told, ["/hook"]);
    assert!(silent.borrow().is_empty());
    // Nothing waits: nobody is asked any more.
    let head = house.state().head;
    let dir = house.end().await;
    assert!(head > 0 && dir.path().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_pagerduty_is_shown_and_holds_up_nothing() {
    let (rest, api) = Rest::listen().await;
    rest.says(503, "busy".into());
    let (house, _events, silent) = paged(&api, TOKEN).await;
    until("it is shown", || silent.borrow().iter().any(|one| one.target == "pd" && one.why == "HTTP 503"))
        .await;
    // A person here acknowledges meanwhile: it is over for all, and PagerDuty is asked no more.
    house.ok(Command::Page(PageCommand::Acknowledge { page: PageId(1), note: None })).await;
    until("nothing is to be asked", || silent.borrow().is_empty()).await;
    assert!(!house.state().pages[&PageId(1)].is_open());
    // What came too late changes nothing.
    house
        .shared
        .own
        .send(Command::Page(PageCommand::Answered {
            page: PageId(1),
            elsewhere: warroom::domain::page::Elsewhere { target: "pd".into(), who: "Earline".into() },
            how: "acknowledged".into(),
        }))
        .unwrap();
    house.ok(crate::audit::note("it goes on")).await;
    let by = house.state().pages[&PageId(1)].acknowledged.clone().unwrap().by;
    assert!(!by.contains("Earline"), "{by}");
    house.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_is_said_and_is_nowhere() {
    let (_rest, api) = Rest::listen().await;
    let (house, _events, silent) = paged(&api, "wr0ng").await;
    until("it is shown", || !silent.borrow().is_empty()).await;
    let why = silent.borrow()[0].why.clone();
    assert_eq!(why, "HTTP 401: its token may not read incidents");
    let outcome = house
        .act(Command::Page(PageCommand::Answered {
            page: PageId(1),
            elsewhere: warroom::domain::page::Elsewhere { target: "pd".into(), who: "mallory".into() },
            how: "acknowledged".into(),
        }))
        .await;
    assert!(
        matches!(outcome, warroom::wire::Outcome::Refused(_)),
        "only the room itself says that: {outcome:?}"
    );
    house.end().await;
}
