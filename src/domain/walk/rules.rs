//! What may be asked of a walk, and what follows.

use super::{
    BlockResult, Lease, StepStatus, Walk, WalkCommand, WalkFact, approval, deviate,
    input::{accept_value, set_input},
    person::{choose, confirm, edit},
    sequence,
    sequence::Next,
    turn,
};
use crate::domain::{
    command::Ctx,
    deviation::DeviationKind,
    fact::Fact,
    id::WalkId,
    incident::first_action,
    note::NoteFact,
    plan::{BlockKind, OnFail, Runbook, Step},
    refusal::{Code, Refusal, text},
    state::State,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// A walk that goes on, and a step of it.
pub(super) fn find<'a>(state: &'a State, id: WalkId, step: &str) -> Result<(&'a Walk, &'a Step), Refusal> {
    open(state, id)?;
    begun(state, id, step)
}

/// A walk that is in the fold.
fn known(state: &State, id: WalkId) -> Result<&Walk, Refusal> {
    state.walks.get(&id).ok_or_else(|| {
        if id.0 > 0 && Some(id) <= state.issued.walk {
            return Refusal::new(Code::Conflict, format!("{id} is over, and so is what it was walked for"))
                .hint("begin a new walk of the runbook");
        }
        Refusal::unknown("walk", id)
    })
}

/// A walk, ended or not, and a step of it: what a hand still runs is recorded to its end.
fn begun<'a>(state: &'a State, id: WalkId, step: &str) -> Result<(&'a Walk, &'a Step), Refusal> {
    let walk = known(state, id)?;
    let step = walk.runbook.step(step).ok_or_else(|| {
        Refusal::unknown("step", format!("{step:?} in {id}")).hint("warroom step list shows their names")
    })?;
    Ok((walk, step))
}

pub(super) fn open(state: &State, id: WalkId) -> Result<&Walk, Refusal> {
    let walk = known(state, id)?;
    if walk.ended.is_some() {
        return Err(
            Refusal::new(Code::Conflict, format!("{id} has ended")).hint("begin a new walk of the runbook")
        );
    }
    // Nothing may be owed to a closed incident, so nothing is done in it either.
    if let Some(closed) = walk.incident.filter(|incident| state.is_closed(*incident)) {
        return Err(Refusal::new(Code::Conflict, format!("{closed} is closed, and {id} with it"))
            .hint("begin a new walk of the runbook"));
    }
    Ok(walk)
}

