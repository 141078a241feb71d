//! Keys where something dangerous waits for a yes: a confirmation, an approval.

use super::{perform, scrolled, typing::typed};
use crate::{
    domain::{
        Command,
        incident::IncidentCommand,
        walk::{Confirmation, Glass, WalkCommand},
    },
    seat::{
        command::{self, act::walk},
        model::{
            Layer, Model, StepRef, Tone,
            layer::{Act, Approval, Confirm},
            pending::Then,
        },
        term::{Key, KeyChord},
        update::Effect,
        view::widget::field::Field,
    },
};

/// What opens a confirmation's act: the second key, or the name.
pub fn confirm(model: &mut Model, mut confirm: Confirm, key: KeyChord) -> Vec<Effect> {
    let given = match &confirm.typed {
        None if key == KeyChord::char('y') => Some(Confirmation::Second),
        Some(name) if key.key == Key::Enter && confirm.field.text().trim() == name => {
            Some(Confirmation::Typed(name.clone()))
        }
        _ => None,
    };
    if let Some(given) = given {
        return match confirm.act {
            Act::Take { walk, step, undo, again, shown } => {
                walk::send_take(model, &StepRef { walk, step }, (undo, again), given, shown)
            }
            Act::Do(mut command, say) => {
                if let Command::Walk(WalkCommand::Deviate { confirm, .. }) = command.as_mut() {
                    *confirm = given;
                }
                // The form below it has done its work once this is on its way.
                let declares = matches!(*command, Command::Incident(IncidentCommand::Declare { .. }));
                let effects = model.act(*command, say);
                if declares && !model.unsent {
                    model.layers.retain(|layer| !matches!(layer, Layer::Declare(_)));
                }
                effects
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

/// A key for an approval: yes, no, or the glass.
pub fn approval(model: &mut Model, mut open: Approval, key: KeyChord) -> Vec<Effect> {
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
                "you ask for what would run: another person approves; b breaks the glass, Esc goes back",
            );
        }
        _ => model.say(Tone::Info, "y approves, n rejects, b breaks the glass, Esc goes back"),
    }
    model.layers.push(Layer::Approval(open));
    Vec::new()
}
