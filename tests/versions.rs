//! Journals of every version that was ever written are read as today's facts.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

use serde_json::Value;
use std::collections::BTreeSet;
use warroom::{
    domain::{CommandId, Event, Fact, State, id::Digest, time::Stamp},
    journal::upcast,
};

/// Each fixture is one journal, an event a line: header and payload as they were stored. Never changed, only added to.
const FIXTURES: [&str; 1] = [include_str!("journal/v1.ndjson")];

fn event(line: &str, before: &State) -> (u32, Event) {
    let stored: Value = serde_json::from_str(line).unwrap();
    let header = &stored["header"];
    let version = u32::try_from(header["v"].as_u64().unwrap()).unwrap();
    let payload = serde_json::to_vec(&stored["payload"]).unwrap();
    let occurred: Stamp = serde_json::from_value(header["occurred"].clone()).unwrap();
    let event = Event {
        seq: before.head + 1,
        command: serde_json::from_value::<CommandId>(header["command"].clone()).unwrap(),
        index: 0,
        stream: serde_json::from_value(header["stream"].clone()).unwrap_or_default(),
        recorded: occurred.wall,
        occurred,
        room: header["room"].as_str().unwrap().to_owned(),
        actor: serde_json::from_value(header["actor"].clone()).unwrap(),
        offline: None,
        fact: upcast::fact(version, &payload),
        hash: Digest::ZERO,
    };
    (version, event)
}

#[test]
fn every_version_replays() {
    for (n, fixture) in FIXTURES.iter().enumerate() {
        let (mut state, mut kinds) = (State::default(), BTreeSet::new());
        for line in fixture.lines() {
            let (version, event) = event(line, &state);
            assert_eq!(version as usize, n + 1);
            assert!(!matches!(event.fact, Fact::Foreign(_) | Fact::Erased), "not read any more: {line}");
            kinds.insert(event.fact.kind());
            state.apply(&event);
        }
        // A bad release, lived through to its end.
        let incident = state.incidents.values().next().unwrap();
        assert!(incident.clocks.recovered.is_some() && !incident.is_open(), "{incident:?}");
        assert!(state.walks.values().all(|walk| walk.ended.is_some()) && !state.walks.is_empty());
        assert!(state.freezes.values().any(|freeze| freeze.refused > 0));
        assert!(kinds.len() >= 25, "{kinds:?}");
    }
    assert_eq!(FIXTURES.len(), upcast::VERSION as usize, "a new version brings its fixture");
}
