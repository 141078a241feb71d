//! The post-mortem draft, rendered from the journal.
//!
//! [`build()`] folds the events and collects sections; [`markdown`] puts them through a template; [`write()`] lays the
//! whole export down beside its charts, its journal and its manifest, or nothing of it.
//!
//! Invariants: every generated sentence cites the events it stands on ([`Sentence`] cannot be made without them);
//! causes, counterfactuals and numbers that nobody entered are prompts ([`Todo`]), never sentences; whatever people or
//! machines said goes through [`escape`] before it becomes part of the page.

mod build;
mod candidates;
mod charts;
mod cite;
mod coordination;
mod deviations;
pub mod escape;
mod front;
mod gaps;
mod gather;
mod latency;
mod overview;
mod page;
mod prompts;
mod response;
mod table;
mod tell;
mod timeline;
mod write;

pub use build::build;
pub use charts::{Chart, Recorded};
pub use cite::{Cites, Sentence};
pub use front::Front;
pub use page::markdown;
pub use prompts::{Todo, todos};
pub use table::Table;
pub use write::{FileEntry, JournalRange, Manifest, ManifestCheckpoint, Options, Redact, WriteError, write};

use crate::domain::{Seq, id::Digest, id::IncidentId, time::Wall};
use serde::Serialize;

/// What the journal does not hold and the draft can show: series recorded while the incident was open.
#[derive(Debug, Clone, Default)]
pub struct Extra {
    /// One chart each, in this order.
    pub charts: Vec<Recorded>,
    /// What it takes to check the journal in the export.
    pub proof: Option<Proof>,
}

/// The chain of the journal, and where it was signed.
#[derive(Debug, Clone, Default)]
pub struct Proof {
    /// Each event as it is stored, as JSON, in order.
    pub chain: Vec<String>,
    /// The newest checkpoint that is not after the last of them.
    pub checkpoint: Option<Signed>,
}

/// A checkpoint.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The event that it ends with.
    pub seq: Seq,
    /// The signed note.
    pub note: String,
    /// The key that signed it.
    pub key: String,
}

/// A post-mortem as far as the journal can write it.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Which incident.
    pub incident: IncidentId,
    /// The event that declared it.
    pub declared: Seq,
    /// The YAML front matter.
    pub front: Front,
    /// Sections in their order.
    pub sections: Vec<Section>,
    /// Charts, drawn.
    pub charts: Vec<Chart>,
    /// The events it was made from.
    pub range: Range,
    /// When it was made.
    pub generated: Wall,
}

/// The part of the journal that a draft was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First event.
    pub first: Seq,
    /// Last event.
    pub last: Seq,
    /// How many there were.
    pub count: usize,
    /// Hash of the chain up to and with the last.
    pub head: Digest,
}

/// A heading and what is under it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// Stable name, `monitoring-gaps`.
    pub id: &'static str,
    /// The heading.
    pub title: &'static str,
    /// In their order.
    pub pieces: Vec<Piece>,
}

/// A part of a section. Every text in it is Markdown already.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Piece {
    /// A sentence of its own.
    Fact {
        /// The sentence.
        sentence: Sentence,
    },
    /// A list of sentences.
    List {
        /// The sentences.
        items: Vec<Sentence>,
    },
    /// A list of sentences to tick.
    Tasks {
        /// The sentences.
        items: Vec<Sentence>,
    },
    /// A heading below the section's.
    Heading {
        /// The sentence.
        sentence: Sentence,
    },
    /// A table.
    Table {
        /// The text.
        markdown: String,
    },
    /// Text in a fence.
    Code {
        /// The text.
        markdown: String,
    },
    /// A picture beside the draft.
    Image {
        /// What it shows.
        alt: String,
        /// Where it lies beside the draft.
        path: String,
    },
    /// Fixed words of the template that state no fact.
    Words {
        /// The words.
        markdown: &'static str,
    },
    /// A question that only people can answer, and that nobody has answered.
    Prompt {
        /// The question.
        todo: Todo,
    },
    /// The same, answered.
    Answer {
        /// The question.
        todo: Todo,
        /// The text.
        markdown: String,
    },
}

impl Section {
    fn new(id: &'static str, title: &'static str) -> Self {
        Self { id, title, pieces: Vec::new() }
    }

    fn fact(&mut self, sentence: Sentence) {
        self.pieces.push(Piece::Fact { sentence });
    }

    /// Adds a list, where there is anything in it.
    fn list(&mut self, items: Vec<Sentence>) {
        if !items.is_empty() {
            self.pieces.push(Piece::List { items });
        }
    }

    fn table(&mut self, table: &Table) {
        if !table.is_empty() {
            self.pieces.push(Piece::Table { markdown: table.markdown() });
        }
    }
}