pub(in crate::domain) fn decide(
    state: &State,
    command: &WalkCommand,
    ctx: &Ctx,
) -> Result<Vec<Fact>, Refusal> {
    match command {
        WalkCommand::Start { .. } => start(state, command, ctx),
        WalkCommand::Load { source, .. } => {
            Err(Refusal::new(Code::Invalid, format!("{} is not read yet", crate::domain::text::line(source)))
                .hint("the room reads a runbook before it begins to walk it"))
        }
        WalkCommand::SetInput { walk, name, value } => set_input(state, *walk, name, value, ctx),
        WalkCommand::Take { .. } => take(state, command, ctx),
        WalkCommand::Attach { walk, step, hand, process, carry } => {
            let (known, plan) = leased(state, *walk, step, *hand, ctx)?;
            let now = known.state(step);
            let there = |lease: Lease| lease.process.as_ref() == Some(process) && lease.carry == *carry;
            // On a new connection it proves who it is; nothing of the step has changed.
            if now.status == StepStatus::Lent && now.lease.is_some_and(there) {
                return Ok(Vec::new());
            }
            let mut facts = vec![Fact::Walk(WalkFact::Attached {
                walk: *walk,
                step: step.clone(),
                hand: *hand,
                process: process.clone(),
                carry: *carry,
            })];
            follow(known, plan, &mut facts, ctx);
            Ok(facts)
        }
        WalkCommand::Intend { walk, step, hand, block } => intend(state, (*walk, step, *hand), block, ctx),
        WalkCommand::Report { .. } => report(state, command, ctx),
        WalkCommand::Approve { .. } => approval::decide(state, command, ctx),
        WalkCommand::Reject { walk, step, reason } => {
            let (known, _) = begun(state, *walk, step)?;
            if known.state(step).asked.is_none() {
                return Err(Refusal::new(Code::Conflict, format!("no approval is asked for {step:?}")));
            }
            let reason = text("the reason", reason, 400)?;
            Ok(vec![Fact::Walk(WalkFact::Rejected { walk: *walk, step: step.clone(), reason })])
        }
        WalkCommand::Confirm { walk, step, seen } => confirm(state, *walk, step, seen, ctx),
        WalkCommand::Choose { walk, step, label } => choose(state, *walk, step, label, ctx),
        WalkCommand::Deviate { .. } => deviate::decide(state, command, ctx),
        WalkCommand::Edit { .. } => edit(state, command, ctx),
        WalkCommand::Lost { walk, step, hand, why } => {
            ctx.room_only()?;
            let (known, _) = begun(state, *walk, step)?;
            let now = known.state(step);
            if now.status != StepStatus::Lent || now.lease.is_none_or(|lease| lease.hand != *hand) {
                return Ok(Vec::new());
            }
            Ok(vec![Fact::Walk(WalkFact::Lost {
                walk: *walk,
                step: step.clone(),
                hand: *hand,
                why: crate::domain::text::line(why).into_owned(),
            })])
        }
        WalkCommand::TakeOver { walk, step, reason } => take_over(state, *walk, step, reason),
        WalkCommand::Abandon { walk, reason } => {
            let known = open(state, *walk)?;
            if known.has_lent() {
                return Err(Refusal::new(Code::Conflict, format!("a step of {walk} is still running"))
                    .hint("cancel it, or wait for its end"));
            }
            let why = format!("{walk} abandoned: {}", text("the reason", reason, 400)?);
            Ok(vec![
                Fact::Walk(WalkFact::Finished { walk: *walk, complete: false }),
                Fact::Note(NoteFact::Said { incident: known.incident, text: why }),
            ])
        }
    }
}

fn start(state: &State, command: &WalkCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let WalkCommand::Start { incident, runbook, inputs } = command else { return Ok(Vec::new()) };
    if let Some(id) = incident {
        state.open(*id)?;
    }
    if runbook.steps().next().is_none() {
        return Err(Refusal::new(Code::Invalid, format!("{} has no steps", runbook.source))
            .hint("warroom runbook show prints what was found in it"));
    }
    if let Some(twice) = twice(runbook) {
        return Err(Refusal::new(Code::Invalid, format!("{} has the name {twice:?} twice", runbook.source))
            .hint("give each step and each block a name of its own"));
    }
    let id = state.issued.next_walk();
    let mut kept = BTreeMap::new();
    for (name, value) in inputs {
        if let Some((name, value)) = accept_value(runbook, &BTreeMap::new(), name, value)? {
            kept.insert(name, value);
        }
    }
    let begin = WalkFact::Started { walk: id, incident: *incident, runbook: runbook.clone(), inputs: kept };
    let walk = super::fold::begin(&begin, &ctx.actor, &ctx.now, 0);
    let mut facts = vec![begin];
    if let Some(first) = walk.as_ref().and_then(turn::first) {
        facts.push(WalkFact::Moved { walk: id, to: first.id.clone() });
    }
    Ok(facts.into_iter().map(Fact::Walk).collect())
}

/// A step's or a block's name that another has too, so that one could run in the other's place.
fn twice(runbook: &Runbook) -> Option<&str> {
    let (mut steps, mut blocks) = (BTreeSet::new(), BTreeSet::new());
    runbook.steps().find_map(|step| {
        if !steps.insert(step.id.as_str()) {
            return Some(step.id.as_str());
        }
        step.blocks.iter().map(|block| block.id.as_str()).find(|id| !blocks.insert(*id))
    })
}

