//! What people gather around.

use super::{
    board::{Board, BoardFact},
    clock::{Clocks, Mark, Moment},
    command::Ctx,
    event::{Event, Seq},
    fact::Fact,
    freeze::{self, Freeze, FreezeFact, Scope},
    id::{DecisionId, FreezeId, IncidentId, TaskId},
    policy::Power,
    refusal::{Code, Refusal, text},
    severity::Severity,
    state::State,
    task::Task,
    time::{Span, Stamp, Wall},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody knows yet.
    Investigating,
    /// The cause is known well enough to act.
    Identified,
    /// Something is being done.
    Mitigating,
    /// It looks good; it must hold.
    Monitoring,
    /// Users are well. The review clock runs.
    Resolved,
    /// Nothing is owed any more.
    Closed,
}

impl Status {
    /// All, in their order.
    pub const ALL: [Self; 6] = [
        Self::Investigating,
        Self::Identified,
        Self::Mitigating,
        Self::Monitoring,
        Self::Resolved,
        Self::Closed,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Investigating => "investigating",
            Self::Identified => "identified",
            Self::Mitigating => "mitigating",
            Self::Monitoring => "monitoring",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Status {
    type Err = Refusal;
    fn from_str(word: &str) -> Result<Self, Refusal> {
        let word = word.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|status| status.word() == word).ok_or_else(|| {
            Refusal::new(Code::Invalid, format!("{word:?} is not a status"))
                .hint("investigating, identified, mitigating, monitoring, resolved or closed")
        })
    }
}

/// The commander's role by name.
pub const COMMANDER: &str = "commander";

/// A role's holder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    /// Login name.
    pub who: String,
    /// Since when.
    pub since: Stamp,
}

/// An incident as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Name.
    pub id: IncidentId,
    /// One line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Services it hurts.
    pub services: Vec<String>,
    /// Where, `prod`.
    pub env: String,
    /// How far.
    pub status: Status,
    /// Practice, kept out of real figures.
    pub drill: bool,
    /// When it was declared.
    pub declared: Stamp,
    /// By whom.
    pub declared_by: String,
    /// The event that declared it.
    pub seq: Seq,
    /// Its clocks.
    pub clocks: Clocks,
    /// Who holds which role.
    pub roles: BTreeMap<String, Holder>,
    /// What the console says.
    pub board: Board,
    /// Tasks.
    pub tasks: BTreeMap<TaskId, Task>,
    /// The newest decision.
    pub last_decision: Option<DecisionId>,
    /// Events marked as important.
    pub stars: BTreeSet<Seq>,
    /// When it was resolved.
    pub resolved: Option<Stamp>,
    /// When the post-mortem is due.
    pub review_due: Option<Stamp>,
    /// What people wrote into the draft's prompts, by the prompt's key.
    pub answers: BTreeMap<String, String>,
}

impl Incident {
    /// Whether people still gather around it.
    pub fn is_open(&self) -> bool {
        self.status < Status::Resolved
    }

    /// The commander's login name.
    pub fn commander(&self) -> Option<&str> {
        self.roles.get(COMMANDER).map(|holder| holder.who.as_str())
    }
}

