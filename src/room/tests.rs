//! A room and several users, without sockets: whatever frames come, in whatever order.

use super::{
    conn::ConnId,
    open::Options,
    outbox::{Next, Outbox},
    serve::Room,
};
use crate::{
    domain::{
        Command, CommandId,
        id::{Digest, WalkId},
        note::NoteCommand,
        policy::{Members, Policy, Power},
        power::Groups,
        state::FOLD,
        testing,
        time::Span,
        walk::{BlockResult, Confirmation, ProcessRef, WalkCommand},
    },
    evidence::{
        blob::{Blobs, Bounds},
        redact::Redactor,
    },
    journal::mirror::Found,
    signal::Shows,
    store::sqlite::{Mode, Sqlite},
    wire::{As, Ask, FromRoom, HandSays, Steer, StepRef, ToRoom, WIRE, decode},
};
use futures::FutureExt as _;
use proptest::{collection::vec, prelude::*};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// Two who may respond, and one who may only look.
const PEOPLE: [(&str, u32); 3] = [("ana", 1001), ("bo", 1002), ("sys", 1003)];
const OBSERVER: usize = 2;
const HAND: Uuid = Uuid::from_u128(0xabc);

/// One of each command: what an observer tries beside what people do.
const COMMANDS: &str = include_str!("../../tests/wire/commands.ndjson");

struct Scene {
    room: Room,
    outboxes: BTreeMap<ConnId, Arc<Outbox>>,
    heard: BTreeMap<ConnId, Vec<FromRoom>>,
    _dir: tempfile::TempDir,
}

/// The seat and the other connection of somebody.
fn conns(who: usize) -> [ConnId; 2] {
    let first = u64::try_from(who).unwrap() * 2 + 1;
    [first, first + 1]
}

impl Scene {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = Sqlite::open(&dir.path().join("journal.db"), Mode::Write).unwrap();
        let respond = Members {
            users: PEOPLE.iter().take(OBSERVER).map(|(name, _)| (*name).to_owned()).collect(),
            ..Members::default()
        };
        let policy = Policy { powers: [(Power::Respond, respond)].into(), ..Policy::default() };
        let options = Options {
            journal: Arc::new(journal),
            spool: None,
            found: Found::Sound,
            blobs: Arc::new(Blobs::open(&dir.path().join("evidence"), Bounds::default()).unwrap()),
            redactor: Redactor::default(),
            policy,
            owner: None,
            gate: None,
            drill: None,
        };
        let (room, ..) = Room::open(options).await.unwrap();
        let mut scene = Self { room, outboxes: BTreeMap::new(), heard: BTreeMap::new(), _dir: dir };
        for (who, (name, uid)) in PEOPLE.iter().enumerate() {
            for (conn, role) in conns(who).into_iter().zip([As::Seat, As::Hand]) {
                let outbox = Arc::new(Outbox::default());
                let hello = ToRoom::Hello {
                    wire: WIRE,
                    fold: FOLD,
                    role,
                    live: role == As::Seat,
                    claimed: None,
                    read_only: false,
                    parts: false,
                    shows: Shows::little(),
                };
                scene.room.join(conn, (*uid, (*name).to_owned(), Groups::default()), hello, outbox.clone());
                scene.outboxes.insert(conn, outbox);
            }
        }
        scene.settle().await;
        scene
    }

    async fn settle(&mut self) {
        self.room.settle().await;
        self.room.flush();
        for (conn, outbox) in &self.outboxes {
            while let Some(Next::Frames(frames)) = outbox.next().now_or_never() {
                let lines = frames.iter().flat_map(|bytes| bytes.split(|byte| *byte == b'\n'));
                let frames = lines.filter(|line| !line.is_empty()).map(|line| decode(line).unwrap());
                self.heard.entry(*conn).or_default().extend(frames);
            }
        }
    }

    async fn says(&mut self, conn: ConnId, frame: ToRoom) {
        self.room.frame(conn, frame);
        self.settle().await;
    }

    /// What somebody saw, got or ran by it, without the times.
    fn of(&self, who: usize) -> Vec<String> {
        let frames = conns(who).into_iter().flat_map(|conn| self.heard.get(&conn).into_iter().flatten());
        let told = frames.filter_map(|frame| match frame {
            FromRoom::Event(event) => {
                let mut fact = serde_json::to_value(&event.fact).unwrap();
                timeless(&mut fact);
                Some(format!("{} {} {fact}", event.seq, event.actor))
            }
            FromRoom::Hand { .. } | FromRoom::Steer(_) | FromRoom::Refused { .. } => {
                Some(format!("{frame:?}"))
            }
            FromRoom::Done { outcome, .. } => Some(format!("{outcome:?}")),
            _ => None,
        });
        told.collect()
    }
}

fn timeless(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            map.retain(|key, _| !matches!(key.as_str(), "at" | "since" | "wall" | "clock"));
            map.values_mut().for_each(timeless);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(timeless),
        _ => {}
    }
}

/// What somebody sends, through which of their connections.
#[derive(Debug, Clone)]
struct Move {
    who: usize,
    conn: usize,
    what: usize,
}

fn at() -> StepRef {
    StepRef { walk: WalkId(1), step: "go".into() }
}

