//! The drill as a story that is told while it happens: what matters of each event in one line, under a heading for
//! each part, with the runbook's own words for its steps.

use crate::domain::{
    Event, Fact,
    clock::Moment,
    gate::GateFact,
    incident::{IncidentFact, Status},
    plan::BlockKind,
    release::ReleaseFact,
    tell, text,
    time::{Span, Wall, clock_utc},
    walk::{BlockResult, WalkFact},
    watch::WatchFact,
};
use std::collections::BTreeMap;

/// The parts of the story, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Well,
    Breaks,
    Declared,
    Refused,
    Walked,
    Recovers,
    Over,
}

impl Part {
    fn heading(self) -> &'static str {
        match self {
            Self::Well => "All is well",
            Self::Breaks => "A release goes live, and it breaks",
            Self::Declared => "Declared; deploys are frozen at once",
            Self::Refused => "The pipeline tries the next deploy, asks the gate, and is refused",
            Self::Walked => "The rollback runbook, step by step",
            Self::Recovers => "The last good release is back; recovery must hold",
            Self::Over => "Over: the release is judged, reasons are given",
        }
    }
}

/// What the story came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sum {
    /// Error ratio when it was first beyond its threshold, and when it was good again, as seen.
    pub errors: (Option<String>, Option<String>),
    /// Deploys that the gate refused.
    pub refused: u64,
    /// Ways in which the procedure was left.
    pub deviations: Vec<String>,
    /// From onset to recovery, and how long that held.
    pub impact: Option<(Span, Span)>,
    onset: Option<Wall>,
}

/// Tells it.
#[derive(Debug, Default)]
pub struct Story {
    part: Option<Part>,
    steps: BTreeMap<String, (usize, String)>,
    inputs: BTreeMap<String, String>,
    guards: Vec<crate::domain::plan::Slug>,
    sum: Sum,
}

impl Story {
    /// What there is to print of an event: nothing, a line, or a heading and a line.
    pub fn tell(&mut self, event: &Event) -> Option<String> {
        self.learn(event);
        let words = self.words(event)?;
        let line = format!(
            "{} {:>4} {:<8} {}",
            clock_utc(event.occurred.wall),
            format!("#{}", event.seq),
            text::line(&event.actor.name),
            text::line(&words)
        );
        let part = part(&event.fact);
        if self.part.is_some_and(|now| part <= now) {
            return Some(line);
        }
        self.part = Some(part);
        Some(format!("\n  {}\n{line}", part.heading()))
    }

    /// What it came to.
    pub fn sum(&self) -> &Sum {
        &self.sum
    }

    fn learn(&mut self, event: &Event) {
        match &event.fact {
            Fact::Walk(WalkFact::Started { runbook, inputs, .. }) => {
                self.inputs.clone_from(inputs);
                for (n, step) in runbook.steps().enumerate() {
                    self.steps.insert(step.id.clone(), (n + 1, step.title.clone()));
                    let guards = step.blocks.iter().filter(|block| block.kind == BlockKind::Guard);
                    self.guards.extend(guards.map(|block| block.id.clone()));
                }
            }
            Fact::Watch(WatchFact::Breached { panel, seen, .. }) if panel == "errors" => {
                self.sum.errors.0.get_or_insert_with(|| seen.clone());
            }
            Fact::Watch(WatchFact::Cleared { panel, seen }) if panel == "errors" => {
                self.sum.errors.1 = Some(seen.clone());
            }
            Fact::Gate(GateFact::Refused { times, .. }) => self.sum.refused += times,
            Fact::Deviation(crate::domain::deviation::DeviationFact::Recorded { what, .. }) => {
                self.sum.deviations.push(what.kind.word().to_owned());
            }
            Fact::Incident(IncidentFact::Marked { moment: Moment::Onset, at, .. }) => {
                self.sum.onset = Some(at.wall);
            }
            Fact::Incident(IncidentFact::Recovered { since, held, .. }) => {
                self.sum.impact = self.sum.onset.map(|onset| (Span::between(onset, since.wall), *held));
            }
            _ => {}
        }
    }

    fn words(&self, event: &Event) -> Option<String> {
        if !tell::matters(event) {
            return None;
        }
        let line = tell::line(event);
        let Fact::Walk(fact) = &event.fact else {
            let implied = matches!(
                &event.fact,
                Fact::Board(crate::domain::board::BoardFact::Cadence { .. })
                    | Fact::Incident(IncidentFact::Marked {
                        moment: Moment::Acknowledged | Moment::Decided | Moment::Acted,
                        ..
                    })
            );
            return (!implied).then_some(line);
        };
        let slug = match fact {
            // A step's end says what its last block saw; a guard that does not hold is why the step is there.
            WalkFact::BlockEnded { done, .. }
                if done.result == BlockResult::Passed || self.guards.contains(&done.block) =>
            {
                return None;
            }
            WalkFact::StepDone { step, .. }
            | WalkFact::ApprovalAsked { step, .. }
            | WalkFact::Approved { step, .. }
            | WalkFact::BlockEnded { step, .. }
            | WalkFact::StepFailed { step, .. } => step,
            _ => return Some(line),
        };
        let Some((n, title)) = self.steps.get(slug) else { return Some(line) };
        let rest = line.replacen(slug.as_str(), "", 1);
        let rest = rest.trim().trim_start_matches(':').trim();
        Some(match fact {
            WalkFact::StepDone { .. } => {
                let colon = if title.ends_with('?') { "" } else { ":" };
                let rest = rest.strip_prefix("done: ").unwrap_or(rest);
                self.filled(&format!("step {n} {title}{colon} {rest}"))
            }
            WalkFact::Approved { .. } => format!("{rest} step {n}"),
            _ => self.filled(&format!("step {n} {rest}")),
        })
    }

    /// With the values of the inputs that a title names.
    fn filled(&self, text: &str) -> String {
        let fill =
            |text: String, (name, value): (&String, &String)| text.replace(&format!("`{name}`"), value);
        self.inputs.iter().fold(text.to_owned(), fill)
    }
}

fn part(fact: &Fact) -> Part {
    match fact {
        Fact::Release(ReleaseFact::Switched { by, .. }) if by.as_deref() == Some("pipeline") => Part::Breaks,
        Fact::Release(ReleaseFact::Switched { .. }) => Part::Recovers,
        Fact::Release(ReleaseFact::Judged { .. })
        | Fact::Incident(IncidentFact::StatusChanged { to: Status::Resolved, .. }) => Part::Over,
        Fact::Incident(IncidentFact::Declared { .. }) => Part::Declared,
        Fact::Gate(GateFact::Refused { .. }) => Part::Refused,
        Fact::Walk(WalkFact::Started { .. }) => Part::Walked,
        _ => Part::Well,
    }
}
