//! A drill's result, as a fact of the room that it was practice for.
//!
//! A drill is a world of its own with a journal of its own. Its result comes here by a person who vouches for it, with
//! the head of that journal's chain: whoever doubts it can ask for the journal and verify it.

use super::{
    command::Ctx,
    event::{Event, Seq},
    fact::Fact,
    id::Digest,
    known, record,
    refusal::{Code, Refusal, text},
    state::State,
    time::{Span, Wall},
};
use serde::{Deserialize, Serialize};

/// By how much a drill's clock may be before the room's.
const CLOCK_SLACK: Span = Span::mins(5);

/// A drill's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drilled {
    /// What was practised, `bad-release`.
    pub scenario: String,
    /// When it was recovered from, or was over.
    pub at: Wall,
    /// From the beginning of impact to the first good reading of those that held; none where it was not recovered from.
    pub took: Option<Span>,
    /// How many times faster than life it ran.
    pub pace: f64,
    /// The head of its journal's chain.
    pub head: Digest,
    /// Who vouches for it.
    pub by: String,
    /// The event.
    pub seq: Seq,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillFact {
    /// Somebody vouches for a drill's result.
    Recorded {
        /// Service that it was practice for.
        service: String,
        /// What was practised.
        scenario: String,
        /// When it was recovered from, or was over.
        at: Wall,
        /// How long it took; none where it was not recovered from.
        took: Option<Span>,
        /// How many times faster than life it ran.
        pace: f64,
        /// The head of its journal's chain.
        head: Digest,
    },
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DrillCommand {
    /// Take in a drill's result.
    Record {
        /// Service that it was practice for.
        service: String,
        /// What was practised.
        scenario: String,
        /// When it was recovered from, or was over.
        at: Wall,
        /// How long it took; none where it was not recovered from.
        took: Option<Span>,
        /// How many times faster than life it ran.
        pace: f64,
        /// The head of its journal's chain.
        head: Digest,
    },
}

pub(super) fn decide(state: &State, command: &DrillCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let DrillCommand::Record { service, scenario, at, took, pace, head } = command;
    if state.room.drill.is_some() {
        return Err(Refusal::new(Code::Conflict, "a drill keeps no record of drills")
            .hint("record it in the room that it was practice for"));
    }
    let service = known::service(state, service)?;
    if *at > ctx.now.plus(CLOCK_SLACK).wall {
        return Err(Refusal::new(Code::Invalid, "that drill is of a time that is yet to come")
            .hint("one of the two clocks is wrong"));
    }
    if !(pace.is_finite() && *pace > 0.0) {
        return Err(Refusal::new(Code::Invalid, format!("{pace} is no pace")));
    }
    if state.records.get(&service).and_then(|one| one.drill.as_ref()).is_some_and(|one| one.head == *head) {
        return Ok(Vec::new());
    }
    Ok(vec![Fact::Drill(DrillFact::Recorded {
        service,
        scenario: text("the scenario", scenario, 100)?,
        at: *at,
        took: *took,
        pace: *pace,
        head: *head,
    })])
}

pub(super) fn apply(state: &mut State, fact: &DrillFact, event: &Event) {
    let DrillFact::Recorded { service, scenario, at, took, pace, head } = fact;
    let Some(record) = record::of(state, service) else { return };
    // One that is told late does not stand for one that was held since.
    if record.drill.as_ref().is_some_and(|newest| newest.at > *at) {
        return;
    }
    record.drill = Some(Drilled {
        scenario: scenario.clone(),
        at: *at,
        took: *took,
        pace: *pace,
        head: *head,
        by: event.actor.name.clone(),
        seq: event.seq,
    });
}
