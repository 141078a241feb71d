//! Decisions: put to the room, objected to, made, looked at again.

use super::say::{arg, on, span};
use crate::{
    domain::{
        Command,
        decision::{DecisionCommand, Proposed},
        id::DecisionId,
    },
    seat::{
        command::{self, Call},
        model::{
            Layer, Model, Tone,
            entry::one,
            layer::{Act, Choice},
        },
        update::Effect,
    },
};

/// A decision in one line.
pub fn decide(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let text = arg(given, 0).to_owned();
    let make = |incident| {
        Command::Decision(DecisionCommand::Make {
            incident,
            text,
            options: Vec::new(),
            risks: None,
            review_in: None,
        })
    };
    on(model, make, "the decision is recorded")
}

/// Puts something to the room.
pub fn propose(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let text = arg(given, 0).to_owned();
    let options = arg(given, 1).split('|').map(str::trim).filter(|option| !option.is_empty());
    let options: Vec<String> = options.map(str::to_owned).collect();
    let risks = Some(arg(given, 2).trim().to_owned()).filter(|risks| !risks.is_empty());
    let make = |incident| Command::Decision(DecisionCommand::Propose { incident, text, options, risks });
    on(model, make, "proposed; every seat is asked for strong objections")
}

fn which(model: &mut Model, given: &[String]) -> Option<DecisionId> {
    let decision = arg(given, 0).parse().ok();
    if decision.is_none() {
        model.say(Tone::Wrong, format!("{:?} is no decision: write it like DEC-2", arg(given, 0)));
    }
    decision
}

/// Objects strongly.
pub fn object(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(decision) = which(model, given) else { return Vec::new() };
    let why = arg(given, 1).to_owned();
    on(
        model,
        |incident| Command::Decision(DecisionCommand::Object { incident, decision, why }),
        "the objection is recorded",
    )
}

/// Takes a proposal back.
pub fn withdraw(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(decision) = which(model, given) else { return Vec::new() };
    let reason = arg(given, 1).to_owned();
    on(
        model,
        |incident| Command::Decision(DecisionCommand::Withdraw { incident, decision, reason }),
        "the proposal is withdrawn",
    )
}

/// Decides on a proposal.
pub fn settle(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(decision) = which(model, given) else { return Vec::new() };
    let Ok(review_in) = span(model, arg(given, 1)) else { return Vec::new() };
    let say = match review_in {
        Some(span) => format!("decided; it is looked at again in {span}"),
        None => "the decision is recorded".into(),
    };
    let make =
        |incident| Command::Decision(DecisionCommand::Settle { incident, decision, text: None, review_in });
    on(model, make, &say)
}

/// Looks at a decision again.
pub fn review(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(decision) = which(model, given) else { return Vec::new() };
    let text = arg(given, 1).to_owned();
    let make =
        |incident| Command::Decision(DecisionCommand::Review { incident, decision, text, again: None });
    on(model, make, "the review is recorded")
}

fn choice(key: char, label: &str, detail: &str, act: Act) -> Choice {
    Choice { key, label: label.into(), detail: detail.into(), act }
}

/// What is open: a proposal, a review that is due; else a proposal is made.
pub fn open(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(incident) = model.open_incident() else { return Vec::new() };
    let proposals: Vec<&Proposed> = incident.proposals.values().collect();
    match proposals.as_slice() {
        [] => {
            let due =
                incident.decided.iter().find(|one| one.review.as_ref().is_some_and(|review| review.due));
            match due.map(|one| one.id) {
                Some(id) => command::invoke(model, Call::of("review").with(id.to_string())),
                None => command::invoke(model, Call::of("propose-decision")),
            }
        }
        [only] => {
            let id = only.id;
            shown(model, id)
        }
        several => {
            let choices = several
                .iter()
                .zip('1'..='9')
                .map(|(proposal, key)| {
                    let call = Call::of("proposal").with(proposal.id.to_string());
                    choice(key, &proposal.id.to_string(), &one(&proposal.text), Act::Call(call))
                })
                .collect();
            model.layers.push(Layer::Pick { title: "Which proposal?".into(), choices, at: 0 });
            Vec::new()
        }
    }
}

/// One proposal, with what can be done about it.
pub fn proposal(model: &mut Model, given: &[String]) -> Vec<Effect> {
    which(model, given).map_or(Vec::new(), |id| shown(model, id))
}

fn shown(model: &mut Model, id: DecisionId) -> Vec<Effect> {
    let Some(incident) = model.open_incident() else { return Vec::new() };
    let Some(proposal) = incident.proposals.get(&id) else {
        model.say(Tone::Wrong, format!("{id} is not open any more"));
        return Vec::new();
    };
    let me = model.my_name();
    let decides = incident.commander().is_none_or(|who| who == me);
    let call = |name| Act::Call(Call::of(name).with(id.to_string()));
    let mut choices = vec![choice('o', "object", "strongly: who and why is recorded", call("object"))];
    if decides {
        choices.insert(
            0,
            choice('d', "decide", "it is done so; who objected is recorded with it", call("decide-on")),
        );
    }
    if decides || proposal.by == me {
        choices.push(choice('w', "withdraw", "nothing is decided", call("withdraw-proposal")));
    }
    choices.push(choice(
        'p',
        "propose",
        "something else, beside it",
        Act::Call(Call::of("propose-decision")),
    ));
    let mut title = format!("{id}: any strong objections?\n  {}", one(&proposal.text));
    for option in &proposal.options {
        title.extend(["\n  or    ", &one(option)]);
    }
    if let Some(risks) = &proposal.risks {
        title.extend(["\n  risks ", &one(risks)]);
    }
    for objection in &proposal.objections {
        title.extend(["\n  NO    ", &objection.by, ": ", &one(&objection.why)]);
    }
    if proposal.objections.is_empty() {
        title.push_str("\n  no objections so far");
    }
    model.layers.push(Layer::Pick { title, choices, at: 0 });
    Vec::new()
}
