//! What went well and what went badly, as candidates: each only where a fact says so. The judgement is the review's.

use super::{
    Section, Sentence,
    deviations::own,
    escape::{clipped, code, inline},
    front::length,
    gather::Gathered,
    overview::{First, first_seen},
    tell::change,
};
use crate::domain::{
    Event, Fact, Seq,
    board::BoardFact,
    clock::{ImpactState, Moment},
    deviation::DeviationKind,
    freeze::FreezeFact,
    gate::GateFact,
    incident::IncidentFact,
    task::TaskFact,
    walk::{BlockResult, WalkFact},
};

fn events<'a>(g: &'a Gathered<'_>, wanted: fn(&Fact) -> bool) -> impl Iterator<Item = &'a Event> {
    g.own.iter().copied().filter(move |event| wanted(&event.fact))
}

pub(super) fn well(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("went-well", "What went well");
    let mut items = Vec::new();
    if let (First::Alert(alert), Some(onset)) = (first_seen(g), g.mark(Moment::Onset)) {
        let after = length(onset.at.elapsed(&alert.occurred));
        items.push(Sentence::new(
            format!("A signal reported it {after} after onset, before anybody declared"),
            [onset.seq, alert.seq],
        ));
    }
    for event in events(g, |fact| matches!(fact, Fact::Freeze(FreezeFact::Proved { .. }))) {
        if let Fact::Freeze(FreezeFact::Proved { freeze, how }) = &event.fact {
            items.push(Sentence::new(format!("{freeze} was proved: {}", inline(how)), [event.seq]));
        }
    }
    for freeze in
        g.state.freezes.values().filter(|one| one.incident == Some(g.incident.id) && one.refused > 0)
    {
        let refusals: Vec<(Seq, String)> = g
            .own
            .iter()
            .filter_map(|event| match &event.fact {
                Fact::Gate(GateFact::Refused { request, freeze: Some(by), .. }) if *by == freeze.id => {
                    Some((event.seq, change(request)))
                }
                _ => None,
            })
            .collect();
        if let Some((_, first)) = refusals.first() {
            let times = if freeze.refused == 1 { "once".into() } else { format!("{} times", freeze.refused) };
            items.push(Sentence::new(
                format!(
                    "{} kept changes out: {first} was the first of what was refused, {times} in all",
                    freeze.id
                ),
                std::iter::once(freeze.seq).chain(refusals.iter().map(|(seq, _)| *seq)),
            ));
        }
    }
    for walk in g.state.walks.values().filter(|walk| walk.incident == Some(g.incident.id)) {
        let complete = walk.ended.as_ref().is_some_and(|end| end.complete);
        if complete && !own(g).any(|one| one.what.walk == Some(walk.id)) {
            let ends = g.own.iter().filter(
                |event| matches!(&event.fact, Fact::Walk(WalkFact::Finished { walk: id, .. }) if *id == walk.id),
            );
            items.push(Sentence::new(
                format!("“{}” was walked to its end without a deviation", inline(&walk.runbook.title)),
                std::iter::once(walk.seq).chain(ends.map(|event| event.seq)),
            ));
        }
    }
    for event in events(g, |fact| matches!(fact, Fact::Walk(WalkFact::Approved { glass: false, .. }))) {
        if let Fact::Walk(WalkFact::Approved { walk, step, .. }) = &event.fact {
            let title = clipped(&g.step_title(*walk, step), 120);
            items.push(Sentence::new(
                format!("“{title}” was approved by a second person, {}", inline(&event.actor.name)),
                [event.seq],
            ));
        }
    }
    let impact = g.impact();
    if impact.state == ImpactState::Final && impact.time <= g.incident.clocks.target {
        let (time, target) = (length(impact.time), length(g.incident.clocks.target));
        items.push(Sentence::new(format!("Impact ended after {time}, within {target}"), g.impact_cites()));
    }
    let updates: Vec<Seq> = events(g, |fact| matches!(fact, Fact::Board(BoardFact::Updated { .. })))
        .map(|event| event.seq)
        .collect();
    if !updates.is_empty() && g.late.is_empty() {
        items.push(Sentence::new(
            format!("No update that was sent came late; {} in all", updates.len()),
            updates,
        ));
    }
    candidates(&mut out, items, g, "well");
    out.ask(g, "went-well", "everyone", "Which of these are worth keeping, and what else went well?");
    out
}

