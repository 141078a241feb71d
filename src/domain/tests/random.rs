//! Anything anybody may ask in any order: what must hold all the same.

use super::asking::{Act, about_freezes, acts, acts_of_people, book, request, span, steer};
use crate::domain::{
    Command, CommandId, Event, Fact, State,
    actor::Actor,
    clock::ImpactState,
    deadline::due,
    decide,
    freeze::{FreezeFact, Hold},
    gate::{self, Action, GateCommand},
    incident::Status,
    next_deadline,
    permissions::Requirement,
    plan::BlockKind,
    policy::{Members, Policy, Power},
    power::{self, Groups},
    testing::{Ledger, ana},
    time::{Span, Stamp},
    walk::{StepStatus, WalkFact, approval},
};
use proptest::{collection::vec, prelude::*};
use uuid::Uuid;

/// A run begins only under approvals of enough other people, for exactly what it is, or with broken glass.
fn approved(before: &State, fact: &WalkFact) -> Result<(), TestCaseError> {
    let WalkFact::Intended { walk, step, block, .. } = fact else { return Ok(()) };
    let walk = &before.walks[walk];
    let plan = walk.runbook.step(step).unwrap();
    let now = walk.state(step);
    if plan.kind_of(block) != Some(BlockKind::Run) {
        return Ok(());
    }
    let Some((_, by)) = approval::wanted(plan) else { return Ok(()) };
    let digest = approval::digest(walk, plan);
    let requester = now.lease.unwrap().owner;
    let valid: Vec<_> = now.approvals.iter().filter(|given| given.digest == digest).collect();
    let mut uids: Vec<_> =
        valid.iter().map(|given| given.by.uid).filter(|uid| *uid != requester.uid).collect();
    uids.sort_unstable();
    uids.dedup();
    prop_assert!(uids.iter().all(Option::is_some));
    prop_assert!(valid.iter().any(|given| given.glass) || uids.len() >= usize::from(by.n), "{walk:?}");
    Ok(())
}

/// A step has one owner: it is lent only where nobody has it, and a block is begun and ended only by the one who has
/// it. A walk ends only when nothing runs beside it any more, but where it is given up.
fn one_owner(before: &State, event: &Event) -> Result<(), TestCaseError> {
    let Fact::Walk(fact) = &event.fact else { return Ok(()) };
    let Some(walk) = before.walks.get(&fact.walk()) else { return Ok(()) };
    match fact {
        WalkFact::Lent { step, .. } => {
            let state = walk.state(step);
            prop_assert!(state.lease.is_none(), "{step} has an owner: {state:?}");
            prop_assert!(!matches!(state.status, StepStatus::Lent | StepStatus::Unknown));
        }
        WalkFact::Intended { step, .. } | WalkFact::BlockEnded { step, .. } => {
            let lease = walk.state(step).lease.unwrap();
            prop_assert!(lease.owner.same(&event.actor), "{step} belongs to {}", lease.owner);
        }
        WalkFact::Finished { complete: true, .. } => {
            prop_assert!(walk.beside().next().is_none(), "{walk:?}");
        }
        _ => {}
    }
    Ok(())
}

/// Command moves only as it may: to the one who says so under a power, or to nobody by the one who lays it down.
fn command_moves(before: &State, event: &Event, groups: &Groups) -> Result<(), TestCaseError> {
    let mut after = before.clone();
    after.apply(event);
    for (id, incident) in &after.incidents {
        let was = before.incidents.get(id).and_then(|one| one.commander().map(str::to_owned));
        let Some(old) = before.incidents.get(id) else {
            prop_assert_eq!(incident.commander(), None, "an incident begins without a commander");
            continue;
        };
        if incident.commander() == was.as_deref() {
            continue;
        }
        let actor = &event.actor;
        match incident.commander() {
            None => prop_assert_eq!(Some(actor.name.as_str()), was.as_deref()),
            Some(now) => {
                prop_assert_eq!(now, actor.name.as_str(), "nobody is put in command by another");
                let declares = old.seq + 8 > event.seq && old.declared_by == actor.name && was.is_none();
                let may = power::may(before, (actor, groups), Power::Command, Some(*id), &event.occurred);
                prop_assert!(declares || may, "{event:?}");
            }
        }
    }
    Ok(())
}

