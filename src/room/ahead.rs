//! What was sent to the journal ahead of its answers: how many entries at once, and the names by which the next of them is
//! decided. Answers come in order; where one is not what was decided on, all after it are sent again.

use super::names::Names;
use crate::domain::{Command, CommandId, id::IncidentId};
use std::collections::VecDeque;

/// Entries on their way at once at most; where somebody else appends in between, fewer.
const WIDEST: usize = 256;

/// Entries on their way, the oldest first.
#[derive(Debug)]
pub(super) struct Ahead {
    sent: VecDeque<Sent>,
    /// What names became that are settled; with those on their way.
    settled: Names,
    names: Names,
    width: usize,
    /// Sent on until the window is full, and then not before half of it is settled, so that they share commits.
    fills: bool,
}

/// One of them.
#[derive(Debug)]
struct Sent {
    id: CommandId,
    given: Vec<String>,
    /// What they became; none where that is only known when it is settled.
    made: Option<Vec<String>>,
}

impl Default for Ahead {
    fn default() -> Self {
        Self {
            sent: VecDeque::new(),
            settled: Names::default(),
            names: Names::default(),
            width: WIDEST,
            fills: true,
        }
    }
}

impl Ahead {
    /// Which entry is sent next, counted from the first that is not settled; none before something was settled.
    pub(super) fn next(&mut self) -> Option<usize> {
        let count = self.sent.len();
        if count >= self.width {
            self.fills = false;
        } else if count <= self.width / 2 {
            self.fills = true;
        }
        // What names nobody knows yet must not be named.
        let waits = self.sent.iter().any(|one| one.made.is_none() && !one.given.is_empty());
        (self.fills && !waits).then_some(count)
    }

    /// An entry was sent that gave these names, and what they become, where that is known.
    pub(super) fn sent(&mut self, id: CommandId, given: &[String], made: Option<Vec<String>>) {
        if let Some(made) = &made {
            self.names.learn(given, made);
        }
        self.sent.push_back(Sent { id, given: given.to_vec(), made });
    }

    /// The first of them was answered, with these names where they were not known before. Whether it was the first.
    pub(super) fn settle(&mut self, id: CommandId, found: &[String]) -> bool {
        if self.sent.front().is_none_or(|one| one.id != id) {
            return false;
        }
        let Some(one) = self.sent.pop_front() else { return false };
        self.settled.learn(&one.given, one.made.as_deref().unwrap_or(found));
        if one.made.is_none() {
            self.learn_again();
        }
        self.width = self.width.saturating_add(1).min(WIDEST);
        true
    }

    /// An entry is settled without being sent: it came to nothing, or stands in the journal and gave no names.
    pub(super) fn passed(&mut self, given: &[String]) {
        self.settled.learn(given, &[]);
        self.learn_again();
    }

    /// Somebody else appended first: this one and all after it are decided again, fewer at once.
    pub(super) fn back_to(&mut self, id: CommandId) {
        if let Some(at) = self.sent.iter().position(|one| one.id == id) {
            self.sent.truncate(at);
            self.learn_again();
        }
        self.narrow();
    }

    /// All that are on their way are sent again; fewer at once, for so many may have been too much for the line.
    pub(super) fn stop(&mut self) {
        if !self.sent.is_empty() {
            self.narrow();
        }
        self.sent.clear();
        self.learn_again();
    }

    fn narrow(&mut self) {
        self.width = (self.width / 2).max(1);
        self.fills = true;
    }

    fn learn_again(&mut self) {
        self.names = self.settled.clone();
        for one in &self.sent {
            if let Some(made) = &one.made {
                self.names.learn(&one.given, made);
            }
        }
    }

    /// The command with the names that things have in the journal, or the one that names nothing there.
    pub(super) fn renamed(&self, command: &Command) -> Result<Command, String> {
        self.names.renamed(command)
    }

    /// What an incident is called in the journal; none where it is not there.
    pub(super) fn incident(&self, given: IncidentId) -> Option<IncidentId> {
        self.names.now(&given.to_string()).and_then(|name| name.parse().ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::note::NoteCommand;
    use uuid::Uuid;

    fn id(n: usize) -> CommandId {
        CommandId(Uuid::from_u128(n as u128))
    }

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|&name| name.to_owned()).collect()
    }

