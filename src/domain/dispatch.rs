//! Something that must go out of the room to a target: a page, word that it is over, an update.
//!
//! That it is owed is journaled before it is sent, and what became of each attempt after. A dispatch keeps one key
//! through all attempts, so that a target which can tell repeats apart never acts twice.

use super::{
    cadence::Audience,
    command::Ctx,
    event::{Event, Seq},
    fact::Fact,
    id::{DispatchId, IncidentId, PageId},
    page::{self, Page},
    refusal::Refusal,
    state::State,
    text,
    time::{Span, Stamp},
};
use serde::{Deserialize, Serialize};

/// Characters of a target's answer or of a failure that are kept.
const SAID_MAX: usize = 300;

/// What a dispatch carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// A page, on this rung of its ladder, from 0.
    Page {
        /// Which page.
        page: PageId,
        /// Which rung.
        rung: usize,
    },
    /// The page was acknowledged.
    Acknowledged {
        /// Which page.
        page: PageId,
    },
    /// The page is over: withdrawn, or its incident is.
    Over {
        /// Which page.
        page: PageId,
    },
    /// The incident's newest update for them.
    Update {
        /// Which incident.
        incident: IncidentId,
        /// Who it is for.
        #[serde(default, skip_serializing_if = "Audience::is_internal")]
        audience: Audience,
    },
}

impl Matter {
    /// The page that it is about.
    pub fn page(&self) -> Option<PageId> {
        match self {
            Self::Page { page, .. } | Self::Acknowledged { page } | Self::Over { page } => Some(*page),
            Self::Update { .. } => None,
        }
    }
}

/// A dispatch that has not come to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dispatch {
    /// Name.
    pub id: DispatchId,
    /// What it carries.
    pub matter: Matter,
    /// The target, as configured.
    pub target: String,
    /// The same for all attempts, and for no other dispatch.
    pub key: String,
    /// Since when it is owed.
    pub owed: Stamp,
    /// Attempts that failed.
    pub attempts: u32,
    /// Why the last one did.
    pub trouble: Option<String>,
    /// When the next one is to be made; at once where nothing stands here.
    pub next: Option<Stamp>,
    /// Why it need not go out any more.
    pub void: Option<String>,
    /// The event that owes it.
    #[serde(default)]
    pub seq: Seq,
}

/// What can happen to dispatches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DispatchFact {
    /// It must go out.
    Owed {
        /// Which dispatch.
        dispatch: DispatchId,
        /// What it carries.
        matter: Matter,
        /// To which target.
        target: String,
        /// The key of all its attempts.
        key: String,
    },
    /// The target took it.
    Sent {
        /// Which dispatch.
        dispatch: DispatchId,
        /// What it carried.
        matter: Matter,
        /// To which target.
        target: String,
        /// Which attempt it was, from 1.
        attempt: u32,
        /// What the target answered.
        said: String,
        /// Who was on call, as far as that could be known.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        oncall: Vec<String>,
    },
    /// An attempt failed.
    Failed {
        /// Which dispatch.
        dispatch: DispatchId,
        /// What it carried.
        matter: Matter,
        /// To which target.
        target: String,
        /// Which attempt it was, from 1.
        attempt: u32,
        /// Why.
        why: String,
        /// After what time it is tried again; not at all where nothing stands here.
        again: Option<Span>,
    },
    /// It need not go out any more, and did not.
    Dropped {
        /// Which dispatch.
        dispatch: DispatchId,
        /// What it carried.
        matter: Matter,
        /// To which target.
        target: String,
        /// Why.
        why: String,
    },
}

impl DispatchFact {
    /// What it is about.
    pub fn matter(&self) -> &Matter {
        match self {
            Self::Owed { matter, .. }
            | Self::Sent { matter, .. }
            | Self::Failed { matter, .. }
            | Self::Dropped { matter, .. } => matter,
        }
    }

    /// The incident that it belongs to.
    pub fn incident(&self, state: &State) -> Option<IncidentId> {
        match self.matter() {
            Matter::Update { incident, .. } => Some(*incident),
            matter => matter.page().and_then(|page| state.pages.get(&page)).and_then(|page| page.incident),
        }
    }
}

