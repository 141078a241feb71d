//! Summary, impact and detection.

use super::{
    Section, Sentence,
    escape::{clipped, code, inline},
    front::length,
    gather::Gathered,
    latency,
    tell::{list, moment},
};
use crate::domain::{
    Event, Fact,
    clock::{ImpactState, Moment},
    incident::IncidentFact,
    verdict::Verdict,
    watch::WatchFact,
};

pub(super) fn summary(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("summary", "Summary");
    out.ask(
        g,
        "summary",
        "commander",
        "What happened, in three sentences that somebody outside the team understands?",
    );
    let one = &g.incident;
    let first_severity = g.incident_facts().find_map(|(_, fact)| match fact {
        IncidentFact::Declared { severity, .. } => Some(*severity),
        _ => None,
    });
    let mut items = vec![Sentence::new(
        format!(
            "{} was declared {} by {} at {} for {} in {}",
            one.id,
            first_severity.unwrap_or(one.severity),
            inline(&one.declared_by),
            moment(one.declared.wall),
            list(&one.services),
            code(&one.env)
        ),
        [one.seq],
    )];
    items.extend(trigger(g));
    items.extend(ready_before(g));
    items.push(impact_sentence(g));
    for (event, fact) in g.incident_facts() {
        if let IncidentFact::Recovered { since, held, .. } = fact {
            items.push(Sentence::new(
                format!("Signals were good from {} and stayed so for {}", moment(since.wall), length(*held)),
                [event.seq],
            ));
        }
    }
    let resolved = g.incident_facts().filter(|(_, fact)| {
        matches!(fact, IncidentFact::StatusChanged { to: crate::domain::incident::Status::Resolved, .. })
    });
    match (resolved.last(), &one.resolved) {
        (Some((event, _)), Some(at)) => {
            items.push(Sentence::new(format!("It was resolved at {}", moment(at.wall)), [event.seq]));
        }
        _ => {
            items
                .push(Sentence::absent(format!("It is not resolved; its status is {}", one.status), g.range));
        }
    }
    out.list(items);
    out
}

/// The change that is held to be the trigger. That it was before is a fact; that it is the cause is not.
fn trigger(g: &Gathered<'_>) -> Option<Sentence> {
    let mark = g.mark(Moment::Change)?;
    let why = g.why.get(&Moment::Change).map(|why| inline(why)).unwrap_or_default();
    Some(Sentence::new(
        format!("The last change before it: {why} at {}", moment(mark.at.wall)),
        g.cites(Moment::Change),
    ))
}

/// What the readiness checks said when that change was made.
fn ready_before(g: &Gathered<'_>) -> Option<Sentence> {
    let switch = g.behind.get(&Moment::Change)?;
    let (lines, stands) = g.ready.get(switch)?;
    let service = lines.first().map(|line| code(&line.service))?;
    let said: Vec<String> = lines
        .iter()
        .map(|line| {
            let says = match line.verdict {
                Verdict::Yes => "said yes",
                Verdict::No => "said no",
                Verdict::Unknown => "was unknown",
            };
            format!("{} {says} (“{}”)", code(&line.check), clipped(&line.seen, 120))
        })
        .collect();
    let cites = stands.iter().copied().chain([*switch]);
    Some(Sentence::new(format!("Readiness of {service} when it was made: {}", said.join(", ")), cites))
}

fn impact_sentence(g: &Gathered<'_>) -> Sentence {
    let impact = g.impact();
    let (target, time) = (length(g.incident.clocks.target), length(impact.time));
    let text = match impact.state {
        ImpactState::Final if impact.time > g.incident.clocks.target => {
            format!("Impact lasted {time}, beyond its target of {target}")
        }
        ImpactState::Final => format!("Impact lasted {time}, within its target of {target}"),
        ImpactState::Provisional => {
            format!(
                "Impact stands at {time} provisionally: recovery has not held yet; its target is {target}"
            )
        }
        ImpactState::Running => {
            format!("Impact had lasted {time} when this was written and was not over; its target is {target}")
        }
    };
    Sentence::new(text, g.impact_cites())
}

