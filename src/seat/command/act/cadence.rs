//! Updates, status polls, and how often they are owed.

use super::say::{arg, on, span};
use crate::{
    domain::{
        Command,
        board::BoardCommand,
        cadence::{Audience, Beat},
    },
    seat::{
        model::{Model, Tone},
        update::Effect,
    },
};

fn sent(model: &mut Model, given: &[String], audience: Audience, say: &str) -> Vec<Effect> {
    let text = arg(given, 0).to_owned();
    on(model, |incident| Command::Board(BoardCommand::Updated { incident, text, to: None, audience }), say)
}

/// Sends an update to those inside.
pub fn update(model: &mut Model, given: &[String]) -> Vec<Effect> {
    sent(model, given, Audience::Internal, "the update is on its way; the next one's clock starts anew")
}

/// Sends one to those outside.
pub fn external(model: &mut Model, given: &[String]) -> Vec<Effect> {
    sent(
        model,
        given,
        Audience::External,
        "the external update is on its way; the next one's clock starts anew",
    )
}

/// Everybody was asked how it stands.
pub fn polled(model: &mut Model, _: &[String]) -> Vec<Effect> {
    on(
        model,
        |incident| Command::Board(BoardCommand::Poll { incident }),
        "the status poll's clock starts anew",
    )
}

fn which(model: &mut Model, given: &[String]) -> Option<Beat> {
    match arg(given, 0).parse() {
        Ok(beat) => Some(beat),
        Err(refusal) => {
            let refusal: crate::domain::Refusal = refusal;
            model.say(Tone::Wrong, refusal.to_string());
            None
        }
    }
}

/// Puts the next time off.
pub fn snooze(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(beat) = which(model, given) else { return Vec::new() };
    let Ok(Some(by)) = span(model, arg(given, 1)) else { return Vec::new() };
    let reason = arg(given, 2).to_owned();
    let say = format!("the next {beat} is put off by {by}");
    on(model, |incident| Command::Board(BoardCommand::Snooze { incident, beat, by, reason }), &say)
}

/// How often it is owed.
pub fn cadence(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(beat) = which(model, given) else { return Vec::new() };
    let Ok(every) = span(model, arg(given, 1)) else { return Vec::new() };
    let say = match every {
        Some(every) => format!("{} are owed every {every}", beat.owed()),
        None => format!("no {} are owed", beat.owed()),
    };
    on(model, |incident| Command::Board(BoardCommand::Cadence { incident, beat, every }), &say)
}
