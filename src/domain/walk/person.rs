//! What people do in a step by themselves: tick it, choose a branch, change its code.

use super::{
    How, StepState, StepStatus, WalkCommand, WalkFact, approval, deviate,
    rules::{ask_again, find},
    turn,
};
use crate::domain::{
    clock::Moment,
    command::Ctx,
    deviation::DeviationKind,
    fact::Fact,
    id::WalkId,
    incident::{COMMANDER, IncidentFact},
    plan::{BlockKind, By, Lead, Step},
    refusal::{Code, Refusal, text},
    state::State,
    time::Span,
};

pub(super) fn confirm(
    state: &State,
    id: WalkId,
    slug: &str,
    seen: &str,
    ctx: &Ctx,
) -> Result<Vec<Fact>, Refusal> {
    let (walk, step) = find(state, id, slug)?;
    let now = walk.state(slug);
    if now.status == StepStatus::Done {
        return Ok(Vec::new());
    }
    free(&now, step)?;
    match &step.lead {
        Some(Lead::Approve(_)) => return Err(not_ticked()),
        _ if approval::wanted(step).is_some() && !step.runs() && !approval::is_given(walk, step) => {
            return Err(not_ticked());
        }
        Some(Lead::Decide(_)) => {
            return Err(
                Refusal::new(Code::NeedsMore, "a branch must be chosen").hint("choose one by its key")
            );
        }
        Some(Lead::Confirm(by)) if !by.roles.is_empty() => {
            let incident = walk.incident.and_then(|id| state.incidents.get(&id));
            let vacant = by.roles.iter().all(|short| {
                incident.is_none_or(|incident| !incident.roles.contains_key(approval::role(short)))
            });
            let commands = incident.and_then(|incident| incident.roles.get(COMMANDER));
            let in_command =
                commands.is_some_and(|holder| holder.entitles(&ctx.actor) || holder.declared(&ctx.actor));
            let entitled = vacant || in_command || approval::entitled(state, walk, &by.roles, ctx);
            if let Some(short) = approval::named_only(state, walk, &by.roles, ctx).filter(|_| !entitled) {
                return Err(approval::unconfirmed(
                    walk,
                    short,
                    ctx,
                    "; alone, it is left out or said to be done by hand: a deviation",
                ));
            }
            if !entitled {
                return Err(Refusal::new(
                    Code::Forbidden,
                    format!("{} is to confirm this", by.roles.join(", ")),
                )
                .hint("the one who holds the role, or the commander, confirms it"));
            }
        }
        _ if step.blocks.iter().any(|block| block.annotated && block.kind != BlockKind::Sample) => {
            return Err(Refusal::new(Code::Conflict, format!("{:?} runs by itself", step.title))
                .hint("take it with Enter; if it was done outside, say so with m"));
        }
        _ => {}
    }
    let mut facts: Vec<Fact> = deviate::reorder(state, walk, step, &[]).into_iter().collect();
    let seen = if seen.trim().is_empty() { String::new() } else { text("what was seen", seen, 200)? };
    if let Some(Lead::Wait(Some(time))) = step.lead {
        let waited =
            if walk.at.as_deref() == Some(slug) { walk.at_since.elapsed(&ctx.now) } else { Span::ZERO };
        if waited < time {
            let told = (format!("{time} pass"), format!("went on after {}", waited.brief()));
            facts.push(deviate::fact(state, walk, step, DeviationKind::Skip, told, &facts));
        }
    }
    if let Some(Lead::Confirm(By { within: Some(within), .. })) = &step.lead
        && walk.at.as_deref() == Some(slug)
    {
        let waited = walk.at_since.elapsed(&ctx.now);
        if waited > *within {
            let told = (format!("confirmed within {within}"), format!("after {}", waited.brief()));
            facts.push(deviate::fact(state, walk, step, DeviationKind::Timeout, told, &facts));
        }
    }
    facts.extend(turn::finish(walk, step, &How::Confirmed, seen, ctx));
    Ok(facts)
}

fn not_ticked() -> Refusal {
    Refusal::new(Code::NeedsMore, "this is approved, not ticked").hint("ask for the approval with Enter")
}

/// Nobody's command runs in it now, and none is in doubt.
fn free(now: &StepState, step: &Step) -> Result<(), Refusal> {
    match now.status {
        StepStatus::Unknown => {
            Err(Refusal::new(Code::Conflict, format!("nobody knows how far {:?} came", step.title))
                .hint("look at the target, then take it over, or say with m that it is done"))
        }
        StepStatus::Lent if now.intent.is_some() => {
            Err(Refusal::new(Code::Conflict, format!("{:?} is running", step.title))
                .hint("cancel it, or wait for its end"))
        }
        _ => Ok(()),
    }
}

