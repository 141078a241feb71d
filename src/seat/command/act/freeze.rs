//! Freezes and judgements.

use super::say::arg;
use crate::{
    domain::{
        Command,
        freeze::{AllServices, FreezeCommand, Scope},
        id::FreezeId,
        name::means_all,
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

/// `checkout,payments/prod` as a scope, and whether `all` stands in the place of the services. Names may have a slash
/// in them: the last one parts services from environments, unless all of it are known services. A part that is left out,
/// or `all` for environments, is all of them.
pub fn scope(text: &str, known: &[String]) -> (Scope, bool) {
    let list = |part: &str| -> Vec<String> {
        part.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let is_whole = list(text).iter().all(|name| known.contains(name));
    let (services, envs) = if is_whole { (text, "") } else { text.rsplit_once('/').unwrap_or((text, "")) };
    let (mut services, mut envs) = (list(services), list(envs));
    let all = matches!(services.as_slice(), [one] if means_all(one));
    if all {
        services.clear();
    }
    if matches!(envs.as_slice(), [one] if means_all(one)) {
        envs.clear();
    }
    (Scope::deploys(services, envs), all)
}

/// Opens the box in which all services are confirmed, by typing the word a second time.
pub fn confirm_all(model: &mut Model, command: Command, say: String) {
    model.layers.push(Layer::Confirm(Confirm {
        sentence: "freeze all services: no deploy goes anywhere".into(),
        lines: model.services().iter().map(|name| crate::domain::text::line(name).into_owned()).collect(),
        typed: Some("all".into()),
        top: 0,
        field: Field::default(),
        act: Act::Do(Box::new(command), say),
    }));
}

/// Freezes.
pub fn begin(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(lease) = lease(model, arg(given, 1)) else { return Vec::new() };
    let incident = model.open_incident().map(|incident| incident.id);
    let (scope, all) = scope(arg(given, 0), &model.services());
    let say = format!("{} is frozen for {}; rollbacks stay free", scope.label(), lease.brief());
    let reason = arg(given, 2).into();
    let confirmed = all.then_some(AllServices::Confirmed);
    let begin = FreezeCommand::Begin { incident, scope, reason, lease: Some(lease), all: confirmed };
    if all {
        confirm_all(model, Command::Freeze(begin), say);
        return Vec::new();
    }
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

/// `checkout/2.4.1` as a service and an artifact, either of which may have a slash in it: a known service is taken whole.
fn of_service<'a>(text: &'a str, known: &[String]) -> Option<(&'a str, &'a str)> {
    let after =
        |service: &String| Some((text.get(..service.len())?, text.strip_prefix(service)?.strip_prefix('/')?));
    known.iter().filter_map(after).max_by_key(|(service, _)| service.len()).or_else(|| text.split_once('/'))
}

/// Judges an artifact.
pub fn judge(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some((service, artifact)) = of_service(arg(given, 0), &model.services()) else {
        model.say(Tone::Wrong, format!("{:?} is no artifact: write it like checkout/2.4.1", arg(given, 0)));
        return Vec::new();
    };
    let judgement = if arg(given, 1) == "good" { Judgement::Good } else { Judgement::Bad };
    let say = format!("{service} {artifact} is judged {}", arg(given, 1));
    let (service, artifact, why) = (service.into(), artifact.into(), arg(given, 2).into());
    model.act(Command::Release(ReleaseCommand::Judge { service, artifact, judgement, why }), say)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_belongs_to_a_known_service_and_parts_it_from_an_environment_else() {
        let known = ["shop/checkout".to_owned(), "shop".into()];
        for (text, services, envs, all) in [
            ("checkout/prod", &["checkout"][..], &["prod"][..], false),
            ("checkout, payments/prod,staging", &["checkout", "payments"], &["prod", "staging"], false),
            ("shop/checkout", &["shop/checkout"], &[], false),
            ("shop,shop/checkout", &["shop", "shop/checkout"], &[], false),
            ("shop/checkout/prod", &["shop/checkout"], &["prod"], false),
            ("all", &[], &[], true),
            ("ALL/prod", &[], &["prod"], true),
            ("*", &[], &[], true),
            ("checkout/all", &["checkout"], &[], false),
            ("all,checkout", &["all", "checkout"], &[], false),
            ("", &[], &[], false),
        ] {
            let (scope, said) = scope(text, &known);
            assert_eq!(
                (&scope.services[..], &scope.envs[..], said),
                (
                    &services.iter().map(|&s| s.to_owned()).collect::<Vec<_>>()[..],
                    &envs.iter().map(|&s| s.to_owned()).collect::<Vec<_>>()[..],
                    all
                ),
                "{text}"
            );
        }
        for (text, parts) in [
            ("checkout/2.4.1", Some(("checkout", "2.4.1"))),
            ("shop/checkout/2.4.1", Some(("shop/checkout", "2.4.1"))),
            ("shop/2.4.1", Some(("shop", "2.4.1"))),
            ("cart/registry.example/cart@1", Some(("cart", "registry.example/cart@1"))),
            ("checkout", None),
        ] {
            assert_eq!(of_service(text, &known), parts, "{text}");
        }
    }
}
