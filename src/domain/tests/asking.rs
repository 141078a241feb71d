//! What people may ask, at random, and steered to where something happens.

use crate::domain::{
    Command, State,
    actor::Actor,
    board::{BoardCommand, BoardLine},
    cadence::{Audience, Beat},
    clock::Moment,
    decision::DecisionCommand,
    deviation::{DeviationCommand, ReasonCode},
    freeze::{FreezeCommand, Scope},
    gate::{Action, Request},
    glass::GlassCommand,
    handover::{HandoverCommand, SAY},
    id::{DecisionId, Digest, FreezeId, GlassId, IncidentId, TaskId, WalkId},
    incident::{IncidentCommand, Status},
    note::NoteCommand,
    plan::{Approval, BlockKind, By, Choice, Ending, Lead, OnFail, Risk, Runbook, Slug},
    policy::{Members, Policy, Power},
    release::{Judgement, ReleaseCommand},
    report::ReportCommand,
    severity::Severity,
    task::TaskCommand,
    testing::{ana, block, bo, cy, ended, runbook, section, step},
    time::{Span, Stamp},
    walk::{BlockResult, Confirmation, Deviate, Glass, ProcessRef, StepStatus, WalkCommand},
    watch::WatchCommand,
};
use proptest::{option, prelude::*, sample::select};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// What happens next: somebody asks, or time goes by.
#[derive(Debug, Clone)]
pub(super) enum Act {
    Ask(Actor, Box<Command>),
    Retry,
    Pass(Span),
    Wall(i64),
}

pub(super) fn book() -> Runbook {
    let mut act = block("act", BlockKind::Run);
    (act.risk, act.onfail, act.capture) = (Risk::High, OnFail::Undo, Some("GOOD".into()));
    let mut once = block("once", BlockKind::Run);
    once.once = true;
    let gate = |n| Some(Approval { text: "go".into(), by: By { roles: Vec::new(), n, within: None } });
    let mut first = step(
        "s1",
        vec![
            block("guard", BlockKind::Guard),
            block("check", BlockKind::Check),
            act,
            once,
            block("undo", BlockKind::Undo),
        ],
    );
    first.approval = gate(1);
    let mut beside = block("act2", BlockKind::Run);
    beside.background = true;
    let mut second = step("s2", vec![beside, block("verify", BlockKind::Verify)]);
    second.approval = gate(2);
    second.conditional = true;
    let mut which = step("s3", vec![]);
    which.lead = Some(Lead::Decide(vec![
        Choice { label: "back".into(), to: "a".into() },
        Choice { label: "on".into(), to: "b".into() },
        Choice { label: "off".into(), to: "c".into() },
    ]));
    let mut wait = step("s4", vec![]);
    wait.lead = Some(Lead::Wait(Some(Span::mins(1))));
    let mut way = step("s5", vec![]);
    way.lead = Some(Lead::Approve(By::default()));
    let mut book = runbook(vec![
        section("a", vec![first, second, which]),
        section("b", vec![wait, way, step("s6", vec![])]),
        section("c", vec![step("s7", vec![])]),
    ]);
    book.sections[2].ending = Some(Ending::Stop);
    book.front.inputs = vec![crate::domain::plan::Input {
        name: "GOOD".into(),
        default: Some("x".into()),
        ..crate::domain::plan::Input::default()
    }];
    book
}

fn actors() -> impl Strategy<Value = Actor> {
    select(vec![ana(), ana(), bo(), cy(), Actor::token("ci"), Actor::room()])
}

