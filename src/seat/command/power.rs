//! What a command of the table takes of its person: a key that one may not use says so before it asks anything.

use super::{Group, Spec};
use crate::{
    domain::policy::Power,
    seat::{model::Model, update::READ_ONLY},
};

/// Any one of these powers; none where everybody may, or where what is asked of the room decides.
pub fn needed(spec: &Spec) -> &'static [Power] {
    match (spec.group, spec.name) {
        (_, "take-command" | "replace-commander" | "accept" | "erase") => &[Power::Command],
        (_, "approve" | "reject") => &[Power::Respond, Power::Approve],
        (
            _,
            "incident" | "handover" | "hand-over" | "decline" | "withdraw" | "briefing" | "break-glass"
            | "give-back" | "offline-glass" | "act" | "look-at" | "copy",
        )
        | (Group::Look | Group::Seat, _) => &[],
        (Group::Say | Group::Incident | Group::Runbook | Group::Gate, _) => &[Power::Respond],
    }
}

/// Whether a command does more than look, or opens what does.
fn changes(spec: &Spec) -> bool {
    let looks = matches!(spec.name, "incident" | "briefing" | "look-at" | "copy" | "act");
    !looks && !matches!(spec.group, Group::Look | Group::Seat)
}

/// Whether this person may act on a step at all; else why not.
///
/// # Errors
/// Why not, in words.
pub fn on_steps(model: &Model) -> Result<(), String> {
    super::named("skip").map_or(Ok(()), |spec| possible_for(model, spec))
}

/// Whether a command makes sense now and its person may do it; else why not.
///
/// # Errors
/// Why not, in words.
pub fn possible(model: &Model, spec: &Spec) -> Result<(), String> {
    (spec.when)(model)?;
    possible_for(model, spec)
}

/// The same, whatever the moment.
fn possible_for(model: &Model, spec: &Spec) -> Result<(), String> {
    if model.read_only && changes(spec) {
        return Err(READ_ONLY.into());
    }
    let any = needed(spec);
    // Before the room said who one is, nothing is known of it.
    let Some(me) = model.me.as_ref().filter(|_| model.loaded) else { return Ok(()) };
    let Some(first) = any.first() else { return Ok(()) };
    if any.iter().any(|power| model.may(*power)) {
        return Ok(());
    }
    let key = model.keymap.label("break-glass").map_or(":break-glass".into(), |key| key);
    Err(format!("{} has not the power to {first}; in an emergency, {key} takes it", me.name))
}
