//! Approvals: whose counts, and for exactly what.

use super::{Walk, WalkCommand, WalkFact};
use crate::domain::{
    actor::Actor,
    command::Ctx,
    deviation::DeviationKind,
    fact::Fact,
    id::Digest,
    incident::COMMANDER,
    plan::{Block, BlockKind, By, Lead, Step},
    policy::Power,
    power,
    refusal::{Code, Refusal, text},
    state::State,
};
use sha2::{Digest as _, Sha256};

/// What an approval names: code, inputs, host, owner and the carried state. Any change gives another digest, which
/// voids it.
pub fn digest(walk: &Walk, step: &Step) -> Digest {
    let state = walk.state(&step.id);
    let code: Vec<_> = step
        .blocks
        .iter()
        .filter(|block| block.kind != BlockKind::Sample)
        .map(|block| Block { code: walk.as_shown(step, block), ..block.clone() })
        .collect();
    let lease = state.lease.as_ref();
    let named = serde_json::json!({
        "runbook": walk.runbook.hash,
        "step": step.id,
        "code": code,
        "inputs": walk.entered(&step.id),
        "targets": walk.runbook.front.targets,
        "undo": lease.is_some_and(|lease| lease.undo),
        "attempt": state.attempt,
        "host": lease.map(|lease| lease.host.as_str()),
        "uid": lease.and_then(|lease| lease.owner.uid),
        "carry": lease.and_then(|lease| lease.carry),
    });
    Digest(Sha256::digest(named.to_string().as_bytes()).into())
}

/// What approval a step wants.
pub fn wanted(step: &Step) -> Option<(&str, &By)> {
    match (&step.approval, &step.lead) {
        (Some(approval), _) => Some((approval.text.as_str(), &approval.by)),
        (None, Some(Lead::Approve(by))) => Some((step.title.as_str(), by)),
        _ => None,
    }
}

/// Whether enough approvals stand for what would run now.
pub fn is_given(walk: &Walk, step: &Step) -> bool {
    let Some((_, by)) = wanted(step) else { return true };
    let now = digest(walk, step);
    let state = walk.state(&step.id);
    let valid = || state.approvals.iter().filter(|given| given.digest == now);
    let mut people: Vec<_> = valid().map(|given| (given.by.uid, given.by.name.as_str())).collect();
    people.sort_unstable();
    people.dedup_by_key(|(uid, _)| *uid);
    valid().any(|given| given.glass) || people.len() >= usize::from(by.n.max(1))
}

/// A role asked for that the actor holds by their own word alone.
pub(super) fn named_only<'a>(state: &State, walk: &Walk, roles: &'a [String], ctx: &Ctx) -> Option<&'a str> {
    let held = &walk.incident.and_then(|id| state.incidents.get(&id))?.roles;
    let own = |short: &&String| held.get(role(short)).is_some_and(|holder| holder.who == ctx.actor.name);
    roles.iter().find(own).map(String::as_str)
}

/// A role that one gave oneself entitles to nothing yet.
pub(super) fn unconfirmed(walk: &Walk, short: &str, ctx: &Ctx, alone: &str) -> Refusal {
    let (role, me) = (role(short), &ctx.actor);
    let incident = walk.incident.map(|id| format!(" --incident {id}")).unwrap_or_default();
    Refusal::new(Code::Forbidden, format!("{me} is {role} by their own word: nobody else has confirmed it"))
        .hint(format!(
            "somebody who has no role from {me} confirms it: warroom role {role} {me}{incident}{alone}"
        ))
}

/// Whether somebody asks for what would run: took the step, edited its code, or gave a value that it uses. None of them
/// approves it.
pub fn asked_for(walk: &Walk, step: &Step, who: &Actor) -> bool {
    let state = walk.state(&step.id);
    let requester = state.asked.as_ref().map(|asked| &asked.requester);
    let owner = state.lease.as_ref().map(|lease| &lease.owner);
    let editors = step.blocks.iter().filter_map(|block| walk.editors.get(&block.id)).flatten();
    let names = |step: &Step, name: &str| step.blocks.iter().any(|block| walk.code(block).contains(name));
    // What no code names, a tool may read by itself.
    let uses = |name: &str| names(step, name) || !walk.runbook.steps().any(|other| names(other, name));
    let givers = walk.givers.iter().filter(|(name, _)| uses(name)).map(|(_, by)| by);
    requester.into_iter().chain(owner).chain(editors).chain(givers).any(|one| one.same(who))
}

/// The role that a short name in a runbook means.
pub fn role(short: &str) -> &str {
    match short {
        "ic" => COMMANDER,
        "comms" => "communications",
        "ops" => "operations",
        other => other,
    }
}

