//! Where pages and updates go: `[target.NAME]`, `[page.NAME]`, `[update]`.

use super::secret::{Header, Secret};
use crate::domain::{
    page::{Outward, Rung, TargetKind},
    time::Span,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

/// Something that takes pages and updates; `kind` says of what kind.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(tag = "kind")]
pub enum Target {
    /// A program that reads the message as JSON.
    Command(Command),
    /// JSON by POST.
    Webhook(Webhook),
    /// A webhook that takes what Slack's takes; Mattermost's and others do too.
    Slack(Slack),
    /// PagerDuty's Events API v2.
    Pagerduty(Pagerduty),
    /// Mail.
    Smtp(Smtp),
}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Program and arguments, without a shell. It reads the message from standard input.
    pub run: Vec<String>,
    /// How long it may take.
    #[serde(default = "thirty")]
    pub timeout: Span,
}

/// JSON by POST.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// The address, as text where it is no secret.
    pub url: Header,
    /// Further headers; those that carry a secret by reference.
    #[serde(default)]
    pub headers: BTreeMap<String, Header>,
    /// How long an answer may take.
    #[serde(default = "ten")]
    pub timeout: Span,
}

/// A webhook in Slack's manner.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// Where the webhook's address is: whoever knows it can write there.
    pub url: Secret,
    /// How long an answer may take.
    #[serde(default = "ten")]
    pub timeout: Span,
}

/// PagerDuty's Events API v2.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pagerduty {
    /// Where the service's integration key is.
    pub routing_key: Secret,
    /// The API's address, where it is another: `https://events.eu.pagerduty.com/v2/enqueue`.
    #[serde(default = "pagerduty")]
    pub url: String,
    /// Where a REST API key is that may read incidents: who acknowledges a page there acknowledges it here.
    #[serde(default)]
    pub token: Option<Secret>,
    /// The REST API's address, where it is another: `https://api.eu.pagerduty.com`.
    #[serde(default = "pagerduty_api")]
    pub api: String,
    /// How long an answer may take.
    #[serde(default = "ten")]
    pub timeout: Span,
}

/// Mail.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Server and port, `smtp.example:587`.
    pub server: String,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: MailTls,
    /// A further authority that may have signed the server's certificate, a PEM file.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// User name, where the server wants one.
    #[serde(default)]
    pub user: Option<String>,
    /// Where that user's password is.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The sender's address.
    pub from: String,
    /// The recipients' addresses.
    pub to: Vec<String>,
    /// How long the server may take.
    #[serde(default = "thirty")]
    pub timeout: Span,
}

/// How a connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MailTls {
    /// STARTTLS, and nothing without it.
    #[default]
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Not at all: for a server on this machine.
    None,
}

/// Somebody who can be paged.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Where a page goes first, and where it climbs while nobody acknowledges it.
    pub ladder: Vec<Step>,
}

/// A rung of a ladder.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How long after the page was asked; the first rung has none.
    #[serde(default)]
    pub after: Span,
    /// Targets, all at once.
    pub to: Vec<String>,
    /// Names of who is on call.
    #[serde(default)]
    pub oncall: Vec<String>,
    /// A command that prints those names, one a line; asked when the page goes out.
    #[serde(default)]
    pub oncall_command: Vec<String>,
}

/// Where updates go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Updates {
    /// Targets that every update is sent to.
    pub targets: Vec<String>,
    /// Targets that every update for those outside is sent to.
    pub external: Vec<String>,
}

fn ten() -> Span {
    Span::secs(10)
}
fn thirty() -> Span {
    Span::secs(30)
}
fn pagerduty() -> String {
    "https://events.pagerduty.com/v2/enqueue".into()
}

fn pagerduty_api() -> String {
    "https://api.pagerduty.com".into()
}

impl Target {
    /// Its kind.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::Command(_) => TargetKind::Command,
            Self::Webhook(_) => TargetKind::Webhook,
            Self::Slack(_) => TargetKind::Slack,
            Self::Pagerduty(_) => TargetKind::Pagerduty,
            Self::Smtp(_) => TargetKind::Smtp,
        }
    }
}

/// What the rules read of it: names and times, nothing secret.
pub fn policy(
    targets: &BTreeMap<String, Target>,
    pages: &BTreeMap<String, Group>,
    updates: &Updates,
) -> Outward {
    let rung = |step: &Step| Rung { after: step.after, to: step.to.clone(), oncall: step.oncall.clone() };
    Outward {
        targets: targets.iter().map(|(name, target)| (name.clone(), target.kind())).collect(),
        pages: pages
            .iter()
            .map(|(who, group)| (who.clone(), group.ladder.iter().map(rung).collect()))
            .collect(),
        updates: updates.targets.clone(),
        external: updates.external.clone(),
    }
}
