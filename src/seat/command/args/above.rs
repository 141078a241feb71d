//! What stands above a question: what the answer would bring, what it is about.

use crate::{
    domain::{
        cadence::{Audience, too_soon},
        incident::{difference, steps},
        severity::Severity,
        time::Span,
    },
    seat::{
        command::Call,
        model::{Model, when},
    },
};

/// Lines that belong above the question: what a severity brings, which deviation it is.
pub fn above(model: &Model, call: &Call) -> String {
    let first = call.given.first().map(String::as_str);
    match (call.name, first) {
        ("severity", Some(to)) => {
            to.parse().map_or(String::new(), |to| format!("\n{}", severity(model, to).join("\n")))
        }
        ("update", _) => sent(model, Audience::Internal),
        ("external-update", _) => sent(model, Audience::External),
        ("reason", Some(id)) => id
            .parse()
            .ok()
            .and_then(|id| model.state.deviations.get(&id))
            .map(|one| format!("\n{} {}: {}", one.id, one.what.kind.word(), one.what.actual))
            .unwrap_or_default(),
        ("object" | "withdraw-proposal", Some(id)) => id
            .parse()
            .ok()
            .and_then(|id| model.incident()?.proposals.get(&id))
            .map(|one| format!("\n{}: {}", one.by, one.text))
            .unwrap_or_default(),
        ("review", Some(id)) => id
            .parse()
            .ok()
            .and_then(|id| model.incident()?.decided.iter().find(|one| one.id == id))
            .map(|one| {
                format!("\ndecided {} by {}: {}", when::minute(one.at.wall, model.now.wall), one.by, one.text)
            })
            .unwrap_or_default(),
        ("task-report" | "task-done", Some(id)) => id
            .parse()
            .ok()
            .and_then(|id| model.incident()?.tasks.get(&id))
            .map(|task| format!("\n{}", task.text))
            .unwrap_or_default(),
        ("answer", Some(key)) => model
            .draft
            .todos
            .iter()
            .find(|todo| todo.key == key)
            .map(|todo| format!("\n{}: {}", todo.role, todo.question))
            .unwrap_or_default(),
        _ => String::new(),
    }
}

/// Where an update goes, and whether it comes too soon after the last.
fn sent(model: &Model, audience: Audience) -> String {
    let to = model.state.policy.outward.updates_to(audience);
    let goes = match (to.is_empty(), audience) {
        (true, Audience::Internal) => {
            "no [update] targets are configured: it is written down, and goes nowhere".into()
        }
        (true, Audience::External) => {
            "no external [update] targets are configured: it is written down, and goes nowhere".into()
        }
        (false, _) => format!("it goes to {}", to.join(", ")),
    };
    let soon = model.incident().and_then(|incident| too_soon(incident, audience, &model.now));
    let soon = soon.map(|why| format!("\nTOO SOON? {why}")).unwrap_or_default();
    format!("\n{goes}{soon}")
}

/// What a change of severity brings with it, in lines.
pub fn severity(model: &Model, to: Severity) -> Vec<String> {
    let Some(incident) = model.incident() else { return Vec::new() };
    let diff = difference(&model.state, incident, to);
    let mut lines = vec![format!("{} becomes {to}", incident.severity)];
    lines.extend(diff.meaning.map(|meaning| format!("  {to} means: {meaning}")));
    let every = |every: Option<Span>| every.map_or("none".into(), |every| format!("every {every}"));
    lines.extend(
        diff.cadence
            .iter()
            .map(|one| format!("  {}: {}, now {}", one.beat.owed(), every(one.from), every(one.to))),
    );
    if !diff.roles_missing.is_empty() {
        lines.push(format!("  roles to fill: {}", diff.roles_missing.join(", ")));
    }
    if !diff.roles_spare.is_empty() {
        lines.push(format!("  not wanted any more: {}", diff.roles_spare.join(", ")));
    }
    if let Some(name) = &diff.runbook {
        lines.push(format!("  runbook: {name}"));
        let known = |name: &str| {
            model
                .runbooks
                .iter()
                .find(|book| book.source == name || name.ends_with(&format!("/{}", book.source)))
        };
        let row = model.state.policy.severities.get(&incident.severity);
        let old = row.and_then(|row| known(row.runbook.as_ref()?)).map(|book| &**book);
        let walked =
            model.walks().rev().find(|walk| walk.incident == Some(incident.id)).map(|walk| &*walk.runbook);
        if let Some(book) = known(name) {
            lines.extend(steps(walked.or(old), book).lines().into_iter().map(|line| format!("    {line}")));
        }
    }
    if !diff.pages.is_empty() {
        lines.push(format!("  PAGES {} with the change", diff.pages.join(", ")));
    }
    lines.extend(diff.page_proposed.iter().map(|who| format!("  paging {who} is proposed (P)")));
    lines.extend(diff.freeze.map(|lease| format!("  a freeze of {lease} is proposed (F)")));
    let stays: Vec<_> = diff.freeze_stays.iter().map(ToString::to_string).collect();
    if !stays.is_empty() {
        lines.push(format!("  {} stays: severity lifts no freeze", stays.join(", ")));
    }
    if lines.len() == 1 {
        lines.push("  nothing else changes".into());
    }
    lines
}
