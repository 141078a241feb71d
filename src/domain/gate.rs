//! "May this change go?" One pure decision; every surface is thin over it.

use super::{
    command::Ctx,
    event::Event,
    fact::Fact,
    freeze::FreezeFact,
    id::{FreezeId, IncidentId},
    known,
    name::{self, Malformed, Noun},
    readiness::{self, Line},
    refusal::{Code, Refusal},
    state::State,
    time::{Span, Stamp, Wall, minute_utc},
    verdict::Verdict,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What is to be done with an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Put a new artifact into an environment.
    Deploy,
    /// Move an artifact on to the next environment or to more users.
    Promote,
    /// Put an earlier artifact back.
    Rollback,
}

impl Action {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Promote => "promote",
            Self::Rollback => "rollback",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Action {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "deploy" => Ok(Self::Deploy),
            "promote" => Ok(Self::Promote),
            "rollback" => Ok(Self::Rollback),
            _ => Err(format!("{word:?} is not an action: deploy, promote or rollback")),
        }
    }
}

/// A change that asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Service, `checkout`.
    pub service: String,
    /// Environment, `prod`.
    pub env: String,
    /// Artifact as the pipeline names it: a digest, `checkout@2.4.2`.
    pub artifact: String,
    /// What is to be done with it.
    pub action: Action,
    /// Ask only; proves a freeze, changes nothing.
    #[serde(default)]
    pub dry_run: bool,
    /// The name under which it asks. Claimed: who it is stays what the kernel or the token proves.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
}

/// Longest name under which a change may ask, in bytes.
pub const ALIAS_MAX: usize = 40;

impl Request {
    /// The request as it may be answered, journaled and shown: its names as the rules compare them. Whether they are
    /// known is part of the answer.
    ///
    /// # Errors
    /// `Invalid` where a name is none, or hides, or only looks like one.
    pub fn checked(self, state: &State) -> Result<Self, Refusal> {
        self.read(|noun, given| known::asked(state, noun, given))
    }

    /// The same where the caller does not know what the room has configured: what could be no name of any room is
    /// refused.
    ///
    /// # Errors
    /// As of [`Self::checked`].
    pub fn checked_alone(self) -> Result<Self, Refusal> {
        let may_be =
            |noun, name: &str| noun != Noun::Artifact && name::unfit_for_configuration(noun, name).is_none();
        self.read(|noun, given| {
            name::read(noun, given, |name| may_be(noun, name)).map_err(|wrong: Malformed| wrong.refusal(None))
        })
    }

    fn read(mut self, read: impl Fn(Noun, &str) -> Result<String, Refusal>) -> Result<Self, Refusal> {
        self.service = read(Noun::Service, &self.service)?;
        self.env = read(Noun::Environment, &self.env)?;
        self.artifact = read(Noun::Artifact, &self.artifact)?;
        if let Some(alias) = &self.alias
            && (alias.is_empty() || alias.len() > ALIAS_MAX || !alias.chars().all(is_of_a_name))
        {
            return Err(Refusal::new(
                Code::Invalid,
                format!("the name under which it asks is no word of at most {ALIAS_MAX} bytes"),
            )
            .hint("letters, digits and . _ - / : @, such as pipeline or ci/build-77"));
        }
        Ok(self)
    }
}

/// What a claimed name is made of: nothing that could pass for the proved one behind it.
fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-/:@".contains(c)
}

/// Why the gate says what it says, with the exit code of `warroom gate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// Nothing stands against it: 0.
    Open,
    /// A freeze covers it and an exemption lets it pass: 0.
    Exempted,
    /// A freeze covers it: 10.
    Frozen,
    /// A readiness check says no, or the artifact was judged bad: 11.
    NotReady,
    /// Nobody can say: a name or a readiness check is unknown, or the journal cannot be written: 12.
    Undecided,
    /// The room is out of reach: 20.
    Unreachable,
}

impl Because {
    /// Exit code of `warroom gate`.
    pub fn exit(self) -> u8 {
        match self {
            Self::Open | Self::Exempted => 0,
            Self::Frozen => 10,
            Self::NotReady => 11,
            Self::Undecided => 12,
            Self::Unreachable => 20,
        }
    }
}

/// The gate's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether it may go.
    pub allowed: bool,
    /// Whether to wait and ask again, instead of giving up.
    pub hold: bool,
    /// Whether a running rollout should be taken back; only ever by a person's command.
    pub abort: bool,
    /// Why.
    pub because: Because,
    /// The same for people, one line.
    pub reason: String,
    /// The freeze, where one covers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<FreezeId>,
    /// Its incident.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// Until when the answer holds if nothing happens; a cached deny dies then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Wall>,
    /// Position of the journal it was made from.
    pub seq: u64,
    /// The service's readiness checks as they stood, where the change depends on them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Line>,
    /// It may go only because it is a rollback: for a deploy nobody could say. The reason says why; the journal keeps it,
    /// when it takes events again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warned: bool,
}

