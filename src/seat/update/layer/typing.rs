//! Keys where words are typed: help, palette, an argument, a text area.

use crate::{
    seat::{
        command::{self, palette},
        model::{Layer, Model, Tone, layer::Prompt},
        term::{Key, KeyChord},
        update::Effect,
        view::widget::field::Field,
    },
    wire::Steer,
};
use tui_textarea::{CursorMove, TextArea};

/// A key for a line to type into; whether it was one.
pub fn typed(field: &mut Field, key: KeyChord) -> bool {
    match (key.key, key.ctrl, key.alt) {
        (Key::Char('w'), true, false) | (Key::Backspace, _, true) => field.delete_word(),
        (Key::Char('u'), true, false) => field.clear(),
        (Key::Char('a'), true, false) | (Key::Home, ..) => field.home(),
        (Key::Char('e'), true, false) | (Key::End, ..) => field.end(),
        (Key::Char(c), false, false) => field.insert(c),
        (Key::Backspace, ..) => field.backspace(),
        (Key::Delete, ..) => field.delete(),
        (Key::Left, ..) => field.left(),
        (Key::Right, ..) => field.right(),
        _ => return false,
    }
    true
}

/// A key for the help and its filter.
pub fn help(model: &mut Model, mut field: Field, top: usize, key: KeyChord) -> Vec<Effect> {
    let top = match key.key {
        Key::Up => top.saturating_sub(1),
        Key::Down => top + 1,
        Key::PageUp => top.saturating_sub(10),
        Key::PageDown => top + 10,
        Key::Enter => return Vec::new(),
        _ => {
            typed(&mut field, key);
            0
        }
    };
    model.layers.push(Layer::Help { field, top });
    Vec::new()
}

/// A key for the palette.
pub fn palette(model: &mut Model, mut field: Field, at: usize, key: KeyChord) -> Vec<Effect> {
    let found = palette::find(model, field.text());
    let at = at.min(found.len().saturating_sub(1));
    let picked = found.get(at).map(|one| one.spec);
    match key.key {
        Key::Up => model.layers.push(Layer::Palette { field, at: at.saturating_sub(1) }),
        Key::Down => {
            model.layers.push(Layer::Palette { field, at: (at + 1).min(found.len().saturating_sub(1)) });
        }
        Key::Tab => {
            // Completed to the name, so that arguments can follow.
            let field = picked.map_or(field, |spec| Field::with(&format!("{} ", spec.name)));
            model.layers.push(Layer::Palette { field, at: 0 });
        }
        Key::Enter => {
            let Some(spec) = picked else {
                model.say(Tone::Wrong, format!("there is no command like {:?}", field.text()));
                model.layers.push(Layer::Palette { field, at });
                return Vec::new();
            };
            return command::invoke(model, palette::read(spec, field.text()));
        }
        Key::Backspace if field.text().is_empty() => {}
        _ => {
            let at = if typed(&mut field, key) { 0 } else { at };
            model.layers.push(Layer::Palette { field, at });
        }
    }
    Vec::new()
}

/// A key for an argument in one line.
pub fn prompt(model: &mut Model, mut prompt: Prompt, key: KeyChord) -> Vec<Effect> {
    let most = prompt.fitting().len();
    match key.key {
        Key::Up => prompt.at = prompt.at.and_then(|at| at.checked_sub(1)).or(prompt.strict.then_some(0)),
        Key::Down if most > 0 => prompt.at = Some(prompt.at.map_or(0, |at| at + 1).min(most - 1)),
        Key::Tab => {
            let value = prompt.fitting().get(prompt.at.unwrap_or(0)).map(|(value, _)| value.clone());
            if let Some(value) = value {
                prompt.field = Field::with(&value);
                prompt.at = prompt.strict.then_some(0);
            }
        }
        Key::Enter => {
            return if let Some(value) = prompt.value() {
                command::invoke(model, prompt.call.clone().with(value))
            } else {
                let what = if prompt.strict { "choose one of those listed" } else { "type something first" };
                model.say(Tone::Info, format!("{what}, or Esc"));
                model.layers.push(Layer::Prompt(prompt));
                Vec::new()
            };
        }
        _ => {
            if typed(&mut prompt.field, key) {
                prompt.at = prompt.strict.then_some(0);
            }
        }
    }
    model.layers.push(Layer::Prompt(prompt));
    Vec::new()
}

/// A key for an argument in words.
pub fn words(
    model: &mut Model,
    call: command::Call,
    title: String,
    mut area: Box<TextArea<'static>>,
    key: KeyChord,
) -> Vec<Effect> {
    let newline = (key.key == Key::Enter && (key.alt || key.shift)) || key == KeyChord::ctrl('j');
    if key.key == Key::Enter && !newline {
        let text = area.lines().join("\n");
        if text.trim().is_empty() {
            model.say(Tone::Info, "write at least a word, or Esc");
            model.layers.push(Layer::Words { call, title, area });
            return Vec::new();
        }
        return command::invoke(model, call.with(text.trim().to_owned()));
    }
    match (key.key, key.ctrl, key.alt) {
        _ if newline => area.insert_newline(),
        (Key::Char('w'), true, false) | (Key::Backspace, _, true) => {
            area.delete_word();
        }
        (Key::Char('u'), true, false) => {
            area.delete_line_by_head();
        }
        (Key::Char('z'), true, false) => {
            area.undo();
        }
        (Key::Char('a'), true, false) | (Key::Home, ..) => area.move_cursor(CursorMove::Head),
        (Key::Char('e'), true, false) | (Key::End, ..) => area.move_cursor(CursorMove::End),
        (Key::Char(c), false, false) => area.insert_char(c),
        (Key::Backspace, ..) => {
            area.delete_char();
        }
        (Key::Delete, ..) => {
            area.delete_next_char();
        }
        (Key::Left, ..) => area.move_cursor(CursorMove::Back),
        (Key::Right, ..) => area.move_cursor(CursorMove::Forward),
        (Key::Up, ..) => area.move_cursor(CursorMove::Up),
        (Key::Down, ..) => area.move_cursor(CursorMove::Down),
        _ => {}
    }
    model.layers.push(Layer::Words { call, title, area });
    Vec::new()
}

/// Text was pasted where text is asked for.
pub fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    let at = match model.layers.last_mut() {
        Some(Layer::Help { field, .. } | Layer::Palette { field, .. }) => {
            field.paste(text);
            return Vec::new();
        }
        Some(Layer::Prompt(prompt)) => {
            prompt.field.paste(text);
            prompt.at = prompt.strict.then_some(0);
            return Vec::new();
        }
        Some(Layer::Words { area, .. }) => {
            area.insert_str(crate::domain::text::block(text).as_ref());
            return Vec::new();
        }
        Some(Layer::Declare(form)) => {
            match form.at {
                0 => form.title.paste(text),
                2 => form.services.paste(text),
                _ => {}
            }
            return Vec::new();
        }
        Some(Layer::Terminal(at)) => at.clone(),
        // The name of a target and a reason for breaking the glass are typed, never pasted.
        _ => {
            model.say(Tone::Info, "this is typed, not pasted");
            return Vec::new();
        }
    };
    model.steer(at, Steer::Keys(text.replace("\r\n", "\r").replace('\n', "\r").into_bytes()))
}
