//! What the console says in people's words: now, goal, else; the updates that went out, and when the next is due.

use super::{
    cadence::{Audience, Beat, Clock, Snooze},
    command::Ctx,
    dispatch::{self, Matter, Names},
    event::{Event, Seq},
    fact::Fact,
    id::IncidentId,
    incident::{Incident, Status},
    refusal::{Code, Refusal, text},
    state::State,
    time::{Span, Stamp, minute_utc},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// For longer than this at once nothing is put off.
const SNOOZE_MAX: Span = Span::hours(24);

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
    /// What is done again and again.
    pub beats: BTreeMap<Beat, Clock>,
    /// The newest update for those inside.
    pub sent: Option<Said>,
    /// The newest update for those outside.
    pub public: Option<Said>,
}

impl Board {
    /// The newest update for them.
    pub fn sent_to(&self, audience: Audience) -> Option<&Said> {
        match audience {
            Audience::Internal => self.sent.as_ref(),
            Audience::External => self.public.as_ref(),
        }
    }

    /// How often it is done.
    pub fn every(&self, beat: Beat) -> Option<Span> {
        self.beats.get(&beat).map(|clock| clock.every)
    }

    /// When it is due next.
    pub fn due(&self, beat: Beat) -> Option<&Stamp> {
        self.beats.get(&beat).map(|clock| &clock.due)
    }
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
    /// A period was set.
    Cadence {
        /// Which incident.
        incident: IncidentId,
        /// Of what.
        #[serde(default)]
        beat: Beat,
        /// How often; `None` owes none.
        every: Option<Span>,
    },
    /// An update was sent; its clock starts anew.
    Updated {
        /// Which incident.
        incident: IncidentId,
        /// The words.
        text: String,
        /// Who it is for.
        #[serde(default, skip_serializing_if = "Audience::is_internal")]
        audience: Audience,
    },
    /// Everybody was asked how it stands; that clock starts anew.
    Polled {
        /// Which incident.
        incident: IncidentId,
    },
    /// The next time was put off.
    Snoozed {
        /// Which incident.
        incident: IncidentId,
        /// Of what.
        beat: Beat,
        /// For how long.
        by: Span,
        /// Why.
        reason: String,
    },
}

impl BoardFact {
    /// Whose board.
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Set { incident, .. }
            | Self::Cadence { incident, .. }
            | Self::Updated { incident, .. }
            | Self::Polled { incident }
            | Self::Snoozed { incident, .. } => *incident,
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
    /// Owe it this often; `None` owes none.
    Cadence {
        /// Which incident.
        incident: IncidentId,
        /// What.
        #[serde(default)]
        beat: Beat,
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
        /// Who it is for.
        #[serde(default)]
        audience: Audience,
    },
    /// Everybody was asked how it stands.
    Poll {
        /// Which incident.
        incident: IncidentId,
    },
    /// Put the next time off.
    Snooze {
        /// Which incident.
        incident: IncidentId,
        /// Of what.
        beat: Beat,
        /// For how long.
        by: Span,
        /// Why.
        reason: String,
    },
}

impl BoardCommand {
    /// Whose board.
    pub fn incident(&self) -> IncidentId {
        match self {
            Self::Set { incident, .. }
            | Self::Cadence { incident, .. }
            | Self::Updated { incident, .. }
            | Self::Poll { incident }
            | Self::Snooze { incident, .. } => *incident,
        }
    }
}

/// An update as the state has it, for a person to change and send.
pub fn draft(incident: &Incident, audience: Audience, now: &Stamp) -> String {
    match audience {
        Audience::Internal => internal(incident, now),
        Audience::External => external(incident, now),
    }
}

