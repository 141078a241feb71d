//! What an incoming commander must know, on one screen: the blocks of an ICS-201 incident briefing (situation,
//! objectives, organisation, actions, resources), rendered from the state. The only place that renders it.

use super::{
    board::Said,
    clock::ImpactState,
    id::IncidentId,
    incident::{COMMANDER, Incident},
    refusal::Refusal,
    state::State,
    text,
    time::{Span, Stamp, Wall, minute_utc},
    walk::{How, StepStatus, Walk, approval},
};
use serde::Serialize;

/// Lines of one block at most; what does not fit is counted.
const MOST: usize = 3;

/// Columns that a block's name takes before its words, in [`Briefing::lines`].
pub const NAMED: usize = 12;

/// A briefing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Briefing {
    /// Which incident.
    pub incident: IncidentId,
    /// `SEV1 INC-7 mitigating checkout 5xx`, one line.
    pub headline: String,
    /// Practice.
    pub drill: bool,
    /// As of when.
    pub at: Wall,
    /// Who commands, where anybody does.
    pub commander: Option<String>,
    /// Whom command is offered to.
    pub offered_to: Option<String>,
    /// Its blocks, in the order in which they are read out.
    pub blocks: Vec<Block>,
}

/// A block of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Block {
    /// `situation`, `goal`, `owed`.
    pub name: &'static str,
    /// What it says; never empty.
    pub lines: Vec<String>,
}

impl Briefing {
    /// The same as text: each block's name once, its lines beside it.
    pub fn lines(&self) -> Vec<String> {
        let mut out = vec![self.headline.clone()];
        for block in &self.blocks {
            for (index, line) in block.lines.iter().enumerate() {
                out.push(format!("  {:<9} {line}", if index == 0 { block.name } else { "" }));
            }
        }
        out
    }
}

/// The briefing of an incident at a moment.
///
/// # Errors
/// `Unknown` where there is no such incident.
pub fn briefing(state: &State, id: IncidentId, now: &Stamp) -> Result<Briefing, Refusal> {
    let incident = state.known(id)?;
    let walks: Vec<&Walk> = state.walks.values().filter(|walk| walk.incident == Some(id)).collect();
    let board = &incident.board;
    let said = |line: &Option<Said>, missing: &str| {
        line.as_ref().map_or_else(|| missing.to_owned(), |said| format!("{} ({})", said.text, said.by))
    };
    let blocks = vec![
        block("situation", situation(state, incident, now), usize::MAX),
        block("now", vec![said(&board.now, "nobody has said what is the case")], 1),
        block("goal", vec![said(&board.goal, "none was set")], 1),
        block("else", vec![said(&board.otherwise, "nothing is agreed for the case that it fails")], 1),
        block("people", people(state, incident, now), usize::MAX),
        block("decided", decided(incident, now), MOST),
        block("reported", reported(incident), MOST),
        block("done", done(&walks), MOST),
        block("open", open(incident, &walks, now), MOST + 1),
        block("frozen", frozen(state, id, now), MOST),
        block("clocks", clocks(state, incident, now), usize::MAX),
        block("owed", owed(state, id), MOST),
    ];
    let headline =
        format!("{} {id} {} in {}: {}", incident.severity, incident.status, incident.env, incident.title);
    Ok(Briefing {
        incident: id,
        headline: one(&headline),
        drill: incident.drill,
        at: now.wall,
        commander: incident.commander().map(one),
        offered_to: incident.handover.as_ref().map(|proposal| one(&proposal.to)),
        blocks,
    })
}

fn one(given: &str) -> String {
    let joined = given.split_whitespace().collect::<Vec<_>>().join(" ");
    text::line(&joined).into_owned()
}

fn block(name: &'static str, all: Vec<String>, most: usize) -> Block {
    let more = all.len().saturating_sub(most);
    let mut lines: Vec<String> = all.into_iter().take(most).map(|line| one(&line)).collect();
    if more > 0
        && let Some(last) = lines.last_mut()
    {
        last.extend(["  (and ", &more.to_string(), " more)"]);
    }
    if lines.is_empty() {
        lines.push("nothing".into());
    }
    Block { name, lines }
}