/// A change voids approvals: what waits for one, or had one and has not acted yet, is asked for again as it is now.
pub(super) fn ask_again(walk: &Walk, facts: &mut Vec<Fact>, ctx: &Ctx) {
    let mut after = walk.clone();
    after.take(facts, ctx);
    if after.ended.is_some() {
        return;
    }
    let lent = after.steps.iter().filter(|(_, state)| state.status == StepStatus::Lent);
    for step in lent.filter_map(|(slug, _)| walk.runbook.step(slug)) {
        let waits = if step.runs() {
            sequence::next(&after, step) == Next::Approval
        } else {
            !approval::is_given(&after, step)
        };
        if waits {
            ask(&after, step, facts);
        }
    }
}

fn ask(walk: &Walk, step: &Step, facts: &mut Vec<Fact>) {
    let Some((words, by)) = approval::wanted(step) else { return };
    let digest = approval::digest(walk, step);
    if walk.state(&step.id).asked.is_some_and(|asked| asked.digest == digest) {
        return;
    }
    facts.push(Fact::Walk(WalkFact::ApprovalAsked {
        walk: walk.id,
        step: step.id.clone(),
        text: words.to_owned(),
        digest,
        by: by.clone(),
    }));
}

fn take(state: &State, command: &WalkCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let WalkCommand::Take { walk: id, step: slug, hand, host, confirm, undo, again, shown } = command else {
        return Ok(Vec::new());
    };
    let (walk, step) = find(state, *id, slug)?;
    let now = walk.state(slug);
    match now.status {
        StepStatus::Lent => {
            let owner = now.lease.map(|lease| lease.owner.name).unwrap_or_default();
            return Err(Refusal::new(Code::Conflict, format!("{owner} has {:?}", step.title))
                .hint("wait for its end, or take it over with a reason"));
        }
        StepStatus::Unknown => {
            return Err(Refusal::new(Code::Conflict, format!("nobody knows how far {:?} came", step.title))
                .hint("look at the target, then take it over with a reason: it is never started again by itself"));
        }
        StepStatus::Done if !*again && !*undo => {
            return Err(Refusal::new(Code::Conflict, format!("{:?} is finished", step.title))
                .hint("run it again with --again; that is a deviation"));
        }
        _ => {}
    }
    super::shown::is_as_seen(walk, step, (*undo, *again), *shown)?;
    let human = approval::wanted(step).is_some() && !step.runs() && !*undo;
    if human {
        let mut facts: Vec<Fact> = deviate::reorder(state, walk, step, &[]).into_iter().collect();
        let mut after = walk.clone();
        let lent = lent(*id, slug, *hand, host, false, *again);
        after.take(std::slice::from_ref(&lent), ctx);
        facts.push(lent);
        ask(&after, step, &mut facts);
        return Ok(facts);
    }
    if !step.runs() && !*undo {
        return Err(Refusal::new(Code::Invalid, format!("there is nothing to run in {:?}", step.title))
            .hint("tick it when it is done"));
    }
    if *undo && step.of_kind(BlockKind::Undo).next().is_none() {
        return Err(Refusal::new(Code::Invalid, format!("{:?} has no undo", step.title)));
    }
    let missing = walk.missing(step);
    if !missing.is_empty() {
        return Err(Refusal::new(Code::NeedsMore, format!("no value for {}", missing.join(", ")))
            .hint("enter it, or warroom step input NAME=VALUE"));
    }
    deviate::confirmed(walk, step, *undo, confirm)?;
    let mut facts: Vec<Fact> = deviate::reorder(state, walk, step, &[]).into_iter().collect();
    facts.extend(deviate::wrong_host(state, walk, step, host, &facts));
    let lent = lent(*id, slug, *hand, host, *undo, *again);
    if !*undo {
        facts.extend(beyond_limit(state, walk, step, &lent, *again, ctx, &facts)?);
    }
    facts.push(lent);
    pass(walk, step, &mut facts, ctx);
    Ok(facts)
}

/// Goes on where a step of the background runs now.
pub(super) fn pass(walk: &Walk, step: &Step, facts: &mut Vec<Fact>, ctx: &Ctx) {
    let mut after = walk.clone();
    after.take(facts, ctx);
    facts.extend(turn::pass(&after, step));
}

