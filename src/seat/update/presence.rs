//! Who is here and where they look: told to the room, heard from it, and followed.

use super::{Effect, draft};
use crate::{
    domain::time::{Span, Stamp},
    seat::model::{Conn, Model, Presence, Tone, View},
    wire::ToRoom,
};

/// Where one looks is told at most this often.
const EVERY: Span = Span::millis(100);
/// That one is still there is told at most this often.
const STIR_EVERY: Span = Span::secs(15);

/// What the room is to be told of this seat now, if anything.
pub fn due(model: &mut Model) -> Option<ToRoom> {
    if due_in(model) != Some(Span::ZERO) {
        return None;
    }
    let here = model.here_now();
    model.told = Some((here.clone(), model.now.clone()));
    Some(ToRoom::Here(here))
}

/// When the room is to be told; `None` where it knows all.
fn due_in(model: &Model) -> Option<Span> {
    if !matches!(model.conn, Conn::Up { .. }) || !model.loaded || model.me.is_none() {
        return None;
    }
    let Some((told, at)) = &model.told else { return Some(Span::ZERO) };
    let since = at.elapsed(&model.now);
    let here = model.here_now();
    if told.look != here.look || told.attached != here.attached || told.follows != here.follows {
        return Some(EVERY.minus(since));
    }
    // Both count from now back, so that a key since then is the nearer of the two.
    (here.idle < since).then(|| STIR_EVERY.minus(since))
}

/// When something about this seat is to be told that is not told yet.
pub fn next(model: &Model) -> Option<Stamp> {
    due_in(model).map(|wait| model.now.plus(wait))
}

/// Seats moved.
pub fn moved(model: &mut Model, here: Vec<Presence>) -> Vec<Effect> {
    if let Some(room) = &mut model.room {
        for one in here {
            match room.here.iter_mut().find(|known| known.seat == one.seat) {
                Some(known) => *known = one,
                None => room.here.push(one),
            }
        }
    }
    follow(model)
}

/// Goes where the seat looks that one follows; stops where it is gone.
pub fn follow(model: &mut Model) -> Vec<Effect> {
    let Some(leader) = model.leader.clone() else { return Vec::new() };
    let Some(seat) = model.seats().into_iter().find(|one| one.seat == leader.seat).cloned() else {
        model.leader = None;
        model.say(Tone::Info, format!("{} has left; you follow nobody", leader.name));
        return Vec::new();
    };
    // Two who began to follow each other at once would run around in a circle: the elder leads.
    if seat.seat < model.seat || !model.is_followed_by(seat.seat) {
        return seat.look.map(|look| go(model, &look)).unwrap_or_default();
    }
    model.leader = None;
    model.say(Tone::Info, format!("{} follows you, so you follow nobody", leader.name));
    Vec::new()
}

/// All may be asked to look somewhere, where before they were asked something that ended at `known`.
pub(super) fn pointed(model: &mut Model, known: Option<crate::domain::time::Wall>) {
    let Some(point) = model.point().filter(|point| Some(point.until) != known).cloned() else { return };
    // Who follows the one who asks is there already.
    if model.leader.as_ref().is_some_and(|leader| leader.seat == point.seat) {
        model.looked = Some(point.until);
        return;
    }
    let key = model.keymap.label("look").unwrap_or_default();
    let place = point.look.say(&model.state);
    model.say(Tone::Info, format!("{} asks all to look at {place}: {key} goes there", point.by));
}

/// Looks where another looks.
pub fn go(model: &mut Model, look: &crate::wire::Look) -> Vec<Effect> {
    let was = model.ui.view;
    model.look_as(look);
    if model.ui.view == View::PostMortem && was != View::PostMortem {
        return draft::open(model);
    }
    Vec::new()
}

/// Who moves by themselves follows nobody any more.
pub fn stop(model: &mut Model) {
    if let Some(leader) = model.leader.take() {
        let key = model.keymap.label("follow").unwrap_or_default();
        let again = format!("you look for yourself again; {key} follows {}", leader.name);
        if model.notice.is_none() {
            model.say(Tone::Info, again);
        }
    }
}