/// What was accepted was asked with a power that held at that moment.
fn allowed(before: &State, command: &Command, ctx: &crate::domain::Ctx) -> Result<(), TestCaseError> {
    let Requirement::Power { any, .. } = command.requires(before) else { return Ok(()) };
    let (actor, groups) = (&ctx.actor, &ctx.groups);
    let given = any.iter().any(|power| before.policy.may(actor, groups, *power));
    let taken = before.glasses.values().any(|glass| {
        glass.by.same(actor)
            && glass.over.is_none()
            && glass.broken.elapsed(&ctx.now) < glass.broken.elapsed(&glass.ends)
            && any.iter().any(|power| glass.power.implies(*power))
    });
    prop_assert!(given || taken, "{command:?} by {actor}");
    Ok(())
}

fn invariants(before: &State, events: &[Event], state: &State) -> Result<(), TestCaseError> {
    for walk in state.walks.values() {
        prop_assert_eq!(walk.at.is_none(), walk.ended.is_some());
        for (slug, now) in &walk.steps {
            let leased = matches!(now.status, StepStatus::Lent | StepStatus::Unknown);
            prop_assert_eq!(now.lease.is_some(), leased, "{} {:?}", slug, now.status);
            prop_assert!(now.intent.is_none() || leased);
            prop_assert!(now.asked.is_none() || now.status == StepStatus::Lent);
            prop_assert_eq!(now.done.is_some(), now.status == StepStatus::Done);
        }
    }
    for (id, freeze) in &before.freezes {
        let Some(after) = state.freezes.get(id) else {
            prop_assert!(freeze.hold != Hold::Holds, "a freeze that holds has left the fold");
            continue;
        };
        prop_assert!(after.refused >= freeze.refused && after.passed >= freeze.passed);
        if freeze.hold == Hold::Holds && after.hold != Hold::Holds {
            let over = |event: &Event| {
                matches!(&event.fact,
                Fact::Freeze(FreezeFact::Lifted { freeze, .. } | FreezeFact::Expired { freeze }) if freeze == id)
            };
            prop_assert!(events.iter().any(over));
        }
        prop_assert!(freeze.hold == Hold::Holds || after.hold == freeze.hold, "what is over stays over");
    }
    for (id, incident) in &state.incidents {
        prop_assert!(incident.status != Status::Closed || state.owed(*id) == 0);
        prop_assert!(incident.clocks.recovered.is_none() || incident.clocks.first_good.is_some());
    }
    let gone = before.incidents.values().filter(|one| !state.incidents.contains_key(&one.id));
    prop_assert!(gone.into_iter().all(|one| one.status == Status::Closed));
    let walks = before.walks.iter().filter(|(id, _)| !state.walks.contains_key(id));
    for (id, walk) in walks {
        let closed = walk.incident.is_some_and(|incident| state.is_closed(incident));
        prop_assert!(!walk.has_lent() && (walk.ended.is_some() || closed), "{} has left the fold", id);
    }
    let new = state.incidents.keys().filter(|id| !before.incidents.contains_key(id)).collect::<Vec<_>>();
    prop_assert!(new.iter().all(|id| Some(**id) > before.issued.incident));
    let tasks: Vec<_> = state.incidents.values().flat_map(|incident| incident.tasks.keys()).collect();
    let mut unique = tasks.clone();
    unique.sort_unstable();
    unique.dedup();
    prop_assert_eq!(unique.len(), tasks.len());
    for incident in state.incidents.values() {
        for id in incident.proposals.keys() {
            prop_assert!(incident.decided.iter().all(|one| one.id != *id), "{} is decided and open", id);
        }
        let due = incident.decided.iter().filter_map(|one| one.review.as_ref()).filter(|review| review.due);
        prop_assert!(due.count() <= incident.decided.len());
    }
    for task in state.incidents.values().flat_map(|incident| incident.tasks.values()) {
        prop_assert!(task.acknowledged.is_none() || task.owner.is_some(), "nobody has {}", task.id);
        prop_assert!(task.over.is_none() || task.within.is_some());
        prop_assert!(task.within != Some(Span::ZERO));
    }
    Ok(())
}