    fn about(incident: u32) -> Command {
        Command::Note(NoteCommand::Say { incident: Some(IncidentId(incident)), text: "it burns".into() })
    }

    /// Sends all that may be sent; how many.
    fn fill(ahead: &mut Ahead, from: usize) -> usize {
        let mut n = from;
        while ahead.next().is_some() {
            ahead.sent(id(n), &[], Some(Vec::new()));
            n += 1;
        }
        n - from
    }

    #[test]
    fn the_window_is_filled_at_once_and_again_when_half_of_it_is_settled() {
        let mut ahead = Ahead::default();
        assert_eq!(fill(&mut ahead, 0), WIDEST);
        for n in 0..WIDEST / 2 {
            assert_eq!(ahead.next(), None, "{n}");
            assert!(ahead.settle(id(n), &[]));
        }
        assert_eq!(ahead.next(), Some(WIDEST / 2));
        assert_eq!(fill(&mut ahead, WIDEST), WIDEST / 2);
        // Only the first is settled.
        assert!(!ahead.settle(id(WIDEST), &[]));
        assert!(ahead.settle(id(WIDEST / 2), &[]));
    }

    #[test]
    fn whoever_is_in_between_makes_it_narrower_and_one_is_always_sent() {
        let mut ahead = Ahead::default();
        assert_eq!(fill(&mut ahead, 0), 256);
        ahead.settle(id(0), &[]);
        ahead.back_to(id(1));
        assert_eq!(fill(&mut ahead, 1), 128);
        ahead.stop();
        assert_eq!(fill(&mut ahead, 1), 64);
        for _ in 0..20 {
            ahead.back_to(id(1));
        }
        assert_eq!(fill(&mut ahead, 1), 1);
        for n in 1..100 {
            assert!(ahead.settle(id(n), &[]));
            assert!(fill(&mut ahead, n + 1) > 0 || ahead.next().is_none());
            while ahead.sent.len() > 1 {
                ahead.sent.pop_back();
            }
        }
        assert!(ahead.width > 64);
    }

    #[test]
    fn what_is_sent_again_is_named_anew() {
        let mut ahead = Ahead::default();
        ahead.sent(id(0), &names(&["INC-1"]), Some(names(&["INC-2"])));
        ahead.sent(id(1), &[], Some(Vec::new()));
        ahead.sent(id(2), &names(&["INC-2"]), Some(names(&["INC-3"])));
        assert_eq!(ahead.renamed(&about(1)), Ok(about(2)));
        assert_eq!(ahead.incident(IncidentId(2)), Some(IncidentId(3)));
        assert!(ahead.settle(id(0), &[]));
        // The third is not decided yet; the first stands.
        ahead.back_to(id(1));
        assert_eq!(ahead.renamed(&about(2)), Ok(about(2)));
        assert_eq!(ahead.renamed(&about(1)), Ok(about(2)));
        ahead.sent(id(1), &[], Some(Vec::new()));
        ahead.sent(id(2), &names(&["INC-2"]), Some(names(&["INC-4"])));
        assert_eq!(ahead.renamed(&about(2)), Ok(about(4)));
        ahead.stop();
        assert_eq!((ahead.renamed(&about(1)), ahead.renamed(&about(2))), (Ok(about(2)), Ok(about(2))));
    }

    #[test]
    fn names_that_are_looked_up_are_waited_for() {
        let mut ahead = Ahead::default();
        ahead.sent(id(0), &[], None);
        assert_eq!(ahead.next(), Some(1));
        ahead.sent(id(1), &names(&["INC-1"]), None);
        assert_eq!(ahead.next(), None);
        assert!(ahead.settle(id(0), &[]));
        assert_eq!(ahead.next(), None);
        assert!(ahead.settle(id(1), &names(&["INC-7"])));
        assert_eq!(ahead.next(), Some(0));
        assert_eq!(ahead.renamed(&about(1)), Ok(about(7)));
        ahead.passed(&names(&["INC-2"]));
        assert_eq!(ahead.renamed(&about(2)), Err("INC-2".into()));
        assert_eq!(ahead.incident(IncidentId(2)), None);
    }
}
