//! Seats of different sizes in one room: who is here and where they look, seats that only look, and following another.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    clippy::needless_pass_by_value,
    clippy::type_complexity,
    dead_code,
    reason = "a test may fail by panicking"
)]

#[path = "screens/story.rs"]
mod story;
mod support;

use ratatui::{buffer::Buffer, layout::Rect};
use std::{path::PathBuf, sync::Arc, time::Duration};
use support::snap;
use warroom::{
    domain::{
        Command, CommandId,
        incident::IncidentCommand,
        note::NoteCommand,
        policy::{Members, Policy, Power},
        severity::Severity,
    },
    evidence::{
        blob::{Blobs, Bounds},
        redact::Redactor,
    },
    os::{clock, peer},
    room::{Found, Options, Room},
    seat::{
        model::{Model, Pane, Presence, View},
        term::{Input, KeyChord},
        update::{self, Effect, Event},
        view,
    },
    store::sqlite::{Mode, Sqlite},
    theme::{Depth, Theme, glyphs},
    transport::{
        client::{self, Client, Reader, Writer},
        listen::listen,
    },
    wire::{Ask, FromRoom, Here, Look, Outcome, RoomStatus, ToRoom, Told},
};

struct House {
    _dir: tempfile::TempDir,
    socket: PathBuf,
}

impl House {
    async fn open() -> Self {
        Self::with(Policy::default()).await
    }

    async fn with(policy: Policy) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            journal: Arc::new(Sqlite::open(&dir.path().join("journal.db"), Mode::Write).unwrap()),
            spool: None,
            found: Found::Sound,
            blobs: Arc::new(Blobs::open(&dir.path().join("blobs"), Bounds::default()).unwrap()),
            redactor: Redactor::default(),
            policy,
            owner: None,
            gate: None,
            drill: None,
        };
        let (room, _, inbox) = Room::open(options).await.unwrap();
        let socket = dir.path().join("room.sock");
        tokio::spawn(room.serve(listen(&socket, 0o600, None).unwrap(), inbox));
        Self { _dir: dir, socket }
    }

    async fn script(&self) -> Client {
        Client::script(&self.socket).await.unwrap()
    }

    async fn does(&self, command: Command) {
        let outcome = self.script().await.act(command).await.unwrap();
        assert!(matches!(outcome, Outcome::Ok { .. }), "{outcome:?}");
    }

    async fn status(&self) -> RoomStatus {
        match self.script().await.ask(Ask::Status).await.unwrap() {
            Told::Status(room) => *room,
            other => panic!("{other:?}"),
        }
    }

    async fn declare(&self) {
        self.does(Command::Incident(IncidentCommand::Declare {
            all: None,
            title: "checkout fails".into(),
            severity: Severity::WORST,
            services: vec!["checkout".into()],
            env: None,
            freeze: false,
        }))
        .await;
    }

    async fn head(&self) -> u64 {
        self.status().await.head
    }

    async fn sit(&self, size: (u16, u16), read_only: bool) -> Seat {
        let (reader, writer, hello) =
            client::sit(&self.socket, None, read_only, warroom::signal::Shows::default()).await.unwrap();
        let now = clock::now();
        let mut setup = story::setup("14:00:00");
        setup.now = now.clone();
        setup.read_only = read_only;
        let mut seat = Seat { model: Model::new(setup), reader, writer };
        seat.happens(Event::Input(Input::Resize(size.0, size.1))).await;
        seat.happens(Event::Room(Box::new(hello))).await;
        seat.until("a state", |model| model.loaded && model.mine().is_some()).await;
        seat
    }
}

/// A seat as the loop runs it, without a terminal.
struct Seat {
    model: Model,
    reader: Reader,
    writer: Writer,
}

impl Seat {
    async fn happens(&mut self, event: Event) {
        let effects = update::update(&mut self.model, clock::now(), event);
        let told = update::presence::due(&mut self.model).map(Effect::Send);
        for effect in effects.into_iter().chain(told) {
            if let Effect::Send(frame) = effect {
                self.writer.send(&frame).await.unwrap();
            }
        }
    }

