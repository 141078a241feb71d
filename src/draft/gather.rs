//! One pass over the journal: the state at its end, and the events that this incident's story is made of.

use super::tell::moment;
use crate::domain::{
    Event, Fact, Refusal, Seq, State,
    clock::{Impact, Mark, Moment},
    id::{IncidentId, WalkId},
    incident::{Incident, IncidentFact},
    policy::PolicyFact,
    readiness::{self, Line},
    release::ReleaseFact,
    time::{Span, Stamp, Wall, clock_utc},
    watch::WatchFact,
};
use std::collections::{BTreeMap, BTreeSet};

/// How long before the declaration a switched release counts as part of the story.
const BEFORE: Span = Span::hours(1);

/// What the sections are written from.
pub(super) struct Gathered<'a> {
    /// What is the case after the last event.
    pub state: State,
    /// The incident as it is then.
    pub incident: Incident,
    /// Its events, and those before it that it began with, in their order.
    pub own: Vec<&'a Event>,
    /// What marked a moment, and how it was put.
    pub why: BTreeMap<Moment, String>,
    /// The event about the world that stands behind a moment: the switch, the breach.
    pub behind: BTreeMap<Moment, Seq>,
    /// At each switch of a release, what its service's readiness checks said before it, and the events of that.
    pub ready: BTreeMap<Seq, (Vec<Line>, Vec<Seq>)>,
    /// Policy in force.
    pub policy: Option<Seq>,
    /// Updates that came later than was owed, by how much.
    pub late: Vec<(Span, Seq)>,
    /// First and last event of the journal.
    pub range: (Seq, Seq),
    /// When the draft is made.
    pub now: Wall,
    /// Whether all of it was on one day, so that a time of day says enough.
    pub one_day: bool,
    /// Who answered a prompt, and the event.
    pub answered: BTreeMap<String, (String, Seq)>,
}

impl<'a> Gathered<'a> {
    pub(super) fn new(events: &'a [Event], id: IncidentId, now: Wall) -> Result<Self, Refusal> {
        let mut state = State::default();
        let mut began: BTreeSet<Seq> = BTreeSet::new();
        let mut why = BTreeMap::new();
        let mut policy = None;
        let mut ready = BTreeMap::new();
        let mut late = Vec::new();
        let mut answered = BTreeMap::new();
        for event in events {
            match &event.fact {
                Fact::Incident(IncidentFact::Declared { incident, services, env, .. }) if *incident == id => {
                    began.extend(state.breaches.values().map(|breach| breach.seq));
                    let switch = state.last_switch(services, env);
                    began.extend(
                        switch
                            .filter(|one| Span::between(one.since.wall, event.occurred.wall) < BEFORE)
                            .map(|one| one.seq),
                    );
                }
                Fact::Incident(
                    IncidentFact::Marked { incident, moment, why: words, .. }
                    | IncidentFact::Corrected { incident, moment, reason: words, .. },
                ) if *incident == id => {
                    why.insert(*moment, words.clone());
                }
                Fact::Incident(IncidentFact::Answered { incident, prompt, .. }) if *incident == id => {
                    answered.insert(prompt.clone(), (event.actor.name.clone(), event.seq));
                }
                Fact::Release(ReleaseFact::Switched { service, env, .. }) => {
                    let lines = readiness::lines(&state, service, Some(env), &event.occurred);
                    if !lines.is_empty() {
                        let stands = state.readiness.get(service).into_iter().flat_map(BTreeMap::values);
                        ready.insert(event.seq, (lines, stands.map(|one| one.seq).collect()));
                    }
                }
                Fact::Policy(PolicyFact::Loaded(_)) => policy = Some(event.seq),
                Fact::Board(fact) if fact.incident() == id => {
                    late.extend(lateness(&state, id, event).map(|late| (late, event.seq)));
                }
                _ => {}
            }
            state.apply_keeping(event, Some(id));
        }
        let incident = state
            .known(id)
            .cloned()
            .map_err(|refusal| refusal.hint("warroom status lists the incidents of this journal"))?;
        let own: Vec<&Event> =
            events.iter().filter(|event| event.stream == Some(id) || began.contains(&event.seq)).collect();
        let behind = behind(&incident, &own);
        let days: BTreeSet<_> = own.iter().map(|event| event.occurred.wall.date_naive()).collect();
        let range = (events.first().map_or(0, |one| one.seq), events.last().map_or(0, |one| one.seq));
        Ok(Self {
            state,
            incident,
            own,
            why,
            behind,
            ready,
            policy,
            late,
            range,
            now,
            one_day: days.len() == 1,
            answered,
        })
    }

