//! How the responder walks the player's own runbooks: what can be walked by itself is, and where a person is needed it
//! stops and says so. It judges nothing, confirms nothing that nobody saw, and runs nothing that its author did not mean
//! to be run.

use super::responder::{Responder, Stuck};
use crate::domain::{
    Command, State,
    id::IncidentId,
    incident::{IncidentCommand, Status},
    plan::{BlockKind, Lead, Runbook, Step},
    time::Span,
    walk::StepStatus,
};

/// Beside the time that a recovery must hold, figures and busy machines need this long.
const SETTLES: Span = Span::secs(20);

/// Where the responder could not go on alone, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// The runbook.
    pub runbook: String,
    /// Which step of how many, from 1, and its title; none where the runbook came to its end.
    pub step: Option<(usize, usize, String)>,
    /// Why.
    pub why: String,
}

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.step {
            Some((n, of, title)) => {
                write!(
                    f,
                    "a person is needed at step {n} of {of} of {:?}, {title:?}: {}",
                    self.runbook, self.why
                )
            }
            None => write!(f, "{:?}: {}", self.runbook, self.why),
        }
    }
}

/// Why nobody but a person can take a step; nothing where it runs by itself.
fn by_hand(step: &Step) -> Option<String> {
    match &step.lead {
        Some(Lead::Decide(choices)) => {
            let labels: Vec<&str> = choices.iter().map(|choice| choice.label.as_str()).collect();
            return Some(format!("it asks for a decision, {}", labels.join(" or ")));
        }
        Some(Lead::Confirm(_)) => return Some("it asks somebody to confirm what is seen".into()),
        Some(Lead::Approve(_)) => return Some("it asks for an approval".into()),
        Some(Lead::Wait(None)) => return Some("it waits until somebody says that it is over".into()),
        Some(Lead::Wait(Some(_))) => return None,
        None => {}
    }
    if step.conditional {
        return Some("somebody judges whether its condition holds".into());
    }
    if !step.runs() {
        return Some("nothing in it runs, somebody does it or reads it".into());
    }
    let mut run = step
        .blocks
        .iter()
        .filter(|block| !matches!(block.kind, BlockKind::Sample | BlockKind::Expect | BlockKind::Undo));
    if let Some(block) = run.clone().find(|block| block.interactive) {
        return Some(format!("its block {} needs a terminal", block.id));
    }
    run.find(|block| !block.annotated)
        .map(|block| format!("its block {} has no annotation, so it is not run unasked", block.id))
}

impl Responder<'_> {
    /// Walks the player's own runbooks one after the other, as far as that goes without a person.
    pub(super) async fn practise(&mut self, incident: IncidentId) -> Result<Option<Stopped>, Stuck> {
        let own = self.stage.own.as_ref().map_or(0, |own| own.runbooks.len());
        let runbooks: Vec<Runbook> = self.stage.runbooks().into_iter().take(own).collect();
        let mut last = String::new();
        for runbook in runbooks {
            last.clone_from(&runbook.title);
            if let Some(stopped) = self.alone(incident, runbook).await? {
                return Ok(Some(stopped));
            }
        }
        self.act(Command::Incident(IncidentCommand::Status { incident, to: Status::Monitoring })).await?;
        let recovered = |state: &State| {
            state.incidents.get(&incident).is_some_and(|incident| incident.clocks.recovered.is_some())
        };
        let good = |state: &State| {
            state.incidents.get(&incident).is_some_and(|incident| incident.clocks.first_good.is_some())
        };
        let (settles, holds) = (self.stage.window().plus(SETTLES), self.stage.recovery_hold());
        // A first good reading is waited for, and then that it holds.
        self.within(settles.std(), |state| recovered(state) || good(state)).await?;
        let (state, over) =
            self.within(holds.plus(SETTLES).std(), |state| recovered(state) || !good(state)).await?;
        if over && recovered(&state) {
            return Ok(None);
        }
        let bad = state.breaches.values().find(|breach| breach.panel == "errors");
        let seen = bad.map_or_else(|| "no recovery has held".into(), |bad| format!("errors {}", bad.seen));
        let why = format!("walked to its end, and what is broken is still broken: {seen}");
        Ok(Some(Stopped { runbook: last, step: None, why }))
    }

    async fn alone(&mut self, incident: IncidentId, runbook: Runbook) -> Result<Option<Stopped>, Stuck> {
        let (title, of) = (runbook.title.clone(), runbook.steps().count());
        let walk = self.begin(incident, runbook).await?;
        loop {
            let state = self.state().await?;
            let Some(known) = state.walks.get(&walk) else { return Ok(None) };
            if let Some(ended) = &known.ended {
                let why = "it came to a STOP: it is abandoned".to_owned();
                return Ok((!ended.complete).then_some(Stopped { runbook: title, step: None, why }));
            }
            let Some(step) = known.current().cloned() else { return Ok(None) };
            let n = known.runbook.steps().position(|own| own.id == step.id).map_or(0, |n| n + 1);
            let stopped =
                |why| Stopped { runbook: title.clone(), step: Some((n, of, known.title(&step))), why };
            if let Some(why) = by_hand(&step) {
                return Ok(Some(stopped(why)));
            }
            if matches!(step.lead, Some(Lead::Wait(_))) {
                self.until(&format!("{} is over", step.id), |state| {
                    state
                        .walks
                        .get(&walk)
                        .is_none_or(|walk| walk.at.as_deref() != Some(&step.id) || walk.ended.is_some())
                })
                .await?;
                continue;
            }
            let (status, then) = self.take(walk, &step.id).await?;
            if status != StepStatus::Done {
                let seen = then.walks.get(&walk).and_then(|walk| walk.state(&step.id).results.pop());
                let seen = seen.map(|done| done.seen).filter(|seen| !seen.is_empty());
                let why = format!("it is {status:?}").to_lowercase();
                return Ok(Some(stopped(seen.map_or_else(|| why.clone(), |seen| format!("{why}: {seen}")))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_asked_for_wherever_one_has_to_judge() {
        let text = "# T\n\n## Do\n\n1. [ ] **DECIDE** Is it?\n   - yes → [A](#a)\n   - no → [B](#b)\n1. [ ] **CONFIRM** It is\n1. [ ] **WAIT** (for=10s) For it\n1. [ ] **WAIT** until it is\n1. [ ] Read this\n1. [ ] Run\n\n   ```sh { name=run }\n   true\n   ```\n1. [ ] If it is so, run\n\n   ```sh { name=if }\n   true\n   ```\n1. [ ] Type\n\n   ```sh { name=type interactive }\n   true\n   ```\n1. [ ] Derived\n\n   ```sh\n   true\n   ```\n\n## A\n\n## B\n";
        let runbook = crate::runbook::parse("x.md", text.as_bytes());
        let said: Vec<_> = runbook.steps().map(by_hand).collect();
        let wanted = [
            Some("decision, yes or no"),
            Some("confirm"),
            None,
            Some("until somebody"),
            Some("nothing in it runs"),
            None,
            Some("condition"),
            Some("type needs a terminal"),
            Some("no annotation"),
        ];
        assert_eq!(said.len(), wanted.len(), "{said:?}");
        for (said, wanted) in said.iter().zip(wanted) {
            match (said, wanted) {
                (Some(said), Some(wanted)) => assert!(said.contains(wanted), "{said} for {wanted}"),
                (said, wanted) => assert_eq!(said.as_deref(), wanted),
            }
        }
    }
}
