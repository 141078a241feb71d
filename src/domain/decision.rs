//! Something decided: in one line, or put to the room first, where anybody may object.
//!
//! A proposal with its options and risks is open to strong objections until it is decided on by whoever commands, or
//! withdrawn. An objection is recorded with who and why and decides nothing. A decision may name when it is looked at
//! again; when that time comes it is said, and it waits for that look.

use super::{
    clock::Moment,
    command::Ctx,
    event::{Event, Seq},
    fact::Fact,
    id::{DecisionId, IncidentId},
    incident::{Incident, IncidentFact},
    refusal::{Code, Refusal, text},
    state::State,
    time::{Span, Stamp},
};
use serde::{Deserialize, Serialize};

/// Decisions of an incident that stay in the state, the newest: those that somebody new must know. One that waits for
/// its review stays as well.
const KEPT: usize = 5;
/// Decisions that may wait for their review at once; the oldest leaves first.
const REVIEWS_MAX: usize = 50;
/// Proposals of one incident that may be open at once.
const OPEN_MAX: usize = 20;
/// Objections to one proposal.
const OBJECTIONS_MAX: usize = 50;
/// After this at most a decision is looked at again.
const REVIEW_MAX: Span = Span::hours(7 * 24);

/// A decision as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// Its name.
    pub id: DecisionId,
    /// The words.
    pub text: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Stamp,
    /// When it is to be looked at again, until it was.
    #[serde(default)]
    pub review: Option<Review>,
    /// The event.
    pub seq: Seq,
}

/// A look that a decision wants once more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// When.
    pub at: Stamp,
    /// Whether it was said that the time has come.
    pub due: bool,
}

/// A proposal that is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    /// Its name; the decision keeps it.
    pub id: DecisionId,
    /// The words.
    pub text: String,
    /// What else could be done.
    pub options: Vec<String>,
    /// What may go wrong.
    pub risks: Option<String>,
    /// Who.
    pub by: String,
    /// When.
    pub at: Stamp,
    /// Strong objections, in the order in which they came.
    pub objections: Vec<Objection>,
    /// The event.
    pub seq: Seq,
}

/// A strong objection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Objection {
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Stamp,
}

/// What can happen to decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionFact {
    /// Put to the room: any strong objections?
    Proposed {
        /// Which incident.
        incident: IncidentId,
        /// The name it got.
        decision: DecisionId,
        /// The words.
        text: String,
        /// What else could be done.
        options: Vec<String>,
        /// What may go wrong.
        risks: Option<String>,
    },
    /// Somebody objects strongly.
    Objected {
        /// Which incident.
        incident: IncidentId,
        /// To which proposal.
        decision: DecisionId,
        /// Why.
        why: String,
    },
    /// The proposal is not open any more, and nothing was decided.
    Withdrawn {
        /// Which incident.
        incident: IncidentId,
        /// Which proposal.
        decision: DecisionId,
        /// Why.
        reason: String,
    },
    /// Decided.
    Made {
        /// Which incident.
        incident: IncidentId,

        /// The name it got; the proposal's, where it was one.
        decision: DecisionId,

        /// The words.
        text: String,

        /// What else could have been done.
        options: Vec<String>,

        /// What may go wrong.
        risks: Option<String>,

        /// After what time it is looked at again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        review_in: Option<Span>,

        /// Who objected strongly to it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        over: Vec<String>,
    },
    /// The time has come to look at it again.
    ReviewDue {
        /// Which incident.
        incident: IncidentId,
        /// Which decision.
        decision: DecisionId,
    },
    /// It was looked at again.
    Reviewed {
        /// Which incident.
        incident: IncidentId,
        /// Which decision.
        decision: DecisionId,
        /// Whether it stands, in words.
        text: String,
        /// After what time once more.
        again: Option<Span>,
    },
}

impl DecisionFact {
    /// Where it was decided.
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Proposed { incident, .. }
            | Self::Objected { incident, .. }
            | Self::Withdrawn { incident, .. }
            | Self::Made { incident, .. }
            | Self::ReviewDue { incident, .. }
            | Self::Reviewed { incident, .. } => *incident,
        }
    }
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionCommand {
    /// Put something to the room.
    Propose {
        /// Which incident.
        incident: IncidentId,
        /// The words.
        text: String,
        /// What else could be done.
        #[serde(default)]
        options: Vec<String>,
        /// What may go wrong.
        #[serde(default)]
        risks: Option<String>,
    },
    /// Object strongly.
    Object {
        /// Which incident.
        incident: IncidentId,
        /// To which proposal.
        decision: DecisionId,
        /// Why.
        why: String,
    },
    /// Take a proposal back.
    Withdraw {
        /// Which incident.
        incident: IncidentId,
        /// Which proposal.
        decision: DecisionId,
        /// Why.
        reason: String,
    },
    /// Decide on a proposal.
    Settle {
        /// Which incident.
        incident: IncidentId,
        /// Which proposal.
        decision: DecisionId,
        /// What is decided, where it is not what was proposed.
        #[serde(default)]
        text: Option<String>,
        /// After what time it is looked at again.
        #[serde(default)]
        review_in: Option<Span>,
    },
    /// Decide.
    Make {
        /// Which incident.
        incident: IncidentId,

        /// The words.
        text: String,
        /// What else could have been done.
        #[serde(default)]
        options: Vec<String>,
        /// What may go wrong.
        #[serde(default)]
        risks: Option<String>,
        /// After what time it is looked at again.
        #[serde(default)]
        review_in: Option<Span>,
    },
    /// Look at a decision again.
    Review {
        /// Which incident.
        incident: IncidentId,
        /// Which decision.
        decision: DecisionId,
        /// Whether it stands, in words.
        text: String,
        /// After what time once more.
        #[serde(default)]
        again: Option<Span>,
    },
}

