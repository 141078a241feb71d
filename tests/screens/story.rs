//! The story that screens are drawn from: a bad release, told through the real rules at fixed times.

use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;
use warroom::{
    domain::{
        Command, CommandId, Ctx, Event, State,
        actor::Actor,
        board::{BoardCommand, BoardLine},
        cadence::Beat,
        decision::DecisionCommand,
        deviation::DeviationCommand,
        gate::{self, Action, GateCommand},
        handover::HandoverCommand,
        id::{Digest, IncidentId, TaskId, WalkId},
        incident::{IncidentCommand, Status},
        note::NoteCommand,
        plan::Runbook,
        policy::{Members, Policy, Power, Service, SeverityRow},
        power::Groups,
        release::{Judgement, ReleaseCommand},
        report::ReportCommand,
        room::RoomFact,
        severity::Severity,
        state::decide,
        task::TaskCommand,
        time::{BootId, Span, Stamp, Wall},
        walk::{BlockDone, BlockResult, Confirmation, WalkCommand},
        watch::WatchCommand,
    },
    seat::{
        model::{Model, Setup, Zone},
        update::{self, Event as Happens},
    },
    signal::{
        Delta, Level, Line, Live, Panel, PanelView, Point, ProbeView, ReleaseView, SourceView, Unit, Verdict,
        panel::Baseline, release::Artifact,
    },
    wire::{As, FromRoom, HandSays, JournalState, Presence, RoomStatus, StepRef, WIRE},
};

/// Midday of the story's day, in seconds since 1970.
pub const DAY: i64 = 1_780_272_000;

/// `13:53:00` of the story's day, on the wall and on the boot clock.
pub fn at(clock: &str) -> Stamp {
    let time = chrono::NaiveTime::parse_from_str(clock, "%H:%M:%S").unwrap();
    let seconds = i64::from(chrono::Timelike::num_seconds_from_midnight(&time));
    Stamp { wall: wall(clock), boot: BootId("b".into()), clock: u64::try_from(seconds).unwrap() * 1_000 }
}

pub fn wall(clock: &str) -> Wall {
    let time = chrono::NaiveTime::parse_from_str(clock, "%H:%M:%S").unwrap();
    let day = chrono::DateTime::from_timestamp(DAY, 0).unwrap().date_naive();
    day.and_time(time).and_utc()
}

pub fn person(name: &str) -> Actor {
    let uid = name.bytes().fold(1_000, |sum, byte| sum + u32::from(byte));
    Actor::user(name, uid)
}

/// A journal in memory that is written through the rules.
#[derive(Default)]
pub struct Story {
    pub state: State,
    pub events: Vec<Event>,
    pub commands: u128,
}

impl Story {
    /// Somebody does something at a time; the rules must allow it.
    pub fn does(&mut self, clock: &str, who: &Actor, command: Command) -> &mut Self {
        self.commands += 1;
        let id = CommandId(Uuid::from_u128(self.commands));
        let now = at(clock);
        let ctx = Ctx {
            actor: who.clone(),
            groups: Groups::default(),
            now: now.clone(),
            id,
            room: "bast-1".into(),
        };
        let facts = decide(&self.state, &command, &ctx)
            .unwrap_or_else(|refusal| panic!("{clock} {refusal}: {command:?}"));
        for (index, fact) in (0..).zip(facts) {
            let event = Event {
                seq: self.state.head + 1,
                command: id,
                index,
                stream: fact.stream(&self.state),
                occurred: now.clone(),
                recorded: now.wall,
                room: "bast-1".into(),
                actor: who.clone(),
                offline: None,
                fact,
                hash: Digest::ZERO,
            };
            self.state.apply(&event);
            self.events.push(event);
        }
        self
    }

    pub fn room(&mut self, clock: &str, command: Command) -> &mut Self {
        self.does(clock, &Actor::room(), command)
    }

    pub fn by(&mut self, clock: &str, who: &str, command: Command) -> &mut Self {
        self.does(clock, &person(who), command)
    }
}

pub const INC: IncidentId = IncidentId(1);
/// The step that puts the good release back, by its first block.
pub const SWITCH: &str = "already-good";
pub const WALK: WalkId = WalkId(1);

