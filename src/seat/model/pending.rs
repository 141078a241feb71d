//! Commands and questions without an answer yet. A lost connection loses none: they are sent again under their name.

use crate::{
    domain::{
        Command, CommandId,
        id::{DeviationId, WalkId},
        plan::Slug,
    },
    wire::Ask,
};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What follows when a command was accepted.
#[derive(Debug, Clone, PartialEq)]
pub enum Then {
    /// Its words are said.
    Say(String),
    /// The step's hand is started.
    Hand {
        /// Walk.
        walk: WalkId,
        /// Step.
        step: Slug,
        /// Hand.
        hand: Uuid,
    },
    /// The step is acted on once more: a value it wanted is there.
    Act,
    /// The walk is looked at.
    Walk,
    /// The reason of this one is given: the next that is owed is asked for, then the incident is closed.
    Close(DeviationId),
}

/// A question's purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// Whether the room is there.
    Ping,
    /// The timeline's newest or older events.
    Timeline,
    /// The draft's events.
    Draft,
    /// That all look somewhere, or no longer.
    Point(bool),
}

/// What waits for an answer.
#[derive(Debug, Clone)]
pub struct Pendings {
    seed: Uuid,
    count: u64,
    /// By the order in which they were given.
    commands: BTreeMap<u64, (CommandId, Command, Option<String>, Then)>,
    asks: BTreeMap<u64, (For, Ask)>,
}

impl Pendings {
    /// None, with names made from `seed`, which is random and told to nobody.
    pub fn new(seed: Uuid) -> Self {
        Self { seed, count: 0, commands: BTreeMap::new(), asks: BTreeMap::new() }
    }

    /// A name that was never given before. Events show names to everybody, and nobody can tell the next from those: who
    /// could would use it first.
    pub fn name(&mut self) -> Uuid {
        self.count += 1;
        let hash = Sha256::new().chain_update(self.seed).chain_update(self.count.to_be_bytes()).finalize();
        let bytes = hash.first_chunk().copied().unwrap_or_default();
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// A command begins to wait.
    pub fn command(&mut self, command: &Command, glass: Option<String>, then: Then) -> CommandId {
        let id = CommandId(self.name());
        self.commands.insert(self.count, (id, command.clone(), glass, then));
        id
    }

    /// A question begins to wait.
    pub fn ask(&mut self, ask: &Ask, purpose: For) -> u64 {
        self.count += 1;
        self.asks.insert(self.count, (purpose, ask.clone()));
        self.count
    }

    /// A command was answered.
    pub fn done(&mut self, id: CommandId) -> Option<(Command, Then)> {
        let (count, _) = self.commands.iter().find(|(_, (own, ..))| *own == id)?;
        let count = *count;
        self.commands.remove(&count).map(|(_, command, _, then)| (command, then))
    }

    /// A question was answered.
    pub fn told(&mut self, n: u64) -> Option<(For, Ask)> {
        self.asks.remove(&n)
    }

    /// Questions of this kind that wait.
    pub fn waiting(&self, purpose: For) -> impl Iterator<Item = &Ask> {
        self.asks.values().filter(move |(known, _)| *known == purpose).map(|(_, ask)| ask)
    }

    /// Whether a question of this kind waits.
    pub fn asks(&self, purpose: For) -> bool {
        self.waiting(purpose).next().is_some()
    }

    /// Questions die with the connection; they are asked anew where they still matter.
    pub fn forget_asks(&mut self) {
        self.asks.clear();
    }

    /// Commands that wait, in the order in which they were given, with what the glass is broken for.
    pub fn commands(&self) -> impl Iterator<Item = (CommandId, &Command, Option<&String>)> {
        self.commands.values().map(|(id, command, glass, _)| (*id, command, glass.as_ref()))
    }
}
