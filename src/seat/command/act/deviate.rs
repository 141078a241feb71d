//! Deviations: two keystrokes at most, and the reason may be owed.

use super::{
    say::arg,
    walk::{find, here},
};
use crate::{
    domain::{
        Command,
        deviation::{DeviationCommand, ReasonCode},
        plan::Risk,
        walk::{Confirmation, Deviate, WalkCommand, sequence},
    },
    seat::{
        command::{self, Call},
        model::{
            Layer, Model, StepRef, Tone,
            find::number,
            layer::{Act, Choice, Confirm},
        },
        update::Effect,
        view::widget::field::Field,
    },
};

fn deviation(model: &Model, at: &StepRef, what: Deviate, code: Option<ReasonCode>) -> Box<Command> {
    Box::new(Command::Walk(WalkCommand::Deviate {
        walk: at.walk,
        step: at.step.clone(),
        what,
        code,
        confirm: Confirmation::Enter,
        host: model.host.clone(),
    }))
}

/// Asks why by one key; Enter at once owes the reason.
fn why(model: &mut Model, at: &StepRef, what: Deviate, words: &str) -> Vec<Effect> {
    let Some((walk, step)) = find(model, at) else { return Vec::new() };
    let title = format!("Why {words} step {} \"{}\"?", number(walk, &step.id), walk.title(step));
    let mut choices = vec![Choice {
        key: '0',
        label: "owe the reason".into(),
        detail: "it blocks closing, never acting".into(),
        act: Act::Do(
            deviation(model, at, what, None),
            format!("recorded; its reason is owed, {} gives it", "r"),
        ),
    }];
    choices.extend(Choice::reasons(|code| {
        let act = || Act::Do(deviation(model, at, what, Some(code)), "the deviation is recorded".into());
        (code != ReasonCode::Other).then(act)
    }));
    model.layers.push(Layer::Pick { title, choices, at: 0 });
    Vec::new()
}

/// Leaves the step out.
pub fn skip(model: &mut Model, _: &[String]) -> Vec<Effect> {
    here(model).map_or(Vec::new(), |at| why(model, &at, Deviate::Skip, "skip"))
}

/// It was done by hand.
pub fn manual(model: &mut Model, _: &[String]) -> Vec<Effect> {
    here(model).map_or(Vec::new(), |at| why(model, &at, Deviate::Manual, "by hand"))
}

/// It does not apply.
pub fn not_applicable(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(at) = here(model) else { return Vec::new() };
    if find(model, &at).is_some_and(|(_, step)| step.conditional) {
        let command = *deviation(model, &at, Deviate::NotApplicable, None);
        return model.act(command, "it does not apply; that is no deviation");
    }
    why(model, &at, Deviate::NotApplicable, "does not apply:")
}

/// Passes over what failed; asks first where the risk is high.
pub fn override_(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(at) = here(model) else { return Vec::new() };
    let Some((walk, step)) = find(model, &at) else { return Vec::new() };
    let sequence::Next::Failed(block) = sequence::next(walk, step) else {
        model.say(Tone::Info, "nothing of this step has failed; s skips it, m says that it was done by hand");
        return Vec::new();
    };
    let seen =
        sequence::result(&walk.state(&step.id), block).map(|done| done.seen.clone()).unwrap_or_default();
    let sentence = format!("{} did not hold ({seen}) and is passed over on {}.", block.id, walk.target(step));
    let typed = match block.risk.max(step.risk()) {
        Risk::Low => return why(model, &at, Deviate::Override, "override"),
        Risk::High => None,
        Risk::Irreversible => Some(walk.target(step)),
    };
    let act =
        Act::Do(deviation(model, &at, Deviate::Override, None), "passed over; its reason is owed".into());
    let lines =
        walk.as_shown(step, block).lines().map(|line| crate::domain::text::line(line).into_owned()).collect();
    model.layers.push(Layer::Confirm(Confirm {
        sentence,
        lines,
        typed,
        top: 0,
        field: Field::default(),
        act,
    }));
    Vec::new()
}

/// Gives a reason. With one reason owed, that one is meant.
pub fn reason(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let (Ok(deviation), Ok(code)) = (arg(given, 0).parse(), arg(given, 1).parse::<ReasonCode>()) else {
        model.say(Tone::Wrong, "a deviation and a reason are wanted, like DEV-1 \"no access\"");
        return Vec::new();
    };
    let text = arg(given, 2).to_owned();
    if code == ReasonCode::Other && text.is_empty() {
        return command::invoke(model, Call::of("reason-words").with(arg(given, 0)));
    }
    model.act(Command::Deviation(DeviationCommand::Reason { deviation, code, text }), "the reason is given")
}

/// Gives a reason in words.
pub fn reason_words(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Ok(deviation) = arg(given, 0).parse() else {
        model.say(Tone::Wrong, format!("{:?} is no deviation", arg(given, 0)));
        return Vec::new();
    };
    let command = DeviationCommand::Reason { deviation, code: ReasonCode::Other, text: arg(given, 1).into() };
    model.act(Command::Deviation(command), "the reason is given")
}

/// Something was done that stands in no runbook.
pub fn unlisted(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(incident) = model.incident_id() else { return Vec::new() };
    let host = model.host.clone();
    let command = DeviationCommand::Unlisted { incident, actual: arg(given, 0).into(), host, code: None };
    model.act(Command::Deviation(command), "recorded; its reason is owed")
}
