//! The screens that are kept.

use super::story::{self, hear, press, says, seat};
use warroom::{
    domain::{
        Command, Event as DomainEvent, Offline,
        conflict::{ConflictCommand, Unaccepted},
        freeze::{FreezeCommand, Scope},
        incident::{IncidentCommand, Status},
        note::NoteCommand,
        readiness::{ReadinessCheck, Standing},
        time::{Span, Stamp},
    },
    seat::{
        model::{Model, draft::Todo},
        update::{self, Event},
    },
    signal::{CheckView, Level, Live, Trouble, Verdict},
    wire::{Away, FromRoom, HandSays, JournalState, Look, Point, RoomView},
};

pub struct Scene {
    pub name: &'static str,
    pub model: Model,
}

const NOW: &str = "14:07:31";

pub fn all() -> Vec<Scene> {
    let scene = |name, model| Scene { name, model };
    let mut all = Vec::new();

    let empty = story::Story::default();
    all.push(scene("empty", story::seat_with(&empty, "ana", NOW, Live::default())));
    all.push(scene("loading", Model::new(story::setup(NOW))));
    all.push(scene("calm", seat(&story::calm(), "ana", "13:53:40")));
    all.push(scene("no-commander", seat(&story::uncommanded(), "ana", "13:53:40")));
    all.push(scene("wrong", seat(&story::wrong(), "ana", "13:56:10")));
    all.push(scene("declare", {
        let mut model = seat(&story::wrong(), "ana", "13:56:30");
        press(&mut model, "13:56:30", "D");
        model
    }));

    let asked = story::asked();
    let room = |who: &str| seat(&asked, who, NOW);
    let after = |who: &str, keys: &str| {
        let mut model = room(who);
        press(&mut model, NOW, keys);
        model
    };
    all.push(scene("approval", room("ana")));
    all.push(scene("approve", after("ana", "a")));
    all.push(scene("glass", after("bo", "a b 'checkout")));
    all.push(scene("nobody", seat(&story::nobody(), "eve", NOW)));
    all.push(scene("offered", {
        let mut model = seat(&story::offered(), "bo", NOW);
        press(&mut model, NOW, "H t 'I_have");
        model
    }));
    all.push(scene("power", {
        let mut model = seat(&story::observed(), "eve", NOW);
        press(&mut model, NOW, ": 'break-glass enter enter 'nobody_else_answers enter 'res");
        model
    }));
    all.push(scene("confirm", {
        let mut model = seat(&story::declared(), "bo", "14:06:45");
        press(&mut model, "14:06:45", "enter");
        model
    }));
    all.push(scene("over", {
        let mut model = seat(&asked, "ana", "14:31:12");
        model.live = story::live("14:31:12");
        model
    }));
    all.push(scene("mistakes", {
        let mut setup = story::setup(NOW);
        setup.mistakes = Some(
            "the keys that come with warroom are used:\nkeys.toml:2: there is no command \"notte\": did you mean note?"
                .into(),
        );
        let heard = room("ana");
        let mut model = Model::new(setup);
        for frame in [
            FromRoom::Hello { wire: warroom::wire::WIRE, fold: 1, you: story::person("ana"), groups: std::sync::Arc::default(), room: story::status(true), seat: 1 },
            FromRoom::Snapshot { state: Box::new(heard.state.clone()), live: Box::new(heard.live) },
        ] {
            hear(&mut model, NOW, frame);
        }
        model
    }));
    all.push(scene("releases-then", {
        let mut model = after("eve", "5");
        model.ui.cursor = Some(story::wall("13:50:00").timestamp_millis());
        model
    }));
    // The probes as they were: two fail, the third answers; and long before that all did.
    all.push(scene("probes-then", {
        let mut model = room("eve");
        model.ui.cursor = Some(story::wall("13:57:00").timestamp_millis());
        model
    }));
    all.push(scene("probes-before", {
        let mut model = room("eve");
        model.ui.cursor = Some(story::wall("13:50:00").timestamp_millis());
        model
    }));
    all.push(scene("readiness", {
        let mut model = after("eve", "5");
        ready(&mut model);
        model
    }));
    all.push(scene("event", after("eve", "6 up up up up enter")));
    all.push(scene("filter", after("eve", "6 / 'gate enter")));
    all.push(scene("read-line", after("eve", "4 up up enter")));
    all.push(scene("people", {
        let mut model = room("ana");
        hear(&mut model, NOW, FromRoom::Room(looking()));
        press(&mut model, NOW, "@ down");
        model
    }));
    all.push(scene("people-alone", {
        let mut model = seat(&story::wrong(), "ana", "13:56:30");
        let mut status = story::status(true);
        status.here.truncate(1);
        status.private = true;
        hear(&mut model, "13:56:30", FromRoom::Room(status));
        press(&mut model, "13:56:30", "@");
        model
    }));
    all.push(scene("following", {
        let mut model = room("eve");
        hear(&mut model, NOW, FromRoom::Room(looking()));
        press(&mut model, NOW, "f 'bo enter");
        model
    }));
    all.push(scene("asked-to-look", {
        let mut model = room("eve");
        let mut status = looking();
        let cursor = Some(story::wall("14:04:12").timestamp_millis());
        let look = Look {
            view: "metrics".into(),
            pane: "health".into(),
            incident: Some(story::INC),
            cursor,
            ..Look::default()
        };
        status.point = Some(Box::new(Point {
            by: story::person("ana"),
            seat: 1,
            look,
            since: story::wall("14:07:19"),
            until: story::wall("14:09:19"),
        }));
        hear(&mut model, NOW, FromRoom::Room(status));
        model
    }));
    all.push(scene("two-rooms", {
        let mut model = room("ana");
        let mut status = looking();
        status.place = "postgres://db-1:5432,db-2:5432/warroom".into();
        status.replicated = Some(false);
        status.here[1].room = Some("bast-2".into());
        let view =
            |host: &str, own, duty| RoomView { host: host.into(), own, duty, since: story::wall("09:00:00") };
        status.rooms = vec![view("bast-1", true, false), view("bast-2", false, true)];
        hear(&mut model, NOW, FromRoom::Room(status));
        model
    }));
    all.push(scene("only-looking", {
        let mut setup = story::setup(NOW);
        setup.read_only = true;
        let heard = room("cy");
        let mut model = Model::new(setup);
        for frame in [
            FromRoom::Hello {
                wire: warroom::wire::WIRE,
                fold: 1,
                you: story::person("cy"),
                groups: std::sync::Arc::default(),
                room: looking(),
                seat: 3,
            },
            FromRoom::Snapshot { state: Box::new(heard.state.clone()), live: Box::new(heard.live) },
        ] {
            hear(&mut model, NOW, frame);
        }
        press(&mut model, NOW, "n");
        model
    }));
    all.push(scene("palette", after("ana", ": 'fre")));
    all.push(scene("help", after("ana", "?")));
    all.push(scene("note", after("ana", "n 'both_instances_in_eu-west_time_out_on_quote")));
    all.push(scene("severity", after("ana", "S '2 enter")));
    all.push(scene("skip", after("bo", "s")));
    all.push(scene("task", after("ana", "t")));
    all.push(scene(
        "needs",
        after("cy", "N 'the_queue_grows,_nothing_is_lost enter 'draining_it_by_hand enter"),
    ));
    all.push(scene("tasks", {
        let mut model = seat(&story::needed(), "ana", NOW);
        press(&mut model, NOW, "w down enter");
        model
    }));
    all.push(scene("proposal", {
        let mut model = seat(&story::proposed(), "ana", NOW);
        press(&mut model, NOW, "V");
        model
    }));
    all.push(scene("cadence", {
        let mut model = seat(&story::owed(), "cy", NOW);
        press(&mut model, NOW, "b z");
        model
    }));
    all.push(scene("closing", {
        let mut model = seat(&story::owing(), "ana", NOW);
        press(&mut model, NOW, "v 'closed enter");
        model
    }));
    all.push(scene("logs", {
        let mut model = after("ana", "4 / 'timeout enter space");
        let mut live = story::live("14:07:45");
        live.lines.retain(|line| line.level >= Level::Info);
        model.live = live;
        model
    }));
    all.push(scene("metrics", after("ana", "3 left left left left left left left left left")));
    // Before anything was read: nobody knows.
    all.push(scene("unrecorded", after("ana", &format!("3{}", " left".repeat(200)))));
    all.push(scene("releases", after("ana", "5")));
    all.push(scene("timeline", after("eve", "6 up up up up *")));
    all.push(scene("runbook", {
        let mut model = seat(&story::holding(), "bo", "14:08:52");
        for text in ["errors:ratio 0.061\n", "errors:ratio 0.022\n", "errors:ratio 0.009\n"] {
            says(&mut model, "14:08:45", "errors-recovered", HandSays::Printed { text: text.into() });
        }
        let hold = HandSays::Holding { seen: "0.4 %".into(), held: Span::secs(12), wanted: Span::secs(30) };
        says(&mut model, "14:08:52", "errors-recovered", hold);
        press(&mut model, "14:08:52", "2");
        model
    }));
    all.push(scene("holding", {
        let mut model = seat(&story::holding(), "bo", "14:08:52");
        let hold = HandSays::Holding { seen: "0.4 %".into(), held: Span::secs(12), wanted: Span::secs(30) };
        says(&mut model, "14:08:52", "errors-recovered", hold);
        model
    }));
    all.push(scene("terminal", {
        let mut model = seat(&story::holding(), "bo", "14:08:52");
        let rows =
            ["[sudo] password for bo:", "", "$ kubectl edit deploy/checkout"].map(str::to_owned).to_vec();
        says(
            &mut model,
            "14:08:52",
            "errors-recovered",
            HandSays::Screen { cols: 78, rows, cursor: (0, 23) },
        );
        press(&mut model, "14:08:52", "enter");
        model
    }));
    all.push(scene("reconnecting", {
        let mut model = room("ana");
        let lost = Event::Lost {
            why: "the room does not answer".into(),
            retry_in: Span::secs(8),
            other_wire: false,
        };
        let _ = update::update(&mut model, story::at("14:07:26"), lost);
        let _ = update::update(&mut model, story::at(NOW), Event::Tick);
        model
    }));
    all.push(scene("offline", offline(0)));
    all.push(scene("offline-full-disk", {
        let mut model = offline(0);
        if let Some(away) = model.room.as_mut().and_then(|room| room.away.as_mut()) {
            away.trouble = Some("No space left on device (os error 28): free some space there".into());
        }
        model
    }));
    all.push(scene("no-spool", {
        let mut model = offline(0);
        if let Some(room) = model.room.as_mut() {
            (room.away, room.journal) = (None, JournalState::Writable);
            room.no_spool = Some("the spool offline-07.spool: Read-only file system (os error 30)".into());
        }
        model
    }));
    all.push(scene("offline-glass", {
        let mut model = offline(0);
        press(&mut model, NOW, "F enter enter enter 'the_next_deploy_would_hide_it");
        model
    }));
    all.push(scene("provisional", {
        let mut model = offline(1);
        for event in kept_under_glass(&model) {
            hear(&mut model, NOW, FromRoom::Event(Box::new(event)));
        }
        model
    }));
    all.push(scene("lost-events", {
        let mut model = offline(0);
        if let Some(away) = model.room.as_mut().and_then(|room| room.away.as_mut()) {
            (away.lost, away.back) = (Some((41, 57)), true);
        }
        model
    }));
    all.push(scene("conflict", {
        let mut story = story::asked();
        let what = Unaccepted {
            incident: Some(story::INC),
            by: story::person("bo"),
            at: story::at("14:06:40"),
            host: "bast-2".into(),
            said: "FRZ-1 renewed for 3h: still burning".into(),
            glass: Some("nobody else is here".into()),
            why: "FRZ-1 does not hold any more".into(),
        };
        story.room("14:07:20", Command::Conflict(ConflictCommand::Raise { what: Box::new(what) }));
        seat(&story, "ana", NOW)
    }));
    all.push(scene("read-only", {
        let mut model = room("ana");
        let mut status = story::status(true);
        status.journal =
            JournalState::ReadOnly { why: "no space left on device".into(), since: story::wall("14:06:51") };
        status.private = true;
        hear(&mut model, NOW, FromRoom::Room(status));
        press(&mut model, NOW, "t 'bo enter enter 'free_some_space enter");
        model
    }));
    all.push(scene("stale", {
        let mut model = room("ana");
        let old = story::wall("14:06:21");
        if let Some(source) = model.live.sources.get_mut("prom") {
            source.last_seen = Some(old);
            source.trouble = Some(Trouble {
                message: "connection refused by 127.0.0.1:9090".into(),
                retry_in: Span::secs(5),
            });
        }
        for view in &mut model.live.panels {
            view.points.retain(|point| point.t <= old.timestamp_millis());
        }
        model
    }));
    all.push(scene("post-mortem", {
        let mut story = story::holding();
        story.room("14:10:40", Command::Tick).by(
            "14:11:00",
            "ana",
            Command::Incident(IncidentCommand::Status { incident: story::INC, to: Status::Monitoring }),
        );
        let mut model = seat(&story, "ana", "14:12:00");
        press(&mut model, "14:12:00", "7");
        model.draft.complete = true;
        let todo = |key: &str, role: &str, question: &str, line| Todo {
            key: key.into(),
            role: role.into(),
            question: question.into(),
            line,
        };
        let drafted = Event::Drafted {
            incident: story::INC,
            text: include_str!("draft.md").into(),
            todos: vec![
                todo(
                    "impact.customers",
                    "commander",
                    "How many customers could not buy, and how is that known?",
                    9,
                ),
                todo("cause", "operations", "What made 2.4.1 time out?", 14),
                todo("luck", "scribe", "Where did we get lucky?", 22),
            ],
        };
        let _ = update::update(&mut model, story::at("14:12:00"), drafted);
        press(&mut model, "14:12:00", "tab");
        model
    }));
    all.push(scene("drill", {
        let mut story = story::calm();
        story.room(
            "13:53:20",
            Command::Room(warroom::domain::room::RoomFact::DrillBegan {
                scenario: "bad-release".into(),
                pace: 1.0,
            }),
        );
        let mut model = seat(&story, "ana", "13:53:40");
        let coach = "watch the errors panel; when it turns red, press D and declare".to_owned();
        let _ = update::update(&mut model, story::at("13:53:40"), Event::Coach(Some(coach)));
        model
    }));
    all.push(scene("hostile", hostile()));
    all
}

