//! What has happened, the newest part of it; older events are asked for when one scrolls up.

use super::entry::{self, Entry};
use crate::domain::{
    Event, Fact, Seq, State, erasure, id::IncidentId, jump::Jump, note::NoteFact, time::Stamp,
};
use std::collections::{BTreeMap, VecDeque};

/// Events that are kept.
const KEPT: usize = 2_000;
/// Events that are asked for at once.
pub const PAGE: usize = 300;

/// What has happened, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    entries: VecDeque<Entry>,
    /// Whether nothing older is to be had.
    pub from_start: bool,
    /// When each happened, by both clocks, so that a jump of one shows.
    moments: BTreeMap<Seq, Stamp>,
    /// Before this one something may be missing.
    doubt: Seq,
}

impl Timeline {
    /// Adds an event, told in words with the state that holds after it. Older events find their place.
    pub fn add(&mut self, event: &Event, state: &State) {
        let Some(mut entry) = entry::tell(event, state) else { return };
        if let Fact::Note(NoteFact::Erased { seq, payload: true, .. }) = &event.fact
            && let Some(known) = self.entries.iter_mut().find(|known| known.seq == *seq)
        {
            known.what = erasure::words(state, *seq);
        }
        let at = self.entries.partition_point(|known| known.seq < entry.seq);
        if self.entries.get(at).is_some_and(|known| known.seq == entry.seq) {
            return;
        }
        if event.seq == 1 {
            self.from_start = true;
        }
        if !entry.provisional {
            if let Some(jump) = self.jump_before(entry.seq, &event.occurred) {
                entry.what = format!("[{jump}] {}", entry.what);
            }
            self.moments.insert(entry.seq, event.occurred.clone());
            self.mark_after(at, &event.occurred);
        }
        self.entries.insert(at, entry);
        if self.entries.len() > KEPT && at > 0 {
            if let Some(gone) = self.entries.pop_front() {
                self.moments.remove(&gone.seq);
            }
            self.from_start = false;
        }
    }

    /// The jump between the newest event before `seq` and this moment.
    fn jump_before(&self, seq: Seq, moment: &Stamp) -> Option<Jump> {
        let (_, before) = self.moments.range(..seq).next_back()?;
        Jump::between(before, moment)
    }

    /// An older event came: the one after it may have been told without what lies between them.
    fn mark_after(&mut self, at: usize, moment: &Stamp) {
        let Some(next) = self.entries.get_mut(at).filter(|next| !next.what.starts_with("[the clock")) else {
            return;
        };
        let jump = self.moments.get(&next.seq).and_then(|after| Jump::between(moment, after));
        if let Some(jump) = jump {
            next.what = format!("[{jump}] {}", next.what);
        }
    }

    /// Forgets everything, as when another room's state came.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// What was asked for up to before this one did not all come: something may be missing before it.
    pub fn doubt(&mut self, seq: Seq) {
        self.doubt = self.doubt.max(seq);
    }

    /// Forgets what may have something missing after it, as it is asked for again; everything where the newest that
    /// is there does not reach `from`, from which on it is, or is of another room, whose newest is `head`.
    pub fn settle(&mut self, from: Seq, head: Seq) {
        self.entries.retain(|entry| !entry.provisional);
        let last = self.entries.back().map_or(0, |entry| entry.seq);
        self.moments.retain(|seq, _| *seq <= last);
        if last > head || last.saturating_add(1) < from {
            self.clear();
        }
        let gone = self.entries.partition_point(|known| known.seq < self.doubt);
        if gone > 0 {
            self.entries.drain(..gone);
            let first = self.first().unwrap_or(Seq::MAX);
            self.moments.retain(|seq, _| *seq >= first);
            self.from_start = false;
        }
        self.doubt = 0;
    }

    /// The oldest that is there.
    pub fn first(&self) -> Option<Seq> {
        self.entries.front().map(|entry| entry.seq)
    }

    /// All, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// One by its position in the journal.
    pub fn get(&self, seq: Seq) -> Option<&Entry> {
        let at = self.entries.partition_point(|known| known.seq < seq);
        self.entries.get(at).filter(|entry| entry.seq == seq)
    }

    /// Those that a person at an incident wants to see: its own and the room's, that fit the filter, oldest first.
    pub fn shown(&self, incident: Option<IncidentId>, filter: &super::ui::TimelineFilter) -> Vec<&Entry> {
        self.entries
            .iter()
            .filter(|entry| incident.is_none() || entry.incident.is_none() || entry.incident == incident)
            .filter(|entry| filter.takes(entry))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Command,
        note::NoteCommand,
        testing::{Ledger, ana},
        time::Span,
    };

    #[test]
    fn a_jump_of_the_clock_is_marked_whichever_way_the_events_come() {
        let mut ledger = Ledger::with_incident();
        let say = |text: &str| Command::Note(NoteCommand::Say { incident: None, text: text.into() });
        ledger.pass(Span::secs(30));
        ledger.ok(&ana(), say("before"));
        ledger.pass(Span::secs(30));
        ledger.step_wall(-3_600_000);
        let after = ledger.ok(&ana(), say("after"))[0].seq;
        ledger.pass(Span::secs(30));
        ledger.ok(&ana(), say("later"));
        let marked = |events: &mut dyn Iterator<Item = &Event>| {
            let mut timeline = Timeline::default();
            events.for_each(|event| timeline.add(event, &ledger.state));
            let marked = timeline.iter().filter(|entry| entry.what.contains("clock jumped 1h00m back"));
            marked.map(|entry| entry.seq).collect::<Vec<_>>()
        };
        assert_eq!(marked(&mut ledger.events.iter()), [after]);
        assert_eq!(marked(&mut ledger.events.iter().rev()), [after], "older ones that come later");
    }
}