fn incident() -> impl Strategy<Value = IncidentId> {
    (1_u32..4).prop_map(IncidentId)
}
fn beat() -> impl Strategy<Value = Beat> {
    select(Beat::ALL.to_vec())
}
fn decision() -> impl Strategy<Value = DecisionId> {
    (1_u32..6).prop_map(DecisionId)
}
fn task() -> impl Strategy<Value = TaskId> {
    (1_u32..6).prop_map(TaskId)
}
fn freeze() -> impl Strategy<Value = FreezeId> {
    (1_u32..4).prop_map(FreezeId)
}
fn walk() -> impl Strategy<Value = WalkId> {
    (1_u32..3).prop_map(WalkId)
}
fn slug() -> impl Strategy<Value = Slug> {
    select(vec!["s1", "s1", "s1", "s2", "s2", "s3", "s4", "s5", "s6", "s7", "none"]).prop_map(str::to_owned)
}
fn name() -> impl Strategy<Value = Slug> {
    select(vec!["guard", "check", "act", "once", "undo", "act2", "verify", "none"]).prop_map(str::to_owned)
}
fn hand() -> impl Strategy<Value = Uuid> {
    (1_u128..3).prop_map(Uuid::from_u128)
}
fn words() -> impl Strategy<Value = String> {
    select(vec!["because", "", "two\nlines", "\u{1b}[2J"]).prop_map(str::to_owned)
}
fn carry() -> impl Strategy<Value = Option<Digest>> {
    option::weighted(0.2, (0_u8..2).prop_map(|byte| Digest([byte; 32])))
}
fn result() -> impl Strategy<Value = BlockResult> {
    select(vec![
        BlockResult::Passed,
        BlockResult::Passed,
        BlockResult::Failed,
        BlockResult::TimedOut,
        BlockResult::CouldNotStart,
    ])
}
fn confirmation() -> impl Strategy<Value = Confirmation> {
    select(vec![Confirmation::Second, Confirmation::Enter, Confirmation::Typed("s1".into())])
}
pub(super) fn span() -> impl Strategy<Value = Span> {
    select(vec![Span::ZERO, Span::secs(1), Span::mins(1), Span::mins(40), Span::hours(3), Span::hours(100)])
}

fn walking() -> impl Strategy<Value = WalkCommand> {
    let inputs = BTreeMap::new();
    prop_oneof![
        1 => option::of(incident()).prop_map(move |incident| WalkCommand::Start {
            incident,
            runbook: Arc::new(book()),
            inputs: inputs.clone()
        }),
        1 => (walk(), select(vec!["x", "y"]))
            .prop_map(|(walk, value)| WalkCommand::SetInput { walk, name: "GOOD".into(), value: value.into() }),
        6 => (walk(), slug(), hand(), confirmation(), proptest::bool::weighted(0.2), proptest::bool::weighted(0.3))
            .prop_map(|(walk, step, hand, confirm, undo, again)| WalkCommand::Take {
                walk, step, hand, host: "h".into(), confirm, undo, again, shown: None
            }),
        3 => (walk(), slug(), hand(), carry()).prop_map(|(walk, step, hand, carry)| WalkCommand::Attach {
            walk, step, hand, process: ProcessRef { pid: 1, start: 1, boot: "b".into() }, carry
        }),
        1 => (walk(), slug(), hand(), name())
            .prop_map(|(walk, step, hand, block)| WalkCommand::Intend { walk, step, hand, block }),
        1 => (walk(), slug(), hand(), name(), result(), carry()).prop_map(
            |(walk, step, hand, block, result, carry)| WalkCommand::Report {
                walk, step, hand, done: ended(&block, result), carry
            }
        ),
        1 => (walk(), slug(), words()).prop_map(|(walk, step, reason)| WalkCommand::Reject { walk, step, reason }),
        2 => (walk(), slug()).prop_map(|(walk, step)| WalkCommand::Confirm { walk, step, seen: String::new() }),
        2 => (walk(), select(vec!["back", "on", "off", "none"]))
            .prop_map(|(walk, label)| WalkCommand::Choose { walk, step: "s3".into(), label: label.into() }),
        2 => (walk(), slug(), select(vec![Deviate::Skip, Deviate::Manual, Deviate::Override, Deviate::NotApplicable]),
            option::of(select(ReasonCode::ALL.to_vec())), confirmation())
            .prop_map(|(walk, step, what, code, confirm)| WalkCommand::Deviate {
                walk, step, what, code, confirm, host: String::new()
            }),
        1 => (walk(), slug(), name(), select(vec!["do act", "else"]))
            .prop_map(|(walk, step, block, code)| WalkCommand::Edit { walk, step, block, code: code.into() }),
        2 => (walk(), slug(), hand(), words())
            .prop_map(|(walk, step, hand, why)| WalkCommand::Lost { walk, step, hand, why }),
        2 => (walk(), slug(), words()).prop_map(|(walk, step, reason)| WalkCommand::TakeOver { walk, step, reason }),
        1 => (walk(), words()).prop_map(|(walk, reason)| WalkCommand::Abandon { walk, reason }),
    ]
}