fn situation(state: &State, incident: &Incident, now: &Stamp) -> Vec<String> {
    let impact = incident.clocks.impact(&incident.declared, now);
    let word = match impact.state {
        ImpactState::Running => "goes on",
        ImpactState::Provisional => "good again, must hold",
        ImpactState::Final => "recovered",
    };
    let services =
        if incident.services.is_empty() { "no service named".into() } else { incident.services.join(", ") };
    let mut lines = vec![format!(
        "{services}; impact {} of {}, {word}; declared {} by {}",
        impact.time.brief(),
        incident.clocks.target,
        minute_utc(incident.declared.wall),
        incident.declared_by
    )];
    let bad: Vec<String> = state
        .breaches
        .values()
        .map(|breach| format!("{} {} since {}", breach.panel, breach.seen, minute_utc(breach.since.wall)))
        .collect();
    if !bad.is_empty() {
        lines.push(format!("beyond threshold: {}", bad.join(", ")));
    }
    let runs: Vec<String> = state
        .releases
        .values()
        .filter(|one| one.env == incident.env && incident.services.contains(&one.service))
        .map(|one| {
            let bad = if state.judged_bad(&one.service, &one.current).is_some() { " BAD" } else { "" };
            let was = one.previous.as_ref().map(|was| format!(", was {was}")).unwrap_or_default();
            format!("{} {}{bad} since {}{was}", one.service, one.current, minute_utc(one.since.wall))
        })
        .collect();
    if !runs.is_empty() {
        lines.push(format!("runs: {}", runs.join("; ")));
    }
    lines
}

fn people(state: &State, incident: &Incident, now: &Stamp) -> Vec<String> {
    let mut all = vec![format!("commander {}", incident.commander().unwrap_or("NOBODY"))];
    let others = incident.roles.iter().filter(|(role, _)| *role != COMMANDER);
    all.extend(others.map(|(role, holder)| format!("{role} {}", holder.who)));
    if let Some(row) = state.policy.severities.get(&incident.severity) {
        let missing = row.roles.iter().map(|role| approval::role(role));
        all.extend(
            missing
                .filter(|role| *role != COMMANDER && !incident.roles.contains_key(*role))
                .map(|role| format!("{role} MISSING")),
        );
    }
    let mut lines = vec![all.join(", ")];
    if let Some(proposal) = &incident.handover {
        let words = if proposal.words.is_empty() { String::new() } else { format!(": {}", proposal.words) };
        lines.push(format!("{} offers command to {}{words}", proposal.by, proposal.to));
    }
    let glasses =
        state.glasses.values().filter(|glass| glass.incident == Some(incident.id) && glass.holds(now));
    lines.extend(glasses.map(|glass| {
        let left = glass.ends.until(now).brief();
        format!("GLASS BROKEN by {}: {} for {left} more ({})", glass.by, glass.power, glass.reason)
    }));
    lines
}

/// What is open for objections, then what was decided, the newest first.
fn decided(incident: &Incident, now: &Stamp) -> Vec<String> {
    let open = incident.proposals.values().map(|one| {
        let against: Vec<&str> = one.objections.iter().map(|objection| objection.by.as_str()).collect();
        let against =
            if against.is_empty() { String::new() } else { format!(", {} object", against.join(", ")) };
        format!("PROPOSED {} {} ({}){against}", one.id, one.text, one.by)
    });
    let line = |one: &super::decision::Decided| {
        let review = one.review.as_ref().map(|review| format!(", review {}", left(&review.at, now)));
        format!("{} {} ({}){}", minute_utc(one.at.wall), one.text, one.by, review.unwrap_or_default())
    };
    open.chain(incident.decided.iter().rev().map(line)).collect()
}

/// What each person reported last, the newest first.
fn reported(incident: &Incident) -> Vec<String> {
    let mut all: Vec<_> = incident.reports.iter().collect();
    all.sort_by_key(|(_, report)| std::cmp::Reverse(report.seq));
    all.into_iter()
        .map(|(who, report)| format!("{} {} ({who})", minute_utc(report.at.wall), report.line()))
        .collect()
}

fn done(walks: &[&Walk]) -> Vec<String> {
    let mut ends: Vec<_> = walks
        .iter()
        .flat_map(|walk| {
            walk.runbook
                .steps()
                .filter_map(|step| Some((walk.title(step), walk.steps.get(&step.id)?.done.as_ref()?)))
        })
        .collect();
    ends.sort_by_key(|(_, end)| std::cmp::Reverse(end.seq));
    ends.into_iter()
        .map(|(title, end)| {
            let how = match &end.how {
                How::Done | How::Confirmed => String::new(),
                How::Satisfied => " (was so already)".into(),
                How::Manual => " (by hand)".into(),
                How::Chosen { label, .. } => format!(" ({label})"),
                How::NotApplicable => " (does not apply)".into(),
                How::Skipped => " (SKIPPED)".into(),
                How::Waited => " (waited)".into(),
            };
            let seen = if end.seen.is_empty() { String::new() } else { format!(": {}", end.seen) };
            format!("{} {}{how}{seen} ({})", minute_utc(end.at.wall), title, end.by)
        })
        .collect()
}

