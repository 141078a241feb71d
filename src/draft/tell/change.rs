//! What became of production: freezes, the gate, releases, what was seen.

use super::{
    WORDS,
    Weight::{self, Detail, Plain, Turn},
};
use crate::{
    domain::{
        Event,
        freeze::FreezeFact,
        gate::{GateFact, Request},
        readiness::ReadinessFact,
        release::{Judgement, ReleaseFact},
        verdict::Verdict,
        watch::WatchFact,
    },
    draft::{
        escape::{clipped, code, inline},
        front::length,
        gather::Gathered,
    },
};

pub fn freeze(fact: &FreezeFact) -> (Weight, String) {
    match fact {
        FreezeFact::Began { freeze, scope, reason, lease, .. } => (
            Turn,
            format!(
                "Freeze {freeze} on {} for {}: “{}”",
                code(&scope.label()),
                length(*lease),
                clipped(reason, WORDS)
            ),
        ),
        FreezeFact::Renewed { freeze, lease, reason } => {
            (Plain, format!("Freeze {freeze} renewed for {}: “{}”", length(*lease), clipped(reason, WORDS)))
        }
        FreezeFact::Exempted { freeze, artifact, reason } => {
            (Turn, format!("{} may pass {freeze}: “{}”", code(artifact), clipped(reason, WORDS)))
        }
        FreezeFact::Proved { freeze, how } => (Plain, format!("Freeze {freeze} proved: {}", inline(how))),
        FreezeFact::Lifted { freeze, reason } => {
            (Turn, format!("Freeze {freeze} lifted: “{}”", clipped(reason, WORDS)))
        }
        FreezeFact::Expired { freeze } => (Turn, format!("Freeze {freeze} expired")),
    }
}

/// `deploy of checkout@2.4.3`.
pub fn change(request: &Request) -> String {
    let place = format!("{}/{}", request.service, request.env);
    format!("{} of {} to {}", request.action, code(&request.artifact), code(&place))
}

pub fn gate(fact: &GateFact) -> (Weight, String) {
    match fact {
        GateFact::Refused { request, freeze, times, reason, .. } => {
            let often = if *times > 1 { format!(", {times} times") } else { String::new() };
            let by =
                freeze.map_or_else(|| format!(": {}", clipped(reason, 120)), |id| format!(" under {id}"));
            (Plain, format!("Gate refused {}{by}{often}", change(request)))
        }
        GateFact::Passed { request, freeze, times } => {
            let often = if *times > 1 { format!(", {times} times") } else { String::new() };
            (Turn, format!("Gate let {} pass {freeze} by exemption{often}", change(request)))
        }
        GateFact::Warned { request, reason, .. } => {
            (Turn, format!("Gate let a {} pass with a warning: {}", change(request), clipped(reason, WORDS)))
        }
        GateFact::Overridden { request, reason } => {
            (Turn, format!("A {} went on against the gate: “{}”", change(request), clipped(reason, WORDS)))
        }
    }
}

pub fn release(fact: &ReleaseFact, event: &Event, g: &Gathered<'_>) -> (Weight, String) {
    match fact {
        ReleaseFact::Found { service, env, current, .. } => {
            (Detail, format!("{} in {} found to run {}", inline(service), code(env), code(current)))
        }
        ReleaseFact::Switched { service, env, from, to, at, by } => {
            let from = from.as_deref().map_or_else(String::new, |from| format!("{} → ", code(from)));
            let by = by.as_deref().map_or_else(String::new, |by| format!(" by {}", inline(by)));
            let at =
                if at.wall == event.occurred.wall { String::new() } else { format!(" at {}", g.at(at.wall)) };
            (
                Turn,
                format!(
                    "Release of {} in {} switched {from}{}{by}{at}",
                    inline(service),
                    code(env),
                    code(to)
                ),
            )
        }
        ReleaseFact::Judged { service, artifact, judgement, why, .. } => {
            let word = match judgement {
                Judgement::Good => "good",
                Judgement::Bad => "bad",
            };
            let name = format!("{service}@{artifact}");
            (Plain, format!("{} judged {word}: “{}”", code(&name), clipped(why, WORDS)))
        }
    }
}

pub fn readiness(fact: &ReadinessFact) -> (Weight, String) {
    match fact {
        ReadinessFact::Turned { service, check, verdict, seen, .. } => {
            let says = match verdict {
                Verdict::Yes => "says yes",
                Verdict::No => "says no",
                Verdict::Unknown => "is unknown",
            };
            (Plain, format!("Readiness of {}: {} {says}: {}", inline(service), code(check), inline(seen)))
        }
    }
}

pub fn watch(fact: &WatchFact, g: &Gathered<'_>) -> (Weight, String) {
    match fact {
        WatchFact::Breached { panel, seen, threshold, since } => (
            Turn,
            format!(
                "Alert: {} at {}, threshold {}, beyond it since {}",
                code(panel),
                inline(seen),
                inline(threshold),
                g.at(since.wall)
            ),
        ),
        WatchFact::Cleared { panel, seen } => (Plain, format!("{} back at {}", code(panel), inline(seen))),
        WatchFact::Blind { panel, why } => (Plain, format!("{} without data: {}", code(panel), inline(why))),
    }
}
