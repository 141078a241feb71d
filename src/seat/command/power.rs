//! What a command of the table takes of its person: a key that one may not use says so before it asks anything.

use super::{Group, Spec};
use crate::{domain::policy::Power, seat::model::Model};

/// Any one of these powers; none where everybody may, or where what is asked of the room decides.
pub fn needed(spec: &Spec) -> &'static [Power] {
    match (spec.group, spec.name) {
        (_, "take-command" | "replace-commander" | "accept" | "erase") => &[Power::Command],
        (_, "approve" | "reject") => &[Power::Respond, Power::Approve],
        (
            _,
            "incident" | "handover" | "hand-over" | "decline" | "withdraw" | "briefing" | "break-glass"
            | "give-back" | "act" | "look-at" | "copy",
        )
        | (Group::Look | Group::Seat, _) => &[],
        (Group::Say | Group::Incident | Group::Runbook | Group::Gate, _) => &[Power::Respond],
    }
}

/// Whether a command makes sense now and its person may do it; else why not.
///
/// # Errors
/// Why not, in words.
pub fn possible(model: &Model, spec: &Spec) -> Result<(), String> {
    (spec.when)(model)?;
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