fn about_incidents() -> impl Strategy<Value = IncidentCommand> {
    let severity = || (1_u8..6).prop_map(|number| Severity::new(number).unwrap());
    prop_oneof![
        (words(), severity(), any::<bool>()).prop_map(|(title, severity, freeze)| IncidentCommand::Declare {
            all: None,
            title,
            severity,
            services: vec!["checkout".into()],
            env: None,
            freeze
        }),
        (incident(), words()).prop_map(|(incident, title)| IncidentCommand::Retitle {
            incident,
            title,
            services: Vec::new()
        }),
        (incident(), severity(), words()).prop_map(|(incident, to, reason)| IncidentCommand::Severity {
            incident,
            to,
            reason
        }),
        (incident(), select(Status::ALL.to_vec()))
            .prop_map(|(incident, to)| IncidentCommand::Status { incident, to }),
        (incident(), select(vec!["commander", "ops"]), select(vec!["ana", "bo"])).prop_map(
            |(incident, role, who)| IncidentCommand::Role { incident, role: role.into(), who: who.into() }
        ),
        (incident(), select(vec!["commander", "ops"]))
            .prop_map(|(incident, role)| IncidentCommand::Unrole { incident, role: role.into() }),
        (incident(), select(Moment::ALL.to_vec()), 1_699_990_000_i64..1_700_010_000, words()).prop_map(
            |(incident, moment, at, reason)| IncidentCommand::Correct {
                incident,
                moment,
                at: chrono::DateTime::from_timestamp(at, 0).unwrap(),
                reason
            }
        ),
        (incident(), words(), words()).prop_map(|(incident, prompt, text)| IncidentCommand::Answer {
            incident,
            prompt,
            text
        }),
    ]
}

/// A policy of any shape, over the people and one group.
fn policies() -> impl Strategy<Value = Policy> {
    let members = || {
        (proptest::sample::subsequence(vec!["ana", "bo", "cy"], 0..=3), any::<bool>()).prop_map(
            |(users, oncall)| Members {
                users: users.into_iter().map(str::to_owned).collect(),
                groups: oncall.then(|| "oncall".to_owned()).into_iter().collect(),
            },
        )
    };
    proptest::collection::btree_map(select(Power::ALL.to_vec()), members(), 0..4)
        .prop_map(|powers| Policy { powers, ..Policy::default() })
}

fn about_people() -> impl Strategy<Value = Command> {
    let who = || select(vec!["ana", "bo", "cy"]).prop_map(str::to_owned);
    let handover = prop_oneof![
        4 => (incident(), who(), words())
            .prop_map(|(incident, to, words)| HandoverCommand::Propose { incident, to, words }),
        4 => (incident(), select(vec![SAY, "i have command.", "yes"]))
            .prop_map(|(incident, said)| HandoverCommand::Accept { incident, said: said.into() }),
        1 => (incident(), words()).prop_map(|(incident, reason)| HandoverCommand::Decline { incident, reason }),
        1 => incident().prop_map(|incident| HandoverCommand::Withdraw { incident }),
        2 => (incident(), words()).prop_map(|(incident, reason)| HandoverCommand::Take { incident, reason, from: None }),
    ];
    let glass = prop_oneof![
        4 => (option::weighted(0.8, incident()), select(Power::ALL.to_vec()), words(), option::of(span()))
            .prop_map(|(incident, power, reason, lease)| GlassCommand::Break { incident, power, reason, lease }),
        1 => (1_u32..4).prop_map(|glass| GlassCommand::Return { glass: GlassId(glass) }),
    ];
    prop_oneof![2 => handover.prop_map(Command::Handover), 1 => glass.prop_map(Command::Glass)]
}

