//! What hands at other rooms show: the end of what each printed, among the words that rooms on one journal have for each
//! other, as long as somebody at another room looks there. A terminal's screen stays where its owner is.

use super::serve::Room;
use crate::{
    domain::{
        plan::Slug,
        text,
        time::{Span, Wall},
        walk::StepStatus,
    },
    wire::{HandSays, StepRef},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::Instant;
use uuid::Uuid;

/// Bytes of the end of what one hand printed.
const TAIL: usize = 2 * 1024;
/// Steps that are shown at once.
const STEPS: usize = 8;
/// Between two words about hands at least: all of them pass through the journal's database.
const APART: Duration = Duration::from_secs(1);

/// What a hand shows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
struct Glimpse {
    /// The block that it runs, and when its time is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    began: Option<(Slug, Option<Wall>)>,
    /// What a check sees, for how long, and for how long it must.
    #[serde(skip_serializing_if = "Option::is_none")]
    holding: Option<(String, Span, Span)>,
    over_time: bool,
    /// Bytes that it printed, all in all.
    printed: u64,
    /// The end of them.
    tail: String,
}

/// The same, with whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shown {
    at: StepRef,
    hand: Uuid,
    shows: Glimpse,
}

/// What hands here show, and what was told of those elsewhere.
#[derive(Debug, Default)]
pub(super) struct Glimpses {
    own: BTreeMap<StepRef, (Uuid, Glimpse)>,
    said: Vec<Shown>,
    looked: Option<Instant>,
    told: BTreeMap<StepRef, (Uuid, Glimpse)>,
}

impl Glimpse {
    fn hear(&mut self, says: &HandSays) {
        match says {
            HandSays::Began { block, until } => {
                if self.began.as_ref().is_none_or(|(known, _)| known != block) {
                    self.holding = None;
                }
                self.began = Some((block.clone(), *until));
                self.over_time = false;
            }
            HandSays::Printed { text } => {
                self.printed = self.printed.saturating_add(text.len() as u64);
                self.tail.push_str(text);
                let over = self.tail.len() - end(&self.tail, TAIL).len();
                drop(self.tail.drain(..over));
            }
            HandSays::Holding { seen, held, wanted } => {
                self.holding = Some((end(seen, TAIL).to_owned(), *held, *wanted));
            }
            HandSays::OverTime => self.over_time = true,
            HandSays::Screen { .. } | HandSays::Over => {}
        }
    }

    /// What a seat that was told of `before` has to hear.
    fn since(&self, before: &Self, host: &str) -> Vec<HandSays> {
        let mut news = Vec::new();
        if let Some((block, until)) = self.began.as_ref().filter(|_| self.began != before.began) {
            news.push(HandSays::Began { block: text::line(block).into_owned(), until: *until });
        }
        // Less than before: its room was started again, and knows no more than this.
        let printed = self.printed.checked_sub(before.printed).unwrap_or(self.printed);
        if printed > 0 {
            let wanted = usize::try_from(printed).unwrap_or(usize::MAX);
            let tail = end(&self.tail, wanted.min(TAIL));
            let first = before.printed == 0;
            let host = text::line(host);
            let from =
                if first { format!("(from the room on {host}, once a second)\n") } else { String::new() };
            let missed = match wanted.saturating_sub(tail.len()) {
                0 => String::new(),
                bytes => format!("{}({bytes} bytes are shown there only)\n", if first { "" } else { "\n" }),
            };
            news.push(HandSays::Printed { text: format!("{from}{missed}{tail}") });
        }
        if let Some((seen, held, wanted)) = self.holding.as_ref().filter(|_| self.holding != before.holding) {
            news.push(HandSays::Holding { seen: seen.clone(), held: *held, wanted: *wanted });
        }
        if self.over_time && !before.over_time {
            news.push(HandSays::OverTime);
        }
        news
    }
}

/// The last bytes of a text, so many at most.
fn end(text: &str, most: usize) -> &str {
    let from = text.len().saturating_sub(most);
    (from..=text.len()).find_map(|at| text.get(at..)).unwrap_or_default()
}

impl Glimpses {
    /// A hand here said this.
    pub(super) fn hear(&mut self, at: &StepRef, hand: Uuid, says: &HandSays) {
        let own = self.own.entry(at.clone()).or_default();
        if own.0 != hand {
            *own = (hand, Glimpse::default());
        }
        own.1.hear(says);
    }

    pub(super) fn said(&self) -> Vec<Shown> {
        self.said.clone()
    }

    fn is_due(&self) -> bool {
        let any = !self.own.is_empty() || !self.said.is_empty();
        any && self.looked.is_none_or(|at| at.elapsed() >= APART)
    }

    /// Says whether there is something else to say than last.
    fn look(&mut self, lent: &BTreeSet<Uuid>, is_watched: impl Fn(&StepRef) -> bool) -> bool {
        self.looked = Some(Instant::now());
        self.own.retain(|_, (hand, _)| lent.contains(hand));
        let watched = self.own.iter().filter(|(at, _)| is_watched(at)).take(STEPS);
        let now =
            watched.map(|(at, (hand, shows))| Shown { at: at.clone(), hand: *hand, shows: shows.clone() });
        let now: Vec<_> = now.collect();
        let changed = now != self.said;
        self.said = now;
        changed
    }

