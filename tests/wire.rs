//! The wire's bytes, one line a frame, as clients of other makes rely on them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

#[path = "wire/permissions.rs"]
mod permissions;

use warroom::{
    domain::{
        Command, CommandId,
        actor::Actor,
        gate::{Action, Request},
        id::{Digest, IncidentId, WalkId},
        incident::IncidentCommand,
        note::NoteCommand,
        refusal::{Code, Refusal},
        severity::Severity,
        time::Span,
    },
    signal::Shows,
    wire::{
        Anchored, As, Ask, FRAME_MAX, Finished, FromRoom, HandSays, Here, JournalState, Lines, Look, Outcome,
        PartOf, Presence, RoomStatus, Sealed, Steer, StepRef, ToRoom, Told, WIRE, decode, encode,
    },
};

fn id() -> CommandId {
    CommandId("018f0000-0000-7000-8000-000000000001".parse().unwrap())
}

fn at() -> warroom::domain::time::Wall {
    chrono::DateTime::from_timestamp(1_770_000_000, 0).unwrap()
}

fn status() -> RoomStatus {
    RoomStatus {
        version: "0.1.0".into(),
        host: "bast-1".into(),
        ssh: None,
        private: true,
        drill: None,
        place: "/srv/journal.db".into(),
        journal: JournalState::ReadOnly { why: "the disk is full".into(), since: at() },
        audit: Vec::new(),
        silent: Vec::new(),
        point: None,
        anchor: None,
        rooms: Vec::new(),
        replicated: None,
        away: None,
        no_spool: None,
        missing: Vec::new(),
        large: None,
        head: 7,
        hash: None,
        here: vec![Presence::new(3, Actor::user("ana", 1000), As::Seat, at())],
        gate: Some("127.0.0.1:7311".into()),
        gate_trouble: None,
        slow: None,
        newer: None,
        since: at(),
    }
}

fn to_room() -> Vec<ToRoom> {
    let step = StepRef { walk: WalkId(2), step: "switch".into() };
    let command = |command| ToRoom::Do { id: id(), command, glass: None };
    vec![
        ToRoom::Hello {
            wire: WIRE,
            fold: 2,
            role: As::Seat,
            live: true,
            claimed: Some("ssh from 192.0.2.7".into()),
            read_only: false,
            shows: Shows::default(),
            parts: false,
        },
        ToRoom::Here(Here {
            look: Look {
                view: "runbook".into(),
                pane: "output".into(),
                incident: Some(IncidentId(7)),
                walk: Some(WalkId(2)),
                step: Some("switch".into()),
                cursor: Some(1_770_000_000_000),
                ..Look::default()
            },
            idle: Span::secs(4),
            attached: Some(2),
            follows: Some(5),
        }),
        command(Command::Incident(IncidentCommand::Declare {
            all: None,
            title: "checkout 5xx".into(),
            severity: Severity::WORST,
            services: vec!["checkout".into()],
            env: None,
            freeze: true,
        })),
        command(Command::Note(NoteCommand::Say {
            incident: Some(IncidentId(7)),
            text: "it began at 13:54Z".into(),
        })),
        ToRoom::Ask { n: 1, ask: Ask::State },
        ToRoom::Ask { n: 2, ask: Ask::Events { from: 1, limit: 100, incident: Some(IncidentId(7)) } },
        ToRoom::Ask {
            n: 3,
            ask: Ask::Gate(Request {
                service: "checkout".into(),
                env: "prod".into(),
                artifact: "checkout@2.4.2".into(),
                action: Action::Deploy,
                dry_run: false,
                alias: None,
            }),
        },
        ToRoom::Ask { n: 4, ask: Ask::Check { lang: "promql".into(), code: "up == 1".into(), source: None } },
        ToRoom::Steer { at: step.clone(), steer: Steer::Extend(Span::mins(5)) },
        ToRoom::Hand { at: step, hand: id().0, says: HandSays::Printed { text: "reloaded\n".into() } },
        ToRoom::Hello {
            wire: WIRE,
            fold: 2,
            role: As::Hand,
            live: true,
            claimed: None,
            read_only: false,
            shows: Shows::little(),
            parts: true,
        },
        ToRoom::Cancel { n: 5 },
        ToRoom::Show(Shows { panels: Some(["errors".to_owned()].into()), lines: true }),
        ToRoom::Ask { n: 5, ask: Ask::Records { from: 1, limit: 100 } },
    ]
}