/// Who commands and who may what, and nothing else: offers, answers, broken glass, other policies, time.
pub(super) fn acts_of_people() -> impl Strategy<Value = Act> {
    let person = || select(vec![ana(), bo(), cy()]);
    let chair = (select(vec!["ana", "bo", "cy"]), any::<bool>()).prop_map(|(who, take)| {
        let (incident, role) = (IncidentId(1), "commander".to_owned());
        Command::Incident(if take {
            IncidentCommand::Role { incident, role, who: who.into() }
        } else {
            IncidentCommand::Unrole { incident, role }
        })
    });
    prop_oneof![
        8 => (person(), about_people()).prop_map(|(who, command)| Act::Ask(who, Box::new(command))),
        3 => (person(), chair).prop_map(|(who, command)| Act::Ask(who, Box::new(command))),
        2 => (person(), others()).prop_map(|(who, command)| Act::Ask(who, Box::new(command))),
        1 => policies().prop_map(|policy| Act::Ask(Actor::room(), Box::new(Command::Policy(Box::new(policy))))),
        2 => span().prop_map(Act::Pass),
    ]
}

pub(super) fn request() -> impl Strategy<Value = Request> {
    (
        select(vec!["checkout", "payments"]),
        select(vec!["prod", "test"]),
        select(vec!["checkout@2", "checkout@1"]),
        select(vec![Action::Deploy, Action::Promote, Action::Rollback]),
        any::<bool>(),
    )
        .prop_map(|(service, env, artifact, action, dry_run)| Request {
            service: service.into(),
            env: env.into(),
            artifact: artifact.into(),
            action,
            dry_run,
            alias: dry_run.then(|| "ci/build-77".into()),
        })
}

pub(super) fn about_freezes() -> impl Strategy<Value = FreezeCommand> {
    prop_oneof![
        (option::of(incident()), words(), option::of(span())).prop_map(|(incident, reason, lease)| {
            FreezeCommand::Begin {
                all: None,
                incident,
                scope: Scope::deploys(vec!["checkout".into()], Vec::new()),
                reason,
                lease,
            }
        }),
        (freeze(), span(), words()).prop_map(|(freeze, lease, reason)| FreezeCommand::Renew {
            freeze,
            lease,
            reason
        }),
        (freeze(), words()).prop_map(|(freeze, reason)| FreezeCommand::Exempt {
            freeze,
            artifact: "checkout@2".into(),
            reason,
            glass: false
        }),
        (freeze(), words()).prop_map(|(freeze, reason)| FreezeCommand::Lift { freeze, reason }),
    ]
}

fn seen() -> impl Strategy<Value = WatchCommand> {
    let panel = || select(vec!["errors", "latency"]).prop_map(str::to_owned);
    let since = Stamp::wall_only(chrono::DateTime::from_timestamp(1_699_999_900, 0).unwrap());
    prop_oneof![
        panel().prop_map(move |panel| WatchCommand::Breached {
            panel,
            seen: "9 %".into(),
            threshold: "1 %".into(),
            since: since.clone()
        }),
        panel().prop_map(|panel| WatchCommand::Cleared { panel, seen: "0 %".into() }),
        panel().prop_map(|panel| WatchCommand::Blind { panel, why: "no data".into() }),
    ]
}

