//! Incidents told through the rules: every event here is one that `decide` allowed.
#![allow(dead_code)]
// Helpers of tests are not inside `#[test]`, where these are allowed anyway.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::needless_pass_by_value)]

#[path = "rollback.rs"]
mod rollback_plan;

pub use rollback_plan::rollback;

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;
use warroom::domain::{
    Command, CommandId, Ctx, Event, Fact, State,
    actor::Actor,
    board::{BoardCommand, BoardLine},
    decide,
    decision::DecisionCommand,
    deviation::{DeviationCommand, ReasonCode},
    freeze::FreezeCommand,
    gate::{self, Action, GateCommand, Request},
    id::{Digest, FreezeId, IncidentId, WalkId},
    incident::{IncidentCommand, Status},
    note::NoteCommand,
    policy::{Policy, Service, SeverityRow},
    release::{Judgement, ReleaseCommand},
    room::RoomFact,
    severity::Severity,
    task::TaskCommand,
    time::{BootId, Span, Stamp, Wall},
    walk::{BlockDone, BlockResult, Confirmation, Deviate, WalkCommand, approval},
    watch::WatchCommand,
};

/// A journal in memory with a clock that is moved by hand.
pub struct Story {
    /// The fold.
    pub state: State,
    /// What happened.
    pub events: Vec<Event>,
    /// Now.
    pub now: Stamp,
    commands: u128,
}

/// The first day of all stories.
pub fn begin() -> Wall {
    DateTime::parse_from_rfc3339("2026-03-05T14:00:00Z").unwrap().with_timezone(&Utc)
}

/// The one who commands.
pub fn ana() -> Actor {
    Actor::user("ana", 1001)
}

/// The one who helps.
pub fn ben() -> Actor {
    Actor::user("ben", 1002)
}

impl Story {
    /// An empty journal of a room that has opened and read its policy.
    pub fn new() -> Self {
        let now = Stamp { wall: begin(), boot: BootId("boot-a".into()), clock: 5_000_000 };
        let mut story = Self { state: State::default(), events: Vec::new(), now, commands: 0 };
        let opened =
            RoomFact::Opened { version: "0.1.0".into(), host: "war-1".into(), private: false, shares: false };
        story.act(&Actor::room(), Command::Room(opened));
        let row = SeverityRow {
            meaning: "users cannot pay".into(),
            runbook: Some("rollback.md".into()),
            roles: ["commander", "scribe"].map(String::from).into(),
            update_every: Some(Span::mins(5)),
            freeze: Some(Span::hours(1)),
            page: None,
            poll_every: None,
            external_every: None,
        };
        let service = Service {
            mttr_target: Span::mins(15),
            impact: Some("Orders cannot be paid".into()),
            ..Service::default()
        };
        let policy = Policy {
            severities: [(Severity::WORST, row)].into(),
            services: [("checkout".to_owned(), service)].into(),
            ..Policy::default()
        };
        story.act(&Actor::room(), Command::Policy(Box::new(policy)));
        story
    }

    /// Lets time pass.
    pub fn wait(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now.plus(Span::secs(seconds));
        self
    }

    /// Asks the rules and writes down what follows.
    pub fn act(&mut self, actor: &Actor, command: Command) -> &mut Self {
        self.commands += 1;
        let ctx = Ctx {
            actor: actor.clone(),
            groups: warroom::domain::power::Groups::default(),
            now: self.now.clone(),
            id: CommandId(Uuid::from_u128(self.commands)),
            room: "war-1".into(),
        };
        let facts =
            decide(&self.state, &command, &ctx).unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"));
        for (index, fact) in facts.into_iter().enumerate() {
            self.put(&ctx, index, fact);
        }
        self
    }

    /// Writes a fact down without asking the rules: for hostile and for very many events.
    pub fn put(&mut self, ctx: &Ctx, index: usize, fact: Fact) {
        let before = self.state.hash.unwrap_or(Digest::ZERO);
        let mut hash = Sha256::new_with_prefix(before.0);
        hash.update(format!("{fact:?}"));
        let event = Event {
            seq: self.state.head + 1,
            command: ctx.id,
            index: u16::try_from(index).unwrap_or(u16::MAX),
            stream: fact.stream(&self.state),
            occurred: ctx.now.clone(),
            recorded: ctx.now.wall,
            room: "war-1".into(),
            actor: ctx.actor.clone(),
            offline: None,
            fact,
            hash: Digest(hash.finalize().into()),
        };
        self.state.apply(&event);
        self.events.push(event);
    }

