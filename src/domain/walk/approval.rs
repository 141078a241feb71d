//! Approvals: whose counts, and for exactly what.

use super::{Walk, WalkCommand, WalkFact};
use crate::domain::{
    command::Ctx,
    deviation::DeviationKind,
    fact::Fact,
    id::Digest,
    incident::COMMANDER,
    plan::{BlockKind, By, Lead, Step},
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
        .map(|block| (&block.id, walk.code(block), &block.host))
        .collect();
    let lease = state.lease.as_ref();
    let named = serde_json::json!({
        "runbook": walk.runbook.hash,
        "step": step.id,
        "code": code,
        "inputs": walk.inputs,
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
    roles.iter().any(|short| {
        held.and_then(|roles| roles.get(role(short))).is_some_and(|holder| holder.who == ctx.actor.name)
    })
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
    let alone = asked.requester.same(&ctx.actor);
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
        return Err(Refusal::new(Code::Forbidden, "the one who asks cannot approve")
            .hint("another person approves from a login of their own, with a uid of its own: whoever shares your terminal is you; alone, break the glass with the target's name and a reason"));
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
