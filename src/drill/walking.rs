//! How the responder walks a runbook: take, wait, confirm with what is seen; alone, an approval breaks the glass.

use super::{
    responder::{Responder, Stuck},
    stage::socket,
    world::flags::{Flags, NEW_PRICING},
};
use crate::{
    domain::{
        Command, State,
        id::{IncidentId, WalkId},
        plan::{BlockKind, Lead, Runbook},
        walk::{Confirmation, Deviate, Glass, StepStatus, WalkCommand},
    },
    wire::{Ask, Told},
};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// A step that only looks is taken this often before the responder gives up.
const LOOKS: u32 = 3;

impl Responder<'_> {
    /// Walks a shipped runbook to its end.
    pub(super) async fn walk(&mut self, incident: IncidentId, name: &str) -> Result<(), Stuck> {
        let source = format!("builtin:{name}");
        let runbook = self
            .stage
            .runbooks()
            .into_iter()
            .find(|runbook| runbook.source == source)
            .ok_or_else(|| Stuck::Step(format!("there is no runbook {name}")))?;
        let walk = self.begin(incident, runbook).await?;
        loop {
            let state = self.state().await?;
            let Some(known) = state.walks.get(&walk).filter(|walk| walk.ended.is_none()) else {
                return Ok(());
            };
            let Some(step) = known.current().cloned() else { return Ok(()) };
            let slug = step.id.clone();
            match &step.lead {
                Some(Lead::Decide(choices)) => {
                    let label = choices.first().map(|choice| choice.label.clone()).unwrap_or_default();
                    self.act(Command::Walk(WalkCommand::Choose { walk, step: slug, label })).await?;
                }
                _ if step.runs() => self.run(walk, &slug).await?,
                _ => {
                    let seen = self.sees(&slug, &state).await?;
                    self.act(Command::Walk(WalkCommand::Confirm { walk, step: slug, seen })).await?;
                }
            }
        }
    }

    /// Begins to walk a runbook, with the values that it comes with and those that were measured.
    pub(super) async fn begin(&mut self, incident: IncidentId, runbook: Runbook) -> Result<WalkId, Stuck> {
        let title = runbook.title.clone();
        let mut inputs = BTreeMap::new();
        for input in &runbook.front.inputs {
            let measured =
                self.p99_before.filter(|_| input.name == "BASELINE_P99_MS" && input.choices.is_empty());
            if let Some(value) = measured.map(|p99| p99.to_string()).or_else(|| input.default.clone()) {
                inputs.insert(input.name.clone(), value);
            }
        }
        let start = WalkCommand::Start { incident: Some(incident), runbook: Arc::new(runbook), inputs };
        let made = self.act(Command::Walk(start)).await?;
        made.first()
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| Stuck::Step(format!("{title} was not begun")))
    }

    /// Takes a step and sees it through; one that only looks is taken again where it did not hold yet.
    async fn run(&mut self, walk: WalkId, slug: &str) -> Result<(), Stuck> {
        for look in 1.. {
            let (status, state) = self.take(walk, slug).await?;
            if status == StepStatus::Done {
                break;
            }
            let Some(known) = state.walks.get(&walk) else { break };
            let acts =
                known.runbook.step(slug).is_some_and(|step| step.of_kind(BlockKind::Run).next().is_some());
            let recovered = known
                .incident
                .and_then(|id| state.incidents.get(&id))
                .is_some_and(|incident| incident.clocks.recovered.is_some());
            if !acts && recovered && look >= LOOKS {
                // The figures that count have held; what this one says is passed over, as a deviation.
                self.act(Command::Walk(WalkCommand::Deviate {
                    walk,
                    step: slug.to_owned(),
                    what: Deviate::Override,
                    code: None,
                    confirm: Confirmation::Second,
                    host: state.room.host.clone(),
                }))
                .await?;
                let now = self.state().await?;
                if now.walks.get(&walk).is_none_or(|walk| walk.status(slug) == StepStatus::Done) {
                    break;
                }
                continue;
            }
            if acts || look >= LOOKS {
                let seen = known.state(slug).results.last().map(|done| done.seen.clone()).unwrap_or_default();
                return Err(Stuck::Step(format!("{slug} is {status:?}: {seen}")));
            }
        }
        Ok(())
    }

    /// Takes a step once and waits for its end; alone, an approval is given by breaking the glass.
    pub(super) async fn take(&mut self, walk: WalkId, slug: &str) -> Result<(StepStatus, State), Stuck> {
        let state = self.state().await?;
        let shown = state
            .walks
            .get(&walk)
            .and_then(|walk| Some(crate::domain::walk::shown(walk, walk.runbook.step(slug)?, false, false)));
        let host = state.room.host;
        let hand = Uuid::new_v4();
        self.act(Command::Walk(WalkCommand::Take {
            walk,
            step: slug.to_owned(),
            hand,
            host,
            confirm: Confirmation::Second,
            undo: false,
            again: false,
            shown,
        }))
        .await?;
        (self.spawn_hand)(&socket(&self.stage.dir), walk, slug, hand).map_err(Stuck::Step)?;
        let mut glass = false;
        loop {
            let state = self
                .until(&format!("{slug} comes to its end"), |state| {
                    state.walks.get(&walk).is_none_or(|walk| {
                        let now = walk.state(slug);
                        now.status != StepStatus::Lent || (now.asked.is_some() && !glass)
                    })
                })
                .await?;
            let Some(known) = state.walks.get(&walk) else { return Ok((StepStatus::Done, state)) };
            let now = known.state(slug);
            match (now.status, now.asked) {
                (StepStatus::Lent, Some(asked)) => {
                    let target = known.runbook.step(slug).map(|step| known.target(step)).unwrap_or_default();
                    let hurt = known.incident.and_then(|id| state.incidents.get(&id));
                    let reason = match hurt {
                        Some(incident) if incident.clocks.recovered.is_none() => {
                            "alone on call, and users are hurt"
                        }
                        _ => "alone on call; what came before has held",
                    };
                    let broken = Glass { typed: target, reason: reason.into() };
                    let approve = WalkCommand::Approve {
                        walk,
                        step: slug.to_owned(),
                        digest: asked.digest,
                        glass: Some(broken),
                    };
                    self.act(Command::Walk(approve)).await?;
                    glass = true;
                }
                (status, _) => return Ok((status, state)),
            }
        }
    }

    /// What is seen where a step asks a person: of this world, and nothing that was not looked at.
    async fn sees(&mut self, slug: &str, state: &State) -> Result<String, Stuck> {
        let facts = &self.stage.facts;
        let next = facts.next.clone();
        Ok(match slug {
            "roll-back-1" => state
                .freezes
                .values()
                .find(|freeze| freeze.holds())
                .map(|freeze| format!("{} holds, {} refused", freeze.id, freeze.refused))
                .unwrap_or_default(),
            "done-1" => "its owner, pricing-team, is played by nobody in this drill".into(),
            "integrations-2" => {
                let mut answers = Vec::new();
                for url in facts.urls("payments") {
                    let code = format!("GET {url}/healthz");
                    let asked = Ask::Check { lang: "http".into(), code, source: None };
                    if let Told::Check(answer) = self.ask(asked).await? {
                        answers.push(answer.seen);
                    }
                }
                format!("payments answers {}", answers.join(", "))
            }
            "late-work-1" => "this world has no batches".into(),
            "late-work-2" => "customers here do not come back, so nothing has piled up".into(),
            "late-work-3" => "checkout's sessions went with the release that kept them".into(),
            "late-work-4" => {
                let flags = Flags::read(&facts.flags).map_err(|why| Stuck::Step(why.to_string()))?;
                format!("{NEW_PRICING} is at {} %", flags.percent(NEW_PRICING))
            }
            "sign-off-1" => format!("the freeze stays: {next} is built on the bad release"),
            _ => String::new(),
        })
    }
}
