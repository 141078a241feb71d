//! What the gate answered, on its way to the journal: the first of each kind at once, repeats gathered.

use crate::domain::{
    Command,
    actor::Actor,
    gate::{Answer, Because, COALESCE, GateCommand, Request},
    id::FreezeId,
    time::{Span, Stamp},
};
use std::collections::BTreeMap;

/// Kinds of refusal that are told apart at most; beyond, the oldest is written down early.
const KINDS: usize = 1_024;

/// What repeats are of: freeze, why, service, environment, artifact, action, who.
type Key = (Option<FreezeId>, u8, [String; 3], &'static str, (String, Option<String>));

struct Gathered {
    since: Stamp,
    waiting: u64,
    actor: Actor,
    request: Request,
    answer: Answer,
}

/// Gathers repeats by freeze, artifact, target, action and actor.
#[derive(Default)]
pub struct Gatekeeper {
    gathered: BTreeMap<Key, Gathered>,
}

impl Gatekeeper {
    /// The command to submit for an answer, where there is one to submit now.
    pub fn answered(
        &mut self,
        actor: &Actor,
        request: &Request,
        answer: &Answer,
        now: &Stamp,
    ) -> Option<Command> {
        if !answer.is_kept() {
            return None;
        }
        if answer.because == Because::Exempted {
            return answer
                .freeze
                .filter(|_| !request.dry_run)
                .map(|freeze| Command::Gate(GateCommand::Passed { request: request.clone(), freeze }));
        }
        let refused = |times| {
            Command::Gate(GateCommand::Refused { request: request.clone(), answer: answer.clone(), times })
        };
        let key = (
            answer.freeze,
            answer.because.exit(),
            [request.service.clone(), request.env.clone(), request.artifact.clone()],
            if request.dry_run { "dry run" } else { request.action.word() },
            (actor.name.clone(), request.alias.clone()),
        );
        if let Some(known) = self.gathered.get_mut(&key) {
            known.waiting = known.waiting.saturating_add(1);
            return None;
        }
        if self.gathered.len() < KINDS {
            self.gathered.insert(
                key,
                Gathered {
                    since: now.clone(),
                    waiting: 0,
                    actor: actor.clone(),
                    request: request.clone(),
                    answer: answer.clone(),
                },
            );
        }
        Some(refused(1))
    }

    /// What has been gathered long enough, with who asked; everything, when the room stops.
    pub fn due(&mut self, now: &Stamp, all: bool) -> Vec<(Actor, Command)> {
        let mut commands = Vec::new();
        self.gathered.retain(|_, known| {
            if !all && known.since.elapsed(now) < COALESCE {
                return true;
            }
            if known.waiting == 0 {
                return false;
            }
            commands.push((
                known.actor.clone(),
                Command::Gate(GateCommand::Refused {
                    request: known.request.clone(),
                    answer: known.answer.clone(),
                    times: known.waiting,
                }),
            ));
            known.waiting = 0;
            known.since = now.clone();
            true
        });
        commands
    }

    /// How long until something is due.
    pub fn wait(&self, now: &Stamp) -> Option<Span> {
        self.gathered.values().map(|known| COALESCE.minus(known.since.elapsed(now))).min()
    }
}