pub(super) fn choose(
    state: &State,
    id: WalkId,
    slug: &str,
    label: &str,
    ctx: &Ctx,
) -> Result<Vec<Fact>, Refusal> {
    let (walk, step) = find(state, id, slug)?;
    let Some(Lead::Decide(choices)) = &step.lead else {
        return Err(Refusal::new(Code::Invalid, format!("there is nothing to choose in {:?}", step.title)));
    };
    if walk.status(slug) == StepStatus::Done {
        return Err(Refusal::new(Code::Conflict, format!("{:?} has been decided", step.title)));
    }
    if approval::wanted(step).is_some() && !step.runs() && !approval::is_given(walk, step) {
        return Err(not_ticked());
    }
    let chosen =
        choices.iter().find(|choice| choice.label.eq_ignore_ascii_case(label.trim())).ok_or_else(|| {
            let labels: Vec<_> = choices.iter().map(|choice| choice.label.as_str()).collect();
            Refusal::new(Code::Invalid, format!("{label:?} is no branch of {:?}", step.title))
                .hint(labels.join(", "))
        })?;
    let mut facts: Vec<Fact> = deviate::reorder(state, walk, step, &[]).into_iter().collect();
    if let Some(incident) = walk.incident.and_then(|id| state.incidents.get(&id))
        && !incident.clocks.marks.contains_key(&Moment::Decided)
    {
        facts.push(Fact::Incident(IncidentFact::Marked {
            incident: incident.id,
            moment: Moment::Decided,
            at: ctx.now.clone(),
            why: format!("{}: {}", step.title, chosen.label),
        }));
    }
    let how = How::Chosen { label: chosen.label.clone(), to: chosen.to.clone() };
    facts.extend(turn::finish(walk, step, &how, chosen.label.clone(), ctx));
    Ok(facts)
}

pub(super) fn edit(state: &State, command: &WalkCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let WalkCommand::Edit { walk: id, step: slug, block, code } = command else { return Ok(Vec::new()) };
    let (walk, step) = find(state, *id, slug)?;
    let now = walk.state(slug);
    if now.status == StepStatus::Done || (now.lease.is_some() && now.intent.is_some()) {
        return Err(Refusal::new(Code::Conflict, format!("{:?} has run or is running", step.title)));
    }
    // It runs as its owner, who saw it as it is.
    if let Some(lease) = now.lease.as_ref().filter(|lease| !lease.owner.same(&ctx.actor)) {
        return Err(Refusal::new(
            Code::Conflict,
            format!("{} has {:?}, and runs it as seen", lease.owner, step.title),
        )
        .hint("tell them; who wants it otherwise takes it over with a reason, edits it, and takes it"));
    }
    let known = step
        .blocks
        .iter()
        .find(|one| one.id == *block)
        .ok_or_else(|| Refusal::unknown("block", format!("{block:?} in {slug:?}")))?;
    let before = walk.code(known);
    if before == code {
        return Ok(Vec::new());
    }
    if code.len() > 64 * 1024 || code.contains('\0') {
        return Err(Refusal::new(Code::Invalid, "the code is longer than 64 KiB or has a zero byte"));
    }
    let diff = diff(before, code);
    let mut facts = vec![Fact::Walk(WalkFact::Edited {
        walk: *id,
        step: slug.clone(),
        block: block.clone(),
        code: code.clone(),
        diff: diff.clone(),
    })];
    let told = (format!("{block} as written"), format!("edited:\n{diff}"));
    facts.push(deviate::fact(state, walk, step, DeviationKind::Edit, told, &facts));
    ask_again(walk, &mut facts, ctx);
    Ok(facts)
}

/// Lines that went and lines that came, as people read them.
fn diff(before: &str, after: &str) -> String {
    let old: Vec<_> = before.lines().collect();
    let new: Vec<_> = after.lines().collect();
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail =
        old.iter().skip(same).rev().zip(new.iter().skip(same).rev()).take_while(|(a, b)| a == b).count();
    let gone =
        old.iter().skip(same).take(old.len().saturating_sub(same + tail)).map(|line| format!("-{line}"));
    let come =
        new.iter().skip(same).take(new.len().saturating_sub(same + tail)).map(|line| format!("+{line}"));
    gone.chain(come).collect::<Vec<_>>().join("\n")
}
