//! Command of an incident as it passes from one person to another. It moves by a positive exchange alone: the one who
//! hands over proposes, the one who is named says *I have command*. Where nobody is there to hand over, it is taken,
//! with a reason, and the one replaced is told. Who is senior changes nothing.

use super::{
    actor::Actor,
    command::Ctx,
    event::{Event, Seq},
    fact::Fact,
    id::IncidentId,
    incident::{COMMANDER, Incident, IncidentFact},
    person,
    policy::Power,
    refusal::{Code, Refusal, text},
    state::State,
    time::{Span, Stamp},
};
use serde::{Deserialize, Serialize};

/// What the incoming commander says to have command.
pub const SAY: &str = "I have command";
/// A proposal that nobody answers lapses after this.
pub const ANSWER_WITHIN: Span = Span::mins(10);

/// A handover that was proposed and not answered yet. Command is where it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Who proposed it: the commander, or whoever filled an empty chair.
    pub by: String,
    /// The same, as proved: whose word the role is, once it is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposer: Option<Actor>,
    /// Who is to command.
    pub to: String,
    /// What the next one should know, beside the briefing.
    pub words: String,
    /// When.
    pub at: Stamp,
    /// When it lapses.
    pub lapses: Stamp,
    /// The event.
    pub seq: Seq,
}

/// Command as it was last taken from somebody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// Who took it.
    pub by: String,
    /// Who had it.
    pub from: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Stamp,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoverFact {
    /// Command was offered to somebody.
    Proposed {
        /// Which incident.
        incident: IncidentId,
        /// Login name of the one who is to command.
        to: String,
        /// What the next one should know, beside the briefing.
        words: String,
        /// It lapses after this.
        within: Span,
    },
    /// The one who was named said *I have command*.
    Accepted {
        /// Which incident.
        incident: IncidentId,
        /// Who commanded, where anybody did.
        from: Option<String>,
    },
    /// The one who was named does not take it.
    Declined {
        /// Which incident.
        incident: IncidentId,
        /// Why.
        reason: String,
    },
    /// It is not offered any more.
    Withdrawn {
        /// Which incident.
        incident: IncidentId,
    },
    /// Nobody answered in time.
    Lapsed {
        /// Which incident.
        incident: IncidentId,
    },
    /// Command was taken from one who was not there to hand it over.
    Taken {
        /// Which incident.
        incident: IncidentId,
        /// Who commanded.
        from: String,
        /// Why.
        reason: String,
    },
}

impl HandoverFact {
    /// Which.
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Proposed { incident, .. }
            | Self::Accepted { incident, .. }
            | Self::Declined { incident, .. }
            | Self::Withdrawn { incident }
            | Self::Lapsed { incident }
            | Self::Taken { incident, .. } => *incident,
        }
    }
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandoverCommand {
    /// Offer command to somebody.
    Propose {
        /// Which incident.
        incident: IncidentId,
        /// Login name of the one who is to command.
        to: String,
        /// What the next one should know, beside the briefing.
        #[serde(default)]
        words: String,
    },
    /// Take what was offered.
    Accept {
        /// Which incident.
        incident: IncidentId,
        /// [`SAY`], as it was typed.
        said: String,
    },
    /// Do not take what was offered.
    Decline {
        /// Which incident.
        incident: IncidentId,
        /// Why.
        reason: String,
    },
    /// Offer it no longer.
    Withdraw {
        /// Which incident.
        incident: IncidentId,
    },
    /// Take command: an empty chair, or from somebody who is not there to hand it over.
    Take {
        /// Which incident.
        incident: IncidentId,
        /// Why; wanted where somebody is replaced.
        #[serde(default)]
        reason: String,
        /// From whom, where it was decided offline: empty for an empty chair. From another it is not taken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<String>,
    },
}

fn pending(incident: &Incident) -> Result<&Proposal, Refusal> {
    incident.handover.as_ref().ok_or_else(|| {
        Refusal::new(Code::Conflict, format!("no handover of {} is under way", incident.id))
            .hint("it was answered, withdrawn, or has lapsed")
    })
}

fn holds(incident: IncidentId, who: &str) -> Fact {
    Fact::Incident(IncidentFact::RoleTaken { incident, role: COMMANDER.into(), who: who.into() })
}

