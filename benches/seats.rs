//! One real seat and 199 clients that take everything, while events come as fast as they are asked for: nothing lost, how
//! long an event takes to each of them and to the seat's screen, what it costs; and whether one client that is stopped
//! and one that reads a kilobyte a second are felt by the others.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench fails by panicking and prints what it measured"
)]

mod support;

use rustix::process::{Pid, Signal, kill_process};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::{Command as Process, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use support::{
    Asked, Goal, head,
    home::{self, Home, binary},
    is_seated,
    pty::Pty,
    quantile, row, setting,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};
use uuid::Uuid;
use warroom::{
    domain::{
        Command, CommandId,
        board::{BoardCommand, BoardLine},
        incident::IncidentCommand,
        note::NoteCommand,
        severity::Severity,
        state::FOLD,
    },
    signal::Shows,
    transport::client::Client,
    wire::{As, Outcome, ToRoom, WIRE, encode},
};

/// Connections that the events are written over.
const WRITERS: u64 = 4;
/// Events without an answer at most, so that a room that cannot keep up is not buried.
const UNANSWERED: u64 = 4_096;
/// Between two bursts of a writer.
const BURST: Duration = Duration::from_millis(10);
/// Of so many events one is timed at each client.
const SAMPLED: u64 = 64;
/// Between two marks that are timed to the seat's screen.
const MARK_EVERY: Duration = Duration::from_millis(150);
/// Half of them with two clients that do not read.
const ROUNDS: u32 = 12;
/// How long anything may take that is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(120);

/// What all of the bench's clients share.
struct Shared {
    began: Instant,
    /// Whether delays are written down now.
    timed: AtomicBool,
    delays: Mutex<Vec<f64>>,
    /// How long after the first of the clients each of the others had it, so that neither disk nor queue is in it.
    spreads: Mutex<Vec<f64>>,
    /// When the first of them had an event.
    firsts: Mutex<HashMap<u64, Duration>>,
    /// The newest event of all, once it is known that no more will come.
    last: AtomicU64,
    snapshots: AtomicU64,
    bytes: AtomicU64,
}

/// What was measured in one round.
struct Round {
    rate: f64,
    delays: Vec<f64>,
    spreads: Vec<f64>,
    marks: Vec<f64>,
    cpu: f64,
    waited: f64,
    own: f64,
    each: f64,
    memory: f64,
}

fn main() {
    let asked = Asked::here();
    if !asked.part("seats") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(bench(&asked));
}

async fn bench(asked: &Asked) {
    let lasts = Duration::from_secs(setting("WARROOM_BENCH_SECONDS").unwrap_or(asked.pick(60, 2)));
    let seats = setting("WARROOM_BENCH_SEATS").unwrap_or(asked.pick(199, 8));
    let rate = setting("WARROOM_BENCH_RATE").unwrap_or(asked.pick(10_000, 500));
    head(&format!(
        "seats: one real seat and {seats} clients, {rate} events a second for {} s",
        lasts.as_secs()
    ));
    let home = Home::new();
    let room = home.room(&[]);
    let socket = home.state().join("room.sock");
    declare(&socket).await;
    let seat = home.seat(&[]);
    seat.when("the room", is_seated);
    let quiet = home::memory(room.pid(), "VmRSS");

    let shared = Arc::new(Shared {
        began: Instant::now(),
        timed: AtomicBool::new(false),
        delays: Mutex::default(),
        spreads: Mutex::default(),
        firsts: Mutex::default(),
        last: AtomicU64::new(u64::MAX),
        snapshots: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
    });
    let slow = Arc::new(AtomicBool::new(false));
    let mut clients = Vec::new();
    for n in 0..seats.saturating_sub(1) {
        let slow = (n == 0).then(|| slow.clone());
        clients.push(tokio::spawn(drain(connected(&socket).await, shared.clone(), slow)));
    }
    // One of them is a process of its own, that can be stopped.
    let mut stopped = Process::new(binary())
        .arg("--socket")
        .arg(&socket)
        .args(["tail", "--from", "0", "--all"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let stopped_pid = Pid::from_child(&stopped);

    let going = Arc::new(AtomicBool::new(true));
    let written = Arc::new(AtomicU64::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let pace = rate as f64 / WRITERS as f64;
            tokio::spawn(write(socket.clone(), shared.clone(), going.clone(), written.clone(), pace))
        })
        .collect();
    let disk = tokio::task::spawn_blocking({
        let (path, going) = (home.path().join("alone"), going.clone());
        move || syncs(&path, &going)
    });
    let mut taken: [Vec<Round>; 2] = [Vec::new(), Vec::new()];
    // In turns, and many, so that what disturbs the machine disturbs both.
    for round in 0..ROUNDS {
        let kind = round % 2;
        let signal = if kind == 1 { Signal::STOP } else { Signal::CONT };
        kill_process(stopped_pid, signal).unwrap();
        slow.store(kind == 1, Ordering::Relaxed);
        // What the change itself causes is not measured.
        tokio::time::sleep(asked.pick(Duration::from_secs(2), Duration::from_millis(100))).await;
        let costs = || [home::cpu(room.pid()), home::waited(room.pid()), home::cpu(std::process::id())];
        let (before, began, costs_before) = (written.load(Ordering::Relaxed), Instant::now(), costs());
        shared.timed.store(true, Ordering::Relaxed);
        let (until, mut marks) = (began + lasts / ROUNDS, Vec::new());
        while Instant::now() < until {
            marks.push(mark(&socket, &seat).await);
        }
        shared.timed.store(false, Ordering::Relaxed);
        let (took, costs_after) = (began.elapsed().as_secs_f64(), costs());
        let cost = |at: usize| (costs_after[at] - costs_before[at]) / took * 100.0;
        let rate = (written.load(Ordering::Relaxed) - before) as f64 / took;
        taken[usize::try_from(kind).unwrap()].push(Round {
            rate,
            delays: std::mem::take(&mut *shared.delays.lock().unwrap()),
            spreads: std::mem::take(&mut *shared.spreads.lock().unwrap()),
            marks,
            cpu: cost(0),
            waited: cost(1),
            own: cost(2),
            each: cost(0) / 100.0 * 1e6 / (rate * (seats + 2) as f64),
            memory: home::memory(room.pid(), "VmRSS"),
        });
        shared.firsts.lock().unwrap().clear();
    }
    going.store(false, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    kill_process(stopped_pid, Signal::CONT).unwrap();
    slow.store(false, Ordering::Relaxed);
    // One more, so that who has it has all.
    let last = newest(&socket).await;
    shared.last.store(last, Ordering::Relaxed);
    let last = newest(&socket).await;
    shared.last.store(last, Ordering::Relaxed);
    for client in clients {
        tokio::time::timeout(PATIENCE, client).await.expect("a client never got the newest event").unwrap();
    }
    mark(&socket, &seat).await;
    let _ = stopped.kill();
    let _ = stopped.wait();

    let mut disk = disk.await.unwrap();
    report(&shared, &mut taken, rate as f64, quiet);
    row("one sync of the same disk, half within", quantile(&mut disk, 0.5), "ms", None, Goal::None);
    row("  99 of 100 within", quantile(&mut disk, 0.99), "ms", None, Goal::None);
    row("the seat's memory", home::memory(pid(&seat), "VmRSS"), "MB", None, Goal::None);
}

/// Which figures of a round.
type Figures = fn(&mut Round) -> &mut Vec<f64>;

/// The median over rounds of a figure of each, without and with two that do not read.
fn medians(taken: &mut [Vec<Round>; 2], of: impl Fn(&mut Round) -> f64) -> [f64; 2] {
    taken.each_mut().map(|rounds| quantile(&mut rounds.iter_mut().map(&of).collect::<Vec<_>>(), 0.5))
}

fn report(shared: &Shared, taken: &mut [Vec<Round>; 2], rate: f64, quiet: f64) {
    let [well, held] = medians(taken, |round| round.rate);
    row("events", well.min(held), "/s", None, Goal::AtLeast(rate * 0.95));
    row("of them lost by anybody", 0.0, "", None, Goal::AtMost(0.0));
    let took = shared.began.elapsed().as_secs_f64();
    let bytes = shared.bytes.load(Ordering::Relaxed) as f64;
    row("taken by the clients", bytes / took / 1e6, "MB/s", None, Goal::None);
    let snapshots = shared.snapshots.load(Ordering::Relaxed) as f64;
    row("snapshots in place of events", snapshots, "", None, Goal::None);
    let timed: [(&str, Figures, bool); 3] = [
        ("command to client", |round| &mut round.delays, true),
        ("first client to each other", |round| &mut round.spreads, false),
        ("command to the seat's screen", |round| &mut round.marks, false),
    ];
    for (what, of, goal) in timed {
        for (q, name) in [(0.5, "half"), (0.99, "99 of 100")] {
            let [well, held] = medians(taken, |round| quantile(of(round), q));
            let goal = if goal && q > 0.9 { Goal::AtMost(250.0) } else { Goal::None };
            row(&format!("{what}, {name} within"), well, "ms", None, goal);
            let goal = if q > 0.9 { Goal::AtMost(well * 1.2) } else { Goal::None };
            row("  with two that do not read", held, "ms", Some(("all read", well)), goal);
        }
    }
    row("the room's memory, quiet", quiet, "MB", None, Goal::None);
    let [well, held] = medians(taken, |round| round.memory);
    row("the room's memory, all read", well, "MB", None, Goal::AtMost(150.0));
    row("  with two that do not read", held, "MB", Some(("all read", well)), Goal::AtMost(150.0));
    let [cpu, _] = medians(taken, |round| round.cpu);
    row("the room's processor time", cpu, "%", None, Goal::None);
    row("  of it for one event to one client", medians(taken, |round| round.each)[0], "us", None, Goal::None);
    let [waited, _] = medians(taken, |round| round.waited);
    row("  its threads waited for a processor", waited, "%", Some(("ran", cpu)), Goal::None);
    row("the bench's own processor time", medians(taken, |round| round.own)[0], "%", None, Goal::None);
}

/// How long it takes to have a few pages on the disk, a few times a second, in milliseconds: what no journal beats.
fn syncs(path: &Path, going: &AtomicBool) -> Vec<f64> {
    let (file, pages) = (std::fs::File::create(path).unwrap(), vec![b'x'; 16 * 1024]);
    let mut took = Vec::new();
    while going.load(Ordering::Relaxed) {
        std::os::unix::fs::FileExt::write_all_at(&file, &pages, 0).unwrap();
        let began = Instant::now();
        file.sync_data().unwrap();
        took.push(millis(began.elapsed()));
        std::thread::sleep(Duration::from_millis(50));
    }
    took
}

fn pid(pty: &Pty) -> u32 {
    pty.pid().as_raw_nonzero().get().cast_unsigned()
}

async fn declare(socket: &Path) {
    let declare = IncidentCommand::Declare {
        all: None,
        title: "checkout answers 5xx".into(),
        severity: Severity::WORST,
        services: vec!["checkout".into()],
        env: None,
        freeze: false,
    };
    let done = Client::script(socket).await.unwrap().act(Command::Incident(declare)).await.unwrap();
    assert!(matches!(done, Outcome::Ok { .. }), "{done:?}");
}

fn note(text: String) -> Command {
    Command::Note(NoteCommand::Say { incident: None, text })
}

/// Appends one more and gives its place.
async fn newest(socket: &Path) -> u64 {
    let done = Client::script(socket).await.unwrap().act(note("the last".into())).await.unwrap();
    let Outcome::Ok { seqs, .. } = done else { panic!("{done:?}") };
    *seqs.last().unwrap()
}

/// Sets the board's line and gives how long it took, in milliseconds, until the real seat's screen showed it.
async fn mark(socket: &Path, seat: &Pty) -> f64 {
    tokio::time::sleep(MARK_EVERY).await;
    let text = format!("mark {}", Uuid::new_v4().simple());
    let command = Command::Board(BoardCommand::Set {
        incident: warroom::domain::id::IncidentId(1),
        line: BoardLine::Now,
        text: text.clone(),
    });
    let mut client = Client::script(socket).await.unwrap();
    let began = Instant::now();
    let acting = tokio::spawn(async move { client.act(command).await.unwrap() });
    let shown =
        tokio::task::block_in_place(|| seat.when("the mark", |screen| screen.contents().contains(&text)));
    let done = acting.await.unwrap();
    assert!(matches!(done, Outcome::Ok { .. }), "{done:?}");
    millis(shown.saturating_duration_since(began))
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// Writes events at a pace, each with the moment at which it was sent, without waiting for one before the next.
async fn write(
    socket: PathBuf,
    shared: Arc<Shared>,
    going: Arc<AtomicBool>,
    written: Arc<AtomicU64>,
    pace: f64,
) {
    let stream = UnixStream::connect(&socket).await.unwrap();
    let (mut read, mut write) = stream.into_split();
    write.write_all(&hello(As::Script, false)).await.unwrap();
    let answered = Arc::new(AtomicU64::new(0));
    let counting = tokio::spawn({
        let (answered, written) = (answered.clone(), written.clone());
        async move {
            let mut bytes = vec![0; 64 * 1024];
            let mut first = true;
            loop {
                let n = read.read(&mut bytes).await.unwrap_or(0);
                if n == 0 {
                    return;
                }
                let mut lines = memchr::memchr_iter(b'\n', &bytes[..n]).count() as u64;
                if lines > 0 && std::mem::take(&mut first) {
                    lines -= 1;
                }
                answered.fetch_add(lines, Ordering::Relaxed);
                written.fetch_add(lines, Ordering::Relaxed);
            }
        }
    });
    let (began, mut sent) = (Instant::now(), 0_u64);
    while going.load(Ordering::Relaxed) {
        tokio::time::sleep(BURST).await;
        let due = (began.elapsed().as_secs_f64() * pace) as u64;
        let open = sent - answered.load(Ordering::Relaxed);
        let count = due.saturating_sub(sent).min((UNANSWERED / WRITERS).saturating_sub(open)).min(1_000);
        let mut burst = Vec::new();
        for _ in 0..count {
            let at = shared.began.elapsed().as_micros();
            let command = note(format!("what somebody saw, at={at};"));
            burst.extend(encode(&ToRoom::Do { id: CommandId(Uuid::now_v7()), command, glass: None }));
        }
        write.write_all(&burst).await.unwrap();
        sent += count;
    }
    let began = Instant::now();
    while answered.load(Ordering::Relaxed) < sent {
        assert!(began.elapsed() < PATIENCE, "commands without an answer");
        tokio::time::sleep(BURST).await;
    }
    counting.abort();
}

fn hello(role: As, live: bool) -> Vec<u8> {
    encode(&ToRoom::Hello {
        wire: WIRE,
        fold: FOLD,
        role,
        live,
        claimed: None,
        read_only: false,
        shows: Shows::default(),
        parts: false,
    })
}

async fn connected(socket: &Path) -> UnixStream {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    stream.write_all(&hello(As::Seat, true)).await.unwrap();
    stream
}

/// Takes everything to the newest event, and sees that none is missing but where a snapshot stands in its place.
async fn drain(mut stream: UnixStream, shared: Arc<Shared>, slow: Option<Arc<AtomicBool>>) {
    let (mut held, mut piece) = (Vec::new(), vec![0_u8; 64 * 1024]);
    let mut at: Option<u64> = None;
    loop {
        let is_slow = slow.as_ref().is_some_and(|slow| slow.load(Ordering::Relaxed));
        let most = if is_slow { 1_024 } else { piece.len() };
        if is_slow {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let n = stream.read(&mut piece[..most]).await.unwrap();
        assert!(n > 0, "the room ended the connection");
        shared.bytes.fetch_add(n as u64, Ordering::Relaxed);
        held.extend_from_slice(&piece[..n]);
        let mut from = 0;
        while let Some(end) = memchr::memchr(b'\n', &held[from..]) {
            heard(&held[from..from + end], &mut at, &shared, slow.is_some());
            from += end + 1;
        }
        held.drain(..from);
        if at.is_some_and(|at| at >= shared.last.load(Ordering::Relaxed)) {
            return;
        }
    }
}

fn heard(line: &[u8], at: &mut Option<u64>, shared: &Shared, slow: bool) {
    if let Some(rest) = line.strip_prefix(b"{\"event\":{\"seq\":") {
        let seq = number(rest);
        if let Some(at) = at {
            assert_eq!(seq, *at + 1, "an event is missing, and nothing says so");
        }
        *at = Some(seq);
        if seq.is_multiple_of(SAMPLED)
            && !slow
            && shared.timed.load(Ordering::Relaxed)
            && let Some(found) = memchr::memmem::find(line, b"at=")
        {
            let (sent, now) = (Duration::from_micros(number(&line[found + 3..])), shared.began.elapsed());
            shared.delays.lock().unwrap().push(millis(now.saturating_sub(sent)));
            let first = *shared.firsts.lock().unwrap().entry(seq).or_insert(now);
            shared.spreads.lock().unwrap().push(millis(now.saturating_sub(first)));
        }
    } else if line.starts_with(b"{\"snapshot\"") {
        let head = memchr::memmem::find(line, b"\"head\":").unwrap();
        if at.replace(number(&line[head + 7..])).is_some() {
            shared.snapshots.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The whole number that bytes begin with.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).fold(0, |n, byte| n * 10 + u64::from(byte - b'0'))
}
