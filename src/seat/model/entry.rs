//! An event in words: one line of the timeline.

use crate::domain::{
    Event, Fact, Seq, State,
    board::BoardFact,
    conflict::ConflictFact,
    decision::DecisionFact,
    deviation::DeviationFact,
    dispatch::DispatchFact,
    erasure,
    freeze::FreezeFact,
    gate::{Action, GateFact},
    glass::GlassFact,
    handover::HandoverFact,
    id::{IncidentId, WalkId},
    incident::IncidentFact,
    note::NoteFact,
    page::PageFact,
    plan::BlockKind,
    readiness::ReadinessFact,
    release::{Judgement, ReleaseFact},
    room::RoomFact,
    task::TaskFact,
    tell,
    time::{Stamp, minute_utc},
    verdict::Verdict,
    walk::{BlockResult, How, WalkFact},
    watch::WatchFact,
};

/// What an entry is about, for filters and for how loud it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// Said, pinned, decided, the board, tasks.
    People,
    /// Severity, status, roles, clocks.
    Incident,
    /// Steps, approvals, deviations.
    Runbook,
    /// Freezes and the gate.
    Gate,
    /// Releases and verdicts.
    Signals,
    /// The room itself.
    Room,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Detail.
    Quiet,
    /// Ordinary.
    Plain,
    /// Something came right.
    Good,
    /// A turn of the story.
    Turn,
    /// Something went wrong.
    Bad,
}

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Position in the journal.
    pub seq: Seq,
    /// When it happened.
    pub at: Stamp,
    /// Whose incident.
    pub incident: Option<IncidentId>,
    /// Who, proved.
    pub who: String,
    /// The name under which the gate was asked, claimed.
    pub alias: Option<String>,
    /// What.
    pub what: String,
    /// What it is about.
    pub about: About,
    /// How much it matters.
    pub weight: Weight,
    /// The moment it is about, and its word on time axes, where it is a mark.
    pub mark: Option<(i64, String)>,
    /// It is this room's alone, and goes when the journal is back, to come again with its own number.
    pub provisional: bool,
    /// What it says of a release, for the releases as they were.
    pub release: Option<Box<ReleaseFact>>,
}

/// What stands on time axes: releases, freezes, declarations, decisions, mitigations.
fn mark(fact: &Fact, at: i64) -> Option<(i64, String)> {
    Some(match fact {
        Fact::Release(ReleaseFact::Switched { to, at, .. }) => (at.wall.timestamp_millis(), one(to)),
        Fact::Decision(DecisionFact::Made { .. }) => (at, "decided".into()),
        Fact::Freeze(FreezeFact::Began { .. }) => (at, "freeze".into()),
        Fact::Incident(IncidentFact::Declared { severity, .. }) => (at, severity.to_string()),
        _ => return None,
    })
}

/// The event in words; `None` for what nobody reads. `state` is the state after it.
pub fn tell(event: &Event, state: &State) -> Option<Entry> {
    let (about, weight, what) = words((&event.fact, event.seq), state)?;
    let who = if event.actor.is_room() { String::new() } else { event.actor.name.clone() };
    Some(Entry {
        seq: event.seq,
        at: event.occurred.clone(),
        incident: event.stream,
        who: one(&who),
        alias: crate::domain::tell::alias(event).map(one),
        what: format!("{}{}", tell::offline(event), one(&what)),
        about,
        weight: if event.is_provisional() && weight == Weight::Quiet { Weight::Plain } else { weight },
        provisional: event.is_provisional(),
        mark: mark(&event.fact, event.occurred.wall.timestamp_millis()),
        release: match &event.fact {
            Fact::Release(fact) => Some(Box::new(fact.clone())),
            _ => None,
        },
    })
}

/// Text of several lines as one, cleaned.
pub fn one(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join(" ");
    crate::domain::text::line(&joined).into_owned()
}

