//! What may be asked of an incident, and what follows.

use super::{COMMANDER, GIVEN_MAX, IncidentCommand, IncidentFact, Status};
use crate::domain::{
    board::BoardFact,
    cadence::Beat,
    clock::Moment,
    command::Ctx,
    deviation::Deviation,
    fact::Fact,
    freeze::{self, FreezeFact, Scope},
    glass, handover,
    id::IncidentId,
    known, page, person, power,
    refusal::{Code, Refusal, text},
    state::State,
    time::{self, Span, Stamp},
    walk,
};

/// Nothing is done any more in a closed incident.
pub(in crate::domain) fn closed(id: IncidentId) -> Refusal {
    Refusal::new(Code::Conflict, format!("{id} is closed"))
        .hint("declare a new incident and name this one in its title")
}

fn declare(state: &State, command: &IncidentCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let IncidentCommand::Declare { title, severity, services, env, freeze, all } = command else {
        return Ok(Vec::new());
    };
    let id = state.issued.next_incident();
    let services = known::services(state, services)?;
    let env = known::environment(state, env.as_deref().unwrap_or(known::default_environment(state)))?;
    if *freeze {
        freeze::whole(&services, *all)?;
    }
    let target = state.policy.mttr_target(&services);
    let mut facts = vec![
        IncidentFact::Declared {
            incident: id,
            title: text("the title", title, 200)?,
            severity: *severity,
            services: services.clone(),
            env: env.clone(),
            target,
            drill: state.room.drill.is_some(),
        },
        IncidentFact::RoleTaken { incident: id, role: COMMANDER.into(), who: ctx.actor.name.clone() },
    ];
    let mark =
        |moment, at: &Stamp, why: String| IncidentFact::Marked { incident: id, moment, at: at.clone(), why };
    if let Some(release) = state.last_switch(&services, &env)
        && release.since.elapsed(&ctx.now) < Span::hours(1)
        && state.first_breach().is_none_or(|breach| release.since.wall <= breach.since.wall)
    {
        let why = format!("{} {} went live", release.service, release.current);
        facts.push(mark(Moment::Change, &release.since, why));
    }
    if let Some(breach) = state.first_breach() {
        facts.push(mark(Moment::Onset, &breach.since, format!("{} beyond its threshold", breach.panel)));
        facts.push(mark(Moment::Detected, &breach.noticed, format!("{} at {}", breach.panel, breach.seen)));
    } else {
        facts.push(mark(Moment::Detected, &ctx.now, "declared by a person".into()));
    }
    facts.push(mark(Moment::Acknowledged, &ctx.now, "declared".into()));
    let mut facts: Vec<Fact> = facts.into_iter().map(Fact::Incident).collect();
    if let Some(row) = state.policy.severities.get(severity) {
        facts.extend(Beat::ALL.into_iter().filter_map(|beat| {
            let every = Some(beat.every(row)?);
            Some(Fact::Board(BoardFact::Cadence { incident: id, beat, every }))
        }));
    }
    facts.extend(page::by_matrix(state, id, *severity, &services, &text("the title", title, 200)?, ctx));
    if *freeze {
        let lease = state.policy.severities.get(severity).and_then(|row| row.freeze);
        facts.push(Fact::Freeze(FreezeFact::Began {
            freeze: state.issued.next_freeze(),
            incident: Some(id),
            scope: Scope::deploys(services, vec![env]),
            reason: text("the title", title, 200)?,
            lease: freeze::within(lease.unwrap_or(state.policy.freeze_lease)),
        }));
    }
    facts.extend(glass::declared(state, id, ctx, &facts));
    Ok(facts)
}

/// Which reasons are owed: the first ones by name, all by number.
fn reasons(owed: &[&Deviation]) -> String {
    const MOST: usize = 6;
    let word = if owed.len() == 1 { "reason is" } else { "reasons are" };
    let named = owed.iter().take(MOST).map(|one| {
        let step = one.what.step.as_ref().map(|step| format!(" of {step}")).unwrap_or_default();
        format!("{} {}{step} by {}", one.id, one.what.kind.word(), one.author)
    });
    let named = named.collect::<Vec<_>>().join("; ");
    let more = owed.len().saturating_sub(MOST);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{} {word} owed: {named}{more}", owed.len())
}

fn status(state: &State, id: IncidentId, to: Status, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let incident = state.known(id)?;
    if incident.status == to {
        return Ok(Vec::new());
    }
    if incident.status == Status::Closed {
        return Err(closed(id));
    }
    if to == Status::Closed {
        if incident.status != Status::Resolved {
            return Err(Refusal::new(Code::Conflict, format!("{id} is not resolved yet"))
                .hint("set its status to resolved first"));
        }
        let owed: Vec<&Deviation> = state.owing(id).collect();
        if let Some(first) = owed.first() {
            return Err(Refusal::new(Code::NeedsMore, reasons(&owed))
                .hint(format!("say why, one by one: warroom reason {} 4, or r; then close it", first.id)));
        }
    }
    if to >= Status::Resolved
        && let Some(walk) = state.walks.values().find(|walk| walk.incident == Some(id) && walk.has_lent())
    {
        return Err(Refusal::new(Code::Conflict, format!("a step of {} is still running", walk.id))
            .hint("let it end, cancel it, or take it over"));
    }
    let mut facts =
        vec![Fact::Incident(IncidentFact::StatusChanged { incident: id, from: incident.status, to })];
    if to >= Status::Resolved && incident.is_open() {
        facts.extend(page::with_incident_over(state, id));
    }
    if to >= Status::Mitigating && to <= Status::Monitoring {
        facts.extend(first_action(state, id, ctx, "the status says mitigating"));
    }
    Ok(facts)
}

