//! What a verb means: the command that the room is given.

use super::Verb;
use crate::{
    cli::reach,
    domain::{
        Command, Refusal, State,
        board::{BoardCommand, BoardLine},
        cadence::Audience,
        decision::DecisionCommand,
        deviation::DeviationCommand,
        freeze::{AllServices, FreezeCommand, Scope},
        gate::Action,
        incident::IncidentCommand,
        note::NoteCommand,
        refusal::Code,
        release::{Judgement, ReleaseCommand},
        task::TaskCommand,
        time::Wall,
    },
    os::clock,
};

pub(super) fn audience(external: bool) -> Audience {
    if external { Audience::External } else { Audience::Internal }
}

/// Words as they are given; `-` reads standard input.
pub fn words(text: &str) -> Result<String, Refusal> {
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

/// How far all services were asked for.
fn all(asked: bool, again: bool) -> Option<AllServices> {
    asked.then_some(if again { AllServices::Confirmed } else { AllServices::Asked })
}

/// The command that a verb means, in this state.
///
/// # Errors
/// Where the state has not what it needs.
pub fn command(verb: &Verb, state: &State) -> Result<Command, Refusal> {
    let incident = || reach::incident(state, verb.about().incident);
    let me = || crate::os::peer::name_now(crate::os::peer::my_uid());
    Ok(match verb {
        Verb::Declare { title, severity, services, env, freeze, all_services, yes, .. } => {
            Command::Incident(IncidentCommand::Declare {
                title: title.clone(),
                severity: *severity,
                services: services.clone(),
                env: env.clone(),
                freeze: *freeze,
                all: all(*all_services, *yes),
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
        Verb::Freeze { reason, services, all_services, yes, envs, rollbacks, lease, .. } => {
            let id = incident().ok();
            let known = id.and_then(|id| state.incidents.get(&id));
            let or = |given: &[String], own: Option<Vec<String>>| {
                if given.is_empty() { own.unwrap_or_default() } else { given.to_vec() }
            };
            let mut scope = Scope::deploys(
                or(services, known.filter(|_| !all_services).map(|one| one.services.clone())),
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
                all: all(*all_services, *yes),
            })
        }
        Verb::Renew { freeze, lease, reason, .. } => {
            Command::Freeze(FreezeCommand::Renew { freeze: *freeze, lease: *lease, reason: reason.clone() })
        }
        Verb::Exempt { freeze, artifact, reason, break_glass, .. } => {
            Command::Freeze(FreezeCommand::Exempt {
                freeze: *freeze,
                artifact: artifact.clone(),
                reason: reason.clone(),
                glass: *break_glass,
            })
        }
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
