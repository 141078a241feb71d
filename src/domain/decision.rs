//! Something decided, in one line at least.

use super::{
    clock::Moment,
    command::Ctx,
    event::{Event, Seq},
    fact::Fact,
    id::{DecisionId, IncidentId},
    incident::IncidentFact,
    refusal::{Refusal, text},
    state::State,
    time::Stamp,
};
use serde::{Deserialize, Serialize};

/// Decisions of an incident that stay in the state, the newest: those that somebody new must know.
const KEPT: usize = 5;

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
    /// The event.
    pub seq: Seq,
}

/// What can happen to decisions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionFact {
    /// Decided.
    Made {
        /// Which incident.
        incident: IncidentId,

        /// The name it got.
        decision: DecisionId,

        /// The words.
        text: String,

        /// What else could have been done.
        options: Vec<String>,

        /// What may go wrong.
        risks: Option<String>,
    },
}

impl DecisionFact {
    /// Where it was decided.
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Made { incident, .. } => *incident,
        }
    }
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionCommand {
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
    },
}

pub(super) fn decide(state: &State, command: &DecisionCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let DecisionCommand::Make { incident: id, text: words, options, risks } = command;
    let incident = state.open(*id)?;
    let mut facts = vec![Fact::Decision(DecisionFact::Made {
        incident: *id,
        decision: state.issued.next_decision(),
        text: text("the decision", words, 2_000)?,
        options: options.iter().map(|option| text("an option", option, 400)).collect::<Result<_, _>>()?,
        risks: risks.as_deref().map(|risks| text("the risks", risks, 1_000)).transpose()?,
    })];
    if !incident.clocks.marks.contains_key(&Moment::Decided) {
        facts.push(Fact::Incident(IncidentFact::Marked {
            incident: *id,
            moment: Moment::Decided,
            at: ctx.now.clone(),
            why: "the first decision".into(),
        }));
    }
    Ok(facts)
}

pub(super) fn apply(state: &mut State, fact: &DecisionFact, event: &Event) {
    let DecisionFact::Made { incident, decision, text, .. } = fact;
    if let Some(incident) = state.incidents.get_mut(incident) {
        incident.last_decision = Some(*decision);
        if incident.decided.len() >= KEPT {
            incident.decided.remove(0);
        }
        incident.decided.push(Decided {
            id: *decision,
            text: text.clone(),
            by: event.actor.name.clone(),
            at: event.occurred.clone(),
            seq: event.seq,
        });
    }
}
