//! Words: notes, the board, pins, stars.

use crate::{
    domain::{
        Command, Seq,
        board::{BoardCommand, BoardLine},
        id::IncidentId,
        note::NoteCommand,
        time::Span,
    },
    seat::{
        command::Call,
        model::{
            Layer, Model, Pane, Tone,
            layer::{Act, Choice},
            lines,
        },
        update::Effect,
    },
};

/// The argument at `at`, empty where it is not there.
pub(super) fn arg(given: &[String], at: usize) -> &str {
    given.get(at).map_or("", String::as_str)
}

/// A command about the shown incident; its words are said when it is durable.
pub(super) fn on(model: &mut Model, make: impl FnOnce(IncidentId) -> Command, say: &str) -> Vec<Effect> {
    match model.incident_id() {
        Some(id) => model.act(make(id), say),
        None => Vec::new(),
    }
}

/// A note.
pub fn note(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let incident = model.incident_id();
    model.act(Command::Note(NoteCommand::Say { incident, text: arg(given, 0).into() }), "noted")
}

/// A length of time as given; nothing for nothing.
pub(super) fn span(model: &mut Model, text: &str) -> Result<Option<Span>, ()> {
    if text.trim().is_empty() || text.trim() == "-" {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|error: crate::domain::time::NotASpan| model.say(Tone::Wrong, error.to_string()))
}

/// Which line of the board.
pub fn board(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let choice = |key, name: &'static str, label: &str, detail: &str| Choice {
        key,
        label: label.into(),
        detail: detail.into(),
        act: Act::Call(Call::of(name)),
    };
    let choices = vec![
        choice('n', "now", "now", "what is the case"),
        choice('g', "goal", "goal", "what we want, by when"),
        choice('e', "else", "else", "what happens if not"),
        choice('u', "update", "update", "send an update to those inside"),
        choice('x', "external-update", "external", "send an update to those outside"),
        choice('p', "polled", "polled", "everybody was asked how it stands"),
        choice('z', "snooze", "snooze", "put the next update or poll off, with a reason"),
        choice('c', "cadence", "cadence", "how often updates and polls are owed"),
    ];
    model.layers.push(Layer::Pick {
        title: "Which line of the console, which clock?".into(),
        choices,
        at: 0,
    });
    Vec::new()
}

fn line(model: &mut Model, line: BoardLine, given: &[String]) -> Vec<Effect> {
    let text = arg(given, 0).to_owned();
    on(
        model,
        |incident| Command::Board(BoardCommand::Set { incident, line, text }),
        "it stands in the console",
    )
}

/// What is the case.
pub fn now(model: &mut Model, given: &[String]) -> Vec<Effect> {
    line(model, BoardLine::Now, given)
}

/// What we want.
pub fn goal(model: &mut Model, given: &[String]) -> Vec<Effect> {
    line(model, BoardLine::Goal, given)
}

/// What happens if not.
pub fn otherwise(model: &mut Model, given: &[String]) -> Vec<Effect> {
    line(model, BoardLine::Else, given)
}

/// Pins what is selected.
pub fn pin(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let (what, text, about) = match model.ui.pane() {
        Pane::Logs => {
            let (shown, _) = model.log_lines();
            let picked = model.ui.logs.selected();
            let line = shown.iter().find(|line| Some(lines::key(line)) == picked).or(shown.last());
            let Some(line) = line else {
                model.say(Tone::Info, "there is no line to pin");
                return Vec::new();
            };
            ("line", format!("{} {} {}", line.source, line.level.word(), lines::words(line)), Some(line.at))
        }
        Pane::Health => {
            let panels = model.panels();
            let Some(row) = panels.get(model.ui.panel) else {
                model.say(Tone::Info, "there is no chart to pin");
                return Vec::new();
            };
            let base = if row.base.is_empty() { String::new() } else { format!(", baseline {}", row.base) };
            let at =
                model.ui.cursor.and_then(chrono::DateTime::from_timestamp_millis).unwrap_or(model.now.wall);
            let value = row.view.points.iter().rev().find(|point| point.t <= at.timestamp_millis());
            let seen = value.map_or(row.now.clone(), |point| row.view.panel.unit.show(point.v));
            ("chart", format!("{} {seen}{base}", row.view.panel.name), Some(at))
        }
        Pane::Runbook | Pane::Output => {
            let found = model.step().map(|(walk, step)| {
                let at = crate::seat::model::StepRef { walk: walk.id, step: step.id.clone() };
                let show = model.hands.get(&at);
                let tail: Vec<_> = show
                    .into_iter()
                    .flat_map(|show| show.tail.iter().rev().take(20).rev())
                    .cloned()
                    .collect();
                (walk.title(step), tail)
            });
            match found {
                Some((title, tail)) if !tail.is_empty() => {
                    ("output", format!("{title}\n{}", tail.join("\n")), None)
                }
                _ => {
                    model.say(
                        Tone::Info,
                        "there is no output to pin; in logs and metrics p pins the line or the chart",
                    );
                    return Vec::new();
                }
            }
        }
        _ => {
            model.say(Tone::Info, "a line, a chart or a step's output can be pinned; here is none");
            return Vec::new();
        }
    };
    let incident = model.incident_id();
    let pin = NoteCommand::Pin { incident, what: what.into(), text, evidence: None, about };
    model.act(Command::Note(pin), format!("the {what} is pinned to the timeline"))
}

/// The selected event of the timeline, else the newest shown.
fn selected(model: &mut Model, what: &str) -> Option<Seq> {
    if !model.ui.has(Pane::Timeline) {
        model.say(Tone::Info, format!("events are {what} in the timeline; 6 shows it"));
        return None;
    }
    let incident = model.incident_id();
    let newest = model.timeline.shown(incident, &model.ui.timeline_filter).last().map(|entry| entry.seq);
    model.ui.timeline.selected().or(newest)
}

/// Stars the selected event, or takes its star.
pub fn star(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(seq) = selected(model, "starred") else { return Vec::new() };
    let Some(incident) = model.incident() else { return Vec::new() };
    let on = !incident.stars.contains(&seq);
    let star = NoteCommand::Star { incident: incident.id, seq, on };
    model.act(Command::Note(star), if on { "starred" } else { "the star is gone" })
}

/// Erases what the selected event said.
pub fn erase(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let Some(seq) = selected(model, "erased") else { return Vec::new() };
    let erase = NoteCommand::Erase { seq, reason: arg(given, 0).into(), found: None };
    model.act(Command::Note(erase), format!("event {seq} is erased"))
}
