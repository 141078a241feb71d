//! Any difference between what was prescribed and what was done. The tool fills every field but the reason.

use super::{
    event::{Event, Seq},
    fact::Fact,
    id::{DeviationId, Digest, IncidentId, WalkId},
    plan::Slug,
    refusal::{Code, Refusal, text},
    state::State,
    time::Stamp,
};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// What kind of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviationKind {
    /// A step was left out.
    Skip,
    /// A step was done out of its turn.
    Reorder,
    /// Code was changed before it ran.
    Edit,
    /// A step was done by hand, outside.
    Manual,
    /// A failed check was passed over.
    Override,
    /// A block was killed at its time limit.
    Timeout,
    /// A step was tried more often than prescribed.
    RetryBeyondLimit,
    /// Something was done that stands in no runbook.
    UnlistedAction,
    /// It was done on another host than prescribed.
    WrongHost,
    /// An approval was given by one who may not, or by the requester alone.
    BrokenGlass,
}

impl DeviationKind {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Reorder => "reorder",
            Self::Edit => "edit",
            Self::Manual => "manual",
            Self::Override => "override",
            Self::Timeout => "timeout",
            Self::RetryBeyondLimit => "retry-beyond-limit",
            Self::UnlistedAction => "unlisted-action",
            Self::WrongHost => "wrong-host",
            Self::BrokenGlass => "broken-glass",
        }
    }
}

/// Why, by one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonCode {
    /// It was so already.
    AlreadyTrue,
    /// It does not apply here.
    NotApplicable,
    /// No access.
    NoAccess,
    /// It would have done harm now.
    UnsafeNow,
    /// There was a faster known fix.
    FasterFix,
    /// The runbook is wrong.
    RunbookWrong,
    /// The commander said so.
    ToldByCommander,
    /// Something else, in words.
    Other,
}

impl ReasonCode {
    /// All, in the order of their keys 1 to 8.
    pub const ALL: [Self; 8] = [
        Self::AlreadyTrue,
        Self::NotApplicable,
        Self::NoAccess,
        Self::UnsafeNow,
        Self::FasterFix,
        Self::RunbookWrong,
        Self::ToldByCommander,
        Self::Other,
    ];

    /// Its words.
    pub fn words(self) -> &'static str {
        match self {
            Self::AlreadyTrue => "already true",
            Self::NotApplicable => "not applicable",
            Self::NoAccess => "no access",
            Self::UnsafeNow => "unsafe now",
            Self::FasterFix => "faster known fix",
            Self::RunbookWrong => "runbook wrong",
            Self::ToldByCommander => "told by the commander",
            Self::Other => "other",
        }
    }
}

impl FromStr for ReasonCode {
    type Err = Refusal;
    fn from_str(given: &str) -> Result<Self, Refusal> {
        let word = given.trim().to_lowercase().replace([' ', '_'], "-");
        Self::ALL
            .into_iter()
            .enumerate()
            .find(|(key, code)| word == (key + 1).to_string() || code.words().replace(' ', "-") == word)
            .map(|(_, code)| code)
            .ok_or_else(|| {
                let all: Vec<_> = Self::ALL.iter().map(|code| code.words()).collect();
                Refusal::new(Code::Invalid, format!("{given:?} is no reason code")).hint(all.join(", "))
            })
    }
}

/// A reason as given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The code.
    pub code: ReasonCode,
    /// Words, where there are any.
    pub text: String,
    /// Who gave it.
    pub by: String,
}

/// Everything the tool fills by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Walk and step, where it was in one.
    pub walk: Option<WalkId>,
    /// The step.
    pub step: Option<Slug>,
    /// Runbook's title and hash.
    pub runbook: Option<(String, Digest)>,
    /// What kind.
    pub kind: DeviationKind,
    /// Whether it was announced before it was done.
    pub planned: bool,
    /// What was prescribed.
    pub expected: String,
    /// What was done.
    pub actual: String,
    /// Where.
    pub host: String,
    /// Who allowed it; the commander unless said otherwise.
    pub authorised_by: String,
}

/// A deviation as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deviation {
    /// Name.
    pub id: DeviationId,
    /// Its incident.
    pub incident: Option<IncidentId>,
    /// What the tool filled.
    pub what: Difference,
    /// Who deviated.
    pub author: String,
    /// When.
    pub at: Stamp,
    /// Why, or owed.
    pub reason: Option<Reason>,
    /// The event.
    pub seq: Seq,
}

