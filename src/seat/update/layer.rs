//! Keys while something lies over the views. Esc closes the topmost, always.

mod consent;
mod terminal;
mod typing;

pub use terminal::resized;
pub use typing::paste;

use super::Effect;
use crate::{
    domain::{Command, freeze::AllServices, incident::IncidentCommand, name::means_all, severity::Severity},
    seat::{
        command::{
            self,
            act::{close, freeze, presence, walk},
        },
        model::{
            Layer, Model, StepRef, Tone,
            layer::{Act, Choice, Declare},
        },
        term::{Key, KeyChord},
    },
};
use typing::typed;

/// A key for the topmost layer.
pub fn key(model: &mut Model, key: KeyChord) -> Vec<Effect> {
    let Some(top) = model.layers.pop() else { return Vec::new() };
    if let Layer::Terminal(at) = top {
        return terminal::key(model, at, key);
    }
    if key == KeyChord::plain(Key::Esc) || key == KeyChord::ctrl('c') {
        if matches!(top, Layer::Words { .. } | Layer::Declare(_)) {
            model.say(Tone::Info, "nothing was sent");
        }
        model.put_aside(&top);
        return Vec::new();
    }
    // What was written for a command that cannot be sent now is still there when it can.
    let kept = (key.key == Key::Enter && is_written(&top)).then(|| top.clone());
    model.unsent = false;
    let effects = over(model, top, key);
    if std::mem::take(&mut model.unsent) {
        model.layers.extend(kept);
    }
    effects
}

/// Whether a layer holds words of the person's own.
fn is_written(layer: &Layer) -> bool {
    matches!(layer, Layer::Prompt(_) | Layer::Words { .. } | Layer::Declare(_) | Layer::Approval(_))
}

fn over(model: &mut Model, top: Layer, key: KeyChord) -> Vec<Effect> {
    match top {
        Layer::Terminal(_) => Vec::new(),
        Layer::Help { field, top } => typing::help(model, field, top, key),
        Layer::Palette { field, at } => typing::palette(model, field, at, key),
        Layer::Prompt(prompt) => typing::prompt(model, prompt, key),
        Layer::Words { call, title, area } => typing::words(model, call, title, area, key),
        Layer::Pick { title, choices, at } => pick(model, title, choices, at, key),
        Layer::Confirm(confirm) => consent::confirm(model, confirm, key),
        Layer::Approval(approval) => consent::approval(model, approval, key),
        Layer::Declare(form) => declare(model, form, key),
        Layer::Briefing { incident, lines, top } => {
            if let Some(top) = scrolled(top, key) {
                model.layers.push(Layer::Briefing { incident, lines, top });
            } else if key == KeyChord::char('y') {
                let text = lines.join("\n");
                model.layers.push(Layer::Briefing { incident, lines, top });
                return vec![Effect::Copy(text)];
            }
            Vec::new()
        }
        Layer::People { at } => people(model, at, key),
        Layer::Message { title, text, top } => {
            if let Some(top) = scrolled(top, key) {
                model.layers.push(Layer::Message { title, text, top });
            } else if key == KeyChord::char('y') {
                model.layers.push(Layer::Message { title, text: text.clone(), top });
                return vec![Effect::Copy(text)];
            }
            Vec::new()
        }
    }
}

fn people(model: &mut Model, at: usize, key: KeyChord) -> Vec<Effect> {
    let most = model.seats().len().saturating_sub(1);
    let at = at.min(most);
    match key.key {
        Key::Up | Key::Char('k') => model.layers.push(Layer::People { at: at.saturating_sub(1) }),
        Key::Down | Key::Char('j') => model.layers.push(Layer::People { at: (at + 1).min(most) }),
        Key::Char('y') => {
            model.layers.push(Layer::People { at });
            return vec![Effect::Copy(model.join_line())];
        }
        Key::Enter | Key::Char('f') => {
            if let Some(one) = model.seats().get(at).map(|one| (**one).clone()) {
                return presence::lead_by(model, &one);
            }
        }
        _ => {
            model.say(Tone::Info, "Enter follows, y copies the line to join, Esc goes back");
            model.layers.push(Layer::People { at });
        }
    }
    Vec::new()
}

