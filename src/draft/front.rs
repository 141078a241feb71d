//! The YAML front matter: what a machine, or a list of post-mortems, wants to know.

use super::{Range, escape::yaml, gather::Gathered};
use crate::domain::{
    clock::{ImpactState, Moment},
    time::{Span, Wall, rfc3339},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Write as _};

/// Everything in it. Times are RFC 3339 in UTC, lengths of time are written `13m12s`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Front {
    /// Its title.
    pub title: String,
    /// Which incident.
    pub incident: String,
    /// `SEV1`.
    pub severity: String,
    /// `resolved`.
    pub status: String,
    /// Practice.
    pub drill: bool,
    /// Services it hurt.
    pub services: Vec<String>,
    /// Environment.
    pub environment: String,
    /// When it was declared.
    pub declared: String,
    /// When users began to be hurt.
    pub onset: Option<String>,
    /// When they were well again.
    pub recovered: Option<String>,
    /// When people called it over.
    pub resolved: Option<String>,
    /// Impact time.
    pub impact: String,
    /// `final`, `provisional` or `running`.
    pub impact_state: String,
    /// What impact time must not exceed.
    pub target: String,
    /// Whether it did.
    pub breached: bool,
    /// Who commanded.
    pub commander: Option<String>,
    /// Who held which role at the end.
    pub roles: BTreeMap<String, String>,
    /// When the review is due.
    pub review_due: Option<String>,
    /// What it was made from.
    pub journal: FrontJournal,
    /// When it was made.
    pub generated: String,
    /// What made it.
    pub generator: String,
}

/// The events that the draft was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontJournal {
    /// First event.
    pub first: u64,
    /// Last event.
    pub last: u64,
    /// How many.
    pub events: usize,
    /// Hash of the chain up to and with the last.
    pub head: String,
}

/// A length of time as it stands in the draft: no fraction of a second once it has whole ones.
pub(super) fn length(span: Span) -> String {
    if span >= Span::secs(1) { Span::secs(span.as_secs()).to_string() } else { span.to_string() }
}

pub(super) fn front(g: &Gathered<'_>, range: Range) -> Front {
    let line = |text: &str| crate::domain::text::line(text).into_owned();
    let incident = &g.incident;
    let clocks = &incident.clocks;
    let time = |at: Wall| rfc3339(at);
    let impact = g.impact();
    Front {
        title: line(&incident.title),
        incident: incident.id.to_string(),
        severity: incident.severity.to_string(),
        status: incident.status.to_string(),
        drill: incident.drill,
        services: incident.services.iter().map(|name| line(name)).collect(),
        environment: line(&incident.env),
        declared: time(incident.declared.wall),
        onset: g.mark(Moment::Onset).map(|mark| time(mark.at.wall)),
        recovered: clocks.recovered.as_ref().map(|mark| time(mark.at.wall)),
        resolved: incident.resolved.as_ref().map(|at| time(at.wall)),
        impact: length(impact.time),
        impact_state: match impact.state {
            ImpactState::Running => "running",
            ImpactState::Provisional => "provisional",
            ImpactState::Final => "final",
        }
        .into(),
        target: length(clocks.target),
        breached: clocks.breached.is_some(),
        commander: incident.commander().map(line),
        roles: incident.roles.iter().map(|(role, holder)| (line(role), line(&holder.who))).collect(),
        review_due: incident.review_due.as_ref().map(|at| time(at.wall)),
        journal: FrontJournal {
            first: range.first,
            last: range.last,
            events: range.count,
            head: range.head.to_string(),
        },
        generated: time(g.now),
        generator: format!("warroom {}", env!("CARGO_PKG_VERSION")),
    }
}

impl Front {
    /// The lines between `---` and `---`, each string quoted.
    pub fn yaml(&self) -> String {
        let mut out = String::new();
        let maybe = |value: &Option<String>| value.as_deref().map_or_else(|| "null".into(), yaml);
        let mut put = |key: &str, value: String| {
            let _ = writeln!(out, "{key}: {value}");
        };
        put("title", yaml(&self.title));
        put("incident", yaml(&self.incident));
        put("severity", yaml(&self.severity));
        put("status", yaml(&self.status));
        put("drill", self.drill.to_string());
        let services: Vec<String> = self.services.iter().map(|name| yaml(name)).collect();
        put("services", format!("[{}]", services.join(", ")));
        put("environment", yaml(&self.environment));
        put("declared", yaml(&self.declared));
        put("onset", maybe(&self.onset));
        put("recovered", maybe(&self.recovered));
        put("resolved", maybe(&self.resolved));
        put("impact", yaml(&self.impact));
        put("impact_state", yaml(&self.impact_state));
        put("target", yaml(&self.target));
        put("breached", self.breached.to_string());
        put("commander", maybe(&self.commander));
        let roles: Vec<String> =
            self.roles.iter().map(|(role, who)| format!("{}: {}", yaml(role), yaml(who))).collect();
        put("roles", format!("{{{}}}", roles.join(", ")));
        put("review_due", maybe(&self.review_due));
        let journal = &self.journal;
        put(
            "journal",
            format!(
                "{{first: {}, last: {}, events: {}, head: {}}}",
                journal.first,
                journal.last,
                journal.events,
                yaml(&journal.head)
            ),
        );
        put("generated", yaml(&self.generated));
        put("generator", yaml(&self.generator));
        out
    }
}
