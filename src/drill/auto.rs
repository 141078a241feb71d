//! The responder's part, played by itself through the same commands as a person's.

use super::{
    stage::{Stage, socket},
    world::Scenario,
};
use crate::{
    domain::{
        Command, Event, Refusal, State,
        board::{BoardCommand, BoardLine},
        decision::DecisionCommand,
        deviation::{DeviationCommand, ReasonCode},
        gate::{Action, Request},
        id::{IncidentId, WalkId},
        incident::{IncidentCommand, Status},
        note::NoteCommand,
        plan::Lead,
        release::{Judgement, ReleaseCommand},
        severity::Severity,
        walk::{Confirmation, Glass, StepStatus, WalkCommand},
    },
    transport::client::{Client, NoRoom},
    wire::{Ask, Outcome, Told},
};
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// The story did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Stuck {
    /// The room went away.
    #[error(transparent)]
    Room(#[from] NoRoom),
    /// A command was refused.
    #[error("{0}")]
    Refused(Refusal),
    /// Something did not happen in time.
    #[error("it did not happen within {within:?}: {what}")]
    Waiting {
        /// What was waited for.
        what: String,
        /// How long.
        within: Duration,
    },
    /// A step went wrong.
    #[error("{0}")]
    Step(String),
}

/// What the responder did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// The incident.
    pub incident: IncidentId,
}

/// Something of the story takes this long at most; its scripted delays are divided by the pace, the rest is real.
const PATIENCE: Duration = Duration::from_secs(240);

/// Starts the hand of a step that was lent.
pub type SpawnHand = dyn Fn(&Path, WalkId, &str, Uuid) -> Result<(), String>;

struct Responder<'a> {
    client: Client,
    stage: &'a Stage,
    spawn_hand: &'a SpawnHand,
    seen: u64,
    tell: &'a mut dyn FnMut(&Event),
}

/// Plays it to the end; `spawn_hand` starts the steps' processes, `tell` hears every event as it becomes known.
///
/// # Errors
/// [`Stuck`] where the story does not go on.
pub async fn play(
    stage: &Stage,
    spawn_hand: &SpawnHand,
    tell: &mut dyn FnMut(&Event),
) -> Result<Played, Stuck> {
    let client = Client::script(&socket(&stage.dir)).await?;
    let mut me = Responder { client, stage, spawn_hand, seen: 0, tell };
    me.until("a panel goes beyond its threshold", |state| state.breaches.contains_key("errors")).await?;
    let title = format!("checkout fails since {}", stage.facts.bad);
    let made = me
        .act(Command::Incident(IncidentCommand::Declare {
            title,
            severity: Severity::WORST,
            services: vec!["checkout".into()],
            env: None,
            freeze: true,
        }))
        .await?;
    let incident: IncidentId = made
        .first()
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| Stuck::Step("the declaration made no incident".into()))?;
    let (seen, instead) = match stage.facts.scenario {
        Scenario::BadRelease => (
            "errors rose right after the release went live; payments is not touched",
            "switch the flag new-pricing off",
        ),
        Scenario::SlowLeak => (
            "errors rise a while after the release, with the same traffic as before; payments is not touched",
            "restart every instance, which frees what it holds for a while",
        ),
    };
    me.say(incident, seen).await?;
    let set = |line, text: &str| Command::Board(BoardCommand::Set { incident, line, text: text.into() });
    me.act(set(BoardLine::Now, "checkout answers 5xx since the release; payments unaffected")).await?;
    me.act(set(BoardLine::Goal, "errors under 1 %, by putting the last good release back")).await?;
    me.prove().await?;
    me.until("the freeze refuses a deploy", |state| state.freezes.values().any(|freeze| freeze.refused > 0))
        .await?;
    me.act(Command::Incident(IncidentCommand::Status { incident, to: Status::Identified })).await?;
    me.act(Command::Decision(DecisionCommand::Make {
        incident,
        text: format!("roll checkout back to {}", stage.facts.good),
        options: vec![instead.into()],
        risks: Some("none known: both releases write the same schema".into()),
        review_in: None,
    }))
    .await?;
    me.walk(incident).await?;
    me.act(Command::Incident(IncidentCommand::Status { incident, to: Status::Monitoring })).await?;
    me.until("recovery holds", |state| {
        state.incidents.get(&incident).is_some_and(|incident| incident.clocks.recovered.is_some())
    })
    .await?;
    me.act(Command::Release(ReleaseCommand::Judge {
        service: "checkout".into(),
        artifact: stage.facts.bad.clone(),
        judgement: Judgement::Bad,
        why: "errors came with it and went with it".into(),
    }))
    .await?;
    me.reasons(incident).await?;
    me.act(Command::Incident(IncidentCommand::Status { incident, to: Status::Resolved })).await?;
    me.hear().await?;
    Ok(Played { incident })
}