    /// What is new of a hand elsewhere.
    fn news(&self, host: &str, shown: &Shown) -> Vec<HandSays> {
        let nothing = Glimpse::default();
        let before = self.told.get(&shown.at).filter(|(hand, _)| *hand == shown.hand);
        shown.shows.since(before.map_or(&nothing, |(_, known)| known), host)
    }
}

impl Room {
    /// What hands here show is said anew, as far as somebody at another room looks there.
    pub(super) fn show_hands_to_others(&mut self) {
        if !self.others.as_ref().is_some_and(|others| others.glimpses.is_due()) {
            return;
        }
        let lent = self.lent();
        let Some(others) = &mut self.others else { return };
        let looks = others.looks();
        let is_watched = |at: &StepRef| looks.iter().any(|walk| walk.is_none_or(|walk| walk == at.walk));
        others.due |= others.glimpses.look(&lent, is_watched);
    }

    /// What hands at other rooms show goes the way of what hands here show.
    pub(super) fn hear_hands_of_others(&mut self) {
        let quiet = |others: &super::others::Others| {
            others.glimpses.told.is_empty() && others.shown().next().is_none()
        };
        if self.others.as_ref().is_none_or(quiet) {
            return;
        }
        let lent = self.lent();
        let Some(others) = &mut self.others else { return };
        let mut news = Vec::new();
        // Known from the journal to have the step, and not here.
        let theirs = others
            .shown()
            .filter(|(_, shown)| lent.contains(&shown.hand) && self.hands.conn(shown.hand).is_none());
        for (host, shown) in theirs {
            let says = others.glimpses.news(host, shown);
            if !says.is_empty() {
                news.push((shown.clone(), says));
            }
        }
        others.glimpses.told.retain(|_, (hand, _)| lent.contains(hand));
        for (shown, says) in news {
            if let Some(others) = &mut self.others {
                others.glimpses.told.insert(shown.at.clone(), (shown.hand, shown.shows));
            }
            for says in says {
                let says = self.cleaned(says);
                self.show_hand(shown.at.clone(), says);
            }
        }
    }

    /// The hands that steps are lent to.
    fn lent(&self) -> BTreeSet<Uuid> {
        self.shown().read(|state| {
            let walks = state.walks.values().filter(|walk| walk.ended.is_none());
            let steps = walks.flat_map(|walk| walk.steps.values());
            let lent = steps.filter(|step| step.status == StepStatus::Lent);
            lent.filter_map(|step| step.lease.as_ref().map(|lease| lease.hand)).collect()
        })
    }
}

impl Shown {
    /// So many of one room's are read.
    pub(super) const MOST: usize = STEPS;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(text: &str) -> HandSays {
        HandSays::Printed { text: text.into() }
    }

    fn text(news: &[HandSays]) -> String {
        let all = news.iter().filter_map(|says| match says {
            HandSays::Printed { text } => Some(text.as_str()),
            _ => None,
        });
        all.collect()
    }

    #[test]
    fn what_is_told_by_and_by_is_what_was_printed() {
        let (mut now, mut told, mut seen) = (Glimpse::default(), Glimpse::default(), String::new());
        for piece in ["one\ntw", "o\n", "", "ünd drei\n"] {
            now.hear(&printed(piece));
            seen.push_str(&text(&now.since(&told, "war-2")));
            told = now.clone();
        }
        assert_eq!(seen, "(from the room on war-2, once a second)\none\ntwo\nünd drei\n");
        assert_eq!(now.since(&told, "war-2"), []);
    }

    #[test]
    fn what_was_too_much_is_counted_and_the_end_is_told() {
        let mut now = Glimpse::default();
        now.hear(&printed("begin\n"));
        let told = now.clone();
        now.hear(&printed(&"ä".repeat(4_000)));
        now.hear(&printed("\nend\n"));
        assert!(now.tail.len() <= TAIL);
        let said = text(&now.since(&told, "war-2"));
        let kept = said.split_once("only)\n").unwrap().1;
        assert!(kept.ends_with("ä\nend\n") && kept.len() <= TAIL, "{said}");
        assert!(said.starts_with(&format!("\n({} bytes", 8_005 - kept.len())), "{said}");
        // What came over the database is believed no longer than this.
        now.tail = "x".repeat(100_000);
        assert!(text(&now.since(&told, "war-2")).len() < TAIL + 100);
    }

    #[test]
    fn a_room_that_was_started_again_tells_what_it_knows() {
        let (mut before, mut now) = (Glimpse::default(), Glimpse::default());
        before.hear(&printed("a long story\n"));
        now.hear(&HandSays::Began { block: "b".into(), until: None });
        now.hear(&printed("go on\n"));
        now.hear(&HandSays::OverTime);
        let said = now.since(&before, "war-2");
        assert_eq!(said.len(), 3, "{said:?}");
        assert_eq!(text(&said), "go on\n");
    }
}
