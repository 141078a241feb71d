//! Whether a service is ready for a change: named checks that the room asks all the time, so that the gate need not wait.
//!
//! Ready is what all checks of a service say together: one *no* is no, whatever else is not known; one *unknown* is
//! unknown, never yes. A check that this room was not answered yet is unknown, and so is one whose last answer is older
//! than it may be. The journal has every change of a verdict and no poll.
//!
//! A rollback is never held: it is the way out of what the checks complain of.

use super::{
    event::{Event, Seq},
    fact::Fact,
    policy::Policy,
    scorecard,
    state::State,
    text,
    time::{Span, Stamp, Wall},
    verdict::Verdict,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Checks of one service at most.
pub const CHECKS_MAX: usize = 32;
/// The shortest time between two questions.
pub const EVERY_MIN: Span = Span::secs(1);
/// The longest.
pub const EVERY_MAX: Span = Span::hours(24);
/// The longest time that an answer may count.
pub const FRESH_MAX: Span = Span::hours(24 * 7);
/// Longest text of a check, in bytes.
pub const CODE_MAX: usize = 4_000;
/// Most characters that are kept of what was seen.
const SEEN_MAX: usize = 300;

/// A readiness check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadinessCheck {
    /// Its name, unique in its service.
    pub name: String,
    /// Language of the question, as of a check in a runbook: `promql`, `http`, `sql`, `logs` or `junit`.
    pub lang: String,
    /// The question, as it stands in a runbook's block. It is journaled: no secrets in it.
    pub code: String,
    /// The source that answers it, where several could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How often it is asked.
    #[serde(default = "half_minute")]
    pub every: Span,
    /// How long an answer counts where no other follows it. Not set: three times `every`, ten seconds at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fresh: Option<Span>,
    /// What it means, a line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Environments whose changes it holds. None: all.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub envs: BTreeSet<String>,
}

fn half_minute() -> Span {
    Span::secs(30)
}

impl ReadinessCheck {
    /// How long an answer counts where no other follows it.
    pub fn fresh(&self) -> Span {
        let thrice = Span::millis(self.every.as_millis().saturating_mul(3));
        self.fresh.unwrap_or_else(|| thrice.max(Span::secs(10)))
    }

    /// Whether it holds changes of an environment.
    pub fn covers(&self, env: &str) -> bool {
        self.envs.is_empty() || self.envs.contains(env)
    }
}

/// What a check says, as far as this room was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// Yes, no or unknown.
    pub verdict: Verdict,
    /// The value seen when it became so, or why there is none.
    pub seen: String,
    /// When it became so.
    pub since: Stamp,
    /// The event.
    pub seq: Seq,
}

/// What can happen to a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadinessFact {
    /// Its verdict is another.
    Turned {
        /// Service.
        service: String,
        /// Check.
        check: String,
        /// What it said before, where this room knew.
        from: Option<Verdict>,
        /// What it says.
        verdict: Verdict,
        /// The value seen, or why there is none.
        seen: String,
        /// When it was seen.
        since: Stamp,
    },
}

/// What the room's duty reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadinessCommand {
    /// A check was answered.
    Answered {
        /// Service.
        service: String,
        /// Check.
        check: String,
        /// Yes, no or unknown.
        verdict: Verdict,
        /// The value seen, or why there is none.
        seen: String,
        /// When.
        at: Stamp,
    },
    /// A check's last answer is older than it may be.
    Silent {
        /// Service.
        service: String,
        /// Check.
        check: String,
        /// When it was answered last.
        last: Stamp,
        /// Now.
        at: Stamp,
    },
}

/// One check of a service as the gate and the scorecard see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Service.
    pub service: String,
    /// Check.
    pub check: String,
    /// Yes, no or unknown.
    pub verdict: Verdict,
    /// The value seen when it became so, or why there is none.
    pub seen: String,
    /// When it became so; none where this room was not answered yet.
    pub since: Option<Wall>,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

impl Line {
    /// In words, safe to show: `errors says no: 0.072 since 2026-11-27 08:11Z (errors stay below 1 %)`.
    pub fn words(&self) -> String {
        let since = self.since.map(|at| format!(" since {}", at.format("%F %H:%MZ"))).unwrap_or_default();
        let about = self.about.as_ref().map(|about| format!(" ({about})")).unwrap_or_default();
        let says = match self.verdict {
            Verdict::Yes => "says yes",
            Verdict::No => "says no",
            Verdict::Unknown => "is unknown",
        };
        text::line(&format!("{} {says}: {}{since}{about}", self.check, self.seen)).into_owned()
    }
}

