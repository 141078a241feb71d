//! Words and output that must not be kept: taken out of the journal for good, while it stays known that they were there,
//! who took them out and why.
//!
//! Only what the fold does not read can go, so that a replay gives the state that the room had: notes, pins, and the
//! captured output of steps, which lies in the evidence. Other words are put right by a new event.

use super::{
    command::Ctx,
    event::{Event, Seq},
    fact::Fact,
    id::{Digest, IncidentId},
    note::NoteFact,
    refusal::{Code, Refusal, text},
    state::State,
    walk::WalkFact,
};
use serde::{Deserialize, Serialize};

/// What was found at a position of the journal, by the room that read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The event.
    pub seq: Seq,
    /// The incident that it belongs to.
    pub incident: Option<IncidentId>,
    /// Its kind, `note.said`.
    pub kind: String,
    /// Whether its payload can go.
    pub payload: bool,
    /// What lies of it in the evidence.
    pub evidence: Option<Digest>,
}

impl Found {
    /// What of an event can be erased.
    ///
    /// # Errors
    /// `Conflict` where nothing is left of it, `Forbidden` where the fold needs it.
    pub fn of(event: &Event) -> Result<Self, Refusal> {
        let (seq, kind) = (event.seq, event.fact.kind());
        let found =
            |payload, evidence| Self { seq, incident: event.stream, kind: kind.clone(), payload, evidence };
        match &event.fact {
            Fact::Erased => Err(Refusal::new(Code::Conflict, format!("event {seq} was erased already"))),
            Fact::Note(NoteFact::Said { .. }) => Ok(found(true, None)),
            Fact::Note(NoteFact::Pinned { evidence, .. }) => Ok(found(true, *evidence)),
            Fact::Walk(WalkFact::BlockEnded { done, .. }) if done.evidence.is_some() => Ok(found(false, done.evidence)),
            _ => Err(Refusal::new(Code::Forbidden, format!("event {seq} is {kind}: the record stands on it"))
                .hint("only notes, pins and a step's captured output can be erased; anything else is corrected by a new event")),
        }
    }
}

/// What is known of something that was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Who erased it.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl Erasure {
    /// What stands where the words stood.
    pub fn words(&self) -> String {
        format!("[erased by {}: {}]", self.by, self.reason)
    }
}

/// What stands in place of an erased event.
pub fn words(state: &State, seq: Seq) -> String {
    state.erased.get(&seq).map_or_else(|| "[erased]".into(), Erasure::words)
}

pub(super) fn decide(
    state: &State,
    (seq, reason, found): (Seq, &str, Option<&Found>),
    _: &Ctx,
) -> Result<Vec<Fact>, Refusal> {
    let found = found
        .filter(|found| found.seq == seq)
        .ok_or_else(|| Refusal::unknown("event", seq).hint("warroom tail prints their numbers"))?;
    if state.erased.contains_key(&seq) {
        return Err(Refusal::new(Code::Conflict, format!("event {seq} was erased already")));
    }
    Ok(vec![Fact::Note(NoteFact::Erased {
        incident: found.incident,
        seq,
        kind: found.kind.clone(),
        payload: found.payload,
        evidence: found.evidence,
        reason: text("the reason", reason, 1_000)?,
    })])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Command,
        board::{BoardCommand, BoardLine},
        note::NoteCommand,
        policy::{Members, Policy, Power},
        testing::{Ledger, ana, bo},
    };

    const INC: IncidentId = IncidentId(1);

    fn said(ledger: &mut Ledger) -> Event {
        ledger
            .ok(
                &ana(),
                Command::Note(NoteCommand::Say { incident: Some(INC), text: "the key is hunter2".into() }),
            )
            .remove(0)
    }

    fn erase(seq: Seq, found: Option<Found>) -> Command {
        Command::Note(NoteCommand::Erase { seq, reason: "a password".into(), found })
    }

    #[test]
    fn what_was_said_goes_and_who_took_it_out_stays() {
        let mut ledger = Ledger::with_incident();
        let note = said(&mut ledger);
        let found = Found::of(&note).unwrap();
        assert!(found.payload);
        let done = ledger.ok(&ana(), erase(note.seq, Some(found.clone())));
        assert_eq!((done[0].stream, done[0].fact.kind().as_str()), (Some(INC), "note.erased"));
        assert_eq!(words(&ledger.state, note.seq), "[erased by ana: a password]");
        assert!(ledger.no(&ana(), erase(note.seq, Some(found))).to_string().contains("already"));
        // A replay of what is left gives the state that the room has.
        let live = ledger.state.clone();
        ledger.events.iter_mut().find(|event| event.seq == note.seq).unwrap().fact = Fact::Erased;
        assert_eq!(ledger.replay(), live);
        assert!(!serde_json::to_string(&ledger.events).unwrap().contains("hunter2"));
        let again = Found::of(&ledger.events[usize::try_from(note.seq).unwrap() - 1]).unwrap_err();
        assert_eq!(again.code, Code::Conflict);
    }

    #[test]
    fn what_the_record_stands_on_stays() {
        let mut ledger = Ledger::with_incident();
        let set = BoardCommand::Set { incident: INC, line: BoardLine::Now, text: "hunter2".into() };
        let board = ledger.ok(&ana(), Command::Board(set)).remove(0);
        for event in ledger.events.iter().chain([&board]) {
            assert_eq!(Found::of(event).unwrap_err().code, Code::Forbidden, "{event:?}");
        }
    }

    #[test]
    fn a_client_cannot_say_what_an_event_is() {
        let found = Found { seq: 1, incident: None, kind: "x".into(), payload: true, evidence: None };
        let sent = serde_json::to_string(&erase(1, Some(found.clone()))).unwrap();
        assert_eq!(serde_json::from_str::<Command>(&sent).unwrap(), erase(1, None));
        let mut ledger = Ledger::with_incident();
        assert_eq!(ledger.no(&ana(), erase(1, None)).code, Code::Unknown);
        assert_eq!(ledger.no(&ana(), erase(2, Some(found))).code, Code::Unknown);
    }

    #[test]
    fn it_takes_the_power_to_command_and_a_reason() {
        let mut ledger = Ledger::with_incident();
        let note = said(&mut ledger);
        let found = Found::of(&note).unwrap();
        let mute = NoteCommand::Erase { seq: note.seq, reason: " ".into(), found: Some(found.clone()) };
        assert_eq!(ledger.no(&ana(), Command::Note(mute)).code, Code::Invalid);
        let members = |name: &str| Members { users: [name.to_owned()].into(), ..Members::default() };
        let powers = [(Power::Respond, members("bo")), (Power::Command, members("ana"))].into();
        ledger.state.policy = Policy { powers, ..ledger.state.policy.clone() };
        assert_eq!(ledger.no(&bo(), erase(note.seq, Some(found.clone()))).code, Code::Forbidden);
        ledger.ok(&ana(), erase(note.seq, Some(found)));
    }
}