pub fn runbook() -> Arc<Runbook> {
    let text = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/screens/rollback.md")).unwrap();
    Arc::new(warroom::runbook::parse("rollback.md", &text))
}

fn policy() -> Policy {
    let row = |meaning: &str, every, freeze: Option<Span>| SeverityRow {
        meaning: meaning.into(),
        runbook: None,
        roles: ["commander", "scribe", "communications"].map(str::to_owned).into(),
        update_every: every,
        freeze,
        page: None,
        poll_every: None,
        external_every: None,
    };
    let mut policy = Policy::default();
    policy
        .severities
        .insert(Severity::WORST, row("customers cannot buy", Some(Span::mins(10)), Some(Span::hours(2))));
    policy.severities.insert(
        Severity::new(2).unwrap(),
        row("many customers are slowed", Some(Span::mins(15)), Some(Span::hours(1))),
    );
    policy
        .severities
        .insert(Severity::new(3).unwrap(), row("some customers notice", Some(Span::mins(30)), None));
    policy
        .services
        .insert("checkout".into(), Service { tier: 1, mttr_target: Span::mins(15), ..Service::default() });
    policy.services.insert("payments".into(), Service::default());
    policy
}

pub fn saw(service: &str, current: &str, previous: &str, since: Stamp) -> Command {
    Command::Release(ReleaseCommand::Saw {
        service: service.into(),
        env: "prod".into(),
        current: current.into(),
        previous: Some(previous.into()),
        since,
        by: None,
    })
}

/// Before anything is wrong.
pub fn calm() -> Story {
    let mut story = Story::default();
    let tuesday = Stamp::wall_only(wall("09:00:00") - chrono::TimeDelta::days(3));
    story
        .room(
            "13:00:00",
            Command::Room(RoomFact::Opened {
                version: "0.1.0".into(),
                host: "bast-1".into(),
                private: false,
                shares: false,
            }),
        )
        .room("13:00:00", Command::Policy(Box::new(policy())))
        .room("13:00:01", saw("payments", "1.9.0", "1.8.7", tuesday.clone()))
        .by(
            "13:00:02",
            "eve",
            Command::Release(ReleaseCommand::Judge {
                service: "payments".into(),
                artifact: "1.9.0".into(),
                judgement: Judgement::Good,
                why: "three quiet days".into(),
            }),
        )
        .room("13:00:03", saw("checkout", "2.4.0", "2.3.9", tuesday))
        .room("13:53:00", saw("checkout", "2.4.1", "2.4.0", at("13:53:00")));
    story
}

/// Two panels are beyond their thresholds.
pub fn wrong() -> Story {
    let mut story = calm();
    let breach = |panel: &str, seen: &str, limit: &str, since| {
        Command::Watch(WatchCommand::Breached {
            panel: panel.into(),
            seen: seen.into(),
            threshold: limit.into(),
            since,
        })
    };
    story
        .room("13:54:40", breach("errors", "7.2 %", "1 %", at("13:54:10")))
        .room("13:55:10", breach("p99", "840 ms", "500 ms", at("13:54:30")));
    story
}

pub fn refused(times: u64) -> Command {
    let request = gate::Request {
        service: "checkout".into(),
        env: "prod".into(),
        artifact: "checkout@2.4.2".into(),
        action: Action::Deploy,
        dry_run: false,
        alias: Some("pipeline".into()),
    };
    let answer = gate::Answer {
        allowed: false,
        hold: true,
        abort: false,
        because: gate::Because::Frozen,
        reason: "frozen".into(),
        freeze: Some(warroom::domain::id::FreezeId(1)),
        incident: Some(INC),
        valid_until: None,
        seq: 0,
        checks: Vec::new(),
        warned: false,
    };
    Command::Gate(GateCommand::Refused { request, answer, times })
}

