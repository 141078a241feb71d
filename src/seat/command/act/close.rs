//! Closing: what is still owed is asked for one by one, then the incident is closed.

use super::say::arg;
use crate::{
    domain::{
        Command,
        deviation::{DeviationCommand, ReasonCode},
        id::DeviationId,
        incident::{IncidentCommand, Status},
    },
    seat::{
        command::Call,
        model::{
            Layer, Model, Tone,
            entry::one,
            layer::{Act, Choice},
            pending::Then,
        },
        update::Effect,
    },
};

/// Asks for the first reason that is owed, or closes.
pub fn close(model: &mut Model, _: &[String]) -> Vec<Effect> {
    next(model, None)
}

/// The next reason that is owed; where none is, the incident is closed. The reason of `given` is on its way.
pub fn next(model: &mut Model, given: Option<DeviationId>) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    let owing: Vec<_> = model.state.owing(incident).filter(|known| Some(known.id) != given).collect();
    let Some(first) = owing.first() else {
        let close = IncidentCommand::Status { incident, to: Status::Closed };
        return model.act(Command::Incident(close), "closed; nothing is owed any more");
    };
    let left = if owing.len() == 1 { "the last".into() } else { format!("{} are left", owing.len()) };
    let title = format!(
        "Why {} {}? ({left})\n  {}\n  prescribed: {}",
        first.id,
        first.what.kind.word(),
        one(&first.what.actual),
        one(&first.what.expected)
    );
    let id = first.id;
    let choices = Choice::reasons(|code| {
        Some(match code {
            ReasonCode::Other => Act::Call(Call::of("close-words").with(id.to_string())),
            code => Act::Close(id, code),
        })
    });
    model.layers.push(Layer::Pick { title, choices, at: 0 });
    Vec::new()
}

/// Gives a reason, and goes on.
pub fn give(model: &mut Model, deviation: DeviationId, code: ReasonCode, text: String) -> Vec<Effect> {
    let command = DeviationCommand::Reason { deviation, code, text };
    model.command(Command::Deviation(command), Then::Close(deviation))
}

/// Gives it in words, and goes on.
pub fn words(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Ok(deviation) = arg(given, 0).parse() else {
        model.say(Tone::Wrong, format!("{:?} is no deviation: write it like DEV-1", arg(given, 0)));
        return Vec::new();
    };
    give(model, deviation, ReasonCode::Other, arg(given, 1).to_owned())
}