fn words((whole, seq): (&Fact, Seq), state: &State) -> Option<(About, Weight, String)> {
    use About::{Gate, Incident, People, Room, Runbook, Signals};
    use Weight::{Bad, Good, Plain, Quiet, Turn};
    Some(match whole {
        Fact::Room(fact) => match fact {
            RoomFact::Opened { version, host, .. } => {
                (Room, Quiet, format!("room opened on {host}, {version}"))
            }
            RoomFact::DutyTaken { .. } => (Room, Quiet, tell::fact(whole)),
            RoomFact::Lost { .. } | RoomFact::GapWrittenBack { .. } => (Room, Bad, tell::fact(whole)),
            RoomFact::DrillBegan { scenario, .. } => (Room, Turn, format!("drill began: {scenario}")),
            RoomFact::DrillEnded => (Room, Plain, "drill ended".into()),
            RoomFact::Resumed { why, lasted } => {
                (Room, Bad, format!("journal took nothing for {}: {why}", lasted.brief()))
            }
            RoomFact::Closed { why } => (Room, Quiet, format!("room closed: {why}")),
        },
        Fact::Policy(_) => (Room, Quiet, "policy loaded".into()),
        Fact::Incident(fact) => {
            let (weight, what) = incident(fact);
            (Incident, weight, what)
        }
        Fact::Board(fact) => match fact {
            BoardFact::Set { line, text, .. } => (People, Plain, format!("{}: {text}", line.word())),
            BoardFact::Cadence { .. } | BoardFact::Polled { .. } => {
                (People, Quiet, tell::fact(&Fact::Board(fact.clone())))
            }
            BoardFact::Updated { .. } | BoardFact::Snoozed { .. } => {
                (People, Plain, tell::fact(&Fact::Board(fact.clone())))
            }
        },
        Fact::Page(page) => {
            let weight = match page {
                PageFact::Asked { .. } => Turn,
                PageFact::Climbed { .. } => Bad,
                PageFact::Acknowledged { .. } => Good,
                PageFact::Withdrawn { .. } => Plain,
            };
            (People, weight, tell::fact(whole))
        }
        Fact::Conflict(ConflictFact::Found { .. }) => (Room, Bad, tell::fact(whole)),
        Fact::Conflict(_) => (Room, Turn, tell::fact(whole)),
        Fact::Dispatch(dispatch) => {
            let weight = match dispatch {
                DispatchFact::Owed { .. } => return None,
                DispatchFact::Failed { .. } => Bad,
                DispatchFact::Sent { .. } | DispatchFact::Dropped { .. } => Quiet,
            };
            (People, weight, tell::fact(whole))
        }
        Fact::Note(fact) => match fact {
            NoteFact::Erased { .. } => (People, Turn, tell::fact(whole)),
            NoteFact::Said { text, .. } => (People, Plain, text.clone()),
            NoteFact::Pinned { what, text, about, .. } => {
                let about = about.map(|at| format!(" of {}", minute_utc(at))).unwrap_or_default();
                (People, Plain, format!("pinned {what}{about}: {text}"))
            }
            NoteFact::Starred { .. } => return None,
        },
        Fact::Task(fact) => match fact {
            TaskFact::Given { task, text, owner: Some(owner), .. } => {
                (People, Plain, format!("{task} to {owner}: {text}"))
            }
            TaskFact::Given { task, text, owner: None, .. } => {
                (People, Turn, format!("{task} NEEDS an owner: {text}"))
            }
            TaskFact::Acknowledged { task, .. } => (People, Quiet, format!("has {task}")),
            TaskFact::Over { task, .. } => {
                let known = state.incidents.get(&fact.incident()).and_then(|one| one.tasks.get(task));
                let owner = known.and_then(|task| task.owner.clone()).unwrap_or_default();
                (People, Bad, format!("{task} of {owner} is OVER its time"))
            }
            TaskFact::Reported { .. } | TaskFact::Changed { .. } => {
                (People, Plain, tell::fact(&Fact::Task(fact.clone())))
            }
            TaskFact::Done { task, result, .. } => (People, Good, format!("{task} done: {result}")),
        },
        Fact::Report(_) | Fact::Drill(_) => (People, Plain, tell::fact(whole)),
        Fact::Decision(decision) => {
            let weight = match decision {
                DecisionFact::Proposed { .. } | DecisionFact::Made { .. } => Turn,
                DecisionFact::Objected { .. } | DecisionFact::ReviewDue { .. } => Bad,
                DecisionFact::Withdrawn { .. } | DecisionFact::Reviewed { .. } => Plain,
            };
            (People, weight, tell::fact(whole))
        }
        Fact::Deviation(fact) => match fact {
            DeviationFact::Recorded { deviation, what, code, .. } => {
                let why = code.map_or("reason owed".into(), |code| code.words().to_owned());
                (Runbook, Turn, format!("{deviation} {}: {} ({why})", what.kind.word(), what.actual))
            }
            DeviationFact::Reasoned { deviation, code, text, .. } => {
                (Runbook, Quiet, format!("{deviation}: {} {text}", code.words()))
            }
        },
        Fact::Freeze(fact) => match fact {
            FreezeFact::Began { freeze, scope, lease, reason, .. } => {
                (Gate, Turn, format!("{freeze} freezes {} for {lease}: {reason}", scope.label()))
            }
            FreezeFact::Renewed { freeze, lease, .. } => {
                (Gate, Plain, format!("{freeze} renewed for {}", lease.brief()))
            }
            FreezeFact::Exempted { freeze, artifact, reason } => {
                (Gate, Turn, format!("{artifact} may pass {freeze}: {reason}"))
            }
            FreezeFact::Proved { freeze, how } => (Gate, Good, format!("{freeze} proved: {how}")),
            FreezeFact::Lifted { freeze, reason } => (Gate, Turn, format!("{freeze} lifted: {reason}")),
            FreezeFact::Expired { freeze } => (Gate, Turn, format!("{freeze} expired")),
        },
        Fact::Glass(fact) => match fact {
            GlassFact::Broken { power, lease, reason, .. } => {
                (People, Bad, format!("GLASS BROKEN, took {power} for {}: {reason}", lease.brief()))
            }
            GlassFact::Returned { .. } => (People, Plain, "gave the taken power back".into()),
            GlassFact::Expired { glass } => {
                let who = state.glasses.get(glass).map(|one| one.by.name.clone()).unwrap_or_default();
                (People, Plain, format!("{who}'s broken glass has expired"))
            }
        },
        Fact::Handover(fact) => handover(fact),
        Fact::Gate(fact) => match fact {
            GateFact::Refused { request, times, .. } => {
                let times = if *times > 1 { format!(", {times} times") } else { String::new() };
                let action = match request.action {
                    Action::Deploy => String::new(),
                    other => format!("{other} of "),
                };
                (Gate, Turn, format!("gate refused {action}{}{times}", request.artifact))
            }
            GateFact::Passed { request, freeze, times } => {
                let times = if *times > 1 { format!(", {times} times") } else { String::new() };
                (Gate, Plain, format!("gate let {} pass {freeze}{times}", request.artifact))
            }
            GateFact::Warned { request, times, .. } => {
                let times = if *times > 1 { format!(", {times} times") } else { String::new() };
                let what = format!("gate let a rollback to {} pass with a warning{times}", request.artifact);
                (Gate, Turn, what)
            }
            GateFact::Overridden { request, reason } => {
                (Gate, Bad, format!("gate overridden for {}: {reason}", request.artifact))
            }
        },
        Fact::Release(fact) => match fact {
            ReleaseFact::Found { service, current, .. } => {
                (Signals, Quiet, format!("{service} runs {current}"))
            }
            ReleaseFact::Switched { service, from, to, .. } => {
                let from = from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
                (Signals, Turn, format!("{service} switched{from} to {to}"))
            }
            ReleaseFact::Judged { service, artifact, judgement, why, .. } => match judgement {
                Judgement::Good => (Signals, Good, format!("{service} {artifact} judged good: {why}")),
                Judgement::Bad => (Signals, Bad, format!("{service} {artifact} judged bad: {why}")),
            },
        },
        Fact::Watch(fact) => match fact {
            WatchFact::Breached { panel, seen, threshold, .. } => {
                (Signals, Bad, format!("{panel} {seen}, beyond {threshold}"))
            }
            WatchFact::Cleared { panel, seen } => (Signals, Good, format!("{panel} {seen}, good again")),
            WatchFact::Blind { panel, why } => (Signals, Bad, format!("{panel} no data: {why}")),
        },
        Fact::Readiness(ReadinessFact::Turned { verdict, .. }) => {
            let weight = match verdict {
                Verdict::Yes => Good,
                Verdict::No => Bad,
                Verdict::Unknown => Plain,
            };
            (Signals, weight, tell::fact(whole))
        }
        Fact::Walk(fact) => return walk(fact, state).map(|(weight, what)| (Runbook, weight, what)),
        Fact::Erased => (People, Plain, erasure::words(state, seq)),
        Fact::Foreign(_) => (Room, Quiet, "(of a newer version)".into()),
    })
}