impl Deviation {
    /// Whether its reason is still owed.
    pub fn owed(&self) -> bool {
        self.reason.is_none()
    }
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviationFact {
    /// It was recorded.
    Recorded {
        /// Which deviation.
        deviation: DeviationId,

        /// The incident it belongs to, where it does.
        incident: Option<IncidentId>,

        /// What the tool filled.
        what: Difference,

        /// Why, where it was said at once.
        code: Option<ReasonCode>,

        /// The words.
        text: String,
    },
    /// Its reason was given, or corrected.
    Reasoned {
        /// Which deviation.
        deviation: DeviationId,
        /// The incident it belongs to, where it does.
        incident: Option<IncidentId>,
        /// Why.
        code: ReasonCode,
        /// The words.
        text: String,
    },
}

impl DeviationFact {
    /// Whose incident.
    pub fn incident(&self) -> Option<IncidentId> {
        match self {
            Self::Recorded { incident, .. } | Self::Reasoned { incident, .. } => *incident,
        }
    }
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviationCommand {
    /// Give a reason that is owed.
    Reason {
        /// Which deviation.
        deviation: DeviationId,

        /// Why.
        code: ReasonCode,
        /// The words.
        #[serde(default)]
        text: String,
    },
    /// Something was done that stands in no runbook.
    Unlisted {
        /// Which incident.
        incident: IncidentId,

        /// What was done.
        actual: String,
        /// Machine it is done on.
        #[serde(default)]
        host: String,
        /// Why, where it was said at once.
        #[serde(default)]
        code: Option<ReasonCode>,
    },
}

/// The name that the next deviation gets, `more` having been given in the same decision.
pub(super) fn next_id(state: &State, more: usize) -> DeviationId {
    let last = state.issued.deviation.map_or(0, |last| last.0);
    DeviationId(last.saturating_add(1).saturating_add(u32::try_from(more).unwrap_or(u32::MAX)))
}

pub(super) fn decide(state: &State, command: &DeviationCommand) -> Result<Vec<Fact>, Refusal> {
    let fact = match command {
        DeviationCommand::Reason { deviation: id, code, text: words } => {
            let known = state.deviations.get(id).ok_or_else(|| {
                if id.0 > 0 && Some(*id) <= state.issued.deviation {
                    return Refusal::new(
                        Code::Conflict,
                        format!("{id} is settled, and what it was in is over"),
                    )
                    .hint("its reason stands in the journal; a note can add to it");
                }
                Refusal::unknown("deviation", id)
            })?;
            let words =
                if words.trim().is_empty() { String::new() } else { text("the reason", words, 1_000)? };
            if *code == ReasonCode::Other && words.is_empty() {
                return Err(
                    Refusal::new(Code::NeedsMore, "`other` says nothing by itself").hint("add a few words")
                );
            }
            DeviationFact::Reasoned { deviation: *id, incident: known.incident, code: *code, text: words }
        }
        DeviationCommand::Unlisted { incident: id, actual, host, code } => {
            let incident = state.open(*id)?;
            DeviationFact::Recorded {
                deviation: next_id(state, 0),
                incident: Some(*id),
                what: Difference {
                    walk: None,
                    step: None,
                    runbook: None,
                    kind: DeviationKind::UnlistedAction,
                    planned: false,
                    expected: "nothing: it stands in no runbook".into(),
                    actual: text("what was done", actual, 2_000)?,
                    host: super::text::line(host).into_owned(),
                    authorised_by: incident.commander().unwrap_or("nobody").to_owned(),
                },
                code: code.filter(|code| *code != ReasonCode::Other),
                text: String::new(),
            }
        }
    };
    Ok(vec![Fact::Deviation(fact)])
}

pub(super) fn apply(state: &mut State, fact: &DeviationFact, event: &Event) {
    let reason =
        |code: ReasonCode, text: &str| Reason { code, text: text.to_owned(), by: event.actor.name.clone() };
    match fact {
        DeviationFact::Recorded { deviation, incident, what, code, text } => {
            state.deviations.insert(
                *deviation,
                Deviation {
                    id: *deviation,
                    incident: *incident,
                    what: what.clone(),
                    author: event.actor.name.clone(),
                    at: event.occurred.clone(),
                    reason: code.map(|code| reason(code, text)),
                    seq: event.seq,
                },
            );
        }
        DeviationFact::Reasoned { deviation, code, text, .. } => {
            if let Some(known) = state.deviations.get_mut(deviation) {
                known.reason = Some(reason(*code, text));
            }
        }
    }
}
