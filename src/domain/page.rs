//! Calling people who are not in the room: a page goes to the first rung of a ladder, and climbs while nobody
//! acknowledges it.

use super::{
    cadence::Audience,
    command::Ctx,
    dispatch::{self, Matter, Names},
    event::{CommandId, Event, Seq},
    fact::Fact,
    id::{DispatchId, IncidentId, PageId},
    refusal::{Code, Refusal, text},
    severity::Severity,
    state::State,
    time::{Span, Stamp},
};
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

/// A page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Name.
    pub id: PageId,
    /// The incident that it is about, where it is about one.
    pub incident: Option<IncidentId>,
    /// Who is paged, as configured.
    pub who: String,
    /// Why.
    pub why: String,
    /// Unique in the world: what a target tells repeats by.
    pub key: String,
    /// Who asked.
    pub by: String,
    /// When.
    pub asked: Stamp,
    /// The ladder, as it was then.
    pub ladder: Vec<Rung>,
    /// Where on it, from 0.
    pub rung: usize,
    /// Which targets took it.
    pub reached: Vec<Reached>,
    /// Who acknowledged it.
    pub acknowledged: Option<Acknowledged>,
    /// Why it is over without that.
    pub withdrawn: Option<String>,
    /// The event that asked it.
    pub seq: Seq,
}

/// A target that took a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reached {
    /// The target.
    pub target: String,
    /// Who was on call there.
    pub oncall: Vec<String>,
    /// When.
    pub at: Stamp,
}

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// Who.
    pub by: String,
    /// When.
    pub at: Stamp,
    /// What was said with it.
    pub note: Option<String>,
}

impl Page {
    /// Whether somebody is still waited for.
    pub fn is_open(&self) -> bool {
        self.acknowledged.is_none() && self.withdrawn.is_none()
    }

    /// When it climbs, where it does.
    pub fn climbs_at(&self) -> Option<Stamp> {
        let next = self.ladder.get(self.rung.saturating_add(1)).filter(|_| self.is_open())?;
        Some(self.asked.plus(next.after))
    }

    pub(super) fn reached(&mut self, target: &str, oncall: &[String], at: &Stamp) {
        self.reached.push(Reached { target: target.to_owned(), oncall: oncall.to_vec(), at: at.clone() });
    }
}

/// What can happen to pages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageFact {
    /// Somebody is to be paged.
    Asked {
        /// Which page.
        page: PageId,
        /// The incident that it is about.
        incident: Option<IncidentId>,
        /// Who, as configured.
        who: String,
        /// Why.
        why: String,
        /// What a target tells repeats by.
        key: String,
        /// The ladder.
        ladder: Vec<Rung>,
        /// Whether the severity matrix asked, not a person.
        matrix: bool,
    },
    /// Nobody acknowledged it; it goes to the next rung.
    Climbed {
        /// Which page.
        page: PageId,
        /// To which rung, from 0.
        rung: usize,
        /// Why.
        why: String,
    },
    /// Somebody comes.
    Acknowledged {
        /// Which page.
        page: PageId,
        /// What was said with it.
        note: Option<String>,
    },
    /// Nobody needs to come any more.
    Withdrawn {
        /// Which page.
        page: PageId,
        /// Why.
        reason: String,
    },
}