/// Declared, roles given, decided, frozen; the walk has come to the step that puts the good release back.
pub fn declared() -> Story {
    let mut story = wrong();
    let role = |role: &str, who: &str| {
        Command::Incident(IncidentCommand::Role { incident: INC, role: role.into(), who: who.into() })
    };
    let line =
        |line, text: &str| Command::Board(BoardCommand::Set { incident: INC, line, text: text.into() });
    let task = |owner: &str, within, text: &str| {
        Command::Task(TaskCommand::Give {
            incident: INC,
            text: text.into(),
            owner: owner.into(),
            within: Some(within),
        })
    };
    story
        .by(
            "13:57:50",
            "ana",
            Command::Incident(IncidentCommand::Declare {
                all: None,
                title: "checkout 5xx after 2.4.1".into(),
                severity: Severity::WORST,
                services: vec!["checkout".into()],
                env: Some("prod".into()),
                freeze: true,
            }),
        )
        .by("13:58:05", "ana", role("scribe", "eve"))
        .by("13:58:09", "ana", role("communications", "cy"))
        .by("13:58:14", "ana", role("operations", "bo"))
        .by(
            "13:58:40",
            "ana",
            Command::Incident(IncidentCommand::Status { incident: INC, to: Status::Identified }),
        )
        .by(
            "13:58:50",
            "bo",
            Command::Walk(WalkCommand::Start {
                incident: Some(INC),
                runbook: runbook(),
                inputs: BTreeMap::from([
                    ("SRV".into(), "/srv/checkout".into()),
                    ("GOOD".into(), "2.4.0".into()),
                    ("BAD".into(), "2.4.1".into()),
                ]),
            }),
        )
        .by("13:59:02", "eve", task("eve", Span::mins(8), "who else calls it?"))
        .by(
            "13:59:30",
            "ana",
            line(BoardLine::Now, "5xx 7 % in eu-west since 13:54Z, not improving; payments unaffected"),
        )
        .by("13:59:50", "ana", line(BoardLine::Goal, "under 1 % by 14:09Z"))
        .by("13:59:58", "ana", line(BoardLine::Else, "bo turns new-pricing off at 14:09Z"))
        .by(
            "14:00:20",
            "cy",
            Command::Board(BoardCommand::Updated {
                incident: INC,
                text: "status page: checkout is failing for one in fourteen".into(),
                to: None,
                audience: <_>::default(),
            }),
        );
    runs(&mut story, "14:00:30", "14:00:41", "see-releases", "see-releases", "3 instances run 2.4.1");
    story
        .by(
            "14:01:20",
            "ana",
            Command::Walk(WalkCommand::Choose { walk: WALK, step: decide_step(), label: "yes".into() }),
        )
        .by(
            "14:01:40",
            "ana",
            Command::Decision(DecisionCommand::Make {
                incident: INC,
                text: "roll back to 2.4.0".into(),
                options: Vec::new(),
                risks: None,
                review_in: None,
            }),
        )
        .by("14:02:10", "ci", refused(1))
        .by(
            "14:02:30",
            "ana",
            Command::Walk(WalkCommand::Confirm {
                walk: WALK,
                step: confirm_step(),
                seen: "FRZ-1 holds".into(),
            }),
        )
        .by("14:02:50", "cy", task("cy", Span::mins(5), "status page"))
        .by(
            "14:04:10",
            "cy",
            Command::Task(TaskCommand::Done { incident: INC, task: TaskId(2), result: "posted".into() }),
        )
        .by(
            "14:04:50",
            "bo",
            Command::Note(NoteCommand::Say {
                incident: Some(INC),
                text: "only instances on 2.4.1 time out".into(),
            }),
        )
        .by("14:05:12", "ci", refused(2))
        .by("14:06:40", "ana", task("bo", Span::mins(2), "put 2.4.0 back"));
    story
}

fn slug(find: &str) -> String {
    runbook()
        .steps()
        .find(|step| step.title.contains(find))
        .unwrap_or_else(|| panic!("no step {find}"))
        .id
        .clone()
}

pub fn decide_step() -> String {
    slug("Did the errors")
}

pub fn confirm_step() -> String {
    slug("Deploys of the service")
}

pub fn hand(n: u128) -> Uuid {
    Uuid::from_u128(0xa000 + n)
}

fn done(block: &str, seen: &str) -> BlockDone {
    BlockDone {
        block: block.into(),
        result: BlockResult::Passed,
        exit: Some(0),
        seen: seen.into(),
        took: Span::millis(1_200),
        evidence: None,
        captured: None,
    }
}

