//! Who commands, and powers taken in an emergency.

use super::say::arg;
use crate::{
    domain::{
        Command,
        briefing::briefing,
        conflict::ConflictCommand,
        glass::GlassCommand,
        handover::{HandoverCommand, SAY},
        id::{ConflictId, IncidentId},
        policy::Power,
    },
    seat::{
        command::{self, Call},
        model::{
            Layer, Model, Tone,
            layer::{Act, Choice, Confirm},
        },
        update::Effect,
        view::widget::field::Field,
    },
};

fn choice(key: char, label: &str, detail: &str, act: Act) -> Choice {
    Choice { key, label: label.into(), detail: detail.into(), act }
}

fn lines(model: &Model, incident: IncidentId) -> Vec<String> {
    briefing(&model.state, incident, &model.now).map_or_else(|_| Vec::new(), |shown| shown.lines())
}

/// Opens what must be confirmed, with the briefing to read above it.
fn confirm(model: &mut Model, incident: IncidentId, sentence: String, typed: Option<&str>, act: Act) {
    model.layers.push(Layer::Confirm(Confirm {
        sentence,
        lines: lines(model, incident),
        typed: typed.map(str::to_owned),
        top: 0,
        field: Field::default(),
        act,
    }));
}

/// Whatever about command can be done now: offer it, take what is offered, take it.
pub fn handover(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(incident) = model.open_incident() else { return Vec::new() };
    let (id, me) = (incident.id, model.my_name().to_owned());
    let commander = incident.commander().map(str::to_owned);
    let brief = || choice('b', "briefing", "what the commander must know", Act::Call(Call::of("briefing")));
    let title_and_choices = match (incident.handover.clone(), commander) {
        (Some(offer), _) if offer.to == me => {
            let title = format!("{} offers you command of {id}", offer.by);
            let take = Act::Call(Call::of("accept"));
            let no = Act::Call(Call::of("decline"));
            let take = choice('t', "take it", "read the briefing, then say so", take);
            (title, vec![take, choice('d', "decline", "command stays where it is", no)])
        }
        (Some(offer), commander) if offer.by == me || commander.as_deref() == Some(me.as_str()) => {
            let age = offer.at.elapsed(&model.now).brief();
            let title = format!("Command of {id} is offered to {} since {age}", offer.to);
            let back = Act::Call(Call::of("withdraw"));
            (title, vec![choice('w', "withdraw", "offer it no longer", back), brief()])
        }
        (Some(offer), _) => {
            model.say(Tone::Info, format!("{} offers command of {id} to {}", offer.by, offer.to));
            return Vec::new();
        }
        (None, Some(commander)) if commander == me => {
            return command::invoke(model, Call::of("hand-over"));
        }
        (None, None) => return command::invoke(model, Call::of("take-command")),
        (None, Some(commander)) => {
            let is_here = model.here().contains(&commander.as_str());
            let title = if is_here {
                format!("{commander} commands {id} and is here: ask for a handover first")
            } else {
                format!("{commander} commands {id} and has no seat here")
            };
            let take = Act::Call(Call::of("take-command"));
            (title, vec![brief(), choice('t', "take command", "if they are gone: with a reason", take)])
        }
    };
    let (title, choices) = title_and_choices;
    model.layers.push(Layer::Pick { title, choices, at: 0 });
    Vec::new()
}

/// Offers command, once the briefing was seen.
pub fn hand_over(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    let to = arg(given, 0).to_owned();
    let sentence = format!("You offer command of {incident} to {to}, and command until {to} says so.");
    let say = format!("command is offered to {to}; you command until it is taken");
    let propose = HandoverCommand::Propose { incident, to, words: String::new() };
    confirm(model, incident, sentence, None, Act::Do(Box::new(Command::Handover(propose)), say));
    Vec::new()
}

/// Takes what was offered, by saying so.
pub fn accept(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    let Some(offer) = model.incident().and_then(|one| one.handover.clone()) else { return Vec::new() };
    let words =
        if offer.words.is_empty() { String::new() } else { format!(" {} says: {}", offer.by, offer.words) };
    let sentence = format!("You take command of {incident} from {}.{words}", offer.by);
    let accept = HandoverCommand::Accept { incident, said: SAY.into() };
    let act = Act::Do(Box::new(Command::Handover(accept)), "you have command".into());
    confirm(model, incident, sentence, Some(SAY), act);
    Vec::new()
}

