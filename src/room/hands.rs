//! Hands as the room sees them: which connection has proved to be which, what each showed last, and whether it is proved
//! dead.

use super::conn::ConnId;
use crate::{
    domain::{
        Command, CommandId, State,
        time::{Span, Stamp},
        walk::{self, Lease, ProcessRef, StepStatus, WalkCommand},
    },
    os::process::{self, ProcessId},
    wire::{HandSays, StepRef},
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use uuid::Uuid;

/// A hand that was lent a step must attach within this.
const ATTACH_WITHIN: Span = Span::secs(20);
/// Text of one step that a seat which joins later is shown, in bytes.
const TAIL: usize = 64 * 1024;

/// Steps of which that is kept at most.
const TAILS: usize = 256;

/// All hands of a room.
#[derive(Default)]
pub struct Hands {
    /// What asked to be a hand and was not answered yet.
    claims: BTreeMap<(ConnId, CommandId), Uuid>,
    /// What the rules accepted as one.
    proven: BTreeMap<Uuid, ConnId>,
    /// Hands that are told to end as soon as they are there: they were away when somebody said so.
    cancelled: BTreeSet<Uuid>,
    tails: BTreeMap<StepRef, VecDeque<HandSays>>,
}

impl Hands {
    /// A connection sends a command that only a step's own hand may send. It proves something when it is accepted.
    pub fn claim(&mut self, conn: ConnId, command: CommandId, hand: Uuid) {
        self.claims.insert((conn, command), hand);
    }

    /// Such a command was answered: what it claimed, once.
    pub fn claimed(&mut self, conn: ConnId, command: CommandId) -> Option<Uuid> {
        self.claims.remove(&(conn, command))
    }

    /// The rules accepted this connection as this hand. Where it comes back on another, that one is it.
    pub fn prove(&mut self, hand: Uuid, conn: ConnId) {
        self.proven.insert(hand, conn);
    }

    /// It is told to end when it is there again.
    pub fn cancel_later(&mut self, hand: Uuid) {
        self.cancelled.insert(hand);
    }

    /// Whether it is to be told to end, once.
    pub fn is_cancelled(&mut self, hand: Uuid) -> bool {
        self.cancelled.remove(&hand)
    }

    /// The connection that is this hand.
    pub fn conn(&self, hand: Uuid) -> Option<ConnId> {
        self.proven.get(&hand).copied()
    }

    /// A connection ended.
    pub fn left(&mut self, conn: ConnId) {
        self.proven.retain(|_, own| *own != conn);
        self.claims.retain(|(own, _), _| *own != conn);
    }

    /// Keeps what a hand showed, as much as a seat that joins later needs.
    pub fn keep(&mut self, at: &StepRef, says: &HandSays) {
        // Of a step of which nothing is shown, that it is over says nothing; others than the newest steps are shown anew.
        if !self.tails.contains_key(at) && (*says == HandSays::Over || self.tails.len() >= TAILS) {
            return;
        }
        let tail = self.tails.entry(at.clone()).or_default();
        match says {
            HandSays::Screen { .. } => tail.retain(|old| !matches!(old, HandSays::Screen { .. })),
            HandSays::Holding { .. } => tail.retain(|old| !matches!(old, HandSays::Holding { .. })),
            _ => {}
        }
        tail.push_back(says.clone());
        let size = |one: &HandSays| match one {
            HandSays::Printed { text } => text.len(),
            HandSays::Screen { rows, .. } => rows.iter().map(|row| row.len().saturating_add(24)).sum(),
            _ => 64,
        };
        let mut total: usize = tail.iter().map(size).sum();
        while total > TAIL && tail.len() > 1 {
            total = total.saturating_sub(tail.pop_front().as_ref().map_or(0, size));
        }
    }

    /// What hands showed, for a seat that joins now.
    pub fn shown(&self) -> impl Iterator<Item = (&StepRef, &HandSays)> {
        self.tails.iter().flat_map(|(at, tail)| tail.iter().map(move |says| (at, says)))
    }

    /// Steps that nobody has any more need no tail for long, and hands without a step are told nothing.
    pub fn prune(&mut self, state: &State) {
        self.cancelled.retain(|hand| walk::lent_step(state, *hand).is_some());
        self.tails.retain(|at, _| state.walks.get(&at.walk).is_some_and(|walk| walk.ended.is_none()));
    }

    /// What must be said of hands that are proved dead or never came; of those on one machine, where others are other
    /// rooms' to judge.
    pub fn lost(&self, state: &State, here: Option<&str>, now: &Stamp) -> Vec<Command> {
        let mut commands = Vec::new();
        for walk in state.walks.values().filter(|walk| walk.ended.is_none()) {
            for (step, known) in walk.steps.iter().filter(|(_, known)| known.status == StepStatus::Lent) {
                let Some(lease) = &known.lease else { continue };
                if here.is_some_and(|here| here != lease.host) || self.proven.contains_key(&lease.hand) {
                    continue;
                }
                // A step that runs nothing is lent to its asker while an approval is waited for; there is no process.
                if walk.runbook.step(step).is_some_and(|plan| !plan.runs() && !lease.undo) {
                    continue;
                }
                if let Some(why) = dead(lease, now) {
                    commands.push(Command::Walk(WalkCommand::Lost {
                        walk: walk.id,
                        step: step.clone(),
                        hand: lease.hand,
                        why,
                    }));
                }
            }
        }
        commands
    }
}

/// The hand that a command speaks for, where only that hand may send it.
pub fn speaks_for(command: &Command) -> Option<Uuid> {
    match command {
        Command::Walk(
            WalkCommand::Attach { hand, .. }
            | WalkCommand::Intend { hand, .. }
            | WalkCommand::Report { hand, .. },
        ) => Some(*hand),
        _ => None,
    }
}

fn dead(lease: &Lease, now: &Stamp) -> Option<String> {
    let Some(process) = &lease.process else {
        return (lease.at.elapsed(now) > ATTACH_WITHIN).then(|| "its hand never came".to_owned());
    };
    (!process::alive(&id(process))).then(|| format!("its hand, process {}, is dead", process.pid))
}

/// The process that a lease names.
pub fn id(process: &ProcessRef) -> ProcessId {
    ProcessId {
        pid: process.pid,
        start: process.start,
        boot: crate::domain::time::BootId(process.boot.clone()),
    }
}
