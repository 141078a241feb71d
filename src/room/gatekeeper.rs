//! What the gate answered, on its way to the journal: the first of each kind at once, repeats gathered. However many kinds
//! somebody makes up, what comes of them is a bounded number of events in each interval.

use crate::domain::{
    Command,
    actor::Actor,
    gate::{Answer, Because, COALESCE, GateCommand, Request},
    id::FreezeId,
    time::{Span, Stamp},
};
use std::collections::BTreeMap;

/// Kinds that are told apart at most, of all who ask.
const KINDS: usize = 1_024;
/// Kinds that are told apart at most, of one who asks.
const KINDS_EACH: usize = 64;
/// Counts of "the others" at most, before the last of them counts everything.
const OTHERS: usize = 256;

/// What repeats are of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Kind {
    /// One of too many to be told apart.
    others: bool,
    freeze: Option<FreezeId>,
    because: u8,
    /// Service, environment, artifact.
    names: [String; 3],
    action: &'static str,
    dry_run: bool,
    who: (String, Option<u32>),
    alias: Option<String>,
}

struct Gathered {
    since: Stamp,
    waiting: u64,
    /// It was not written down at all yet, for the journal took nothing.
    held: bool,
    actor: Actor,
    request: Request,
    answer: Answer,
}

impl Gathered {
    fn command(&self, times: u64) -> Command {
        let request = self.request.clone();
        Command::Gate(match (self.answer.because, self.answer.freeze) {
            (Because::Exempted, Some(freeze)) => GateCommand::Passed { request, freeze, times },
            (Because::Open, _) => GateCommand::Warned { request, reason: self.answer.reason.clone(), times },
            _ => GateCommand::Refused { request, answer: self.answer.clone(), times },
        })
    }
}

/// Gathers repeats by freeze, artifact, target, action and actor.
#[derive(Default)]
pub struct Gatekeeper {
    gathered: BTreeMap<Kind, Gathered>,
}

impl Gatekeeper {
    /// The command to submit for an answer, where there is one to submit now. While the journal takes nothing (`held`)
    /// there is none: it is given when it does again.
    pub fn answered(
        &mut self,
        actor: &Actor,
        request: &Request,
        answer: &Answer,
        now: &Stamp,
        held: bool,
    ) -> Option<Command> {
        let passes = answer.allowed;
        if !answer.is_kept() || (passes && request.dry_run) {
            return None;
        }
        let exact = Kind {
            others: false,
            freeze: answer.freeze,
            because: answer.because.exit(),
            names: [request.service.clone(), request.env.clone(), request.artifact.clone()],
            action: request.action.word(),
            dry_run: request.dry_run,
            who: (actor.name.clone(), actor.uid),
            alias: request.alias.clone(),
        };
        if let Some(known) = self.gathered.get_mut(&exact) {
            known.waiting = known.waiting.saturating_add(1);
            return None;
        }
        let own = |kind: &&Kind| !kind.others && kind.who == exact.who;
        let told_apart = self.gathered.keys().filter(|kind| !kind.others).count();
        let fresh = Gathered {
            since: now.clone(),
            waiting: u64::from(held),
            held,
            actor: actor.clone(),
            request: request.clone(),
            answer: answer.clone(),
        };
        if told_apart < KINDS && self.gathered.keys().filter(own).count() < KINDS_EACH {
            let command = (!held).then(|| fresh.command(1));
            self.gathered.insert(exact, fresh);
            return command;
        }
        self.one_of_others(exact, fresh);
        None
    }

    /// Counts it with others: of the same actor and freeze, and where there are too many of those, of everybody.
    fn one_of_others(&mut self, exact: Kind, fresh: Gathered) {
        let names = ["(other services)", "(other environments)", "(other artifacts)"].map(str::to_owned);
        let kind = Kind { others: true, names, alias: None, ..exact };
        let all = Kind {
            freeze: None,
            action: "all",
            dry_run: false,
            because: u8::MAX,
            who: Default::default(),
            ..kind.clone()
        };
        let counted = self.gathered.keys().filter(|kind| kind.others).count();
        let fits = self.gathered.contains_key(&kind) || counted < OTHERS;
        let kind = if fits { kind } else { all };
        let [service, env, artifact] = kind.names.clone();
        let request = Request { service, env, artifact, alias: None, ..fresh.request };
        let (actor, answer) = if fits {
            (fresh.actor, fresh.answer)
        } else {
            let reason = "refused or passed with a warning, by more callers than are told apart".into();
            let because = Because::Undecided;
            (Actor::room(), Answer { allowed: false, freeze: None, because, reason, ..fresh.answer })
        };
        let known =
            self.gathered.entry(kind).or_insert(Gathered { waiting: 0, actor, request, answer, ..fresh });
        known.waiting = known.waiting.saturating_add(1);
    }

