//! Calling people who are not in the room: a page goes to the first rung of a ladder, and climbs while nobody
//! acknowledges it.

mod outward;
mod rules;

pub use outward::{DEFAULT, Outward, PageWhen, Rung, TargetKind};
pub(super) use rules::{by_matrix, deadlines, decide, due, nobody_left, with_incident_over};
pub use rules::{paged_for, proposed};

use super::{
    dispatch::{self, Matter},
    event::{Event, Seq},
    id::{IncidentId, PageId},
    state::State,
    time::Stamp,
};
use serde::{Deserialize, Serialize};

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

/// Where a page was acknowledged, when not here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The target.
    pub target: String,
    /// Who, as the target says.
    pub who: String,
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

    pub(in crate::domain) fn reached(&mut self, target: &str, oncall: &[String], at: &Stamp) {
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
        /// Where, when not here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        elsewhere: Option<Elsewhere>,
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
    /// A target says that somebody acknowledged a page there. Only the room asks it.
    Answered {
        /// Which page.
        page: PageId,
        /// Where, and who.
        elsewhere: Elsewhere,
        /// How, as the target says.
        how: String,
    },
    /// Take a page back.
    Withdraw {
        /// Which page.
        page: PageId,
        /// Why.
        reason: String,
    },
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
        PageFact::Acknowledged { page, note, elsewhere } => {
            let by = elsewhere.as_ref().map_or_else(
                || event.actor.name.clone(),
                |elsewhere| format!("{} at {}", elsewhere.who, elsewhere.target),
            );
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