pub fn take(story: &mut Story, clock: &str, step: &str, n: u128, confirm: Confirmation) {
    let walk = &story.state.walks[&WALK];
    let shown = warroom::domain::walk::shown(walk, walk.runbook.step(step).unwrap(), false, false);
    story.by(
        clock,
        "bo",
        Command::Walk(WalkCommand::Take {
            walk: WALK,
            step: step.into(),
            hand: hand(n),
            host: "bast-1".into(),
            confirm,
            undo: false,
            again: false,
            shown: Some(shown),
        }),
    );
    let process = warroom::domain::walk::ProcessRef { pid: 4_000, start: 1, boot: "b".into() };
    story.by(
        clock,
        "bo",
        Command::Walk(WalkCommand::Attach {
            walk: WALK,
            step: step.into(),
            hand: hand(n),
            process,
            carry: None,
        }),
    );
}

pub fn block(story: &mut Story, from: &str, to: &str, step: &str, block: &str, n: u128, result: BlockDone) {
    story.by(
        from,
        "bo",
        Command::Walk(WalkCommand::Intend {
            walk: WALK,
            step: step.into(),
            hand: hand(n),
            block: block.into(),
        }),
    );
    story.by(
        to,
        "bo",
        Command::Walk(WalkCommand::Report {
            walk: WALK,
            step: step.into(),
            hand: hand(n),
            done: result,
            carry: None,
        }),
    );
}

fn runs(story: &mut Story, from: &str, to: &str, step: &str, name: &str, seen: &str) {
    take(story, from, step, 1, Confirmation::Enter);
    block(story, from, to, step, name, 1, done(name, seen));
}

/// The commander has laid command down, and nobody has taken it.
pub fn nobody() -> Story {
    let mut story = asked();
    let left = IncidentCommand::Unrole { incident: INC, role: "commander".into() };
    story.by("14:07:20", "ana", Command::Incident(left));
    story
}

/// ana offers command to bo.
pub fn offered() -> Story {
    let mut story = asked();
    let offer = HandoverCommand::Propose {
        incident: INC,
        to: "bo".into(),
        words: "the bank calls back at 14:20Z".into(),
    };
    story.by("14:07:12", "ana", Command::Handover(offer));
    story
}

/// eve may look, and nothing else; bo and cy are on call.
pub fn observed() -> Story {
    let mut story = asked();
    let members = |users: &[&str]| Members {
        users: users.iter().map(|&name| name.to_owned()).collect(),
        groups: ["oncall".to_owned()].into(),
    };
    let powers =
        [(Power::Respond, members(&["bo", "cy"])), (Power::Command, members(&["ana"]))].into_iter().collect();
    story.room("14:07:10", Command::Policy(Box::new(Policy { powers, ..policy() })));
    story
}

/// Nobody is given the power to command.
pub fn uncommanded() -> Story {
    let mut story = calm();
    let members = Members { groups: ["oncall".to_owned()].into(), ..Members::default() };
    let powers = [(Power::Respond, members)].into_iter().collect();
    story.room("13:53:20", Command::Policy(Box::new(Policy { powers, ..policy() })));
    story
}

/// The step that puts the good release back has been taken and waits for approval.
pub fn asked() -> Story {
    let mut story = declared();
    take(&mut story, "14:06:52", SWITCH, 2, Confirmation::Second);
    let mut guard = done("already-good", "exit 1");
    guard.result = BlockResult::Failed;
    block(&mut story, "14:06:55", "14:06:58", SWITCH, "already-good", 2, guard);
    story
}

/// Somebody reported and needs something; a task was given more time, reported on, and is over again.
pub fn needed() -> Story {
    let mut story = declared();
    let task = |command| Command::Task(command);
    story
        .by(
            "14:03:10",
            "eve",
            task(TaskCommand::Report { incident: INC, task: TaskId(1), text: "two callers so far".into() }),
        )
        .by(
            "14:03:20",
            "ana",
            task(TaskCommand::Assign {
                incident: INC,
                task: TaskId(1),
                owner: "dee".into(),
                within: Some(Span::mins(4)),
            }),
        )
        .by("14:03:40", "dee", task(TaskCommand::Acknowledge { incident: INC, task: TaskId(1) }))
        .by(
            "14:07:00",
            "cy",
            Command::Report(ReportCommand::Give {
                incident: INC,
                conditions: "the queue grows, nothing is lost".into(),
                actions: "draining it by hand".into(),
                needs: vec!["somebody with the vault's keys".into()],
            }),
        )
        .room("14:07:20", Command::Tick);
    story
}