/// What the room's sender reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DispatchCommand {
    /// The target took it.
    Sent {
        /// Which dispatch.
        dispatch: DispatchId,
        /// What the target answered.
        said: String,
        /// Who was on call, as far as that could be known.
        oncall: Vec<String>,
    },
    /// An attempt failed.
    Failed {
        /// Which dispatch.
        dispatch: DispatchId,
        /// Which attempt it was, from 1.
        attempt: u32,
        /// Why.
        why: String,
        /// After what time it is tried again, where it is.
        again: Option<Span>,
    },
    /// It is void and was not begun.
    Dropped {
        /// Which dispatch.
        dispatch: DispatchId,
    },
}

/// Names the dispatches that one command makes.
pub(super) struct Names(u32);

impl Names {
    /// After the last that was given.
    pub(super) fn after(state: &State) -> Self {
        Self(state.last_dispatch)
    }

    /// The next is owed.
    pub(super) fn owe(&mut self, matter: Matter, target: &str, key: &str) -> Fact {
        self.0 = self.0.saturating_add(1);
        let dispatch = DispatchId(self.0);
        let key = format!("{key}-{dispatch}");
        Fact::Dispatch(DispatchFact::Owed { dispatch, matter, target: target.to_owned(), key })
    }
}

fn kept(said: &str) -> String {
    text::line(said.trim()).chars().take(SAID_MAX).collect()
}

pub(super) fn decide(state: &State, command: &DispatchCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    ctx.room_only()?;
    let id = match command {
        DispatchCommand::Sent { dispatch, .. }
        | DispatchCommand::Failed { dispatch, .. }
        | DispatchCommand::Dropped { dispatch } => *dispatch,
    };
    // What has come to its end is reported once more where the first report was in doubt.
    let Some(Dispatch { matter, target, attempts, void, .. }) = state.dispatches.get(&id) else {
        return Ok(Vec::new());
    };
    let (dispatch, matter, target) = (id, matter.clone(), target.clone());
    Ok(match command {
        DispatchCommand::Sent { said, oncall, .. } => vec![Fact::Dispatch(DispatchFact::Sent {
            dispatch,
            matter,
            target,
            attempt: attempts.saturating_add(1),
            said: kept(said),
            oncall: oncall.iter().map(|name| kept(name)).filter(|name| !name.is_empty()).collect(),
        })],
        DispatchCommand::Failed { attempt, .. } if *attempt <= *attempts => Vec::new(),
        DispatchCommand::Failed { attempt, why, again, .. } => {
            let climbs = match (&matter, again) {
                (Matter::Page { page, rung }, None) => page::nobody_left(state, *page, *rung, id),
                _ => Vec::new(),
            };
            let (attempt, why, again) = (*attempt, kept(why), *again);
            let failed = DispatchFact::Failed { dispatch, matter, target, attempt, why, again };
            std::iter::once(Fact::Dispatch(failed)).chain(climbs).collect()
        }
        DispatchCommand::Dropped { .. } => match void {
            Some(why) => {
                let why = why.clone();
                vec![Fact::Dispatch(DispatchFact::Dropped { dispatch, matter, target, why })]
            }
            None => Vec::new(),
        },
    })
}

pub(super) fn apply(state: &mut State, fact: &DispatchFact, event: &Event) {
    match fact {
        DispatchFact::Owed { dispatch, matter, target, key } => {
            state.last_dispatch = state.last_dispatch.max(dispatch.0);
            let new = Dispatch {
                id: *dispatch,
                matter: matter.clone(),
                target: target.clone(),
                key: key.clone(),
                owed: event.occurred.clone(),
                attempts: 0,
                trouble: None,
                next: None,
                void: None,
                seq: event.seq,
            };
            state.dispatches.insert(*dispatch, new);
        }
        DispatchFact::Sent { dispatch, matter, target, oncall, .. } => {
            state.dispatches.remove(dispatch);
            state.undelivered.remove(target);
            if let Matter::Page { page, .. } = matter
                && let Some(page) = state.pages.get_mut(page)
            {
                page.reached(target, oncall, &event.occurred);
            }
        }
        DispatchFact::Failed { dispatch, target, attempt, why, again, .. } => {
            state.undelivered.insert(target.clone(), why.clone());
            match again {
                None => {
                    state.dispatches.remove(dispatch);
                }
                Some(again) => {
                    if let Some(known) = state.dispatches.get_mut(dispatch) {
                        known.attempts = *attempt;
                        known.trouble = Some(why.clone());
                        known.next = Some(event.occurred.plus(*again));
                    }
                }
            }
        }
        DispatchFact::Dropped { dispatch, .. } => {
            state.dispatches.remove(dispatch);
        }
    }
}

