//! A service's scorecard: its readiness checks and what its record says, each a yes, a no or an unknown with its age.

use super::{
    policy::RecordRules,
    readiness::{self, Line},
    record::{Record, Recovery},
    state::State,
    time::{Span, Stamp},
    verdict::Verdict,
};
use serde::{Deserialize, Serialize};

/// Names of what the record is asked, where a service asks it.
pub const DRILL: &str = "drill";
/// As [`DRILL`].
pub const ACTIONS: &str = "open actions";
/// As [`DRILL`].
pub const ROLLBACK: &str = "last rollback";

/// All of a service at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// Service.
    pub service: String,
    /// What all lines say together.
    pub ready: Verdict,
    /// Readiness checks, then what the record is asked.
    pub lines: Vec<Line>,
    /// The rest of the record.
    #[serde(flatten)]
    pub record: Record,
    /// Tasks that are open, and deviations whose reasons are owed, of incidents that are not closed.
    pub open_actions: usize,
}

/// A service's scorecard as it is now.
pub fn scorecard(state: &State, service: &str, now: &Stamp) -> Scorecard {
    let lines = readiness::lines(state, service, None, now);
    Scorecard {
        service: service.to_owned(),
        ready: readiness::together(&lines),
        lines,
        record: state.records.get(service).cloned().unwrap_or_default(),
        open_actions: open_actions(state, service),
    }
}

/// Services that have one: those that ask for readiness, and those of which something is recorded.
pub fn services(state: &State) -> Vec<String> {
    let asked = state.policy.services.iter().filter(|(_, one)| one.asks());
    let mut names: Vec<String> = asked.map(|(name, _)| name).chain(state.records.keys()).cloned().collect();
    names.sort();
    names.dedup();
    names
}

impl Scorecard {
    /// One word for it.
    pub fn word(&self) -> &'static str {
        match (self.lines.is_empty(), self.ready) {
            (true, _) => "not asked",
            (_, Verdict::Yes) => "ready",
            (_, Verdict::No) => "NOT READY",
            (_, Verdict::Unknown) => "UNKNOWN",
        }
    }

    /// What its record says, in a line; none where it says nothing.
    pub fn record_words(&self, now: &Stamp) -> Option<String> {
        let mut words = Vec::new();
        let recoveries: Vec<String> = self.record.recoveries.iter().rev().map(recovery).collect();
        if !recoveries.is_empty() {
            words.push(format!("recovered in {}", recoveries.join(", ")));
        }
        if self.record.rollbacks > 0 {
            words.push(format!(
                "{} rollbacks, {} failed",
                self.record.rollbacks, self.record.failed_rollbacks
            ));
        }
        if let Some(drill) = &self.record.drill {
            words.push(format!("drill {}: {}", drill.at.format("%F %H:%MZ"), drilled(drill, now)));
        }
        if self.open_actions > 0 {
            words.push(format!("{} actions open", self.open_actions));
        }
        (!words.is_empty()).then(|| words.join("; "))
    }
}

fn recovery(one: &Recovery) -> String {
    let over = if one.took > one.target && one.target > Span::ZERO {
        format!(", beyond {}", one.target)
    } else {
        String::new()
    };
    format!("{} ({}{over})", one.took.brief(), one.incident)
}

fn drilled(drill: &super::drill::Drilled, now: &Stamp) -> String {
    let age = Span::between(drill.at, now.wall).brief();
    let pace = if (drill.pace - 1.0).abs() < f64::EPSILON {
        String::new()
    } else {
        format!(" at pace {}", drill.pace)
    };
    match drill.took {
        Some(took) => format!("{} recovered from in {}{pace}, {age} ago", drill.scenario, took.brief()),
        None => format!("{} NOT recovered from, {age} ago", drill.scenario),
    }
}

/// What a record is asked by a service's rules, in their order.
pub(super) fn asked(state: &State, service: &str, rules: &RecordRules, now: &Stamp) -> Vec<Line> {
    let record = state.records.get(service);
    let line = |check: &str, verdict, seen: String, since| Line {
        service: service.to_owned(),
        check: check.to_owned(),
        verdict,
        seen,
        since,
        about: None,
    };
    let mut lines = Vec::new();
    if let Some(within) = rules.drill_within {
        let drill = record.and_then(|one| one.drill.as_ref());
        let (verdict, seen) = match drill {
            None => (Verdict::Unknown, "none is recorded".to_owned()),
            Some(one) if Span::between(one.at, now.wall) > within => {
                (Verdict::Unknown, format!("older than {within}: {}", drilled(one, now)))
            }
            Some(one) if one.took.is_none() => (Verdict::No, drilled(one, now)),
            Some(one) => (Verdict::Yes, drilled(one, now)),
        };
        lines.push(line(DRILL, verdict, seen, drill.map(|one| one.at)));
    }
    if let Some(most) = rules.open_actions {
        let open = open_actions(state, service);
        let verdict =
            if open > usize::try_from(most).unwrap_or(usize::MAX) { Verdict::No } else { Verdict::Yes };
        lines.push(line(ACTIONS, verdict, format!("{open}, at most {most} may be"), None));
    }
    if rules.last_rollback {
        let last = record.and_then(|one| one.rollback.as_ref());
        let (verdict, seen) = match last {
            None => (Verdict::Yes, "none was walked".to_owned()),
            Some(one) if one.complete => (Verdict::Yes, format!("{} came to its end", one.walk)),
            Some(one) => (Verdict::No, format!("{} was given up", one.walk)),
        };
        lines.push(line(ROLLBACK, verdict, seen, last.map(|one| one.at)));
    }
    lines
}

fn open_actions(state: &State, service: &str) -> usize {
    let incidents = state.incidents.values().filter(|one| {
        !one.drill
            && one.status != super::incident::Status::Closed
            && one.services.iter().any(|own| own == service)
    });
    incidents.map(|one| one.tasks.values().filter(|task| task.is_open()).count() + state.owed(one.id)).sum()
}
