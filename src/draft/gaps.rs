//! What the facts say should change: monitoring, runbooks, actions; and what they leave open.

use super::{
    Piece, Section, Sentence,
    charts::Recorded,
    deviations::{own, place, reasoned},
    escape::{clipped, code, inline},
    front::length,
    gather::Gathered,
    overview::{First, first_seen},
    tell::moment,
};
use crate::domain::{
    Fact, Seq,
    clock::Moment,
    deviation::{DeviationKind, ReasonCode},
    incident::IncidentFact,
    time::Span,
    walk::{StepStatus, WalkFact},
    watch::WatchFact,
};

/// Monitoring gaps, found by comparing what people and signals said.
pub(super) fn monitoring(g: &Gathered<'_>, charts: &[Recorded]) -> (Section, Vec<Sentence>) {
    let mut out = Section::new("monitoring-gaps", "Monitoring gaps");
    let (mut items, mut actions) = (Vec::new(), Vec::new());
    match first_seen(g) {
        First::Person(None) => {
            items.push(Sentence::absent("People saw it; no alert came at any time", g.range));
            actions.push(Sentence::new("Add an alert that would have seen this", [g.incident.seq]));
        }
        First::Person(Some(alert)) => {
            let ahead = length(g.incident.declared.elapsed(&alert.occurred));
            let cites = [g.incident.seq, alert.seq];
            items.push(Sentence::new(format!("People declared {ahead} before the first alert"), cites));
            actions.push(Sentence::new("Make the alert as early as people were", cites));
        }
        First::Alert(alert) => {
            if let Some(onset) = g.mark(Moment::Onset) {
                let blind = onset.at.elapsed(&alert.occurred);
                if blind > Span::ZERO {
                    items.push(Sentence::new(
                        format!("Nothing was reported in the first {} of impact", length(blind)),
                        [onset.seq, alert.seq],
                    ));
                    actions.push(Sentence::new(
                        format!("Judge whether {} until the first report is soon enough", length(blind)),
                        [onset.seq, alert.seq],
                    ));
                }
            }
        }
    }
    for event in &g.own {
        if let Fact::Watch(WatchFact::Blind { panel, why }) = &event.fact {
            let name = code(panel);
            items.push(Sentence::new(
                format!("{name} had no data while recovery was waited for: {}", clipped(why, 160)),
                [event.seq],
            ));
            actions.push(Sentence::new(format!("Keep {name} alive through an incident"), [event.seq]));
        }
    }
    if let (Some(onset), Some(good)) = (g.mark(Moment::Onset), &g.incident.clocks.recovered) {
        for chart in charts.iter().filter(|chart| chart.green_between(onset.at.wall, good.at.wall)) {
            let name = code(&chart.panel.name);
            let cites = [onset.seq, good.seq];
            items.push(Sentence::new(
                format!("{name} stayed within its threshold through all of the impact"),
                cites,
            ));
            actions.push(Sentence::new(format!("Ask whether the threshold of {name} says anything"), cites));
        }
    }
    if items.is_empty() {
        out.fact(Sentence::absent("No gap follows from the events", g.range));
    }
    out.list(items);
    (out, actions)
}

/// Changes to runbooks, from where people had to leave them.
pub(super) fn runbooks(g: &Gathered<'_>) -> (Section, Vec<Sentence>) {
    let mut out = Section::new("runbook-changes", "Runbook changes");
    let (mut items, mut actions) = (Vec::new(), Vec::new());
    for one in own(g) {
        let wrong = one.reason.as_ref().is_some_and(|reason| reason.code == ReasonCode::RunbookWrong);
        let words = match (wrong, one.what.kind) {
            (true, _) => "the runbook was called wrong",
            (_, DeviationKind::Edit) => "its code was edited before it ran",
            (_, DeviationKind::Override) => "a failed check was passed over",
            (_, DeviationKind::Manual) => "it was done by hand",
            (_, DeviationKind::Timeout) => "it did not end within its time limit",
            (_, DeviationKind::RetryBeyondLimit) => "it took more tries than prescribed",
            (_, DeviationKind::UnlistedAction) => "something was done that stands in no runbook",
            _ => continue,
        };
        let cites: Vec<Seq> = std::iter::once(one.seq).chain(reasoned(g, one.id)).collect();
        let Some(place) = place(g, one) else {
            let did = clipped(&one.what.actual, 160);
            items
                .push(Sentence::new(format!("Outside a step, {words}: “{did}” ({})", one.id), cites.clone()));
            actions.push(Sentence::new(format!("Write down where “{did}” belongs ({})", one.id), cites));
            continue;
        };
        items.push(Sentence::new(format!("Step {place}: {words} ({})", one.id), cites.clone()));
        actions.push(Sentence::new(format!("Revise step {place} ({})", one.id), cites));
    }
    if items.is_empty() {
        out.fact(Sentence::absent("No change to a runbook follows from the events", g.range));
    }
    out.list(items);
    (out, actions)
}

