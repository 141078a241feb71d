//! A responder that plays by itself: one connection to the room, everything told as it becomes known.

use super::stage::{Stage, socket};
use crate::{
    domain::{
        Command, Event, Refusal, State,
        deviation::{DeviationCommand, DeviationKind, ReasonCode},
        id::{IncidentId, WalkId},
        note::NoteCommand,
    },
    transport::client::{Client, NoRoom},
    wire::{Ask, Outcome, Told},
};
use std::{
    path::Path,
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

/// Something of the story takes this long at most; its scripted delays are divided by the pace, the rest is real.
const PATIENCE: Duration = Duration::from_secs(240);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(150);

/// Starts the hand of a step that was lent.
pub type SpawnHand = dyn Fn(&Path, WalkId, &str, Uuid) -> Result<(), String>;

pub(super) struct Responder<'a> {
    client: Client,
    pub(super) stage: &'a Stage,
    pub(super) spawn_hand: &'a SpawnHand,
    /// p99 while all was well, milliseconds; nothing where it could not be measured in time.
    pub(super) p99_before: Option<u64>,
    seen: u64,
    tell: &'a mut dyn FnMut(&Event),
}

impl<'a> Responder<'a> {
    /// Sits down at the drill's room.
    pub(super) async fn sit(
        stage: &'a Stage,
        spawn_hand: &'a SpawnHand,
        tell: &'a mut dyn FnMut(&Event),
    ) -> Result<Self, NoRoom> {
        let client = Client::script(&socket(&stage.dir)).await?;
        Ok(Self { client, stage, spawn_hand, p99_before: None, seen: 0, tell })
    }

    /// Tells what has happened since it last looked.
    pub(super) async fn hear(&mut self) -> Result<(), NoRoom> {
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

    pub(super) async fn ask(&mut self, ask: Ask) -> Result<Told, NoRoom> {
        self.client.ask(ask).await
    }

    pub(super) async fn state(&mut self) -> Result<State, Stuck> {
        self.hear().await?;
        match self.client.ask(Ask::State).await? {
            Told::State(state) => Ok(*state),
            _ => Err(Stuck::Step("the room did not say how things are".into())),
        }
    }

    pub(super) async fn until(&mut self, what: &str, so: impl FnMut(&State) -> bool) -> Result<State, Stuck> {
        let (state, became) = self.within(PATIENCE, so).await?;
        if became { Ok(state) } else { Err(Stuck::Waiting { what: what.to_owned(), within: PATIENCE }) }
    }

    /// Waits for something for this long at most. Gives the state then, and whether it came to be so.
    pub(super) async fn within(
        &mut self,
        patience: Duration,
        mut so: impl FnMut(&State) -> bool,
    ) -> Result<(State, bool), Stuck> {
        let began = Instant::now();
        loop {
            let state = self.state().await?;
            let became = so(&state);
            if became || began.elapsed() > patience {
                return Ok((state, became));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Lets time pass, and tells what happens in it.
    pub(super) async fn wait(&mut self, time: Duration) -> Result<(), Stuck> {
        let began = Instant::now();
        while began.elapsed() < time {
            tokio::time::sleep(LOOK).await;
            self.hear().await?;
        }
        Ok(())
    }

    pub(super) async fn act(&mut self, command: Command) -> Result<Vec<String>, Stuck> {
        let outcome = self.client.act(command).await?;
        self.hear().await?;
        match outcome {
            Outcome::Ok { made, .. } => Ok(made),
            Outcome::Refused(refusal) => Err(Stuck::Refused(refusal)),
            Outcome::Failed { why } => Err(Stuck::Step(why)),
        }
    }

    pub(super) async fn say(&mut self, incident: IncidentId, text: &str) -> Result<(), Stuck> {
        let note = NoteCommand::Say { incident: Some(incident), text: text.into() };
        self.act(Command::Note(note)).await.map(|_| ())
    }

    /// What a query gives now; nothing where it gives no single number.
    pub(super) async fn figure(&mut self, query: &str) -> Result<Option<f64>, Stuck> {
        let asked = self
            .client
            .ask(Ask::Check { lang: "promql".into(), code: query.to_owned(), source: None })
            .await?;
        Ok(match asked {
            Told::Check(answer) => answer.seen.parse().ok().filter(|value: &f64| value.is_finite()),
            _ => None,
        })
    }

    /// Gives every reason that is owed.
    pub(super) async fn reasons(&mut self, incident: IncidentId) -> Result<(), Stuck> {
        let state = self.state().await?;
        for one in state.deviations.values().filter(|one| one.incident == Some(incident) && one.owed()) {
            let text = match one.what.kind {
                DeviationKind::BrokenGlass => "nobody else was on call",
                DeviationKind::Override => "every panel has held; this machine is busy",
                _ => "it was the quicker way",
            };
            let reason =
                DeviationCommand::Reason { deviation: one.id, code: ReasonCode::Other, text: text.into() };
            self.act(Command::Deviation(reason)).await?;
        }
        Ok(())
    }
}