/// Whatever is owed and fits need not go out any more.
pub(super) fn void(state: &mut State, why: &str, fits: impl Fn(&Matter) -> bool) {
    for dispatch in state.dispatches.values_mut().filter(|one| fits(&one.matter)) {
        dispatch.void.get_or_insert_with(|| why.to_owned());
    }
}

/// What a target is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The same for all attempts.
    pub key: String,
    /// The same for everything about one page; else the key.
    pub thread: String,
    /// `page`, `page_acknowledged`, `page_over` or `update`.
    pub event: &'static str,
    /// One line.
    pub title: String,
    /// All of it, in lines.
    pub text: String,
    /// The page, `PAGE-3`.
    pub page: Option<String>,
    /// Who is paged, as configured.
    pub who: Option<String>,
    /// The incident, `INC-7`.
    pub incident: Option<String>,
    /// Its severity, `SEV1`.
    pub severity: Option<String>,
    /// Its services.
    pub services: Vec<String>,
    /// Its environment.
    pub env: Option<String>,
    /// When it was owed, RFC 3339.
    pub at: String,
}

/// What is to be said. Safe to show.
pub fn message(state: &State, dispatch: &Dispatch) -> Message {
    let page = dispatch.matter.page().and_then(|id| state.pages.get(&id));
    let incident = match &dispatch.matter {
        Matter::Update { incident, .. } => Some(*incident),
        _ => page.and_then(|page| page.incident),
    };
    let incident = incident.and_then(|id| state.incidents.get(&id));
    let about = incident.map(|one| format!("{} {} {}", one.severity, one.id, one.title)).unwrap_or_default();
    let drill = if incident.is_some_and(|one| one.drill) { "DRILL " } else { "" };
    let named = |page: &Page| {
        let about = if about.is_empty() { String::new() } else { format!("{about}: ") };
        format!("{drill}{} {}: {about}{}", page.id, page.who, page.why)
    };
    let (event, title, text) = match (&dispatch.matter, page) {
        (Matter::Page { rung, .. }, Some(page)) => {
            let mut lines = vec![named(page), format!("asked by {}", page.by)];
            if *rung > 0 {
                lines.push(format!("rung {} of {}: not acknowledged so far", rung + 1, page.ladder.len()));
            }
            lines.extend(
                incident.and_then(|one| one.board.now.as_ref()).map(|now| format!("now: {}", now.text)),
            );
            lines.push(format!("acknowledge: warroom page ack {}", page.id));
            ("page", named(page), lines.join("\n"))
        }
        (Matter::Acknowledged { .. }, Some(page)) => {
            let by = page.acknowledged.as_ref().map_or("somebody", |one| one.by.as_str());
            let line = format!("{drill}{} {} is acknowledged by {by}", page.id, page.who);
            ("page_acknowledged", line.clone(), line)
        }
        (Matter::Over { .. }, Some(page)) => {
            let why = page.withdrawn.as_deref().unwrap_or("withdrawn");
            let line = format!("{drill}{} {} is over: {why}", page.id, page.who);
            ("page_over", line.clone(), line)
        }
        (Matter::Update { audience, .. }, _) => {
            let said = incident.and_then(|one| one.board.sent_to(*audience)).map(|said| said.text.clone());
            ("update", format!("{drill}{about}"), said.unwrap_or_default())
        }
        (_, None) => ("page", String::from("a page that is not known any more"), String::new()),
    };
    Message {
        key: dispatch.key.clone(),
        thread: page.map_or_else(|| dispatch.key.clone(), |page| page.key.clone()),
        event,
        title: text::line(&title).into_owned(),
        text: text::block(&text).into_owned(),
        page: page.map(|page| page.id.to_string()),
        who: page.map(|page| page.who.clone()),
        incident: incident.map(|one| one.id.to_string()),
        severity: incident.map(|one| one.severity.to_string()),
        services: incident.map(|one| one.services.clone()).unwrap_or_default(),
        env: incident.map(|one| one.env.clone()),
        at: super::time::rfc3339(dispatch.owed.wall),
    }
}
