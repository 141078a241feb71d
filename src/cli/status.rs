//! `warroom status`: how the room is and what is the case.

use super::{With, exit, reach::Session};
use crate::{
    domain::{
        State,
        actor::Actor,
        clock::ImpactState,
        policy::{NOBODY_COMMANDS, Power},
        power::{self, Groups},
        time::{Span, Stamp, clock_utc, minute_utc},
    },
    journal::missing,
    os::clock,
    wire::{Anchored, Away, FromRoom, JournalState, RoomStatus, RoomView, SinkView},
};
use std::process::ExitCode;

/// How the room is and what is the case
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// As JSON: the room and the whole state
    #[arg(long)]
    json: bool,
}

/// Prints it. Exit 20 where no room runs.
pub fn run(with: &With, args: &StatusArgs) -> ExitCode {
    exit::block_on(async {
        let (session, state, room) = match Session::told(with).await {
            Ok(told) => told,
            Err(error) => return error.say(),
        };
        if args.json {
            let passed_over = &session.passed_over;
            exit::print(&serde_json::json!({ "room": room, "passed_over": passed_over, "state": state }));
        } else {
            let now = clock::now();
            if let Some(why) = &session.passed_over {
                say!("{why}");
            }
            for line in lines(&room, &state, &now) {
                say!("{line}");
            }
            if let FromRoom::Hello { you, groups, .. } = &session.client.hello {
                say!("{}", yours(you, groups, &state, &now));
            }
        }
        exit::DONE
    })
}

/// Who asks, and what they may.
pub fn yours(you: &Actor, groups: &Groups, state: &State, now: &Stamp) -> String {
    let about = state.open_incident().map(|incident| incident.id);
    let may: Vec<&str> = power::all(state, (you, groups), about, now).into_iter().map(Power::word).collect();
    let uid = you.uid.map(|uid| format!(" (uid {uid})")).unwrap_or_default();
    let by: Vec<&str> = groups.iter().map(String::as_str).collect();
    let by = if by.is_empty() { String::new() } else { format!("  by group {}", by.join(", ")) };
    format!("you     {you}{uid} may {}{by}", may.join(", "))
}

/// The same in words.
pub fn lines(room: &RoomStatus, state: &State, now: &Stamp) -> Vec<String> {
    let mut lines = Vec::new();
    let kind = if room.private { "PRIVATE room" } else { "room" };
    let drill = room.drill.as_ref().map(|drill| format!("  DRILL {drill}")).unwrap_or_default();
    lines.push(format!(
        "{kind} on {}{drill}  warroom {}  since {}",
        room.host,
        room.version,
        minute_utc(room.since)
    ));
    let how = match &room.journal {
        JournalState::Writable => format!("{} events", room.head),
        JournalState::ReadOnly { why, since } => format!("READ ONLY since {}: {why}", minute_utc(*since)),
    };
    let kept = room.replicated.map(|yes| if yes { ", replicated" } else { ", not replicated" });
    lines.push(format!("journal {}{}  {how}", room.place, kept.unwrap_or_default()));
    lines.extend(room.slow.map(|since| {
        format!("journal SLOW since {}: an event waits for it; the gate is undecided", minute_utc(since))
    }));
    lines.extend(room.newer.as_ref().or(state.newer.as_ref()).map(|newer| {
        format!("rules   HELD, the gate is undecided: {}", crate::domain::text::line(&newer.to_string()))
    }));
    lines.extend(room.away.as_deref().map(away));
    lines.extend(missing::told(&room.missing));
    lines.extend(room.no_spool.as_deref().map(|why| {
        let why = crate::domain::text::line(why);
        format!("spool   NOTHING CAN BE KEPT while the journal is out of reach, until the room is started again: {why}")
    }));
    lines.extend(room.large.map(|bytes| {
        let mib = bytes / 1024 / 1024;
        format!("state   LARGE: {mib} MiB are sent to every client that joins; close incidents and end walks with long texts")
    }));
    if !room.rooms.is_empty() {
        let one = |view: &RoomView| {
            let own = if view.own { " (this one)" } else { "" };
            let duty = if view.duty { " has the duties" } else { "" };
            format!("{}{own}{duty}", view.host)
        };
        lines.push(format!("rooms   {}", room.rooms.iter().map(one).collect::<Vec<_>>().join(", ")));
    }
    lines.push(match (&room.gate, &room.gate_trouble) {
        (Some(at), _) => format!("gate    http://{at}"),
        (None, Some(trouble)) => format!(
            "gate    DOES NOT LISTEN on {} since {}: {}; it is tried again",
            crate::domain::text::line(&trouble.at),
            minute_utc(trouble.since),
            crate::domain::text::line(&trouble.why)
        ),
        (None, None) => "gate    does not listen".into(),
    });
    if state.policy.leaves_command_to_nobody() {
        lines.push(format!("power   {NOBODY_COMMANDS}"));
    }
    lines.extend(room.audit.iter().map(|sink| audit(sink, now)));
    lines.extend(room.anchor.as_deref().map(anchor));
    lines.extend(room.silent.iter().map(|one| {
        let since = minute_utc(one.since);
        format!("pages   who acknowledges at {} is not known since {since}: {}", one.target, one.why)
    }));
    lines.extend(super::page::lines(state, now));
    for incident in
        state.incidents.values().filter(|one| one.status != crate::domain::incident::Status::Closed)
    {
        let impact = incident.clocks.impact(&incident.declared, now);
        let word = match impact.state {
            ImpactState::Running => "",
            ImpactState::Provisional => " (provisional)",
            ImpactState::Final => " (final)",
        };
        lines.push(format!(
            "{} {} {}  {}  impact {}{word} of {}  commander {}",
            incident.severity,
            incident.id,
            incident.status,
            incident.title,
            impact.time.brief(),
            incident.clocks.target,
            incident.commander().unwrap_or("NOBODY"),
        ));
    }
    for incident in state.incidents.values() {
        if let Some(offer) = &incident.handover {
            let age = offer.at.elapsed(now).brief();
            lines.push(format!("{} offers command of {} to {} since {age}", offer.by, incident.id, offer.to));
        }
    }
    for incident in state.incidents.values().filter(|one| one.is_open()) {
        let open = incident.tasks.values().filter(|task| task.is_open());
        lines.extend(open.map(|task| super::coordination::line(task, now)));
        if let Some((beat, clock)) = crate::domain::cadence::next(incident) {
            let when = if clock.due.reached(now) {
                format!("{} OVER", clock.due.elapsed(now).brief())
            } else {
                format!("in {}", clock.due.until(now).brief())
            };
            lines.push(format!("{} next {beat} {when}", incident.id));
        }
        lines.extend(incident.proposals.values().map(|one| {
            let n = one.objections.len();
            let text = crate::domain::text::line(&one.text);
            format!("{} proposed by {}: {text}  {n} objections", one.id, one.by)
        }));
    }
    for glass in state.glasses.values().filter(|glass| glass.holds(now)) {
        lines.push(format!(
            "GLASS BROKEN {} by {}: {} for {} more: {}",
            glass.id,
            glass.by,
            glass.power,
            glass.ends.until(now).brief(),
            glass.reason
        ));
    }
    lines.extend(state.conflicts.values().map(super::conflict::line));
    if !state.incidents.values().any(crate::domain::incident::Incident::is_open) {
        lines.push("no open incident".into());
    }
    for service in crate::domain::scorecard::services(state) {
        let card = crate::domain::scorecard::scorecard(state, &service, now);
        lines.extend(super::ready::lines(&card, now));
    }
    for freeze in state.freezes.values().filter(|freeze| freeze.holds()) {
        let proof = if freeze.proved.is_some() { "proved" } else { "not proved" };
        lines.push(format!(
            "FROZEN {} {} to {}  by {}  {} refused  {proof}",
            freeze.id,
            freeze.scope.label(),
            minute_utc(freeze.ends.wall),
            freeze.owner,
            freeze.refused
        ));
    }
    for walk in state.walks.values().filter(|walk| walk.ended.is_none()) {
        let (done, all) = walk.progress();
        let at = walk.current().map(|step| walk.title(step)).unwrap_or_default();
        lines.push(format!("{} {}  {done} of {all}  at: {at}", walk.id, walk.runbook.title));
    }
    lines
}