impl Answer {
    /// Whether the journal has a use for it: what was refused for a reason that the journal knows, what passed a freeze,
    /// and a rollback that passed with a warning. That it is open is not written down, nor that nothing can be.
    pub fn is_kept(&self) -> bool {
        match self.because {
            Because::Frozen | Because::NotReady | Because::Exempted => true,
            Because::Undecided => !self.checks.is_empty(),
            Because::Open => self.warned,
            Because::Unreachable => false,
        }
    }
}

/// Decides from durable state alone. Never waits, never writes.
pub fn answer(state: &State, request: &Request, now: &Stamp) -> Answer {
    let answer = by_what_is_known(state, request, now);
    match &state.newer {
        // What refuses it still does, as far as is known here.
        Some(newer) if answer.allowed => in_doubt(&answer, request.action, &newer.to_string()),
        _ => answer,
    }
}

fn by_what_is_known(state: &State, request: &Request, now: &Stamp) -> Answer {
    let covering: Vec<_> = state
        .freezes
        .values()
        .filter(|freeze| freeze.holds())
        .filter(|freeze| freeze.scope.covers(&request.service, &request.env, request.action))
        .collect();
    // Of several the one that ends last: a cached deny must not die before it.
    let strict = covering
        .iter()
        .filter(|freeze| !freeze.exemptions.iter().any(|exemption| exemption.artifact == request.artifact))
        .max_by_key(|freeze| (freeze.ends.wall, std::cmp::Reverse(freeze.id)));
    let base = Answer {
        allowed: true,
        hold: false,
        abort: false,
        because: Because::Open,
        reason: one_line(&format!(
            "open: no freeze covers {} of {}/{}",
            request.action, request.service, request.env
        )),
        freeze: None,
        incident: None,
        valid_until: None,
        seq: state.head,
        checks: Vec::new(),
        warned: false,
    };
    if let Some(freeze) = strict {
        let lasts = if freeze.ends.reached(now) {
            "its lease is ending".to_owned()
        } else {
            format!("until {}", minute_utc(freeze.ends.wall))
        };
        let whose = freeze.incident.map(|id| format!(" for {id}")).unwrap_or_default();
        return Answer {
            allowed: false,
            hold: true,
            because: Because::Frozen,
            reason: one_line(&format!(
                "frozen: {}{whose} by {} {lasts}: {} (to let this one pass: warroom exempt {} {})",
                freeze.id, freeze.owner, freeze.reason, freeze.id, request.artifact
            )),
            freeze: Some(freeze.id),
            incident: freeze.incident,
            valid_until: Some(freeze.ends.wall),
            ..base
        };
    }
    if request.action != Action::Rollback
        && let Some(verdict) = state.judged_bad(&request.service, &request.artifact)
    {
        return Answer {
            allowed: false,
            because: Because::NotReady,
            reason: one_line(&format!("not ready: {} was judged bad: {verdict}", request.artifact)),
            ..base
        };
    }
    let doubt = known::doubt(state, request);
    if let (Some(doubt), false) = (&doubt, request.action == Action::Rollback) {
        return Answer {
            allowed: false,
            hold: true,
            because: Because::Undecided,
            reason: one_line(&format!("undecided: {doubt}")),
            ..base
        };
    }
    let checks = match request.action {
        // The way out of what the checks complain of.
        Action::Rollback => Vec::new(),
        Action::Deploy | Action::Promote => {
            readiness::lines(state, &request.service, Some(&request.env), now)
        }
    };
    let ready = readiness::together(&checks);
    // Who exempts an artifact for an incident names the fix of what makes the checks complain.
    let fix = covering.iter().find(|freeze| freeze.incident.is_some());
    if ready != Verdict::Yes && fix.is_none() {
        return unready(&request.service, ready, checks, &base);
    }
    if let Some(freeze) = fix.or(covering.first()) {
        let passed_over = match ready {
            Verdict::Yes => String::new(),
            _ => format!(", although {}", readiness::complaint(&checks)),
        };
        return Answer {
            because: Because::Exempted,
            reason: one_line(&format!(
                "open: {} is exempt from {}{passed_over}",
                request.artifact, freeze.id
            )),
            freeze: Some(freeze.id),
            incident: freeze.incident,
            checks,
            ..base
        };
    }
    // A rollback is the way out: it is warned and not held.
    let reason = match &doubt {
        Some(doubt) => one_line(&format!("open: a rollback is never held, with a warning: {doubt}")),
        None => base.reason.clone(),
    };
    Answer { reason, checks, warned: doubt.is_some(), ..base }
}