/// A seat whose room cannot reach the journal that it shares, with something kept already.
fn offline(glass: u64) -> Model {
    let mut model = seat(&story::asked(), "ana", NOW);
    let since = story::wall("14:06:02");
    let away = Away {
        since,
        from: model.state.head + 1,
        waiting: 1 + glass,
        glass,
        back: false,
        lost: None,
        trouble: None,
        place: "/var/lib/warroom/offline-07.spool".into(),
    };
    let why = "postgres://db-a,db-b/warroom: the journal's server does not answer".into();
    let status = warroom::wire::RoomStatus {
        journal: JournalState::ReadOnly { why, since },
        away: Some(Box::new(away)),
        replicated: Some(true),
        ..story::status(true)
    };
    hear(&mut model, NOW, FromRoom::Room(status));
    let note =
        NoteCommand::Say { incident: Some(story::INC), text: "the pool is empty on both nodes".into() };
    for event in kept(&model, "14:06:31", Command::Note(note), None) {
        hear(&mut model, NOW, FromRoom::Event(Box::new(event)));
    }
    model
}

/// What a command of bo's gives at a room that is offline.
fn kept(model: &Model, clock: &str, command: Command, glass: Option<&str>) -> Vec<DomainEvent> {
    let mut story = story::Story {
        state: model.state.clone(),
        events: Vec::new(),
        commands: 900 + u128::from(model.state.head),
    };
    story.by(clock, "bo", command);
    let mark = Offline { at: story::wall(clock), glass: glass.map(str::to_owned), provisional: true };
    story.events.into_iter().map(|event| DomainEvent { offline: Some(mark.clone()), ..event }).collect()
}