    /// The room's timer.
    pub fn tick(&mut self) -> &mut Self {
        self.act(&Actor::room(), Command::Tick)
    }

    /// A note of ana.
    pub fn note(&mut self, text: &str) -> &mut Self {
        let incident = self.state.shown_incident().map(|one| one.id);
        self.act(&ana(), Command::Note(NoteCommand::Say { incident, text: text.into() }))
    }

    /// A step is taken, its blocks run with these results, in their order.
    pub fn step(&mut self, who: &Actor, step: &str, results: &[(&str, BlockResult, &str, u64)]) -> &mut Self {
        let hand = Uuid::from_u128(7_000 + u128::from(self.state.head));
        let (walk, step, host) = (WalkId(1), step.to_owned(), "war-1".to_owned());
        let confirm = Confirmation::Second;
        let known = &self.state.walks[&walk];
        let shown =
            Some(warroom::domain::walk::shown(known, known.runbook.step(&step).unwrap(), false, false));
        let (undo, again) = (false, false);
        let take = WalkCommand::Take { walk, step: step.clone(), hand, host, confirm, undo, again, shown };
        self.act(who, Command::Walk(take));
        for (block, result, seen, took) in results {
            let intend = WalkCommand::Intend { walk, step: step.clone(), hand, block: (*block).into() };
            self.act(who, Command::Walk(intend)).wait(*took);
            let exit =
                (*result != BlockResult::TimedOut).then_some(i32::from(*result != BlockResult::Passed));
            let done = BlockDone {
                block: (*block).into(),
                result: *result,
                exit,
                seen: (*seen).into(),
                took: Span::secs(*took),
                evidence: None,
                captured: None,
            };
            self.act(
                who,
                Command::Walk(WalkCommand::Report { walk, step: step.clone(), hand, done, carry: None }),
            );
        }
        self
    }
}

fn request(artifact: &str, dry_run: bool) -> Request {
    let (service, env) = ("checkout".into(), "prod".into());
    Request {
        service,
        env,
        artifact: artifact.into(),
        action: Action::Deploy,
        dry_run,
        alias: (!dry_run).then(|| "ci/build-77".into()),
    }
}

