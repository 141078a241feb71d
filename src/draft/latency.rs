//! The moments of the incident and the latencies between them, each with two events, or "no event".

use super::{Table, escape::inline, front::length, gather::Gathered, tell::moment};
use crate::domain::{
    clock::{Mark, Moment},
    time::Span,
};

const NONE: &str = "no event";

/// What is known of each moment.
pub(super) fn moments(g: &Gathered<'_>) -> Table {
    let mut table = Table::new(["moment", "UTC", "event", "what says so"]);
    for one in Moment::ALL {
        let cites: Vec<String> = g.cites(one).iter().map(|seq| format!("#{seq}")).collect();
        let why = g.why.get(&one).map(|why| inline(why)).unwrap_or_default();
        // The fold marks `verified` itself when recovery has held; there is no reason beside it.
        let why = if one == Moment::Verified && why.is_empty() { "recovery held".into() } else { why };
        match g.mark(one) {
            Some(mark) => {
                table.row([one.word().into(), moment(mark.at.wall), cites.join(", "), why]);
            }
            None => table.row([one.word().into(), "–".into(), NONE.into(), String::new()]),
        }
    }
    table
}

/// Each moment from the one before it, then impact as a whole.
pub(super) fn latencies(g: &Gathered<'_>) -> Table {
    let mut table = Table::new(["from → to", "took", "events"]);
    for (from, to) in Moment::ALL.iter().zip(Moment::ALL.iter().skip(1)) {
        let (took, events) = between(g.mark(*from), g.mark(*to));
        table.row([format!("{} → {}", from.word(), to.word()), took, events]);
    }
    let clocks = &g.incident.clocks;
    let (took, events) = between(g.mark(Moment::Onset), clocks.recovered.as_ref());
    table.row(["onset → recovered".into(), took, events]);
    table
}

fn between(from: Option<&Mark>, to: Option<&Mark>) -> (String, String) {
    let (Some(from), Some(to)) = (from, to) else { return ("–".into(), NONE.into()) };
    let events = format!("#{}, #{}", from.seq, to.seq);
    if to.at.wall < from.at.wall {
        let early = Span::between(to.at.wall, from.at.wall);
        return (format!("{} earlier", length(early)), events);
    }
    (length(from.at.elapsed(&to.at)), events)
}
