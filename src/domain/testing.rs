//! A journal in memory for tests: decides, stamps and folds as the room's loop does.

use super::{
    Command, CommandId, Ctx, Event, Fact, Refusal, State,
    actor::Actor,
    deadline, decide,
    handover::{HandoverCommand, SAY},
    id::{Digest, IncidentId, WalkId},
    incident::IncidentCommand,
    next_deadline,
    plan::{Block, BlockKind, Runbook, Section, SectionRole, Step},
    power::Groups,
    severity::Severity,
    time::{BootId, Span, Stamp},
    walk::{BlockDone, BlockResult, Confirmation, StepState, WalkCommand},
};
use chrono::DateTime;
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

/// State, events and a clock that goes only when told to.
pub(crate) struct Ledger {
    /// The fold of all events.
    pub state: State,
    /// All that was accepted.
    pub events: Vec<Event>,
    /// What the loop would read from its clocks.
    pub now: Stamp,
    /// Groups of people, by login name.
    pub groups: BTreeMap<String, Groups>,
    /// The room that decides.
    pub room: String,
    asked: u128,
}

/// Somebody with login name and uid.
pub(crate) fn ana() -> Actor {
    Actor::user("ana", 1001)
}
/// Somebody else.
pub(crate) fn bo() -> Actor {
    Actor::user("bo", 1002)
}
/// A third.
pub(crate) fn cy() -> Actor {
    Actor::user("cy", 1003)
}

impl Ledger {
    /// Nothing has happened.
    pub fn new() -> Self {
        let wall = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        Self {
            state: State::default(),
            events: Vec::new(),
            now: Stamp { wall, boot: BootId("boot".into()), clock: 10_000_000 },
            groups: BTreeMap::new(),
            room: "test".into(),
            asked: 0,
        }
    }

    /// INC-1 is open, declared and commanded by ana.
    pub fn with_incident() -> Self {
        let mut ledger = Self::new();
        ledger.ok(&ana(), declare());
        ledger
    }

    /// Who asks, now, under the next name.
    pub fn ctx(&mut self, actor: &Actor) -> Ctx {
        self.asked += 1;
        Ctx {
            actor: actor.clone(),
            groups: self.groups.get(&actor.name).cloned().unwrap_or_default(),
            now: self.now.clone(),
            id: CommandId(Uuid::from_u128(self.asked)),
            room: self.room.clone(),
        }
    }

    /// Decides, and writes down what follows.
    pub fn ask(&mut self, actor: &Actor, command: impl Into<Command>) -> Result<Vec<Event>, Refusal> {
        let ctx = self.ctx(actor);
        let mut command = command.into();
        see(&self.state, &mut command);
        self.ask_as(&ctx, &command)
    }

    /// The same under a given name, as a retry is.
    pub fn ask_as(&mut self, ctx: &Ctx, command: &Command) -> Result<Vec<Event>, Refusal> {
        let facts = decide(&self.state, command, ctx)?;
        let mut written = Vec::new();
        for (index, fact) in facts.into_iter().enumerate() {
            let event = self.stamp(fact, ctx, u16::try_from(index).unwrap());
            self.state.apply(&event);
            written.push(event.clone());
            self.events.push(event);
        }
        Ok(written)
    }

    /// An event as the loop makes it.
    pub fn stamp(&self, fact: Fact, ctx: &Ctx, index: u16) -> Event {
        let seq = self.state.head + 1;
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&seq.to_be_bytes());
        Event {
            seq,
            command: ctx.id,
            index,
            stream: fact.stream(&self.state),
            occurred: ctx.now.clone(),
            recorded: ctx.now.wall,
            room: ctx.room.clone(),
            actor: ctx.actor.clone(),
            offline: None,
            fact,
            hash: Digest(hash),
        }
    }

    /// What must be accepted.
    #[track_caller]
    pub fn ok(&mut self, actor: &Actor, command: impl Into<Command>) -> Vec<Event> {
        self.ask(actor, command).unwrap_or_else(|refusal| panic!("refused: {refusal}"))
    }

    /// What must be refused.
    #[track_caller]
    pub fn no(&mut self, actor: &Actor, command: impl Into<Command>) -> Refusal {
        let head = self.state.head;
        let Err(refusal) = self.ask(actor, command) else { panic!("accepted") };
        assert_eq!(self.state.head, head);
        refusal
    }

    /// Time goes by, and whatever is due happens at its moment.
    pub fn pass(&mut self, span: Span) {
        let end = self.now.plus(span);
        while let Some(at) = next_deadline(&self.state, &self.now)
            && at.reached(&end)
        {
            let step = at.until(&self.now);
            self.now = self.now.plus(step);
            assert!(!deadline::due(&self.state, &self.now).is_empty(), "woken for nothing");
            self.ok(&Actor::room(), Command::Tick);
        }
        self.now = self.now.plus(Span::millis(end.clock.saturating_sub(self.now.clock)));
    }

    /// The wall clock is set, the boot clock goes on.
    pub fn step_wall(&mut self, ms: i64) {
        self.now.wall += chrono::TimeDelta::milliseconds(ms);
    }

    /// The fold of all events, from the beginning.
    pub fn replay(&self) -> State {
        let mut state = State::default();
        self.events.iter().for_each(|event| state.apply(event));
        state
    }

    /// A walk's step as it stands.
    pub fn step(&self, step: &str) -> StepState {
        self.state.walks[&WalkId(1)].state(step)
    }

    /// Where the walk is.
    pub fn at(&self) -> Option<&str> {
        self.state.walks[&WalkId(1)].at.as_deref()
    }
}