/// Something is proposed, and somebody objects.
pub fn proposed() -> Story {
    let mut story = declared();
    let decision = warroom::domain::id::DecisionId(2);
    story
        .by(
            "14:06:50",
            "bo",
            Command::Decision(DecisionCommand::Propose {
                incident: INC,
                text: "turn new-pricing off before the rollback ends".into(),
                options: vec!["wait for the rollback".into()],
                risks: Some("prices of yesterday for ten minutes".into()),
            }),
        )
        .by(
            "14:07:10",
            "eve",
            Command::Decision(DecisionCommand::Object {
                incident: INC,
                decision,
                why: "orders in flight carry the new prices".into(),
            }),
        );
    story
}

/// Polls and updates outside are owed too; one was put off, one is late.
pub fn owed() -> Story {
    let mut story = declared();
    let board = Command::Board;
    let cadence = |beat, every| BoardCommand::Cadence { incident: INC, beat, every: Some(every) };
    story
        .by("13:58:20", "ana", board(cadence(Beat::Poll, Span::mins(8))))
        .by("13:58:30", "ana", board(cadence(Beat::External, Span::mins(20))))
        .by(
            "14:07:00",
            "cy",
            board(BoardCommand::Snooze {
                incident: INC,
                beat: Beat::Internal,
                by: Span::mins(5),
                reason: "in the middle of the rollback".into(),
            }),
        );
    story
}

/// Resolved, with reasons that are owed.
pub fn owing() -> Story {
    let mut story = declared();
    for what in ["restarted checkout-2 by hand", "cleared the quotes' cache"] {
        let unlisted = DeviationCommand::Unlisted {
            incident: INC,
            actual: what.into(),
            host: "app-1".into(),
            code: None,
        };
        story.by("14:07:00", "bo", Command::Deviation(unlisted));
    }
    let to = Status::Resolved;
    story.by("14:07:10", "ana", Command::Incident(IncidentCommand::Status { incident: INC, to }));
    story
}

/// It was approved, ran, and the errors go down while one waits for them to stay down.
pub fn holding() -> Story {
    let mut story = asked();
    let digest = story.state.walks[&WALK].state(SWITCH).asked.unwrap().digest;
    story.by(
        "14:07:40",
        "ana",
        Command::Walk(WalkCommand::Approve { walk: WALK, step: SWITCH.into(), digest, glass: None }),
    );
    block(&mut story, "14:07:42", "14:07:49", SWITCH, "switch", 2, done("switch", "3 of 3 reloaded"));
    block(
        &mut story,
        "14:07:49",
        "14:07:52",
        SWITCH,
        "every-instance-is-good",
        2,
        done("every-instance-is-good", "3 of 3 run 2.4.0"),
    );
    story.room("14:07:50", saw("checkout", "2.4.0", "2.4.1", at("14:07:50")));
    let cleared = |panel: &str, seen: &str| {
        Command::Watch(WatchCommand::Cleared { panel: panel.into(), seen: seen.into() })
    };
    take(&mut story, "14:08:20", "errors-recovered", 3, Confirmation::Enter);
    story.by(
        "14:08:21",
        "bo",
        Command::Walk(WalkCommand::Intend {
            walk: WALK,
            step: "errors-recovered".into(),
            hand: hand(3),
            block: "errors-recovered".into(),
        }),
    );
    story.room("14:08:30", cleared("p99", "230 ms")).room("14:08:40", cleared("errors", "0.4 %")).by(
        "14:08:50",
        "ana",
        Command::Incident(IncidentCommand::Status { incident: INC, to: Status::Monitoring }),
    );
    story
}

/// Two panels' worth of noise that is the same every time.
fn noise(i: i64) -> f64 {
    ((i * 7_919) % 97) as f64 / 97.0
}

