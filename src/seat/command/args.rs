//! Asking for a command's arguments one by one, each with what can be chosen.

mod above;
mod options;
mod prefill;

pub use above::severity;
pub use options::options;
pub use prefill::guess;

use super::{Arg, Call, Kind, Spec};
use crate::{
    domain::deviation::ReasonCode,
    seat::{
        model::{
            Layer, Model, Pane, Tone,
            layer::{Act, Choice, Prompt},
        },
        view::widget::field::Field,
    },
};
use tui_textarea::TextArea;
use {above::above, prefill::prefill};

/// Opens the layer that asks for `arg`.
pub fn ask(model: &mut Model, spec: &'static Spec, arg: &Arg, call: Call) {
    if arg.kind == Kind::Words {
        let title = format!("{}{}", asked(&call, arg), above(model, &call));
        let area = Box::new(TextArea::from(prefill(model, &call, arg).lines()));
        let mut layer = Layer::Words { call, title, area };
        if let Layer::Words { area, .. } = &mut layer {
            area.move_cursor(tui_textarea::CursorMove::End);
        }
        model.layers.push(layer);
        return;
    }
    if arg.kind == Kind::Reason {
        let given = |code: ReasonCode| Some(Act::Call(call.clone().with(code.words())));
        let choices = Choice::reasons(given);
        model.layers.push(Layer::Pick {
            title: format!("{}{}", asked(&call, arg), above(model, &call)),
            choices,
            at: 0,
        });
        return;
    }
    if arg.kind == Kind::Need {
        let choices = needs(&call);
        model.layers.push(Layer::Pick { title: asked(&call, arg), choices, at: 0 });
        return;
    }
    let (options, strict) = options(model, arg.kind, &call);
    if strict && options.is_empty() {
        let why = if arg.kind == Kind::Power {
            "you have every power already; there is no glass to break".into()
        } else {
            format!("{}: there is nothing to choose from", spec.name)
        };
        model.say(Tone::Wrong, why);
        return;
    }
    let field = Field::with(&prefill(model, &call, arg));
    let at = (strict || (field.text().is_empty() && !options.is_empty() && !arg.optional)).then_some(0);
    let hint = hint(model, arg.kind, &call);
    model.layers.push(Layer::Prompt(Prompt {
        call,
        title: arg.ask.into(),
        hint,
        field,
        options,
        strict,
        optional: arg.optional,
        at,
    }));
}

/// No needs is one key; a need is put in words.
fn needs(call: &Call) -> Vec<Choice> {
    let mut words = Call::of("report-needs");
    words.given.clone_from(&call.given);
    let choice = |key, label: &str, detail: &str, act| Choice {
        key,
        label: label.into(),
        detail: detail.into(),
        act: Act::Call(act),
    };
    vec![
        choice('n', "no needs", "", call.clone().with("no needs")),
        choice('w', "needs", "in words; each becomes a task to assign", words),
    ]
}

/// The question, after what was given already: `severity SEV2: Why?`.
fn asked(call: &Call, arg: &Arg) -> String {
    if call.given.is_empty() {
        return arg.ask.to_owned();
    }
    if arg.kind == Kind::Need {
        return format!("{}; {}", crate::domain::text::line(&call.given.join("; ")), arg.ask);
    }
    let given = crate::domain::text::line(&call.given.join(" ")).into_owned();
    format!("{} {given}: {}", call.name, arg.ask)
}

fn hint(model: &Model, kind: Kind, call: &Call) -> String {
    match kind {
        Kind::Time => format!("now {}; 01:52Z, or 5m ago", crate::domain::time::clock_utc(model.now.wall)),
        Kind::Span => "like 90s, 15m, 2h".into(),
        Kind::Pattern if model.ui.has(Pane::Logs) => "a regular expression; (?i) ignores case".into(),
        Kind::InputValue => input(model, call).and_then(|input| input.prompt.clone()).unwrap_or_default(),
        _ => String::new(),
    }
}

fn input<'a>(model: &'a Model, call: &Call) -> Option<&'a crate::domain::plan::Input> {
    let name = call.given.first()?;
    model.walk()?.runbook.front.inputs.iter().find(|input| input.name == *name)
}
