//! Login names of people, and names of roles, as commands give them. Nobody knows all of either, so that an unknown one
//! is taken; one that could be taken for a known one and is not it would silently mean nobody, and is refused.

use super::{
    incident::COMMANDER,
    name::{self, Looks},
    plan::{By, Lead},
    refusal::{Code, Refusal, text},
    state::State,
    walk::approval,
};
use std::collections::BTreeSet;

/// Roles that every incident knows.
pub const ROLES: [&str; 5] = [COMMANDER, "deputy", "scribe", "communications", "operations"];

/// Longest login name, in bytes.
const PERSON_MAX: usize = 64;

/// Longest name of a role, in bytes.
const ROLE_MAX: usize = 40;

/// Login names that the state has from configuration and from the kernel's word.
fn people(state: &State) -> BTreeSet<&str> {
    let configured = state.policy.powers.values().flat_map(|members| &members.users).map(String::as_str);
    let incidents = state.incidents.values().filter(|incident| incident.is_open());
    let here = incidents.flat_map(|one| {
        std::iter::once(one.declared_by.as_str())
            .chain(one.reports.keys().map(String::as_str))
            .chain(one.commander())
    });
    configured.chain(here).collect()
}

/// A person whom a command names.
///
/// # Errors
/// `Invalid` where the name is empty or too long; `Unknown` where it looks like somebody known and is not them.
pub fn person(state: &State, what: &str, given: &str) -> Result<String, Refusal> {
    let name = text(what, given, PERSON_MAX)?;
    let known = people(state);
    if known.contains(name.as_str()) {
        return Ok(name);
    }
    let looks = Looks::of(&name);
    match known.into_iter().find(|other| looks.like(&Looks::of(other))) {
        None => Ok(name),
        Some(near) => Err(Refusal::new(Code::Unknown, format!("there is no person {}", name::marked(&name)))
            .hint(format!("did you mean {near}?"))),
    }
}

fn of(by: &By) -> Vec<&str> {
    by.roles.iter().map(|role| approval::role(role)).collect()
}

/// Roles that the matrix wants filled, that walks ask for, and the common ones.
fn roles(state: &State) -> BTreeSet<&str> {
    let asked = state.walks.values().flat_map(|walk| walk.runbook.steps()).flat_map(|step| {
        let lead = match &step.lead {
            Some(Lead::Approve(asked) | Lead::Confirm(asked)) => of(asked),
            _ => Vec::new(),
        };
        step.approval.iter().flat_map(|one| of(&one.by)).chain(lead).collect::<Vec<_>>()
    });
    let matrix = state.policy.severities.values().flat_map(|row| row.roles.iter().map(String::as_str));
    ROLES.into_iter().chain(matrix).chain(asked).collect()
}

/// A role that a command names, in the one form in which roles are kept.
///
/// # Errors
/// `Invalid` where it is empty or too long; `Unknown` where it is nearly a known one.
pub fn role(state: &State, given: &str) -> Result<String, Refusal> {
    let role = approval::role(&text("the role", given, ROLE_MAX)?.to_lowercase()).to_owned();
    let known = roles(state);
    if known.contains(role.as_str()) {
        return Ok(role);
    }
    match name::nearest(&role, known) {
        None => Ok(role),
        Some(near) => Err(Refusal::new(Code::Unknown, format!("there is no role {}", name::marked(&role)))
            .hint(format!("did you mean {near}?"))),
    }
}
