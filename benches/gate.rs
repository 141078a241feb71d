//! Decisions per second of the gate over HTTP, on 16 kept connections, while a room appends to a journal that syncs;
//! beside a bare handler of the same server in the same run. `WARROOM_BENCH_SECONDS` for each row, 3 where not set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use axum::{Json, Router, routing::post};
use futures::future::join_all;
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use warroom::{
    domain::{
        Command,
        freeze::{FreezeCommand, Scope},
        note::NoteCommand,
        policy::Policy,
        time::Span,
    },
    evidence::{
        blob::{Blobs, Bounds as BlobBounds},
        redact::Redactor,
    },
    http::{self, Bounds},
    room::{Found, Options, Room},
    store::sqlite::{Mode, Sqlite},
    transport::{client::Client, listen::listen},
    wire::Outcome,
};

const CONNECTIONS: usize = 16;
/// Clients that append, each waiting for its note to be durable.
const WRITERS: usize = 4;
/// Requests a second of the paced rows.
const PACE: f64 = 5_000.0;

struct Row {
    name: &'static str,
    per_second: f64,
    p50: Duration,
    p99: Duration,
    appends: f64,
}

fn main() {
    // Without `--bench` this is a test run: enough to see that it works.
    let measured = std::env::args().any(|arg| arg == "--bench");
    let seconds = std::env::var("WARROOM_BENCH_SECONDS").ok().and_then(|text| text.parse().ok());
    let lasts = Duration::from_secs_f64(if measured { seconds.unwrap_or(3.0) } else { 0.2 });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let rows = runtime.block_on(run(lasts));
    let bare = &rows[0];
    println!(
        "{:<42} {:>10} {:>8} {:>9} {:>9} {:>10}",
        "gate, 16 connections", "req/s", "of bare", "p50", "p99", "appends/s"
    );
    for row in &rows {
        println!(
            "{:<42} {:>10.0} {:>8.2} {:>6.0} µs {:>6.0} µs {:>10.0}",
            row.name,
            row.per_second,
            row.per_second / bare.per_second,
            row.p50.as_secs_f64() * 1e6,
            row.p99.as_secs_f64() * 1e6,
            row.appends
        );
    }
}

async fn run(lasts: Duration) -> Vec<Row> {
    let dir = tempfile::tempdir().unwrap();
    let (socket, gate) = room(dir.path()).await;
    let bare = bare().await;
    let appended = Arc::new(AtomicU64::new(0));
    let (open, frozen) = (question("open"), question("frozen"));
    let mut rows = Vec::new();
    let (quiet, busy) = (false, true);
    let plan = [
        ("bare handler", bare, &open, quiet, None),
        ("gate, open", gate, &open, quiet, None),
        ("gate, frozen (journaled)", gate, &frozen, quiet, None),
        ("gate, open, while appending", gate, &open, busy, None),
        ("gate, frozen, while appending", gate, &frozen, busy, None),
        ("bare handler at 5 k/s, while appending", bare, &open, busy, Some(PACE)),
        ("gate, frozen, at 5 k/s, while appending", gate, &frozen, busy, Some(PACE)),
    ];
    for (name, addr, question, appending, pace) in plan {
        let going = Arc::new(AtomicBool::new(appending));
        let writers: Vec<_> = (0..WRITERS)
            .map(|_| tokio::spawn(write(socket.clone(), going.clone(), appended.clone())))
            .collect();
        let before = appended.load(Ordering::Relaxed);
        let began = Instant::now();
        let callers = (0..CONNECTIONS).map(|_| tokio::spawn(call(addr, question.clone(), lasts, pace)));
        let mut times: Vec<Duration> =
            join_all(callers).await.into_iter().flat_map(|times| times.unwrap()).collect();
        let took = began.elapsed().as_secs_f64();
        let appends = (appended.load(Ordering::Relaxed) - before) as f64 / took;
        going.store(false, Ordering::Relaxed);
        join_all(writers).await;
        times.sort_unstable();
        let at = |q: f64| times[((times.len() - 1) as f64 * q) as usize];
        rows.push(Row { name, per_second: times.len() as f64 / took, p50: at(0.5), p99: at(0.99), appends });
    }
    rows
}

