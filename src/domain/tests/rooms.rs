//! Several rooms on one journal.

use crate::domain::{
    Command, Fact, State,
    actor::Actor,
    dispatch::DispatchCommand,
    id::DispatchId,
    release::ReleaseCommand,
    room::{Duty, RoomFact},
    testing::{Ledger, declare},
    time::Span,
    watch::WatchCommand,
};
use proptest::prelude::*;

fn opened(room: &str) -> Command {
    Command::Room(RoomFact::Opened { version: "1".into(), host: room.into(), private: false, shares: true })
}

fn taken() -> Command {
    Command::Room(RoomFact::DutyTaken { epoch: 0, after: None })
}

fn lost(room: &str) -> Command {
    Command::Room(RoomFact::Lost { room: room.into(), host: room.into(), silent: Span::secs(5) })
}

fn closed() -> Command {
    Command::Room(RoomFact::Closed { why: "asked to".into() })
}

fn alone(room: &str) -> Command {
    Command::Room(RoomFact::Opened { version: "1".into(), host: room.into(), private: true, shares: false })
}

impl Ledger {
    /// As this room; gives how many events came of it.
    fn of(&mut self, room: &str, command: Command) -> usize {
        self.room = room.into();
        self.ask(&Actor::room(), command).unwrap().len()
    }

    fn duty(&self) -> Option<(&str, u64)> {
        self.state.room.duty.as_ref().map(|Duty { room, epoch }| (room.as_str(), *epoch))
    }
}

/// Rooms a, which has the duties, and b.
fn two() -> Ledger {
    let mut ledger = Ledger::new();
    for room in ["a", "b"] {
        ledger.of(room, opened(room));
        ledger.of(room, taken());
    }
    ledger
}

#[test]
fn the_duties_are_one_rooms_until_it_is_gone() {
    let mut ledger = two();
    assert_eq!(ledger.duty(), Some(("a", 1)));
    assert_eq!(ledger.of("b", taken()), 0, "they are taken");
    assert_eq!(ledger.of("a", lost("a")), 0, "nobody calls oneself gone");
    assert_eq!(ledger.of("b", lost("a")), 1);
    assert_eq!(ledger.of("b", lost("a")), 0, "said once");
    assert_eq!(ledger.duty(), None);
    assert_eq!(ledger.of("b", taken()), 1);
    assert_eq!(ledger.duty(), Some(("b", 2)));
    // It had only stood still.
    ledger.of("a", opened("a"));
    assert_eq!((ledger.duty(), ledger.state.room.open.len()), (Some(("b", 2)), 2));
    ledger.of("b", closed());
    assert_eq!(ledger.duty(), None);
}

#[test]
fn who_opens_an_embedded_journal_has_everything() {
    let mut ledger = two();
    ledger.of("c", alone("c"));
    assert_eq!(ledger.duty(), Some(("c", 2)));
    assert_eq!(ledger.state.room.open.keys().collect::<Vec<_>>(), ["c"]);
    ledger.of("d", alone("d"));
    assert_eq!(ledger.duty(), Some(("d", 3)));
}

#[test]
fn what_is_due_is_done_by_the_room_that_has_the_duties() {
    let mut ledger = two();
    ledger.ok(&crate::domain::testing::ana(), declare());
    let target = ledger.state.incidents.values().next().unwrap().clocks.target;
    ledger.now = ledger.now.plus(target.plus(Span::hours(48)));
    assert_eq!(ledger.of("b", Command::Tick), 0);
    assert!(ledger.of("a", Command::Tick) > 0);
    assert_eq!(ledger.of("a", Command::Tick), 0);
}

#[test]
fn what_was_sent_is_written_down_whoever_has_the_duties_meanwhile() {
    let mut ledger = two();
    let dropped = Command::Dispatch(DispatchCommand::Dropped { dispatch: DispatchId(7) });
    assert_eq!(ledger.of("b", dropped), 0, "and what nobody knows changes nothing");
}

#[test]
fn a_room_does_not_contradict_what_another_sees() {
    let mut ledger = two();
    let breached = || {
        Command::Watch(WatchCommand::Breached {
            panel: "errors".into(),
            seen: "7 %".into(),
            threshold: "1 %".into(),
            since: crate::domain::time::Stamp::wall_only(chrono::DateTime::UNIX_EPOCH),
        })
    };
    let cleared = || Command::Watch(WatchCommand::Cleared { panel: "errors".into(), seen: "0 %".into() });
    assert_eq!(ledger.of("a", breached()), 1);
    assert_eq!(ledger.of("b", breached()), 0, "known");
    assert_eq!(ledger.of("b", cleared()), 0, "a still sees it");
    assert_eq!(ledger.of("a", cleared()), 1);
    assert_eq!(ledger.of("a", breached()), 1);
    ledger.of("b", lost("a"));
    assert_eq!(ledger.of("b", cleared()), 1, "nobody else is there to say it");
}

#[test]
fn two_views_of_a_release_do_not_chase_each_other() {
    let mut ledger = two();
    let now = ledger.now.clone();
    let saw = |current: &str| {
        Command::Release(ReleaseCommand::Saw {
            service: "shop".into(),
            env: "prod".into(),
            current: current.into(),
            previous: None,
            since: now.clone(),
            by: None,
        })
    };
    assert_eq!(ledger.of("b", saw("1")), 1);
    assert_eq!(ledger.of("a", saw("0")), 0, "a's directory is another");
    assert_eq!(ledger.of("b", saw("2")), 1);
    ledger.of("b", closed());
    assert_eq!(ledger.of("a", saw("3")), 1);
}

fn command(n: u8) -> (&'static str, Command) {
    let room = ["a", "b", "c"][usize::from(n % 3)];
    let other = ["a", "b", "c"][usize::from(n / 3 % 3)];
    let command = match n / 9 % 5 {
        0 => opened(room),
        1 | 2 => taken(),
        3 => lost(other),
        _ => closed(),
    };
    (room, command)
}

proptest! {
    #[test]
    fn one_room_at_most_has_the_duties_and_each_epoch_is_one_rooms(
        steps in prop::collection::vec(any::<u8>(), 0..80)
    ) {
        let mut ledger = Ledger::new();
        let mut last = 0;
        for n in steps {
            let (room, command) = command(n);
            // Rooms say nothing before they open, and nothing after they closed.
            if !ledger.state.room.open.contains_key(room)
                && !matches!(&command, Command::Room(RoomFact::Opened { .. }))
            {
                continue;
            }
            ledger.of(room, command);
            if let Some((holder, epoch)) = ledger.duty() {
                prop_assert!(ledger.state.room.open.contains_key(holder));
                prop_assert!(epoch >= last);
                last = epoch;
            }
        }
        let mut epochs = Vec::new();
        let mut again = State::default();
        for event in &ledger.events {
            again.apply(event);
            if let Fact::Room(RoomFact::DutyTaken { epoch, .. }) = &event.fact {
                epochs.push(*epoch);
            }
        }
        prop_assert!(epochs.is_sorted_by(|a, b| a < b), "{epochs:?}");
        prop_assert_eq!(again, ledger.state);
    }
}