/// What is kept while the journal is out of reach.
fn away(away: &Away) -> String {
    let glass = match away.glass {
        0 => String::new(),
        n => format!(", {n} PROVISIONAL under broken glass"),
    };
    let how = if away.back { "being appended" } else { "appended when the journal is back" };
    let lost = away.lost.map(|(from, to)| format!("  THE JOURNAL LOST EVENTS {from} TO {to}"));
    let lost = lost.unwrap_or_default();
    let trouble = away
        .trouble
        .as_ref()
        .map(|why| format!("  NOTHING MORE IS RECORDED: {}", crate::domain::text::line(why)));
    let trouble = trouble.unwrap_or_default();
    format!(
        "OFFLINE since {}: {} kept at this room only{glass}, {how}  {}{lost}{trouble}",
        clock_utc(away.since),
        away.waiting,
        away.place
    )
}

/// How far the journal is signed.
fn anchor(anchor: &Anchored) -> String {
    let signed = match anchor.seq {
        0 => "nothing is signed yet".into(),
        seq => format!("up to event {seq}"),
    };
    let trouble = anchor.trouble.as_ref().map(|(why, since)| {
        let lead = if anchor.lost { "DO NOT TRUST THE RECORD" } else { "WAITS" };
        format!("  {lead} since {}: {why}", minute_utc(*since))
    });
    format!("signed  {signed}{}", trouble.unwrap_or_default())
}

/// How far a sink of the audit stream is behind.
fn audit(sink: &SinkView, now: &Stamp) -> String {
    let lag = match (sink.behind, sink.oldest) {
        (0, _) => "up to date".into(),
        (n, Some(oldest)) => {
            format!("{n} events behind, the oldest {}", Span::between(oldest, now.wall).brief())
        }
        (n, None) => format!("{n} events behind"),
    };
    let trouble =
        sink.trouble.as_ref().map(|(why, since)| format!("  WAITS since {}: {why}", minute_utc(*since)));
    let rejected = sink.rejected.as_ref().map(|(count, why, since)| {
        let events = if *count == 1 { "event" } else { "events" };
        format!("  REJECTED {count} {events} for good since {}: {why}", minute_utc(*since))
    });
    let (trouble, rejected) = (trouble.unwrap_or_default(), rejected.unwrap_or_default());
    format!("audit   {}  {}  {lag}{trouble}{rejected}", sink.name, sink.place)
}
