//! From events to a draft: which sections there are, and in which order.

use super::{
    Chart, Draft, Extra, Piece, Range, Section, Sentence, candidates, coordination, deviations, front, gaps,
    gather::Gathered, overview, response, tell::moment, timeline,
};
use crate::domain::{Event, Refusal, id::IncidentId, refusal::Code, time::Wall};

/// What the review does with its hour. Fixed words: they state no fact.
const AGENDA: &str = "\
| minutes | what                                                        |
|---------|-------------------------------------------------------------|
| 5       | Read this draft, everybody for themselves                   |
| 10      | Correct the timeline; corrections are events, not edits     |
| 15      | Contributing factors: what made it possible, not who did it |
| 10      | What went well, what went badly, where we got lucky         |
| 5       | Deviations and runbook changes                              |
| 10      | Actions: few, each with an owner and a date                 |
| 5       | Open questions, and who takes them                          |";

/// Makes the draft of an incident from the journal's events, in their order.
///
/// `now` is when it is made: what has not ended is measured until then.
///
/// # Errors
/// `Unknown` where the events know no such incident, `Invalid` where there are none.
pub fn build(events: &[Event], incident: IncidentId, now: Wall, extra: &Extra) -> Result<Draft, Refusal> {
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return Err(Refusal::new(Code::Invalid, "the journal has no events yet")
            .hint("declare an incident first: warroom declare"));
    };
    let range = Range { first: first.seq, last: last.seq, count: events.len(), head: last.hash };
    let g = Gathered::new(events, incident, now)?;
    let charts: Vec<Chart> = Chart::draw_all(&extra.charts, &g);
    let mut impact = overview::impact(&g);
    for chart in &charts {
        impact.pieces.push(Piece::Image { alt: chart.alt.clone(), path: chart.path.clone() });
    }
    let (monitoring, mut proposed) = gaps::monitoring(&g, &extra.charts);
    let (runbooks, more) = gaps::runbooks(&g);
    proposed.extend(more);
    let sections = vec![
        overview::summary(&g),
        impact,
        overview::detection(&g),
        response::response(&g),
        coordination::coordination(&g),
        response::recovery(&g),
        factors(&g),
        timeline::timeline(&g),
        deviations::deviations(&g),
        candidates::well(&g),
        candidates::badly(&g),
        lucky(&g),
        gaps::actions(&g, proposed),
        monitoring,
        runbooks,
        gaps::questions(&g),
        gaps::roles(&g),
        review(&g),
    ];
    Ok(Draft {
        incident,
        declared: g.incident.seq,
        front: front::front(&g, range),
        sections,
        charts,
        range,
        generated: now,
    })
}

fn factors(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("contributing-factors", "Contributing factors");
    out.ask(
        g,
        "root-cause",
        "commander",
        "What made it possible: in the change, in the system, in how it was tested and rolled out? Events say what came before what, not why.",
    );
    out
}

fn lucky(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("lucky", "Where we got lucky");
    out.ask(g, "lucky", "everyone", "What could as well have gone worse, and did not by chance?");
    out
}

fn review(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("review", "Review");
    match (&g.incident.review_due, resolve_event(g)) {
        (Some(due), Some(seq)) => {
            out.fact(Sentence::new(format!("The blameless review is due by {}", moment(due.wall)), [seq]));
        }
        _ => out.fact(Sentence::absent("The review clock starts when the incident is resolved", g.range)),
    }
    out.pieces.push(Piece::Words { markdown: AGENDA });
    out
}

fn resolve_event(g: &Gathered<'_>) -> Option<u64> {
    use crate::domain::incident::{IncidentFact, Status};
    let hit = |fact: &IncidentFact| matches!(fact, IncidentFact::StatusChanged { to: Status::Resolved, .. });
    g.incident_facts().filter(|(_, fact)| hit(fact)).map(|(event, _)| event.seq).last()
}