/// What can happen to an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentFact {
    /// It was declared; its declarer commands.
    Declared {
        /// Which incident.
        incident: IncidentId,

        /// One line.
        title: String,

        /// How bad.
        severity: Severity,

        /// Services it hurts.
        services: Vec<String>,

        /// Environment.
        env: String,

        /// The target.
        target: Span,

        /// Whether it is practice.
        drill: bool,
    },
    /// Title or services were corrected.
    Retitled {
        /// Which incident.
        incident: IncidentId,
        /// One line.
        title: String,
        /// Services it hurts.
        services: Vec<String>,
    },
    /// It is worse or milder than was thought.
    SeverityChanged {
        /// Which incident.
        incident: IncidentId,
        /// Severity before.
        from: Severity,
        /// Severity from now on.
        to: Severity,
        /// Why.
        reason: String,
    },
    /// It has come further, or fallen back.
    StatusChanged {
        /// Which incident.
        incident: IncidentId,
        /// Status before.
        from: Status,
        /// Status from now on.
        to: Status,
    },
    /// A role has a holder.
    RoleTaken {
        /// Which incident.
        incident: IncidentId,
        /// Which role.
        role: String,
        /// Login name.
        who: String,
    },
    /// A role has none any more.
    RoleLeft {
        /// Which incident.
        incident: IncidentId,
        /// Which role.
        role: String,
        /// Login name.
        who: String,
    },
    /// A moment is known.
    Marked {
        /// Which incident.
        incident: IncidentId,
        /// Which moment.
        moment: Moment,
        /// When.
        at: Stamp,
        /// Why.
        why: String,
    },
    /// A moment was not when it was said to be. Both events stay.
    Corrected {
        /// Which incident.
        incident: IncidentId,
        /// Which moment.
        moment: Moment,
        /// When it was held to be before, where it was.
        from: Option<Wall>,
        /// When.
        at: Stamp,
        /// Why.
        reason: String,
    },
    /// The impact target was exceeded.
    TargetBreached {
        /// Which incident.
        incident: IncidentId,
        /// The target.
        target: Span,
    },
    /// First good reading after onset.
    RecoveryBegan {
        /// Which incident.
        incident: IncidentId,
        /// The value seen.
        seen: String,
    },
    /// A bad reading came before recovery had held.
    RecoveryLost {
        /// Which incident.
        incident: IncidentId,
        /// The value seen.
        seen: String,
    },
    /// Recovery held for its time; impact ended at `since`.
    Recovered {
        /// Which incident.
        incident: IncidentId,
        /// Since when.
        since: Stamp,
        /// For how long it had held.
        held: Span,
    },
    /// A prompt of the draft was answered.
    Answered {
        /// Which incident.
        incident: IncidentId,
        /// The prompt's key.
        prompt: String,
        /// The words.
        text: String,
    },
    /// A draft was written out.
    Exported {
        /// Which incident.
        incident: IncidentId,
        /// Where it was written to.
        place: String,
        /// Hash of its manifest.
        manifest: String,
    },
}

impl IncidentFact {
    /// Which.
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Declared { incident, .. }
            | Self::Retitled { incident, .. }
            | Self::SeverityChanged { incident, .. }
            | Self::StatusChanged { incident, .. }
            | Self::RoleTaken { incident, .. }
            | Self::RoleLeft { incident, .. }
            | Self::Marked { incident, .. }
            | Self::Corrected { incident, .. }
            | Self::TargetBreached { incident, .. }
            | Self::RecoveryBegan { incident, .. }
            | Self::RecoveryLost { incident, .. }
            | Self::Recovered { incident, .. }
            | Self::Answered { incident, .. }
            | Self::Exported { incident, .. } => *incident,
        }
    }
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentCommand {
    /// Declare one.
    Declare {
        /// One line.
        title: String,

        /// How bad.
        severity: Severity,

        /// Services it hurts.
        services: Vec<String>,
        /// Environment; `prod` where none is given.
        #[serde(default)]
        env: Option<String>,
        /// Freeze deploys of these services at once.
        #[serde(default)]
        freeze: bool,
    },
    /// Correct title or services.
    Retitle {
        /// Which incident.
        incident: IncidentId,
        /// One line.
        title: String,
        /// Services it hurts.
        services: Vec<String>,
    },
    /// Change severity.
    Severity {
        /// Which incident.
        incident: IncidentId,
        /// Severity from now on.
        to: Severity,
        /// Why.
        reason: String,
    },
    /// Change status.
    Status {
        /// Which incident.
        incident: IncidentId,
        /// Status from now on.
        to: Status,
    },
    /// Give a role.
    Role {
        /// Which incident.
        incident: IncidentId,
        /// Which role.
        role: String,
        /// Login name.
        who: String,
    },
    /// Take a role away.
    Unrole {
        /// Which incident.
        incident: IncidentId,
        /// Which role.
        role: String,
    },
    /// Say when something was.
    Correct {
        /// Which incident.
        incident: IncidentId,
        /// Which moment.
        moment: Moment,
        /// When, by the wall.
        at: Wall,
        /// Why.
        reason: String,
    },
    /// Answer a prompt of the draft.
    Answer {
        /// Which incident.
        incident: IncidentId,
        /// The prompt's key.
        prompt: String,
        /// The words.
        text: String,
    },
    /// A draft was written out.
    Exported {
        /// Which incident.
        incident: IncidentId,
        /// Where it was written to.
        place: String,
        /// Hash of its manifest.
        manifest: String,
    },
}