/// What a change of a service is told that is not ready, or of which nobody knows: wait, it may become so.
fn unready(service: &str, ready: Verdict, checks: Vec<Line>, base: &Answer) -> Answer {
    let (because, lead) = if ready == Verdict::No {
        (Because::NotReady, "not ready")
    } else {
        (Because::Undecided, "undecided: nobody knows whether it is ready")
    };
    let reason = one_line(&format!("{lead}: {service}: {}", readiness::complaint(&checks)));
    Answer { allowed: false, hold: true, because, reason, checks, ..*base }
}

/// What a room answers whose journal may not take events, with why; `None` where it takes them. A freeze that it knows
/// holds; of anything else nobody can say, for what another room or person did may be on its way. Where nothing can be
/// written down, the end of a lease is not either, and yet it holds no longer.
pub fn when_writable(answer: Answer, action: Action, doubt: Option<&str>, now: &Stamp) -> Answer {
    let over = answer.because == Because::Frozen && answer.valid_until.is_some_and(|end| end <= now.wall);
    match doubt {
        Some(why) if answer.allowed || over => {
            let freeze = answer.freeze.filter(|_| !over);
            let incident = answer.incident.filter(|_| !over);
            in_doubt(&Answer { freeze, incident, ..answer }, action, why)
        }
        _ => answer,
    }
}

/// Nobody can say: deploys and promotions wait. A rollback is the way out, so it passes, with a warning that is recorded.
fn in_doubt(answer: &Answer, action: Action, why: &str) -> Answer {
    let rollback = action == Action::Rollback;
    let (because, reason) = if rollback {
        (Because::Open, format!("open, with a warning: a rollback is not held by what nobody knows: {why}"))
    } else {
        (Because::Undecided, format!("undecided: {why}; nothing is let through, ask again"))
    };
    Answer {
        allowed: rollback,
        hold: !rollback,
        because,
        reason: one_line(&reason),
        valid_until: None,
        checks: Vec::new(),
        warned: rollback,
        ..answer.clone()
    }
}

/// Names come from pipelines and reasons from people; the answer is one line of a log.
fn one_line(reason: &str) -> String {
    super::text::line(reason).chars().take(1_000).collect()
}

/// What the journal keeps of the gate: refusals and what passed a freeze.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateFact {
    /// A change was refused, `times` since the event before for the same freeze, artifact and actor.
    Refused {
        /// The change.
        request: Request,
        /// Why.
        because: Because,
        /// The freeze, where one refused it.
        freeze: Option<FreezeId>,
        /// Why.
        reason: String,
        /// How often, since it was last written down.
        times: u64,
        /// The readiness checks that refused it, those that say no before those that are unknown.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        checks: Vec<String>,
    },
    /// A change passed a freeze by exemption.
    Passed {
        /// The change.
        request: Request,
        /// Which freeze.
        freeze: FreezeId,
        /// How often, since it was last written down.
        #[serde(default = "once", skip_serializing_if = "is_once")]
        times: u64,
    },
    /// A rollback passed although nobody could say whether it may: the room could not write its journal, or did not
    /// understand all of it.
    Warned {
        /// The change.
        request: Request,
        /// What the answer said.
        reason: String,
        /// How often, since it was last written down.
        times: u64,
    },
    /// A caller went on although the room was out of reach or had refused.
    Overridden {
        /// The change.
        request: Request,
        /// Why.
        reason: String,
    },
}

fn once() -> u64 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_once(times: &u64) -> bool {
    *times == 1
}

impl GateFact {
    /// The change that asked.
    pub fn request(&self) -> &Request {
        match self {
            Self::Refused { request, .. }
            | Self::Passed { request, .. }
            | Self::Warned { request, .. }
            | Self::Overridden { request, .. } => request,
        }
    }

    /// Whose incident.
    pub fn incident(&self, state: &State) -> Option<IncidentId> {
        let freeze = match self {
            Self::Refused { freeze, .. } => *freeze,
            Self::Passed { freeze, .. } => Some(*freeze),
            Self::Warned { .. } | Self::Overridden { .. } => None,
        };
        match freeze {
            Some(id) => state.freezes.get(&id).and_then(|freeze| freeze.incident),
            None => state.open_incident().map(|incident| incident.id),
        }
    }
}

