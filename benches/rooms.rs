//! Rooms on one PostgreSQL: appends beside a bare `INSERT` of as many bytes, with and without a synchronous standby; how
//! long a command in one room takes to the screen of a seat in another; a long life replayed, and a room opened on it, with
//! the database and without.
//!
//! The servers are the bench's own, from the distribution's packages; without them nothing is measured.
//! `WARROOM_BENCH_EVENTS` is the length of the long life (1,000,000 where it is not set).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench fails by panicking and prints what it measured"
)]

#[path = "../tests/support/house.rs"]
#[allow(dead_code, missing_docs, reason = "a part of it is used")]
mod house;
#[path = "../tests/support/peer.rs"]
#[allow(dead_code, missing_docs, reason = "a part of it is used")]
mod peer;
#[path = "../tests/support/postgres.rs"]
#[allow(dead_code, missing_docs, reason = "a part of it is used")]
mod postgres;
mod support;

use futures::future::join_all;
use postgres::{PASSWORD, Server};
use std::{
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, Instant},
};
use support::{
    Asked, Goal, head,
    home::{self, Home},
    in_turns, is_seated,
    life::Life,
    pty::Pty,
    quantile, row, seconds, setting,
};
use uuid::Uuid;
use warroom::{
    domain::{
        Command, State,
        board::{BoardCommand, BoardLine},
        incident::IncidentCommand,
        severity::Severity,
    },
    journal::{Appended, Head, Journal as _, chain::Record, read_all},
    store::{
        Mode,
        postgres::{Durability, Postgres, Spec, init},
    },
    transport::client::Client,
    wire::Outcome,
};

/// Bytes of the bare row: what an event takes.
const BARE: usize = 300;
/// As the readers of the journal ask for it.
const PAGE: usize = 2_048;

fn main() {
    let asked = Asked::here();
    if !peer::binary("initdb").is_file() && !home::has("initdb") {
        println!("not measured: no initdb in PATH; see /usr/lib/postgresql/*/bin");
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        if asked.part("append") {
            appends(&asked, "one server", &Servers::alone().await).await;
            appends(&asked, "a synchronous standby beside it", &Servers::pair().await).await;
        }
        if asked.part("screen") {
            screens(&asked, &Servers::pair().await).await;
        }
        if asked.part("replay") {
            replay(&asked, Servers::alone().await).await;
        }
    });
}

/// A database with an empty journal.
struct Servers {
    primary: Server,
    standby: Option<Server>,
}

impl Servers {
    async fn alone() -> Self {
        let primary = Server::start(&["fsync=on", "max_wal_size=4GB"]);
        let servers = Self { primary, standby: None };
        init(&servers.spec("ana"), Some("room")).await.unwrap();
        servers
    }

    async fn pair() -> Self {
        let mut servers = Self::alone().await;
        servers.standby = Some(servers.primary.standby());
        servers.primary.sql("alter system set synchronous_standby_names = '*'");
        servers.primary.sql("select pg_reload_conf()");
        house::until("the standby is in step", || {
            servers.primary.sql("select count(*) from pg_stat_replication where sync_state = 'sync'") == "1"
        });
        servers
    }

    fn durability(&self) -> (Durability, &'static str) {
        match self.standby {
            Some(_) => (Durability::Replicated, "replicated"),
            None => (Durability::Local, "local"),
        }
    }

    fn spec(&self, role: &str) -> Spec {
        let (url, password) = (self.primary.url(role), Some(PASSWORD.to_owned().into()));
        Spec { url, password, durability: self.durability().0, ..Spec::default() }
    }

    /// A home whose room has its journal there.
    fn home(&self) -> Home {
        let home = Home::new();
        std::fs::create_dir_all(home.path().join("warroom")).unwrap();
        let password = home.path().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        std::fs::set_permissions(&password, std::fs::Permissions::from_mode(0o600)).unwrap();
        let config = format!(
            "[journal]\nurl = {:?}\npassword = {{ file = \"{}\" }}\ndurability = {:?}\n[gate]\nlisten = \"127.0.0.1:0\"\n",
            self.primary.url("room"),
            password.display(),
            self.durability().1,
        );
        std::fs::write(home.path().join("warroom/warroom.toml"), config).unwrap();
        home
    }
}

