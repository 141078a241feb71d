//! A freeze: a lease on "no change here", with an owner, a reason, a scope, an end and exemptions.

use super::{
    actor::Actor,
    command::Ctx,
    deviation::{self, DeviationFact, DeviationKind, Difference, ReasonCode},
    event::{Event, Seq},
    fact::Fact,
    gate::Action,
    id::{FreezeId, IncidentId},
    known, name,
    refusal::{Code, Refusal, text},
    state::State,
    time::{Span, Stamp},
};
use serde::{Deserialize, Serialize};

/// The longest lease that can be taken at once; a longer one is renewed by a person.
pub const LEASE_MAX: Span = Span::hours(72);

/// What a freeze covers. An empty list covers all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// Services.
    pub services: Vec<String>,
    /// Environments.
    pub envs: Vec<String>,
    /// Actions; rollback only where it is named.
    pub actions: Vec<Action>,
}

impl Scope {
    /// Deploys and promotions of these services; rollbacks stay free.
    pub fn deploys(services: Vec<String>, envs: Vec<String>) -> Self {
        Self { services, envs, actions: vec![Action::Deploy, Action::Promote] }
    }

    /// Whether a change lies in it.
    pub fn covers(&self, service: &str, env: &str, action: Action) -> bool {
        let any = |list: &[String], one: &str| list.is_empty() || list.iter().any(|name| name == one);
        any(&self.services, service) && any(&self.envs, env) && self.actions.contains(&action)
    }

    /// `checkout/prod`, `all/prod`.
    pub fn label(&self) -> String {
        let list = |names: &[String]| if names.is_empty() { "all".into() } else { names.join(",") };
        format!("{}/{}", list(&self.services), list(&self.envs))
    }
}

/// One artifact that may pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// The artifact exactly as the pipeline names it.
    pub artifact: String,
    /// Who let it pass.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The event.
    pub seq: Seq,
}

/// How a freeze stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// It holds.
    Holds,
    /// A person lifted it.
    Lifted,
    /// Its lease ended.
    Expired,
}

/// A freeze as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Freeze {
    /// Name.
    pub id: FreezeId,
    /// The incident it belongs to.
    pub incident: Option<IncidentId>,
    /// What it covers.
    pub scope: Scope,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// When it began.
    pub began: Stamp,
    /// When its lease ends.
    pub ends: Stamp,
    /// What may pass.
    pub exemptions: Vec<Exemption>,
    /// How it stands.
    pub hold: Hold,
    /// Changes refused so far, repeats counted.
    pub refused: u64,
    /// Changes let through by an exemption.
    pub passed: u64,
    /// Who was refused with what: none of them exempts it by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused_to: Vec<RefusedTo>,
    /// When a dry run was last refused, which proves it.
    pub proved: Option<Stamp>,
    /// When it stopped to hold.
    pub over: Option<Stamp>,
    /// The event that began it.
    pub seq: Seq,
}

/// A change that the gate refused to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedTo {
    /// Artifact, as the pipeline names it.
    pub artifact: String,
    /// Who asked, as proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// For whom a pipeline said that it asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
}

/// Refusals that a freeze knows the asker of; beyond, the oldest is forgotten.
const REFUSED_TO_MAX: usize = 1_024;
/// Changes that are told apart of one of them.
const REFUSED_TO_EACH: usize = 16;
/// In place of an artifact, which has at least one character: any.
const ANY: &str = "";

impl Freeze {
    /// Whether a change is somebody's own: they asked the gate for it, and were refused.
    pub fn is_own(&self, artifact: &str, who: &Actor) -> bool {
        let of = |one: &RefusedTo| {
            who.uid.is_some() && (one.uid == who.uid || one.alias.as_ref() == Some(&who.name))
        };
        self.refused_to.iter().any(|one| (one.artifact == artifact || one.artifact == ANY) && of(one))
    }

    /// Notes whom a change was refused.
    pub(super) fn refuse(&mut self, artifact: &str, who: &Actor, alias: Option<&String>) {
        let new = RefusedTo { artifact: artifact.to_owned(), uid: who.uid, alias: alias.cloned() };
        // Of a login the uid counts, whatever it says of itself; of a token for whom it asks.
        let same = |one: &RefusedTo| one.uid == new.uid && (new.uid.is_some() || one.alias == new.alias);
        if self.refused_to.contains(&new)
            || self.refused_to.iter().any(|one| same(one) && one.artifact == ANY)
        {
            return;
        }
        // Whoever has many changes refused pushes out none of them: all changes are theirs from then on.
        if self.refused_to.iter().filter(|one| same(one)).count() >= REFUSED_TO_EACH {
            self.refused_to.retain(|one| !same(one));
            self.refused_to.push(RefusedTo { artifact: ANY.into(), ..new });
            return;
        }
        if self.refused_to.len() >= REFUSED_TO_MAX {
            self.refused_to.remove(0);
        }
        self.refused_to.push(new);
    }

    /// Whether it holds: until the event of its end is durable, whatever the clock says.
    pub fn holds(&self) -> bool {
        self.hold == Hold::Holds
    }
}