/// Whoever takes a step has looked at it just before, where the test does not say what they saw.
pub(crate) fn see(state: &State, command: &mut Command) {
    let Command::Walk(WalkCommand::Take { walk, step, undo, again, shown, .. }) = command else { return };
    if let (None, Some(walk)) = (&shown, state.walks.get(walk))
        && let Some(step) = walk.runbook.step(step)
    {
        *shown = Some(super::walk::shown(walk, step, *undo, *again));
    }
}

impl From<WalkCommand> for Command {
    fn from(command: WalkCommand) -> Self {
        Self::Walk(command)
    }
}

impl From<IncidentCommand> for Command {
    fn from(command: IncidentCommand) -> Self {
        Self::Incident(command)
    }
}

/// ana hands command of INC-1 over to another, who takes it.
pub(crate) fn hand_over(ledger: &mut Ledger, to: &Actor) {
    let incident = IncidentId(1);
    let propose = HandoverCommand::Propose { incident, to: to.name.clone(), words: String::new() };
    ledger.ok(&ana(), Command::Handover(propose));
    ledger.ok(to, Command::Handover(HandoverCommand::Accept { incident, said: SAY.into() }));
}

/// INC-1, SEV2 of checkout.
pub(crate) fn declare() -> IncidentCommand {
    IncidentCommand::Declare {
        all: None,
        title: "checkout fails".into(),
        severity: Severity::new(2).unwrap(),
        services: vec!["checkout".into()],
        env: None,
        freeze: false,
    }
}

/// A block of this kind.
pub(crate) fn block(id: &str, kind: BlockKind) -> Block {
    Block {
        id: id.into(),
        lang: "sh".into(),
        kind,
        code: format!("do {id}"),
        sample: String::new(),
        line: 1,
        annotated: true,
        timeout: None,
        retry: None,
        hold: None,
        interactive: false,
        accept: Vec::new(),
        matching: None,
        once: false,
        background: false,
        risk: super::plan::Risk::Low,
        onfail: super::plan::OnFail::Stop,
        capture: None,
        host: None,
        cwd: None,
        interpreter: None,
        source: None,
        placeholders: Vec::new(),
        other: BTreeMap::new(),
    }
}

/// A step of these blocks.
pub(crate) fn step(id: &str, blocks: Vec<Block>) -> Step {
    Step {
        id: id.into(),
        title: id.into(),
        text: String::new(),
        line: 1,
        origin: super::plan::Origin::Task,
        lead: None,
        conditional: false,
        ticked: false,
        blocks,
        approval: None,
    }
}

/// A section of these steps.
pub(crate) fn section(id: &str, steps: Vec<Step>) -> Section {
    Section {
        id: id.into(),
        title: id.into(),
        level: 2,
        role: SectionRole::Neutral,
        text: String::new(),
        steps,
        ending: None,
        line: 1,
    }
}

/// A runbook of these sections.
pub(crate) fn runbook(sections: Vec<Section>) -> Runbook {
    Runbook {
        title: "Runbook".into(),
        source: "test.md".into(),
        hash: Digest([7; 32]),
        front: super::plan::Front::default(),
        sections,
        lints: Vec::new(),
    }
}

/// Begin to walk it for INC-1.
pub(crate) fn start(runbook: Runbook) -> WalkCommand {
    WalkCommand::Start { incident: Some(IncidentId(1)), runbook: Arc::new(runbook), inputs: BTreeMap::new() }
}

/// Take a step with hand number `hand`.
pub(crate) fn take(step: &str, hand: u128) -> WalkCommand {
    WalkCommand::Take {
        walk: WalkId(1),
        step: step.into(),
        hand: Uuid::from_u128(hand),
        host: "bastion".into(),
        confirm: Confirmation::Enter,
        undo: false,
        again: false,
        shown: None,
    }
}

/// The hand is there.
pub(crate) fn attach(step: &str, hand: u128, carry: Option<u8>) -> WalkCommand {
    WalkCommand::Attach {
        walk: WalkId(1),
        step: step.into(),
        hand: Uuid::from_u128(hand),
        process: super::walk::ProcessRef { pid: 1, start: 1, boot: "boot".into() },
        carry: carry.map(|byte| Digest([byte; 32])),
    }
}

/// The hand is about to run a block.
pub(crate) fn intend(step: &str, hand: u128, block: &str) -> WalkCommand {
    WalkCommand::Intend {
        walk: WalkId(1),
        step: step.into(),
        hand: Uuid::from_u128(hand),
        block: block.into(),
    }
}

/// A block's end.
pub(crate) fn ended(block: &str, result: BlockResult) -> BlockDone {
    BlockDone {
        block: block.into(),
        result,
        exit: Some(i32::from(result != BlockResult::Passed)),
        seen: format!("seen {block}"),
        took: Span::secs(1),
        evidence: None,
        captured: None,
    }
}

/// The hand says how a block ended.
pub(crate) fn report(step: &str, hand: u128, block: &str, result: BlockResult) -> WalkCommand {
    WalkCommand::Report {
        walk: WalkId(1),
        step: step.into(),
        hand: Uuid::from_u128(hand),
        done: ended(block, result),
        carry: None,
    }
}

/// The room found the hand dead.
pub(crate) fn lost(step: &str, hand: u128) -> WalkCommand {
    WalkCommand::Lost { walk: WalkId(1), step: step.into(), hand: Uuid::from_u128(hand), why: "gone".into() }
}
