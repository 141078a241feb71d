//! What people gather around.

mod command;
mod difference;
mod fact;
mod rules;

pub use command::IncidentCommand;
pub use difference::{CadenceDifference, SeverityDifference, StepsDifference, difference, steps};
pub use fact::IncidentFact;
pub(super) use rules::{closed, decide, first_action};

use super::{
    actor::Actor,
    board::Board,
    clock::{Clocks, Mark, Moment},
    decision::{Decided, Proposed},
    event::{Event, Seq},
    handover::{Proposal, Taken},
    id::{DecisionId, IncidentId, TaskId},
    refusal::{Code, Refusal},
    report::Report,
    severity::Severity,
    state::State,
    task::Task,
    time::Stamp,
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
    /// Who gave it, and who confirmed it since: one entry for each, the giver first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<Given>,
    /// It came with declaring the incident.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_declaring: bool,
}

/// Somebody's word that a person holds a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Whose word.
    pub by: Actor,
    /// Uids to which the roles that they held then went back: who stands behind their word.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub behind: BTreeSet<u32>,
}

/// People whose word for one holder is kept: enough for any of them to be a second person.
pub(super) const GIVEN_MAX: usize = 8;

impl Holder {
    /// Whether the role entitles its holder to approve and to confirm: a second person gave or confirmed it, who does not
    /// owe their own role to the holder. What one gave oneself, by whatever way, is a name and nothing more.
    pub fn entitles(&self, who: &Actor) -> bool {
        let Some(uid) = who.uid.filter(|_| self.who == who.name) else { return false };
        // Roles are given to names: whoever bears the name, under whatever uid, is no second person.
        let second = |given: &Given| {
            let other = given.by.uid.is_some_and(|by| by != uid) && given.by.name != self.who;
            other && !given.behind.contains(&uid)
        };
        self.given.iter().any(|given| given.by.is_room() || second(given))
    }

    /// Whether the role came with declaring the incident, and this is who declared it.
    pub fn declared(&self, who: &Actor) -> bool {
        self.by_declaring && self.who == who.name && self.given.iter().any(|given| given.by.same(who))
    }
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
    /// Command on its way to somebody, until it is answered.
    #[serde(default)]
    pub handover: Option<Proposal>,
    /// Who offered the command that is being accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_by: Option<Actor>,
    /// When command was last taken from one who was gone.
    #[serde(default)]
    pub taken: Option<Taken>,
    /// What the console says.
    pub board: Board,
    /// Tasks.
    pub tasks: BTreeMap<TaskId, Task>,
    /// What each person reported last, by login name.
    #[serde(default)]
    pub reports: BTreeMap<String, Report>,
    /// The newest decision.
    pub last_decision: Option<DecisionId>,
    /// The newest decisions, the newest last.
    #[serde(default)]
    pub decided: Vec<Decided>,
    /// Proposals that are open.
    #[serde(default)]
    pub proposals: BTreeMap<DecisionId, Proposed>,
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

    /// Somebody's word for a role, with who stands behind it now.
    fn word_of(&self, by: &Actor) -> Given {
        let held = self.roles.values().filter(|holder| holder.who == by.name);
        let behind = held
            .flat_map(|holder| &holder.given)
            .flat_map(|given| given.by.uid.into_iter().chain(given.behind.iter().copied()));
        Given { by: by.clone(), behind: behind.filter(|uid| Some(*uid) != by.uid).collect() }
    }

    fn take_role(&mut self, role: &str, who: &str, event: &Event) {
        let by = if role == COMMANDER { self.offered_by.take() } else { None };
        let given = self.word_of(by.as_ref().unwrap_or(&event.actor));
        if let Some(holder) = self.roles.get_mut(role).filter(|holder| holder.who == who) {
            if !holder.given.iter().any(|one| one.by.same(&given.by)) && holder.given.len() < GIVEN_MAX {
                holder.given.push(given);
            }
            return;
        }
        if role == COMMANDER {
            self.handover = None;
        }
        let by_declaring = role == COMMANDER && self.declared_by == who && event.seq == self.seq + 1;
        let (who, since) = (who.to_owned(), event.occurred.clone());
        self.roles.insert(role.to_owned(), Holder { who, since, given: vec![given], by_declaring });
    }
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
            handover: None,
            offered_by: None,
            taken: None,
            board: Board::default(),
            tasks: BTreeMap::new(),
            reports: BTreeMap::new(),
            last_decision: None,
            decided: Vec::new(),
            proposals: BTreeMap::new(),
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
            incident.take_role(role, who, event);
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
