//! A verb done: what it shows first, the command sent, what became of it.

use super::{Verb, command, command::audience};
use crate::{
    cli::{
        With, exit,
        reach::{self, Session, Unreached},
        step,
    },
    domain::{
        Command, State,
        cadence::too_soon,
        handover::SAY,
        incident::{COMMANDER, Incident, IncidentCommand, SeverityDifference, StepsDifference},
        severity::Severity,
        time::Span,
        walk::approval,
    },
    os::clock,
    wire::Outcome,
};
use std::process::ExitCode;

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
    let mut session = Session::open(with).await?.under(verb.about().glass.clone());
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
                say!("{line}");
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
        complain!("too soon? {why}");
    }
    if let Verb::Update { draft: true, external, about, .. } = &verb {
        let known = reach::incident(&state, about.incident).and_then(|id| state.known(id));
        return Ok(match known {
            Ok(incident) => {
                let draft = crate::domain::board::draft(incident, audience(*external), &clock::now());
                say!("{}", crate::domain::text::block(&draft));
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
        let known = reach::incident(&state, None).ok().and_then(|id| state.incidents.get(&id));
        if known.is_some_and(|incident| incident.commander() == Some(who.as_str())) {
            say!("{who} commands: you confirmed it");
            return Ok(exit::outcome(&outcome, json));
        }
        say!("command is offered to {who}, and stays where it is until {who} says: {SAY}");
    }
    Ok(exit::outcome(&outcome, json))
}

/// What the runbook of another severity changes in what is to be done, where it can be read here.
fn steps(state: &State, incident: &Incident, difference: &SeverityDifference) -> Option<StepsDifference> {
    let to = step::load(difference.runbook.as_ref()?).ok()?;
    let walked = state.walks.values().rev().find(|walk| walk.incident == Some(incident.id));
    let row = state.policy.severities.get(&incident.severity);
    let old = row.and_then(|row| step::load(row.runbook.as_ref()?).ok());
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
