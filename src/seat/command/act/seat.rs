//! The seat itself.

use crate::seat::{
    model::{
        Layer, Model, Tone, View,
        layer::{Act, Choice},
    },
    update::Effect,
    view::widget::field::Field,
};

/// Opens the palette.
pub fn palette(model: &mut Model, _: &[String]) -> Vec<Effect> {
    model.layers.push(Layer::Palette { field: Field::default(), at: 0 });
    Vec::new()
}

/// Opens the help.
pub fn help(model: &mut Model, _: &[String]) -> Vec<Effect> {
    model.layers.push(Layer::Help { field: Field::default(), top: 0 });
    Vec::new()
}

/// Switches the coach.
pub fn coach(model: &mut Model, _: &[String]) -> Vec<Effect> {
    model.coach.off = !model.coach.off;
    let say = match (model.coach.off, model.coach.text.is_some()) {
        (true, _) => "the coach is silent; C lets it speak again",
        (false, true) => "the coach speaks",
        (false, false) => "there is a coach in a drill only: warroom drill",
    };
    model.say(Tone::Info, say);
    Vec::new()
}

/// Back: the cursor goes, then the selection, then the view.
pub fn back(model: &mut Model, _: &[String]) -> Vec<Effect> {
    if let Some(effects) = super::presence::back(model) {
        return effects;
    }
    let ui = &mut model.ui;
    if ui.cursor.take().is_some() {
        return Vec::new();
    }
    let scroll = match ui.pane() {
        crate::seat::model::Pane::Timeline => Some(&ui.timeline),
        crate::seat::model::Pane::Logs => Some(&ui.logs),
        crate::seat::model::Pane::Tasks => Some(&ui.tasks),
        _ => None,
    };
    if let Some(scroll) = scroll.filter(|scroll| scroll.selected().is_some()) {
        scroll.at.set(crate::seat::view::widget::list::Position::FOLLOW);
        return Vec::new();
    }
    if ui.step.take().is_some() {
        return Vec::new();
    }
    if ui.view == View::WarRoom {
        let leave = model.keymap.label("leave").unwrap_or_default();
        model.say(Tone::Info, format!("this is the war room; {leave} leaves the seat"));
    } else {
        ui.go(View::WarRoom);
    }
    Vec::new()
}

/// Draws everything anew.
pub fn redraw(_: &mut Model, _: &[String]) -> Vec<Effect> {
    vec![Effect::Redraw]
}

/// Stops the seat.
pub fn suspend(_: &mut Model, _: &[String]) -> Vec<Effect> {
    vec![Effect::Suspend]
}

/// Leaves; asks where a step of one's own runs, which goes on.
pub fn leave(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let mine = model.running().is_some_and(|(_, _, state)| {
        state.lease.as_ref().zip(model.me.as_ref()).is_some_and(|(lease, me)| lease.owner.same(me))
    });
    if !mine {
        return vec![Effect::Quit];
    }
    let choices = vec![
        Choice {
            key: 'q',
            label: "leave".into(),
            detail: "the step goes on without you".into(),
            act: Act::Leave,
        },
        Choice { key: 's', label: "stay".into(), detail: String::new(), act: Act::Nothing },
    ];
    model.layers.push(Layer::Pick { title: "A step of yours is running".into(), choices, at: 0 });
    Vec::new()
}

/// Ctrl-C ends nothing here.
pub fn interrupt(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let label = |name| model.keymap.label(name).unwrap_or_default();
    let say = format!(
        "{} leaves the seat, the room goes on; {} cancels a running step",
        label("leave"),
        label("cancel")
    );
    model.say(Tone::Info, say);
    Vec::new()
}