fn handover(fact: &HandoverFact) -> (About, Weight, String) {
    use Weight::{Bad, Plain, Turn};
    let (weight, what) = match fact {
        HandoverFact::Proposed { to, words, .. } => {
            let words = if words.is_empty() { String::new() } else { format!(": {words}") };
            (Turn, format!("offers command to {to}{words}"))
        }
        HandoverFact::Accepted { from, .. } => {
            let from = from.as_ref().map(|from| format!(", from {from}")).unwrap_or_default();
            (Turn, format!("\"I have command\"{from}"))
        }
        HandoverFact::Declined { reason, .. } => (Turn, format!("declines command: {reason}")),
        HandoverFact::Withdrawn { .. } => (Plain, "offers command no longer".into()),
        HandoverFact::Lapsed { .. } => (Turn, "offer of command lapsed unanswered".into()),
        HandoverFact::Taken { from, reason, .. } => (Bad, format!("TOOK COMMAND from {from}: {reason}")),
    };
    (About::Incident, weight, what)
}

fn incident(fact: &IncidentFact) -> (Weight, String) {
    use Weight::{Bad, Good, Plain, Quiet, Turn};
    match fact {
        IncidentFact::Declared { incident, title, severity, .. } => {
            (Turn, format!("declared {incident} {severity}: {title}"))
        }
        IncidentFact::Retitled { title, .. } => (Plain, format!("title: {title}")),
        IncidentFact::SeverityChanged { from, to, reason, .. } => {
            (Turn, format!("{from} now {to}: {reason}"))
        }
        IncidentFact::StatusChanged { from, to, .. } => (Turn, format!("{from}, now {to}")),
        IncidentFact::RoleTaken { role, who, .. } => (Plain, format!("{who} is {role}")),
        IncidentFact::RoleLeft { role, who, .. } => (Plain, format!("{who} is not {role} any more")),
        IncidentFact::Marked { moment, at, why, .. } => {
            (Quiet, format!("{} {}: {why}", moment.word(), minute_utc(at.wall)))
        }
        IncidentFact::Corrected { moment, from, at, reason, .. } => {
            let from = from.map(|from| format!(", not {}", minute_utc(from))).unwrap_or_default();
            (Plain, format!("{} was {}{from}: {reason}", moment.word(), minute_utc(at.wall)))
        }
        IncidentFact::TargetBreached { target, .. } => (Bad, format!("impact target of {target} exceeded")),
        IncidentFact::RecoveryBegan { seen, .. } => (Good, format!("first good reading: {seen}")),
        IncidentFact::RecoveryLost { seen, .. } => (Bad, format!("recovery lost: {seen}")),
        IncidentFact::Recovered { since, held, .. } => {
            (Good, format!("recovered since {}, held {}", minute_utc(since.wall), held.brief()))
        }
        IncidentFact::Answered { prompt, .. } => (Quiet, format!("answered {prompt}")),
        IncidentFact::Exported { place, .. } => (Plain, format!("draft written to {place}")),
    }
}

