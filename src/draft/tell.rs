//! An event in one line, for the timeline. Names where they are needed to follow the story; no judgement.

mod change;
mod walk;

pub(super) use {change::change, walk::ended};

use super::{
    escape::{clipped, code, inline},
    front::length,
    gather::Gathered,
};
use crate::domain::{
    Event, Fact,
    board::BoardFact,
    cadence::Audience,
    decision::DecisionFact,
    dispatch::{DispatchFact, Matter},
    glass::GlassFact,
    handover::HandoverFact,
    incident::IncidentFact,
    note::NoteFact,
    page::PageFact,
    report::ReportFact,
    room::RoomFact,
    task::TaskFact,
};
use std::fmt::Write as _;

/// The most characters of somebody's words in one line; the journal beside the draft has all of them.
const WORDS: usize = 300;

/// How much a line matters when not all have room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// The story does not hold together without it.
    Turn,
    /// What people and signals did and said.
    Plain,
    /// How it was done.
    Detail,
}

use Weight::{Detail, Plain, Turn};

/// The line of an event; none for what is bookkeeping of the tool.
pub(super) fn tell(event: &Event, g: &Gathered<'_>) -> Option<(Weight, String)> {
    Some(match &event.fact {
        Fact::Incident(fact) => return incident(fact, g),
        Fact::Board(fact) => board(fact),
        Fact::Note(fact) => return note(fact, g),
        Fact::Task(fact) => task(fact),
        Fact::Decision(fact) => decision(fact),
        Fact::Report(ReportFact::Given { conditions, actions, needs, .. }) => {
            let needs: Vec<String> =
                needs.iter().map(|need| format!("{} “{}”", need.task, clipped(&need.text, 120))).collect();
            let needs =
                if needs.is_empty() { "no needs".into() } else { format!("needs {}", needs.join(", ")) };
            let (seen, done) = (clipped(conditions, WORDS), clipped(actions, WORDS));
            (Plain, format!("Reported: conditions “{seen}”; actions “{done}”; {needs}"))
        }
        Fact::Deviation(fact) => walk::deviation(fact, g),
        Fact::Freeze(fact) => change::freeze(fact),
        Fact::Glass(fact) => glass(fact),
        Fact::Handover(fact) => handover(fact),
        Fact::Gate(fact) => change::gate(fact),
        Fact::Release(fact) => change::release(fact, event, g),
        Fact::Watch(fact) => change::watch(fact, g),
        Fact::Readiness(fact) => change::readiness(fact),
        Fact::Walk(fact) => return walk::walk(fact, g),
        Fact::Page(fact) => (page_weight(fact), page(fact)),
        Fact::Dispatch(fact) => return dispatch(fact),
        Fact::Conflict(_) => (Turn, inline(&crate::domain::tell::fact(&event.fact))),
        Fact::Erased => (Plain, inline(&crate::domain::erasure::words(&g.state, event.seq))),
        Fact::Room(RoomFact::Opened { host, .. }) => (Detail, format!("Room opened on {}", code(host))),
        Fact::Room(_) | Fact::Policy(_) | Fact::Drill(_) | Fact::Foreign(_) => return None,
    })
}

fn incident(fact: &IncidentFact, g: &Gathered<'_>) -> Option<(Weight, String)> {
    Some(match fact {
        IncidentFact::Declared { title, severity, services, env, .. } => {
            let of = list(services);
            (Turn, format!("Declared {severity} “{}” for {of} in {}", inline(title), code(env)))
        }
        IncidentFact::Retitled { title, services, .. } => {
            (Plain, format!("Title is now “{}”, services {}", inline(title), list(services)))
        }
        IncidentFact::SeverityChanged { from, to, reason, .. } => {
            (Turn, format!("Severity {from} → {to}: “{}”", clipped(reason, WORDS)))
        }
        IncidentFact::StatusChanged { from, to, .. } => (Turn, format!("Status {from} → {to}")),
        IncidentFact::RoleTaken { role, who, .. } => (Plain, format!("{} is {}", inline(who), inline(role))),
        IncidentFact::RoleLeft { role, who, .. } => {
            (Plain, format!("{} is no longer {}", inline(who), inline(role)))
        }
        IncidentFact::Marked { moment, at, why, .. } => {
            (Turn, format!("**{}** at {}: {}", moment.word(), g.at(at.wall), inline(why)))
        }
        IncidentFact::Corrected { moment, from, at, reason, .. } => {
            let before = from.map_or_else(String::new, |from| format!(" from {}", g.at(from)));
            let reason = clipped(reason, WORDS);
            (Turn, format!("**{}** corrected{before} to {}: “{reason}”", moment.word(), g.at(at.wall)))
        }
        IncidentFact::TargetBreached { target, .. } => {
            (Turn, format!("Impact went beyond its target of {}", length(*target)))
        }
        IncidentFact::RecoveryBegan { seen, .. } => (Turn, format!("First good reading: {}", inline(seen))),
        IncidentFact::RecoveryLost { seen, .. } => (Turn, format!("Recovery did not hold: {}", inline(seen))),
        IncidentFact::Recovered { since, held, .. } => {
            (Turn, format!("**recovered**: good since {} and held for {}", g.at(since.wall), length(*held)))
        }
        IncidentFact::Answered { .. } | IncidentFact::Exported { .. } => return None,
    })
}

