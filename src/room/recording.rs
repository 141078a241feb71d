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
    signal::{Level, Line, Live, Recording},
};

/// A recording is made this often while an incident is open, and whenever something [`worth`] one happens.
pub const EVERY: Span = Span::mins(5);
/// Lines of a recording at most.
const LINES: usize = 500;

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

/// A recording as text.
pub fn make(live: &Live, now: &Stamp) -> String {
    let bad = live.lines.iter().rev().filter(|line| line.level >= Level::Warn).take(LINES);
    let mut lines: Vec<Line> = bad.cloned().collect();
    lines.reverse();
    let recording = Recording {
        at: now.wall,
        panels: live.panels.clone(),
        lines,
        probes: live.probes.values().cloned().collect(),
    };
    serde_json::to_string(&recording).unwrap_or_default()
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