/// Declines what was offered.
pub fn decline(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    let reason = arg(given, 0).to_owned();
    let command = Command::Handover(HandoverCommand::Decline { incident, reason });
    model.act(command, "declined; command stays where it is")
}

/// Offers command no longer.
pub fn withdraw(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    model.act(Command::Handover(HandoverCommand::Withdraw { incident }), "command is offered no longer")
}

/// Sits down in an empty chair, or asks why somebody is to be replaced.
pub fn take_command(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(incident) = model.open_incident() else { return Vec::new() };
    let (id, commander) = (incident.id, incident.commander().map(str::to_owned));
    match commander {
        Some(who) if who == model.my_name() => {
            model.say(Tone::Info, format!("you command {id}; H hands it over"));
            Vec::new()
        }
        Some(_) => command::invoke(model, Call::of("replace-commander")),
        None => {
            let take = HandoverCommand::Take { incident: id, reason: String::new(), from: None };
            let sentence = format!("Nobody commands {id}. You take command.");
            let act = Act::Do(Box::new(Command::Handover(take)), "you have command".into());
            confirm(model, id, sentence, None, act);
            Vec::new()
        }
    }
}

/// Takes command from one who is gone.
pub fn replace(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident() else { return Vec::new() };
    let (id, reason) = (incident.id, arg(given, 0).to_owned());
    let from = incident.commander().unwrap_or("nobody").to_owned();
    let sentence = format!("You take command of {id} from {from}, who is told on every seat: {reason}");
    let take = HandoverCommand::Take { incident: id, reason, from: None };
    confirm(model, id, sentence, None, Act::Do(Box::new(Command::Handover(take)), "you have command".into()));
    Vec::new()
}

/// Shows the briefing.
pub fn brief(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    let lines = lines(model, incident);
    model.layers.push(Layer::Briefing { incident, lines, top: 0 });
    Vec::new()
}

/// Takes a power that one was not given.
pub fn break_glass(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Ok(power) = arg(given, 0).parse::<Power>() else {
        model.say(Tone::Wrong, format!("{:?} is no power: respond, command or approve", arg(given, 0)));
        return Vec::new();
    };
    let incident = model.open_incident().map(|incident| incident.id);
    let about = incident.map_or("until something is declared".into(), |id| format!("for {id}"));
    let lease = model.state.policy.glass_lease;
    let reason = arg(given, 1).to_owned();
    let sentence =
        format!("You take the power to {power} {about}, for {lease}: loud on every seat, and in the draft.");
    let command = GlassCommand::Break { incident, power, reason: reason.clone(), lease: None };
    let act = Act::Do(Box::new(Command::Glass(command)), "the glass is broken; every seat sees it".into());
    model.layers.push(Layer::Confirm(Confirm {
        sentence,
        lines: vec![format!("  because    {}", crate::domain::text::line(&reason))],
        typed: Some(power.word().into()),
        top: 0,
        field: Field::default(),
        act,
    }));
    Vec::new()
}

/// Gives back what was taken.
pub fn give_back(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(glass) = model.my_glass().map(|glass| glass.id) else { return Vec::new() };
    model.act(Command::Glass(GlassCommand::Return { glass }), "the power is given back")
}

/// Breaks the glass for what was asked while the journal is out of reach.
pub fn offline_glass(model: &mut Model, given: &[String]) -> Vec<Effect> {
    model.under_glass(arg(given, 0))
}

fn conflict(model: &mut Model, given: &[String], keeps: bool) -> Vec<Effect> {
    let conflict: ConflictId = match arg(given, 0).parse() {
        Ok(id) => id,
        Err(error) => {
            let error: crate::domain::id::NotAnId = error;
            model.say(Tone::Wrong, error.to_string());
            return Vec::new();
        }
    };
    let reason = arg(given, 1).to_owned();
    let (command, say) = if keeps {
        (ConflictCommand::Keep { conflict, reason }, format!("{conflict} stands as a note"))
    } else {
        (ConflictCommand::SetAside { conflict, reason }, format!("{conflict} is set aside"))
    };
    model.act(Command::Conflict(command), say)
}

/// Keeps a conflict as a note.
pub fn keep_conflict(model: &mut Model, given: &[String]) -> Vec<Effect> {
    conflict(model, given, true)
}

/// Sets a conflict aside.
pub fn set_conflict_aside(model: &mut Model, given: &[String]) -> Vec<Effect> {
    conflict(model, given, false)
}