impl DecisionCommand {
    /// Which incident it is about.
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Propose { incident, .. }
            | Self::Object { incident, .. }
            | Self::Withdraw { incident, .. }
            | Self::Settle { incident, .. }
            | Self::Make { incident, .. }
            | Self::Review { incident, .. } => *incident,
        }
    }
}

fn options(given: &[String]) -> Result<Vec<String>, Refusal> {
    given.iter().map(|option| text("an option", option, 400)).collect()
}

fn risks(given: Option<&str>) -> Result<Option<String>, Refusal> {
    given.map(|risks| text("the risks", risks, 1_000)).transpose()
}

fn review(span: Option<Span>) -> Result<Option<Span>, Refusal> {
    match span {
        Some(span) if span < Span::mins(1) || span > REVIEW_MAX => {
            Err(Refusal::new(Code::Invalid, format!("{span} is no time after which to look at it again"))
                .hint("from a minute to a week, like 30m"))
        }
        other => Ok(other),
    }
}

fn proposed(incident: &Incident, id: DecisionId) -> Result<&Proposed, Refusal> {
    incident.proposals.get(&id).ok_or_else(|| {
        if incident.decided.iter().any(|one| one.id == id) {
            return Refusal::new(Code::Conflict, format!("{id} is decided already"));
        }
        Refusal::unknown("open proposal", id)
    })
}

/// The commander, or anybody where nobody commands.
fn decides(incident: &Incident, ctx: &Ctx) -> bool {
    incident.commander().is_none_or(|who| who == ctx.actor.name)
}

/// A decision, and its moment where it is the first.
fn made(incident: &Incident, fact: DecisionFact, ctx: &Ctx) -> Vec<Fact> {
    let mut facts = vec![Fact::Decision(fact)];
    if !incident.clocks.marks.contains_key(&Moment::Decided) {
        facts.push(Fact::Incident(IncidentFact::Marked {
            incident: incident.id,
            moment: Moment::Decided,
            at: ctx.now.clone(),
            why: "the first decision".into(),
        }));
    }
    facts
}