/// What can happen to a freeze.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreezeFact {
    /// It began.
    Began {
        /// Which freeze.
        freeze: FreezeId,
        /// The incident it belongs to, where it does.
        incident: Option<IncidentId>,
        /// What it covers.
        scope: Scope,
        /// Why.
        reason: String,
        /// How long from then.
        lease: Span,
    },
    /// Its lease ends later or earlier, counted from this event.
    Renewed {
        /// Which freeze.
        freeze: FreezeId,
        /// How long from then.
        lease: Span,
        /// Why.
        reason: String,
    },
    /// An artifact may pass.
    Exempted {
        /// Which freeze.
        freeze: FreezeId,
        /// Artifact, as the pipeline names it.
        artifact: String,
        /// Why.
        reason: String,
    },
    /// A dry run was refused: it is enforced.
    Proved {
        /// Which freeze.
        freeze: FreezeId,
        /// What was refused.
        how: String,
    },
    /// A person lifted it.
    Lifted {
        /// Which freeze.
        freeze: FreezeId,
        /// Why.
        reason: String,
    },
    /// Its lease ended.
    Expired {
        /// Which freeze.
        freeze: FreezeId,
    },
}

impl FreezeFact {
    /// Which.
    pub fn freeze(&self) -> FreezeId {
        match self {
            Self::Began { freeze, .. }
            | Self::Renewed { freeze, .. }
            | Self::Exempted { freeze, .. }
            | Self::Proved { freeze, .. }
            | Self::Lifted { freeze, .. }
            | Self::Expired { freeze } => *freeze,
        }
    }

    /// Whose incident.
    pub fn incident(&self, state: &State) -> Option<IncidentId> {
        match self {
            Self::Began { incident, .. } => *incident,
            _ => state.freezes.get(&self.freeze()).and_then(|freeze| freeze.incident),
        }
    }
}

/// How far somebody has said that all services are meant. It is asked for twice, so that nobody freezes everything by
/// leaving something out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllServices {
    /// It was said once.
    Asked,
    /// It was said again.
    Confirmed,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FreezeCommand {
    /// Freeze.
    Begin {
        /// The incident it belongs to, where it does.
        incident: Option<IncidentId>,

        /// What it covers.
        scope: Scope,

        /// Why.
        reason: String,
        /// How long; the policy's lease where none is given.
        #[serde(default)]
        lease: Option<Span>,
        /// Whether all services are meant, where the scope names none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        all: Option<AllServices>,
    },
    /// Renew the lease from now.
    Renew {
        /// Which freeze.
        freeze: FreezeId,
        /// How long from then.
        lease: Span,
        /// Why.
        reason: String,
    },
    /// Let an artifact pass.
    Exempt {
        /// Which freeze.
        freeze: FreezeId,
        /// Artifact, as the pipeline names it.
        artifact: String,
        /// Why.
        reason: String,
        /// The glass is broken for it: it is a change of one's own, and nobody else is there.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        glass: bool,
    },
    /// Lift it.
    Lift {
        /// Which freeze.
        freeze: FreezeId,
        /// Why.
        reason: String,
    },
}

fn lease(given: Span) -> Result<Span, Refusal> {
    if given < Span::mins(1) || given > LEASE_MAX {
        return Err(Refusal::new(
            Code::Invalid,
            format!("a lease of {given} is not between 1m and {LEASE_MAX}"),
        )
        .hint("take a lease that ends within the incident and renew it"));
    }
    Ok(given)
}

/// A configured lease within what is allowed: a wrong one in the configuration must not keep a freeze from beginning.
pub(super) fn within(configured: Span) -> Span {
    configured.clamp(Span::mins(1), LEASE_MAX)
}

/// Services that a freeze covers must be named, or all of them be meant, said twice.
pub(super) fn whole(services: &[String], all: Option<AllServices>) -> Result<(), Refusal> {
    match (services.is_empty(), all) {
        (false, None) | (true, Some(AllServices::Confirmed)) => Ok(()),
        (false, Some(_)) => Err(Refusal::new(
            Code::Invalid,
            "all services are meant, and some are named: it is one or the other",
        )
        .hint(name::ALL_SERVICES)),
        (true, None) => Err(Refusal::new(Code::NeedsMore, "the freeze names no service")
            .hint(format!("name the services; {}", name::ALL_SERVICES))),
        (true, Some(AllServices::Asked)) => {
            Err(Refusal::new(Code::NeedsMore, "this freezes every service: say it a second time")
                .hint(name::ALL_SERVICES))
        }
    }
}

/// The scope with its names as the gate compares them; each action once.
fn clean(state: &State, scope: &Scope) -> Result<Scope, Refusal> {
    let mut actions = Vec::new();
    for action in &scope.actions {
        if !actions.contains(action) {
            actions.push(*action);
        }
    }
    Ok(Scope {
        services: known::services(state, &scope.services)?,
        envs: known::environments(state, &scope.envs)?,
        actions,
    })
}

