//! A step's own terminal: keys pass through as xterm sends them.

use crate::{
    seat::{
        model::{Layer, Model, StepRef, Tone},
        term::{Key, KeyChord},
        update::Effect,
        view::layout,
    },
    wire::Steer,
};

/// A key for the step; Ctrl-] leaves it.
pub fn key(model: &mut Model, at: StepRef, key: KeyChord) -> Vec<Effect> {
    if key == KeyChord::ctrl(']') {
        model.say(Tone::Info, "the step's terminal goes on; Enter opens it again");
        return Vec::new();
    }
    let bytes = bytes(key);
    model.layers.push(Layer::Terminal(at.clone()));
    if bytes.is_empty() { Vec::new() } else { model.steer(at, Steer::Keys(bytes)) }
}

/// What a terminal sends for a key, as xterm does.
fn bytes(key: KeyChord) -> Vec<u8> {
    let mut out = Vec::new();
    if key.alt {
        out.push(0x1b);
    }
    let text: &str = match key.key {
        Key::Char(c) if key.ctrl => {
            let code = c.to_ascii_uppercase() as u32;
            if let Ok(code @ 0x40..=0x5f) = u8::try_from(code) {
                out.push(code & 0x1f);
            }
            ""
        }
        Key::Char(c) => {
            out.extend(c.to_string().bytes());
            ""
        }
        Key::Enter => "\r",
        Key::Tab if key.shift => "\u{1b}[Z",
        Key::Tab => "\t",
        Key::Esc => "\u{1b}",
        Key::Backspace => "\u{7f}",
        Key::Delete => "\u{1b}[3~",
        Key::Insert => "\u{1b}[2~",
        Key::Up => "\u{1b}[A",
        Key::Down => "\u{1b}[B",
        Key::Right => "\u{1b}[C",
        Key::Left => "\u{1b}[D",
        Key::Home => "\u{1b}[H",
        Key::End => "\u{1b}[F",
        Key::PageUp => "\u{1b}[5~",
        Key::PageDown => "\u{1b}[6~",
        Key::F(1) => "\u{1b}OP",
        Key::F(2) => "\u{1b}OQ",
        Key::F(3) => "\u{1b}OR",
        Key::F(4) => "\u{1b}OS",
        Key::F(_) => "",
    };
    out.extend(text.bytes());
    out
}

/// The terminal of a step follows the size of the seat's.
pub fn resized(model: &mut Model) -> Vec<Effect> {
    match model.layers.last() {
        Some(Layer::Terminal(at)) => {
            let (cols, rows) = layout::terminal(model.ui.size);
            model.steer(at.clone(), Steer::Resize { cols, rows })
        }
        _ => Vec::new(),
    }
}
