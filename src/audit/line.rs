//! An event as one line of JSON, and how much it matters. Pure.

use crate::domain::{
    Event, Fact,
    board::BoardFact,
    conflict::ConflictFact,
    deviation::DeviationFact,
    dispatch::DispatchFact,
    freeze::FreezeFact,
    gate::GateFact,
    incident::IncidentFact,
    page::PageFact,
    readiness::ReadinessFact,
    release::{Judgement, ReleaseFact},
    room::RoomFact,
    task::TaskFact,
    text,
    verdict::Verdict,
    walk::WalkFact,
    watch::WatchFact,
};

/// How much an event matters to somebody who reads only what is loud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It happened.
    Info,
    /// The incident took a turn.
    Notice,
    /// Something failed, was refused or was passed over.
    Warning,
}

/// The weight of a fact.
pub fn weight(fact: &Fact) -> Weight {
    use Weight::{Info, Notice, Warning};
    match fact {
        Fact::Room(RoomFact::Resumed { .. } | RoomFact::GapWrittenBack { .. })
        | Fact::Deviation(DeviationFact::Recorded { .. })
        | Fact::Gate(GateFact::Refused { .. } | GateFact::Warned { .. } | GateFact::Overridden { .. })
        | Fact::Readiness(ReadinessFact::Turned { verdict: Verdict::No | Verdict::Unknown, .. })
        | Fact::Watch(WatchFact::Breached { .. } | WatchFact::Blind { .. })
        | Fact::Incident(IncidentFact::TargetBreached { .. } | IncidentFact::RecoveryLost { .. })
        | Fact::Task(TaskFact::Over { .. })
        | Fact::Page(PageFact::Climbed { .. })
        | Fact::Dispatch(DispatchFact::Failed { .. })
        | Fact::Release(ReleaseFact::Judged { judgement: Judgement::Bad, .. })
        | Fact::Walk(
            WalkFact::Approved { glass: true, .. }
            | WalkFact::StepFailed { .. }
            | WalkFact::Overridden { .. }
            | WalkFact::Lost { .. }
            | WalkFact::TakenOver { .. }
            | WalkFact::Edited { .. },
        )
        | Fact::Conflict(ConflictFact::Found { .. })
        | Fact::Erased => Warning,
        Fact::Incident(
            IncidentFact::Declared { .. }
            | IncidentFact::SeverityChanged { .. }
            | IncidentFact::StatusChanged { .. }
            | IncidentFact::RoleTaken { .. }
            | IncidentFact::RoleLeft { .. }
            | IncidentFact::Corrected { .. }
            | IncidentFact::Recovered { .. },
        )
        | Fact::Decision(_)
        | Fact::Page(_)
        | Fact::Board(BoardFact::Updated { .. })
        | Fact::Freeze(FreezeFact::Began { .. } | FreezeFact::Lifted { .. } | FreezeFact::Expired { .. })
        | Fact::Gate(_)
        | Fact::Release(ReleaseFact::Switched { .. })
        | Fact::Walk(WalkFact::Approved { .. } | WalkFact::Rejected { .. } | WalkFact::Undone { .. }) => {
            Notice
        }
        _ => Info,
    }
}

/// The event as JSON on one line, without its end: what `warroom tail --json` prints, with every character that acts
/// on a terminal or hides written as `\u` and its number.
pub fn json(event: &Event) -> String {
    text::json(&serde_json::to_string(event).unwrap_or_default()).into_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::domain::{
        CommandId,
        actor::Actor,
        id::{Digest, IncidentId},
        note::NoteFact,
        time::{BootId, Stamp},
    };
    use proptest::prelude::*;

    /// A note of ana's in INC-7.
    pub(crate) fn event(seq: u64, said: &str) -> Event {
        let wall = chrono::DateTime::from_timestamp_millis(1_772_373_651_120).unwrap();
        Event {
            seq,
            command: CommandId(uuid::Uuid::from_u128(7)),
            index: 0,
            stream: Some(IncidentId(7)),
            occurred: Stamp { wall, boot: BootId("b".into()), clock: 5 },
            recorded: wall,
            room: "bastion-41".into(),
            actor: Actor::user("ana", 1001),
            offline: None,
            fact: Fact::Note(NoteFact::Said { incident: Some(IncidentId(7)), text: said.into() }),
            hash: Digest([0xab; 32]),
        }
    }

    proptest! {
        #[test]
        fn a_line_is_the_event_and_acts_on_nothing(said in "(?s).{0,40}|\\PC*") {
            let event = event(3, &said);
            let line = json(&event);
            prop_assert!(!line.chars().any(text::acts));
            prop_assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
        }
    }
}
