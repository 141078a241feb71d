//! What stands in a field already: what is so, or most probably is.

use crate::{
    domain::cadence::Audience,
    seat::{
        command::{Arg, Call, Kind},
        model::{Model, Pane},
    },
};

/// What stands in the field already.
pub fn prefill(model: &Model, call: &Call, arg: &Arg) -> String {
    let incident = model.incident();
    match (call.name, arg.kind) {
        ("freeze", Kind::Scope) => incident
            .map(|one| format!("{}/{}", one.services.join(","), one.env))
            .or_else(|| {
                let released = model.released();
                released.iter().find(|one| !one.unlisted).map(|one| format!("{}/{}", one.service, one.env))
            })
            .unwrap_or_default(),
        ("freeze" | "renew", Kind::Span) => {
            let row = incident.and_then(|one| model.state.policy.severities.get(&one.severity));
            row.and_then(|row| row.freeze).unwrap_or(model.state.policy.freeze_lease).to_string()
        }
        ("freeze", Kind::Words) => incident.map(|one| one.title.clone()).unwrap_or_default(),
        ("retitle", Kind::Words) => incident.map(|one| one.title.clone()).unwrap_or_default(),
        ("page", Kind::Words) => incident.map(|one| one.title.clone()).unwrap_or_default(),
        ("update" | "external-update", Kind::Words) => {
            let audience = if call.name == "update" { Audience::Internal } else { Audience::External };
            incident.map(|one| crate::domain::board::draft(one, audience, &model.now)).unwrap_or_default()
        }
        ("snooze", Kind::Span) => "15m".into(),
        ("now", _) => said(incident.and_then(|one| one.board.now.as_ref())),
        ("goal", _) => said(incident.and_then(|one| one.board.goal.as_ref())),
        ("else", _) => said(incident.and_then(|one| one.board.otherwise.as_ref())),
        ("extend" | "task-extend", Kind::Span) => "5m".into(),
        ("filter", _) if model.ui.has(Pane::Logs) => {
            model.ui.log_filter.pattern.as_ref().map(|re| re.as_str().to_owned()).unwrap_or_default()
        }
        ("filter", _) => model.ui.timeline_filter.words.clone(),
        ("inputs", Kind::InputValue) => call.given.first().map(|name| guess(model, name)).unwrap_or_default(),
        ("answer", Kind::Words) => call
            .given
            .first()
            .and_then(|key| incident.and_then(|one| one.answers.get(key)).cloned())
            .unwrap_or_default(),
        ("judge", Kind::Words) => model
            .state
            .first_breach()
            .map(|breach| format!("{} {}", breach.panel, breach.seen))
            .unwrap_or_default(),
        ("task-done", Kind::Words) => "done".into(),
        _ => String::new(),
    }
}

fn said(line: Option<&crate::domain::board::Said>) -> String {
    line.map(|said| said.text.clone()).unwrap_or_default()
}

/// What an input most probably is: as entered, its default, else what signals say of a name like it.
pub fn guess(model: &Model, name: &str) -> String {
    let walk = model.walk();
    if let Some(value) = walk.and_then(|walk| walk.value(name)) {
        return value.to_owned();
    }
    let input = walk.and_then(|walk| walk.runbook.front.inputs.iter().find(|input| input.name == name));
    let service = walk
        .and_then(|walk| walk.runbook.front.service.clone())
        .or_else(|| model.incident().and_then(|incident| incident.services.first().cloned()));
    let view = model
        .live
        .releases
        .values()
        .filter(|view| service.as_ref().is_none_or(|service| view.service == *service))
        .max_by_key(|view| view.since);
    let good = view.and_then(|view| view.previous.as_ref()).map(|one| one.version.clone());
    let bad = view.and_then(|view| view.current.as_ref()).map(|one| one.version.clone());
    let lower = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let value = if has(&["good", "previous", "last", "target_version"]) {
        good
    } else if has(&["bad", "current", "suspect", "release", "version"]) {
        bad
    } else if has(&["srv", "dir", "path", "root"]) {
        view.map(|view| view.place.clone())
    } else if has(&["service", "app"]) {
        service
    } else if has(&["env"]) {
        model.incident().map(|incident| incident.env.clone())
    } else if has(&["instance", "base", "hosts", "url"]) {
        let bases: Vec<String> = model.live.probes.values().filter_map(|probe| base(&probe.name)).collect();
        (!bases.is_empty()).then(|| bases.join(" "))
    } else {
        None
    };
    value.or_else(|| input.and_then(|input| input.choices.first().cloned())).unwrap_or_default()
}

/// `http://127.0.0.1:8080` of `checkout-1 http://127.0.0.1:8080/healthz`.
fn base(name: &str) -> Option<String> {
    let url = name.split_whitespace().find(|word| word.starts_with("http"))?;
    let (scheme, rest) = url.split_once("://")?;
    Some(format!("{scheme}://{}", rest.split('/').next().unwrap_or(rest)))
}