pub(super) fn badly(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("went-badly", "What went badly");
    let mut items = Vec::new();
    let impact = g.impact();
    if impact.time > g.incident.clocks.target {
        let breach = g.incident.clocks.breached.as_ref().map(|mark| mark.seq);
        let (time, target) = (length(impact.time), length(g.incident.clocks.target));
        let text = match impact.state {
            ImpactState::Running => format!("Impact went beyond its target of {target} and was not over"),
            _ => format!("Impact took {time}, beyond its target of {target}"),
        };
        items.push(Sentence::new(text, g.impact_cites().into_iter().chain(breach)));
    }
    for (event, fact) in g.incident_facts() {
        match fact {
            IncidentFact::RecoveryLost { seen, .. } => {
                items.push(Sentence::new(format!("Recovery did not hold: {}", inline(seen)), [event.seq]));
            }
            IncidentFact::SeverityChanged { from, to, .. } if to < from => {
                let after = length(g.incident.declared.elapsed(&event.occurred));
                items.push(Sentence::new(
                    format!("It turned out worse than declared: {from} → {to} after {after}"),
                    [g.incident.seq, event.seq],
                ));
            }
            _ => {}
        }
    }
    items.extend(g.own.iter().filter_map(|event| badly_from(event, g)));
    for one in own(g).filter(|one| one.what.kind == DeviationKind::BrokenGlass) {
        items.push(Sentence::new(
            if one.what.walk.is_some() {
                format!("No second person approved; the glass was broken ({})", one.id)
            } else {
                format!("Nobody with the power was there; the glass was broken ({})", one.id)
            },
            [one.seq],
        ));
    }
    let left: Vec<_> = own(g).map(|one| (one.seq, format!("{} {}", one.id, one.what.kind.word()))).collect();
    if !left.is_empty() {
        let names: Vec<_> = left.iter().map(|(_, name)| name.as_str()).collect();
        items.push(Sentence::new(
            format!("The procedure was left: {}", names.join(", ")),
            left.iter().map(|(seq, _)| *seq),
        ));
    }
    for (late, seq) in &g.late {
        items.push(Sentence::new(format!("An update came {} after it was due", length(*late)), [*seq]));
    }
    candidates(&mut out, items, g, "badly");
    out.ask(
        g,
        "went-badly",
        "everyone",
        "Which of these mattered, and what else went badly? Systems and procedures, not people.",
    );
    out
}

fn badly_from(event: &Event, g: &Gathered<'_>) -> Option<Sentence> {
    let step = |walk, slug: &str| format!("“{}”", clipped(&g.step_title(walk, slug), 120));
    let text = match &event.fact {
        Fact::Walk(WalkFact::StepFailed { walk, step: slug, block, why }) => {
            format!("Step {} failed at {}: {}", step(*walk, slug), code(block), clipped(why, 160))
        }
        Fact::Walk(WalkFact::BlockEnded { walk, step: slug, done, .. })
            if done.result == BlockResult::TimedOut =>
        {
            let took = length(done.took);
            format!(
                "{} of {} was killed at its time limit after {took}",
                code(&done.block),
                step(*walk, slug)
            )
        }
        Fact::Walk(WalkFact::Lost { walk, step: slug, why, .. }) => {
            format!("The hand of step {} was lost: {}", step(*walk, slug), clipped(why, 160))
        }
        Fact::Task(TaskFact::Over { task, .. }) => {
            let known = g.incident.tasks.get(task)?;
            let box_ = known.within.map_or_else(String::new, |time| format!(" of {}", length(time)));
            format!("{task} “{}” was not done within its time{box_}", clipped(&known.text, 120))
        }
        Fact::Gate(GateFact::Overridden { request, reason }) => {
            format!("A {} went on against the gate: “{}”", change(request), clipped(reason, 160))
        }
        Fact::Freeze(FreezeFact::Expired { freeze }) => {
            let open = g.incident.resolved.as_ref().is_none_or(|at| event.occurred.wall < at.wall);
            if !open {
                return None;
            }
            format!("{freeze} ran out while the incident was open")
        }
        _ => return None,
    };
    Some(Sentence::new(text, [event.seq]))
}

fn candidates(out: &mut Section, mut items: Vec<Sentence>, g: &Gathered<'_>, word: &str) {
    const MOST: usize = 40;
    if items.is_empty() {
        out.fact(Sentence::absent(format!("No event by itself says what went {word}"), g.range));
        return;
    }
    let rest = items.split_off(items.len().min(MOST));
    if !rest.is_empty() {
        let cites = rest.iter().flat_map(|one| match &one.cites {
            super::Cites::These(events) => events.clone(),
            super::Cites::All(first, last) => vec![*first, *last],
        });
        items.push(Sentence::new(format!("… and {} more", rest.len()), cites));
    }
    out.list(items);
}