fn declare(state: &State, command: &IncidentCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let IncidentCommand::Declare { title, severity, services, env, freeze } = command else {
        return Ok(Vec::new());
    };
    let id = state.incidents.keys().next_back().map_or(IncidentId(1), |last| last.next());
    let services = services.iter().map(|name| text("a service", name, 100)).collect::<Result<Vec<_>, _>>()?;
    let env = text("the environment", env.as_deref().unwrap_or("prod"), 40)?;
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
    if let Some(row) = state.policy.severities.get(severity)
        && let Some(every) = row.update_every
    {
        facts.push(Fact::Board(BoardFact::Cadence { incident: id, every: Some(every) }));
    }
    if *freeze {
        let lease = state.policy.severities.get(severity).and_then(|row| row.freeze);
        facts.push(Fact::Freeze(FreezeFact::Began {
            freeze: state.freezes.keys().next_back().map_or(FreezeId(1), |last| last.next()),
            incident: Some(id),
            scope: Scope::deploys(services, vec![env]),
            reason: text("the title", title, 200)?,
            lease: freeze::within(lease.unwrap_or(state.policy.freeze_lease)),
        }));
    }
    Ok(facts)
}

fn status(state: &State, id: IncidentId, to: Status, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let incident = state.known(id)?;
    if incident.status == to {
        return Ok(Vec::new());
    }
    if incident.status == Status::Closed {
        return Err(Refusal::new(Code::Conflict, format!("{id} is closed"))
            .hint("declare a new incident and name this one in its title"));
    }
    if to == Status::Closed {
        if incident.status != Status::Resolved {
            return Err(Refusal::new(Code::Conflict, format!("{id} is not resolved yet"))
                .hint("set its status to resolved first"));
        }
        let owed = state.owed(id);
        if owed > 0 {
            return Err(Refusal::new(Code::NeedsMore, format!("{owed} reasons for deviations are owed"))
                .hint(
                    "give them with :reason, or warroom reason; acting was never blocked by them, closing is",
                ));
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
    if to >= Status::Mitigating && to <= Status::Monitoring {
        facts.extend(first_action(state, id, ctx, "the status says mitigating"));
    }
    Ok(facts)
}

/// The first mitigation marks its moment, whoever began it and however.
pub(super) fn first_action(state: &State, id: IncidentId, ctx: &Ctx, why: &str) -> Option<Fact> {
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

pub(super) fn decide(state: &State, command: &IncidentCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    ctx.responder(state)?;
    let fact = match command {
        IncidentCommand::Declare { .. } => return declare(state, command, ctx),
        IncidentCommand::Status { incident, to } => return status(state, *incident, *to, ctx),
        IncidentCommand::Retitle { incident, title, services } => {
            state.open(*incident)?;
            IncidentFact::Retitled {
                incident: *incident,
                title: text("the title", title, 200)?,
                services: services
                    .iter()
                    .map(|name| text("a service", name, 100))
                    .collect::<Result<_, _>>()?,
            }
        }
        IncidentCommand::Severity { incident, to, reason } => {
            let from = state.open(*incident)?.severity;
            if from == *to {
                return Ok(Vec::new());
            }
            let every = state.policy.severities.get(to).and_then(|row| row.update_every);
            let mut facts = vec![Fact::Incident(IncidentFact::SeverityChanged {
                incident: *incident,
                from,
                to: *to,
                reason: text("the reason", reason, 400)?,
            })];
            if every.is_some() && every != state.open(*incident)?.board.update_every {
                facts.push(Fact::Board(BoardFact::Cadence { incident: *incident, every }));
            }
            return Ok(facts);
        }
        IncidentCommand::Role { incident, role, who } => {
            let role = text("the role", role, 40)?.to_lowercase();
            let who = text("the person", who, 64)?;
            let held = state.open(*incident)?.roles.get(&role);
            if held.is_some_and(|holder| holder.who == who) {
                return Ok(Vec::new());
            }
            if role == COMMANDER && !state.policy.may(&ctx.actor, Power::Command) {
                return Err(Refusal::new(Code::Forbidden, format!("{} may not give command", ctx.actor))
                    .hint("somebody with the power `command` must do it"));
            }
            IncidentFact::RoleTaken { incident: *incident, role, who }
        }
        IncidentCommand::Unrole { incident, role } => {
            let role = role.trim().to_lowercase();
            let Some(holder) = state.open(*incident)?.roles.get(&role) else { return Ok(Vec::new()) };
            let own = holder.who == ctx.actor.name;
            if role == COMMANDER && !own && !state.policy.may(&ctx.actor, Power::Command) {
                return Err(Refusal::new(
                    Code::Forbidden,
                    format!("{} may not take command away", ctx.actor),
                )
                .hint("the commander lays it down, or somebody with the power `command` gives it on"));
            }
            IncidentFact::RoleLeft { incident: *incident, role, who: holder.who.clone() }
        }
        IncidentCommand::Correct { incident, moment, at, reason } => {
            let known = state.known(*incident)?;
            if *at > ctx.now.wall {
                return Err(Refusal::new(
                    Code::Invalid,
                    format!("{} is not over yet", super::time::rfc3339(*at)),
                )
                .hint("times are UTC; a moment lies in the past"));
            }
            IncidentFact::Corrected {
                incident: *incident,
                moment: *moment,
                from: known.clocks.marks.get(moment).map(|mark| mark.at.wall),
                at: ctx.now.back_to(*at),
                reason: text("the reason", reason, 400)?,
            }
        }
        IncidentCommand::Answer { incident, prompt, text: words } => {
            state.known(*incident)?;
            IncidentFact::Answered {
                incident: *incident,
                prompt: text("the prompt", prompt, 100)?,
                text: text("the answer", words, 16_000)?,
            }
        }
        IncidentCommand::Exported { incident, place, manifest } => {
            state.known(*incident)?;
            IncidentFact::Exported {
                incident: *incident,
                place: text("the place", place, 1_000)?,
                manifest: text("the manifest", manifest, 200)?,
            }
        }
    };
    Ok(vec![Fact::Incident(fact)])
}

pub(super) fn apply(state: &mut State, fact: &IncidentFact, event: &Event) {
    if let IncidentFact::Declared { incident, title, severity, services, env, target, drill } = fact {
        let new = Incident {
            id: *incident,
            title: title.clone(),
            severity: *severity,
            services: services.clone(),
            env: env.clone(),
            status: Status::Investigating,
            drill: *drill,
            declared: event.occurred.clone(),
            declared_by: event.actor.name.clone(),
            seq: event.seq,
            clocks: Clocks { target: *target, ..Clocks::default() },
            roles: BTreeMap::new(),
            board: Board::default(),
            tasks: BTreeMap::new(),
            last_decision: None,
            stars: BTreeSet::new(),
            resolved: None,
            review_due: None,
            answers: BTreeMap::new(),
        };
        state.incidents.insert(*incident, new);
        return;
    }
    let review_within = state.policy.review_within;
    let Some(incident) = state.incidents.get_mut(&fact.incident()) else { return };
    let mark = |at: &Stamp| Mark { at: at.clone(), seq: event.seq };
    match fact {
        IncidentFact::Declared { .. } | IncidentFact::Exported { .. } => {}
        IncidentFact::Retitled { title, services, .. } => {
            incident.title.clone_from(title);
            incident.services.clone_from(services);
        }
        IncidentFact::SeverityChanged { to, .. } => incident.severity = *to,
        IncidentFact::StatusChanged { to, .. } => {
            incident.status = *to;
            match to {
                Status::Resolved => {
                    incident.resolved = Some(event.occurred.clone());
                    incident.review_due = Some(event.occurred.plus(review_within));
                }
                Status::Closed => {}
                _ => (incident.resolved, incident.review_due) = (None, None),
            }
        }
        IncidentFact::RoleTaken { role, who, .. } => {
            incident.roles.insert(role.clone(), Holder { who: who.clone(), since: event.occurred.clone() });
        }
        IncidentFact::RoleLeft { role, .. } => {
            incident.roles.remove(role);
        }
        IncidentFact::Marked { moment, at, .. } | IncidentFact::Corrected { moment, at, .. } => {
            incident.clocks.marks.insert(*moment, mark(at));
            incident.clocks.breach_again(&incident.declared);
        }
        IncidentFact::TargetBreached { .. } => incident.clocks.breached = Some(mark(&event.occurred)),
        IncidentFact::RecoveryBegan { .. } => incident.clocks.first_good = Some(mark(&event.occurred)),
        IncidentFact::RecoveryLost { .. } => {
            incident.clocks.first_good = None;
            incident.clocks.recovered = None;
            incident.clocks.marks.remove(&Moment::Verified);
        }
        IncidentFact::Recovered { since, .. } => {
            incident.clocks.recovered = Some(mark(since));
            incident.clocks.marks.insert(Moment::Verified, mark(&event.occurred));
        }
        IncidentFact::Answered { prompt, text, .. } => {
            incident.answers.insert(prompt.clone(), text.clone());
        }
    }
}

/// What a change of severity brings with it, shown before it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SeverityDifference {
    /// What the new severity means.
    pub meaning: Option<String>,
    /// Runbook of the new row, where it is another.
    pub runbook: Option<String>,
    /// Roles that are wanted now and have no holder.
    pub roles_missing: Vec<String>,
    /// Cadence of updates before and after, where it differs.
    pub cadence: Option<(Option<Span>, Option<Span>)>,
    /// A freeze is proposed that does not stand yet, for this long.
    pub freeze: Option<Span>,
    /// A freeze stands and stays: severity never lifts one.
    pub freeze_stays: Vec<FreezeId>,
}

/// The difference between an incident as it is and the same at another severity.
pub fn difference(state: &State, incident: &Incident, to: Severity) -> SeverityDifference {
    let row = state.policy.severities.get(&to);
    let old = state.policy.severities.get(&incident.severity);
    let every = row.and_then(|row| row.update_every);
    let held = super::walk::approval::role;
    let standing: Vec<&Freeze> = state
        .freezes
        .values()
        .filter(|freeze| freeze.holds() && freeze.incident == Some(incident.id))
        .collect();
    SeverityDifference {
        meaning: row.map(|row| row.meaning.clone()),
        runbook: row
            .and_then(|row| row.runbook.clone())
            .filter(|name| old.and_then(|row| row.runbook.as_ref()) != Some(name)),
        roles_missing: row
            .map(|row| {
                row.roles.iter().filter(|role| !incident.roles.contains_key(held(role))).cloned().collect()
            })
            .unwrap_or_default(),
        cadence: (every != incident.board.update_every && every.is_some())
            .then_some((incident.board.update_every, every)),
        freeze: row.and_then(|row| row.freeze).filter(|_| standing.is_empty()),
        freeze_stays: standing.iter().map(|freeze| freeze.id).collect(),
    }
}