    async fn press(&mut self, keys: &str) {
        for key in keys.split_whitespace() {
            if let Some(text) = key.strip_prefix('\'') {
                for c in text.chars() {
                    let c = if c == '_' { ' ' } else { c };
                    self.happens(Event::Input(Input::Key(KeyChord::char(c)))).await;
                }
            } else {
                self.happens(Event::Input(Input::Key(key.parse().unwrap()))).await;
            }
        }
        let told = |model: &Model| model.told.as_ref().is_some_and(|(here, _)| here.look == model.look());
        self.until("its turn to say where it looks", told).await;
    }

    async fn until(&mut self, what: &str, so: impl Fn(&Model) -> bool) {
        let began = std::time::Instant::now();
        while !so(&self.model) {
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "{what} does not come: {:?} {:?}",
                self.model.notice,
                self.model.seats()
            );
            match tokio::time::timeout(Duration::from_millis(20), self.reader.next()).await {
                Ok(frame) => self.happens(Event::Room(Box::new(frame.unwrap()))).await,
                Err(_) => self.happens(Event::Tick).await,
            }
        }
    }

    fn screen(&self) -> String {
        let (width, height) = self.model.ui.size;
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        let _ = view::screen(
            &mut buffer,
            area,
            &Theme::built_in("dark", Depth::True, &glyphs::UNICODE),
            &self.model,
        );
        snap::text(&buffer)
    }

    fn notice(&self) -> String {
        self.model.notice.as_ref().map(|notice| notice.text.clone()).unwrap_or_default()
    }
}

fn view_of(one: &Presence) -> &str {
    one.look.as_ref().map_or("", |look| look.view.as_str())
}

#[tokio::test]
async fn presence_goes_from_seat_to_seat_and_never_into_the_journal() {
    let house = House::open().await;
    house.declare().await;
    let head = house.head().await;
    let mut ana = house.sit((80, 24), false).await;
    let mut bo = house.sit((160, 50), false).await;
    bo.press("3 left left").await;
    let seat = bo.model.seat;
    let shown = |model: &Model| {
        let one = model.seats().into_iter().find(|one| one.seat == seat).cloned();
        one.is_some_and(|one| {
            view_of(&one) == "metrics" && one.look.is_some_and(|look| look.cursor.is_some())
        })
    };
    bo.until("what it is told itself", shown).await;
    ana.until("where bo looks", shown).await;
    ana.press("@").await;
    let screen = ana.screen();
    assert!(
        screen.contains("Who is here") && screen.contains("metrics at ") && screen.contains("you"),
        "{screen}"
    );
    assert!(screen.contains("to join  ssh -t ") && screen.contains(" warroom INC-1"), "{screen}");
    assert_eq!(house.head().await, head, "nothing of it is journaled");
    drop(bo);
    ana.until("bo's leaving", |model| model.others().is_empty()).await;
    assert!(ana.screen().contains("nobody else has a seat here"), "{}", ana.screen());
}

#[tokio::test]
async fn a_room_takes_what_a_seat_says_of_itself_with_care() {
    let house = House::open().await;
    let mut ana = house.sit((100, 30), false).await;
    let (_reader, mut writer, _) =
        client::sit(&house.socket, None, false, warroom::signal::Shows::default()).await.unwrap();
    let look = Look {
        view: "\u{1b}]0;owned\u{7}".repeat(60),
        item: "password=hunter2hunter2".into(),
        ..Look::default()
    };
    let here = Here { look, idle: warroom::domain::time::Span::hours(1_000_000), ..Here::default() };
    writer.send(&ToRoom::Here(here)).await.unwrap();
    ana.until("a look", |model| model.others().iter().any(|one| one.look.is_some())).await;
    let other = ana.model.others()[0].clone();
    let look = other.look.clone().unwrap();
    assert!(!look.view.contains('\u{1b}') && look.view.chars().count() <= 200, "{look:?}");
    assert!(!look.item.contains("hunter2"), "{look:?}");
    assert!(other.active.unwrap() >= other.since, "nobody is idle for longer than they are here");
    // A script has no place to look from.
    let mut script = house.script().await;
    assert!(matches!(script.ask(Ask::Status).await.unwrap(), Told::Status(_)));
}

