//! Records as a room makes them.

use chrono::DateTime;
use uuid::Uuid;
use warroom::{
    domain::{CommandId, Event, Fact, State, actor::Actor, note::NoteFact, time::Stamp},
    journal::{
        Head,
        chain::{self, Draft, Record},
    },
};

/// A note.
pub fn note(text: &str) -> Fact {
    Fact::Note(NoteFact::Said { incident: None, text: text.to_owned() })
}

/// That an event's payload was erased.
pub fn erased(seq: u64) -> Fact {
    Fact::Note(NoteFact::Erased {
        incident: None,
        seq,
        kind: "note.said".into(),
        payload: true,
        evidence: None,
        reason: "a password".into(),
    })
}

/// Facts of one command, after `head`.
pub fn sealed(mut head: Head, facts: Vec<Fact>) -> (Vec<Record>, Vec<Event>, Head) {
    let command = CommandId(Uuid::now_v7());
    let (mut records, mut events) = (Vec::new(), Vec::new());
    for (index, fact) in facts.into_iter().enumerate() {
        let at = Stamp::wall_only(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let draft = Draft {
            command,
            index: u16::try_from(index).unwrap(),
            stream: fact.stream(&State::default()),
            recorded: at.wall,
            occurred: at,
            room: "r".into(),
            actor: Actor::user("ana", 1000),
            offline: None,
            fact,
        };
        let (record, event) = chain::seal(draft, head, [7; 16]).unwrap();
        head = Head { seq: record.seq, hash: record.hash };
        records.push(record);
        events.push(event);
    }
    (records, events, head)
}
