//! An event in one plain line, as a terminal shows it: in the seat's timeline, in `warroom tail`, in a drill.

use super::{
    Event, Fact,
    board::BoardFact,
    cadence::Audience,
    conflict::ConflictFact,
    decision::DecisionFact,
    deviation::DeviationFact,
    dispatch::{DispatchFact, Matter},
    drill::DrillFact,
    freeze::FreezeFact,
    gate::{Because, GateFact},
    glass::GlassFact,
    handover::HandoverFact,
    incident::IncidentFact,
    note::NoteFact,
    page::PageFact,
    policy::PolicyFact,
    readiness::ReadinessFact,
    release::{Judgement, ReleaseFact},
    report::{self, ReportFact},
    room::RoomFact,
    task::TaskFact,
    text,
    time::{clock_utc, minute_utc, rfc3339},
    verdict::Verdict,
    walk::{BlockResult, How, WalkFact},
    watch::WatchFact,
};

/// What happened, in a few words, without who and when. Safe to show; one line.
pub fn line(event: &Event) -> String {
    fact(&event.fact)
}

/// A fact in a few words, as it is said in [`line()`].
pub fn fact(fact: &Fact) -> String {
    text::line(&words(fact)).into_owned()
}

/// Who did it: the proved name. Where the gate was asked under another, that one before it: `pipeline (root)`.
pub fn who(event: &Event) -> String {
    let proved = text::line(&event.actor.name);
    match alias(event) {
        Some(alias) => format!("{} ({proved})", text::line(alias)),
        None => proved.into_owned(),
    }
}

/// The name under which the gate was asked, where it is another than the proved one.
pub fn alias(event: &Event) -> Option<&str> {
    let Fact::Gate(fact) = &event.fact else { return None };
    fact.request().alias.as_deref().filter(|alias| !alias.is_empty() && *alias != event.actor.name)
}

/// What stands before an event that was recorded while the journal was out of reach; before others nothing.
pub fn offline(event: &Event) -> &'static str {
    let Some(offline) = &event.offline else { return "" };
    match (offline.provisional, offline.glass.is_some()) {
        (true, true) => "[PROVISIONAL, this room only] ",
        (true, false) => "[OFFLINE] ",
        (false, true) => "[was provisional] ",
        (false, false) => "[offline] ",
    }
}

/// Whether an event matters to the story, as opposed to how it was done.
pub fn matters(event: &Event) -> bool {
    match &event.fact {
        Fact::Room(fact) => {
            !matches!(fact, RoomFact::Opened { .. } | RoomFact::DutyTaken { .. } | RoomFact::Closed { .. })
        }
        Fact::Walk(fact) => !matches!(
            fact,
            WalkFact::Attached { .. }
                | WalkFact::Intended { .. }
                | WalkFact::Moved { .. }
                | WalkFact::Lent { .. }
        ),
        Fact::Note(NoteFact::Pinned { what, .. }) => what != "recording",
        Fact::Dispatch(fact) => !matches!(fact, DispatchFact::Owed { .. } | DispatchFact::Dropped { .. }),
        Fact::Policy(_) | Fact::Note(NoteFact::Starred { .. }) => false,
        _ => true,
    }
}