/// The first mitigation marks its moment, whoever began it and however.
pub(in crate::domain) fn first_action(state: &State, id: IncidentId, ctx: &Ctx, why: &str) -> Option<Fact> {
    let incident = state.incidents.get(&id)?;
    (!incident.clocks.marks.contains_key(&Moment::Acted)).then(|| {
        Fact::Incident(IncidentFact::Marked {
            incident: id,
            moment: Moment::Acted,
            at: ctx.now.clone(),
            why: why.into(),
        })
    })
}

pub(in crate::domain) fn decide(
    state: &State,
    command: &IncidentCommand,
    ctx: &Ctx,
) -> Result<Vec<Fact>, Refusal> {
    let fact = match command {
        IncidentCommand::Declare { .. } => return declare(state, command, ctx),
        IncidentCommand::Status { incident, to } => return status(state, *incident, *to, ctx),
        IncidentCommand::Retitle { incident, title, services } => {
            let known = &state.open(*incident)?.services;
            IncidentFact::Retitled {
                incident: *incident,
                title: text("the title", title, 200)?,
                services: known::services_beside(state, services, known)?,
            }
        }
        IncidentCommand::Severity { incident, to, reason } => {
            let from = state.open(*incident)?.severity;
            if from == *to {
                return Ok(Vec::new());
            }
            let mut facts = vec![Fact::Incident(IncidentFact::SeverityChanged {
                incident: *incident,
                from,
                to: *to,
                reason: text("the reason", reason, 400)?,
            })];
            let changed = super::difference::cadences(state, state.open(*incident)?, *to);
            facts.extend(changed.into_iter().map(|one| {
                Fact::Board(BoardFact::Cadence { incident: *incident, beat: one.beat, every: one.to })
            }));
            let services = state.open(*incident)?.services.clone();
            facts.extend(page::by_matrix(
                state,
                *incident,
                *to,
                &services,
                &format!("now {to}: {reason}"),
                ctx,
            ));
            return Ok(facts);
        }
        IncidentCommand::Role { incident, role, who } => {
            let role = person::role(state, role)?;
            let who = person::person(state, "the person", who)?;
            let held = state.open(*incident)?.roles.get(&role);
            if let Some(holder) = held.filter(|holder| holder.who == who) {
                // Given again by somebody else it is confirmed; nobody confirms their own.
                let said = holder.given.iter().any(|given| given.by.same(&ctx.actor));
                if said || who == ctx.actor.name || holder.given.len() >= GIVEN_MAX {
                    return Ok(Vec::new());
                }
                let incident = *incident;
                return Ok(vec![Fact::Incident(IncidentFact::RoleTaken { incident, role, who })]);
            }
            // Command is taken by the one who then has it, or offered; it is given to nobody.
            if role == COMMANDER {
                return if who == ctx.actor.name {
                    handover::take(state, *incident, "", ctx)
                } else {
                    handover::propose(state, *incident, &who, "", ctx)
                };
            }
            IncidentFact::RoleTaken { incident: *incident, role, who }
        }
        IncidentCommand::Unrole { incident, role } => {
            let role = walk::approval::role(&role.trim().to_lowercase()).to_owned();
            let Some(holder) = state.open(*incident)?.roles.get(&role) else { return Ok(Vec::new()) };
            if role == COMMANDER && holder.who != ctx.actor.name {
                return Err(Refusal::new(Code::Forbidden, format!("{} commands {incident}", holder.who))
                    .hint("the commander lays it down or hands it over; if they are gone, take command with a reason"));
            }
            // A vacant role may be stood in for: whoever could empty it would stand in for anybody.
            if holder.who != ctx.actor.name
                && !power::leads(state, (&ctx.actor, &ctx.groups), Some(*incident), &ctx.now)
            {
                return Err(Refusal::new(Code::Forbidden, format!("{} is {role} of {incident}", holder.who))
                    .hint("they lay it down, or the one who commands takes it from them"));
            }
            IncidentFact::RoleLeft { incident: *incident, role, who: holder.who.clone() }
        }
        IncidentCommand::Correct { incident, moment, at, reason } => {
            state.declared(*incident)?;
            let known = state.incidents.get(incident);
            if *at > ctx.now.wall {
                return Err(Refusal::new(Code::Invalid, format!("{} is not over yet", time::rfc3339(*at)))
                    .hint("times are UTC; a moment lies in the past"));
            }
            IncidentFact::Corrected {
                incident: *incident,
                moment: *moment,
                from: known.and_then(|one| one.clocks.marks.get(moment)).map(|mark| mark.at.wall),
                at: ctx.now.back_to(*at),
                reason: text("the reason", reason, 400)?,
            }
        }
        IncidentCommand::Answer { incident, prompt, text: words } => {
            state.declared(*incident)?;
            IncidentFact::Answered {
                incident: *incident,
                prompt: text("the prompt", prompt, 100)?,
                text: text("the answer", words, 16_000)?,
            }
        }
        IncidentCommand::Exported { incident, place, manifest } => {
            state.declared(*incident)?;
            IncidentFact::Exported {
                incident: *incident,
                place: text("the place", place, 1_000)?,
                manifest: text("the manifest", manifest, 200)?,
            }
        }
    };
    Ok(vec![Fact::Incident(fact)])
}
