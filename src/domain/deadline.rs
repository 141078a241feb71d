//! What happens by itself, and when: a lease ends, a target is exceeded, recovery has held, a wait is over.

use super::{
    decision,
    fact::Fact,
    freeze::FreezeFact,
    glass::{self, GlassFact},
    handover::{self, HandoverFact},
    incident::IncidentFact,
    page,
    state::State,
    task,
    time::Stamp,
    walk,
    watch::recovers_at,
};

/// The next moment at which [`due`] gives something, where nothing else happens before.
pub fn next_deadline(state: &State, now: &Stamp) -> Option<Stamp> {
    if state.newer.is_some() {
        return None;
    }
    let freezes = state.freezes.values().filter(|freeze| freeze.holds()).map(|freeze| freeze.ends.clone());
    let incidents = state.incidents.values().filter(|incident| incident.is_open()).flat_map(|incident| {
        [incident.clocks.breach_at(&incident.declared), recovers_at(incident, state.policy.recovery_hold)]
    });
    let glasses = state.glasses.values().filter_map(glass::ends);
    let handovers = state.incidents.values().filter_map(handover::lapses);
    let waits = state.walks.values().filter_map(walk::wait_ends);
    freezes
        .chain(incidents.flatten())
        .chain(waits)
        .chain(glasses)
        .chain(handovers)
        .chain(page::deadlines(state))
        .chain(task::deadlines(state))
        .chain(decision::deadlines(state))
        .min_by_key(|at| at.until(now))
}

/// Everything that is due by now. Nothing, where a newer room wrote what this version does not know: it may have moved
/// what would be due, and a lease that does not end holds, which is the safe way.
pub fn due(state: &State, now: &Stamp) -> Vec<Fact> {
    let mut facts = Vec::new();
    if state.newer.is_some() {
        return facts;
    }
    for freeze in state.freezes.values().filter(|freeze| freeze.holds() && freeze.ends.reached(now)) {
        facts.push(Fact::Freeze(FreezeFact::Expired { freeze: freeze.id }));
    }
    for glass in state.glasses.values().filter(|glass| glass::ends(glass).is_some_and(|at| at.reached(now))) {
        facts.push(Fact::Glass(GlassFact::Expired { glass: glass.id }));
    }
    for incident in state.incidents.values() {
        if handover::lapses(incident).is_some_and(|at| at.reached(now)) {
            facts.push(Fact::Handover(HandoverFact::Lapsed { incident: incident.id }));
        }
    }
    for incident in state.incidents.values().filter(|incident| incident.is_open()) {
        let breach = incident.clocks.breach_at(&incident.declared);
        if breach.is_some_and(|at| at.reached(now)) {
            facts.push(Fact::Incident(IncidentFact::TargetBreached {
                incident: incident.id,
                target: incident.clocks.target,
            }));
        }
        let hold = state.policy.recovery_hold;
        if recovers_at(incident, hold).is_some_and(|at| at.reached(now))
            && let Some(mark) = &incident.clocks.first_good
        {
            facts.push(Fact::Incident(IncidentFact::Recovered {
                incident: incident.id,
                since: mark.at.clone(),
                held: mark.at.elapsed(now),
            }));
        }
    }
    for walk in state.walks.values() {
        if walk::wait_ends(walk).is_some_and(|at| at.reached(now)) {
            facts.extend(walk::wait_over(walk));
        }
    }
    facts.extend(page::due(state, now));
    facts.extend(task::due(state, now));
    facts.extend(decision::due(state, now));
    facts
}