fn scrolled(top: usize, key: KeyChord) -> Option<usize> {
    Some(match key.key {
        Key::Up | Key::Char('k') => top.saturating_sub(1),
        Key::Down | Key::Char('j') => top + 1,
        Key::PageUp => top.saturating_sub(10),
        Key::PageDown | Key::Char(' ') => top + 10,
        Key::Home | Key::Char('g') => 0,
        _ => return None,
    })
}

fn pick(model: &mut Model, title: String, choices: Vec<Choice>, at: usize, key: KeyChord) -> Vec<Effect> {
    let chosen = match key.key {
        Key::Enter => choices.get(at),
        Key::Char(c) => choices.iter().find(|choice| choice.key == c),
        _ => None,
    };
    if let Some(choice) = chosen {
        let act = choice.act.clone();
        return perform(model, act);
    }
    let at = match key.key {
        Key::Up => at.saturating_sub(1),
        Key::Down => (at + 1).min(choices.len().saturating_sub(1)),
        _ => {
            model.say(Tone::Info, "choose by its key, or with the arrows and Enter; Esc goes back");
            at
        }
    };
    model.layers.push(Layer::Pick { title, choices, at });
    Vec::new()
}

/// Does what was chosen or confirmed.
pub fn perform(model: &mut Model, act: Act) -> Vec<Effect> {
    match act {
        Act::Do(command, say) => model.act(*command, say),
        Act::Call(call) => command::invoke(model, call),
        Act::Take { walk, step, undo, again, shown } => {
            walk::take(model, &StepRef { walk, step }, undo, again, Some(shown))
        }
        Act::Close(deviation, code) => close::give(model, deviation, code, String::new()),
        Act::Copy(text) => vec![Effect::Copy(text)],
        Act::Leave => vec![Effect::Quit],
        Act::Nothing => Vec::new(),
    }
}

fn declare(model: &mut Model, mut form: Box<Declare>, key: KeyChord) -> Vec<Effect> {
    match key.key {
        Key::Enter => {
            let services: Vec<String> = form
                .services
                .text()
                .split([' ', ','])
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect();
            if form.title.text().trim().is_empty() {
                model.say(Tone::Info, "a title first: what is wrong, in a few words");
                form.at = 0;
                model.layers.push(Layer::Declare(form));
                return Vec::new();
            }
            // What is typed twice is confirmed in a box of its own.
            let all = services.iter().any(|name| means_all(name));
            if form.freeze && (services.is_empty() || (all && services.len() > 1)) {
                model.say(
                    Tone::Info,
                    "freeze what? name the services, or all of them by all, or take the freeze out",
                );
                form.at = 2;
                model.layers.push(Layer::Declare(form));
                return Vec::new();
            }
            // Beside others the word is nobody's name, which the room says.
            let services = if all && services.len() == 1 { Vec::new() } else { services };
            let command = IncidentCommand::Declare {
                title: form.title.text().trim().to_owned(),
                severity: form.severity,
                services,
                env: None,
                freeze: form.freeze,
                all: (all && form.freeze).then_some(AllServices::Confirmed),
            };
            let (command, say) =
                (Command::Incident(command), "declared; you command until you hand over".to_owned());
            if all && form.freeze {
                model.layers.push(Layer::Declare(form));
                freeze::confirm_all(model, command, say);
                return Vec::new();
            }
            return model.act(command, say);
        }
        Key::Tab if key.shift => form.at = (form.at + 3) % 4,
        Key::Up => form.at = form.at.saturating_sub(1),
        Key::Tab | Key::Down => form.at = (form.at + 1) % 4,
        _ => match form.at {
            0 => {
                typed(&mut form.title, key);
            }
            1 => {
                let number = match key.key {
                    Key::Char(c) => c.to_digit(10).and_then(|n| u8::try_from(n).ok()).and_then(Severity::new),
                    Key::Left => Severity::new(form.severity.number() - 1),
                    Key::Right => Severity::new(form.severity.number() + 1),
                    _ => None,
                };
                form.severity = number.unwrap_or(form.severity);
            }
            2 => {
                typed(&mut form.services, key);
            }
            _ => match key.key {
                Key::Char(' ') | Key::Left | Key::Right => form.freeze = !form.freeze,
                Key::Char('y') => form.freeze = true,
                Key::Char('n') => form.freeze = false,
                _ => {}
            },
        },
    }
    model.layers.push(Layer::Declare(form));
    Vec::new()
}