pub(super) fn decide(state: &State, command: &FreezeCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let held = |id: FreezeId| -> Result<&Freeze, Refusal> {
        let freeze = state.freezes.get(&id).ok_or_else(|| Refusal::unknown("freeze", id))?;
        if !freeze.holds() {
            return Err(Refusal::new(Code::Conflict, format!("{id} does not hold any more"))
                .hint("begin a new one with freeze"));
        }
        Ok(freeze)
    };
    let fact = match command {
        FreezeCommand::Begin { incident, scope, reason, lease: given, all } => {
            if let Some(id) = incident {
                state.declared(*id)?;
            }
            if scope.actions.is_empty() {
                return Err(Refusal::new(Code::Invalid, "the freeze covers no action")
                    .hint("name deploy, promote, or both"));
            }
            whole(&scope.services, *all)?;
            FreezeFact::Began {
                freeze: state.issued.next_freeze(),
                incident: *incident,
                scope: clean(state, scope)?,
                reason: text("the reason", reason, 400)?,
                lease: given.map_or_else(|| Ok(within(state.policy.freeze_lease)), lease)?,
            }
        }
        FreezeCommand::Renew { freeze, lease: given, reason } => {
            held(*freeze)?;
            FreezeFact::Renewed {
                freeze: *freeze,
                lease: lease(*given)?,
                reason: text("the reason", reason, 400)?,
            }
        }
        FreezeCommand::Exempt { freeze, artifact, reason, glass } => {
            let covering = held(*freeze)?;
            let artifact = known::artifact_exempt(state, artifact, covering)?;
            let reason = text("the reason", reason, 400)?;
            let own = covering.is_own(&artifact, &ctx.actor);
            if own && !glass {
                return Err(Refusal::new(
                    Code::Forbidden,
                    format!("{artifact} is a change of {}, who does not exempt it", ctx.actor),
                )
                .hint(format!(
                    "another person exempts it; alone, break the glass: warroom exempt {freeze} {artifact} \
                     --break-glass --reason \"…\""
                )));
            }
            if covering.exemptions.iter().any(|exemption| exemption.artifact == artifact) {
                return Ok(Vec::new());
            }
            let mut facts = Vec::new();
            if own {
                facts.push(alone(state, held(*freeze)?, &artifact, &reason, ctx));
            }
            facts.insert(0, Fact::Freeze(FreezeFact::Exempted { freeze: *freeze, artifact, reason }));
            return Ok(facts);
        }
        FreezeCommand::Lift { freeze, reason } => {
            held(*freeze)?;
            FreezeFact::Lifted { freeze: *freeze, reason: text("the reason", reason, 400)? }
        }
    };
    Ok(vec![Fact::Freeze(fact)])
}

/// The deviation of exempting a change of one's own.
fn alone(state: &State, freeze: &Freeze, artifact: &str, reason: &str, ctx: &Ctx) -> Fact {
    Fact::Deviation(DeviationFact::Recorded {
        deviation: deviation::next_id(state, 0),
        incident: freeze.incident,
        what: Difference {
            walk: None,
            step: None,
            runbook: None,
            kind: DeviationKind::BrokenGlass,
            planned: false,
            expected: format!("another person exempts {artifact} from {}", freeze.id),
            actual: format!("{} exempted a change of their own", ctx.actor),
            host: state.room.host_of(&ctx.room).to_owned(),
            authorised_by: "self, emergency".into(),
        },
        code: Some(ReasonCode::Other),
        text: reason.to_owned(),
    })
}

pub(super) fn apply(state: &mut State, fact: &FreezeFact, event: &Event) {
    if let FreezeFact::Began { freeze, incident, scope, reason, lease } = fact {
        let new = Freeze {
            id: *freeze,
            incident: *incident,
            scope: scope.clone(),
            owner: event.actor.name.clone(),
            reason: reason.clone(),
            began: event.occurred.clone(),
            ends: event.occurred.plus(*lease),
            exemptions: Vec::new(),
            hold: Hold::Holds,
            refused: 0,
            passed: 0,
            refused_to: Vec::new(),
            proved: None,
            over: None,
            seq: event.seq,
        };
        state.freezes.insert(*freeze, new);
        return;
    }
    let Some(freeze) = state.freezes.get_mut(&fact.freeze()) else { return };
    match fact {
        FreezeFact::Began { .. } => {}
        FreezeFact::Renewed { lease, .. } => freeze.ends = event.occurred.plus(*lease),
        FreezeFact::Exempted { artifact, reason, .. } => freeze.exemptions.push(Exemption {
            artifact: artifact.clone(),
            by: event.actor.name.clone(),
            reason: reason.clone(),
            seq: event.seq,
        }),
        FreezeFact::Proved { .. } => freeze.proved = Some(event.occurred.clone()),
        FreezeFact::Lifted { .. } => {
            freeze.hold = Hold::Lifted;
            freeze.over = Some(event.occurred.clone());
        }
        FreezeFact::Expired { .. } => {
            freeze.hold = Hold::Expired;
            freeze.over = Some(event.occurred.clone());
        }
    }
}