fn others() -> impl Strategy<Value = Command> {
    let deviation = (1_u32..6).prop_map(crate::domain::id::DeviationId);
    prop_oneof![
        (incident(), words()).prop_map(|(incident, text)| Command::Board(BoardCommand::Set {
            incident,
            line: BoardLine::Goal,
            text
        })),
        (incident(), option::of(span())).prop_map(|(incident, every)| Command::Board(
            BoardCommand::Cadence { incident, every, beat: <_>::default() }
        )),
        (incident(), words()).prop_map(|(incident, text)| Command::Board(BoardCommand::Updated {
            incident,
            text,
            to: None,
            audience: <_>::default()
        })),
        (incident(), beat(), span(), words()).prop_map(|(incident, beat, by, reason)| Command::Board(
            BoardCommand::Snooze { incident, beat, by, reason }
        )),
        (incident(), beat(), option::of(span())).prop_map(|(incident, beat, every)| Command::Board(
            BoardCommand::Cadence { incident, beat, every }
        )),
        incident().prop_map(|incident| Command::Board(BoardCommand::Poll { incident })),
        (incident(), words()).prop_map(|(incident, text)| Command::Board(BoardCommand::Updated {
            incident,
            text,
            to: None,
            audience: Audience::External
        })),
        (option::of(incident()), words())
            .prop_map(|(incident, text)| Command::Note(NoteCommand::Say { incident, text })),
        (incident(), 1_u64..9, any::<bool>())
            .prop_map(|(incident, seq, on)| Command::Note(NoteCommand::Star { incident, seq, on })),
        (incident(), words(), option::of(span())).prop_map(|(incident, text, within)| Command::Task(
            TaskCommand::Give { incident, text, owner: "bo".into(), within }
        )),
        (incident(), 1_u32..4).prop_map(|(incident, task)| Command::Task(TaskCommand::Done {
            incident,
            task: TaskId(task),
            result: String::new()
        })),
        (incident(), task(), select(vec!["ana", "bo"]), option::of(span())).prop_map(
            |(incident, task, owner, within)| Command::Task(TaskCommand::Assign {
                incident,
                task,
                owner: owner.into(),
                within
            })
        ),
        (incident(), task(), words()).prop_map(|(incident, task, text)| Command::Task(TaskCommand::Report {
            incident,
            task,
            text
        })),
        (incident(), task(), span()).prop_map(|(incident, task, more)| Command::Task(TaskCommand::Extend {
            incident,
            task,
            more
        })),
        (incident(), task())
            .prop_map(|(incident, task)| Command::Task(TaskCommand::Acknowledge { incident, task })),
        (incident(), words(), proptest::collection::vec(words(), 0..3)).prop_map(
            |(incident, words, needs)| Command::Report(ReportCommand::Give {
                incident,
                conditions: words.clone(),
                actions: words,
                needs
            })
        ),
        (incident(), words()).prop_map(|(incident, text)| Command::Decision(DecisionCommand::Make {
            incident,
            text,
            options: Vec::new(),
            risks: None,
            review_in: None
        })),
        (incident(), decision(), words(), option::of(words()), option::of(span()), 0_u8..5).prop_map(
            |(incident, decision, text, other, span, which)| Command::Decision(match which {
                0 => DecisionCommand::Propose {
                    incident,
                    text,
                    options: other.into_iter().collect(),
                    risks: None
                },
                1 => DecisionCommand::Object { incident, decision, why: text },
                2 => DecisionCommand::Settle { incident, decision, text: other, review_in: span },
                3 => DecisionCommand::Review { incident, decision, text, again: span },
                _ => DecisionCommand::Withdraw { incident, decision, reason: text },
            })
        ),
        (deviation, select(ReasonCode::ALL.to_vec()), words()).prop_map(|(deviation, code, text)| {
            Command::Deviation(DeviationCommand::Reason { deviation, code, text })
        }),
        (incident(), words()).prop_map(|(incident, actual)| Command::Deviation(DeviationCommand::Unlisted {
            incident,
            actual,
            host: String::new(),
            code: None
        })),
        words().prop_map(|why| Command::Release(ReleaseCommand::Judge {
            service: "checkout".into(),
            artifact: "checkout@2".into(),
            judgement: Judgement::Bad,
            why
        })),
        Just(Command::Tick),
    ]
}

