#![allow(clippy::cast_possible_wrap)] // Small counts of a test.

use super::*;
use crate::domain::time::Span;
use proptest::prelude::*;

fn panel(bad: Direction, hold: Option<Span>) -> Panel {
    Panel {
        name: "errors".into(),
        source: String::new(),
        query: "x".into(),
        unit: Unit::Ratio,
        bad,
        threshold: Some(0.01),
        hold,
        service: None,
    }
}

fn run(panel: &Panel, points: &[(i64, f64)]) -> (State, Vec<Change>) {
    let mut changes = Vec::new();
    let mut state = State::default();
    for (s, v) in points {
        let (next, change) = step(state, Point { t: s * 1_000, v: *v }, panel);
        state = next;
        changes.extend(change);
    }
    (state, changes)
}

fn at(s: i64) -> Wall {
    Wall::from_timestamp(s, 0).unwrap()
}

#[test]
fn a_breach_is_dated_back_to_its_first_point() {
    let p = panel(Direction::Up, Some(Span::secs(10)));
    let (state, changes) = run(&p, &[(0, 0.0), (5, 0.07), (10, 0.07), (15, 0.08), (20, 0.09)]);
    assert_eq!(changes, [Change::Breached { since: at(5), value: 0.08 }]);
    assert_eq!(state.bad_since(), Some(at(5)));
}

#[test]
fn a_spike_shorter_than_the_hold_is_nothing() {
    let p = panel(Direction::Up, Some(Span::secs(10)));
    assert_eq!(run(&p, &[(0, 0.0), (5, 0.07), (10, 0.0), (15, 0.07), (20, 0.0)]).1, []);
}

#[test]
fn dancing_on_the_line_is_one_breach() {
    let p = panel(Direction::Up, None);
    let (state, changes) = run(&p, &[(0, 0.011), (1, 0.0099), (2, 0.0101), (3, 0.0095), (4, 0.011)]);
    assert_eq!(changes.len(), 1);
    assert_eq!(state.bad_since(), Some(at(0)));
}

#[test]
fn no_data_is_neither_bad_nor_well() {
    let p = panel(Direction::Up, None);
    let (state, changes) = run(&p, &[(0, 0.07), (1, f64::NAN), (2, f64::NAN)]);
    assert_eq!(state.verdict(), Verdict::Unknown);
    assert_eq!(changes.get(1), Some(&Change::Lost { at: at(1) }));
    let (state, changes) = run(&p, &[(0, 0.07), (1, f64::NAN), (2, 0.0)]);
    assert_eq!(state.verdict(), Verdict::No);
    assert_eq!(changes.last(), Some(&Change::Returned { at: at(2), value: 0.0 }));
}

#[test]
fn less_can_be_worse() {
    let p = Panel { threshold: Some(3.0), unit: Unit::Count, ..panel(Direction::Down, None) };
    let (_, changes) = run(&p, &[(0, 3.0), (1, 2.0), (2, 3.0)]);
    assert_eq!(changes.len(), 2);
}

proptest! {
    #[test]
    fn bad_means_every_point_since_was_a_number_beyond_or_a_gap(
        values in proptest::collection::vec(prop_oneof![Just(f64::NAN), 0.0_f64..0.02], 1..80),
        hold in 0_u64..8,
    ) {
        let p = panel(Direction::Up, Some(Span::secs(hold)));
        let mut state = State::default();
        for (i, v) in values.iter().enumerate() {
            state = step(state, Point { t: i as i64 * 1_000, v: *v }, &p).0;
            if let State::Bad { since } = state {
                let first = (since / 1_000) as usize;
                prop_assert!(v.is_finite());
                prop_assert!(values[first] > 0.01);
                prop_assert!(values[first..=i].iter().all(|v| v.is_nan() || *v > 0.01 * 0.9));
                // The time of the hold itself knew no gap.
                prop_assert!(values[first..=(first + hold as usize).min(i)].iter().all(|v| *v > 0.01));
            }
            if v.is_nan() {
                prop_assert_eq!(state.verdict(), Verdict::Unknown);
            }
        }
    }

    #[test]
    fn changes_alternate(values in proptest::collection::vec(prop_oneof![Just(f64::NAN), 0.0_f64..0.02], 1..80)) {
        let p = panel(Direction::Up, None);
        let points: Vec<(i64, f64)> = values.iter().enumerate().map(|(i, v)| (i as i64, *v)).collect();
        let mut before = None;
        for change in run(&p, &points).1 {
            prop_assert_ne!(before, Some(std::mem::discriminant(&change)));
            before = Some(std::mem::discriminant(&change));
        }
    }
}