/// So many appends at a time, each of one event, as a room sends them. The journal is one long chain through all of it.
async fn appends(asked: &Asked, where_: &str, servers: &Servers) {
    head(&format!("rooms: durable appends in PostgreSQL, {where_}"));
    let store = Postgres::open(&servers.spec("room"), Mode::Write).await.unwrap();
    let mut bare = tokio_postgres::Config::new();
    bare.host("127.0.0.1").port(servers.primary.port).user("ana").password(PASSWORD).dbname("warroom");
    let (client, connection) = bare.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let table = "CREATE TABLE IF NOT EXISTS public.bare (seq bigserial PRIMARY KEY, bytes bytea)";
    client.batch_execute(table).await.unwrap();
    let lasts = asked.pick(Duration::from_millis(1_500), Duration::from_millis(50));
    let mut records: Vec<Record> = Vec::new();
    Life::new(false).live(asked.pick(400_000, 20_000), |batch| records.extend(batch));
    let (mut records, mut at) = (records.into_iter(), Head::EMPTY);
    let wait = |act: &mut dyn FnMut() -> futures::future::BoxFuture<'static, u64>| {
        support::per_second(lasts, || {
            let act = act();
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(act))
        })
    };
    let client = std::sync::Arc::new(client);
    for together in [1, 16, 256] {
        let [ours, bare] = in_turns(
            asked.pick(5, 1),
            [
                &mut || {
                    wait(&mut || {
                        let flights: Vec<_> = (records.by_ref().take(together))
                            .map(|record| {
                                let next = Head { seq: record.seq, hash: record.hash };
                                store.append(std::mem::replace(&mut at, next), vec![record])
                            })
                            .collect();
                        Box::pin(async move {
                            let answers = join_all(flights).await;
                            assert!(answers.iter().all(|answer| matches!(answer, Appended::Ok(_))));
                            answers.len() as u64
                        })
                    })
                },
                &mut || {
                    wait(&mut || {
                        let client = client.clone();
                        Box::pin(async move {
                            let rows = vec![vec![b'x'; BARE]; together];
                            let sql = "INSERT INTO public.bare (bytes) SELECT unnest($1::bytea[])";
                            client.execute(sql, &[&rows]).await.unwrap()
                        })
                    })
                },
            ],
        );
        let name =
            if together == 1 { "one writer".to_owned() } else { format!("{together} writers, group commit") };
        row(&name, ours, "ev/s", Some(("bare INSERT of as many rows", bare)), Goal::None);
    }
}

/// Two real rooms, a real seat at each: a command in the first, until it stands on a screen.
async fn screens(asked: &Asked, servers: &Servers) {
    head("rooms: from a command in one room to a screen, each commit on two servers");
    let homes = [servers.home(), servers.home()];
    let rooms = [homes[0].room(&[]), homes[1].room(&[])];
    let socket = homes[0].state().join("room.sock");
    let declare = IncidentCommand::Declare {
        all: None,
        title: "checkout answers 5xx".into(),
        severity: Severity::WORST,
        services: vec!["checkout".into()],
        env: None,
        freeze: false,
    };
    let done = Client::script(&socket).await.unwrap().act(Command::Incident(declare)).await.unwrap();
    assert!(matches!(done, Outcome::Ok { .. }), "{done:?}");
    let seats = [homes[0].seat(&[]), homes[1].seat(&[])];
    for seat in &seats {
        seat.when("the incident", |screen| is_seated(screen) && screen.contents().contains("INC-1"));
    }
    let mut taken = [Vec::new(), Vec::new()];
    for n in 0..asked.pick(120, 4) {
        let at = n % 2;
        taken[at].push(mark(&socket, &seats[at]).await);
    }
    for (q, name) in [(0.5, "half"), (0.95, "95 of 100")] {
        let [own, other] = taken.each_mut().map(|taken| quantile(taken, q));
        let beside = ("to a screen of the same room", own);
        row(&format!("to a screen of the other, {name} within"), other, "ms", Some(beside), Goal::None);
    }
    for room in &rooms {
        row("a room's memory", home::memory(room.pid(), "VmRSS"), "MB", None, Goal::None);
    }
}

