//! What `warroom gate` says and how it ends.

use super::IfUnavailable;
use crate::{
    domain::{
        gate::{Answer, Because, Request},
        text,
        time::{Span, rfc3339},
    },
    http::answer,
};
use serde_json::{Value, json};
use std::path::Path;

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grounds {
    /// The room.
    Room,
    /// What the room said before, where its freeze holds still.
    Cache,
    /// `--if-unavailable`.
    Default,
}

impl Grounds {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Cache => "cache",
            Self::Default => "default",
        }
    }
}

/// The answer and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// As the room gave it, remembered or made here. `because` says which kind.
    pub answer: Answer,
    /// Where it comes from.
    pub from: Grounds,
    /// How long ago the room made it.
    pub age: Span,
    /// The reason for which a person goes on regardless.
    pub over: Option<String>,
    /// Whether the room refused the question itself: wrong usage, which nothing overrides.
    pub wrong: bool,
    /// For standard error.
    pub warnings: Vec<String>,
}

impl Verdict {
    pub(super) fn room(answer: Answer) -> Self {
        Self { answer, from: Grounds::Room, age: Span::ZERO, over: None, wrong: false, warnings: Vec::new() }
    }

    pub(super) fn cached(mut answer: Answer, age: Span, why: &str) -> Self {
        answer.reason = format!("{} (from cache, age {}; {why})", answer.reason, short(age));
        Self { from: Grounds::Cache, age, ..Self::room(answer) }
    }

    pub(super) fn unreachable(request: &Request, choice: IfUnavailable, why: &str) -> Self {
        let allowed = choice == IfUnavailable::Allow;
        let action = request.action;
        let reason = if allowed {
            format!("unreachable: {why}; {action} allowed regardless (--if-unavailable allow)")
        } else {
            format!("unreachable: {why}; {action} held (--if-unavailable allow lets it go)")
        };
        let answer = Answer {
            allowed,
            hold: !allowed,
            abort: false,
            because: Because::Unreachable,
            reason,
            freeze: None,
            incident: None,
            valid_until: None,
            seq: 0,
            checks: Vec::new(),
            warned: false,
        };
        Self { from: Grounds::Default, ..Self::room(answer) }
    }

    /// The room refused the question: nothing was decided, whatever is to be done where no room answers.
    pub(super) fn refused(why: &str) -> Self {
        let answer = Answer {
            allowed: false,
            hold: false,
            abort: false,
            because: Because::Undecided,
            reason: format!("wrong usage: {why}"),
            freeze: None,
            incident: None,
            valid_until: None,
            seq: 0,
            checks: Vec::new(),
            warned: false,
        };
        Self { wrong: true, ..Self::room(answer) }
    }

    pub(super) fn overridden(&mut self, reason: &str, spooled: Option<&Path>) {
        let how = if spooled.is_some() { "written down here" } else { "recorded" };
        self.answer.reason = format!("overridden ({how}): {reason}; against: {}", self.answer.reason);
        self.over = Some(reason.to_owned());
    }

    /// Whether the change goes.
    pub fn goes(&self) -> bool {
        self.answer.allowed || self.over.is_some()
    }

    /// Exit code.
    pub fn exit(&self) -> u8 {
        match self.answer.because {
            _ if self.wrong => 2,
            _ if self.goes() => 0,
            // A room that says no without a reason for it is taken at its no.
            because => because.exit().max(10),
        }
    }

    /// One line for people.
    pub fn line(&self) -> String {
        text::line(&self.answer.reason).into_owned()
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        json!({
            "allowed": self.goes(),
            "hold": self.answer.hold && !self.goes(),
            "abort": self.answer.abort,
            "because": self.answer.because,
            "reason": self.line(),
            "freeze": self.answer.freeze,
            "incident": self.answer.incident,
            "valid_until": self.answer.valid_until.map(rfc3339),
            "seq": self.answer.seq,
            "checks": answer::checks(&self.answer),
            "age_ms": self.age.as_millis(),
            "from": self.from.word(),
            "override": self.over,
            "exit": self.exit(),
        })
    }
}

/// One unit: `4m`.
fn short(age: Span) -> String {
    match age.as_secs() {
        s @ 0..60 => format!("{s}s"),
        s @ 60..3_600 => format!("{}m", s / 60),
        s => format!("{}h{:02}m", s / 3_600, s / 60 % 60),
    }
}