/// A bad release from its switch to its review: seen, declared, frozen, rolled back with two deviations, held.
pub fn bad_release(drill: bool) -> Story {
    let mut s = Story::new();
    let (room, ana, ben, id) = (Actor::room(), ana(), ben(), IncidentId(1));
    if drill {
        s.act(&room, Command::Room(RoomFact::DrillBegan { scenario: "bad-release".into(), pace: 1.0 }));
    }
    let saw = |current: &str, previous: Option<&str>, since: Stamp, by: Option<&str>| {
        Command::Release(ReleaseCommand::Saw {
            service: "checkout".into(),
            env: "prod".into(),
            current: current.into(),
            previous: previous.map(Into::into),
            since,
            by: by.map(Into::into),
        })
    };
    s.act(&room, saw("2.4.1", None, s.now.clone(), None)).wait(180);
    s.act(&room, saw("2.4.2", Some("2.4.1"), s.now.clone(), Some("deploy-bot"))).wait(45);
    let since = s.now.clone();
    s.wait(30).act(
        &room,
        Command::Watch(WatchCommand::Breached {
            panel: "errors".into(),
            seen: "7.2 %".into(),
            threshold: "1 %".into(),
            since,
        }),
    );
    s.wait(52).act(
        &ana,
        Command::Incident(IncidentCommand::Declare {
            all: None,
            title: "Checkout fails for one in fourteen".into(),
            severity: Severity::WORST,
            services: vec!["checkout".into()],
            env: None,
            freeze: true,
        }),
    );
    s.wait(5).act(
        &ana,
        Command::Board(BoardCommand::Set {
            incident: id,
            line: BoardLine::Goal,
            text: "errors under 1 % by 14:20Z".into(),
        }),
    );
    s.act(
        &ana,
        Command::Incident(IncidentCommand::Role {
            incident: id,
            role: "communications".into(),
            who: "ben".into(),
        }),
    );
    let answer = gate::answer(&s.state, &request("checkout@2.4.3", true), &s.now);
    s.wait(8).act(
        &ana,
        Command::Gate(GateCommand::Refused {
            request: request("checkout@2.4.3", true),
            answer: answer.clone(),
            times: 1,
        }),
    );
    let bot = Actor::token("deploy-bot");
    s.wait(20).act(
        &bot,
        Command::Gate(GateCommand::Refused {
            request: request("checkout@2.4.3", false),
            answer: answer.clone(),
            times: 1,
        }),
    );
    s.wait(31).act(
        &bot,
        Command::Gate(GateCommand::Refused { request: request("checkout@2.4.3", false), answer, times: 6 }),
    );
    s.note("All failures carry `PaymentRefused`, see https://logs.example/q?x=1|2");
    s.act(&ana, Command::Note(NoteCommand::Star { incident: id, seq: s.state.head, on: true }));
    s.wait(40).act(
        &ben,
        Command::Task(TaskCommand::Give {
            incident: id,
            text: "Find out whether payments were taken twice".into(),
            owner: "ben".into(),
            within: Some(Span::mins(20)),
        }),
    );
    s.act(
        &ana,
        Command::Decision(DecisionCommand::Make {
            incident: id,
            text: "Roll back to 2.4.1".into(),
            options: vec!["switch the flag off".into(), "roll back".into()],
            risks: Some("2.4.2 wrote a new column".into()),
            review_in: None,
        }),
    );
    let walk = WalkId(1);
    s.wait(6).act(
        &ana,
        Command::Walk(WalkCommand::Start {
            incident: Some(id),
            runbook: rollback(),
            inputs: BTreeMap::new(),
        }),
    );
    s.wait(9)
        .act(&ana, Command::Walk(WalkCommand::Choose { walk, step: "started".into(), label: "yes".into() }));
    s.wait(12).act(
        &ana,
        Command::Walk(WalkCommand::Deviate {
            walk,
            step: "drain".into(),
            what: Deviate::Skip,
            code: Some(ReasonCode::RunbookWrong),
            confirm: Confirmation::Enter,
            host: String::new(),
        }),
    );
    s.act(
        &ana,
        Command::Walk(WalkCommand::Edit {
            walk,
            step: "restore".into(),
            block: "switch".into(),
            code: "ln -sfn releases/2.4.1 current\nsystemctl restart checkout".into(),
        }),
    );
    s.wait(15).step(&ana, "restore", &[("already-good", BlockResult::Failed, "2.4.2", 1)]);
    let known = s.state.walks[&walk].clone();
    let digest = approval::digest(&known, known.runbook.step("restore").unwrap());
    s.wait(21)
        .act(&ben, Command::Walk(WalkCommand::Approve { walk, step: "restore".into(), digest, glass: None }));
    let hand = s.state.walks[&walk].state("restore").lease.unwrap().hand;
    s.wait(2).act(
        &ana,
        Command::Walk(WalkCommand::Intend { walk, step: "restore".into(), hand, block: "switch".into() }),
    );
    let done = BlockDone {
        block: "switch".into(),
        result: BlockResult::Passed,
        exit: Some(0),
        seen: "checkout restarted".into(),
        took: Span::secs(4),
        evidence: None,
        captured: None,
    };
    s.wait(4).act(
        &ana,
        Command::Walk(WalkCommand::Report { walk, step: "restore".into(), hand, done, carry: None }),
    );
    s.act(&room, saw("2.4.1", Some("2.4.2"), s.now.clone(), Some("ana"))).wait(35);
    s.act(
        &ben,
        Command::Board(BoardCommand::Updated {
            incident: id,
            text: "2.4.1 is back, errors are falling".into(),
            to: None,
            audience: <_>::default(),
        }),
    );
    s.act(&room, Command::Watch(WatchCommand::Cleared { panel: "errors".into(), seen: "0.3 %".into() }));
    s.act(&ana, Command::Incident(IncidentCommand::Status { incident: id, to: Status::Monitoring }));
    s.wait(10).step(&ana, "verify", &[("errors", BlockResult::Passed, "0.3 %", 1)]);
    s.wait(120).tick();
    s.act(
        &ana,
        Command::Release(ReleaseCommand::Judge {
            service: "checkout".into(),
            artifact: "2.4.2".into(),
            judgement: Judgement::Bad,
            why: "PaymentRefused for one in fourteen".into(),
        }),
    );
    let onset = DateTime::parse_from_rfc3339("2026-03-05T14:03:20Z").unwrap().with_timezone(&Utc);
    s.wait(30).act(
        &ana,
        Command::Incident(IncidentCommand::Correct {
            incident: id,
            moment: warroom::domain::clock::Moment::Onset,
            at: onset,
            reason: "the first refused payment in the log".into(),
        }),
    );
    s.act(&ana, Command::Incident(IncidentCommand::Status { incident: id, to: Status::Resolved }));
    s.wait(60).act(
        &ana,
        Command::Freeze(FreezeCommand::Lift { freeze: FreezeId(1), reason: "2.4.1 has held".into() }),
    );
    s.act(&ana, Command::Incident(IncidentCommand::Answer {
        incident: id,
        prompt: "summary".into(),
        text: "Payments failed for one in fourteen customers.\nRolled back after six minutes.\n\n- first point\n- second".into(),
    }));
    s
}

