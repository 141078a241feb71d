//! Where pages and updates go, as configured.

use crate::domain::{cadence::Audience, time::Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The page group that is meant where no service names one.
pub const DEFAULT: &str = "default";

/// Where pages and updates go, as configured, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Outward {
    /// Targets by name.
    pub targets: BTreeMap<String, TargetKind>,
    /// Who can be paged, each with a ladder.
    pub pages: BTreeMap<String, Vec<Rung>>,
    /// Targets that every update goes to.
    pub updates: Vec<String>,
    /// Targets that every update for those outside goes to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external: Vec<String>,
}

impl Outward {
    /// Targets that an update for them goes to.
    pub fn updates_to(&self, audience: Audience) -> &[String] {
        match audience {
            Audience::Internal => &self.updates,
            Audience::External => &self.external,
        }
    }

    /// Whether nothing is configured.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How a target is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A program.
    Command,
    /// JSON over HTTP.
    Webhook,
    /// A webhook that takes what Slack's takes.
    Slack,
    /// PagerDuty's Events API v2.
    Pagerduty,
    /// Mail.
    Smtp,
}

impl TargetKind {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Pagerduty => "pagerduty",
            Self::Smtp => "smtp",
        }
    }

    /// Whether it is told that a page was acknowledged or is over. A phone is not rung for that.
    pub fn follows(self) -> bool {
        matches!(self, Self::Webhook | Self::Slack | Self::Pagerduty)
    }
}

/// A rung of a ladder.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// How long after the page was asked it comes to this rung; the first is there at once.
    #[serde(default, skip_serializing_if = "zero")]
    pub after: Span,
    /// Targets, all at once.
    pub to: Vec<String>,
    /// Who is on call, by name, where configuration says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oncall: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn zero(span: &Span) -> bool {
    *span == Span::ZERO
}

/// Whether a severity pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PageWhen {
    /// The seat proposes it; a person decides.
    Propose,
    /// It is asked with the declaration.
    Always,
}
