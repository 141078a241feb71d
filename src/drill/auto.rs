//! The responder's part, played by itself through the same commands as a person's: declare, contain, roll back, bring
//! back what was switched off, validate, close.

use super::{
    practise::Stopped,
    responder::{Responder, SpawnHand, Stuck},
    stage::Stage,
    world::{
        Scenario,
        flags::{self, NEW_PRICING},
    },
};
use crate::{
    domain::{
        Command, Event, State,
        board::{BoardCommand, BoardLine},
        decision::DecisionCommand,
        deviation::{DeviationCommand, ReasonCode},
        gate::{Action, Request},
        id::IncidentId,
        incident::{IncidentCommand, Status},
        release::{Judgement, ReleaseCommand},
        severity::Severity,
    },
    wire::{Ask, Told},
};

/// What the responder did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// The incident.
    pub incident: IncidentId,
    /// Where it could not go on alone, in the player's own runbooks.
    pub stopped: Option<Stopped>,
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
    let mut me = Responder::sit(stage, spawn_hand, tell).await?;
    let facts = &stage.facts;
    me.measure().await?;
    let was =
        me.until("a panel goes beyond its threshold", |state| state.breaches.contains_key("errors")).await?;
    let incident = me.declare().await?;
    let (seen, instead) = match facts.scenario {
        Scenario::BadRelease => (
            "errors rose right after the release went live; payments is not touched",
            "wait for a repaired build",
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
    if stage.own.is_none() {
        me.contain(incident, &was).await?;
    }
    me.until("the freeze refuses a deploy", |state| state.freezes.values().any(|freeze| freeze.refused > 0))
        .await?;
    me.act(Command::Incident(IncidentCommand::Status { incident, to: Status::Identified })).await?;
    if stage.own.is_some() {
        return me.own(incident).await;
    }
    me.act(Command::Decision(DecisionCommand::Make {
        incident,
        text: format!("roll checkout back to {}", facts.good),
        options: vec![instead.into()],
        risks: Some("none known: both releases write the same schema".into()),
        review_in: None,
    }))
    .await?;
    me.walk(incident, "rollback-release").await?;
    me.act(Command::Incident(IncidentCommand::Status { incident, to: Status::Monitoring })).await?;
    me.until("recovery holds", |state| {
        state.incidents.get(&incident).is_some_and(|incident| incident.clocks.recovered.is_some())
    })
    .await?;
    me.act(Command::Release(ReleaseCommand::Judge {
        service: "checkout".into(),
        artifact: facts.bad.clone(),
        judgement: Judgement::Bad,
        why: "errors came with it and went with it".into(),
    }))
    .await?;
    me.walk(incident, "flags-back-on").await?;
    me.walk(incident, "post-recovery-validation").await?;
    me.close(incident).await?;
    Ok(Played { incident, stopped: None })
}

impl Responder<'_> {
    /// The player's own runbooks, as far as they can be walked without a person.
    async fn own(&mut self, incident: IncidentId) -> Result<Played, Stuck> {
        let stopped = self.practise(incident).await?;
        match &stopped {
            None => self.close(incident).await?,
            Some(stopped) => {
                self.say(incident, &stopped.to_string()).await?;
                self.reasons(incident).await?;
                self.hear().await?;
            }
        }
        Ok(Played { incident, stopped })
    }

    async fn close(&mut self, incident: IncidentId) -> Result<(), Stuck> {
        self.reasons(incident).await?;
        self.act(Command::Incident(IncidentCommand::Status { incident, to: Status::Resolved })).await?;
        Ok(self.hear().await?)
    }

    /// Takes p99 as it is while all is well. Where the bad release is there first, nothing was measured.
    async fn measure(&mut self) -> Result<(), Stuck> {
        let query = self.stage.p99();
        loop {
            let p99 = self.figure(&query).await?;
            let state = self.state().await?;
            if !runs(&state, &self.stage.facts.good) {
                return Ok(());
            }
            if let Some(seconds) = p99 {
                self.p99_before = Some((seconds * 1_000.0).ceil() as u64);
                return Ok(());
            }
            self.wait(std::time::Duration::from_millis(150)).await?;
        }
    }

    async fn declare(&mut self) -> Result<IncidentId, Stuck> {
        let made = self
            .act(Command::Incident(IncidentCommand::Declare {
                title: format!("checkout fails since {}", self.stage.facts.bad),
                severity: Severity::WORST,
                all: None,
                services: vec!["checkout".into()],
                env: None,
                freeze: true,
            }))
            .await?;
        made.first()
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| Stuck::Step("the declaration made no incident".into()))
    }

    /// A dry run that must be refused proves the freeze.
    async fn prove(&mut self) -> Result<(), Stuck> {
        let request = Request {
            service: "checkout".into(),
            env: "prod".into(),
            artifact: format!("checkout@{}", self.stage.facts.next),
            action: Action::Deploy,
            dry_run: true,
            alias: None,
        };
        match self.ask(Ask::Gate(request)).await? {
            Told::Gate(answer) if !answer.allowed => Ok(()),
            other => Err(Stuck::Step(format!("the freeze does not hold: {other:?}"))),
        }
    }

    /// What people do first: switch the newest thing off, by hand. It stands in no runbook, so it is a deviation.
    async fn contain(&mut self, incident: IncidentId, was: &State) -> Result<(), Stuck> {
        let before = was.breaches.get("errors").map(|breach| breach.seen.clone()).unwrap_or_default();
        flags::switch(&self.stage.facts.flags, NEW_PRICING, 0)
            .map_err(|why| Stuck::Step(format!("the flag could not be switched off: {why}")))?;
        self.act(Command::Deviation(DeviationCommand::Unlisted {
            incident,
            actual: format!("{NEW_PRICING} switched off by hand in the flags' file, 100 → 0 %"),
            host: was.room.host.clone(),
            code: Some(ReasonCode::FasterFix),
        }))
        .await?;
        self.wait(self.stage.window().plus(crate::domain::time::Span::secs(1)).std()).await?;
        let Some(now) = self.figure(&self.stage.errors()).await? else { return Ok(()) };
        let enough =
            if now < 0.01 { "it may be enough, and the fault is still live" } else { "it is not enough" };
        let said = format!(
            "{NEW_PRICING} is off: errors {before} when declared, {:.1} % now; {enough}",
            now * 100.0
        );
        self.say(incident, &said).await
    }
}

fn runs(state: &State, version: &str) -> bool {
    state
        .releases
        .values()
        .filter(|release| release.service == "checkout")
        .all(|release| release.current == version)
}
