//! Deviations from procedure: what was prescribed, what was done, and why.

use super::{
    Piece, Section, Sentence,
    escape::{clipped, code, fence, inline},
    gather::Gathered,
    tell::moment,
};
use crate::domain::{
    Fact, Seq,
    deviation::{Deviation, DeviationFact, DeviationKind},
    id::DeviationId,
};

/// Deviations of the incident, in their order.
pub(super) fn own<'a>(g: &'a Gathered<'_>) -> impl Iterator<Item = &'a Deviation> {
    g.state.deviations.values().filter(|one| one.incident == Some(g.incident.id))
}

/// The event in which the reason was given, the newest.
pub(super) fn reasoned(g: &Gathered<'_>, id: DeviationId) -> Option<Seq> {
    let hit = |event: &&&crate::domain::Event| matches!(&event.fact, Fact::Deviation(DeviationFact::Reasoned { deviation, .. }) if *deviation == id);
    g.own.iter().rev().find(hit).map(|event| event.seq)
}

/// The step a deviation was on, in words.
pub(super) fn place(g: &Gathered<'_>, one: &Deviation) -> Option<String> {
    let (walk, step) = (one.what.walk?, one.what.step.as_deref()?);
    let title = clipped(&g.step_title(walk, step), 120);
    Some(format!("“{title}” of “{}”", inline(&g.runbook_title(walk))))
}

pub(super) fn deviations(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("deviations", "Deviations from procedure");
    for one in own(g) {
        let place = place(g, one).map_or_else(String::new, |place| format!(", step {place}"));
        out.pieces.push(Piece::Heading {
            sentence: Sentence::new(format!("{}: {}{place}", one.id, one.what.kind.word()), [one.seq]),
        });
        let host =
            if one.what.host.is_empty() { String::new() } else { format!(" on {}", code(&one.what.host)) };
        let announced = if one.what.planned { "announced before" } else { "not announced before" };
        let mut items = vec![Sentence::new(
            format!(
                "At {} by {}{host}, {announced}, authorised by {}",
                moment(one.at.wall),
                inline(&one.author),
                inline(&one.what.authorised_by)
            ),
            [one.seq],
        )];
        items.push(Sentence::new(format!("Prescribed: {}", clipped(&one.what.expected, 400)), [one.seq]));
        let edit = one.what.kind == DeviationKind::Edit;
        let actual = if edit { "edited, see below".into() } else { clipped(&one.what.actual, 600) };
        items.push(Sentence::new(format!("Done: {actual}"), [one.seq]));
        if let Some(reason) = &one.reason {
            let words = if reason.text.is_empty() {
                String::new()
            } else {
                format!(": “{}”", clipped(&reason.text, 600))
            };
            items.push(Sentence::new(
                format!("Reason, by {}: {}{words}", inline(&reason.by), reason.code.words()),
                [reasoned(g, one.id).unwrap_or(one.seq)],
            ));
        }
        out.list(items);
        if edit {
            let diff = one.what.actual.strip_prefix("edited:\n").unwrap_or(&one.what.actual);
            out.pieces.push(Piece::Code { markdown: fence("diff", diff) });
        }
        if one.owed() {
            let key = format!("reason-{}", one.id.to_string().to_lowercase());
            let question =
                format!("Why was it done so? The reason for {} is owed by {}.", one.id, inline(&one.author));
            out.ask(g, &key, "author", &question);
        }
    }
    if out.pieces.is_empty() {
        out.fact(Sentence::absent("No deviation was recorded", g.range));
    }
    out
}