    /// A time as short as it may be: of day where all was on one day, in UTC.
    pub(super) fn at(&self, at: Wall) -> String {
        if self.one_day { clock_utc(at) } else { moment(at) }
    }

    /// A moment of the incident.
    pub(super) fn mark(&self, moment: Moment) -> Option<&Mark> {
        self.incident.clocks.marks.get(&moment)
    }

    /// The events of a moment: what marked it, and what stands behind it.
    pub(super) fn cites(&self, moment: Moment) -> Vec<Seq> {
        let behind = self.behind.get(&moment).copied();
        self.mark(moment).map(|mark| mark.seq).into_iter().chain(behind).collect()
    }

    /// Impact time at the end of the journal.
    pub(super) fn impact(&self) -> Impact {
        self.incident.clocks.impact(&self.incident.declared, &Stamp::wall_only(self.now))
    }

    /// Where impact time begins and ends, as events.
    pub(super) fn impact_cites(&self) -> Vec<Seq> {
        let clocks = &self.incident.clocks;
        let from = clocks.began().map_or(self.incident.seq, |mark| mark.seq);
        let until = clocks.recovered.as_ref().or(clocks.first_good.as_ref()).map(|mark| mark.seq);
        std::iter::once(from).chain(until).collect()
    }

    /// The facts of the incident with their events.
    pub(super) fn incident_facts(&self) -> impl Iterator<Item = (&'a Event, &'a IncidentFact)> + '_ {
        self.own.iter().filter_map(|event| match &event.fact {
            Fact::Incident(fact) => Some((*event, fact)),
            _ => None,
        })
    }

    /// The first alert: a signal beyond its threshold.
    pub(super) fn first_alert(&self) -> Option<&'a Event> {
        self.own
            .iter()
            .filter(|event| matches!(event.fact, Fact::Watch(WatchFact::Breached { .. })))
            .min_by_key(|event| event.occurred.wall)
            .copied()
    }

    /// A step's title.
    pub(super) fn step_title(&self, walk: WalkId, step: &str) -> String {
        self.state
            .walks
            .get(&walk)
            .and_then(|walk| Some(walk.title(walk.runbook.step(step)?)))
            .unwrap_or_else(|| step.to_owned())
    }

    /// A runbook's title.
    pub(super) fn runbook_title(&self, walk: WalkId) -> String {
        self.state.walks.get(&walk).map_or_else(|| walk.to_string(), |walk| walk.runbook.title.clone())
    }
}

/// By how much an update came too late, where it did: a minute at least.
fn lateness(state: &State, id: IncidentId, event: &Event) -> Option<Span> {
    use crate::domain::board::BoardFact;
    let Fact::Board(BoardFact::Updated { audience, .. }) = &event.fact else { return None };
    let due = state.incidents.get(&id)?.board.due(audience.beat())?;
    due.reached(&event.occurred).then(|| due.elapsed(&event.occurred)).filter(|late| *late >= Span::mins(1))
}

fn behind(incident: &Incident, own: &[&Event]) -> BTreeMap<Moment, Seq> {
    let mut found = BTreeMap::new();
    let at = |moment| incident.clocks.marks.get(&moment).map(|mark| mark.at.wall);
    for event in own {
        let hits: &[(Moment, Wall)] = match &event.fact {
            Fact::Release(ReleaseFact::Switched { at, .. } | ReleaseFact::Found { since: at, .. }) => {
                &[(Moment::Change, at.wall)]
            }
            Fact::Watch(WatchFact::Breached { since, .. }) => {
                &[(Moment::Onset, since.wall), (Moment::Detected, event.occurred.wall)]
            }
            _ => &[],
        };
        for (moment, wall) in hits {
            if at(*moment) == Some(*wall) {
                found.entry(*moment).or_insert(event.seq);
            }
        }
    }
    found
}