/// For those outside: what they see, how far it is, when they hear more. Nothing of how it is worked on.
fn external(incident: &Incident, now: &Stamp) -> String {
    let with = if incident.services.is_empty() {
        String::new()
    } else {
        format!(" with {}", incident.services.join(", "))
    };
    let how = match incident.status {
        Status::Investigating => "we are looking into it",
        Status::Identified => "we have found the cause and are working on it",
        Status::Mitigating => "a remedy is being put in place",
        Status::Monitoring => "a remedy is in place and we are watching it",
        Status::Resolved | Status::Closed => "it is over",
    };
    let is = if incident.is_open() { "is" } else { "was" };
    let mut lines = vec![format!("There {is} a problem{with}: {how}.")];
    let next = incident.board.every(Beat::External).filter(|_| incident.is_open());
    lines.extend(next.map(|every| format!("Next update by {}.", minute_utc(now.plus(every).wall))));
    lines.join("\n")
}

fn internal(incident: &Incident, now: &Stamp) -> String {
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
            .every(Beat::Internal)
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
        BoardCommand::Cadence { incident, beat, every } => {
            state.open(*incident)?;
            if every.is_some_and(|every| every < Span::mins(1)) {
                let often = format!("{} more often than every minute help nobody", beat.owed());
                return Err(Refusal::new(Code::Invalid, often));
            }
            BoardFact::Cadence { incident: *incident, beat: *beat, every: *every }
        }
        BoardCommand::Poll { incident } => {
            state.open(*incident)?;
            BoardFact::Polled { incident: *incident }
        }
        BoardCommand::Snooze { incident, beat, by, reason } => {
            if state.open(*incident)?.board.due(*beat).is_none() {
                return Err(Refusal::new(Code::Conflict, format!("no {} are owed", beat.owed()))
                    .hint(format!("warroom cadence {beat} 30m owes them")));
            }
            if *by == Span::ZERO || *by > SNOOZE_MAX {
                return Err(Refusal::new(Code::Invalid, format!("{by} is no time to put it off for"))
                    .hint(format!("up to {SNOOZE_MAX}, like 15m")));
            }
            let reason = text("the reason", reason, 400)?;
            BoardFact::Snoozed { incident: *incident, beat: *beat, by: *by, reason }
        }
        BoardCommand::Updated { incident, text: words, to, audience } => {
            state.open(*incident)?;
            let (incident, audience) = (*incident, *audience);
            let matter = Matter::Update { incident, audience };
            let said = BoardFact::Updated { incident, text: text("the update", words, 4_000)?, audience };
            let mut names = Names::after(state);
            let key = format!("warroom-{}", ctx.id);
            let to = to.as_deref().unwrap_or_else(|| state.policy.outward.updates_to(audience));
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
        BoardFact::Cadence { beat, every: Some(every), .. } => {
            board.beats.insert(*beat, Clock::begin(*every, &event.occurred));
        }
        BoardFact::Cadence { beat, every: None, .. } => {
            board.beats.remove(beat);
        }
        BoardFact::Polled { .. } => {
            if let Some(clock) = board.beats.get_mut(&Beat::Poll) {
                clock.again(&event.occurred);
            }
        }
        BoardFact::Snoozed { beat, by, reason, .. } => {
            let snooze = Snooze { by: event.actor.name.clone(), reason: reason.clone() };
            if let Some(clock) = board.beats.get_mut(beat) {
                clock.put_off(*by, &event.occurred, snooze);
            }
        }
        BoardFact::Updated { incident, text, audience } => {
            let (text, by) = (text.clone(), event.actor.name.clone());
            let said = Some(Said { text, by, at: event.occurred.clone(), seq: event.seq });
            match audience {
                Audience::Internal => board.sent = said,
                Audience::External => board.public = said,
            }
            if let Some(clock) = board.beats.get_mut(&audience.beat()) {
                clock.again(&event.occurred);
            }
            let (incident, audience) = (*incident, *audience);
            let old = |matter: &Matter| *matter == Matter::Update { incident, audience };
            dispatch::void(state, "a newer update replaces it", old);
        }
    }
}
