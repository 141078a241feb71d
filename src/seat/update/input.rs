//! What the person does: keys go to the topmost layer, else to the commands.

use super::{Effect, layer};
use crate::seat::{
    command::{self, Call, keymap},
    model::{Model, Tone},
    term::{
        Input,
        input::{Mouse, MouseKind},
    },
};

/// Something came from the terminal.
pub fn input(model: &mut Model, input: Input) -> Vec<Effect> {
    if matches!(input, Input::Key(_) | Input::Paste(_) | Input::Mouse(_)) {
        model.active = model.now.clone();
    }
    match input {
        Input::Key(key) => {
            model.notice = None;
            if !model.layers.is_empty() {
                return layer::key(model, key);
            }
            if let Some(spec) = model.keymap.get(key) {
                let call = command::here(model, spec.name);
                command::invoke(model, call)
            } else {
                let help = model.keymap.label("help").unwrap_or_default();
                model.say(
                    Tone::Info,
                    format!("{} does nothing here; {help} shows what every key does", keymap::shown(key)),
                );
                Vec::new()
            }
        }
        Input::Paste(text) => {
            if model.is_typing() {
                return layer::paste(model, &text);
            }
            model.say(Tone::Info, "pasted text goes only where text is asked for; n begins a note");
            Vec::new()
        }
        Input::Resize(width, height) => {
            model.ui.size = (width, height);
            layer::resized(model)
        }
        Input::Focus(on) => {
            model.ui.unfocused = !on;
            Vec::new()
        }
        Input::Mouse(mouse) => mouse_(model, mouse),
        Input::Gone => vec![Effect::Gone],
    }
}

fn mouse_(model: &mut Model, mouse: Mouse) -> Vec<Effect> {
    let name = match mouse.kind {
        MouseKind::WheelUp => "up",
        MouseKind::WheelDown => "down",
        MouseKind::Press => {
            return crate::seat::view::layout::pane_at(model, mouse.column, mouse.row).map_or(
                Vec::new(),
                |pane| {
                    model.ui.focus_on(pane);
                    Vec::new()
                },
            );
        }
        MouseKind::Drag | MouseKind::Release => return Vec::new(),
    };
    if !model.layers.is_empty() {
        return Vec::new();
    }
    command::invoke(model, Call::of(name))
}