/// What people do around one step, and what may be sent of it by anybody.
fn frames() -> Vec<ToRoom> {
    let text = "# Switch\n\n1. [ ] Switch\n\n   ```bash { name=go }\n   true\n   ```\n".to_owned();
    let (walk, step) = (WalkId(1), "go".to_owned());
    let process = ProcessRef { pid: std::process::id(), start: 1, boot: "boot".into() };
    let own = |command| ToRoom::Do { id: CommandId(Uuid::nil()), command, glass: None };
    let commands = vec![
        Command::Note(NoteCommand::Say { incident: None, text: "a word".into() }),
        Command::Walk(WalkCommand::Load {
            incident: None,
            source: "switch.md".into(),
            text,
            inputs: BTreeMap::new(),
        }),
        Command::Walk(WalkCommand::Take {
            walk,
            step: step.clone(),
            hand: HAND,
            host: "bastion".into(),
            confirm: Confirmation::Enter,
            undo: false,
            again: true,
            shown: None,
        }),
        Command::Walk(WalkCommand::Attach { walk, step: step.clone(), hand: HAND, process, carry: None }),
        Command::Walk(WalkCommand::Intend { walk, step: step.clone(), hand: HAND, block: "go".into() }),
        Command::Walk(WalkCommand::Report {
            walk,
            step: step.clone(),
            hand: HAND,
            done: testing::ended("go", BlockResult::Passed),
            carry: None,
        }),
        Command::Walk(WalkCommand::TakeOver { walk, step: step.clone(), reason: "it hangs".into() }),
        Command::Walk(WalkCommand::Edit { walk, step, block: "go".into(), code: "other".into() }),
    ];
    let says = |says| ToRoom::Hand { at: at(), hand: HAND, says };
    let steer = |steer| ToRoom::Steer { at: at(), steer };
    let mut frames: Vec<_> = commands.into_iter().map(own).collect();
    frames.extend([
        says(HandSays::Printed { text: "a line".into() }),
        says(HandSays::Over),
        steer(Steer::Cancel),
        steer(Steer::Keys(b"hunter2\r".to_vec())),
        steer(Steer::Extend(Span::mins(5))),
        steer(Steer::Extend(Span::hours(87_600))),
        ToRoom::Ask {
            n: 1,
            ask: Ask::Check { lang: "http".into(), code: "GET http://127.0.0.1:1/".into(), source: None },
        },
        ToRoom::Ask { n: 2, ask: Ask::Keep { text: "much".into() } },
        ToRoom::Ask { n: 3, ask: Ask::Point(None) },
        ToRoom::Ask { n: 4, ask: Ask::Evidence(Digest([1; 32])) },
    ]);
    // To take a power in an emergency is open to every login, and seen by all: the one thing that an observer changes.
    let all = COMMANDS.lines().filter_map(|line| serde_json::from_str::<Command>(line).ok());
    frames.extend(all.filter(|command| !matches!(command, Command::Glass(_))).map(own));
    frames
}

async fn played(moves: &[(usize, Move)]) -> Scene {
    let mut scene = Scene::new().await;
    let frames = frames();
    for (n, one) in moves {
        // The first frames are what happens around the step; all are equally likely to an observer.
        let mut frame = frames[one.what % frames.len()].clone();
        if let ToRoom::Do { id, command, .. } = &mut frame {
            // People take what they see.
            testing::see(scene.room.core.decided(), command);
            *id = CommandId(Uuid::from_u128(u128::try_from(*n).unwrap() + 1));
        }
        scene.says(conns(one.who)[one.conn], frame).await;
    }
    scene
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_an_observer_sends_changes_what_others_see_get_or_run(
        moves in vec((0..3_usize, 0..2_usize, 0..120_usize, any::<bool>()), 1..40)
    ) {
        let moves: Vec<_> = moves
            .into_iter()
            // People mostly do what belongs to the step, in turns that get somewhere.
            .map(|(who, conn, what, near)| Move { who, conn, what: if near { what % 14 } else { what } })
            .enumerate()
            .collect();
        let without: Vec<_> = moves.iter().filter(|(_, one)| one.who != OBSERVER).cloned().collect();
        runtime().block_on(async {
            let (with, without) = (played(&moves).await, played(&without).await);
            for who in 0..OBSERVER {
                prop_assert_eq!(with.of(who), without.of(who));
            }
            Ok(())
        })?;
    }

    #[test]
    fn a_hand_is_steered_and_heard_only_where_its_step_was_lent(
        moves in vec((0..3_usize, 0..2_usize, 0..14_usize), 1..60)
    ) {
        let moves: Vec<_> =
            moves.into_iter().map(|(who, conn, what)| Move { who, conn, what }).enumerate().collect();
        runtime().block_on(async {
            let scene = played(&moves).await;
            let state = scene.room.core.decided();
            let owners: Vec<_> = scene
                .heard
                .values()
                .flatten()
                .filter_map(|frame| match frame {
                    FromRoom::Event(event) if event.fact.kind().contains("lent") => event.actor.uid,
                    _ => None,
                })
                .collect();
            for (who, (_, uid)) in PEOPLE.iter().enumerate() {
                let steered = conns(who)
                    .iter()
                    .flat_map(|conn| scene.heard.get(conn).into_iter().flatten())
                    .any(|frame| matches!(frame, FromRoom::Steer(_)));
                prop_assert!(!steered || owners.contains(uid), "{uid} was steered");
            }
            prop_assert!(state.head > 0);
            Ok(())
        })?;
    }
}