/// What is live at a moment of the story.
pub fn live(now: &str) -> Live {
    let end = wall(now).timestamp_millis();
    let began = wall("13:54:10").timestamp_millis();
    let healed = wall("14:07:50").timestamp_millis();
    let series = |calm: f64, bad: f64, jitter: f64| -> Vec<Point> {
        (0..1_500)
            .map(|i| {
                let t = end - (1_499 - i) * 1_000;
                let rise = if t < began { 0.0 } else { 1.0 - (-((t - began) as f64) / 60_000.0).exp() };
                let fall = if t < healed { 1.0 } else { (-((t - healed) as f64) / 18_000.0).exp() };
                let slow = noise(t / 7_000) * 0.6 + noise(t / 1_000) * 0.4;
                Point { t, v: calm + (bad - calm) * rise * fall + slow * jitter * (1.0 + rise * fall * 3.0) }
            })
            .collect()
    };
    let panel =
        |name: &str, unit, threshold: Option<f64>, points: Vec<Point>, base: (f64, f64, f64)| PanelView {
            panel: Panel {
                name: name.into(),
                source: "prom".into(),
                query: String::new(),
                unit,
                bad: if threshold.is_some() {
                    warroom::signal::Direction::Up
                } else {
                    warroom::signal::Direction::None
                },
                threshold,
                hold: None,
                service: Some("checkout".into()),
            },
            source: "prom".into(),
            points,
            baseline: Some(Baseline {
                low: base.0,
                median: base.1,
                high: base.2,
                points: 900,
                until: wall("13:50:00"),
            }),
            bad_since: None,
        };
    let mut live = Live {
        panels: vec![
            panel("errors", Unit::Ratio, Some(0.01), series(0.0025, 0.070, 0.001), (0.002, 0.003, 0.004)),
            panel("p99", Unit::Seconds, Some(0.5), series(0.205, 0.83, 0.01), (0.19, 0.21, 0.24)),
            panel("rps", Unit::PerSecond, None, series(418.0, 410.0, 8.0), (405.0, 420.0, 432.0)),
        ],
        lines_total: 88_214,
        ..Live::default()
    };
    let source = |id: &str, address: &str| SourceView {
        id: id.into(),
        address: address.into(),
        last_seen: Some(wall(now)),
        every: Span::secs(1),
        trouble: None,
        polls: 900,
    };
    for (id, address) in [
        ("prom", "http://127.0.0.1:9090"),
        ("log:checkout-*.log", "/srv/log/checkout-*.log"),
        ("release:checkout", "/srv/checkout"),
    ] {
        live.sources.insert(id.into(), source(id, address));
    }
    let bad = began < end && end < healed;
    let new_runs = end < healed;
    for (n, fails) in [(1, true), (2, false), (3, true)] {
        let name = format!("checkout-{n} http://10.0.4.{n}:8080/healthz");
        let verdict = if fails && bad { Verdict::No } else { Verdict::Yes };
        let probe = |verdict, since: &str| ProbeView {
            name: name.clone(),
            verdict,
            detail: String::new(),
            took: Span::millis(12),
            since: wall(since),
        };
        let probes = vec![probe(Verdict::Yes, "13:30:00"), probe(verdict, "13:55:00")];
        live.apply(&Delta { probes, ..Delta::default() });
    }
    let artifact = |version: &str, built| Artifact {
        version: version.into(),
        revision: Some(format!("{:0<12}", version.replace('.', "a"))),
        built: Some(built),
    };
    let (new, old) = (
        artifact("2.4.1", wall("13:40:00")),
        artifact("2.4.0", wall("09:00:00") - chrono::TimeDelta::days(3)),
    );
    live.releases.insert(
        "checkout/prod".into(),
        ReleaseView {
            service: "checkout".into(),
            env: "prod".into(),
            place: "/srv/checkout".into(),
            current: Some(if new_runs { new.clone() } else { old.clone() }),
            previous: Some(if new_runs { old.clone() } else { new.clone() }),
            ready: vec![new, old, artifact("2.3.9", wall("10:00:00") - chrono::TimeDelta::days(9))],
            since: Some(wall("13:53:00")),
            by: None,
        },
    );
    for i in 0..60_i64 {
        let t = end - (59 - i) * 700;
        let n = 1 + i % 3;
        let (level, text) = match i % 4 {
            0 | 1 if n != 2 && bad => (Level::Error, "quote timeout after 800 ms".to_owned()),
            3 if bad => (Level::Warn, format!("retry {} of 3 quote", 1 + i % 3)),
            _ => (Level::Info, "order placed".to_owned()),
        };
        live.lines.push_back(Line {
            n: u64::try_from(i).unwrap(),
            at: chrono::DateTime::from_timestamp_millis(t).unwrap(),
            level,
            text,
            fields: vec![("trace".into(), format!("{:08x}", (i * 2_654_435_761) % 0xffff_ffff))],
            source: format!("checkout-{n}.log"),
        });
    }
    live
}