/// What runs, waits, failed or is to be done, the most pressing first.
fn open(incident: &Incident, walks: &[&Walk], now: &Stamp) -> Vec<String> {
    let mut lines = Vec::new();
    for walk in walks.iter().filter(|walk| walk.ended.is_none()) {
        for step in walk.runbook.steps() {
            let state = walk.state(&step.id);
            let owner = state.lease.as_ref().map(|lease| lease.owner.name.clone()).unwrap_or_default();
            let word = match state.status {
                StepStatus::Unknown => "UNKNOWN how far it came".into(),
                StepStatus::Failed => "FAILED".into(),
                StepStatus::Lent if state.asked.is_some() => format!("{owner} waits for approval"),
                StepStatus::Lent => format!("{owner} runs it"),
                StepStatus::Todo | StepStatus::Done => continue,
            };
            lines.push(format!("step \"{}\": {word}", walk.title(step)));
        }
        let (done, all) = walk.progress();
        if let Some(step) = walk.current().filter(|step| walk.status(&step.id) == StepStatus::Todo) {
            lines.push(format!("{} is at {done} of {all}, next: {}", walk.runbook.title, walk.title(step)));
        }
    }
    let mut tasks: Vec<_> = incident.tasks.values().filter(|task| task.is_open()).collect();
    let due = |task: &super::task::Task| task.due().map(|due| due.wall);
    tasks.sort_by_key(|task| (task.owner.is_some(), due(task).is_none(), due(task)));
    lines.extend(tasks.into_iter().map(|task| {
        let time = task.due().map(|due| format!(", {}", left(&due, now))).unwrap_or_default();
        let owner = task.owner.as_deref().unwrap_or("NO OWNER");
        let ack = if task.waits_for_acknowledgement() { ", not acknowledged" } else { "" };
        format!("{} {owner}: {}{time}{ack}", task.id, task.text)
    }));
    lines
}

fn left(due: &Stamp, now: &Stamp) -> String {
    if due.reached(now) {
        format!("{} OVER", due.elapsed(now).brief())
    } else {
        format!("{} left", due.until(now).brief())
    }
}

fn frozen(state: &State, id: IncidentId, now: &Stamp) -> Vec<String> {
    let mut holding: Vec<_> = state.freezes.values().filter(|freeze| freeze.holds()).collect();
    holding.sort_by_key(|freeze| freeze.incident != Some(id));
    let line = |freeze: &super::freeze::Freeze| {
        let proved = if freeze.proved.is_some() { "proved" } else { "NOT proved" };
        format!(
            "{} {} to {} ({}), {} refused, {} exempt, {proved}",
            freeze.id,
            freeze.scope.label(),
            minute_utc(freeze.ends.wall),
            left(&freeze.ends, now),
            freeze.refused,
            freeze.exemptions.len()
        )
    };
    holding.into_iter().map(line).collect()
}

fn clocks(state: &State, incident: &Incident, now: &Stamp) -> Vec<String> {
    let mut all = Vec::new();
    for (beat, clock) in &incident.board.beats {
        let off = clock.snoozed.as_ref().map(|one| format!(" (put off by {}: {})", one.by, one.reason));
        all.push(format!("next {beat} {}{}", left(&clock.due, now), off.unwrap_or_default()));
    }
    if let Some(good) = incident.clocks.first_good.as_ref().filter(|_| incident.clocks.recovered.is_none()) {
        let held: Span = good.at.elapsed(now);
        all.push(format!("good for {} of {}", held.brief(), state.policy.recovery_hold));
    }
    if let Some(due) = &incident.review_due {
        all.push(format!("post-mortem {}", left(due, now)));
    }
    if all.is_empty() { Vec::new() } else { vec![all.join("; ")] }
}

fn owed(state: &State, id: IncidentId) -> Vec<String> {
    let own = state.deviations.values().filter(|one| one.incident == Some(id) && one.owed());
    own.map(|one| format!("{} {}: its reason, by {}", one.id, one.what.kind.word(), one.author)).collect()
}
