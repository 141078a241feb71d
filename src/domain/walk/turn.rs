//! Whose turn it is: where one stands after a step is finished, and what a wait does by itself.

use super::{How, StepEnd, StepStatus, Walk, WalkFact, approval};
use crate::domain::{
    command::Ctx,
    fact::Fact,
    plan::{Ending, Lead, SectionRole, Step},
    time::Stamp,
};
use std::collections::BTreeSet;

/// Where a walk begins: the first step of the first section that is not context, else the first step of all.
pub(super) fn first(walk: &Walk) -> Option<&Step> {
    let sections = || walk.runbook.sections.iter();
    sections()
        .filter(|section| section.role != SectionRole::Context)
        .find_map(|section| section.steps.first())
        .or_else(|| sections().find_map(|section| section.steps.first()))
}

/// The facts by which a step is finished and the walk goes on.
pub(super) fn finish(walk: &Walk, step: &Step, how: &How, seen: String, ctx: &Ctx) -> Vec<Fact> {
    let mut then = walk.clone();
    let state = then.steps.entry(step.id.clone()).or_default();
    state.status = StepStatus::Done;
    state.done = Some(StepEnd {
        how: how.clone(),
        by: ctx.actor.name.clone(),
        at: ctx.now.clone(),
        seen: seen.clone(),
        seq: 0,
    });
    let mut facts = vec![WalkFact::StepDone { walk: walk.id, step: step.id.clone(), how: how.clone(), seen }];
    facts.extend(after(&then, step, how));
    facts.into_iter().map(Fact::Walk).collect()
}

/// What follows when `step` is finished: on to another step, or the end. In `walk` it is finished already.
fn after(walk: &Walk, step: &Step, how: &How) -> Vec<WalkFact> {
    if let How::Chosen { to, .. } = how {
        return go_to(walk, to);
    }
    let Some(at) = walk.at.as_deref() else { return Vec::new() };
    // Where one is not, nothing follows; but where all is done and one stood waiting for this, one goes on.
    if at != step.id && !(step.is_background() && walk.status(at) == StepStatus::Done) {
        return Vec::new();
    }
    onward(walk, section_index(walk, at), Some(at))
}

/// A step of the background that runs is not waited for: on to the next of its section, where there is one.
pub(super) fn pass(walk: &Walk, step: &Step) -> Option<Fact> {
    let state = walk.state(&step.id);
    let runs = state.status == StepStatus::Lent && state.lease.is_some_and(|lease| !lease.undo);
    let here = walk.at.as_deref() == Some(step.id.as_str());
    if !(here && runs && step.is_background() && approval::is_given(walk, step)) {
        return None;
    }
    let section = walk.runbook.section_of(&step.id)?;
    let next =
        section.steps.iter().skip_while(|one| one.id != step.id).skip(1).find(|one| is_next(walk, one))?;
    Some(Fact::Walk(WalkFact::Moved { walk: walk.id, to: next.id.clone() }))
}

/// Whether a walk comes to stand at a step: it is not finished, nor does it run in the background already.
fn is_next(walk: &Walk, step: &Step) -> bool {
    match walk.status(&step.id) {
        StepStatus::Done => false,
        StepStatus::Lent => !step.is_background(),
        _ => true,
    }
}

/// On to a section, or to a step.
pub(super) fn go_to(walk: &Walk, slug: &str) -> Vec<WalkFact> {
    let moved = |step: &Step| vec![WalkFact::Moved { walk: walk.id, to: step.id.clone() }];
    if let Some(at) = walk.runbook.sections.iter().position(|section| section.id == slug) {
        // A section that is finished is gone back to, not passed by: that opens it again.
        let steps = walk.runbook.sections.get(at).map_or(&[] as &[Step], |section| &section.steps);
        return match steps.first() {
            Some(first) if steps.iter().all(|step| walk.status(&step.id) == StepStatus::Done) => moved(first),
            _ => onward(walk, at, None),
        };
    }
    walk.runbook.step(slug).map(moved).unwrap_or_default()
}