/// Whether the actor holds one of the roles on the walk's incident, or none is asked for.
pub fn entitled(state: &State, walk: &Walk, roles: &[String], ctx: &Ctx) -> bool {
    if roles.is_empty() {
        return ctx.may(state, Power::Approve, walk.incident);
    }
    // Taken in an emergency, the power stands in for a role, too: that is what it was taken for.
    if power::by_glass(state, &ctx.actor, Power::Approve, walk.incident, &ctx.now) {
        return true;
    }
    let held = walk.incident.and_then(|id| state.incidents.get(&id)).map(|incident| &incident.roles);
    let holder = |short: &String| held.and_then(|roles| roles.get(role(short)));
    roles.iter().filter_map(holder).any(|holder| holder.entitles(&ctx.actor) || holder.declared(&ctx.actor))
}

pub(super) fn decide(state: &State, command: &WalkCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let WalkCommand::Approve { walk: id, step: slug, digest: named, glass } = command else {
        return Ok(Vec::new());
    };
    let (walk, step) = super::rules::find(state, *id, slug)?;
    if ctx.actor.uid.is_none() {
        return Err(Refusal::new(Code::Forbidden, format!("{} is nobody's login", ctx.actor))
            .hint("a person approves, under their own login"));
    }
    let asked = walk.state(slug).asked.ok_or_else(|| {
        Refusal::new(Code::Conflict, format!("no approval is asked for {slug:?}"))
            .hint("it is asked for when its step has been taken and its checks have run")
    })?;
    if asked.digest != *named || asked.digest != digest(walk, step) {
        return Err(Refusal::new(Code::Conflict, "what was to be approved has changed since it was shown")
            .hint("read it again and approve what it is now"));
    }
    if walk.state(slug).approvals.iter().any(|given| given.digest == *named && given.by.same(&ctx.actor)) {
        return Ok(Vec::new());
    }
    let alone = asked_for(walk, step, &ctx.actor);
    let entitled = entitled(state, walk, &asked.by.roles, ctx);
    let mut facts = Vec::new();
    if let Some(glass) = glass {
        let target = walk.target(step);
        if glass.typed.trim() != target {
            return Err(Refusal::new(Code::NeedsMore, format!("{:?} is not the target's name", glass.typed))
                .hint(format!("type {target}")));
        }
        let reason = text("the reason for breaking the glass", &glass.reason, 400)?;
        facts.push(Fact::Walk(WalkFact::Approved {
            walk: *id,
            step: slug.clone(),
            digest: *named,
            glass: true,
        }));
        let expected = format!("approval by {} of {}", asked.by.n, list(&asked.by.roles));
        let actual = format!("{} approved alone: {reason}", ctx.actor);
        facts.push(super::deviate::fact(
            state,
            walk,
            step,
            DeviationKind::BrokenGlass,
            (expected, actual),
            &facts,
        ));
        if let Some(Fact::Deviation(crate::domain::deviation::DeviationFact::Recorded { what, .. })) =
            facts.last_mut()
        {
            what.authorised_by = "self, emergency".into();
        }
        go_on(walk, step, &mut facts, ctx);
        return Ok(facts);
    }
    if alone {
        let why = if asked.requester.same(&ctx.actor) {
            "the one who asks cannot approve".to_owned()
        } else {
            format!("{} changed what would run, and so asks for it and cannot approve it", ctx.actor)
        };
        return Err(Refusal::new(Code::Forbidden, why)
            .hint("another person approves from a login of their own, with a uid of its own: whoever shares your terminal is you; alone, break the glass with the target's name and a reason"));
    }
    if !entitled && let Some(short) = named_only(state, walk, &asked.by.roles, ctx) {
        return Err(unconfirmed(
            walk,
            short,
            ctx,
            "; alone, break the glass with the target's name and a reason",
        ));
    }
    if !entitled {
        return Err(Refusal::new(
            Code::Forbidden,
            format!("{} holds none of the roles asked for: {}", ctx.actor, list(&asked.by.roles)),
        )
        .hint("somebody who does approves, or break the glass"));
    }
    facts.push(Fact::Walk(WalkFact::Approved {
        walk: *id,
        step: slug.clone(),
        digest: *named,
        glass: false,
    }));
    let mut after = walk.clone();
    after.take(&facts, ctx);
    let waited = asked.at.elapsed(&ctx.now);
    // Of several, the one that was still missing was late.
    if let Some(within) = asked.by.within.filter(|within| waited > *within && is_given(&after, step)) {
        let told = (format!("approval within {within}"), format!("approved after {}", waited.brief()));
        facts.push(super::deviate::fact(state, walk, step, DeviationKind::Timeout, told, &facts));
    }
    go_on(walk, step, &mut facts, ctx);
    Ok(facts)
}

/// An approval that gates nothing but the way on finishes its step; any other is waited for by a hand or a person.
fn go_on(walk: &Walk, step: &Step, facts: &mut Vec<Fact>, ctx: &Ctx) {
    super::rules::pass(walk, step, facts, ctx);
    if step.runs() || !matches!(step.lead, Some(Lead::Approve(_))) {
        return;
    }
    let mut after = walk.clone();
    after.take(facts, ctx);
    if is_given(&after, step) {
        facts.extend(super::turn::finish(&after, step, &super::How::Confirmed, String::new(), ctx));
    }
}

fn list(roles: &[String]) -> String {
    if roles.is_empty() { "anybody else".into() } else { roles.join(", ") }
}