/// What the gate's loop has written down, after it answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateCommand {
    /// It refused this, so many times since it last said so.
    Refused {
        /// The change.
        request: Request,
        /// What it said.
        answer: Answer,
        /// How often, since it was last written down.
        times: u64,
    },
    /// It let this through under a freeze.
    Passed {
        /// The change.
        request: Request,
        /// Which freeze.
        freeze: FreezeId,
        /// How often, since it was last written down.
        #[serde(default = "once")]
        times: u64,
    },
    /// It let this rollback through with a warning.
    Warned {
        /// The change.
        request: Request,
        /// What the answer said.
        reason: String,
        /// How often, since it was last written down.
        times: u64,
    },
    /// A caller says that it went on regardless.
    Override {
        /// The change.
        request: Request,
        /// Why.
        reason: String,
    },
}

/// How long repeats of one refusal are gathered into one event.
pub const COALESCE: Span = Span::secs(30);

impl Request {
    /// The same with its names safe to show and bounded.
    fn clean(&self) -> Self {
        let name = |given: &str| super::text::line(given).chars().take(300).collect::<String>();
        Self {
            service: name(&self.service),
            env: name(&self.env),
            artifact: name(&self.artifact),
            action: self.action,
            dry_run: self.dry_run,
            alias: self
                .alias
                .as_deref()
                .map(|given| given.chars().filter(|c| is_of_a_name(*c)).take(ALIAS_MAX).collect()),
        }
    }
}

/// The checks that are why.
fn refusing(answer: &Answer) -> Vec<String> {
    let of = |verdict| answer.checks.iter().filter(move |line| line.verdict == verdict);
    of(Verdict::No).chain(of(Verdict::Unknown)).map(|line| line.check.clone()).collect()
}

pub(super) fn decide(state: &State, command: &GateCommand, ctx: &Ctx) -> Result<Vec<Fact>, Refusal> {
    Ok(match command {
        GateCommand::Refused { request, answer, times } => {
            if answer.allowed || *times == 0 {
                return Err(Refusal::new(Code::Invalid, "that is no refusal"));
            }
            let freeze = answer.freeze.and_then(|id| state.freezes.get(&id));
            if answer.freeze.is_some() != freeze.is_some() {
                return Err(Refusal::new(Code::Unknown, "the freeze that refused is not there"));
            }
            let mut facts = Vec::new();
            if !request.dry_run {
                facts.push(Fact::Gate(GateFact::Refused {
                    request: request.clean(),
                    because: answer.because,
                    freeze: answer.freeze,
                    reason: one_line(&answer.reason),
                    times: *times,
                    checks: refusing(answer),
                }));
            }
            let proved = freeze.filter(|freeze| {
                freeze.holds() && freeze.scope.covers(&request.service, &request.env, request.action)
            });
            if let (true, Some(freeze)) = (request.dry_run, proved) {
                facts.push(Fact::Freeze(FreezeFact::Proved {
                    freeze: freeze.id,
                    how: one_line(&format!(
                        "a dry run of {} {} was refused",
                        request.action, request.artifact
                    )),
                }));
            }
            facts
        }
        GateCommand::Passed { request, freeze, times } => {
            if !state.freezes.contains_key(freeze) {
                return Err(Refusal::unknown("freeze", freeze));
            }
            if request.dry_run {
                return Ok(Vec::new());
            }
            vec![Fact::Gate(GateFact::Passed { request: request.clean(), freeze: *freeze, times: *times })]
        }
        GateCommand::Warned { request, reason, times } => {
            if request.dry_run {
                return Ok(Vec::new());
            }
            vec![Fact::Gate(GateFact::Warned {
                request: request.clean(),
                reason: one_line(reason),
                times: *times,
            })]
        }
        GateCommand::Override { request, reason } => {
            if ctx.actor.is_room() {
                return Err(Refusal::new(Code::Forbidden, "the room overrides nothing"));
            }
            let reason = super::refusal::text("the reason", reason, 400)?;
            vec![Fact::Gate(GateFact::Overridden { request: request.clean(), reason })]
        }
    })
}

pub(super) fn apply(state: &mut State, fact: &GateFact, event: &Event) {
    match fact {
        GateFact::Refused { freeze: Some(id), times, request, .. } => {
            if let Some(freeze) = state.freezes.get_mut(id) {
                freeze.refused = freeze.refused.saturating_add(*times);
                freeze.refuse(&request.artifact, &event.actor, request.alias.as_ref());
            }
        }
        GateFact::Passed { freeze, times, .. } => {
            if let Some(freeze) = state.freezes.get_mut(freeze) {
                freeze.passed = freeze.passed.saturating_add(*times);
            }
        }
        GateFact::Refused { .. } | GateFact::Warned { .. } | GateFact::Overridden { .. } => {}
    }
}
