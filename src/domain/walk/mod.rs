//! A runbook as it is walked: the one engine for rollbacks, validations, drills and everything else.
//!
//! [`sequence`] says what comes next in a step, [`rules`] what may be asked, [`fold`] what has become of it. A hand,
//! a person's tick and the room's own timer all go through them.

pub mod approval;
mod command;
mod deviate;
mod fact;
mod fold;
mod input;
mod person;
mod rules;
pub mod sequence;
mod shown;
mod stands;
#[cfg(test)]
mod tests;
mod turn;

pub use command::{Glass, WalkCommand};
pub use fact::WalkFact;
pub(super) use fold::apply;
pub(super) use rules::decide;
pub use shown::shown;
pub use stands::{stands, whereabouts};
pub(super) use turn::{wait_ends, wait_over};

use super::{
    actor::Actor,
    event::Seq,
    id::{Digest, IncidentId, WalkId},
    placeholder::{self, FillError},
    plan::{Block, BlockKind, By, Risk, Runbook, Slug, Step},
    refusal::{Code, Refusal},
    state::State,
    time::{Span, Stamp},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use uuid::Uuid;

/// One walk of one runbook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Walk {
    /// Name.
    pub id: WalkId,
    /// The incident it serves.
    pub incident: Option<IncidentId>,
    /// What is walked, as it was when it was loaded.
    pub runbook: Arc<Runbook>,
    /// Who began it.
    pub by: String,
    /// When.
    pub started: Stamp,
    /// Values of inputs and placeholders. A secret is never among them.
    pub inputs: BTreeMap<String, String>,
    /// Where one is.
    pub at: Option<Slug>,
    /// Since when.
    pub at_since: Stamp,
    /// Steps that something has happened to.
    pub steps: BTreeMap<Slug, StepState>,
    /// Code that was edited, by block.
    pub edits: BTreeMap<Slug, String>,
    /// Who changed the code of a block, by block: none of them approves it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub editors: BTreeMap<Slug, Vec<Actor>>,
    /// Who gave a value last, by its name: they do not approve what uses it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub givers: BTreeMap<String, Actor>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// The event that began it.
    pub seq: Seq,
    /// Machine of the room where it began: what is to run here belongs there.
    #[serde(default)]
    pub host: String,
}

/// How a walk ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Complete, or abandoned.
    pub complete: bool,
    /// When.
    pub at: Stamp,
}

/// What has become of one step.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct StepState {
    /// How it stands.
    pub status: StepStatus,
    /// How often it was taken.
    pub attempt: u32,
    /// Who has it.
    pub lease: Option<Lease>,
    /// Results of this attempt.
    pub results: Vec<BlockDone>,
    /// Blocks whose failure was passed over.
    pub overridden: BTreeSet<Slug>,
    /// The block that runs now.
    pub intent: Option<Intent>,
    /// The approval that is waited for.
    pub asked: Option<Asked>,
    /// Approvals given.
    pub approvals: Vec<Approved>,
    /// How it was finished.
    pub done: Option<StepEnd>,
    /// Whether a run of this step ever began.
    pub ran: bool,
    /// How often each run block began, over all attempts since the runbook last led here.
    pub begun: BTreeMap<Slug, u32>,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Nobody has it.
    #[default]
    Todo,
    /// A hand has it.
    Lent,
    /// It is finished, one way or another.
    Done,
    /// A block of it failed; people decide.
    Failed,
    /// Its hand is gone and nobody knows how far it came.
    Unknown,
}

/// A step lent to one person's hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// The hand.
    pub hand: Uuid,
    /// Whose hand.
    pub owner: Actor,
    /// Machine it runs on.
    pub host: String,
    /// Its process, once it has attached.
    pub process: Option<ProcessRef>,
    /// Keyed digest of the state that blocks carry to each other.
    pub carry: Option<Digest>,
    /// It runs the undo blocks.
    pub undo: bool,
    /// When it was lent.
    pub at: Stamp,
    /// The values that it runs with: those of that moment, and what its owner entered and its own blocks captured
    /// since. What others enter meanwhile does not reach it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
}