/// A room on a journal on disk, with one freeze, and its gate.
async fn room(dir: &Path) -> (PathBuf, SocketAddr) {
    let options = Options {
        journal: Arc::new(Sqlite::open(&dir.join("journal.db"), Mode::Write).unwrap()),
        spool: None,
        found: Found::Sound,
        blobs: Arc::new(Blobs::open(&dir.join("blobs"), BlobBounds::default()).unwrap()),
        redactor: Redactor::default(),
        policy: Policy::default(),
        owner: None,
        gate: None,
        drill: None,
    };
    let (room, shared, inbox) = Room::open(options).await.unwrap();
    let socket = dir.join("room.sock");
    tokio::spawn(room.serve(listen(&socket, 0o600, None).unwrap(), inbox));
    let freeze = FreezeCommand::Begin {
        all: None,
        incident: None,
        scope: Scope::deploys(vec!["frozen".into()], vec!["prod".into()]),
        reason: "bench".into(),
        lease: Some(Span::hours(1)),
    };
    let done = Client::script(&socket).await.unwrap().act(Command::Freeze(freeze)).await.unwrap();
    assert!(matches!(done, Outcome::Ok { .. }), "{done:?}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let options = http::Options {
        state: shared.state.clone(),
        writable: shared.writable.clone(),
        asked: shared.asked.clone(),
        tokens: Vec::new(),
        anonymous_read_on_loopback: true,
        bounds: Bounds::default(),
        owner: None,
        names: warroom::http::Names::default(),
    };
    tokio::spawn(http::serve(listener, options, async move {
        // The room lives as long as somebody could stop it.
        let _shared = shared;
        std::future::pending::<()>().await;
    }));
    (socket, addr)
}

/// The same server with a handler that reads the body and answers as much, and does nothing else.
async fn bare() -> SocketAddr {
    let routes = Router::new().route(
        "/v1/gate",
        post(|Json(_): Json<Value>| async {
            Json(json!({
                "allowed": true, "hold": false, "abort": false, "because": "open",
                "reason": "open: no freeze covers deploy of open/prod",
                "freeze": null, "incident": null, "valid_until": null, "seq": 3, "age_ms": 0,
            }))
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    addr
}

fn question(service: &str) -> Vec<u8> {
    let body =
        json!({ "service": service, "env": "prod", "artifact": "a@1", "action": "deploy" }).to_string();
    format!(
        "POST /v1/gate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn write(socket: PathBuf, going: Arc<AtomicBool>, appended: Arc<AtomicU64>) {
    if !going.load(Ordering::Relaxed) {
        return;
    }
    let mut client = Client::script(&socket).await.unwrap();
    while going.load(Ordering::Relaxed) {
        let note =
            NoteCommand::Say { incident: None, text: "a note of some length, as people write them".into() };
        let done = client.act(Command::Note(note)).await.unwrap();
        assert!(matches!(done, Outcome::Ok { .. }), "{done:?}");
        appended.fetch_add(1, Ordering::Relaxed);
    }
}

/// Asks again and again on one connection. Paced, a request that is late because the one before it was counts from when
/// it was due.
async fn call(addr: SocketAddr, question: Vec<u8>, lasts: Duration, pace: Option<f64>) -> Vec<Duration> {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let every = pace.map(|pace| Duration::from_secs_f64(CONNECTIONS as f64 / pace));
    let (began, mut times, mut answer) = (Instant::now(), Vec::new(), vec![0; 4_096]);
    let mut due = began;
    while began.elapsed() < lasts {
        let mut asked = Instant::now();
        if let Some(every) = every {
            due += every;
            if asked < due {
                // The timer's grain is a millisecond and not the gate's.
                tokio::time::sleep_until(due.into()).await;
                asked = Instant::now();
            } else {
                asked = due;
            }
        }
        stream.write_all(&question).await.unwrap();
        let mut filled = 0;
        loop {
            let n = stream.read(&mut answer[filled..]).await.unwrap();
            assert!(n > 0, "the gate hung up");
            filled += n;
            if whole(&answer[..filled]) {
                break;
            }
        }
        times.push(asked.elapsed());
    }
    times
}

/// Whether all of an answer is there.
fn whole(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|n| n.parse::<usize>().ok()).is_some_and(|n| body.len() >= n)
}
