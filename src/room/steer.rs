//! Between hands and seats: what a hand shows, and how it is steered.

use super::{conn::ConnId, serve::Room};
use crate::{
    domain::{CommandId, Refusal, limits, text, walk},
    wire::{FromRoom, HandSays, Outcome, Steer, StepRef, encode},
};
use uuid::Uuid;

impl Room {
    fn lease(&self, at: &StepRef) -> Option<walk::Lease> {
        self.shown().read(|state| state.walks.get(&at.walk).and_then(|walk| walk.state(&at.step).lease))
    }

    /// A command that only a hand may send was answered. Where the rules accepted it, the connection that sent it is
    /// that hand from now on: lease, hand and user agreed.
    pub(super) fn prove(&mut self, conn: ConnId, id: CommandId, outcome: &Outcome) {
        let Some(hand) = self.hands.claimed(conn, id) else { return };
        if !matches!(outcome, Outcome::Ok { .. }) {
            return;
        }
        let Some(owner) = self.shown().read(|state| walk::leased_to(state, hand).cloned()) else { return };
        let Some(seat) = self.seats.get_mut(&conn).filter(|seat| owner.same(&seat.who)) else { return };
        seat.hand = Some(hand);
        self.hands.prove(hand, conn);
        if self.hands.is_cancelled(hand) {
            seat.outbox.reply(encode(&FromRoom::Steer(Steer::Cancel)));
        }
    }

    /// A hand shows something of the step that it has, or that it has no more of one.
    pub(super) fn hand_says(&mut self, at: StepRef, hand: Uuid, says: HandSays) {
        let has = self.lease(&at).is_some_and(|lease| lease.hand == hand);
        if (!has && says != HandSays::Over) || at.step.len() > limits::STEP_NAME_MAX {
            return;
        }
        let says = self.cleaned(says);
        if let Some(others) = &mut self.others {
            others.glimpses.hear(&at, hand, &says);
        }
        self.show_hand(at, says);
    }

    /// Without secrets and what acts on a terminal, and no longer than it may be, whoever's hand said it.
    pub(super) fn cleaned(&self, says: HandSays) -> HandSays {
        let word = |word: &str| text::line(word).chars().take(limits::STEP_NAME_MAX).collect::<String>();
        match says {
            HandSays::Printed { text } => {
                let text = end(&text, limits::PRINTED_MAX);
                HandSays::Printed { text: text::block(&self.core.clean(text)).into_owned() }
            }
            HandSays::Screen { cols, rows, cursor } => {
                let (most, wide) = limits::SCREEN_MAX;
                let row = |row: &String| text::line(row).chars().take(wide).collect();
                HandSays::Screen { cols, rows: rows.iter().take(most).map(row).collect(), cursor }
            }
            HandSays::Began { block, until } => HandSays::Began { block: word(&block), until },
            HandSays::Holding { seen, held, wanted } => HandSays::Holding { seen: word(&seen), held, wanted },
            other => other,
        }
    }

    /// What a hand shows, to all seats, and to those that come later.
    pub(super) fn show_hand(&mut self, at: StepRef, says: HandSays) {
        self.hands.keep(&at, &says);
        self.publish(&FromRoom::Hand { at, says });
    }

    /// Passes on what steers a hand, within what may be asked of it.
    ///
    /// # Errors
    /// More time than may be given at once.
    pub(super) fn steer(&mut self, at: &StepRef, steer: Steer) -> Result<(), Refusal> {
        if let Steer::Extend(more) = &steer {
            walk::extension(*more)?;
        }
        if self.pass_on(at, steer.clone()) {
            return Ok(());
        }
        let Some(lease) = self.lease(at) else { return Ok(()) };
        if steer == Steer::Cancel && (self.others.is_none() || lease.host == self.host) {
            self.hands.cancel_later(lease.hand);
        }
        // Its hand is at another room, which knows the person by this one's word. Its terminal is where its owner is.
        if let (Some(others), Steer::Cancel | Steer::Extend(_)) = (&mut self.others, &steer) {
            others.steer(at.clone(), steer);
        }
        Ok(())
    }

    /// To the hand that the step is lent to, where it is at this room; says whether it is.
    pub(super) fn pass_on(&mut self, at: &StepRef, steer: Steer) -> bool {
        let hand = self.lease(at).and_then(|lease| self.hands.conn(lease.hand));
        let hand = hand.and_then(|conn| self.seats.get(&conn));
        if let Some(hand) = hand {
            hand.outbox.express(encode(&FromRoom::Steer(steer)));
        }
        hand.is_some()
    }
}

/// The end of a text, so long at most, cut between characters.
fn end(text: &str, most: usize) -> &str {
    let from = text.len().saturating_sub(most);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text.get(from..).unwrap_or_default()
}