pub(super) fn impact(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("impact", "Impact");
    out.ask(
        g,
        "customer-impact",
        "communications",
        "Who was hurt, how many, and what could they not do? Give only numbers that somebody measured, and say where.",
    );
    let mut items = vec![impact_sentence(g)];
    for (event, fact) in g.incident_facts() {
        match fact {
            IncidentFact::SeverityChanged { from, to, reason, .. } => items.push(Sentence::new(
                format!("Severity went from {from} to {to}: “{}”", clipped(reason, 300)),
                [event.seq],
            )),
            IncidentFact::TargetBreached { target, .. } => items.push(Sentence::new(
                format!("The target of {} was exceeded at {}", length(*target), moment(event.occurred.wall)),
                [event.seq],
            )),
            _ => {}
        }
    }
    for name in &g.incident.services {
        let words = g.state.policy.services.get(name).and_then(|service| service.impact.as_ref());
        if let (Some(words), Some(policy)) = (words, g.policy) {
            items.push(Sentence::new(
                format!("The catalogue says of {}: “{}”", code(name), clipped(words, 300)),
                [policy],
            ));
        }
    }
    for event in &g.own {
        if let Fact::Watch(WatchFact::Breached { panel, seen, threshold, .. }) = &event.fact {
            items.push(Sentence::new(
                format!(
                    "{} was seen at {} against a threshold of {}",
                    code(panel),
                    inline(seen),
                    inline(threshold)
                ),
                [event.seq],
            ));
            if items.len() > 24 {
                break;
            }
        }
    }
    out.list(items);
    if g.mark(Moment::Onset).is_none() {
        out.ask(
            g,
            "onset",
            "commander",
            "When did users begin to be hurt? No event says so; impact time counts from detection until the onset is corrected in the timeline.",
        );
    }
    out
}

/// Who or what saw it first.
pub(super) enum First<'a> {
    /// A signal, before anybody declared.
    Alert(&'a Event),
    /// A person; a signal came after, or never.
    Person(Option<&'a Event>),
}

pub(super) fn first_seen<'a>(g: &Gathered<'a>) -> First<'a> {
    match g.first_alert() {
        Some(alert) if alert.seq < g.incident.seq => First::Alert(alert),
        other => First::Person(other),
    }
}

pub(super) fn detection(g: &Gathered<'_>) -> Section {
    let mut out = Section::new("detection", "Detection");
    let mut items = Vec::new();
    match first_seen(g) {
        First::Alert(alert) => {
            if let Fact::Watch(WatchFact::Breached { panel, seen, threshold, since }) = &alert.fact {
                items.push(Sentence::new(
                    format!(
                        "A signal saw it first: {} at {}, threshold {}, beyond it since {}, reported at {}",
                        code(panel),
                        inline(seen),
                        inline(threshold),
                        moment(since.wall),
                        moment(alert.occurred.wall)
                    ),
                    [alert.seq],
                ));
            }
        }
        First::Person(later) => {
            items.push(Sentence::new(
                format!(
                    "A person saw it first: {} declared at {}",
                    inline(&g.incident.declared_by),
                    moment(g.incident.declared.wall)
                ),
                [g.incident.seq],
            ));
            if later.is_none() {
                items.push(Sentence::absent("No alert came at any time", g.range));
            }
        }
    }
    out.list(items);
    out.table(&latency::moments(g));
    out.table(&latency::latencies(g));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Command,
        actor::Actor,
        id::IncidentId,
        policy::{Policy, Service},
        readiness::{ReadinessCheck, ReadinessCommand},
        release::ReleaseCommand,
        testing::{Ledger, ana, declare},
        time::Span,
    };

    #[test]
    fn the_draft_says_what_readiness_was_before_the_deploy_and_not_after() {
        let mut ledger = Ledger::new();
        let check = ReadinessCheck {
            name: "errors".into(),
            lang: "promql".into(),
            code: "errors < 1".into(),
            source: None,
            every: Span::secs(30),
            fresh: None,
            about: None,
            envs: [].into(),
        };
        let service = Service { readiness: vec![check], ..Service::default() };
        let policy = Policy { services: [("checkout".into(), service)].into(), ..Policy::default() };
        ledger.ok(&Actor::room(), Command::Policy(Box::new(policy)));
        let says = |ledger: &mut Ledger, verdict, seen: &str| {
            let at = ledger.now.clone();
            let (service, check, seen) = ("checkout".into(), "errors".into(), seen.into());
            let told = ReadinessCommand::Answered { service, check, verdict, seen, at };
            ledger.ok(&Actor::room(), Command::Readiness(told));
            ledger.pass(Span::secs(1));
        };
        let runs = |ledger: &mut Ledger, version: &str| {
            let since = ledger.now.clone();
            let saw = ReleaseCommand::Saw {
                service: "checkout".into(),
                env: "prod".into(),
                current: version.into(),
                previous: None,
                since,
                by: None,
            };
            ledger.ok(&Actor::room(), Command::Release(saw));
            ledger.pass(Span::secs(1));
        };
        runs(&mut ledger, "2.4.0");
        says(&mut ledger, Verdict::Yes, "0.004");
        runs(&mut ledger, "2.4.1");
        says(&mut ledger, Verdict::No, "0.072");
        ledger.ok(&ana(), declare());
        let g = Gathered::new(&ledger.events, IncidentId(1), ledger.now.wall).unwrap();
        let said = ready_before(&g).unwrap();
        assert_eq!(said.text, "Readiness of `checkout` when it was made: `errors` said yes (“0.004”)");
        assert_eq!(said.cites.bare(), "#3, #4");
    }
}
