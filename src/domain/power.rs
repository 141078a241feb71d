//! Who has which power: by configuration, or by broken glass. What a command takes stands in [`super::permissions`].

use super::{
    actor::Actor,
    id::IncidentId,
    policy::Power,
    refusal::{Code, Refusal},
    state::State,
    time::Stamp,
};
use std::{collections::BTreeSet, sync::Arc};

/// The groups of somebody who asks, as the kernel proved them beside the uid. They decide what may be done and are kept
/// in no event: what was accepted stands, whoever may what by now.
pub type Groups = Arc<BTreeSet<String>>;

/// Somebody has not the power that it takes.
pub fn lacks(actor: &Actor, power: Power) -> Refusal {
    let word = power.word();
    if actor.uid.is_none() {
        return Refusal::new(
            Code::Forbidden,
            format!("{actor} is nobody's login and has no power to {word}"),
        )
        .hint("a person does it, under their own login");
    }
    Refusal::new(Code::Forbidden, format!("{actor} has not the power to {word}")).hint(format!(
        "somebody who has it does it; in an emergency: warroom break-glass {word} --reason \"…\""
    ))
}

/// Whether the actor has a power, about an incident or about none: by policy, or because the glass was broken for it
/// and its time is not over.
pub fn may(
    state: &State,
    (actor, groups): (&Actor, &Groups),
    power: Power,
    about: Option<IncidentId>,
    now: &Stamp,
) -> bool {
    state.policy.may(actor, groups, power) || by_glass(state, actor, power, about, now)
}

/// Whether the actor leads: commands the incident, or has the power to command.
pub fn leads(state: &State, who: (&Actor, &Groups), about: Option<IncidentId>, now: &Stamp) -> bool {
    let incident = about.and_then(|id| state.incidents.get(&id)).filter(|incident| incident.is_open());
    let commander = incident.and_then(|incident| incident.commander());
    commander == Some(who.0.name.as_str()) || may(state, who, Power::Command, about, now)
}

/// Whether it is by broken glass alone that the actor has a power.
pub fn by_glass(state: &State, actor: &Actor, power: Power, about: Option<IncidentId>, now: &Stamp) -> bool {
    actor.uid.is_some()
        && state.glasses.values().any(|glass| {
            glass.holds(now)
                && glass.by.same(actor)
                && glass.power.implies(power)
                && (glass.incident.is_none() || about.is_none() || glass.incident == about)
        })
}

/// All powers somebody has now, about an incident or about none, the least first.
pub fn all(state: &State, who: (&Actor, &Groups), about: Option<IncidentId>, now: &Stamp) -> Vec<Power> {
    Power::ALL.into_iter().filter(|power| may(state, who, *power, about, now)).collect()
}
