//! A room that opens: on its journal, or on its mirror while that is out of reach.

use super::{
    core::{self, Core, Submitted, When},
    flight::Asked,
    gap::Gap,
    offline::{Spooling, told},
    serve::{Room, Waiting},
};
use crate::{
    domain::{Command, CommandId, Event, Offline, Seq, power::Groups, room::RoomFact, time::Wall},
    journal::{mirror::Found, spool::Entry},
    wire::Outcome,
};
use uuid::Uuid;

impl Room {
    /// What a room says of itself when it opens on its journal.
    pub(super) fn opens_with(&self) -> Vec<Command> {
        let own = self.core.name();
        let rooms = &self.core.decided().room;
        let mut commands = Vec::new();
        if !rooms.open.contains_key(own) {
            commands.push(self.opening());
        }
        if rooms.duty.is_none() {
            commands.push(Command::Room(RoomFact::DutyTaken { epoch: 0, after: None }));
        }
        commands.push(Command::Policy(Box::new(self.asks.clone())));
        commands
    }

    /// The journal is back: the room opens on it, before anything that was kept is sent.
    pub(super) fn open_on(&mut self, also: Option<(CommandId, Command)>) {
        let opening = self.opens_with().into_iter().map(|command| (CommandId(Uuid::now_v7()), command));
        for (id, command) in opening.chain(also).collect::<Vec<_>>() {
            let asked = Asked {
                actor: self.own_name.clone(),
                groups: Groups::default(),
                id,
                command,
                waiting: Waiting::Nobody,
                glass: None,
                spooled: None,
                direct: true,
                tries: 0,
                large: None,
            };
            if let Some(Outcome::Refused(refusal)) = self.decide(asked) {
                tracing::warn!(%refusal, "the room cannot open");
            }
        }
    }

    /// The journal is out of reach: the room shows what it knew of it, and what it keeps since.
    pub(super) fn start_away(&mut self, why: &str) {
        self.go_away(why, None);
        let Some(spool) = &mut self.spool else { return };
        spool.opens_late = true;
        let Some(away) = &mut spool.away else { return };
        // It was so when the first of these was kept.
        away.since = spool.entries.iter().map(|entry| entry.at.wall).fold(away.since, Wall::min);
        for entry in spool.entries.iter().filter(|entry| !entry.gap) {
            let events = again(&mut away.core, entry);
            away.core.confirm(&events);
            away.events.extend(events);
        }
        away.core.forget(&[]);
    }

    /// Where the journal has lost what this room knew before it was started, that is told, and what this room had
    /// appended is written back.
    pub(super) fn write_back_of_before(&mut self, found: &Found) {
        let Some(spool) = self.spool.as_mut() else { return };
        let lost = spool.acknowledged.iter().filter(|entry| !self.core.knows(entry.id));
        let stood: Vec<Seq> = lost.filter_map(|entry| entry.stood).collect();
        let known = match found {
            Found::Lost { from, to } => Some((*from, *to)),
            Found::Sound | Found::Away(_) => None,
        };
        let from = stood.iter().copied().chain(known.map(|(from, _)| from)).min();
        let to = stood.iter().copied().chain(known.map(|(_, to)| to)).max();
        let (Some(from), Some(to)) = (from, to) else { return };
        spool.gap = Some(Gap::new(from, to));
        tracing::error!(from, to, "the journal has lost events: they are written back");
        self.write_back();
    }
}

/// What came of an entry, decided once more on what is shown.
fn again(core: &mut Core, entry: &Entry) -> Vec<Event> {
    let mark = Offline { at: entry.at.wall, glass: entry.glass.clone(), provisional: true };
    let when = When { at: entry.at.clone(), recorded: entry.at.wall, offline: Some(mark) };
    let groups = std::sync::Arc::new(entry.groups.clone());
    match core.submit((&entry.actor, &groups), entry.id, &entry.command, &when) {
        Submitted::Append { events, .. } => events,
        // It stands in the mirror already, or the mirror lacks what it stood on. It is sent all the same.
        Submitted::Refused(_) | Submitted::Nothing | Submitted::Known => Vec::new(),
    }
}

impl Spooling {
    /// A command of this room, and what came of it, to be kept until it cannot be lost any more.
    pub(super) fn entry_of(core: &Core, asked: &Asked, events: &[Event]) -> Option<Entry> {
        let first = events.first()?;
        Some(Entry {
            id: asked.id,
            at: first.occurred.clone(),
            actor: asked.actor.clone(),
            groups: asked.groups.iter().cloned().collect(),
            command: core.redacted(asked.command.clone())?,
            glass: first.offline.as_ref().and_then(|offline| offline.glass.clone()),
            made: core::made(events),
            said: told(events),
            gap: true,
            stood: Some(first.seq),
            after: core.durable_head(),
        })
    }
}