#[tokio::test]
async fn a_seat_that_only_looks_is_refused_here_and_in_the_room() {
    let house = House::open().await;
    house.declare().await;
    let head = house.head().await;
    let mut seat = house.sit((80, 24), true).await;
    assert!(seat.screen().lines().last().unwrap().contains("read-only"), "{}", seat.screen());
    for key in ["n", "d", "t", "b", "S", "v", "R", "H", "F", "W", "D", "P", "*", "p"] {
        seat.press(key).await;
        assert!(seat.model.layers.is_empty(), "{key} opens {:?}", seat.model.layers);
        assert!(
            seat.notice().contains("only looks") || seat.notice().contains("nobody can be paged"),
            "{key}: {}",
            seat.notice()
        );
    }
    // Looking goes on as ever.
    seat.press("6 up").await;
    assert_eq!(seat.model.ui.view, View::Timeline);
    seat.press("B").await;
    assert_eq!(seat.model.layers.len(), 1, "the briefing can be read");
    // A client that leaves the rules of the seat aside meets those of the room.
    let id = CommandId(uuid::Uuid::now_v7());
    let say = Command::Note(NoteCommand::Say { incident: None, text: "x".into() });
    seat.writer.send(&ToRoom::Do { id, command: say, glass: None }).await.unwrap();
    let refused = loop {
        if let FromRoom::Done { outcome, .. } = seat.reader.next().await.unwrap() {
            break outcome;
        }
    };
    let Outcome::Refused(refusal) = refused else { panic!("{refused:?}") };
    assert!(refusal.to_string().contains("only looks"), "{refusal}");
    assert_eq!(house.head().await, head);
    let mut other = house.sit((80, 24), false).await;
    other.until("presence", |model| model.others().iter().any(|one| one.read_only)).await;
    other.press("@").await;
    assert!(other.screen().contains("read-only"), "{}", other.screen());
}

#[tokio::test]
async fn one_follows_another_at_ones_own_size_until_one_moves() {
    let house = House::open().await;
    house.declare().await;
    let mut leader = house.sit((160, 50), false).await;
    let mut follower = house.sit((80, 24), false).await;
    follower.until("the leader's look", |model| model.others().iter().any(|one| one.look.is_some())).await;
    follower.press("f enter").await;
    let of = leader.model.seat;
    assert_eq!(follower.model.leader.as_ref().map(|leader| leader.seat), Some(of), "{}", follower.notice());
    leader.press("4 / 'time.*out enter").await;
    follower
        .until("the logs", |model| {
            model.ui.view == View::Logs
                && model.ui.log_filter.pattern.as_ref().is_some_and(|pattern| pattern.as_str() == "time.*out")
        })
        .await;
    assert_eq!(follower.model.ui.size, (80, 24), "its size stays its own");
    assert!(follower.screen().lines().last().unwrap().contains("following "), "{}", follower.screen());
    leader.press("6 g").await;
    let first = leader.model.ui.timeline.selected();
    assert!(first.is_some());
    follower
        .until("the first event", |model| {
            model.ui.view == View::Timeline && model.ui.timeline.selected() == first
        })
        .await;
    leader.press("1 tab").await;
    let pane = leader.model.ui.pane();
    follower.until("the pane", move |model| model.ui.pane() == pane).await;
    assert_ne!(pane, Pane::Runbook);
    // Two cannot lead each other around in a circle.
    leader
        .until("that it is followed", |model| model.others().iter().any(|one| one.follows == Some(of)))
        .await;
    leader.press("f enter").await;
    assert_eq!(leader.model.leader, None);
    assert!(leader.notice().contains("follows you"), "{}", leader.notice());
    // Words are no movement; a key that moves is.
    follower.press("n 'seen enter").await;
    follower.until("what became of it", |model| model.notice.is_some()).await;
    assert!(follower.model.leader.is_some());
    follower.until("its note", |model| model.notice.is_some()).await;
    follower.press("5").await;
    assert_eq!((&follower.model.leader, follower.model.ui.view), (&None, View::Releases));
    assert!(follower.notice().contains("look for yourself again"), "{}", follower.notice());
    // Who leaves is followed no longer.
    follower.press("f enter").await;
    assert!(follower.model.leader.is_some(), "{}", follower.notice());
    drop(leader);
    follower.until("the end of it", |model| model.leader.is_none()).await;
    assert!(follower.notice().contains("has left"), "{}", follower.notice());
}