/// Tasks that are open, what was proposed above, and the question which of it is taken.
pub(super) fn actions(g: &Gathered<'_>, proposed: Vec<Sentence>) -> Section {
    let mut out = Section::new("actions", "Actions");
    let open = g.incident.tasks.values().filter(|task| task.done.is_none());
    let mut items: Vec<Sentence> = open
        .map(|task| {
            let text = clipped(&task.text, 300);
            Sentence::new(
                format!(
                    "Open task {} of {}: “{text}”",
                    task.id,
                    inline(task.owner.as_deref().unwrap_or("nobody"))
                ),
                [task.seq],
            )
        })
        .collect();
    items.extend(proposed.into_iter().map(|one| Sentence { text: format!("Proposed: {}", one.text), ..one }));
    if !items.is_empty() {
        out.pieces.push(Piece::Tasks { items });
    }
    out.ask(
        g,
        "actions",
        "commander",
        "Which actions are taken, who owns each, and by when? Name a ticket where there is one.",
    );
    out
}

/// What the events leave open.
pub(super) fn questions(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("open-questions", "Open questions");
    let mut items = Vec::new();
    for one in Moment::ALL.into_iter().filter(|one| g.mark(*one).is_none()) {
        items.push(Sentence::absent(format!("No event says when “{}” was", one.word()), g.range));
    }
    for (event, fact) in g.incident_facts() {
        if let IncidentFact::Corrected { moment: what, from, at, reason, .. } = fact {
            let from = from.map_or_else(|| "nothing".into(), moment);
            items.push(Sentence::new(
                format!(
                    "“{}” was corrected from {from} to {}: “{}”",
                    what.word(),
                    moment(at.wall),
                    clipped(reason, 300)
                ),
                [event.seq],
            ));
        }
    }
    for walk in g.state.walks.values().filter(|walk| walk.incident == Some(g.incident.id)) {
        if walk.ended.is_none() {
            items.push(Sentence::new(format!("{} was begun and has not ended", walk.id), [walk.seq]));
        }
        for (slug, _) in walk.steps.iter().filter(|(_, step)| step.status == StepStatus::Unknown) {
            let lost = g.own.iter().rev().find(
                |event| matches!(&event.fact, Fact::Walk(WalkFact::Lost { walk: id, step, .. }) if *id == walk.id && step == slug),
            );
            items.push(Sentence::new(
                format!("How far did “{}” of {} come?", clipped(&g.step_title(walk.id, slug), 120), walk.id),
                [lost.map_or(walk.seq, |event| event.seq)],
            ));
        }
    }
    for freeze in g.state.freezes.values().filter(|one| one.incident == Some(g.incident.id) && one.holds()) {
        items.push(Sentence::new(format!("{} still holds; is it still wanted?", freeze.id), [freeze.seq]));
    }
    let owed: Vec<Seq> = own(g).filter(|one| one.owed()).map(|one| one.seq).collect();
    if !owed.is_empty() {
        items.push(Sentence::new(format!("Reasons owed for deviations: {}", owed.len()), owed));
    }
    out.list(items);
    out.ask(g, "open-questions", "everyone", "What is still not understood? “None” is an answer.");
    out
}

/// Who held which role.
pub(super) fn roles(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("roles", "Roles");
    let mut items = Vec::new();
    for (event, fact) in g.incident_facts() {
        let text = match fact {
            IncidentFact::RoleTaken { role, who, .. } => format!("{}: {}", inline(role), inline(who)),
            IncidentFact::RoleLeft { role, who, .. } => format!("{}: {} left", inline(role), inline(who)),
            _ => continue,
        };
        items.push(Sentence::new(format!("{text}, from {}", moment(event.occurred.wall)), [event.seq]));
    }
    if let (Some(row), Some(policy)) = (g.state.policy.severities.get(&g.incident.severity), g.policy) {
        for role in row.roles.iter().filter(|role| !g.incident.roles.contains_key(*role)) {
            items.push(Sentence::new(
                format!("{}: nobody at the end, though {} asks for one", inline(role), g.incident.severity),
                [policy],
            ));
        }
    }
    if items.is_empty() {
        out.fact(Sentence::absent("Nobody took a role", g.range));
    }
    out.list(items);
    out
}