fn from_room() -> Vec<FromRoom> {
    vec![
        FromRoom::Hello {
            wire: WIRE,
            fold: 2,
            you: Actor::user("ana", 1000),
            groups: std::sync::Arc::new(["oncall".to_owned()].into()),
            room: status(),
            seat: 3,
        },
        FromRoom::Part { of: PartOf::Snapshot, n: 0, last: false, text: "{\"snapshot\":{\"sta".into() },
        FromRoom::Part { of: PartOf::Answer(5), n: 3, last: true, text: "}}}".into() },
        FromRoom::Done {
            id: id(),
            outcome: Outcome::Ok { seqs: vec![8, 9], made: vec!["INC-7".into()], offline: false },
        },
        FromRoom::Done {
            id: id(),
            outcome: Outcome::Refused(
                Refusal::new(Code::Forbidden, "the one who asks cannot approve").hint("ask bo"),
            ),
        },
        FromRoom::Done { id: id(), outcome: Outcome::Failed { why: "the disk is full".into() } },
        FromRoom::Told { n: 4, told: Told::Yes },
        FromRoom::Room(status()),
        FromRoom::Ignored("dance".into()),
        FromRoom::Here(vec![Presence {
            look: Some(Look { view: "logs".into(), pattern: "timeout".into(), ..Look::default() }),
            active: Some(at()),
            read_only: true,
            ..Presence::new(3, Actor::user("ana", 1000), As::Seat, at())
        }]),
        FromRoom::Bye { why: Finished::OtherWire, say: "the room is newer: restart this program".into() },
        FromRoom::Room(RoomStatus {
            anchor: Some(Box::new(Anchored {
                seq: 7,
                note: Some("bast-1/srv/journal.db\n7\nAA==\n\n\u{2014} bast-1/srv/journal.db AAAA\n".into()),
                key: "bast-1/srv/journal.db+0123abcd+AQ==".into(),
                trouble: Some(("event 7 was signed and is not there any more".into(), at())),
                lost: true,
            })),
            ..status()
        }),
        FromRoom::Told {
            n: 5,
            told: Told::Records {
                records: vec![Sealed {
                    seq: 1,
                    command: id(),
                    stream: Some(IncidentId(7)),
                    header: "{}".into(),
                    prev: Digest::ZERO,
                    body: Digest([1; 32]),
                    hash: Digest([2; 32]),
                    salt: Some("00ff".into()),
                    payload: Some("{\"note\":{}}".into()),
                    withheld: false,
                }],
                next: Some(2),
            },
        },
    ]
}

fn lines<T: serde::Serialize>(frames: &[T]) -> String {
    frames.iter().map(|frame| String::from_utf8(encode(frame)).unwrap()).collect()
}

#[test]
fn frames_to_the_room_are_these_bytes() {
    insta::assert_snapshot!(format!("to_room_{WIRE}"), lines(&to_room()));
}

#[test]
fn frames_from_the_room_are_these_bytes() {
    insta::assert_snapshot!(format!("from_room_{WIRE}"), lines(&from_room()));
}

/// What a program of one version must understand of every other: the first line of each, and the goodbye.
#[test]
fn hello_and_goodbye_are_read_in_every_version() {
    let dir = format!("{}/tests/snapshots", env!("CARGO_MANIFEST_DIR"));
    for wire in 1..=WIRE {
        let read = |name: &str| std::fs::read_to_string(format!("{dir}/wire__{name}_{wire}.snap")).unwrap();
        let (to_room, from_room) = (read("to_room"), read("from_room"));
        let hello = to_room.lines().find(|line| line.starts_with("{\"hello\"")).unwrap();
        assert!(
            matches!(decode(hello.as_bytes()), Ok(ToRoom::Hello { wire: said, .. }) if said == wire),
            "{hello}"
        );
        let bye = from_room.lines().find(|line| line.starts_with("{\"bye\"")).unwrap();
        let bye = decode(bye.as_bytes()).unwrap();
        assert!(matches!(bye, FromRoom::Bye { why: Finished::OtherWire, .. }), "{bye:?}");
    }
}

#[test]
fn what_is_written_is_read_again() {
    let mut reader = Lines::new(FRAME_MAX);
    reader.feed(lines(&to_room()).as_bytes());
    let mut seen = Vec::new();
    while let Some(line) = reader.next_line().unwrap() {
        seen.push(decode::<ToRoom>(&line).unwrap());
    }
    assert_eq!(seen, to_room());
    for frame in from_room() {
        let bytes = encode(&frame);
        assert_eq!(decode::<FromRoom>(&bytes[..bytes.len() - 1]).unwrap(), frame);
    }
}

#[test]
fn a_field_of_a_later_version_is_ignored() {
    let line = br#"{"hello":{"wire":1,"as":"script","mood":"calm"}}"#;
    assert!(matches!(decode::<ToRoom>(line), Ok(ToRoom::Hello { live: false, fold: 0, .. })));
}
