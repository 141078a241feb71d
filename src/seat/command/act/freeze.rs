//! Freezes and judgements.

use super::say::arg;
use crate::{
    domain::{
        Command,
        freeze::{FreezeCommand, Scope},
        id::FreezeId,
        release::{Judgement, ReleaseCommand},
        time::Span,
    },
    seat::{
        model::{
            Layer, Model, Tone,
            layer::{Act, Confirm},
        },
        update::Effect,
        view::widget::field::Field,
    },
};

fn lease(model: &mut Model, text: &str) -> Option<Span> {
    text.parse()
        .map_err(|error: crate::domain::time::NotASpan| model.say(Tone::Wrong, error.to_string()))
        .ok()
}

fn id(model: &mut Model, text: &str) -> Option<FreezeId> {
    text.parse().map_err(|error: crate::domain::id::NotAnId| model.say(Tone::Wrong, error.to_string())).ok()
}

/// `checkout,payments/prod` as a scope; `all` covers all.
pub fn scope(text: &str) -> Scope {
    let (services, envs) = text.split_once('/').unwrap_or((text, ""));
    let list = |part: &str| -> Vec<String> {
        part.split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty() && *name != "all")
            .map(str::to_owned)
            .collect()
    };
    Scope::deploys(list(services), list(envs))
}

/// Freezes.
pub fn begin(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(lease) = lease(model, arg(given, 1)) else { return Vec::new() };
    let incident = model.open_incident().map(|incident| incident.id);
    let scope = scope(arg(given, 0));
    let say = format!("{} is frozen for {}; rollbacks stay free", scope.label(), lease.brief());
    let begin = FreezeCommand::Begin { incident, scope, reason: arg(given, 2).into(), lease: Some(lease) };
    model.act(Command::Freeze(begin), say)
}

/// Renews.
pub fn renew(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let (Some(freeze), Some(lease)) = (id(model, arg(given, 0)), lease(model, arg(given, 1))) else {
        return Vec::new();
    };
    let say = format!("{freeze} lasts {} from now", lease.brief());
    model.act(Command::Freeze(FreezeCommand::Renew { freeze, lease, reason: arg(given, 2).into() }), say)
}

/// Lifts.
pub fn lift(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(freeze) = id(model, arg(given, 0)) else { return Vec::new() };
    model.act(
        Command::Freeze(FreezeCommand::Lift { freeze, reason: arg(given, 1).into() }),
        format!("{freeze} is lifted"),
    )
}

/// Lets an artifact pass.
pub fn exempt(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(freeze) = id(model, arg(given, 0)) else { return Vec::new() };
    let artifact = arg(given, 1).to_owned();
    let say = format!("{artifact} may pass {freeze}");
    let reason = arg(given, 2).to_owned();
    let own = model.state.freezes.get(&freeze).zip(model.me.as_ref());
    let own = own.is_some_and(|(freeze, me)| freeze.is_own(&artifact, me));
    let command = |glass| {
        let (artifact, reason) = (artifact.clone(), reason.clone());
        Command::Freeze(FreezeCommand::Exempt { freeze, artifact, reason, glass })
    };
    if !own {
        return model.act(command(false), say);
    }
    model.layers.push(Layer::Confirm(Confirm {
        sentence: format!(
            "{artifact} is a change of your own: another person exempts it. Alone, you break the glass, loud on every seat."
        ),
        lines: Vec::new(),
        typed: Some(artifact.clone()),
        top: 0,
        field: Field::default(),
        act: Act::Do(Box::new(command(true)), say),
    }));
    Vec::new()
}

/// Judges an artifact.
pub fn judge(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some((service, artifact)) = arg(given, 0).split_once('/') else {
        model.say(Tone::Wrong, format!("{:?} is no artifact: write it like checkout/2.4.1", arg(given, 0)));
        return Vec::new();
    };
    let judgement = if arg(given, 1) == "good" { Judgement::Good } else { Judgement::Bad };
    let say = format!("{service} {artifact} is judged {}", arg(given, 1));
    let (service, artifact, why) = (service.into(), artifact.into(), arg(given, 2).into());
    model.act(Command::Release(ReleaseCommand::Judge { service, artifact, judgement, why }), say)
}