    /// What has been gathered long enough, with who asked; everything, when the room stops.
    pub fn due(&mut self, now: &Stamp, all: bool) -> Vec<(Actor, Command)> {
        let mut commands = Vec::new();
        self.gathered.retain(|_, known| {
            if !all && !known.held && known.since.elapsed(now) < COALESCE {
                return true;
            }
            if known.waiting == 0 {
                return false;
            }
            commands.push((known.actor.clone(), known.command(known.waiting)));
            (known.waiting, known.held) = (0, false);
            known.since = now.clone();
            true
        });
        commands
    }

    /// How long until something is due.
    pub fn wait(&self, now: &Stamp) -> Option<Span> {
        let left = |known: &Gathered| {
            if known.held { Span::ZERO } else { COALESCE.minus(known.since.elapsed(now)) }
        };
        self.gathered.values().map(left).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::gate::Action, os::clock};

    fn asked(service: &str, artifact: &str) -> Request {
        Request {
            service: service.into(),
            env: "prod".into(),
            artifact: artifact.into(),
            action: Action::Deploy,
            dry_run: false,
            alias: None,
        }
    }

    fn frozen() -> Answer {
        Answer {
            allowed: false,
            hold: true,
            abort: false,
            because: Because::Frozen,
            reason: "frozen".into(),
            freeze: Some(FreezeId(1)),
            incident: None,
            valid_until: None,
            seq: 1,
            checks: Vec::new(),
            warned: false,
        }
    }

    /// How often the commands say that it happened.
    fn times(commands: &[Command]) -> u64 {
        let one = |command: &Command| match command {
            Command::Gate(
                GateCommand::Refused { times, .. }
                | GateCommand::Passed { times, .. }
                | GateCommand::Warned { times, .. },
            ) => *times,
            other => panic!("{other:?}"),
        };
        commands.iter().map(one).sum()
    }

    #[test]
    fn any_number_of_kinds_by_anybody_gives_a_bounded_number_of_events_and_every_one_is_counted() {
        let (mut gate, now) = (Gatekeeper::default(), clock::now());
        let bo = Actor::user("bo", 1002);
        let mut commands = Vec::new();
        for round in 0..3 {
            for n in 0..3_000 {
                let request = asked(&format!("s{n}"), &format!("a{n}"));
                commands.extend(gate.answered(&bo, &request, &frozen(), &now, false));
            }
            assert_eq!(commands.len(), KINDS_EACH, "repeats of any kind are gathered, round {round}");
        }
        // He has not taken everybody's place.
        let ana = Actor::user("ana", 1001);
        commands.extend(gate.answered(&ana, &asked("checkout", "checkout@2"), &frozen(), &now, false));
        assert_eq!(commands.len(), KINDS_EACH + 1);
        // Nor do a thousand people.
        for n in 0..3_000 {
            let many = Actor::user(format!("u{n}"), n);
            for artifact in ["a", "b"] {
                let request = asked("checkout", artifact);
                commands.extend(gate.answered(&many, &request, &frozen(), &now, false));
            }
        }
        assert!(commands.len() <= KINDS + 1 && gate.gathered.len() <= KINDS + OTHERS + 1);
        let later = now.plus(COALESCE);
        let due: Vec<Command> = gate.due(&later, false).into_iter().map(|(_, command)| command).collect();
        assert!(due.len() <= KINDS + OTHERS + 1, "{}", due.len());
        assert_eq!(times(&commands) + times(&due), 3 * 3_000 + 1 + 2 * 3_000);
    }

    #[test]
    fn what_passes_a_freeze_is_gathered_too() {
        let (mut gate, now) = (Gatekeeper::default(), clock::now());
        let bo = Actor::user("bo", 1002);
        let exempted = Answer { allowed: true, because: Because::Exempted, ..frozen() };
        let said: Vec<Command> = (0..500)
            .filter_map(|_| gate.answered(&bo, &asked("checkout", "a"), &exempted, &now, false))
            .collect();
        assert_eq!(said.len(), 1);
        let due = gate.due(&now.plus(COALESCE), false);
        assert!(matches!(due[..], [(_, Command::Gate(GateCommand::Passed { times: 499, .. }))]), "{due:?}");
    }

    #[test]
    fn what_cannot_be_written_down_is_held_and_written_when_it_can() {
        let (mut gate, now) = (Gatekeeper::default(), clock::now());
        let bo = Actor::user("bo", 1002);
        let warned = Answer {
            allowed: true,
            because: Because::Open,
            freeze: None,
            warned: true,
            reason: "open, with a warning".into(),
            ..frozen()
        };
        let request = Request { action: Action::Rollback, ..asked("checkout", "a") };
        for _ in 0..2 {
            assert_eq!(gate.answered(&bo, &request, &warned, &now, true), None);
        }
        assert_eq!(gate.wait(&now), Some(Span::ZERO), "at once, when the journal is back");
        let due = gate.due(&now, false);
        assert!(matches!(due[..], [(_, Command::Gate(GateCommand::Warned { times: 2, .. }))]), "{due:?}");
        assert!(gate.due(&now, false).is_empty());
    }
}