pub(super) fn decide(state: &State, command: &DecisionCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let incident = state.open(command.incident())?;
    let id = incident.id;
    let fact = match command {
        DecisionCommand::Propose { text: words, options: given, risks: may, .. } => {
            if incident.proposals.len() >= OPEN_MAX {
                return Err(Refusal::new(Code::Conflict, format!("{OPEN_MAX} proposals are open"))
                    .hint("decide on them or withdraw them first"));
            }
            DecisionFact::Proposed {
                incident: id,
                decision: state.issued.next_decision(),
                text: text("the proposal", words, 2_000)?,
                options: options(given)?,
                risks: risks(may.as_deref())?,
            }
        }
        DecisionCommand::Object { decision, why, .. } => {
            let known = proposed(incident, *decision)?;
            let why = text("the objection", why, 1_000)?;
            if known.objections.iter().any(|one| one.by == ctx.actor.name && one.why == why) {
                return Ok(Vec::new());
            }
            if known.objections.len() >= OBJECTIONS_MAX {
                return Err(Refusal::new(
                    Code::Conflict,
                    format!("{decision} has {OBJECTIONS_MAX} objections"),
                )
                .hint("it is for the commander to decide or withdraw it"));
            }
            DecisionFact::Objected { incident: id, decision: *decision, why }
        }
        DecisionCommand::Withdraw { decision, reason, .. } => {
            let known = proposed(incident, *decision)?;
            if known.by != ctx.actor.name && !decides(incident, ctx) {
                return Err(Refusal::new(Code::Forbidden, format!("{} proposed {decision}", known.by))
                    .hint("who proposed it withdraws it, or the commander"));
            }
            let reason = text("the reason", reason, 400)?;
            DecisionFact::Withdrawn { incident: id, decision: *decision, reason }
        }
        DecisionCommand::Settle { decision, text: words, review_in, .. } => {
            let known = proposed(incident, *decision)?;
            if !decides(incident, ctx) {
                let who = incident.commander().unwrap_or_default();
                return Err(Refusal::new(
                    Code::Forbidden,
                    format!("{who} commands and decides on {decision}"),
                )
                .hint("object to it, or leave it to the commander"));
            }
            let mut over: Vec<String> = known.objections.iter().map(|one| one.by.clone()).collect();
            over.sort_unstable();
            over.dedup();
            let fact = DecisionFact::Made {
                incident: id,
                decision: *decision,
                text: text("the decision", words.as_deref().unwrap_or(&known.text), 2_000)?,
                options: known.options.clone(),
                risks: known.risks.clone(),
                review_in: review(*review_in)?,
                over,
            };
            return Ok(made(incident, fact, ctx));
        }
        DecisionCommand::Make { text: words, options: given, risks: may, review_in, .. } => {
            let fact = DecisionFact::Made {
                incident: id,
                decision: state.issued.next_decision(),
                text: text("the decision", words, 2_000)?,
                options: options(given)?,
                risks: risks(may.as_deref())?,
                review_in: review(*review_in)?,
                over: Vec::new(),
            };
            return Ok(made(incident, fact, ctx));
        }
        DecisionCommand::Review { decision, text: words, again, .. } => {
            let known = incident.decided.iter().find(|one| one.id == *decision);
            if known.is_none_or(|one| one.review.is_none()) {
                return Err(Refusal::new(Code::Conflict, format!("{decision} waits for no review"))
                    .hint("a new decision can take its place: warroom decide"));
            }
            let words = text("what the review says", words, 1_000)?;
            DecisionFact::Reviewed { incident: id, decision: *decision, text: words, again: review(*again)? }
        }
    };
    Ok(vec![Fact::Decision(fact)])
}

fn coming(state: &State) -> impl Iterator<Item = (&Incident, &Decided, &Stamp)> {
    let open = state.incidents.values().filter(|incident| incident.is_open());
    open.flat_map(|incident| {
        incident.decided.iter().filter_map(move |one| {
            let review = one.review.as_ref().filter(|review| !review.due)?;
            Some((incident, one, &review.at))
        })
    })
}

/// When the next decision is to be looked at again.
pub(super) fn deadlines(state: &State) -> impl Iterator<Item = Stamp> {
    coming(state).map(|(_, _, at)| at.clone())
}

/// Decisions whose review is due by now.
pub(super) fn due(state: &State, now: &Stamp) -> Vec<Fact> {
    coming(state)
        .filter(|(_, _, at)| at.reached(now))
        .map(|(incident, one, _)| {
            Fact::Decision(DecisionFact::ReviewDue { incident: incident.id, decision: one.id })
        })
        .collect()
}

pub(super) fn apply(state: &mut State, fact: &DecisionFact, event: &Event) {
    let Some(incident) = state.incidents.get_mut(&fact.incident()) else { return };
    let (by, at) = (event.actor.name.clone(), event.occurred.clone());
    let review = |span: &Option<Span>| span.map(|span| Review { at: event.occurred.plus(span), due: false });
    match fact {
        DecisionFact::Proposed { decision, text, options, risks, .. } => {
            let new = Proposed {
                id: *decision,
                text: text.clone(),
                options: options.clone(),
                risks: risks.clone(),
                by,
                at,
                objections: Vec::new(),
                seq: event.seq,
            };
            incident.proposals.insert(*decision, new);
        }
        DecisionFact::Objected { decision, why, .. } => {
            if let Some(proposal) = incident.proposals.get_mut(decision) {
                proposal.objections.push(Objection { by, why: why.clone(), at });
            }
        }
        DecisionFact::Withdrawn { decision, .. } => {
            incident.proposals.remove(decision);
        }
        DecisionFact::Made { decision, text, review_in, .. } => {
            incident.proposals.remove(decision);
            incident.last_decision = Some(*decision);
            if incident.decided.len() >= KEPT
                && let Some(oldest) = incident
                    .decided
                    .iter()
                    .position(|one| one.review.is_none())
                    .or_else(|| (incident.decided.len() >= REVIEWS_MAX).then_some(0))
            {
                incident.decided.remove(oldest);
            }
            let (text, review) = (text.clone(), review(review_in));
            incident.decided.push(Decided { id: *decision, text, by, at, review, seq: event.seq });
        }
        DecisionFact::ReviewDue { decision, .. } => {
            let known = incident.decided.iter_mut().find(|one| one.id == *decision);
            if let Some(review) = known.and_then(|one| one.review.as_mut()) {
                review.due = true;
            }
        }
        DecisionFact::Reviewed { decision, again, .. } => {
            if let Some(one) = incident.decided.iter_mut().find(|one| one.id == *decision) {
                one.review = review(again);
            }
        }
    }
}
