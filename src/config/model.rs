//! warroom.toml as types. The documentation of the fields is that of the schema.

use super::{
    audit::Audit,
    journal::{self, Journal},
    outward::{self, Group, Target, Updates},
    source::Source,
};
use crate::{
    domain::{
        id::Digest,
        policy::{Members, Policy, Power, Service, SeverityRow},
        severity::Severity,
        time::Span,
    },
    signal::Panel,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// The configuration of a room and of its seats.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "warroom.toml")]
pub struct Config {
    /// Where the journal is: a path or an address alone, or a table.
    #[schemars(with = "journal::Form")]
    pub journal: Journal,
    /// The room itself.
    pub room: Room,
    /// Times that the rules read, and the environments that there are.
    pub policy: Times,
    /// The severity matrix, `[severity.SEV1]` to `[severity.SEV5]`.
    pub severity: BTreeMap<Severity, SeverityRow>,
    /// The catalogue, `[service.NAME]`.
    pub service: BTreeMap<String, Service>,
    /// Who may what, `[power.respond]`. Empty: whoever the socket lets in may everything.
    pub power: BTreeMap<Power, Members>,
    /// What is watched.
    pub source: Vec<Source>,
    /// Numbers worth watching.
    pub panel: Vec<Panel>,
    /// Runbooks and directories of runbooks.
    pub runbook: Vec<RunbookPlace>,
    /// What takes pages and updates, `[target.NAME]`.
    pub target: BTreeMap<String, Target>,
    /// Who can be paged, `[page.NAME]`.
    pub page: BTreeMap<String, Group>,
    /// Where updates go.
    pub update: Updates,
    /// Where every event is streamed to, `[audit.NAME]`.
    pub audit: BTreeMap<String, Audit>,
    /// Where pipelines ask.
    pub gate: Gate,
    /// What is kept of signals.
    pub evidence: Evidence,
    /// What must never be journaled.
    pub redact: Redact,
    /// Runbooks of one's own as drills.
    pub drill: Drill,
    /// The seat.
    pub ui: Ui,
}

/// Stand-ins for what runbooks name, where they are walked as a drill.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Drill {
    /// A name in a runbook (a target's alias, an address, a host, a path, a program, a service, a source, an input, a
    /// placeholder) and what stands in for it: `practice:checkout-1`, or a stand-in of your own.
    pub map: BTreeMap<String, String>,
    /// Paths and programs that stay as they are: you vouch that they reach nothing of production.
    pub keep: Vec<String>,
}

/// The room itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Room {
    /// The name by which people reach this machine with ssh, in the line to join: a host, `USER@HOST` or an alias. Not
    /// set: the machine's own name.
    pub ssh: Option<String>,
}

/// Times that the rules read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Times {
    /// Signals must be good this long before recovery counts.
    pub recovery_hold: Span,
    /// The post-mortem is due within this after resolve.
    pub review_within: Span,
    /// A new freeze's lease where none is given.
    pub freeze_lease: Span,
    /// A power taken by breaking the glass ends after this.
    pub glass_lease: Span,
    /// Environments by name. None: any well-formed name may be one.
    pub environments: BTreeSet<String>,
}

impl Default for Times {
    fn default() -> Self {
        let Policy { recovery_hold, review_within, freeze_lease, glass_lease, environments, .. } =
            Policy::default();
        Self { recovery_hold, review_within, freeze_lease, glass_lease, environments }
    }
}

/// A runbook, or a directory of them: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RunbookPlace {
    /// A Markdown file.
    pub path: Option<PathBuf>,
    /// A directory; every `.md` file in it.
    pub dir: Option<PathBuf>,
}

/// Where pipelines ask "may this change go?".
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gate {
    /// Address and port, and never another one. Port 0: any free one. Not set: 127.0.0.1:7311 where the room is for all,
    /// nowhere where it is one's own. `none`: nowhere.
    pub listen: Option<String>,
    /// Who may ask, beside readers on loopback.
    pub tokens: Vec<Token>,
}

/// A pipeline's token, stored as its hash.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Who it stands for; the actor's name in the journal.
    pub name: String,
    /// SHA-256 of the token, 64 hexadecimal digits.
    #[serde(deserialize_with = "digest")]
    #[schemars(with = "String", regex(pattern = "^[0-9a-fA-F]{64}$"))]
    pub sha256: Digest,
    /// What it may.
    pub may: BTreeSet<TokenPower>,
}

/// What a token may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenPower {
    /// Read incidents, freezes and the gate's state.
    Read,
    /// Ask the gate.
    Ask,
    /// Write notes and release events to the timeline.
    Note,
    /// Declare an incident.
    Declare,
    /// Begin and renew freezes.
    Freeze,
}

/// The error never repeats what was given: it may be the token itself.
fn digest<'de, D: Deserializer<'de>>(d: D) -> Result<Digest, D::Error> {
    let text = String::deserialize(d)?;
    text.parse().map_err(|_| {
        serde::de::Error::custom(
            "not a SHA-256 digest: 64 hexadecimal digits, made by  printf %s \"$TOKEN\" | sha256sum ; never the \
             token itself",
        )
    })
}

/// What is kept of signals while an incident is open.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Evidence {
    /// Directory. Not set: beside the journal.
    pub dir: Option<PathBuf>,
    /// Bytes for each incident.
    pub max_bytes: u64,
}

impl Default for Evidence {
    fn default() -> Self {
        Self { dir: None, max_bytes: 256 * 1024 * 1024 }
    }
}

/// What must never be journaled or exported.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Redact {
    /// Regular expressions, besides the built-in ones. A group named `secret` narrows what is hidden.
    pub patterns: Vec<String>,
}

/// The seat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ui {
    /// `dark`, `light`, `colour-blind-safe`, `monochrome`, or the path of a `.toml` file.
    pub theme: String,
    /// Which characters are drawn with.
    pub glyphs: Glyphs,
    /// Whether colours are used.
    pub colour: Colour,
    /// Whether the mouse is taken from the terminal.
    pub mouse: bool,
    /// A file of your own keys.
    pub keys: Option<PathBuf>,
    /// Whether seats only look, as with `--read-only`.
    pub read_only: bool,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            theme: "dark".into(),
            glyphs: Glyphs::Auto,
            colour: Colour::Auto,
            mouse: false,
            keys: None,
            read_only: false,
        }
    }
}

/// Which characters are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Glyphs {
    /// As the locale says.
    #[default]
    Auto,
    /// Box drawing and block characters.
    Unicode,
    /// ASCII alone.
    Ascii,
}

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Colour {
    /// As `NO_COLOR` and the terminal say.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Config {
    /// What the rules read.
    pub fn policy(&self) -> Policy {
        Policy {
            severities: self.severity.clone(),
            services: self.service.clone(),
            environments: self.policy.environments.clone(),
            powers: self.power.clone(),
            recovery_hold: self.policy.recovery_hold,
            review_within: self.policy.review_within,
            freeze_lease: self.policy.freeze_lease,
            glass_lease: self.policy.glass_lease,
            outward: outward::policy(&self.target, &self.page, &self.update),
        }
    }

    /// All panels: those under a source, which then answers them, and those that stand alone.
    pub fn panels(&self) -> Vec<Panel> {
        let under = self.source.iter().flat_map(|source| {
            source.panels().iter().map(|panel| {
                let mut panel = panel.clone();
                if panel.source.is_empty() {
                    panel.source = source.id();
                }
                panel
            })
        });
        under.chain(self.panel.iter().cloned()).collect()
    }
}