/// The deviation of running a block more often than prescribed, where this lease would. A block that runs `once` is
/// refused until it is asked for in so many words.
fn beyond_limit(
    state: &State,
    walk: &Walk,
    step: &Step,
    lent: &Fact,
    again: bool,
    ctx: &Ctx,
    before: &[Fact],
) -> Result<Option<Fact>, Refusal> {
    let mut after = walk.clone();
    after.take(std::slice::from_ref(lent), ctx);
    let (was, then) = (walk.state(&step.id), after.state(&step.id));
    let finished = was.status == StepStatus::Done;
    for block in step.of_kind(BlockKind::Run) {
        let begun = was.begun.get(&block.id).copied().unwrap_or_default();
        let stays = then.overridden.contains(&block.id) || sequence::result(&then, block).is_some();
        if begun == 0 || stays {
            continue;
        }
        if block.once && !again {
            return Err(Refusal::new(Code::NeedsMore, format!("{} runs once, and has been run", block.id))
                .hint("look at the target; run it again with --again, which is a deviation"));
        }
        let limit = if block.once { 1 } else { block.retry.map_or(1, |retry| retry.attempts.max(1)) };
        if finished || begun >= limit {
            let told = (
                format!("{} runs {} at most", block.id, times(limit)),
                format!("begun {} before, and run again", times(begun)),
            );
            return Ok(Some(deviate::fact(state, walk, step, DeviationKind::RetryBeyondLimit, told, before)));
        }
    }
    Ok(None)
}

fn times(n: u32) -> String {
    if n == 1 { "once".into() } else { format!("{n} times") }
}

fn lent(walk: WalkId, step: &str, hand: Uuid, host: &str, undo: bool, again: bool) -> Fact {
    Fact::Walk(WalkFact::Lent {
        walk,
        step: step.to_owned(),
        hand,
        host: crate::domain::text::line(host).into_owned(),
        undo,
        again,
    })
}

/// The step that this hand has been lent.
fn leased<'a>(
    state: &'a State,
    id: WalkId,
    slug: &str,
    hand: Uuid,
    ctx: &Ctx,
) -> Result<(&'a Walk, &'a Step), Refusal> {
    let (walk, step) = begun(state, id, slug)?;
    let now = walk.state(slug);
    let own = now.lease.as_ref().is_some_and(|lease| lease.hand == hand && lease.owner.same(&ctx.actor));
    if !own || now.status == StepStatus::Done {
        return Err(Refusal::new(Code::Conflict, format!("{slug:?} is not lent to this hand"))
            .hint("it was taken over, or it is finished"));
    }
    Ok((walk, step))
}

fn intend(
    state: &State,
    (id, slug, hand): (WalkId, &str, Uuid),
    block: &str,
    ctx: &Ctx,
) -> Result<Vec<Fact>, Refusal> {
    let (walk, step) = leased(state, id, slug, hand, ctx)?;
    open(state, id)?;
    if walk.status(slug) != StepStatus::Lent {
        return Err(Refusal::new(Code::Conflict, format!("this hand was held dead in {slug:?}"))
            .hint("attach again before going on"));
    }
    let next = match sequence::next(walk, step) {
        Next::Block(next) if next.id == block => next,
        _ => {
            return Err(Refusal::new(
                Code::Conflict,
                format!("{block:?} is not what comes next in {slug:?}"),
            ));
        }
    };
    if walk.state(slug).intent.is_some_and(|intent| intent.block == block) {
        return Ok(Vec::new());
    }
    let attempt = walk.state(slug).attempt;
    let mut facts = vec![Fact::Walk(WalkFact::Intended {
        walk: id,
        step: slug.to_owned(),
        block: block.to_owned(),
        attempt,
    })];
    if next.kind == BlockKind::Run
        && let Some(incident) = walk.incident
    {
        facts.extend(first_action(state, incident, ctx, &format!("{:?} began", step.title)));
    }
    Ok(facts)
}