/// A process that cannot be mistaken for another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessRef {
    /// Process id.
    pub pid: u32,
    /// When it started, in the kernel's ticks since boot.
    pub start: u64,
    /// Which boot.
    pub boot: String,
}

/// A block about to act. Journaled before it does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Block.
    pub block: Slug,
    /// When.
    pub at: Stamp,
}

/// How a block ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockDone {
    /// Block.
    pub block: Slug,
    /// How.
    pub result: BlockResult,
    /// Exit code, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit: Option<i32>,
    /// The value seen or the last line printed.
    #[serde(default)]
    pub seen: String,
    /// How long it took.
    pub took: Span,
    /// Its output in the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Digest>,
    /// What `capture` caught; a secret is not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub captured: Option<(String, String)>,
}

/// How a block ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockResult {
    /// As prescribed.
    Passed,
    /// Not as prescribed.
    Failed,
    /// Killed at its limit.
    TimedOut,
    /// Killed by a person.
    Cancelled,
    /// It never began.
    CouldNotStart,
}

/// An approval that is waited for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The sentence.
    pub text: String,
    /// What exactly is approved.
    pub digest: Digest,
    /// Whose approval counts.
    pub by: By,
    /// Who asks.
    pub requester: Actor,
    /// When.
    pub at: Stamp,
    /// The event.
    pub seq: Seq,
}

/// An approval given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approved {
    /// Who.
    pub by: Actor,
    /// For exactly what.
    pub digest: Digest,
    /// When.
    pub at: Stamp,
    /// By breaking the glass.
    pub glass: bool,
}

/// How a step was finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepEnd {
    /// How.
    pub how: How,
    /// Who.
    pub by: String,
    /// When.
    pub at: Stamp,
    /// The value seen beside the tick.
    pub seen: String,
    /// The event.
    pub seq: Seq,
}

/// The ways in which a step is finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Its blocks ran and held.
    Done,
    /// Its guard said that it was so already.
    Satisfied,
    /// A person ticked it.
    Confirmed,
    /// It was done by hand, outside: a deviation.
    Manual,
    /// A branch was chosen.
    Chosen {
        /// What was chosen.
        label: String,
        /// Section to go on in.
        to: Slug,
    },
    /// It does not apply; costs nothing on a conditional step.
    NotApplicable,
    /// It was left out: a deviation.
    Skipped,
    /// Its time is over.
    Waited,
}

/// What has been typed beside Enter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confirmation {
    /// Nothing.
    #[default]
    Enter,
    /// The second key, after the sentence was read.
    Second,
    /// The target's name.
    Typed(String),
}

/// How one deviates by a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deviate {
    /// `s`
    Skip,
    /// `m`
    Manual,
    /// `o`
    Override,
    /// `x`
    NotApplicable,
}

/// Time that a block can be given at once beyond its limit.
pub const EXTENSION_MAX: Span = Span::hours(4);
/// Time that a block can be given in all beyond its limit.
pub const EXTENSIONS_MAX: Span = Span::hours(24);

/// Bytes that the text of a runbook has at most.
pub const TEXT_MAX: usize = 1024 * 1024;
/// Characters that a runbook's title and the name of its source have at most.
pub const TITLE_MAX: usize = 200;

/// A block may be given so much more time at once.
///
/// # Errors
/// `Invalid` where it is none, or more than [`EXTENSION_MAX`].
pub fn extension(more: Span) -> Result<(), Refusal> {
    if more > Span::ZERO && more <= EXTENSION_MAX {
        return Ok(());
    }
    Err(Refusal::new(Code::Invalid, format!("{more} more is not between 1s and {EXTENSION_MAX}"))
        .hint("give less, and again when that is nearly over"))
}