/// What goes badly: people were first, the target was exceeded, recovery did not hold, the freeze ran out and was
/// walked past, and it is not over.
pub fn hard_night() -> Story {
    let mut s = Story::new();
    let (room, ana, id) = (Actor::room(), ana(), IncidentId(1));
    let breached = |s: &Story| {
        Command::Watch(WatchCommand::Breached {
            panel: "latency".into(),
            seen: "4.1 s".into(),
            threshold: "800 ms".into(),
            since: s.now.clone(),
        })
    };
    let cleared = Command::Watch(WatchCommand::Cleared { panel: "latency".into(), seen: "310 ms".into() });
    s.wait(9 * 3_600 + 2_400).act(
        &ana,
        Command::Incident(IncidentCommand::Declare {
            all: None,
            title: "Customers call: payment hangs".into(),
            severity: Severity::ALL[2],
            services: vec!["checkout".into()],
            env: None,
            freeze: true,
        }),
    );
    s.wait(240);
    let seen = breached(&s);
    s.act(&room, seen).wait(200).act(
        &ana,
        Command::Incident(IncidentCommand::Severity {
            incident: id,
            to: Severity::WORST,
            reason: "all of them".into(),
        }),
    );
    s.wait(600).tick().wait(60).act(&room, cleared.clone()).wait(30);
    let seen = breached(&s);
    s.act(&room, seen).wait(400);
    let update = BoardCommand::Updated {
        incident: id,
        text: "we are on it".into(),
        to: None,
        audience: <_>::default(),
    };
    s.act(&ana, Command::Board(update)).wait(7_200).tick();
    let reason = "the fix itself".to_owned();
    s.act(&ben(), Command::Gate(GateCommand::Override { request: request("checkout@2.4.4", false), reason }));
    s.act(
        &ana,
        Command::Deviation(DeviationCommand::Unlisted {
            incident: id,
            actual: "restarted the payment proxy by hand".into(),
            host: "proxy-1".into(),
            code: None,
        }),
    );
    s.act(
        &room,
        Command::Watch(WatchCommand::Blind { panel: "errors".into(), why: "scrape timed out".into() }),
    );
    s
}

/// The same incident with about `count` events: notes, refusals and tasks between its beginning and its end.
pub fn long(count: usize) -> Story {
    let mut s = Story::new();
    let id = IncidentId(1);
    s.act(
        &ana(),
        Command::Incident(IncidentCommand::Declare {
            all: None,
            title: "A long night".into(),
            severity: Severity::WORST,
            services: vec!["checkout".into()],
            env: None,
            freeze: true,
        }),
    );
    let answer = gate::answer(&s.state, &request("checkout@2.4.3", false), &s.now);
    while s.events.len() < count {
        s.wait(1).note("a line of what was seen, as people write it at night: p99 at 840 ms, queue at 1 200");
        let refused = GateCommand::Refused {
            request: request("checkout@2.4.3", false),
            answer: answer.clone(),
            times: 3,
        };
        s.act(&Actor::token("deploy-bot"), Command::Gate(refused));
        let text = "errors still at 7 %".to_owned();
        s.act(&ben(), Command::Board(BoardCommand::Set { incident: id, line: BoardLine::Now, text }));
    }
    s
}