fn words(fact: &Fact) -> String {
    match fact {
        Fact::Room(fact) => room(fact),
        Fact::Policy(PolicyFact::Loaded(_)) => "policy loaded".into(),
        Fact::Incident(fact) => incident(fact),
        Fact::Board(fact) => match fact {
            BoardFact::Set { line, text, .. } => format!("{}: {text}", line.word()),
            BoardFact::Cadence { beat, every: Some(every), .. } => {
                format!("{} are owed every {every}", beat.owed())
            }
            BoardFact::Cadence { beat, every: None, .. } => format!("no {} are owed", beat.owed()),
            BoardFact::Updated { text, audience: Audience::Internal, .. } => format!("update sent: {text}"),
            BoardFact::Updated { text, .. } => format!("external update sent: {text}"),
            BoardFact::Polled { .. } => "asked everybody how it stands".into(),
            BoardFact::Snoozed { beat, by, reason, .. } => {
                format!("puts {} off for {by}: {reason}", beat.owed())
            }
        },
        Fact::Note(fact) => match fact {
            NoteFact::Erased { seq, kind, reason, .. } => format!("erased event {seq} ({kind}): {reason}"),
            NoteFact::Said { text, .. } => text.clone(),
            NoteFact::Pinned { what, text, .. } => format!("pinned {what}: {text}"),
            NoteFact::Starred { seq, on: true, .. } => format!("starred event {seq}"),
            NoteFact::Starred { seq, .. } => format!("took the star from event {seq}"),
        },
        Fact::Task(fact) => match fact {
            TaskFact::Given { task, text, owner, within, .. } => {
                let within = within.map(|within| format!(" within {within}")).unwrap_or_default();
                match owner {
                    Some(owner) => format!("{task} to {owner}: {text}{within}"),
                    None => format!("{task} is needed, and has no owner: {text}"),
                }
            }
            TaskFact::Acknowledged { task, .. } => format!("has {task}"),
            TaskFact::Reported { task, text, .. } => format!("{task} stands so: {text}"),
            TaskFact::Changed { task, owner, within, .. } => {
                let within = within.map(|within| format!(", for {}", within.brief())).unwrap_or_default();
                format!("{task} is with {owner}{within}")
            }
            TaskFact::Over { task, .. } => format!("{task} is OVER its time"),
            TaskFact::Done { task, result, .. } => format!("{task} done: {result}"),
        },
        Fact::Report(ReportFact::Given { conditions, actions, needs, .. }) => {
            format!("CAN: {}", report::line(conditions, actions, needs))
        }
        Fact::Decision(fact) => decision(fact),
        Fact::Deviation(fact) => match fact {
            DeviationFact::Recorded { deviation, what, .. } => {
                let first = what.actual.lines().next().unwrap_or_default();
                format!("{deviation} {}: {first}; prescribed: {}", what.kind.word(), what.expected)
            }
            DeviationFact::Reasoned { deviation, code, text, .. } => {
                format!("{deviation} reason, {}: {text}", code.words())
                    .trim_end_matches([':', ' '])
                    .to_owned()
            }
        },
        Fact::Freeze(fact) => freeze(fact),
        Fact::Glass(fact) => glass(fact),
        Fact::Handover(fact) => handover(fact),
        Fact::Gate(fact) => gate(fact),
        Fact::Release(fact) => release(fact),
        Fact::Watch(fact) => match fact {
            WatchFact::Breached { panel, seen, threshold, .. } if threshold == "healthy" => {
                format!("{panel} fails: {seen}")
            }
            WatchFact::Breached { panel, seen, threshold, .. } => {
                format!("{panel} {seen}, beyond {threshold}")
            }
            WatchFact::Cleared { panel, seen } => format!("{panel} is good again: {seen}"),
            WatchFact::Blind { panel, why } => format!("{panel} is not known: {why}"),
        },
        Fact::Readiness(fact) => readiness(fact),
        Fact::Drill(DrillFact::Recorded { service, scenario, at, took, .. }) => {
            let how = match took {
                Some(took) => format!("recovered from in {}", took.brief()),
                None => "NOT recovered from".into(),
            };
            format!("drill {scenario} of {} recorded for {service}: {how}", at.format("%F"))
        }
        Fact::Walk(fact) => walk(fact),
        Fact::Page(fact) => page(fact),
        Fact::Dispatch(fact) => dispatch(fact),
        Fact::Conflict(fact) => conflict(fact),
        Fact::Erased => "[erased]".into(),
        Fact::Foreign(_) => "something that a newer version wrote".into(),
    }
}

fn conflict(fact: &ConflictFact) -> String {
    match fact {
        ConflictFact::Found { conflict, what } => {
            let at = clock_utc(what.at.wall);
            format!(
                "{conflict}: recorded offline by {} at {at}, NOT ACCEPTED ({}): {}",
                what.by, what.why, what.said
            )
        }
        ConflictFact::Kept { conflict, reason } => format!("{conflict} stands as a note: {reason}"),
        ConflictFact::SetAside { conflict, reason } => format!("{conflict} is set aside: {reason}"),
    }
}

