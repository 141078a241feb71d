//! The drill as a story that is told while it happens: what matters of each event in one line, under a heading for
//! each part, with the runbook's own words for its steps.

use crate::domain::{
    Event, Fact,
    clock::Moment,
    deviation::{DeviationFact, DeviationKind},
    gate::GateFact,
    id::WalkId,
    incident::{IncidentFact, Status},
    plan::{Runbook, Slug},
    release::ReleaseFact,
    tell, text,
    time::{Span, Wall, clock_utc},
    walk::WalkFact,
    watch::WatchFact,
};
use std::collections::BTreeMap;

/// The parts of the story, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Well,
    Breaks,
    Declared,
    Contained,
    Refused,
    Walked,
    Recovers,
    Flagged,
    Validated,
    Over,
}

impl Part {
    fn heading(self) -> &'static str {
        match self {
            Self::Well => "All is well",
            Self::Breaks => "A release goes live, and it breaks",
            Self::Declared => "Declared; deploys are frozen at once",
            Self::Contained => "By hand, and in no runbook: a flag is switched off",
            Self::Refused => "The pipeline tries the next deploy, asks the gate, and is refused",
            Self::Walked => "The rollback runbook, step by step",
            Self::Recovers => "The last good release is back; recovery must hold",
            Self::Flagged => {
                "The flag comes back by its runbook: each stage is set, read by every instance, and must hold"
            }
            Self::Validated => "Validated before it is called over",
            Self::Over => "Over: reasons are given for what left the procedure",
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
    /// Runbooks that were walked to their end.
    pub walked: usize,
    onset: Option<Wall>,
}

/// A runbook that is walked, as far as telling needs it.
#[derive(Debug, Default)]
struct Walked {
    steps: BTreeMap<Slug, (usize, String)>,
    inputs: BTreeMap<String, String>,
}

impl Walked {
    fn of(runbook: &Runbook, inputs: &BTreeMap<String, String>) -> Self {
        let mut walked = Self { inputs: inputs.clone(), ..Self::default() };
        for (n, step) in runbook.steps().enumerate() {
            walked.steps.insert(step.id.clone(), (n + 1, step.title.clone()));
        }
        walked
    }

    /// With the values of the inputs that a title names.
    fn filled(&self, text: &str) -> String {
        let fill =
            |text: String, (name, value): (&String, &String)| text.replace(&format!("`{name}`"), value);
        self.inputs.iter().fold(text.to_owned(), fill)
    }
}

/// Tells it.
#[derive(Debug, Default)]
pub struct Story {
    part: Option<Part>,
    walks: BTreeMap<WalkId, Walked>,
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
            tell::who(event),
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
            Fact::Walk(WalkFact::Started { walk, runbook, inputs, .. }) => {
                self.walks.insert(*walk, Walked::of(runbook, inputs));
            }
            Fact::Walk(WalkFact::Finished { complete: true, .. }) => self.sum.walked += 1,
            Fact::Watch(WatchFact::Breached { panel, seen, .. }) if panel == "errors" => {
                self.sum.errors.0.get_or_insert_with(|| seen.clone());
            }
            Fact::Watch(WatchFact::Cleared { panel, seen }) if panel == "errors" => {
                self.sum.errors.1 = Some(seen.clone());
            }
            Fact::Gate(GateFact::Refused { times, .. }) => self.sum.refused += times,
            Fact::Deviation(DeviationFact::Recorded { what, .. }) => {
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
        // Every instance has a probe; the story is told by the figures of all of them.
        if let Fact::Watch(WatchFact::Breached { panel, .. } | WatchFact::Cleared { panel, .. }) = &event.fact
            && panel.starts_with("probe ")
        {
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
        let (walk, slug) = match fact {
            WalkFact::StepDone { walk, step, .. }
            | WalkFact::ApprovalAsked { walk, step, .. }
            | WalkFact::Approved { walk, step, .. }
            | WalkFact::StepFailed { walk, step, .. } => (walk, step),
            // A step's end says what its last block saw.
            WalkFact::BlockEnded { .. } => return None,
            _ => return Some(line),
        };
        let Some(walked) = self.walks.get(walk) else { return Some(line) };
        let Some((n, title)) = walked.steps.get(slug) else { return Some(line) };
        let rest = line.replacen(slug.as_str(), "", 1);
        let rest = rest.trim().trim_start_matches(':').trim();
        Some(match fact {
            WalkFact::StepDone { .. } => {
                let colon = if title.ends_with('?') { "" } else { ":" };
                let rest = rest.strip_prefix("done: ").unwrap_or(rest);
                walked.filled(&format!("step {n} {title}{colon} {rest}"))
            }
            WalkFact::Approved { .. } => format!("{rest} step {n}"),
            _ => walked.filled(&format!("step {n} {rest}")),
        })
    }
}

fn part(fact: &Fact) -> Part {
    match fact {
        Fact::Release(ReleaseFact::Switched { by, .. }) if by.as_deref() == Some("pipeline") => Part::Breaks,
        Fact::Release(ReleaseFact::Switched { .. }) => Part::Recovers,
        Fact::Deviation(DeviationFact::Reasoned { .. })
        | Fact::Incident(IncidentFact::StatusChanged { to: Status::Resolved, .. }) => Part::Over,
        Fact::Deviation(DeviationFact::Recorded { what, .. })
            if what.kind == DeviationKind::UnlistedAction =>
        {
            Part::Contained
        }
        Fact::Incident(IncidentFact::Declared { .. }) => Part::Declared,
        Fact::Gate(GateFact::Refused { .. }) => Part::Refused,
        Fact::Walk(WalkFact::Started { runbook, .. }) => match runbook.source.as_str() {
            "builtin:flags-back-on" => Part::Flagged,
            "builtin:post-recovery-validation" => Part::Validated,
            _ => Part::Walked,
        },
        _ => Part::Well,
    }
}