pub(super) fn decide(state: &State, command: &HandoverCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let me = ctx.actor.name.as_str();
    match command {
        HandoverCommand::Propose { incident, to, words } => propose(state, *incident, to, words, ctx),
        HandoverCommand::Accept { incident, said } => {
            let known = state.open(*incident)?;
            let proposal = pending(known)?;
            if proposal.to != me {
                return Err(Refusal::new(Code::Forbidden, format!("command is offered to {}", proposal.to))
                    .hint("only the one who is named accepts"));
            }
            if !said.trim().trim_end_matches('.').eq_ignore_ascii_case(SAY) {
                return Err(Refusal::new(Code::NeedsMore, "the exchange is spoken, not clicked")
                    .hint(format!("read the briefing, then type: {SAY}")));
            }
            let from = known.commander().map(str::to_owned);
            Ok(vec![
                Fact::Handover(HandoverFact::Accepted { incident: *incident, from }),
                holds(*incident, me),
            ])
        }
        HandoverCommand::Decline { incident, reason } => {
            let proposal = pending(state.open(*incident)?)?;
            if proposal.to != me {
                return Err(Refusal::new(Code::Forbidden, format!("command is offered to {}", proposal.to))
                    .hint("only the one who is named declines"));
            }
            let reason = text("the reason", reason, 400)?;
            Ok(vec![Fact::Handover(HandoverFact::Declined { incident: *incident, reason })])
        }
        HandoverCommand::Withdraw { incident } => {
            let known = state.open(*incident)?;
            let proposal = pending(known)?;
            if proposal.by != me && known.commander() != Some(me) {
                return Err(Refusal::new(Code::Forbidden, format!("{} proposed the handover", proposal.by))
                    .hint("who proposed it, or who commands, withdraws it"));
            }
            Ok(vec![Fact::Handover(HandoverFact::Withdrawn { incident: *incident })])
        }
        HandoverCommand::Take { incident, reason, from } => {
            let now = state.open(*incident)?.commander().unwrap_or_default();
            if !now.is_empty() && now != me && from.as_ref().is_some_and(|from| from != now) {
                return Err(Refusal::new(Code::Conflict, format!("{now} commands {incident} now"))
                    .hint("speak with them; where they are gone, take command from them with a reason"));
            }
            take(state, *incident, reason, ctx)
        }
    }
}

/// Offers command: the commander does, or, where the chair is empty, somebody who could sit in it.
pub(super) fn propose(
    state: &State,
    id: IncidentId,
    to: &str,
    words: &str,
    ctx: &Ctx,
) -> Result<Vec<Fact>, Refusal> {
    let incident = state.open(id)?;
    let to = person::person(state, "the person", to)?;
    let words = if words.trim().is_empty() { String::new() } else { text("the words", words, 400)? };
    let me = ctx.actor.name.as_str();
    match incident.commander() {
        Some(commander) if commander != me => {
            return Err(Refusal::new(
                Code::Forbidden,
                format!("{commander} commands {id}, and hands it over"),
            )
            .hint("if they are gone: warroom take-command --reason \"…\""));
        }
        None if !ctx.may(state, Power::Command, Some(id)) => {
            return Err(super::power::lacks(&ctx.actor, Power::Command));
        }
        _ => {}
    }
    if incident.commander() == Some(to.as_str()) {
        return Err(Refusal::new(Code::Conflict, format!("{to} commands {id} already")));
    }
    if let Some(known) = &incident.handover {
        if known.to == to && known.words == words {
            return Ok(Vec::new());
        }
        return Err(Refusal::new(Code::Conflict, format!("command is offered to {} already", known.to))
            .hint("withdraw that first: warroom handover withdraw"));
    }
    Ok(vec![Fact::Handover(HandoverFact::Proposed { incident: id, to, words, within: ANSWER_WITHIN })])
}

/// Sits down in an empty chair, or replaces the one in it.
pub(super) fn take(state: &State, id: IncidentId, reason: &str, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let incident = state.open(id)?;
    let me = ctx.actor.name.as_str();
    if !ctx.may(state, Power::Command, Some(id)) {
        return Err(super::power::lacks(&ctx.actor, Power::Command));
    }
    let Some(from) = incident.commander() else { return Ok(vec![holds(id, me)]) };
    if from == me {
        return Ok(Vec::new());
    }
    if incident.handover.as_ref().is_some_and(|offer| offer.to == me) {
        return Err(Refusal::new(Code::Conflict, format!("{from} offers you command of {id}"))
            .hint("take it by saying so (H, or warroom handover accept), or decline it"));
    }
    if reason.trim().is_empty() {
        return Err(Refusal::new(Code::NeedsMore, format!("{from} commands {id}")).hint(
            "where they are here, they hand over; where they are gone, take command with a reason: \
             warroom take-command --reason \"…\"",
        ));
    }
    let (from, reason) = (from.to_owned(), text("the reason", reason, 400)?);
    Ok(vec![Fact::Handover(HandoverFact::Taken { incident: id, from, reason }), holds(id, me)])
}

/// When a handover that nobody answered lapses.
pub(super) fn lapses(incident: &Incident) -> Option<Stamp> {
    incident.handover.as_ref().map(|proposal| proposal.lapses.clone())
}

pub(super) fn apply(state: &mut State, fact: &HandoverFact, event: &Event) {
    let Some(incident) = state.incidents.get_mut(&fact.incident()) else { return };
    if let HandoverFact::Taken { from, reason, .. } = fact {
        incident.taken = Some(Taken {
            by: event.actor.name.clone(),
            from: from.clone(),
            reason: reason.clone(),
            at: event.occurred.clone(),
        });
    }
    if let HandoverFact::Accepted { .. } = fact {
        incident.offered_by = incident.handover.take().and_then(|offer| offer.proposer);
    }
    incident.handover = match fact {
        HandoverFact::Proposed { to, words, within, .. } => Some(Proposal {
            by: event.actor.name.clone(),
            proposer: Some(event.actor.clone()),
            to: to.clone(),
            words: words.clone(),
            at: event.occurred.clone(),
            lapses: event.occurred.plus(*within),
            seq: event.seq,
        }),
        _ => None,
    };
}