fn decision(fact: &DecisionFact) -> String {
    match fact {
        DecisionFact::Proposed { decision, text, options, risks, .. } => {
            let or =
                if options.is_empty() { String::new() } else { format!("; or {}", options.join("; or ")) };
            let risks = risks.as_ref().map(|risks| format!("; risks: {risks}")).unwrap_or_default();
            format!("proposes {decision}: {text}{or}{risks}; any strong objections?")
        }
        DecisionFact::Objected { decision, why, .. } => format!("OBJECTS to {decision}: {why}"),
        DecisionFact::Withdrawn { decision, reason, .. } => format!("{decision} is withdrawn: {reason}"),
        DecisionFact::Made { text, review_in, over, .. } => {
            let over =
                if over.is_empty() { String::new() } else { format!("; {} objected", over.join(", ")) };
            let review = review_in.map(|span| format!("; review in {span}")).unwrap_or_default();
            format!("decided: {text}{over}{review}")
        }
        DecisionFact::ReviewDue { decision, .. } => format!("{decision} is due for its review"),
        DecisionFact::Reviewed { decision, text, again, .. } => {
            let again = again.map(|span| format!("; again in {span}")).unwrap_or_default();
            format!("{decision} reviewed: {text}{again}")
        }
    }
}

fn room(fact: &RoomFact) -> String {
    match fact {
        RoomFact::Opened { host, .. } => format!("room opened on {host}"),
        RoomFact::DutyTaken { after: None, .. } => "room has the duties of all".into(),
        RoomFact::DutyTaken { after: Some(after), .. } => format!("room took the duties over from {after}"),
        RoomFact::Lost { host, silent, .. } => format!("room on {host} said nothing for {}", silent.brief()),
        RoomFact::DrillBegan { scenario, .. } => format!("drill {scenario} began"),
        RoomFact::DrillEnded => "drill ended".into(),
        RoomFact::Resumed { why, lasted } => {
            format!("the journal takes events again after {}: {why}", lasted.brief())
        }
        RoomFact::GapWrittenBack { from, to, commands } => {
            format!(
                "the journal had LOST events {from} to {to}: {commands} commands of this room are written back"
            )
        }
        RoomFact::Closed { why } => format!("room closed: {why}"),
    }
}

fn incident(fact: &IncidentFact) -> String {
    match fact {
        IncidentFact::Declared { incident, title, severity, target, .. } => {
            format!("declared {incident} {severity}: {title}; target {target}")
        }
        IncidentFact::Retitled { title, .. } => format!("title is now: {title}"),
        IncidentFact::SeverityChanged { from, to, reason, .. } => format!("{from} is now {to}: {reason}"),
        IncidentFact::StatusChanged { to, .. } => format!("status {to}"),
        IncidentFact::RoleTaken { role, who, .. } => format!("{who} is {role}"),
        IncidentFact::RoleLeft { role, who, .. } => format!("{who} is no longer {role}"),
        IncidentFact::Marked { moment, at, why, .. } => {
            format!("{} {}: {why}", moment.word(), minute_utc(at.wall))
        }
        IncidentFact::Corrected { moment, from, at, reason, .. } => {
            let was = from.map(|from| format!(", not {}", minute_utc(from))).unwrap_or_default();
            format!("{} was {}{was}: {reason}", moment.word(), minute_utc(at.wall))
        }
        IncidentFact::TargetBreached { target, .. } => format!("impact exceeds its target of {target}"),
        IncidentFact::RecoveryBegan { seen, .. } => format!("first good reading: {seen}; it must hold"),
        IncidentFact::RecoveryLost { seen, .. } => format!("recovery did not hold: {seen}"),
        IncidentFact::Recovered { since, held, .. } => {
            format!("recovered, held for {}; impact ended {}", held.brief(), rfc3339(since.wall))
        }
        IncidentFact::Answered { prompt, .. } => format!("answered the draft's {prompt}"),
        IncidentFact::Exported { place, .. } => format!("draft written to {place}"),
    }
}

fn freeze(fact: &FreezeFact) -> String {
    match fact {
        FreezeFact::Began { freeze, scope, lease, reason, .. } => {
            format!("{freeze} freezes {} for {lease}: {reason}", scope.label())
        }
        FreezeFact::Renewed { freeze, lease, reason } => format!("{freeze} renewed for {lease}: {reason}"),
        FreezeFact::Exempted { freeze, artifact, reason } => {
            format!("{freeze} lets {artifact} pass: {reason}")
        }
        FreezeFact::Proved { freeze, how } => format!("{freeze} is proved: {how}"),
        FreezeFact::Lifted { freeze, reason } => format!("{freeze} lifted: {reason}"),
        FreezeFact::Expired { freeze } => format!("{freeze} expired: its lease ended"),
    }
}