#[tokio::test]
async fn who_commands_asks_all_to_look() {
    // Whoever declares commands; nobody else has the power to.
    let me = peer::name_of(peer::my_uid()).await;
    let respond = Members { users: [me].into(), ..Members::default() };
    let powers = [(Power::Respond, respond)].into();
    let house = House::with(Policy { powers, ..Policy::default() }).await;
    let mut early = house.sit((80, 24), false).await;
    early.press("E").await;
    assert!(early.notice().contains("only who commands"), "{}", early.notice());
    // A client that leaves the seat's rules aside is refused by the room.
    match house.script().await.ask(Ask::Point(Some(Look::default()))).await.unwrap() {
        Told::No(refusal) => assert!(refusal.to_string().contains("does not command"), "{refusal}"),
        other => panic!("{other:?}"),
    }
    house.declare().await;
    let head = house.head().await;
    let (mut chief, mut other) = (house.sit((160, 50), false).await, house.sit((80, 24), false).await);
    let mut behind = house.sit((100, 30), false).await;
    behind.press("f down enter").await;
    let of = chief.model.seat;
    assert_eq!(behind.model.leader.as_ref().map(|leader| leader.seat), Some(of), "{}", behind.notice());
    other.press("6").await;
    chief.press("3 left left left E").await;
    let at = chief.model.ui.cursor;
    other.until("to be asked", |model| model.point().is_some()).await;
    let screen = other.screen();
    assert!(
        screen.contains("ASKED by ") && screen.contains("look at metrics at ") && screen.contains("[!]"),
        "{screen}"
    );
    other.press("!").await;
    assert_eq!((other.model.ui.view, other.model.ui.cursor), (View::Metrics, at));
    assert!(other.model.point().is_none(), "it was answered");
    other.press("esc").await;
    assert_eq!((other.model.ui.view, other.model.ui.cursor), (View::Timeline, None), "back to where one was");
    // Who follows is there without a key; who came later is asked, too.
    behind.until("to be moved", |model| model.ui.view == View::Metrics && model.ui.cursor == at).await;
    assert!(behind.model.point().is_none());
    let mut late = house.sit((80, 24), false).await;
    late.until("to be asked", |model| model.point().is_some()).await;
    late.press("esc").await;
    assert!(late.model.point().is_none() && late.notice().contains("put aside"), "{}", late.notice());
    // It is over when its time is, and when it is taken back.
    let mut later = late.model.clone();
    later.looked = None;
    assert!(later.point().is_some());
    later.now = later.now.plus(warroom::domain::time::Span::mins(3));
    assert!(later.point().is_none());
    chief
        .until("to see that it asks", |model| model.room.as_ref().is_some_and(|room| room.point.is_some()))
        .await;
    chief.press(": 'look-away enter").await;
    late.until("its end", |model| model.room.as_ref().is_some_and(|room| room.point.is_none())).await;
    assert_eq!(house.head().await, head, "nothing of it is journaled");
}

#[tokio::test]
async fn two_who_follow_each_other_at_once_stand_still_again() {
    let house = House::open().await;
    house.declare().await;
    let (mut a, mut b) = (house.sit((100, 30), false).await, house.sit((80, 24), false).await);
    a.press("3").await;
    b.press("4").await;
    a.until("b", |model| model.others().iter().any(|one| view_of(one) == "logs")).await;
    b.until("a", |model| model.others().iter().any(|one| view_of(one) == "metrics")).await;
    // Neither has heard of the other's wish.
    for seat in [&mut a, &mut b] {
        for key in ["f", "enter"] {
            seat.happens(Event::Input(Input::Key(key.parse().unwrap()))).await;
        }
        assert!(seat.model.leader.is_some(), "{}", seat.notice());
    }
    let began = std::time::Instant::now();
    let settled = |a: &Model, b: &Model| a.leader.is_none() && b.leader.is_some() && a.ui.view == b.ui.view;
    while !settled(&a.model, &b.model) {
        assert!(began.elapsed() < Duration::from_secs(30), "the elder does not lead");
        for seat in [&mut a, &mut b] {
            match tokio::time::timeout(Duration::from_millis(10), seat.reader.next()).await {
                Ok(frame) => seat.happens(Event::Room(Box::new(frame.unwrap()))).await,
                Err(_) => seat.happens(Event::Tick).await,
            }
        }
    }
    assert_eq!(a.model.ui.view, b.model.ui.view);
}