fn kept_under_glass(model: &Model) -> Vec<DomainEvent> {
    let begin = FreezeCommand::Begin {
        all: None,
        incident: Some(story::INC),
        scope: Scope::deploys(vec!["payments".into()], vec!["prod".into()]),
        reason: "keep it as it is".into(),
        lease: Some(Span::hours(1)),
    };
    kept(model, "14:07:22", Command::Freeze(begin), Some("the next deploy would hide it"))
}

/// Who is here, and where each looks.
fn looking() -> warroom::wire::RoomStatus {
    let mut status = story::status(true);
    let look = |view: &str, pane: &str| Look {
        view: view.into(),
        pane: pane.into(),
        incident: Some(story::INC),
        walk: Some(story::WALK),
        step: Some(story::SWITCH.into()),
        ..Look::default()
    };
    let cursor = Some(story::wall("14:04:12").timestamp_millis());
    let places = [
        (look("war-room", "tasks"), "14:07:29"),
        (look("runbook", "output"), "14:07:12"),
        (Look { cursor, ..look("metrics", "health") }, "14:03:20"),
        (Look { pattern: "timeout".into(), ..look("logs", "logs") }, "14:07:31"),
    ];
    for (one, (look, active)) in status.here.iter_mut().zip(places) {
        one.look = Some(look);
        one.active = Some(story::wall(active));
    }
    status.here[1].attached = Some(2);
    status.here[2].read_only = true;
    status.here[3].follows = Some(2);
    status.here[3].who.claimed = Some("ssh from 192.0.2.7".into());
    status
}

