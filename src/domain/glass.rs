//! Breaking the glass: a power taken that one was not given, for a reason, for a time, seen by everybody.

use super::{
    actor::{Actor, Proof},
    command::Ctx,
    deviation::{self, DeviationFact, DeviationKind, Difference, ReasonCode},
    event::{Event, Seq},
    fact::Fact,
    id::{GlassId, IncidentId},
    policy::Power,
    refusal::{Code, Refusal, text},
    state::State,
    time::{Span, Stamp},
};
use serde::{Deserialize, Serialize};

/// The longest time that can be configured for broken glass.
pub const GLASS_MAX: Span = Span::hours(12);

/// A power that somebody took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Glass {
    /// Name.
    pub id: GlassId,
    /// Who took it.
    pub by: Actor,
    /// What was taken.
    pub power: Power,
    /// For which incident; `None` before any is declared.
    pub incident: Option<IncidentId>,
    /// Why.
    pub reason: String,
    /// When.
    pub broken: Stamp,
    /// When it ends by itself.
    pub ends: Stamp,
    /// When it ended.
    pub over: Option<Stamp>,
    /// The event that took it.
    pub seq: Seq,
}

impl Glass {
    /// Whether it gives its power: until its end is journaled or its time is over, whichever is first.
    pub fn holds(&self, now: &Stamp) -> bool {
        self.over.is_none() && !self.ends.reached(now)
    }
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GlassFact {
    /// A power was taken.
    Broken {
        /// Its name.
        glass: GlassId,
        /// For which incident.
        incident: Option<IncidentId>,
        /// What was taken.
        power: Power,
        /// How long from then.
        lease: Span,
        /// Why.
        reason: String,
    },
    /// The one who took it gave it back.
    Returned {
        /// Which.
        glass: GlassId,
    },
    /// Its time is over.
    Expired {
        /// Which.
        glass: GlassId,
    },
}

impl GlassFact {
    /// Which.
    pub fn glass(&self) -> GlassId {
        match self {
            Self::Broken { glass, .. } | Self::Returned { glass } | Self::Expired { glass } => *glass,
        }
    }