/// Sets the board's line and gives how long it took, in milliseconds, until a seat's screen showed it.
async fn mark(socket: &Path, seat: &Pty) -> f64 {
    tokio::time::sleep(Duration::from_millis(150)).await;
    let text = format!("mark {}", Uuid::new_v4().simple());
    let line = BoardLine::Now;
    let incident = warroom::domain::id::IncidentId(1);
    let command = Command::Board(BoardCommand::Set { incident, line, text: text.clone() });
    let mut client = Client::script(socket).await.unwrap();
    let began = Instant::now();
    let acting = tokio::spawn(async move { client.act(command).await.unwrap() });
    let shown =
        tokio::task::block_in_place(|| seat.when("the mark", |screen| screen.contents().contains(&text)));
    let done = acting.await.unwrap();
    assert!(matches!(done, Outcome::Ok { .. }), "{done:?}");
    shown.saturating_duration_since(began).as_secs_f64() * 1e3
}

async fn replay(asked: &Asked, mut servers: Servers) {
    let events = asked.pick(setting("WARROOM_BENCH_EVENTS").unwrap_or(1_000_000), 3_000);
    head(&format!("rooms: a life of {events} events in PostgreSQL"));
    let store = Postgres::open(&servers.spec("room"), Mode::Write).await.unwrap();
    let handle = tokio::runtime::Handle::current();
    let mut at = Head::EMPTY;
    let lived = tokio::task::block_in_place(|| {
        seconds(|| {
            Life::new(false).live(events, |records| {
                let next = records.last().map_or(at, |last| Head { seq: last.seq, hash: last.hash });
                let appended = handle.block_on(store.append(std::mem::replace(&mut at, next), records));
                assert!(matches!(appended, Appended::Ok(_)), "{appended:?}");
            });
        })
    });
    let each = |seconds: f64| events as f64 / seconds;
    row("decided, sealed, appended by batches", each(lived), "ev/s", None, Goal::None);
    let bytes = "select (pg_total_relation_size('warroom.events') + pg_total_relation_size('warroom.payloads')) \
                 / count(*) from warroom.events";
    row("bytes of an event there", servers.primary.sql(bytes).parse().unwrap(), "B", None, Goal::None);
    let (mut read, mut replayed) = (Vec::new(), Vec::new());
    for _ in 0..asked.pick(3, 1) {
        let began = Instant::now();
        let mut from = 1;
        loop {
            let page = store.read(from, PAGE).await.unwrap();
            from += page.len() as u64;
            if page.len() < PAGE {
                break;
            }
        }
        read.push(each(began.elapsed().as_secs_f64()));
        let (began, mut state) = (Instant::now(), State::default());
        let end = read_all(&store, Head::EMPTY, |event| state.apply(&event)).await.unwrap();
        assert_eq!(end.seq, events);
        replayed.push(each(began.elapsed().as_secs_f64()));
    }
    let (read, replayed) = (support::median(read), support::median(replayed));
    row("replayed: read, checked, parsed, folded", replayed, "ev/s", Some(("read alone", read)), Goal::None);
    drop(store);
    let home = servers.home();
    let room = home.room(&[]);
    row("a room opens on it", room.opened.as_secs_f64(), "s", None, Goal::None);
    let db = || {
        let files = std::fs::read_dir(home.state()).unwrap().map(|file| file.unwrap().path());
        files.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "db"))
    };
    let began = Instant::now();
    let mirrored = loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let Some(path) = db() else { continue };
        let read = rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY);
        let Ok(read) = read else { continue };
        let count = read.query_row("SELECT max(seq) FROM events", [], |row| row.get::<_, Option<i64>>(0));
        if count.ok().flatten().is_some_and(|count| count.unsigned_abs() >= events) {
            break began.elapsed();
        }
        assert!(began.elapsed() < Duration::from_secs(600), "it is never mirrored");
    };
    row("its mirror has all of it, after", mirrored.as_secs_f64(), "s", None, Goal::None);
    row("that room's memory", home::memory(room.pid(), "VmRSS"), "MB", None, Goal::AtMost(40.0));
    row("  at its highest", home::memory(room.pid(), "VmHWM"), "MB", None, Goal::None);
    drop(room);
    let again = home.room(&[]);
    row("opened again", again.opened.as_secs_f64(), "s", None, Goal::None);
    row("  its memory", home::memory(again.pid(), "VmRSS"), "MB", None, Goal::AtMost(40.0));
    drop(again);
    servers.primary.kill();
    let away = home.room(&[]);
    row("opened on its mirror, the database gone", away.opened.as_secs_f64(), "s", None, Goal::None);
    row("  its memory", home::memory(away.pid(), "VmRSS"), "MB", None, Goal::AtMost(40.0));
}
