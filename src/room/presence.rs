//! Who is here and where they look. It goes from seat to seat and nowhere else: the journal never hears of it.

use super::{
    conn::ConnId,
    serve::{Room, Seat},
};
use crate::{
    domain::{
        policy::Power,
        power,
        time::{Span, Wall},
    },
    os::clock,
    wire::{As, FromRoom, Here, Look, Point, Presence, Told, encode},
};
use std::{collections::BTreeSet, sync::Arc};

/// As long as this all are asked to look where somebody points.
const POINTED: Span = Span::mins(2);

/// Seats whose presence changed since it was published last. Many changes of one seat become one.
#[derive(Debug, Default)]
pub struct Moved(BTreeSet<ConnId>);

impl Room {
    /// A seat says where it looks.
    pub(super) fn is_here(&mut self, id: ConnId, here: Here) {
        let look = here.look.clean(|text| self.core.clean(text));
        let Some(seat) = self.seats.get_mut(&id) else { return };
        if seat.role != As::Seat {
            return;
        }
        let now = clock::now().wall;
        let idle = here.idle.min(Span::between(seat.since, now));
        seat.active = now.checked_sub_signed(idle.signed());
        seat.here = Some(Here { look, ..here });
        self.moved.0.insert(id);
    }

    /// What all are shown of a seat.
    pub(super) fn presence(&self, id: ConnId, seat: &Seat, now: &crate::domain::time::Stamp) -> Presence {
        let mut one = Presence::new(id, seat.who.clone(), seat.role, seat.since);
        one.active = seat.active;
        one.read_only = seat.read_only;
        one.observer = seat.role == As::Seat
            && !self.shown().read(|state| {
                let about = state.open_incident().map(|incident| incident.id);
                power::may(state, (&seat.who, &seat.groups), Power::Respond, about, now)
            });
        if let Some(here) = &seat.here {
            one.look = Some(here.look.clone());
            one.attached = here.attached;
            one.follows = here.follows;
        }
        one
    }

    /// Asks all to look somewhere, or no longer. Nothing of it is journaled: it is over in a moment.
    pub(super) fn point(&mut self, id: ConnId, look: Option<Look>) -> Told {
        let Some(seat) = self.seats.get(&id) else { return Told::Yes };
        let now = clock::now();
        let who = seat.who.clone();
        self.point = look.map(|look| Point {
            by: who,
            seat: id,
            look: look.clean(|text| self.core.clean(text)),
            since: now.wall,
            until: now.plus(POINTED).wall,
        });
        self.publish_status();
        Told::Yes
    }

    /// Nobody is asked any more when the time is over.
    pub(super) fn look_at_point(&mut self) {
        let now = clock::now().wall;
        if self.point.as_ref().is_some_and(|point| point.until <= now) {
            self.point = None;
            self.publish_status();
        }
    }

    /// What changed, to all that show it, at most as often as what is live.
    pub(super) fn publish_here(&mut self) {
        let moved = std::mem::take(&mut self.moved.0);
        if moved.is_empty() {
            return;
        }
        let now = clock::now();
        let here =
            moved.iter().filter_map(|id| self.seats.get(id).map(|seat| self.presence(*id, seat, &now)));
        self.publish_presence(here.collect());
        if let Some(others) = &mut self.others {
            others.due = true;
        }
    }

    pub(super) fn publish_presence(&self, here: Vec<Presence>) {
        if here.is_empty() {
            return;
        }
        let bytes: Arc<[u8]> = encode(&FromRoom::Here(here)).into();
        for seat in self.seats.values().filter(|seat| seat.live && seat.role != As::Hand) {
            seat.outbox.publish(&bytes);
        }
    }
}

/// Since when a seat that has just come is active.
pub(super) fn fresh(role: As, now: Wall) -> Option<Wall> {
    (role == As::Seat).then_some(now)
}
