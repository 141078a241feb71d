//! The timeline: every event that tells something, bounded by what a forge still renders.

use super::{
    Section, Sentence, Table,
    escape::inline,
    gather::Gathered,
    tell::{Weight, tell},
};
use crate::domain::{
    Event, Fact, gate::GateFact, jump::Jumps, release::ReleaseFact, tell as words, watch::WatchFact,
};

/// The most rows. What has no room is still in the journal beside the draft.
const ROWS: usize = 500;

pub(super) fn timeline(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("timeline", "Timeline");
    let chosen = choose(g);
    if let (true, Some((first, _))) = (g.one_day, chosen.first()) {
        let day = first.occurred.wall.date_naive();
        let ends = chosen.first().into_iter().chain(chosen.last()).map(|(event, _)| event.seq);
        out.fact(Sentence::new(format!("All times are UTC on {day}; ★ marks what somebody starred"), ends));
    }
    let mut jumps = Jumps::default();
    let mut before = None;
    for event in &g.own {
        if let Some(jump) = jumps.note(event) {
            let at = before.into_iter().chain([event.seq]);
            out.fact(Sentence::new(format!("Before #{} {jump}", event.seq), at));
        }
        before = Some(event.seq);
    }
    let told = g.own.iter().filter(|event| weigh(event, g).is_some()).count();
    if told > chosen.len() {
        let ends = g.own.first().into_iter().chain(g.own.last()).map(|event| event.seq);
        out.fact(Sentence::new(
            format!(
                "{} of {told} entries are shown, the weightiest; `journal.jsonl` beside this file has all",
                chosen.len()
            ),
            ends,
        ));
    }
    let mut table = Table::new(["UTC", "event", "who", "what"]);
    for (event, line) in chosen {
        let at = event.occurred.wall;
        let star = if g.incident.stars.contains(&event.seq) { "★ " } else { "" };
        table.row([g.at(at), format!("#{}", event.seq), inline(&words::who(event)), format!("{star}{line}")]);
    }
    out.table(&table);
    out
}

/// The lines that have room, in the order in which they happened.
fn choose<'a>(g: &Gathered<'a>) -> Vec<(&'a Event, String)> {
    let mut weighed: Vec<(Weight, usize, &'a Event)> = g
        .own
        .iter()
        .enumerate()
        .filter_map(|(at, event)| weigh(event, g).map(|weight| (weight, at, *event)))
        .collect();
    if weighed.len() > ROWS {
        weighed.sort_by_key(|(weight, at, _)| (*weight, *at));
        weighed.truncate(ROWS);
    }
    weighed.sort_by_key(|(_, at, event)| (event.occurred.wall, *at));
    weighed.iter().filter_map(|(_, _, event)| tell(event, g).map(|(_, line)| (*event, line))).collect()
}

/// The weight without the words, so that a hundred thousand events are cheap.
fn weigh(event: &Event, g: &Gathered<'_>) -> Option<Weight> {
    if g.incident.stars.contains(&event.seq) {
        return Some(Weight::Turn);
    }
    match &event.fact {
        Fact::Note(crate::domain::note::NoteFact::Starred { .. }) => None,
        Fact::Note(_) | Fact::Gate(GateFact::Refused { .. }) | Fact::Release(ReleaseFact::Judged { .. }) => {
            Some(Weight::Plain)
        }
        Fact::Watch(WatchFact::Cleared { .. } | WatchFact::Blind { .. }) => Some(Weight::Plain),
        _ => tell(event, g).map(|(weight, _)| weight),
    }
}
