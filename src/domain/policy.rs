//! What an organisation decided before the incident: severity matrix, service catalogue, roles.

use super::{
    actor::Actor,
    page::{Outward, PageWhen},
    power::Groups,
    readiness::{self, ReadinessCheck},
    severity::Severity,
    state::State,
    time::Span,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Everything the rules read that people configured. Journaled when it changes, so that a replay decides as the
/// room did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// What each severity means and sets off.
    pub severities: BTreeMap<Severity, SeverityRow>,
    /// Services by name.
    pub services: BTreeMap<String, Service>,
    /// Environments by name. Empty: any well-formed name may be one.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub environments: BTreeSet<String>,
    /// Who may what. Empty: whoever the socket lets in may everything.
    pub powers: BTreeMap<Power, Members>,
    /// For how long signals must be good before recovery counts.
    pub recovery_hold: Span,
    /// Within what time after resolve the post-mortem is due.
    pub review_within: Span,
    /// A new freeze's lease where none is given.
    pub freeze_lease: Span,
    /// A power taken by breaking the glass ends after this.
    pub glass_lease: Span,
    /// Where pages and updates go.
    #[serde(skip_serializing_if = "Outward::is_empty")]
    pub outward: Outward,
}

/// One row of the severity matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeverityRow {
    /// What it means, in the organisation's words.
    pub meaning: String,
    /// Runbook to begin with.
    #[serde(default)]
    pub runbook: Option<String>,
    /// Roles that should be filled.
    #[serde(default)]
    pub roles: BTreeSet<String>,
    /// How often everybody is asked how it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_every: Option<Span>,
    /// How often an update for those inside is owed.
    #[serde(default)]
    pub update_every: Option<Span>,
    /// How often an update for those outside is owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_every: Option<Span>,
    /// Whether a freeze is proposed, and for how long.
    #[serde(default)]
    pub freeze: Option<Span>,
    /// Whether it pages: `propose` asks a person, `always` pages with the declaration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<PageWhen>,
}

/// A service of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// 1 is the most important.
    #[serde(default = "default_tier")]
    pub tier: u8,
    /// Impact time that must not be exceeded.
    #[serde(default = "default_mttr")]
    pub mttr_target: Span,
    /// Who answers for it.
    #[serde(default)]
    pub owner: Option<String>,
    /// Services it calls.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// What failing means for people and money.
    #[serde(default)]
    pub impact: Option<String>,
    /// Who is paged for it, a name of `[page.NAME]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Checks that must hold before anything is deployed or promoted: the gate asks them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readiness: Vec<ReadinessCheck>,
    /// What its record must say before anything is deployed or promoted: the gate asks that too.
    #[serde(default, skip_serializing_if = "RecordRules::is_empty")]
    pub record: RecordRules,
}

/// What a service's record must say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RecordRules {
    /// The newest drill was recovered from, and is no older than this. An older one, or none, is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill_within: Option<Span>,
    /// No more actions than this are open: tasks, and reasons that are owed, of incidents that are not closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_actions: Option<u32>,
    /// The newest rollback runbook came to its end.
    pub last_rollback: bool,
}

impl RecordRules {
    /// Whether it asks nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Service {
    /// Whether the gate asks anything of it.
    pub fn asks(&self) -> bool {
        !self.readiness.is_empty() || !self.record.is_empty()
    }
}

fn default_tier() -> u8 {
    2
}

fn default_mttr() -> Span {
    Span::mins(30)
}

impl Default for Service {
    fn default() -> Self {
        Self {
            tier: default_tier(),
            mttr_target: default_mttr(),
            owner: None,
            depends_on: Vec::new(),
            impact: None,
            page: None,
            readiness: Vec::new(),
            record: RecordRules::default(),
        }
    }
}

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// Look, and nothing else.
    Observe,
    /// Note, walk, freeze, take tasks.
    Respond,
    /// Take command of an incident.
    Command,
    /// Approve steps of others.
    Approve,
}

impl Power {
    /// All, the least first.
    pub const ALL: [Self; 4] = [Self::Observe, Self::Respond, Self::Command, Self::Approve];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Respond => "respond",
            Self::Command => "command",
            Self::Approve => "approve",
        }
    }

    /// Whether who has this power has the other by it: who commands may respond, and everybody may look. To approve is
    /// apart: who may approve the acts of others need not be able to act, nor the other way round.
    pub fn implies(self, other: Self) -> bool {
        self == other || other == Self::Observe || (self == Self::Command && other == Self::Respond)
    }
}