fn glass(fact: &GlassFact) -> String {
    match fact {
        GlassFact::Broken { glass, power, lease, reason, .. } => {
            format!("{glass} BROKE THE GLASS: took the power to {power} for {lease}: {reason}")
        }
        GlassFact::Returned { glass } => format!("{glass}: the power is given back"),
        GlassFact::Expired { glass } => format!("{glass}: the power that was taken has expired"),
    }
}

fn handover(fact: &HandoverFact) -> String {
    match fact {
        HandoverFact::Proposed { incident, to, words, .. } => {
            let words = if words.is_empty() { String::new() } else { format!(": {words}") };
            format!("offers command of {incident} to {to}{words}")
        }
        HandoverFact::Accepted { from: Some(from), .. } => format!("\"I have command\", from {from}"),
        HandoverFact::Accepted { from: None, .. } => "\"I have command\"".into(),
        HandoverFact::Declined { incident, reason } => format!("declines command of {incident}: {reason}"),
        HandoverFact::Withdrawn { incident } => format!("offers command of {incident} no longer"),
        HandoverFact::Lapsed { incident } => {
            format!("the offer of command of {incident} lapsed: nobody answered")
        }
        HandoverFact::Taken { incident, from, reason } => {
            format!("TOOK COMMAND of {incident} from {from}: {reason}")
        }
    }
}

fn gate(fact: &GateFact) -> String {
    match fact {
        GateFact::Refused { request, because, freeze, times, checks, .. } => {
            let times = if *times > 1 { format!(" ({times} times)") } else { String::new() };
            let why = match (because, freeze) {
                (Because::Frozen, Some(freeze)) => format!("frozen by {freeze}"),
                (Because::NotReady, _) if checks.is_empty() => "judged bad".into(),
                (Because::NotReady, _) => format!("not ready: {}", checks.join(", ")),
                _ if !checks.is_empty() => format!("readiness is not known: {}", checks.join(", ")),
                _ => "not decided".into(),
            };
            format!(
                "gate refused {} of {} to {}{times}: {why}",
                request.action, request.artifact, request.env
            )
        }
        GateFact::Passed { request, freeze, times } => {
            let times = if *times > 1 { format!(" ({times} times)") } else { String::new() };
            format!("gate let {} of {} pass{times}: exempt from {freeze}", request.action, request.artifact)
        }
        GateFact::Warned { request, reason, times } => {
            let times = if *times > 1 { format!(" ({times} times)") } else { String::new() };
            format!("gate let {} of {} pass{times}: {reason}", request.action, request.artifact)
        }
        GateFact::Overridden { request, reason } => {
            format!("gate overridden for {} of {}: {reason}", request.action, request.artifact)
        }
    }
}

fn release(fact: &ReleaseFact) -> String {
    match fact {
        ReleaseFact::Found { service, env, current, .. } => format!("{service} in {env} runs {current}"),
        ReleaseFact::Switched { service, env, from, to, by, .. } => {
            let from = from.as_ref().map(|from| format!(", was {from}")).unwrap_or_default();
            let by = by.as_ref().map(|by| format!(", by {by}")).unwrap_or_default();
            format!("{service} {to} went live in {env}{from}{by}")
        }
        ReleaseFact::Judged { service, artifact, judgement, why, .. } => {
            let word = if *judgement == Judgement::Good { "good" } else { "BAD" };
            format!("{service} {artifact} judged {word}: {why}")
        }
    }
}

fn readiness(fact: &ReadinessFact) -> String {
    match fact {
        ReadinessFact::Turned { service, check, verdict, seen, .. } => match verdict {
            Verdict::Yes => format!("{service} is ready as for {check}: {seen}"),
            Verdict::No => format!("{service} is NOT READY: {check} says no: {seen}"),
            Verdict::Unknown => format!("whether {service} is ready is not known: {check}: {seen}"),
        },
    }
}