impl Responder<'_> {
    /// Tells what has happened since it last looked.
    async fn hear(&mut self) -> Result<(), NoRoom> {
        loop {
            let ask = Ask::Events { from: self.seen + 1, limit: 500, incident: None };
            let Told::Events { events, next } = self.client.ask(ask).await? else { return Ok(()) };
            for event in &events {
                self.seen = event.seq;
                (self.tell)(event);
            }
            if next.is_none() {
                return Ok(());
            }
        }
    }

    async fn state(&mut self) -> Result<State, Stuck> {
        self.hear().await?;
        match self.client.ask(Ask::State).await? {
            Told::State(state) => Ok(*state),
            _ => Err(Stuck::Step("the room did not say how things are".into())),
        }
    }

    async fn until(&mut self, what: &str, mut so: impl FnMut(&State) -> bool) -> Result<State, Stuck> {
        let began = Instant::now();
        loop {
            let state = self.state().await?;
            if so(&state) {
                return Ok(state);
            }
            if began.elapsed() > PATIENCE {
                return Err(Stuck::Waiting { what: what.to_owned(), within: PATIENCE });
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }

    async fn act(&mut self, command: Command) -> Result<Vec<String>, Stuck> {
        let outcome = self.client.act(command).await?;
        self.hear().await?;
        match outcome {
            Outcome::Ok { made, .. } => Ok(made),
            Outcome::Refused(refusal) => Err(Stuck::Refused(refusal)),
            Outcome::Failed { why } => Err(Stuck::Step(why)),
        }
    }

    async fn say(&mut self, incident: IncidentId, text: &str) -> Result<(), Stuck> {
        let note = NoteCommand::Say { incident: Some(incident), text: text.into() };
        self.act(Command::Note(note)).await.map(|_| ())
    }

    /// A dry run that must be refused proves the freeze.
    async fn prove(&mut self) -> Result<(), Stuck> {
        let request = Request {
            service: "checkout".into(),
            env: "prod".into(),
            artifact: format!("checkout@{}", self.stage.facts.next),
            action: Action::Deploy,
            dry_run: true,
        };
        match self.client.ask(Ask::Gate(request)).await? {
            Told::Gate(answer) if !answer.allowed => Ok(()),
            other => Err(Stuck::Step(format!("the freeze does not hold: {other:?}"))),
        }
    }

    async fn walk(&mut self, incident: IncidentId) -> Result<(), Stuck> {
        let runbook = self
            .stage
            .runbooks()
            .into_iter()
            .find(|runbook| runbook.source == "builtin:rollback-release")
            .ok_or_else(|| Stuck::Step("the rollback runbook is not there".into()))?;
        let wanted: Vec<_> = runbook.front.inputs.iter().map(|input| input.name.clone()).collect();
        let inputs = self.stage.inputs().into_iter().filter(|(name, _)| wanted.contains(name)).collect();
        let start = WalkCommand::Start { incident: Some(incident), runbook: Arc::new(runbook), inputs };
        let made = self.act(Command::Walk(start)).await?;
        let walk: WalkId = made
            .first()
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| Stuck::Step("the runbook was not begun".into()))?;
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
                _ if step.runs() => self.run(&state, walk, &slug).await?,
                _ => {
                    let seen = String::new();
                    self.act(Command::Walk(WalkCommand::Confirm { walk, step: slug, seen })).await?;
                }
            }
        }
    }

    /// Takes a step and sees it through; alone, an approval is given by breaking the glass.
    async fn run(&mut self, state: &State, walk: WalkId, slug: &str) -> Result<(), Stuck> {
        let hand = Uuid::new_v4();
        self.act(Command::Walk(WalkCommand::Take {
            walk,
            step: slug.to_owned(),
            hand,
            host: state.room.host.clone(),
            confirm: Confirmation::Second,
            undo: false,
            again: false,
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
            let Some(known) = state.walks.get(&walk) else { return Ok(()) };
            let now = known.state(slug);
            match (now.status, now.asked) {
                (StepStatus::Lent, Some(asked)) => {
                    let target = known.runbook.step(slug).map(|step| known.target(step)).unwrap_or_default();
                    let broken = Glass { typed: target, reason: "alone on call, and users are hurt".into() };
                    let approve = WalkCommand::Approve {
                        walk,
                        step: slug.to_owned(),
                        digest: asked.digest,
                        glass: Some(broken),
                    };
                    self.act(Command::Walk(approve)).await?;
                    glass = true;
                }
                (StepStatus::Done, _) => return Ok(()),
                (status, _) => {
                    let seen = now.results.last().map(|done| done.seen.clone()).unwrap_or_default();
                    return Err(Stuck::Step(format!("{slug} is {status:?}: {seen}")));
                }
            }
        }
    }

    /// Gives every reason that is owed.
    async fn reasons(&mut self, incident: IncidentId) -> Result<(), Stuck> {
        let state = self.state().await?;
        let owed = state.deviations.values().filter(|one| one.incident == Some(incident) && one.owed());
        for deviation in owed.map(|one| one.id).collect::<Vec<_>>() {
            self.act(Command::Deviation(DeviationCommand::Reason {
                deviation,
                code: ReasonCode::Other,
                text: "nobody else was on call".into(),
            }))
            .await?;
        }
        Ok(())
    }
}