/// Impact time runs with the boot clock: it grows by what passed, unless something was said about it.
fn clocks(before: &State, then: &Stamp, state: &State, now: &Stamp) -> Result<(), TestCaseError> {
    for (id, incident) in &state.incidents {
        let Some(old) = before.incidents.get(id) else { continue };
        if old.clocks.began() != incident.clocks.began() {
            continue;
        }
        let was = old.clocks.impact(&old.declared, then);
        let is = incident.clocks.impact(&incident.declared, now);
        let from = incident.clocks.began().map_or(&incident.declared, |mark| &mark.at);
        let steady = !from.boot.0.is_empty();
        if (was.state, is.state, steady) == (ImpactState::Running, ImpactState::Running, true) {
            prop_assert_eq!(is.time, was.time.plus(then.elapsed(now)));
        }
    }
    Ok(())
}

/// Woken at the next deadline something is due, nothing before it, and nothing any more when that has happened.
pub(super) fn deadlines(ledger: &Ledger) -> Result<(), TestCaseError> {
    let Some(at) = next_deadline(&ledger.state, &ledger.now) else {
        prop_assert!(due(&ledger.state, &ledger.now).is_empty());
        return Ok(());
    };
    let wait = at.until(&ledger.now);
    if wait > Span::millis(1) {
        prop_assert!(due(&ledger.state, &ledger.now.plus(wait.minus(Span::millis(1)))).is_empty());
    }
    let mut copy = Ledger::new();
    copy.state = ledger.state.clone();
    copy.now = ledger.now.plus(wait);
    let ctx = crate::domain::Ctx {
        actor: Actor::room(),
        groups: crate::domain::power::Groups::default(),
        now: copy.now.clone(),
        id: CommandId(Uuid::from_u128(u128::MAX)),
        room: "test".into(),
    };
    let events = copy.ask_as(&ctx, &Command::Tick).unwrap();
    prop_assert!(!events.is_empty(), "woken for nothing");
    prop_assert_eq!(due(&copy.state, &copy.now), Vec::new());
    if let Some(next) = next_deadline(&copy.state, &copy.now) {
        prop_assert!(!next.reached(&copy.now));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_asked(acts in vec((acts(), any::<u8>()), 1..250)) {
        let mut ledger = Ledger::with_incident();
        ledger.groups.insert("cy".into(), Groups::new(["oncall".to_owned()].into()));
        ledger.ok(&ana(), crate::domain::testing::start(book()));
        let mut last: Option<(crate::domain::Ctx, Command)> = None;
        for (act, roll) in acts {
            let (before, then) = (ledger.state.clone(), ledger.now.clone());
            let from = ledger.events.len();
            match act {
                Act::Pass(span) => ledger.pass(span),
                Act::Wall(ms) => ledger.step_wall(ms),
                Act::Retry => {
                    if let Some((ctx, command)) = &last {
                        prop_assert_eq!(ledger.ask_as(&ctx.clone(), command), Ok(Vec::new()));
                        prop_assert_eq!(&ledger.state, &before);
                    }
                }
                Act::Ask(who, command) => {
                    let (who, command) = steer(&before, roll).filter(|_| roll % 4 != 0).unwrap_or((who, *command));
                    let ctx = ledger.ctx(&who);
                    match ledger.ask_as(&ctx, &command) {
                        Ok(events) if !events.is_empty() => {
                            allowed(&before, &command, &ctx)?;
                            last = Some((ctx.clone(), command));
                            let mut state = before.clone();
                            for event in &events {
                                if let Fact::Walk(fact) = &event.fact { approved(&state, fact)?; }
                                one_owner(&state, event)?;
                                command_moves(&state, event, &ctx.groups)?;
                                state.apply(event);
                            }
                        }
                        Ok(_) | Err(_) => prop_assert_eq!(&ledger.state, &before),
                    }
                }
            }
            invariants(&before, &ledger.events[from..], &ledger.state)?;
            clocks(&before, &then, &ledger.state, &ledger.now)?;
            deadlines(&ledger)?;
        }
        prop_assert_eq!(&ledger.replay(), &ledger.state);
        let mut stored = State::default();
        for event in &ledger.events {
            let text = serde_json::to_string(event).unwrap();
            let read: Event = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&read, event);
            stored.apply(&read);
        }
        prop_assert_eq!(&stored, &ledger.state);
        let snapshot = serde_json::to_string(&ledger.state).unwrap();
        prop_assert_eq!(&serde_json::from_str::<State>(&snapshot).unwrap(), &ledger.state);
    }

    /// Command moves only as it may, and a power counts only while it holds, whether its end was written down or not.
    #[test]
    fn command_is_never_given_and_no_lapsed_power_counts(acts in vec((acts_of_people(), any::<bool>()), 1..120)) {
        let mut ledger = Ledger::with_incident();
        ledger.groups.insert("cy".into(), Groups::new(["oncall".to_owned()].into()));
        let only_ana = Members { users: ["ana".to_owned()].into(), ..Members::default() };
        let powers = [(Power::Command, only_ana)].into();
        ledger.ok(&Actor::room(), Command::Policy(Box::new(Policy { powers, ..Policy::default() })));
        for (act, tick) in acts {
            let before = ledger.state.clone();
            match act {
                Act::Pass(span) if tick => ledger.pass(span),
                Act::Pass(span) => ledger.now = ledger.now.plus(span),
                Act::Ask(who, command) => {
                    let ctx = ledger.ctx(&who);
                    let Ok(events) = ledger.ask_as(&ctx, &command) else {
                        prop_assert_eq!(&ledger.state, &before);
                        continue;
                    };
                    if !events.is_empty() {
                        allowed(&before, &command, &ctx)?;
                    }
                    let mut state = before;
                    for event in &events {
                        command_moves(&state, event, &ctx.groups)?;
                        state.apply(event);
                    }
                }
                Act::Retry | Act::Wall(_) => {}
            }
        }
        prop_assert_eq!(&ledger.replay(), &ledger.state);
    }

    /// The events of one journal in any order, any of them twice or not at all, by anybody: never a panic, and the
    /// rules still answer.
    #[test]
    fn apply_is_total(acts in vec((acts(), any::<u8>()), 1..60), order in vec(any::<prop::sample::Index>(), 1..150)) {
        let mut ledger = Ledger::with_incident();
        ledger.ok(&ana(), crate::domain::testing::start(book()));
        let mut asked = Vec::new();
        for (act, roll) in acts {
            if let Act::Ask(who, command) = act {
                let (who, command) = steer(&ledger.state, roll).unwrap_or((who, *command));
                let _ = ledger.ask(&who, command.clone());
                asked.push((who, command));
            }
        }
        let mut state = State::default();
        for index in order {
            state.apply(index.get(&ledger.events));
            let _ = due(&state, &ledger.now);
            let _ = next_deadline(&state, &ledger.now);
        }
        for (who, command) in asked {
            let ctx = ledger.ctx(&who);
            let _ = decide(&state, &command, &ctx);
        }
    }

    /// The gate never says open under a freeze that covers and does not exempt, and never holds a rollback.
    #[test]
    fn the_gate_agrees_with_the_freezes(freezes in vec(about_freezes(), 1..8), request in request(), pass in span()) {
        let mut ledger = Ledger::with_incident();
        for command in freezes {
            let _ = ledger.ask(&ana(), Command::Freeze(command));
        }
        ledger.now = ledger.now.plus(pass);
        let answer = gate::answer(&ledger.state, &request, &ledger.now);
        let frozen = ledger.state.freezes.values().any(|freeze| {
            freeze.holds()
                && freeze.scope.covers(&request.service, &request.env, request.action)
                && !freeze.exemptions.iter().any(|one| one.artifact == request.artifact)
        });
        prop_assert_eq!(answer.allowed, !frozen);
        prop_assert!(answer.allowed || request.action != Action::Rollback);
        prop_assert!(!answer.reason.contains('\n'));
        let refused = GateCommand::Refused { request, answer: answer.clone(), times: 2 };
        prop_assert_eq!(ledger.ask(&Actor::token("ci"), Command::Gate(refused)).is_ok(), !answer.allowed);
    }
}