/// Text that would act on a terminal, hide, or break a layout, wherever people and programs can put text.
fn hostile() -> Model {
    let bad = "\u{1b}[2J\u{1b}]52;c;ZXZpbA==\u{7}\u{202e}drawkcab\u{200b}日本語語語語 \r\n\t\u{9b}31m";
    let mut story = story::asked();
    story
        .by(
            "14:07:00",
            "ana",
            Command::Incident(IncidentCommand::Retitle {
                incident: story::INC,
                title: format!("{bad} {}", "wide ".repeat(20)),
                services: vec!["checkout".into()],
            }),
        )
        .by(
            "14:07:01",
            "eve",
            Command::Note(NoteCommand::Say { incident: Some(story::INC), text: bad.into() }),
        );
    let mut live = story::live(NOW);
    for line in &mut live.lines {
        line.text = warroom::domain::text::line(bad).into_owned();
        line.source = bad.into();
    }
    for view in &mut live.panels {
        view.panel.name = bad.into();
    }
    let mut model = story::seat_with(&story, "ana", NOW, live);
    says(&mut model, NOW, story::SWITCH, HandSays::Printed { text: format!("{bad}\n{bad}\n") });
    model
}

/// Readiness checks of the service: one says yes, one no, one is not known.
fn ready(model: &mut Model) {
    let says = [
        ("errors below 1 %", "promql", Verdict::No, "0.072", "13:54:10", 4),
        ("queue drained", "sql", Verdict::Yes, "0 rows", "09:00:05", 11),
        ("smoke tests", "junit", Verdict::Unknown, "smoke.xml is older than 1h", "11:20:00", 48),
    ];
    for (name, lang, verdict, seen, since, ago) in says {
        let check = ReadinessCheck {
            name: name.into(),
            lang: lang.into(),
            code: "…".into(),
            source: None,
            every: Span::secs(30),
            fresh: None,
            about: None,
            envs: [].into(),
        };
        model.state.policy.services.get_mut("checkout").unwrap().readiness.push(check);
        let since = Stamp::wall_only(story::wall(since));
        let standing = Standing { verdict, seen: seen.into(), since, seq: 1 };
        model.state.readiness.entry("checkout".into()).or_default().insert(name.into(), standing);
        let at = Stamp::wall_only(model.now.wall - chrono::TimeDelta::seconds(ago));
        let view =
            CheckView { service: "checkout".into(), check: name.into(), verdict, seen: seen.into(), at };
        model.live.checks.insert(view.key(), view);
    }
}