/// A service's checks as they stand, those that hold changes of `env` or all; in the order of their configuration. Then
/// what its record is asked.
pub fn lines(state: &State, service: &str, env: Option<&str>, now: &Stamp) -> Vec<Line> {
    let Some(known) = state.policy.services.get(service) else { return Vec::new() };
    let standing = state.readiness.get(service);
    let checks = known.readiness.iter().filter(|check| env.is_none_or(|env| check.covers(env)));
    let mut lines: Vec<Line> = checks
        .map(|check| {
            let stands = standing.and_then(|all| all.get(&check.name));
            Line {
                service: service.to_owned(),
                check: check.name.clone(),
                verdict: stands.map_or(Verdict::Unknown, |one| one.verdict),
                seen: stands.map_or_else(|| "not answered yet".into(), |one| one.seen.clone()),
                since: stands.map(|one| one.since.wall),
                about: check.about.clone(),
            }
        })
        .collect();
    lines.extend(scorecard::asked(state, service, &known.record, now));
    lines
}

/// What they say together. Where nothing is asked, nothing is missing.
pub fn together(lines: &[Line]) -> Verdict {
    lines.iter().fold(Verdict::Yes, |all, line| all.and(line.verdict))
}

/// The lines that do not say yes, the certain ones first: `errors says no: …; backup is unknown: …`.
pub fn complaint(lines: &[Line]) -> String {
    let of = |verdict| lines.iter().filter(move |line| line.verdict == verdict);
    let words: Vec<String> = of(Verdict::No).chain(of(Verdict::Unknown)).map(Line::words).collect();
    words.join("; ")
}

fn configured<'a>(state: &'a State, service: &str, check: &str) -> Option<&'a ReadinessCheck> {
    state.policy.services.get(service)?.readiness.iter().find(|one| one.name == check)
}

fn standing<'a>(state: &'a State, service: &str, check: &str) -> Option<&'a Standing> {
    state.readiness.get(service)?.get(check)
}

pub(super) fn decide(state: &State, command: &ReadinessCommand) -> Vec<Fact> {
    let (service, check, verdict, seen, since) = match command {
        ReadinessCommand::Answered { service, check, verdict, seen, at } => {
            (service, check, *verdict, seen.clone(), at)
        }
        ReadinessCommand::Silent { service, check, last, at } => {
            let seen = format!("no answer for {}", last.elapsed(at).brief());
            (service, check, Verdict::Unknown, seen, at)
        }
    };
    let from = standing(state, service, check).map(|one| one.verdict);
    if configured(state, service, check).is_none() || from == Some(verdict) {
        return Vec::new();
    }
    let seen = text::line(&seen).chars().take(SEEN_MAX).collect();
    vec![Fact::Readiness(ReadinessFact::Turned {
        service: service.clone(),
        check: check.clone(),
        from,
        verdict,
        seen,
        since: since.clone(),
    })]
}

pub(super) fn apply(state: &mut State, fact: &ReadinessFact, event: &Event) {
    match fact {
        ReadinessFact::Turned { service, check, verdict, seen, since, .. } => {
            let stands =
                Standing { verdict: *verdict, seen: seen.clone(), since: since.clone(), seq: event.seq };
            state.readiness.entry(service.clone()).or_default().insert(check.clone(), stands);
        }
    }
}

/// Another policy holds from now on: what another question was answered says nothing of this one.
pub(super) fn changed(state: &mut State, new: &Policy) {
    let old = &state.policy;
    let asked = |policy: &Policy, service: &str, check: &str| {
        let checks = policy.services.get(service).map(|one| one.readiness.as_slice()).unwrap_or_default();
        checks
            .iter()
            .find(|one| one.name == check)
            .map(|one| (one.lang.clone(), one.code.clone(), one.source.clone()))
    };
    let mut kept: BTreeMap<String, BTreeMap<String, Standing>> = BTreeMap::new();
    for (service, checks) in &state.readiness {
        for (check, stands) in checks {
            let now = asked(new, service, check);
            if now.is_some() && now == asked(old, service, check) {
                kept.entry(service.clone()).or_default().insert(check.clone(), stands.clone());
            }
        }
    }
    state.readiness = kept;
}
