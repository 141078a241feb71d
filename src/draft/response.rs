//! Response and recovery: what was decided and done, and how it came back.

use super::{
    Section, Sentence, Table,
    escape::{clipped, code, inline},
    gather::Gathered,
    tell::{ended, moment, tell},
};
use crate::domain::{
    Fact, Seq,
    decision::DecisionFact,
    freeze::Hold,
    incident::IncidentFact,
    release::ReleaseFact,
    walk::{StepStatus, Walk, WalkFact},
    watch::WatchFact,
};

pub(super) fn response(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("response", "Response");
    let mut items = Vec::new();
    for event in &g.own {
        let told = matches!(
            &event.fact,
            Fact::Decision(DecisionFact::Made { .. })
                | Fact::Walk(
                    WalkFact::Approved { .. } | WalkFact::Rejected { .. } | WalkFact::TakenOver { .. }
                )
                | Fact::Incident(IncidentFact::SeverityChanged { .. })
        );
        if told && let Some((_, line)) = tell(event, g) {
            let who = inline(&event.actor.name);
            items.push(Sentence::new(format!("{}, {who}: {line}", g.at(event.occurred.wall)), [event.seq]));
        }
    }
    items.extend(freezes(g));
    if items.is_empty() {
        items.push(Sentence::absent("No decision, approval or freeze was recorded", g.range));
    }
    out.list(items);
    for walk in g.state.walks.values().filter(|walk| walk.incident == Some(g.incident.id)) {
        walked(&mut out, walk, g);
    }
    out
}

fn freezes(g: &Gathered<'_>) -> Vec<Sentence> {
    let own = g.state.freezes.values().filter(|freeze| freeze.incident == Some(g.incident.id));
    own.map(|freeze| {
        let mut events = vec![freeze.seq];
        for event in &g.own {
            let hit = match &event.fact {
                Fact::Freeze(fact) => fact.freeze() == freeze.id,
                Fact::Gate(crate::domain::gate::GateFact::Refused { freeze: by, .. }) => {
                    *by == Some(freeze.id)
                }
                _ => false,
            };
            if hit {
                events.push(event.seq);
            }
        }
        let end = match (&freeze.hold, &freeze.over) {
            (Hold::Lifted, Some(at)) => format!("was lifted at {}", moment(at.wall)),
            (Hold::Expired, Some(at)) => format!("expired at {}", moment(at.wall)),
            _ => format!("still held, its lease ending at {}", moment(freeze.ends.wall)),
        };
        let counts = format!("{} refused, {} let pass by exemption", freeze.refused, freeze.passed);
        Sentence::new(
            format!(
                "{} froze {} from {} and {end}; {counts}",
                freeze.id,
                code(&freeze.scope.label()),
                moment(freeze.began.wall)
            ),
            events,
        )
    })
    .collect()
}

/// One walk with what became of each step on its way.
fn walked(out: &mut Section, walk: &Walk, g: &Gathered<'_>) {
    let end = match &walk.ended {
        Some(end) if end.complete => format!("complete at {}", moment(end.at.wall)),
        Some(end) => format!("abandoned at {}", moment(end.at.wall)),
        None => "not ended".into(),
    };
    let facts = |wanted: fn(&WalkFact) -> bool| {
        g.own
            .iter()
            .filter(move |event| matches!(&event.fact, Fact::Walk(fact) if fact.walk() == walk.id && wanted(fact)))
            .map(|event| event.seq)
    };
    let mut cites: Vec<Seq> = vec![walk.seq];
    cites.extend(facts(|fact| matches!(fact, WalkFact::Finished { .. })));
    out.fact(Sentence::new(
        format!(
            "{} walked the runbook “{}” (`{}`), begun by {} at {}, {end}",
            walk.id,
            inline(&walk.runbook.title),
            walk.runbook.hash.short(),
            inline(&walk.by),
            moment(walk.started.wall)
        ),
        cites,
    ));
    let mut table = Table::new(["UTC", "event", "who", "how it ended", "step"]);
    for step in walk.way() {
        let state = walk.state(&step.id);
        let title = clipped(&walk.title(step), 120);
        match (&state.done, state.status) {
            (Some(done), _) => {
                let how = ended(&done.how, &done.seen);
                table.row([g.at(done.at.wall), format!("#{}", done.seq), inline(&done.by), how, title]);
            }
            (None, status) => {
                let (word, seq) = match status {
                    StepStatus::Failed => ("failed", last_of(g, walk, &step.id)),
                    StepStatus::Unknown => ("**unknown how far it came**", last_of(g, walk, &step.id)),
                    StepStatus::Lent => ("running", last_of(g, walk, &step.id)),
                    StepStatus::Todo | StepStatus::Done => ("not done", None),
                };
                let seq = seq.map_or_else(|| "no event".into(), |seq| format!("#{seq}"));
                table.row(["–".into(), seq, "–".into(), word.into(), title]);
            }
        }
    }
    out.table(&table);
}

fn last_of(g: &Gathered<'_>, walk: &Walk, slug: &str) -> Option<Seq> {
    let hit = |event: &&&crate::domain::Event| match &event.fact {
        Fact::Walk(
            WalkFact::StepFailed { walk: id, step, .. }
            | WalkFact::Lost { walk: id, step, .. }
            | WalkFact::Lent { walk: id, step, .. },
        ) => *id == walk.id && step == slug,
        _ => false,
    };
    g.own.iter().rev().find(hit).map(|event| event.seq)
}

pub(super) fn recovery(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("recovery", "Recovery");
    let mut items = Vec::new();
    for event in g.own.iter().filter(|event| event.seq >= g.incident.seq) {
        let told = matches!(
            &event.fact,
            Fact::Release(ReleaseFact::Switched { .. })
                | Fact::Watch(WatchFact::Cleared { .. })
                | Fact::Incident(
                    IncidentFact::RecoveryBegan { .. }
                        | IncidentFact::RecoveryLost { .. }
                        | IncidentFact::Recovered { .. }
                )
        );
        if told
            && items.len() < 60
            && let Some((_, line)) = tell(event, g)
        {
            items.push(Sentence::new(format!("{}: {line}", g.at(event.occurred.wall)), [event.seq]));
        }
    }
    if g.incident.clocks.recovered.is_none() {
        items.push(Sentence::absent("No event says that recovery held", g.range));
    }
    out.list(items);
    out
}
