//! Who is here, and looking where another looks.

use super::say::arg;
use crate::{
    seat::{
        model::{Layer, Leader, Model, Presence, Tone, pending::For},
        update::{Effect, presence},
    },
    wire::Ask,
};

/// With other seats in the room.
pub fn others(model: &Model) -> Result<(), String> {
    super::no(!model.others().is_empty(), "nobody else has a seat here")
}

/// While another is followed.
pub fn following(model: &Model) -> Result<(), String> {
    super::no(model.leader.is_some(), "you follow nobody")
}

/// Shows who is here.
pub fn people(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let at = model.leader.as_ref().and_then(|leader| {
        let seats = model.seats();
        seats.iter().position(|one| one.seat == leader.seat)
    });
    model.layers.push(Layer::People { at: at.unwrap_or_default() });
    Vec::new()
}

/// A seat's name: its person's, with a number where they have several, and the machine where it is at another room.
pub fn label(model: &Model, one: &Presence) -> String {
    let seats = model.seats();
    if seats.iter().filter(|other| other.who.name == one.who.name).count() < 2 {
        return one.who.name.clone();
    }
    let room = one.room.as_ref().map(|room| format!("@{room}")).unwrap_or_default();
    format!("{}#{}{room}", one.who.name, one.number())
}

/// Follows another seat; the one that is followed is followed no longer.
pub fn follow(model: &mut Model, given: &[String]) -> Vec<Effect> {
    let wanted = arg(given, 0).trim().to_owned();
    let found = {
        let others = model.others();
        let named = others.iter().find(|one| label(model, one).eq_ignore_ascii_case(&wanted));
        // Of several seats of one person, the one where something was done last.
        let by_name = || {
            let own = others.iter().filter(|one| one.who.name.eq_ignore_ascii_case(&wanted));
            own.max_by_key(|one| one.active)
        };
        named.or_else(by_name).map(|one| (**one).clone())
    };
    let Some(one) = found else {
        let names: Vec<String> = model.others().into_iter().map(|one| label(model, one)).collect();
        model.say(Tone::Wrong, format!("{wanted:?} has no seat here; to follow: {}", names.join(", ")));
        return Vec::new();
    };
    lead_by(model, &one)
}

/// Follows this seat.
pub fn lead_by(model: &mut Model, one: &Presence) -> Vec<Effect> {
    let name = label(model, one);
    if one.seat == model.seat {
        model.say(Tone::Info, "this is your own seat");
        return Vec::new();
    }
    if model.leader.as_ref().is_some_and(|leader| leader.seat == one.seat) {
        return unfollow(model, &[]);
    }
    if model.is_followed_by(one.seat) {
        model.say(Tone::Wrong, format!("{name} follows you; one of you has to lead"));
        return Vec::new();
    }
    model.leader = Some(Leader { seat: one.seat, name: name.clone() });
    let where_to = one.look.as_ref().map(|look| look.say(&model.state));
    let what = where_to.map_or_else(
        || format!("you follow {name}, who has not said yet where they look"),
        |place| format!("you follow {name}: {place}; whatever moves you yourself ends it"),
    );
    model.say(Tone::Done, what);
    presence::follow(model)
}

/// For whoever commands.
pub fn leads(model: &Model) -> Result<(), String> {
    super::no(model.leads(), "only who commands asks all to look")
}

/// While all are asked to look somewhere.
pub fn pointed(model: &Model) -> Result<(), String> {
    super::no(model.point().is_some(), "nobody asks you to look anywhere")
}

/// While this seat asks all to look.
pub fn pointing(model: &Model) -> Result<(), String> {
    let own = model.room.as_ref().and_then(|room| room.point.as_ref());
    super::no(own.is_some_and(|point| point.seat == model.seat), "you ask nobody to look")
}

/// Asks all to look where one looks.
pub fn point(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let look = model.look();
    model.ask(Ask::Point(Some(look)), For::Point(true))
}

/// Asks nobody to look any more.
pub fn unpoint(model: &mut Model, _: &[String]) -> Vec<Effect> {
    model.ask(Ask::Point(None), For::Point(false))
}

/// Goes where one is asked to look; back leads to where one was.
pub fn look(model: &mut Model, _: &[String]) -> Vec<Effect> {
    let Some(point) = model.point().cloned() else { return Vec::new() };
    model.looked = Some(point.until);
    model.before = Some(model.look());
    let back = model.keymap.label("back").unwrap_or_default();
    model.say(Tone::Done, format!("{}: {back} leads back to where you were", point.look.say(&model.state)));
    presence::go(model, &point.look)
}

/// Back from where one was asked to look, or puts the request aside.
pub fn back(model: &mut Model) -> Option<Vec<Effect>> {
    if let Some(before) = model.before.take() {
        return Some(presence::go(model, &before));
    }
    let until = model.point().map(|point| point.until)?;
    model.looked = Some(until);
    model.say(Tone::Info, "put aside");
    Some(Vec::new())
}

/// Follows nobody any more.
pub fn unfollow(model: &mut Model, _: &[String]) -> Vec<Effect> {
    if let Some(leader) = model.leader.take() {
        model.say(Tone::Info, format!("you follow {} no longer", leader.name));
    }
    Vec::new()
}
