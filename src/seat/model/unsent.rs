//! What a person has typed and the room has not taken, so that leaving the seat does not lose it.

use super::{Conn, Layer, Model};
use crate::domain::{Command, note::NoteCommand};

/// Texts that are kept of layers that were closed while nothing could be sent.
const ASIDE: usize = 20;

/// What stands in a layer, with what it was for.
fn typed(layer: &Layer) -> Option<String> {
    let (what, text) = match layer {
        Layer::Words { title, area, .. } => (title.as_str(), area.lines().join("\n")),
        Layer::Prompt(prompt) => (prompt.title.as_str(), prompt.field.text().to_owned()),
        Layer::Declare(form) => ("Declare an incident", form.title.text().to_owned()),
        Layer::Approval(open) => ("The reason for breaking the glass", open.glass.as_ref()?.1.text().into()),
        _ => return None,
    };
    let text = text.trim();
    (!text.is_empty()).then(|| format!("{what}: {text}"))
}

/// A command that was sent and not answered.
fn unanswered(command: &Command) -> String {
    let text = match command {
        Command::Note(NoteCommand::Say { text, .. }) => text.clone(),
        command => serde_json::to_string(command).unwrap_or_default(),
    };
    format!("sent and not answered, it may be recorded: {text}")
}

impl Model {
    /// A layer is closed without sending what stands in it. Where nothing could be sent anyway, its words are kept.
    pub fn put_aside(&mut self, layer: &Layer) {
        if matches!(self.conn, Conn::Up { .. }) {
            return;
        }
        self.aside.extend(typed(layer));
        let over = self.aside.len().saturating_sub(ASIDE);
        self.aside.drain(..over);
    }

    /// Everything of this person's that the room has not taken, oldest first, cleaned for a terminal.
    pub fn not_sent(&self) -> Vec<String> {
        let unanswered = self.pending.commands().map(|(_, command, _)| unanswered(command));
        let open = self.layers.iter().filter_map(typed);
        let all = self.aside.iter().cloned().chain(unanswered).chain(open);
        all.map(|text| crate::domain::text::block(&text).into_owned()).collect()
    }
}
