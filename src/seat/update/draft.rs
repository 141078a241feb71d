//! The draft: its events are gathered, it is made anew when something happened, written out when asked.

use super::Effect;
use crate::{
    domain::{Command, id::IncidentId, incident::IncidentCommand},
    seat::model::{Model, Tone, View, draft::Todo, pending::For},
    wire::Ask,
};

/// Most events that are asked for at once.
const PAGE: usize = 2_000;

/// Begins to gather the shown incident's events, where that has not been begun.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    model.draft.begin(incident);
    more(model)
}

/// Asks for the events that are not there yet.
pub fn more(model: &mut Model) -> Vec<Effect> {
    let Some(incident) = model.draft.incident else { return Vec::new() };
    if model.draft.complete || model.pending.asks(For::Draft) {
        return Vec::new();
    }
    let ask = Ask::Events { from: model.draft.next(), limit: PAGE, incident: Some(incident) };
    model.ask(ask, For::Draft)
}

/// Asks for the draft to be made, where it is looked at and something happened.
pub fn refresh(model: &mut Model) -> Vec<Effect> {
    let wanted = model.ui.view == View::PostMortem && model.draft.complete && model.draft.dirty;
    let Some(incident) = model.draft.incident.filter(|_| wanted) else { return Vec::new() };
    model.draft.dirty = false;
    vec![Effect::Draft(incident)]
}

/// It was made.
pub fn drafted(model: &mut Model, incident: IncidentId, text: &str, todos: Vec<Todo>) {
    if model.draft.incident != Some(incident) {
        return;
    }
    model.draft.text = Some(crate::domain::text::block(text).into_owned());
    model.ui.todo = model.ui.todo.min(todos.len().saturating_sub(1));
    model.draft.todos = todos;
}

/// It was written out.
pub fn exported(
    model: &mut Model,
    incident: IncidentId,
    result: Result<(String, String), String>,
) -> Vec<Effect> {
    match result {
        Ok((place, manifest)) => {
            model.draft.exported = Some(place.clone());
            let say = format!("the draft is in {place}");
            model.act(Command::Incident(IncidentCommand::Exported { incident, place, manifest }), say)
        }
        Err(why) => {
            model.say(Tone::Wrong, format!("the draft was not written: {why}"));
            Vec::new()
        }
    }
}