impl PageFact {
    /// The incident that it belongs to.
    pub fn incident(&self, state: &State) -> Option<IncidentId> {
        match self {
            Self::Asked { incident, .. } => *incident,
            Self::Climbed { page, .. } | Self::Acknowledged { page, .. } | Self::Withdrawn { page, .. } => {
                state.pages.get(page).and_then(|page| page.incident)
            }
        }
    }
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PageCommand {
    /// Page somebody.
    Ask {
        /// The incident that it is about.
        incident: Option<IncidentId>,
        /// Who, as configured.
        who: String,
        /// Why.
        why: String,
    },
    /// Acknowledge a page.
    Acknowledge {
        /// Which page.
        page: PageId,
        /// What is said with it.
        #[serde(default)]
        note: Option<String>,
    },
    /// Take a page back.
    Withdraw {
        /// Which page.
        page: PageId,
        /// Why.
        reason: String,
    },
}

/// Who is paged for these services: whom each names, else the default group, else the only one that there is.
pub fn paged_for(state: &State, services: &[String]) -> Vec<String> {
    let pages = &state.policy.outward.pages;
    let mut named: Vec<String> = services
        .iter()
        .filter_map(|name| state.policy.services.get(name)?.page.clone())
        .filter(|who| pages.contains_key(who))
        .collect();
    named.sort_unstable();
    named.dedup();
    if named.is_empty() {
        let only = pages.keys().next().filter(|_| pages.len() == 1);
        named.extend(pages.get_key_value(DEFAULT).map(|(who, _)| who).or(only).cloned());
    }
    named
}

/// Who should be paged at this severity and has not been for this incident.
pub fn proposed(
    state: &State,
    incident: IncidentId,
    severity: Severity,
    services: &[String],
    when: PageWhen,
) -> Vec<String> {
    let row = state.policy.severities.get(&severity);
    if row.and_then(|row| row.page) != Some(when) {
        return Vec::new();
    }
    let paged =
        |who: &String| state.pages.values().any(|page| page.incident == Some(incident) && page.who == *who);
    paged_for(state, services).into_iter().filter(|who| !paged(who)).collect()
}

/// What the severity matrix pages by itself.
pub(super) fn by_matrix(
    state: &State,
    incident: IncidentId,
    severity: Severity,
    services: &[String],
    why: &str,
    ctx: &Ctx,
) -> Vec<Fact> {
    let who = proposed(state, incident, severity, services, PageWhen::Always);
    asked(state, Some(incident), &who, why, ctx.id, true)
}

fn asked(
    state: &State,
    incident: Option<IncidentId>,
    who: &[String],
    why: &str,
    id: CommandId,
    matrix: bool,
) -> Vec<Fact> {
    let mut page = state.pages.keys().next_back().copied().unwrap_or(PageId(0));
    let mut names = Names::after(state);
    let mut facts = Vec::new();
    for who in who {
        let Some(ladder) = state.policy.outward.pages.get(who) else { continue };
        page = page.next();
        let key = format!("warroom-{id}-{page}");
        let (who, why) = (who.clone(), why.to_owned());
        let asked =
            PageFact::Asked { page, incident, who, why, key: key.clone(), ladder: ladder.clone(), matrix };
        facts.push(Fact::Page(asked));
        facts.extend(rung(&mut names, page, &key, ladder, 0));
    }
    facts
}

fn rung(names: &mut Names, page: PageId, key: &str, ladder: &[Rung], rung: usize) -> Vec<Fact> {
    let to = ladder.get(rung).map(|rung| rung.to.as_slice()).unwrap_or_default();
    to.iter().map(|target| names.owe(Matter::Page { page, rung }, target, key)).collect()
}

/// The targets that took a page and follow it are told what became of it.
fn tell(state: &State, page: &Page, matter: &Matter) -> Vec<Fact> {
    let mut targets: Vec<&str> = page.reached.iter().map(|reached| reached.target.as_str()).collect();
    targets.sort_unstable();
    targets.dedup();
    let mut names = Names::after(state);
    targets
        .into_iter()
        .filter(|target| state.policy.outward.targets.get(*target).is_some_and(|kind| kind.follows()))
        .map(|target| names.owe(matter.clone(), target, &page.key))
        .collect()
}

fn open(state: &State, id: PageId) -> Result<&Page, Refusal> {
    let page = state.pages.get(&id).ok_or_else(|| Refusal::unknown("page", id))?;
    let over = match (&page.acknowledged, &page.withdrawn) {
        (Some(by), _) => format!("{id} is acknowledged already, by {}", by.by),
        (None, Some(why)) => format!("{id} is over: {why}"),
        (None, None) => return Ok(page),
    };
    Err(Refusal::new(Code::Conflict, over).hint("warroom status shows the pages that wait"))
}

pub(super) fn decide(state: &State, command: &PageCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    match command {
        PageCommand::Ask { incident, who, why } => {
            if let Some(id) = incident {
                state.open(*id)?;
            }
            let why = text("the reason", why, 400)?;
            let pages = &state.policy.outward.pages;
            if pages.is_empty() {
                return Err(Refusal::new(Code::Unknown, "nobody can be paged here").hint(
                    "add [page.NAME] and a [target.NAME] to warroom.toml; docs/configuration.md shows how",
                ));
            }
            if !pages.contains_key(who) {
                let known: Vec<&str> = pages.keys().map(String::as_str).collect();
                return Err(Refusal::new(
                    Code::Unknown,
                    format!("there is no [page.{}]", super::text::line(who)),
                )
                .hint(format!("who can be paged: {}", known.join(", "))));
            }
            let same = |page: &&Page| page.is_open() && page.who == *who && page.incident == *incident;
            if let Some(page) = state.pages.values().find(same) {
                let waits = format!("{} to {who} waits already, asked by {}", page.id, page.by);
                return Err(Refusal::new(Code::Conflict, waits)
                    .hint("it climbs by itself; acknowledge or withdraw it before paging anew"));
            }
            Ok(asked(state, *incident, std::slice::from_ref(who), &why, ctx.id, false))
        }
        PageCommand::Acknowledge { page, note } => {
            let known = open(state, *page)?;
            let note = note.as_deref().filter(|note| !note.trim().is_empty());
            let note = note.map(|note| text("the note", note, 400)).transpose()?;
            let mut facts = vec![Fact::Page(PageFact::Acknowledged { page: *page, note })];
            facts.extend(tell(state, known, &Matter::Acknowledged { page: *page }));
            Ok(facts)
        }
        PageCommand::Withdraw { page, reason } => {
            let known = open(state, *page)?;
            let reason = text("the reason", reason, 400)?;
            let mut facts = vec![Fact::Page(PageFact::Withdrawn { page: *page, reason })];
            facts.extend(tell(state, known, &Matter::Over { page: *page }));
            Ok(facts)
        }
    }
}

/// What waits for nobody any more once an incident is over: its pages are withdrawn.
pub(super) fn with_incident_over(state: &State, incident: IncidentId) -> Vec<Fact> {
    let mut names = Names::after(state);
    let mut facts = Vec::new();
    for page in state.pages.values().filter(|page| page.incident == Some(incident)) {
        if page.is_open() {
            let reason = format!("{incident} is over");
            facts.push(Fact::Page(PageFact::Withdrawn { page: page.id, reason }));
        } else if page.withdrawn.is_some() {
            continue;
        }
        let mut told: Vec<&str> = page.reached.iter().map(|reached| reached.target.as_str()).collect();
        told.sort_unstable();
        told.dedup();
        // An alert that was acknowledged elsewhere is closed there too.
        let closes = |target: &&str| {
            state
                .policy
                .outward
                .targets
                .get(*target)
                .is_some_and(|kind| *kind == TargetKind::Pagerduty || (kind.follows() && page.is_open()))
        };
        facts.extend(
            told.into_iter()
                .filter(closes)
                .map(|target| names.owe(Matter::Over { page: page.id }, target, &page.key)),
        );
    }
    facts
}

/// The page climbs where this was the last dispatch of its rung that could still have reached somebody.
pub(super) fn nobody_left(state: &State, page: PageId, on: usize, failed: DispatchId) -> Vec<Fact> {
    let Some(known) = state.pages.get(&page).filter(|known| known.is_open() && known.rung == on) else {
        return Vec::new();
    };
    let here = Matter::Page { page, rung: on };
    let other = state.dispatches.values().any(|one| one.id != failed && one.matter == here);
    let up = on.saturating_add(1);
    if other || !known.reached.is_empty() || known.ladder.len() <= up {
        return Vec::new();
    }
    let why = "nobody could be reached on this rung".to_owned();
    let mut facts = vec![Fact::Page(PageFact::Climbed { page, rung: up, why })];
    facts.extend(rung(&mut Names::after(state), page, &known.key, &known.ladder, up));
    facts
}

/// When the next page climbs.
pub(super) fn deadlines(state: &State) -> impl Iterator<Item = Stamp> {
    state.pages.values().filter_map(Page::climbs_at)
}

/// Pages that climb now, each as far as its time has come.
pub(super) fn due(state: &State, now: &Stamp) -> Vec<Fact> {
    let mut names = Names::after(state);
    let mut facts = Vec::new();
    for page in state.pages.values().filter(|page| page.is_open()) {
        for (at, next) in page.ladder.iter().enumerate().skip(page.rung.saturating_add(1)) {
            if !page.asked.plus(next.after).reached(now) {
                break;
            }
            let why = format!("not acknowledged within {}", next.after);
            facts.push(Fact::Page(PageFact::Climbed { page: page.id, rung: at, why }));
            facts.extend(rung(&mut names, page.id, &page.key, &page.ladder, at));
        }
    }
    facts
}

pub(super) fn apply(state: &mut State, fact: &PageFact, event: &Event) {
    match fact {
        PageFact::Asked { page, incident, who, why, key, ladder, .. } => {
            let new = Page {
                id: *page,
                incident: *incident,
                who: who.clone(),
                why: why.clone(),
                key: key.clone(),
                by: event.actor.name.clone(),
                asked: event.occurred.clone(),
                ladder: ladder.clone(),
                rung: 0,
                reached: Vec::new(),
                acknowledged: None,
                withdrawn: None,
                seq: event.seq,
            };
            state.pages.insert(*page, new);
        }
        PageFact::Climbed { page, rung, .. } => {
            if let Some(page) = state.pages.get_mut(page) {
                page.rung = *rung;
            }
        }
        PageFact::Acknowledged { page, note } => {
            let by = event.actor.name.clone();
            if let Some(page) = state.pages.get_mut(page) {
                let (at, note) = (event.occurred.clone(), note.clone());
                page.acknowledged = Some(Acknowledged { by: by.clone(), at, note });
            }
            let same = |matter: &Matter| matches!(matter, Matter::Page { page: own, .. } if own == page);
            dispatch::void(state, &format!("{by} acknowledged the page"), same);
        }
        PageFact::Withdrawn { page, reason } => {
            if let Some(page) = state.pages.get_mut(page) {
                page.withdrawn = Some(reason.clone());
            }
            let same = |matter: &Matter| matches!(matter, Matter::Page { page: own, .. } if own == page);
            dispatch::void(state, &format!("the page is over: {reason}"), same);
        }
    }
}