pub(super) fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![
        12 => (actors(), walking()).prop_map(|(who, command)| Act::Ask(who, Box::new(command.into()))),
        4 => (actors(), about_incidents()).prop_map(|(who, command)| Act::Ask(who, Box::new(command.into()))),
        3 => (actors(), about_freezes()).prop_map(|(who, command)| Act::Ask(who, Box::new(Command::Freeze(command)))),
        2 => seen().prop_map(|command| Act::Ask(Actor::room(), Box::new(Command::Watch(command)))),
        4 => (actors(), about_people()).prop_map(|(who, command)| Act::Ask(who, Box::new(command))),
        1 => policies().prop_map(|policy| Act::Ask(Actor::room(), Box::new(Command::Policy(Box::new(policy))))),
        3 => (actors(), others()).prop_map(|(who, command)| Act::Ask(who, Box::new(command))),
        1 => Just(Act::Retry),
        2 => span().prop_map(Act::Pass),
        1 => (-3_600_000_i64..3_600_000).prop_map(Act::Wall),
    ]
}

/// Steers a random walk to where something happens: the step where one is is taken, its hand does what comes next or
/// dies, and what is asked for is approved as it stands.
pub(super) fn steer(state: &State, roll: u8) -> Option<(Actor, Command)> {
    use crate::domain::walk::sequence::{Next, next};
    let walk = state.walks.values().find(|walk| walk.ended.is_none())?;
    let id = walk.id;
    let who = [ana(), bo(), cy(), bo()][usize::from(roll / 16) % 4].clone();
    let held = walk.steps.iter().find(|(_, now)| now.lease.is_some());
    let Some((slug, now)) = held else {
        let step = walk.current()?.id.clone();
        let hand = Uuid::from_u128(u128::from(roll % 2) + 1);
        let take = WalkCommand::Take {
            walk: id,
            step: step.clone(),
            hand,
            host: "h".into(),
            confirm: Confirmation::Second,
            undo: roll % 16 == 3,
            again: roll % 16 == 5,
            shown: None,
        };
        let command = match step.as_str() {
            "s3" => {
                let label = ["back", "back", "on", "off"][usize::from(roll) % 4].into();
                WalkCommand::Choose { walk: id, step, label }
            }
            "s6" | "s7" => WalkCommand::Confirm { walk: id, step, seen: String::new() },
            _ => take,
        };
        return Some((who, command.into()));
    };
    let (step, lease) = (slug.clone(), now.lease.clone()?);
    let hand = lease.hand;
    if now.status == StepStatus::Unknown && !matches!(roll % 16, 0 | 1) {
        return Some((who, WalkCommand::TakeOver { walk: id, step, reason: "gone".into() }.into()));
    }
    if roll % 16 == 2 {
        return Some((Actor::room(), WalkCommand::Lost { walk: id, step, hand, why: "dead".into() }.into()));
    }
    if let (Some(asked), 3..13) = (&now.asked, roll % 16) {
        let glass = (roll % 16 == 3).then(|| Glass { typed: step.clone(), reason: "alone".into() });
        return Some((who, WalkCommand::Approve { walk: id, step, digest: asked.digest, glass }.into()));
    }
    let command = if let Some(intent) = &now.intent {
        let results = [BlockResult::Passed, BlockResult::Passed, BlockResult::Failed];
        let mut done = ended(&intent.block, results[usize::from(roll) % 3]);
        done.captured = (intent.block == "act").then(|| ("GOOD".into(), "z".into()));
        WalkCommand::Report { walk: id, step, hand, done, carry: lease.carry }
    } else {
        match next(walk, walk.runbook.step(&step)?) {
            Next::Block(block) => WalkCommand::Intend { walk: id, step, hand, block: block.id.clone() },
            _ => WalkCommand::Attach {
                walk: id,
                step,
                hand,
                process: ProcessRef { pid: 1, start: 1, boot: "b".into() },
                carry: (roll.is_multiple_of(2)).then_some(Digest([roll % 3; 32])),
            },
        }
    };
    Some((lease.owner, command.into()))
}
