//! Between hands and seats: what a hand shows, and how it is steered.

use super::{conn::ConnId, serve::Room};
use crate::{
    domain::{
        actor::Actor,
        policy::Power,
        power::{self, Groups},
    },
    os::clock,
    wire::{FromRoom, HandSays, Steer, StepRef, encode},
};
use uuid::Uuid;

impl Room {
    pub(super) fn lease(&self, at: &StepRef) -> Option<crate::domain::walk::Lease> {
        self.shown().read(|state| state.walks.get(&at.walk).and_then(|walk| walk.state(&at.step).lease))
    }

    pub(super) fn hand_says(&mut self, id: ConnId, who: &Actor, at: StepRef, hand: Uuid, says: HandSays) {
        let own = self.lease(&at).is_some_and(|lease| lease.hand == hand && lease.owner.same(who));
        if !own && says != HandSays::Over {
            return;
        }
        let says = self.cleaned(says);
        self.hands.at(&at, id);
        if let Some(others) = &mut self.others {
            others.glimpses.hear(&at, hand, &says);
        }
        self.show_hand(at, says);
    }

    /// Without secrets and what acts on a terminal, whoever's hand said it.
    pub(super) fn cleaned(&self, says: HandSays) -> HandSays {
        match says {
            HandSays::Printed { text } => {
                HandSays::Printed { text: crate::domain::text::block(&self.core.clean(&text)).into_owned() }
            }
            HandSays::Screen { cols, rows, cursor } => HandSays::Screen {
                cols,
                rows: rows.iter().map(|row| crate::domain::text::line(row).into_owned()).collect(),
                cursor,
            },
            other => other,
        }
    }

    /// What a hand shows, to all seats, and to those that come later.
    pub(super) fn show_hand(&mut self, at: StepRef, says: HandSays) {
        self.hands.keep(&at, &says);
        self.publish(&FromRoom::Hand { at, says });
    }

    pub(super) fn steer(&mut self, id: ConnId, (who, groups): (&Actor, &Groups), at: &StepRef, steer: Steer) {
        let may = self.lease(at).is_some_and(|lease| match steer {
            Steer::Keys(_) | Steer::Resize { .. } => lease.owner.same(who),
            Steer::Cancel | Steer::Extend(_) => self.shown().read(|state| {
                let incident = state.walks.get(&at.walk).and_then(|walk| walk.incident);
                power::may(state, (who, groups), Power::Respond, incident, &clock::now())
            }),
        });
        if !may || self.hands.conn(at) == Some(id) || self.pass_on(at, steer.clone()) {
            return;
        }
        // Its hand is at another room, which knows the person by this one's word. Its terminal is where its owner is.
        if let (Some(others), Steer::Cancel | Steer::Extend(_)) = (&mut self.others, &steer) {
            others.steer(at.clone(), steer);
        }
    }

    /// To the hand, where it is at this room; says whether it is.
    pub(super) fn pass_on(&mut self, at: &StepRef, steer: Steer) -> bool {
        let hand = self.hands.conn(at).and_then(|conn| self.seats.get(&conn));
        if let Some(hand) = hand {
            hand.outbox.reply(encode(&FromRoom::Steer(steer)));
        }
        hand.is_some()
    }
}
