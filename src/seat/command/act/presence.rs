//! Who is here, and looking where another looks.

use super::say::arg;
use crate::seat::{
    model::{Layer, Leader, Model, Presence, Tone},
    update::{Effect, presence},
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

/// A seat's name: its person's, with a number where they have several.
pub fn label(model: &Model, one: &Presence) -> String {
    let seats = model.seats();
    if seats.iter().filter(|other| other.who.name == one.who.name).count() < 2 {
        return one.who.name.clone();
    }
    format!("{}#{}", one.who.name, one.seat)
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

/// Follows nobody any more.
pub fn unfollow(model: &mut Model, _: &[String]) -> Vec<Effect> {
    if let Some(leader) = model.leader.take() {
        model.say(Tone::Info, format!("you follow {} no longer", leader.name));
    }
    Vec::new()
}
