//! Deviations of a walk: computed from what is prescribed and what is asked. Never prevented, at most asked about.

use super::{
    Confirmation, Deviate, How, StepState, StepStatus, Walk, WalkCommand, WalkFact, rules, sequence, turn,
};
use crate::domain::{
    command::Ctx,
    deviation::{self, DeviationFact, DeviationKind, Difference, ReasonCode},
    fact::Fact,
    plan::{Block, BlockKind, Risk, Step},
    refusal::{Code, Refusal},
    state::State,
};

/// A deviation with every field filled but the reason. `before` are the facts of the same decision, so that two
/// deviations of one decision get two names.
pub(super) fn fact(
    state: &State,
    walk: &Walk,
    step: &Step,
    kind: DeviationKind,
    (expected, actual): (String, String),
    before: &[Fact],
) -> Fact {
    let more =
        before.iter().filter(|fact| matches!(fact, Fact::Deviation(DeviationFact::Recorded { .. }))).count();
    let commander =
        walk.incident.and_then(|id| state.incidents.get(&id)).and_then(|incident| incident.commander());
    let host = walk.state(&step.id).lease.map_or_else(|| walk.host.clone(), |lease| lease.host);
    Fact::Deviation(DeviationFact::Recorded {
        deviation: deviation::next_id(state, more),
        incident: walk.incident,
        what: Difference {
            walk: Some(walk.id),
            step: Some(step.id.clone()),
            runbook: Some((walk.runbook.title.clone(), walk.runbook.hash)),
            kind,
            planned: false,
            expected,
            actual,
            host,
            authorised_by: commander.unwrap_or("nobody").to_owned(),
        },
        code: None,
        text: String::new(),
    })
}

/// The deviation of acting on another step than the one where one is; none where it is that one, or it was begun.
pub(super) fn reorder(state: &State, walk: &Walk, step: &Step, before: &[Fact]) -> Option<Fact> {
    let at = walk.current()?;
    let begun = walk.steps.get(&step.id).is_some_and(|state| state.attempt > 0);
    (at.id != step.id && !begun).then(|| {
        let told = (format!("step {:?} is next", at.title), format!("{:?} was done before it", step.title));
        fact(state, walk, step, DeviationKind::Reorder, told, before)
    })
}

/// The deviation of doing a step on another machine than prescribed: what is to run here belongs to the machine of the
/// room, where the steps before it ran and left their state. What names a host reaches it from anywhere.
pub(super) fn wrong_host(
    state: &State,
    walk: &Walk,
    step: &Step,
    host: &str,
    before: &[Fact],
) -> Option<Fact> {
    let host = crate::domain::text::line(host);
    let prescribed = &walk.host;
    let targets = &walk.runbook.front.targets;
    let here = step
        .blocks
        .iter()
        .filter(|block| block.is_shell() && !matches!(block.kind, BlockKind::Sample | BlockKind::Expect))
        .find(|block| {
            block.host.as_ref().is_none_or(|alias| targets.get(alias).unwrap_or(alias) == "local")
        })?;
    let elsewhere = !host.is_empty() && !prescribed.is_empty() && host.as_ref() != prescribed;
    elsewhere.then(|| {
        let told = (format!("{} runs on {prescribed}", here.id), format!("on {host}"));
        let mut fact = fact(state, walk, step, DeviationKind::WrongHost, told, before);
        if let Fact::Deviation(DeviationFact::Recorded { what, .. }) = &mut fact {
            what.host = host.into_owned();
        }
        fact
    })
}

fn give_reason(facts: &mut [Fact], given: Option<ReasonCode>) {
    for one in facts {
        if let Fact::Deviation(DeviationFact::Recorded { code, .. }) = one {
            // `other` says nothing by itself: its words are owed.
            *code = given.filter(|code| *code != ReasonCode::Other);
        }
    }
}

/// The block that an override passes over: the one that failed.
fn failed<'a>(walk: &Walk, step: &'a Step) -> Option<&'a Block> {
    match sequence::next(walk, step) {
        sequence::Next::Failed(block) => Some(block),
        _ => None,
    }
}

