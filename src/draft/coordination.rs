//! How people worked together: what they reported, proposed and objected to, and who had which task.

use super::{
    Section, Sentence, Table,
    escape::{clipped, inline},
    front::length,
    gather::Gathered,
    tell::tell,
};
use crate::domain::{Fact, decision::DecisionFact, task::Task};

/// Lines told at most; the journal beside the draft has all of them.
const MOST: usize = 40;

pub(super) fn coordination(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("coordination", "Coordination");
    let mut items = Vec::new();
    let told = |fact: &Fact| match fact {
        Fact::Report(_) => true,
        // What was decided stands in the response.
        Fact::Decision(fact) => !matches!(fact, DecisionFact::Made { .. }),
        _ => false,
    };
    for event in g.own.iter().filter(|event| told(&event.fact)) {
        if let Some((_, line)) = tell(event, g) {
            let who = inline(&event.actor.name);
            items.push(Sentence::new(format!("{}, {who}: {line}", g.at(event.occurred.wall)), [event.seq]));
        }
    }
    let rest = items.split_off(items.len().min(MOST));
    if let (Some(first), Some(last)) = (rest.first(), rest.last()) {
        let cites = [first, last].into_iter().flat_map(|one| match &one.cites {
            super::Cites::These(events) => events.clone(),
            super::Cites::All(first, last) => vec![*first, *last],
        });
        items.push(Sentence::new(format!("… and {} more", rest.len()), cites));
    }
    let mut table = Table::new(["task", "event", "owner", "time", "how it ended", "what"]);
    for task in g.incident.tasks.values() {
        let owner = task.owner.as_ref().map_or_else(|| "nobody".into(), |owner| inline(owner));
        let time = task.within.map_or_else(|| "–".into(), length);
        table.row([
            task.id.to_string(),
            format!("#{}", task.seq),
            owner,
            time,
            ended(g, task),
            clipped(&task.text, 120),
        ]);
    }
    if items.is_empty() && table.is_empty() {
        out.fact(Sentence::absent(
            "No task was given, nothing was reported and nothing was proposed",
            g.range,
        ));
    }
    out.list(items);
    out.table(&table);
    out
}

fn ended(g: &Gathered<'_>, task: &Task) -> String {
    let over = if task.over.is_some() { ", over its time" } else { "" };
    match &task.done {
        Some((at, result)) => format!("done {}{over}: {}", g.at(at.wall), clipped(result, 120)),
        None if task.waits_for_an_owner() => "not done, nobody had it".into(),
        None if task.waits_for_acknowledgement() => format!("not done, not acknowledged{over}"),
        None => format!("not done{over}"),
    }
}
