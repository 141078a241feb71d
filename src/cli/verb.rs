//! What a seat does by a key, as a verb for scripts.

use super::{
    With, exit,
    reach::{self, Session, Unreached},
};
use crate::{
    domain::{
        Command, Refusal, State,
        board::{BoardCommand, BoardLine},
        cadence::{Audience, too_soon},
        clock::Moment,
        decision::DecisionCommand,
        deviation::{DeviationCommand, ReasonCode},
        freeze::{FreezeCommand, Scope},
        gate::Action,
        handover::SAY,
        id::{DeviationId, FreezeId, IncidentId, TaskId},
        incident::{COMMANDER, Incident, IncidentCommand, SeverityDifference, Status, StepsDifference},
        note::NoteCommand,
        refusal::Code,
        release::{Judgement, ReleaseCommand},
        severity::Severity,
        task::TaskCommand,
        time::{Span, Wall},
        walk::approval,
    },
    os::clock,
    wire::Outcome,
};
use clap::{Args, Subcommand};
use std::process::ExitCode;

/// What every verb takes.
#[derive(Debug, Clone, Args)]
pub struct About {
    /// The incident; the open one that matters most where none is given
    #[arg(long, short, value_name = "INCIDENT", env = "WARROOM_INCIDENT")]
    pub(super) incident: Option<IncidentId>,
    /// What became of it, as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Verbs.
#[derive(Debug, Clone, Subcommand)]
pub enum Verb {
    /// Declare an incident; you command it
    Declare {
        /// One line: what is wrong
        title: String,
        /// SEV1 (worst) to SEV5
        #[arg(long, short, default_value = "SEV2")]
        severity: Severity,
        /// Services it hurts
        #[arg(long = "service", value_name = "SERVICE")]
        services: Vec<String>,
        /// Environment
        #[arg(long)]
        env: Option<String>,
        /// Freeze deploys of these services at once
        #[arg(long)]
        freeze: bool,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Write something down; `-` reads standard input
    Note {
        /// The words
        text: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Decide, in one line
    Decide {
        /// What is decided
        text: String,
        /// An option that was weighed
        #[arg(long = "option", value_name = "TEXT")]
        options: Vec<String>,
        /// What may go wrong
        #[arg(long)]
        risks: Option<String>,
        /// Look at it again after this, 30m
        #[arg(long, value_name = "TIME")]
        review: Option<Span>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Give somebody a task
    Task {
        /// What is to be done
        text: String,
        /// Who does it [default: you]
        #[arg(long)]
        owner: Option<String>,
        /// Time box, 15m
        #[arg(long)]
        within: Option<Span>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// A task is done
    Done {
        /// Which
        task: TaskId,
        /// With what result
        #[arg(default_value = "")]
        result: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Give a role: deputy, scribe, communications, operations, or any other; command is offered, not given
    Role {
        /// The role
        role: String,
        /// Login name; nobody where none is given
        who: Option<String>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Change severity; shows what that brings before it is done
    Severity {
        /// SEV1 to SEV5
        to: Severity,
        /// Why
        #[arg(long)]
        reason: Option<String>,
        /// Only show the difference
        #[arg(long)]
        show: bool,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Set status: investigating, identified, mitigating, monitoring, resolved, closed
    State {
        /// The status
        to: Status,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Write the console's line: now, goal or else
    Board {
        /// Which line
        #[arg(value_parser = ["now", "goal", "else"])]
        line: String,
        /// The words
        text: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Send an update to its targets; its clock starts anew
    Update {
        /// What is said; `-` reads standard input
        #[arg(required_unless_present = "draft")]
        text: Option<String>,
        /// To this target, in place of the configured ones; several may be given
        #[arg(long = "to", value_name = "TARGET")]
        to: Vec<String>,
        /// Only write it down
        #[arg(long, conflicts_with = "to")]
        nowhere: bool,
        /// Only print what the room would say, for you to change
        #[arg(long)]
        draft: bool,
        /// For those outside, to the external targets
        #[arg(long)]
        external: bool,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Say when something really was
    Correct {
        /// change, onset, detected, acknowledged, decided, acted or verified
        #[arg(value_parser = moment)]
        moment: Moment,
        /// 01:52Z today, or RFC 3339
        at: String,
        /// How it is known
        #[arg(long)]
        reason: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Freeze deploys and promotions; rollbacks stay free
    Freeze {
        /// Why
        reason: String,
        /// Services; the incident's where none is given
        #[arg(long = "service", value_name = "SERVICE")]
        services: Vec<String>,
        /// Environments; the incident's where none is given
        #[arg(long = "env", value_name = "ENV")]
        envs: Vec<String>,
        /// Rollbacks too
        #[arg(long)]
        rollbacks: bool,
        /// How long, 2h
        #[arg(long = "for", value_name = "TIME")]
        lease: Option<Span>,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Renew a freeze's lease from now
    Renew {
        /// Which
        freeze: FreezeId,
        /// How long, 2h
        #[arg(long = "for", value_name = "TIME", default_value = "2h")]
        lease: Span,
        /// Why
        #[arg(long)]
        reason: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Let one artifact pass a freeze
    Exempt {
        /// Which freeze
        freeze: FreezeId,
        /// The artifact exactly as the pipeline names it
        artifact: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Lift a freeze
    Thaw {
        /// Which; the only one that holds where none is given
        freeze: Option<FreezeId>,
        /// Why
        #[arg(long)]
        reason: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Judge an artifact good or bad; the gate lets no bad one be deployed
    Judge {
        /// good or bad
        #[arg(value_parser = ["good", "bad"])]
        verdict: String,
        /// Service
        service: String,
        /// Artifact, 2.4.1
        artifact: String,
        /// Why
        #[arg(long)]
        reason: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Give the reason that a deviation owes
    Reason {
        /// Which
        deviation: DeviationId,
        /// A reason code, or its number 1 to 8
        code: ReasonCode,
        /// In words
        #[arg(default_value = "")]
        text: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Record something done that stands in no runbook
    Unlisted {
        /// What was done
        actual: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
    /// Answer a prompt of the post-mortem draft; `-` reads standard input
    Answer {
        /// The prompt's key
        prompt: String,
        /// The words
        text: String,
        /// What every verb takes
        #[command(flatten)]
        about: About,
    },
}

fn moment(word: &str) -> Result<Moment, String> {
    Moment::ALL.into_iter().find(|moment| moment.word() == word).ok_or_else(|| {
        let all: Vec<_> = Moment::ALL.iter().map(|moment| moment.word()).collect();
        format!("it is one of {}", all.join(", "))
    })
}

impl Verb {
    fn about(&self) -> &About {
        match self {
            Self::Declare { about, .. }
            | Self::Note { about, .. }
            | Self::Decide { about, .. }
            | Self::Task { about, .. }
            | Self::Done { about, .. }
            | Self::Role { about, .. }
            | Self::Severity { about, .. }
            | Self::State { about, .. }
            | Self::Board { about, .. }
            | Self::Update { about, .. }
            | Self::Correct { about, .. }
            | Self::Freeze { about, .. }
            | Self::Renew { about, .. }
            | Self::Exempt { about, .. }
            | Self::Thaw { about, .. }
            | Self::Judge { about, .. }
            | Self::Reason { about, .. }
            | Self::Unlisted { about, .. }
            | Self::Answer { about, .. } => about,
        }
    }
}

/// Does a verb.
pub fn run(with: &With, verb: Verb) -> ExitCode {
    exit::block_on(async move {
        match act(with, verb).await {
            Ok(code) => code,
            Err(error) => error.say(),
        }
    })
}

async fn act(with: &With, verb: Verb) -> Result<u8, Unreached> {
    let json = verb.about().json;
    let mut session = Session::open(with).await?;
    let state = session.state().await?;
    if let Verb::Severity { to, show, about, .. } = &verb
        && let Ok(id) = reach::incident(&state, about.incident)
        && let Ok(incident) = state.known(id)
    {
        let difference = crate::domain::incident::difference(&state, incident, *to);
        let steps = steps(&state, incident, &difference);
        if json && *show {
            exit::print(&serde_json::json!({ "difference": difference, "steps": steps }));
        } else if !json {
            for line in difference_lines(incident.severity, *to, &difference, steps.as_ref()) {
                println!("{line}");
            }
        }
        if *show {
            return Ok(exit::DONE);
        }
    }
    if let Verb::Update { draft: false, external, about, .. } = &verb
        && let Ok(incident) = reach::incident(&state, about.incident).and_then(|id| state.known(id))
        && let Some(why) = too_soon(incident, audience(*external), &clock::now())
    {
        eprintln!("too soon? {why}");
    }
    if let Verb::Update { draft: true, external, about, .. } = &verb {
        let known = reach::incident(&state, about.incident).and_then(|id| state.known(id));
        return Ok(match known {
            Ok(incident) => {
                let draft = crate::domain::board::draft(incident, audience(*external), &clock::now());
                println!("{}", crate::domain::text::block(&draft));
                exit::DONE
            }
            Err(refusal) => exit::outcome(&Outcome::Refused(refusal), json),
        });
    }
    let command = match command(&verb, &state) {
        Ok(command) => command,
        Err(refusal) => return Ok(exit::outcome(&Outcome::Refused(refusal), json)),
    };
    let outcome = session.act(command.clone()).await?;
    if let (false, Outcome::Ok { .. }, Command::Incident(IncidentCommand::Role { role, who, .. })) =
        (json, &outcome, &command)
        && approval::role(&role.to_lowercase()) == COMMANDER
        && *who != crate::os::peer::name_now(crate::os::peer::my_uid())
    {
        println!("command is offered to {who}, and stays where it is until {who} says: {SAY}");
    }
    Ok(exit::outcome(&outcome, json))
}

/// What the runbook of another severity changes in what is to be done, where it can be read here.
fn steps(state: &State, incident: &Incident, difference: &SeverityDifference) -> Option<StepsDifference> {
    let to = super::step::load(difference.runbook.as_ref()?).ok()?;
    let walked = state.walks.values().rev().find(|walk| walk.incident == Some(incident.id));
    let row = state.policy.severities.get(&incident.severity);
    let old = row.and_then(|row| super::step::load(row.runbook.as_ref()?).ok());
    let from = walked.map(|walk| walk.runbook.clone()).or(old);
    Some(crate::domain::incident::steps(from.as_deref(), &to))
}

/// What a change of severity brings, in lines.
pub fn difference_lines(
    from: Severity,
    to: Severity,
    difference: &SeverityDifference,
    steps: Option<&StepsDifference>,
) -> Vec<String> {
    let mut lines = vec![format!("{from} → {to}")];
    lines.extend(difference.meaning.iter().map(|meaning| format!("  means    {meaning}")));
    lines.extend(difference.runbook.iter().map(|runbook| format!("  runbook  {runbook}")));
    lines.extend(steps.into_iter().flat_map(StepsDifference::lines).map(|line| format!("  steps    {line}")));
    if !difference.roles_spare.is_empty() {
        lines.push(format!("  people   not wanted any more: {}", difference.roles_spare.join(", ")));
    }
    if !difference.roles_missing.is_empty() {
        lines.push(format!("  people   wanted and missing: {}", difference.roles_missing.join(", ")));
    }
    let show = |every: Option<Span>| every.map_or("none".into(), |every| format!("every {every}"));
    lines.extend(
        difference
            .cadence
            .iter()
            .map(|one| format!("  {:<8} {} instead of {}", one.beat.word(), show(one.to), show(one.from))),
    );
    lines.extend(difference.freeze.map(|lease| format!("  freeze   proposed for {lease}: warroom freeze")));
    lines.extend(difference.freeze_stays.iter().map(|freeze| format!("  freeze   {freeze} stays as it is")));
    if !difference.pages.is_empty() {
        lines.push(format!("  PAGES    {}, with the change", difference.pages.join(", ")));
    }
    lines.extend(
        difference.page_proposed.iter().map(|who| format!("  page     proposed: warroom page {who}")),
    );
    if lines.len() == 1 {
        lines.push("  nothing else changes".into());
    }
    lines
}

fn audience(external: bool) -> Audience {
    if external { Audience::External } else { Audience::Internal }
}

/// Words as they are given; `-` reads standard input.
pub(super) fn words(text: &str) -> Result<String, Refusal> {
    if text != "-" {
        return Ok(text.to_owned());
    }
    let mut all = String::new();
    std::io::Read::read_to_string(&mut std::io::stdin(), &mut all)
        .map_err(|error| Refusal::new(Code::Invalid, format!("standard input cannot be read: {error}")))?;
    Ok(all)
}

/// A time as people say it: `01:52Z` is the last one that has passed.
///
/// # Errors
/// `Invalid` where it is neither that nor RFC 3339.
pub fn wall(text: &str, now: Wall) -> Result<Wall, Refusal> {
    if let Ok(at) = chrono::DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let bare = text.trim().trim_end_matches(['Z', 'z']);
    let time = chrono::NaiveTime::parse_from_str(bare, "%H:%M:%S")
        .or_else(|_| chrono::NaiveTime::parse_from_str(bare, "%H:%M"))
        .map_err(|_| {
            Refusal::new(Code::Invalid, format!("{text:?} is no time"))
                .hint("01:52Z, or 2026-03-01T01:52:00Z")
        })?;
    let today = now.date_naive().and_time(time).and_utc();
    Ok(if today > now { today - chrono::TimeDelta::days(1) } else { today })
}

/// The command that a verb means, in this state.
///
/// # Errors
/// Where the state has not what it needs.
pub fn command(verb: &Verb, state: &State) -> Result<Command, Refusal> {
    let incident = || reach::incident(state, verb.about().incident);
    let me = || crate::os::peer::name_now(crate::os::peer::my_uid());
    Ok(match verb {
        Verb::Declare { title, severity, services, env, freeze, .. } => {
            Command::Incident(IncidentCommand::Declare {
                title: title.clone(),
                severity: *severity,
                services: services.clone(),
                env: env.clone(),
                freeze: *freeze,
            })
        }
        Verb::Note { text, .. } => {
            Command::Note(NoteCommand::Say { incident: incident().ok(), text: words(text)? })
        }
        Verb::Decide { text, options, risks, review, .. } => Command::Decision(DecisionCommand::Make {
            incident: incident()?,
            text: text.clone(),
            options: options.clone(),
            risks: risks.clone(),
            review_in: *review,
        }),
        Verb::Task { text, owner, within, .. } => Command::Task(TaskCommand::Give {
            incident: incident()?,
            text: text.clone(),
            owner: owner.clone().unwrap_or_else(me),
            within: *within,
        }),
        Verb::Done { task, result, .. } => {
            Command::Task(TaskCommand::Done { incident: incident()?, task: *task, result: result.clone() })
        }
        Verb::Role { role, who: Some(who), .. } => Command::Incident(IncidentCommand::Role {
            incident: incident()?,
            role: role.clone(),
            who: who.clone(),
        }),
        Verb::Role { role, who: None, .. } => {
            Command::Incident(IncidentCommand::Unrole { incident: incident()?, role: role.clone() })
        }
        Verb::Severity { to, reason, .. } => Command::Incident(IncidentCommand::Severity {
            incident: incident()?,
            to: *to,
            reason: reason.clone().ok_or_else(|| {
                Refusal::new(Code::NeedsMore, "a change of severity needs a reason").hint("--reason \"…\"")
            })?,
        }),
        Verb::State { to, .. } => {
            Command::Incident(IncidentCommand::Status { incident: incident()?, to: *to })
        }
        Verb::Board { line, text, .. } => Command::Board(BoardCommand::Set {
            incident: incident()?,
            line: match line.as_str() {
                "goal" => BoardLine::Goal,
                "else" => BoardLine::Else,
                _ => BoardLine::Now,
            },
            text: text.clone(),
        }),
        Verb::Update { text, to, nowhere, external, .. } => Command::Board(BoardCommand::Updated {
            incident: incident()?,
            text: words(text.as_deref().unwrap_or_default())?,
            to: (*nowhere || !to.is_empty()).then(|| to.clone()),
            audience: audience(*external),
        }),
        Verb::Correct { moment, at, reason, .. } => Command::Incident(IncidentCommand::Correct {
            incident: incident()?,
            moment: *moment,
            at: wall(at, clock::now().wall)?,
            reason: reason.clone(),
        }),
        Verb::Freeze { reason, services, envs, rollbacks, lease, .. } => {
            let id = incident().ok();
            let known = id.and_then(|id| state.incidents.get(&id));
            let or = |given: &[String], own: Option<Vec<String>>| {
                if given.is_empty() { own.unwrap_or_default() } else { given.to_vec() }
            };
            let mut scope = Scope::deploys(
                or(services, known.map(|one| one.services.clone())),
                or(envs, known.map(|one| vec![one.env.clone()])),
            );
            if *rollbacks {
                scope.actions.push(Action::Rollback);
            }
            Command::Freeze(FreezeCommand::Begin {
                incident: id,
                scope,
                reason: reason.clone(),
                lease: *lease,
            })
        }
        Verb::Renew { freeze, lease, reason, .. } => {
            Command::Freeze(FreezeCommand::Renew { freeze: *freeze, lease: *lease, reason: reason.clone() })
        }
        Verb::Exempt { freeze, artifact, reason, .. } => Command::Freeze(FreezeCommand::Exempt {
            freeze: *freeze,
            artifact: artifact.clone(),
            reason: reason.clone(),
        }),
        Verb::Thaw { freeze, reason, .. } => {
            let mut holding = state.freezes.values().filter(|freeze| freeze.holds());
            let id = match (freeze, holding.next(), holding.next()) {
                (Some(id), _, _) => *id,
                (None, Some(only), None) => only.id,
                (None, None, _) => return Err(Refusal::new(Code::Unknown, "no freeze holds")),
                (None, Some(_), Some(_)) => {
                    return Err(Refusal::new(Code::NeedsMore, "more than one freeze holds")
                        .hint("name it: warroom status lists them"));
                }
            };
            Command::Freeze(FreezeCommand::Lift { freeze: id, reason: reason.clone() })
        }
        Verb::Judge { verdict, service, artifact, reason, .. } => Command::Release(ReleaseCommand::Judge {
            service: service.clone(),
            artifact: artifact.clone(),
            judgement: if verdict == "good" { Judgement::Good } else { Judgement::Bad },
            why: reason.clone(),
        }),
        Verb::Reason { deviation, code, text, .. } => Command::Deviation(DeviationCommand::Reason {
            deviation: *deviation,
            code: *code,
            text: text.clone(),
        }),
        Verb::Unlisted { actual, .. } => Command::Deviation(DeviationCommand::Unlisted {
            incident: incident()?,
            actual: actual.clone(),
            host: String::new(),
            code: None,
        }),
        Verb::Answer { prompt, text, .. } => Command::Incident(IncidentCommand::Answer {
            incident: incident()?,
            prompt: prompt.clone(),
            text: words(text)?,
        }),
    })
}
