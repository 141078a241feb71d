//! Releases and freezes as they were at the time cursor, as far as the events that the seat has say so.

use super::{Model, health::Runs, when};
use crate::domain::{
    freeze::Freeze,
    release::{self, Judgement, ReleaseFact},
    time::Wall,
};

/// A release at a past moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// This ran.
    Ran(Runs),
    /// Nothing here says what ran.
    Unknown {
        /// Service.
        service: String,
        /// Environment.
        env: String,
        /// What ran just before the first switch that is known, and when that was.
        until: Option<(String, Wall)>,
    },
}

/// One record of what runs.
struct Record<'a> {
    at: Wall,
    current: &'a str,
    previous: Option<&'a str>,
    /// Seen happen, while the room watched; else found so.
    seen: bool,
}

fn record(fact: &ReleaseFact) -> Option<((&str, &str), Record<'_>)> {
    Some(match fact {
        ReleaseFact::Found { service, env, current, previous, since } => {
            ((service, env), Record { at: since.wall, current, previous: previous.as_deref(), seen: false })
        }
        ReleaseFact::Switched { service, env, from, to, at, .. } => {
            ((service, env), Record { at: at.wall, current: to, previous: from.as_deref(), seen: true })
        }
        ReleaseFact::Judged { .. } => return None,
    })
}

impl Model {
    /// The moment of the time cursor, where it stands in the past.
    pub fn then(&self) -> Option<Wall> {
        self.ui.cursor.and_then(chrono::DateTime::from_timestamp_millis).filter(|at| *at < self.now.wall)
    }

    /// What ran at a moment, in the order of [`Self::released`].
    pub fn released_at(&self, then: Wall) -> Vec<Then> {
        self.released().iter().map(|now| self.one_at(now, then)).collect()
    }

    fn one_at(&self, now: &Runs, then: Wall) -> Then {
        let own = |of: &(&str, &str)| *of == (now.service.as_str(), now.env.as_str());
        let mut records: Vec<Record<'_>> = self
            .timeline
            .iter()
            .filter_map(|entry| record(entry.release.as_ref()?))
            .filter(|(of, _)| own(of))
            .map(|(_, record)| record)
            .collect();
        // The last one is in the state also where its event is not here.
        if let Some(at) = now.at {
            let seen = records.last().is_some_and(|last| last.seen && last.current == now.version);
            records.push(Record { at, current: &now.version, previous: now.before.as_deref(), seen });
        }
        let ran = |version: &str, at: Option<Wall>, before: Option<&str>| {
            Then::Ran(Runs {
                service: now.service.clone(),
                env: now.env.clone(),
                version: version.to_owned(),
                judged: self.judged_at(&now.service, version, then),
                since: at.map(|at| when::brief(at, self.now.wall)),
                at,
                before: before.map(str::to_owned),
                unlisted: now.unlisted,
            })
        };
        if let Some(last) = records.iter().rev().find(|record| record.at <= then) {
            return ran(last.current, Some(last.at), last.previous);
        }
        let first = records.first();
        // A switch that was seen says what ran until then, for as long as the events from before it are here.
        let watched = self.timeline.iter().next().is_some_and(|entry| entry.at.wall <= then);
        if let Some(from) = first.filter(|first| first.seen && watched).and_then(|first| first.previous) {
            return ran(from, None, None);
        }
        Then::Unknown {
            service: now.service.clone(),
            env: now.env.clone(),
            until: first.and_then(|first| Some((first.previous?.to_owned(), first.at))),
        }
    }

    /// What was held of an artifact by then; a judgement whose event is not here is older than those that are.
    fn judged_at(&self, service: &str, version: &str, then: Wall) -> Option<Judgement> {
        let by_event = self.timeline.iter().rev().filter(|entry| entry.at.wall <= then).find_map(|entry| {
            match entry.release.as_deref()? {
                ReleaseFact::Judged { service: of, artifact, judgement, .. }
                    if of == service && artifact == version =>
                {
                    Some(*judgement)
                }
                _ => None,
            }
        });
        let older = || {
            let last = self.state.judged.get(&release::key(service, version))?;
            let first = self.timeline.iter().next()?;
            (last.seq < first.seq && first.at.wall <= then).then_some(last.judgement)
        };
        by_event.or_else(older)
    }

    /// Freezes that held at a moment, the newest first.
    pub fn frozen_at(&self, then: Wall) -> Vec<&Freeze> {
        let held =
            |one: &&Freeze| one.began.wall <= then && one.over.as_ref().is_none_or(|over| over.wall > then);
        self.state.freezes.values().rev().filter(held).collect()
    }
}