/// The walk and the step that are lent to this hand.
pub fn lent_step(state: &State, hand: Uuid) -> Option<(&Walk, &Step)> {
    state.walks.values().find_map(|walk| {
        let has = |known: &StepState| known.lease.as_ref().is_some_and(|lease| lease.hand == hand);
        let (slug, _) = walk.steps.iter().find(|(_, known)| has(known))?;
        Some((walk, walk.runbook.step(slug)?))
    })
}

/// The user to whom a step is lent through this hand.
pub fn leased_to(state: &State, hand: Uuid) -> Option<&Actor> {
    let (walk, step) = lent_step(state, hand)?;
    walk.steps.get(&step.id)?.lease.as_ref().map(|lease| &lease.owner)
}

/// Words of a runbook as they are read: where a known value's name stands in them as code, `` `NAME` ``, the value.
pub fn filled<'v>(words: &str, value: impl Fn(&str) -> Option<&'v str>) -> String {
    let mut out = String::with_capacity(words.len());
    let mut rest = words;
    while let Some((before, after)) = rest.split_once('`') {
        out.push_str(before);
        let Some((inside, behind)) = after.split_once('`') else {
            out.push('`');
            rest = after;
            break;
        };
        match value(inside.trim_matches(['$', '{', '}', '<', '>'])).filter(|value| !value.is_empty()) {
            Some(value) => out.push_str(value),
            None => out.extend(["`", inside, "`"]),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// Whether `<name>` in a block's code is to be filled; what is never run is only read.
fn has_holes(block: &Block) -> bool {
    !matches!(block.kind, BlockKind::Sample | BlockKind::Expect)
}

impl Walk {
    /// A step's state; untouched steps have none of their own.
    pub fn state(&self, step: &str) -> StepState {
        self.steps.get(step).cloned().unwrap_or_default()
    }

    /// How a step stands.
    pub fn status(&self, step: &str) -> StepStatus {
        self.steps.get(step).map(|state| state.status).unwrap_or_default()
    }

    /// The step where one is: where all is done there, the one beside it that is waited for.
    pub fn current(&self) -> Option<&Step> {
        let at = self.at.as_deref().and_then(|at| self.runbook.step(at))?;
        let done = self.status(&at.id) == StepStatus::Done;
        done.then(|| self.beside().next()).flatten().or(Some(at))
    }

    /// Steps of the background that were begun and are not finished, in the order of the file.
    pub fn beside(&self) -> impl Iterator<Item = &Step> {
        self.runbook.steps().filter(|step| {
            let state = self.steps.get(&step.id);
            step.is_background()
                && state.is_some_and(|state| state.attempt > 0 && state.status != StepStatus::Done)
        })
    }

    /// Whether a hand has a step of it.
    pub fn has_lent(&self) -> bool {
        self.steps.values().any(|state| state.status == StepStatus::Lent)
    }

    /// Whether a hand holds a step of it, or may: what became of an unknown one is still to be heard.
    pub fn is_leased(&self) -> bool {
        self.steps.values().any(|state| state.lease.is_some())
    }

    /// A block's code as somebody edited it, else as it is written; its placeholders stand in it still.
    pub fn code<'a>(&'a self, block: &'a Block) -> &'a str {
        self.edits.get(&block.id).map_or(block.code.as_str(), String::as_str)
    }

    /// A block's code as it will run, edited or as written, with its placeholders filled: what is shown, digested,
    /// approved and run.
    ///
    /// # Errors
    /// The placeholders that have no value, or a value that cannot be filled in.
    pub fn will_run(&self, step: &Step, block: &Block) -> Result<String, FillError> {
        let code = self.code(block);
        if !has_holes(block) {
            return Ok(code.to_owned());
        }
        placeholder::fill(code, &self.values(&step.id))
    }

    /// The same for people to read: where it cannot be filled, with its placeholders.
    pub fn as_shown(&self, step: &Step, block: &Block) -> String {
        self.will_run(step, block).unwrap_or_else(|_| self.code(block).to_owned())
    }

    /// The values that were entered or captured and that a step runs with. A lent one has its own.
    pub fn entered(&self, step: &str) -> &BTreeMap<String, String> {
        let lease = self.steps.get(step).and_then(|state| state.lease.as_ref());
        lease.map_or(&self.inputs, |lease| &lease.inputs)
    }

    /// The values that a step runs with, defaults among them. A secret is never among them.
    pub fn values(&self, step: &str) -> BTreeMap<String, String> {
        let inputs = self.runbook.front.inputs.iter().filter(|input| !input.secret);
        let mut values: BTreeMap<String, String> =
            inputs.filter_map(|input| Some((input.name.clone(), input.default.clone()?))).collect();
        values.extend(self.entered(step).iter().map(|(name, value)| (name.clone(), value.clone())));
        values
    }

    /// The steps on one's way: those of sections where something has happened, and of the one where one is.
    pub fn way(&self) -> impl Iterator<Item = &Step> {
        let at = self.at.clone();
        self.runbook
            .sections
            .iter()
            .filter(move |section| {
                section.steps.iter().any(|step| {
                    at.as_deref() == Some(step.id.as_str())
                        || self.steps.get(&step.id).is_some_and(|state| state.status != StepStatus::Todo)
                })
            })
            .flat_map(|section| &section.steps)
    }

    /// Finished steps and all steps, on one's way.
    pub fn progress(&self) -> (usize, usize) {
        let done = self.way().filter(|step| self.status(&step.id) == StepStatus::Done).count();
        (done, self.way().count())
    }

    /// What a dangerous step acts on, as it has to be typed: its host, the service, or its own name.
    pub fn target(&self, step: &Step) -> String {
        step.blocks
            .iter()
            .find_map(|block| block.host.clone())
            .or_else(|| self.inputs.get("SERVICE").cloned())
            .or_else(|| self.runbook.front.service.clone())
            .unwrap_or_else(|| step.id.clone())
    }

    /// What Enter on a step asks for, so that it can be shown before it is asked.
    pub fn confirmation(&self, step: &Step) -> Confirmation {
        match step.risk() {
            Risk::Low => Confirmation::Enter,
            Risk::High => Confirmation::Second,
            Risk::Irreversible => Confirmation::Typed(self.target(step)),
        }
    }

    /// A value of an input: as entered, else its default.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.inputs.get(name).map(String::as_str).or_else(|| {
            self.runbook
                .front
                .inputs
                .iter()
                .find(|input| input.name == name)
                .and_then(|input| input.default.as_deref())
        })
    }

    /// Words of the runbook as they are read, with the values that are known in them. Secrets stay names.
    pub fn filled(&self, words: &str) -> String {
        let secret = |name: &str| self.runbook.front.inputs.iter().any(|one| one.name == name && one.secret);
        filled(words, |name| self.value(name).filter(|_| !secret(name)))
    }

    /// A step's title, with the values that are known in it.
    pub fn title(&self, step: &Step) -> String {
        self.filled(&step.title)
    }

    /// Inputs that have no value and cannot get one by themselves, then placeholders of this step.
    pub fn missing(&self, step: &Step) -> Vec<String> {
        let inputs = self.runbook.front.inputs.iter().filter(|input| !input.secret && input.from.is_none());
        let captured: BTreeSet<_> =
            self.runbook.steps().flat_map(|s| &s.blocks).filter_map(|b| b.capture.as_ref()).collect();
        let mut names: Vec<String> = inputs
            .filter(|input| self.value(&input.name).is_none() && !captured.contains(&input.name))
            .map(|input| input.name.clone())
            .collect();
        let values = self.values(&step.id);
        let comes = |name: &String| {
            captured.contains(name)
                || self.runbook.front.inputs.iter().any(|input| input.name == *name && input.from.is_some())
        };
        for block in step.blocks.iter().filter(|block| has_holes(block)) {
            for name in placeholder::find(self.code(block)) {
                if !values.contains_key(&name) && !comes(&name) && !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }
}
