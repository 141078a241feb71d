//! What the console says in people's words: now, goal, else, and when the next update is due.

use super::{
    command::Ctx,
    dispatch::{self, Matter, Names},
    event::{Event, Seq},
    fact::Fact,
    id::IncidentId,
    incident::Incident,
    refusal::{Code, Refusal, text},
    state::State,
    time::{Span, Stamp, minute_utc},
};
use serde::{Deserialize, Serialize};

/// A line of the console that people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardLine {
    /// What is the case.
    Now,
    /// What we want, by when.
    Goal,
    /// What happens if not.
    Else,
}

impl BoardLine {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Now => "now",
            Self::Goal => "goal",
            Self::Else => "else",
        }
    }
}

/// The written lines and the update clock.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Board {
    /// What is the case.
    pub now: Option<Said>,
    /// What we want.
    pub goal: Option<Said>,
    /// What happens if not.
    pub otherwise: Option<Said>,
    /// How often an update is owed.
    pub update_every: Option<Span>,
    /// When the next is due.
    pub update_due: Option<Stamp>,
    /// The newest update.
    pub sent: Option<Said>,
}

/// A line, by whom, when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The words.
    pub text: String,
    /// Who.
    pub by: String,
    /// When.
    pub at: Stamp,
    /// The event.
    pub seq: Seq,
}

/// What can happen to the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardFact {
    /// A line was written.
    Set {
        /// Which incident.
        incident: IncidentId,
        /// Which line.
        line: BoardLine,
        /// The words.
        text: String,
    },
    /// The cadence of updates was set.
    Cadence {
        /// Which incident.
        incident: IncidentId,
        /// How often; `None` owes none.
        every: Option<Span>,
    },
    /// An update was sent; the clock starts anew.
    Updated {
        /// Which incident.
        incident: IncidentId,
        /// The words.
        text: String,
    },
}

impl BoardFact {
    /// Whose board.
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Set { incident, .. } | Self::Cadence { incident, .. } | Self::Updated { incident, .. } => {
                *incident
            }
        }
    }
}

/// What can be asked of the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BoardCommand {
    /// Write a line.
    Set {
        /// Which incident.
        incident: IncidentId,
        /// Which line.
        line: BoardLine,
        /// The words.
        text: String,
    },
    /// Owe an update this often; `None` owes none.
    Cadence {
        /// Which incident.
        incident: IncidentId,
        /// How often; `None` owes none.
        every: Option<Span>,
    },
    /// Send an update.
    Updated {
        /// Which incident.
        incident: IncidentId,
        /// The words.
        text: String,
        /// To these targets; to those that are configured for updates where nothing stands here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<Vec<String>>,
    },
}

/// An update as the state has it, for a person to change and send.
pub fn draft(incident: &Incident, now: &Stamp) -> String {
    let impact = incident.clocks.impact(&incident.declared, now);
    let mut lines = vec![format!(
        "{} {} {}: {}. Impact so far {}.",
        incident.severity,
        incident.id,
        incident.status,
        incident.title,
        impact.time.brief()
    )];
    if !incident.services.is_empty() {
        lines.push(format!("Affected: {} in {}.", incident.services.join(", "), incident.env));
    }
    let said = |lead: &str, line: &Option<Said>| line.as_ref().map(|said| format!("{lead}: {}", said.text));
    lines.extend(said("Now", &incident.board.now));
    lines.extend(said("Goal", &incident.board.goal));
    lines.extend(
        incident
            .board
            .update_every
            .map(|every| format!("Next update by {}.", minute_utc(now.plus(every).wall))),
    );
    lines.join("\n")
}

pub(super) fn decide(state: &State, command: &BoardCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    let fact = match command {
        BoardCommand::Set { incident, line, text: words } => {
            state.open(*incident)?;
            BoardFact::Set { incident: *incident, line: *line, text: text("the line", words, 400)? }
        }
        BoardCommand::Cadence { incident, every } => {
            state.open(*incident)?;
            if every.is_some_and(|every| every < Span::mins(1)) {
                return Err(Refusal::new(Code::Invalid, "updates more often than every minute help nobody"));
            }
            BoardFact::Cadence { incident: *incident, every: *every }
        }
        BoardCommand::Updated { incident, text: words, to } => {
            state.open(*incident)?;
            let matter = Matter::Update { incident: *incident };
            let said = BoardFact::Updated { incident: *incident, text: text("the update", words, 4_000)? };
            let mut names = Names::after(state);
            let key = format!("warroom-{}", ctx.id);
            let to = to.as_ref().unwrap_or(&state.policy.outward.updates);
            for target in to {
                if !state.policy.outward.targets.contains_key(target) {
                    let name = super::text::line(target);
                    return Err(Refusal::new(Code::Unknown, format!("there is no [target.{name}]"))
                        .hint("warroom status lists the targets"));
                }
            }
            let owed = to.iter().map(|target| names.owe(matter.clone(), target, &key));
            return Ok(std::iter::once(Fact::Board(said)).chain(owed).collect());
        }
    };
    Ok(vec![Fact::Board(fact)])
}

pub(super) fn apply(state: &mut State, fact: &BoardFact, event: &Event) {
    let Some(incident) = state.incidents.get_mut(&fact.incident()) else { return };
    let board = &mut incident.board;
    match fact {
        BoardFact::Set { line, text, .. } => {
            let said = Some(Said {
                text: text.clone(),
                by: event.actor.name.clone(),
                at: event.occurred.clone(),
                seq: event.seq,
            });
            match line {
                BoardLine::Now => board.now = said,
                BoardLine::Goal => board.goal = said,
                BoardLine::Else => board.otherwise = said,
            }
        }
        BoardFact::Cadence { every, .. } => {
            board.update_every = *every;
            board.update_due = every.map(|every| event.occurred.plus(every));
        }
        BoardFact::Updated { incident, text } => {
            let (text, by) = (text.clone(), event.actor.name.clone());
            board.sent = Some(Said { text, by, at: event.occurred.clone(), seq: event.seq });
            board.update_due = board.update_every.map(|every| event.occurred.plus(every));
            let old = |matter: &Matter| *matter == (Matter::Update { incident: *incident });
            dispatch::void(state, "a newer update replaces it", old);
        }
    }
}
