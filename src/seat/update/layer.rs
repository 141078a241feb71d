//! Keys while something lies over the views. Esc closes the topmost, always.

use super::Effect;
use crate::{
    domain::{
        Command,
        incident::IncidentCommand,
        severity::Severity,
        walk::{Confirmation, Glass, WalkCommand},
    },
    seat::{
        command::{
            self,
            act::{close, presence, walk},
            palette,
        },
        model::{
            Layer, Model, StepRef, Tone,
            layer::{Act, Approval, Choice, Confirm, Declare, Prompt},
            pending::Then,
        },
        term::{Key, KeyChord},
        view::widget::field::Field,
    },
    wire::Steer,
};
use tui_textarea::{CursorMove, TextArea};

/// A key for the topmost layer.
pub fn key(model: &mut Model, key: KeyChord) -> Vec<Effect> {
    let Some(top) = model.layers.pop() else { return Vec::new() };
    if let Layer::Terminal(at) = top {
        return terminal(model, at, key);
    }
    if key == KeyChord::plain(Key::Esc) || key == KeyChord::ctrl('c') {
        if matches!(top, Layer::Words { .. } | Layer::Declare(_)) {
            model.say(Tone::Info, "nothing was sent");
        }
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
        Layer::Help { field, top } => help(model, field, top, key),
        Layer::Palette { field, at } => palette_(model, field, at, key),
        Layer::Prompt(prompt) => prompt_(model, prompt, key),
        Layer::Words { call, title, area } => words(model, call, title, area, key),
        Layer::Pick { title, choices, at } => pick(model, title, choices, at, key),
        Layer::Confirm(confirm) => confirm_(model, confirm, key),
        Layer::Approval(approval) => approval_(model, approval, key),
        Layer::Declare(form) => declare(model, form, key),
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

/// A key for a line to type into; whether it was one.
fn typed(field: &mut Field, key: KeyChord) -> bool {
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

fn help(model: &mut Model, mut field: Field, top: usize, key: KeyChord) -> Vec<Effect> {
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

fn palette_(model: &mut Model, mut field: Field, at: usize, key: KeyChord) -> Vec<Effect> {
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

fn prompt_(model: &mut Model, mut prompt: Prompt, key: KeyChord) -> Vec<Effect> {
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

fn words(
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
        Act::Take { walk, step, undo, again } => walk::take(model, &StepRef { walk, step }, undo, again),
        Act::Close(deviation, code) => close::give(model, deviation, code, String::new()),
        Act::Copy(text) => vec![Effect::Copy(text)],
        Act::Leave => vec![Effect::Quit],
        Act::Nothing => Vec::new(),
    }
}

/// What opens a confirmation's act: the second key, or the name.
fn confirm_(model: &mut Model, mut confirm: Confirm, key: KeyChord) -> Vec<Effect> {
    let given = match &confirm.typed {
        None if key == KeyChord::char('y') => Some(Confirmation::Second),
        Some(name) if key.key == Key::Enter && confirm.field.text().trim() == name => {
            Some(Confirmation::Typed(name.clone()))
        }
        _ => None,
    };
    if let Some(given) = given {
        return match confirm.act {
            Act::Take { walk, step, undo, again } => {
                walk::send_take(model, &StepRef { walk, step }, undo, again, given)
            }
            Act::Do(mut command, say) => {
                if let Command::Walk(WalkCommand::Deviate { confirm, .. }) = command.as_mut() {
                    *confirm = given;
                }
                model.act(*command, say)
            }
            act => perform(model, act),
        };
    }
    let moves = matches!(key.key, Key::Up | Key::Down | Key::PageUp | Key::PageDown);
    if let Some(top) = scrolled(confirm.top, key).filter(|_| moves) {
        confirm.top = top.min(confirm.lines.len().saturating_sub(1));
    } else if confirm.typed.is_some() {
        if key.key == Key::Enter {
            model.say(Tone::Wrong, "that is not the name; type it exactly, or Esc");
        } else {
            typed(&mut confirm.field, key);
        }
    } else {
        model.say(Tone::Info, "y does it, Esc goes back");
    }
    model.layers.push(Layer::Confirm(confirm));
    Vec::new()
}

fn approval_(model: &mut Model, mut open: Approval, key: KeyChord) -> Vec<Effect> {
    let (walk, step) = (open.at.walk, open.at.step.clone());
    if let Some((target, reason, second)) = &mut open.glass {
        match key.key {
            Key::Tab | Key::Up | Key::Down => *second = !*second,
            Key::Enter if !*second => *second = true,
            Key::Enter => {
                let glass = Glass { typed: target.text().trim().into(), reason: reason.text().trim().into() };
                let command = WalkCommand::Approve { walk, step, digest: open.digest, glass: Some(glass) };
                model.layers.push(Layer::Approval(open));
                return model.command(
                    Command::Walk(command),
                    Then::Say("the glass is broken; every seat sees it".into()),
                );
            }
            _ => {
                typed(if *second { reason } else { target }, key);
            }
        }
        model.layers.push(Layer::Approval(open));
        return Vec::new();
    }
    let alone = walk::is_requester(model, &open.at);
    match key.key {
        Key::Up | Key::Down | Key::PageUp | Key::PageDown => {
            open.top = scrolled(open.top, key).unwrap_or(open.top);
        }
        Key::Char('y') if !alone => {
            let command = WalkCommand::Approve { walk, step, digest: open.digest, glass: None };
            return model.act(Command::Walk(command), "approved");
        }
        Key::Char('n') => return command::invoke(model, command::Call::of("reject")),
        Key::Char('b') => {
            open.glass = Some((Field::default(), Field::default(), false));
        }
        _ if alone => {
            model.say(
                Tone::Info,
                "you asked for it: another person approves; b breaks the glass, Esc goes back",
            );
        }
        _ => model.say(Tone::Info, "y approves, n rejects, b breaks the glass, Esc goes back"),
    }
    model.layers.push(Layer::Approval(open));
    Vec::new()
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
            let command = IncidentCommand::Declare {
                title: form.title.text().trim().to_owned(),
                severity: form.severity,
                services,
                env: None,
                freeze: form.freeze,
            };
            return model.act(Command::Incident(command), "declared; you command until you hand over");
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

fn terminal(model: &mut Model, at: StepRef, key: KeyChord) -> Vec<Effect> {
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

/// The terminal of a step follows the size of the seat's.
pub fn resized(model: &mut Model) -> Vec<Effect> {
    match model.layers.last() {
        Some(Layer::Terminal(at)) => {
            let (cols, rows) = crate::seat::view::layout::terminal(model.ui.size);
            model.steer(at.clone(), Steer::Resize { cols, rows })
        }
        _ => Vec::new(),
    }
}
