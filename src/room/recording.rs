//! What is kept of signals while an incident is open: the series on screen and the lines that matter, bounded, as
//! evidence. The journal names its digest.

use crate::{
    domain::{
        Command, Event, Fact,
        id::{Digest, IncidentId},
        incident::{IncidentFact, Status},
        note::NoteCommand,
        time::{Span, Stamp},
    },
    signal::{Level, Line, Live, Recording, live::POINTS},
};

/// A recording is made this often while an incident is open, and whenever something [`worth`] one happens.
pub const EVERY: Span = Span::mins(5);
/// Lines of a recording at most.
const LINES: usize = 500;

/// Bytes of a recording at most, well within what one piece of evidence may have.
const BYTES: usize = 4 * 1024 * 1024;

/// Whether an event is worth a recording of its own.
pub fn worth(event: &Event) -> bool {
    matches!(
        &event.fact,
        Fact::Incident(
            IncidentFact::Declared { .. }
                | IncidentFact::Recovered { .. }
                | IncidentFact::StatusChanged { to: Status::Resolved, .. }
        )
    )
}

/// A recording as text, at most [`BYTES`] long: where it would be more, the oldest points give way.
pub fn make(live: &Live, now: &Stamp) -> String {
    let mut bytes = 0;
    let bad = live.lines.iter().rev().filter(|line| line.level >= Level::Warn).take(LINES);
    let mut lines: Vec<Line> = bad
        .take_while(|line| {
            bytes += line.size();
            bytes <= BYTES / 4
        })
        .cloned()
        .collect();
    lines.reverse();
    let mut recording = Recording {
        at: now.wall,
        panels: live.panels.clone(),
        lines,
        probes: live.probes.values().cloned().collect(),
    };
    let mut keep = POINTS;
    loop {
        // On lines of its own each, for text that is shown is cut at long lines.
        let text = serde_json::to_string_pretty(&recording).unwrap_or_default();
        if text.len() <= BYTES || keep == 0 {
            return text;
        }
        keep /= 2;
        for view in &mut recording.panels {
            let over = view.points.len().saturating_sub(keep);
            view.points.drain(..over);
        }
    }
}

/// How many points it holds.
pub fn points(live: &Live) -> usize {
    live.panels.iter().map(|view| view.points.len()).sum()
}

/// The command that names it.
pub fn pin(incident: IncidentId, digest: Digest, points: usize) -> Command {
    Command::Note(NoteCommand::Pin {
        incident: Some(incident),
        what: "recording".into(),
        text: format!("what the screen showed, {points} points"),
        evidence: Some(digest),
        about: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{Delta, Direction, Panel, PanelView, Point, Unit};

    fn panel(n: usize) -> PanelView {
        let panel = Panel {
            name: format!("p{n}"),
            source: String::new(),
            query: "up".into(),
            unit: Unit::Count,
            bad: Direction::Up,
            threshold: None,
            hold: None,
            service: None,
        };
        let points = (0..1_800).map(|t| Point { t, v: 0.123_456_789 }).collect();
        PanelView { source: "s".into(), points, baseline: None, bad_since: None, panel }
    }

    #[test]
    fn whatever_is_on_screen_a_recording_fits_and_keeps_the_newest() {
        let now = crate::os::clock::now();
        let line = |n| Line {
            n,
            at: now.wall,
            level: Level::Error,
            text: "\"".repeat(60_000),
            fields: Vec::new(),
            source: "a".into(),
        };
        let mut live = Live { panels: (0..100).map(panel).collect(), ..Live::default() };
        live.apply(&Delta { lines: (0..600).map(line).collect(), ..Delta::default() });
        let text = make(&live, &now);
        assert!(text.len() <= BYTES, "{}", text.len());
        let read: Recording = serde_json::from_str(&text).unwrap();
        assert_eq!(read.panels.len(), 100);
        assert!(read.panels.iter().all(|view| view.points.last().is_some_and(|point| point.t == 1_799)));
        assert_eq!(read.lines.last().map(|line| line.n), Some(599));
    }
}