fn glass(fact: &GlassFact) -> (Weight, String) {
    match fact {
        GlassFact::Broken { glass, power, lease, reason, .. } => (
            Turn,
            format!(
                "Glass broken ({glass}): took the power to {power} for {}: “{}”",
                length(*lease),
                clipped(reason, WORDS)
            ),
        ),
        GlassFact::Returned { glass } => (Plain, format!("The power taken by {glass} was given back")),
        GlassFact::Expired { glass } => (Plain, format!("The power taken by {glass} expired")),
    }
}

fn handover(fact: &HandoverFact) -> (Weight, String) {
    match fact {
        HandoverFact::Proposed { to, words, .. } => {
            let words =
                if words.is_empty() { String::new() } else { format!(": “{}”", clipped(words, WORDS)) };
            (Plain, format!("Command offered to {}{words}", inline(to)))
        }
        HandoverFact::Accepted { from, .. } => {
            let from = from.as_ref().map_or_else(String::new, |from| format!(" from {}", inline(from)));
            (Turn, format!("Command taken over{from} in a handover: “I have command”"))
        }
        HandoverFact::Declined { reason, .. } => {
            (Plain, format!("Command declined: “{}”", clipped(reason, WORDS)))
        }
        HandoverFact::Withdrawn { .. } => (Detail, "The offer of command was withdrawn".into()),
        HandoverFact::Lapsed { .. } => (Plain, "The offer of command lapsed: nobody answered".into()),
        HandoverFact::Taken { from, reason, .. } => {
            (Turn, format!("Command taken from {}: “{}”", inline(from), clipped(reason, WORDS)))
        }
    }
}

fn board(fact: &BoardFact) -> (Weight, String) {
    match fact {
        BoardFact::Set { line, text, .. } => (Detail, format!("{}: “{}”", line.word(), inline(text))),
        BoardFact::Cadence { beat, every, .. } => (
            Detail,
            every.map_or(format!("No {} are owed", beat.owed()), |every| {
                format!("{} owed every {}", capital(beat.owed()), length(every))
            }),
        ),
        BoardFact::Updated { text, audience, .. } => {
            let lead = if *audience == Audience::External { "External update" } else { "Update" };
            (Plain, format!("{lead} sent: “{}”", clipped(text, WORDS)))
        }
        BoardFact::Polled { .. } => (Detail, "Everybody was asked how it stands".into()),
        BoardFact::Snoozed { beat, by, reason, .. } => (
            Plain,
            format!("{} put off for {}: “{}”", capital(beat.owed()), length(*by), clipped(reason, WORDS)),
        ),
    }
}

fn weighed(line: &mut String, options: &[String], risks: Option<&String>) {
    if !options.is_empty() {
        let options: Vec<_> = options.iter().map(|option| clipped(option, 80)).collect();
        let _ = write!(line, "; options: {}", options.join(" · "));
    }
    if let Some(risks) = risks {
        let _ = write!(line, "; risks: {}", clipped(risks, 120));
    }
}

fn decision(fact: &DecisionFact) -> (Weight, String) {
    match fact {
        DecisionFact::Proposed { decision, text, options, risks, .. } => {
            let mut line = format!("Proposed ({decision}): “{}”", clipped(text, WORDS));
            weighed(&mut line, options, risks.as_ref());
            (Plain, line)
        }
        DecisionFact::Objected { decision, why, .. } => {
            (Turn, format!("Objected to {decision}: “{}”", clipped(why, WORDS)))
        }
        DecisionFact::Withdrawn { decision, reason, .. } => {
            (Plain, format!("{decision} withdrawn: “{}”", clipped(reason, WORDS)))
        }
        DecisionFact::Made { decision, text, options, risks, review_in, over, .. } => {
            let mut line = format!("Decided ({decision}): “{}”", clipped(text, WORDS));
            weighed(&mut line, options, risks.as_ref());
            if !over.is_empty() {
                let names: Vec<_> = over.iter().map(|name| inline(name)).collect();
                let _ = write!(line, "; over the objection of {}", names.join(", "));
            }
            if let Some(span) = review_in {
                let _ = write!(line, "; to be reviewed after {}", length(*span));
            }
            (Turn, line)
        }
        DecisionFact::ReviewDue { decision, .. } => (Detail, format!("{decision} was due for its review")),
        DecisionFact::Reviewed { decision, text, again, .. } => {
            let again = again.map_or_else(String::new, |span| format!("; again after {}", length(span)));
            (Plain, format!("{decision} reviewed: “{}”{again}", clipped(text, WORDS)))
        }
    }
}

fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn note(fact: &NoteFact, g: &Gathered<'_>) -> Option<(Weight, String)> {
    Some(match fact {
        NoteFact::Said { text, .. } => (Plain, format!("“{}”", clipped(text, WORDS))),
        NoteFact::Pinned { what, text, evidence, about, .. } => {
            let about = about.map_or_else(String::new, |at| format!(" of {}", g.at(at)));
            let place =
                evidence.map_or_else(String::new, |digest| format!(", evidence `{}`", digest.short()));
            (Plain, format!("Pinned {}{about}: “{}”{place}", inline(what), clipped(text, WORDS)))
        }
        NoteFact::Erased { seq, kind, reason, .. } => {
            (Detail, format!("Erased event {seq} ({}): “{}”", code(kind), clipped(reason, WORDS)))
        }
        NoteFact::Starred { .. } => return None,
    })
}

fn task(fact: &TaskFact) -> (Weight, String) {
    match fact {
        TaskFact::Given { task, text, owner, within, .. } => {
            let within = within.map_or_else(String::new, |time| format!(", within {}", length(time)));
            let owner = owner.as_ref().map_or_else(|| "nobody yet".into(), |owner| inline(owner));
            (Plain, format!("{task} for {owner}{within}: “{}”", clipped(text, WORDS)))
        }
        TaskFact::Acknowledged { task, .. } => (Detail, format!("{task} acknowledged")),
        TaskFact::Reported { task, text, .. } => (Plain, format!("On {task}: “{}”", clipped(text, WORDS))),
        TaskFact::Over { task, .. } => (Plain, format!("{task} was over its time")),
        TaskFact::Changed { task, owner, within, .. } => {
            let within = within.map_or_else(String::new, |time| format!(", within {}", length(time)));
            (Detail, format!("{task} is with {}{within}", inline(owner)))
        }
        TaskFact::Done { task, result, .. } => (Plain, format!("{task} done: “{}”", clipped(result, WORDS))),
    }
}

/// A date and a time, in UTC, to the second.
pub(super) fn moment(at: crate::domain::time::Wall) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Names in a row.
pub(super) fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "no service".into();
    }
    names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ")
}

fn page_weight(fact: &PageFact) -> Weight {
    if matches!(fact, PageFact::Withdrawn { .. }) { Plain } else { Turn }
}

fn page(fact: &PageFact) -> String {
    match fact {
        PageFact::Asked { page, who, why, matrix, .. } => {
            let by = if *matrix { ", as the severity matrix says" } else { "" };
            format!("{page}: paged {}{by}: “{}”", inline(who), clipped(why, WORDS))
        }
        PageFact::Climbed { page, rung, why } => {
            format!("{page} climbed to rung {}: {}", rung + 1, inline(why))
        }
        PageFact::Acknowledged { page, elsewhere: Some(elsewhere), .. } => {
            format!("{page} acknowledged by {} at {}", inline(&elsewhere.who), inline(&elsewhere.target))
        }
        PageFact::Acknowledged { page, note: Some(note), .. } => {
            format!("{page} acknowledged: “{}”", clipped(note, WORDS))
        }
        PageFact::Acknowledged { page, .. } => format!("{page} acknowledged"),
        PageFact::Withdrawn { page, reason } => format!("{page} withdrawn: “{}”", clipped(reason, WORDS)),
    }
}

/// What went out is part of the story; how often it was tried is not.
fn dispatch(fact: &DispatchFact) -> Option<(Weight, String)> {
    let what = match fact.matter() {
        Matter::Page { page, .. } => page.to_string(),
        Matter::Update { audience: Audience::Internal, .. } => "Update".into(),
        Matter::Update { .. } => "External update".into(),
        Matter::Acknowledged { .. } | Matter::Over { .. } => return None,
    };
    match fact {
        DispatchFact::Sent { target, oncall, .. } => {
            let who = if oncall.is_empty() { String::new() } else { format!(" ({})", list(oncall)) };
            Some((Detail, format!("{what} reached {}{who}", code(target))))
        }
        DispatchFact::Failed { target, why, again: None, .. } => {
            Some((Plain, format!("{what} did not reach {}: {}", code(target), clipped(why, 120))))
        }
        _ => None,
    }
}
