//! The post-mortem draft as the seat shows it.

use crate::domain::{Event, Fact, Seq, id::IncidentId, note::NoteFact};

/// Something only people can write, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Todo {
    /// The prompt's key, under which the answer is journaled.
    pub key: String,
    /// Which role is asked.
    pub role: String,
    /// What is asked.
    pub question: String,
    /// Line of the draft where it stands, from 0.
    pub line: usize,
}

/// The draft.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Whose.
    pub incident: Option<IncidentId>,
    /// Its events, gathered from the room.
    pub events: Vec<Event>,
    /// Up to here the room was asked: events of others are passed over.
    pub read: Seq,
    /// Whether all events up to now are there.
    pub complete: bool,
    /// Markdown; none before it was made once.
    pub text: Option<String>,
    /// What is still to be answered.
    pub todos: Vec<Todo>,
    /// Whether something happened since it was made.
    pub dirty: bool,
    /// Where it was written to.
    pub exported: Option<String>,
}

impl Draft {
    /// Begins with an incident; keeps what is there where it is the same.
    pub fn begin(&mut self, incident: IncidentId) {
        if self.incident != Some(incident) {
            *self = Self { incident: Some(incident), ..Self::default() };
        }
    }

    /// The next event that is not there yet.
    pub fn next(&self) -> Seq {
        self.events.last().map_or(1, |event| event.seq + 1).max(self.read)
    }

    /// Adds an event that belongs to the incident and is newer than all before.
    pub fn add(&mut self, event: &Event) {
        if self.incident.is_some() && event.stream == self.incident && event.seq >= self.next() {
            if let Fact::Note(NoteFact::Erased { seq, payload: true, .. }) = &event.fact
                && let Some(known) = self.events.iter_mut().find(|known| known.seq == *seq)
            {
                known.fact = Fact::Erased;
            }
            self.events.push(event.clone());
            self.dirty = true;
        }
    }
}