fn section_index(walk: &Walk, step: &str) -> usize {
    walk.runbook
        .sections
        .iter()
        .position(|one| one.steps.iter().any(|own| own.id == step))
        .unwrap_or_default()
}

/// The first unfinished step from here on, or the end of the walk.
fn onward(walk: &Walk, section: usize, behind: Option<&str>) -> Vec<WalkFact> {
    let other = other_branches(walk, section);
    for (at, one) in walk.runbook.sections.iter().enumerate().skip(section) {
        if other.contains(&at) {
            continue;
        }
        let here = at == section;
        let done = behind
            .filter(|_| here)
            .and_then(|step| one.steps.iter().position(|own| own.id == step))
            .map_or(0, |position| position + 1);
        if here || one.role != SectionRole::Context {
            let left = one.steps.iter().skip(done).find(|step| is_next(walk, step));
            if let Some(step) = left {
                return vec![WalkFact::Moved { walk: walk.id, to: step.id.clone() }];
            }
            // A section is left when all of it is done: one stands where one is until then.
            if one.steps.iter().any(|step| walk.beside().any(|beside| beside.id == step.id)) {
                return Vec::new();
            }
        }
        if let Some(ending) = one.ending {
            if walk.beside().next().is_some() {
                return Vec::new();
            }
            return vec![WalkFact::Finished { walk: walk.id, complete: ending == Ending::End }];
        }
    }
    if walk.beside().next().is_some() {
        return Vec::new();
    }
    vec![WalkFact::Finished { walk: walk.id, complete: true }]
}

/// Sections that belong to a branch beside the one that `section` is in: nothing falls from one into another.
fn other_branches(walk: &Walk, section: usize) -> BTreeSet<usize> {
    let sections = &walk.runbook.sections;
    let level = |at: usize| sections.get(at).map_or(0, |one| one.level);
    let place = |slug: &str| sections.iter().position(|one| one.id == slug);
    let inside = |of: usize| {
        let last = (of + 1..sections.len()).find(|at| level(*at) <= level(of)).unwrap_or(sections.len());
        of..last
    };
    let mut others = BTreeSet::new();
    for step in walk.runbook.steps() {
        let Some(Lead::Decide(choices)) = &step.lead else { continue };
        let branches: Vec<usize> = choices.iter().filter_map(|choice| place(&choice.to)).collect();
        if let Some(own) = branches.iter().filter(|branch| inside(**branch).contains(&section)).max() {
            let beside = branches.iter().filter(|branch| !inside(**branch).contains(own));
            others.extend(beside.flat_map(|branch| inside(*branch)));
        }
    }
    others.remove(&section);
    others
}

fn stood_at(walk: &Walk) -> Option<&Step> {
    walk.at.as_deref().and_then(|at| walk.runbook.step(at))
}

/// When the wait is over at which a walk stands.
pub(in crate::domain) fn wait_ends(walk: &Walk) -> Option<Stamp> {
    let step = stood_at(walk).filter(|_| walk.ended.is_none())?;
    match step.lead {
        Some(Lead::Wait(Some(time))) if walk.status(&step.id) == StepStatus::Todo => {
            Some(walk.at_since.plus(time))
        }
        _ => None,
    }
}

/// What happens then.
pub(in crate::domain) fn wait_over(walk: &Walk) -> Vec<Fact> {
    let Some(step) = stood_at(walk) else { return Vec::new() };
    let mut then = walk.clone();
    then.steps.entry(step.id.clone()).or_default().status = StepStatus::Done;
    let mut facts = vec![WalkFact::StepDone {
        walk: walk.id,
        step: step.id.clone(),
        how: How::Waited,
        seen: String::new(),
    }];
    facts.extend(after(&then, step, &How::Waited));
    facts.into_iter().map(Fact::Walk).collect()
}