fn report(state: &State, command: &WalkCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let WalkCommand::Report { walk: id, step: slug, hand, done, carry } = command else {
        return Ok(Vec::new());
    };
    let (walk, step) = leased(state, *id, slug, *hand, ctx)?;
    let Some(block) = step.blocks.iter().find(|block| block.id == done.block) else {
        return Err(Refusal::unknown("block", format!("{:?} in {slug:?}", done.block)));
    };
    let mut done = done.clone();
    done.seen = crate::domain::text::line(&done.seen).chars().take(200).collect();
    // Only what the block is to capture becomes an input, and a secret never does.
    done.captured = done.captured.filter(|(name, value)| {
        let secret = walk.runbook.front.inputs.iter().any(|input| input.name == *name && input.secret);
        block.capture.as_ref() == Some(name) && !secret && value.len() <= 64 * 1024 && !value.contains('\0')
    });
    let now = walk.state(slug);
    if now.intent.is_none_or(|intent| intent.block != done.block) {
        if now.results.contains(&done) {
            return Ok(Vec::new());
        }
        return Err(Refusal::new(Code::Conflict, format!("{:?} is not what runs in {slug:?}", done.block))
            .hint("say what is about to run before it runs"));
    }
    let timed_out = done.result == BlockResult::TimedOut;
    let limit = block.timeout;
    let mut facts = vec![Fact::Walk(WalkFact::BlockEnded {
        walk: *id,
        step: slug.clone(),
        done: done.clone(),
        carry: *carry,
    })];
    if timed_out {
        let expected = limit.map_or("an end".into(), |limit| format!("{} ends within {limit}", done.block));
        let told = (expected, format!("killed after {}", done.took.brief()));
        facts.push(deviate::fact(state, walk, step, DeviationKind::Timeout, told, &facts));
    }
    follow(walk, step, &mut facts, ctx);
    ask_again(walk, &mut facts, ctx);
    Ok(facts)
}

/// What follows by itself from what a hand said: an approval is asked for, the step is finished, or it has failed.
fn follow(walk: &Walk, step: &Step, facts: &mut Vec<Fact>, ctx: &Ctx) {
    let mut after = walk.clone();
    after.take(facts, ctx);
    let seen = after.state(&step.id).results.last().map(|done| done.seen.clone()).unwrap_or_default();
    match sequence::next(&after, step) {
        Next::Block(_) | Next::Person => {}
        Next::Approval if after.ended.is_some() => {}
        Next::Approval => ask(&after, step, facts),
        Next::Done(how) => facts.extend(turn::finish(&after, step, &how, seen, ctx)),
        Next::Undone => {
            facts.push(Fact::Walk(WalkFact::Undone { walk: walk.id, step: step.id.clone() }));
        }
        Next::Failed(block) => {
            let why = sequence::result(&after.state(&step.id), block).map_or_else(String::new, |done| {
                let exit = done.exit.map(|code| format!(" (exit {code})")).unwrap_or_default();
                format!("{}{exit}: {}", word(done.result), done.seen)
            });
            facts.push(Fact::Walk(WalkFact::StepFailed {
                walk: walk.id,
                step: step.id.clone(),
                block: block.id.clone(),
                why,
            }));
            if let OnFail::Goto(to) = &block.onfail
                && after.ended.is_none()
            {
                facts.extend(turn::go_to(&after, to).into_iter().map(Fact::Walk));
            }
        }
    }
}

fn word(result: BlockResult) -> &'static str {
    match result {
        BlockResult::Passed => "passed",
        BlockResult::Failed => "failed",
        BlockResult::TimedOut => "killed at its time limit",
        BlockResult::Cancelled => "cancelled",
        BlockResult::CouldNotStart => "could not start",
    }
}

fn take_over(state: &State, id: WalkId, slug: &str, reason: &str) -> Result<Vec<Fact>, Refusal> {
    let (walk, step) = begun(state, id, slug)?;
    let now = walk.state(slug);
    if !matches!(now.status, StepStatus::Unknown | StepStatus::Lent) {
        return Err(
            Refusal::new(Code::Conflict, format!("nobody has {:?}", step.title)).hint("take it with Enter")
        );
    }
    let from = now.lease.map(|lease| lease.owner.name).unwrap_or_default();
    let reason = text("the reason", reason, 400)?;
    Ok(vec![Fact::Walk(WalkFact::TakenOver { walk: id, step: slug.to_owned(), from, reason })])
}