fn asked_enough(walk: &Walk, step: &Step, risk: Risk, confirm: &Confirmation) -> Result<(), Refusal> {
    match (risk, confirm) {
        (Risk::Low, _) | (Risk::High, Confirmation::Second | Confirmation::Typed(_)) => Ok(()),
        (Risk::Irreversible, Confirmation::Typed(name)) if name.trim() == walk.target(step) => Ok(()),
        (Risk::High, Confirmation::Enter) => {
            Err(Refusal::new(Code::NeedsMore, format!("{:?} is of high risk", step.title))
                .hint("read what will happen, then press the second key (--yes)"))
        }
        (Risk::Irreversible, _) => {
            Err(Refusal::new(Code::NeedsMore, format!("{:?} cannot be taken back", step.title))
                .hint(format!("type the target's name: {}", walk.target(step))))
        }
    }
}

/// What has to be typed before a step is taken.
pub(super) fn confirmed(walk: &Walk, step: &Step, undo: bool, confirm: &Confirmation) -> Result<(), Refusal> {
    let risk = if undo {
        step.of_kind(BlockKind::Undo).map(|block| block.risk).max().unwrap_or_default()
    } else {
        step.risk()
    };
    asked_enough(walk, step, risk, confirm)
}

pub(super) fn decide(state: &State, command: &WalkCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let WalkCommand::Deviate { walk: id, step: slug, what, code, confirm, host } = command else {
        return Ok(Vec::new());
    };
    let (walk, step) = rules::find(state, *id, slug)?;
    let now: StepState = walk.state(slug);
    if now.status == StepStatus::Done {
        return Err(Refusal::new(Code::Conflict, format!("{:?} is finished", step.title)));
    }
    if now.status == StepStatus::Lent && now.intent.is_some() {
        return Err(Refusal::new(Code::Conflict, format!("{:?} is running", step.title))
            .hint("cancel it, or wait for its end"));
    }
    let mut facts = Vec::new();
    let told = |actual: &str| (format!("{:?} as prescribed", step.title), actual.to_owned());
    match what {
        Deviate::NotApplicable if step.conditional => {
            return Ok(turn::finish(walk, step, &How::NotApplicable, String::new(), ctx));
        }
        Deviate::NotApplicable | Deviate::Skip => {
            let actual = if *what == Deviate::Skip { "left out" } else { "held not to apply, and left out" };
            facts.push(fact(state, walk, step, DeviationKind::Skip, told(actual), &facts));
            facts.extend(turn::finish(walk, step, &How::Skipped, String::new(), ctx));
        }
        Deviate::Manual => {
            facts.push(fact(state, walk, step, DeviationKind::Manual, told("done by hand, outside"), &facts));
            facts.extend(reorder(state, walk, step, &facts));
            facts.extend(wrong_host(state, walk, step, host, &facts));
            facts.extend(turn::finish(walk, step, &How::Manual, String::new(), ctx));
        }
        Deviate::Override => {
            let block = failed(walk, step).ok_or_else(|| {
                Refusal::new(Code::Conflict, format!("nothing of {:?} has failed", step.title))
                    .hint("skip it with s, or do it by hand with m")
            })?;
            asked_enough(walk, step, block.risk.max(step.risk()), confirm)?;
            let seen = sequence::result(&now, block).map(|done| done.seen.clone()).unwrap_or_default();
            let told = (format!("{} holds", block.id), format!("it did not ({seen}) and was passed over"));
            facts.push(Fact::Walk(WalkFact::Overridden {
                walk: *id,
                step: slug.clone(),
                block: block.id.clone(),
            }));
            facts.push(fact(state, walk, step, DeviationKind::Override, told, &facts));
            let mut after = walk.clone();
            after.take(&facts, ctx);
            if let sequence::Next::Done(how) = sequence::next(&after, step) {
                facts.extend(turn::finish(&after, step, &how, format!("passed over: {seen}"), ctx));
            }
        }
    }
    give_reason(&mut facts, *code);
    if !host.is_empty() {
        for one in &mut facts {
            if let Fact::Deviation(DeviationFact::Recorded { what, .. }) = one {
                what.host = crate::domain::text::line(host).into_owned();
            }
        }
    }
    Ok(facts)
}