fn walk(fact: &WalkFact) -> String {
    match fact {
        WalkFact::Started { walk, runbook, .. } => format!("{walk} walks {}", runbook.title),
        WalkFact::InputSet { name, value, .. } => format!("{name} is {value}"),
        WalkFact::Lent { step, undo: false, .. } => format!("took {step}"),
        WalkFact::Lent { step, .. } => format!("undoes {step}"),
        WalkFact::Attached { step, process, .. } => format!("{step}: process {} is there", process.pid),
        WalkFact::Intended { step, block, .. } => format!("{step}: {block} begins"),
        WalkFact::BlockEnded { step, done, .. } => {
            let how = match done.result {
                BlockResult::Passed => "passed",
                BlockResult::Failed => "failed",
                BlockResult::TimedOut => "was killed at its limit",
                BlockResult::Cancelled => "was cancelled",
                BlockResult::CouldNotStart => "could not start",
            };
            let seen = if done.seen.is_empty() { String::new() } else { format!(": {}", done.seen) };
            format!("{step}: {} {how} after {}{seen}", done.block, done.took.brief())
        }
        WalkFact::ApprovalAsked { step, text, .. } => format!("{step} asks for approval: {text}"),
        WalkFact::Approved { step, glass: false, .. } => format!("approved {step}"),
        WalkFact::Approved { step, .. } => format!("BROKE THE GLASS for {step}"),
        WalkFact::Rejected { step, reason, .. } => format!("refused {step}: {reason}"),
        WalkFact::StepDone { step, how, seen, .. } => {
            let how = match how {
                How::Done => "done".into(),
                How::Satisfied => "already satisfied".into(),
                How::Confirmed => "confirmed".into(),
                How::Manual => "done by hand".into(),
                How::Chosen { label, .. } => return format!("{step}: {label}"),
                How::NotApplicable => "n/a".into(),
                How::Skipped => "skipped".into(),
                How::Waited => String::from("its time is over"),
            };
            let seen = if seen.is_empty() { String::new() } else { format!(": {seen}") };
            format!("{step} {how}{seen}")
        }
        WalkFact::StepFailed { step, block, why, .. } => format!("{step} failed at {block}: {why}"),
        WalkFact::Undone { step, .. } => format!("{step} undone"),
        WalkFact::Overridden { step, block, .. } => format!("{step}: passed over {block}"),
        WalkFact::Lost { step, why, .. } => format!("{step} is unknown: {why}"),
        WalkFact::TakenOver { step, from, reason, .. } => format!("{step} taken over from {from}: {reason}"),
        WalkFact::Edited { step, block, .. } => format!("{step}: edited {block}"),
        WalkFact::Moved { to, .. } => format!("now at {to}"),
        WalkFact::Finished { walk, complete: true } => format!("{walk}: checklist complete"),
        WalkFact::Finished { walk, .. } => format!("{walk} abandoned"),
    }
}

fn page(fact: &PageFact) -> String {
    match fact {
        PageFact::Asked { page, who, why, matrix: true, .. } => {
            format!("{page} to {who}, as the severity matrix says: {why}")
        }
        PageFact::Asked { page, who, why, .. } => format!("{page} to {who}: {why}"),
        PageFact::Climbed { page, rung, why } => format!("{page} climbs to rung {}: {why}", rung + 1),
        PageFact::Acknowledged { page, elsewhere: Some(elsewhere), .. } => {
            format!("{page} is acknowledged by {} at {}", elsewhere.who, elsewhere.target)
        }
        PageFact::Acknowledged { page, note: Some(note), .. } => format!("acknowledged {page}: {note}"),
        PageFact::Acknowledged { page, .. } => format!("acknowledged {page}"),
        PageFact::Withdrawn { page, reason } => format!("{page} is withdrawn: {reason}"),
    }
}

fn dispatch(fact: &DispatchFact) -> String {
    let what = match fact.matter() {
        Matter::Page { page, .. } => page.to_string(),
        Matter::Acknowledged { page } => format!("word of {page}'s acknowledgement"),
        Matter::Over { page } => format!("word of {page}'s end"),
        Matter::Update { audience: Audience::Internal, .. } => "the update".into(),
        Matter::Update { .. } => "the external update".into(),
    };
    match fact {
        DispatchFact::Owed { target, .. } => format!("{what} is to go to {target}"),
        DispatchFact::Sent { target, oncall, attempt, .. } => {
            let who = if oncall.is_empty() { String::new() } else { format!(" ({})", oncall.join(", ")) };
            let tries = if *attempt > 1 { format!(" at attempt {attempt}") } else { String::new() };
            format!("{what} went to {target}{who}{tries}")
        }
        DispatchFact::Failed { target, why, again: Some(again), .. } => {
            format!("{what} did not reach {target}: {why}; again in {}", again.brief())
        }
        DispatchFact::Failed { target, why, .. } => format!("{what} did NOT reach {target}: {why}; given up"),
        DispatchFact::Dropped { target, why, .. } => format!("{what} did not go to {target}: {why}"),
    }
}