    /// Whose incident.
    pub fn incident(&self, state: &State) -> Option<IncidentId> {
        match self {
            Self::Broken { incident, .. } => *incident,
            _ => state.glasses.get(&self.glass()).and_then(|glass| glass.incident),
        }
    }
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GlassCommand {
    /// Take a power.
    Break {
        /// For which incident; none only where none is open.
        incident: Option<IncidentId>,
        /// What is taken.
        power: Power,
        /// Why.
        reason: String,
        /// How long; the policy's time where none is given, which is also the longest.
        #[serde(default)]
        lease: Option<Span>,
    },
    /// Give it back before its time is over.
    Return {
        /// Which.
        glass: GlassId,
    },
}

/// A configured time within what is allowed.
fn within(configured: Span) -> Span {
    configured.clamp(Span::mins(1), GLASS_MAX)
}

pub(super) fn decide(state: &State, command: &GlassCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    match command {
        GlassCommand::Break { incident, power, reason, lease } => {
            broken(state, (*incident, *power), reason, *lease, ctx)
        }
        GlassCommand::Return { glass } => {
            let known = state.glasses.get(glass).ok_or_else(|| Refusal::unknown("broken glass", glass))?;
            if !known.by.same(&ctx.actor) {
                return Err(Refusal::new(Code::Forbidden, format!("{glass} was broken by {}", known.by))
                    .hint("who broke it gives the power back; it also ends by itself"));
            }
            if known.over.is_some() {
                return Ok(Vec::new());
            }
            Ok(vec![Fact::Glass(GlassFact::Returned { glass: *glass })])
        }
    }
}

fn broken(
    state: &State,
    (incident, power): (Option<IncidentId>, Power),
    reason: &str,
    lease: Option<Span>,
    ctx: &Ctx,
) -> Result<Vec<Fact>, Refusal> {
    if ctx.actor.uid.is_none() || ctx.actor.proof != Proof::Kernel {
        return Err(Refusal::new(Code::Forbidden, format!("{} is nobody's login", ctx.actor))
            .hint("a person breaks the glass, under their own login"));
    }
    match incident {
        Some(id) => drop(state.open(id)?),
        None if state.open_incident().is_some() => {
            return Err(Refusal::new(Code::Invalid, "the glass is broken for an incident")
                .hint("name the one that is open"));
        }
        None => {}
    }
    if ctx.may(state, power, incident) {
        return Err(Refusal::new(Code::Conflict, format!("{} may {} already", ctx.actor, power.word()))
            .hint("there is no glass to break: do what you came for"));
    }
    let most = within(state.policy.glass_lease);
    let lease = lease.unwrap_or(most);
    if lease < Span::mins(1) || lease > most {
        return Err(Refusal::new(Code::Invalid, format!("{lease} is not between 1m and {most}"))
            .hint("break it again when the time is over and it is still needed"));
    }
    let reason = text("the reason for breaking the glass", reason, 400)?;
    let recorded = deviation(state, (incident, power), lease, &reason, ctx, &[]);
    let glass = state.glasses.keys().next_back().map_or(GlassId(1), |last| last.next());
    Ok(vec![Fact::Glass(GlassFact::Broken { glass, incident, power, lease, reason }), recorded])
}

/// The deviation of it. Its reason was said; nothing is owed. `before` are the facts of the same decision.
fn deviation(
    state: &State,
    (incident, power): (Option<IncidentId>, Power),
    lease: Span,
    reason: &str,
    ctx: &Ctx,
    before: &[Fact],
) -> Fact {
    let more =
        before.iter().filter(|fact| matches!(fact, Fact::Deviation(DeviationFact::Recorded { .. }))).count();
    let word = power.word();
    Fact::Deviation(DeviationFact::Recorded {
        deviation: deviation::next_id(state, more),
        incident,
        what: Difference {
            walk: None,
            step: None,
            runbook: None,
            kind: DeviationKind::BrokenGlass,
            planned: false,
            expected: format!("the power to {word} is given by configuration"),
            actual: format!("{} took the power to {word} for {lease}", ctx.actor),
            host: state.room.host_of(&ctx.room).to_owned(),
            authorised_by: "self, emergency".into(),
        },
        code: Some(ReasonCode::Other),
        text: reason.to_owned(),
    })
}

/// An incident declared by a power that was taken when there was none yet: the deviation belongs to it, too.
pub(super) fn declared(state: &State, incident: IncidentId, ctx: &Ctx, before: &[Fact]) -> Option<Fact> {
    if ctx.actor.is_room() || state.policy.may(&ctx.actor, &ctx.groups, Power::Respond) {
        return None;
    }
    let glass = state.glasses.values().rev().find(|glass| {
        glass.holds(&ctx.now) && glass.by.same(&ctx.actor) && glass.power.implies(Power::Respond)
    })?;
    let lease = glass.broken.elapsed(&glass.ends);
    Some(deviation(state, (Some(incident), glass.power), lease, &glass.reason, ctx, before))
}

/// When a broken glass ends by itself, where it has not ended.
pub(super) fn ends(glass: &Glass) -> Option<Stamp> {
    glass.over.is_none().then(|| glass.ends.clone())
}

pub(super) fn apply(state: &mut State, fact: &GlassFact, event: &Event) {
    match fact {
        GlassFact::Broken { glass, incident, power, lease, reason } => {
            let new = Glass {
                id: *glass,
                by: event.actor.clone(),
                power: *power,
                incident: *incident,
                reason: reason.clone(),
                broken: event.occurred.clone(),
                ends: event.occurred.plus(*lease),
                over: None,
                seq: event.seq,
            };
            state.glasses.insert(*glass, new);
        }
        GlassFact::Returned { glass } | GlassFact::Expired { glass } => {
            if let Some(known) = state.glasses.get_mut(glass) {
                known.over.get_or_insert_with(|| event.occurred.clone());
            }
        }
    }
}