/// `step 4`, and its title in quotes.
fn step(state: &State, walk: WalkId, slug: &str) -> (String, String) {
    let known = state.walks.get(&walk).and_then(|walk| {
        walk.runbook.step(slug).map(|step| (super::find::number(walk, slug), one(&walk.title(step))))
    });
    match known {
        Some((n, title)) => (format!("step {n}"), format!("\"{title}\"")),
        None => (format!("step {slug}"), String::new()),
    }
}

/// A guard that does not pass only says that there is something to do.
fn is_guard(state: &State, walk: WalkId, block: &str) -> bool {
    let blocks = state
        .walks
        .get(&walk)
        .into_iter()
        .flat_map(|walk| walk.runbook.steps())
        .flat_map(|step| &step.blocks);
    blocks.into_iter().any(|known| known.id == block && known.kind == BlockKind::Guard)
}

fn walk(fact: &WalkFact, state: &State) -> Option<(Weight, String)> {
    use Weight::{Bad, Good, Plain, Quiet, Turn};
    let of = |walk: &WalkId, slug: &str| step(state, *walk, slug).0;
    let named = |walk: &WalkId, slug: &str, verb: &str| {
        let (number, title) = step(state, *walk, slug);
        format!("{number} {verb} {title}")
    };
    Some(match fact {
        WalkFact::Started { walk, runbook, .. } => (Turn, format!("{walk} began: {}", runbook.title)),
        WalkFact::InputSet { name, value, .. } => (Quiet, format!("{name} = {value}")),
        WalkFact::Lent { walk, step, host, undo, .. } => {
            let verb = if *undo { "undo taken on" } else { "taken on" };
            (Plain, named(walk, step, &format!("{verb} {host}:")))
        }
        WalkFact::Attached { .. } | WalkFact::Intended { .. } | WalkFact::Moved { .. } => return None,
        WalkFact::BlockEnded { walk, done, .. }
            if done.result == BlockResult::Failed && is_guard(state, *walk, &done.block) =>
        {
            (Quiet, format!("{} not so yet: {}", done.block, done.seen))
        }
        WalkFact::BlockEnded { done, .. } => {
            let (weight, word) = match done.result {
                BlockResult::Passed => (Quiet, "passed"),
                BlockResult::Failed => (Bad, "failed"),
                BlockResult::TimedOut => (Bad, "killed at its time limit"),
                BlockResult::Cancelled => (Bad, "cancelled"),
                BlockResult::CouldNotStart => (Bad, "could not start"),
            };
            (weight, format!("{} {word} in {}: {}", done.block, done.took.brief(), done.seen))
        }
        WalkFact::ApprovalAsked { walk, step, text, .. } => {
            (Turn, format!("{} asks for approval: {text}", of(walk, step)))
        }
        WalkFact::Approved { walk, step, glass: false, .. } => (Turn, named(walk, step, "approved:")),
        WalkFact::Approved { walk, step, glass: true, .. } => {
            (Bad, named(walk, step, "GLASS BROKEN, approved alone:"))
        }
        WalkFact::Rejected { walk, step, reason } => (Turn, format!("rejected {}: {reason}", of(walk, step))),
        WalkFact::StepDone { walk, step, how, seen } => {
            let how = match how {
                How::Done => "done".into(),
                How::Satisfied => "was so already".into(),
                How::Confirmed => "confirmed".into(),
                How::Manual => "done by hand".into(),
                How::Chosen { label, .. } => format!("chose {label}"),
                How::NotApplicable => "does not apply".into(),
                How::Skipped => "skipped".into(),
                How::Waited => "time is over".into(),
            };
            let seen = if seen.is_empty() { String::new() } else { format!(": {seen}") };
            (Good, format!("{}{seen}", named(walk, step, &how)))
        }
        WalkFact::StepFailed { walk, step, why, .. } => (Bad, format!("{} failed: {why}", of(walk, step))),
        WalkFact::Undone { walk, step } => (Turn, named(walk, step, "undone:")),
        WalkFact::Overridden { walk, step, block } => {
            (Turn, format!("{block} of {} passed over", of(walk, step)))
        }
        WalkFact::Lost { walk, step, why, .. } => (Bad, format!("{} UNKNOWN: {why}", of(walk, step))),
        WalkFact::TakenOver { walk, step, from, reason } => {
            (Turn, format!("took {} over from {from}: {reason}", of(walk, step)))
        }
        WalkFact::Edited { walk, step, block, .. } => (Turn, format!("edited {block} of {}", of(walk, step))),
        WalkFact::Finished { walk, complete: true } => (Good, format!("{walk} checklist complete")),
        WalkFact::Finished { walk, complete: false } => (Turn, format!("{walk} ended before its end")),
    })
}
