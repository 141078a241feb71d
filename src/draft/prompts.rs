//! What only people can say. Each prompt has a key that stays; its answer is an event and takes the prompt's place.

use super::{
    Draft, Piece, Section,
    escape::{inline, prose},
    gather::Gathered,
};
use crate::domain::incident::COMMANDER;
use serde::Serialize;

/// A question that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Todo {
    /// Stable name, under which it is answered: `root-cause`.
    pub key: String,
    /// Who is asked.
    pub role: String,
    /// What is asked. Markdown.
    pub question: String,
    /// The section it stands in, by id.
    pub section: String,
}

/// Every question that nobody has answered, in the order of the page.
pub fn todos(draft: &Draft) -> Vec<Todo> {
    let pieces = draft.sections.iter().flat_map(|section| &section.pieces);
    pieces
        .filter_map(|piece| match piece {
            Piece::Prompt { todo } => Some(todo.clone()),
            _ => None,
        })
        .collect()
}

impl Section {
    /// Asks, or shows what was answered. A role that nobody holds falls to the commander.
    pub(super) fn ask(&mut self, g: &Gathered<'_>, key: &str, role: &str, question: &str) {
        let held = matches!(role, "everyone" | "author") || g.incident.roles.contains_key(role);
        let todo = Todo {
            key: key.to_owned(),
            role: if held { role } else { COMMANDER }.to_owned(),
            question: question.to_owned(),
            section: self.id.to_owned(),
        };
        let answer = g.incident.answers.get(key).map(|text| prose(text)).filter(|text| !text.is_empty());
        self.pieces.push(match answer {
            Some(markdown) => {
                let by = g.answered.get(key);
                let by = by.map_or_else(String::new, |(who, seq)| format!("\n\n— {} (#{seq})", inline(who)));
                Piece::Answer { todo, markdown: markdown + &by }
            }
            None => Piece::Prompt { todo },
        });
    }
}