pub fn status(gate: bool) -> RoomStatus {
    let here = [(1, "ana"), (2, "bo"), (3, "cy"), (4, "eve")]
        .map(|(seat, name)| Presence::new(seat, person(name), As::Seat, wall("13:00:00")));
    RoomStatus {
        version: "0.1.0".into(),
        host: "bast-1".into(),
        ssh: None,
        private: false,
        drill: None,
        place: "/var/lib/warroom/journal.db".into(),
        journal: JournalState::Writable,
        head: 0,
        hash: None,
        here: here.to_vec(),
        gate: gate.then(|| "127.0.0.1:7311".into()),
        gate_trouble: None,
        slow: None,
        newer: None,
        since: wall("13:00:00"),
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
    }
}

pub fn setup(now: &str) -> Setup {
    Setup {
        host: "bast-1".into(),
        zone: Zone { offset: chrono::FixedOffset::east_opt(3_600).unwrap(), name: "CET".into() },
        runbooks: vec![runbook()],
        texts: std::collections::BTreeMap::new(),
        keymap: warroom::seat::command::keymap::Keymap::default(),
        seed: Uuid::from_u128(0xb000_0000),
        come_back: "warroom".into(),
        passed_over: None,
        join: String::new(),
        incident: None,
        read_only: false,
        could_watch: Vec::new(),
        mistakes: None,
        now: at(now),
    }
}

/// A seat of `who` that has heard all of the story, at a moment.
pub fn seat(story: &Story, who: &str, now: &str) -> Model {
    seat_with(story, who, now, live(now))
}

pub fn seat_with(story: &Story, who: &str, now: &str, live: Live) -> Model {
    let mut model = Model::new(setup(now));
    let hello = FromRoom::Hello {
        wire: WIRE,
        fold: 1,
        you: person(who),
        groups: Groups::default(),
        room: status(true),
        seat: ["", "ana", "bo", "cy", "eve"].iter().position(|one| *one == who).unwrap_or(0) as u64,
    };
    for frame in [hello, FromRoom::Snapshot { state: Box::new(story.state.clone()), live: Box::new(live) }] {
        hear(&mut model, now, frame);
    }
    for event in &story.events {
        model.timeline.add(event, &story.state);
    }
    model.notice = None;
    model
}

pub fn hear(model: &mut Model, now: &str, frame: FromRoom) -> Vec<update::Effect> {
    update::update(model, at(now), Happens::Room(Box::new(frame)))
}

/// Keys one after the other; what they made the seat do.
pub fn press(model: &mut Model, now: &str, keys: &str) -> Vec<update::Effect> {
    use warroom::seat::term::Input;
    let mut effects = Vec::new();
    for key in keys.split_whitespace() {
        let event = match key.strip_prefix('\'') {
            Some(text) => {
                for c in text.chars() {
                    let c = if c == '_' { ' ' } else { c };
                    let key = warroom::seat::term::KeyChord::char(c);
                    effects.extend(update::update(model, at(now), Happens::Input(Input::Key(key))));
                }
                continue;
            }
            None => Happens::Input(Input::Key(key.parse().unwrap())),
        };
        effects.extend(update::update(model, at(now), event));
    }
    effects
}

pub fn says(model: &mut Model, now: &str, step: &str, says: HandSays) {
    hear(model, now, FromRoom::Hand { at: StepRef { walk: WALK, step: step.into() }, says });
}
