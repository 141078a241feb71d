//! What lies over the views, one above the other: keys go to the topmost.

use super::StepRef;
use crate::{
    domain::{
        Command,
        deviation::ReasonCode,
        id::{DeviationId, Digest, IncidentId, WalkId},
        plan::Slug,
        severity::Severity,
    },
    seat::{command::Call, view::widget::field::Field},
};
use tui_textarea::TextArea;

/// Something over the views.
#[derive(Debug, Clone)]
pub enum Layer {
    /// Keys and what they do, filtered.
    Help {
        /// Filter.
        field: Field,
        /// First line shown.
        top: usize,
    },
    /// Commands by name.
    Palette {
        /// What was typed.
        field: Field,
        /// Which of those found is selected.
        at: usize,
    },
    /// One argument of a command, in one line, with what can be chosen.
    Prompt(Prompt),
    /// One argument of a command, in words.
    Words {
        /// The call that it completes.
        call: Call,
        /// What is asked.
        title: String,
        /// The text.
        area: Box<TextArea<'static>>,
    },
    /// One of several, each with its key.
    Pick {
        /// What is asked.
        title: String,
        /// What can be chosen.
        choices: Vec<Choice>,
        /// Which is selected.
        at: usize,
    },
    /// A dangerous act, in one sentence.
    Confirm(Confirm),
    /// An approval.
    Approval(Approval),
    /// A declaration.
    Declare(Box<Declare>),
    /// What an incoming commander must know, on one screen.
    Briefing {
        /// Of which incident.
        incident: IncidentId,
        /// Its lines.
        lines: Vec<String>,
        /// Rows that were gone down: 0 shows all of it on one screen, further down it is whole.
        top: usize,
    },
    /// Something to read.
    Message {
        /// What it is.
        title: String,
        /// The text.
        text: String,
        /// First line shown.
        top: usize,
    },
    /// Who is here.
    People {
        /// Which of them is selected.
        at: usize,
    },
    /// The terminal of an interactive step; keys go to it.
    Terminal(StepRef),
}

/// One argument of a command.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// The call that it completes.
    pub call: Call,
    /// What is asked.
    pub title: String,
    /// What to do, quiet.
    pub hint: String,
    /// What was typed.
    pub field: Field,
    /// All that can be chosen: value and what it is.
    pub options: Vec<(String, String)>,
    /// Whether it must be one of them.
    pub strict: bool,
    /// Whether nothing may be given.
    pub optional: bool,
    /// Which of those that fit is selected; `None` takes what was typed.
    pub at: Option<usize>,
}

impl Prompt {
    /// Options that fit what was typed.
    pub fn fitting(&self) -> Vec<&(String, String)> {
        let typed = self.field.text().trim().to_lowercase();
        self.options
            .iter()
            .filter(|(value, what)| {
                typed.is_empty()
                    || value.to_lowercase().contains(&typed)
                    || what.to_lowercase().contains(&typed)
            })
            .collect()
    }

    /// What Enter gives: the selected option, else what was typed where that may be.
    pub fn value(&self) -> Option<String> {
        let fitting = self.fitting();
        let picked = self.at.and_then(|at| fitting.get(at)).map(|(value, _)| value.clone());
        let typed = self.field.text().trim();
        let exact =
            self.options.iter().find(|(value, _)| value.eq_ignore_ascii_case(typed)).map(|(v, _)| v.clone());
        let only = if self.strict { fitting.first().map(|(value, _)| value.clone()) } else { None };
        picked
            .or(exact)
            .or(only)
            .or_else(|| (!self.strict && (self.optional || !typed.is_empty())).then(|| typed.to_owned()))
    }
}

/// What is done when something was chosen or confirmed.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A command for the room; the words are said when it is durable.
    Do(Box<Command>, String),
    /// A command of the table.
    Call(Call),
    /// Take a step, its risk having been confirmed so far.
    Take {
        /// Walk.
        walk: WalkId,
        /// Step.
        step: Slug,
        /// Run its undo.
        undo: bool,
        /// Run it again although it is done.
        again: bool,
        /// What was shown of it when it was asked.
        shown: Digest,
    },
    /// Give a reason that is owed, then go on closing the incident.
    Close(DeviationId, ReasonCode),
    /// Copy text.
    Copy(String),
    /// Leave the seat.
    Leave,
    /// Nothing.
    Nothing,
}

/// One of several.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Its key.
    pub key: char,
    /// What it is.
    pub label: String,
    /// More about it, quiet.
    pub detail: String,
    /// What it does.
    pub act: Act,
}

impl Choice {
    /// The reasons for a deviation, each by its number, as far as one does something.
    pub fn reasons(act: impl Fn(ReasonCode) -> Option<Act>) -> Vec<Self> {
        let choice = |(code, key): (ReasonCode, char)| {
            act(code).map(|act| Self { key, label: code.words().into(), detail: String::new(), act })
        };
        ReasonCode::ALL.into_iter().zip('1'..).filter_map(choice).collect()
    }
}

/// A dangerous act.
#[derive(Debug, Clone)]
pub struct Confirm {
    /// What will happen, one sentence with the target's name.
    pub sentence: String,
    /// What will run or change, line by line.
    pub lines: Vec<String>,
    /// The name that must be typed; `None` wants the second key.
    pub typed: Option<String>,
    /// The first of those lines that is shown.
    pub top: usize,
    /// What was typed.
    pub field: Field,
    /// What then happens.
    pub act: Act,
}

/// An approval, as it was when it was opened.
#[derive(Debug, Clone)]
pub struct Approval {
    /// Walk and step.
    pub at: StepRef,
    /// What is approved, by digest.
    pub digest: Digest,
    /// The first line shown of what will run.
    pub top: usize,
    /// Breaking the glass: target typed, reason, and which of the two has the keys.
    pub glass: Option<(Field, Field, bool)>,
}

/// A declaration as it is filled in.
#[derive(Debug, Clone)]
pub struct Declare {
    /// Title.
    pub title: Field,
    /// Severity.
    pub severity: Severity,
    /// Services, separated by blanks.
    pub services: Field,
    /// Freeze deploys at once.
    pub freeze: bool,
    /// Which line has the keys, from 0.
    pub at: usize,
}