impl std::fmt::Display for Power {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.word())
    }
}

impl std::str::FromStr for Power {
    type Err = super::refusal::Refusal;
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let word = word.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|power| power.word() == word).ok_or_else(|| {
            super::refusal::Refusal::new(super::refusal::Code::Invalid, format!("{word:?} is not a power"))
                .hint("respond, command or approve")
        })
    }
}

/// People by login name or group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Members {
    /// Login names.
    pub users: BTreeSet<String>,
    /// Unix groups.
    pub groups: BTreeSet<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            severities: BTreeMap::new(),
            services: BTreeMap::new(),
            environments: BTreeSet::new(),
            powers: BTreeMap::new(),
            recovery_hold: Span::mins(2),
            review_within: Span::hours(48),
            freeze_lease: Span::hours(2),
            glass_lease: Span::hours(1),
            outward: Outward::default(),
        }
    }
}

impl Policy {
    /// The tightest impact target of these services; the default tier's where none is catalogued.
    pub fn mttr_target(&self, services: &[String]) -> Span {
        services
            .iter()
            .filter_map(|name| self.services.get(name))
            .map(|service| service.mttr_target)
            .min()
            .unwrap_or_else(default_mttr)
    }

    /// Whether the configuration gives the actor a power, by login name or by a group that the kernel proved, or by a
    /// power that implies it. The room itself has all; a token has none but what the gate gives it.
    pub fn may(&self, actor: &Actor, groups: &Groups, power: Power) -> bool {
        if actor.is_room() {
            return true;
        }
        if actor.uid.is_none() {
            return false;
        }
        let named = |members: &Members| {
            members.users.contains(&actor.name) || members.groups.iter().any(|group| groups.contains(group))
        };
        self.powers.is_empty()
            || power == Power::Observe
            || self.powers.iter().any(|(given, members)| given.implies(power) && named(members))
    }

    /// Whether the configuration gives powers and gives nobody the one to command: who declares commands, and nobody can
    /// take over from them but by breaking the glass.
    pub fn leaves_command_to_nobody(&self) -> bool {
        let some = |members: &Members| !members.users.is_empty() || !members.groups.is_empty();
        let commands = |(power, members): (&Power, &Members)| power.implies(Power::Command) && some(members);
        !self.powers.is_empty() && !self.powers.iter().any(commands)
    }

    /// Groups that give anybody a power.
    pub fn groups(&self) -> BTreeSet<String> {
        self.powers.values().flat_map(|members| members.groups.clone()).collect()
    }
}

/// What is said where [`Policy::leaves_command_to_nobody`].
pub const NOBODY_COMMANDS: &str = "nobody has the power to command: who declares commands, and nobody can take over from \
                                   them but by breaking the glass; [power.command] in warroom.toml names who may";

/// What can happen to the policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyFact {
    /// It was read from configuration and differs from what was in force.
    Loaded(Box<Policy>),
}

pub(super) fn apply(state: &mut State, fact: &PolicyFact) {
    match fact {
        PolicyFact::Loaded(policy) => {
            readiness::changed(state, policy);
            state.policy = (**policy).clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(powers: &[(Power, &[&str])]) -> Policy {
        let members = |users: &[&str]| Members {
            users: users.iter().map(|&name| name.to_owned()).collect(),
            ..Members::default()
        };
        let powers = powers.iter().map(|(power, users)| (*power, members(users))).collect();
        Policy { powers, ..Policy::default() }
    }

    #[test]
    fn powers_that_leave_command_to_nobody_are_known() {
        let nobody = |powers: &[(Power, &[&str])]| policy(powers).leaves_command_to_nobody();
        assert!(!nobody(&[]), "where nothing is configured everybody may everything");
        assert!(nobody(&[(Power::Respond, &["ana"])]));
        assert!(nobody(&[(Power::Respond, &["ana"]), (Power::Approve, &["bo"]), (Power::Command, &[])]));
        assert!(!nobody(&[(Power::Command, &["ana"])]));
        let mut by_group = policy(&[(Power::Command, &[])]);
        by_group.powers.entry(Power::Command).or_default().groups.insert("ic".into());
        assert!(!by_group.leaves_command_to_nobody());
    }
}
